/* fetch.h - one bounded GET or POST over HTTPS, for collateral and the like.

   Whoever has a jail around itself gives the addresses and the CAs: then no name is looked up
   and no file is opened.  Redirects are off, content encodings are not asked for, the proxy is the
   one named or none, plain HTTP is spoken to loopback addresses only.  The reply is at most `max`
   bytes and comes within the timeout, or there is no reply. */
#ifndef WARD_NET_FETCH_H
#define WARD_NET_FETCH_H

#include "base/arena.h"
#include "base/result.h"
#include "base/span.h"
#include "model/reason.h"
#include "net/resolve.h"

enum {
    FETCH_HEADER_MAX = 16 * 1024,  /* bytes of the header asked for; a longer one is absent */
    FETCH_HEADERS_MAX = 64 * 1024, /* bytes of all headers */
    FETCH_MESSAGE_MAX = 256,
};

struct fetch_request {
    const char *url;
    const char *proxy;                 /* URL, or NULL for none */
    const char *ca_file;               /* PEM of CAs to trust instead of the system's, or NULL */
    struct span ca_pem;                /* the same as bytes, that live as long; empty: not given */
    const struct addresses *addresses; /* of the URL's host; NULL: it is looked up */
    const char *header;                /* name of one reply header to keep, or NULL */
    const char *content_type;          /* of the body of a POST */
    struct span body;                  /* of a POST */
    long timeout_ms;                   /* for the whole exchange, > 0 */
    size_t max;                        /* bytes of body */
    struct net_tick tick;              /* while it waits */
};

struct fetch_reply {
    struct span body;   /* in the arena */
    struct span header; /* value of the header asked for, in the arena; empty when absent */
};

struct fetch_error {
    enum reason reason; /* FETCH_... */
    long status;        /* of a whole reply that is no 200; else 0 */
    struct span body;   /* of that reply, in the arena */
    char message[FETCH_MESSAGE_MAX];
};

/* fetch_get: true exactly when the reply is a whole 200.  Otherwise *error says why in one
   line, which may hold text of the server's, and *out is untouched. */
MUST_USE bool fetch_get(const struct fetch_request *request, struct arena *arena,
                        struct fetch_reply *out, struct fetch_error *error);

/* fetch_post sends the request's body, and is the same otherwise. */
MUST_USE bool fetch_post(const struct fetch_request *request, struct arena *arena,
                         struct fetch_reply *out, struct fetch_error *error);

/* fetch_host gives the host of a URL, without the brackets of an address, and its port as
   digits.  False when there is none of a length that fits. */
enum { FETCH_HOST_MAX = 256, FETCH_PORT_MAX = 6 };
MUST_USE bool fetch_host(const char *url, char host[FETCH_HOST_MAX], char port[FETCH_PORT_MAX]);

/* fetch_warm_up has the libraries take from the system what they take once: for whoever enters a
   jail. */
MUST_USE bool fetch_warm_up(void);

#endif
