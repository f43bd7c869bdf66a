/* test_stream.c - what a job says reaches whoever reads it whole, and a terminal only what it
 * shows. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "sandbox/stream.h"

/* In pieces of one length, each shown with what the last one left. */
static size_t show_in_pieces(struct span text, size_t piece, char *out, size_t cap)
{
    struct sink sink = sink_over(out, cap);
    uint8_t room[64 + STREAM_CARRIED];
    size_t carried = 0;
    for (size_t at = 0; at < text.len || carried > 0;) {
        const size_t more = text.len - at < piece ? text.len - at : piece;
        memcpy(room + carried, text.at + at, more);
        at += more;
        const size_t len = carried + more;
        const size_t taken = stream_show(&sink, span_of(room, len), at == text.len);
        carried = len - taken;
        assert_true(carried <= STREAM_CARRIED);
        memmove(room, room + taken, carried);
    }
    assert_true(sink_ok(&sink));
    return sink.len;
}

static void test_what_a_terminal_is_shown(void **state)
{
    (void)state;
    static const struct {
        const char *said, *shown;
    } rows[] = {
        { "plain\ttext\n", "plain\ttext\n" },
        { "\x1b[2J\x1b]0;t\x07", "\\x1b[2J\\x1b]0;t\\x07" },
        { "over\rwritten", "over\\x0dwritten" },
        { "\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80" },
        { "\xe2\x80\xa8", "\\xe2\\x80\\xa8" }, /* a line separator */
        { "\xc2\x9b"
          "31m",
          "\\xc2\\x9b31m" }, /* CSI of 8 bits */
        { "\x7f\x08", "\\x7f\\x08" },
        { "\xff\xc0\xaf", "\\xff\\xc0\\xaf" }, /* no UTF-8 */
        { "\xe2\x82", "\\xe2\\x82" },          /* cut short */
        { "\xf0\x9f\x98", "\\xf0\\x9f\\x98" },
        { "\xf0\x9f\x98z", "\\xf0\\x9f\\x98z" },
        { "\xe2\x82\xe2\x82\xac", "\\xe2\\x82\xe2\x82\xac" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* a surrogate */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece < 8; piece++) {
            char out[128];
            size_t len = show_in_pieces(span_text(rows[i].said), piece, out, sizeof out);
            assert_span_equal(span_of(out, len), span_text(rows[i].shown));
        }
    }
}

static void test_no_byte_is_anything_but_shown(void **state)
{
    (void)state;
    struct test_random random = { 21 };
    for (size_t turn = 0; turn < 2000; turn++) {
        uint8_t said[64];
        char out[4 * sizeof said];
        const size_t len = test_random_below(&random, sizeof said + 1);
        for (size_t i = 0; i < len; i++)
            said[i] = (uint8_t)test_random_next(&random);
        size_t shown = show_in_pieces(span_of(said, len), 1 + turn % 7, out, sizeof out);
        for (size_t i = 0; i < shown; i++) {
            const uint8_t byte = (uint8_t)out[i];
            assert_true(byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7f));
        }
    }
}

struct ends {
    int in[2], out[2];
    struct stream stream;
};

static void open_ends(struct ends *ends, bool shown)
{
    assert_int_equal(pipe2(ends->in, O_NONBLOCK), 0);
    assert_int_equal(pipe2(ends->out, O_NONBLOCK), 0);
    ends->stream = (struct stream){ .from = ends->in[0], .to = ends->out[1], .shown = shown };
}

static void close_ends(struct ends *ends)
{
    for (size_t i = 0; i < 2; i++) {
        close(ends->in[i]);
        close(ends->out[i]);
    }
}

/* As long as something can be done at once. */
static void go_on(struct stream *stream)
{
    struct pollfd wait;
    while (stream_wait(stream, &wait) && poll(&wait, 1, 0) == 1)
        stream_step(stream, wait.revents);
}

