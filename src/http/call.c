/* call.c - see call.h. */
#include "http/call.h"

#include "codec/json_write.h"
#include "codec/protobuf.h"

enum { REFLECTIONS = 16 }; /* the longest messages of one stream; the usual ones are short */

void call_trace(struct http_call *call, const struct http_request *request)
{
    struct span value;
    if (http_field_find(request->fields, request->field_count, "traceparent", &value))
        (void)!trace_parse(value, &call->trace);
}

/* What the standard services are to whoever checks permission and cost. */
static const struct route standard = {
    .grpc = "",
    .path = "",
    .permission = ROUTE_ANYONE,
    .body_limit = 4096,
    .cost = 1,
    .deadline_ms = 60000,
};

static enum call_kind kind_of(const struct http_request *request)
{
    if (request->method != HTTP_METHOD_POST)
        return CALL_ROUTE;
    if (span_equal_text(request->path, GRPC_HEALTH_CHECK))
        return CALL_HEALTH;
    return span_equal_text(request->path, GRPC_REFLECTION) ? CALL_REFLECTION : CALL_ROUTE;
}

/* The services that are not in the table, when one of them is called. */
static void match_standard(struct http_call *call, const struct http_request *request)
{
    if (call->match.route != NULL || !call->match.is_grpc)
        return;
    call->kind = kind_of(request);
    if (call->kind == CALL_ROUTE)
        return;
    call->match.reason = REASON_OK;
    call->match.route = &standard;
}

enum reason call_begin(struct http_call *call, const struct router *router,
                       const struct http_request *request, uint64_t *body_limit)
{
    *call = (struct http_call){ .match = router_match(router, request) };
    call_trace(call, request);
    match_standard(call, request);
    if (call->match.route == NULL)
        return call->match.reason;
    const struct route *route = call->match.route;
    call->deadline_ms = route->deadline_ms;
    call->reader.limit = route->body_limit;
    *body_limit = call->match.is_grpc ? grpc_body_limit(route->body_limit) : route->body_limit;
    if (call->kind == CALL_REFLECTION)
        *body_limit *= REFLECTIONS;
    return call->match.is_grpc ? grpc_judge(request, route, &call->deadline_ms) : REASON_OK;
}

enum reason call_body(struct http_call *call, struct span bytes)
{
    if (call->match.is_grpc)
        return grpc_read(&call->reader, bytes, &call->body);
    sink_put(&call->body, bytes);
    return sink_ok(&call->body) ? REASON_OK : REASON_HTTP_BODY_TOO_LARGE;
}

enum reason call_end(struct http_call *call, const struct http_request *request,
                     struct arena *arena, void **values)
{
    const struct schema_message *message = call->match.route->request;
    if (call->kind != CALL_ROUTE)
        return REASON_SERVER_FAILED;
    void *out = arena_alloc(arena, message->size);
    enum reason reason = call->match.is_grpc ? grpc_read_end(&call->reader) : REASON_OK;
    if (reason != REASON_OK)
        return reason;
    if (out == NULL)
        return REASON_OUT_OF_MEMORY;
    struct span body = sink_bytes(&call->body);
    if (!call->match.is_grpc)
        reason = router_read_rest(&call->match, request, body, arena, out, &call->error);
    else if (!protobuf_read(message, body, arena, out, &call->error))
        reason = REASON_HTTP_BODY_INVALID;
    else
        reason = router_read_headers(message, request, arena, out, &call->error);
    if (reason == REASON_OK) {
        call->error = (struct values_error){ 0 }; /* a later refusal is of something else */
        *values = out;
    }
    return reason;
}

enum reason call_health(const struct http_call *call, const struct router *router, bool serving,
                        struct sink *out)
{
    enum reason reason = grpc_read_end(&call->reader);
    bool known = false;
    if (reason != REASON_OK)
        return reason;
    size_t begun = grpc_begin_message(out);
    if (!grpc_health(router, sink_bytes(&call->body), serving, &known, out))
        return sink_ok(out) ? REASON_HTTP_BODY_INVALID : REASON_OUT_OF_MEMORY;
    grpc_end_message(out, begun);
    return known ? REASON_OK : REASON_GRPC_SERVICE_UNKNOWN;
}

