/* message.c - the handshake's messages, byte by byte: docs/wire.md.  Says whether the form is
   right and nothing else; knows no key. */
#include "channel/parts.h"

enum { FLAG_GIVES = 1, FLAG_WANTS = 2 };

const struct attested_evidence attested_no_evidence = { .kind = ATTESTED_KIND_NONE };

bool attested_purpose_is_good(struct span purpose)
{
    bool ok = purpose.len > 0 && purpose.len <= ATTESTED_PURPOSE_MAX;
    for (size_t i = 0; ok && i < purpose.len; i++)
        ok = purpose.at[i] > 0x20 && purpose.at[i] < 0x7f;
    return ok;
}

bool attested_evidence_fits(const struct attested_evidence *evidence)
{
    return evidence->evidence.len <= ATTESTED_EVIDENCE_MAX && evidence->log.len <= ATTESTED_LOG_MAX;
}

static bool get_flags(struct cursor *in, bool *gives, bool *wants)
{
    uint8_t flags;
    if (!cur_u8(in, &flags) || (flags & ~(FLAG_GIVES | FLAG_WANTS)) != 0)
        return false;
    *gives = (flags & FLAG_GIVES) != 0;
    *wants = (flags & FLAG_WANTS) != 0;
    return true;
}

static bool get_aead(struct cursor *in, enum aead *out)
{
    uint8_t number;
    if (!cur_u8(in, &number) || aead_nonce_len((enum aead)number) == 0)
        return false;
    *out = (enum aead)number;
    return true;
}

static bool get_aeads(struct cursor *in, struct attested_hello *hello)
{
    uint8_t count;
    if (!cur_u8(in, &count) || count < 1 || count > 2)
        return false;
    hello->aead_count = count;
    for (size_t i = 0; i < count; i++)
        if (!get_aead(in, &hello->aeads[i]))
            return false;
    return count == 1 || hello->aeads[0] != hello->aeads[1];
}

enum reason attested_parse_hello(struct cursor *in, struct attested_hello *out)
{
    struct attested_hello hello = { 0 };
    uint8_t len;
    bool ok = cur_copy(in, hello.nonce, sizeof hello.nonce) &&
              cur_copy(in, hello.point, sizeof hello.point) && get_aeads(in, &hello) &&
              get_flags(in, &hello.gives, &hello.wants) && cur_u8(in, &len) &&
              cur_take(in, len, &hello.purpose) && cur_end(in);
    if (!ok || !attested_purpose_is_good(hello.purpose))
        return REASON_CHANNEL_MALFORMED;
    *out = hello;
    return REASON_OK;
}

enum reason attested_parse_accept(struct cursor *in, struct attested_accept *out)
{
    struct attested_accept accept = { 0 };
    if (!cur_copy(in, accept.nonce, sizeof accept.nonce) ||
        !cur_copy(in, accept.point, sizeof accept.point) || !get_aead(in, &accept.aead) ||
        !get_flags(in, &accept.gives, &accept.wants))
        return REASON_CHANNEL_MALFORMED;
    *out = accept;
    return REASON_OK;
}

enum reason attested_parse_evidence(struct span sealed_part, struct attested_evidence *out)
{
    struct attested_evidence evidence = { 0 };
    struct cursor in = cur_over(sealed_part), quote, log;
    uint8_t kind;
    if (!cur_u8(&in, &kind) || kind > ATTESTED_KIND_NITRO || !cur_sub_u32le(&in, &quote) ||
        !cur_sub_u32le(&in, &log) || !cur_end(&in))
        return REASON_CHANNEL_MALFORMED;
    evidence.kind = (enum attested_kind)kind;
    evidence.evidence = cur_rest(&quote);
    evidence.log = cur_rest(&log);
    if (!attested_evidence_fits(&evidence))
        return REASON_CHANNEL_TOO_LARGE;
    /* Something is there exactly when its kind says so. */
    if ((kind == ATTESTED_KIND_NONE) != (evidence.evidence.len == 0) ||
        (kind == ATTESTED_KIND_NONE && evidence.log.len > 0))
        return REASON_CHANNEL_MALFORMED;
    *out = evidence;
    return REASON_OK;
}

/* No byte of it can do anything to whoever prints it. */
enum reason attested_parse_refusal(struct cursor *in, enum reason *out)
{
    struct span name;
    uint8_t len;
    if (!cur_u8(in, &len) || len == 0 || len > ATTESTED_REASON_MAX || !cur_take(in, len, &name) ||
        !cur_end(in))
        return REASON_CHANNEL_MALFORMED;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.at[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            return REASON_CHANNEL_MALFORMED;
    }
    *out = reason_find(name);
    return REASON_OK;
}

static void put_flags(struct sink *out, bool gives, bool wants)
{
    sink_u8(out, (uint8_t)((gives ? FLAG_GIVES : 0) | (wants ? FLAG_WANTS : 0)));
}

static void put_head(struct sink *out, enum attested_type type)
{
    sink_u8(out, (uint8_t)type);
    sink_u8(out, ATTESTED_VERSION);
}

void attested_write_hello(const struct attested *channel, struct sink *out)
{
    put_head(out, ATTESTED_HELLO);
    sink_put(out, SPAN(channel->nonce[0]));
    sink_put(out, SPAN(channel->point[0]));
    sink_u8(out, (uint8_t)channel->aead_count);
    for (size_t i = 0; i < channel->aead_count; i++)
        sink_u8(out, (uint8_t)channel->aeads[i]);
    put_flags(out, channel->gives_evidence, channel->wants_evidence);
    sink_u8(out, (uint8_t)channel->purpose_len);
    sink_put(out, span_of(channel->purpose, channel->purpose_len));
}

void attested_write_accept(const struct attested *channel, struct sink *out)
{
    put_head(out, ATTESTED_ACCEPT);
    sink_put(out, SPAN(channel->nonce[1]));
    sink_put(out, SPAN(channel->point[1]));
    sink_u8(out, (uint8_t)channel->aead);
    put_flags(out, channel->peer_wants_evidence, channel->wants_evidence);
}

void attested_write_evidence(const struct attested_evidence *evidence, struct sink *out)
{
    sink_u8(out, (uint8_t)evidence->kind);
    sink_u32le(out, (uint32_t)evidence->evidence.len);
    sink_put(out, evidence->evidence);
    sink_u32le(out, (uint32_t)evidence->log.len);
    sink_put(out, evidence->log);
}
