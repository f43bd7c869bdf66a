/* world.c - see world.h: time, what is to come, and what core takes for its kernel: clocks,
   packets, poll, randomness.  Nothing of the real one is asked. */
#include "simulator/world.h"

#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/random.h"
#include "proc/log.h"

enum { DAWN = 1700000000 }; /* seconds since 1970, when each world begins */

static struct world *here; /* whose kernel this is */

size_t world_below(struct world *world, size_t limit)
{
    return test_random_below(&world->random, limit);
}

bool world_chance(struct world *world, size_t one_in)
{
    return world_below(world, one_in) == 0;
}

static void digest(struct world *world, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++)
        world->digest = (world->digest ^ at[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
}

void world_note(struct world *world, const char *what, uint64_t a, uint64_t b)
{
    const uint64_t row[] = { (uint64_t)world->now_ms, a, b };
    digest(world, what, strlen(what));
    digest(world, row, sizeof row);
    if (world->tracing)
        printf("%7lld.%03lld %s %llu %llu\n", (long long)world->now_ms / 1000,
               (long long)world->now_ms % 1000, what, (unsigned long long)a, (unsigned long long)b);
}

void world_wrong(struct world *world, const char *invariant, const char *format, ...)
{
    va_list args;
    if (world->wrong != NULL)
        return;
    world->wrong = invariant;
    world->dead = true;
    va_start(args, format);
    vsnprintf(world->what, sizeof world->what, format, args);
    va_end(args);
    world_note(world, "wrong", 0, 0);
}

void world_begin(struct world *world, uint64_t seed, bool tracing)
{
    memset(world, 0, sizeof *world);
    /* Each life's memory costs what is used of it. */
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_PERTURB, 0);
    world->seed = seed;
    world->random.state = seed;
    world->digest = UINT64_C(0xcbf29ce484222325);
    world->tracing = tracing;
    world->now_ms = 1000;
    here = world;
}

static void empty(struct queue *queue)
{
    while (queue->first != NULL) {
        struct packet *packet = queue->first;
        queue->first = packet->next;
        free(packet);
    }
    *queue = (struct queue){ 0 };
}

void world_end(struct world *world)
{
    for (size_t i = 0; i < world->event_count; i++)
        free(world->events[i].bytes);
    for (size_t i = 0; i < world->link_count; i++) {
        empty(&world->links[i].to_core);
        empty(&world->links[i].to_peer);
    }
    world->event_count = world->link_count = 0;
    here = NULL;
}

/* What is to come, as a heap: by time, and then in the order in which it was planned. */
static bool before(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct event *a, struct event *b)
{
    struct event kept = *a;
    *a = *b;
    *b = kept;
}

