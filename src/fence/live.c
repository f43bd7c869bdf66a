/* live.c - the process: what it gives up, and its loop. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/number.h"
#include "fence/fence_syscalls.h"
#include "fence/inside.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/jail.h"
#include "os/poller.h"

enum {
    ROOM = 32 << 20,    /* bytes of all tables and what is held */
    MEMORY = 512 << 20, /* bytes of addresses, all libraries included */
    /* Sockets, connections with all that is tried for one, flows, name servers, and the rest. */
    DESCRIPTORS = FENCE_SOCKETS_MOST + 4 * FENCE_LINKS_MAX + FENCE_FLOWS_MAX + 2 * JOB_LIST_MAX +
                  64,
    OTHER_DESCRIPTORS = 32, /* streams, pipes, the poller, and those of the name servers */
    TURN_MS = 250,          /* how long times and numbers may be old */
    OPENING_MS = 50,        /* the same while somebody waits for a host */
    EVENTS = 64,
};

struct living {
    struct fence fence;
    struct arena arena;
    int keep[FENCE_SOCKETS_MOST + 8];
    size_t kept;
    uint16_t ports[REACH_PORTS_MAX + 1];
    size_t port_count;
    char servers[JOB_LIST_MAX * (ADDRESS_TEXT_ROOM + 8)];
};

/* --- what it has ------------------------------------------------------------------------------ */

static bool make_tables(struct living *living)
{
    struct fence *fence = &living->fence;
    arena_init(&living->arena, ROOM);
    fence->links = arena_array(&living->arena, FENCE_LINKS_MAX, sizeof *fence->links);
    fence->flows = arena_array(&living->arena, FENCE_FLOWS_MAX, sizeof *fence->flows);
    /* Never written before it is needed: it costs nothing as long as nobody connects. */
    uint8_t *held = arena_room(&living->arena, (size_t)FENCE_LINKS_MAX * 2 * FENCE_HELD);
    uint8_t *first = arena_room(&living->arena, (size_t)FENCE_FLOWS_MAX * FENCE_DATAGRAM_MAX);
    if (fence->links == NULL || fence->flows == NULL || held == NULL || first == NULL)
        return false;
    for (size_t i = 0; i < FENCE_LINKS_MAX; i++) {
        fence->links[i].out.at = held + 2 * i * FENCE_HELD;
        fence->links[i].in.at = held + (2 * i + 1) * FENCE_HELD;
    }
    for (size_t i = 0; i < FENCE_FLOWS_MAX; i++) {
        fence->flows[i].held = first + i * FENCE_DATAGRAM_MAX;
        fence->flows[i].other = -1;
    }
    return true;
}

/* Those that the specification names, else the system's, as they are outside of the jail. */
static bool find_servers(struct living *living)
{
    const struct span_list *servers = &living->fence.reach->spec->network.dns_servers;
    struct sink out = sink_over(living->servers, sizeof living->servers);
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
           resolver_open_at(servers->count == 0 ? NULL : living->servers, &living->fence.resolver);
}

static bool wait_for_sockets(struct fence *fence)
{
    /* Whoever does not read what is refused holds nothing else up. */
    if (fcntl(fence->given->refusals, F_SETFL, O_WRONLY | O_NONBLOCK) != 0)
        return false;
    rc result = poller_open(NULL, &fence->poller);
    for (size_t i = 0; i < fence->given->count && rc_ok(result); i++)
        result = poller_add(NULL, fence->poller, fence->given->sockets[i].fd,
                            token_of(TOKEN_SOCKET, i, 0), true, false);
    return rc_ok(result);
}

/* --- what it gives up ------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void keep(struct living *living, int fd)
{
    living->keep[living->kept++] = fd;
}

static void list_descriptors(struct living *living)
{
    const struct sandbox_fence *given = living->fence.given;
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++)
        keep(living, number);
    for (size_t i = 0; i < given->count; i++)
        keep(living, given->sockets[i].fd);
    keep(living, given->refusals);
    keep(living, given->ready);
    keep(living, given->stop);
    keep(living, living->fence.poller);
    qsort(living->keep, living->kept, sizeof *living->keep, by_number);
}

/* Where the kernel can tell, TCP to no other ports: those that anything is allowed on, and the one
   on which a name server is asked again when its answer was long. */
