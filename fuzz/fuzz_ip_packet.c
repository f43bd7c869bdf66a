/* fuzz_ip_packet.c - any bytes as a packet: what is read of it lies within it, and an answer is a
   packet of ICMP back to whoever sent it, whose checksums are right and to which there is none. */
#include <stdlib.h>

#include "codec/ip_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* With the checksum in it the sum of a message is all ones (RFC 1071). */
static void must_sum(struct span bytes, uint32_t sum)
{
    for (size_t i = 0; i < bytes.len; i++)
        sum += (uint32_t)bytes.at[i] << (i % 2 == 0 ? 8 : 0);
    while (sum > UINT16_MAX)
        sum = (sum & UINT16_MAX) + (sum >> 16);
    must(sum == UINT16_MAX);
}

static void check_answer(const struct ip_packet *packet)
{
    uint8_t room[IP_ANSWER_ROOM], again[IP_ANSWER_ROOM];
    struct sink out = sink_over(room, sizeof room), none = sink_over(again, sizeof again);
    struct ip_packet answer;
    ip_prohibited_write(&out, packet);
    must(sink_ok(&out));
    if (out.len == 0)
        return;
    must(ip_packet_read(sink_bytes(&out), &answer) && answer.whole.len == out.len);
    must(address_equal(&answer.from, &packet->to) && address_equal(&answer.to, &packet->from));
    must(answer.six == packet->six && answer.first && answer.port == 0);
    if (packet->six) {
        uint32_t sum = (uint32_t)answer.body.len + IP_ICMPV6;
        for (size_t i = 0; i < ADDRESS_LEN; i++)
            sum += (uint32_t)(answer.from.bytes[i] + answer.to.bytes[i]) << (i % 2 == 0 ? 8 : 0);
        must_sum(answer.body, sum);
    } else {
        must_sum(answer.body, 0);
        must_sum(span_of(room, 20), 0);
    }
    ip_prohibited_write(&none, &answer);
    must(none.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ip_packet packet, quoted;
    const struct span bytes = span_of(data, size);
    if (!ip_packet_read(bytes, &packet))
        return 0;
    must(span_inside(packet.whole, bytes) && span_inside(packet.body, packet.whole));
    must(packet.port == 0 || packet.first);
    must((!packet.begins && !packet.declines) || packet.protocol == IP_TCP);
    must(!packet.begins || !packet.declines);
    check_answer(&packet);
    if (ip_port_unreachable_read(&packet, &quoted)) {
        must(span_inside(quoted.whole, packet.body) && span_inside(quoted.body, quoted.whole));
        check_answer(&quoted);
    }
    return 0;
}
