/* clock.c - see clock.h. */
#include "os/clock.h"

#include <stdbool.h>
#include <stdlib.h>

/* clock_gettime fails only for a clock that does not exist; a wrong time would be worse than
   none. */
static struct timespec read_clock(clockid_t clock)
{
    struct timespec at;
    if (clock_gettime(clock, &at) != 0)
        abort();
    return at;
}

int64_t clock_now(void)
{
    return read_clock(CLOCK_REALTIME).tv_sec;
}

int64_t clock_now_ms(void)
{
    struct timespec at = read_clock(CLOCK_REALTIME);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
    struct timespec at = read_clock(CLOCK_MONOTONIC);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/* A file is dated by the last tick, or finer since Linux 6.13, by what the precise clock says: the
   date is one that ticks have come past.  They lag behind by more than one at times.  A clock that
   is set back meanwhile is not waited for. */
struct timespec clock_next_date(void)
{
    enum { LOOK_NS = 500000 };
    const struct timespec tick = read_clock(CLOCK_REALTIME_COARSE), look = { 0, LOOK_NS };
    const struct timespec before = read_clock(CLOCK_REALTIME);
    struct timespec now;
    do {
        (void)nanosleep(&look, NULL);
        now = read_clock(CLOCK_REALTIME_COARSE);
    } while (!is_later(now, before) && !is_later(tick, now));
    return now;
}