static void plan(struct world *world, struct event event)
{
    struct event *events = world->events;
    size_t at = world->event_count;
    if (at == EVENTS) { /* a mistake of this world, not of core */
        fprintf(stderr, "seed %llu: too much is to come\n", (unsigned long long)world->seed);
        abort();
    }
    event.order = ++world->order;
    events[world->event_count++] = event;
    for (; at > 0 && before(&events[at], &events[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&events[at], &events[(at - 1) / 2]);
}

static struct event take_first(struct world *world)
{
    struct event *events = world->events;
    struct event first = events[0];
    events[0] = events[--world->event_count];
    for (size_t at = 0;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < world->event_count && before(&events[child + 1], &events[child]))
            child++;
        if (child >= world->event_count || !before(&events[child], &events[at]))
            return first;
        swap(&events[at], &events[child]);
        at = child;
    }
}

void world_later(struct world *world, enum peer peer, int64_t delay_ms,
                 void (*happen)(struct world *, const struct event *), uint64_t a,
                 struct span bytes)
{
    struct event event = { .at = world->now_ms + delay_ms,
                           .peer = peer,
                           .life = world->beings[peer].life,
                           .link = world->beings[peer].link,
                           .happen = happen,
                           .a = a,
                           .len = bytes.len };
    if (bytes.len > 0) {
        event.bytes = malloc(bytes.len);
        if (event.bytes == NULL)
            abort();
        memcpy(event.bytes, bytes.at, bytes.len);
    }
    plan(world, event);
}

bool world_next(struct world *world, int64_t until_ms)
{
    if (world->event_count == 0 || world->events[0].at > until_ms)
        return false;
    struct event event = take_first(world);
    const struct being *being = &world->beings[event.peer];
    if (event.at > world->now_ms)
        world->now_ms = event.at;
    if (event.life == being->life && being->frozen_ms > world->now_ms) {
        event.at = being->frozen_ms;
        plan(world, event);
        return true;
    }
    if (event.life == being->life)
        event.happen(world, &event);
    free(event.bytes);
    return true;
}

void world_pass(struct world *world, int64_t until_ms)
{
    while (world->wrong == NULL && world_next(world, until_ms))
        continue;
    if (world->now_ms < until_ms)
        world->now_ms = until_ms;
}

/* Channels. */

static struct link *link_of(struct world *world, int fd)
{
    bool one = fd >= LINK_FIRST && (size_t)(fd - LINK_FIRST) < world->link_count;
    return one ? &world->links[fd - LINK_FIRST] : NULL;
}

static void put(struct queue *queue, struct span bytes, int fd)
{
    struct packet *packet = malloc(sizeof *packet + bytes.len);
    if (packet == NULL)
        abort();
    packet->next = NULL;
    packet->fd = fd;
    packet->len = bytes.len;
    memcpy(packet->bytes, bytes.at, bytes.len);
    if (queue->first == NULL)
        queue->first = packet;
    else
        queue->last->next = packet;
    queue->last = packet;
    queue->bytes += bytes.len;
}

static struct packet *take(struct queue *queue)
{
    struct packet *packet = queue->first;
    if (packet == NULL)
        return NULL;
    queue->first = packet->next;
    queue->bytes -= packet->len;
    return packet;
}

int world_link(struct world *world, enum peer peer)
{
    if (world->link_count == LINKS)
        abort();
    int fd = LINK_FIRST + (int)world->link_count;
    world->links[world->link_count++] = (struct link){
        .peer = peer, .life = world->beings[peer].life, .near = true, .far = true
    };
    world->beings[peer].link = fd;
    return fd;
}

void world_unlink(struct world *world, int fd)
{
    struct link *link = link_of(world, fd);
    if (link == NULL)
        return;
    link->far = false;
    empty(&link->to_peer);
    if (world->beings[link->peer].link == fd)
        world->beings[link->peer].link = -1;
}

void world_say(struct world *world, enum peer peer, struct span packet, int fd)
{
    struct link *link = link_of(world, world->beings[peer].link);
    if (link != NULL && link->near && link->far)
        put(&link->to_core, packet, fd);
}

void world_say_frame(struct world *world, enum peer peer, const struct frame *frame)
{
    static uint8_t bytes[PACKET_BYTES_MAX];
    struct sink packet = sink_over(bytes, sizeof bytes);
    frame_put(&packet, frame);
    world_note(world, peer_name(peer), frame->message, frame->id);
    digest(world, frame->body.at, frame->body.len);
    world_say(world, peer, sink_bytes(&packet), -1);
}

bool world_hears_it(const struct world *world, const struct event *event)
{
    return world->beings[event->peer].link == event->link;
}

static void hears(struct world *world, enum peer peer, const struct frame *frame)
{
    static void (*const each[PEER_COUNT])(struct world *, const struct frame *) = {
        [PEER_MONITOR] = monitor_hears, [PEER_AUDIT] = auditor_hears, [PEER_KEEPER] = keeper_hears,
        [PEER_VERIFY] = verify_hears,   [PEER_TEE] = tee_hears,
    };
    world_note(world, "core", frame->message, frame->id);
    digest(world, frame->body.at, frame->body.len);
    if (each[peer] != NULL)
        each[peer](world, frame);
}

/* The process reads all that waits for it. */
static void listen(struct world *world, struct link *link)
{
    for (;;) {
        struct packet *packet = link != NULL && link->far ? take(&link->to_peer) : NULL;
        if (packet == NULL)
            return;
        struct cursor in = cur_over(span_of(packet->bytes, packet->len));
        struct frame frame;
        while (frame_get(&in, &frame) && world->wrong == NULL)
            hears(world, link->peer, &frame);
        free(packet);
    }
}

static void reads(struct world *world, const struct event *event)
{
    listen(world, link_of(world, (int)event->a));
}

void world_listen(struct world *world, enum peer peer)
{
    listen(world, link_of(world, world->beings[peer].link));
}

/* What core takes for its kernel. */

/* It dies somewhere between two of its calls, with all that it said before. */
static bool dies(struct world *world)
{
    if (world->kill_in > 0 && --world->kill_in == 0) {
        world_note(world, "core killed", 0, 0);
        world->dead = true;
    }
    return world->dead;
}

rc packet_send(struct trail *trail, int fd, struct span bytes, const int *fds, size_t count)
{
    struct link *link = link_of(here, fd);
    struct cursor in = cur_over(bytes);
    struct frame frame;
    (void)fds;
    if (dies(here))
        return RC_SUCCESS;
    if (link == NULL || !link->near || count > 0)
        return FAIL(trail, RC_BUG, PACKET_E_CUT);
    if (!link->far)
        return FAIL(trail, RC_WORLD, PACKET_E_CLOSED);
    here->asking.overflowed |= link->peer == PEER_FRONT &&
                               link->to_peer.bytes + bytes.len > LINK_ROOM;
    if (link->to_peer.bytes + bytes.len > LINK_ROOM)
        return FAIL(trail, RC_BUSY, PACKET_E_BLOCK);
    while (frame_get(&in, &frame))
        witness_said(here, link->peer, &frame);
    if (link->to_peer.first == NULL)
        world_later(here, link->peer, (int64_t)world_below(here, 3), reads, (uint64_t)fd,
                    (struct span){ 0 });
    put(&link->to_peer, bytes, -1);
    return RC_SUCCESS;
}

rc packet_receive(struct trail *trail, int fd, void *buffer, size_t cap, size_t *len,
                  struct packet_fds *fds)
{
    struct link *link = link_of(here, fd);
    fds->count = 0;
    if (dies(here) || link == NULL || (link->to_core.first == NULL && !link->far))
        return FAIL(trail, RC_WORLD, PACKET_E_CLOSED);
    struct packet *packet = take(&link->to_core);
    if (packet == NULL)
        return FAIL(trail, RC_BUSY, PACKET_E_BLOCK);
    if (packet->len > cap)
        abort();
    memcpy(buffer, packet->bytes, packet->len);
    *len = packet->len;
    if (packet->fd >= 0)
        fds->fds[fds->count++] = packet->fd;
    free(packet);
    witness_reads(here, link->peer, span_of(buffer, *len));
    return RC_SUCCESS;
}

/* Only a process that asks one question at a time waits for its answer. */
rc packet_wait(struct trail *trail, int fd, bool writing, int64_t until_ms)
{
    (void)fd;
    (void)writing;
    (void)until_ms;
    world_wrong(here, "core waits in one place", "for one channel");
    return FAIL(trail, RC_WORLD, PACKET_E_CLOSED);
}

void packet_fds_close(struct packet_fds *fds)
{
    for (size_t i = 0; i < fds->count; i++)
        fd_close(&fds->fds[i]);
    fds->count = 0;
}

/* A process whose channel core closed, though core lives, has said something that is none.  It
   lives on, and hears of it; some do not survive what made them say it. */
static void hangs_up(struct world *world, const struct event *event)
{
    const struct link *link = link_of(world, (int)event->a);
    if (!link->far)
        return;
    if (world_chance(world, 2))
        monitor_kill(world, link->peer);
    else
        world_unlink(world, (int)event->a);
}

void __real_fd_close(int *fd);
void __wrap_fd_close(int *fd);

void __wrap_fd_close(int *fd)
{
    struct link *link = here == NULL ? NULL : link_of(here, *fd);
    if (link == NULL) {
        __real_fd_close(fd);
        return;
    }
    if (link->near) {
        if (!here->dead && link->far && link->peer != PEER_MONITOR && !here->stopped)
            world_later(here, link->peer, 1, hangs_up, (uint64_t)*fd, (struct span){ 0 });
        witness_closes(here, link->peer);
        link->near = false;
        empty(&link->to_core);
    }
    *fd = -1;
}

static int look(struct world *world, struct pollfd *fds, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        const struct link *link = link_of(world, fds[i].fd);
        fds[i].revents = 0;
        if (link == NULL)
            continue;
        if (link->to_core.first != NULL)
            fds[i].revents |= POLLIN;
        if (!link->far)
            fds[i].revents |= POLLIN | POLLHUP;
        if ((fds[i].events & POLLOUT) != 0 && link->to_peer.bytes < LINK_ROOM / 2)
            fds[i].revents |= POLLOUT;
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* The machine is slow now and then: more has come when core goes on. */
static void dawdle(struct world *world)
{
    int64_t began = world->now_ms;
    if (world_chance(world, 4))
        world_pass(world, began + (int64_t)world_below(world, 4));
    world->stalled_ms += world->now_ms - began;
}

/* The first descriptor is the monitor's: what says that core is dead ends its loop. */
static int wait_for(struct world *world, struct pollfd *fds, nfds_t count, int timeout)
{
    int64_t until = world->now_ms + (timeout < 0 ? CALM_MS : timeout);
    witness_waits(world, timeout);
    for (;;) {
        int ready = look(world, fds, count);
        if (dies(world)) {
            fds[0].revents = POLLHUP;
            return 1;
        }
        if (ready > 0) {
            dawdle(world);
            return look(world, fds, count);
        }
        if (world_next(world, until))
            continue;
        world->now_ms = until;
        return 0;
    }
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap___poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    return wait_for(here, fds, count, timeout);
}

int __wrap___poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
    return count * sizeof *fds > size ? -1 : wait_for(here, fds, count, timeout);
}

int64_t clock_monotonic_ms(void)
{
    return here->now_ms;
}

int64_t clock_now_ms(void)
{
    return INT64_C(1000) * DAWN + here->now_ms + here->jump_ms;
}

int64_t clock_now(void)
{
    return clock_now_ms() / 1000;
}

void random_bytes(void *out, size_t len)
{
    uint8_t *at = out;
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)test_random_next(&here->random);
}

/* The memory that the monitor makes is the world's own; front writes nothing there. */

rc shared_make(struct trail *trail, const char *name, size_t bytes, struct shared *out)
{
    (void)name;
    (void)bytes;
    (void)out;
    return FAIL(trail, RC_BUG, HOUSE_E_MEMORY);
}

void *shared_map_writer(int fd, size_t bytes)
{
    (void)fd;
    return bytes == sizeof here->tables.bans ? here->tables.bans : NULL;
}

const void *shared_map_reader(int fd, size_t bytes)
{
    (void)fd;
    return bytes == sizeof here->tables.serving ? here->tables.serving : NULL;
}

/* What core tells people. */

void log_as(const char *name)
{
    (void)name;
}

void log_event(const char *format, ...)
{
    char line[TRACE_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    digest(here, line, len < 0 ? 0 : strlen(line));
    if (here->tracing)
        printf("             %s\n", line);
}

void log_failure(const char *event, rc failure, const struct trail *trail)
{
    (void)trail;
    log_event("%s: %s %u", event, rc_class_name(rc_class_of(failure)), rc_number(failure));
}
