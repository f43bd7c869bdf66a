/* test_report.c - the words of a process that may have been taken: what is a report is read, and
   nothing else is. */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "sandbox/report.h"

enum { WORDS_MAX = IMAGE_LAYERS_MAX + 2 };

/* What is sent: so many bytes of these words, or all of them. */
struct sent {
    struct report words[WORDS_MAX];
    size_t count, len;
};

static uint32_t seen;

static void count_layers(void *arg, uint32_t done, uint32_t layers)
{
    assert_ptr_equal(arg, &seen);
    assert_int_equal(done, seen + 1);
    assert_true(done <= layers);
    seen = done;
}

static bool read_it(const struct sent *sent, report_progress_fn *progress, struct report *last)
{
    int ends[2];
    const size_t all = sent->count * sizeof sent->words[0];
    const size_t len = sent->len == 0 ? all : sent->len;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], sent->words, len), len);
    close(ends[1]);
    seen = 0;
    memset(last, 0x55, sizeof *last);
    bool ok = report_read(ends[0], progress, &seen, last);
    close(ends[0]);
    return ok;
}

/* So many layers, each of them told, and the last word. */
static struct sent *good(uint32_t layers)
{
    static struct sent sent;
    memset(&sent, 0, sizeof sent);
    for (uint32_t i = 0; i < layers; i++)
        sent.words[sent.count++] = (struct report){ .step = i + 1, .layers = layers };
    sent.words[sent.count++] = (struct report){
        .layers = layers, .ended = 1, .bytes = 5, .entries = 6
    };
    return &sent;
}

static void test_what_is_read(void **state)
{
    (void)state;
    static const uint32_t layers[] = { 0, 1, 2, IMAGE_LAYERS_MAX };
    struct report last;
    for (size_t i = 0; i < COUNT_OF(layers); i++) {
        assert_true(read_it(good(layers[i]), count_layers, &last));
        assert_int_equal(seen, layers[i]);
        assert_true(last.layers == layers[i] && last.bytes == 5 && last.entries == 6);
    }
    assert_true(read_it(good(2), NULL, &last)); /* nobody looks */
    /* A refusal, in the middle of it; texts without an end get one. */
    struct sent *sent = good(1);
    struct report *word = &sent->words[1];
    word->layers = 5;
    sent->words[0].layers = 5;
    word->reason = REASON_COUNT - 1;
    memset(word->what, 'w', sizeof word->what);
    memset(word->where, 'n', sizeof word->where);
    assert_true(read_it(sent, count_layers, &last));
    assert_int_equal(last.reason, REASON_COUNT - 1);
    assert_int_equal(strlen(last.what), REPORT_WHAT - 1);
    assert_int_equal(strlen(last.where), REPORT_WHERE - 1);
}

/* One number of a sound report of three layers and its end is changed. */
static void test_what_no_reader_says(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t word;
        struct report says;
    } rows[] = {
        { "begins with the second layer", 0, { .step = 2, .layers = 3 } },
        { "begins before the first", 0, { .step = 0, .layers = 3 } },
        { "the same layer again", 1, { .step = 1, .layers = 3 } },
        { "a layer left out", 1, { .step = 3, .layers = 3 } },
        { "more layers than there are", 2, { .step = 3, .layers = 2 } },
        { "a layer past the most", 0, { .step = 1, .layers = IMAGE_LAYERS_MAX + 1 } },
        { "layers past the most at the end",
          3,
          { .layers = IMAGE_LAYERS_MAX + 1, .ended = 1, .reason = REASON_OK } },
        { "no such reason", 3, { .layers = 3, .ended = 1, .reason = REASON_COUNT } },
        { "a reason that is none on the way", 0, { .step = 1, .layers = 3, .reason = UINT32_MAX } },
        { "ended twice over", 3, { .layers = 3, .ended = 2 } },
        { "ended in the middle", 1, { .layers = 3, .ended = 1 } },
        { "no end", 3, { .step = 4, .layers = 4 } },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct report last, untouched;
        struct sent *sent = good(3);
        memset(&untouched, 0x55, sizeof untouched);
        sent->words[rows[i].word] = rows[i].says;
        if (read_it(sent, count_layers, &last) ||
            !bytes_equal((const uint8_t *)&last, (const uint8_t *)&untouched, sizeof last))
            fail_msg("%s", rows[i].name);
    }
}

/* Every prefix lacks something, and one byte more is too much. */
static void test_every_length(void **state)
{
    (void)state;
    struct report last;
    struct sent *sent = good(2);
    const size_t all = sent->count * sizeof sent->words[0];
    for (size_t len = 1; len < all; len++) {
        sent->len = len;
        assert_false(read_it(sent, count_layers, &last));
    }
    sent->len = all + 1;
    assert_false(read_it(sent, count_layers, &last));
    sent->count = 0;
    sent->len = 0;
    assert_false(read_it(sent, count_layers, &last));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_read, ""),
        TEST(test_what_no_reader_says, ""),
        TEST(test_every_length, ""),
    };
    return RUN_TESTS(tests);
}
