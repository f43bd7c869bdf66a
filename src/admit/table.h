/* table.h - a rate for each of very many peers, in memory that never grows.

   Sets of eight words, one cache line each.  A peer's keyed hash names its set and a tag of
   24 bits; a word is that tag and 40 bits of TAT (gcra.h) since the table's base.  Nobody
   without the key can choose addresses that meet.

   A peer with all its credit needs no word: a TAT that is not ahead of now says the same as
   none, so such a word is free and taking it loses nothing.  When all eight are ahead, the
   newcomer takes the word of the one nearest to full credit *and its TAT with it* (the rule of
   the space-saving sketch).  So for every peer at every moment: its exact TAT is at most what
   its word says, or at most the lowest of its set.  Therefore

   - no peer ever gets more than burst + T / step, whatever the others do: nobody washes
     its own count away by a flood of other addresses;
   - verdicts are exact while a set has a free word when somebody new comes to it;
   - after F arrivals of others in its set within the window, a peer is treated as if it had
     used at most F / 8 arrivals more than it had.  A flood thus takes 8 * credit arrivals
     in that very set before an honest peer notices: with S sets and sources that cannot
     choose theirs, some S * 8 * credit per window.  Nobody is let in by it: it is the side that is
     safe.  `crowded` counts arrivals that met a full set; grow the table when it does.

   Two live peers of one set share a word when their tags are equal: one in 2^24 for each pair,
   so at most one newcomer in two million.  They then share one rate, which is also the safe
   side.  To hit one chosen victim, 2^24 * S addresses must be tried. */
#ifndef WARD_ADMIT_TABLE_H
#define WARD_ADMIT_TABLE_H

#include "admit/gcra.h"
#include "base/arena.h"
#include "crypto/siphash.h"
#include "model/address.h"

enum {
    ADMIT_WAYS = 8,
    ADMIT_SETS_MAX = 1 << 21 /* 128 MiB */
};

struct admit_table {
    uint64_t *words; /* sets * ADMIT_WAYS; 0 is a free word */
    size_t sets;     /* a power of two */
    struct gcra_rate rate;
    uint64_t base_us; /* TATs count from here */
    uint64_t now_us;  /* the highest reading so far */
    uint64_t crowded;
    uint8_t key[SIPHASH_KEY_LEN];
};

/* admit_table_init takes 64 bytes a set from the arena, where they stay.  sets: a power of two,
   1 to ADMIT_SETS_MAX.  key: 16 random bytes, not used for another table.  False when there is
   no memory or an argument is none. */
MUST_USE
bool admit_table_init(struct admit_table *table, struct arena *arena, size_t sets,
                      const struct gcra_rate *rate, const uint8_t key[SIPHASH_KEY_LEN]);

/* admit_table_change changes the rate, which must be sound.  Who used credit has used it still: a
   peer that was ahead stays so, by as much time, but never past the new window.  So from now on
   it gets at most what the new rate gives. */
void admit_table_change(struct admit_table *table, const struct gcra_rate *rate, uint64_t now_us);

/* Looks at every word: for tests. */
bool admit_table_is_sound(const struct admit_table *table);

/* admit_table_take judges one request of a peer, given as address_key has it, of a cost as in
   gcra.h.  `kind` (any number) keeps apart what is counted separately under one rate. */
struct gcra_answer admit_table_take(struct admit_table *table, const struct address *key,
                                    uint8_t kind, uint32_t cost, uint64_t now_us);

#endif
