/* router.h - one table of routes, and everything that follows from it.

   A row says how a call is reached over gRPC and over REST, who may make it, what it takes and
   gives. From the table come the match, the reading of parameters and bodies, OpenAPI, the
   reference in Markdown, the .proto and its descriptor: nothing that is served can be undocumented,
   and nothing documented is not served.  The table belongs to the caller. */
#ifndef WARD_HTTP_ROUTER_H
#define WARD_HTTP_ROUTER_H

#include "base/arena.h"
#include "base/sink.h"
#include "codec/values.h"
#include "http/message.h"
#include "model/schema.h"

enum { ROUTE_PARAMETERS = 4 }; /* of one path */

enum route_permission {
    ROUTE_OWNER = 0, /* the installation's owner only: the zero of a forgotten row */
    ROUTE_ANYONE,    /* also who has shown no identity */
    ROUTE_SESSION,   /* whoever signs for a session of its own */
    ROUTE_OPERATOR,  /* the owner, and whoever shows an operator's certificate */
};

/* route_permission_name: "owner", "anyone", "session" or "operator". */
const char *route_permission_name(enum route_permission permission);

struct route {
    const char *grpc; /* "/ward.v1.System/Ping" */
    enum http_method method;
    const char *path; /* "/v1/audit/records/{seq}": a name in braces is a field of the request */
    enum route_permission permission;
    bool streams;         /* over gRPC the answer is many messages */
    uint32_t body_limit;  /* bytes */
    uint32_t cost;        /* tokens of the caller's rate limit */
    uint32_t deadline_ms; /* when the caller sets none, and the most that it may set */
    const char *doc;      /* one sentence */
    const struct schema_message *request;
    const struct schema_message *response;
};

struct router {
    const char *package; /* "ward.v1" */
    const char *title;
    const char *version; /* of the API */
    const struct route *routes;
    size_t count;
};

struct route_match {
    const struct route *route; /* NULL: refused with `reason` */
    enum reason reason;
    bool is_grpc;
    bool opened;                              /* the body was sealed as it came: its type says so */
    unsigned allow;                           /* bit of every enum http_method that the path has */
    struct span parameters[ROUTE_PARAMETERS]; /* views of the request's path, in order */
};

/* router_is_sound judges a table: every row whole, nothing reachable in two ways, every parameter a
   field of its request, every message one that both encodings can carry.  *what says what is
   wrong.  A test calls it; no request does. */
bool router_is_sound(const struct router *router, const char **what);

/* router_match finds the route of a request.  Without one the reason is HTTP_ROUTE_UNKNOWN,
   HTTP_METHOD_NOT_ALLOWED or HTTP_MEDIA_TYPE. */
struct route_match router_match(const struct router *router, const struct http_request *request);

/* router_write_allow writes the value of Allow. */
void router_write_allow(unsigned allow, struct sink *out);

/* router_read_rest reads a REST request into the struct of its request message: parameters of the
   path and the query, and for POST, PUT and PATCH the JSON body, to its limit at most.  REASON_OK,
   or why not with *error set.  Strings live in the arena, the request or the body. */
enum reason router_read_rest(const struct route_match *match, const struct http_request *request,
                             struct span body, struct arena *arena, void *out,
                             struct values_error *error);

/* router_read_headers sets the fields of a request that come in headers, or as gRPC metadata: each
   once, and not in the message, too.  A quoted string stands for what is between its quotes, and
   If-Match: * for no condition.  HTTP_PARAMETER_INVALID, with *error set, or REASON_OK. */
enum reason router_read_headers(const struct schema_message *message,
                                const struct http_request *request, struct arena *arena, void *out,
                                struct values_error *error);

/* router_write_detail says in one sentence for people what was wrong with a message. */
void router_write_detail(const struct values_error *error, struct sink *out);

/* What is generated.  Each is a function of the table alone; false when the sink is full, or the
   table has more messages than ROUTER_MESSAGES. */
MUST_USE
bool router_write_openapi(const struct router *router, struct sink *out);
MUST_USE
bool router_write_reference(const struct router *router, struct sink *out);
MUST_USE
bool router_write_proto(const struct router *router, struct sink *out);

/* router_write_descriptor writes the FileDescriptorProto of that .proto. */
MUST_USE
bool router_write_descriptor(const struct router *router, struct sink *out);

/* The name of the .proto file: "ward/v1/ward.proto" for package ward.v1 (its first word). */
void router_write_file_name(const struct router *router, struct sink *out);

/* Every message and enum that the table reaches, each once, in order of appearance. */
enum { ROUTER_MESSAGES = 128, ROUTER_ENUMS = 32 };
struct router_types {
    const struct schema_message *messages[ROUTER_MESSAGES];
    size_t message_count;
    const struct schema_enum *enums[ROUTER_ENUMS];
    size_t enum_count;
    bool full;
};
MUST_USE
bool router_types(const struct router *router, struct router_types *out);

/* The parts of a gRPC path: "ward.v1.System", "System" and "Ping". */
struct span route_service(const struct route *route);
struct span route_service_short(const struct route *route);
struct span route_call(const struct route *route);

/* route_opens_service: the first row of its service; the rows of one stand together. */
bool route_opens_service(const struct router *router, size_t row);

/* route_takes_body: its request is a JSON body, not parameters of the query. */
bool route_takes_body(const struct route *route);

/* route_has_parameter: the path has {name}. */
bool route_has_parameter(const struct route *route, const char *name);

/* The protobuf name of a field's type ("uint64", "PingRequest"). */
const char *route_type_name(const struct schema_field *field);

#endif
