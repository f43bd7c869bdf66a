/* serve.c - see serve.h.  One wake-up: everything that waits is read and handled, then what
   was asked for many times is done once, then everything that was said goes out. */
#include "proc/serve.h"

#include <errno.h>
#include <poll.h>

#include "os/clock.h"
#include "proc/control.h"
#include "proc/log.h"

enum {
    SERVE_WATCHES_MAX = 520, /* descriptors of a process's own */
    SERVE_FRAMES_MAX = 1024, /* of one peer in one wake-up: nobody starves the others */
};

static void close_peer(struct house *house, enum peer peer)
{
    channel_close(&house->channels[peer]);
    if (house->process->peer_changed != NULL)
        house->process->peer_changed(house->self, peer, false);
}

/* The monitor knows whether the other one lives, and then gives both a new channel. */
static void tell_lost(struct house *house, enum peer peer)
{
    uint8_t bytes[4];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u32le(&body, peer);
    struct frame frame = { .message = CONTROL_LOST,
                           .id = house->numbers[peer],
                           .body = sink_bytes(&body) };
    rc told = channel_put(NULL, &house->control, &frame);
    (void)told; /* a monitor that does not read is not there to help */
}

static void peer_is_gone(struct house *house, enum peer peer, rc why, const struct trail *trail)
{
    if (rc_class_of(why) == RC_PEER) {
        log_event("bad message: channel closed peer=%s", peer_name(peer));
        log_failure("bad message", why, trail);
    }
    close_peer(house, peer);
    tell_lost(house, peer);
}

/* The peer was started again.  Its end may be told before that of its earlier life was read:
   what was asked of that one is answered by nobody. */
static rc replace_peer(struct trail *trail, struct house *house, const struct frame *frame)
{
    struct cursor peek = cur_over(frame->body);
    uint32_t peer = 0;
    if (!cur_u32le(&peek, &peer) || peer >= PEER_COUNT)
        return FAIL(trail, RC_BUG, DOOR_E_BODY);
    if (channel_is_open(&house->channels[peer]))
        close_peer(house, (enum peer)peer);
    TRY(trail, house_take_peer(trail, house, frame));
    if (house->process->peer_changed != NULL)
        house->process->peer_changed(house->self, (enum peer)peer, true);
    return RC_SUCCESS;
}

/* The number comes back with the answer: one that is late is not taken for another's. */
static rc take_reload(struct trail *trail, struct house *house, struct cursor *body)
{
    struct settings next;
    uint32_t number = 0;
    uint8_t bytes[7];
    struct sink answer = sink_over(bytes, sizeof bytes);
    house->refusal = REASON_NONE;
    if (!cur_u32le(body, &number) || !cur_copy(body, &next, sizeof next) || !cur_end(body))
        return FAIL(trail, RC_BUG, DOOR_E_BODY);
    bool taken = house->process->reload == NULL || house->process->reload(house->self, &next);
    if (taken)
        house->settings = next;
    sink_u32le(&answer, number);
    sink_u8(&answer, taken);
    sink_u16le(&answer, (uint16_t)(taken ? REASON_NONE : house->refusal));
    struct frame frame = { .message = CONTROL_RELOADED, .body = sink_bytes(&answer) };
    return channel_put(trail, &house->control, &frame);
}

static rc handle_control(struct trail *trail, struct house *house, const struct frame *frame)
{
    struct call call = { .from = &house->control,
                         .message = frame->message,
                         .id = frame->id,
                         .body = cur_over(frame->body) };
    switch (frame->message) {
    case CONTROL_PEER:
        return replace_peer(trail, house, frame);
    case CONTROL_FILE: /* another one lies under its name now */
        return house_take_file(trail, house, &call.body);
    case CONTROL_RELOAD:
        return take_reload(trail, house, &call.body);
    case CONTROL_STOP:
        house->stopping = true;
        return RC_SUCCESS;
    default:
        if (house->process->control == NULL)
            return FAIL(trail, RC_BUG, DOOR_E_NONE);
        return house->process->control(trail, house->self, &call);
    }
}

static rc read_control(struct trail *trail, struct house *house)
{
    for (;;) {
        struct frame frame;
        rc got = channel_get(trail, &house->control, &frame);
        if (rc_class_of(got) == RC_BUSY)
            return RC_SUCCESS;
        if (rc_class_of(got) == RC_WORLD)
            return FAIL(trail, RC_WORLD, HOUSE_E_MONITOR);
        TRY(trail, got);
        TRY(trail, handle_control(trail, house, &frame));
    }
}

/* A message that is no good ends the channel, a bug of ours the process; what a handler
   could not do for another reason it has answered itself. */
