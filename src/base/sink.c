/* sink.c - see sink.h. */
#include "base/sink.h"

#include <stdio.h>
#include <string.h>

struct sink sink_over(void *at, size_t cap)
{
    return (struct sink){ .at = at, .cap = cap };
}

bool sink_is_sound(const struct sink *out)
{
    return out->len <= out->cap && (out->at != NULL || out->cap == 0);
}

bool sink_ok(const struct sink *out)
{
    return !out->full;
}

struct span sink_bytes(const struct sink *out)
{
    return (struct span){ out->at, out->len };
}

void sink_cut(struct sink *out, size_t len)
{
    if (len < out->len)
        out->len = len;
}

void sink_drop(struct sink *out, size_t len)
{
    if (len > out->len)
        len = out->len;
    if (len == 0)
        return;
    out->len -= len;
    memmove(out->at, out->at + len, out->len);
}

void sink_zero(struct sink *out, size_t len)
{
    if (len == 0)
        return;
    uint8_t *room = sink_room(out, len);
    if (room != NULL)
        memset(room, 0, len);
}

static void sink_be(struct sink *out, uint64_t value, size_t len)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < len; i++)
        bytes[len - 1 - i] = (uint8_t)(value >> (8 * i));
    sink_put(out, span_of(bytes, len));
}

/* Little endian is what frames and records are full of: written so that each is one store. */
static void put_le32(uint8_t *room, uint32_t value)
{
    room[0] = (uint8_t)value;
    room[1] = (uint8_t)(value >> 8);
    room[2] = (uint8_t)(value >> 16);
    room[3] = (uint8_t)(value >> 24);
}

void sink_u16le(struct sink *out, uint16_t value)
{
    uint8_t *room = sink_room(out, 2);
    if (room == NULL)
        return;
    room[0] = (uint8_t)value;
    room[1] = (uint8_t)(value >> 8);
}

void sink_u32le(struct sink *out, uint32_t value)
{
    uint8_t *room = sink_room(out, 4);
    if (room != NULL)
        put_le32(room, value);
}

void sink_u64le(struct sink *out, uint64_t value)
{
    uint8_t *room = sink_room(out, 8);
    if (room == NULL)
        return;
    put_le32(room, (uint32_t)value);
    put_le32(room + 4, (uint32_t)(value >> 32));
}

void sink_u16be(struct sink *out, uint16_t value)
{
    sink_be(out, value, 2);
}

void sink_u32be(struct sink *out, uint32_t value)
{
    sink_be(out, value, 4);
}

void sink_u64be(struct sink *out, uint64_t value)
{
    sink_be(out, value, 8);
}

void sink_text(struct sink *out, const char *text)
{
    sink_put(out, span_text(text));
}

void sink_vformat(struct sink *out, const char *format, va_list args)
{
    if (out->full)
        return;
    size_t room = out->cap - out->len;
    int wanted = vsnprintf(room > 0 ? (char *)out->at + out->len : NULL, room, format, args);
    /* vsnprintf wants a byte for its NUL, which a sink does not keep: text that fills the
       buffer to the last byte is reported full rather than cut. */
    if (wanted < 0 || (size_t)wanted >= room) {
        out->full = true;
        return;
    }
    out->len += (size_t)wanted;
}

void sink_vformat_cut(struct sink *out, const char *format, va_list args)
{
    static const char more[] = "...";
    enum { MORE = sizeof more - 1 };
    size_t room = out->full ? 0 : out->cap - out->len;
    if (room <= MORE) {
        out->full = true;
        return;
    }
    char *at = (char *)out->at + out->len;
    int wanted = vsnprintf(at, room, format, args);
    if (wanted < 0) {
        out->full = true;
        return;
    }
    bool whole = (size_t)wanted < room;
    size_t kept = whole ? (size_t)wanted : room - 1;
    if (!whole)
        memcpy(at + kept - MORE, more, MORE);
    out->len += kept;
}

void sink_format(struct sink *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sink_vformat(out, format, args);
    va_end(args);
}

void sink_decimal(struct sink *out, uint64_t value, size_t least)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (at > 0 && (value > 0 || sizeof digits - at < least));
    sink_put(out, span_of(&digits[at], sizeof digits - at));
}

void sink_hex(struct sink *out, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (bytes.len > SIZE_MAX / 2) {
        out->full = true;
        return;
    }
    uint8_t *room = sink_room(out, bytes.len * 2);
    if (room == NULL)
        return;
    for (size_t i = 0; i < bytes.len; i++) {
        room[2 * i] = (uint8_t)digits[bytes.at[i] >> 4];
        room[2 * i + 1] = (uint8_t)digits[bytes.at[i] & 15];
    }
}

void sink_terminate(struct sink *out)
{
    if (out->cap == 0)
        return;
    if (out->len == out->cap) {
        out->len--;
        out->full = true;
    }
    out->at[out->len] = 0;
}
