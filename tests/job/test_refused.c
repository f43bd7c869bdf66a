/* test_refused.c - what a job was refused, from the run of a job to a house: what was written is
   read, and nothing else is. */
#include "job/refused.h"

#include <string.h>

#include "base/number.h"
#include "test.h"

static struct span write_row(uint8_t *room, const char *rule, const char *words, const char *change,
                             uint32_t count)
{
    static struct sink out;
    const struct job_refused row = { .rule = span_text(rule),
                                     .words = span_text(words),
                                     .change = span_text(change),
                                     .count = count };
    out = sink_over(room, 4096);
    job_refused_write(&out, &row);
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static bool is_row(const char *rule, const char *words, const char *change, uint32_t count)
{
    uint8_t room[4096];
    struct job_refused row;
    return job_refused_read(write_row(room, rule, words, change, count), &row);
}

static void test_what_was_written_is_read(void **state)
{
    uint8_t room[4096];
    char longest[JOB_REFUSED_WORDS_MAX + 1];
    struct job_refused row;
    (void)state;
    memset(longest, 'w', JOB_REFUSED_WORDS_MAX);
    longest[JOB_REFUSED_WORDS_MAX] = 0;
    const struct {
        const char *rule, *words, *change;
        uint32_t count;
        size_t len;
    } rows[] = {
        { "address", "192.0.2.1 is not in allowed_hosts", "allowed_hosts += [\"192.0.2.1\"]", 7,
          0 },
        { "q", "w", "", 1, JOB_REFUSED_MIN },
        { "no-rule-is-longr", longest, longest, UINT32_MAX, JOB_REFUSED_MAX },
        { "path", "the path /etc/\xc3\xa9 is hidden", "x", 2, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct span bytes = write_row(room, rows[i].rule, rows[i].words, rows[i].change,
                                            rows[i].count);
        assert_true(rows[i].len == 0 || bytes.len == rows[i].len);
        assert_true(job_refused_read(bytes, &row));
        assert_true(span_equal_text(row.rule, rows[i].rule));
        assert_true(span_equal_text(row.words, rows[i].words));
        assert_true(span_equal_text(row.change, rows[i].change));
        assert_int_equal(row.count, rows[i].count);
    }
}

/* It goes into a log that people read in terminals. */
static void test_what_is_no_row(void **state)
{
    char longer[JOB_REFUSED_WORDS_MAX + 2];
    (void)state;
    memset(longer, 'w', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_true(is_row("path", "words", "change", 1));
    assert_false(is_row("path", "words", "change", 0));
    assert_false(is_row("", "words", "change", 1));
    assert_false(is_row("Path", "words", "change", 1));
    assert_false(is_row("a path", "words", "change", 1));
    assert_false(is_row("a-rule-of-17-byte", "words", "change", 1));
    assert_false(is_row("path", "", "change", 1));
    assert_false(is_row("path", longer, "change", 1));
    assert_false(is_row("path", "words", longer, 1));
    assert_false(is_row("path", "wo\nrds", "change", 1));
    assert_false(is_row("path", "words", "\x1b[2J", 1));
    assert_false(is_row("path", "words\x7f", "change", 1));
    assert_false(is_row("path", "words\xff", "change", 1));
    assert_false(is_row("path", "words", "\xc3", 1));
}

static void test_cut_and_longer(void **state)
{
    uint8_t room[4096] = { 0 };
    struct job_refused row;
    (void)state;
    const struct span whole = write_row(room, "path", "words", "change", 3);
    for (size_t len = 0; len < whole.len; len++) {
        row.count = 4711;
        assert_false(job_refused_read(span_of(room, len), &row));
        assert_int_equal(row.count, 4711);
    }
    assert_true(job_refused_read(whole, &row));
    assert_false(job_refused_read(span_of(room, whole.len + 1), &row));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_written_is_read, ""),
        TEST(test_what_is_no_row, ""),
        TEST(test_cut_and_longer, ""),
    };
    return RUN_TESTS(tests);
}
