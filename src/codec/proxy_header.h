/* proxy_header.h - the header of the PROXY protocol, version 2 (HAProxy's specification, 2.2): who
   the client of an edge is, in front of what the client says.  Version 1, which is text, is none.
 */
#ifndef WARD_CODEC_PROXY_HEADER_H
#define WARD_CODEC_PROXY_HEADER_H

#include "base/span.h"
#include "model/address.h"

enum {
    PROXY_HEAD = 16,         /* bytes before the addresses */
    PROXY_HEADER_MAX = 1024, /* bytes of all of it */
};

enum proxy_step {
    PROXY_BAD = 0,
    PROXY_MORE, /* it is not whole: *wanted bytes would be, or would say how many are */
    PROXY_WHOLE,
};

struct proxy_header {
    bool local;            /* the edge speaks for itself: nobody is told */
    struct address client; /* else: where the client connects from, over TCP */
};

/* proxy_header_read reads exactly one header.  What is wrong with its beginning is found before the
   rest has come.  Strict: of a client it knows TCP over IPv4 and IPv6 alone; what follows the
   addresses (TLVs) is whole, and a checksum among it is right; nothing else of it is looked at. */
enum proxy_step proxy_header_read(struct span bytes, struct proxy_header *out, size_t *wanted);

#endif
