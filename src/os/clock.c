/* clock.c - see clock.h. */
#include "os/clock.h"

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

/* Files are dated by the last tick. */
struct timespec clock_next_date(void)
{
    enum { LOOK_NS = 500000 };
    const struct timespec before = read_clock(CLOCK_REALTIME_COARSE), look = { 0, LOOK_NS };
    struct timespec now;
    do {
        (void)nanosleep(&look, NULL);
        now = read_clock(CLOCK_REALTIME_COARSE);
    } while (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec);
    return now;
}
