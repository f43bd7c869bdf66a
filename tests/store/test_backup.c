/* test_backup.c - what leaves the store is whole and comes back the same, or not at all. */
#include "backend.h"

#include "store/backup.h"

enum { STREAM = 1 << 20 };

struct stream {
    uint8_t bytes[STREAM];
    size_t len;
    size_t at;
    size_t most; /* bytes a read gives; 0: as many as are wanted */
    size_t fail; /* the call from which on all fail; 0: none */
    size_t calls;
};

static struct stream stream;

static rc put(struct trail *trail, void *arg, struct span bytes)
{
    struct stream *to = arg;
    if (++to->calls == to->fail || bytes.len > sizeof to->bytes - to->len)
        return REFUSE(trail, REASON_STORE_FULL);
    memcpy(to->bytes + to->len, bytes.at, bytes.len);
    to->len += bytes.len;
    return RC_SUCCESS;
}

static rc get(struct trail *trail, void *arg, void *out, size_t cap, size_t *got)
{
    struct stream *from = arg;
    size_t left = from->len - from->at;
    if (++from->calls == from->fail)
        return REFUSE(trail, REASON_STORE_IO);
    cap = from->most != 0 && cap > from->most ? from->most : cap;
    *got = left < cap ? left : cap;
    memcpy(out, from->bytes + from->at, *got);
    from->at += *got;
    return RC_SUCCESS;
}

static const struct backup_out to = { put, &stream };
static const struct backup_in from = { get, &stream };

static void rewind_stream(size_t most, size_t fail)
{
    stream.at = 0;
    stream.calls = 0;
    stream.most = most;
    stream.fail = fail;
}

static rc check_bytes(const void *bytes, size_t len, struct backup_proof *out)
{
    memcpy(stream.bytes, bytes, len);
    stream.len = len;
    rewind_stream(0, 0);
    return backup_check(NULL, &from, out);
}

/* A row in every table. */
static struct store_collateral piece_of(uint8_t scope, int64_t issued, int64_t evaluation)
{
    static const uint8_t bytes[70000] = { 1 };
    return (struct store_collateral){ .scope = { scope },
                                      .issued = issued,
                                      .expires = issued + 30,
                                      .evaluation = evaluation,
                                      .fetched = issued,
                                      .chain = span_of(bytes, 9000),
                                      .body = SPAN(bytes) };
}

static void fill(struct store *store)
{
    const struct store_collateral pieces[] = { piece_of(1, 500, 17), piece_of(2, 600, 0) };
    for (size_t i = 0; i < 2; i++)
        assert_rc(store_collateral_put(NULL, store, NOW, &pieces[i]), "OK");
    struct store_anchor anchor = { .size = 1234, .root = { 5 } };
    assert_rc(store_anchor_move(NULL, store, NOW, &anchor), "OK");
    for (uint32_t i = 0; i < 3; i++) {
        struct store_session session = session_of(i, i, NOW + 100 + i);
        struct store_ban ban = { .address = { 0x20, (uint8_t)i },
                                 .prefix = 32,
                                 .reason = REASON_STORE_SHARE,
                                 .until = NOW + 5 };
        assert_rc(store_session_add(NULL, store, NOW, &session), "OK");
        assert_rc(store_ban_add(NULL, store, NOW, &ban), "OK");
        assert_rc(store_nonce_use(NULL, store, NOW, id_of(i), id_of(i), NOW + 9), "OK");
    }
}

static void make_stream(struct backup_proof *out)
{
    struct db_spec spec;
    struct store store;
    assert_true(backend_fresh(0, &spec));
    store_begin(&spec, &store);
    fill(&store);
    stream.len = 0;
    rewind_stream(0, 0);
    assert_rc(backup_write(NULL, &store, &to, out), "OK");
    store_close(&store);
}

struct held {
    int64_t issued, evaluation;
    size_t count, bytes;
};

static void look(void *arg, const struct store_collateral *piece)
{
    struct held *held = arg;
    if (held->count++ == 0) {
        held->issued = piece->issued;
        held->evaluation = piece->evaluation;
    }
    held->bytes += piece->body.len + piece->chain.len;
}

static struct held held_in(struct store *store)
{
    struct held held = { 0 };
    assert_rc(store_collateral_each(NULL, store, look, &held), "OK");
    return held;
}

