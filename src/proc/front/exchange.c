/* exchange.c - see front.h: one request and its answer.  What a stranger wrote is read here,
   into a message by the table of routes, and goes to core as that and nothing else. */
#include <string.h>

#include "codec/protobuf.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/front/front.h"
#include "proc/messages.h"

enum { HEALTH_NONE = 0, HEALTH_LIVE, HEALTH_READY };

static bool put_answer(struct connection *connection, unsigned status,
                       const struct http_field *fields, size_t count, struct span body)
{
    struct work *work = connection->work;
    struct http_response response = { .status = status,
                                      .fields = fields,
                                      .field_count = count,
                                      .length = body.len,
                                      .now = clock_now() };
    return http1_write_head(&connection->http, &response, &work->out) &&
           http1_write_body(&connection->http, body, &work->out) &&
           http1_write_end(&connection->http, &work->out);
}

static void answer(struct front *front, struct connection *connection, unsigned status,
                   const struct http_field *fields, size_t count, struct span body)
{
    if (!put_answer(connection, status, fields, count, body)) {
        front_close(front, connection);
        return;
    }
    pace_begin(&connection->pace, PACE_REPLY, (uint64_t)clock_monotonic_ms() * 1000);
    connection->phase = CONNECTION_ANSWERING;
}

static void refuse(struct front *front, struct connection *connection, struct problem *problem)
{
    struct work *work = connection->work;
    uint8_t body[PROBLEM_ROOM], room[PROBLEM_FIELD_ROOM];
    struct sink text = sink_over(body, sizeof body), values = sink_over(room, sizeof room);
    struct http_field fields[PROBLEM_FIELDS];
    problem->trace = work->trace;
    problem->instance = work->room.request.path;
    if (!problem_write(problem, &text)) {
        front_close(front, connection);
        return;
    }
    front->counts.failures++;
    size_t count = problem_fields(problem, &values, fields);
    answer(front, connection, problem_status(problem->reason), fields, count, sink_bytes(&text));
}

void exchange_refuse(struct front *front, struct connection *connection, enum reason reason,
                     struct span detail)
{
    struct problem problem = { .reason = reason, .detail = detail };
    if (connection->work == NULL)
        front_close(front, connection);
    else
        refuse(front, connection, &problem);
}

/* The caller's trace goes on, where there is one that can be read. */
static void take_trace(struct work *work)
{
    const struct http_request *request = &work->room.request;
    struct span value;
    if (http_field_find(request->fields, request->field_count, "traceparent", &value) &&
        trace_parse(value, &work->trace))
        return;
    random_bytes(work->trace.trace_id, sizeof work->trace.trace_id);
    random_bytes(work->trace.parent_id, sizeof work->trace.parent_id);
    work->trace.flags = 0;
}

static int health_of(const struct connection *connection, const struct http_request *request)
{
    if (!connection->local || request->method != HTTP_METHOD_GET)
        return HEALTH_NONE;
    if (span_equal_text(request->path, "/healthz"))
        return HEALTH_LIVE;
    return span_equal_text(request->path, "/readyz") ? HEALTH_READY : HEALTH_NONE;
}

static void answer_health(struct front *front, struct connection *connection, int what)
{
    static const struct http_field type = { .name = { (const uint8_t *)"content-type", 12 },
                                            .value = { (const uint8_t *)"text/plain", 10 } };
    bool ready = front->server != NULL && channel_is_open(&front->house->channels[PEER_CORE]);
    bool good = what == HEALTH_LIVE || ready;
    answer(front, connection, good ? 200 : 503, &type, 1, span_text(good ? "ok\n" : "not ready\n"));
}

