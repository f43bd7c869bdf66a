/* over_http1.c - see front.h: a connection of HTTP/1.1, one request after the other. */
#include <string.h>

#include "base/number.h"
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
    struct work **free = work->local ? &front->free_local_works : &front->free_works;
    work->next = *free;
    *free = work;
    connection->work = NULL;
}

/* The list that a work for this connection is taken from; NULL: all are lent. */
static struct work **free_for(struct front *front, const struct connection *connection)
{
    if (connection->local && front->free_local_works != NULL)
        return &front->free_local_works;
    return front->free_works != NULL ? &front->free_works : NULL;
}

/* A request has its place from its first byte on, whatever was answered before it. */
static uint64_t since_of(const struct connection *connection)
{
    return connection->phase == CONNECTION_READING ? connection->work->since_us
                                                   : connection->pace.since_us;
}

static bool is_slower(const struct connection *one, const struct connection *other)
{
    return other == NULL || since_of(one) < since_of(other);
}

static bool had_fewer(const struct connection *one, const struct connection *other)
{
    return other == NULL || one->answered < other->answered ||
           (one->answered == other->answered && is_slower(one, other));
}

/* One that core has is not the peer's to hurry; one that is held was lent a place, and waits. */
static bool may_give_way(const struct connection *other, const struct connection *to)
{
    return (other->phase == CONNECTION_READING || other->phase == CONNECTION_ANSWERING) &&
           other->work != NULL && !other->held && (to->local || !other->local);
}

/* All are lent: in its turn, the one that has been slow for longest gives way.  Half requests can
   be had in any number, each as long as it is not slow: they keep out nobody who had more answers,
   turn or not. */
static bool take_for(struct front *front, const struct connection *connection, bool in_turn)
{
    struct connection *slowest = NULL, *newest = NULL;
    uint64_t before = front_now_us() - (uint64_t)FRONT_YIELD_MS * 1000;
    for (uint32_t i = 0; i < front->connection_count; i++) {
        struct connection *other = &front->connections[i];
        if (!may_give_way(other, connection))
            continue;
        if (in_turn && since_of(other) <= before && is_slower(other, slowest))
            slowest = other;
        if (other->phase == CONNECTION_READING && other->answered < connection->answered &&
            had_fewer(other, newest))
            newest = other;
    }
    struct connection *gives_way = slowest != NULL ? slowest : newest;
    if (gives_way == NULL)
        return false;
    front->counts.slow++;
    front_close(front, gives_way);
    return true;
}

static bool reset(struct work *work)
{
    work->sent = 0;
    work->out = sink_over(work->out.at, work->out.cap);
    return http1_room_init(&work->room, &http_limits_default, work->room_memory,
                           http1_room_size(&http_limits_default));
}

/* There must be one. */
static bool lend(struct front *front, struct connection *connection)
{
    struct work **free = free_for(front, connection), *work = *free;
    *free = work->next;
    connection->work = work;
    work->in_len = 0;
    work->since_us = front_now_us();
    if (reset(work))
        return true;
    front_close(front, connection);
    return false;
}

/* What is free belongs to those who wait for it already. */
static bool borrow(struct front *front, struct connection *connection)
{
    struct line *line = connection->local ? &front->starved_local : &front->starved;
    bool in_turn = line->count == 0;
    if ((in_turn && free_for(front, connection) != NULL) || take_for(front, connection, in_turn))
        return lend(front, connection);
    pace_begin(&connection->pace, PACE_NONE, 0); /* it is not the peer that is late */
    front_line_up(line, connection);
    front_wait(front, connection, false, false); /* until another gives one back */
    return false;
}

static bool may_lend(struct front *front, struct connection *connection, bool takes)
{
    return free_for(front, connection) != NULL || (takes && take_for(front, connection, true));
}

void front_http1_lend(struct front *front, bool takes)
{
    struct line *lines[] = { &front->starved_local, &front->starved };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        for (uint32_t n = lines[i]->count; n > 0 && lines[i]->first != NULL; n--) {
            struct connection *first = lines[i]->first;
            if (!may_lend(front, first, takes))
                break;
            if (lend(front, first))
                front_move(front, first);
        }
    }
}

bool front_http1_may_lend(struct front *front)
{
    const struct connection *local = front->starved_local.first, *first = front->starved.first;
    return (local != NULL && free_for(front, local) != NULL) ||
           (first != NULL && free_for(front, first) != NULL);
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
        if (connection->pace.phase == PACE_NONE)
            pace_begin(&connection->pace, PACE_IDLE, front_now_us());
        front_wait(front, connection, true, false);
        return false;
    }
    if (connection->pace.phase == PACE_IDLE || connection->pace.phase == PACE_NONE)
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

/* The next request has begun to come, and others wait for the place: it is theirs. */
static bool is_wanted(const struct front *front, const struct connection *connection)
{
    return connection->work->in_len > 0 &&
           (front->starved_local.count > 0 || (front->starved.count > 0 && !connection->local));
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
    connection->answered += connection->answered < UINT32_MAX;
    if (http1_is_closed(&connection->http) || front->stopping || is_wanted(front, connection)) {
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
        return connection->phase == CONNECTION_LINK;
    /* Most clients say nothing before they have their answer: the poller is asked, not the
       socket. */
    bool more = connection->work != NULL ||
                (connection->tls != NULL && tls_has_read(connection->tls));
    if (!more)
        front_wait(front, connection, true, false);
    return more;
}
