/* astray.c - what no socket of the fence gets: packets to addresses that nobody has inside, and
   those that the kernel refuses on the loopback, where the address is somebody's and the port is
   not. */
#include <sys/socket.h>
#include <unistd.h>

#include "codec/ip_packet.h"
#include "fence/inside.h"

enum { TAKEN_AT_ONCE = 64, PACKET_ROOM = 65536 };

static bool is_of_many(const struct ip_packet *packet)
{
    const uint8_t first = packet->to.bytes[packet->six ? 0 : ADDRESS_LEN - 4];
    return packet->six ? first == 0xff : first >= 224;
}

/* A connection is told once, not each of its packets. */
static bool is_told(const struct ip_packet *packet)
{
    return packet->first && (packet->protocol != IP_TCP || packet->begins);
}

void astray_take(struct fence *fence)
{
    static uint8_t bytes[PACKET_ROOM];
    uint8_t room[IP_ANSWER_ROOM];
    for (int i = 0; i < TAKEN_AT_ONCE; i++) {
        struct ip_packet packet;
        struct sink out = sink_over(room, sizeof room);
        const ssize_t got = read(fence->given->sockets->astray, bytes, sizeof bytes);
        if (got <= 0)
            return;
        /* What goes to many is what the kernel says of a device, or finds nobody anyhow. */
        if (!ip_packet_read(span_of(bytes, (size_t)got), &packet) || is_of_many(&packet))
            continue;
        if (is_told(&packet))
            refuse_at(fence, &packet.to,
                      (struct job_port){ packet.port, packet.protocol == IP_UDP });
        ip_prohibited_write(&out, &packet);
        if (out.len > 0)
            (void)!write(fence->given->sockets->astray, out.at,
                         out.len); /* else who waits, waits */
    }
}

/* What a packet tells that the kernel refused.  A datagram from a port that is served is an answer
   of the fence's that the job waits for no more. */
static bool read_refused(const struct fence *fence, const struct ip_packet *packet,
                         struct address *to, struct job_port *port)
{
    struct ip_packet quoted;
    if (packet->declines) {
        *to = packet->from;
        *port = (struct job_port){ packet->from_port, false };
        return true;
    }
    if (!ip_port_unreachable_read(packet, &quoted) || quoted.protocol != IP_UDP ||
        reach_has_port(fence->reach, (struct job_port){ quoted.from_port, true }))
        return false;
    *to = quoted.to;
    *port = (struct job_port){ quoted.port, true };
    return true;
}

void overheard_take(struct fence *fence)
{
    static uint8_t bytes[PACKET_ROOM];
    for (int i = 0; i < TAKEN_AT_ONCE; i++) {
        struct ip_packet packet;
        struct address to;
        struct job_port port;
        const ssize_t got = recv(fence->given->sockets->overheard, bytes, sizeof bytes, 0);
        if (got < 0)
            return;
        if (!ip_packet_read(span_of(bytes, (size_t)got), &packet) ||
            !read_refused(fence, &packet, &to, &port))
            continue;
        /* What is the job's own is its own business, and who serves a port tells by himself. */
        if (port.number != 0 && !address_is_loopback(&to) && !reach_has_port(fence->reach, port))
            refuse_at(fence, &to, port);
    }
}
