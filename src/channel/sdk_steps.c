/* sdk_steps.c - the two roles of profile sdk-v1: what each frame leads to. */
#include "channel/sdk_parts.h"

#include <string.h>

#include "channel/parts.h"
#include "crypto/ct.h"

/* Header and body of a quote of version 4: after them stands the signature, which who sees it can
   write in more than one way. */
enum { SIGNED_PART = 48 + 584 };

void sdk_signed_part(struct span quote, uint8_t out[SHA256_LEN])
{
    hash_sha256(span_of(quote.at, quote.len < SIGNED_PART ? quote.len : SIGNED_PART), out);
}

/* spec 1.3: SHA-256 of the 32 raw bytes, and the rest of the report data is zero. */
void sdk_socket_report_data(const uint8_t nonce[SDK_NONCE], uint8_t out[SDK_REPORT_DATA])
{
    memset(out, 0, SDK_REPORT_DATA);
    hash_sha256(span_of(nonce, SDK_NONCE), out);
}

/* From here on there is a key; the secret is gone either way. */
static enum reason agree(struct sdk *sdk)
{
    uint8_t shared[X25519_LEN];
    const bool ok = attested_shared(sdk->own, sdk->point, sdk->peer, shared);
    if (ok) {
        sdk_key(SPAN(shared), SPAN(sdk->salt), sdk->way.key);
        sdk->way.open = true;
        sdk->state = SDK_IS_OPEN;
    }
    ct_wipe(shared, sizeof shared);
    ct_wipe(sdk->own, sizeof sdk->own);
    ct_wipe(sdk->salt, sizeof sdk->salt);
    return ok ? REASON_OK : REASON_CHANNEL_KEY;
}

/* A key that no honest peer has is refused before anything is made or judged for it. */
static enum reason get_peer(struct sdk_step *step, const char *name)
{
    struct sdk *sdk = step->sdk;
    uint8_t shared[X25519_LEN];
    enum reason reason = sdk_hand_point(step->hand, name, sdk->peer);
    if (reason == REASON_OK && !attested_shared(sdk->own, sdk->point, sdk->peer, shared))
        reason = REASON_CHANNEL_KEY;
    ct_wipe(shared, sizeof shared);
    return reason;
}

static enum reason get_evidence(struct sdk_step *step, const char *quote, const char *log)
{
    struct sdk_evidence *evidence = &step->event.evidence;
    enum reason reason = sdk_hand_evidence(step->hand, 0, quote, log, evidence);
    return reason == REASON_OK ? sdk_evidence_judge(evidence) : reason;
}

static enum reason ask_judge(struct sdk_step *step, enum sdk_state state)
{
    step->sdk->state = state;
    step->event.kind = SDK_JUDGE;
    step->event.report_data = step->sdk->report_data;
    return REASON_OK;
}

/* --- server ---------------------------------------------------------------------------------- */

static enum reason ask_response(struct sdk_step *step)
{
    step->sdk->state = SDK_QUOTES_RESPONSE;
    step->event = (struct sdk_event){ .kind = SDK_NEEDS_EVIDENCE,
                                      .report_data = step->sdk->report_data };
    return REASON_OK;
}

enum reason sdk_on_begin(struct sdk_step *step)
{
    struct sdk *sdk = step->sdk;
    enum reason reason = sdk_hand_nonce(step->hand, sdk->nonce);
    if (reason == REASON_OK)
        reason = get_peer(step, "val_x25519_pub");
    if (reason != REASON_OK)
        return reason;
    sdk_socket_report_data(sdk->nonce, sdk->report_data);
    if (!sdk->wants_evidence)
        return ask_response(step);
    /* The validator chooses the nonce, so its evidence is as old as it likes: once is all that it
       is good for. */
    if (sdk_nonces_has(sdk->heard, sdk->nonce))
        return REASON_CHANNEL_REPLAY;
    reason = get_evidence(step, "val_quote", "val_event_log");
    return reason == REASON_OK ? ask_judge(step, SDK_JUDGES_BEGIN) : reason;
}

enum reason sdk_after_begin(struct sdk_step *step)
{
    struct sdk *sdk = step->sdk;
    /* Two at once had the same nonce, and one of them is done. */
    if (sdk_nonces_has(sdk->heard, sdk->nonce))
        return REASON_CHANNEL_REPLAY;
    sdk_nonces_put(sdk->heard, sdk->nonce, INT64_MAX);
    return ask_response(step);
}

enum reason sdk_give_response(struct sdk_step *step, const struct sdk_evidence *evidence)
{
    sdk_write_response(step->sdk, evidence, step->out);
    step->sdk->state = SDK_WAITS_OK;
    return REASON_OK;
}

enum reason sdk_on_ok(struct sdk_step *step)
{
    enum reason reason = sdk_hand_salt(step->hand, step->sdk->salt);
    if (reason == REASON_OK)
        reason = agree(step->sdk);
    if (reason == REASON_OK)
        step->event.kind = SDK_OPEN;
    return reason;
}

/* --- client ---------------------------------------------------------------------------------- */

enum reason sdk_give_begin(struct sdk_step *step, const struct sdk_evidence *evidence)
{
    struct sdk *sdk = step->sdk;
    sdk_socket_report_data(sdk->nonce, sdk->report_data);
    if (evidence != NULL)
        sdk_signed_part(evidence->quote, sdk->signed_part);
    sdk_write_begin(sdk, evidence, step->out);
    sdk->state = SDK_WAITS_RESPONSE;
    return REASON_OK;
}

enum reason sdk_on_response(struct sdk_step *step)
{
    struct sdk *sdk = step->sdk;
    uint8_t part[SHA256_LEN];
    enum reason reason = get_peer(step, "chal_x25519_pub");
    if (reason == REASON_OK)
        reason = get_evidence(step, "quote", "event_log");
    if (reason != REASON_OK)
        return reason;
    sdk_signed_part(step->event.evidence.quote, part);
    if (sdk->gives_evidence && bytes_equal(part, sdk->signed_part, sizeof part))
        return REASON_SDK_REFLECTED;
    return ask_judge(step, SDK_JUDGES_RESPONSE);
}

enum reason sdk_after_response(struct sdk_step *step)
{
    sdk_write_ok(step->sdk, step->out);
    enum reason reason = agree(step->sdk);
    if (reason == REASON_OK)
        step->event.kind = SDK_OPEN;
    return reason;
}