/* The head is there and nothing of the body: the moment to say no. */
static void on_head(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    const struct http_request *request = &work->room.request;
    struct problem problem = { 0 };
    front->counts.requests++;
    take_trace(work);
    int health = health_of(connection, request);
    if (health != HEALTH_NONE) {
        answer_health(front, connection, health);
        return;
    }
    work->match = router_match(&house_router, request);
    if (work->match.route == NULL || work->match.is_grpc) {
        problem.reason = work->match.route == NULL ? work->match.reason : REASON_HTTP_MEDIA_TYPE;
        problem.allow = work->match.allow;
        refuse(front, connection, &problem);
        return;
    }
    if (!connection->local) {
        struct admission admission = admit_request(&front->admit, &connection->peer,
                                                   (uint64_t)clock_monotonic_ms() * 1000);
        if (!admission.admitted) {
            problem.reason = admission.reason;
            problem.retry_after = (uint32_t)(admission.retry_us / 1000000 + 1);
            refuse(front, connection, &problem);
            return;
        }
    }
    if (work->match.route->permission == ROUTE_OWNER && !connection->owner) {
        problem.reason = REASON_HOUSE_OWNER_ONLY;
        refusal_tell(front, connection);
        refuse(front, connection, &problem);
        return;
    }
    http1_admit(&connection->http, &work->room, work->match.route->body_limit);
    if (http1_wants_continue(&connection->http)) {
        http1_write_continue(&connection->http, &work->out);
        connection->phase = CONNECTION_ANSWERING; /* of the 100; the request goes on after it */
    }
}

static bool put_request(struct front *front, struct connection *connection, const void *values)
{
    struct work *work = connection->work;
    struct arena scratch = arena_over(work->scratch, FRONT_SCRATCH_MAX);
    const struct schema_message *message = work->match.route->request;
    size_t cap = work->match.route->body_limit + FRONT_IN_MAX;
    uint8_t *encoded = arena_alloc(&scratch, cap), *body = arena_alloc(&scratch, cap + 64);
    if (encoded == NULL || body == NULL)
        return false;
    struct sink bytes = sink_over(encoded, cap), out = sink_over(body, cap + 64);
    if (!protobuf_write(message, values, &bytes))
        return false;
    sink_u16le(&out, (uint16_t)house_method(work->match.route));
    sink_u8(&out, connection->owner ? CALLER_OWNER : CALLER_ANYONE);
    sink_put(&out, SPAN(connection->peer.bytes));
    sink_put(&out, SPAN(work->trace.trace_id));
    put_bytes(&out, sink_bytes(&bytes));
    struct frame frame = { .message = MSG_REQUEST,
                           .id = front_token(front, connection),
                           .body = sink_bytes(&out) };
    return sink_ok(&out) && rc_ok(house_put(NULL, front->house, PEER_CORE, &frame));
}

/* The request is whole: read it, hand it on. */
static void on_done(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    const struct route *route = work->match.route;
    /* The second half of the scratch: put_request has the first. */
    struct arena scratch = arena_over((uint8_t *)work->scratch + FRONT_SCRATCH_MAX,
                                      FRONT_SCRATCH_MAX);
    struct values_error error = { 0 };
    void *values = arena_alloc(&scratch, route->request->size);
    if (values == NULL) {
        exchange_refuse(front, connection, REASON_OUT_OF_MEMORY, (struct span){ 0 });
        return;
    }
    enum reason reason = router_read_rest(&work->match, &work->room.request,
                                          sink_bytes(&work->body), &scratch, values, &error);
    if (reason != REASON_OK) {
        uint8_t text[PROBLEM_DETAIL];
        struct sink detail = sink_over(text, sizeof text);
        router_write_detail(&error, &detail);
        exchange_refuse(front, connection, reason, sink_bytes(&detail));
        return;
    }
    if (!put_request(front, connection, values)) {
        exchange_refuse(front, connection, REASON_HOUSE_UNAVAILABLE, (struct span){ 0 });
        return;
    }
    pace_begin(&connection->pace, PACE_NONE, 0);
    connection->answer_ms = clock_monotonic_ms() + route->deadline_ms;
    connection->phase = CONNECTION_WAITING;
}

/* What was understood leaves the front of what was read. */
static void drop_read(struct work *work, size_t read)
{
    work->in_len -= read;
    if (work->in_len > 0)
        memmove(work->in, work->in + read, work->in_len);
}

