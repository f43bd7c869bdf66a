/* problem.c - see problem.h. */
#include "http/problem.h"

#include "base/number.h"
#include "codec/base64.h"
#include "codec/json_write.h"
#include "codec/protobuf.h"
#include "codec/utf8.h"
#include "http/router.h"

/* What the caller should do about it follows from the class. */
static const struct {
    unsigned status;
    enum grpc_status grpc;
} by_class[] = {
    [RC_OK] = { 500, GRPC_INTERNAL }, /* no success is a problem */
    [RC_PEER] = { 400, GRPC_INVALID_ARGUMENT },
    [RC_DENIED] = { 403, GRPC_PERMISSION_DENIED },
    [RC_BUSY] = { 429, GRPC_RESOURCE_EXHAUSTED },
    [RC_WORLD] = { 503, GRPC_UNAVAILABLE },
    [RC_BUG] = { 500, GRPC_INTERNAL },
};

/* Reasons for which HTTP or gRPC has a word of its own. */
static const struct {
    enum reason reason;
    unsigned status;
    enum grpc_status grpc;
} exceptions[] = {
    { REASON_ADMIT_NOT_BANNED, 404, GRPC_NOT_FOUND },
    { REASON_ADMIT_NEVER_BANNED, 409, GRPC_FAILED_PRECONDITION },
    { REASON_HTTP_ROUTE_UNKNOWN, 404, GRPC_UNIMPLEMENTED },
    { REASON_HTTP_METHOD_NOT_ALLOWED, 405, GRPC_UNIMPLEMENTED },
    { REASON_HTTP_TIMEOUT, 408, GRPC_CANCELLED },
    { REASON_IDEMPOTENCY_KEY_BUSY, 409, GRPC_ABORTED },
    { REASON_IDEMPOTENCY_KEY_REUSED, 422, GRPC_INVALID_ARGUMENT },
    { REASON_HTTP_PRECONDITION_FAILED, 412, GRPC_FAILED_PRECONDITION },
    { REASON_HTTP_LENGTH_REQUIRED, 411, GRPC_INVALID_ARGUMENT },
    { REASON_HTTP_BODY_TOO_LARGE, 413, GRPC_RESOURCE_EXHAUSTED },
    { REASON_HTTP_TARGET_TOO_LONG, 414, GRPC_RESOURCE_EXHAUSTED },
    { REASON_HTTP_MEDIA_TYPE, 415, GRPC_INVALID_ARGUMENT },
    { REASON_HTTP_EXPECTATION_UNKNOWN, 417, GRPC_INVALID_ARGUMENT },
    { REASON_HTTP_FIELDS_TOO_LARGE, 431, GRPC_RESOURCE_EXHAUSTED },
    { REASON_HTTP_METHOD_UNKNOWN, 501, GRPC_UNIMPLEMENTED },
    { REASON_HTTP_TRANSFER_CODING_UNKNOWN, 501, GRPC_UNIMPLEMENTED },
    { REASON_HTTP_VERSION_UNSUPPORTED, 505, GRPC_UNIMPLEMENTED },
    { REASON_GRPC_COMPRESSED, 415, GRPC_UNIMPLEMENTED },
    { REASON_GRPC_MESSAGE_COUNT, 400, GRPC_UNIMPLEMENTED },
    { REASON_GRPC_SERVICE_UNKNOWN, 404, GRPC_NOT_FOUND },
    { REASON_GRPC_DEADLINE, 504, GRPC_DEADLINE_EXCEEDED },
    { REASON_MINER_TOKEN_MISSING, 401, GRPC_UNAUTHENTICATED },
    { REASON_MINER_TOKEN_MALFORMED, 401, GRPC_UNAUTHENTICATED },
    { REASON_MINER_TOKEN_ALGORITHM, 401, GRPC_UNAUTHENTICATED },
    { REASON_MINER_TOKEN_KEY, 401, GRPC_UNAUTHENTICATED },
    { REASON_MINER_TOKEN_SIGNATURE, 401, GRPC_UNAUTHENTICATED },
    { REASON_MINER_TOKEN_ISSUER, 401, GRPC_UNAUTHENTICATED },
    { REASON_MINER_TOKEN_AUDIENCE, 401, GRPC_UNAUTHENTICATED },
    { REASON_MINER_TOKEN_EARLY, 401, GRPC_UNAUTHENTICATED },
    { REASON_MINER_TOKEN_EXPIRED, 401, GRPC_UNAUTHENTICATED },
    { REASON_MINER_TOKEN_SCOPE, 401, GRPC_UNAUTHENTICATED },
    { REASON_MINER_TOKEN_REPLAYED, 401, GRPC_UNAUTHENTICATED },
    { REASON_CHALLENGE_UNKNOWN, 404, GRPC_NOT_FOUND },
    { REASON_CHALLENGE_UNREACHABLE, 502, GRPC_UNAVAILABLE },
    { REASON_CHALLENGE_SLOW, 504, GRPC_DEADLINE_EXCEEDED },
    { REASON_CHALLENGE_ANSWER, 502, GRPC_UNAVAILABLE },
    { REASON_STORE_NO_SESSION, 404, GRPC_NOT_FOUND },
    { REASON_JOB_UNKNOWN, 404, GRPC_NOT_FOUND },
    { REASON_JOB_HAS_ENDED, 409, GRPC_FAILED_PRECONDITION },
    { REASON_SESSION_REQUIRED, 401, GRPC_UNAUTHENTICATED },
    { REASON_SESSION_UNKNOWN, 401, GRPC_UNAUTHENTICATED },
    { REASON_SIGNED_HEADERS, 401, GRPC_UNAUTHENTICATED },
    { REASON_SIGNED_VERSION, 401, GRPC_UNAUTHENTICATED },
    { REASON_SIGNED_TIMESTAMP, 401, GRPC_UNAUTHENTICATED },
    { REASON_SIGNED_NONCE, 401, GRPC_UNAUTHENTICATED },
    { REASON_SIGNED_KEY, 401, GRPC_UNAUTHENTICATED },
    { REASON_SIGNED_SIGNATURE_FORM, 401, GRPC_UNAUTHENTICATED },
    { REASON_SIGNED_TOKEN, 401, GRPC_UNAUTHENTICATED },
    { REASON_SIGNED_TEXT, 401, GRPC_UNAUTHENTICATED },
    { REASON_SIGNED_QUERY, 401, GRPC_UNAUTHENTICATED },
    { REASON_SIGNED_KEY_FOREIGN, 401, GRPC_UNAUTHENTICATED },
    { REASON_SIGNED_SIGNATURE_INVALID, 401, GRPC_UNAUTHENTICATED },
    { REASON_COLLATERAL_MISSING, 503, GRPC_UNAVAILABLE },
    { REASON_SDK_NONCE_UNKNOWN, 401, GRPC_UNAUTHENTICATED },
    { REASON_SDK_NONCE_EXPIRED, 401, GRPC_UNAUTHENTICATED },
    { REASON_POLICY_REPORT_DATA, 401, GRPC_UNAUTHENTICATED },
    { REASON_NONCE_TOO_OLD, 401, GRPC_UNAUTHENTICATED },
    { REASON_NONCE_FUTURE, 401, GRPC_UNAUTHENTICATED },
    { REASON_NONCE_REPLAYED, 401, GRPC_UNAUTHENTICATED },
};

