/* pace.c - see pace.h. */
#include "admit/pace.h"

#define SECOND_US UINT64_C(1000000)

struct pace_limits pace_limits_default(void)
{
    return (struct pace_limits){ .handshake_us = 10 * SECOND_US,
                                 .idle_us = 75 * SECOND_US,
                                 .head_us = 10 * SECOND_US,
                                 .grace_us = 5 * SECOND_US,
                                 .stall_us = 20 * SECOND_US,
                                 .bytes_per_s = 500 };
}

bool pace_limits_are_sound(const struct pace_limits *limits)
{
    return limits->handshake_us > 0 && limits->idle_us > 0 && limits->head_us > 0 &&
           limits->grace_us > 0 && limits->stall_us > 0 && limits->bytes_per_s > 0;
}

bool pace_is_sound(const struct pace *pace)
{
    return (unsigned)pace->phase <= PACE_REPLY && pace->since_us <= pace->last_us;
}

/* The end of time instead of a time that has wrapped. */
static uint64_t later(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void pace_begin(struct pace *pace, enum pace_phase phase, uint64_t now_us)
{
    *pace = (struct pace){ .phase = phase, .since_us = now_us, .last_us = now_us };
}

void pace_moved(struct pace *pace, uint64_t bytes, uint64_t now_us)
{
    if (bytes == 0)
        return;
    pace->bytes = later(pace->bytes, bytes);
    if (now_us > pace->last_us)
        pace->last_us = now_us;
}

void pace_excuse(struct pace *pace, uint64_t waited_us)
{
    pace->since_us = later(pace->since_us, waited_us);
    pace->last_us = later(pace->last_us, waited_us);
}

/* How long so many bytes may take at the lowest rate. */
static uint64_t time_for(uint64_t bytes, uint32_t bytes_per_s)
{
    uint64_t seconds = bytes / bytes_per_s, rest = bytes % bytes_per_s;
    if (seconds > UINT64_MAX / SECOND_US - 1)
        return UINT64_MAX;
    return seconds * SECOND_US + rest * SECOND_US / bytes_per_s;
}

static uint64_t deadline_of_bytes(const struct pace_limits *limits, const struct pace *pace)
{
    uint64_t granted = later(limits->grace_us, time_for(pace->bytes, limits->bytes_per_s));
    uint64_t by_rate = later(pace->since_us, granted);
    uint64_t by_stall = later(pace->last_us, limits->stall_us);
    return by_rate < by_stall ? by_rate : by_stall;
}

uint64_t pace_deadline(const struct pace_limits *limits, const struct pace *pace)
{
    switch (pace->phase) {
    case PACE_HANDSHAKE:
        return later(pace->since_us, limits->handshake_us);
    case PACE_IDLE:
        return later(pace->since_us, limits->idle_us);
    case PACE_HEAD:
        return later(pace->since_us, limits->head_us);
    case PACE_BODY:
    case PACE_REPLY:
        return deadline_of_bytes(limits, pace);
    case PACE_NONE:
    default:
        return UINT64_MAX;
    }
}

enum reason pace_judge(const struct pace_limits *limits, const struct pace *pace, uint64_t now_us)
{
    static const enum reason reasons[] = {
        [PACE_NONE] = REASON_NONE,
        [PACE_HANDSHAKE] = REASON_ADMIT_SLOW_HANDSHAKE,
        [PACE_IDLE] = REASON_ADMIT_IDLE,
        [PACE_HEAD] = REASON_ADMIT_SLOW_HEADERS,
        [PACE_BODY] = REASON_ADMIT_SLOW_BODY,
        [PACE_REPLY] = REASON_ADMIT_SLOW_READER,
    };
    if ((unsigned)pace->phase > PACE_REPLY || now_us < pace_deadline(limits, pace))
        return REASON_NONE;
    return reasons[pace->phase];
}
