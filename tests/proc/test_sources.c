/* test_sources.c - where settings came from is handed over whole, or not at all. */
#include "proc/sources.h"

#include <string.h>

#include "base/number.h"
#include "test.h"

static uint8_t bytes[SOURCES_MAX];

static const char *const environment[] = {
    "HOME=/root", "WARD_LIMIT_IDLE_SECONDS=5", "PATH=/bin", "WARD_STATE_FOLDER=", "XWARD_A=1", NULL
};
static const struct config_flag flags[] = { { "--listen", "127.0.0.1:1" },
                                            { "--set", "audit.keep_days=3" } };
static const struct sources full = { .file = "/etc/ward/ward.toml",
                                     .inputs = { .file_folder = "/etc/ward",
                                                 .folder = "/srv",
                                                 .environment = environment,
                                                 .flags = flags,
                                                 .flag_count = COUNT_OF(flags) } };

static struct span write(const struct sources *sources)
{
    struct sink out = sink_over(bytes, sizeof bytes);
    sources_write(&out, sources);
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static bool reads(struct span text, struct sources *out)
{
    static struct arena arena;
    arena_fini(&arena);
    arena_init(&arena, 1 << 20);
    return sources_read(text, &arena, out);
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct sources got;
    assert_true(reads(write(&full), &got));
    assert_string_equal(got.file, full.file);
    assert_string_equal(got.inputs.file_folder, "/etc/ward");
    assert_string_equal(got.inputs.folder, "/srv");
    assert_string_equal(got.inputs.environment[0], "WARD_LIMIT_IDLE_SECONDS=5");
    assert_string_equal(got.inputs.environment[1], "WARD_STATE_FOLDER=");
    assert_null(got.inputs.environment[2]);
    assert_int_equal(got.inputs.flag_count, 2);
    assert_string_equal(got.inputs.flags[1].option, "--set");
    assert_string_equal(got.inputs.flags[1].value, "audit.keep_days=3");
    assert_int_equal(got.inputs.file.len, 0);
}

static void test_nothing_is_nothing(void **state)
{
    (void)state;
    const struct sources none = { .file = "", .inputs = { .file_folder = "", .folder = "/" } };
    struct sources got;
    assert_true(reads(write(&none), &got));
    assert_string_equal(got.file, "");
    assert_null(got.inputs.environment[0]);
    assert_int_equal(got.inputs.flag_count, 0);
}

static void test_truncation(void **state)
{
    (void)state;
    struct span whole = write(&full);
    struct sources got = { .file = "mine" };
    for (size_t len = 0; len < whole.len; len++)
        assert_false(reads(span_of(whole.at, len), &got));
    bytes[whole.len] = 0;
    assert_false(reads(span_of(whole.at, whole.len + 1), &got));
    assert_string_equal(got.file, "mine");
}

static void test_what_is_no_text(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t text[8];
        size_t len;
    } rows[] = {
        { "no bytes", { 0, 0 }, 2 },
        { "no end", { 1, 0, 'a' }, 3 },
        { "an end within", { 3, 0, 'a', 0, 0 }, 5 },
        { "longer than it is", { 9, 0, 'a', 0 }, 4 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sources got;
        struct sink out = sink_over(bytes, sizeof bytes);
        sink_put(&out, span_of(rows[i].text, rows[i].len));
        for (int n = 0; n < 2; n++) {
            sink_u16le(&out, 1);
            sink_u8(&out, 0);
        }
        sink_u32le(&out, 0);
        sink_u32le(&out, 0);
        if (reads(sink_bytes(&out), &got))
            fail_msg("%s", rows[i].name);
    }
}

/* At the limits and one past them: of texts in a list, and of all bytes. */
static void test_limits(void **state)
{
    (void)state;
    static struct config_flag many[SOURCES_TEXTS_MAX + 1];
    struct sources sources = { .file = "", .inputs = { .file_folder = "", .folder = "/" } };
    struct sources got;
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = (struct config_flag){ "", "" };
    sources.inputs.flags = many;
    sources.inputs.flag_count = SOURCES_TEXTS_MAX;
    assert_true(reads(write(&sources), &got));
    sources.inputs.flag_count = SOURCES_TEXTS_MAX + 1;
    assert_false(reads(write(&sources), &got));

    static char name[SOURCES_MAX];
    static uint8_t out_bytes[SOURCES_MAX];
    sources.inputs.flag_count = 0;
    size_t rest = write(&sources).len;
    memset(name, 'a', SOURCES_MAX - rest);
    sources.file = name;
    struct sink out = sink_over(out_bytes, sizeof out_bytes);
    sources_write(&out, &sources);
    assert_true(sink_ok(&out));
    assert_int_equal(out.len, SOURCES_MAX);
    assert_true(reads(sink_bytes(&out), &got));
    name[SOURCES_MAX - rest] = 'a';
    out = sink_over(out_bytes, sizeof out_bytes);
    sources_write(&out, &sources);
    assert_false(sink_ok(&out));
}

static void test_no_memory(void **state)
{
    (void)state;
    struct span whole = write(&full);
    bool was_good = false;
    size_t refused = 0;
    for (size_t memory = 0; memory < 1024; memory += 8) {
        struct sources got = { .file = "mine" };
        struct arena arena;
        arena_init(&arena, memory);
        bool good = sources_read(whole, &arena, &got);
        arena_fini(&arena);
        assert_true(good || !was_good);
        if (!good)
            assert_string_equal(got.file, "mine");
        refused += !good;
        was_good = good;
    }
    assert_true(refused > 1 && was_good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_there_and_back, ""), TEST(test_nothing_is_nothing, ""),
        TEST(test_truncation, ""),     TEST(test_what_is_no_text, ""),
        TEST(test_limits, ""),         TEST(test_no_memory, ""),
    };
    return RUN_TESTS(tests);
}
