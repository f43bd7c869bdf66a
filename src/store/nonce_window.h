/* nonce_window.h - each request once, over a restart too, without a write for each.

   A signed request carries its time `at` and a nonce.  The window remembers in memory which
   nonces it has seen of the seconds that it still accepts; the store keeps one number, the
   high-water time H.

   The arithmetic.  Accepted is only  floor < at <= now + skew,  where floor is never less than
   now - window - 1 and never moves back, whatever the clock does.  What is remembered is all
   of (floor, now + skew]: forgetting a second moves the floor past it first.  Before a request
   with at > H is accepted, H is moved to max(at, now + step) and that is durable.  So at every
   moment  at <= H  for all that was ever accepted.  A start begins with floor = H: nothing
   that was accepted before it is accepted again.  The price: for `step` seconds after a crash
   (`skew` if a client's clock ran ahead that far) requests are refused with NONCE_TOO_OLD, and
   sign themselves anew.  Where the store itself was put back to an earlier H, `since` keeps out
   what was signed before this start.  H is written once in `step` seconds, or at worst once a
   second.

   Memory is taken once.  An identity has a share of it, so none can use up the rest. */
#ifndef WARD_STORE_NONCE_WINDOW_H
#define WARD_STORE_NONCE_WINDOW_H

#include "base/arena.h"
#include "store/store.h"

struct nonce_rules {
    uint32_t capacity; /* nonces remembered at a time */
    uint32_t share;    /* of those, of one identity */
    uint32_t window;   /* seconds: how old a request may be */
    uint32_t skew;     /* seconds: how far ahead a client's clock may run */
    uint32_t step;     /* seconds: how far ahead H is written */
    int64_t since;     /* nothing from before this second is accepted, whatever H is */
};

/* Private to nonce_window.c. */
struct nonce_entry;
struct nonce_owner;

struct nonce_window {
    struct store *store;
    struct nonce_rules rules;
    struct nonce_entry *entries;
    struct nonce_owner *owners;
    uint32_t *buckets, *owner_buckets; /* chains of entries and owners */
    uint32_t *seconds;                 /* entries of each second from floor + 1 on */
    uint32_t free_entry, free_owner;
    uint32_t used;
    int64_t floor;
    int64_t high_water;
    uint8_t key[16];
};

/* nonce_window_open takes its memory from the arena (about 100 bytes a nonce) and reads H.  The
   store and the arena must outlive it.  Rules that contradict one another are STORE_STATEMENT. */
MUST_USE
rc nonce_window_open(struct trail *trail, struct store *store, const struct nonce_rules *rules,
                     struct arena *arena, struct nonce_window *out);

struct nonce_claim {
    struct span identity;
    struct span nonce;
    int64_t at;
};

/* nonce_window_take accepts a request whose signature is already verified, once.  NONCE_TOO_OLD,
   NONCE_FUTURE, NONCE_REPLAYED, STORE_SHARE, STORE_LIMIT, or the store's own failure when H
   could not be written: then nothing was taken. */
MUST_USE
rc nonce_window_take(struct trail *trail, struct nonce_window *window, int64_t now,
                     const struct nonce_claim *claim);

/* nonce_window_is_sound: every entry is in its chains, every count is right. */
bool nonce_window_is_sound(const struct nonce_window *window);

#endif
