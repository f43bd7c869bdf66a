/* reach_inside.c - which addresses are not of the Internet: see reach.h. */
#include "base/number.h"
#include "job/reach.h"

/* The registries of special-purpose addresses (IANA), those that are reachable from everywhere as
   well: none of them is where a job has business by a name.  And where clouds answer their guests
   outside of link-local.  The first that has an address is said. */
static const struct {
    const char *network, *what;
} inside[] = {
    { "0.0.0.0/8", "this network (RFC 791)" },
    { "10.0.0.0/8", "private use (RFC 1918)" },
    { "100.64.0.0/10", "shared by a carrier's customers (RFC 6598)" },
    { "127.0.0.0/8", "loopback (RFC 1122)" },
    { "168.63.129.16/32", "a cloud's own service for its guests" },
    { "169.254.169.254/32", "a cloud's metadata (RFC 3927)" },
    { "169.254.0.0/16", "link-local (RFC 3927)" },
    { "172.16.0.0/12", "private use (RFC 1918)" },
    { "192.0.0.0/24", "protocol assignments (RFC 6890)" },
    { "192.0.2.0/24", "documentation (RFC 5737)" },
    { "192.31.196.0/24", "AS112 (RFC 7535)" },
    { "192.52.193.0/24", "automatic multicast tunnels (RFC 7450)" },
    { "192.88.99.0/24", "6to4 relays (RFC 7526)" },
    { "192.168.0.0/16", "private use (RFC 1918)" },
    { "192.175.48.0/24", "AS112 (RFC 7534)" },
    { "198.18.0.0/15", "benchmarks (RFC 2544)" },
    { "198.51.100.0/24", "documentation (RFC 5737)" },
    { "203.0.113.0/24", "documentation (RFC 5737)" },
    { "224.0.0.0/4", "multicast (RFC 5771)" },
    { "255.255.255.255/32", "broadcast (RFC 919)" },
    { "240.0.0.0/4", "reserved (RFC 1112)" },
    { "::/128", "unspecified (RFC 4291)" },
    { "::1/128", "loopback (RFC 4291)" },
    { "::/96", "IPv4-compatible (RFC 4291)" },
    { "::ffff:0:0:0/96", "translated IPv4 (RFC 2765)" },
    { "64:ff9b:1::/48", "local translation of IPv4 (RFC 8215)" },
    { "100::/64", "discarded (RFC 6666)" },
    { "100:0:0:1::/64", "a dummy prefix (RFC 9780)" },
    { "2001::/32", "Teredo (RFC 4380)" },
    { "2001::/23", "protocol assignments (RFC 2928)" },
    { "2001:db8::/32", "documentation (RFC 3849)" },
    { "2620:4f:8000::/48", "AS112 (RFC 7534)" },
    { "3fff::/20", "documentation (RFC 9637)" },
    { "5f00::/16", "segment identifiers (RFC 9602)" },
    { "fd00:ec2::254/128", "a cloud's metadata (RFC 4193)" },
    { "fc00::/7", "private use (RFC 4193)" },
    { "fe80::/10", "link-local (RFC 4291)" },
    { "fec0::/10", "site-local (RFC 3879)" },
    { "ff00::/8", "multicast (RFC 4291)" },
};

static bool is_in(const char *text, const struct address *address)
{
    struct network network;
    return network_parse(span_text(text), &network) && network_has(&network, address);
}

static const char *row_of(const struct address *address)
{
    for (size_t i = 0; i < COUNT_OF(inside); i++) {
        if (is_in(inside[i].network, address))
            return inside[i].what;
    }
    return NULL;
}

const char *reach_inside(const struct address *address)
{
    const bool translated = is_in("64:ff9b::/96", address); /* RFC 6052 */
    const char *what = row_of(address);
    struct address within;
    if (what != NULL || address_is_v4(address))
        return what;
    if (translated || is_in("2002::/16", address)) { /* 6to4 (RFC 3056) */
        within = address_of_v4(&address->bytes[translated ? 12 : 2]);
        return row_of(&within);
    }
    /* RFC 4291 2.4, IANA's registry: all else is not given to anybody. */
    return is_in("2000::/3", address) ? NULL : "no address of the Internet (RFC 4291)";
}