/* The bytes are gone, and what is older than they were is not taken. */
static void floors_are_kept(struct store *store)
{
    static const struct {
        int64_t issued, evaluation;
        bool taken;
    } rows[] = { { 499, 17, false }, { 500, 16, false }, { 500, 17, true }, { 501, 18, true } };
    struct held held = held_in(store);
    assert_int_equal(held.count, 2);
    assert_int_equal(held.bytes, 0);
    assert_true(held.issued == 500 && held.evaluation == 17);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_collateral piece = piece_of(1, rows[i].issued, rows[i].evaluation);
        assert_rc(store_collateral_put(NULL, store, NOW, &piece),
                  rows[i].taken ? "OK" : "FETCH_OLDER");
        assert_int_equal(held_in(store).bytes > 0, rows[i].taken);
    }
}

static void test_every_pair_of_backends(void **state)
{
    (void)state;
    struct db_spec spec;
    struct db_spec second;
    EACH_BACKEND(spec)
    {
        struct store store;
        struct backup_proof wrote;
        struct backup_proof read;
        struct backup_proof now;
        store_begin(&spec, &store);
        fill(&store);
        stream.len = 0;
        rewind_stream(0, 0);
        assert_rc(backup_write(NULL, &store, &to, &wrote), "OK");
        assert_rc(backup_state(NULL, &store, &now), "OK");
        assert_true(bytes_equal(&wrote, &now, sizeof now));
        store_close(&store);
        for (size_t most = 1; most < 5000; most *= 7) {
            rewind_stream(most, 0);
            assert_rc(backup_check(NULL, &from, &read), "OK");
            assert_true(bytes_equal(wrote.state, read.state, sizeof read.state));
            assert_true(bytes_equal(wrote.rows, read.rows, sizeof read.rows));
        }
        for (int target = 0; target < BACKENDS && backend_fresh(target, &second); target++) {
            struct store_meta meta;
            assert_rc(store_migrate(NULL, &second, NOW, UINT32_MAX), "OK");
            assert_rc(store_open(NULL, &second, &store_limits_default, &store), "OK");
            rewind_stream(0, 0);
            assert_rc(backup_restore(NULL, &store, &from, NOW + 77, &read), "OK");
            assert_true(bytes_equal(wrote.state, read.state, sizeof read.state));
            assert_rc(store_meta_read(NULL, &store, &meta), "OK");
            assert_true(bytes_equal(meta.installation, wrote.meta.installation, 16));
            assert_int_equal(meta.generation, wrote.meta.generation);
            /* Nothing signed before now is accepted once more. */
            assert_int_equal(meta.high_water, NOW + 77);
            rewind_stream(0, 0);
            assert_rc(backup_restore(NULL, &store, &from, 0, &read), "RESTORE_NOT_EMPTY");
            floors_are_kept(&store);
            store_close(&store);
        }
    }
}

static void test_state_hash_tells_states_apart(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        enum { STATES = 6 };
        struct backup_proof seen[STATES];
        struct store store;
        struct store_session session = session_of(1, 2, NOW + 3);
        struct store_session other = session_of(1, 2, NOW + 4);
        struct store_ban ban = { .prefix = 0, .reason = REASON_STORE_SHARE, .until = NOW + 5 };
        store_begin(&spec, &store);
        for (int i = 0; i < STATES; i++) {
            rc done = RC_SUCCESS;
            if (i == 1)
                done = store_session_add(NULL, &store, NOW, &session);
            else if (i == 2)
                done = store_nonce_use(NULL, &store, NOW, id_of(1), id_of(2), NOW + 9);
            else if (i == 3)
                done = store_ban_add(NULL, &store, NOW, &ban);
            else if (i == 4)
                done = store_session_end(NULL, &store, NOW, session.token);
            else if (i == 5)
                done = store_session_add(NULL, &store, NOW, &other);
            assert_rc(done, "OK");
            assert_rc(backup_state(NULL, &store, &seen[i]), "OK");
            for (int before = 0; before < i; before++)
                assert_false(bytes_equal(seen[i].state, seen[before].state, 32));
        }
        /* What is not of the state does not change it. */
        assert_rc(store_high_water_raise(NULL, &store, NOW, NOW), "OK");
        assert_rc(backup_state(NULL, &store, &seen[0]), "OK");
        assert_true(bytes_equal(seen[0].state, seen[5].state, 32));
        store_close(&store);
    }
}

