/* fields.c - the fields that decide how a request is read, judged alike for both versions. */
#include "base/decimal.h"
#include "base/number.h"
#include "http/message.h"

/* A second one of these would be read by one reader and overlooked by the next. */
static const struct {
    const char *name;
    enum reason reason;
} singles[] = {
    { "host", REASON_HTTP_HOST_DUPLICATE },
    { "content-length", REASON_HTTP_LENGTH_INVALID },
    { "transfer-encoding", REASON_HTTP_TRANSFER_CODING },
    { "content-type", REASON_HTTP_FIELD_DUPLICATE },
    { "content-encoding", REASON_HTTP_FIELD_DUPLICATE },
    { "authorization", REASON_HTTP_FIELD_DUPLICATE },
    { "expect", REASON_HTTP_FIELD_DUPLICATE },
    { "upgrade", REASON_HTTP_FIELD_DUPLICATE },
    { "origin", REASON_HTTP_FIELD_DUPLICATE },
    { "traceparent", REASON_HTTP_FIELD_DUPLICATE },
    { "grpc-timeout", REASON_HTTP_FIELD_DUPLICATE },
    { "grpc-encoding", REASON_HTTP_FIELD_DUPLICATE },
    { "sec-websocket-key", REASON_HTTP_FIELD_DUPLICATE },
    { "sec-websocket-version", REASON_HTTP_FIELD_DUPLICATE },
};

static enum reason judge_singles(const struct http_request *request)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        for (size_t k = 0; k < COUNT_OF(singles); k++) {
            uint32_t bit = UINT32_C(1) << k;
            if (!span_equal_text(request->fields[i].name, singles[k].name))
                continue;
            if ((seen & bit) != 0)
                return singles[k].reason;
            seen |= bit;
        }
    }
    return REASON_OK;
}

enum reason http_fields_judge(struct http_request *request)
{
    struct span value;
    enum reason reason = judge_singles(request);
    if (reason != REASON_OK)
        return reason;
    if (http_field_find(request->fields, request->field_count, "content-length", &value)) {
        /* RFC 9110 8.6: 1*DIGIT.  A sign, a list or a leading zero is read differently by
           different readers. */
        if (!decimal_read(value, UINT64_MAX, &request->length))
            return REASON_HTTP_LENGTH_INVALID;
        request->has_length = true;
        request->has_body = request->length > 0;
    }
    if (request->version != HTTP_1_0 &&
        http_field_find(request->fields, request->field_count, "expect", &value)) {
        if (!http_equal_fold(value, "100-continue"))
            return REASON_HTTP_EXPECTATION_UNKNOWN;
        request->wants_100 = true;
    }
    return REASON_OK;
}

/* RFC 9110 6.5.1: nothing that frames, routes, authenticates or describes may come behind what
   it is about. */
bool http_may_trail(struct span name)
{
    static const char *const never[] = {
        "content-length",
        "transfer-encoding",
        "host",
        "trailer",
        "te",
        "connection",
        "content-type",
        "authorization",
        "cookie",
        "content-encoding",
        "content-range",
        "expect",
        "upgrade",
        "range",
        "cache-control",
        "traceparent",
        "grpc-timeout",
        "proxy-authorization",
    };
    for (size_t i = 0; i < COUNT_OF(never); i++) {
        if (span_equal_text(name, never[i]))
            return false;
    }
    return true;
}
