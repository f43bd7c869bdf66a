/* channel.h - one end of a conversation between two processes of this program.

   What is put is queued and goes out when the channel is flushed, as many frames in a packet
   as fit: one wake-up costs one system call, not one a message.  The queue is bounded; a
   peer that does not read makes channel_put say RC_BUSY, never grow.

   A channel declares when it is made how far its peer is trusted.  A malformed packet of a
   less trusted peer is a failure of class RC_PEER: the owner closes this channel and goes on.
   The same from a more trusted peer is RC_BUG. */
#ifndef WARD_IPC_CHANNEL_H
#define WARD_IPC_CHANNEL_H

#include "base/arena.h"
#include "ipc/frame.h"
#include "os/packet.h"

enum channel_trust {
    CHANNEL_LESS_TRUSTED, /* can be made to say anything */
    CHANNEL_MORE_TRUSTED, /* what it says amiss is a bug of this program */
};

enum {
    CHANNEL_QUEUE_MAX = 512 << 10, /* bytes of frames that wait to be sent */
    CHANNEL_FDS_MS = 200,          /* for a peer to take descriptors */
};

enum channel_error {
    CHANNEL_E_FRAME = 0x1301, /* what arrived is no row of frames */
    CHANNEL_E_FULL,           /* RC_BUSY: the peer does not read */
    CHANNEL_E_ANSWER,         /* the frame that came is not the answer to this question */
};

struct channel {
    int fd; /* -1: closed */
    unsigned peer;
    enum channel_trust trust;
    uint64_t last_id;
    bool noticed;          /* channel_ask met a frame that answers nothing; its owner clears it */
    struct sink queue;     /* frames not sent yet */
    uint8_t *packet;       /* PACKET_BYTES_MAX bytes: the one that is being read */
    struct cursor unread;  /* its frames that were not taken yet */
    struct packet_fds fds; /* that came with it and were not taken */
};

/* channel_init takes its buffers from the arena, for as long as the process lives.  The
   channel is closed until channel_attach gives it a descriptor, which it then owns;
   attaching to an open channel closes it first. */
MUST_USE
bool channel_init(struct channel *channel, struct arena *arena, unsigned peer,
                  enum channel_trust trust);
void channel_attach(struct channel *channel, int fd);
void channel_close(struct channel *channel);

bool channel_is_open(const struct channel *channel);
bool channel_is_sound(const struct channel *channel);

/* channel_next_id: an id that no question on this channel had before. */
uint64_t channel_next_id(struct channel *channel);

/* channel_put queues a frame.  RC_BUSY CHANNEL_E_FULL when the queue has no room,
   PACKET_E_CLOSED when the channel is closed. */
MUST_USE
rc channel_put(struct trail *trail, struct channel *channel, const struct frame *frame);

/* channel_flush sends what is queued, as far as the peer takes it.  Success also when some
   is left: channel_has_queued then. */
MUST_USE
rc channel_flush(struct trail *trail, struct channel *channel);
bool channel_has_queued(const struct channel *channel);

/* channel_put_fds sends a frame with copies of descriptors, after all that is queued, and waits
   for a moment for a peer that does not take it now; then it is RC_BUSY. */
MUST_USE
rc channel_put_fds(struct trail *trail, struct channel *channel, const struct frame *frame,
                   const int *fds, size_t count);

/* channel_get gives the next frame that has arrived; its body lives until the next call.
   RC_BUSY PACKET_E_BLOCK when there is none, PACKET_E_CLOSED when the peer is gone. */
MUST_USE
rc channel_get(struct trail *trail, struct channel *channel, struct frame *out);

/* channel_has_unread: frames were read from the socket and not taken yet. */
bool channel_has_unread(const struct channel *channel);

/* channel_take_fd moves out the next descriptor that came with the frame, or returns -1. */
int channel_take_fd(struct channel *channel);

/* channel_ask puts a question, waits for its answer at most until the monotonic instant, and
   gives the frame that carries it.  Late answers to earlier questions are passed over, and a
   notice, which has no id, with a mark that there was one (`noticed`); any other frame is
   CHANNEL_E_ANSWER.  Only for channels on which nothing else arrives. */
MUST_USE
rc channel_ask(struct trail *trail, struct channel *channel, struct frame *question,
               int64_t until_ms, struct frame *answer);

#endif
