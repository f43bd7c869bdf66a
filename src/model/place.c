/* place.c - see place.h. */
#include "model/place.h"

#include "base/number.h"

/* The registries of special-purpose addresses (IANA), those that are reachable from everywhere as
   well: none of them is where anybody has business by a name.  And where clouds answer their guests
   outside of link-local.  The first that has an address counts. */
static const struct {
    const char *network;
    enum place place;
    const char *what;
} special[] = {
    { "0.0.0.0/8", PLACE_NOWHERE, "this network (RFC 791)" },
    { "10.0.0.0/8", PLACE_INWARD, "private use (RFC 1918)" },
    { "100.64.0.0/10", PLACE_INWARD, "shared by a carrier's customers (RFC 6598)" },
    { "127.0.0.0/8", PLACE_INWARD, "loopback (RFC 1122)" },
    { "168.63.129.16/32", PLACE_NOWHERE, "a cloud's own service for its guests" },
    { "169.254.169.254/32", PLACE_NOWHERE, "a cloud's metadata (RFC 3927)" },
    { "169.254.0.0/16", PLACE_NOWHERE, "link-local (RFC 3927)" },
    { "172.16.0.0/12", PLACE_INWARD, "private use (RFC 1918)" },
    { "192.0.0.0/24", PLACE_NOWHERE, "protocol assignments (RFC 6890)" },
    { "192.0.2.0/24", PLACE_NOWHERE, "documentation (RFC 5737)" },
    { "192.31.196.0/24", PLACE_NOWHERE, "AS112 (RFC 7535)" },
    { "192.52.193.0/24", PLACE_NOWHERE, "automatic multicast tunnels (RFC 7450)" },
    { "192.88.99.0/24", PLACE_NOWHERE, "6to4 relays (RFC 7526)" },
    { "192.168.0.0/16", PLACE_INWARD, "private use (RFC 1918)" },
    { "192.175.48.0/24", PLACE_NOWHERE, "AS112 (RFC 7534)" },
    { "198.18.0.0/15", PLACE_INWARD, "benchmarks (RFC 2544)" },
    { "198.51.100.0/24", PLACE_NOWHERE, "documentation (RFC 5737)" },
    { "203.0.113.0/24", PLACE_NOWHERE, "documentation (RFC 5737)" },
    { "224.0.0.0/4", PLACE_NOWHERE, "multicast (RFC 5771)" },
    { "255.255.255.255/32", PLACE_NOWHERE, "broadcast (RFC 919)" },
    { "240.0.0.0/4", PLACE_NOWHERE, "reserved (RFC 1112)" },
    { "::/128", PLACE_NOWHERE, "unspecified (RFC 4291)" },
    { "::1/128", PLACE_INWARD, "loopback (RFC 4291)" },
    { "::/96", PLACE_NOWHERE, "IPv4-compatible (RFC 4291)" },
    { "::ffff:0:0:0/96", PLACE_NOWHERE, "translated IPv4 (RFC 2765)" },
    { "64:ff9b:1::/48", PLACE_NOWHERE, "local translation of IPv4 (RFC 8215)" },
    { "100::/64", PLACE_NOWHERE, "discarded (RFC 6666)" },
    { "100:0:0:1::/64", PLACE_NOWHERE, "a dummy prefix (RFC 9780)" },
    { "2001::/32", PLACE_NOWHERE, "Teredo (RFC 4380)" },
    { "2001::/23", PLACE_NOWHERE, "protocol assignments (RFC 2928)" },
    { "2001:db8::/32", PLACE_NOWHERE, "documentation (RFC 3849)" },
    { "2620:4f:8000::/48", PLACE_NOWHERE, "AS112 (RFC 7534)" },
    { "3fff::/20", PLACE_NOWHERE, "documentation (RFC 9637)" },
    { "5f00::/16", PLACE_NOWHERE, "segment identifiers (RFC 9602)" },
    { "fd00:ec2::254/128", PLACE_NOWHERE, "a cloud's metadata (RFC 4193)" },
    { "fc00::/7", PLACE_INWARD, "private use (RFC 4193)" },
    { "fe80::/10", PLACE_NOWHERE, "link-local (RFC 4291)" },
    { "fec0::/10", PLACE_INWARD, "site-local (RFC 3879)" },
    { "ff00::/8", PLACE_NOWHERE, "multicast (RFC 4291)" },
};

static bool is_in(const char *text, const struct address *address)
{
    struct network network;
    return network_parse(span_text(text), &network) && network_has(&network, address);
}

static enum place place_of(const struct address *address, const char **what)
{
    for (size_t i = 0; i < COUNT_OF(special); i++) {
        if (is_in(special[i].network, address)) {
            *what = special[i].what;
            return special[i].place;
        }
    }
    return PLACE_OUTWARD;
}

enum place address_place(const struct address *address, const char **what)
{
    const char *said = NULL;
    const bool translated = is_in("64:ff9b::/96", address); /* RFC 6052 */
    enum place place = place_of(address, &said);
    if (place == PLACE_OUTWARD && (translated || is_in("2002::/16", address))) { /* RFC 3056 */
        const struct address within = address_of_v4(&address->bytes[translated ? 12 : 2]);
        place = place_of(&within, &said);
    } else if (place == PLACE_OUTWARD && !address_is_v4(address) && !is_in("2000::/3", address)) {
        place = PLACE_NOWHERE; /* RFC 4291 2.4, IANA's registry: given to nobody */
        said = "no address of the Internet (RFC 4291)";
    }
    if (what != NULL)
        *what = said;
    return place;
}
