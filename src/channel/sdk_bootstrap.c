/* sdk_bootstrap.c - see sdk_bootstrap.h. */
#include "channel/sdk_bootstrap.h"

#include <string.h>

#include "base/number.h"
#include "channel/parts.h"
#include "channel/sdk_parts.h"
#include "codec/base64.h"
#include "codec/json_write.h"
#include "crypto/ct.h"

bool sdk_challenge_write(struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE],
                         const uint8_t address[SDK_ADDRESS], int64_t now_s, struct sink *out)
{
    const size_t mark = out->len;
    int64_t until;
    if (!add_i64(now_s, SDK_NONCE_S, &until))
        return false;
    struct json_writer writer = json_write_to(out, 0);
    json_begin_object(&writer);
    json_put_key(&writer, "nonce");
    json_put_hex(&writer, span_of(nonce, SDK_NONCE));
    json_put_key(&writer, "expires_at");
    json_put_i64(&writer, until);
    json_end_object(&writer);
    if (!json_write_ok(&writer)) {
        sink_cut(out, mark);
        return false;
    }
    sdk_nonces_give(nonces, nonce, address, until);
    return true;
}

void sdk_challenge_report_data(const uint8_t nonce[SDK_NONCE], uint8_t out[SDK_REPORT_DATA])
{
    uint8_t room[2 * SDK_NONCE];
    struct sink text = sink_over(room, sizeof room);
    sink_hex(&text, span_of(nonce, SDK_NONCE));
    memset(out, 0, SDK_REPORT_DATA);
    hash_sha256(sink_bytes(&text), out);
}

void sdk_challenge_strict(const uint8_t nonce[SDK_NONCE], const struct sdk_keys *keys,
                          uint8_t out[SDK_REPORT_DATA])
{
    const struct span bound[] = { span_text("ward sdk-v1 keys"), span_of(nonce, SDK_NONCE),
                                  span_of(keys->request, SDK_KEY), span_of(keys->point, SDK_KEY) };
    sdk_challenge_report_data(nonce, out);
    hash_sha256_parts(bound, COUNT_OF(bound), out + SHA256_LEN);
}

/* As it was given out: the hash is over the text, and another spelling is another text. */
static enum reason read_nonce(const struct sdk_hand *hand, uint32_t attestation,
                              struct sdk_attest *out)
{
    uint8_t room[2 * SDK_NONCE];
    struct sink again = sink_over(room, sizeof room);
    struct span text;
    const uint32_t node = json_member(&hand->json, attestation, "nonce");
    if (!json_hex(&hand->json, node, out->nonce, SDK_NONCE))
        return REASON_CHANNEL_MALFORMED;
    sink_hex(&again, SPAN(out->nonce));
    if (!json_string(&hand->json, node, &text) || !span_equal(text, SPAN(room)))
        return REASON_CHANNEL_MALFORMED;
    sdk_challenge_report_data(out->nonce, out->report_data);
    return REASON_OK;
}

enum reason sdk_attest_read(uint8_t *body, size_t len, struct sdk_attest *out)
{
    struct sdk_hand hand;
    struct sdk_attest found = { 0 };
    if (len > SDK_FRAME_MAX)
        return REASON_CHANNEL_TOO_LARGE;
    enum reason reason = sdk_hand_read((struct sdk_frame){ body, len, 0 }, &hand);
    const uint32_t attestation = json_member(&hand.json, 0, "attestation");
    if (reason == REASON_OK)
        reason = sdk_hand_point(&hand, "ephemeral_public_key", found.request_key);
    if (reason == REASON_OK)
        reason = sdk_hand_point(&hand, "sdk_x25519_pub", found.point);
    if (reason == REASON_OK)
        reason = read_nonce(&hand, attestation, &found);
    if (reason == REASON_OK &&
        !json_equal_text(&hand.json, json_member(&hand.json, attestation, "attestation_type"),
                         "Tdx"))
        reason = REASON_CHANNEL_MALFORMED;
    if (reason == REASON_OK)
        reason = sdk_hand_evidence(&hand, attestation, "quote", "event_log", &found.evidence);
    if (reason == REASON_OK)
        reason = sdk_evidence_judge(&found.evidence);
    if (reason == REASON_OK)
        *out = found;
    return reason;
}

