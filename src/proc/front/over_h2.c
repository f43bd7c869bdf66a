/* over_h2.c - see front.h: a connection of HTTP/2, many calls at once. */
#include "os/clock.h"
#include "proc/front/front.h"
#include "proc/log.h"

static struct span keep(struct connection *connection, struct span bytes)
{
    uint8_t *copy = heap_take(&connection->h2.heap, bytes.len);
    struct sink out = sink_over(copy, copy != NULL ? bytes.len : 0);
    sink_put(&out, bytes);
    return sink_bytes(&out);
}

static void drop_left(struct connection *connection)
{
    /* It is the heap's, not a view of somebody else's bytes. */
    heap_give(&connection->h2.heap, (void *)(uintptr_t)connection->left.at);
    connection->left = (struct span){ 0 };
}

/* All are counted, and one in a second is named: many do not fill the disk. */
static void note_abuse(struct front *front, struct connection *connection)
{
    uint8_t bytes[64];
    struct sink peer = sink_over(bytes, sizeof bytes - 1);
    int64_t now = clock_monotonic_ms();
    front->counts.abuses++;
    offence_tell(front, connection, OFFENCE_ABUSE);
    if (front->abuse_said_ms != 0 && now - front->abuse_said_ms < FRONT_ABUSE_SAID_MS)
        return;
    front->abuse_said_ms = now;
    if (connection->local)
        sink_text(&peer, "owner's socket");
    else
        address_write(&peer, &connection->peer);
    sink_terminate(&peer);
    log_event("http2 abuse habit=\"%s\" peer=\"%s\" total=%llu", h2_abuse_name(&connection->h2),
              (const char *)bytes, (unsigned long long)front->counts.abuses);
}

void front_h2_give_back(struct front *front, struct connection *connection)
{
    if (connection->h2.session == NULL)
        return;
    if (connection->h2.reason == REASON_HTTP2_ABUSE)
        note_abuse(front, connection);
    drop_left(connection);
    h2_fini(&connection->h2);
}

void front_h2_begin(struct front *front, struct connection *connection, struct span read)
{
    uint64_t now = front_now_us() / 1000;
    if (!h2_init(&connection->h2, &front->h2, now)) {
        front->counts.unavailable++;
        front_close(front, connection);
        return;
    }
    connection->h2.user = connection;
    if (front->stopping)
        h2_shut_down(&connection->h2);
    connection->ended = !h2_feed(&connection->h2, now, read);
}

void front_h2_event(void *arg, struct h2_stream *stream, struct http_event event)
{
    struct front *front = arg;
    struct exchange *exchange = h2_user(stream);
    struct way way = { .connection = h2_connection(stream)->user,
                       .stream = stream,
                       .request = h2_request(stream) };
    bool answered = exchange == &front->nobody;
    switch (event.kind) {
    case HTTP_EVENT_HEAD:
        exchange_head(front, &way);
        break;
    case HTTP_EVENT_REFUSED:
        if (exchange != NULL && !answered)
            exchange_refuse(front, exchange, event.reason, (struct span){ 0 });
        else if (!answered)
            exchange_refuse_request(front, &way, event.reason);
        break;
    case HTTP_EVENT_BODY:
        if (exchange != NULL && !answered)
            exchange_body(front, exchange, event.body);
        break;
    case HTTP_EVENT_DONE:
        if (exchange != NULL && !answered)
            exchange_done(front, exchange);
        break;
    case HTTP_EVENT_ROOM:
        if (exchange != NULL && !answered)
            exchange_room(front, exchange);
        break;
    case HTTP_EVENT_CLOSED:
        if (exchange != NULL && !answered)
            exchange_give_back(front, exchange);
        break;
    case HTTP_EVENT_NONE:
        break;
    }
}

/* Writes so much of the bytes as the socket takes, and keeps the rest; true when there is none. */
static bool put_all(struct front *front, struct connection *connection, struct span bytes)
{
    bool kept = connection->left.len > 0;
    while (bytes.len > 0) {
        ssize_t sent = front_put(connection, bytes);
        if (sent == FRONT_GONE) {
            front_close(front, connection);
            return false;
        }
        if (sent == FRONT_NOT_NOW)
            break;
        bytes = span_of(bytes.at + sent, bytes.len - (size_t)sent);
        pace_moved(&connection->pace, (uint64_t)sent, front_now_us());
    }
    struct span rest = bytes.len > 0 ? keep(connection, bytes) : (struct span){ 0 };
    if (kept)
        drop_left(connection);
    connection->left = rest;
    if (bytes.len == 0)
        return true;
    if (rest.len == 0) { /* no memory for it: the peer cannot be told anything any more */
        front_close(front, connection);
        return false;
    }
    if (connection->pace.phase != PACE_REPLY)
        pace_begin(&connection->pace, PACE_REPLY, front_now_us());
    front_wait(front, connection, false, true);
    return false;
}

/* True when everything that was to be said is out. */
static bool send_all(struct front *front, struct connection *connection)
{
    if (connection->left.len > 0 && !put_all(front, connection, connection->left))
        return false;
    for (bool more = true; more;) {
        struct sink out = sink_over(front->out, FRONT_IN_MAX);
        more = h2_send(&connection->h2, &out);
        if (out.len == 0)
            break;
        if (!put_all(front, connection, sink_bytes(&out)))
            return false;
    }
    if (connection->pace.phase == PACE_REPLY)
        pace_begin(&connection->pace, connection->open > 0 ? PACE_NONE : PACE_IDLE, front_now_us());
    return true;
}

static bool is_over(const struct connection *connection)
{
    return h2_is_closed(&connection->h2) ||
           (connection->ended && connection->open == 0 && connection->h2.queued == 0);
}

bool front_h2_turn(struct front *front, struct connection *connection)
{
    if (connection->h2.session != NULL) {
        if (!send_all(front, connection))
            return false;
        if (is_over(connection)) {
            front_end(front, connection);
            return false;
        }
    }
    ssize_t got = connection->ended ? FRONT_NOT_NOW
                                    : front_take(connection, front->in, FRONT_IN_MAX);
    if (got == FRONT_NOT_NOW) {
        front_wait(front, connection, !connection->ended, false);
        return false;
    }
    if (got == FRONT_GONE && connection->h2.session == NULL) {
        front_close(front, connection);
        return false;
    }
    /* A peer that sends no more may still want to hear what it asked for. */
    if (got == FRONT_GONE)
        connection->ended = true;
    else if (connection->h2.session == NULL)
        front_h2_begin(front, connection, span_of(front->in, (size_t)got));
    else
        connection->ended = !h2_feed(&connection->h2, front_now_us() / 1000,
                                     span_of(front->in, (size_t)got));
    return connection->phase == CONNECTION_H2;
}
