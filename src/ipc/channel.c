/* channel.c - see channel.h. */
#include "ipc/channel.h"

#include "os/clock.h"
#include "os/fd.h"

bool channel_init(struct channel *channel, struct arena *arena, unsigned peer,
                  enum channel_trust trust)
{
    uint8_t *queue = arena_alloc(arena, CHANNEL_QUEUE_MAX);
    uint8_t *packet = arena_alloc(arena, PACKET_BYTES_MAX);
    if (queue == NULL || packet == NULL)
        return false;
    *channel = (struct channel){ .fd = -1,
                                 .peer = peer,
                                 .trust = trust,
                                 .queue = sink_over(queue, CHANNEL_QUEUE_MAX),
                                 .packet = packet,
                                 .unread = cur_over(span_of(packet, 0)) };
    return true;
}

static void forget(struct channel *channel)
{
    channel->queue = sink_over(channel->queue.at, channel->queue.cap);
    channel->unread = cur_over(span_of(channel->packet, 0));
    packet_fds_close(&channel->fds);
}

void channel_close(struct channel *channel)
{
    fd_close(&channel->fd);
    forget(channel);
}

void channel_attach(struct channel *channel, int fd)
{
    channel_close(channel);
    channel->fd = fd;
    channel->noticed = false;
}

bool channel_is_open(const struct channel *channel)
{
    return channel->fd >= 0;
}

bool channel_is_sound(const struct channel *channel)
{
    return sink_is_sound(&channel->queue) && cur_is_sound(&channel->unread) &&
           channel->fds.count <= PACKET_FDS_MAX &&
           (channel_is_open(channel) || (channel->queue.len == 0 && cur_end(&channel->unread)));
}

uint64_t channel_next_id(struct channel *channel)
{
    return ++channel->last_id;
}

rc channel_put(struct trail *trail, struct channel *channel, const struct frame *frame)
{
    if (!channel_is_open(channel))
        return FAIL(trail, RC_WORLD, PACKET_E_CLOSED);
    if (frame->body.len > FRAME_BODY_MAX)
        return FAIL(trail, RC_BUG, CHANNEL_E_FRAME);
    frame_put(&channel->queue, frame);
    if (sink_ok(&channel->queue))
        return RC_SUCCESS;
    channel->queue.full = false; /* frame_put took back what it had begun */
    return FAIL(trail, RC_BUSY, CHANNEL_E_FULL);
}

/* The longest row of whole frames at the front of the queue that fits one packet. */
static size_t packet_len(struct span queued)
{
    struct cursor in = cur_over(queued);
    struct frame frame;
    size_t len = 0;
    while (frame_get(&in, &frame) && cur_offset(&in) <= PACKET_BYTES_MAX)
        len = cur_offset(&in);
    return len;
}

bool channel_has_queued(const struct channel *channel)
{
    return channel->queue.len > 0;
}

static bool would_block(rc r)
{
    return rc_class_of(r) == RC_BUSY && rc_number(r) == PACKET_E_BLOCK;
}

rc channel_flush(struct trail *trail, struct channel *channel)
{
    size_t sent = 0;
    rc result = RC_SUCCESS;
    while (sent < channel->queue.len) {
        struct cursor queued = cur_over(sink_bytes(&channel->queue));
        struct span packet;
        if (!cur_skip(&queued, sent))
            return FAIL(trail, RC_BUG, CHANNEL_E_FRAME);
        packet = span_of(cur_rest(&queued).at, packet_len(cur_rest(&queued)));
        result = packet_send(NULL, channel->fd, packet, NULL, 0);
        if (!rc_ok(result))
            break;
        sent += packet.len;
    }
    sink_drop(&channel->queue, sent);
    if (rc_ok(result) || would_block(result))
        return RC_SUCCESS;
    return rc_note(trail, result, __func__, __LINE__);
}