static void test_all_of_it_comes_through(void **state)
{
    (void)state;
    struct ends ends;
    char said[3000], read_back[sizeof said];
    for (size_t i = 0; i < sizeof said; i++)
        said[i] = (char)(i * 7);
    open_ends(&ends, false);
    assert_int_equal(write(ends.in[1], said, sizeof said), sizeof said);
    go_on(&ends.stream);
    assert_false(ends.stream.ended);
    close(ends.in[1]);
    go_on(&ends.stream);
    struct pollfd wait;
    assert_true(ends.stream.ended && !stream_wait(&ends.stream, &wait));
    assert_int_equal(read(ends.out[0], read_back, sizeof read_back), sizeof said);
    assert_memory_equal(read_back, said, sizeof said);
    close_ends(&ends);
}

/* Whoever does not read holds the job's words back, and nothing is kept but a piece of them. */
/* Others write to the same place: they begin a line, and an empty one is never made. */
static void test_the_end_of_a_line(void **state)
{
    static const struct {
        const char *said, *after;
    } rows[] = { { "half", "\n" }, { "whole\n", "" }, { "whole\nhalf", "\n" }, { "\n\n", "" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ends ends;
        bool within = false;
        char got[64];
        open_ends(&ends, true);
        ends.stream.within = &within;
        stream_end_line(&ends.stream); /* nothing was said yet */
        const size_t len = strlen(rows[i].said);
        assert_int_equal(write(ends.in[1], rows[i].said, len), len);
        go_on(&ends.stream);
        assert_int_equal(read(ends.out[0], got, sizeof got), len);
        stream_end_line(&ends.stream);
        stream_end_line(&ends.stream);
        assert_int_equal(read(ends.out[0], got, sizeof got), rows[i].after[0] != 0 ? 1 : -1);
        assert_true(rows[i].after[0] == 0 || got[0] == '\n');
        close_ends(&ends);
    }
}

static void test_a_reader_that_is_slow(void **state)
{
    (void)state;
    struct ends ends;
    char room[4096] = { 0 };
    open_ends(&ends, false);
    while (write(ends.out[1], room, sizeof room) > 0) {
    }
    assert_true(write(ends.in[1], room, sizeof room) > 0);
    go_on(&ends.stream);
    struct pollfd wait;
    assert_true(stream_wait(&ends.stream, &wait));
    assert_int_equal(wait.fd, ends.out[1]);
    assert_true(ends.stream.held_len - ends.stream.sent > 0);
    close_ends(&ends);
}

static void test_a_reader_that_has_gone(void **state)
{
    (void)state;
    struct ends ends;
    char room[2500] = { 0 };
    signal(SIGPIPE, SIG_IGN);
    open_ends(&ends, true);
    close(ends.out[0]);
    assert_int_equal(write(ends.in[1], room, sizeof room), sizeof room);
    close(ends.in[1]);
    go_on(&ends.stream);
    assert_true(ends.stream.lost && ends.stream.ended);
    close_ends(&ends);
}

/* Where somebody has something to say it stops behind its last line, and then goes on. */
static void test_stops_behind_a_line(void **state)
{
    static const struct {
        const char *said, *first;
    } rows[] = { { "one\ntwo\nhalf", "one\ntwo\n" }, { "half", "half" }, { "whole\n", "whole\n" } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ends ends;
        bool within = true;
        char got[64];
        const size_t len = strlen(rows[i].said), first = strlen(rows[i].first);
        open_ends(&ends, true);
        ends.stream.within = &within;
        ends.stream.pauses = true;
        assert_int_equal(write(ends.in[1], rows[i].said, len), len);
        stream_step(&ends.stream, POLLIN);
        stream_step(&ends.stream, POLLOUT);
        assert_int_equal(read(ends.out[0], got, sizeof got), first);
        assert_memory_equal(got, rows[i].first, first);
        assert_int_equal(within, rows[i].first[first - 1] != '\n');
        ends.stream.pauses = false;
        if (first < len)
            stream_step(&ends.stream, POLLOUT);
        assert_int_equal(read(ends.out[0], got, sizeof got), first < len ? (int)(len - first) : -1);
        close_ends(&ends);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_a_terminal_is_shown, ""), TEST(test_no_byte_is_anything_but_shown, ""),
        TEST(test_all_of_it_comes_through, ""),  TEST(test_a_reader_that_is_slow, ""),
        TEST(test_a_reader_that_has_gone, ""),   TEST(test_the_end_of_a_line, ""),
        TEST(test_stops_behind_a_line, ""),
    };
    return RUN_TESTS(tests);
}
