/* front_peers.h - a front, and peers of it that are past accept and TLS. */
#ifndef WARD_TESTS_PROC_FRONT_PEERS_H
#define WARD_TESTS_PROC_FRONT_PEERS_H
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proc/front_bench.h"

enum { ENDS_MAX = 128 };

static struct hostile hostile;
static struct front *front;
static int ends[ENDS_MAX]; /* the peers' */
static struct connection *of_end[ENDS_MAX];
static uint32_t end_count;
static uint8_t answer[4096]; /* what was heard last */

/* Only whether there is a certificate is asked: TLS is not spoken here. */
static max_align_t certificate;

static inline void begin_front(void)
{
    hostile_begin(&hostile, &front_process, IN(PEER_CORE));
    front = hostile.house.self;
    hostile.house.settings.channel_policy[0] = '/';
    front->server = (void *)&certificate;
    end_count = 0;
}

static inline void end_bench(void)
{
    front->server = NULL;
    for (uint32_t i = 0; i < front->connection_count; i++)
        front_close(front, &front->connections[i]);
    assert_int_equal(front->links.half_count + front->links.open, 0);
    assert_int_equal(front->conns.open, 0);
    for (uint32_t i = 0; i < end_count; i++)
        close(ends[i]);
    end_front(&hostile);
}

static inline struct address four(unsigned third, unsigned host)
{
    const uint8_t bytes[4] = { 10, 0, (uint8_t)third, (uint8_t)host };
    return address_of_v4(bytes);
}

static inline struct connection *arrive(struct address peer)
{
    struct conn counted;
    int pair[2];
    assert_true(end_count < ENDS_MAX);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    assert_true(admit_connection(&front->admit, &peer, front_now_us(), &counted).admitted);
    conn_established(&front->conns, &counted);
    struct connection *connection = front_occupy(front, pair[0]);
    connection->counted = counted;
    connection->peer = peer;
    connection->phase = CONNECTION_READING;
    connection->reading = true;
    pace_begin(&connection->pace, PACE_IDLE, front_now_us());
    assert_true(rc_ok(
        poller_add(NULL, front->poller, pair[0], front_token(front, connection), true, false)));
    of_end[end_count] = connection;
    ends[end_count++] = pair[1];
    return connection;
}

static inline void move_all(void)
{
    for (unsigned i = 0; i < 4; i++)
        front_wake_all(front);
}

/* What the peer of the last arrival, or another one, is sent: NUL behind it. */
static inline size_t heard_by(uint32_t end)
{
    ssize_t got = recv(ends[end], answer, sizeof answer - 1, MSG_DONTWAIT);
    answer[got < 0 ? 0 : got] = 0;
    return got < 0 ? 0 : (size_t)got;
}

#endif
