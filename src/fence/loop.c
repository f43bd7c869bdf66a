/* loop.c - what the process has, and what it does with what has come. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "fence/inside.h"
#include "os/clock.h"
#include "os/poller.h"

enum {
    ROOM = 32 << 20, /* bytes of all tables and what is held */
    TURN_MS = 250,   /* how long times and numbers may be old */
    OPENING_MS = 50, /* the same while somebody waits for a host */
    EVENTS = 64,
};

/* --- what it has ------------------------------------------------------------------------------ */

/* Nothing of them is written before it is used: as long as nobody connects they cost nothing. */
static bool make_tables(struct fence *fence)
{
    arena_init(&fence->arena, ROOM);
    fence->links = arena_array(&fence->arena, FENCE_LINKS_MAX, sizeof *fence->links);
    fence->flows = arena_array(&fence->arena, FENCE_FLOWS_MAX, sizeof *fence->flows);
    fence->held = arena_room(&fence->arena, (size_t)FENCE_LINKS_MAX * 2 * FENCE_HELD);
    fence->first = arena_room(&fence->arena, (size_t)FENCE_FLOWS_MAX * FENCE_DATAGRAM_MAX);
    return fence->links != NULL && fence->flows != NULL && fence->held != NULL &&
           fence->first != NULL;
}

/* Made before the jail, in which no pipe can be made. */
static bool make_pipes(struct fence *fence)
{
    for (size_t i = 0; i < FENCE_PIPES; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
            return false;
        fence->pipes[i] = (struct fence_pipe){ .out = ends[0], .in = ends[1] };
    }
    return true;
}

/* Those that the specification names, else the system's, as they are outside of the jail. */
static bool find_servers(struct fence *fence)
{
    const struct span_list *servers = &fence->reach->spec->network.dns_servers;
    struct sink out = sink_over(fence->servers, sizeof fence->servers);
    for (size_t i = 0; i < servers->count; i++) {
        const struct span text = servers->items[i];
        const bool six = memchr(text.at, ':', text.len) != NULL;
        sink_text(&out, i == 0 ? "" : ",");
        sink_text(&out, six ? "[" : "");
        sink_put(&out, text);
        sink_text(&out, six ? "]:53" : ":53");
    }
    sink_terminate(&out);
    return sink_ok(&out) &&
           resolver_open_at(servers->count == 0 ? NULL : fence->servers, &fence->resolver);
}

static bool wait_for_sockets(struct fence *fence)
{
    /* Whoever does not read what is refused holds nothing else up. */
    if (fcntl(fence->given->refusals, F_SETFL, O_WRONLY | O_NONBLOCK) != 0 ||
        (fence->given->uses >= 0 && fcntl(fence->given->uses, F_SETFL, O_WRONLY | O_NONBLOCK) != 0))
        return false;
    rc result = poller_open(NULL, &fence->poller);
    for (size_t i = 0; i < fence->given->sockets->count && rc_ok(result); i++)
        result = poller_add(NULL, fence->poller, fence->given->sockets->at[i].fd,
                            token_of(TOKEN_SOCKET, i, 0), true, false);
    if (rc_ok(result))
        result = poller_add(NULL, fence->poller, fence->given->sockets->astray,
                            token_of(TOKEN_ASTRAY, 0, 0), true, false);
    if (rc_ok(result))
        result = poller_add(NULL, fence->poller, fence->given->sockets->overheard,
                            token_of(TOKEN_OVERHEARD, 0, 0), true, false);
    return rc_ok(result);
}

/* --- what it begins with ---------------------------------------------------------------------- */

const char *fence_open(struct fence *fence, const struct sandbox_fence *given)
{
    fence->given = given;
    fence->reach = given->reach;
    fence->most = FENCE_LINKS_MAX;
    return !make_tables(fence)        ? "no memory"
           : !make_pipes(fence)       ? "too many open files"
           : !find_servers(fence)     ? "its name servers cannot be used"
           : !wait_for_sockets(fence) ? "its sockets cannot be waited for"
                                      : NULL;
}

/* --- what it does ----------------------------------------------------------------------------- */

static void take_event(struct fence *fence, const struct poller_event *event)
{
    const enum token_kind kind = (enum token_kind)(event->token >> 48);
    const size_t index = (size_t)(event->token >> 16 & UINT32_MAX);
    switch (kind) {
    case TOKEN_SOCKET:
        if (fence->given->sockets->at[index].port.udp)
            flow_take(fence, index);
        else
            link_accept(fence, index);
        break;
    case TOKEN_JOB:
    case TOKEN_FAR:
        link_step(fence, &fence->links[index]);
        break;
    case TOKEN_RACE:
        link_raced(fence, &fence->links[index], (size_t)(event->token & UINT16_MAX));
        break;
    case TOKEN_FLOW:
        flow_answer(fence, &fence->flows[index]);
        break;
    case TOKEN_ASTRAY:
        astray_take(fence);
        break;
    case TOKEN_OVERHEARD:
        overheard_take(fence);
        break;
    }
}

static void tick(struct fence *fence)
{
    for (size_t i = 0; i < FENCE_LINKS_MAX; i++)
        link_tick(fence, &fence->links[i]);
    for (size_t i = 0; i < FENCE_FLOWS_MAX; i++)
        flow_tick(fence, &fence->flows[i]);
}

static void take_names(struct fence *fence, const struct pollfd *polled, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const bool broken = (polled[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        const struct resolver_watch one = { polled[i].fd,
                                            broken || (polled[i].revents & POLLIN) != 0,
                                            broken || (polled[i].revents & POLLOUT) != 0 };
        if (one.reading || one.writing)
            resolver_take(&fence->resolver, &one);
    }
}

bool fence_turn(struct fence *fence)
{
    struct pollfd polled[RESOLVER_WATCHES + 2];
    struct resolver_watch watches[RESOLVER_WATCHES];
    struct poller_event events[EVENTS];
    const size_t names = resolver_watches(&fence->resolver, watches);
    polled[0] = (struct pollfd){ .fd = fence->poller, .events = POLLIN };
    polled[1] = (struct pollfd){ .fd = fence->given->stop, .events = POLLIN };
    for (size_t i = 0; i < names; i++)
        polled[2 + i] = (struct pollfd){ .fd = watches[i].fd,
                                         .events = (short)((watches[i].reading ? POLLIN : 0) |
                                                           (watches[i].writing ? POLLOUT : 0)) };
    poll(polled, 2 + names, fence->opening > 0 ? OPENING_MS : TURN_MS);
    fence->now_ms = clock_monotonic_ms();
    take_names(fence, polled + 2, names);
    const size_t count = poller_take(fence->poller, events, EVENTS);
    for (size_t i = 0; i < count; i++)
        take_event(fence, &events[i]);
    resolver_tick(&fence->resolver, fence->now_ms);
    if (fence->opening > 0 || fence->now_ms - fence->ticked_ms >= TURN_MS) {
        tick(fence);
        refusals_tell(fence);
        uses_tell(fence);
        fence->ticked_ms = fence->now_ms;
    }
    link_watch_sockets(fence);
    return polled[1].revents == 0;
}
