/* sweep.c - see front.h: what is over because its time is. */
#include "os/clock.h"
#include "proc/front/front.h"

static const struct span no_detail;

static void judge_exchange(struct front *front, struct exchange *exchange, int64_t now_ms)
{
    struct connection *connection = exchange->way.connection;
    enum reason reason = REASON_NONE;
    if (exchange->ending)
        return; /* the peer is to read: the connection's own time */
    if (exchange->passage != NULL && exchange->until_ms <= now_ms) {
        passage_late(front, exchange);
        return;
    }
    if (exchange->until_ms <= now_ms)
        reason = exchange->call.match.is_grpc ? REASON_GRPC_DEADLINE : REASON_HOUSE_DEADLINE;
    else if (!exchange->waiting && exchange->passage == NULL && exchange->way.stream != NULL &&
             pace_judge(&front->pace, &exchange->pace, (uint64_t)now_ms * 1000) != REASON_NONE)
        reason = REASON_HTTP_TIMEOUT;
    if (reason == REASON_NONE)
        return;
    front->counts.slow += reason == REASON_HTTP_TIMEOUT;
    exchange_refuse(front, exchange, reason, no_detail);
    front_wake(front, connection);
}

/* A head that began and does not end. */
static bool head_is_late(struct front *front, struct connection *connection, int64_t now_ms)
{
    struct h2 *h2 = &connection->h2;
    if (h2->queued > 0 || h2_stream_count(h2) <= connection->open) {
        connection->half_head_ms = 0;
        return false;
    }
    if (connection->half_head_ms == 0)
        connection->half_head_ms = now_ms;
    return (uint64_t)(now_ms - connection->half_head_ms) * 1000 >= front->pace.head_us;
}

static void judge_h2(struct front *front, struct connection *connection, enum reason late,
                     int64_t now_ms)
{
    struct h2 *h2 = &connection->h2;
    if (h2->session == NULL || late == REASON_ADMIT_SLOW_READER) {
        if (late != REASON_NONE)
            front_close(front, connection);
        return;
    }
    bool head_late = late == REASON_NONE && head_is_late(front, connection, now_ms);
    if (late != REASON_NONE || head_late) {
        front->counts.slow += head_late;
        if (head_late)
            offence_tell(front, connection, OFFENCE_GRACE_EXCEEDED);
        h2_shut_down(h2);
        connection->ended = true;
        front_wake(front, connection);
        return;
    }
    if (!h2_tick(h2, (uint64_t)now_ms))
        front_wake(front, connection);
}

static void judge_connection(struct front *front, struct connection *connection, int64_t now_ms)
{
    enum reason late = pace_judge(&front->pace, &connection->pace, (uint64_t)now_ms * 1000);
    struct way way = { .connection = connection };
    if (connection->phase == CONNECTION_ENDING) {
        if (connection->ending_ms <= now_ms)
            front_close(front, connection);
        return;
    }
    if (connection->phase == CONNECTION_PASSAGE)
        return; /* its exchange has the clock */
    if (connection->shakes)
        return; /* its handshake may go on, and front has not come to it */
    if (connection->phase == CONNECTION_OUTWARD) {
        outward_sweep(front, connection, now_ms);
        return;
    }
    if (connection->phase == CONNECTION_H2) {
        judge_h2(front, connection, late, now_ms);
        return;
    }
    if (connection->phase == CONNECTION_LINK) {
        link_sweep(front, connection, late, now_ms);
        return;
    }
    if (late == REASON_NONE)
        return;
    front->counts.slow += late != REASON_ADMIT_IDLE;
    bool is_clients = connection->phase != CONNECTION_EDGE;
    if (is_clients && (late == REASON_ADMIT_SLOW_HANDSHAKE || late == REASON_ADMIT_SLOW_HEADERS))
        offence_tell(front, connection, OFFENCE_GRACE_EXCEEDED);
    bool may_be_told = late == REASON_ADMIT_SLOW_HEADERS || late == REASON_ADMIT_SLOW_BODY;
    if (!may_be_told || connection->work == NULL) {
        front_close(front, connection);
        return;
    }
    http1_refuse(&connection->http, REASON_HTTP_TIMEOUT);
    exchange_give_back(front, connection->exchange);
    way.request = &connection->work->room.request;
    exchange_refuse_request(front, &way, REASON_HTTP_TIMEOUT);
    front_wake(front, connection);
}

void front_sweep(struct front *front, int64_t now_ms)
{
    if (front->deaf && !front->stopping)
        front->deaf = !rc_ok(front_listen(NULL, front, true));
    offence_sweep(front);
    links_tell_ends(front);
    chain_tell(front);
    for (unsigned i = 0; i < FRONT_EXCHANGES_MAX; i++) {
        if (front->exchanges[i].way.connection != NULL)
            judge_exchange(front, &front->exchanges[i], now_ms);
    }
    for (uint32_t i = 0; i < front->connection_count; i++) {
        if (front->connections[i].phase != CONNECTION_FREE)
            judge_connection(front, &front->connections[i], now_ms);
    }
    front_http1_lend(front, true);
}

/* The listeners are left alone: who comes now is taken by the next house, or by nobody. */
static void begin_stop(struct front *front)
{
    front->stopping = true;
    front->deaf = true;
    links_stop(front);
    (void)!rc_ok(front_listen(NULL, front, false));
    for (uint32_t i = 0; i < front->connection_count; i++) {
        struct connection *connection = &front->connections[i];
        if (connection->phase != CONNECTION_H2 || connection->h2.session == NULL)
            continue;
        h2_shut_down(&connection->h2);
        front_wake(front, connection);
    }
}

bool front_may_stop(struct front *front)
{
    if (!front->stopping) {
        begin_stop(front);
        return false;
    }
    for (uint32_t i = 0; i < front->connection_count; i++) {
        const struct connection *connection = &front->connections[i];
        bool busy = connection->phase == CONNECTION_WAITING ||
                    connection->phase == CONNECTION_ANSWERING ||
                    connection->phase == CONNECTION_ENDING ||
                    (connection->phase == CONNECTION_LINK && !connection->writing) ||
                    (connection->phase == CONNECTION_H2 &&
                     (connection->open > 0 || connection->left.len > 0));
        if (busy || front->ready.count > 0)
            return false;
    }
    for (uint32_t i = 0; i < front->connection_count; i++)
        front_close(front, &front->connections[i]);
    return true;
}
