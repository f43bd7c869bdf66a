/* ward/request.h - requests over HTTP that a session's key has signed: makes the headers of one,
   and judges those of one that came.

   Six headers carry it: X-Signature, X-Timestamp, X-Nonce, X-Public-Key, X-Session-Token and
   X-Signature-Version.  Method, host, path and query, content type, body, time, nonce and token
   are covered; docs/wire.md has the text.  Nothing here reads a clock or opens anything. */
#ifndef WARD_REQUEST_H
#define WARD_REQUEST_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WARD_CALL_SEED = 32,     /* bytes of the secret key of a session (Ed25519) */
    WARD_CALL_KEY = 32,      /* bytes of its public key */
    WARD_CALL_SECONDS = 120, /* a request is refused that is older, or further ahead */
    WARD_CALL_VALUE = 96     /* characters of the longest header here, and a NUL */
};

/* What is asked, as it is sent or has come.  Texts end with a NUL and are borrowed. */
struct ward_call {
    const char *method;       /* "POST" */
    const char *host;         /* as in the Host header: "house.example:8443" */
    const char *target;       /* path and query as they are sent, with every escape */
    const char *content_type; /* NULL or "": there is none */
    struct ward_bytes body;   /* as it is sent, before any encoding of the transport's */
};

/* The values of the headers.  Those that did not come are empty. */
struct ward_call_headers {
    char signature[WARD_CALL_VALUE];  /* X-Signature */
    char timestamp[WARD_CALL_VALUE];  /* X-Timestamp */
    char nonce[WARD_CALL_VALUE];      /* X-Nonce */
    char public_key[WARD_CALL_VALUE]; /* X-Public-Key */
    char token[WARD_CALL_VALUE];      /* X-Session-Token */
    char version[WARD_CALL_VALUE];    /* X-Signature-Version */
};

/* ward_call_sign makes the headers: `token` is the session's, `time` now, in seconds since 1970
   UTC, and the nonce drawn anew.  WARD_BAD_INPUT with SIGNED_TEXT or SIGNED_TOKEN for a part that
   cannot be signed. */
WARD_API WARD_MUST_USE enum ward_outcome ward_call_sign(const struct ward_call *call,
                                                        const uint8_t seed[WARD_CALL_SEED],
                                                        const char *token, int64_t time,
                                                        struct ward_call_headers *out,
                                                        struct ward_error *error);

/* Whose request it must be. */
struct ward_call_session {
    const char *token;
    const uint8_t *public_key; /* WARD_CALL_KEY bytes: the key that the session was granted to */
};

/* ward_call_verify says WARD_DONE for a request that this session has signed, at most
   WARD_CALL_SECONDS before or after `time`.  WARD_BAD_INPUT when the headers cannot be read,
   WARD_REFUSED when they are another's, too old, or do not fit what came; the reason says which.

   It remembers nothing.  Who serves requests refuses a nonce that the session has used within
   twice WARD_CALL_SECONDS, and takes note of one only after this has said WARD_DONE: else everybody
   who knows a token could use nonces up. */
WARD_API WARD_MUST_USE enum ward_outcome ward_call_verify(const struct ward_call *call,
                                                          const struct ward_call_headers *headers,
                                                          const struct ward_call_session *session,
                                                          int64_t time, struct ward_error *error);

#ifdef __cplusplus
}
#endif
#endif
