/* sdk_nonces.h - nonces that are remembered for a while: those that were given out and may come
   back once, or those that have come and may not come again.  So many at a time: the oldest gives
   way; of those that were given out an address has a share, in which its own oldest does.  Time is
   an argument, memory the caller's. */
#ifndef WARD_CHANNEL_SDK_NONCES_H
#define WARD_CHANNEL_SDK_NONCES_H

#include "base/result.h"
#include "base/span.h"

enum {
    SDK_NONCE = 32,
    SDK_NONCE_S = 300,     /* how long one that was given out is good */
    SDK_NONCES_SHARE = 16, /* that were given out to one address, and are not used */
    SDK_ADDRESS = 16,
};

struct sdk_nonce {
    uint8_t bytes[SDK_NONCE];
    uint8_t address[SDK_ADDRESS]; /* whom it was given out to; of those that have come, zeros */
    int64_t until_s;              /* 0: nothing is here */
};

struct sdk_nonces {
    struct sdk_nonce *at;
    size_t count; /* places, at least one */
    size_t next;  /* the oldest */
};

/* sdk_nonces_over makes an empty one of the caller's memory. */
struct sdk_nonces sdk_nonces_over(struct sdk_nonce *at, size_t count);

bool sdk_nonces_is_sound(const struct sdk_nonces *nonces);

/* sdk_nonces_put remembers one until that second. */
void sdk_nonces_put(struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE], int64_t until_s);

/* sdk_nonces_give remembers one that is given out to an address. */
void sdk_nonces_give(struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE],
                     const uint8_t address[SDK_ADDRESS], int64_t until_s);

/* sdk_nonces_has tells whether it is remembered, how long whatsoever. */
bool sdk_nonces_has(const struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE]);

/* What became of one that was given out. */
enum sdk_nonce_state { SDK_NONCE_UNKNOWN = 0, SDK_NONCE_EXPIRED, SDK_NONCE_GOOD };

/* sdk_nonces_take forgets it: it is GOOD once, before its second has come. */
MUST_USE
enum sdk_nonce_state sdk_nonces_take(struct sdk_nonces *nonces, const uint8_t nonce[SDK_NONCE],
                                     int64_t now_s);

#endif
