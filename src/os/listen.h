/* listen.h - listening on an address that is written as text: "127.0.0.1:8443" or
   "[::1]:8443".  No names are looked up. */
#ifndef WARD_OS_LISTEN_H
#define WARD_OS_LISTEN_H

#include "base/result.h"
#include "base/sink.h"

enum listen_error {
    LISTEN_E_TEXT = 0x1701, /* RC_PEER: no address and port */
    LISTEN_E_SOCKET,        /* RC_PEER: no TCP socket that listens */
};

/* listen_check tells whether the text is an address with a port of 1..65535. */
MUST_USE
rc listen_check(struct trail *trail, const char *text);

/* listen_on makes a non-blocking, close-on-exec TCP listener.  An address that is in use
   or not of this machine is an errno of class RC_WORLD. */
MUST_USE
rc listen_on(struct trail *trail, const char *text, int backlog, int *out);

/* listen_given takes a descriptor that somebody else opened: a TCP listener, of IPv4 or IPv6,
   which becomes non-blocking and close-on-exec.  Appends its address as text.  The descriptor
   stays the caller's. */
MUST_USE
rc listen_given(struct trail *trail, int fd, struct sink *address);

#endif
