/* test_h2_recent.c - frames of streams that a peer has passed over or ended: the connection ends
   with the right code; frames that only crossed with our own are let pass. */
#include "http/h2_recent.h"

#include <string.h>

#include "base/number.h"
#include "frames.h"
#include "test.h"

static struct peer peer;

#define POST ":method:POST\n:scheme:https\n:path:/\n:authority:a\n"

/* Frames, a word each: letter, stream, and what ends with it ('.': the stream, '-': the block is to
   be continued).  H HEADERS, C CONTINUATION, D DATA, R RST_STREAM, W WINDOW_UPDATE, P PRIORITY. */
static void put(const char *word)
{
    static const uint8_t zeros[8];
    int32_t id = 0;
    uint8_t flags = END_HEADERS;
    for (const char *at = word + 1; *at != 0; at++) {
        if (*at >= '0' && *at <= '9')
            id = id * 10 + (*at - '0');
        else
            flags = *at == '.' ? flags | END_STREAM : flags & END_STREAM;
    }
    switch (word[0]) {
    case 'H':
        peer_headers(&peer, flags, id, POST);
        return;
    case 'C':
        peer_frame(&peer, F_CONTINUATION, END_HEADERS, id, (struct span){ 0 });
        return;
    case 'D':
        peer_frame(&peer, F_DATA, flags & END_STREAM, id, span_text("x"));
        return;
    case 'R':
        peer_frame(&peer, F_RST, 0, id, span_of("\0\0\0\x08", 4));
        return;
    case 'W':
        peer_frame(&peer, F_WINDOW, 0, id, span_of("\0\0\0\1", 4));
        return;
    default:
        peer_frame(&peer, F_PRIORITY, 0, id, span_of(zeros, 5));
    }
}

enum { FINE = -1, PROTOCOL = 1, CLOSED = 5 };

static const struct {
    const char *frames;
    int code; /* of GOAWAY */
} rows[] = {
    { "H1. H3. H5.", FINE },
    { "H1 D1 D1. H3. H5", FINE },
    { "H1 H3 D1. D3 H3.", FINE }, /* trailers */
    { "H1. H9. H11.", FINE },     /* passing over is no fault, coming back is */
    { "H5. H3.", PROTOCOL },
    { "H1. H7. D3", PROTOCOL },
    { "H5. H2.", PROTOCOL },
    { "H2.", PROTOCOL },
    { "D1", PROTOCOL },
    { "H0", PROTOCOL },
    { "H1. H1.", CLOSED },
    { "H1. D1", CLOSED },
    { "H1 D1. D1", CLOSED },
    { "H1 D1. H1.", CLOSED },
    { "H1 H1. H1.", CLOSED },
    { "H1 R1 H1.", CLOSED },
    { "H1 R1 D1", CLOSED },
    { "H1. H3 R3 H5. D3.", CLOSED },
    { "H1. R1 W1 P1 H3.", FINE }, /* may still be on their way */
    { "P9 P1 H1.", FINE },
    { "H1- C1 H3.", FINE },
    { "H1.- C1 D1", CLOSED },
    { "H1.- D1", PROTOCOL }, /* in the midst of a block */
    { "H1.- H1.", PROTOCOL },
    { "H1. H127. H1.", CLOSED },
    { "H1. H2147483647. H2147483645.", PROTOCOL },
};

static void try(const char *frames, size_t piece, int code)
{
    char word[16];
    peer_begin(&peer, &h2_limits_default);
    for (const char *at = frames; *at != 0;) {
        size_t len = strcspn(at, " ");
        struct sink out = sink_over(word, sizeof word);
        sink_put(&out, span_of(at, len));
        sink_u8(&out, 0);
        assert_true(sink_ok(&out));
        put(word);
        at += len + (at[len] == ' ');
    }
    bool open = peer_go(&peer, piece);
    char want[32];
    struct sink line = sink_over(want, sizeof want);
    sink_format(&line, " %d\n", code);
    sink_u8(&line, 0);
    const char *goaway = strstr(peer_said(&peer), "GOAWAY");
    bool right = code == FINE ? open && goaway == NULL
                              : !open && goaway != NULL && strstr(goaway, want) != NULL;
    if (!right || (!open && peer.conn.reason != REASON_HTTP2_PROTOCOL))
        fail_msg("%s, by %zu: %s", frames, piece, peer_said(&peer));
    peer_end(&peer);
}

static void test_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        try(rows[i].frames, SIZE_MAX, rows[i].code);
        try(rows[i].frames, 1, rows[i].code);
    }
}

/* We reset a stream: what the peer has sent before it knew is thrown away. */
static void test_crossing(void **state)
{
    (void)state;
    static const char *const late[] = { "D1", "D1.", "H1.", "R1" };
    for (size_t i = 0; i < COUNT_OF(late); i++) {
        peer_begin(&peer, &h2_limits_default);
        peer.decides = false;
        put("H1");
        assert_true(peer_go(&peer, SIZE_MAX));
        assert_non_null(strstr(peer_said(&peer), "RST 1 2\n"));
        put(late[i]);
        assert_true(peer_go(&peer, SIZE_MAX));
        assert_null(strstr(peer_said(&peer), "GOAWAY"));
        if (i > 0) { /* the peer has ended it now, too */
            put("D1");
            assert_false(peer_go(&peer, SIZE_MAX));
            assert_non_null(strstr(peer_said(&peer), " 5\n"));
        }
        peer_end(&peer);
    }
}

/* The window of what is remembered, at its edges. */
static void test_far_streams(void **state)
{
    (void)state;
    for (int32_t last = 3; last < 400; last += 2) {
        struct h2_recent recent = { 0 };
        assert_int_equal(h2_recent_frame(&recent, F_HEADERS, END_HEADERS | END_STREAM, 1),
                         H2_STANDING_GOOD);
        assert_int_equal(h2_recent_frame(&recent, F_HEADERS, END_HEADERS, last), H2_STANDING_GOOD);
        for (int32_t id = 1; id <= last; id += 2) {
            struct h2_recent copy = recent;
            enum h2_standing want = id == last ? H2_STANDING_GOOD
                                    : id == 1  ? H2_STANDING_CLOSED
                                               : H2_STANDING_NEVER;
            if ((last - id) / 2 >= H2_RECENT)
                want = H2_STANDING_GOOD;
            assert_int_equal(h2_recent_frame(&copy, F_DATA, 0, id), want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frames, ""),
        TEST(test_crossing, ""),
        TEST(test_far_streams, ""),
    };
    return RUN_TESTS(tests);
}
