/* stream.c - see stream.h. */
#include "sandbox/stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "codec/utf8.h"
#include "os/fd.h"

bool stream_wait(const struct stream *stream, struct pollfd *out)
{
    const bool holds = stream->sent < stream->held_len;
    *out = (struct pollfd){ .fd = holds ? stream->to : stream->from,
                            .events = holds ? POLLOUT : POLLIN };
    if (!holds && stream->ended)
        out->fd = -1;
    return out->fd >= 0;
}

/* Whether the rest may be the beginning of a character: its first byte says how long that is. */
static bool may_begin(struct span rest)
{
    const uint8_t first = rest.at[0];
    const size_t len = first >= 0xf0 && first <= 0xf4   ? 4
                       : first >= 0xe0 && first <= 0xef ? 3
                       : first >= 0xc2 && first <= 0xdf ? 2
                                                        : 1;
    if (rest.len >= len)
        return false;
    for (size_t i = 1; i < rest.len; i++) {
        if ((rest.at[i] & 0xc0) != 0x80)
            return false;
    }
    return true;
}

size_t stream_show(struct sink *out, struct span text, bool last)
{
    size_t at = 0;
    while (at < text.len) {
        const uint8_t byte = text.at[at];
        const size_t len = utf8_sequence(text, at);
        const struct span rest = span_of(text.at + at, text.len - at);
        if (len == 0 && !last && may_begin(rest))
            break;
        const bool plain = byte == '\n' || byte == '\t' ||
                           (len > 0 && !utf8_is_control(utf8_code_point(span_of(rest.at, len))));
        if (plain)
            sink_put(out, span_of(rest.at, len));
        else
            sink_format(out, "\\x%02x", byte);
        at += plain ? len : 1;
    }
    return at;
}

static void take(struct stream *stream)
{
    uint8_t room[STREAM_CARRIED + STREAM_TAKEN];
    memcpy(room, stream->carried, stream->carried_len);
    ssize_t got = read(stream->from, room + stream->carried_len, STREAM_TAKEN);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    stream->ended = got <= 0;
    const struct span text = span_of(room, stream->carried_len + (size_t)(got < 0 ? 0 : got));
    struct sink out = sink_over(stream->held, sizeof stream->held);
    size_t taken = text.len;
    if (stream->shown)
        taken = stream_show(&out, text, stream->ended);
    else
        sink_put(&out, text);
    stream->carried_len = text.len - taken;
    memcpy(stream->carried, room + taken, stream->carried_len);
    stream->held_len = stream->to < 0 ? 0 : out.len;
    stream->sent = 0;
}

/* How much of it is written at once: all, or to the end of its last line. */
static size_t piece_of(const struct stream *stream)
{
    const size_t len = stream->held_len - stream->sent;
    const uint8_t *rest = stream->held + stream->sent;
    const uint8_t *end = stream->pauses ? memrchr(rest, '\n', len) : NULL;
    return end == NULL ? len : (size_t)(end - rest) + 1;
}

static void put(struct stream *stream)
{
    ssize_t put = write(stream->to, stream->held + stream->sent, piece_of(stream));
    if (put >= 0) {
        stream->sent += (size_t)put;
        if (put > 0 && stream->within != NULL)
            *stream->within = stream->held[stream->sent - 1] != '\n';
    } else if (errno != EINTR && errno != EAGAIN) {
        stream->lost = true;
        stream->to = -1;
        stream->held_len = stream->sent = 0;
    }
}

void stream_rest(struct stream *stream)
{
    struct pollfd more = { .fd = stream->from, .events = POLLIN };
    if (stream->sent == stream->held_len && !stream->ended && poll(&more, 1, 0) == 0)
        stream->ended = true;
}

void stream_end_line(struct stream *stream)
{
    if (stream->to < 0 || stream->within == NULL || !*stream->within || !fd_takes(stream->to))
        return; /* whoever does not read it is told nothing either */
    *stream->within = false;
    ssize_t put = write(stream->to, "\n", 1);
    (void)put; /* whoever cannot be written to is found out with the next piece */
}

void stream_step(struct stream *stream, short revents)
{
    if (revents == 0)
        return;
    if (stream->sent < stream->held_len)
        put(stream);
    else
        take(stream);
}
