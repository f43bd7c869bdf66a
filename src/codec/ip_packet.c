/* ip_packet.c - see ip_packet.h. */
#include "codec/ip_packet.h"

#include "base/cursor.h"

enum {
    V4_HEAD = 20, /* bytes without options */
    V6_HEAD = 40,
    PORTS = 8,       /* bytes of TCP or UDP that every quotation has (RFC 792) */
    SEQUENCE_AT = 4, /* of TCP, */
    FLAGS_AT = 13,   /* and the bits of RFC 9293 3.1 */
    FLAG_SYN = 0x02,
    FLAG_RST = 0x04,
    FLAG_ACK = 0x10,
    FRAGMENT_AT = 0x1fff, /* where a fragment belongs, in units of 8 bytes */
    HOPS = 64,
};

/* What ICMP says, with the names of its two registries. */
enum {
    V4_UNREACHABLE = 3,
    V4_PORT = 3,
    V4_PROHIBITED = 13,
    V6_UNREACHABLE = 1,
    V6_PORT = 4,
    V6_PROHIBITED = 1,
    ICMP_HEAD = 8,
};

/* The fields of IPv4's header but for its version; *len is what the packet says it has. */
static bool read_v4(struct cursor *in, uint8_t head, struct ip_packet *out, size_t *len)
{
    struct span from, to, options;
    uint16_t total, id, fragment, sum;
    uint8_t service, hops;
    const size_t head_len = 4 * (size_t)(head & 15);
    if (head_len < V4_HEAD || !cur_u8(in, &service) || !cur_u16be(in, &total) ||
        !cur_u16be(in, &id) || !cur_u16be(in, &fragment) || !cur_u8(in, &hops) ||
        !cur_u8(in, &out->protocol) || !cur_u16be(in, &sum) || !cur_take(in, 4, &from) ||
        !cur_take(in, 4, &to) || !cur_take(in, head_len - V4_HEAD, &options) || total < head_len)
        return false;
    out->from = address_of_v4(from.at);
    out->to = address_of_v4(to.at);
    out->first = (fragment & FRAGMENT_AT) == 0;
    *len = total;
    return true;
}

static bool read_v6(struct cursor *in, struct ip_packet *out, size_t *len)
{
    struct span flow, from, to;
    uint16_t body;
    uint8_t hops;
    if (!cur_take(in, 3, &flow) || !cur_u16be(in, &body) || !cur_u8(in, &out->protocol) ||
        !cur_u8(in, &hops) || !cur_take(in, ADDRESS_LEN, &from) || !cur_take(in, ADDRESS_LEN, &to))
        return false;
    out->from = address_of_v6(from.at);
    out->to = address_of_v6(to.at);
    out->six = out->first = true;
    *len = V6_HEAD + (size_t)body;
    return true;
}

/* What the body begins with. */
static bool read_ports(struct ip_packet *out)
{
    struct cursor in = cur_over(out->body);
    if (!out->first || (out->protocol != IP_TCP && out->protocol != IP_UDP))
        return true;
    if (out->body.len < PORTS || !cur_u16be(&in, &out->from_port) || !cur_u16be(&in, &out->port))
        return false;
    if (out->protocol == IP_TCP && out->body.len > FLAGS_AT) {
        const uint8_t flags = out->body.at[FLAGS_AT];
        out->begins = (flags & (FLAG_SYN | FLAG_ACK)) == FLAG_SYN;
        out->declines = (flags & (FLAG_SYN | FLAG_RST | FLAG_ACK)) == (FLAG_RST | FLAG_ACK) &&
                        bytes_are_zero(out->body.at + SEQUENCE_AT, 4);
    }
    return true;
}

/* `quoted`: only its beginning need be there. */
static bool read_packet(struct span bytes, bool quoted, struct ip_packet *out)
{
    struct cursor in = cur_over(bytes);
    struct ip_packet packet = { 0 };
    uint8_t head;
    size_t len = 0;
    if (!cur_u8(&in, &head))
        return false;
    const unsigned version = head >> 4;
    if (version == 4 ? !read_v4(&in, head, &packet, &len)
                     : version != 6 || !read_v6(&in, &packet, &len))
        return false;
    if (len > bytes.len && !quoted)
        return false;
    packet.whole = span_of(bytes.at, len < bytes.len ? len : bytes.len);
    packet.body = span_of(in.at, packet.whole.len - cur_offset(&in));
    if (!read_ports(&packet))
        return false;
    *out = packet;
    return true;
}

