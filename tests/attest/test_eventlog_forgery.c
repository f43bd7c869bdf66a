/* test_eventlog_forgery.c - every genuine log, forged: events swapped, dropped, repeated, cut
   off, moved behind EV_NO_ACTION or behind "system-ready", bits flipped.  A forgery passes only
   when what it replays to is what the quote signs, and then it says nothing new. */
#include <stdlib.h>
#include <string.h>

#include "attest/cases.h"
#include "attest/ccel.h"
#include "attest/dstack_log.h"
#include "attest/logs.h"
#include "test.h"
#include "vectors.h"

enum { PIECES_MAX = 256 };

/* A log as its events; `front` and `back` stand around them, `between` separates them. */
struct pieces {
    struct span front, between, back;
    size_t count;
    struct span events[PIECES_MAX];
    uint32_t index[PIECES_MAX]; /* RTMR 0..3, or 9 when it extends none */
    struct span digest[PIECES_MAX];
};

static void cut_ccel(struct pieces *pieces, struct span log)
{
    struct report report = { 0 };
    struct ccel reader;
    struct ccel_event event;
    bool more = true;
    assert_true(ccel_open(log, &report, &reader));
    pieces->front = cur_since(&reader.in, 0);
    while (more) {
        size_t mark = cur_offset(&reader.in);
        assert_true(ccel_next(&reader, &report, &event, &more));
        if (!more)
            break;
        assert_in_range(pieces->count, 0, PIECES_MAX - 1);
        pieces->events[pieces->count] = cur_since(&reader.in, mark);
        pieces->index[pieces->count] = event.type == EV_NO_ACTION ? 9 : event.index - 1;
        pieces->digest[pieces->count++] = event.sha384;
    }
}

static void cut_dstack(struct pieces *pieces, struct span log, struct arena *arena)
{
    struct json json;
    uint64_t imr;
    assert_true(json_parse(log, arena, NULL, &json, NULL));
    pieces->front = span_text("[");
    pieces->between = span_text(",");
    pieces->back = span_text("]");
    for (uint32_t n = json_first(&json, 0); n != JSON_NONE; n = json_next(&json, n)) {
        assert_in_range(pieces->count, 0, PIECES_MAX - 1);
        assert_true(json_u64(&json, json_member(&json, n, "imr"), 3, &imr));
        pieces->events[pieces->count] = json_raw(&json, n);
        pieces->index[pieces->count] = (uint32_t)imr;
        /* Run-time events have no digest here, but they all differ. */
        pieces->digest[pieces->count++] = json_raw(&json, n);
    }
}

