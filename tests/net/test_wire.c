/* test_wire.c - messages over a connection, on a stream and as a WebSocket: what is longer than the
   next message may be is refused when it is announced, and what comes together with others has a
   limit of its own. */
#include "net/wire.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "test.h"

enum { SMALL = 10, LARGE = 5000, PIECES = 4, WAIT_MS = 10000 };

/* A piece of a message: `told` of its head, of which `there` have come. */
struct piece {
    bool more;
    uint16_t told, there;
};

struct row {
    const char *name;
    bool frames; /* is of WebSockets only: messages in pieces */
    struct piece pieces[PIECES];
    size_t max[2]; /* what the first and the second message may have */
    size_t messages;
    enum wire_step last; /* what comes of the last of them */
};

static const struct row rows[] = {
    { "one at its limit", false, { { false, SMALL, SMALL } }, { SMALL }, 1, WIRE_DONE },
    { "one byte more", false, { { false, SMALL + 1, 1 } }, { SMALL }, 1, WIRE_REFUSED },
    { "a large one behind a small one, when its turn comes",
      false,
      { { false, SMALL, SMALL }, { false, LARGE, LARGE } },
      { SMALL, LARGE },
      2,
      WIRE_DONE },
    { "a large one behind a small one, which it may not be",
      false,
      { { false, SMALL, SMALL }, { false, LARGE, LARGE } },
      { SMALL, LARGE - 1 },
      2,
      WIRE_REFUSED },
    { "the head of one",
      false,
      { { false, SMALL, SMALL }, { false, LARGE, 1 } },
      { SMALL, LARGE - 1 },
      2,
      WIRE_REFUSED },
    { "pieces that are too much together",
      true,
      { { true, SMALL, SMALL }, { false, 1, 1 } },
      { SMALL },
      1,
      WIRE_REFUSED },
    { "pieces behind another, at the limit",
      true,
      { { false, 0, 0 }, { true, SMALL, SMALL }, { true, 0, 0 }, { false, LARGE, LARGE } },
      { SMALL, SMALL + LARGE },
      2,
      WIRE_DONE },
    { "pieces behind another, one byte past it",
      true,
      { { false, 0, 0 }, { true, SMALL, SMALL }, { true, 0, 0 }, { false, LARGE, 1 } },
      { SMALL, SMALL + LARGE - 1 },
      2,
      WIRE_REFUSED },
};

static void put_frame(struct sink *out, const struct piece *piece, bool goes_on)
{
    sink_u8(out, (uint8_t)((goes_on ? 0 : 2) | (piece->more ? 0 : 0x80)));
    if (piece->told < 126) {
        sink_u8(out, (uint8_t)(0x80 | piece->told));
    } else {
        sink_u8(out, 0x80 | 126);
        sink_u16be(out, piece->told);
    }
    sink_zero(out, 4 + (size_t)piece->there); /* a mask of zeros */
}

static void say(int fd, struct span bytes)
{
    assert_int_equal(write(fd, bytes.at, bytes.len), bytes.len);
}

static struct span pieces_of(const struct row *row, enum wire_framing framing, uint8_t *at,
                             size_t cap)
{
    struct sink out = sink_over(at, cap);
    bool goes_on = false;
    for (size_t p = 0; p < PIECES && (p == 0 || row->pieces[p].told > 0 || goes_on); p++) {
        const struct piece *piece = &row->pieces[p];
        if (framing == WIRE_WEBSOCKET) {
            put_frame(&out, piece, goes_on);
        } else {
            sink_u32le(&out, piece->told);
            sink_zero(&out, piece->there);
        }
        goes_on = piece->more;
    }
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

/* With `at_once` the frames come with the request for a WebSocket, before anybody has asked for a
   message. */
static void hear(const struct row *row, enum wire_framing framing, bool at_once)
{
    static const char request[] =
        "GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    uint8_t bytes[2 * LARGE];
    struct span said = pieces_of(row, framing, bytes, sizeof bytes);
    int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
    struct arena memory;
    struct wire wire;
    struct wire_message message = { 0 };
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    arena_init(&memory, WIRE_MEMORY + 64 * 1024);
    assert_true(wire_init(&wire, &memory, ends[0], framing));
    if (framing == WIRE_WEBSOCKET)
        say(ends[1], span_of(request, sizeof request - 1));
    if (at_once)
        say(ends[1], said);
    if (framing == WIRE_WEBSOCKET)
        assert_int_equal(wire_answer(&wire, span_text("/a"), until_ms), WIRE_DONE);
    if (!at_once)
        say(ends[1], said);
    for (size_t m = 0; m < row->messages; m++) {
        enum wire_step wanted = m + 1 < row->messages ? WIRE_DONE : row->last;
        if (wire_receive(&wire, row->max[m], until_ms, &message) != wanted)
            fail_msg("%s: message %zu, framing %d, at once %d", row->name, m, (int)framing,
                     at_once);
    }
    assert_int_equal(wire.reason, row->last == WIRE_DONE ? REASON_OK : REASON_CHANNEL_TOO_LARGE);
    wire_fini(&wire);
    arena_fini(&memory);
    close(ends[1]);
}

static void what_may_be_next(void **state)
{
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        if (!rows[r].frames)
            hear(&rows[r], WIRE_STREAM, false);
        hear(&rows[r], WIRE_WEBSOCKET, false);
        hear(&rows[r], WIRE_WEBSOCKET, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_may_be_next, ""),
    };
    return RUN_TESTS(tests);
}
