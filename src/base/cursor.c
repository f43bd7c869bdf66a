/* cursor.c - see cursor.h. */
#include "base/cursor.h"

#include <string.h>

bool cur_is_sound(const struct cursor *in)
{
    return in->start <= in->at && in->at <= in->end;
}

struct cursor cur_over(struct span bytes)
{
    if (bytes.len == 0)
        return (struct cursor){ bytes.at, bytes.at, bytes.at };
    return (struct cursor){ bytes.at, bytes.at, bytes.at + bytes.len };
}

size_t cur_left(const struct cursor *in)
{
    return (size_t)(in->end - in->at);
}

size_t cur_offset(const struct cursor *in)
{
    return (size_t)(in->at - in->start);
}

bool cur_end(const struct cursor *in)
{
    return in->at == in->end;
}

struct span cur_rest(const struct cursor *in)
{
    return (struct span){ in->at, cur_left(in) };
}

struct span cur_since(const struct cursor *in, size_t mark)
{
    size_t now = cur_offset(in);
    if (mark >= now)
        return (struct span){ in->at, 0 };
    return (struct span){ in->start + mark, now - mark };
}

bool cur_peek(const struct cursor *in, uint8_t *out)
{
    if (cur_end(in))
        return false;
    *out = *in->at;
    return true;
}

bool cur_take(struct cursor *in, size_t len, struct span *out)
{
    if (cur_left(in) < len)
        return false;
    *out = (struct span){ in->at, len };
    if (len > 0)
        in->at += len;
    return true;
}

bool cur_skip(struct cursor *in, size_t len)
{
    struct span skipped;
    return cur_take(in, len, &skipped);
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

static bool cur_le(struct cursor *in, size_t len, uint64_t *out)
{
    struct span taken;
    if (!cur_take(in, len, &taken))
        return false;
    uint64_t value = 0;
    for (size_t i = len; i > 0; i--)
        value = value << 8 | taken.at[i - 1];
    *out = value;
    return true;
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

bool cur_u8(struct cursor *in, uint8_t *out)
{
    return cur_copy(in, out, 1);
}

bool cur_u16le(struct cursor *in, uint16_t *out)
{
    uint64_t value;
    if (!cur_le(in, 2, &value))
        return false;
    *out = (uint16_t)value;
    return true;
}

bool cur_u32le(struct cursor *in, uint32_t *out)
{
    uint64_t value;
    if (!cur_le(in, 4, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool cur_u64le(struct cursor *in, uint64_t *out)
{
    return cur_le(in, 8, out);
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
