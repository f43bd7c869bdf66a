/* reach.h - where an address leads, for whoever was given a name and connects to what it stands
   for: a name is somebody else's word, and may be made to lead to this machine. */
#ifndef WARD_ADMIT_REACH_H
#define WARD_ADMIT_REACH_H

#include "model/address.h"

enum reach {
    REACH_NEVER = 0, /* nothing that a name may mean: unspecified, link-local (cloud metadata is
                        there), multicast, reserved */
    REACH_INWARD,    /* this machine, or a network that is private by its number */
    REACH_OUTWARD,   /* everywhere else */
};

/* address_reach: an IPv6 address that carries a v4 one (mapped, NAT64, 6to4) leads where that
   one does. */
enum reach address_reach(const struct address *address);

#endif
