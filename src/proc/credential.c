/* credential.c - see credential.h. */
#include "proc/credential.h"

#include "ipc/frame.h"

enum { METHOD_MAX = 16 };

void credential_put(struct sink *out, const struct signed_request *request)
{
    sink_u8(out, (uint8_t)request->version);
    put_bytes(out, request->method);
    put_bytes(out, request->host);
    put_bytes(out, request->target);
    put_bytes(out, request->type);
    sink_put(out, SPAN(request->body_hash));
    sink_u64le(out, (uint64_t)request->timestamp);
    put_bytes(out, request->nonce);
    put_bytes(out, request->token);
    sink_put(out, SPAN(request->key));
    sink_put(out, SPAN(request->signature));
}

bool credential_get(struct cursor *in, struct signed_request *out)
{
    struct signed_request request = { 0 };
    uint8_t version = 0;
    uint64_t timestamp = 0;
    if (!(cur_u8(in, &version) && (version == SIGNED_V1 || version == SIGNED_V2) &&
          get_bytes(in, METHOD_MAX, &request.method) &&
          get_bytes(in, SIGNED_HOST_MAX, &request.host) &&
          get_bytes(in, SIGNED_TARGET_MAX, &request.target) &&
          get_bytes(in, SIGNED_TYPE_MAX, &request.type) &&
          cur_copy(in, request.body_hash, sizeof request.body_hash) && cur_u64le(in, &timestamp) &&
          timestamp <= INT64_MAX && get_bytes(in, SIGNED_NONCE_MAX, &request.nonce) &&
          get_bytes(in, SESSION_TOKEN_TEXT, &request.token) &&
          cur_copy(in, request.key, sizeof request.key) &&
          cur_copy(in, request.signature, sizeof request.signature)))
        return false;
    request.version = (enum signed_version)version;
    request.timestamp = (int64_t)timestamp;
    *out = request;
    return true;
}