/* Writes the events in an order; the text is freed by the caller. */
static struct span join(const struct pieces *pieces, const size_t *order, size_t count)
{
    size_t room = 64 + pieces->front.len;
    for (size_t i = 0; i < count; i++)
        room += pieces->events[order[i]].len + 1;
    uint8_t *memory = malloc(room);
    assert_non_null(memory);
    struct sink out = sink_over(memory, room);
    sink_put(&out, pieces->front);
    for (size_t i = 0; i < count; i++) {
        sink_put(&out, i == 0 ? (struct span){ 0 } : pieces->between);
        sink_put(&out, pieces->events[order[i]]);
    }
    sink_put(&out, pieces->back);
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static enum reason judge_order(struct judged *judged, const struct pieces *pieces,
                               const size_t *order, size_t count)
{
    struct span log = join(pieces, order, count);
    judge(judged, log, NULL);
    free((void *)(uintptr_t)log.at);
    assert_int_equal(judged->log.value_count == 0 || log_reason(judged) == REASON_NONE, true);
    return log_reason(judged);
}

static void identity(size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
}

static void every_swap(struct judged *judged, const struct pieces *pieces)
{
    size_t order[PIECES_MAX];
    for (size_t i = 0; i + 1 < pieces->count; i++) {
        identity(order, pieces->count);
        order[i] = i + 1;
        order[i + 1] = i;
        bool changes = pieces->index[i] == pieces->index[i + 1] && pieces->index[i] != 9 &&
                       !span_equal(pieces->digest[i], pieces->digest[i + 1]);
        enum reason reason = judge_order(judged, pieces, order, pieces->count);
        assert_int_equal(reason, changes ? REASON_RTMR_MISMATCH : REASON_NONE);
    }
}

static void every_drop(struct judged *judged, const struct pieces *pieces)
{
    size_t order[PIECES_MAX];
    for (size_t i = 0; i < pieces->count; i++) {
        size_t count = 0;
        for (size_t j = 0; j < pieces->count; j++)
            if (j != i)
                order[count++] = j;
        enum reason reason = judge_order(judged, pieces, order, count);
        assert_int_equal(reason, pieces->index[i] == 9 ? REASON_NONE : REASON_RTMR_MISMATCH);
    }
}

static void every_repeat(struct judged *judged, const struct pieces *pieces)
{
    size_t order[PIECES_MAX + 1];
    for (size_t i = 0; i < pieces->count; i++) {
        identity(order, i + 1);
        for (size_t j = i; j < pieces->count; j++)
            order[j + 1] = j;
        enum reason reason = judge_order(judged, pieces, order, pieces->count + 1);
        /* A repeated name, and SecureBoot twice, are refused by an earlier line. */
        if (pieces->index[i] != 9)
            assert_true(reason == REASON_RTMR_MISMATCH || reason == REASON_EVENTLOG_DUPLICATE);
    }
}

static void every_cut(struct judged *judged, const struct pieces *pieces)
{
    size_t order[PIECES_MAX];
    identity(order, pieces->count);
    for (size_t count = 0; count < pieces->count; count++) {
        bool lost = false;
        for (size_t i = count; i < pieces->count; i++)
            lost = lost || pieces->index[i] != 9;
        enum reason reason = judge_order(judged, pieces, order, count);
        assert_int_equal(reason, lost ? REASON_RTMR_MISMATCH : REASON_NONE);
    }
}

static void forge(struct judged *judged, const struct pieces *pieces)
{
    every_swap(judged, pieces);
    every_drop(judged, pieces);
    every_repeat(judged, pieces);
    every_cut(judged, pieces);
}

/* The logs of a TD; the other two are refused as they are. */
static bool is_of_a_td(struct judged *judged, struct span log)
{
    judge_own(judged, log);
    return log_reason(judged) == REASON_NONE;
}

static void test_forged_ccel(void **state)
{
    (void)state;
    struct cases cases;
    unsigned count = 0;
    cases_open(&cases);
    for (uint32_t n = JSON_NONE; (n = cases_next(&cases, n, "ccel")) != JSON_NONE;) {
        struct judged judged;
        struct pieces pieces = { 0 };
        struct span log = case_file(&cases, n, "file");
        if (is_of_a_td(&judged, log)) {
            cut_ccel(&pieces, log);
            forge(&judged, &pieces);
            count++;
        }
        vectors_free(&log);
    }
    assert_int_equal(count, 8);
    cases_close(&cases);
}

/* Each event in turn is said not to extend, and each is said to extend under another type. */
static void test_forged_types(void **state)
{
    (void)state;
    vectors_required();
    struct judged judged;
    struct span log = vectors_read("attest/eventlog/trustee_ccel-data-ovmf.ccel.bin");
    struct pieces pieces = { 0 };
    uint8_t *copy = malloc(log.len);
    assert_non_null(copy);
    judge_own(&judged, log);
    cut_ccel(&pieces, log);
    size_t at = pieces.front.len;
    for (size_t i = 0; i < pieces.count; at += pieces.events[i++].len) {
        static const uint8_t no_action[4] = { 3, 0, 0, 0 };
        memcpy(copy, log.at, log.len);
        memcpy(copy + at + 4, no_action, 4);
        judge(&judged, span_of(copy, log.len), NULL);
        assert_int_equal(log_reason(&judged), REASON_RTMR_MISMATCH);
        assert_int_equal(judged.log.value_count, 0);
    }
    free(copy);
    vectors_free(&log);
}

static const char dstack_file[] = "attest/eventlog/dstack_tdx-lite-getquote.dstack-eventlog.json";
static const char dstack_quote[] = "tdx/dstack_tdx-lite-attestation_1d0342.quote.bin";

static void test_forged_dstack(void **state)
{
    (void)state;
    vectors_required();
    struct judged judged;
    struct arena arena;
    struct pieces pieces = { 0 };
    arena_init(&arena, 1 << 20);
    struct span log = vectors_read(dstack_file);
    quote_registers(&judged, dstack_quote);
    cut_dstack(&pieces, log, &arena);
    forge(&judged, &pieces);
    arena_fini(&arena);
    vectors_free(&log);
}

/* An event of the system is moved behind "system-ready" or made up there: whatever the
   registers are then, it gives no value. */
static void test_system_event_after_ready(void **state)
{
    (void)state;
    vectors_required();
    struct judged judged;
    struct arena arena;
    struct pieces pieces = { 0 };
    size_t order[PIECES_MAX], lost = 0;
    arena_init(&arena, 1 << 20);
    struct span log = vectors_read(dstack_file);
    quote_registers(&judged, dstack_quote);
    cut_dstack(&pieces, log, &arena);
    for (size_t i = 0; i + 1 < pieces.count; i++) {
        if (pieces.index[i] != 3)
            continue;
        identity(order, pieces.count);
        for (size_t j = i; j + 1 < pieces.count; j++)
            order[j] = j + 1;
        order[pieces.count - 1] = i;
        assert_int_equal(judge_order(&judged, &pieces, order, pieces.count), REASON_RTMR_MISMATCH);
        /* Even a TD that did extend in this order gives no value for it. */
        struct judged own;
        struct span forged = join(&pieces, order, pieces.count);
        judge_own(&own, forged);
        free((void *)(uintptr_t)forged.at);
        assert_int_equal(log_reason(&own), REASON_NONE);
        judge(&judged, log, NULL);
        assert_in_range(judged.log.value_count - own.log.value_count, 0, 1);
        lost += judged.log.value_count - own.log.value_count;
    }
    judge(&judged, log, NULL);
    assert_int_equal(lost, judged.log.value_count);
    arena_fini(&arena);
    vectors_free(&log);
}

/* Every bit of a log flipped: it is refused, or it replays to the same registers and says
   exactly what it said before. */
static void flip_every_bit(struct judged *judged, struct span log)
{
    uint8_t *copy = malloc(log.len);
    assert_non_null(copy);
    judge(judged, log, NULL);
    assert_int_equal(log_reason(judged), REASON_NONE);
    struct log_claims good = judged->log;
    for (size_t bit = 0; bit < 8 * log.len; bit++) {
        memcpy(copy, log.at, log.len);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        judge(judged, span_of(copy, log.len), NULL);
        if (log_reason(judged) != REASON_NONE) {
            assert_int_equal(judged->log.value_count, 0);
            continue;
        }
        assert_true(bytes_equal(judged->log.replayed, good.replayed, sizeof good.replayed));
        assert_true(bytes_equal(judged->log.values, good.values, sizeof good.values));
    }
    free(copy);
}

static void test_flipped_bits(void **state)
{
    (void)state;
    vectors_required();
    struct judged judged;
    struct span log = vectors_read("attest/eventlog/trustee_ccel-data-ovmf.ccel.bin");
    judge_own(&judged, log);
    flip_every_bit(&judged, log);
    vectors_free(&log);
    log = vectors_read(dstack_file);
    quote_registers(&judged, dstack_quote);
    flip_every_bit(&judged, log);
    vectors_free(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_forged_ccel, "RL-11 AE-5 AE-6"),
        TEST(test_forged_types, "RL-11"),
        TEST(test_forged_dstack, "RL-11 AE-11"),
        TEST(test_system_event_after_ready, "RL-11"),
        TEST(test_flipped_bits, ""),
    };
    return RUN_TESTS(tests);
}
