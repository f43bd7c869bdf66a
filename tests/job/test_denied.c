/* test_denied.c - tries of denied paths: counted to a bound, and said in words of ours around a
   name that does nothing. */
#include "job/denied.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "test.h"

static const struct span paths[] = { { (const uint8_t *)"/etc", 4 },
                                     { (const uint8_t *)"/usr/bin", 8 },
                                     { (const uint8_t *)"/plain", 6 } };
static const struct span_list denied = { paths, COUNT_OF(paths) };

static struct denied_try *add(struct denied_tries *tries, size_t rule, const char *name)
{
    return denied_add(tries, rule, span_text(name));
}

static void assert_words(const struct denied_try *tried, const char *rule, const char *change)
{
    char room[1024];
    struct sink out = sink_over(room, sizeof room);
    denied_write_rule(&out, &denied, tried);
    sink_terminate(&out);
    assert_string_equal(room, rule);
    out = sink_over(room, sizeof room);
    denied_write_change(&out, &denied, tried);
    sink_terminate(&out);
    assert_string_equal(room, change);
}

static void test_words(void **state)
{
    static struct denied_tries tries;
    (void)state;
    memset(&tries, 0, sizeof tries);
    assert_words(add(&tries, 0, "shadow"),
                 "the path /etc/shadow is hidden by "
                 "sandbox_config.filesystem_policy.denied_paths, which has \"/etc\"",
                 "sandbox_config.filesystem_policy.denied_paths -= [\"/etc\"]");
    assert_words(add(&tries, 1, ""),
                 "the path /usr/bin, or what would be below it, is hidden by "
                 "sandbox_config.filesystem_policy.denied_paths, which has \"/usr/bin\"",
                 "sandbox_config.filesystem_policy.denied_paths -= [\"/usr/bin\"]");
}

/* A path is as long as a specification may have it: what is said of it is shorter, and whole. */
static void test_words_of_a_long_path(void **state)
{
    static char path[JOB_TEXT_MAX];
    struct denied_try tried = { .rule = 0, .count = 1 };
    char room[1024];
    (void)state;
    for (size_t skip = 0; skip < 3; skip++) {
        for (size_t i = 0; i < sizeof path; i++)
            path[i] = i % 2 ? '\xa4' : '\xc3'; /* two bytes, one character */
        const struct span item = span_of(path + skip % 2, sizeof path - 4);
        const struct span_list list = { &item, 1 };
        struct sink out = sink_over(room, sizeof room);
        denied_write_rule(&out, &list, &tried);
        denied_write_change(&out, &list, &tried);
        assert_true(sink_ok(&out));
        assert_true(out.len < 1000);
        const char *end = strstr(room, "...");
        assert_non_null(end);
        assert_true(((uint8_t)end[-1] & 0xc0) == 0x80); /* the last one of a character */
    }
}

