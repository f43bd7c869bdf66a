/* activation.h - a listener that a service manager has open already (sd_listen_fds(3)). */
#ifndef WARD_CMD_ACTIVATION_H
#define WARD_CMD_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ACTIVATION_FDS_MAX = 16, /* sockets that are handed over */
    ACTIVATION_ADDRESS = 64, /* bytes of an address and port, the NUL included */
};

struct activation {
    int fd; /* the listener; -1 when none was handed over */
    char address[ACTIVATION_ADDRESS];
};

/* activation_take finds the listener for TLS among what was handed over to this very process:
   the socket named "tls", or the only one there is.  It stays open as long as the command.
   False: it has said what is wrong with what was handed over. */
bool activation_take(struct activation *out);

/* activation_number reads a variable that is a number of at most 15 digits and nothing else; -1
   for every other one, and for none. */
int64_t activation_number(const char *variable);

#endif
