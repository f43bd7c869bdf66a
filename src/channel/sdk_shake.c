/* sdk_shake.c - the handshake's frames, member by member.  Says whether the form is right and
   nothing else; knows no key. */
#include "channel/sdk_parts.h"

#include <string.h>

#include "base/cursor.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json_write.h"

enum {
    KEY_TEXT = 44,        /* characters of 32 bytes in base64 */
    QUOTE_LEAST = 2 * 632 /* digits of the shortest quote in hex */
};

static const char *const types[SDK_TYPE_COUNT] = {
    [SDK_TYPE_BEGIN] = "attestation_begin",
    [SDK_TYPE_RESPONSE] = "attestation_response",
    [SDK_TYPE_OK] = "attestation_ok",
    [SDK_TYPE_REJECT] = "attestation_reject",
    [SDK_TYPE_ERROR] = "error",
};

enum reason sdk_hand_read(struct sdk_frame frame, struct sdk_hand *out)
{
    const struct json_limits limits = { .depth = SDK_SHAKE_DEPTH };
    out->at = frame.at;
    out->json = (struct json){ .count = 0 }; /* of what is none, nothing is found */
    if (!json_parse_into(span_of(frame.at, frame.len), out->nodes, SDK_SHAKE_NODES, &limits,
                         &out->json, NULL) ||
        json_type(&out->json, 0) != JSON_OBJECT)
        return REASON_CHANNEL_MALFORMED;
    return REASON_OK;
}

enum sdk_type sdk_hand_type(const struct sdk_hand *hand)
{
    const uint32_t type = json_member(&hand->json, 0, "type");
    for (unsigned t = SDK_TYPE_NONE + 1; t < SDK_TYPE_COUNT; t++)
        if (json_equal_text(&hand->json, type, types[t]))
            return (enum sdk_type)t;
    return SDK_TYPE_NONE;
}

enum reason sdk_hand_nonce(const struct sdk_hand *hand, uint8_t out[SDK_NONCE])
{
    return json_hex(&hand->json, json_member(&hand->json, 0, "nonce"), out, SDK_NONCE)
               ? REASON_OK
               : REASON_CHANNEL_MALFORMED;
}

static enum reason get_32(const struct sdk_hand *hand, uint32_t node, uint8_t out[32])
{
    struct span text;
    uint8_t room[32];
    struct sink bytes = sink_over(room, sizeof room);
    if (!json_string(&hand->json, node, &text) || text.len != KEY_TEXT ||
        !base64_decode(text, &bytes) || bytes.len != sizeof room)
        return REASON_CHANNEL_MALFORMED;
    memcpy(out, room, sizeof room);
    return REASON_OK;
}

enum reason sdk_hand_point(const struct sdk_hand *hand, const char *name, uint8_t out[X25519_LEN])
{
    return get_32(hand, json_member(&hand->json, 0, name), out);
}

/* The other name is that of older validators. */
enum reason sdk_hand_salt(const struct sdk_hand *hand, uint8_t out[SDK_NONCE])
{
    uint32_t node = json_member(&hand->json, 0, "hkdf_salt");
    if (json_type(&hand->json, node) == JSON_MISSING)
        node = json_member(&hand->json, 0, "hkdf_salt_b64");
    return get_32(hand, node, out);
}

static bool is_hex(struct span text)
{
    bool ok = text.len % 2 == 0 && text.len >= QUOTE_LEAST;
    for (size_t i = 0; ok && i < text.len; i++) {
        const uint8_t c = text.at[i];
        ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    }
    return ok;
}

bool sdk_quote_bytes(uint8_t *at, size_t len, struct span *out)
{
    const struct span text = span_of(at, len);
    struct sink bytes = sink_over(at, len);
    if (!(is_hex(text) ? hex_decode_sink(text, &bytes) : base64_decode(text, &bytes)))
        return false;
    *out = sink_bytes(&bytes);
    return true;
}

/* A member that may be missing or null: a view of a string without escapes, or its bytes put where
   it stands. */
static bool text_in_place(const struct sdk_hand *hand, uint32_t node, struct span *out)
{
    const enum json_type type = json_type(&hand->json, node);
    if (type == JSON_MISSING || type == JSON_NULL || json_string(&hand->json, node, out))
        return true;
    const struct span raw = json_raw(&hand->json, node);
    struct sink bytes = sink_over(hand->at + (raw.at - hand->json.text.at), raw.len);
    if (type != JSON_STRING || !json_string_copy(&hand->json, node, &bytes))
        return false;
    *out = sink_bytes(&bytes);
    return true;
}

