/* lead.c - see lead.h. */
#include "net/lead.h"

#include <netinet/in.h>

#include "model/place.h"

struct address address_of_socket(const struct sockaddr_storage *at)
{
    if (at->ss_family == AF_INET6)
        return address_of_v6(((const struct sockaddr_in6 *)at)->sin6_addr.s6_addr);
    return address_of_v4((const uint8_t *)&((const struct sockaddr_in *)at)->sin_addr.s_addr);
}

bool addresses_may_lead(const struct addresses *addresses, bool inward, bool outward)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const struct address address = address_of_socket(&addresses->at[i]);
        const enum place place = address_place(&address, NULL);
        if (place == PLACE_NOWHERE || (place == PLACE_INWARD && !inward) ||
            (place == PLACE_OUTWARD && !outward))
            return false;
    }
    return true;
}
