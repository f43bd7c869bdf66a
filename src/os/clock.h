/* clock.h - the only place that reads a clock; everything below takes the time as an
   argument. */
#ifndef WARD_OS_CLOCK_H
#define WARD_OS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* clock_now: seconds since 1970-01-01T00:00:00Z by the system's clock. */
int64_t clock_now(void);

/* clock_now_ms: the same in milliseconds. */
int64_t clock_now_ms(void);

/* clock_monotonic_ms: milliseconds from some fixed point; never goes back, whatever is done
   to the system's clock.  For deadlines. */
int64_t clock_monotonic_ms(void);

/* clock_next_date waits, for some milliseconds, until files that are changed now get another date
   than those that were changed before, and gives that date. */
struct timespec clock_next_date(void);

#endif
