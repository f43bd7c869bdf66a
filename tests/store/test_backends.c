/* test_backends.c - the store on SQLite and on PostgreSQL, one table of tests for both. */
#include <sys/stat.h>

#include "backend.h"

static void test_server_is_there(void **state)
{
    (void)state;
    if (backends.conninfo[0] == 0)
        skip();
}

static void test_plan_says_and_changes_nothing(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store_plan plan;
        struct store store;
        for (uint32_t done = 0; done <= STORE_STEPS; done++) {
            assert_rc(store_migrate(NULL, &spec, NOW, done), "OK");
            for (int twice = 0; twice < 2; twice++) {
                assert_rc(store_plan_read(NULL, &spec, &plan), "OK");
                assert_int_equal(plan.schema, done);
                assert_int_equal(plan.wanted, STORE_STEPS);
            }
            for (uint32_t i = 0; i < STORE_STEPS; i++)
                assert_int_equal(plan.steps[i].applied, i < done);
            if (done < STORE_STEPS)
                assert_rc(store_open(NULL, &spec, &store_limits_default, &store),
                          "STORE_SCHEMA_OLDER");
        }
        assert_rc(store_open(NULL, &spec, &store_limits_default, &store), "OK");
        struct store_meta meta;
        assert_rc(store_meta_read(NULL, &store, &meta), "STORE_EMPTY");
        assert_rc(store_high_water_raise(NULL, &store, NOW, NOW), "STORE_EMPTY");
        store_close(&store);
    }
}

/* What a database of another time looks like to this program. */
static void spoil(const struct db_spec *spec, enum db_sql sql, uint32_t number)
{
    struct db db;
    static const uint8_t sum[32] = { 1 };
    assert_rc(db_open(NULL, spec, &db), "OK");
    assert_rc(db.backend->begin(NULL, &db, DB_SCHEMA), "OK");
    const struct db_value in[] = { DB_INT(number), DB_BYTES(SPAN(sum)), DB_INT(NOW) };
    assert_rc(db_run(NULL, &db, sql, in), "OK");
    assert_rc(db.backend->commit(NULL, &db), "OK");
    db_close(&db);
}

static void test_other_schemas_are_refused(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        struct store_plan plan = { .schema = 77 };
        assert_rc(store_migrate(NULL, &spec, NOW, UINT32_MAX), "OK");
        spoil(&spec, SQL_MIGRATION_ADD, STORE_STEPS + 1);
        assert_rc(store_open(NULL, &spec, &store_limits_default, &store), "STORE_SCHEMA_NEWER");
        assert_rc(store_migrate(NULL, &spec, NOW, UINT32_MAX), "STORE_SCHEMA_NEWER");
        assert_rc(store_plan_read(NULL, &spec, &plan), "STORE_SCHEMA_NEWER");
        assert_int_equal(plan.schema, 77);
        assert_non_null(strstr(reason_info(REASON_STORE_SCHEMA_NEWER)->help,
                               "`ward backup restore FILE --state NEW`"));
    }
    EACH_BACKEND(spec)
    {
        struct store store;
        assert_rc(store_migrate(NULL, &spec, NOW, 2), "OK");
        spoil(&spec, SQL_MIGRATION_ADD, 3); /* with another checksum */
        assert_rc(store_open(NULL, &spec, &store_limits_default, &store), "STORE_SCHEMA_CHANGED");
        assert_rc(store_migrate(NULL, &spec, NOW, UINT32_MAX), "STORE_SCHEMA_CHANGED");
    }
    EACH_BACKEND(spec)
    {
        assert_rc(store_migrate(NULL, &spec, NOW, 2), "OK");
        spoil(&spec, SQL_MIGRATION_ADD, 4); /* a gap */
        assert_rc(store_migrate(NULL, &spec, NOW, UINT32_MAX), "STORE_SCHEMA_CHANGED");
    }
}

static void test_two_migrators(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        enum { MIGRATORS = 4 };
        pid_t pids[MIGRATORS];
        for (int i = 0; i < MIGRATORS; i++) {
            pids[i] = fork();
            if (pids[i] == 0)
                _exit((int)(rc_number(store_migrate(NULL, &spec, NOW, UINT32_MAX)) & 255));
        }
        for (int i = 0; i < MIGRATORS; i++) {
            int status = 1;
            waitpid(pids[i], &status, 0);
            assert_int_equal(status, 0);
        }
        struct store store;
        assert_rc(store_open(NULL, &spec, &store_limits_default, &store), "OK");
        store_close(&store);
    }
}

