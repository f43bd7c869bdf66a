/* problem.h - one refusal, said in three ways: as RFC 9457 problem+json, as gRPC status with
   details, and as the status of either.  All from the same reason, so that no two of them differ.
 */
#ifndef WARD_HTTP_PROBLEM_H
#define WARD_HTTP_PROBLEM_H

#include "base/result.h"
#include "base/sink.h"
#include "http/message.h"
#include "http/trace.h"
#include "model/reason.h"

enum {
    PROBLEM_FIELDS = 3,      /* the most that problem_fields makes */
    PROBLEM_TRAILERS = 3,    /* that problem_trailers makes */
    PROBLEM_FIELD_ROOM = 64, /* bytes that problem_fields needs */
    PROBLEM_DETAIL = 512,    /* bytes of a detail; more is cut */
    PROBLEM_ROOM = 8 * 1024, /* enough for any problem in any form */
};

struct problem {
    enum reason reason;
    struct span detail;   /* for people: what exactly was wrong; empty: the reason's help */
    struct span instance; /* the path that was asked for */
    struct trace trace;
    uint32_t retry_after; /* seconds, 0: not said */
    unsigned allow;       /* of a 405: bit of every enum http_method */
    unsigned status;      /* that others' clients expect; 0: the reason's own */
};

/* The statuses of gRPC that are given. */
enum grpc_status {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
};

/* By the reason's class, and a few reasons by name. Never a status of success. */
unsigned problem_status(enum reason reason);
unsigned problem_status_of(const struct problem *problem);
enum grpc_status problem_grpc_status(enum reason reason);

/* problem_write writes the JSON body with type, title, status, detail, instance, code and
   trace_id, all always there. */
MUST_USE
bool problem_write(const struct problem *problem, struct sink *out);

/* problem_fields makes the header fields of the answer: Content-Type, and Retry-After or Allow
   where they belong.  The values live in `room` (PROBLEM_FIELD_ROOM).  Returns how many. */
size_t problem_fields(const struct problem *problem, struct sink *room,
                      struct http_field fields[PROBLEM_FIELDS]);

/* problem_trailers makes grpc-status, grpc-message and grpc-status-details-bin (a google.rpc.Status
   with an ErrorInfo whose reason is the code) in `room`.  0 when they do not fit. */
size_t problem_trailers(const struct problem *problem, struct sink *room,
                        struct http_field trailers[PROBLEM_TRAILERS]);

#endif
