/* ip_packet.h - packets of IPv4 (RFC 791) and IPv6 (RFC 8200), as far as whoever refuses them has
   to know them: who sent them, where they went, and the answer that says that this is prohibited.
   Extension headers and options are not looked into: what has them of IPv6 has no port here. */
#ifndef WARD_CODEC_IP_PACKET_H
#define WARD_CODEC_IP_PACKET_H

#include "base/sink.h"
#include "model/address.h"

enum {
    IP_ANSWER_ROOM = 576, /* bytes of an answer (RFC 1812 4.3.2.3), over IPv6 as well */
};

enum ip_protocol { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_ICMPV6 = 58 };

struct ip_packet {
    struct span whole; /* views what was read, and nothing behind the packet */
    struct address from, to;
    bool six;         /* IPv6: an address alone does not tell */
    bool first;       /* it is no fragment, or the first one */
    bool begins;      /* the first packet of a TCP connection: SYN without ACK */
    bool declines;    /* the answer to such a one that nobody takes it (RFC 9293 3.10.7.1): RST with
                         ACK, and the sequence number 0, which the end of no connection has */
    uint8_t protocol; /* enum ip_protocol, or another */
    uint16_t from_port, port; /* of TCP and UDP; else 0 */
    struct span body;         /* behind the header of IP */
};

/* ip_packet_read reads one packet; bytes behind it are no part of it.  False: it is none, is cut,
   or is shorter than the first 8 bytes of its TCP or UDP. */
MUST_USE
bool ip_packet_read(struct span bytes, struct ip_packet *out);

/* ip_port_unreachable_read reads the packet that could not be delivered out of the message that
   says that nobody has the port.  The message quotes only its beginning.  False: this is no such
   message. */
MUST_USE
bool ip_port_unreachable_read(const struct ip_packet *packet, struct ip_packet *out);

/* ip_prohibited_write appends the answer from where the packet went: communication is
   administratively prohibited (RFC 1812 5.2.7.1, RFC 4443 3.1), at most IP_ANSWER_ROOM bytes.
   Nothing where no such answer may be given (RFC 1122 3.2.2, RFC 4443 2.4): to a message of ICMP, a
   fragment that is not the first, or what went to many or came from nobody in particular. */
void ip_prohibited_write(struct sink *out, const struct ip_packet *packet);

#endif
