/* responder.c - the side that is spoken to: HELLO, ACCEPT, FINISH, DONE.  It proves itself
   first, and is open only when it has judged what the initiator shows. */
#include "channel/parts.h"

#include <string.h>

#include "crypto/ct.h"

/* The responder's best AEAD among those offered; AEAD_NONE when there is none. */
static enum aead choose(const struct attested *channel, const struct attested_hello *hello)
{
    for (size_t own = 0; own < channel->aead_count; own++)
        for (size_t i = 0; i < hello->aead_count; i++)
            if (channel->aeads[own] == hello->aeads[i])
                return channel->aeads[own];
    return AEAD_NONE;
}

static enum reason judge_hello(const struct attested *channel, const struct attested_hello *hello)
{
    if (!span_equal(hello->purpose, span_of(channel->purpose, channel->purpose_len)))
        return REASON_CHANNEL_PURPOSE;
    if (choose(channel, hello) == AEAD_NONE)
        return REASON_CHANNEL_AEAD;
    if (channel->wants_evidence && !hello->gives)
        return REASON_CHANNEL_EVIDENCE_REQUIRED;
    if (hello->wants && !channel->gives_evidence)
        return REASON_CHANNEL_EVIDENCE_UNAVAILABLE;
    return REASON_OK;
}

enum reason attested_on_hello(struct attested_step *step)
{
    struct attested *channel = step->channel;
    struct attested_hello hello;
    enum reason reason = attested_parse_hello(&step->in, &hello);
    if (reason == REASON_OK)
        reason = judge_hello(channel, &hello);
    if (reason != REASON_OK)
        return reason;
    memcpy(channel->nonce[0], hello.nonce, sizeof hello.nonce);
    memcpy(channel->point[0], hello.point, sizeof hello.point);
    channel->aead = choose(channel, &hello);
    channel->peer_wants_evidence = hello.wants;
    reason = attested_agree(channel);
    if (reason != REASON_OK)
        return reason;

    uint8_t clear[ATTESTED_ACCEPT_CLEAR];
    struct sink accept = sink_over(clear, sizeof clear);
    attested_write_accept(channel, &accept);
    attested_transcript_begin(channel, span_of(step->message.at, step->message.len),
                              sink_bytes(&accept));
    if (!hello.wants)
        return attested_give_accept(step, &attested_no_evidence);
    channel->state = ATTESTED_QUOTES_ACCEPT;
    step->event = (struct attested_event){ .kind = ATTESTED_NEEDS_EVIDENCE,
                                           .report_data = channel->report_data[1] };
    return REASON_OK;
}

enum reason attested_give_accept(struct attested_step *step,
                                 const struct attested_evidence *evidence)
{
    struct attested *channel = step->channel;
    size_t plain = ATTESTED_EVIDENCE_HEAD + evidence->evidence.len + evidence->log.len;
    uint8_t *at = sink_room(step->out, ATTESTED_ACCEPT_CLEAR + plain + AEAD_TAG);
    if (at == NULL)
        return REASON_CHANNEL_MISUSED;
    struct sink message = sink_over(at, ATTESTED_ACCEPT_CLEAR + plain);
    attested_write_accept(channel, &message);
    attested_write_evidence(evidence, &message);
    attested_handshake_way(channel, ATTESTED_RESPONDER, &channel->keys.out);
    const struct attested_parcel parcel = { at, ATTESTED_ACCEPT_CLEAR, plain };
    if (!attested_parcel_seal(channel->bulk, &channel->keys.out, parcel))
        return REASON_CHANNEL_EXHAUSTED;
    attested_transcript_accept(channel, span_of(at + ATTESTED_ACCEPT_CLEAR, plain + AEAD_TAG));
    attested_handshake_way(channel, ATTESTED_INITIATOR, &channel->keys.in);
    channel->state = ATTESTED_WAITS_FINISH;
    return REASON_OK;
}

enum reason attested_on_finish(struct attested_step *step)
{
    struct attested *channel = step->channel;
    const size_t clear = cur_offset(&step->in);
    if (cur_left(&step->in) < AEAD_TAG)
        return REASON_CHANNEL_MALFORMED;
    const struct attested_parcel parcel = { step->message.at, clear,
                                            cur_left(&step->in) - AEAD_TAG };
    attested_transcript_finish(channel, span_of(step->message.at, step->message.len));
    if (!attested_parcel_open(channel->bulk, &channel->keys.in, parcel))
        return REASON_CHANNEL_TRANSCRIPT;
    struct attested_evidence evidence;
    enum reason reason = attested_parse_evidence(span_of(parcel.at + parcel.clear, parcel.plain),
                                                 &evidence);
    if (reason != REASON_OK)
        return reason;
    if (!channel->wants_evidence)
        return evidence.kind == ATTESTED_KIND_NONE ? attested_after_finish(step)
                                                   : REASON_CHANNEL_MALFORMED;
    if (evidence.kind == ATTESTED_KIND_NONE)
        return REASON_CHANNEL_EVIDENCE_REQUIRED;
    channel->state = ATTESTED_JUDGES_FINISH;
    step->event = (struct attested_event){ .kind = ATTESTED_JUDGE,
                                           .report_data = channel->report_data[0],
                                           .evidence = evidence };
    return REASON_OK;
}

/* DONE is the first record of the new key: whoever can read it has the same transcript. */
enum reason attested_after_finish(struct attested_step *step)
{
    struct attested *channel = step->channel;
    uint8_t *at = sink_room(step->out, ATTESTED_RECORD_EXTRA);
    if (at == NULL)
        return REASON_CHANNEL_MISUSED;
    attested_traffic_way(channel, ATTESTED_INITIATOR, step->message.now_ms, &channel->keys.in);
    attested_traffic_way(channel, ATTESTED_RESPONDER, step->message.now_ms, &channel->keys.out);
    ct_wipe(channel->keys.handshake, sizeof channel->keys.handshake);
    channel->state = ATTESTED_IS_OPEN;
    if (!attested_record_seal(channel->bulk, &channel->keys.out, ATTESTED_RECORD_DONE,
                              (struct span){ 0 }, at))
        return REASON_CHANNEL_EXHAUSTED;
    step->event = (struct attested_event){ .kind = ATTESTED_OPEN };
    return REASON_OK;
}
