/* hex.c - see hex.h. */
#include "codec/hex.h"

/* 0x80 marks a digit, so that one test of both halves tells a bad pair. */
static const uint8_t digits[256] = {
    ['0'] = 0x80, ['1'] = 0x81, ['2'] = 0x82, ['3'] = 0x83, ['4'] = 0x84, ['5'] = 0x85,
    ['6'] = 0x86, ['7'] = 0x87, ['8'] = 0x88, ['9'] = 0x89, ['a'] = 0x8a, ['b'] = 0x8b,
    ['c'] = 0x8c, ['d'] = 0x8d, ['e'] = 0x8e, ['f'] = 0x8f, ['A'] = 0x8a, ['B'] = 0x8b,
    ['C'] = 0x8c, ['D'] = 0x8d, ['E'] = 0x8e, ['F'] = 0x8f,
};

static bool hex_is_clean(struct span text)
{
    uint8_t all = 0x80;
    for (size_t i = 0; i < text.len; i++)
        all &= digits[text.at[i]];
    return text.len % 2 == 0 && all == 0x80;
}

/* Writes text.len / 2 bytes of clean text. */
static void hex_convert(struct span text, uint8_t *out)
{
    for (size_t i = 0; i < text.len / 2; i++)
        out[i] = (uint8_t)(digits[text.at[2 * i]] << 4 | (digits[text.at[2 * i + 1]] & 15));
}

bool hex_decode(struct span text, void *out, size_t len)
{
    if (text.len / 2 != len || !hex_is_clean(text))
        return false;
    hex_convert(text, out);
    return true;
}

bool hex_decode_sink(struct span text, struct sink *out)
{
    if (!hex_is_clean(text))
        return false;
    if (text.len == 0)
        return sink_ok(out);
    uint8_t *room = sink_room(out, text.len / 2);
    if (room == NULL)
        return false;
    hex_convert(text, room);
    return true;
}