static void test_every_prefix_is_refused(void **state)
{
    (void)state;
    static uint8_t whole[STREAM];
    struct backup_proof proof;
    make_stream(&proof);
    size_t len = stream.len;
    memcpy(whole, stream.bytes, len);
    size_t step = getenv("WARD_FULL") != NULL ? 1 : 5;
    for (size_t cut = 0; cut < len; cut += step) {
        rc got = check_bytes(whole, cut, &proof);
        assert_rc(got, cut < strcspn((char *)whole, "\n") + 1 ? "BACKUP_FORMAT" : "BACKUP_DAMAGED");
    }
    assert_rc(check_bytes(whole, len, &proof), "OK");
    whole[len] = '\n';
    assert_rc(check_bytes(whole, len + 1, &proof), "BACKUP_DAMAGED");
}

static void test_every_flipped_bit_is_refused(void **state)
{
    (void)state;
    static uint8_t whole[STREAM];
    struct backup_proof proof;
    make_stream(&proof);
    size_t len = stream.len;
    memcpy(whole, stream.bytes, len);
    /* 13 and 8 share no factor: every bit of a byte is tried. */
    size_t step = getenv("WARD_FULL") != NULL ? 1 : 13;
    for (size_t bit = 0; bit < len * 8; bit += step) {
        whole[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct backup_proof none = { .schema = 99 };
        rc got = check_bytes(whole, len, &none);
        /* A hex digit in the other case says the same, and only the sum of lines sees it. */
        assert_false(rc_ok(got) && bit / 8 < len - 1 - 64 * 3);
        assert_true(rc_ok(got) || none.schema == 99);
        whole[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_heads(void **state)
{
    (void)state;
#define HEAD(version, schema)                                                                      \
    "{\"format\":\"ward-backup\",\"version\":" version ",\"schema\":" schema                       \
    ",\"installation\":\"00112233445566778899aabbccddeeff\",\"created\":1,\"high_water\":1,"       \
    "\"generation\":1}\n"
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        { "", "BACKUP_FORMAT" },
        { "\n", "BACKUP_FORMAT" },
        { "hello\n", "BACKUP_FORMAT" },
        { "{}\n", "BACKUP_FORMAT" },
        { "{\"format\":\"other\",\"version\":1}\n", "BACKUP_FORMAT" },
        { "{\"format\":\"ward-backup\"}\n", "BACKUP_FORMAT" },
        { "{\"format\":\"ward-backup\",\"version\":2}\n", "BACKUP_NEWER" },
        { "{\"format\":\"ward-backup\",\"version\":0}\n", "BACKUP_OLDER" },
        { "{\"format\":\"ward-backup\",\"version\":1}\n", "BACKUP_DAMAGED" },
        { HEAD("1", "9"), "BACKUP_NEWER" },
        { HEAD("1", "7"), "BACKUP_OLDER" },
        { HEAD("1", "8"), "BACKUP_DAMAGED" }, /* no end */
        { HEAD("1", "-5"), "BACKUP_DAMAGED" },
        { HEAD("1", "8") "[\"other\",1]\n", "BACKUP_DAMAGED" },
        { HEAD("1", "8") "[\"bans\"]\n", "BACKUP_DAMAGED" },
        { HEAD("1", "8") "[\"audit_anchor\",1,\"00\",2]\n", "BACKUP_DAMAGED" },
        { HEAD("1", "8") "{\"rows\":0,\"state\":\"\",\"sum\":\"\"}\n", "BACKUP_DAMAGED" },
        { HEAD("1", "8") "[\"audit_anchor\",1,\"00\"]\n[\"audit_anchor\",2,\"00\"]\n",
          "BACKUP_DAMAGED" },
    };
    struct backup_proof proof;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("# head %zu\n", i);
        assert_rc(check_bytes(rows[i].text, strlen(rows[i].text), &proof), rows[i].wanted);
    }
    static uint8_t long_line[4096];
    memset(long_line, '[', sizeof long_line);
    assert_rc(check_bytes(long_line, sizeof long_line, &proof), "BACKUP_FORMAT");
}

/* A stream that fails at each call leaves the target as empty as it was. */
static void test_failing_streams(void **state)
{
    (void)state;
    struct db_spec spec;
    struct backup_proof proof;
    make_stream(&proof);
    EACH_BACKEND(spec)
    {
        struct store store;
        assert_rc(store_migrate(NULL, &spec, NOW, UINT32_MAX), "OK");
        assert_rc(store_open(NULL, &spec, &store_limits_default, &store), "OK");
        for (size_t n = 1; n < 6; n++) {
            struct store_meta meta;
            rewind_stream(400, n);
            assert_rc(backup_restore(NULL, &store, &from, 0, &proof), "STORE_IO");
            assert_rc(store_meta_read(NULL, &store, &meta), "STORE_EMPTY");
        }
        rewind_stream(0, 0);
        assert_rc(backup_restore(NULL, &store, &from, 0, &proof), "OK");
        size_t len = stream.len;
        for (size_t n = 1; n < 6; n++) {
            rewind_stream(0, n);
            stream.len = 0;
            assert_rc(backup_write(NULL, &store, &to, &proof), "STORE_FULL");
        }
        stream.len = len;
        store_close(&store);
    }
}

/* A snapshot of one moment, with more rows than a page, while another writer goes on. */
static rc put_and_write(struct trail *trail, void *arg, struct span bytes)
{
    struct store *writer = arg;
    static uint32_t number;
    number++;
    struct store_session session = session_of(number * 50 + 7, number, NOW + 100);
    TRY(trail, store_session_add(trail, writer, NOW, &session));
    return put(trail, &stream, bytes);
}

static void test_snapshot_is_of_one_moment(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        struct store writer;
        struct backup_proof before;
        struct backup_proof wrote;
        store_begin(&spec, &store);
        for (uint32_t i = 0; i < 300; i++) {
            struct store_session session = session_of(i * 50, i, NOW + 100);
            assert_rc(store_session_add(NULL, &store, NOW, &session), "OK");
        }
        assert_rc(store_open(NULL, &spec, &store_limits_default, &writer), "OK");
        assert_rc(backup_state(NULL, &store, &before), "OK");
        stream.len = 0;
        rewind_stream(0, 0);
        const struct backup_out slow = { put_and_write, &writer };
        assert_rc(backup_write(NULL, &store, &slow, &wrote), "OK");
        assert_true(bytes_equal(before.state, wrote.state, sizeof wrote.state));
        assert_int_equal(wrote.rows[3], 300);
        rewind_stream(0, 0);
        assert_rc(backup_check(NULL, &from, &wrote), "OK");
        assert_true(bytes_equal(before.state, wrote.state, sizeof wrote.state));
        store_close(&writer);
        store_close(&store);
    }
}

static uint32_t schema_of(const struct db_spec *spec)
{
    struct store_plan plan;
    assert_rc(store_plan_read(NULL, spec, &plan), "OK");
    return plan.schema;
}

static rc refill(const struct db_spec *spec, uint8_t key, bool keep, uint8_t state[32])
{
    const struct backup_target target = { .spec = spec, .key = { key }, .now = NOW, .keep = keep };
    struct backup_proof proof;
    if (stream.at != 0)
        rewind_stream(0, 0);
    rc done = backup_refill(NULL, &target, &from, &proof);
    if (rc_ok(done))
        memcpy(state, proof.state, 32);
    return done;
}

/* A database that had nothing has all of it, schema included, or nothing still. */
static void test_refill_is_all_or_nothing(void **state)
{
    (void)state;
    struct db_spec spec;
    struct backup_proof wrote;
    uint8_t found[32] = { 0 };
    make_stream(&wrote);
    EACH_BACKEND(spec)
    {
        size_t len = stream.len;
        for (size_t n = 1; n < 6; n++) {
            rewind_stream(400, n);
            assert_rc(refill(&spec, 1, true, found), "STORE_IO");
            assert_int_equal(schema_of(&spec), 0);
        }
        for (stream.len = 0; stream.len < len; stream.len += 97) {
            assert_false(rc_ok(refill(&spec, 1, true, found)));
            assert_int_equal(schema_of(&spec), 0);
        }
        stream.len = len;
        rewind_stream(0, 0);
        assert_rc(refill(&spec, 1, false, found), "OK");
        assert_true(bytes_equal(found, wrote.state, 32));
        assert_int_equal(schema_of(&spec), 0);
        memset(found, 0, sizeof found);
        assert_rc(refill(&spec, 1, true, found), "OK");
        assert_true(bytes_equal(found, wrote.state, 32));
        assert_int_equal(schema_of(&spec), STORE_STEPS);
    }
}

/* What is asked for once more is found done, by whoever asked before and as long as nobody else has
   been there. */
static void test_refill_is_done_once(void **state)
{
    (void)state;
    struct db_spec spec;
    struct backup_proof wrote;
    uint8_t found[32] = { 0 };
    make_stream(&wrote);
    EACH_BACKEND(spec)
    {
        struct store store;
        struct store_meta meta;
        assert_rc(refill(&spec, 1, true, found), "OK");
        memset(found, 0, sizeof found);
        assert_rc(refill(&spec, 1, true, found), "OK");
        assert_true(bytes_equal(found, wrote.state, 32));
        assert_rc(refill(&spec, 2, true, found), "RESTORE_NOT_EMPTY");
        stream.len -= 20;
        assert_rc(refill(&spec, 1, true, found), "BACKUP_DAMAGED");
        stream.len += 20;
        assert_rc(store_open(NULL, &spec, &store_limits_default, &store), "OK");
        assert_rc(store_meta_read(NULL, &store, &meta), "OK");
        assert_int_equal(meta.generation, wrote.meta.generation);
        assert_int_equal(meta.high_water, wrote.meta.high_water);
        /* As a house begins, before it has judged its store; and then what it does first. */
        int64_t swept = 0;
        assert_rc(store_found(NULL, &store, NOW), "OK");
        assert_rc(refill(&spec, 1, true, found), "OK");
        assert_rc(store_sweep(NULL, &store, NOW, &swept), "OK");
        store_close(&store);
        assert_rc(refill(&spec, 1, true, found), "RESTORE_NOT_EMPTY");
    }
}

/* Databases that are not empty, or not of this version, stay as they are. */
static void test_refill_of_what_is_there(void **state)
{
    static const struct {
        uint32_t until; /* what the database was migrated to */
        const char *before;
        const char *wanted;
        uint32_t schema; /* afterwards; 0: what it is cannot be told */
    } rows[] = {
        { 5, "SELECT 1", "OK", STORE_STEPS },
        { 5, "INSERT INTO ward.meta VALUES (1, 'x', 1, 0, 1)", "RESTORE_NOT_EMPTY", 5 },
        { 8, "INSERT INTO ward.bans VALUES ('x', 1, 'x', 1)", "RESTORE_NOT_EMPTY", 8 },
        { 8, "INSERT INTO ward.migrations VALUES (9, 'x', 1)", "STORE_SCHEMA_NEWER", 0 },
        { 8, "UPDATE ward.migrations SET sum = 'x' WHERE number = 3", "STORE_SCHEMA_CHANGED", 0 },
        { 8, "UPDATE ward.migrations SET number = 10 WHERE number = 8", "STORE_SCHEMA_CHANGED", 0 },
    };
    (void)state;
    struct db_spec spec;
    struct backup_proof wrote;
    uint8_t found[32];
    make_stream(&wrote);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && backend_fresh(1, &spec); i++) {
        print_message("# %s\n", rows[i].before);
        assert_rc(store_migrate(NULL, &spec, NOW, rows[i].until), "OK");
        server_do(rows[i].before);
        rewind_stream(0, 0);
        assert_rc(refill(&spec, 1, true, found), rows[i].wanted);
        if (rows[i].schema != 0)
            assert_int_equal(schema_of(&spec), rows[i].schema);
    }
}

