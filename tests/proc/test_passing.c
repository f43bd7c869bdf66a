/* test_passing.c - a request of a miner on its way through front, with core and dial played here:
   in whatever order they speak, whatever they say, and when they fall. */
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/protobuf.h"
#include "model/api.h"
#include "proc/front_bench.h"

static struct hostile hostile;
static struct front *front;

static void start(void)
{
    hostile_begin(&hostile, &front_process, IN(PEER_DIAL) | IN(PEER_CORE));
    front = hostile.house.self;
}

static void end(void)
{
    for (uint32_t i = 0; i < front->connection_count; i++)
        front_close(front, &front->connections[i]);
    assert_int_equal(front->passages.open, 0);
    assert_int_equal(front->passages.places[0].open, 0);
    end_front(&hostile);
}

/* A miner at the owner's socket; his end, and front's number for what he has asked. */
struct miner {
    int fd;
    uint64_t id;
};

static struct connection *come(struct miner *miner)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    struct connection *connection = front_occupy(front, ends[0]);
    connection->local = connection->reading = true;
    connection->phase = CONNECTION_READING;
    front->local_count++;
    assert_true(rc_ok(
        poller_add(NULL, front->poller, ends[0], front_token(front, connection), true, false)));
    *miner = (struct miner){ .fd = ends[1] };
    return connection;
}

/* The same from outside. */
static struct connection *come_from_outside(struct miner *miner)
{
    struct connection *connection = come(miner);
    connection->local = false;
    front->local_count--;
    return connection;
}

static void send_request(const struct miner *miner, struct connection *connection)
{
    static const char text[] = "POST /api/challenges/near/public/x?a=1 HTTP/1.1\r\nHost: a\r\n"
                               "Authorization: Bearer t\r\nContent-Length: 4\r\n\r\nbody";
    assert_int_equal(write(miner->fd, text, sizeof text - 1), sizeof text - 1);
    front_move(front, connection);
    assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[PEER_CORE])));
}

static void ask_over(struct miner *miner, struct connection *connection)
{
    struct frame said;
    send_request(miner, connection);
    assert_true(hostile_hear(&hostile, PEER_CORE, &said));
    assert_int_equal(said.message, MSG_REQUEST);
    assert_int_equal(said.body.at[2], CALLER_MINER);
    miner->id = said.id;
}

static struct miner ask(void)
{
    struct miner miner;
    struct connection *connection = come(&miner);
    ask_over(&miner, connection);
    return miner;
}

/* Core's answer: the token is used up, and here is the house's word. */
static void vouch(const struct miner *miner)
{
    uint8_t encoded[1024], bytes[1200];
    struct sink word = sink_over(encoded, sizeof encoded), body = sink_over(bytes, sizeof bytes);
    const struct api_token_redeem_response said = { .hotkey = span_text("hot"),
                                                    .uid = 7,
                                                    .id = span_text("jti"),
                                                    .timestamp = 1,
                                                    .signature = span_text("c2ln"),
                                                    .key_id = span_text("kid") };
    assert_true(protobuf_write(&api_token_redeem_response, &said, &word));
    sink_u16le(&body, REASON_OK);
    put_bytes(&body, (struct span){ 0 });
    put_bytes(&body, sink_bytes(&word));
    struct frame frame = { .message = MSG_REPLY, .id = miner->id, .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &frame)));
    front_wake_all(front);
}

/* A TCP connection, front's end for dial and the challenge's. */
struct ends {
    int near, far;
};

static struct ends connect_ends(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct ends ends = { .near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(connect(ends.near, (struct sockaddr *)&at, sizeof at), 0);
    ends.far = accept(listener, NULL, NULL);
    assert_true(ends.far >= 0);
    assert_int_equal(fcntl(ends.near, F_SETFL, O_NONBLOCK), 0);
    close(listener);
    return ends;
}

static rc hand(uint8_t peer, uint64_t id, int fd)
{
    struct frame frame = { .message = MSG_PASSAGE_CONNECTED, .id = id, .body = span_of(&peer, 1) };
    rc taken = hostile_hand(&hostile, PEER_DIAL, &frame, fd);
    front_wake_all(front);
    return taken;
}

static rc refuse(uint8_t peer, uint64_t id, enum reason reason)
{
    uint8_t bytes[64];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, peer);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, span_text("why\x1b"));
    struct frame frame = { .message = MSG_PASSAGE_REFUSED, .id = id, .body = sink_bytes(&body) };
    rc taken = hostile_say(&hostile, PEER_DIAL, &frame);
    front_wake_all(front);
    return taken;
}

