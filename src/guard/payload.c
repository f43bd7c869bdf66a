/* payload.c - see payload.h. */
#include "guard/payload.h"

#include <string.h>

#include "base/cursor.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/verified_request.h"
#include "crypto/hash.h"
#include "merkle/checkpoint.h"

static const char *const names[PAYLOAD_KIND_COUNT] = {
    [PAYLOAD_TLS_SERVER] = "tls-server",   [PAYLOAD_CHECKPOINT] = "checkpoint",
    [PAYLOAD_CERTIFICATE] = "certificate", [PAYLOAD_TOKEN] = "token",
    [PAYLOAD_MINER] = "miner-token",       [PAYLOAD_VERIFIED] = "verified-request",
    [PAYLOAD_RESULT] = "ward-result",
};

const char *payload_kind_name(enum payload_kind kind)
{
    const char *name = (unsigned)kind < PAYLOAD_KIND_COUNT ? names[kind] : NULL;
    return name != NULL ? name : "unknown";
}

/* RFC 8446 4.4.3: "A string that consists of octet 32 (0x20) repeated 64 times", "The context
   string" with "server", "A single 0 byte which serves as the separator", "The content to be
   signed": the transcript's hash, of SHA-256 or SHA-384 in every suite of TLS 1.3. */
static bool read_tls_server(struct span bytes, struct payload *out)
{
    static const char prefix[] = "                                "
                                 "                                "
                                 "TLS 1.3, server CertificateVerify";
    _Static_assert(sizeof prefix == TLS_SERVER_PREFIX, "the string's NUL is the separator");
    struct cursor in = cur_over(bytes);
    if (!cur_expect(&in, SPAN(prefix)) ||
        (cur_left(&in) != SHA256_LEN && cur_left(&in) != SHA384_LEN))
        return false;
    out->transcript_hash = cur_rest(&in);
    return true;
}

static bool origin_is_good(struct span origin)
{
    bool ok = origin.len > 0 && origin.len <= CHECKPOINT_ORIGIN_MAX;
    for (size_t i = 0; ok && i < origin.len; i++)
        ok = origin.at[i] > 0x20 && origin.at[i] < 0x7f && origin.at[i] != '+';
    return ok;
}

/* C2SP tlog-checkpoint, as merkle/ reads it, of a narrower form: an origin of visible ASCII, a
   size that is one of 63 bits, and no extension lines, which Ward's own heads never have. */
static bool read_checkpoint(struct span bytes, struct payload *out)
{
    const uint64_t largest = UINT64_MAX / 2;
    struct checkpoint read;
    if (!rc_ok(checkpoint_parse_text(bytes, &read, NULL)) || read.extensions.len > 0 ||
        read.head.size > largest || !origin_is_good(read.origin))
        return false;
    out->checkpoint = (struct checkpoint_body){ .origin = read.origin, .size = read.head.size };
    memcpy(out->checkpoint.root, read.head.root.at, sizeof out->checkpoint.root);
    return true;
}

/* base64url that has one meaning, of an object that begins with these bytes. */
static bool segment_is_good(struct span text, const char *begins)
{
    uint8_t room[TOKEN_INPUT_MAX];
    struct sink out = sink_over(room, sizeof room);
    if (!base64url_decode(text, &out) || out.len <= 2 || room[out.len - 1] != '}')
        return false;
    struct cursor in = cur_over(sink_bytes(&out));
    return cur_expect(&in, span_text(begins));
}

/* RFC 7515 5.1: ASCII(BASE64URL(UTF8(header)) || '.' || BASE64URL(payload)).  What is MACed says
   so in its first member. */
static bool read_token(struct span bytes)
{
    size_t dot = 0;
    if (bytes.len > TOKEN_INPUT_MAX)
        return false;
    while (dot < bytes.len && bytes.at[dot] != '.')
        dot++;
    if (dot == bytes.len)
        return false;
    return segment_is_good(span_of(bytes.at, dot), "{\"alg\":\"HS256\"") &&
           segment_is_good(span_of(&bytes.at[dot] + 1, bytes.len - dot - 1), "{\"");
}

static bool read_miner(struct span bytes, struct payload *out)
{
    uint8_t memory[MINER_ROOM];
    struct sink room = sink_over(memory, sizeof memory);
    struct miner_claims claims;
    struct miner_input input = { 0 };
    if (miner_input_read(bytes, &room, &claims) != MINER_READ ||
        !hex_decode(claims.key_id, input.key, sizeof input.key))
        return false;
    input.issued = claims.issued;
    input.issuer_len = claims.issuer.len;
    memcpy(input.issuer, claims.issuer.at, claims.issuer.len);
    out->miner = input;
    return true;
}

static bool read_verified(struct span bytes, struct payload *out)
{
    struct verified_request request;
    if (!verified_request_read(bytes, &request))
        return false;
    out->verified.at = request.at;
    return hex_decode(request.key_id, out->verified.key, sizeof out->verified.key);
}

static bool read_result(struct span bytes, struct job_result_room *room, struct payload *out)
{
    struct job_result result;
    if (room == NULL || job_result_input_read(bytes, room, &result) != JOB_RESULT_READ)
        return false;
    out->result.ended = result.ended;
    return hex_decode(result.key_id, out->result.key, sizeof out->result.key);
}

uint32_t payload_kinds(struct span bytes, struct span ca_point, struct job_result_room *room,
                       struct payload *out)
{
    uint32_t kinds = 0;
    if (read_result(bytes, room, out))
        kinds |= 1u << PAYLOAD_RESULT;
    if (bytes.len == 0 || bytes.len > PAYLOAD_MAX)
        return kinds;
    if (read_tls_server(bytes, out))
        kinds |= 1u << PAYLOAD_TLS_SERVER;
    if (read_checkpoint(bytes, out))
        kinds |= 1u << PAYLOAD_CHECKPOINT;
    if (certificate_recognise(bytes, ca_point, &out->certificate))
        kinds |= 1u << PAYLOAD_CERTIFICATE;
    if (read_token(bytes))
        kinds |= 1u << PAYLOAD_TOKEN;
    if (read_miner(bytes, out))
        kinds |= 1u << PAYLOAD_MINER;
    if (read_verified(bytes, out))
        kinds |= 1u << PAYLOAD_VERIFIED;
    return kinds;
}

enum payload_kind payload_single(uint32_t kinds)
{
    for (unsigned kind = PAYLOAD_NONE + 1; kind < PAYLOAD_KIND_COUNT; kind++)
        if (kinds == 1u << kind)
            return (enum payload_kind)kind;
    return PAYLOAD_NONE;
}
