/* provider.c - see fetch.h: where the provider is, and whether one may go there. */
#include <string.h>
#include <unistd.h>

#include "net/lead.h"
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
    house_let_connect(house, provider->port);
    if (provider->resolves)
        house_let_connect(house, RESOLVER_PORT);
    if (!read_ca(house, &provider->ca))
        log_event("no CAs to know the provider by");
    return RC_SUCCESS;
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
    /* An address that is written into the settings is what is meant. */
    if (!provider->is_address && !addresses_may_lead(&found, provider->inward, true))
        return REASON_FETCH_INWARD;
    *out = found;
    return REASON_OK;
}
