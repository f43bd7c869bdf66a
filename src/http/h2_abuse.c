/* h2_abuse.c - see h2_abuse.h. */
#include "http/h2_abuse.h"

#include "base/cursor.h"

enum { PREFACE = 24, HEAD = 9, ONE = 1000 };

/* RFC 9113 6. */
enum {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION
};
enum { FLAG_ACK = 1, FLAG_END_STREAM = 1 };

/* What browsers, gRPC clients and load generators do stays far below. */
const struct h2_allowance h2_allowances[H2_HABITS] = {
    [H2_RESET] = { 100, 20 },    [H2_SERVER_RESET] = { 50, 5 }, [H2_SETTINGS] = { 10, 1 },
    [H2_PING] = { 100, 20 },     [H2_WINDOW] = { 500, 100 },    [H2_EMPTY_DATA] = { 20, 2 },
    [H2_PRIORITY] = { 100, 10 }, [H2_CONTINUATION] = { 64, 8 }, [H2_EXPANSION] = { 10, 1 },
    [H2_UNKNOWN] = { 50, 5 },
};

const char *h2_habit_name(enum h2_habit habit)
{
    static const char *const names[H2_HABITS] = {
        [H2_RESET] = "rapid reset",          [H2_SERVER_RESET] = "provoked reset",
        [H2_SETTINGS] = "settings",          [H2_PING] = "ping",
        [H2_WINDOW] = "window update",       [H2_EMPTY_DATA] = "empty data",
        [H2_PRIORITY] = "priority",          [H2_CONTINUATION] = "continuation",
        [H2_EXPANSION] = "header expansion", [H2_UNKNOWN] = "unknown frames",
    };
    return (unsigned)habit < H2_HABITS ? names[habit] : "";
}

void h2_watch_init(struct h2_watch *watch, uint64_t now_ms)
{
    *watch = (struct h2_watch){ .last_ms = now_ms, .preface_left = PREFACE, .broken = H2_HABITS };
}

/* Lets time pass.  A clock that goes back changes nothing. */
static void leak(struct h2_watch *watch, uint64_t now_ms)
{
    if (now_ms <= watch->last_ms)
        return;
    uint64_t elapsed = now_ms - watch->last_ms;
    watch->last_ms = now_ms;
    for (unsigned i = 0; i < H2_HABITS; i++) {
        uint64_t rate = h2_allowances[i].per_second;
        /* A thousandth of a unit a millisecond, for each unit a second. */
        bool all = elapsed >= watch->level[i] || elapsed * rate >= watch->level[i];
        watch->level[i] -= all ? watch->level[i] : (uint32_t)(elapsed * rate);
    }
}

static bool add(struct h2_watch *watch, enum h2_habit habit)
{
    if (watch->level[habit] + ONE > h2_allowances[habit].burst * ONE) {
        watch->broken = habit;
        return false;
    }
    watch->level[habit] += ONE;
    return true;
}

bool h2_watch_count(struct h2_watch *watch, uint64_t now_ms, enum h2_habit habit)
{
    leak(watch, now_ms);
    return add(watch, habit);
}

void h2_watch_credit(struct h2_watch *watch, enum h2_habit habit, uint32_t count)
{
    uint64_t credit = (uint64_t)count * ONE;
    watch->level[habit] -= credit < watch->level[habit] ? (uint32_t)credit : watch->level[habit];
}

static bool on_continuation(struct h2_watch *watch)
{
    if (++watch->continuations > H2_CONTINUATIONS_MAX) {
        watch->broken = H2_CONTINUATION;
        return false;
    }
    return add(watch, H2_CONTINUATION);
}

static bool on_frame(struct h2_watch *watch, uint8_t type, uint8_t flags)
{
    if (type != CONTINUATION)
        watch->continuations = 0;
    switch (type) {
    case DATA:
        return watch->skip > 0 || (flags & FLAG_END_STREAM) != 0 || add(watch, H2_EMPTY_DATA);
    case PRIORITY:
        return add(watch, H2_PRIORITY);
    case RST_STREAM:
        return add(watch, H2_RESET);
    case SETTINGS:
        return (flags & FLAG_ACK) != 0 || add(watch, H2_SETTINGS);
    case PING:
        return (flags & FLAG_ACK) != 0 || add(watch, H2_PING);
    case WINDOW_UPDATE:
        return add(watch, H2_WINDOW);
    case CONTINUATION:
        return on_continuation(watch);
    case HEADERS:
    case PUSH_PROMISE:
    case GOAWAY:
        return true;
    default:
        return add(watch, H2_UNKNOWN);
    }
}

/* The head of a frame is whole: 24 bits of length, type, flags, a bit of no meaning, stream. */
static void end_head(struct h2_watch *watch)
{
    struct cursor in = cur_over(SPAN(watch->head));
    uint8_t high = 0, type = 0, flags = 0;
    uint16_t low = 0;
    uint32_t stream = 0;
    watch->have = 0;
    (void)!(cur_u8(&in, &high) && cur_u16be(&in, &low) && cur_u8(&in, &type) &&
            cur_u8(&in, &flags) && cur_u32be(&in, &stream));
    watch->skip = (uint32_t)high << 16 | low;
    if (on_frame(watch, type, flags))
        watch->standing = h2_recent_frame(&watch->recent, type, flags,
                                          (int32_t)(stream & INT32_MAX));
}

static bool is_sound(const struct h2_watch *watch)
{
    return watch->broken == H2_HABITS && watch->standing == H2_STANDING_GOOD;
}

bool h2_watch_bytes(struct h2_watch *watch, uint64_t now_ms, struct span bytes)
{
    struct cursor in = cur_over(bytes);
    leak(watch, now_ms);
    while (!cur_end(&in) && is_sound(watch)) {
        size_t over = watch->preface_left > 0 ? watch->preface_left : watch->skip;
        if (over > 0) {
            size_t len = cur_left(&in) < over ? cur_left(&in) : over;
            if (watch->preface_left > 0)
                watch->preface_left = (uint8_t)(watch->preface_left - len);
            else
                watch->skip -= (uint32_t)len;
            (void)!cur_skip(&in, len);
            continue;
        }
        (void)!cur_u8(&in, &watch->head[watch->have]);
        if (++watch->have == HEAD)
            end_head(watch);
    }
    return is_sound(watch);
}
