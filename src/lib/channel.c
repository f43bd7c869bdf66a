/* channel.c - the public face of the channel once it is open: messages, the end of them, and why
   it is over. */
#include "lib/channel_parts.h"

#include "os/clock.h"

_Static_assert((int)WARD_REPORT_DATA == (int)ATTESTED_REPORT_DATA, "what evidence is made over");
_Static_assert((int)WARD_CHANNEL_MESSAGE == (int)ATTESTED_PLAIN_MAX, "the longest message");
_Static_assert((int)WARD_CHANNEL_SESSION == (int)SHA256_LEN, "the name of a session");
_Static_assert((int)WARD_CHANNEL_HANDSHAKE_MS == (int)ATTESTED_HANDSHAKE_MS, "how long");
_Static_assert((int)WIRE_MESSAGE >= (int)ATTESTED_MESSAGE_MAX, "no message is longer");

int64_t channel_deadline(int timeout_ms)
{
    return clock_monotonic_ms() + (timeout_ms > 0 ? timeout_ms : 0);
}

/* Why it is over, said again. */
static enum ward_outcome again(const struct ward_channel *channel, struct ward_error *error)
{
    return error_reason(error, channel->outcome, channel->reason, channel->about);
}

enum ward_outcome channel_over(struct ward_channel *channel, enum ward_outcome outcome,
                               enum reason reason, enum reason about, struct ward_error *error)
{
    if (!channel->over) {
        channel->over = true;
        channel->outcome = outcome;
        channel->reason = reason;
        channel->about = about;
        struct attested_event wiped = attested_cut(&channel->attested); /* with its keys */
        (void)wiped;
        wire_fini(&channel->wire);
    }
    return again(channel, error);
}

void ward_channel_free(struct ward_channel **channel)
{
    if (channel == NULL || *channel == NULL)
        return;
    struct ward_channel *gone = *channel;
    struct arena memory = gone->memory;
    *channel = NULL;
    attested_fini(&gone->attested);
    wire_fini(&gone->wire);
    bulk_free(&gone->bulk);
    arena_fini(&memory);
}

const uint8_t *ward_channel_session(const struct ward_channel *channel)
{
    return attested_session(&channel->attested);
}

int ward_channel_descriptor(const struct ward_channel *channel)
{
    return channel->wire.fd;
}

/* What was sent in part cannot be taken back. */
static enum ward_outcome not_sent(struct ward_channel *channel, enum wire_step step,
                                  struct ward_error *error)
{
    if (step == WIRE_LATE)
        return channel_over(channel, WARD_TIMED_OUT, REASON_CHANNEL_STALLED, REASON_NONE, error);
    return channel_over(channel, WARD_REFUSED, REASON_CHANNEL_TRUNCATED, REASON_NONE, error);
}

static enum ward_outcome put(struct ward_channel *channel, const struct attested_sent *sent,
                             int timeout_ms, struct ward_error *error)
{
    int64_t deadline_ms = channel_deadline(timeout_ms);
    for (size_t m = 0; m < sent->count; m++) {
        enum wire_step step = wire_send(&channel->wire, sent->messages[m], deadline_ms);
        if (step != WIRE_DONE)
            return not_sent(channel, step, error);
    }
    return WARD_DONE;
}

enum ward_outcome ward_channel_send(struct ward_channel *channel, struct ward_bytes message,
                                    int timeout_ms, struct ward_error *error)
{
    struct attested_sent sent;
    if (channel->over)
        return again(channel, error);
    if (message.len > WARD_CHANNEL_MESSAGE || (message.data == NULL && message.len > 0))
        return ERROR(error, WARD_BAD_INPUT, "a message has at most %d bytes", WARD_CHANNEL_MESSAGE);
    channel->out.len = 0;
    if (!attested_send(&channel->attested, span_of_bytes(message), clock_monotonic_ms(),
                       &channel->out, &sent))
        return ERROR(error, WARD_BAD_INPUT, "nothing may be sent after ward_channel_close");
    return put(channel, &sent, timeout_ms, error);
}

enum ward_outcome ward_channel_close(struct ward_channel *channel, int timeout_ms,
                                     struct ward_error *error)
{
    if (channel->over)
        return again(channel, error);
    channel->out.len = 0;
    if (!attested_close(&channel->attested, &channel->out))
        return WARD_DONE; /* it was said before */
    const struct attested_sent sent = { .messages = { sink_bytes(&channel->out) }, .count = 1 };
    return put(channel, &sent, timeout_ms, error);
}

/* A message of the peer's, or how it failed to come; what is to be said to it is said. */
static struct attested_event hear(struct ward_channel *channel, int64_t deadline_ms,
                                  enum wire_step *step)
{
    struct wire_message message;
    *step = wire_receive(&channel->wire, attested_message_max(&channel->attested), deadline_ms,
                         &message);
    if (*step != WIRE_DONE)
        return (struct attested_event){ 0 };
    channel->out.len = 0;
    struct attested_event event = attested_take(
        &channel->attested,
        (struct attested_message){ message.at, message.len, clock_monotonic_ms() }, &channel->out);
    if (channel->out.len > 0) { /* last words: they go now or never */
        enum wire_step said = wire_send(&channel->wire, sink_bytes(&channel->out), 0);
        (void)said;
    }
    return event;
}

enum ward_outcome ward_channel_receive(struct ward_channel *channel, int timeout_ms,
                                       struct ward_bytes *out, struct ward_error *error)
{
    int64_t deadline_ms = channel_deadline(timeout_ms);
    while (!channel->over && !channel->told) {
        enum wire_step step;
        struct attested_event event = hear(channel, deadline_ms, &step);
        if (step == WIRE_LATE)
            return ERROR(error, WARD_TIMED_OUT, "no message came within %d ms", timeout_ms);
        if (step == WIRE_ENDED)
            return channel_over(channel, WARD_REFUSED, REASON_CHANNEL_TRUNCATED, REASON_NONE,
                                error);
        if (step == WIRE_REFUSED)
            return channel_over(channel, WARD_REFUSED, channel->wire.reason, REASON_NONE, error);
        if (event.kind == ATTESTED_ENDED)
            return channel_over(channel, WARD_REFUSED, event.reason, event.about, error);
        if (event.kind == ATTESTED_CLOSED)
            channel->told = true;
        if (event.kind == ATTESTED_DATA) {
            *out = (struct ward_bytes){ .data = event.data.at, .len = event.data.len };
            return WARD_DONE;
        }
    }
    if (channel->over)
        return again(channel, error);
    return ERROR(error, WARD_CLOSED, "the peer has said that no more follows");
}
