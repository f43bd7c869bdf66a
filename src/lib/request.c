/* request.c - the public face of signed requests. */
#include "ward/request.h"

#include <string.h>

#include "base/number.h"
#include "codec/base64.h"
#include "crypto/ct.h"
#include "lib/objects.h"
#include "os/random.h"
#include "token/signed_request.h"

_Static_assert((int)WARD_CALL_SEED == (int)ED25519_SEED, "a secret key");
_Static_assert((int)WARD_CALL_KEY == (int)ED25519_PUBLIC, "a public key");
_Static_assert((int)WARD_CALL_SECONDS == (int)SIGNED_SKEW_S, "the house's rule and the library's");

enum { NONCE = 16 }; /* random bytes, sent in hex */

static enum ward_outcome refuse(struct ward_error *error, enum reason reason)
{
    bool denied = reason_info(reason)->class == RC_DENIED;
    return error_reason(error, denied ? WARD_REFUSED : WARD_BAD_INPUT, reason, REASON_NONE);
}

static struct span text_of(const char *text)
{
    return text != NULL ? span_text(text) : (struct span){ 0 };
}

static void describe(const struct ward_call *call, struct signed_request *out)
{
    out->method = text_of(call->method);
    out->host = text_of(call->host);
    out->target = text_of(call->target);
    out->type = text_of(call->content_type);
    hash_sha256(span_of_bytes(call->body), out->body_hash);
}

static void put_base64(char out[WARD_CALL_VALUE], struct span bytes)
{
    struct sink text = sink_over(out, WARD_CALL_VALUE);
    base64_encode(&text, bytes);
    sink_terminate(&text);
}

static void put_text(char out[WARD_CALL_VALUE], struct span bytes)
{
    struct sink text = sink_over(out, WARD_CALL_VALUE);
    sink_put(&text, bytes);
    sink_terminate(&text);
}

enum ward_outcome ward_call_sign(const struct ward_call *call, const uint8_t seed[WARD_CALL_SEED],
                                 const char *token, int64_t time, struct ward_call_headers *out,
                                 struct ward_error *error)
{
    uint8_t random[NONCE];
    char nonce[2 * NONCE];
    struct sink hex = sink_over(nonce, sizeof nonce);
    struct signed_request request = { .version = SIGNED_V2, .token = text_of(token) };
    struct ed25519_secret secret;
    if (request.token.len != SESSION_TOKEN_TEXT)
        return refuse(error, REASON_SIGNED_TOKEN);
    if (time < 0)
        return refuse(error, REASON_SIGNED_TIMESTAMP);
    random_bytes(random, sizeof random);
    sink_hex(&hex, SPAN(random));
    request.nonce = sink_bytes(&hex);
    request.timestamp = time;
    describe(call, &request);
    ed25519_secret_of_seed(seed, &secret);
    enum reason reason = signed_request_sign(&secret, &request);
    ct_wipe(&secret, sizeof secret);
    if (reason != REASON_OK)
        return refuse(error, reason);
    struct sink decimal = sink_over(out->timestamp, sizeof out->timestamp);
    sink_decimal(&decimal, (uint64_t)time, 1);
    sink_terminate(&decimal);
    put_base64(out->signature, SPAN(request.signature));
    put_base64(out->public_key, SPAN(request.key));
    put_text(out->nonce, request.nonce);
    put_text(out->token, request.token);
    put_text(out->version, span_text("2"));
    return WARD_DONE;
}

/* A value up to its NUL, or the whole room without one: no value is that long. */
static struct span value_of(const char value[WARD_CALL_VALUE])
{
    return span_of(value, strnlen(value, WARD_CALL_VALUE));
}

static bool is_near(int64_t timestamp, int64_t time, enum reason *reason)
{
    int64_t oldest, newest;
    *reason = REASON_NONCE_TOO_OLD;
    if (!add_i64(time, -WARD_CALL_SECONDS, &oldest) || timestamp < oldest)
        return false;
    *reason = REASON_NONCE_FUTURE;
    return add_i64(time, WARD_CALL_SECONDS, &newest) && timestamp <= newest;
}

/* REASON_OK when the request is of this session and of this time; its signature is not looked at.
 */
static enum reason judge(const struct signed_request *request,
                         const struct ward_call_session *session, int64_t time)
{
    enum reason reason;
    struct span token = text_of(session->token);
    if (request->version != SIGNED_V2)
        return REASON_SIGNED_VERSION;
    if (token.len != request->token.len || !ct_equal(token.at, request->token.at, token.len))
        return REASON_SESSION_UNKNOWN;
    if (session->public_key == NULL ||
        !ct_equal(session->public_key, request->key, sizeof request->key))
        return REASON_SIGNED_KEY_FOREIGN;
    return is_near(request->timestamp, time, &reason) ? REASON_OK : reason;
}

enum ward_outcome ward_call_verify(const struct ward_call *call,
                                   const struct ward_call_headers *headers,
                                   const struct ward_call_session *session, int64_t time,
                                   struct ward_error *error)
{
    const struct signed_headers given = { .signature = value_of(headers->signature),
                                          .timestamp = value_of(headers->timestamp),
                                          .nonce = value_of(headers->nonce),
                                          .key = value_of(headers->public_key),
                                          .token = value_of(headers->token),
                                          .version = value_of(headers->version),
                                          .has_version = headers->version[0] != 0 };
    struct signed_request request;
    enum reason reason = signed_headers_read(&given, &request);
    if (reason == REASON_OK)
        reason = judge(&request, session, time);
    if (reason == REASON_OK) {
        describe(call, &request);
        reason = signed_request_verify(&request);
    }
    return reason == REASON_OK ? WARD_DONE : refuse(error, reason);
}
