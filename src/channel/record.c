/* record.c - sealing and opening, always under the next number of its direction: a nonce is the
   direction's iv XOR that number, so no nonce is used twice and none is ever chosen. */
#include "channel/parts.h"

#include <string.h>

uint64_t attested_elapsed(int64_t since_ms, int64_t now_ms)
{
    return now_ms <= since_ms ? 0 : (uint64_t)now_ms - (uint64_t)since_ms;
}

/* What a seal needs beside the message; `nonce` is room for it. */
static struct aead_use use_of(const struct attested_way *way, uint8_t nonce[XCHACHA20_NONCE],
                              struct span extra)
{
    size_t len = aead_nonce_len(way->aead);
    memcpy(nonce, way->iv, XCHACHA20_NONCE);
    for (size_t i = 0; i < sizeof way->seq && len > 0; i++)
        nonce[len - sizeof way->seq + i] ^= (uint8_t)(way->seq >> 8 * i);
    return (struct aead_use){ way->aead, way->key, span_of(nonce, len), extra };
}

/* The number after the last is none: sealing it would begin the numbers again. */
static bool is_spent(const struct attested_way *way)
{
    return way->seq == UINT64_MAX;
}

bool attested_parcel_seal(struct bulk *bulk, struct attested_way *way, struct attested_parcel p)
{
    uint8_t nonce[XCHACHA20_NONCE];
    const struct aead_use use = use_of(way, nonce, span_of(p.at, p.clear));
    uint8_t *plain = p.at + p.clear;
    if (is_spent(way) || !bulk_seal(bulk, &use, span_of(plain, p.plain), plain))
        return false;
    way->seq++;
    return true;
}

bool attested_parcel_open(struct bulk *bulk, struct attested_way *way, struct attested_parcel p)
{
    uint8_t nonce[XCHACHA20_NONCE];
    const struct aead_use use = use_of(way, nonce, span_of(p.at, p.clear));
    uint8_t *sealed = p.at + p.clear;
    if (is_spent(way) || !bulk_open(bulk, &use, span_of(sealed, p.plain + AEAD_TAG), sealed))
        return false;
    way->seq++;
    return true;
}

/* What a record's tag covers beside the message: its head, and how long the message is. */
enum { EXTRA = ATTESTED_RECORD_HEAD + 4 };

static struct span extra_of(uint8_t extra[EXTRA], const uint8_t *head, size_t len)
{
    struct sink out = sink_over(extra, EXTRA);
    sink_put(&out, span_of(head, ATTESTED_RECORD_HEAD));
    sink_u32le(&out, (uint32_t)len);
    return sink_bytes(&out);
}

bool attested_record_seal(struct bulk *bulk, struct attested_way *way, enum attested_type type,
                          struct span plain, uint8_t *out)
{
    uint8_t nonce[XCHACHA20_NONCE];
    uint8_t extra[EXTRA];
    struct sink head = sink_over(out, ATTESTED_RECORD_HEAD);
    sink_u8(&head, (uint8_t)type);
    sink_u32le(&head, way->epoch);
    sink_u64le(&head, way->seq);
    const struct aead_use use = use_of(way, nonce, extra_of(extra, out, plain.len));
    if (is_spent(way) || !bulk_seal(bulk, &use, plain, out + ATTESTED_RECORD_HEAD))
        return false;
    way->seq++;
    return true;
}

enum reason attested_record_open(struct bulk *bulk, struct attested_way *way,
                                 struct attested_message message, struct span *plain)
{
    struct cursor in = cur_over(span_of(message.at, message.len));
    uint32_t epoch;
    uint64_t seq;
    if (!cur_skip(&in, 1) || !cur_u32le(&in, &epoch) || !cur_u64le(&in, &seq) ||
        cur_left(&in) < AEAD_TAG)
        return REASON_CHANNEL_MALFORMED;
    if (epoch != way->epoch)
        return REASON_CHANNEL_EPOCH;
    if (seq != way->seq)
        return seq < way->seq ? REASON_CHANNEL_REPLAY : REASON_CHANNEL_GAP;
    if (is_spent(way))
        return REASON_CHANNEL_EXHAUSTED;
    uint8_t nonce[XCHACHA20_NONCE];
    uint8_t extra[EXTRA];
    size_t len = cur_left(&in) - AEAD_TAG;
    const struct aead_use use = use_of(way, nonce, extra_of(extra, message.at, len));
    uint8_t *at = message.at + ATTESTED_RECORD_HEAD;
    if (!bulk_open(bulk, &use, cur_rest(&in), at))
        return REASON_CHANNEL_TAMPERED;
    way->seq++;
    *plain = span_of(at, len);
    return REASON_OK;
}
