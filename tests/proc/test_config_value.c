/* test_config_value.c - one value of one key, of every form: what is taken, what is refused
   and why. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "proc/config_value.h"

static const struct config_key number = {
    "a.number", CONFIG_U32, offsetof(struct settings, connections), "5", 2, 9
};
static const struct config_key size = {
    "a.size", CONFIG_SIZE, offsetof(struct settings, audit_rotate_bytes), "1K", 1, UINT64_C(1) << 40
};
static const struct config_key seconds = {
    "a.seconds", CONFIG_SECONDS, offsetof(struct settings, idle_seconds), "1", 1, 7 * 86400
};
static const char *const words[] = { "file", "passphrase", "credential" };
static const struct config_key choice = { .name = "a.choice",
                                          .form = CONFIG_CHOICE,
                                          .field = offsetof(struct settings, seal),
                                          .words = words,
                                          .word_count = COUNT_OF(words) };
static const struct config_key yes = { .name = "a.yes",
                                       .form = CONFIG_BOOL,
                                       .field = offsetof(struct settings, owner) };
static const struct config_key text = { .name = "a.text",
                                        .form = CONFIG_TEXT,
                                        .field = offsetof(struct settings, store) };
static const struct config_key address = { .name = "a.address",
                                           .form = CONFIG_ADDRESS,
                                           .field = offsetof(struct settings, listen) };
static const struct config_key path = { .name = "a.path",
                                        .form = CONFIG_PATH,
                                        .field = offsetof(struct settings, state) };
static const struct config_key store = { .name = "a.store",
                                         .form = CONFIG_STORE,
                                         .field = offsetof(struct settings, store) };

static const struct config_key networks = { .name = "a.networks",
                                            .form = CONFIG_NETWORKS,
                                            .field = offsetof(struct settings, never_ban),
                                            .optional = true };

#define LONG_511 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_63
#define TEXT_63  "/23456789012345678901234567890123456789012345678901234567890123"
#define TEXT_64  TEXT_63 "4"

/* The value of a key as ward.toml would write it, after it was set from text. */
static const struct {
    const struct config_key *key;
    const char *text;
    const char *toml;
} taken[] = {
    { &number, "2", "2" },
    { &number, "9", "9" },
    { &number, "0000000000000000000000005", "5" },
    { &size, "1", "1" },
    { &size, "1K", "1024" },
    { &size, "3M", "3145728" },
    { &size, "2G", "2147483648" },
    { &size, "1024G", "1099511627776" },
    { &seconds, "90", "90" },
    { &seconds, "90s", "90" },
    { &seconds, "2m", "120" },
    { &seconds, "1h", "3600" },
    { &seconds, "7d", "604800" },
    { &choice, "file", "\"file\"" },
    { &choice, "credential", "\"credential\"" },
    { &yes, "true", "true" },
    { &yes, "false", "false" },
    { &text, "a \"b\" \\", "\"a \\\"b\\\" \\\\\"" },
    { &text, "\xc3\xa9", "\"\xc3\xa9\"" },
    { &text, LONG_511, "\"" LONG_511 "\"" },
    { &address, "127.0.0.1:8443", "\"127.0.0.1:8443\"" },
    { &address, "[::1]:1", "\"[::1]:1\"" },
    { &path, "ward-state", "\"/srv/me/ward-state\"" },
    { &path, "./a/./b//c/", "\"/srv/me/a/b/c\"" },
    { &path, ".", "\"/srv/me\"" },
    { &path, "..", "\"/srv\"" },
    { &path, "../you/x", "\"/srv/you/x\"" },
    { &path, "../../etc", "\"/etc\"" },
    { &path, "../../../../etc", "\"/etc\"" },
    { &path, "./../a", "\"/srv/a\"" },
    { &path, "...", "\"/srv/me/...\"" },
    { &path, "..a", "\"/srv/me/..a\"" },
    { &path, "/", NULL },
    { &path, "//var//lib/./ward/", "\"/var/lib/ward\"" },
    { &path, "~/x", "\"/srv/me/~/x\"" },
    { &path, LONG_511, "\"" LONG_511 "\"" },
    { &store, "sqlite", "\"sqlite\"" },
    { &store, "host=db", "\"host=db\"" },
    { &networks, "", "\"\"" },
    { &networks, "192.0.2.7, 2001:db8::/32", "\"192.0.2.7, 2001:db8::/32\"" },
    { &networks, "192.0.2.7,", NULL },
    { &networks, "192.0.2.1/24", NULL },
    { &networks, "db.internal", NULL },
    { &networks, "192.0.2.7 198.51.100.1", NULL },
};

