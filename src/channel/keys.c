/* keys.c - from two nonces, two points and the transcript to the keys of each direction.  Every
   derivation has a label of its own, so no key is ever good for two things. */
#include "channel/parts.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/hkdf.h"

_Static_assert((int)AEAD_KEY == (int)SHA256_LEN, "a block is a key");

static const char *const handshake_labels[] = { "", ATTESTED_LABEL "handshake i",
                                                ATTESTED_LABEL "handshake r" };
static const char *const traffic_labels[] = { "", ATTESTED_LABEL "traffic i",
                                              ATTESTED_LABEL "traffic r" };

/* A part of the transcript is its length and its bytes: no two transcripts read alike. */
struct framed {
    uint8_t len[4];
};

static struct span length_of(struct framed *room, struct span part)
{
    struct sink out = sink_over(room->len, sizeof room->len);
    sink_u32le(&out, (uint32_t)part.len);
    return sink_bytes(&out);
}

void attested_transcript_begin(struct attested *channel, struct span hello, struct span accept)
{
    struct framed room[2];
    const struct span parts[] = { span_text(ATTESTED_LABEL "transcript 0"),
                                  length_of(&room[0], hello), hello, length_of(&room[1], accept),
                                  accept };
    hash_sha256_parts(parts, 5, channel->transcript);
    memcpy(channel->bound, channel->transcript, sizeof channel->bound);
    attested_report_data(channel->bound, ATTESTED_INITIATOR, channel->report_data[0]);
    attested_report_data(channel->bound, ATTESTED_RESPONDER, channel->report_data[1]);
}

static void transcript_more(struct attested *channel, const char *label, struct span part)
{
    struct framed room;
    const struct span parts[] = { span_text(label), SPAN(channel->transcript),
                                  length_of(&room, part), part };
    hash_sha256_parts(parts, 4, channel->transcript);
}

void attested_transcript_accept(struct attested *channel, struct span sealed_part)
{
    transcript_more(channel, ATTESTED_LABEL "transcript 1", sealed_part);
}

void attested_transcript_finish(struct attested *channel, struct span finish)
{
    transcript_more(channel, ATTESTED_LABEL "transcript 2", finish);
}

/* RFC 7748 6.1: "MAY check, without leaking extra information about the value of K, whether K is
   the all-zero value and abort if so".  Here it must. */
bool attested_shared(const uint8_t own[X25519_LEN], const uint8_t point[X25519_LEN],
                     const uint8_t peer[X25519_LEN], uint8_t out[X25519_LEN])
{
    return x25519_is_canonical(peer) && !bytes_equal(point, peer, X25519_LEN) &&
           x25519(own, peer, out);
}

enum reason attested_agree(struct attested *channel)
{
    const bool initiator = channel->role == ATTESTED_INITIATOR;
    uint8_t shared[X25519_LEN];
    const bool ok = attested_shared(channel->keys.own, channel->point[initiator ? 0 : 1],
                                    channel->point[initiator ? 1 : 0], shared);
    if (ok)
        hkdf_extract(SPAN(channel->nonce), SPAN(shared), channel->keys.handshake);
    ct_wipe(channel->keys.own, sizeof channel->keys.own);
    ct_wipe(shared, sizeof shared);
    return ok ? REASON_OK : REASON_CHANNEL_KEY;
}

static void way_keys(struct attested_way *way)
{
    uint8_t block[SHA256_LEN];
    hkdf_expand_key(way->secret, span_text(ATTESTED_LABEL "key"), way->key);
    hkdf_expand_key(way->secret, span_text(ATTESTED_LABEL "iv"), block);
    memcpy(way->iv, block, sizeof way->iv);
    ct_wipe(block, sizeof block);
}

/* The label goes before the transcript. */
static void way_begin(const struct attested *channel, const char *label, int64_t now_ms,
                      struct attested_way *out)
{
    uint8_t info[64];
    struct sink text = sink_over(info, sizeof info);
    sink_text(&text, label);
    sink_put(&text, SPAN(channel->transcript));
    *out = (struct attested_way){ .aead = channel->aead, .since_ms = now_ms };
    hkdf_expand_key(channel->keys.handshake, sink_bytes(&text), out->secret);
    way_keys(out);
}

void attested_handshake_way(const struct attested *channel, enum attested_role sender,
                            struct attested_way *out)
{
    way_begin(channel, handshake_labels[sender], 0, out);
}

void attested_traffic_way(const struct attested *channel, enum attested_role sender, int64_t now_ms,
                          struct attested_way *out)
{
    way_begin(channel, traffic_labels[sender], now_ms, out);
}

bool attested_way_next(struct attested_way *way, int64_t now_ms)
{
    if (way->epoch == UINT32_MAX)
        return false;
    uint8_t next[SHA256_LEN];
    hkdf_expand_key(way->secret, span_text(ATTESTED_LABEL "next"), next);
    memcpy(way->secret, next, sizeof next);
    ct_wipe(next, sizeof next);
    way_keys(way);
    way->epoch++;
    way->seq = 0;
    way->bytes = 0;
    way->since_ms = now_ms;
    return true;
}