unsigned problem_status(enum reason reason)
{
    for (size_t i = 0; i < COUNT_OF(exceptions); i++) {
        if (exceptions[i].reason == reason)
            return exceptions[i].status;
    }
    return by_class[reason_info(reason)->class].status;
}

unsigned problem_status_of(const struct problem *problem)
{
    return problem->status != 0 ? problem->status : problem_status(problem->reason);
}

enum grpc_status problem_grpc_status(enum reason reason)
{
    for (size_t i = 0; i < COUNT_OF(exceptions); i++) {
        if (exceptions[i].reason == reason)
            return exceptions[i].grpc;
    }
    return by_class[reason_info(reason)->class].grpc;
}

/* What is said to people, cut at a character. */
static struct span detail_of(const struct problem *problem)
{
    struct span text = problem->detail;
    if (text.len == 0)
        text = span_text(reason_info(problem->reason)->help);
    if (text.len <= PROBLEM_DETAIL)
        return text;
    text.len = PROBLEM_DETAIL;
    while (text.len > PROBLEM_DETAIL - 4 && (text.at[text.len] & 0xc0) == 0x80)
        text.len--;
    return text;
}

static struct span cut(struct span text)
{
    return span_of(text.at, text.len < PROBLEM_DETAIL ? text.len : PROBLEM_DETAIL);
}

bool problem_write(const struct problem *problem, struct sink *out)
{
    const struct reason_info *info = reason_info(problem->reason);
    char link[80], id[32];
    struct sink type = sink_over(link, sizeof link), trace = sink_over(id, sizeof id);
    sink_text(&type, "/docs/reasons#");
    sink_text(&type, info->name);
    trace_write_id(&problem->trace, &trace);
    struct json_writer w = json_write_to(out, 0);
    json_begin_object(&w);
    json_put_key(&w, "type");
    json_put_span(&w, sink_bytes(&type));
    json_put_key(&w, "title");
    json_put_text(&w, info->cause);
    json_put_key(&w, "status");
    json_put_u64(&w, problem_status_of(problem));
    json_put_key(&w, "detail");
    json_put_span(&w, detail_of(problem));
    json_put_key(&w, "instance");
    json_put_span(&w, cut(problem->instance));
    json_put_key(&w, "code");
    json_put_text(&w, info->name);
    json_put_key(&w, "trace_id");
    json_put_span(&w, sink_bytes(&trace));
    json_end_object(&w);
    return json_write_ok(&w);
}