static void test_so_many_networks(void **state)
{
    (void)state;
    for (size_t count = CONFIG_NETWORKS_MAX; count <= CONFIG_NETWORKS_MAX + 1; count++) {
        struct settings settings = { 0 };
        struct config_why why = { "", NULL };
        char room[SETTING_TEXT_MAX];
        struct sink list = sink_over(room, sizeof room - 1);
        for (size_t i = 0; i < count; i++)
            sink_format(&list, "%s%zu::", i == 0 ? "" : ",", i + 1);
        bool good = config_value_text(&networks, sink_bytes(&list), "/", &settings, &why);
        assert_true(sink_ok(&list));
        assert_int_equal(good, count == CONFIG_NETWORKS_MAX);
        if (!good)
            assert_non_null(strstr(why.text, "at most 64 "));
    }
}

static void test_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        struct settings settings = { 0 };
        struct config_why why = { "", NULL };
        char got[1024];
        struct sink out = sink_over(got, sizeof got);
        bool good = config_value_text(taken[i].key, span_text(taken[i].text), "/srv/me", &settings,
                                      &why);
        assert_int_equal(good, taken[i].toml != NULL);
        if (!good)
            continue;
        config_value_write(&out, taken[i].key, &settings);
        sink_terminate(&out);
        assert_string_equal(got, taken[i].toml);
    }
}

