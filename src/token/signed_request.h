/* signed_request.h - a request over HTTP that its session's key has signed.

   Five headers carry it: X-Signature, X-Timestamp, X-Nonce, X-Public-Key, X-Session-Token, and
   X-Signature-Version where it is not 1.  What is signed is a text of lines with an LF between
   them and none at the end; none of its parts can hold an LF, so one text is one request.

     version 1   METHOD, path, body hash, timestamp, nonce, token
     version 2   "ward-signed-request-v2", METHOD, host, path and query, content type, body hash,
                 timestamp, nonce, token hash

   Path and query are as they were sent, still encoded.  Both hashes are SHA-256 in lower-case hex:
   of the body as it was sent, and of the token's text.  docs/wire.md has it for other people.

   Nothing here knows which sessions there are, what time it is, or what was signed before. */
#ifndef WARD_TOKEN_SIGNED_REQUEST_H
#define WARD_TOKEN_SIGNED_REQUEST_H

#include "base/result.h"
#include "base/sink.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "model/reason.h"
#include "model/session.h"

enum signed_version { SIGNED_NONE = 0, SIGNED_V1 = 1, SIGNED_V2 = 2 };

enum {
    SIGNED_NONCE_MIN = 8, /* bytes of a nonce: visible ASCII */
    SIGNED_NONCE_MAX = 64,
    SIGNED_TARGET_MAX = 8192, /* of path and query */
    SIGNED_HOST_MAX = 272,    /* of host and port */
    SIGNED_TYPE_MAX = 256,    /* of a content type */
    SIGNED_SKEW_S = 120,      /* that its time may differ from that of whom it is for */
    SIGNED_TEXT_MAX = SIGNED_TARGET_MAX + SIGNED_HOST_MAX + SIGNED_TYPE_MAX + 512,
};

/* The headers as they came; one that did not come is empty, and is none that came empty. */
struct signed_headers {
    struct span signature, timestamp, nonce, key, token, version;
    bool has_version;
};

struct signed_request {
    enum signed_version version;
    struct span method, host, target, type; /* `type` is empty where there is none */
    uint8_t body_hash[SHA256_LEN];
    int64_t timestamp; /* seconds since 1970 */
    struct span nonce, token;
    uint8_t key[ED25519_PUBLIC];
    uint8_t signature[ED25519_SIGNATURE];
};

/* signed_headers_read reads the headers, and nothing else, into a request: strict base64 with its
   padding, plain decimal.  REASON_OK, or SIGNED_HEADERS, SIGNED_VERSION, SIGNED_TIMESTAMP,
   SIGNED_NONCE, SIGNED_KEY, SIGNED_SIGNATURE_FORM or SIGNED_TOKEN with *out untouched.  Spans
   view the headers. */
enum reason signed_headers_read(const struct signed_headers *headers, struct signed_request *out);

/* signed_request_is_fit: every part that is signed, but for the hash of the body, is as long as it
   may be and has no character that it may not have. */
bool signed_request_is_fit(const struct signed_request *request);

/* signed_text_write appends what is signed.  REASON_OK, SIGNED_TEXT for a part that is too long or
   has a character that it may not have, SIGNED_QUERY for a query that version 1 does not cover. */
enum reason signed_text_write(const struct signed_request *request, struct sink *out);

/* signed_request_verify: REASON_OK where request->key has signed it, SIGNED_SIGNATURE_INVALID
   where it has not, or what signed_text_write says. */
enum reason signed_request_verify(const struct signed_request *request);

/* signed_request_sign sets key and signature; REASON_OK, or what signed_text_write says. */
enum reason signed_request_sign(const struct ed25519_secret *secret,
                                struct signed_request *request);

/* signed_token_hash is what a token is known by where it is not shown: the SHA-256 of its text. */
void signed_token_hash(struct span token, uint8_t out[SHA256_LEN]);

#endif