/* What was written since, as a view. */
static struct span since(const struct sink *room, size_t mark)
{
    return span_of(&room->at[mark], room->len - mark);
}

size_t problem_fields(const struct problem *problem, struct sink *room,
                      struct http_field fields[PROBLEM_FIELDS])
{
    size_t count = 0, mark = room->len;
    fields[count++] = (struct http_field){ span_text("content-type"),
                                           span_text("application/problem+json") };
    if (problem->retry_after > 0) {
        sink_format(room, "%u", problem->retry_after);
        if (sink_ok(room))
            fields[count++] = (struct http_field){ span_text("retry-after"), since(room, mark) };
    }
    /* RFC 9110 15.5.2: "MUST send a WWW-Authenticate header field". */
    if (problem_status(problem->reason) == 401)
        fields[count++] = (struct http_field){ span_text("www-authenticate"),
                                               span_text("Ward-Signed-Request") };
    if (problem_status(problem->reason) == 405) {
        mark = room->len;
        router_write_allow(problem->allow, room);
        if (sink_ok(room))
            fields[count++] = (struct http_field){ span_text("allow"), since(room, mark) };
    }
    return count;
}

/* google.protobuf.Any of a message that follows. */
static size_t begin_any(const char *type, struct sink *out, size_t *value)
{
    size_t any = protobuf_begin(out, 3);
    protobuf_put_text(out, 1, type);
    *value = protobuf_begin(out, 2);
    return any;
}

/* google.rpc.Status { code = 1, message = 2, details = 3 }. */
static void write_status(const struct problem *problem, struct sink *out)
{
    char id[32];
    struct sink trace = sink_over(id, sizeof id);
    size_t value;
    trace_write_id(&problem->trace, &trace);
    protobuf_put_number(out, 1, problem_grpc_status(problem->reason));
    if (utf8_valid(detail_of(problem)))
        protobuf_put_bytes(out, 2, detail_of(problem));
    /* google.rpc.ErrorInfo { reason = 1, domain = 2, metadata = 3 }. */
    size_t any = begin_any("type.googleapis.com/google.rpc.ErrorInfo", out, &value);
    protobuf_put_text(out, 1, reason_info(problem->reason)->name);
    protobuf_put_text(out, 2, "ward");
    size_t entry = protobuf_begin(out, 3);
    protobuf_put_text(out, 1, "trace_id");
    protobuf_put_bytes(out, 2, sink_bytes(&trace));
    protobuf_end(out, entry);
    protobuf_end(out, value);
    protobuf_end(out, any);
    if (problem->retry_after == 0)
        return;
    /* google.rpc.RetryInfo { retry_delay = 1 { seconds = 1 } }. */
    any = begin_any("type.googleapis.com/google.rpc.RetryInfo", out, &value);
    size_t delay = protobuf_begin(out, 1);
    protobuf_put_number(out, 1, problem->retry_after);
    protobuf_end(out, delay);
    protobuf_end(out, value);
    protobuf_end(out, any);
}

/* gRPC over HTTP/2: "Status-Message -> Percent-Encoded", all but printable ASCII without '%'. */
static void write_percent(struct span text, struct sink *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] >= 0x20 && text.at[i] <= 0x7e && text.at[i] != '%')
            sink_u8(out, text.at[i]);
        else
            sink_format(out, "%%%02X", text.at[i]);
    }
}

/* "Binary-Header": standard base64; padding is left out by those who make it. */
static void write_binary(struct span bytes, struct sink *out)
{
    size_t before = out->len;
    base64_encode(out, bytes);
    while (sink_ok(out) && out->len > before && out->at[out->len - 1] == '=')
        sink_cut(out, out->len - 1);
}

size_t problem_trailers(const struct problem *problem, struct sink *room,
                        struct http_field trailers[PROBLEM_TRAILERS])
{
    uint8_t bytes[PROBLEM_DETAIL + 512];
    struct sink status = sink_over(bytes, sizeof bytes);
    size_t mark = room->len;
    sink_format(room, "%u", (unsigned)problem_grpc_status(problem->reason));
    trailers[0] = (struct http_field){ span_text("grpc-status"), since(room, mark) };
    mark = room->len;
    write_percent(detail_of(problem), room);
    trailers[1] = (struct http_field){ span_text("grpc-message"), since(room, mark) };
    mark = room->len;
    write_status(problem, &status);
    write_binary(sink_bytes(&status), room);
    trailers[2] = (struct http_field){ span_text("grpc-status-details-bin"), since(room, mark) };
    return sink_ok(room) && sink_ok(&status) ? PROBLEM_TRAILERS : 0;
}