static const struct {
    const struct config_key *key;
    const char *text;
    const char *why; /* a part of it */
    const char *nearest;
} refused[] = {
    { &number, "1", "is 1 and must be between 2 and 9" },
    { &number, "10", "is 10 and must be between 2 and 9" },
    { &number, "4294967301", "is 4294967301" },             /* 5 in 32 bits */
    { &number, "18446744073709551621", "must be between" }, /* 5 in 64 */
    { &number, "", "must be a whole number" },
    { &number, "-5", "must be a whole number" },
    { &number, "+5", "must be a whole number" },
    { &number, " 5", "must be a whole number" },
    { &number, "5 ", "must be a whole number" },
    { &number, "5K", "must be a whole number" },
    { &number, "5s", "must be a whole number" },
    { &number, "0x5", "must be a whole number" },
    { &number, "5.0", "must be a whole number" },
    { &number, "5_0", "must be a whole number" },
    { &number, "five", "must be a whole number" },
    { &size, "0", "must be between" },
    { &size, "1025G", "must be between" },
    { &size, "17179869185G", "must be between" }, /* 2^64 and 1G: 1G in 64 bits */
    { &size, "99999999999999999999G", "must be between" },
    { &size, "K", "number of bytes" },
    { &size, "1k", "number of bytes" },
    { &size, "1T", "number of bytes" },
    { &size, "1KB", "number of bytes" },
    { &size, "1 K", "number of bytes" },
    { &size, "1s", "number of bytes" },
    { &seconds, "0", "must be between" },
    { &seconds, "8d", "is 691200 and must be between 1 and 604800" },
    { &seconds, "1w", "number of seconds" },
    { &seconds, "1M", "number of seconds" },
    { &seconds, "1ms", "number of seconds" },
    { &seconds, "1m30s", "number of seconds" },
    { &choice, "fil", "must be one of: file, passphrase, credential", "file" },
    { &choice, "File", "must be one of", "file" },
    { &choice, "pasphrase", "must be one of", "passphrase" },
    { &choice, "tpm", "must be one of" },
    { &choice, "", "must be one of" },
    { &choice, "0", "must be one of" },
    { &yes, "yes", "must be true or false" },
    { &yes, "1", "must be true or false" },
    { &yes, "True", "must be true or false" },
    { &yes, "", "must be true or false" },
    { &text, "", "must not be empty" },
    { &text, "a\nb", "control characters" },
    { &text, "a\x1b[2J", "control characters" },
    { &text, "a\x7f", "control characters" },
    { &text, "a\xff", "must be UTF-8" },
    { &text, LONG_511 "x", "has 512 bytes and may have 511" },
    { &address, "localhost:80", "address and a port" },
    { &address, "127.0.0.1", "address and a port" },
    { &address, "127.0.0.1:", "address and a port" },
    { &address, "127.0.0.1:0", "address and a port" },
    { &address, "127.0.0.1:65536", "address and a port" },
    { &address, "127.0.0.1:08443", "address and a port" },
    { &address, "::1:80", "address and a port" },
    { &address, "[::1]", "address and a port" },
    { &address, ":8443", "address and a port" },
    { &address, "8443", "address and a port" },
    { &path, "", "must not be empty" },
    { &path, "/", "root folder" },
    { &path, "../..", "root folder" },
    { &path, "a/../b", "\"..\" at the front" },
    { &path, "/a/..", "\"..\" at the front" },
    { &path, "../a/../b", "\"..\" at the front" },
    { &path, "/../a", "\"..\" at the front" },
    { &path, LONG_511 "x", "has 512 bytes" },
    { &path,
      "x" TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64
      "0123456789012345678901234567890123456789012345678901234",
      "more than 511 bytes" },
    { &path, "a\nb", "control characters" },
    { &store, "sqlit", "must be \"sqlite\"", "sqlite" },
    { &store, "host=db password=hunter2", "passfile" },
    { &store,
      "postgresql://a:"
      "hunter2@b/",
      "passfile" },
    { &store, "hunter2", "must be \"sqlite\"" },
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        static const struct settings nothing;
        struct settings settings = { 0 };
        struct config_why why = { "", NULL };
        if (config_value_text(refused[i].key, span_text(refused[i].text), "/srv/me", &settings,
                              &why))
            fail_msg("row %zu is taken: %s", i, refused[i].text);
        if (strstr(why.text, refused[i].why) == NULL)
            fail_msg("row %zu: %s", i, why.text);
        if (refused[i].nearest == NULL)
            assert_null(why.nearest);
        else
            assert_string_equal(why.nearest, refused[i].nearest);
        assert_null(strstr(why.text, "hunter2"));
        assert_memory_equal(&settings, &nothing, sizeof nothing);
    }
}

/* The same for values of the file, whose type counts. */
static const struct {
    const struct config_key *key;
    const char *toml;
    const char *why; /* NULL: taken */
} typed[] = {
    { &number, "5", NULL },
    { &number, "0x5", NULL },
    { &number, "\"5\"", "is a string and must be a whole number" },
    { &number, "5.0", "must be a whole number" },
    { &number, "-5", "is -5 and must be between 2 and 9" },
    { &number, "-9223372036854775808", "must be between" },
    { &number, "true", "must be a whole number" },
    { &number, "[5]", "must be a whole number" },
    { &number, "{ a = 5 }", "must be a whole number" },
    { &number, "2026-01-01", "must be a whole number" },
    { &size, "1024", NULL },
    { &size, "\"1K\"", NULL },
    { &size, "\"1X\"", "number of bytes" },
    { &size, "1.5", "number of bytes" },
    { &seconds, "\"1h\"", NULL },
    { &seconds, "01:00:00", "number of seconds" },
    { &choice, "\"file\"", NULL },
    { &choice, "0", "must be a string" },
    { &yes, "true", NULL },
    { &yes, "\"true\"", "is a string and must be true or false" },
    { &yes, "1", "must be true or false" },
    { &text, "\"a\"", NULL },
    { &text, "'a'", NULL },
    { &text, "\"\"", "must not be empty" },
    { &text, "\"a\\u0000b\"", "control characters" },
    { &text, "5", "is an integer and must be a string" },
    { &address, "8443", "must be a string" },
    { &path, "\"\\u0000\"", "control characters" },
    { &path, "false", "must be a string" },
    { &store, "\"sqlite\\u0000\"", "control characters" },
    { &store, "[\"sqlite\"]", "must be a string" },
};