enum reason call_reflect(struct http_call *call, const struct router *router, struct cursor *bytes,
                         struct sink *out)
{
    bool whole = false;
    enum reason reason = grpc_take(&call->reader, bytes, &call->body, &whole);
    if (reason != REASON_OK || !whole)
        return reason;
    size_t begun = grpc_begin_message(out);
    if (!grpc_reflect(router, sink_bytes(&call->body), out))
        return sink_ok(out) ? REASON_HTTP_BODY_INVALID : REASON_OUT_OF_MEMORY;
    grpc_end_message(out, begun);
    sink_cut(&call->body, 0);
    return REASON_OK;
}

bool call_write(const struct http_call *call, const void *values, struct sink *out)
{
    const struct schema_message *message = call->match.route->response;
    if (call->kind != CALL_ROUTE)
        return false;
    if (call->match.is_grpc)
        return grpc_write_message(message, values, out);
    size_t before = out->len;
    struct json_writer writer = json_write_to(out, 0);
    if (values_write_json(message, values, &writer) && json_write_ok(&writer))
        return true;
    sink_cut(out, before);
    return false;
}

void call_tag(struct http_call *call, const void *values)
{
    const struct schema_message *message = call->match.route->response;
    struct sink tag = sink_over(call->tag, sizeof call->tag);
    for (size_t i = 0; !call->match.is_grpc && i < message->count; i++) {
        const struct schema_field *field = &message->fields[i];
        if (field->header != NULL)
            sink_format(&tag, "\"%llu\"",
                        (unsigned long long)*(const uint64_t *)values_in(field, values));
    }
    call->tag_len = sink_ok(&tag) ? tag.len : 0;
}

/* No cache may keep it and no browser may guess at it. */
size_t call_common_fields(const char *type, struct http_field *fields)
{
    fields[0] = (struct http_field){ span_text("content-type"), span_text(type) };
    fields[1] = (struct http_field){ span_text("cache-control"), span_text("no-store") };
    fields[2] = (struct http_field){ span_text("x-content-type-options"), span_text("nosniff") };
    return 3;
}

void call_answer(const struct http_call *call, uint64_t length, bool streamed,
                 struct call_answer *out)
{
    *out = (struct call_answer){ .response = { .status = 200 } };
    bool grpc = call->match.is_grpc;
    out->response.field_count = call_common_fields(grpc ? "application/grpc" : "application/json",
                                                   out->fields);
    if (call->tag_len > 0)
        out->fields[out->response.field_count++] = (struct http_field){
            span_text("etag"), span_of(call->tag, call->tag_len)
        };
    out->response.fields = out->fields;
    /* A gRPC answer is followed by trailers, so its length is not said. */
    out->response.streamed = grpc || streamed;
    out->response.length = out->response.streamed ? 0 : length;
    if (grpc) {
        out->trailers[0] = (struct http_field){ span_text("grpc-status"), span_text("0") };
        out->trailer_count = 1;
    }
}

static void refuse_rest(struct problem *problem, struct sink *room, struct sink *body,
                        struct call_answer *out)
{
    struct http_field fields[PROBLEM_FIELDS];
    size_t count = call_common_fields("application/problem+json", out->fields);
    size_t more = problem_fields(problem, room, fields);
    for (size_t i = 1; i < more; i++) /* the first is the content type */
        out->fields[count++] = fields[i];
    out->response.status = problem_status_of(problem);
    out->response.field_count = count;
    /* A body that does not fit is left out; the status says enough. */
    if (!problem_write(problem, body))
        sink_cut(body, 0);
    out->response.length = body->len;
}

/* "Trailers-Only": the head is all there is. */
static void refuse_grpc(struct problem *problem, struct sink *room, struct call_answer *out)
{
    struct http_field trailers[PROBLEM_TRAILERS];
    size_t count = call_common_fields("application/grpc", out->fields);
    size_t more = problem_trailers(problem, room, trailers);
    for (size_t i = 0; i < more; i++)
        out->fields[count++] = trailers[i];
    if (more == 0)
        out->fields[count++] = (struct http_field){ span_text("grpc-status"), span_text("13") };
    out->response.status = 200;
    out->response.field_count = count;
}

void call_refuse(const struct http_call *call, struct problem *problem, struct sink *room,
                 struct sink *body, struct call_answer *out)
{
    *out = (struct call_answer){ 0 };
    out->response.fields = out->fields;
    problem->trace = call->trace;
    problem->allow = call->match.allow;
    if (problem->detail.len == 0 && call->error.what != NULL) {
        size_t mark = room->len;
        router_write_detail(&call->error, room);
        if (sink_ok(room))
            problem->detail = span_of(&room->at[mark], room->len - mark);
    }
    if (call->match.is_grpc)
        refuse_grpc(problem, room, out);
    else
        refuse_rest(problem, room, body, out);
}