/* What has come there, as text; "" when nothing has. */
static const char *came(int fd)
{
    static char text[4096];
    ssize_t len = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    text[len > 0 ? len : 0] = 0;
    return text;
}

static bool is_closed(int fd)
{
    return recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT) == 0;
}

/* The miner has that status and code, and core has heard why. */
static void assert_told(const struct miner *miner, const char *status, const char *code,
                        enum reason why)
{
    struct frame said;
    const char *text = came(miner->fd);
    if (strncmp(text, status, strlen(status)) != 0 || strstr(text, code) == NULL)
        fail_msg("%s", text);
    assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[PEER_CORE])));
    bool told = hostile_hear(&hostile, PEER_CORE, &said);
    assert_int_equal(told, why != REASON_NONE);
    if (!told)
        return;
    assert_int_equal(said.message, MSG_PASSED_ON);
    assert_int_equal(said.body.at[0], 0);
    assert_int_equal(said.body.at[1] | said.body.at[2] << 8, why);
}

/* What has come from challenges is read. */
static void read_on(void)
{
    for (uint32_t i = 0; i < front->connection_count; i++) {
        if (front->connections[i].phase == CONNECTION_PASSAGE)
            front_move(front, &front->connections[i]);
    }
    front_wake_all(front);
}

static void answer(int far, const char *text)
{
    assert_int_equal(write(far, text, strlen(text)), (ssize_t)strlen(text));
    read_on();
}

/* Nothing is asked before somebody has vouched for it, however early dial is. */
static void test_in_either_order(void **state)
{
    static const char wanted[] = "POST /sdk/public/x?a=1 HTTP/1.1\r\nHost: 127.0.0.1:9\r\n"
                                 "x-verified-miner-hotkey: hot\r\nx-miner-uid: 7\r\n";
    (void)state;
    for (unsigned dial_first = 0; dial_first < 2; dial_first++) {
        start();
        struct miner miner = ask();
        struct ends ends = connect_ends();
        if (dial_first == 0)
            vouch(&miner);
        assert_true(rc_ok(hand(0, miner.id, ends.near)));
        close(ends.near);
        if (dial_first == 1) {
            assert_string_equal(came(ends.far), "");
            vouch(&miner);
        }
        const char *text = came(ends.far);
        assert_int_equal(strncmp(text, wanted, sizeof wanted - 1), 0);
        assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\nbody");
        assert_null(strstr(text, "uthorization"));
        answer(ends.far, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        assert_string_equal(came(miner.fd), "");
        answer(ends.far, "{}");
        assert_told(&miner, "HTTP/1.1 200 OK", "\r\n\r\n{}", REASON_OK);
        assert_true(is_closed(ends.far));
        close(ends.far);
        close(miner.fd);
        end();
    }
}

static void test_dial_says_no(void **state)
{
    static const struct {
        enum reason said;
        const char *status, *code;
        enum reason why;
    } rows[] = {
        { REASON_PEER_UNREACHABLE, "HTTP/1.1 502", "CHALLENGE_UNREACHABLE",
          REASON_PEER_UNREACHABLE },
        { REASON_PEER_NAME, "HTTP/1.1 502", "CHALLENGE_UNREACHABLE", REASON_PEER_NAME },
        { REASON_PEER_INWARD, "HTTP/1.1 502", "CHALLENGE_UNREACHABLE", REASON_PEER_INWARD },
        { REASON_PEER_SLOW, "HTTP/1.1 504", "CHALLENGE_SLOW", REASON_PEER_SLOW },
        { REASON_HOUSE_UNAVAILABLE, "HTTP/1.1 503", "HOUSE_UNAVAILABLE", REASON_NONE },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        start();
        struct miner miner = ask();
        vouch(&miner);
        assert_true(rc_ok(refuse(0, miner.id, rows[i].said)));
        assert_told(&miner, rows[i].status, rows[i].code, rows[i].why);
        assert_int_equal(front->passages.lost, rows[i].why != REASON_NONE);
        /* And then it is nobody's any more: a socket for it is closed. */
        struct ends ends = connect_ends();
        assert_true(rc_ok(hand(0, miner.id, ends.near)));
        close(ends.near);
        assert_true(is_closed(ends.far));
        assert_true(rc_ok(refuse(0, miner.id, rows[i].said)));
        close(ends.far);
        close(miner.fd);
        end();
    }
}

/* What dial has no business to say closes its channel. */
static void test_dial_says_anything(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 7; i++) {
        start();
        struct miner miner = ask();
        struct ends ends = connect_ends();
        rc taken = i == 0   ? hand(1, miner.id, ends.near)
                   : i == 1 ? hand(SETTING_PEERS_MAX, miner.id, ends.near)
                   : i == 2 ? hand(0, miner.id, -1)
                   : i == 3 ? hand(0, miner.id, miner.fd) /* of no network */
                   : i == 4 ? refuse(1, miner.id, REASON_PEER_SLOW)
                   : i == 5 ? refuse(0, miner.id, REASON_OK)
                            : refuse(0, miner.id, REASON_COUNT);
        assert_int_equal(rc_class_of(taken), RC_PEER);
        close(ends.near);
        close(ends.far);
        close(miner.fd);
        end();
    }
}

