/* test_transact.c - transactions, keys of work and the high-water time, on both backends. */
#include "backend.h"

#include "store/backup.h"
#include "store/nonce_window.h"

/* Work that counts how often it ran and can be told to fail. */
struct counted {
    uint32_t first, count;
    unsigned runs;
    bool fails;
};

static rc add_counted(struct trail *trail, struct store *store, void *arg)
{
    struct counted *what = arg;
    what->runs++;
    for (uint32_t i = 0; i < what->count; i++) {
        struct store_session session = session_of(what->first + i, what->first + i, NOW + 50);
        TRY(trail, store_session_add(trail, store, NOW, &session));
    }
    return what->fails ? REFUSE(trail, REASON_NONCE_REPLAYED) : RC_SUCCESS;
}

static int64_t sessions_in(struct store *store)
{
    struct backup_proof proof;
    assert_rc(backup_state(NULL, store, &proof), "OK");
    assert_string_equal(backup_table_name(3), "sessions");
    return (int64_t)proof.rows[3];
}

static void test_transactions_are_whole(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        bool ran = false;
        store_begin(&spec, &store);
        struct counted work = { .first = 100, .count = 40, .fails = true };
        struct store_work call = { .run = add_counted, .arg = &work, .key = { 1 } };
        assert_rc(store_transact(NULL, &store, NOW, &call, &ran), "NONCE_REPLAYED");
        assert_false(ran);
        assert_int_equal(sessions_in(&store), 0);
        work.fails = false;
        assert_rc(store_transact(NULL, &store, NOW, &call, &ran), "OK");
        assert_true(ran);
        assert_int_equal(sessions_in(&store), 40);
        /* The same key is the same work, also after a restart. */
        store_close(&store);
        assert_rc(store_open(NULL, &spec, &store_limits_default, &store), "OK");
        assert_rc(store_transact(NULL, &store, NOW, &call, &ran), "OK");
        assert_false(ran);
        assert_int_equal(work.runs, 2);
        call.key[0] = 2; /* a new key runs, meets what is there, and undoes all it did */
        work.first = 61;
        assert_rc(store_transact(NULL, &store, NOW, &call, &ran), "STORE_USED");
        assert_int_equal(sessions_in(&store), 40);
        store_close(&store);
    }
}

static rc nested(struct trail *trail, struct store *store, void *arg)
{
    bool ran = false;
    return store_transact(trail, store, NOW, arg, &ran);
}

static void test_a_transaction_has_none_inside(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        bool ran = false;
        store_begin(&spec, &store);
        struct counted work = { .first = 1, .count = 1 };
        struct store_work inner = { .run = add_counted, .arg = &work, .key = { 1 } };
        struct store_work outer = { .run = nested, .arg = &inner, .key = { 2 } };
        assert_rc(store_transact(NULL, &store, NOW, &outer, &ran), "STORE_STATEMENT");
        assert_int_equal(sessions_in(&store), 0);
        store_close(&store);
    }
}

static void test_keys_are_forgotten_in_time(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        bool ran = false;
        store_begin(&spec, &store);
        struct counted work = { .count = 0 };
        struct store_work call = { .run = add_counted, .arg = &work, .key = { 9 } };
        assert_rc(store_transact(NULL, &store, NOW, &call, &ran), "OK");
        int64_t kept = NOW + STORE_KEY_KEPT_S;
        for (int i = 0; i < 130; i++)
            assert_rc(store_high_water_raise(NULL, &store, kept, 1), "OK");
        assert_rc(store_transact(NULL, &store, kept, &call, &ran), "OK");
        assert_false(ran);
        for (int i = 0; i < 130; i++)
            assert_rc(store_high_water_raise(NULL, &store, kept + 1, 1), "OK");
        assert_rc(store_transact(NULL, &store, kept + 1, &call, &ran), "OK");
        assert_true(ran);
        store_close(&store);
    }
}

/* A process that adds sessions until the bound stops it. */
static void write_until_full(const struct db_spec *spec, uint32_t writer)
{
    struct store own;
    if (!rc_ok(store_open(NULL, spec, &store_limits_default, &own)))
        _exit(1);
    own.limits.sessions = 25;
    for (uint32_t i = 0; i < 10; i++) {
        struct store_session session = session_of(100 * writer + i, writer, NOW + 50);
        rc got = store_session_add(NULL, &own, NOW, &session);
        if (!rc_ok(got) && rc_number(got) != REASON_STORE_LIMIT)
            _exit(2);
    }
    store_close(&own);
    _exit(0);
}

/* Writers that count and add: together they keep the bound. */
static void test_writers_take_turns(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        enum { WRITERS = 4 };
        struct store store;
        pid_t pids[WRITERS];
        store_begin(&spec, &store);
        store_close(&store);
        for (uint32_t w = 0; w < WRITERS; w++) {
            pids[w] = fork();
            if (pids[w] == 0)
                write_until_full(&spec, w);
        }
        for (int i = 0; i < WRITERS; i++) {
            int status = 1;
            waitpid(pids[i], &status, 0);
            assert_int_equal(status, 0);
        }
        assert_rc(store_open(NULL, &spec, &store_limits_default, &store), "OK");
        assert_int_equal(sessions_in(&store), 25);
        struct store_meta meta;
        assert_rc(store_meta_read(NULL, &store, &meta), "OK");
        assert_int_equal(meta.generation, 1 + 25);
        store_close(&store);
    }
}

/* One life of a process that takes requests: seven seconds, each request of a second around
   now.  *latest is the latest time that was ever accepted. */
static void live(struct store *store, int64_t start, int64_t *latest)
{
    static const struct nonce_rules rules = { 1000, 1000, 60, 5, 10 };
    struct arena arena;
    struct nonce_window window;
    struct store_meta meta;
    arena_init(&arena, 1 << 20);
    assert_rc(nonce_window_open(NULL, store, &rules, &arena, &window), "OK");
    assert_true(window.floor >= *latest);
    for (int64_t i = 0; i < 7 * 9; i++) {
        int64_t now = start + i / 9;
        int64_t at = now - 3 + i % 9;
        struct nonce_claim claim = { span_text("who"), span_of(&at, sizeof at), at };
        rc got = nonce_window_take(NULL, &window, now, &claim);
        assert_true(!rc_ok(got) || at > window.floor);
        *latest = rc_ok(got) && at > *latest ? at : *latest;
        assert_rc(store_meta_read(NULL, store, &meta), "OK");
        assert_true(meta.high_water >= *latest);
    }
    arena_fini(&arena);
}

/* What was accepted before is never accepted after, and there are fewer writes than requests. */
static void test_high_water_over_restarts(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        struct store_meta meta;
        int64_t latest = 0;
        store_begin(&spec, &store);
        for (int64_t start = NOW; start < NOW + 120; start += 7) {
            live(&store, start, &latest);
            store_close(&store);
            assert_rc(store_open(NULL, &spec, &store_limits_default, &store), "OK");
        }
        assert_rc(store_meta_read(NULL, &store, &meta), "OK");
        assert_true(latest > NOW + 100);
        assert_in_range(meta.generation, 10, 60);
        store_close(&store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_transactions_are_whole, ""),     TEST(test_a_transaction_has_none_inside, ""),
        TEST(test_keys_are_forgotten_in_time, ""), TEST(test_writers_take_turns, ""),
        TEST(test_high_water_over_restarts, ""),
    };
    return cmocka_run_group_tests(tests, backends_begin, backends_end);
}
