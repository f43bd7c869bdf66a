/* signed_request.c - see signed_request.h. */
#include "token/signed_request.h"

#include "base/decimal.h"
#include "codec/base64.h"

#define TIMESTAMP_LAST UINT64_C(999999999999) /* of twelve digits */

static bool is_visible(struct span text, uint8_t least)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < least || text.at[i] > '~')
            return false;
    }
    return true;
}

/* What is signed is the number as this side would write it. */
static bool read_timestamp(struct span text, int64_t *out)
{
    uint64_t value;
    if (!decimal_read(text, TIMESTAMP_LAST, &value))
        return false;
    *out = (int64_t)value;
    return true;
}

static bool read_base64(struct span text, uint8_t *out, size_t len)
{
    struct sink bytes = sink_over(out, len);
    return base64_decode(text, &bytes) && bytes.len == len;
}

static bool is_token(struct span text)
{
    uint8_t bytes[SESSION_TOKEN];
    struct sink out = sink_over(bytes, sizeof bytes);
    return text.len == SESSION_TOKEN_TEXT && base64url_decode(text, &out) &&
           out.len == sizeof bytes;
}

static bool read_version(const struct signed_headers *headers, enum signed_version *out)
{
    if (!headers->has_version)
        *out = SIGNED_V1;
    else if (span_equal_text(headers->version, "2"))
        *out = SIGNED_V2;
    else
        return false;
    return true;
}

enum reason signed_headers_read(const struct signed_headers *headers, struct signed_request *out)
{
    struct signed_request read = { .nonce = headers->nonce, .token = headers->token };
    if (headers->signature.len == 0 || headers->timestamp.len == 0 || headers->nonce.len == 0 ||
        headers->key.len == 0 || headers->token.len == 0)
        return REASON_SIGNED_HEADERS;
    if (!read_version(headers, &read.version))
        return REASON_SIGNED_VERSION;
    if (!read_timestamp(headers->timestamp, &read.timestamp))
        return REASON_SIGNED_TIMESTAMP;
    if (read.nonce.len < SIGNED_NONCE_MIN || read.nonce.len > SIGNED_NONCE_MAX ||
        !is_visible(read.nonce, '!'))
        return REASON_SIGNED_NONCE;
    if (!read_base64(headers->key, read.key, sizeof read.key))
        return REASON_SIGNED_KEY;
    if (!read_base64(headers->signature, read.signature, sizeof read.signature))
        return REASON_SIGNED_SIGNATURE_FORM;
    if (!is_token(read.token))
        return REASON_SIGNED_TOKEN;
    *out = read;
    return REASON_OK;
}

static bool has_query(struct span target)
{
    for (size_t i = 0; i < target.len; i++) {
        if (target.at[i] == '?')
            return true;
    }
    return false;
}

/* Whoever calls may have read the parts by other rules: what could end a line is looked for here.
   A content type alone may have spaces in it. */
bool signed_request_is_fit(const struct signed_request *request)
{
    return request->method.len > 0 && request->method.len <= 16 &&
           is_visible(request->method, '!') && request->target.len > 0 &&
           request->target.at[0] == '/' && request->target.len <= SIGNED_TARGET_MAX &&
           is_visible(request->target, '!') && request->nonce.len <= SIGNED_NONCE_MAX &&
           is_visible(request->nonce, '!') && request->token.len <= SESSION_TOKEN_TEXT &&
           is_visible(request->token, '!') && request->host.len <= SIGNED_HOST_MAX &&
           is_visible(request->host, '!') && request->type.len <= SIGNED_TYPE_MAX &&
           is_visible(request->type, ' ') && request->timestamp >= 0;
}

static void put_line(struct sink *out, struct span text)
{
    sink_put(out, text);
    sink_u8(out, '\n');
}

void signed_token_hash(struct span token, uint8_t out[SHA256_LEN])
{
    hash_sha256(token, out);
}

enum reason signed_text_write(const struct signed_request *request, struct sink *out)
{
    uint8_t hash[SHA256_LEN];
    bool first = request->version == SIGNED_V1;
    if (!signed_request_is_fit(request) || (!first && request->version != SIGNED_V2))
        return REASON_SIGNED_TEXT;
    if (first && has_query(request->target))
        return REASON_SIGNED_QUERY;
    if (!first)
        sink_text(out, "ward-signed-request-v2\n");
    put_line(out, request->method);
    if (!first)
        put_line(out, request->host);
    put_line(out, request->target);
    if (!first)
        put_line(out, request->type);
    sink_hex(out, SPAN(request->body_hash));
    sink_u8(out, '\n');
    sink_decimal(out, (uint64_t)request->timestamp, 1);
    sink_u8(out, '\n');
    put_line(out, request->nonce);
    if (first) {
        sink_put(out, request->token);
    } else {
        signed_token_hash(request->token, hash);
        sink_hex(out, SPAN(hash));
    }
    return sink_ok(out) ? REASON_OK : REASON_SIGNED_TEXT;
}

enum reason signed_request_verify(const struct signed_request *request)
{
    uint8_t text[SIGNED_TEXT_MAX];
    struct sink out = sink_over(text, sizeof text);
    enum reason reason = signed_text_write(request, &out);
    if (reason != REASON_OK)
        return reason;
    bool good = ed25519_verify(SPAN(request->key), sink_bytes(&out), SPAN(request->signature));
    return good ? REASON_OK : REASON_SIGNED_SIGNATURE_INVALID;
}