bool exchange_next(struct front *front, struct connection *connection)
{
    struct work *work = connection->work;
    struct cursor in = cur_over(span_of(work->in, work->in_len));
    struct http_event event = http1_next(&connection->http, &work->room, &in);
    size_t read = cur_offset(&in);
    switch (event.kind) {
    case HTTP_EVENT_HEAD:
        on_head(front, connection);
        break;
    case HTTP_EVENT_BODY:
        sink_put(&work->body, event.body);
        if (connection->pace.phase != PACE_BODY)
            pace_begin(&connection->pace, PACE_BODY, (uint64_t)clock_monotonic_ms() * 1000);
        if (!sink_ok(&work->body))
            exchange_refuse(front, connection, REASON_HTTP_BODY_TOO_LARGE, (struct span){ 0 });
        break;
    case HTTP_EVENT_DONE:
        on_done(front, connection);
        break;
    case HTTP_EVENT_REFUSED:
        exchange_refuse(front, connection, event.reason, (struct span){ 0 });
        break;
    case HTTP_EVENT_CLOSED:
        front_close(front, connection);
        break;
    case HTTP_EVENT_ROOM:
    case HTTP_EVENT_NONE:
        break;
    }
    if (connection->phase == CONNECTION_FREE)
        return false;
    drop_read(work, read);
    return event.kind != HTTP_EVENT_NONE && connection->phase != CONNECTION_WAITING;
}

void exchange_ended(struct front *front, struct connection *connection)
{
    struct http_event event = http1_end(&connection->http);
    if (event.kind == HTTP_EVENT_REFUSED)
        exchange_refuse(front, connection, event.reason, (struct span){ 0 });
    else
        front_close(front, connection);
    if (connection->phase == CONNECTION_ANSWERING)
        front_move(front, connection);
}

static bool write_json(struct work *work, const struct schema_message *message, struct span encoded,
                       struct span *out)
{
    struct arena scratch = arena_over(work->scratch, FRONT_SCRATCH_MAX);
    struct values_error error;
    void *values = arena_alloc(&scratch, message->size);
    if (values == NULL || !protobuf_read(message, encoded, &scratch, values, &error))
        return false;
    struct sink text = sink_over(work->answer, FRONT_ANSWER_MAX);
    struct json_writer writer = json_write_to(&text, 0);
    if (!values_write_json(message, values, &writer) || !json_write_ok(&writer))
        return false;
    *out = sink_bytes(&text);
    return true;
}

static void reply(struct front *front, struct connection *connection, struct span encoded)
{
    struct work *work = connection->work;
    struct span json;
    static const struct http_field type = { .name = { (const uint8_t *)"content-type", 12 },
                                            .value = { (const uint8_t *)"application/json", 16 } };
    if (write_json(work, work->match.route->response, encoded, &json))
        answer(front, connection, 200, &type, 1, json);
    else
        exchange_refuse(front, connection, REASON_HOUSE_ANSWER_TOO_LARGE, (struct span){ 0 });
}

rc exchange_reply(struct trail *trail, void *self, struct call *call)
{
    struct front *front = self;
    uint16_t reason = 0;
    struct span detail, encoded;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT &&
          get_bytes(&call->body, PROBLEM_DETAIL, &detail) &&
          get_bytes(&call->body, FRAME_BODY_MAX, &encoded) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct connection *connection = front_find(front, call->id);
    if (connection == NULL || connection->phase != CONNECTION_WAITING)
        return RC_SUCCESS; /* whoever asked is gone, or was answered by the clock */
    if (reason == REASON_OK)
        reply(front, connection, encoded);
    else
        exchange_refuse(front, connection, (enum reason)reason, detail);
    front_move(front, connection);
    return RC_SUCCESS;
}

void exchange_core_gone(struct front *front)
{
    for (uint32_t i = 0; i < front->connection_count; i++) {
        struct connection *connection = &front->connections[i];
        if (connection->phase != CONNECTION_WAITING)
            continue;
        exchange_refuse(front, connection, REASON_HOUSE_UNAVAILABLE, (struct span){ 0 });
        front_move(front, connection);
    }
}