static void test_an_installation_stays(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        struct store_meta first;
        struct store_meta second;
        store_begin(&spec, &store);
        assert_rc(store_meta_read(NULL, &store, &first), "OK");
        assert_int_equal(first.created, NOW);
        assert_false(bytes_are_zero(first.installation, sizeof first.installation));
        assert_rc(store_found(NULL, &store, NOW + 5), "OK");
        store_close(&store);
        assert_rc(store_open(NULL, &spec, &store_limits_default, &store), "OK");
        assert_rc(store_meta_read(NULL, &store, &second), "OK");
        assert_true(bytes_equal(&first, &second, sizeof first));
        store_close(&store);
        store_close(&store); /* {0} is valid */
        assert_rc(store_meta_read(NULL, &store, &second), "STORE_UNREACHABLE");
    }
}

static void test_sessions(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        struct store_session got = { .created = 3 };
        store_begin(&spec, &store);
        struct store_session one = session_of(1, 10, NOW + 10);
        struct store_session two = session_of(2, 10, NOW + 20);
        struct store_session other = session_of(3, 11, NOW + 20);
        assert_rc(store_session_add(NULL, &store, NOW, &one), "OK");
        assert_rc(store_session_add(NULL, &store, NOW, &one), "STORE_USED");
        assert_rc(store_session_add(NULL, &store, NOW, &two), "OK");
        assert_rc(store_session_add(NULL, &store, NOW, &other), "OK");
        assert_rc(store_session_find(NULL, &store, NOW + 9, one.token, &got), "OK");
        assert_same_session(&got, &one);
        got.created = 3;
        assert_rc(store_session_find(NULL, &store, NOW + 10, one.token, &got), "STORE_NO_SESSION");
        assert_rc(store_session_find(NULL, &store, NOW, id_of(9), &got), "STORE_NO_SESSION");
        assert_int_equal(got.created, 3);
        assert_rc(store_session_end(NULL, &store, NOW, id_of(9)), "OK");
        assert_rc(store_session_end(NULL, &store, NOW, one.token), "OK");
        assert_rc(store_session_find(NULL, &store, NOW, one.token, &got), "STORE_NO_SESSION");
        assert_rc(store_session_find(NULL, &store, NOW, other.token, &got), "OK");
        store_close(&store);
    }
}

static void test_pages_of_sessions(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        struct store_session got[4];
        struct store_page page = { got, 4, 9 };
        store_begin(&spec, &store);
        assert_rc(store_session_page(NULL, &store, NOW, (struct span){ 0 }, &page), "OK");
        assert_int_equal(page.count, 0);
        for (uint32_t i = 5; i > 0; i--) {
            struct store_session one = session_of(i << 8, 10, i == 3 ? NOW + 1 : NOW + 9);
            one.vouched = i == 2;
            one.profile = i == 4 ? SESSION_SDK_V1 : SESSION_V2;
            assert_rc(store_session_add(NULL, &store, NOW, &one), "OK");
        }
        assert_rc(store_session_page(NULL, &store, NOW, (struct span){ 0 }, &page), "OK");
        assert_int_equal(page.count, 4);
        assert_memory_equal(got[2].token, id_of(3 << 8), STORE_ID_LEN);
        assert_true(got[1].vouched && !got[2].vouched);
        assert_int_equal(got[3].profile, SESSION_SDK_V1);
        uint8_t last[STORE_ID_LEN];
        memcpy(last, got[3].token, sizeof last);
        assert_rc(store_session_page(NULL, &store, NOW, SPAN(last), &page), "OK");
        assert_int_equal(page.count, 1);
        assert_memory_equal(got[0].token, id_of(5 << 8), STORE_ID_LEN);
        /* Those that are over are passed by, and the beginning of one finds it. */
        uint8_t begins[3] = { 0, 0, 3 };
        page.cap = 1;
        assert_rc(store_session_page(NULL, &store, NOW + 1, SPAN(begins), &page), "OK");
        assert_int_equal(page.count, 1);
        assert_memory_equal(got[0].token, id_of(4 << 8), STORE_ID_LEN);
        assert_rc(store_session_page(NULL, &store, NOW + 9, SPAN(begins), &page), "OK");
        assert_int_equal(page.count, 0);
        store_close(&store);
    }
}

