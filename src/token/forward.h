/* forward.h - a miner's request on its way to a challenge: what of it goes on, what the house says
   with it, and what of the answer comes back.

   Everything here is a list of what is let through.  What is not on it - a header that says whose
   the request is, in whatever spelling, one of the connection's own, a cookie, a compression - goes
   no further, known or not.  Pure: who sends and who receives is the caller's business. */
#ifndef WARD_TOKEN_FORWARD_H
#define WARD_TOKEN_FORWARD_H

#include "codec/verified_request.h"
#include "http/message.h"

enum {
    FORWARD_FIELDS_MAX = 16, /* of a request as it goes on */
    FORWARD_ROOM = 512,      /* bytes for the values that are made */
    FORWARD_BACK_MAX = 8,    /* fields of an answer as it comes back */
};

/* What the head of a request asks for.  The spans view it. */
struct forward_ask {
    struct span challenge, route, query, method;
    struct span token;
};

/* forward_is_public: a path below which the public routes of challenges are:
   /api/challenges/NAME/public/ROUTE is one. */
bool forward_is_public(struct span path);

/* forward_read judges a head.  REASON_OK; HTTP_ROUTE_UNKNOWN for a name or route that can be none,
   HTTP_METHOD_NOT_ALLOWED for other than GET and POST, HTTP_TARGET_TOO_LONG for a query that is
   longer than can be vouched for, MINER_TOKEN_MISSING unless there is exactly one Authorization,
   and that is "Bearer", one space and something, MINER_TOKEN_MALFORMED for more of that than a
   token can have.  A token anywhere else is not looked at. */
enum reason forward_read(const struct http_request *request, struct forward_ask *out);

/* forward_fields makes the fields of the request as it goes on: those of the miner's that may, and
   the house's word with its signature (base64).  What is made lies in `room` (FORWARD_ROOM).
   Returns how many. */
size_t forward_fields(const struct http_request *request, const struct verified_request *word,
                      struct span signature, struct sink *room,
                      struct http_field out[FORWARD_FIELDS_MAX]);

/* forward_wrong_of: why the head of an answer is none that goes back, static text; NULL: it is one.
   What leads elsewhere is none, nor what is compressed, for nobody asked for that, nor what ends
   with its connection, for whoever cuts that could end it anywhere. */
const char *forward_wrong_of(unsigned status, const struct http_request *answer);

/* forward_back makes the fields of an answer as it goes back: those of the challenge's that may,
   and what keeps a browser from taking its page for one of the house's.  Returns how many. */
size_t forward_back(const struct http_request *answer, struct http_field out[FORWARD_BACK_MAX]);

/* forward_write_error writes what a miner is told instead: {"error":"...","code":"..."}. */
MUST_USE
bool forward_write_error(enum reason reason, struct sink *out);

#endif
