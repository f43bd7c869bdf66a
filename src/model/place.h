/* place.h - where an address leads, for whoever connects to what a name stands for: a name is
   somebody else's word, and may be made to lead to this machine or its neighbours. */
#ifndef WARD_MODEL_PLACE_H
#define WARD_MODEL_PLACE_H

#include "model/address.h"

enum place {
    PLACE_NOWHERE =
        0,         /* nothing that a name may mean: unspecified, link-local, where clouds answer
                      their guests, multicast, reserved, set aside for documents and protocols */
    PLACE_INWARD,  /* this machine, or a network that is private by its number */
    PLACE_OUTWARD, /* the Internet */
};

/* address_place judges by IANA's registries of special-purpose addresses (RFC 6890 and its
   updates).  An IPv6 address that carries one of IPv4 and is routed by it (mapped, NAT64, 6to4)
   leads where that one does.  *what, unless it is NULL, says which kind it is, "private use (RFC
   1918)", and is NULL for PLACE_OUTWARD. */
enum place address_place(const struct address *address, const char **what);

#endif
