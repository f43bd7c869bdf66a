/* signed_request_sign.c - see signed_request.h: the client's half, which has the secret. */
#include "token/signed_request.h"

enum reason signed_request_sign(const struct ed25519_secret *secret, struct signed_request *request)
{
    uint8_t text[SIGNED_TEXT_MAX];
    struct sink out = sink_over(text, sizeof text);
    enum reason reason = signed_text_write(request, &out);
    if (reason != REASON_OK)
        return reason;
    ed25519_secret_public(secret, request->key);
    ed25519_sign(secret, sink_bytes(&out), request->signature);
    return REASON_OK;
}
