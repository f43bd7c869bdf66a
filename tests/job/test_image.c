/* test_image.c - where names of a layer lead.  Manifests and configurations, whole archives:
   tests/cmd/test_image.py. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "job/image.h"

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum image_entry kind;
        const char *plain;
    } rows[] = {
        { "a", IMAGE_ENTRY_PLAIN, "a" },
        { "./a/./b//c/", IMAGE_ENTRY_PLAIN, "a/b/c" },
        { "...", IMAGE_ENTRY_PLAIN, "..." },
        { "a/.b/..c", IMAGE_ENTRY_PLAIN, "a/.b/..c" },
        { ".", IMAGE_ENTRY_ROOT, "" },
        { "./", IMAGE_ENTRY_ROOT, "" },
        { ".wh.a", IMAGE_ENTRY_WHITEOUT, "a" },
        { "x/.wh..hidden", IMAGE_ENTRY_WHITEOUT, "x/.hidden" },
        { ".wh..wh..opq", IMAGE_ENTRY_OPAQUE, "" },
        { "x/y/.wh..wh..opq", IMAGE_ENTRY_OPAQUE, "x/y" },
        { "", IMAGE_ENTRY_NONE, NULL },
        { "/", IMAGE_ENTRY_NONE, NULL },
        { "/a", IMAGE_ENTRY_NONE, NULL },
        { "..", IMAGE_ENTRY_NONE, NULL },
        { "../a", IMAGE_ENTRY_NONE, NULL },
        { "a/../b", IMAGE_ENTRY_NONE, NULL },
        { "a/..", IMAGE_ENTRY_NONE, NULL },
        { ".wh.", IMAGE_ENTRY_NONE, NULL },
        { ".wh..", IMAGE_ENTRY_NONE, NULL },
        { ".wh...", IMAGE_ENTRY_NONE, NULL },
        { ".wh..wh.plnk", IMAGE_ENTRY_NONE, NULL },
        { ".wh.a/b", IMAGE_ENTRY_NONE, NULL },
        { ".wh..wh..opq/b", IMAGE_ENTRY_NONE, NULL },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char room[IMAGE_PATH_MAX + 1];
        enum image_entry kind = image_entry_read(span_text(rows[i].path), room);
        if (kind != rows[i].kind || (rows[i].plain != NULL && strcmp(room, rows[i].plain) != 0))
            fail_msg("\"%s\" is %d", rows[i].path, (int)kind);
    }
    char room[IMAGE_PATH_MAX + 1];
    assert_int_equal(image_entry_read(span_of("a\0b", 3), room), IMAGE_ENTRY_NONE);
}

static void test_the_longest_name(void **state)
{
    (void)state;
    static char path[IMAGE_PATH_MAX + 1];
    char room[IMAGE_PATH_MAX + 1];
    memset(path, 'n', sizeof path);
    for (size_t i = 200; i < sizeof path; i += 200)
        path[i] = '/';
    assert_int_equal(image_entry_read(span_of(path, IMAGE_PATH_MAX), room), IMAGE_ENTRY_PLAIN);
    assert_int_equal(strlen(room), IMAGE_PATH_MAX);
    assert_int_equal(image_entry_read(span_of(path, IMAGE_PATH_MAX + 1), room), IMAGE_ENTRY_NONE);
}

static void test_digests(void **state)
{
    (void)state;
    static const char good[] =
        "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    uint8_t digest[IMAGE_DIGEST];
    char text[80];
    struct sink out = sink_over(text, sizeof text);
    assert_true(image_digest_read(span_text(good), digest));
    image_digest_write(&out, digest);
    assert_true(span_equal_text(sink_bytes(&out), good));
    for (size_t len = 0; len < sizeof good - 1; len++)
        assert_false(image_digest_read(span_of(good, len), digest));
    assert_false(image_digest_read(span_of(good, sizeof good), digest)); /* with its NUL */
    assert_false(image_digest_read(
        span_text("sha256:00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"),
        digest));
    assert_false(image_digest_read(
        span_text("sha512:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
        digest));
}

static bool load(const char *text, struct image_config *config)
{
    static uint8_t memory[1 << 20];
    struct arena arena = arena_over(memory, sizeof memory);
    return image_config_load(span_text(text), &arena, config);
}

/* What an import writes is what a run reads; what is anything else is nothing. */
static void test_what_was_kept(void **state)
{
    (void)state;
    static const char good[] =
        "{\"entrypoint\":[],\"command\":[\"/bin/sh\"],\"environment\":[\"A=\xc3\xa4"
        "\",\"B=\\u001b\"],\"user\":\"1\",\"folder\":\"/a\"}";
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{\"command\":\"/bin/sh\"}",
        "{\"environment\":[1]}",
        "{\"folder\":[]}",
        "{\"user\":\"a\\u0000b\"}",
        "{\"user\":1}",
        "{} {}",
    };
    char again[sizeof good + 16];
    struct image_config config, untouched;
    assert_true(load(good, &config));
    assert_int_equal(config.environment.count, 2);
    assert_int_equal(config.layer_count, 0);
    struct sink out = sink_over(again, sizeof again);
    image_config_write(&out, &config);
    assert_span_equal(sink_bytes(&out), span_text(good));
    assert_true(load("{}", &config));
    assert_int_equal(config.folder.len, 0);
    memset(&untouched, 0x55, sizeof untouched);
    config = untouched;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(load(bad[i], &config));
        assert_memory_equal(&config, &untouched, sizeof config);
    }
    for (size_t len = 0; len < sizeof good - 1; len++) {
        char part[sizeof good];
        memcpy(part, good, len);
        part[len] = 0;
        assert_false(load(part, &config));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names, "RL-45"),
        TEST(test_the_longest_name, ""),
        TEST(test_digests, ""),
        TEST(test_what_was_kept, ""),
    };
    return RUN_TESTS(tests);
}
