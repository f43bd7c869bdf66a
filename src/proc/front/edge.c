/* edge.c - see front.h: connections of edges that may say who their client is, and must.

   An edge says so before anything of TLS, by a header of the PROXY protocol.  Until it is whole the
   connection is the edge's, which is counted in all and in the handshake, and in nothing else; from
   then on it is the client's, as if that had connected itself. */
#include <errno.h>
#include <unistd.h>

#include "os/clock.h"
#include "proc/front/front.h"
#include "proc/log.h"

bool edges_open(struct front *front, struct arena *arena)
{
    struct front_edges *edges = &front->edges;
    edges->list = address_list_over(edges->networks, CONFIG_NETWORKS_MAX);
    if (!address_list_read(&edges->list, span_text(front->house->settings.proxies)))
        return false;
    for (unsigned i = 0; edges->list.count > 0 && i < FRONT_EDGE_HEADERS_MAX; i++) {
        struct edge_header *header = arena_alloc(arena, sizeof *header);
        if (header == NULL)
            return false;
        *header = (struct edge_header){ .next = edges->free };
        edges->free = header;
    }
    return true;
}

bool edge_is(const struct front *front, const struct address *peer)
{
    return address_list_has(&front->edges.list, peer);
}

struct edge_header *edge_borrow(struct front *front)
{
    struct edge_header *header = front->edges.free;
    if (header != NULL)
        front->edges.free = header->next;
    return header;
}

void edge_give_back(struct front *front, struct connection *connection)
{
    struct edge_header *header = connection->header;
    if (header == NULL)
        return;
    *header = (struct edge_header){ .next = front->edges.free };
    front->edges.free = header;
    connection->header = NULL;
}

/* All are counted, and one in a second is named. */
static void refuse(struct front *front, struct connection *connection)
{
    uint8_t bytes[ADDRESS_TEXT_ROOM + 1];
    struct sink edge = sink_over(bytes, ADDRESS_TEXT_ROOM);
    int64_t now = clock_monotonic_ms();
    front->counts.edges_refused++;
    if (front->edges.said_ms == 0 || now - front->edges.said_ms >= FRONT_ABUSE_SAID_MS) {
        front->edges.said_ms = now;
        address_write(&edge, &connection->peer);
        sink_terminate(&edge);
        log_event("no header of an edge peer=\"%s\" total=%llu", (const char *)bytes,
                  (unsigned long long)front->counts.edges_refused);
    }
    front_turn_away(front, connection);
}

/* It is the client's from here on: whoever may not come in is sent away as if he had come
   himself. */
static void hand_over(struct front *front, struct connection *connection,
                      const struct proxy_header *said)
{
    edge_give_back(front, connection);
    alone_done(front, connection);
    front_step_out(connection);
    conn_closed(&front->conns, &connection->counted);
    if (!said->local)
        connection->peer = said->client;
    connection->phase = CONNECTION_HANDSHAKE;
    if (!front_let_in(front, &connection->peer, &connection->counted) ||
        !front_begin_tls(front, connection)) {
        front_turn_away(front, connection);
        return;
    }
    front_line_up(&front->half, connection);
    if (alone_enter(front, connection))
        front_wait(front, connection, true, false);
}

bool edge_turn(struct front *front, struct connection *connection)
{
    struct edge_header *header = connection->header;
    struct proxy_header said;
    size_t wanted = 0;
    /* No byte more than it has: what follows is for TLS to read. */
    enum proxy_step step = proxy_header_read(span_of(header->bytes, header->len), &said, &wanted);
    if (step == PROXY_MORE) {
        ssize_t got = read(connection->fd, header->bytes + header->len, wanted - header->len);
        if (got > 0) {
            header->len += (size_t)got;
            return true;
        }
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            front_wait(front, connection, true, false);
        else
            front_close(front, connection);
        return false;
    }
    if (step == PROXY_BAD)
        refuse(front, connection);
    else
        hand_over(front, connection, &said);
    return false;
}