static rc read_peer(struct trail *trail, struct house *house, enum peer peer)
{
    struct channel *channel = &house->channels[peer];
    for (unsigned n = 0; n < SERVE_FRAMES_MAX && channel_is_open(channel); n++) {
        struct entrance entrance = { .doors = house->process->doors,
                                     .count = house->process->door_count,
                                     .state = house->state,
                                     .process = house->self };
        struct trail of_frame = { 0 };
        struct frame frame;
        rc got = channel_get(&of_frame, channel, &frame);
        bool arrived = rc_ok(got);
        if (rc_class_of(got) == RC_BUSY)
            return RC_SUCCESS;
        if (arrived)
            got = door_open(&of_frame, &entrance, channel, &frame);
        if (rc_class_of(got) == RC_BUG) {
            *trail = of_frame;
            return rc_note(trail, got, __func__, __LINE__);
        }
        if (rc_class_of(got) == RC_PEER || (!arrived && !rc_ok(got)))
            peer_is_gone(house, peer, got, &of_frame);
    }
    return RC_SUCCESS;
}

static rc flush_all(struct trail *trail, struct house *house)
{
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        struct channel *channel = &house->channels[peer];
        if (!channel_is_open(channel) || !channel_has_queued(channel))
            continue;
        rc sent = channel_flush(NULL, channel);
        if (rc_class_of(sent) == RC_BUG)
            return rc_note(trail, sent, __func__, __LINE__);
        if (!rc_ok(sent))
            peer_is_gone(house, (enum peer)peer, sent, NULL);
    }
    return channel_flush(trail, &house->control);
}

/* What poll is asked about: control first, then the peers, then the process's own. */
struct waiting {
    struct pollfd fds[1 + PEER_COUNT + SERVE_WATCHES_MAX];
    size_t count;
    struct house_watch watches[SERVE_WATCHES_MAX];
    size_t watch_count;
};

static short events_of(const struct channel *channel)
{
    return channel_has_queued(channel) ? POLLIN | POLLOUT : POLLIN;
}

/* poll passes over negative descriptors, so a closed channel keeps its place. */
static void gather(struct waiting *waiting, struct house *house)
{
    waiting->fds[0] = (struct pollfd){ .fd = house->control.fd,
                                       .events = events_of(&house->control) };
    for (unsigned peer = 0; peer < PEER_COUNT; peer++)
        waiting->fds[1 + peer] = (struct pollfd){ .fd = house->channels[peer].fd,
                                                  .events = events_of(&house->channels[peer]) };
    waiting->count = 1 + PEER_COUNT;
    waiting->watch_count = 0;
    if (house->process->watch != NULL)
        waiting->watch_count = house->process->watch(house->self, waiting->watches,
                                                     SERVE_WATCHES_MAX);
    for (size_t i = 0; i < waiting->watch_count; i++) {
        const struct house_watch *watch = &waiting->watches[i];
        short events = (short)((watch->reading ? POLLIN : 0) | (watch->writing ? POLLOUT : 0));
        waiting->fds[waiting->count++] = (struct pollfd){ .fd = watch->fd, .events = events };
    }
}

/* Frames that were read and not handled yet: poll does not know of them. */
static bool has_unread(const struct house *house)
{
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if (channel_has_unread(&house->channels[peer]))
            return true;
    }
    return false;
}

static int timeout_ms(struct house *house)
{
    if (has_unread(house))
        return 0;
    if (house->process->tick == NULL)
        return -1;
    int64_t next = house->process->tick(house->self, clock_monotonic_ms());
    if (next == INT64_MAX)
        return -1;
    int64_t left = next - clock_monotonic_ms(); /* what was due may have taken its time */
    return left <= 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static rc handle_ready(struct trail *trail, struct house *house, const struct waiting *waiting)
{
    const short bad = POLLHUP | POLLERR | POLLNVAL;
    if ((waiting->fds[0].revents & (POLLIN | bad)) != 0)
        TRY(trail, read_control(trail, house));
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if ((waiting->fds[1 + peer].revents & (POLLIN | bad)) != 0 ||
            channel_has_unread(&house->channels[peer]))
            TRY(trail, read_peer(trail, house, (enum peer)peer));
    }
    for (size_t i = 0; i < waiting->watch_count; i++) {
        if (waiting->fds[1 + PEER_COUNT + i].revents != 0)
            TRY(trail, house->process->ready(trail, house->self, &waiting->watches[i]));
    }
    return RC_SUCCESS;
}

static bool may_end(struct house *house)
{
    return house->stopping &&
           (house->process->may_stop == NULL || house->process->may_stop(house->self));
}

rc house_serve(struct trail *trail, struct house *house)
{
    struct waiting waiting; /* out here: what is declared inside is cleared each time */
    for (;;) {
        if (house->process->settle != NULL)
            TRY(trail, house->process->settle(trail, house->self));
        TRY(trail, flush_all(trail, house));
        int timeout = timeout_ms(house);
        TRY(trail, flush_all(trail, house)); /* what the timers said */
        if (may_end(house)) /* after the timers: the last that is under way may end by one */
            return RC_SUCCESS;
        gather(&waiting, house);
        int ready = poll(waiting.fds, waiting.count, timeout);
        if (ready < 0 && errno != EINTR)
            return FAIL_ERRNO(trail);
        if (ready >= 0)
            TRY(trail, handle_ready(trail, house, &waiting));
    }
}