bool ip_packet_read(struct span bytes, struct ip_packet *out)
{
    return read_packet(bytes, false, out);
}

static bool is_icmp(const struct ip_packet *packet)
{
    return packet->protocol == (packet->six ? IP_ICMPV6 : IP_ICMP);
}

bool ip_port_unreachable_read(const struct ip_packet *packet, struct ip_packet *out)
{
    struct cursor in = cur_over(packet->body);
    uint8_t type, code;
    struct span rest;
    return packet->first && is_icmp(packet) && cur_u8(&in, &type) && cur_u8(&in, &code) &&
           type == (packet->six ? V6_UNREACHABLE : V4_UNREACHABLE) &&
           code == (packet->six ? V6_PORT : V4_PORT) && cur_take(&in, ICMP_HEAD - 2, &rest) &&
           read_packet(cur_rest(&in), true, out);
}

/* --- the answer ------------------------------------------------------------------------------- */

/* The sum of RFC 1071: of 16 bits at a time, an odd byte as if a zero followed. */
static uint32_t sum_of(uint32_t sum, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        sum += (uint32_t)bytes.at[i] << (i % 2 == 0 ? 8 : 0);
    return sum;
}

static uint16_t checksum(uint32_t sum)
{
    while (sum > UINT16_MAX)
        sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)~sum;
}

/* An address in its own length. */
static struct span own(const struct address *address, bool six)
{
    const size_t skipped = six ? 0 : ADDRESS_LEN - 4;
    return span_of(address->bytes + skipped, ADDRESS_LEN - skipped);
}

/* The way back. */
static void write_head(struct sink *out, const struct ip_packet *packet, size_t body)
{
    const struct span from = own(&packet->to, packet->six), to = own(&packet->from, packet->six);
    if (packet->six) {
        sink_u32be(out, 0x60000000);
        sink_u16be(out, (uint16_t)body);
        sink_u8(out, IP_ICMPV6);
        sink_u8(out, HOPS);
    } else {
        const uint16_t kind = 0x4500, total = (uint16_t)(V4_HEAD + body),
                       life = HOPS << 8 | IP_ICMP;
        sink_u16be(out, kind);
        sink_u16be(out, total);
        sink_u32be(out, 0); /* not in fragments */
        sink_u16be(out, life);
        sink_u16be(out, checksum(sum_of(sum_of((uint32_t)kind + total + life, from), to)));
    }
    sink_put(out, from);
    sink_put(out, to);
}

/* One host has it, as an address that something may come from (RFC 1122 3.2.1.3). */
static bool is_of_one(const struct address *address, bool six)
{
    const struct span bytes = own(address, six);
    const bool of_many = six ? bytes.at[0] == 0xff : bytes.at[0] >= 224;
    return !of_many && !bytes_are_zero(bytes.at, bytes.len);
}

void ip_prohibited_write(struct sink *out, const struct ip_packet *packet)
{
    const size_t most = IP_ANSWER_ROOM - ICMP_HEAD - (packet->six ? V6_HEAD : V4_HEAD);
    const size_t quoted = packet->whole.len < most ? packet->whole.len : most;
    const size_t body = ICMP_HEAD + quoted;
    if (!packet->first || is_icmp(packet) || !is_of_one(&packet->from, packet->six) ||
        !is_of_one(&packet->to, packet->six))
        return;
    const uint16_t what = packet->six ? V6_UNREACHABLE << 8 | V6_PROHIBITED
                                      : V4_UNREACHABLE << 8 | V4_PROHIBITED;
    const struct span quotation = span_of(packet->whole.at, quoted);
    uint32_t sum = sum_of(what, quotation);
    if (packet->six) /* RFC 8200 8.1 */
        sum = sum_of(sum_of(sum + (uint32_t)body + IP_ICMPV6, own(&packet->to, true)),
                     own(&packet->from, true));
    write_head(out, packet, body);
    sink_u16be(out, what);
    sink_u16be(out, checksum(sum));
    sink_u32be(out, 0);
    sink_put(out, quotation);
}
