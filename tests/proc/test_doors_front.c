/* test_doors_front.c - the doors of ward-front, kicked. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proc/front_bench.h"

static void test_anything_is_said_to_front(void **state)
{
    struct hostile hostile;
    (void)state;
    /* Keeper speaks only when it is asked: chain.c waits for it and takes nothing else. */
    hostile_begin(&hostile, &front_process, front_process.doors[0].peers);
    hostile_run(&hostile, hostile_frames());
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    /* Nobody had asked, so nobody was answered. */
    struct front *front = hostile.house.self;
    for (uint32_t i = 0; i < front->connection_count; i++)
        assert_int_equal(front->connections[i].phase, CONNECTION_FREE);
    end_front(&hostile);
}

/* Dial is not trusted: what it says amiss closes its channel, and what it hands over amiss too. */
static void test_anything_is_said_by_dial(void **state)
{
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &front_process, IN(PEER_DIAL));
    hostile_run(&hostile, hostile_frames() / 8);
    hostile_descriptors(&hostile);
    assert_true(hostile.refused > 0);
    end_front(&hostile);
}

static struct sockaddr_in listener_at(int fd)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof at;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    return at;
}

/* A connection, its end for dial and the other one. */
struct ends {
    int near, far;
};

static struct ends connect_ends(void)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = listener_at(listener);
    struct ends ends = { .near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    assert_int_equal(connect(ends.near, (struct sockaddr *)&at, sizeof at), 0);
    ends.far = accept(listener, NULL, NULL);
    assert_true(ends.far >= 0);
    assert_int_equal(fcntl(ends.near, F_SETFL, O_NONBLOCK), 0);
    close(listener);
    return ends;
}

static rc hand(struct hostile *hostile, uint8_t peer, uint64_t id, int fd)
{
    struct frame frame = { .message = MSG_CONNECTED, .id = id, .body = span_of(&peer, 1) };
    return hostile_hand(hostile, PEER_DIAL, &frame, fd);
}

enum handed { TCP_NEW, TCP_LISTENS, TCP_BLOCKS, UDP, UNIX, A_FILE, NOTHING, HANDED_COUNT };

static int make(enum handed what, struct ends *ends)
{
    int fd = -1;
    switch (what) {
    case TCP_NEW:
        return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    case TCP_LISTENS:
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        listener_at(fd);
        return fd;
    case TCP_BLOCKS:
        assert_int_equal(fcntl(ends->near, F_SETFL, 0), 0);
        return fcntl(ends->near, F_DUPFD_CLOEXEC, 0);
    case UDP:
        return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    case UNIX:
        return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    case A_FILE:
        return open("/dev/null", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    case NOTHING:
    case HANDED_COUNT:
        break;
    }
    return -1;
}

/* What is no connection closes dial's channel; one that is gone already is told to core. */
static void test_what_is_no_connection(void **state)
{
    (void)state;
    for (enum handed what = 0; what < HANDED_COUNT; what++) {
        struct hostile hostile;
        struct ends ends = connect_ends();
        struct frame said;
        hostile_begin(&hostile, &front_process, IN(PEER_DIAL) | IN(PEER_CORE));
        int fd = make(what, &ends);
        rc taken = hand(&hostile, 0, 7, fd);
        if (what == TCP_NEW) {
            assert_true(rc_ok(taken) && hostile_hear(&hostile, PEER_CORE, &said));
            assert_int_equal(said.message, MSG_OUTWARD);
            assert_int_equal(said.id, 7);
            assert_int_equal(said.body.at[1], 0);
            assert_int_equal(said.body.at[2] | said.body.at[3] << 8, REASON_PEER_UNREACHABLE);
        } else {
            assert_int_equal(rc_class_of(taken), RC_PEER);
        }
        if (fd >= 0)
            close(fd);
        close(ends.near);
        close(ends.far);
        end_front(&hostile);
    }
}

static void test_whom_it_is_for(void **state)
{
    static const struct {
        uint8_t peer;
        uint64_t id;
    } rows[] = { { 1, 7 }, { 2, 7 }, { SETTING_PEERS_MAX, 7 }, { 255, 7 }, { 0, 0 } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hostile hostile;
        struct ends ends = connect_ends();
        hostile_begin(&hostile, &front_process, IN(PEER_DIAL));
        assert_int_equal(rc_class_of(hand(&hostile, rows[i].peer, rows[i].id, ends.near)), RC_PEER);
        close(ends.near);
        assert_int_equal(recv(ends.far, &(char){ 0 }, 1, 0), 0); /* front has none of it */
        close(ends.far);
        end_front(&hostile);
    }
}

/* The first connection stays, whatever else dial brings; it goes with core. */
static void test_twice(void **state)
{
    static const char wanted[] = "GET /x HTTP/1.1\r\nHost: 127.0.0.1:9\r\n";
    struct hostile hostile;
    struct ends first = connect_ends(), second = connect_ends();
    char text[256] = "";
    (void)state;
    hostile_begin(&hostile, &front_process, IN(PEER_DIAL) | IN(PEER_CORE));
    assert_true(rc_ok(hand(&hostile, 0, 7, first.near)));
    close(first.near);
    ssize_t len = recv(first.far, text, sizeof text - 1, 0);
    assert_true(len > 0 && strncmp(text, wanted, sizeof wanted - 1) == 0);
    assert_true(rc_ok(hand(&hostile, 0, 8, second.near)));
    close(second.near);
    assert_int_equal(recv(second.far, text, sizeof text, 0), 0);
    assert_int_equal(recv(first.far, text, sizeof text, MSG_DONTWAIT), -1);
    peer_changed(hostile.house.self, PEER_CORE, false);
    assert_int_equal(recv(first.far, text, sizeof text, 0), 0);
    close(first.far);
    close(second.far);
    end_front(&hostile);
}

/* How many of those who say HELLO have a quote made by `now_us`, one after another. */
static unsigned begun_at(struct front *front, uint64_t now_us)
{
    unsigned count = 0;
    while (gcra_take(&front->links.begun, &front->links.rate, 1, now_us).allowed)
        count++;
    return count;
}

static void test_quotes_are_made_so_often(void **state)
{
    enum { SECOND_US = 1000000, STEP_US = SECOND_US / LINK_BEGUN_PER_SECOND };
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &front_process, IN(PEER_DIAL));
    struct front *front = hostile.house.self;
    uint64_t now_us = SECOND_US;
    assert_int_equal(begun_at(front, now_us), LINK_BEGUN_BURST);
    for (unsigned second = 0; second < 100; second++) {
        now_us += SECOND_US;
        assert_int_equal(begun_at(front, now_us), LINK_BEGUN_PER_SECOND);
    }
    /* Evenly: the next one not a microsecond before its time. */
    assert_int_equal(begun_at(front, now_us + STEP_US - 1), 0);
    assert_int_equal(begun_at(front, now_us + STEP_US), 1);
    end_front(&hostile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_to_front, ""),
        TEST(test_anything_is_said_by_dial, ""),
        TEST(test_what_is_no_connection, ""),
        TEST(test_whom_it_is_for, ""),
        TEST(test_twice, ""),
        TEST(test_quotes_are_made_so_often, ""),
    };
    return RUN_TESTS(tests);
}
