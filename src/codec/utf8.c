/* utf8.c - see utf8.h. */
#include "codec/utf8.h"

static bool is_tail(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* RFC 3629 section 4: the second byte's range depends on the first one, which is what keeps
   out overlong forms, surrogates and what is past U+10FFFF. */
static bool second_fits(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return is_tail(second);
    }
}

size_t utf8_sequence(struct span text, size_t at)
{
    if (at >= text.len)
        return 0;
    uint8_t first = text.at[at];
    size_t left = text.len - at;
    if (first < 0x80)
        return 1;
    size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || left < len || !second_fits(first, text.at[at + 1]))
        return 0;
    for (size_t i = 2; i < len; i++)
        if (!is_tail(text.at[at + i]))
            return 0;
    return len;
}

bool utf8_valid(struct span text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = utf8_sequence(text, at);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

void utf8_put(struct sink *out, uint32_t code_point)
{
    uint32_t c = code_point;
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = 0xfffd;
    uint8_t bytes[4];
    size_t len = 0;
    if (c < 0x80) {
        bytes[len++] = (uint8_t)c;
    } else if (c < 0x800) {
        bytes[len++] = (uint8_t)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        bytes[len++] = (uint8_t)(0xe0 | c >> 12);
        bytes[len++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    } else {
        bytes[len++] = (uint8_t)(0xf0 | c >> 18);
        bytes[len++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        bytes[len++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    }
    if (c >= 0x80)
        bytes[len++] = (uint8_t)(0x80 | (c & 0x3f));
    sink_put(out, span_of(bytes, len));
}