/* What nobody may be called, and a profile that there is not. */
static void test_sessions_that_are_none(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        store_begin(&spec, &store);
        struct store_session longer = session_of(1, 10, NOW + 10), other = longer, none = longer;
        longer.name_len = SESSION_NAME_MAX + 1;
        other.profile = (enum session_profile)9;
        none.profile = SESSION_NONE;
        assert_rc(store_session_add(NULL, &store, NOW, &longer), "STORE_STATEMENT");
        assert_rc(store_session_add(NULL, &store, NOW, &other), "STORE_STATEMENT");
        assert_rc(store_session_add(NULL, &store, NOW, &none), "STORE_STATEMENT");
        store_close(&store);
    }
}

static const struct store_limits few = {
    .sessions = 5, .sessions_share = 3, .nonces = 5, .nonces_share = 3, .bans = 3
};

static void test_bounds_of_sessions(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        static const struct {
            uint32_t token, identity;
            int64_t now, expires;
            const char *wanted;
        } rows[] = {
            { 1, 10, NOW, NOW + 10, "OK" },
            { 2, 10, NOW, NOW + 99, "OK" },
            { 3, 10, NOW, NOW + 99, "OK" },
            { 4, 10, NOW, NOW + 99, "STORE_SHARE" },
            { 4, 11, NOW, NOW + 99, "OK" },
            { 5, 12, NOW, NOW + 99, "OK" },
            { 6, 13, NOW, NOW + 99, "STORE_LIMIT" },
            { 6, 13, NOW + 9, NOW + 99, "STORE_LIMIT" },
            { 6, 13, NOW + 10, NOW + 99, "OK" }, /* the first has expired */
            { 7, 10, NOW + 10, NOW + 99, "STORE_LIMIT" },
        };
        struct store store;
        store_begin(&spec, &store);
        store.limits = few;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct store_session row = session_of(rows[i].token, rows[i].identity, rows[i].expires);
            assert_rc(store_session_add(NULL, &store, rows[i].now, &row), rows[i].wanted);
        }
        store_close(&store);
    }
}

static void test_bounds_of_nonces(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        static const struct {
            uint32_t identity, value;
            int64_t now, expires;
            const char *wanted;
        } rows[] = {
            { 1, 1, NOW, NOW, "STORE_USED" }, /* over already */
            { 1, 1, NOW, NOW + 9, "OK" },
            { 1, 1, NOW, NOW + 9, "STORE_USED" },
            { 1, 1, NOW + 8, NOW + 99, "STORE_USED" },
            { 2, 1, NOW, NOW + 9, "OK" }, /* another identity's */
            { 1, 2, NOW, NOW + 9, "OK" },
            { 1, 3, NOW, NOW + 9, "OK" },
            { 1, 4, NOW, NOW + 9, "STORE_SHARE" },
            { 3, 1, NOW, NOW + 9, "OK" },
            { 4, 1, NOW, NOW + 9, "STORE_LIMIT" },
            { 4, 1, NOW + 9, NOW + 20, "OK" },
        };
        struct store store;
        store_begin(&spec, &store);
        store.limits = few;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            assert_rc(store_nonce_use(NULL, &store, rows[i].now, id_of(rows[i].identity),
                                      id_of(rows[i].value), rows[i].expires),
                      rows[i].wanted);
            /* Over a restart it is as used as before. */
            store_close(&store);
            assert_rc(store_open(NULL, &spec, &few, &store), "OK");
        }
        store_close(&store);
    }
}

static struct store_ban ban_of(uint8_t last, uint8_t prefix, int64_t until)
{
    struct store_ban ban = { .prefix = prefix, .reason = REASON_NONCE_REPLAYED, .until = until };
    ban.address[0] = 0x20;
    ban.address[7] = last;
    return ban;
}

