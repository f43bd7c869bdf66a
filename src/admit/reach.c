/* reach.c - see reach.h.  By the special-purpose address registries (RFC 6890 and its updates). */
#include "admit/reach.h"

#include <string.h>

#include "base/number.h"

enum { NAT64_BITS = 96, SIX_TO_FOUR_BITS = 16, V4_LEN = 4 };

/* The first that has it counts; in the bits of the 16 bytes. */
static const struct {
    struct network network;
    enum reach reach;
} special[] = {
#define V4(a, b, bits)                                                                             \
    {                                                                                              \
        { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, 0, 0 } }, ADDRESS_V4_START + (bits)    \
    }
#define V6(a, b, bits)                                                                             \
    {                                                                                              \
        { { a, b } }, (bits)                                                                       \
    }
    { V4(0, 0, 8), REACH_NEVER },
    { V4(10, 0, 8), REACH_INWARD },
    { V4(100, 64, 10), REACH_INWARD },
    { V4(127, 0, 8), REACH_INWARD },
    { V4(169, 254, 16), REACH_NEVER },
    { V4(172, 16, 12), REACH_INWARD },
    { V4(192, 168, 16), REACH_INWARD },
    { V4(198, 18, 15), REACH_INWARD },
    { V4(224, 0, 3), REACH_NEVER }, /* multicast, reserved, broadcast */
    { { { { [15] = 1 } }, 128 }, REACH_INWARD },
    { V6(0, 0, 8), REACH_NEVER },
    { V6(0xfc, 0, 7), REACH_INWARD },
    { V6(0xfe, 0xc0, 10), REACH_INWARD },
    { V6(0xfe, 0x80, 10), REACH_NEVER },
    { V6(0xff, 0, 8), REACH_NEVER },
#undef V4
#undef V6
};

/* The v4 address at this byte of a v6 one. */
static struct address carried(const struct address *address, size_t at)
{
    uint8_t v4[V4_LEN];
    memcpy(v4, address->bytes + at, sizeof v4);
    return address_of_v4(v4);
}

enum reach address_reach(const struct address *address)
{
    static const struct network nat64 = { { { 0, 0x64, 0xff, 0x9b } }, NAT64_BITS };
    static const struct network six_to_four = { { { 0x20, 0x02 } }, SIX_TO_FOUR_BITS };
    struct address judged = *address;
    if (network_has(&nat64, address))
        judged = carried(address, NAT64_BITS / 8);
    else if (network_has(&six_to_four, address))
        judged = carried(address, SIX_TO_FOUR_BITS / 8);
    for (size_t i = 0; i < COUNT_OF(special); i++) {
        if (network_has(&special[i].network, &judged))
            return special[i].reach;
    }
    return REACH_OUTWARD;
}
