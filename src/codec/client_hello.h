/* client_hello.h - the first bytes of a TCP stream: whether TLS begins there, and for whom (RFC
   8446 4.1.2, RFC 6066 3), and whether whoever answers wants to be told again (4.1.4).  Judges
   nothing: that the name is the right one is the caller's.

       client_hello_read(what has come, room, &hello)
           HELLO_MORE       not all is there: again with more, from the first byte on
           HELLO_OTHER      it is not TLS
           HELLO_MALFORMED  it begins as TLS and is no ClientHello, or one that is not read here
           HELLO_READ       hello

   No more than CLIENT_HELLO_STREAM_MAX bytes are ever asked for.  A stream begins as TLS when its
   first record is a handshake (22) of version 3.x. */
#ifndef WARD_CODEC_CLIENT_HELLO_H
#define WARD_CODEC_CLIENT_HELLO_H

#include "base/result.h"
#include "base/span.h"

enum {
    CLIENT_HELLO_MAX = 16 << 10, /* bytes of the message, its header included */

    /* With the headers of its records.  One that is cut into very small ones is read while all of
       it stays below this. */
    CLIENT_HELLO_STREAM_MAX = CLIENT_HELLO_MAX + 256,
};

enum hello_reading { HELLO_MALFORMED = 0, HELLO_MORE, HELLO_OTHER, HELLO_READ };

struct client_hello {
    /* Of server_name, in the case in which it was sent, and the name of a host (host_is_name);
       empty where there is none.  Views the stream or room. */
    struct span name;
    bool is_encrypted; /* has encrypted_client_hello, or what it was in a draft */
    size_t len;        /* bytes of the stream that it took, to the end of its last record */
};

/* client_hello_read: room is where a hello of several records is put together; it may be used for
   another stream when the name is no longer needed.  *out is untouched unless HELLO_READ.

   More than one name, a name that is none of a host (an address, a point at its end), the same
   extension twice, lengths that do not fit and bytes that are left over are malformed. */
MUST_USE
enum hello_reading client_hello_read(struct span stream, uint8_t room[CLIENT_HELLO_MAX],
                                     struct client_hello *out);

/* What a server answers a hello with. */
enum server_reading {
    SERVER_MALFORMED = 0, /* a handshake whose first record has no room for what tells them apart */
    SERVER_MORE,          /* not enough has come */
    SERVER_AGAIN,         /* HelloRetryRequest: another hello follows in the clear */
    SERVER_OTHER,         /* anything else: what the client says now is not for others to read */
};

/* server_hello_read looks at the first bytes that a server says, of which it needs at most
   SERVER_HELLO_HEAD. */
enum { SERVER_HELLO_HEAD = 43 };
MUST_USE
enum server_reading server_hello_read(struct span stream);

#endif
