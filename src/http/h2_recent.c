/* h2_recent.c - see h2_recent.h. */
#include "http/h2_recent.h"

/* RFC 9113 6. */
enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, CONTINUATION = 9 };
enum { FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4 };

/* The bit of a stream, 0 when there is none for it: not a client's, not begun, or too long ago. */
static uint64_t bit_of(const struct h2_recent *recent, int32_t id)
{
    if (id <= 0 || id % 2 == 0 || id > recent->highest)
        return 0;
    uint32_t back = (uint32_t)(recent->highest - id) / 2;
    return back < H2_RECENT ? UINT64_C(1) << back : 0;
}

static void begin(struct h2_recent *recent, int32_t id)
{
    /* The first counts from a stream -1. */
    uint32_t before = recent->highest > 0 ? (uint32_t)recent->highest : UINT32_MAX;
    uint32_t on = ((uint32_t)id - before) / 2;
    recent->begun = on < H2_RECENT ? recent->begun << on : 0;
    recent->ended = on < H2_RECENT ? recent->ended << on : 0;
    recent->begun |= 1;
    recent->highest = id;
}

enum h2_standing h2_recent_frame(struct h2_recent *recent, uint8_t type, uint8_t flags, int32_t id)
{
    bool block = recent->in_block;
    if (type == HEADERS || type == CONTINUATION)
        recent->in_block = (flags & FLAG_END_HEADERS) == 0;
    /* In the midst of a block anything else is another error. */
    if (block || (type != HEADERS && type != DATA && type != RST_STREAM))
        return H2_STANDING_GOOD;
    if (type == HEADERS && id % 2 == 1 && id > recent->highest)
        begin(recent, id);
    uint64_t bit = bit_of(recent, id);
    if (type == RST_STREAM) {
        recent->ended |= bit;
        return H2_STANDING_GOOD;
    }
    /* RFC 9113 5.1.1: "An endpoint that receives an unexpected stream identifier MUST respond with
       a connection error"; a stream that was passed over is closed.  [test: http/test_h2_recent] */
    if ((recent->begun & bit) != bit)
        return H2_STANDING_NEVER;
    if ((recent->ended & bit) != 0)
        return H2_STANDING_CLOSED;
    if ((flags & FLAG_END_STREAM) != 0)
        recent->ended |= bit;
    return H2_STANDING_GOOD;
}