static void test_typed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(typed); i++) {
        struct settings settings = { 0 };
        struct config_why why = { "", NULL };
        struct arena arena;
        arena_init(&arena, 1 << 20);
        char file[256];
        struct sink out = sink_over(file, sizeof file);
        sink_format(&out, "a = %s\n", typed[i].toml);
        const struct toml_value *root = NULL;
        assert_true(toml_parse(sink_bytes(&out), &arena, NULL, &root, NULL));
        bool good = config_value_toml(typed[i].key, toml_first(root), "/srv/me", &settings, &why);
        assert_int_equal(good, typed[i].why == NULL);
        if (typed[i].why != NULL && strstr(why.text, typed[i].why) == NULL)
            fail_msg("row %zu: %s", i, why.text);
        arena_fini(&arena);
    }
}

static void test_paths_in_other_folders(void **state)
{
    (void)state;
    struct settings settings = { 0 };
    struct config_why why = { "", NULL };
    assert_true(config_value_text(&path, span_text("a"), "/", &settings, &why));
    assert_string_equal(settings.state, "/a");
    assert_true(config_value_text(&path, span_text("../a"), "/", &settings, &why));
    assert_string_equal(settings.state, "/a");
    assert_false(config_value_text(&path, span_text("."), "/", &settings, &why));
    /* A folder can be called anything; a setting cannot. */
    assert_false(config_value_text(&path, span_text("a"), "/x\ny", &settings, &why));
    assert_string_equal(settings.state, "/a");
}

static void put_text(char out[SETTING_TEXT_MAX], const char *from)
{
    memset(out, 0, SETTING_TEXT_MAX);
    snprintf(out, SETTING_TEXT_MAX, "%s", from);
}

/* Settings that no reader makes. */
static void test_unsound_settings_are_seen(void **state)
{
    (void)state;
    static struct config_problems problems;
    const struct config_inputs inputs = { .folder = "/srv/me" };
    struct config good = { 0 };
    struct arena arena = { 0 };
    assert_true(config_read(&inputs, &arena, &good, &problems));
    assert_true(config_is_sound(&good));
    struct config bad[12];
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        bad[i] = good;
    bad[0].settings.connections = 0;
    bad[1].settings.connections = 1000001;
    bad[2].settings.seal = COUNT_OF(words);
    bad[3].settings.audit_rotate_bytes = (UINT64_C(1) << 30) + 1;
    bad[4].settings.state[0] = 0;
    bad[5].settings.state[0] = 'x';
    put_text(bad[6].settings.state, "/a/../b");
    put_text(bad[7].settings.state, "/a/");
    put_text(bad[8].settings.listen, "localhost:1");
    put_text(bad[9].settings.store, "password=x");
    memset(bad[10].settings.seal_path, 'x', SETTING_TEXT_MAX);
    bad[10].settings.seal_path[0] = '/';
    bad[11].settings.seal_path[0] = 0;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (config_is_sound(&bad[i]))
            fail_msg("row %zu", i);
    }
    bad[2].settings.seal = COUNT_OF(words) - 1;
    assert_true(config_is_sound(&bad[2]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_so_many_networks, ""),
        TEST(test_taken, ""),
        TEST(test_refused, ""),
        TEST(test_typed, ""),
        TEST(test_paths_in_other_folders, ""),
        TEST(test_unsound_settings_are_seen, ""),
    };
    return RUN_TESTS(tests);
}
