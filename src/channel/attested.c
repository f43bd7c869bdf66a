/* attested.c - the table of the channel: in which state which message is the next one.  What
   is not in it ends the channel. */
#include "channel/parts.h"

#include <string.h>

#include "base/number.h"
#include "crypto/ct.h"

/* Of a clear refusal nobody knows who wrote it.  It is taken where the peer may have no keys,
   and does what a cut wire would do. */
static enum reason on_refuse(struct attested_step *step)
{
    enum reason reason = attested_parse_refusal(&step->in, &step->about);
    return reason == REASON_OK ? REASON_CHANNEL_REFUSED_BY_PEER : reason;
}

static enum reason on_refuse_sealed(struct attested_step *step)
{
    struct attested *channel = step->channel;
    if (cur_left(&step->in) < AEAD_TAG)
        return REASON_CHANNEL_MALFORMED;
    const struct attested_parcel parcel = { step->message.at, cur_offset(&step->in),
                                            cur_left(&step->in) - AEAD_TAG };
    if (!attested_parcel_open(channel->bulk, &channel->keys.in, parcel))
        return REASON_CHANNEL_TRANSCRIPT;
    struct cursor in = cur_over(span_of(parcel.at + parcel.clear, parcel.plain));
    enum reason reason = attested_parse_refusal(&in, &step->about);
    return reason == REASON_OK ? REASON_CHANNEL_REFUSED_BY_PEER : reason;
}

static enum reason (*const steps[ATTESTED_STATE_COUNT][ATTESTED_TYPE_COUNT])(
    struct attested_step *) = {
    [ATTESTED_WAITS_HELLO] = { [ATTESTED_HELLO] = attested_on_hello },
    [ATTESTED_QUOTES_ACCEPT] = { [ATTESTED_REFUSE] = on_refuse },
    [ATTESTED_WAITS_ACCEPT] = { [ATTESTED_ACCEPT] = attested_on_accept,
                                [ATTESTED_REFUSE] = on_refuse },
    [ATTESTED_JUDGES_ACCEPT] = { [ATTESTED_REFUSE_SEALED] = on_refuse_sealed },
    [ATTESTED_QUOTES_FINISH] = { [ATTESTED_REFUSE_SEALED] = on_refuse_sealed },
    [ATTESTED_WAITS_FINISH] = { [ATTESTED_FINISH] = attested_on_finish,
                                [ATTESTED_REFUSE] = on_refuse,
                                [ATTESTED_REFUSE_SEALED] = on_refuse_sealed },
    [ATTESTED_JUDGES_FINISH] = { [ATTESTED_REFUSE_SEALED] = on_refuse_sealed },
    [ATTESTED_WAITS_DONE] = { [ATTESTED_RECORD_DONE] = attested_on_done,
                              [ATTESTED_REFUSE_SEALED] = on_refuse_sealed },
    [ATTESTED_IS_OPEN] = { [ATTESTED_RECORD_DATA] = attested_on_data,
                           [ATTESTED_RECORD_REKEY] = attested_on_rekey,
                           [ATTESTED_RECORD_CLOSE] = attested_on_close,
                           [ATTESTED_RECORD_REFUSE] = attested_on_record_refuse },
};

static bool is_handshake(const struct attested *channel)
{
    return channel->state != ATTESTED_IS_OVER && channel->state != ATTESTED_IS_OPEN;
}

void attested_wipe(struct attested *channel)
{
    ct_wipe(&channel->keys, sizeof channel->keys);
    bulk_forget(channel->bulk);
    channel->state = ATTESTED_IS_OVER;
}

/* The refusal in the form that the peer can read now: a record, sealed for the handshake, or in
   the clear.  An initiator that never spoke says nothing. */