/* One socket for a request: a second one, and one for another's number, are closed. */
static void test_a_socket_too_many(void **state)
{
    (void)state;
    start();
    struct miner miner = ask();
    struct ends first = connect_ends(), second = connect_ends(), other = connect_ends();
    assert_true(rc_ok(hand(0, miner.id, first.near)));
    assert_true(rc_ok(hand(0, miner.id, second.near)));
    assert_true(rc_ok(hand(0, miner.id + 1, other.near)));
    assert_true(rc_ok(hand(0, UINT64_MAX, other.near)));
    close(first.near);
    close(second.near);
    close(other.near);
    assert_true(is_closed(second.far));
    assert_true(is_closed(other.far));
    vouch(&miner);
    assert_true(strncmp(came(first.far), "POST ", 5) == 0);
    close(first.far);
    close(second.far);
    close(other.far);
    close(miner.fd);
    end();
}

static void test_who_falls(void **state)
{
    (void)state;
    /* Dial, before it has brought a socket, whether core has spoken or not. */
    for (unsigned vouched = 0; vouched < 2; vouched++) {
        start();
        struct miner miner = ask();
        if (vouched == 1)
            vouch(&miner);
        peer_changed(front, PEER_DIAL, false);
        front_wake_all(front);
        assert_told(&miner, "HTTP/1.1 503", "HOUSE_UNAVAILABLE", REASON_NONE);
        assert_int_equal(front->passages.lost, 0);
        close(miner.fd);
        end();
    }
    /* Dial and core, when both have done their part. */
    start();
    struct miner miner = ask();
    struct ends ends = connect_ends();
    vouch(&miner);
    assert_true(rc_ok(hand(0, miner.id, ends.near)));
    close(ends.near);
    peer_changed(front, PEER_DIAL, false);
    peer_changed(front, PEER_CORE, false);
    front_wake_all(front);
    answer(ends.far, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_told(&miner, "HTTP/1.1 204", "nosniff", REASON_OK);
    close(ends.far);
    close(miner.fd);
    end();
    /* The challenge, and the miner. */
    start();
    miner = ask();
    ends = connect_ends();
    vouch(&miner);
    assert_true(rc_ok(hand(0, miner.id, ends.near)));
    close(ends.near);
    answer(ends.far, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{");
    shutdown(ends.far, SHUT_WR);
    read_on();
    assert_told(&miner, "HTTP/1.1 502", "CHALLENGE_UNREACHABLE", REASON_PEER_ENDED);
    close(ends.far);
    close(miner.fd);
    end();
}

/* By the clock: whose turn it was is who was late. */
static void test_who_is_late(void **state)
{
    (void)state;
    for (unsigned far = 0; far < 3; far++) {
        start();
        struct miner miner = ask();
        struct ends ends = connect_ends();
        if (far > 0)
            vouch(&miner);
        if (far > 1)
            assert_true(rc_ok(hand(0, miner.id, ends.near)));
        close(ends.near);
        struct exchange *exchange = exchange_find(front, miner.id);
        int64_t left = exchange->until_ms - clock_monotonic_ms();
        assert_true(left > PASSAGE_MS / 2 && left <= PASSAGE_MS);
        front_sweep(front, clock_monotonic_ms());
        front_wake_all(front);
        assert_string_equal(came(miner.fd), "");
        exchange->until_ms = clock_monotonic_ms();
        front_sweep(front, clock_monotonic_ms());
        front_wake_all(front);
        assert_told(&miner, far == 0 ? "HTTP/1.1 503" : "HTTP/1.1 504",
                    far == 0 ? "HOUSE_UNAVAILABLE" : "CHALLENGE_SLOW",
                    far == 0 ? REASON_NONE : REASON_PEER_SLOW);
        assert_int_equal(front->passages.lost, far != 0);
        close(ends.far);
        close(miner.fd);
        end();
    }
}

/* A suspect, whose turn it is and has not begun. */
static void suspect(struct connection *connection)
{
    front->alone = connection;
    front->alone_begun = false;
    front->alone_since_ms = clock_monotonic_ms();
}

/* The challenge would be company: the token is not used up for it. */
static void test_a_suspect_is_passed_on_to_nobody(void **state)
{
    struct frame said;
    struct miner miner;
    (void)state;
    start();
    struct connection *connection = come_from_outside(&miner);
    suspect(connection);
    send_request(&miner, connection);
    assert_false(hostile_hear(&hostile, PEER_CORE, &said));
    assert_told(&miner, "HTTP/1.1 503", "CHALLENGE_BUSY", REASON_NONE);
    assert_null(front->alone);
    close(miner.fd);
    end();
}

/* The suspect waits for what is under way, so that does not wait for the suspect. */
static void test_a_suspect_holds_up_no_passage(void **state)
{
    struct miner miner, other;
    (void)state;
    start();
    ask_over(&miner, come_from_outside(&miner));
    vouch(&miner);
    suspect(come_from_outside(&other));
    struct ends ends = connect_ends();
    assert_true(rc_ok(hand(0, miner.id, ends.near)));
    close(ends.near);
    assert_int_equal(strncmp(came(ends.far), "POST ", 5), 0);
    answer(ends.far, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_told(&miner, "HTTP/1.1 204", "nosniff", REASON_OK);
    close(ends.far);
    close(miner.fd);
    close(other.fd);
    end();
}

/* Who is cut for a suspect loses his passage with it, of which the challenge has ended nothing:
   also where its connection stands before his. */
static void test_who_is_cut_for_a_suspect(void **state)
{
    struct frame said;
    struct miner first, miner, other;
    (void)state;
    start();
    struct connection *before = come_from_outside(&first);
    ask_over(&miner, come_from_outside(&miner));
    vouch(&miner);
    front_close(front, before);
    struct ends ends = connect_ends();
    assert_true(rc_ok(hand(0, miner.id, ends.near)));
    close(ends.near);
    assert_int_equal(before->phase, CONNECTION_PASSAGE);
    assert_int_equal(strncmp(came(ends.far), "POST ", 5), 0);
    suspect(come_from_outside(&other));
    front->alone_missed = FRONT_ALONE_MISSED;
    (void)alone_expire(front, front->alone_since_ms + FRONT_ALONE_MS / 2);
    front_wake_all(front);
    assert_true(is_closed(ends.far));
    assert_true(is_closed(miner.fd));
    assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[PEER_CORE])));
    assert_false(hostile_hear(&hostile, PEER_CORE, &said));
    assert_int_equal(front->passages.lost, 0);
    close(ends.far);
    close(first.fd);
    close(miner.fd);
    close(other.fd);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_in_either_order, ""),
        TEST(test_dial_says_no, ""),
        TEST(test_dial_says_anything, ""),
        TEST(test_a_socket_too_many, ""),
        TEST(test_who_falls, ""),
        TEST(test_who_is_late, ""),
        TEST(test_a_suspect_is_passed_on_to_nobody, ""),
        TEST(test_a_suspect_holds_up_no_passage, ""),
        TEST(test_who_is_cut_for_a_suspect, ""),
    };
    return RUN_TESTS(tests);
}