static void test_bans(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        struct store_ban got = { 0 };
        bool found = false;
        store_begin(&spec, &store);
        store.limits = few;
        struct store_ban bans[] = { ban_of(1, 64, NOW + 10), ban_of(2, 64, NOW + 30),
                                    ban_of(3, 128, NOW + 20), ban_of(4, 64, NOW + 40) };
        assert_rc(store_ban_add(NULL, &store, NOW, &bans[1]), "OK");
        struct store_ban shorter = ban_of(2, 64, NOW + 5);
        shorter.reason = REASON_STORE_SHARE;
        assert_rc(store_ban_add(NULL, &store, NOW, &shorter), "OK");
        assert_rc(store_ban_next(NULL, &store, NOW, NULL, &got, &found), "OK");
        assert_true(found);
        assert_int_equal(got.until, NOW + 30);
        assert_int_equal(got.count, 2);
        assert_int_equal(got.reason, REASON_STORE_SHARE);
        assert_int_equal(got.prefix, 64);
        assert_rc(store_ban_add(NULL, &store, NOW, &bans[0]), "OK");
        assert_rc(store_ban_add(NULL, &store, NOW, &bans[2]), "OK");
        assert_rc(store_ban_add(NULL, &store, NOW, &bans[3]), "OK"); /* bans[0] gives way */
        unsigned seen = 0;
        const struct store_ban *after = NULL;
        for (;;) {
            struct store_ban last = got;
            assert_rc(store_ban_next(NULL, &store, NOW, after == NULL ? NULL : &last, &got, &found),
                      "OK");
            if (!found)
                break;
            after = &got;
            assert_int_equal(got.address[7], 2 + seen++);
        }
        assert_int_equal(seen, 3);
        assert_rc(store_ban_next(NULL, &store, NOW + 40, NULL, &got, &found), "OK");
        assert_false(found);
        assert_rc(store_ban_lift(NULL, &store, NOW, bans[1].address, 64), "OK");
        assert_rc(store_ban_next(NULL, &store, NOW, NULL, &got, &found), "OK");
        assert_int_equal(got.address[7], 3);
        struct store_ban strange[] = { ban_of(1, 129, NOW + 1), ban_of(1, 63, NOW + 1),
                                       ban_of(0, 2, NOW + 1), ban_of(1, 64, NOW + 1) };
        strange[3].reason = REASON_OK;
        for (size_t i = 0; i < 4; i++)
            assert_rc(store_ban_add(NULL, &store, NOW, &strange[i]), "STORE_STATEMENT");
        store_close(&store);
    }
}

static void test_sweep(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        int64_t swept = 0;
        store_begin(&spec, &store);
        for (uint32_t i = 0; i < 6; i++) {
            struct store_session session = session_of(i, i, NOW + 1 + i);
            struct store_ban ban = ban_of((uint8_t)i, 64, NOW + 1 + i);
            assert_rc(store_session_add(NULL, &store, NOW, &session), "OK");
            assert_rc(store_ban_add(NULL, &store, NOW, &ban), "OK");
            assert_rc(store_nonce_use(NULL, &store, NOW, id_of(i), id_of(i), NOW + 1 + i), "OK");
        }
        assert_rc(store_sweep(NULL, &store, NOW, &swept), "OK");
        assert_int_equal(swept, 0);
        assert_rc(store_sweep(NULL, &store, NOW + 2, &swept), "OK");
        assert_int_equal(swept, 6);
        assert_rc(store_sweep(NULL, &store, NOW + 99, &swept), "OK");
        assert_int_equal(swept, 12);
        store_close(&store);
    }
}

static void test_anchor_and_rollback(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        struct store_anchor got = { .size = 9 };
        struct store_anchor anchor = { .size = 10, .root = { 1 } };
        struct store_anchor other = { .size = 10, .root = { 2 } };
        struct store_anchor back = { .size = 9, .root = { 1 } };
        struct store_anchor none = { 0 };
        store_begin(&spec, &store);
        assert_rc(store_anchor_read(NULL, &store, &got), "OK");
        assert_int_equal(got.size, 0);
        assert_rc(store_anchor_move(NULL, &store, NOW, &none), "STORE_ANCHOR_BACK");
        assert_rc(store_anchor_move(NULL, &store, NOW, &anchor), "OK");
        assert_rc(store_anchor_move(NULL, &store, NOW, &anchor), "OK");
        assert_rc(store_anchor_move(NULL, &store, NOW, &other), "STORE_ANCHOR_BACK");
        assert_rc(store_anchor_move(NULL, &store, NOW, &back), "STORE_ANCHOR_BACK");
        assert_rc(store_anchor_read(NULL, &store, &got), "OK");
        assert_true(bytes_equal(&got, &anchor, sizeof got));
        struct store_meta meta;
        assert_rc(store_meta_read(NULL, &store, &meta), "OK");
        const struct {
            const char *what;
            int64_t generation, size;
            uint8_t root;
            const char *wanted;
        } rows[] = {
            { "all of one day", meta.generation, 10, 1, "OK" },
            { "the log went on", meta.generation - 1, 99, 1, "OK" },
            { "an old database", meta.generation + 1, 10, 1, "STORE_ROLLED_BACK" },
            { "a shorter log", meta.generation, 9, 1, "STORE_LOG_ROLLED_BACK" },
            { "no log", meta.generation, 0, 0, "STORE_LOG_ROLLED_BACK" },
            { "another log", meta.generation, 10, 2, "STORE_LOG_ROLLED_BACK" },
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct store_evidence evidence = { rows[i].generation, rows[i].size, { rows[i].root } };
            print_message("# %s\n", rows[i].what);
            assert_rc(store_judge(NULL, &store, &evidence), rows[i].wanted);
        }
        struct store_evidence later = { meta.generation + 500, 10, { 1 } };
        assert_rc(store_judge(NULL, &store, &later), "STORE_ROLLED_BACK");
        assert_rc(store_forgive(NULL, &store, NOW + 7, later.generation), "OK");
        assert_rc(store_judge(NULL, &store, &later), "OK");
        assert_rc(store_meta_read(NULL, &store, &meta), "OK");
        assert_int_equal(meta.high_water, NOW + 7);
        store_close(&store);
    }
}

