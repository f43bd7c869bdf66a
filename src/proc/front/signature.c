/* signature.c - see front.h: the headers of a signed request are read here and judged by core. */
#include <string.h>

#include "base/number.h"
#include "proc/front/front.h"

enum header { SIGNATURE, TIMESTAMP, NONCE, KEY, TOKEN, VERSION, HEADERS };

static const char *const names[HEADERS] = {
    [SIGNATURE] = "x-signature", [TIMESTAMP] = "x-timestamp", [NONCE] = "x-nonce",
    [KEY] = "x-public-key",      [TOKEN] = "x-session-token", [VERSION] = "x-signature-version",
};

/* How often each came, and its last value. */
static unsigned find(const struct http_request *request, struct span values[HEADERS],
                     unsigned counts[HEADERS])
{
    unsigned all = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (field->name.len < 2 || field->name.at[0] != 'x' || field->name.at[1] != '-')
            continue;
        for (size_t j = 0; j < HEADERS; j++) {
            if (!span_equal_text(field->name, names[j]))
                continue;
            values[j] = field->value;
            counts[j]++;
            all++;
        }
    }
    return all;
}

enum reason signature_read(const struct http_request *request, bool *signs,
                           struct signed_request *out)
{
    struct span values[HEADERS] = { 0 };
    unsigned counts[HEADERS] = { 0 };
    *signs = find(request, values, counts) > 0;
    if (!*signs)
        return REASON_OK;
    for (size_t i = 0; i < HEADERS; i++) {
        if (counts[i] > 1)
            return REASON_SIGNED_HEADERS;
    }
    const struct signed_headers headers = {
        .signature = values[SIGNATURE],
        .timestamp = values[TIMESTAMP],
        .nonce = values[NONCE],
        .key = values[KEY],
        .token = values[TOKEN],
        .version = values[VERSION],
        .has_version = counts[VERSION] > 0,
    };
    enum reason reason = signed_headers_read(&headers, out);
    if (reason != REASON_OK)
        return reason;
    if (!http_field_find(request->fields, request->field_count, "content-type", &out->type))
        out->type = (struct span){ 0 };
    out->method = span_text(http_method_name(request->method));
    out->host = request->authority;
    out->target = request->target;
    /* Core closes the channel for what does not fit, so it must not get as far. */
    return signed_request_is_fit(out) ? REASON_OK : REASON_SIGNED_TEXT;
}

/* A gRPC message stands behind five bytes that say how long it is; no other form of it is taken. */
void signature_hash(const struct http_call *call, uint8_t out[SHA256_LEN])
{
    struct span body = sink_bytes(&call->body);
    uint8_t bytes[GRPC_PREFIX];
    struct sink prefix = sink_over(bytes, sizeof bytes);
    sink_u8(&prefix, 0);
    sink_u32be(&prefix, (uint32_t)body.len);
    const struct span parts[] = { SPAN(bytes), body };
    if (call->match.is_grpc)
        hash_sha256_parts(parts, COUNT_OF(parts), out);
    else
        hash_sha256(body, out);
}

bool signature_put(const struct exchange *exchange, struct sink *out)
{
    const struct http_request *request = exchange->way.request;
    struct signed_request credential;
    bool signs = false;
    if (signature_read(request, &signs, &credential) != REASON_OK || !signs)
        return false; /* it was read at the head */
    memcpy(credential.body_hash, exchange->sent, sizeof credential.body_hash);
    credential_put(out, &credential);
    return true;
}
