/* test_h2_abuse.c - what costs a server more than its peer: each habit at its allowance and one
   past it, and what the connection does then. */
#include "http/h2_abuse.h"

#include <string.h>

#include "base/number.h"
#include "frames.h"
#include "test.h"

static struct peer peer;

static const uint8_t zeros[64];

/* One frame of a habit. */
static void put_habit(enum h2_habit habit, int32_t *stream)
{
    switch (habit) {
    case H2_RESET:
        peer_get(&peer, *stream, "/");
        peer_frame(&peer, F_RST, 0, *stream, span_of("\0\0\0\x08", 4));
        *stream += 2;
        return;
    case H2_SERVER_RESET: /* no path: an error of the stream */
        peer_headers(&peer, END_HEADERS, *stream, ":method:POST\n:scheme:https\n:authority:a\n");
        *stream += 2;
        return;
    case H2_SETTINGS:
        peer_frame(&peer, F_SETTINGS, 0, 0, (struct span){ 0 });
        return;
    case H2_PING:
        peer_frame(&peer, F_PING, 0, 0, span_of(zeros, 8));
        return;
    case H2_WINDOW:
        peer_frame(&peer, F_WINDOW, 0, 0, span_of("\0\0\0\1", 4));
        return;
    case H2_EMPTY_DATA:
        peer_frame(&peer, F_DATA, 0, 1, (struct span){ 0 });
        return;
    case H2_PRIORITY:
        peer_frame(&peer, F_PRIORITY, 0, 9, span_of(zeros, 5));
        return;
    case H2_UNKNOWN:
        peer_frame(&peer, 0xee, 0, 0, span_of(zeros, 8));
        return;
    case H2_CONTINUATION:
    case H2_EXPANSION:
    case H2_HABITS:
    default:
        fail();
    }
}

static const enum h2_habit flooded[] = { H2_RESET,  H2_SERVER_RESET, H2_SETTINGS, H2_PING,
                                         H2_WINDOW, H2_EMPTY_DATA,   H2_PRIORITY, H2_UNKNOWN };

/* At the allowance the connection lives; one more, and it is told to calm down. */
static void test_floods(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(flooded); i++) {
        enum h2_habit habit = flooded[i];
        for (size_t more = 0; more < 2; more++) {
            int32_t stream = 3;
            peer_begin(&peer, &h2_limits_default);
            peer.answers = false;
            peer_headers(&peer, END_HEADERS, 1,
                         ":method:POST\n:scheme:https\n:path:/\n:authority:a\n");
            /* The SETTINGS of the beginning counts. */
            size_t count = h2_allowances[habit].burst + more - (habit == H2_SETTINGS);
            if (habit == H2_SERVER_RESET)
                peer.answers = true;
            bool open = true;
            for (size_t k = 0; open && k < count; k++) {
                put_habit(habit, &stream);
                open = peer_go(&peer, SIZE_MAX);
            }
            if (open == (more > 0))
                fail_msg("%s, %zu of them: %s", h2_habit_name(habit), count,
                         open ? "open" : "closed");
            if (more > 0) {
                assert_int_equal(peer.conn.reason, REASON_HTTP2_ABUSE);
                assert_int_equal(peer.conn.watch.broken, habit);
                assert_non_null(strstr(peer_said(&peer), " 11\n"));
                assert_true(h2_is_closed(&peer.conn));
            }
            peer_end(&peer);
        }
    }
}

/* All of it in one read: nothing of the flood reaches the library. */
static void test_flood_in_one_read(void **state)
{
    (void)state;
    peer_begin(&peer, &h2_limits_default);
    assert_true(peer_go(&peer, SIZE_MAX));
    size_t before = peer.conn.heap.used;
    for (size_t i = 0; i < 5000; i++)
        put_habit(H2_PING, NULL);
    assert_false(peer_go(&peer, SIZE_MAX));
    assert_int_equal(count_lines(peer_said(&peer), "PING"), 0);
    assert_true(peer.conn.heap.used < before + 1024);
    peer_end(&peer);
}