static void say_refusal(struct attested *channel, enum reason said, struct sink *out)
{
    const char *name = reason_info(said)->name;
    bool open = channel->state == ATTESTED_IS_OPEN;
    bool sealed = channel->keys.out.aead != AEAD_NONE;
    uint8_t room[1 + ATTESTED_REASON_MAX];
    struct sink text = sink_over(room, sizeof room);
    sink_u8(&text, (uint8_t)strlen(name));
    sink_text(&text, name);
    const size_t around = sealed ? 2 + AEAD_TAG : 2;
    size_t len = text.len + (open ? (size_t)ATTESTED_RECORD_EXTRA : around);
    if (channel->state == ATTESTED_IS_NEW || channel->sent_close || !sink_ok(&text) ||
        !sink_ok(out) || out->cap - out->len < len)
        return;
    size_t begin = out->len;
    uint8_t *at = sink_room(out, len);
    bool ok = at != NULL;
    if (ok && open) {
        ok = attested_record_seal(channel->bulk, &channel->keys.out, ATTESTED_RECORD_REFUSE,
                                  sink_bytes(&text), at);
    } else if (ok) {
        at[0] = sealed ? ATTESTED_REFUSE_SEALED : ATTESTED_REFUSE;
        at[1] = ATTESTED_VERSION;
        memcpy(at + 2, room, text.len);
        ok = !sealed || attested_parcel_seal(channel->bulk, &channel->keys.out,
                                             (struct attested_parcel){ at, 2, text.len });
    }
    if (!ok)
        sink_cut(out, begin);
}

/* `out` is NULL where the peer has said or seen the end itself. */
static struct attested_event end(struct attested *channel, enum reason reason, enum reason about,
                                 struct sink *out)
{
    if (out != NULL)
        say_refusal(channel, about != REASON_NONE ? about : reason, out);
    attested_wipe(channel);
    return (struct attested_event){ .kind = ATTESTED_ENDED, .reason = reason, .about = about };
}

static struct attested_event misused(struct attested *channel, struct sink *out)
{
    if (channel->state == ATTESTED_IS_OVER)
        return (struct attested_event){ .kind = ATTESTED_NOTHING };
    return end(channel, REASON_CHANNEL_MISUSED, REASON_NONE, out);
}

/* What a step led to; a step that failed has written nothing that is whole. */
static struct attested_event outcome(struct attested_step *step, enum reason reason, size_t begin)
{
    if (reason == REASON_OK) {
        if (step->channel->got_close && step->channel->sent_close)
            attested_wipe(step->channel);
        return step->event;
    }
    if (step->out->len > begin)
        sink_cut(step->out, begin);
    return end(step->channel, reason, step->about,
               reason == REASON_CHANNEL_REFUSED_BY_PEER ? NULL : step->out);
}

static bool setup_is_good(const struct attested_setup *setup)
{
    bool ok = (setup->role == ATTESTED_INITIATOR || setup->role == ATTESTED_RESPONDER) &&
              setup->bulk != NULL && setup->nonce != NULL && setup->secret != NULL &&
              setup->aead_count >= 1 && setup->aead_count <= COUNT_OF(setup->aeads) &&
              attested_purpose_is_good(setup->purpose);
    for (size_t i = 0; ok && i < setup->aead_count; i++)
        ok = aead_nonce_len(setup->aeads[i]) != 0;
    return ok && (setup->aead_count == 1 || setup->aeads[0] != setup->aeads[1]);
}

bool attested_init(struct attested *channel, const struct attested_setup *setup)
{
    *channel = (struct attested){ 0 };
    int64_t deadline;
    if (!setup_is_good(setup) || !add_i64(setup->now_ms, ATTESTED_HANDSHAKE_MS, &deadline))
        return false;
    bool initiator = setup->role == ATTESTED_INITIATOR;
    size_t own = initiator ? 0 : 1;
    channel->state = initiator ? ATTESTED_IS_NEW : ATTESTED_WAITS_HELLO;
    channel->role = setup->role;
    channel->aead_count = setup->aead_count;
    memcpy(channel->aeads, setup->aeads, sizeof channel->aeads);
    channel->gives_evidence = setup->gives_evidence;
    channel->wants_evidence = setup->wants_evidence;
    channel->bulk = setup->bulk;
    channel->deadline_ms = deadline;
    channel->purpose_len = setup->purpose.len;
    memcpy(channel->purpose, setup->purpose.at, setup->purpose.len);
    memcpy(channel->nonce[own], setup->nonce, ATTESTED_RANDOM);
    memcpy(channel->keys.own, setup->secret, ATTESTED_RANDOM);
    x25519_public(channel->keys.own, channel->point[own]);
    return true;
}