static void list_ports(struct living *living)
{
    const struct reach *reach = living->fence.reach;
    living->ports[living->port_count++] = FENCE_NAMES_PORT;
    for (size_t i = 0; i < reach->port_count; i++) {
        if (!reach->ports[i].udp && reach->ports[i].number != FENCE_NAMES_PORT)
            living->ports[living->port_count++] = reach->ports[i].number;
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Each connection may need one on the job's side and those that are tried. */
static bool share_descriptors(struct living *living, size_t descriptors)
{
    const size_t others = living->fence.given->count + FENCE_FLOWS_MAX + OTHER_DESCRIPTORS;
    const size_t links = descriptors < others ? 0 : (descriptors - others) / (1 + FENCE_RACED_MOST);
    living->fence.most = links < FENCE_LINKS_MAX ? links : FENCE_LINKS_MAX;
    return links > 0;
}

/* What whoever started the run has in it is nobody's business here; c-ares has read it. */
static void forget_environment(void)
{
    for (char **variable = environ; *variable != NULL; variable++)
        explicit_bzero(*variable, strlen(*variable));
    environ[0] = NULL;
}

static rc confine(struct trail *trail, struct living *living)
{
    struct jail_report report;
    struct rlimit files, memory;
    /* Its own streams would be the job's, which end when the last of those who hold them does. */
    if (dup2(STDIN_FILENO, STDOUT_FILENO) < 0 || dup2(STDIN_FILENO, STDERR_FILENO) < 0 ||
        getrlimit(RLIMIT_NOFILE, &files) != 0 || getrlimit(RLIMIT_AS, &memory) != 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    const size_t descriptors = (size_t)least(DESCRIPTORS, files.rlim_max);
    if (!share_descriptors(living, descriptors))
        return FAIL(trail, RC_WORLD, EMFILE);
    memory.rlim_cur = memory.rlim_max = least(MEMORY, memory.rlim_max);
    if (setrlimit(RLIMIT_AS, &memory) != 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    forget_environment();
    list_descriptors(living);
    list_ports(living);
    const struct jail jail = { .user = living->fence.given->user,
                               .keep = living->keep,
                               .keep_count = living->kept,
                               .fds = descriptors,
                               .connect_ports = living->ports,
                               .connect_port_count = living->port_count,
                               .rules = fence_rules,
                               .rule_count = COUNT_OF(fence_rules) };
    return jail_enter(trail, &jail, &report);
}

/* --- its loop --------------------------------------------------------------------------------- */

static void take_event(struct fence *fence, const struct poller_event *event)
{
    const enum token_kind kind = (enum token_kind)(event->token >> 48);
    const size_t index = (size_t)(event->token >> 16 & UINT32_MAX);
    switch (kind) {
    case TOKEN_SOCKET:
        if (fence->given->sockets[index].port.udp)
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

/* One turn; false when it has to end. */
static bool turn(struct fence *fence, int64_t *ticked_ms)
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
    if (fence->opening > 0 || fence->now_ms - *ticked_ms >= TURN_MS) {
        tick(fence);
        refusals_tell(fence);
        *ticked_ms = fence->now_ms;
    }
    link_watch_sockets(fence);
    return polled[1].revents == 0;
}

static void say_ready(const struct sandbox_fence *given, const char *fault)
{
    const struct span words = fault == NULL ? span_of("", 1) : span_text(fault);
    bool told = fd_write(given->ready, words);
    (void)told; /* whoever started it sees the end of the pipe */
    close(given->ready);
}

int fence_live(const struct sandbox_fence *given)
{
    static struct living living;
    struct trail trail = { 0 };
    int64_t ticked_ms = 0;
    struct fence *fence = &living.fence;
    fence->given = given;
    fence->reach = given->reach;
    const char *fault = !make_tables(&living)      ? "no memory"
                        : !find_servers(&living)   ? "its name servers cannot be used"
                        : !wait_for_sockets(fence) ? "its sockets cannot be waited for"
                                                   : NULL;
    rc confined = fault == NULL ? confine(&trail, &living) : RC_SUCCESS;
    if (!rc_ok(confined))
        fault = file_error_text(confined);
    say_ready(given, fault);
    if (fault != NULL)
        return 1;
    while (turn(fence, &ticked_ms))
        ;
    refusals_tell(fence);
    return 0;
}