/* A role that may come in and make nothing: said as that, and the server is as it was. */
static void test_refill_without_the_right(void **state)
{
    (void)state;
    struct db_spec spec;
    struct backup_proof wrote;
    uint8_t found[32];
    char conninfo[300];
    make_stream(&wrote);
    if (!backend_fresh(1, &spec))
        return;
    server_do("CREATE ROLE poor LOGIN");
    snprintf(conninfo, sizeof conninfo, "%s user=poor", spec.place);
    struct db_spec poor = spec;
    poor.place = conninfo;
    assert_rc(refill(&poor, 1, true, found), "STORE_FORBIDDEN");
    assert_int_equal(schema_of(&spec), 0);
    server_do("CREATE SCHEMA ward AUTHORIZATION poor");
    assert_rc(refill(&poor, 1, true, found), "STORE_FORBIDDEN");
    server_do("DROP SCHEMA ward; DROP ROLE poor");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_pair_of_backends, ""),
        TEST(test_state_hash_tells_states_apart, ""),
        TEST(test_every_prefix_is_refused, ""),
        TEST(test_every_flipped_bit_is_refused, ""),
        TEST(test_heads, ""),
        TEST(test_failing_streams, ""),
        TEST(test_snapshot_is_of_one_moment, ""),
        TEST(test_refill_is_all_or_nothing, ""),
        TEST(test_refill_is_done_once, ""),
        TEST(test_refill_of_what_is_there, ""),
        TEST(test_refill_without_the_right, ""),
    };
    return cmocka_run_group_tests(tests, backends_begin, backends_end);
}
