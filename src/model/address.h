/* address.h - who is on the other side, as far as limits go: addresses, networks and lists
   of networks.  Asks no resolver, knows no interface: an address with a zone is refused.

   An address is 16 bytes.  IPv4 is the mapped form ::ffff:a.b.c.d, so a v4 peer of a v6
   socket is the same as one of a v4 socket.  The two families do not contain one another all
   the same: ::/0 is all of IPv6 and no IPv4. */
#ifndef WARD_MODEL_ADDRESS_H
#define WARD_MODEL_ADDRESS_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

enum {
    ADDRESS_LEN = 16,
    ADDRESS_BITS = 128,
    ADDRESS_V4_START = 96,   /* bits before those of a mapped address */
    ADDRESS_TEXT_ROOM = 48,  /* fits every address or network that is written */
    ADDRESS_LIST_MAX = 8192, /* networks in one list */
    ADDRESS_PEER_BITS = 64,  /* what one subscriber of IPv6 has */
    ADDRESS_SITE_BITS = 48   /* and one organisation */
};

struct address {
    uint8_t bytes[ADDRESS_LEN];
};

/* As a socket has it, in network order; a mapped v6 address is v4. */
struct address address_of_v4(const uint8_t v4[4]);
struct address address_of_v6(const uint8_t v6[16]);

bool address_is_v4(const struct address *address);

/* 127.0.0.0/8 and ::1. */
bool address_is_loopback(const struct address *address);

bool address_equal(const struct address *a, const struct address *b);

/* address_key is what limits are kept under: all of a v4 address, the first `bits` bits (at
   most 128) of a v6 one and zeros after.  address_peer is that with ADDRESS_PEER_BITS. */
struct address address_key(const struct address *address, unsigned bits);
struct address address_peer(const struct address *address);

/* address_parse reads the whole span: dotted decimal with four numbers and no leading
   zeros, or RFC 4291 2.2 in any of its three forms and either case.  No zone, port, brackets
   or blanks. */
MUST_USE
bool address_parse(struct span text, struct address *out);

/* address_write appends the one form of RFC 5952; a mapped address as dotted decimal. */
void address_write(struct sink *out, const struct address *address);

/* A network.  Bits after the first `bits` are zero; bits counts in the 16 bytes, so that
   10.0.0.0/8 has 104. */
struct network {
    struct address base;
    uint8_t bits;
};

bool network_is_sound(const struct network *network);

/* network_parse reads ADDRESS or ADDRESS/BITS.  A network whose address has bits set after
   those is refused: 10.0.0.1/8 is a slip, and a guess at what was meant is worse. */
MUST_USE
bool network_parse(struct span text, struct network *out);
void network_write(struct sink *out, const struct network *network);

bool network_has(const struct network *network, const struct address *address);

/* A list of networks over the caller's memory, sorted, none inside another.  {0} is an empty
   list without room. */
struct address_list {
    struct network *at;
    size_t count;
    size_t cap;
};

/* address_list_over makes an empty list of at most `cap` networks, never more than
   ADDRESS_LIST_MAX. */
struct address_list address_list_over(struct network *memory, size_t cap);
bool address_list_is_sound(const struct address_list *list);

/* address_list_add adds what is not covered yet, and drops what the new network covers.
   False when there is no room; the list is then as it was. */
MUST_USE
bool address_list_add(struct address_list *list, const struct network *network);

/* address_list_read adds what a text names: networks with a comma between them, blanks around
   each allowed; an empty text is none.  False when one is none or finds no room; the list is
   then what it was before that one. */
MUST_USE
bool address_list_read(struct address_list *list, struct span text);

bool address_list_has(const struct address_list *list, const struct address *address);

/* address_list_touches tells whether list and network have an address in common. */
bool address_list_touches(const struct address_list *list, const struct network *network);

#endif