/* A point of small order gives nothing with any secret, so with this one. */
enum reason sdk_attest_key(const struct sdk_attest *attest)
{
    static const uint8_t any[X25519_LEN] = { 9 };
    uint8_t shared[X25519_LEN];
    bool good = x25519_is_canonical(attest->point) && x25519(any, attest->point, shared);
    return good ? REASON_OK : REASON_CHANNEL_KEY;
}

enum reason sdk_challenge_take(struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE],
                               int64_t now_s)
{
    switch (sdk_nonces_take(nonces, nonce, now_s)) {
    case SDK_NONCE_GOOD:
        return REASON_OK;
    case SDK_NONCE_EXPIRED:
        return REASON_SDK_NONCE_EXPIRED;
    case SDK_NONCE_UNKNOWN:
        break;
    }
    return REASON_SDK_NONCE_UNKNOWN;
}

/* "aead" is what the public validator says, whatever is sealed with. */
static bool write_answer(const uint8_t point[X25519_LEN], const struct sdk_grant *grant,
                         struct sink *out)
{
    struct json_writer writer = json_write_to(out, 0);
    json_begin_object(&writer);
    json_put_key(&writer, "session_token");
    json_put_span(&writer, grant->token);
    json_put_key(&writer, "attested");
    json_put_bool(&writer, true);
    json_put_key(&writer, "crypto");
    json_begin_object(&writer);
    json_put_key(&writer, "srv_x25519_pub");
    json_put_base64(&writer, span_of(point, X25519_LEN));
    json_put_key(&writer, "aead");
    json_put_text(&writer, "xchacha20poly1305");
    json_put_key(&writer, "hkdf_salt");
    json_put_base64(&writer, span_of(grant->salt, SDK_NONCE));
    json_end_object(&writer);
    json_end_object(&writer);
    return json_write_ok(&writer);
}

enum reason sdk_attest_answer(const struct sdk_attest *attest, const struct sdk_grant *grant,
                              uint8_t key[AEAD_KEY], struct sink *out)
{
    uint8_t point[X25519_LEN], shared[X25519_LEN];
    const size_t mark = out->len;
    x25519_public(grant->secret, point);
    if (!attested_shared(grant->secret, point, attest->point, shared))
        return REASON_CHANNEL_KEY;
    const bool fits = write_answer(point, grant, out);
    if (fits)
        sdk_key(SPAN(shared), span_of(grant->salt, SDK_NONCE), key);
    else
        sink_cut(out, mark);
    ct_wipe(shared, sizeof shared);
    return fits ? REASON_OK : REASON_CHANNEL_TOO_LARGE;
}

/* The SDK has a space behind each colon and comma; another may have a few more. */
size_t sdk_sealed_max(size_t plain)
{
    enum { SPACES = 64 };
    return sdk_record_len(plain) + SPACES;
}

/* One reading of an envelope; what it has spoilt in `out` is written anew by the next. */
static bool open_as(const struct aead_use *use, const struct sdk_envelope *envelope,
                    struct sink *out)
{
    const size_t mark = out->len;
    if (!base64_decode(envelope->ciphertext, out))
        return false;
    const struct span sealed = span_of(out->at + mark, out->len - mark);
    if (sealed.len < AEAD_TAG || !aead_open(use, sealed, out->at + mark)) {
        sink_cut(out, mark);
        return false;
    }
    sink_cut(out, out->len - AEAD_TAG);
    return true;
}

/* Each reading is authenticated, so trying one after the other is safe. */
enum reason sdk_body_open(const uint8_t key[AEAD_KEY], bool quirk, struct span body,
                          struct sink *out)
{
    struct sdk_envelope envelope;
    uint8_t nonce[XCHACHA20_NONCE] = { 0 };
    if (body.len > SDK_FRAME_MAX)
        return REASON_CHANNEL_TOO_LARGE;
    if (!sdk_envelope_read(body, &envelope))
        return REASON_SDK_PLAINTEXT;
    memcpy(nonce, envelope.nonce, CHACHA20_NONCE);
    const struct aead_use right = { AEAD_CHACHA20_POLY1305, key, SPAN(envelope.nonce), { 0 } };
    const struct aead_use odd = { AEAD_XCHACHA20_POLY1305, key, SPAN(nonce), { 0 } };
    if (open_as(&right, &envelope, out) || (quirk && open_as(&odd, &envelope, out)))
        return REASON_OK;
    return sink_ok(out) ? REASON_CHANNEL_TAMPERED : REASON_CHANNEL_TOO_LARGE;
}
