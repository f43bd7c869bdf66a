/* notify.h - telling a service manager how a service is (the protocol of sd_notify(3)): one
   datagram of NAME=VALUE lines to the socket that NOTIFY_SOCKET names. */
#ifndef WARD_OS_NOTIFY_H
#define WARD_OS_NOTIFY_H

#include "base/result.h"

enum notify_error {
    NOTIFY_E_NAME = 0x1901, /* RC_PEER: neither an absolute path nor '@' and a name, or too
                               long for a socket */
};

/* notify_send sends the text ("READY=1\n") whole and does not wait.  A socket that is not
   there or does not read is an errno of class RC_WORLD. */
MUST_USE
rc notify_send(struct trail *trail, const char *socket_name, const char *text);

#endif
