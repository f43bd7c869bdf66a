/* test_channel_cut.c - an exchange of 64 KiB that is cut at each of its bytes, by a FIN and by an
   RST, and no word before it that no more follows: it is never taken for an end. */
#include "channel_ends.h"
#include "lib/channel_parts.h"
#include "os/clock.h"

enum {
    TURNS = 16,
    TURN = 4096, /* bytes on the wire */
    HEAD = sizeof(uint32_t),
    SAID = TURN - HEAD - ATTESTED_RECORD_EXTRA
};

/* The ends say something in turns. */
static struct turn {
    uint8_t wire[TURN + ATTESTED_RECORD_EXTRA]; /* what sealing wants to have, at most */
    struct ward_channel *hears;
    struct attested before; /* the channel of who hears it, as it was then */
} turns[TURNS];

static uint8_t said[SAID];
static int listener = -1;
static struct sockaddr_in place;
static struct ends ends;

/* A record, after the length that a stream has before it; and whoever hears it has done so. */
static void take_turn(struct turn *turn, struct ward_channel *from, struct ward_channel *to)
{
    static uint8_t heard[TURN];
    uint8_t answer[256];
    struct sink out = sink_over(turn->wire, sizeof turn->wire);
    struct sink none = sink_over(answer, sizeof answer);
    struct attested_sent sent;
    turn->hears = to;
    turn->before = to->attested;
    sink_u32le(&out, TURN - HEAD);
    assert_true(attested_send(&from->attested, SPAN(said), clock_monotonic_ms(), &out, &sent));
    assert_int_equal(out.len, TURN);
    memcpy(heard, sent.messages[0].at, TURN - HEAD);
    const struct attested_message message = { heard, TURN - HEAD, clock_monotonic_ms() };
    assert_int_equal(attested_take(&to->attested, message, &none).kind, ATTESTED_DATA);
}

static int begin(void **state)
{
    socklen_t size = sizeof place;
    (void)state;
    for (size_t i = 0; i < sizeof said; i++)
        said[i] = (uint8_t)i;
    ends_open(&ends, WARD_FRAMING_STREAM);
    for (unsigned n = 0; n < TURNS; n++)
        take_turn(&turns[n], n % 2 == 0 ? ends.i.channel : ends.r.channel,
                  n % 2 == 0 ? ends.r.channel : ends.i.channel);
    place = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(listener, (struct sockaddr *)&place, sizeof place) != 0 ||
           listen(listener, 8) != 0 || getsockname(listener, (struct sockaddr *)&place, &size) != 0;
}

static int finish(void **state)
{
    (void)state;
    close(listener);
    ends_free(&ends);
    return 0;
}

/* A connection whose peer has said so much of the turn, and was then gone. */
static int cut_by_fin(const struct turn *turn, size_t len)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(write(pair[1], turn->wire, len), len);
    close(pair[1]);
    return pair[0];
}

static int cut_by_rst(const struct turn *turn, size_t len)
{
    const struct linger at_once = { .l_onoff = 1 };
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(peer, (struct sockaddr *)&place, sizeof place), 0);
    int ours = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    assert_true(ours >= 0);
    assert_int_equal(write(peer, turn->wire, len), len);
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(peer);
    return ours;
}

/* What is left of the turn is heard by nobody; a whole one is heard, and then it was cut. */
static void assert_truncated(const struct turn *turn, size_t len, int fd)
{
    struct ward_channel channel = *turn->hears;
    struct ward_bytes got = { 0 };
    struct ward_error error = { 0 };
    channel.attested = turn->before;
    channel.wire.fd = fd;
    enum ward_outcome outcome = ward_channel_receive(&channel, SOON_MS, &got, &error);
    if (len == TURN) {
        assert_int_equal(outcome, WARD_DONE);
        assert_span_equal(span_of(got.data, got.len), SPAN(said));
        outcome = ward_channel_receive(&channel, SOON_MS, &got, &error);
    }
    if (outcome != WARD_REFUSED || strcmp(error.reason, "CHANNEL_TRUNCATED") != 0)
        fail_msg("turn %zu, byte %zu: outcome %d", (size_t)(turn - turns), len, (int)outcome);
    assert_int_equal(ward_channel_descriptor(&channel), -1);
}

static void a_fin_at_every_byte(void **state)
{
    (void)state;
    for (unsigned n = 0; n < TURNS; n++)
        for (size_t len = 0; len <= TURN; len++)
            assert_truncated(&turns[n], len, cut_by_fin(&turns[n], len));
}

static void a_reset_at_every_byte(void **state)
{
    (void)state;
    for (unsigned n = 0; n < TURNS; n++)
        for (size_t len = 0; len <= TURN; len++)
            assert_truncated(&turns[n], len, cut_by_rst(&turns[n], len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_fin_at_every_byte, "RL-17"),
        TEST(a_reset_at_every_byte, "RL-17"),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