/* In the long run so many a second are allowed, and no more. */
static void test_rates(void **state)
{
    (void)state;
    for (unsigned habit = 0; habit < H2_HABITS; habit++) {
        struct h2_watch watch;
        h2_watch_init(&watch, 0);
        size_t taken = 0;
        uint64_t seconds = 100;
        for (uint64_t ms = 0; ms < seconds * 1000; ms++) {
            for (size_t k = 0; k < 3; k++)
                taken += h2_watch_count(&watch, ms, (enum h2_habit)habit);
        }
        uint64_t most = h2_allowances[habit].burst + seconds * h2_allowances[habit].per_second;
        assert_in_range(taken, most - h2_allowances[habit].per_second - 1, most);
    }
    struct h2_watch watch;
    h2_watch_init(&watch, UINT64_MAX - 5);
    for (size_t i = 0; i < h2_allowances[H2_PING].burst; i++)
        assert_true(h2_watch_count(&watch, UINT64_MAX, H2_PING));
    assert_false(h2_watch_count(&watch, 0, H2_PING)); /* a clock that goes back helps nobody */
}

static void test_window_updates_that_were_called_for(void **state)
{
    (void)state;
    struct h2_watch watch;
    h2_watch_init(&watch, 0);
    for (size_t i = 0; i < 100000; i++) {
        assert_true(h2_watch_count(&watch, 0, H2_WINDOW));
        h2_watch_credit(&watch, H2_WINDOW, 4);
    }
    h2_watch_credit(&watch, H2_WINDOW, UINT32_MAX); /* no credit is kept for later */
    for (size_t i = 0; i < h2_allowances[H2_WINDOW].burst; i++)
        assert_true(h2_watch_count(&watch, 0, H2_WINDOW));
    assert_false(h2_watch_count(&watch, 0, H2_WINDOW));
}

/* One block in 1 + `count` frames. */
static void put_continued(int32_t stream, size_t count)
{
    uint8_t bytes[256];
    struct sink block = sink_over(bytes, sizeof bytes);
    peer_encode(":method:GET\n:scheme:https\n:path:/\n:authority:a\n", &block);
    peer_frame(&peer, F_HEADERS, END_STREAM, stream, span_of(bytes, 1));
    for (size_t i = 1; i < count; i++)
        peer_frame(&peer, F_CONTINUATION, 0, stream, span_of(&bytes[i], 1));
    peer_frame(&peer, F_CONTINUATION, END_HEADERS, stream,
               span_of(&bytes[count], block.len - count));
}

static void test_continuation(void **state)
{
    (void)state;
    peer_begin(&peer, &h2_limits_default);
    put_continued(1, H2_CONTINUATIONS_MAX);
    if (!peer_go(&peer, 5))
        fail_msg("%s %s %d", peer_events(&peer), peer_said(&peer), (int)peer.conn.reason);
    assert_non_null(strstr(peer_events(&peer), "1 done\n"));
    put_continued(3, H2_CONTINUATIONS_MAX + 1);
    assert_false(peer_go(&peer, 5));
    assert_int_equal(peer.conn.watch.broken, H2_CONTINUATION);
    assert_null(strstr(peer_events(&peer), "3 GET"));
    peer_end(&peer);

    /* Many short blocks, each within its own limit. */
    peer_begin(&peer, &h2_limits_default);
    bool open = true;
    int32_t stream = 1;
    for (; open && stream < 200; stream += 2) {
        put_continued(stream, 4);
        open = peer_go(&peer, SIZE_MAX);
    }
    assert_int_equal((stream - 1) / 2, h2_allowances[H2_CONTINUATION].burst / 4 + 1);
    peer_end(&peer);

    /* Without an end: nothing is kept for long. */
    peer_begin(&peer, &h2_limits_default);
    peer_frame(&peer, F_HEADERS, 0, 1, (struct span){ 0 });
    for (size_t i = 0; i < 1000; i++)
        peer_frame(&peer, F_CONTINUATION, 0, 1, span_of(zeros, 0));
    assert_false(peer_go(&peer, SIZE_MAX));
    peer_end(&peer);
}

