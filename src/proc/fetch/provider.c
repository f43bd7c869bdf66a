/* provider.c - see fetch.h: where the provider is, and whether one may go there. */
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "admit/reach.h"
#include "os/clock.h"
#include "proc/fetch/fetch.h"
#include "proc/log.h"

/* By place: an earlier life of the process has read it, too. */
static bool read_ca(struct house *house, struct span *out)
{
    int fd = house->files[FILE_PROVIDER_CA];
    uint8_t *room = fd < 0 ? NULL : arena_room(&house->arena, FETCH_CA_MAX + 1);
    size_t len = 0;
    while (room != NULL && len <= FETCH_CA_MAX) {
        ssize_t got = pread(fd, room + len, FETCH_CA_MAX + 1 - len, (off_t)len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    *out = span_of(room, len);
    return len > 0 && len <= FETCH_CA_MAX;
}

/* The one port that Landlock leaves open, where the kernel can tell them apart: digits, at most
   five. */
static void limit_port(struct house *house, const char *port)
{
    uint32_t number = 0;
    for (size_t i = 0; port[i] != 0; i++)
        number = 10 * number + (uint32_t)(port[i] - '0');
    house->connect_port = number <= UINT16_MAX ? (uint16_t)number : 0;
}

rc provider_open(struct trail *trail, struct provider *provider, struct house *house)
{
    provider->url = house->settings.provider_url;
    provider->inward = house->settings.provider_inward;
    if (provider->url[0] == 0)
        return RC_SUCCESS;
    if (!fetch_warm_up() || !fetch_host(provider->url, provider->host, provider->port))
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    struct resolve_request request = { .host = provider->host,
                                       .port = provider->port,
                                       .deadline_ms = clock_monotonic_ms() + FETCH_NAME_MS };
    provider->is_known = resolve_known(&request, &provider->known, &provider->is_address);
    provider->resolves = !provider->is_known && resolver_open(&provider->resolver);
    limit_port(house, provider->port);
    if (!read_ca(house, &provider->ca))
        log_event("no CAs to know the provider by");
    return RC_SUCCESS;
}

static enum reach reach_of(const struct sockaddr_storage *address)
{
    struct address judged;
    if (address->ss_family == AF_INET6)
        judged = address_of_v6(((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr);
    else
        judged = address_of_v4(
            (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr.s_addr);
    return address_reach(&judged);
}

/* One address that it must not lead to spoils all: a name with two meanings is a trap, not a
   choice.  An address that is written into the settings is what is meant. */
static bool may_lead(const struct provider *provider, const struct addresses *addresses)
{
    for (size_t i = 0; i < addresses->count && !provider->is_address; i++) {
        enum reach reach = reach_of(&addresses->at[i]);
        if (reach == REACH_NEVER || (reach == REACH_INWARD && !provider->inward))
            return false;
    }
    return true;
}

enum reason provider_find(const struct provider *provider, struct addresses *out, const char **why)
{
    struct addresses found = provider->known;
    struct resolve_request request = { .host = provider->host,
                                       .port = provider->port,
                                       .deadline_ms = clock_monotonic_ms() + FETCH_NAME_MS,
                                       .resolver = &provider->resolver };
    *why = "";
    if (provider->url[0] == 0)
        return REASON_FETCH_NOT_SET;
    *why = "there are no name servers";
    if (!provider->is_known && (!provider->resolves || !resolve_host(&request, &found, why)))
        return REASON_FETCH_NAME;
    *why = "";
    if (!may_lead(provider, &found))
        return REASON_FETCH_INWARD;
    *out = found;
    return REASON_OK;
}
