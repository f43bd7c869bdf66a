/* url.h - the addresses to which somebody is told to connect, and their pieces: strict, and of the
   text only.  Looks nothing up. */
#ifndef WARD_CODEC_URL_H
#define WARD_CODEC_URL_H

#include "base/cursor.h"
#include "base/result.h"

/* url_is_plain: letters, digits and those others, at least one; nothing that is encoded. */
bool url_is_plain(struct span text, const char *others);

/* url_take_host moves over a host, an IPv6 address in its brackets. */
MUST_USE
bool url_take_host(struct cursor *in, struct span *out);

/* url_take_port moves over :PORT where there is one; empty where there is none. */
MUST_USE
bool url_take_port(struct cursor *in, struct span *out);

/* url_is_here: this machine's own loopback, written as such. */
bool url_is_here(struct span host);

enum {
    URL_HOST_MAX = 256, /* bytes, its NUL included */
    URL_PORT_MAX = 6,
};

/* A server, and how it is spoken to (an origin, RFC 6454).  The span views the text. */
struct url_origin {
    bool tls;
    bool is_here;            /* written as an address or the name of this machine */
    char host[URL_HOST_MAX]; /* without the brackets of an IPv6 address */
    char port[URL_PORT_MAX]; /* digits; the scheme's where none is written */
    struct span authority;   /* as it is sent */
};

/* url_origin_read takes https://HOST and http://HOST, with :PORT where there is one, and nothing
   behind them. */
MUST_USE
bool url_origin_read(struct span text, struct url_origin *out);

/* A place to connect to.  The spans view the text. */
struct websocket_url {
    struct url_origin origin;
    struct span target; /* as it is sent; "/" where no path is written */
};

/* websocket_url_read takes wss://HOST and ws://HOST, with :PORT and /PATH where there are any,
   without a user, a query or a fragment. */
MUST_USE
bool websocket_url_read(struct span text, struct websocket_url *out);

#endif