/* A field of 4000 bytes goes into the table once and is then named by one byte, again and again. */
static void test_header_bomb(void **state)
{
    (void)state;
    static uint8_t bytes[16384];
    static char value[4001];
    memset(value, 'a', 4000);
    peer_begin(&peer, &h2_limits_default);
    struct sink block = sink_over(bytes, sizeof bytes);
    peer_encode(":method:GET\n:scheme:https\n:path:/\n:authority:a\n", &block);
    sink_text(&block, "\x40\x01x\x7f\xa1\x1e"); /* literal with indexing, 4000 bytes */
    sink_text(&block, value);
    peer_frame(&peer, F_HEADERS, END_STREAM | END_HEADERS, 1, sink_bytes(&block));
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_non_null(strstr(peer_events(&peer), "1 done\n"));
    size_t before = peer.conn.heap.used, refused = 0;
    bool open = true;
    for (int32_t stream = 3; open && stream < 2001; stream += 2) {
        struct sink bomb = sink_over(bytes, sizeof bytes);
        peer_encode(":method:GET\n:scheme:https\n:path:/\n:authority:a\n", &bomb);
        while (bomb.len < 12000)
            sink_u8(&bomb, 0x80 | 62); /* the newest entry of the table */
        peer_frame(&peer, F_HEADERS, END_STREAM | END_HEADERS, stream, sink_bytes(&bomb));
        open = peer_go(&peer, SIZE_MAX);
        refused++;
        assert_true(peer.conn.heap.used < before + 100 * 1024);
    }
    assert_false(open);
    assert_int_equal(refused, h2_allowances[H2_EXPANSION].burst + 1);
    assert_int_equal(peer.conn.watch.broken, H2_EXPANSION);
    assert_int_equal(count_lines(peer_events(&peer), "refused HTTP_FIELDS_TOO_LARGE"), refused);
    peer_end(&peer);
}

/* A window of nothing, and answers asked for: they wait within the bound, and not for long. */
static void test_zero_window(void **state)
{
    (void)state;
    peer_begin(&peer, &h2_limits_default);
    peer.stream_bytes = 1 << 20;
    peer_frame(&peer, F_SETTINGS, 0, 0, span_of("\0\4\0\0\0\0", 6));
    for (int32_t stream = 1; stream < 40; stream += 2)
        peer_get(&peer, stream, "/");
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_true(peer.conn.queued > 0);
    assert_true(peer.conn.queued <= h2_limits_default.connection_queue);
    assert_int_equal(count_lines(peer_said(&peer), "DATA"), 0);
    assert_true(h2_tick(&peer.conn, h2_limits_default.hold_ms));
    /* A byte now and then is no reading. */
    peer.now_ms = h2_limits_default.hold_ms;
    peer_frame(&peer, F_WINDOW, 0, 1, span_of("\0\0\0\1", 4));
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_int_equal(count_lines(peer_said(&peer), "DATA"), 1);
    assert_false(h2_tick(&peer.conn, h2_limits_default.hold_ms + 1));
    assert_int_equal(peer.conn.reason, REASON_HTTP2_ABUSE);
    assert_false(peer_go(&peer, SIZE_MAX));
    assert_non_null(strstr(peer_said(&peer), "GOAWAY 0 11\n"));
    peer_end(&peer);
}

/* Streams that found the connection's queue full go on when others have left it. */
static void test_nobody_starves(void **state)
{
    (void)state;
    enum { STREAMS = 12, BYTES = 50000 };
    peer_begin(&peer, &h2_limits_default);
    peer.stream_bytes = BYTES;
    peer_frame(&peer, F_SETTINGS, 0, 0, span_of("\0\4\0\0\0\0", 6));
    for (int32_t stream = 1; stream < 2 * STREAMS; stream += 2)
        peer_get(&peer, stream, "/");
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_int_equal(peer.conn.queued, h2_limits_default.connection_queue);
    peer_frame(&peer, F_SETTINGS, 0, 0, span_of("\0\4\0\4\0\0", 6)); /* 256 KiB each */
    peer_frame(&peer, F_WINDOW, 0, 0, span_of("\0\x20\0\0", 4));
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_int_equal(count_lines(peer_events(&peer), "closed OK"), STREAMS);
    assert_int_equal(peer.conn.queued, 0);
    peer_end(&peer);
}

