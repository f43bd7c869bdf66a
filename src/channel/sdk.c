/* sdk.c - the table of profile sdk-v1: in which state which frame is the next one.  Before there
   is a key what is not in it ends the session; after, what is no good is dropped and counted, as
   the SDK does: there a peer that has not kept count of anything cannot be told from an attacker.
 */
#include "channel/sdk_parts.h"

#include <string.h>

#include "base/number.h"
#include "crypto/ct.h"

/* Of what stands in the clear nobody knows who wrote it.  It does what a cut wire would do. */
static enum reason on_reject(struct sdk_step *step)
{
    step->event.said = sdk_hand_said(step->hand);
    return REASON_CHANNEL_REFUSED_BY_PEER;
}

static enum reason (*const steps[SDK_STATE_COUNT][SDK_TYPE_COUNT])(struct sdk_step *) = {
    [SDK_WAITS_RESPONSE] = { [SDK_TYPE_RESPONSE] = sdk_on_response,
                             [SDK_TYPE_REJECT] = on_reject,
                             [SDK_TYPE_ERROR] = on_reject },
    [SDK_JUDGES_RESPONSE] = { [SDK_TYPE_REJECT] = on_reject, [SDK_TYPE_ERROR] = on_reject },
    [SDK_WAITS_BEGIN] = { [SDK_TYPE_BEGIN] = sdk_on_begin },
    [SDK_JUDGES_BEGIN] = { [SDK_TYPE_REJECT] = on_reject, [SDK_TYPE_ERROR] = on_reject },
    [SDK_QUOTES_RESPONSE] = { [SDK_TYPE_REJECT] = on_reject, [SDK_TYPE_ERROR] = on_reject },
    [SDK_WAITS_OK] = { [SDK_TYPE_OK] = sdk_on_ok,
                       [SDK_TYPE_REJECT] = on_reject,
                       [SDK_TYPE_ERROR] = on_reject },
};

void sdk_end(struct sdk *sdk)
{
    ct_wipe(sdk->own, sizeof sdk->own);
    ct_wipe(sdk->salt, sizeof sdk->salt);
    sdk_way_wipe(&sdk->way);
    sdk->state = SDK_IS_OVER;
}

/* `refusal` is NULL where nothing is to be said: the peer has said the end itself, or there is no
   peer yet, or it would not know the words. */
static struct sdk_event end(struct sdk *sdk, enum reason reason, const struct sdk_refusal *refusal,
                            struct sink *out)
{
    const size_t begin = out->len;
    const bool silent = sdk->state == SDK_IS_NEW || sdk->state == SDK_QUOTES_BEGIN ||
                        sdk->state == SDK_IS_OPEN || refusal == NULL;
    if (!silent) {
        sdk_write_reject(refusal, out);
        if (!sink_ok(out))
            sink_cut(out, begin);
    }
    sdk_end(sdk);
    return (struct sdk_event){ .kind = SDK_ENDED, .reason = reason };
}

static struct sdk_event end_for(struct sdk *sdk, enum reason reason, struct sink *out)
{
    return end(sdk, reason, &(struct sdk_refusal){ .reason = reason }, out);
}

static struct sdk_event misused(struct sdk *sdk, struct sink *out)
{
    if (sdk->state == SDK_IS_OVER)
        return (struct sdk_event){ .kind = SDK_NOTHING };
    return end_for(sdk, REASON_CHANNEL_MISUSED, out);
}

/* What a step led to; a step that failed, or did not fit, has written nothing that is whole. */
static struct sdk_event outcome(struct sdk_step *step, enum reason reason, size_t begin)
{
    if (reason == REASON_OK && (!sink_ok(step->out) || step->out->len - begin > SDK_FRAME_MAX))
        reason = REASON_CHANNEL_EVIDENCE_UNAVAILABLE;
    if (reason == REASON_OK)
        return step->event;
    if (step->out->len > begin)
        sink_cut(step->out, begin);
    const struct sdk_refusal plain = { .reason = reason };
    const struct sdk_refusal *refusal = step->refusal.reason != REASON_NONE ? &step->refusal
                                                                            : &plain;
    const struct span said = step->event.said;
    struct sdk_event event = end(
        step->sdk, reason, reason == REASON_CHANNEL_REFUSED_BY_PEER ? NULL : refusal, step->out);
    event.said = said;
    return event;
}

