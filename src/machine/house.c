/* house.c - see inside.h: what the guest asks of whoever measured it, as it is, and the answers.
   The other end takes questions for evidence of this sandbox alone, and not too many. */
#include "agent/agent.h"
#include "machine/inside.h"
#include "os/packet.h"

_Static_assert((int)GUEST_QUESTION == (int)AGENT_QUESTION &&
                   (int)GUEST_REPLY_MAX == (int)AGENT_REPLY_MAX,
               "a packet is the body of a frame");

void machine_ask(struct span question)
{
    rc sent = packet_send(NULL, MACHINE_HOUSE_FD, question, NULL, 0);
    (void)sent; /* who asks waits for no longer than he likes */
}

void machine_hear_house(struct talk *talk)
{
    uint8_t bytes[GUEST_REPLY_MAX];
    struct packet_fds none = { .count = 0 };
    struct sink out = sink_over(talk->reply, sizeof talk->reply);
    size_t len = 0;
    rc got = packet_receive(NULL, MACHINE_HOUSE_FD, bytes, sizeof bytes, &len, &none);
    packet_fds_close(&none);
    if (!rc_ok(got)) {
        talk->deaf = rc_number(got) != PACKET_E_BLOCK;
        return;
    }
    guest_put(&out, GUEST_REPLY, span_of(bytes, len));
    talk->reply_len = sink_ok(&out) ? out.len : 0;
}