static void test_names_that_are_not_said(void **state)
{
    static const char *const names[] = { "\x1b[31m",
                                         "a b",
                                         "a\nb",
                                         "",
                                         "ä",
                                         "\"",
                                         "\\",
                                         "a/b",
                                         "$x",
                                         "a;b",
                                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
    static struct denied_tries tries;
    (void)state;
    memset(&tries, 0, sizeof tries);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct denied_try *row = add(&tries, 2, names[i]);
        assert_ptr_equal(row, &tries.at[2]);
        assert_int_equal(row->count, i + 1);
        assert_int_equal(row->name_len, 0);
    }
    assert_int_equal(add(&tries, 2, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")->name_len, 40);
}

/* Whatever is tried below one path hides no try of another path, and all of it is counted. */
static void test_kinds_are_bounded(void **state)
{
    static struct denied_tries tries;
    char name[16];
    uint64_t sum = 0;
    (void)state;
    memset(&tries, 0, sizeof tries);
    for (size_t rule = 0; rule < JOB_LIST_MAX; rule++) {
        for (int i = 0; i < 100; i++) {
            snprintf(name, sizeof name, "n%d", i);
            const struct denied_try *row = add(&tries, rule, name);
            assert_int_equal(row->rule, rule);
            assert_true(row->name_len > 0 || row == &tries.at[rule]);
            if (rule < DENIED_NAMES / DENIED_NAMES_OF_RULE)
                assert_true((row->name_len > 0) == (i < DENIED_NAMES_OF_RULE));
            else
                assert_int_equal(row->name_len, 0);
        }
    }
    for (size_t i = 0; i < DENIED_ROOM; i++)
        sum += tries.at[i].count;
    assert_int_equal(sum, JOB_LIST_MAX * 100);
    assert_int_equal(add(&tries, 3, "n1")->count, 2);
    assert_null(add(&tries, JOB_LIST_MAX, "x"));
    tries.at[5].count = UINT32_MAX;
    assert_int_equal(add(&tries, 5, "")->count, UINT32_MAX);
}

static void test_what_is_usual(void **state)
{
    (void)state;
    assert_true(denied_is_usual(span_text("/etc"), span_text("ld.so.cache")));
    assert_true(denied_is_usual(span_text("/etc"), span_text("localtime")));
    assert_false(denied_is_usual(span_text("/etc"), span_text("shadow")));
    assert_false(denied_is_usual(span_text("/etc"), span_text("passwd")));
    assert_false(denied_is_usual(span_text("/etc"), span_text("")));
    assert_false(denied_is_usual(span_text("/etc"), span_text("ld.so.cache2")));
    assert_false(denied_is_usual(span_text("/usr/bin"), span_text("ld.so.cache")));
}

/* What comes over a pipe is taken over where somebody who counts so can have said it. */
static void test_what_is_taken_over(void **state)
{
    static struct denied_tries theirs, ours;
    const struct denied_try *is_new;
    char name[16];
    (void)state;
    memset(&theirs, 0, sizeof theirs);
    memset(&ours, 0, sizeof ours);
    for (int turn = 1; turn <= 2; turn++) {
        for (int i = 0; i < 300; i++) {
            snprintf(name, sizeof name, "n%d", i % 30);
            const struct denied_try *row = add(&theirs, (size_t)i % 3, name);
            assert_true(denied_take(&ours, row, denied.count, &is_new));
            assert_true((is_new != NULL) == (row->count == 1));
        }
    }
    for (size_t i = 0; i < DENIED_ROOM; i++)
        assert_memory_equal(&ours.at[i], &theirs.at[i], sizeof ours.at[i]);
    struct denied_try wrong[] = { { .rule = 0, .count = 0 },
                                  { .rule = 3, .count = 1 },
                                  { .rule = UINT32_MAX, .count = 1 },
                                  { .rule = 0, .count = 1, .name_len = DENIED_NAME_MAX + 1 },
                                  { .rule = 0, .count = 1, .name_len = 3, .name = "a b" },
                                  { .rule = 0, .count = 1, .name_len = 1, .name = "\x1b" } };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const struct denied_tries before = ours;
        assert_false(denied_take(&ours, &wrong[i], denied.count, &is_new));
        assert_null(is_new);
        assert_memory_equal(&ours, &before, sizeof ours);
    }
    const struct denied_try more = { .rule = 0, .count = 1, .name_len = 4, .name = "more" };
    const struct denied_tries before = ours;
    assert_true(denied_take(&ours, &more, denied.count, &is_new));
    assert_null(is_new);
    assert_memory_equal(&ours, &before, sizeof ours);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        TEST(test_words, ""),
        TEST(test_words_of_a_long_path, ""),
        TEST(test_names_that_are_not_said, ""),
        TEST(test_kinds_are_bounded, ""),
        TEST(test_what_is_usual, ""),
        TEST(test_what_is_taken_over, ""),
    };
    return RUN_TESTS(tests);
}
