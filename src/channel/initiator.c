/* initiator.c - the side that speaks first: HELLO, ACCEPT, FINISH, DONE.  It shows its evidence
   only to a peer that it has judged, and is open only when that peer has said DONE. */
#include "channel/parts.h"

#include <string.h>

#include "crypto/ct.h"

static bool was_offered(const struct attested *channel, enum aead aead)
{
    for (size_t i = 0; i < channel->aead_count; i++)
        if (channel->aeads[i] == aead)
            return true;
    return false;
}

static enum reason judge_accept(const struct attested *channel,
                                const struct attested_accept *accept)
{
    if (!was_offered(channel, accept->aead))
        return REASON_CHANNEL_AEAD;
    if (channel->wants_evidence && !accept->gives)
        return REASON_CHANNEL_EVIDENCE_REQUIRED;
    if (accept->gives && !channel->wants_evidence)
        return REASON_CHANNEL_MALFORMED; /* nobody asked */
    if (accept->wants && !channel->gives_evidence)
        return REASON_CHANNEL_EVIDENCE_UNAVAILABLE;
    return REASON_OK;
}

/* What the responder's part in the clear leads to: keys, and what its evidence must say. */
static enum reason take_clear(struct attested_step *step)
{
    struct attested *channel = step->channel;
    struct attested_accept accept;
    enum reason reason = attested_parse_accept(&step->in, &accept);
    if (reason == REASON_OK)
        reason = judge_accept(channel, &accept);
    if (reason != REASON_OK)
        return reason;
    memcpy(channel->nonce[1], accept.nonce, sizeof accept.nonce);
    memcpy(channel->point[1], accept.point, sizeof accept.point);
    channel->aead = accept.aead;
    channel->peer_wants_evidence = accept.wants;
    reason = attested_agree(channel);
    if (reason == REASON_OK)
        attested_transcript_begin(channel, span_of(channel->hello, channel->hello_len),
                                  span_of(step->message.at, cur_offset(&step->in)));
    return reason;
}

enum reason attested_on_accept(struct attested_step *step)
{
    struct attested *channel = step->channel;
    enum reason reason = take_clear(step);
    if (reason != REASON_OK)
        return reason;
    if (cur_left(&step->in) < AEAD_TAG)
        return REASON_CHANNEL_MALFORMED;
    const struct attested_parcel parcel = { step->message.at, cur_offset(&step->in),
                                            cur_left(&step->in) - AEAD_TAG };
    attested_handshake_way(channel, ATTESTED_RESPONDER, &channel->keys.in);
    attested_transcript_accept(channel, cur_rest(&step->in));
    if (!attested_parcel_open(channel->bulk, &channel->keys.in, parcel))
        return REASON_CHANNEL_TRANSCRIPT;
    attested_handshake_way(channel, ATTESTED_INITIATOR, &channel->keys.out);

    struct attested_evidence evidence;
    reason = attested_parse_evidence(span_of(parcel.at + parcel.clear, parcel.plain), &evidence);
    if (reason != REASON_OK)
        return reason;
    if (!channel->wants_evidence)
        return evidence.kind == ATTESTED_KIND_NONE ? attested_after_accept(step)
                                                   : REASON_CHANNEL_MALFORMED;
    if (evidence.kind == ATTESTED_KIND_NONE)
        return REASON_CHANNEL_EVIDENCE_REQUIRED;
    channel->state = ATTESTED_JUDGES_ACCEPT;
    step->event = (struct attested_event){ .kind = ATTESTED_JUDGE,
                                           .report_data = channel->report_data[1],
                                           .evidence = evidence };
    return REASON_OK;
}

enum reason attested_after_accept(struct attested_step *step)
{
    struct attested *channel = step->channel;
    if (!channel->peer_wants_evidence)
        return attested_give_finish(step, &attested_no_evidence);
    channel->state = ATTESTED_QUOTES_FINISH;
    step->event = (struct attested_event){ .kind = ATTESTED_NEEDS_EVIDENCE,
                                           .report_data = channel->report_data[0] };
    return REASON_OK;
}

enum reason attested_give_finish(struct attested_step *step,
                                 const struct attested_evidence *evidence)
{
    struct attested *channel = step->channel;
    const uint8_t head[] = { ATTESTED_FINISH, ATTESTED_VERSION };
    size_t plain = ATTESTED_EVIDENCE_HEAD + evidence->evidence.len + evidence->log.len;
    uint8_t *at = sink_room(step->out, sizeof head + plain + AEAD_TAG);
    if (at == NULL)
        return REASON_CHANNEL_MISUSED;
    struct sink message = sink_over(at, sizeof head + plain);
    sink_put(&message, SPAN(head));
    attested_write_evidence(evidence, &message);
    const struct attested_parcel parcel = { at, sizeof head, plain };
    if (!attested_parcel_seal(channel->bulk, &channel->keys.out, parcel))
        return REASON_CHANNEL_EXHAUSTED;
    attested_transcript_finish(channel, span_of(at, sizeof head + plain + AEAD_TAG));
    channel->state = ATTESTED_WAITS_DONE;
    return REASON_OK;
}

enum reason attested_on_done(struct attested_step *step)
{
    struct attested *channel = step->channel;
    struct attested_way way;
    struct span plain;
    attested_traffic_way(channel, ATTESTED_RESPONDER, step->message.now_ms, &way);
    enum reason reason = attested_record_open(channel->bulk, &way, step->message, &plain);
    if (reason == REASON_OK && plain.len > 0)
        reason = REASON_CHANNEL_MALFORMED;
    if (reason == REASON_OK) {
        channel->keys.in = way;
        attested_traffic_way(channel, ATTESTED_INITIATOR, step->message.now_ms, &channel->keys.out);
        ct_wipe(channel->keys.handshake, sizeof channel->keys.handshake);
        channel->state = ATTESTED_IS_OPEN;
        step->event = (struct attested_event){ .kind = ATTESTED_OPEN };
    }
    ct_wipe(&way, sizeof way);
    return reason;
}