void attested_fini(struct attested *channel)
{
    attested_wipe(channel);
    ct_wipe(channel, sizeof *channel);
}

bool attested_is_open(const struct attested *channel)
{
    return channel->state == ATTESTED_IS_OPEN;
}

static bool way_is_sound(const struct attested *channel, const struct attested_way *way)
{
    return way->aead == channel->aead && way->aead != AEAD_NONE &&
           way->bytes <= ATTESTED_EPOCH_BYTES_MAX;
}

bool attested_is_sound(const struct attested *channel)
{
    if (channel->state == ATTESTED_IS_OVER)
        return bytes_are_zero(&channel->keys, sizeof channel->keys);
    if (channel->state >= ATTESTED_STATE_COUNT || channel->bulk == NULL)
        return false;
    if (channel->state != ATTESTED_IS_OPEN)
        return !channel->got_close && !channel->sent_close;
    return way_is_sound(channel, &channel->keys.in) && way_is_sound(channel, &channel->keys.out) &&
           bytes_are_zero(channel->keys.own, sizeof channel->keys.own) &&
           bytes_are_zero(channel->keys.handshake, sizeof channel->keys.handshake) &&
           !(channel->got_close && channel->sent_close);
}

const uint8_t *attested_bound(const struct attested *channel)
{
    return channel->bound;
}

const uint8_t *attested_session(const struct attested *channel)
{
    return channel->transcript;
}

size_t attested_message_max(const struct attested *channel)
{
    const size_t refusal = 2 + 1 + ATTESTED_REASON_MAX + AEAD_TAG;
    size_t evidence = ATTESTED_EVIDENCE_HEAD + AEAD_TAG;
    if (channel->wants_evidence)
        evidence += ATTESTED_EVIDENCE_MAX + ATTESTED_LOG_MAX;
    switch (channel->state) {
    case ATTESTED_WAITS_HELLO:
        return ATTESTED_HELLO_MAX;
    case ATTESTED_WAITS_ACCEPT:
        return ATTESTED_ACCEPT_CLEAR + evidence;
    case ATTESTED_WAITS_FINISH:
        return 2 + evidence > refusal ? 2 + evidence : refusal;
    case ATTESTED_IS_OPEN:
        return ATTESTED_PLAIN_MAX + ATTESTED_RECORD_EXTRA;
    default:
        return refusal;
    }
}

struct attested_event attested_start(struct attested *channel, struct sink *out)
{
    if (channel->state != ATTESTED_IS_NEW)
        return misused(channel, out);
    struct sink hello = sink_over(channel->hello, sizeof channel->hello);
    attested_write_hello(channel, &hello);
    channel->hello_len = hello.len;
    sink_put(out, sink_bytes(&hello));
    if (!sink_ok(out))
        return misused(channel, out);
    channel->state = ATTESTED_WAITS_ACCEPT;
    return (struct attested_event){ .kind = ATTESTED_NOTHING };
}

/* Type, and version where there is one: records have none, their keys are of this version. */
static enum reason take(struct attested_step *step)
{
    struct attested *channel = step->channel;
    uint8_t type;
    uint8_t version;
    if (!cur_u8(&step->in, &type))
        return REASON_CHANNEL_MALFORMED;
    if (type >= ATTESTED_TYPE_COUNT || steps[channel->state][type] == NULL)
        return REASON_CHANNEL_UNEXPECTED;
    if (step->message.len > attested_message_max(channel))
        return REASON_CHANNEL_TOO_LARGE;
    if (type < ATTESTED_RECORD_DONE) {
        if (!cur_u8(&step->in, &version))
            return REASON_CHANNEL_MALFORMED;
        if (version != ATTESTED_VERSION)
            return REASON_CHANNEL_VERSION;
    }
    return steps[channel->state][type](step);
}

