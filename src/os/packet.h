/* packet.h - sockets between processes of this program: whole packets, with descriptors.

   A packet arrives whole or not at all, so nobody here ever reads half a message.  Both ends
   never block; who wants to wait asks packet_wait first. */
#ifndef WARD_OS_PACKET_H
#define WARD_OS_PACKET_H

#include <sys/types.h>

#include "base/result.h"
#include "base/span.h"

enum {
    PACKET_BYTES_MAX = 192 << 10,
    PACKET_FDS_MAX = 4, /* descriptors in one packet */
};

enum packet_error {
    PACKET_E_CLOSED = 0x1101, /* RC_WORLD: the other end is gone */
    PACKET_E_BLOCK,           /* RC_BUSY: nothing there, or no room; try when it is ready */
    PACKET_E_CUT,             /* RC_PEER: longer than the buffer, or too many descriptors */
    PACKET_E_TIME,            /* RC_BUSY: the deadline passed */
};

/* What came with a packet: descriptors that now belong to the receiver, close-on-exec. */
struct packet_fds {
    int fds[PACKET_FDS_MAX];
    size_t count;
};

/* packet_pair makes two connected ends, close-on-exec and non-blocking. */
MUST_USE
rc packet_pair(struct trail *trail, int ends[2]);

/* packet_send sends 1..PACKET_BYTES_MAX bytes with copies of the descriptors, whole.  Any
   other failure than those above is an errno of class RC_WORLD. */
MUST_USE
rc packet_send(struct trail *trail, int fd, struct span bytes, const int *fds, size_t count);

/* packet_receive reads the next packet of at most cap bytes.  *len is at least 1.  On failure
   nothing is left open and fds->count is 0; the packet is gone, if there was one.  EMFILE of
   class RC_WORLD: this process can have no more descriptors.  What the other end sent before
   it went is still received. */
MUST_USE
rc packet_receive(struct trail *trail, int fd, void *buffer, size_t cap, size_t *len,
                  struct packet_fds *fds);

/* packet_fds_close closes what is left of them. */
void packet_fds_close(struct packet_fds *fds);

/* packet_wait waits until the end can be read (or written), or the other end is gone, at most
   until the monotonic instant.  PACKET_E_TIME when it passed. */
MUST_USE
rc packet_wait(struct trail *trail, int fd, bool writing, int64_t until_ms);

#endif
