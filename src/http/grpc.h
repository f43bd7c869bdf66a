/* grpc.h - gRPC over HTTP/2: the five bytes before a message, the deadline, and reflection.  A call
   takes one message; an answer is one or many.  Compression is refused. */
#ifndef WARD_HTTP_GRPC_H
#define WARD_HTTP_GRPC_H

#include "base/cursor.h"
#include "base/sink.h"
#include "http/message.h"
#include "http/router.h"

enum { GRPC_PREFIX = 5 };

/* {0} with a limit is a reader at the beginning. */
struct grpc_reader {
    uint32_t limit; /* bytes of the message */
    uint32_t left;  /* of the message, not come yet */
    uint8_t have;   /* bytes of the prefix */
    uint8_t prefix[GRPC_PREFIX];
};

/* grpc_read takes some bytes of the body; the message is collected in `message`, which should have
   room for the limit.  REASON_OK, or why the call is refused: GRPC_COMPRESSED, GRPC_FRAME,
   GRPC_MESSAGE_COUNT (a second message), HTTP_BODY_TOO_LARGE, OUT_OF_MEMORY. */
enum reason grpc_read(struct grpc_reader *reader, struct span bytes, struct sink *message);

/* grpc_take is grpc_read for a stream of messages: it takes no further than the end of one, and
 *then says whole; the reader is at the beginning again, and the message is the caller's to use and
 *cut. */
enum reason grpc_take(struct grpc_reader *reader, struct cursor *in, struct sink *message,
                      bool *whole);

/* grpc_read_end judges the end of the body: one whole message, or why not. */
enum reason grpc_read_end(const struct grpc_reader *reader);

/* grpc_body_limit is how many bytes of body a message of `limit` bytes may take. */
uint64_t grpc_body_limit(uint32_t limit);

/* grpc_judge looks at the head of a call: HTTP/2, POST, no encoding but identity.  Sets the
   deadline in milliseconds: the call's own, at most that of the route; 0: it has passed. */
enum reason grpc_judge(const struct http_request *request, const struct route *route,
                       uint32_t *deadline_ms);

/* grpc_begin_message leaves room for a prefix; grpc_end_message, with what it returned, fills it.
 */
size_t grpc_begin_message(struct sink *out);
void grpc_end_message(struct sink *out, size_t begun);

/* grpc_write_message appends a message with its prefix. */
MUST_USE
bool grpc_write_message(const struct schema_message *message, const void *values, struct sink *out);

/* grpc_reflect answers one ServerReflectionRequest (grpc.reflection.v1) about the table's services
   and the standard ones.  False when the request is no such message or the answer does not fit. */
MUST_USE
bool grpc_reflect(const struct router *router, struct span request, struct sink *out);

#define GRPC_HEALTH_CHECK "/grpc.health.v1.Health/Check"
#define GRPC_REFLECTION   "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

/* grpc_health answers a HealthCheckRequest: SERVING (1) or NOT_SERVING (2) for "" and for the
   table's services; GRPC_NOT_FOUND is for the caller when *known is false. */
MUST_USE
bool grpc_health(const struct router *router, struct span request, bool serving, bool *known,
                 struct sink *out);

#endif
