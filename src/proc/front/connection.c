/* connection.c - see front.h: what all connections have in common, from a socket to its end. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "proc/front/front.h"

enum { ENDING_READS = 16 }; /* of what nobody wants any more, in one wake-up */

uint64_t front_now_us(void)
{
    return (uint64_t)clock_monotonic_ms() * 1000;
}

uint64_t front_token(const struct front *front, const struct connection *connection)
{
    uint64_t index = (uint64_t)(connection - front->connections);
    return (uint64_t)connection->generation << 32 | index;
}

struct connection *front_find(struct front *front, uint64_t token)
{
    uint32_t index = (uint32_t)token;
    if (index >= front->connection_count)
        return NULL;
    struct connection *connection = &front->connections[index];
    bool same = connection->generation == (uint32_t)(token >> 32);
    return same && connection->phase != CONNECTION_FREE ? connection : NULL;
}

void front_step_out(struct connection *connection)
{
    struct line *line = connection->line;
    if (line == NULL)
        return;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        line->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    else
        line->last = connection->previous;
    line->count--;
    connection->line = NULL;
    connection->previous = connection->next = NULL;
}

void front_line_up(struct line *line, struct connection *connection)
{
    if (connection->line == line)
        return;
    front_step_out(connection);
    connection->line = line;
    connection->previous = line->last;
    if (line->last != NULL)
        line->last->next = connection;
    else
        line->first = connection;
    line->last = connection;
    line->count++;
}

/* What a connection has borrowed. */
static void give_back(struct front *front, struct connection *connection)
{
    exchange_give_back(front, connection->exchange);
    front_http1_give_back(front, connection);
    front_h2_give_back(front, connection);
    link_give_back(front, connection);
    edge_give_back(front, connection);
}

void front_close(struct front *front, struct connection *connection)
{
    if (connection->phase == CONNECTION_FREE)
        return;
    bool silent = connection->phase == CONNECTION_HANDSHAKE ||
                  connection->phase == CONNECTION_EDGE || connection->phase == CONNECTION_ENDING;
    front->shaking -= connection->shakes;
    front_step_out(connection);
    /* Nothing that is given back here may be moved again. */
    connection->phase = CONNECTION_FREE;
    give_back(front, connection);
    alone_done(front, connection);
    alone_closed(front, connection);
    if (connection->tls != NULL) {
        if (!silent)
            tls_end(connection->tls);
        tls_free(&connection->tls);
    }
    fd_close(&connection->fd);
    if (connection->outward != NULL)
        outward_closed(front, connection);
    else if (connection->passage != NULL)
        passage_closed(front, connection);
    else if (connection->local)
        front->local_count--;
    else
        conn_closed(&front->conns, &connection->counted);
    if (++connection->generation == 0)
        connection->generation = 1;
    front->vacant[front->vacant_count++] = (uint32_t)(connection - front->connections);
}

void front_end(struct front *front, struct connection *connection)
{
    if (connection->phase == CONNECTION_FREE || connection->phase == CONNECTION_ENDING)
        return;
    if (connection->tls != NULL && connection->phase != CONNECTION_HANDSHAKE)
        tls_end(connection->tls);
    connection->phase = CONNECTION_ENDING;
    connection->ending_ms = clock_monotonic_ms() + FRONT_ENDING_MS;
    pace_begin(&connection->pace, PACE_NONE, 0);
    give_back(front, connection);
    if (shutdown(connection->fd, SHUT_WR) != 0)
        front_close(front, connection);
    else
        front_wake(front, connection);
}

/* A socket that is closed with bytes unread takes with it what the peer has not read yet; so
   they are read, and thrown away. */
static bool end_turn(struct front *front, struct connection *connection)
{
    for (unsigned i = 0; i < ENDING_READS; i++) {
        ssize_t got = read(connection->fd, front->in, FRONT_IN_MAX);
        if (got > 0 || (got < 0 && errno == EINTR))
            continue;
        if (got < 0 && errno == EAGAIN)
            break;
        front_close(front, connection);
        return false;
    }
    front_wait(front, connection, true, false);
    return false;
}

ssize_t front_take(struct connection *connection, uint8_t *at, size_t cap)
{
    size_t len = 0;
    if (connection->tls == NULL) {
        ssize_t got = read(connection->fd, at, cap);
        bool later = got < 0 && (errno == EAGAIN || errno == EINTR);
        return got > 0 ? got : later ? FRONT_NOT_NOW : FRONT_GONE;
    }
    switch (tls_read(connection->tls, at, cap, &len)) {
    case TLS_DONE:
        return (ssize_t)len;
    case TLS_WANT_READ:
    case TLS_WANT_WRITE:
        return FRONT_NOT_NOW;
    case TLS_ENDED:
    case TLS_FAILED:
        break;
    }
    return FRONT_GONE;
}

