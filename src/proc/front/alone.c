/* alone.c - see front.h: whom this process is serving is written down before a byte of theirs is
   read, and who is suspected of a crash is served when nobody else is.

   In flight is a connection in its handshake or with a request that is not answered.  A suspect
   has FRONT_ALONE_MS from being let in: for the others to be done, who begin nothing new in that
   time, and for itself.  After it the others have FRONT_ALONE_SHARE times as long before the next
   one, so that all suspects together get a fifth of the time at most.  A suspect that finds no
   turn is turned away: it is not served in company, whatever that costs it.

   Nobody waits for ever.  Where FRONT_ALONE_MISSED turns in a row have passed because somebody was
   under way all the time, in the next one whoever still is in the middle of it is cut: the others
   lose what they had begun once in so many turns, and what they begin then waits for a second. */
#include "os/clock.h"
#include "proc/front/front.h"
#include "proc/log.h"

_Static_assert(FRONT_CONNECTIONS_MAX + FRONT_LOCAL_MAX + SETTING_PEERS_MAX + PASSAGES_MAX <=
                   TABLES_SERVING_SLOTS,
               "every connection has a slot");

static uint32_t slot_of(const struct front *front, const struct connection *connection)
{
    return (uint32_t)(connection - front->connections);
}

/* The owner's socket has no address: it is written down as company. */
static void note(struct front *front, struct connection *connection)
{
    static const struct address here = { { [ADDRESS_LEN - 1] = 1 } };
    if (connection->noted)
        return;
    connection->noted = true;
    front->in_flight++;
    if (front->alone == connection) {
        front->alone_begun = true;
        front->alone_missed = 0;
    }
    serving_note(&front->serving, slot_of(front, connection),
                 connection->local ? &here : &connection->peer);
}

void alone_done(struct front *front, struct connection *connection)
{
    if (!connection->noted)
        return;
    connection->noted = false;
    front->in_flight--;
    serving_clear(&front->serving, slot_of(front, connection));
}

static bool is_idle(const struct connection *connection)
{
    switch (connection->phase) {
    case CONNECTION_READING:
        return connection->work == NULL && connection->exchange == NULL;
    case CONNECTION_H2:
        return connection->h2.session == NULL ||
               (connection->open == 0 && connection->left.len == 0 &&
                h2_stream_count(&connection->h2) == 0);
    case CONNECTION_LINK:
        return link_is_quiet(connection->link);
    case CONNECTION_ENDING:
        return true;
    case CONNECTION_FREE:
    case CONNECTION_EDGE:
    case CONNECTION_HANDSHAKE:
    case CONNECTION_WAITING:
    case CONNECTION_ANSWERING:
    case CONNECTION_OUTWARD:
    case CONNECTION_PASSAGE:
        break;
    }
    return false;
}

/* The way to a challenge is a part of the miner's request. */
static bool is_under_way(const struct connection *connection)
{
    return connection->noted || (connection->phase == CONNECTION_PASSAGE &&
                                 connection->passage->exchange->way.connection->noted);
}

/* Somebody else's turn: what is under way goes on, nothing begins; but whoever watches over the
   house on its own machine is not kept waiting. */
static bool must_wait(const struct front *front, const struct connection *connection)
{
    if (front->alone == NULL || is_under_way(connection) || connection->local)
        return false;
    return connection != front->alone || front->in_flight > 0;
}

bool alone_enter(struct front *front, struct connection *connection)
{
    if (must_wait(front, connection)) {
        connection->held = true;
        front_wait(front, connection, false, false);
        return false;
    }
    note(front, connection);
    return true;
}

/* A suspect has one request: its connection ends with the answer, and its turn. */
void alone_leave(struct front *front, struct connection *connection)
{
    if (connection->phase == CONNECTION_FREE || !is_idle(connection))
        return;
    alone_done(front, connection);
    if (front->alone != connection || !connection->asked)
        return;
    alone_closed(front, connection);
    front_end(front, connection);
}

bool alone_may(struct front *front, const struct address *peer)
{
    return !ban_find(&front->tables.suspects, peer, front_now_us(), NULL) ||
           (front->alone == NULL && clock_monotonic_ms() >= front->alone_next_ms);
}

void alone_begin(struct front *front, struct connection *connection)
{
    if (!ban_find(&front->tables.suspects, &connection->peer, front_now_us(), NULL))
        return;
    front->alone = connection;
    front->alone_begun = false;
    front->alone_since_ms = clock_monotonic_ms();
}

void alone_closed(struct front *front, const struct connection *connection)
{
    int64_t now = clock_monotonic_ms();
    if (front->alone != connection)
        return;
    front->alone = NULL;
    front->alone_next_ms = now + FRONT_ALONE_SHARE * (now - front->alone_since_ms);
    front->alone_over = true;
}

/* Those that were held up, in their order of places.  That they were is not their own delay. */
static void release(struct front *front)
{
    uint64_t waited = (uint64_t)(clock_monotonic_ms() - front->alone_since_ms) * 1000;
    front->alone_over = false;
    for (uint32_t i = 0; i < front->connection_count; i++) {
        struct connection *connection = &front->connections[i];
        if (connection->phase == CONNECTION_FREE || !connection->held)
            continue;
        connection->held = false;
        pace_excuse(&connection->pace, waited);
        if (connection->phase == CONNECTION_HANDSHAKE)
            front_shake_later(front, connection);
        else
            front_move(front, connection);
    }
}

void alone_step(struct front *front)
{
    struct connection *alone = front->alone;
    if (alone != NULL && alone->held && front->in_flight == 0) {
        alone->held = false;
        front_move(front, alone);
    }
    if (front->alone_over && front->alone == NULL)
        release(front);
}

/* What comes over the owner's socket is not cut: its end is the owner's affair.  Nor is the way to
   a challenge, which ends with its miner: the challenge has ended nothing. */
static void cut_others(struct front *front)
{
    uint32_t cut = 0;
    for (uint32_t i = 0; i < front->connection_count; i++) {
        struct connection *connection = &front->connections[i];
        if (!connection->noted || connection->local || connection == front->alone ||
            connection->phase == CONNECTION_PASSAGE)
            continue;
        front_close(front, connection);
        cut++;
    }
    if (cut > 0)
        log_event("cut for a suspect that found no turn connections=%u", cut);
}

int64_t alone_expire(struct front *front, int64_t now_ms)
{
    if (front->alone == NULL)
        return INT64_MAX;
    int64_t until = front->alone_since_ms + FRONT_ALONE_MS;
    int64_t middle = front->alone_since_ms + FRONT_ALONE_MS / 2;
    bool starved = !front->alone_begun && front->alone_missed >= FRONT_ALONE_MISSED;
    if (now_ms < until && starved && now_ms < middle)
        return middle;
    if (now_ms < until && starved && front->in_flight > 0)
        cut_others(front);
    if (now_ms < until)
        return starved && front->in_flight == 0 ? now_ms : until;
    if (!front->alone_begun) /* a turn that its suspect ended itself was none */
        front->alone_missed++;
    front->counts.slow++;
    front_close(front, front->alone);
    return now_ms; /* for those who were held up */
}