static bool setup_is_good(const struct sdk_setup *setup)
{
    const bool client = setup->role == SDK_CLIENT;
    const struct sdk_way way = { .slots = setup->slots, .slot_count = setup->slot_count };
    bool ok = setup->secret != NULL && setup->wants_evidence >= client &&
              setup->gives_evidence >= !client && sdk_way_is_sound(&way);
    if (client)
        return ok && setup->nonce != NULL && setup->salt != NULL;
    return ok && setup->role == SDK_SERVER &&
           (!setup->wants_evidence || (setup->heard != NULL && sdk_nonces_is_sound(setup->heard)));
}

bool sdk_init(struct sdk *sdk, const struct sdk_setup *setup)
{
    *sdk = (struct sdk){ 0 };
    int64_t deadline;
    if (!setup_is_good(setup) || !add_i64(setup->now_ms, SDK_HANDSHAKE_MS, &deadline))
        return false;
    const bool client = setup->role == SDK_CLIENT;
    sdk->state = client ? SDK_IS_NEW : SDK_WAITS_BEGIN;
    sdk->role = setup->role;
    sdk->gives_evidence = setup->gives_evidence;
    sdk->wants_evidence = setup->wants_evidence;
    sdk->wants_compose_hash = setup->compose_hash != NULL;
    if (setup->compose_hash != NULL)
        memcpy(sdk->compose_hash, setup->compose_hash, sizeof sdk->compose_hash);
    if (client) {
        memcpy(sdk->nonce, setup->nonce, sizeof sdk->nonce);
        memcpy(sdk->salt, setup->salt, sizeof sdk->salt);
    }
    sdk->deadline_ms = deadline;
    sdk->heard = setup->heard;
    memcpy(sdk->own, setup->secret, sizeof sdk->own);
    x25519_public(sdk->own, sdk->point);
    sdk_way_init(&sdk->way, sdk->own, setup->slots, setup->slot_count);
    return true;
}

void sdk_fini(struct sdk *sdk)
{
    ct_wipe(sdk, sizeof *sdk);
}

bool sdk_is_open(const struct sdk *sdk)
{
    return sdk->state == SDK_IS_OPEN;
}

bool sdk_is_sound(const struct sdk *sdk)
{
    const struct sdk_way *way = &sdk->way;
    const bool clean = bytes_are_zero(sdk->own, sizeof sdk->own) &&
                       bytes_are_zero(sdk->salt, sizeof sdk->salt);
    if (sdk->state == SDK_IS_OVER)
        return clean && !way->open && bytes_are_zero(way->key, sizeof way->key) &&
               bytes_are_zero(way->hash_key, sizeof way->hash_key);
    return sdk->state < SDK_STATE_COUNT && sdk_way_is_sound(way) &&
           way->open == (sdk->state == SDK_IS_OPEN) && (!way->open || clean) &&
           sdk->dropped <= SDK_DROPPED_MAX;
}

size_t sdk_frame_max(const struct sdk *sdk)
{
    if (sdk->state == SDK_WAITS_RESPONSE || sdk->state == SDK_WAITS_BEGIN ||
        sdk->state == SDK_IS_OPEN)
        return SDK_FRAME_MAX;
    return SDK_SHORT_MAX;
}

static bool is_late(const struct sdk *sdk, int64_t now_ms)
{
    return sdk->state != SDK_IS_OVER && sdk->state != SDK_IS_OPEN && now_ms >= sdk->deadline_ms;
}

struct sdk_event sdk_start(struct sdk *sdk, struct sink *out)
{
    struct sdk_step step = { .sdk = sdk, .out = out };
    const size_t begin = out->len;
    if (sdk->state != SDK_IS_NEW)
        return misused(sdk, out);
    if (!sdk->gives_evidence)
        return outcome(&step, sdk_give_begin(&step, NULL), begin);
    sdk_socket_report_data(sdk->nonce, sdk->report_data);
    sdk->state = SDK_QUOTES_BEGIN;
    return (struct sdk_event){ .kind = SDK_NEEDS_EVIDENCE, .report_data = sdk->report_data };
}

static struct sdk_event take_record(struct sdk *sdk, struct sdk_frame frame, struct sink *out)
{
    struct sdk_event event = { .kind = SDK_DATA };
    const enum reason reason = sdk_record_open(&sdk->way, frame.at, frame.len, &event.data);
    if (reason == REASON_OK)
        return event;
    if (reason == REASON_CHANNEL_EXHAUSTED || sdk->dropped >= SDK_DROPPED_MAX)
        return end(sdk, reason, NULL, out);
    sdk->dropped++;
    return (struct sdk_event){ .kind = SDK_DROPPED, .reason = reason };
}