ssize_t front_put(struct connection *connection, struct span bytes)
{
    size_t len = 0;
    if (connection->tls == NULL) {
        ssize_t sent = write(connection->fd, bytes.at, bytes.len);
        bool later = sent < 0 && (errno == EAGAIN || errno == EINTR);
        return sent > 0 ? sent : later ? FRONT_NOT_NOW : FRONT_GONE;
    }
    switch (tls_write(connection->tls, bytes, &len)) {
    case TLS_DONE:
        return (ssize_t)len;
    case TLS_WANT_READ:
    case TLS_WANT_WRITE:
        return FRONT_NOT_NOW;
    case TLS_ENDED:
    case TLS_FAILED:
        break;
    }
    return FRONT_GONE;
}

void front_wait(struct front *front, struct connection *connection, bool reading, bool writing)
{
    if (connection->reading == reading && connection->writing == writing)
        return;
    connection->reading = reading;
    connection->writing = writing;
    if (!rc_ok(poller_change(NULL, front->poller, connection->fd, front_token(front, connection),
                             reading, writing)))
        front_close(front, connection);
}

static bool shake_hands(struct front *front, struct connection *connection)
{
    switch (tls_handshake(connection->tls)) {
    case TLS_DONE:
        front->counts.handshakes++;
        front_step_out(connection);
        conn_established(&front->conns, &connection->counted);
        operators_shook(front, connection);
        connection->phase = tls_chose_h2(connection->tls) ? CONNECTION_H2 : CONNECTION_READING;
        pace_begin(&connection->pace, PACE_IDLE, front_now_us());
        return true;
    case TLS_WANT_READ:
        front_wait(front, connection, true, false);
        return false;
    case TLS_WANT_WRITE:
        front_wait(front, connection, false, true);
        return false;
    case TLS_ENDED:
    case TLS_FAILED:
        break;
    }
    front->counts.handshake_failures++;
    if (operators_refused(front, connection))
        front_end(front, connection); /* it is to read why */
    else
        front_close(front, connection);
    return false;
}

/* One turn; true when another may get further. */
static bool turn(struct front *front, struct connection *connection)
{
    switch (connection->phase) {
    case CONNECTION_EDGE:
        return edge_turn(front, connection);
    case CONNECTION_HANDSHAKE:
        return shake_hands(front, connection);
    case CONNECTION_READING:
    case CONNECTION_ANSWERING:
    case CONNECTION_WAITING:
        return front_http1_turn(front, connection);
    case CONNECTION_H2:
        return front_h2_turn(front, connection);
    case CONNECTION_OUTWARD:
        return outward_turn(front, connection);
    case CONNECTION_LINK:
        return link_turn(front, connection);
    case CONNECTION_PASSAGE:
        return passage_turn(front, connection);
    case CONNECTION_ENDING:
        return end_turn(front, connection);
    case CONNECTION_FREE:
        break;
    }
    return false;
}

/* One that is never done waits behind the others, not they behind it. */
void front_move(struct front *front, struct connection *connection)
{
    if (connection->line != &front->half)
        front_step_out(connection);
    if (!alone_enter(front, connection))
        return;
    bool more = true;
    for (unsigned i = 0; more && i < FRONT_TURNS_MAX; i++)
        more = turn(front, connection);
    if (more)
        front_wake(front, connection);
    else
        alone_leave(front, connection);
}

void front_wake(struct front *front, struct connection *connection)
{
    if (connection->phase != CONNECTION_FREE && connection->phase != CONNECTION_HANDSHAKE &&
        connection->phase != CONNECTION_EDGE)
        front_line_up(&front->ready, connection);
}

void front_shake_later(struct front *front, struct connection *connection)
{
    if (!connection->shakes)
        connection->shakes_ms = clock_monotonic_ms();
    front->shaking += !connection->shakes;
    connection->shakes = true;
    front_wait(front, connection, false, false); /* or it would be told of again and again */
}

/* The oldest first. */
static void shake_some(struct front *front)
{
    struct connection *next = front->half.first;
    for (unsigned left = FRONT_SHAKES_MAX; left > 0 && front->shaking > 0 && next != NULL;) {
        struct connection *connection = next;
        next = connection->next;
        if (!connection->shakes)
            continue;
        left--;
        front->shaking--;
        connection->shakes = false;
        pace_excuse(&connection->pace,
                    (uint64_t)(clock_monotonic_ms() - connection->shakes_ms) * 1000);
        front_move(front, connection);
    }
}

void front_wake_all(struct front *front)
{
    for (uint32_t n = front->ready.count; n > 0 && front->ready.first != NULL; n--)
        front_move(front, front->ready.first);
    front_http1_lend(front, false);
    shake_some(front);
}

void front_ready(struct front *front, const struct poller_event *event)
{
    struct connection *connection = front_find(front, event->token);
    if (connection == NULL)
        return;
    /* A peer that is gone both ways is owed nothing any more; core's answer, when it comes,
       finds nobody.  But a challenge may have answered before it went. */
    if (event->gone && !passage_reads(connection))
        front_close(front, connection);
    else if (connection->phase == CONNECTION_HANDSHAKE)
        front_shake_later(front, connection);
    else
        front_move(front, connection);
}
