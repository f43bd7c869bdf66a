/* listen.h - listening on an address that is written as text: "127.0.0.1:8443" or
   "[::1]:8443".  No names are looked up. */
#ifndef WARD_OS_LISTEN_H
#define WARD_OS_LISTEN_H

#include "base/result.h"

enum listen_error {
    LISTEN_E_TEXT = 0x1701, /* RC_PEER: no address and port */
};

/* listen_check tells whether the text is an address with a port of 1..65535. */
MUST_USE
rc listen_check(struct trail *trail, const char *text);

/* listen_on makes a non-blocking, close-on-exec TCP listener.  An address that is in use
   or not of this machine is an errno of class RC_WORLD. */
MUST_USE
rc listen_on(struct trail *trail, const char *text, int backlog, int *out);

#endif
