/* http1_judge.c - a complete head: for whom is it, and where does it end?  Every request whose
   length or host two readers could see differently is refused here. */
#include "base/number.h"
#include "http/http1.h"

static enum reason judge_host(struct http_request *request)
{
    struct span host;
    if (!http_field_find(request->fields, request->field_count, "host", &host)) {
        /* RFC 9112 3.2: a request without Host is answered with 400; 1.0 had none. */
        return request->version == HTTP_1_0 ? REASON_OK : REASON_HTTP_HOST_MISSING;
    }
    if (!http_authority_is_valid(host))
        return REASON_HTTP_HOST_INVALID;
    if (request->authority.len > 0) {
        bool same = request->authority.len == host.len;
        for (size_t i = 0; same && i < host.len; i++) {
            uint8_t a = host.at[i], b = request->authority.at[i];
            same = a == b || ((a ^ b) == 0x20 && (a | 0x20) >= 'a' && (a | 0x20) <= 'z');
        }
        if (!same)
            return REASON_HTTP_HOST_MISMATCH;
    }
    request->authority = host;
    return REASON_OK;
}

static enum reason judge_framing(struct http1 *conn, struct http_request *request)
{
    struct span coding;
    if (!http_field_find(request->fields, request->field_count, "transfer-encoding", &coding)) {
        bool needs = request->method == HTTP_METHOD_POST || request->method == HTTP_METHOD_PUT ||
                     request->method == HTTP_METHOD_PATCH;
        conn->body_left = request->length;
        return conn->old && needs && !request->has_length ? REASON_HTTP_LENGTH_REQUIRED : REASON_OK;
    }
    /* RFC 9112 6.1: "might indicate an attempt to perform request smuggling". */
    if (request->has_length)
        return REASON_HTTP_LENGTH_CONFLICT;
    if (conn->old)
        return REASON_HTTP_TRANSFER_CODING;
    if (!http_equal_fold(coding, "chunked"))
        return REASON_HTTP_TRANSFER_CODING_UNKNOWN;
    conn->chunked = true;
    request->has_body = true;
    return REASON_OK;
}

/* RFC 9110 7.6.1: what Connection names is for this hop only.  Nothing that decides how the request
   is read may be taken away so. */
static bool may_be_named(struct span option)
{
    static const char *const kept[] = {
        "host",         "content-length", "transfer-encoding", "authorization", "cookie",
        "content-type", "expect",         "connection",        "trailer",       "content-encoding"
    };
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        if (http_equal_fold(option, kept[i]))
            return false;
    }
    return http_is_token(option);
}

static enum reason judge_connection(struct http1 *conn, struct http_request *request)
{
    bool close = false, upgrade = false;
    for (size_t i = 0; i < request->field_count; i++) {
        struct span list = request->fields[i].value, option;
        if (!span_equal_text(request->fields[i].name, "connection"))
            continue;
        while (http_list_next(&list, &option)) {
            if (!may_be_named(option))
                return REASON_HTTP_CONNECTION_INVALID;
            close = close || http_equal_fold(option, "close");
            upgrade = upgrade || http_equal_fold(option, "upgrade");
        }
    }
    /* Keep-Alive of HTTP/1.0 was never specified well enough to rely on. */
    request->keep_alive = !close && !conn->old;
    conn->keep_alive = request->keep_alive;
    struct span protocol;
    if (!upgrade || conn->old || request->method != HTTP_METHOD_GET ||
        !http_field_find(request->fields, request->field_count, "upgrade", &protocol) ||
        !http_equal_fold(protocol, "websocket"))
        return REASON_OK; /* RFC 9110 7.8: a server may ignore an upgrade */
    if (request->has_body || request->has_length)
        return REASON_HTTP_CONNECTION_INVALID;
    request->is_websocket = true;
    return REASON_OK;
}

enum reason http1_judge(struct http1 *conn, struct http1_room *room)
{
    struct http_request *request = &room->request;
    enum reason reason = http_fields_judge(request);
    if (reason == REASON_OK)
        reason = judge_host(request);
    if (reason == REASON_OK)
        reason = judge_framing(conn, request);
    if (reason == REASON_OK)
        reason = judge_connection(conn, request);
    return reason;
}
