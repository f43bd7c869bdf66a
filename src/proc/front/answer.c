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

/* What does not fit into the stream's queue waits in a remainder. */
void answer_add(struct front *front, struct exchange *exchange, struct span bytes)
{
    struct h2_stream *stream = exchange->way.stream;
    size_t room = exchange->remainder == NULL ? h2_room(stream) : 0;
    size_t now = bytes.len < room ? bytes.len : room;
    if (now > 0 && !h2_write_body(stream, span_of(bytes.at, now)))
        now = 0;
    if (now == bytes.len)
        return;
    if (exchange->remainder == NULL) {
        exchange->remainder = front->free_remainders;
        if (exchange->remainder == NULL) {
            front->counts.unavailable++;
            h2_reset(stream);
            is_answered(front, &exchange->way, exchange);
            return;
        }
        front->free_remainders = exchange->remainder->next;
        exchange->remainder->sent = 0;
        sink_cut(&exchange->remainder->bytes, 0);
    }
    struct sink *rest = &exchange->remainder->bytes;
    if (rest->cap - rest->len >= bytes.len - now) {
        sink_put(rest, span_of(bytes.at + now, bytes.len - now));
        return;
    }
    h2_reset(stream);
    is_answered(front, &exchange->way, exchange);
}

static void end_stream(struct front *front, const struct way *way, const struct http_call *call,
                       struct exchange *exchange)
{
    struct call_answer answer = { 0 };
    if (call != NULL)
        call_answer(call, 0, true, &answer);
    (void)!h2_write_end(way->stream, answer.trailers, answer.trailer_count);
    is_answered(front, way, exchange);
}

void answer_end(struct front *front, struct exchange *exchange)
{
    if (exchange->way.connection == NULL)
        return;
    exchange->ending = true;
    if (exchange->remainder == NULL)
        end_stream(front, &exchange->way, &exchange->call, exchange);
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
        end_stream(front, &exchange->way, &exchange->call, exchange);
}

static void answer_h2(struct front *front, const struct way *way,
                      const struct http_response *response, struct span body,
                      struct exchange *exchange)
{
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
    end_stream(front, way, NULL, NULL);
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
