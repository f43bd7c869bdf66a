/* h2_recent.h - the streams that a peer has begun last, and which of them it has ended, by what it
   sent itself.  nghttp2 forgets a stream that is closed, and lets pass what still comes for it. */
#ifndef WARD_HTTP_H2_RECENT_H
#define WARD_HTTP_H2_RECENT_H

#include <stdbool.h>
#include <stdint.h>

enum { H2_RECENT = 64 }; /* streams; of what is older nothing is known, and nothing said */

struct h2_recent {
    int32_t highest; /* that the peer has begun; 0 before the first */
    uint64_t begun;  /* bit n: stream highest - 2n was begun */
    uint64_t ended;  /* bit n: by END_STREAM or RST_STREAM of the peer's */
    bool in_block;   /* HEADERS whose CONTINUATION is still to come */
};

enum h2_standing {
    H2_STANDING_GOOD,   /* or for others to judge */
    H2_STANDING_NEVER,  /* a stream that was passed over */
    H2_STANDING_CLOSED, /* one that the peer has ended itself */
};

/* h2_recent_frame takes the head of a frame of the peer's and says how it stands to the frames
   before.  A stream that only we have ended is in good standing: the peer may not know yet. */
enum h2_standing h2_recent_frame(struct h2_recent *recent, uint8_t type, uint8_t flags, int32_t id);

#endif
