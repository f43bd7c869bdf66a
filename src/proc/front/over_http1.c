/* over_http1.c - see front.h: a connection of HTTP/1.1, one request after the other. */
#include <string.h>

#include "os/clock.h"
#include "proc/front/front.h"

/* What a connection of HTTP/2 begins with (RFC 9113 3.4): over the owner's socket, where TLS
   has not said so before. */
static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum { PREFACE = sizeof preface - 1 };

void front_http1_give_back(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    if (work == NULL)
        return;
    work->next = front->free_works;
    front->free_works = work;
    connection->work = NULL;
}

/* All are lent: the one that has been slow for longest gives way. */
static void take_from_slowest(struct front *front)
{
    struct connection *slowest = NULL;
    uint64_t before = front_now_us() - (uint64_t)FRONT_YIELD_MS * 1000;
    for (uint32_t i = 0; i < front->connection_count; i++) {
        struct connection *other = &front->connections[i];
        bool slow = other->phase != CONNECTION_FREE && other->work != NULL &&
                    other->phase != CONNECTION_WAITING && other->pace.since_us <= before;
        if (slow && (slowest == NULL || other->pace.since_us < slowest->pace.since_us))
            slowest = other;
    }
    if (slowest == NULL)
        return;
    front->counts.slow++;
    front_close(front, slowest);
}

static bool reset(struct work *work)
{
    work->sent = 0;
    work->out = sink_over(work->out.at, work->out.cap);
    return http1_room_init(&work->room, &http_limits_default, work->room_memory,
                           http1_room_size(&http_limits_default));
}

static bool borrow(struct front *front, struct connection *connection)
{
    if (front->free_works == NULL)
        take_from_slowest(front);
    struct work *work = front->free_works;
    if (work == NULL) {
        front_line_up(&front->starved, connection);
        front_wait(front, connection, false, false); /* until another gives one back */
        return false;
    }
    front->free_works = work->next;
    connection->work = work;
    work->in_len = 0;
    if (reset(work))
        return true;
    front_close(front, connection);
    return false;
}

/* The peer sends no more. */
static bool on_end(struct front *front, struct connection *connection)
{
    struct http_event event = http1_end(&connection->http);
    struct way way = { .connection = connection };
    if (event.kind != HTTP_EVENT_REFUSED || connection->work == NULL) {
        front_close(front, connection);
        return false;
    }
    exchange_give_back(front, connection->exchange);
    way.request = &connection->work->room.request;
    exchange_refuse_request(front, &way, event.reason);
    return connection->phase == CONNECTION_ANSWERING;
}

/* Reads once into what room there is; true when there is something new to look at. */
static bool fill(struct front *front, struct connection *connection)
{
    if (connection->work == NULL && !borrow(front, connection))
        return false;
    struct work *work = connection->work;
    if (work->in_len == FRONT_IN_MAX)
        return false;
    ssize_t got = front_take(connection, work->in + work->in_len, FRONT_IN_MAX - work->in_len);
    if (got == FRONT_GONE)
        return on_end(front, connection);
    if (got == FRONT_NOT_NOW) {
        if (work->in_len == 0 && http1_is_idle(&connection->http))
            front_http1_give_back(front, connection);
        front_wait(front, connection, true, false);
        return false;
    }
    if (connection->pace.phase == PACE_IDLE)
        pace_begin(&connection->pace, PACE_HEAD, front_now_us());
    pace_moved(&connection->pace, (uint64_t)got, front_now_us());
    work->in_len += (size_t)got;
    return true;
}

/* Sends what is written; true when all of it is gone. */
static bool drain(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    while (work->sent < work->out.len) {
        struct span left = span_of(&work->out.at[work->sent], work->out.len - work->sent);
        ssize_t sent = front_put(connection, left);
        if (sent == FRONT_GONE) {
            front_close(front, connection);
            return false;
        }
        if (sent == FRONT_NOT_NOW) {
            front_wait(front, connection, false, true);
            return false;
        }
        work->sent += (size_t)sent;
        pace_moved(&connection->pace, (uint64_t)sent, front_now_us());
    }
    work->sent = 0;
    work->out = sink_over(work->out.at, work->out.cap);
    return true;
}