static bool is_late(const struct attested *channel, int64_t now_ms)
{
    return is_handshake(channel) && now_ms >= channel->deadline_ms;
}

struct attested_event attested_take(struct attested *channel, struct attested_message message,
                                    struct sink *out)
{
    if (channel->state == ATTESTED_IS_OVER)
        return (struct attested_event){ .kind = ATTESTED_NOTHING };
    if (is_late(channel, message.now_ms))
        return end(channel, REASON_CHANNEL_TIMEOUT, REASON_NONE, out);
    struct attested_step step = { .channel = channel,
                                  .message = message,
                                  .in = cur_over(span_of(message.at, message.len)),
                                  .out = out };
    size_t begin = out->len;
    return outcome(&step, take(&step), begin);
}

struct attested_event attested_give(struct attested *channel,
                                    const struct attested_evidence *evidence, struct sink *out)
{
    struct attested_step step = { .channel = channel, .out = out };
    size_t begin = out->len;
    bool accept = channel->state == ATTESTED_QUOTES_ACCEPT;
    if (!accept && channel->state != ATTESTED_QUOTES_FINISH)
        return misused(channel, out);
    if (evidence->kind == ATTESTED_KIND_NONE || evidence->evidence.len == 0 ||
        !attested_evidence_fits(evidence))
        return end(channel, REASON_CHANNEL_EVIDENCE_UNAVAILABLE, REASON_NONE, out);
    return outcome(&step,
                   accept ? attested_give_accept(&step, evidence)
                          : attested_give_finish(&step, evidence),
                   begin);
}

struct attested_event attested_judge(struct attested *channel, struct decision decision,
                                     int64_t now_ms, struct sink *out)
{
    struct attested_step step = { .channel = channel, .message.now_ms = now_ms, .out = out };
    size_t begin = out->len;
    bool accept = channel->state == ATTESTED_JUDGES_ACCEPT;
    if (!accept && channel->state != ATTESTED_JUDGES_FINISH)
        return misused(channel, out);
    if (is_late(channel, now_ms))
        return end(channel, REASON_CHANNEL_TIMEOUT, REASON_NONE, out);
    if (decision.verdict != ALLOW || decision.reason != REASON_OK)
        return end(channel, REASON_CHANNEL_EVIDENCE_DENIED,
                   decision.reason == REASON_OK ? REASON_NONE : decision.reason, out);
    return outcome(&step, accept ? attested_after_accept(&step) : attested_after_finish(&step),
                   begin);
}

struct attested_event attested_tick(struct attested *channel, int64_t now_ms, struct sink *out)
{
    if (is_late(channel, now_ms))
        return end(channel, REASON_CHANNEL_TIMEOUT, REASON_NONE, out);
    return (struct attested_event){ .kind = ATTESTED_NOTHING };
}

struct attested_event attested_refuse(struct attested *channel, enum reason reason,
                                      struct sink *out)
{
    if (channel->state == ATTESTED_IS_OVER)
        return (struct attested_event){ .kind = ATTESTED_NOTHING };
    return end(channel, reason, REASON_NONE, out);
}

struct attested_event attested_cut(struct attested *channel)
{
    if (channel->state == ATTESTED_IS_OVER)
        return (struct attested_event){ .kind = ATTESTED_NOTHING };
    if (!channel->got_close)
        return end(channel, REASON_CHANNEL_TRUNCATED, REASON_NONE, NULL);
    attested_wipe(channel);
    return (struct attested_event){ .kind = ATTESTED_NOTHING };
}