static rc send_all(struct trail *trail, struct channel *channel, int64_t until_ms)
{
    for (;;) {
        TRY(trail, channel_flush(trail, channel));
        if (!channel_has_queued(channel))
            return RC_SUCCESS;
        TRY(trail, packet_wait(trail, channel->fd, true, until_ms));
    }
}

/* They do not wait in a queue. */
static rc send_fds(struct trail *trail, struct channel *channel, const int *fds, size_t count,
                   int64_t until_ms)
{
    for (;;) {
        rc sent = packet_send(trail, channel->fd, sink_bytes(&channel->queue), fds, count);
        if (!would_block(sent))
            return sent;
        TRY(trail, packet_wait(trail, channel->fd, true, until_ms));
    }
}

rc channel_put_fds(struct trail *trail, struct channel *channel, const struct frame *frame,
                   const int *fds, size_t count)
{
    int64_t until_ms = clock_monotonic_ms() + CHANNEL_FDS_MS;
    if (!channel_is_open(channel))
        return FAIL(trail, RC_WORLD, PACKET_E_CLOSED);
    TRY(trail, send_all(trail, channel, until_ms));
    frame_put(&channel->queue, frame);
    rc sent = send_fds(trail, channel, fds, count, until_ms);
    channel->queue = sink_over(channel->queue.at, channel->queue.cap);
    return sent;
}

/* From whom it came decides whose fault it is. */
static enum rc_class fault_class(const struct channel *channel)
{
    return channel->trust == CHANNEL_MORE_TRUSTED ? RC_BUG : RC_PEER;
}

rc channel_get(struct trail *trail, struct channel *channel, struct frame *out)
{
    if (!channel_is_open(channel))
        return FAIL(trail, RC_WORLD, PACKET_E_CLOSED);
    if (cur_end(&channel->unread)) {
        size_t len = 0;
        packet_fds_close(&channel->fds);
        rc got = packet_receive(NULL, channel->fd, channel->packet, PACKET_BYTES_MAX, &len,
                                &channel->fds);
        if (rc_class_of(got) == RC_PEER)
            return FAIL(trail, fault_class(channel), PACKET_E_CUT);
        if (!rc_ok(got))
            return got; /* nothing there, or gone: no fault to leave a trail of */
        channel->unread = cur_over(span_of(channel->packet, len));
    }
    if (frame_get(&channel->unread, out))
        return RC_SUCCESS;
    /* Nothing behind a fault is taken for a frame, whatever the owner does next. */
    channel->unread = cur_over(span_of(channel->packet, 0));
    packet_fds_close(&channel->fds);
    return FAIL(trail, fault_class(channel), CHANNEL_E_FRAME);
}

bool channel_has_unread(const struct channel *channel)
{
    return channel_is_open(channel) && !cur_end(&channel->unread);
}

int channel_take_fd(struct channel *channel)
{
    for (size_t i = 0; i < channel->fds.count; i++) {
        if (channel->fds.fds[i] >= 0)
            return fd_take(&channel->fds.fds[i]);
    }
    return -1;
}

rc channel_ask(struct trail *trail, struct channel *channel, struct frame *question,
               int64_t until_ms, struct frame *answer)
{
    question->id = channel_next_id(channel);
    TRY(trail, channel_put(trail, channel, question));
    TRY(trail, send_all(trail, channel, until_ms));
    for (;;) {
        /* No answer is there before the question was read: to look first is a call for nothing. */
        if (!channel_has_unread(channel))
            TRY(trail, packet_wait(trail, channel->fd, false, until_ms));
        rc got = channel_get(trail, channel, answer);
        if (would_block(got))
            continue;
        TRY(trail, got);
        if (answer->id == question->id)
            return RC_SUCCESS;
        if (answer->id > question->id)
            return FAIL(trail, fault_class(channel), CHANNEL_E_ANSWER);
        channel->noticed = channel->noticed || answer->id == 0;
        /* A peer that never stops saying what nobody asked for holds nobody past the deadline. */
        if (clock_monotonic_ms() >= until_ms)
            return FAIL(trail, RC_BUSY, PACKET_E_TIME);
    }
}
