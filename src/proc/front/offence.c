/* offence.c - see front.h: core hears of what a peer has done, and says who is banned. */
#include "proc/front/front.h"
#include "proc/messages.h"

void offence_tell(struct front *front, struct connection *connection, enum offence offence)
{
    uint8_t bytes[1 + ADDRESS_LEN];
    struct sink body = sink_over(bytes, sizeof bytes);
    if (connection->local || connection->told)
        return;
    connection->told = true;
    sink_u8(&body, (uint8_t)offence);
    sink_put(&body, SPAN(connection->peer.bytes));
    struct frame frame = { .message = MSG_OFFENCE, .body = sink_bytes(&body) };
    /* A core that does not read has more to do than this. */
    rc told = house_put(NULL, front->house, PEER_CORE, &frame);
    (void)told;
}

/* A request that two readers may end at different places. */
void offence_of_request(struct front *front, struct connection *connection, enum reason reason)
{
    if (reason == REASON_HTTP_LENGTH_CONFLICT || reason == REASON_HTTP_TRANSFER_CODING)
        offence_tell(front, connection, OFFENCE_ABUSE);
}

/* Who is in goes when a ban begins: looked at only when core has begun one. */
void offence_sweep(struct front *front)
{
    uint64_t changes = __atomic_load_n(front->tables.changes, __ATOMIC_ACQUIRE);
    uint64_t now = front_now_us();
    if (changes == front->changes_seen)
        return;
    front->changes_seen = changes;
    for (uint32_t i = 0; i < front->connection_count; i++) {
        struct connection *connection = &front->connections[i];
        if (connection->phase == CONNECTION_FREE || connection->local ||
            !ban_find(&front->tables.bans, &connection->peer, now, NULL))
            continue;
        front->counts.banned++;
        front_close(front, connection);
    }
}