/* What was written is out: the body after a 100, the next request, or none. */
static void after_answer(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    if (connection->link != NULL) {
        link_begin(front, connection, span_of(work->in, work->in_len));
        front_http1_give_back(front, connection);
        return;
    }
    connection->phase = CONNECTION_READING;
    if (connection->exchange != NULL) {
        pace_begin(&connection->pace, PACE_BODY, front_now_us());
        return;
    }
    if (http1_is_closed(&connection->http) || front->stopping) {
        front_end(front, connection);
        return;
    }
    pace_begin(&connection->pace, work->in_len > 0 ? PACE_HEAD : PACE_IDLE, front_now_us());
    if (work->in_len == 0)
        front_http1_give_back(front, connection);
    else if (!reset(work))
        front_close(front, connection);
}

static void on_body(struct front *front, struct connection *connection, struct span bytes)
{
    if (connection->pace.phase != PACE_BODY)
        pace_begin(&connection->pace, PACE_BODY, front_now_us());
    if (connection->exchange != NULL)
        exchange_body(front, connection->exchange, bytes);
}

/* Takes one event out of what was read; true unless there is none. */
static bool next_event(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    struct cursor in = cur_over(span_of(work->in, work->in_len));
    struct http_event event = http1_next(&connection->http, &work->room, &in);
    struct way way = { .connection = connection, .request = &work->room.request };
    size_t read = cur_offset(&in);
    switch (event.kind) {
    case HTTP_EVENT_HEAD:
        exchange_head(front, &way);
        break;
    case HTTP_EVENT_BODY:
        on_body(front, connection, event.body);
        break;
    case HTTP_EVENT_DONE:
        if (connection->exchange != NULL)
            exchange_done(front, connection->exchange);
        else if (connection->upgrading)
            link_upgrade(front, &way);
        break;
    case HTTP_EVENT_REFUSED:
        exchange_give_back(front, connection->exchange);
        offence_of_request(front, connection, event.reason);
        exchange_refuse_request(front, &way, event.reason);
        break;
    case HTTP_EVENT_CLOSED:
        front_close(front, connection);
        break;
    case HTTP_EVENT_ROOM:
    case HTTP_EVENT_NONE:
        break;
    }
    /* What was understood leaves the front of what was read. */
    if (connection->work == work) {
        work->in_len -= read;
        memmove(work->in, work->in + read, work->in_len);
    }
    return event.kind != HTTP_EVENT_NONE;
}

/* The first bytes over the owner's socket decide which HTTP it is; true: it is the other. */
static bool is_preface(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    size_t len = work->in_len < PREFACE ? work->in_len : PREFACE;
    if (!connection->local || connection->used || !bytes_equal(work->in, preface, len))
        return false;
    if (len < PREFACE)
        return true;
    connection->phase = CONNECTION_H2;
    front_h2_begin(front, connection, span_of(work->in, work->in_len));
    front_http1_give_back(front, connection);
    return true;
}

static bool reading_turn(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    bool waits = work != NULL && (work->in_len > 0 || !http1_is_idle(&connection->http));
    if (!waits)
        return fill(front, connection);
    if (is_preface(front, connection))
        return connection->phase == CONNECTION_READING ? fill(front, connection)
                                                       : connection->phase == CONNECTION_H2;
    connection->used = true;
    if (next_event(front, connection))
        return connection->phase != CONNECTION_FREE;
    return connection->phase == CONNECTION_READING && fill(front, connection);
}

bool front_http1_turn(struct front *front, struct connection *connection)
{
    if (connection->phase == CONNECTION_READING)
        return reading_turn(front, connection);
    if (connection->phase == CONNECTION_WAITING) {
        front_wait(front, connection, false, false);
        return false;
    }
    if (!drain(front, connection))
        return false;
    after_answer(front, connection);
    if (connection->phase != CONNECTION_READING)
        return false;
    /* Most clients say nothing before they have their answer: the poller is asked, not the
       socket. */
    bool more = connection->work != NULL ||
                (connection->tls != NULL && tls_has_read(connection->tls));
    if (!more)
        front_wait(front, connection, true, false);
    return more;
}
