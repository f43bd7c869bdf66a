/* test_channel_bad.c - what a channel of libward makes of bad set-ups, addresses and peers: of a
   silent one, a slow one, one that is cut, one that sends what it must not. */
#include <poll.h>
#include <stdio.h>

#include "base/number.h"
#include "channel_ends.h"
#include "os/clock.h"

/* The end of a pair of sockets, and what is done at the other. */
static int raw_peer(struct end *end, bool accepts, enum ward_framing framing)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    end_init(end, accepts);
    end->fd = pair[0];
    end->framing = framing;
    return pair[1];
}

static void assert_closed(int fd)
{
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void set_ups_that_cannot_be(void **state)
{
    static const char *const purposes[] = { NULL, "", "two words", "tab\t", "caf\xc3\xa9" };
    struct end end;
    (void)state;
    for (size_t p = 0; p < COUNT_OF(purposes) + 4; p++) {
        int peer = raw_peer(&end, false, WARD_FRAMING_STREAM);
        size_t other = p - COUNT_OF(purposes);
        if (p < COUNT_OF(purposes))
            end.setup.purpose = purposes[p];
        else if (other == 0)
            end.setup.peer_unproven = true; /* and trust */
        else if (other == 1)
            end.setup.trust = NULL; /* and nothing instead */
        else if (other == 2)
            end.trust.verifier = (struct ward_verifier *)&end; /* and no result */
        else
            end.framing = (enum ward_framing)0;
        end_shake(&end);
        assert_int_equal(end.outcome, WARD_BAD_INPUT);
        assert_int_equal(end.error.outcome, WARD_BAD_INPUT);
        assert_true(end.error.message[0] != 0);
        assert_null(end.channel);
        assert_closed(end.fd);
        close(peer);
    }
    end_init(&end, true); /* no descriptor */
    end_shake(&end);
    assert_int_equal(end.outcome, WARD_NO_MEMORY);
}

static void addresses_that_are_none(void **state)
{
    char longest[128] = "unix:/";
    memset(longest + strlen(longest), 'a', sizeof longest - 1 - strlen(longest));
    const char *const addresses[] = {
        "",
        "127.0.0.1:1",
        "http://127.0.0.1:1/",
        "wss://127.0.0.1:1/", /* and nothing about who may answer */
        "ws://127.0.0.1:/",
        "ws://127.0.0.1:0/",
        "ws://127.0.0.1:1?a",
        "ws://127.0.0.1:1/?a",
        "ws://127.0.0.1:1/%2e",
        "ws://127.0.0.1:1x/",
        "ws://127.0.0.1:123456789/",
        "ws://127.0.0.1:http/",
        "ws://user@127.0.0.1:1/",
        "ws://::1:1/",
        "ws://[]:1/",
        "ws://localhost:1/",
        "ws://127.example.com:1/",
        "ws://10.0.0.1:1/",
        "ws://0.0.0.0:1/",
        "ws://127.1:1/", /* what is no address is asked of name servers, in the clear */
        "ws://127.:1/",
        "ws://127.0.0.1.5:1/",
        "ws://127.0.0.256:1/",
        "ws://[::2]:1/",
        "unix:",
        "unix:relative",
        longest,
    };
    struct end end;
    (void)state;
    for (size_t a = 0; a < COUNT_OF(addresses); a++) {
        end_init(&end, false);
        end.address = addresses[a];
        end_shake(&end);
        if (end.outcome != WARD_BAD_INPUT)
            fail_msg("%s: outcome %d", addresses[a], (int)end.outcome);
    }
    static const char *const nobody[] = { "unix:/nonexistent/s", "ws://127.0.0.1:1/",
                                          "ws://[::1]:1", "ws://127.0.0.1:1" };
    for (size_t a = 0; a < COUNT_OF(nobody); a++) {
        end.address = nobody[a];
        end_shake(&end);
        assert_int_equal(end.outcome, WARD_UNREACHABLE);
    }
}

/* More pins than are kept, and what is counted and not there, is said before anybody is called. */
static void who_may_answer(void **state)
{
    static const uint8_t pins[WARD_CHANNEL_PINS + 1][32];
    static const struct {
        struct ward_bytes ca;
        const uint8_t (*pins)[32];
        size_t pin_count;
        enum ward_outcome outcome;
    } known_by[] = {
        { .pins = pins, .pin_count = WARD_CHANNEL_PINS, .outcome = WARD_UNREACHABLE },
        { .pins = pins, .pin_count = WARD_CHANNEL_PINS + 1, .outcome = WARD_BAD_INPUT },
        { .pins = NULL, .pin_count = 1, .outcome = WARD_BAD_INPUT },
        { .ca = { NULL, 5 }, .outcome = WARD_BAD_INPUT },
        { .ca = { NULL, 5 }, .pins = pins, .pin_count = 1, .outcome = WARD_BAD_INPUT },
        { .ca = { "CA", 2 }, .pins = NULL, .pin_count = 1, .outcome = WARD_BAD_INPUT },
    };
    struct end end;
    (void)state;
    for (size_t k = 0; k < COUNT_OF(known_by); k++) {
        end_init(&end, false);
        end.address = "wss://127.0.0.1:1/"; /* where nobody is */
        end.setup.ca = known_by[k].ca;
        end.setup.pins = known_by[k].pins;
        end.setup.pin_count = known_by[k].pin_count;
        end_shake(&end);
        assert_int_equal(end.outcome, known_by[k].outcome);
    }
}

/* --- peers in the handshake ------------------------------------------------------------------- */

static void silent_ones_are_cut_by_time(void **state)
{
    (void)state;
    for (int framing = WARD_FRAMING_STREAM; framing <= WARD_FRAMING_WEBSOCKET; framing++) {
        for (int accepts = 0; accepts < 2; accepts++) {
            struct end end;
            int peer = raw_peer(&end, accepts, (enum ward_framing)framing);
            int64_t before = clock_monotonic_ms();
            end.setup.timeout_ms = 100;
            end_shake(&end);
            int64_t took = clock_monotonic_ms() - before;
            assert_int_equal(end.outcome, WARD_TIMED_OUT);
            assert_string_equal(end.error.reason, "CHANNEL_TIMEOUT");
            assert_in_range(took, 100, SOON_MS);
            close(peer);
        }
    }
}

struct drip {
    int fd;
    bool done;
};

/* A byte at a time gains none. */
static void *drip(void *arg)
{
    struct drip *drip = arg;
    static const uint8_t bytes[] = { 70, 0, 0, 0, 1, 2 };
    for (size_t n = 0; n < 200; n++) {
        if (send(drip->fd, &bytes[n < sizeof bytes ? n : 5], 1, MSG_NOSIGNAL) != 1)
            break;
        poll(NULL, 0, 20);
    }
    return NULL;
}

static void slow_ones_as_well(void **state)
{
    struct end end;
    struct drip slow = { .fd = raw_peer(&end, true, WARD_FRAMING_STREAM) };
    pthread_t thread;
    (void)state;
    int64_t before = clock_monotonic_ms();
    end.setup.timeout_ms = 200;
    assert_int_equal(pthread_create(&thread, NULL, drip, &slow), 0);
    end_shake(&end);
    assert_int_equal(end.outcome, WARD_TIMED_OUT);
    assert_in_range(clock_monotonic_ms() - before, 200, 2000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(slow.fd);
}

/* What a peer says instead of a handshake, and what comes of it. */
static void strangers(void **state)
{
    static const uint8_t endless[] = { 0xff, 0xff, 0xff, 0xff }, empty[4] = { 0 },
                         unknown[] = { 2, 0, 0, 0, 99, 2 }, cut[] = { 70, 0, 0, 0, 1 };
    static const struct {
        struct span said;
        enum ward_framing framing;
        const char *reason, *answer;
    } cases[] = {
        { SPAN(endless), WARD_FRAMING_STREAM, "CHANNEL_TOO_LARGE", NULL },
        { SPAN(empty), WARD_FRAMING_STREAM, "CHANNEL_MALFORMED", NULL },
        { SPAN(unknown), WARD_FRAMING_STREAM, "CHANNEL_UNEXPECTED", NULL },
        { SPAN(cut), WARD_FRAMING_STREAM, "CHANNEL_TRUNCATED", NULL },
        { { 0 }, WARD_FRAMING_STREAM, "CHANNEL_TRUNCATED", NULL },
        { SPAN("HELO\r\n\r\n"), WARD_FRAMING_WEBSOCKET, "HTTP_", "HTTP/1.1 400" },
        { SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), WARD_FRAMING_WEBSOCKET, "WEBSOCKET_HANDSHAKE",
          "HTTP/1.1 404" },
        { SPAN("GET /v1/channel?a=b HTTP/1.1\r\nHost: a\r\n\r\n"), WARD_FRAMING_WEBSOCKET,
          "WEBSOCKET_HANDSHAKE", "HTTP/1.1 404" },
        { SPAN("GET /v1/channel HTTP/1.1\r\nHost: a\r\n\r\n"), WARD_FRAMING_WEBSOCKET,
          "WEBSOCKET_HANDSHAKE", "HTTP/1.1 400" },
        { SPAN(
              "GET /v1/channel HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
              "\x82\xff\0\0\0\0\0\x0f\0\0mask1"), /* of nearly a MiB */
          WARD_FRAMING_WEBSOCKET, "CHANNEL_TOO_LARGE", "HTTP/1.1 101" },
    };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct end end;
        char answer[256] = "";
        int peer = raw_peer(&end, true, cases[c].framing);
        /* A text of this table ends with a NUL that nobody says. */
        size_t len = cases[c].said.len - (cases[c].framing == WARD_FRAMING_WEBSOCKET);
        assert_int_equal(write(peer, cases[c].said.at, len), len);
        assert_int_equal(shutdown(peer, SHUT_WR), 0);
        end_shake(&end);
        assert_int_equal(end.outcome, WARD_REFUSED);
        if (strncmp(end.error.reason, cases[c].reason, strlen(cases[c].reason)) != 0)
            fail_msg("case %zu: %s", c, end.error.reason);
        assert_true(read(peer, answer, sizeof answer - 1) >= 0);
        if (cases[c].answer != NULL)
            assert_memory_equal(answer, cases[c].answer, strlen(cases[c].answer));
        close(peer);
    }
}

