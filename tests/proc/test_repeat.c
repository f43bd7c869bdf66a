/* test_repeat.c - a word that a caller gave a call: one call for each word, whatever comes between,
   and a table of a fixed size that forgets nothing whose end is open. */
#include "proc/core/repeat.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

static struct repeats table;
static const struct repeat *done;

static struct repeat_call call_of(const char *word, uint8_t what, uint64_t generation)
{
    return (struct repeat_call){ span_text(word), what, generation };
}

static enum reason find(const char *word, int64_t now_ms)
{
    struct repeat_call call = call_of(word, 1, 0);
    return repeats_find(&table, &call, now_ms, &done);
}

static void begin(const char *word, uint64_t id, int64_t now_ms)
{
    struct repeat_call call = call_of(word, 1, 0);
    assert_int_equal(find(word, now_ms), REASON_OK);
    assert_null(done);
    repeats_begin(&table, &call, id, now_ms);
}

static void reset(void)
{
    memset(&table, 0, sizeof table);
}

static void test_once(void **state)
{
    (void)state;
    reset();
    begin("w", 7, 0);
    assert_int_equal(find("w", 0), REASON_IDEMPOTENCY_KEY_BUSY);
    repeats_end(&table, 8, true, span_text("of another question"), 0);
    assert_int_equal(find("w", 0), REASON_IDEMPOTENCY_KEY_BUSY);
    repeats_end(&table, 7, true, span_text("answer"), 5);
    repeats_end(&table, 7, true, span_text("again"), 5); /* the first counts */
    for (int64_t now = 5; now < 5 + REPEAT_MS; now += REPEAT_MS / 3) {
        assert_int_equal(find("w", now), REASON_OK);
        assert_non_null(done);
        assert_span_equal(span_of(done->answer, done->answer_len), span_text("answer"));
    }
    assert_int_equal(find("W", 5), REASON_OK); /* another word */
    assert_null(done);
    assert_int_equal(find("w", 5 + REPEAT_MS), REASON_OK); /* forgotten */
    assert_null(done);
}

static void test_for_one_thing(void **state)
{
    static const struct repeat_call others[] = {
        { { (const uint8_t *)"w", 1 }, 2, 0 },
        { { (const uint8_t *)"w", 1 }, 1, 9 },
    };
    (void)state;
    reset();
    begin("w", 7, 0);
    for (int done_with = 0; done_with < 2; done_with++) {
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(repeats_find(&table, &others[i], 0, &done),
                             REASON_IDEMPOTENCY_KEY_REUSED);
        assert_null(done);
        repeats_end(&table, 7, true, span_text("answer"), 0);
    }
}

static void test_what_was_refused_may_be_tried_again(void **state)
{
    uint8_t long_answer[REPEAT_ANSWER + 1] = { 0 };
    (void)state;
    reset();
    begin("w", 7, 0);
    repeats_end(&table, 7, false, span_text(""), 0);
    begin("w", 8, 0);
    repeats_end(&table, 8, true, span_of(long_answer, sizeof long_answer), 0);
    begin("w", 9, 0);
}

/* Made or not: nobody knows, and so it is not made again. */
static void test_whoever_does_it_dies(void **state)
{
    (void)state;
    reset();
    begin("done", 6, 0);
    repeats_end(&table, 6, true, span_text("answer"), 0);
    begin("open", 7, 0);
    repeats_lost(&table);
    assert_int_equal(find("open", 1), REASON_IDEMPOTENCY_KEY_BUSY);
    repeats_end(&table, 7, true, span_text("of a question of the new one"), 1);
    assert_int_equal(find("open", 1), REASON_IDEMPOTENCY_KEY_BUSY);
    assert_int_equal(find("done", 1), REASON_OK);
    assert_non_null(done);
    assert_int_equal(find("open", REPEAT_MS), REASON_OK);
    assert_null(done);
}

static void test_the_table_is_full(void **state)
{
    char word[API_IDEMPOTENCY_MAX + 1];
    (void)state;
    reset();
    for (unsigned i = 0; i < REPEATS; i++) {
        snprintf(word, sizeof word, "%0*u", API_IDEMPOTENCY_MAX, i);
        begin(word, i + 1, i);
    }
    assert_int_equal(find("more", REPEATS), REASON_HOUSE_UNAVAILABLE);
    assert_int_equal(find(word, REPEATS), REASON_IDEMPOTENCY_KEY_BUSY);
    repeats_end(&table, 3, true, span_text("third"), REPEATS + 2);
    repeats_end(&table, 2, true, span_text("second"), REPEATS + 1);
    begin("more", 1000, REPEATS + 3); /* in the place of the older answer */
    snprintf(word, sizeof word, "%0*u", API_IDEMPOTENCY_MAX, 2u);
    assert_int_equal(find(word, REPEATS + 3), REASON_OK);
    assert_non_null(done);
    snprintf(word, sizeof word, "%0*u", API_IDEMPOTENCY_MAX, 1u);
    begin(word, 1001, REPEATS + 3); /* forgotten, and takes the last place */
    assert_int_equal(find("yet another", REPEATS + 3), REASON_HOUSE_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_once, ""),
        TEST(test_for_one_thing, ""),
        TEST(test_what_was_refused_may_be_tried_again, ""),
        TEST(test_whoever_does_it_dies, ""),
        TEST(test_the_table_is_full, ""),
    };
    return RUN_TESTS(tests);
}