/* Large headers of many streams at a time: the connection may end for want of memory, within its
   own ceiling. */
static void test_large_heads(void **state)
{
    (void)state;
    static char text[30000];
    peer_begin(&peer, &h2_limits_default);
    peer.answers = false;
    struct sink fields = sink_over(text, sizeof text);
    sink_text(&fields, ":method:GET\n:scheme:https\n:path:/\n:authority:a\n");
    for (size_t i = 0; i < 50; i++)
        sink_format(&fields, "x%zu:%0200d\n", i, 7);
    sink_u8(&fields, 0);
    bool open = true;
    for (int32_t stream = 1; open && stream < 120; stream += 2) {
        peer_headers(&peer, END_STREAM | END_HEADERS, stream, text);
        open = peer_go(&peer, SIZE_MAX);
        sink_cut(&peer.events, 0);
    }
    assert_true(peer.conn.heap.used <= h2_limits_default.memory);
    assert_true(open || peer.conn.reason == REASON_OUT_OF_MEMORY);
    peer_end(&peer);
}

/* Whoever takes what was asked for may be slow. */
static void test_slow_reader(void **state)
{
    (void)state;
    peer_begin(&peer, &h2_limits_default);
    peer.stream_bytes = 1 << 18;
    peer_frame(&peer, F_SETTINGS, 0, 0, span_of("\0\4\0\0\0\0", 6));
    peer_get(&peer, 1, "/");
    assert_true(peer_go(&peer, SIZE_MAX));
    for (size_t i = 0; i < 20; i++) {
        peer.now_ms += h2_limits_default.hold_ms - 1;
        assert_true(h2_tick(&peer.conn, peer.now_ms));
        peer_frame(&peer, F_WINDOW, 0, 1, span_of("\0\0\4\0", 4));
        assert_true(peer_go(&peer, SIZE_MAX));
    }
    peer_end(&peer);
}

/* Whatever it is called, it is counted the same in one piece and byte by byte. */
static void test_pieces(void **state)
{
    (void)state;
    struct test_random random = { 5 };
    for (size_t trial = 0; trial < 300; trial++) {
        uint8_t bytes[600];
        struct sink out = sink_over(bytes, sizeof bytes);
        sink_zero(&out, 24);
        while (out.len < 500) {
            size_t len = test_random_below(&random, 20);
            sink_u16be(&out, 0);
            sink_u8(&out, (uint8_t)len);
            sink_u8(&out, (uint8_t)test_random_below(&random, 12));
            sink_u8(&out, (uint8_t)test_random_below(&random, 2));
            sink_zero(&out, 4 + len);
        }
        struct h2_watch whole, each;
        h2_watch_init(&whole, 0);
        h2_watch_init(&each, 0);
        bool one = h2_watch_bytes(&whole, 0, sink_bytes(&out)), many = true;
        for (size_t i = 0; i < out.len && many; i++)
            many = h2_watch_bytes(&each, 0, span_of(&bytes[i], 1));
        assert_int_equal(one, many);
        assert_int_equal(whole.broken, each.broken);
        assert_true(bytes_equal(whole.level, each.level, sizeof whole.level));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_floods, ""),         TEST(test_flood_in_one_read, ""),
        TEST(test_rates, ""),          TEST(test_window_updates_that_were_called_for, ""),
        TEST(test_continuation, ""),   TEST(test_header_bomb, ""),
        TEST(test_zero_window, ""),    TEST(test_slow_reader, ""),
        TEST(test_nobody_starves, ""), TEST(test_large_heads, ""),
        TEST(test_pieces, ""),
    };
    return RUN_TESTS(tests);
}
