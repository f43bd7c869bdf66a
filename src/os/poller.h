/* poller.h - waits for many descriptors at once (epoll).  Its own descriptor is readable when
   any of them is ready, so that one poll over few descriptors can wait for thousands. */
#ifndef WARD_OS_POLLER_H
#define WARD_OS_POLLER_H

#include <stddef.h>

#include "base/result.h"

enum { POLLER_EVENTS_MAX = 256 }; /* taken in one call */

struct poller_event {
    uint64_t token; /* as given when the descriptor was added */
    bool readable, writable;
    bool gone; /* an error, or the peer closed both directions */
};

/* poller_open returns the descriptor that stands for all. */
MUST_USE
rc poller_open(struct trail *trail, int *out);

/* poller_add, poller_change: wait for reading, writing, both or (for the end alone) neither.
   A descriptor that is closed leaves by itself. */
MUST_USE
rc poller_add(struct trail *trail, int poller, int fd, uint64_t token, bool reading, bool writing);
MUST_USE
rc poller_change(struct trail *trail, int poller, int fd, uint64_t token, bool reading,
                 bool writing);

/* poller_drop waits for nothing of it any more, not even its end, which poller_change would. */
MUST_USE
rc poller_drop(struct trail *trail, int poller, int fd);

/* poller_take gives what is ready now without waiting; at most max, 0 for nothing. */
size_t poller_take(int poller, struct poller_event *events, size_t max);

#endif