static enum reason take_hand(struct sdk_step *step, struct sdk_frame frame)
{
    struct sdk *sdk = step->sdk;
    if (frame.len > sdk_frame_max(sdk))
        return REASON_CHANNEL_TOO_LARGE;
    enum reason reason = sdk_hand_read(frame, step->hand);
    if (reason != REASON_OK)
        return reason;
    const enum sdk_type type = sdk_hand_type(step->hand);
    return steps[sdk->state][type] != NULL ? steps[sdk->state][type](step)
                                           : REASON_CHANNEL_UNEXPECTED;
}

struct sdk_event sdk_take(struct sdk *sdk, struct sdk_frame frame, struct sink *out)
{
    struct sdk_hand hand;
    struct sdk_step step = { .sdk = sdk, .hand = &hand, .out = out };
    const size_t begin = out->len;
    if (sdk->state == SDK_IS_OVER)
        return (struct sdk_event){ .kind = SDK_NOTHING };
    if (sdk->state == SDK_IS_OPEN)
        return take_record(sdk, frame, out);
    if (is_late(sdk, frame.now_ms))
        return end_for(sdk, REASON_CHANNEL_TIMEOUT, out);
    return outcome(&step, take_hand(&step, frame), begin);
}

struct sdk_event sdk_give(struct sdk *sdk, const struct sdk_evidence *evidence, struct sink *out)
{
    struct sdk_step step = { .sdk = sdk, .out = out };
    const size_t begin = out->len;
    const bool first = sdk->state == SDK_QUOTES_BEGIN;
    if (!first && sdk->state != SDK_QUOTES_RESPONSE)
        return misused(sdk, out);
    if (evidence->quote.len == 0 || evidence->quote.len > SDK_QUOTE_MAX ||
        evidence->log.len > SDK_LOG_MAX)
        return end_for(sdk, REASON_CHANNEL_EVIDENCE_UNAVAILABLE, out);
    return outcome(
        &step, first ? sdk_give_begin(&step, evidence) : sdk_give_response(&step, evidence), begin);
}

/* The caller's yes stands only with the compose hash that was asked for. */
static enum reason judge(struct sdk_step *step, const struct sdk_judgement *found)
{
    const struct sdk *sdk = step->sdk;
    const struct span wanted = SPAN(sdk->compose_hash);
    const enum reason reason = found->decision.reason;
    if (found->decision.verdict != ALLOW || reason != REASON_OK) {
        step->event.about = reason == REASON_OK ? REASON_NONE : reason;
        step->refusal.reason = reason == REASON_OK || reason == REASON_NONE
                                   ? REASON_CHANNEL_EVIDENCE_DENIED
                                   : reason;
        return REASON_CHANNEL_EVIDENCE_DENIED;
    }
    if (sdk->wants_compose_hash && !span_equal(found->compose_hash, wanted)) {
        step->event.about = REASON_SDK_COMPOSE_HASH;
        step->refusal = (struct sdk_refusal){ REASON_SDK_COMPOSE_HASH, wanted,
                                              found->compose_hash };
        return REASON_CHANNEL_EVIDENCE_DENIED;
    }
    return REASON_OK;
}

struct sdk_event sdk_judge(struct sdk *sdk, const struct sdk_judgement *found, struct sink *out)
{
    struct sdk_step step = { .sdk = sdk, .out = out };
    const size_t begin = out->len;
    const bool server = sdk->state == SDK_JUDGES_BEGIN;
    if (!server && sdk->state != SDK_JUDGES_RESPONSE)
        return misused(sdk, out);
    if (is_late(sdk, found->now_ms))
        return end_for(sdk, REASON_CHANNEL_TIMEOUT, out);
    enum reason reason = judge(&step, found);
    const enum reason about = step.event.about;
    if (reason == REASON_OK)
        reason = server ? sdk_after_begin(&step) : sdk_after_response(&step);
    struct sdk_event event = outcome(&step, reason, begin);
    event.about = about;
    return event;
}

struct sdk_event sdk_tick(struct sdk *sdk, int64_t now_ms, struct sink *out)
{
    if (is_late(sdk, now_ms))
        return end_for(sdk, REASON_CHANNEL_TIMEOUT, out);
    return (struct sdk_event){ .kind = SDK_NOTHING };
}

struct sdk_event sdk_refuse(struct sdk *sdk, enum reason reason, struct sink *out)
{
    if (sdk->state == SDK_IS_OVER)
        return (struct sdk_event){ .kind = SDK_NOTHING };
    return end_for(sdk, reason, out);
}

bool sdk_send(struct sdk *sdk, struct span plain, struct sink *out)
{
    return sdk->state == SDK_IS_OPEN && sdk_record_seal(&sdk->way, plain, out);
}