enum reason sdk_hand_evidence(const struct sdk_hand *hand, uint32_t object, const char *quote,
                              const char *log, struct sdk_evidence *out)
{
    struct sdk_evidence found = { 0 };
    struct span text = { 0 };
    if (!text_in_place(hand, json_member(&hand->json, object, quote), &text) ||
        !text_in_place(hand, json_member(&hand->json, object, log), &found.log))
        return REASON_CHANNEL_MALFORMED;
    if (text.len > 0 &&
        !sdk_quote_bytes(hand->at + (text.at - hand->json.text.at), text.len, &found.quote))
        return REASON_CHANNEL_MALFORMED;
    if (found.quote.len > SDK_QUOTE_MAX || found.log.len > SDK_LOG_MAX)
        return REASON_CHANNEL_TOO_LARGE;
    *out = found;
    return REASON_OK;
}

struct span sdk_hand_said(const struct sdk_hand *hand)
{
    static const char *const names[] = { "reason", "message", "error" };
    struct span said = { 0 };
    for (size_t i = 0; i < 3 && said.len == 0; i++)
        said = json_raw(&hand->json, json_member(&hand->json, 0, names[i]));
    return said;
}

enum reason sdk_evidence_judge(const struct sdk_evidence *evidence)
{
    struct cursor in = cur_over(evidence->log);
    uint8_t c = 0;
    if (evidence->quote.len == 0)
        return REASON_CHANNEL_EVIDENCE_REQUIRED;
    while (cur_u8(&in, &c) && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
        c = 0;
    if (c == '{')
        return REASON_SDK_DEV_PEER;
    return c == '[' ? REASON_OK : REASON_CHANNEL_EVIDENCE_REQUIRED;
}

static struct json_writer begin_frame(enum sdk_type type, struct sink *out)
{
    struct json_writer writer = json_write_to(out, 0);
    json_begin_object(&writer);
    json_put_key(&writer, "type");
    json_put_text(&writer, types[type]);
    return writer;
}

static void put_base64(struct json_writer *writer, const char *name, struct span bytes)
{
    json_put_key(writer, name);
    json_put_base64(writer, bytes);
}

static void put_text(struct json_writer *writer, const char *name, struct span text)
{
    json_put_key(writer, name);
    json_put_span(writer, text);
}

/* One of four, from 0. */
static struct span rtmr_of(const struct sdk_evidence *evidence, size_t i)
{
    const size_t len = SDK_RTMRS / 4;
    return span_of(evidence->rtmrs + i * len, len);
}

void sdk_write_begin(const struct sdk *sdk, const struct sdk_evidence *evidence, struct sink *out)
{
    struct json_writer writer = begin_frame(SDK_TYPE_BEGIN, out);
    json_put_key(&writer, "nonce");
    json_put_hex(&writer, SPAN(sdk->nonce));
    put_base64(&writer, "val_x25519_pub", SPAN(sdk->point));
    if (evidence != NULL) {
        put_base64(&writer, "val_quote", evidence->quote);
        put_text(&writer, "val_event_log", evidence->log);
    }
    if (evidence != NULL && evidence->rtmrs != NULL) {
        json_put_key(&writer, "val_rtmrs");
        json_begin_array(&writer);
        for (size_t i = 0; i < 4; i++)
            json_put_hex(&writer, rtmr_of(evidence, i));
        json_end_array(&writer);
    }
    json_end_object(&writer);
}

void sdk_write_response(const struct sdk *sdk, const struct sdk_evidence *evidence,
                        struct sink *out)
{
    static const char *const names[] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3" };
    struct json_writer writer = begin_frame(SDK_TYPE_RESPONSE, out);
    put_base64(&writer, "quote", evidence->quote);
    put_text(&writer, "event_log", evidence->log);
    json_put_key(&writer, "rtmrs");
    json_begin_object(&writer);
    for (size_t i = 0; evidence->rtmrs != NULL && i < 4; i++) {
        json_put_key(&writer, names[i]);
        json_put_hex(&writer, rtmr_of(evidence, i));
    }
    json_end_object(&writer);
    put_base64(&writer, "chal_x25519_pub", SPAN(sdk->point));
    json_end_object(&writer);
}

void sdk_write_ok(const struct sdk *sdk, struct sink *out)
{
    struct json_writer writer = begin_frame(SDK_TYPE_OK, out);
    put_text(&writer, "aead", span_text("chacha20poly1305"));
    put_base64(&writer, "hkdf_salt", SPAN(sdk->salt));
    json_end_object(&writer);
}

void sdk_write_reject(const struct sdk_refusal *refusal, struct sink *out)
{
    uint8_t room[768];
    struct sink text = sink_over(room, sizeof room);
    sink_text(&text, reason_info(refusal->reason)->name);
    if (refusal->expected.len > 0) {
        sink_text(&text, ": expected ");
        sink_hex(&text, refusal->expected);
        sink_text(&text, ", got ");
        sink_hex(&text, refusal->actual);
        if (refusal->actual.len == 0)
            sink_text(&text, "none");
    }
    struct json_writer writer = begin_frame(SDK_TYPE_REJECT, out);
    put_text(&writer, "reason", sink_bytes(&text));
    json_end_object(&writer);
}
