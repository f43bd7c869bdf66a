/* message.h - what a request and an answer are, whichever version of HTTP carried them.

   Both connection readers (http1.h, h2.h) give the same struct http_request: names in lower case,
   values without white space around them, a path that can be read in one way only.  Every span
   views memory of the connection's room or stream and lives until the answer is complete.
   Nothing here opens a socket, reads a clock or allocates. */
#ifndef WARD_HTTP_MESSAGE_H
#define WARD_HTTP_MESSAGE_H

#include "base/result.h"
#include "base/span.h"
#include "model/reason.h"

enum http_version { HTTP_VERSION_NONE = 0, HTTP_1_0, HTTP_1_1, HTTP_2 };

enum http_method {
    HTTP_METHOD_NONE = 0,
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_COUNT
};

/* http_method_name never returns NULL; http_method_find is case-sensitive (RFC 9110 9.1). */
const char *http_method_name(enum http_method method);
enum http_method http_method_find(struct span name);

struct http_field {
    struct span name; /* lower case */
    struct span value;
};

struct http_request {
    enum http_version version;
    enum http_method method;
    struct span authority; /* host and port as sent; empty in HTTP/1.0 without Host */
    struct span target;    /* path and query as sent, without scheme and authority */
    struct span path;      /* decoded UTF-8, begins with '/'; "*" for OPTIONS alone */
    struct span query;     /* as sent, without '?', every escape well-formed */
    const struct http_field *fields;
    size_t field_count;
    const struct http_field *trailers; /* set when the request is done */
    size_t trailer_count;
    uint64_t length;   /* of the body, when has_length */
    bool has_length;   /* false: the body ends where the framing says */
    bool has_body;     /* a body follows, or may */
    bool wants_100;    /* Expect: 100-continue */
    bool keep_alive;   /* what the peer asks for; the connection has the last word */
    bool is_websocket; /* asks to become a WebSocket (HTTP/1.1 only) */
};

struct http_response {
    unsigned status;
    const struct http_field *fields; /* neither framing nor Date: those are the writer's */
    size_t field_count;
    uint64_t length;
    bool streamed; /* the length is not known: `length` is ignored */
    int64_t now;   /* for Date */
};

enum {
    HTTP_TARGET_MAX = 8 * 1024,
    HTTP_FIELDS_MAX = 64,
    HTTP_FIELD_BYTES_MAX = 32 * 1024,
    HTTP_EXTENSIONS_MAX = 256,
};

/* What one request may take before anybody decides about it.  A body's limit comes with the
   route. */
struct http_limits {
    uint32_t target;          /* bytes of the request target */
    uint32_t fields;          /* header fields and trailers together */
    uint32_t field_bytes;     /* bytes of their lines together */
    uint32_t extension_bytes; /* bytes of all chunk extensions of a body */
};

extern const struct http_limits http_limits_default; /* of the numbers above */

enum http_event_kind {
    HTTP_EVENT_NONE = 0, /* nothing until more bytes, a decision or an answer */
    HTTP_EVENT_HEAD,     /* the head is complete: admit it or answer it */
    HTTP_EVENT_BODY,     /* some bytes of the body, valid for this call only */
    HTTP_EVENT_DONE,     /* the request is complete: answer it */
    HTTP_EVENT_REFUSED,  /* answer with the reason, then close */
    HTTP_EVENT_ROOM,     /* more of the answer may be written (HTTP/2) */
    HTTP_EVENT_CLOSED,   /* the peer is gone, between two requests or in the midst of an answer */
};

struct http_event {
    enum http_event_kind kind;
    enum reason reason;
    struct span body;
};

/* http_field_find returns the value of the first field of that (lower-case) name. */
MUST_USE
bool http_field_find(const struct http_field *fields, size_t count, const char *name,
                     struct span *out);

/* http_is_token: one or more tchar (RFC 9110 5.6.2). */
bool http_is_token(struct span text);

/* http_is_value: printable ASCII, spaces and tabs. */
bool http_is_value(struct span text);

/* http_equal_fold compares with a lower-case ASCII text, without regard to case. */
bool http_equal_fold(struct span text, const char *lower);

/* http_list_next takes the next member of a comma-separated list, trimmed; empty members are
   passed over.  False at the end. */
bool http_list_next(struct span *list, struct span *member);

/* http_trim drops spaces and tabs from both ends. */
struct span http_trim(struct span text);

/* http_authority_is_valid: host or address, optional port, no user, not empty. */
bool http_authority_is_valid(struct span authority);

/* http_path_decode reads a raw path (or a segment of one) without its query into the sink: escapes
   decoded, UTF-8, no control character, no encoded or backward slash, no segment "." or "..". */
struct sink;
MUST_USE
bool http_path_decode(struct span raw, struct sink *out);

/* http_query_is_valid: only characters of RFC 3986 3.4, escapes whole. */
bool http_query_is_valid(struct span raw);

/* http_query_next takes the next name=value pair, still encoded; false at the end. */
bool http_query_next(struct span *query, struct span *name, struct span *value);

/* http_query_decode decodes one name or value: escapes, and '+' as a space
   (application/x-www-form-urlencoded).  The result is UTF-8 without control characters. */
MUST_USE
bool http_query_decode(struct span raw, struct sink *out);

/* http_may_trail: a field of that (lower-case) name may stand in trailers. */
bool http_may_trail(struct span name);

/* http_fields_judge looks at the fields that decide how a request is read, the same ones in both
   versions, and sets length, expectation and the like in *request.  REASON_OK, or why not. */
enum reason http_fields_judge(struct http_request *request);

#endif
