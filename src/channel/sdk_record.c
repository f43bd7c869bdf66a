/* sdk_record.c - sealing and opening; see sdk_record.h. */
#include "channel/sdk_record.h"

#include <string.h>

#include "base/cursor.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/ct.h"
#include "crypto/hkdf.h"

enum { NODES = 16 }; /* of an envelope and what may be beside it */

/* As this end writes it. */
#define HEAD   "{\"enc\":\"chacha20poly1305\",\"nonce\":\""
#define MIDDLE "\",\"ciphertext\":\""
#define TAIL   "\"}"

static size_t base64_len(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

void sdk_key(struct span shared, struct span salt, uint8_t out[AEAD_KEY])
{
    const struct span info = span_text("platform-api-sdk-v1");
    uint8_t extracted[SHA256_LEN];
    hkdf_extract(salt, shared, extracted);
    hkdf_expand_key(extracted, info, out);
    ct_wipe(extracted, sizeof extracted);
}

void sdk_way_init(struct sdk_way *way, const uint8_t *secret, struct sdk_slot *slots,
                  size_t slot_count)
{
    uint8_t block[SHA256_LEN];
    *way = (struct sdk_way){ .slots = slots, .slot_count = slot_count };
    memset(slots, 0, slot_count * sizeof *slots);
    hkdf_expand_key(secret, span_text("ward sdk-v1 nonces"), block);
    memcpy(way->hash_key, block, sizeof way->hash_key);
    ct_wipe(block, sizeof block);
}

void sdk_way_wipe(struct sdk_way *way)
{
    ct_wipe(way->key, sizeof way->key);
    ct_wipe(way->hash_key, sizeof way->hash_key);
    way->open = false;
}

bool sdk_way_is_sound(const struct sdk_way *way)
{
    return way->slots != NULL && way->slot_count >= 2 &&
           way->slot_count <= 2 * (size_t)SDK_TAKEN_MAX &&
           (way->slot_count & (way->slot_count - 1)) == 0 && way->taken <= way->slot_count / 2 &&
           way->sent <= SDK_SENT_MAX;
}

size_t sdk_record_len(size_t plain)
{
    return strlen(HEAD MIDDLE TAIL) + base64_len(CHACHA20_NONCE) + base64_len(plain + AEAD_TAG);
}

/* The nonce of an own record.  Its second half is what no peer can foretell, so that who sends it
   back is found out; a nonce of the peer's is taken for an own one once in 2^64. */
static void number_nonce(const struct sdk_way *way, uint32_t number, uint8_t nonce[CHACHA20_NONCE])
{
    struct sink out = sink_over(nonce, CHACHA20_NONCE);
    sink_u32le(&out, number);
    sink_u64le(&out, siphash(way->hash_key, sink_bytes(&out)));
}

static bool is_own(const struct sdk_way *way, const uint8_t nonce[CHACHA20_NONCE])
{
    uint8_t own[CHACHA20_NONCE];
    struct cursor in = cur_over(span_of(nonce, CHACHA20_NONCE));
    uint32_t number;
    if (!cur_u32le(&in, &number) || number >= way->sent)
        return false;
    number_nonce(way, number, own);
    return bytes_equal(own, nonce, sizeof own);
}

bool sdk_record_seal(struct sdk_way *way, struct span plain, struct sink *out)
{
    if (!way->open || way->sent >= SDK_SENT_MAX || plain.len > SDK_PLAIN_MAX || !sink_ok(out) ||
        out->cap - out->len < sdk_record_len(plain.len))
        return false;
    uint8_t nonce[CHACHA20_NONCE];
    number_nonce(way, way->sent, nonce);
    const size_t begin = out->len;
    const size_t sealed_len = plain.len + AEAD_TAG;
    sink_text(out, HEAD);
    base64_encode(out, SPAN(nonce));
    sink_text(out, MIDDLE);
    /* Sealed into the end of the room that its text takes, and written from there. */
    struct sink ahead = *out;
    uint8_t *room = sink_room(&ahead, base64_len(sealed_len));
    const struct aead_use use = { AEAD_CHACHA20_POLY1305, way->key, SPAN(nonce), { 0 } };
    uint8_t *sealed = room == NULL ? NULL : room + (base64_len(sealed_len) - sealed_len);
    if (sealed == NULL || !aead_seal(&use, plain, sealed)) {
        sink_cut(out, begin);
        return false;
    }
    base64_encode(out, span_of(sealed, sealed_len));
    sink_text(out, TAIL);
    way->sent++;
    return true;
}

bool sdk_envelope_read(struct span text, struct sdk_envelope *out)
{
    struct json_node nodes[NODES];
    struct json json;
    struct sdk_envelope found = { 0 };
    struct span nonce;
    struct sink bytes = sink_over(found.nonce, sizeof found.nonce);
    if (!json_parse_into(text, nodes, NODES, &(struct json_limits){ .depth = 2 }, &json, NULL))
        return false;
    const uint32_t enc = json_member(&json, 0, "enc");
    found.named_x = json_equal_text(&json, enc, "xchacha20poly1305");
    bool ok = (found.named_x || json_equal_text(&json, enc, "chacha20poly1305")) &&
              json_string(&json, json_member(&json, 0, "nonce"), &nonce) &&
              json_string(&json, json_member(&json, 0, "ciphertext"), &found.ciphertext) &&
              base64_decode(nonce, &bytes) && bytes.len == CHACHA20_NONCE;
    if (!ok)
        return false;
    *out = found;
    return true;
}

/* Where this nonce is, or where it would go: at most half of the slots are used. */
static struct sdk_slot *slot_of(const struct sdk_way *way, const uint8_t nonce[CHACHA20_NONCE])
{
    size_t at = (size_t)siphash(way->hash_key, span_of(nonce, CHACHA20_NONCE));
    for (;; at++) {
        struct sdk_slot *slot = &way->slots[at & (way->slot_count - 1)];
        if (slot->used == 0 || bytes_equal(slot->nonce, nonce, CHACHA20_NONCE))
            return slot;
    }
}

enum reason sdk_record_open(struct sdk_way *way, uint8_t *frame, size_t len, struct span *plain)
{
    struct sdk_envelope envelope;
    if (way->taken >= way->slot_count / 2)
        return REASON_CHANNEL_EXHAUSTED;
    if (len > SDK_FRAME_MAX)
        return REASON_CHANNEL_TOO_LARGE;
    if (!sdk_envelope_read(span_of(frame, len), &envelope) || envelope.named_x)
        return REASON_CHANNEL_MALFORMED;
    if (is_own(way, envelope.nonce))
        return REASON_SDK_REFLECTED;
    struct sdk_slot *slot = slot_of(way, envelope.nonce);
    if (slot->used != 0)
        return REASON_CHANNEL_REPLAY;
    /* Decoded and opened where the text stands. */
    uint8_t *at = frame + (envelope.ciphertext.at - frame);
    struct sink sealed = sink_over(at, envelope.ciphertext.len);
    const struct aead_use use = { AEAD_CHACHA20_POLY1305, way->key, SPAN(envelope.nonce), { 0 } };
    if (!base64_decode(envelope.ciphertext, &sealed) || sealed.len < AEAD_TAG)
        return REASON_CHANNEL_MALFORMED;
    if (sealed.len - AEAD_TAG > SDK_PLAIN_MAX)
        return REASON_CHANNEL_TOO_LARGE;
    if (!aead_open(&use, sink_bytes(&sealed), at))
        return REASON_CHANNEL_TAMPERED;
    memcpy(slot->nonce, envelope.nonce, sizeof slot->nonce);
    slot->used = 1;
    way->taken++;
    *plain = span_of(at, sealed.len - AEAD_TAG);
    return REASON_OK;
}
