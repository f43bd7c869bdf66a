/* answer.c - see front.h: what is said, over HTTP/1.1 or HTTP/2. */
#include "os/clock.h"
#include "proc/front/front.h"

/* HTTP/1.1: all of it is written into the work's memory. */
static void answer_http1(struct front *front, struct connection *connection,
                         const struct http_response *response, struct span body)
{
    struct sink *out = &connection->work->out;
    if (!http1_write_head(&connection->http, response, out) ||
        !http1_write_body(&connection->http, body, out) ||
        !http1_write_end(&connection->http, out)) {
        front_close(front, connection);
        return;
    }
    pace_begin(&connection->pace, PACE_REPLY, front_now_us());
    connection->phase = CONNECTION_ANSWERING;
}

/* Nothing that still comes for this stream is of interest. */
static void is_answered(struct front *front, const struct way *way, struct exchange *exchange)
{
    struct h2_stream *stream = way->stream; /* way may be the exchange's own */
    exchange_give_back(front, exchange);
    h2_set_user(stream, &front->nobody);
}

static void end_stream(const struct way *way, const struct http_call *call)
{
    struct call_answer answer = { 0 };
    if (call != NULL)
        call_answer(call, 0, true, &answer);
    (void)!h2_write_end(way->stream, answer.trailers, answer.trailer_count);
}

/* What was said stays said; why nothing follows is its status. */
static void end_spoiled(const struct exchange *exchange)
{
    uint8_t values[PROBLEM_ROOM];
    struct sink room = sink_over(values, sizeof values);
    struct http_field trailers[PROBLEM_TRAILERS];
    struct problem problem = { .reason = exchange->spoiled,
                               .trace = exchange->call.trace,
                               .instance = exchange->way.request->path };
    size_t count = exchange->call.match.is_grpc ? problem_trailers(&problem, &room, trailers) : 0;
    if (count == 0 || !h2_write_end(exchange->way.stream, trailers, count))
        h2_reset(exchange->way.stream);
}

static void end_exchange(struct front *front, struct exchange *exchange)
{
    if (exchange->spoiled != REASON_NONE)
        end_spoiled(exchange);
    else
        end_stream(&exchange->way, &exchange->call);
    is_answered(front, &exchange->way, exchange);
}

void answer_end(struct front *front, struct exchange *exchange)
{
    if (exchange->way.connection == NULL || exchange->ending)
        return;
    exchange->ending = true;
    if (exchange->remainder == NULL)
        end_exchange(front, exchange);
}

void answer_spoil(struct front *front, struct exchange *exchange, enum reason reason)
{
    front->counts.failures++;
    if (exchange->ending) { /* how it ends was said, or it cannot be said any more */
        h2_reset(exchange->way.stream);
        is_answered(front, &exchange->way, exchange);
        return;
    }
    exchange->spoiled = reason;
    answer_end(front, exchange);
}

static bool lend_remainder(struct front *front, struct exchange *exchange)
{
    struct remainder *free = front->free_remainders;
    if (free == NULL)
        return false;
    front->free_remainders = free->next;
    free->sent = 0;
    sink_cut(&free->bytes, 0);
    exchange->remainder = free;
    return true;
}

/* What does not fit into the stream's queue waits in a remainder; what does not fit there either is
   not begun. */
void answer_add(struct front *front, struct exchange *exchange, struct span bytes)
{
    struct h2_stream *stream = exchange->way.stream;
    bool waits = exchange->remainder != NULL;
    size_t room = waits ? 0 : h2_room(stream);
    size_t now = bytes.len < room ? bytes.len : room;
    bool kept = now == bytes.len || waits || lend_remainder(front, exchange);
    struct sink *rest = kept && now < bytes.len ? &exchange->remainder->bytes : NULL;
    if (!kept || (rest != NULL && rest->cap - rest->len < bytes.len - now)) {
        front->counts.unavailable++;
        answer_spoil(front, exchange, REASON_HOUSE_ANSWERS_FULL);
        return;
    }
    if (now > 0 && !h2_write_body(stream, span_of(bytes.at, now))) {
        h2_reset(stream); /* memory is short */
        is_answered(front, &exchange->way, exchange);
        return;
    }
    if (rest != NULL)
        sink_put(rest, span_of(bytes.at + now, bytes.len - now));
}

void exchange_room(struct front *front, struct exchange *exchange)
{
    struct remainder *rest = exchange->remainder;
    struct h2_stream *stream = exchange->way.stream;
    if (rest == NULL)
        return;
    size_t left = rest->bytes.len - rest->sent, room = h2_room(stream);
    size_t now = left < room ? left : room;
    if (now == 0)
        return;
    if (!h2_write_body(stream, span_of(&rest->bytes.at[rest->sent], now))) {
        h2_reset(stream);
        is_answered(front, &exchange->way, exchange);
        return;
    }
    rest->sent += now;
    if (now < left)
        return;
    rest->next = front->free_remainders;
    front->free_remainders = rest;
    exchange->remainder = NULL;
    if (exchange->ending)
        end_exchange(front, exchange);
}

static void answer_h2(struct front *front, const struct way *way,
                      const struct http_response *response, struct span body,
                      struct exchange *exchange)
{
    bool fits = exchange == NULL || front->free_remainders != NULL ||
                body.len <= h2_room_ahead(way->stream);
    if (!fits) {
        exchange_refuse(front, exchange, REASON_HOUSE_ANSWERS_FULL, (struct span){ 0 });
        return;
    }
    if (!h2_write_head(way->stream, response)) {
        h2_reset(way->stream);
        is_answered(front, way, exchange);
        return;
    }
    if (exchange != NULL) {
        answer_add(front, exchange, body);
        answer_end(front, exchange);
        return;
    }
    if (body.len > 0 && !h2_write_body(way->stream, body))
        h2_reset(way->stream);
    end_stream(way, NULL);
    is_answered(front, way, NULL);
}

void answer_write(struct front *front, const struct way *way, struct call_answer *answer,
                  struct span body, struct exchange *exchange)
{
    answer->response.fields = answer->fields;
    answer->response.now = clock_now();
    if (way->stream != NULL) {
        answer_h2(front, way, &answer->response, body, exchange);
        return;
    }
    answer_http1(front, way->connection, &answer->response, body);
    exchange_give_back(front, exchange);
}

void answer_refusal(struct front *front, const struct way *way, const struct http_call *call,
                    struct problem *problem)
{
    uint8_t bytes[PROBLEM_ROOM], values[PROBLEM_ROOM];
    struct sink body = sink_over(bytes, sizeof bytes), room = sink_over(values, sizeof values);
    struct call_answer answer;
    front->counts.failures++;
    front->counts.unauthenticated += problem_status_of(problem) == 401;
    problem->instance = way->request->path;
    if (call->kind == CALL_PASSED_ON)
        forward_refuse(call, problem, &room, &body, &answer);
    else
        call_refuse(call, problem, &room, &body, &answer);
    answer_write(front, way, &answer, sink_bytes(&body), NULL);
}