static size_t written(const struct db_spec *spec)
{
    char path[512];
    struct stat stat_of = { 0 };
    snprintf(path, sizeof path, "%s-wal", spec->place);
    return stat(path, &stat_of) == 0 ? (size_t)stat_of.st_size : 0;
}

/* However often an old copy is opened, it is as old as before; and something was written. */
static void test_touch_is_no_transaction(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        struct store_meta before, after;
        store_begin(&spec, &store);
        assert_rc(store_meta_read(NULL, &store, &before), "OK");
        for (int i = 0; i < 3; i++) {
            size_t had = written(&spec);
            assert_rc(store_touch(NULL, &store), "OK");
            assert_true(spec.kind != DB_SQLITE || written(&spec) > had);
        }
        assert_rc(store_meta_read(NULL, &store, &after), "OK");
        assert_true(bytes_equal(&before, &after, sizeof before));
        store_close(&store);
    }
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *what, *conninfo, *wanted;
    } rows[] = {
        { "no host", "dbname=postgres", "STORE_ADDRESS" },
        { "empty", "", "STORE_ADDRESS" },
        { "no conninfo", "host", "STORE_ADDRESS" },
        { "another host", "host=10.0.0.1 dbname=x", "STORE_ADDRESS" },
        { "one of two", "host=127.0.0.9,10.0.0.1", "STORE_ADDRESS" },
        { "a default in a list", "host=127.0.0.9,", "STORE_ADDRESS" },
        { "a host that leads elsewhere", "host=127.0.0.9 hostaddr=10.0.0.1", "STORE_ADDRESS" },
        { "a service file", "host=127.0.0.9 service=other", "STORE_ADDRESS" },
        { "a URI of another", "postgresql://10.0.0.1/x", "STORE_ADDRESS" },
        { "a longer name", "host=127.0.0.99", "STORE_ADDRESS" },
        { "the one", "host=127.0.0.9 port=1", "STORE_UNREACHABLE" },
        { "the one as a URI", "postgresql://127.0.0.9:1/x", "STORE_UNREACHABLE" },
    };
    static const char *const known[] = { "127.0.0.9" };
    struct store store;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct db_spec spec = { DB_POSTGRES, rows[i].conninfo, known, 1 };
        print_message("# %s\n", rows[i].what);
        assert_rc(store_open(NULL, &spec, &store_limits_default, &store), rows[i].wanted);
    }
    setenv("PGHOSTADDR", "10.0.0.1", 1);
    struct db_spec led = { DB_POSTGRES, "host=127.0.0.9 port=1", known, 1 };
    assert_rc(store_open(NULL, &led, &store_limits_default, &store), "STORE_ADDRESS");
    unsetenv("PGHOSTADDR");
    struct db_spec none = { 0 };
    assert_rc(store_open(NULL, &none, &store_limits_default, &store), "STORE_ADDRESS");
    struct db_spec nowhere = { .kind = DB_SQLITE, .place = "/nonexistent/ward.db" };
    assert_rc(store_open(NULL, &nowhere, &store_limits_default, &store), "STORE_UNREACHABLE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_server_is_there, ""),
        TEST(test_plan_says_and_changes_nothing, ""),
        TEST(test_other_schemas_are_refused, "RL-56"),
        TEST(test_two_migrators, "RL-56"),
        TEST(test_an_installation_stays, ""),
        TEST(test_sessions, ""),
        TEST(test_pages_of_sessions, ""),
        TEST(test_sessions_that_are_none, ""),
        TEST(test_bounds_of_sessions, ""),
        TEST(test_bounds_of_nonces, ""),
        TEST(test_bans, ""),
        TEST(test_sweep, ""),
        TEST(test_anchor_and_rollback, ""),
        TEST(test_touch_is_no_transaction, ""),
        TEST(test_addresses, ""),
    };
    return cmocka_run_group_tests(tests, backends_begin, backends_end);
}