/* A server that says no, or another thing. */
static void servers_that_are_none(void **state)
{
    static const char foreign[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    static const char *const answers[] = {
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:2/\r\nContent-Length: 0\r\n\r\n",
        foreign,
    };
    (void)state;
    for (size_t a = 0; a < COUNT_OF(answers); a++) {
        struct end end;
        int peer = raw_peer(&end, false, WARD_FRAMING_WEBSOCKET);
        assert_int_equal(write(peer, answers[a], strlen(answers[a])), strlen(answers[a]));
        end_shake(&end);
        assert_refused(&end, "WEBSOCKET_HANDSHAKE", "");
        close(peer);
    }
}

static void of_another_purpose(void **state)
{
    struct ends ends;
    (void)state;
    ends_init(&ends, WARD_FRAMING_STREAM);
    ends.i.setup.purpose = "other";
    ends_shake(&ends);
    assert_refused(&ends.r, "CHANNEL_PURPOSE", "");
    assert_refused(&ends.i, "CHANNEL_REFUSED_BY_PEER", "CHANNEL_PURPOSE");
}

static bool no_evidence(void *arg, const uint8_t report_data[WARD_REPORT_DATA],
                        struct ward_evidence *out)
{
    (void)arg;
    (void)report_data;
    (void)out;
    return false;
}

static void evidence_that_fails(void **state)
{
    struct ends ends;
    (void)state;
    ends_init(&ends, WARD_FRAMING_STREAM);
    ends.r.setup.evidence = no_evidence;
    ends_shake(&ends);
    assert_refused(&ends.r, "CHANNEL_EVIDENCE_UNAVAILABLE", "");
    assert_refused(&ends.i, "CHANNEL_REFUSED_BY_PEER", "CHANNEL_EVIDENCE_UNAVAILABLE");
}

/* --- peers afterwards ------------------------------------------------------------------------- */

/* Nothing comes: the channel goes on.  A peer that leaves without a word has cut it. */
static void time_and_truncation(void **state)
{
    struct ends ends;
    (void)state;
    for (int framing = WARD_FRAMING_STREAM; framing <= WARD_FRAMING_WEBSOCKET; framing++) {
        ends_open(&ends, (enum ward_framing)framing);
        ends_with(&ends.i, 0, WARD_TIMED_OUT);
        ends_with(&ends.i, 50, WARD_TIMED_OUT);
        say(&ends.r, "here", 4);
        assert_heard(&ends.i, "here", 4);
        assert_true(ward_channel_descriptor(ends.i.channel) >= 0);
        ward_channel_free(&ends.r.channel);
        assert_string_equal(ends_with(&ends.i, SOON_MS, WARD_REFUSED), "CHANNEL_TRUNCATED");
        /* Over is over, and says why again. */
        assert_string_equal(ends_with(&ends.i, SOON_MS, WARD_REFUSED), "CHANNEL_TRUNCATED");
        struct ward_error error = { 0 };
        assert_int_equal(ward_channel_send(ends.i.channel, (struct ward_bytes){ 0 }, 0, &error),
                         WARD_REFUSED);
        assert_int_equal(ward_channel_close(ends.i.channel, 0, &error), WARD_REFUSED);
        assert_int_equal(ward_channel_descriptor(ends.i.channel), -1);
        ends_free(&ends);
    }
}

static void a_peer_that_does_not_read(void **state)
{
    static const uint8_t big[WARD_CHANNEL_MESSAGE];
    struct ends ends;
    struct ward_error error = { 0 };
    enum ward_outcome outcome = WARD_DONE;
    (void)state;
    ends_open(&ends, WARD_FRAMING_STREAM);
    for (unsigned n = 0; n < 1000 && outcome == WARD_DONE; n++)
        outcome = ward_channel_send(
            ends.i.channel, (struct ward_bytes){ .data = big, .len = sizeof big }, 50, &error);
    assert_int_equal(outcome, WARD_TIMED_OUT);
    assert_string_equal(error.reason, "CHANNEL_STALLED");
    ends_free(&ends);
}

static void messages_that_are_too_long(void **state)
{
    static const uint8_t room[WARD_CHANNEL_MESSAGE + 1];
    struct ends ends;
    struct ward_error error = { 0 };
    (void)state;
    ends_open(&ends, WARD_FRAMING_STREAM);
    struct ward_bytes message = { .data = room, .len = sizeof room };
    assert_int_equal(ward_channel_send(ends.i.channel, message, SOON_MS, &error), WARD_BAD_INPUT);
    message = (struct ward_bytes){ .data = NULL, .len = 1 };
    assert_int_equal(ward_channel_send(ends.i.channel, message, SOON_MS, &error), WARD_BAD_INPUT);
    say(&ends.i, "and on", 6);
    assert_heard(&ends.r, "and on", 6);
    ends_free(&ends);
}

/* Whoever is between the two: bytes go on as they come, but for one of them. */
struct middle {
    int sides[2];
    size_t flip; /* the byte from the initiator's side that is changed; 0: none */
    size_t stop; /* after so many of these nothing goes on, and both are cut; 0: never */
};

static bool pass(struct middle *middle, int from, size_t *seen)
{
    uint8_t room[4096];
    ssize_t n = recv(middle->sides[from], room, sizeof room, 0);
    if (n <= 0)
        return false;
    size_t len = (size_t)n;
    if (from == 0 && middle->flip > *seen && middle->flip <= *seen + len)
        room[middle->flip - *seen - 1] ^= 1;
    bool stops = from == 0 && middle->stop != 0 && *seen + len >= middle->stop;
    if (stops)
        len = middle->stop - *seen;
    *seen += from == 0 ? len : 0;
    return send(middle->sides[!from], room, len, MSG_NOSIGNAL) == (ssize_t)len && !stops;
}

static void *stand_between(void *arg)
{
    struct middle *middle = arg;
    size_t seen = 0;
    for (bool going = true; going;) {
        struct pollfd wanted[2] = { { .fd = middle->sides[0], .events = POLLIN },
                                    { .fd = middle->sides[1], .events = POLLIN } };
        going = poll(wanted, 2, -1) > 0;
        for (int side = 0; side < 2 && going; side++)
            going = wanted[side].revents == 0 || pass(middle, side, &seen);
    }
    close(middle->sides[0]);
    close(middle->sides[1]);
    return NULL;
}

/* HELLO has 4 + 75 bytes, FINISH 4 + 2 + 9 + 72 + 16; behind them are records. */
enum { HELLO = 4 + 2 + 64 + 1 + 2 + 1 + 1 + 4, FINISH = 4 + 2 + 9 + FAKE + 16 };

static void with_somebody_between(size_t flip, size_t stop, const char *reason)
{
    struct ends ends;
    struct middle middle = { .flip = flip, .stop = stop };
    pthread_t thread;
    int pair[2];
    ends_init(&ends, WARD_FRAMING_STREAM);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    middle.sides[0] = ends.r.fd; /* the initiator's peer */
    middle.sides[1] = pair[0];
    ends.r.fd = pair[1];
    assert_int_equal(pthread_create(&thread, NULL, stand_between, &middle), 0);
    ends_shake(&ends);
    const char *found = ends.r.outcome == WARD_REFUSED ? ends.r.error.reason : "";
    if (ends.r.outcome == WARD_DONE) {
        struct ward_error error = { 0 };
        struct ward_bytes message = { .data = "0123456789abcdef", .len = 16 };
        for (unsigned n = 0; n < 2 && error.outcome == WARD_DONE; n++) {
            if (ward_channel_send(ends.i.channel, message, SOON_MS, &error) != WARD_DONE)
                break;
        }
        assert_heard(&ends.r, message.data, message.len);
        found = ends_with(&ends.r, SOON_MS, WARD_REFUSED);
    }
    if (strcmp(found, reason) != 0)
        fail_msg("byte %zu, end %zu: %s, not %s", flip, stop, found, reason);
    ends_free(&ends);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void what_is_changed_or_cut_on_its_way(void **state)
{
    const size_t first = HELLO + FINISH, record = 4 + 13 + 16 + 16, second = first + record;
    (void)state;
    with_somebody_between(HELLO - 1, 0, "CHANNEL_PURPOSE");
    with_somebody_between(10, 0, "CHANNEL_REFUSED_BY_PEER"); /* the nonce: the initiator says so */
    with_somebody_between(first, 0, "CHANNEL_TRANSCRIPT");
    with_somebody_between(second + 4 + 1, 0, "CHANNEL_UNEXPECTED");
    with_somebody_between(second + 4 + 2, 0, "CHANNEL_EPOCH");
    with_somebody_between(second + 4 + 6, 0, "CHANNEL_REPLAY"); /* its number was 1 */
    with_somebody_between(second + 4 + 14, 0, "CHANNEL_TAMPERED");
    with_somebody_between(second + record, 0, "CHANNEL_TAMPERED");
    for (size_t cut = 0; cut < record; cut++)
        with_somebody_between(0, second + cut, "CHANNEL_TRUNCATED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(set_ups_that_cannot_be, ""),
        TEST(addresses_that_are_none, ""),
        TEST(who_may_answer, ""),
        TEST(silent_ones_are_cut_by_time, ""),
        TEST(slow_ones_as_well, ""),
        TEST(strangers, ""),
        TEST(servers_that_are_none, ""),
        TEST(of_another_purpose, ""),
        TEST(evidence_that_fails, ""),
        TEST(time_and_truncation, ""),
        TEST(a_peer_that_does_not_read, ""),
        TEST(messages_that_are_too_long, ""),
        TEST(what_is_changed_or_cut_on_its_way, ""),
    };
    return RUN_TESTS(tests);
}
