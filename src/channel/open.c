/* open.c - records of an open channel, both ways: each the next one or the last one. */
#include "channel/parts.h"

/* The record of this step, which must be the next; moves the way on. */
static enum reason open_next(struct attested_step *step, struct span *plain)
{
    struct attested *channel = step->channel;
    if (channel->got_close)
        return REASON_CHANNEL_UNEXPECTED;
    return attested_record_open(channel->bulk, &channel->keys.in, step->message, plain);
}

/* One that says all by its type. */
static enum reason open_empty(struct attested_step *step)
{
    struct span plain;
    enum reason reason = open_next(step, &plain);
    return reason == REASON_OK && plain.len > 0 ? REASON_CHANNEL_MALFORMED : reason;
}

enum reason attested_on_data(struct attested_step *step)
{
    struct attested_way *in = &step->channel->keys.in;
    struct span plain;
    enum reason reason = open_next(step, &plain);
    if (reason != REASON_OK)
        return reason;
    in->bytes += plain.len; /* at most ATTESTED_EPOCH_BYTES_MAX before */
    if (in->seq > ATTESTED_EPOCH_RECORDS_MAX || in->bytes > ATTESTED_EPOCH_BYTES_MAX ||
        attested_elapsed(in->since_ms, step->message.now_ms) > ATTESTED_EPOCH_LATE_MS)
        return REASON_CHANNEL_REKEY_OVERDUE;
    step->event = (struct attested_event){ .kind = ATTESTED_DATA, .data = plain };
    return REASON_OK;
}

enum reason attested_on_rekey(struct attested_step *step)
{
    enum reason reason = open_empty(step);
    if (reason == REASON_OK && !attested_way_next(&step->channel->keys.in, step->message.now_ms))
        reason = REASON_CHANNEL_EXHAUSTED;
    return reason;
}

enum reason attested_on_close(struct attested_step *step)
{
    enum reason reason = open_empty(step);
    if (reason != REASON_OK)
        return reason;
    step->channel->got_close = true;
    step->event = (struct attested_event){ .kind = ATTESTED_CLOSED };
    return REASON_OK;
}

enum reason attested_on_record_refuse(struct attested_step *step)
{
    struct span plain;
    enum reason reason = open_next(step, &plain);
    if (reason != REASON_OK)
        return reason;
    struct cursor in = cur_over(plain);
    reason = attested_parse_refusal(&in, &step->about);
    return reason == REASON_OK ? REASON_CHANNEL_REFUSED_BY_PEER : reason;
}

static bool may_send(const struct attested *channel)
{
    return channel->state == ATTESTED_IS_OPEN && !channel->sent_close;
}

static bool has_room(const struct sink *out, size_t len)
{
    return sink_ok(out) && out->cap - out->len >= len;
}

/* Room was asked for before. */
static bool put_record(struct attested *channel, enum attested_type type, struct span plain,
                       struct sink *out, struct attested_sent *sent)
{
    size_t len = plain.len + ATTESTED_RECORD_EXTRA;
    uint8_t *at = sink_room(out, len);
    if (at == NULL || !attested_record_seal(channel->bulk, &channel->keys.out, type, plain, at))
        return false;
    sent->messages[sent->count++] = span_of(at, len);
    return true;
}

static bool rekey_is_due(const struct attested_way *way, size_t len, int64_t now_ms)
{
    return way->seq >= ATTESTED_EPOCH_RECORDS_MAX || way->bytes + len > ATTESTED_EPOCH_BYTES_MAX ||
           attested_elapsed(way->since_ms, now_ms) >= ATTESTED_EPOCH_MS;
}

bool attested_send(struct attested *channel, struct span plain, int64_t now_ms, struct sink *out,
                   struct attested_sent *sent)
{
    struct attested_way *way = &channel->keys.out;
    struct attested_sent made = { .count = 0 };
    if (!may_send(channel) || plain.len > ATTESTED_PLAIN_MAX ||
        !has_room(out, plain.len + 2 * (size_t)ATTESTED_RECORD_EXTRA))
        return false;
    if (rekey_is_due(way, plain.len, now_ms)) {
        if (way->epoch == UINT32_MAX ||
            !put_record(channel, ATTESTED_RECORD_REKEY, (struct span){ 0 }, out, &made) ||
            !attested_way_next(way, now_ms))
            return false;
    }
    if (!put_record(channel, ATTESTED_RECORD_DATA, plain, out, &made))
        return false;
    way->bytes += plain.len;
    *sent = made;
    return true;
}

bool attested_close(struct attested *channel, struct sink *out)
{
    struct attested_sent made = { .count = 0 };
    if (!may_send(channel) || !has_room(out, ATTESTED_RECORD_EXTRA) ||
        !put_record(channel, ATTESTED_RECORD_CLOSE, (struct span){ 0 }, out, &made))
        return false;
    channel->sent_close = true;
    if (channel->got_close)
        attested_wipe(channel);
    return true;
}
