/* cursor.c - see cursor.h. */
#include "base/cursor.h"

#include <string.h>

bool cur_is_sound(const struct cursor *in)
{
    return in->start <= in->at && in->at <= in->end;
}

bool cur_copy(struct cursor *in, void *out, size_t len)
{
    struct span taken;
    if (!cur_take(in, len, &taken))
        return false;
    if (len > 0)
        memcpy(out, taken.at, len);
    return true;
}

bool cur_expect(struct cursor *in, struct span want)
{
    struct span next = cur_rest(in);
    if (next.len < want.len || !bytes_equal(next.at, want.at, want.len))
        return false;
    return cur_skip(in, want.len);
}

static bool cur_be(struct cursor *in, size_t len, uint64_t *out)
{
    struct span taken;
    if (!cur_take(in, len, &taken))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | taken.at[i];
    *out = value;
    return true;
}

/* Little endian is what frames and records are full of: written so that each is one load. */
static uint32_t le32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

bool cur_u16le(struct cursor *in, uint16_t *out)
{
    struct span taken;
    if (!cur_take(in, 2, &taken))
        return false;
    *out = (uint16_t)(taken.at[0] | taken.at[1] << 8);
    return true;
}

bool cur_u32le(struct cursor *in, uint32_t *out)
{
    struct span taken;
    if (!cur_take(in, 4, &taken))
        return false;
    *out = le32(taken.at);
    return true;
}

bool cur_u64le(struct cursor *in, uint64_t *out)
{
    struct span taken;
    if (!cur_take(in, 8, &taken))
        return false;
    *out = le32(taken.at) | (uint64_t)le32(taken.at + 4) << 32;
    return true;
}

bool cur_u16be(struct cursor *in, uint16_t *out)
{
    uint64_t value;
    if (!cur_be(in, 2, &value))
        return false;
    *out = (uint16_t)value;
    return true;
}

bool cur_u32be(struct cursor *in, uint32_t *out)
{
    uint64_t value;
    if (!cur_be(in, 4, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool cur_u64be(struct cursor *in, uint64_t *out)
{
    return cur_be(in, 8, out);
}

bool cur_sub(struct cursor *in, size_t len, struct cursor *out)
{
    struct span taken;
    if (!cur_take(in, len, &taken))
        return false;
    *out = cur_over(taken);
    return true;
}

bool cur_sub_u16le(struct cursor *in, struct cursor *out)
{
    struct cursor ahead = *in;
    uint16_t len;
    if (!(cur_u16le(&ahead, &len) && cur_sub(&ahead, len, out)))
        return false;
    *in = ahead;
    return true;
}

bool cur_sub_u32le(struct cursor *in, struct cursor *out)
{
    struct cursor ahead = *in;
    uint32_t len;
    if (!(cur_u32le(&ahead, &len) && cur_sub(&ahead, len, out)))
        return false;
    *in = ahead;
    return true;
}
