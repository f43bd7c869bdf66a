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
static void fill(struct store *store)
{
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
        { HEAD("1", "7"), "BACKUP_NEWER" },
        { HEAD("1", "5"), "BACKUP_OLDER" },
        { HEAD("1", "6"), "BACKUP_DAMAGED" }, /* no end */
        { HEAD("1", "-5"), "BACKUP_DAMAGED" },
        { HEAD("1", "6") "[\"other\",1]\n", "BACKUP_DAMAGED" },
        { HEAD("1", "6") "[\"bans\"]\n", "BACKUP_DAMAGED" },
        { HEAD("1", "6") "[\"audit_anchor\",1,\"00\",2]\n", "BACKUP_DAMAGED" },
        { HEAD("1", "6") "{\"rows\":0,\"state\":\"\",\"sum\":\"\"}\n", "BACKUP_DAMAGED" },
        { HEAD("1", "6") "[\"audit_anchor\",1,\"00\"]\n[\"audit_anchor\",2,\"00\"]\n",
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
    };
    return cmocka_run_group_tests(tests, backends_begin, backends_end);
}
