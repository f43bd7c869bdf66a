/* call.h - one call from its head to its answer, REST or gRPC: what both have in common is here
   once, so that a call that is refused in one form is refused in the other, and an answer
   says the same in both.

       HEAD   reason = call_begin(&call, &router, request, &limit)
              OK: check call.match.route's permission and cost, then admit `limit` bytes
       BODY   reason = call_body(&call, e.body)
       DONE   reason = call_end(&call, request, &arena, &values)     values: the request's struct
       answer call_write(&call, response, &out), then call_answer for head and trailers
       any reason but REASON_OK: call_refuse makes the answer from a problem

   The caller lends call.body memory for `limit` bytes between HEAD and BODY: nothing is
   kept of a body before that. Pure; sends nothing itself. */
#ifndef WARD_HTTP_CALL_H
#define WARD_HTTP_CALL_H

#include "base/arena.h"
#include "http/grpc.h"
#include "http/problem.h"
#include "http/router.h"

enum {
    CALL_FIELDS = 8, /* of an answer's head */
    CALL_TAG = 24    /* bytes of an ETag and its quotes */
};

/* Most calls are rows of the table; two are what every gRPC server has, one is passed on to
   somebody else, whose business its answer is, and some the caller has matched himself, who reads
   and writes their bytes.  Of the last two nothing is begun here. */
enum call_kind { CALL_ROUTE = 0, CALL_HEALTH, CALL_REFLECTION, CALL_PASSED_ON, CALL_OWN };

struct http_call {
    enum call_kind kind;
    struct route_match match;
    struct trace trace;   /* of the request; {0} when it has none */
    uint32_t deadline_ms; /* from its head on */
    struct sink body;     /* the caller's memory */
    struct grpc_reader reader;
    struct values_error error; /* after call_end refused */
    size_t tag_len;            /* of what an answer says in a header, too */
    char tag[CALL_TAG];
};

/* What is written for an answer: a head, the bytes, trailers (HTTP/2 only). */
struct call_answer {
    struct http_response response;
    struct http_field fields[CALL_FIELDS];
    struct http_field trailers[PROBLEM_TRAILERS];
    size_t trailer_count; /* 0: none */
};

/* call_begin finds the route and judges the head.  On REASON_OK *body_limit is what the body may
   take. On a refusal too call.match says whether it is gRPC, and call.trace whose it is. */
enum reason call_begin(struct http_call *call, const struct router *router,
                       const struct http_request *request, uint64_t *body_limit);

/* call_trace is what it reads of the caller's trace: none, where none can be read. */
void call_trace(struct http_call *call, const struct http_request *request);

enum reason call_body(struct http_call *call, struct span bytes);

/* call_end reads the message into a struct of the arena. */
enum reason call_end(struct http_call *call, const struct http_request *request,
                     struct arena *arena, void **values);

/* call_health is call_end and call_write of CALL_HEALTH: is the server ready to serve? */
enum reason call_health(const struct http_call *call, const struct router *router, bool serving,
                        struct sink *out);

/* call_reflect is call_body of CALL_REFLECTION, where each message is answered before the next one
   is sent: begin the answer at HEAD (call_answer), and end it at DONE.  At each BODY call it until
   its bytes are taken; each time it answers one message at most, in `out`. */
enum reason call_reflect(struct http_call *call, const struct router *router, struct cursor *bytes,
                         struct sink *out);

/* call_write appends an answer's message: JSON, or a gRPC frame. */
MUST_USE
bool call_write(const struct http_call *call, const void *values, struct sink *out);

/* call_tag keeps for call_answer what the answer says in a header, too. */
void call_tag(struct http_call *call, const void *values);

/* call_common_fields writes what the head of every answer says, of a body of that type; how many
   fields that are. */
size_t call_common_fields(const char *type, struct http_field *fields);

/* call_answer is the head of a success whose body has `length` bytes (streamed: unknown), and its
 * trailers. */
void call_answer(const struct http_call *call, uint64_t length, bool streamed,
                 struct call_answer *out);

/* call_refuse is a refusal: for REST a head and a body of problem+json, for gRPC a head that
   is all there is.  `problem` is completed with trace, path and what was wrong; `body` and
   `room` (PROBLEM_ROOM each) hold what the answer views. */
void call_refuse(const struct http_call *call, struct problem *problem, struct sink *room,
                 struct sink *body, struct call_answer *out);

#endif
