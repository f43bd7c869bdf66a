/* gcra.h - so many in such a time, in one number: the generic cell rate algorithm (ITU-T
   I.371), exact.  Reads no clock: the time is an argument, in microseconds of a clock that
   does not go back (CLOCK_MONOTONIC).

   A rate of `count` in `period` lets one pass each step = period / count, and a burst of
   `burst` at once.  What is kept of a peer is how far its theoretical arrival time (TAT)
   lies ahead of now.  The unit is a microsecond divided by `scale`, the smallest number that
   makes the step whole: nothing is rounded, so a verdict is that of the rational numbers.

   In any stretch of T by the clock at most burst + T / step pass.  A clock that goes back
   stands still here until it is past its highest reading, which lets nobody have more. */
#ifndef WARD_ADMIT_GCRA_H
#define WARD_ADMIT_GCRA_H

#include "base/result.h"

enum {
    GCRA_SCALE_MAX = 10000, /* parts of a microsecond: 9973 in a second is fine, 99991 is not */
    GCRA_WINDOW_BITS = 39   /* a whole burst lies under 2^39 units (152 hours at scale 1) */
};

struct gcra_rate {
    uint64_t step;   /* units from one to the next */
    uint64_t window; /* burst * step: how far ahead a TAT may lie */
    uint32_t scale;  /* units in a microsecond */
};

bool gcra_rate_is_sound(const struct gcra_rate *rate);

/* gcra_rate_of refuses a zero, and what the two limits above do not allow. */
MUST_USE
bool gcra_rate_of(uint32_t count, uint64_t period_us, uint32_t burst, struct gcra_rate *out);

/* The zero of an answer refuses.  retry_us: when to come again, if nobody else uses the same
   bucket in between; one microsecond earlier is too early.  0 when allowed. */
struct gcra_answer {
    bool allowed;
    uint64_t retry_us;
};

/* gcra_charge judges one request of who is *ahead units ahead (at most the window), and moves it
   when it is allowed.  Refused, it costs its sender nothing.  Allowed, it costs as much as
   `cost` arrivals, one at least; the whole burst at most, or it could never come. */
struct gcra_answer gcra_charge(const struct gcra_rate *rate, uint64_t *ahead, uint32_t cost);

/* gcra_decay is what is left of `ahead` after the time has gone by.  No product overflows,
   whatever the time. */
uint64_t gcra_decay(const struct gcra_rate *rate, uint64_t ahead, uint64_t elapsed_us);

/* One bucket by itself, such as that of all peers together.  {0} has all its credit. */
struct gcra {
    uint64_t at_us; /* the highest reading so far */
    uint64_t ahead; /* at that time */
};

bool gcra_is_sound(const struct gcra *gcra, const struct gcra_rate *rate);

/* gcra_take judges one request of that cost at now_us, any number. */
struct gcra_answer gcra_take(struct gcra *gcra, const struct gcra_rate *rate, uint32_t cost,
                             uint64_t now_us);

#endif
