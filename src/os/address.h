/* address.h - listening on an address that is written as text: "127.0.0.1:8443" or
   "[::1]:8443".  No names are looked up. */
#ifndef WARD_OS_ADDRESS_H
#define WARD_OS_ADDRESS_H

#include "base/result.h"

enum address_error {
    ADDRESS_E_TEXT = 0x1701, /* RC_PEER: no address and port */
};

/* address_check tells whether the text is an address with a port of 1..65535. */
MUST_USE
rc address_check(struct trail *trail, const char *text);

/* address_listen makes a non-blocking, close-on-exec TCP listener.  An address that is in use
   or not of this machine is an errno of class RC_WORLD. */
MUST_USE
rc address_listen(struct trail *trail, const char *text, int backlog, int *out);

#endif
