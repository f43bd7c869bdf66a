/* wire.c - see wire.h: bytes by a deadline, and messages on a stream. */
#include "net/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cursor.h"
#include "os/clock.h"
#include "os/fd.h"

enum { WAIT_MAX_MS = 60 * 1000 }; /* of one poll; then the clock is read again */

bool wire_init(struct wire *wire, struct arena *memory, int fd, enum wire_framing framing)
{
    *wire = (struct wire){ .fd = fd, .framing = framing, .reason = REASON_OK };
    wire->message = sink_over(arena_room(memory, WIRE_MESSAGE), WIRE_MESSAGE);
    if (framing == WIRE_WEBSOCKET) {
        /* An empty message has two bytes on the wire and four here. */
        size_t waiting = WIRE_MESSAGE + 2 * WIRE_CHUNK + sizeof(uint32_t);
        wire->chunk = arena_room(memory, WIRE_CHUNK);
        wire->unsent = sink_over(arena_room(memory, WIRE_CHUNK), WIRE_CHUNK);
        wire->waiting = sink_over(arena_room(memory, waiting), waiting);
        if (wire->chunk == NULL || wire->unsent.at == NULL || wire->waiting.at == NULL)
            return false;
    }
    int flags = fcntl(fd, F_GETFL), at_once = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once); /* of TCP only */
    return wire->message.at != NULL && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

void wire_fini(struct wire *wire)
{
    if (wire->is_websocket)
        wire_end_frames(wire);
    wire->is_websocket = false;
    wire_end_tls(wire);
    fd_close(&wire->fd);
}

/* Whether the descriptor is ready, or gone, before the deadline. */
bool wire_wait(int fd, short events, int64_t deadline_ms)
{
    struct pollfd wanted = { .fd = fd, .events = events };
    for (;;) {
        int64_t left = deadline_ms - clock_monotonic_ms();
        if (left < 0)
            left = 0;
        int ready = poll(&wanted, 1, left > WAIT_MAX_MS ? WAIT_MAX_MS : (int)left);
        if (ready > 0)
            return true;
        if (left == 0 || (ready < 0 && errno != EINTR))
            return false;
    }
}

static bool is_for_later(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

enum wire_step wire_read(struct wire *wire, uint8_t *at, size_t cap, int64_t deadline_ms,
                         size_t *len)
{
    if (wire->tls != NULL)
        return wire_read_tls(wire, at, cap, deadline_ms, len);
    for (;;) {
        ssize_t got = read(wire->fd, at, cap);
        if (got > 0) {
            *len = (size_t)got;
            return WIRE_DONE;
        }
        if (got == 0 || (!is_for_later() && errno != EINTR))
            return WIRE_ENDED;
        if (is_for_later() && !wire_wait(wire->fd, POLLIN, deadline_ms))
            return WIRE_LATE;
    }
}

/* A peer that is gone is an answer and no signal; what is no socket has none to give. */
static ssize_t put(int fd, struct span head, struct span body)
{
    struct iovec parts[] = { { (void *)(uintptr_t)head.at, head.len },
                             { (void *)(uintptr_t)body.at, body.len } };
    const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t gone = sendmsg(fd, &message, MSG_NOSIGNAL);
    return gone < 0 && errno == ENOTSOCK ? writev(fd, parts, 2) : gone;
}

/* Moves past what is on its way. */
static bool advance(struct cursor *head, struct cursor *body, size_t gone)
{
    size_t of_head = gone < cur_left(head) ? gone : cur_left(head);
    return cur_skip(head, of_head) && cur_skip(body, gone - of_head);
}

/* Both in one piece, where they fit: a head that goes alone makes the rest wait for its answer. */
static enum wire_step drain(struct wire *wire, struct cursor *head, struct cursor *body,
                            int64_t deadline_ms)
{
    if (wire->tls != NULL) {
        enum wire_step step = wire_write_tls(wire, head, deadline_ms);
        return step == WIRE_DONE ? wire_write_tls(wire, body, deadline_ms) : step;
    }
    while (cur_left(head) + cur_left(body) > 0) {
        ssize_t gone = put(wire->fd, cur_rest(head), cur_rest(body));
        if (gone >= 0 ? !advance(head, body, (size_t)gone) : !is_for_later() && errno != EINTR)
            return WIRE_ENDED;
        if (gone < 0 && is_for_later() && !wire_wait(wire->fd, POLLOUT, deadline_ms))
            return WIRE_LATE;
    }
    return WIRE_DONE;
}

enum wire_step wire_write(struct wire *wire, struct span bytes, int64_t deadline_ms)
{
    struct cursor none = cur_over((struct span){ 0 }), left = cur_over(bytes);
    return drain(wire, &none, &left, deadline_ms);
}

enum wire_step wire_write_unsent(struct wire *wire, int64_t deadline_ms)
{
    struct cursor none = cur_over((struct span){ 0 }), left = cur_over(sink_bytes(&wire->unsent));
    enum wire_step step = drain(wire, &none, &left, deadline_ms);
    sink_drop(&wire->unsent, cur_offset(&left));
    return step;
}

/* Reads until there are `wanted` bytes at `at`. */
static enum wire_step fill(struct wire *wire, uint8_t *at, size_t *have, size_t wanted,
                           int64_t deadline_ms)
{
    while (*have < wanted) {
        size_t len;
        enum wire_step step = wire_read(wire, at + *have, wanted - *have, deadline_ms, &len);
        if (step != WIRE_DONE)
            return step;
        *have += len;
    }
    return WIRE_DONE;
}

static enum wire_step receive_of_stream(struct wire *wire, size_t max, int64_t deadline_ms,
                                        struct wire_message *out)
{
    enum wire_step step = fill(wire, wire->head, &wire->head_len, sizeof wire->head, deadline_ms);
    if (step != WIRE_DONE)
        return step;
    struct cursor head = cur_over(SPAN(wire->head));
    uint32_t wanted;
    if (!cur_u32le(&head, &wanted) || wanted > max || wanted > WIRE_MESSAGE) {
        wire->reason = REASON_CHANNEL_TOO_LARGE;
        return WIRE_REFUSED;
    }
    step = fill(wire, wire->message.at, &wire->message.len, wanted, deadline_ms);
    if (step != WIRE_DONE)
        return step;
    *out = (struct wire_message){ wire->message.at, wanted };
    wire->head_len = 0;
    wire->message.len = 0;
    return WIRE_DONE;
}

enum wire_step wire_receive(struct wire *wire, size_t max, int64_t deadline_ms,
                            struct wire_message *out)
{
    return wire->framing == WIRE_STREAM ? receive_of_stream(wire, max, deadline_ms, out)
                                        : wire_receive_frame(wire, max, deadline_ms, out);
}

enum wire_step wire_send(struct wire *wire, struct span message, int64_t deadline_ms)
{
    uint8_t head[sizeof(uint32_t)];
    struct sink out = sink_over(head, sizeof head);
    if (wire->framing == WIRE_WEBSOCKET)
        return wire_send_frame(wire, message, deadline_ms);
    sink_u32le(&out, (uint32_t)message.len);
    struct cursor before = cur_over(sink_bytes(&out)), left = cur_over(message);
    return drain(wire, &before, &left, deadline_ms);
}
