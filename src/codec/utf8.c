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

uint32_t utf8_code_point(struct span sequence)
{
    uint8_t first = sequence.at[0];
    if (sequence.len == 1)
        return first;
    /* The first byte has one bit fewer for each byte of the sequence. */
    uint32_t c = first & (0x7fu >> sequence.len);
    for (size_t i = 1; i < sequence.len; i++)
        c = c << 6 | (sequence.at[i] & 0x3fu);
    return c;
}

bool utf8_is_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < ' ' || text.at[i] == 0x7f)
            return false;
    }
    return utf8_valid(text);
}

bool utf8_is_control(uint32_t code_point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        { 0x0, 0x1f },        { 0x7f, 0x9f },       { 0xad, 0xad },       { 0x600, 0x605 },
        { 0x61c, 0x61c },     { 0x6dd, 0x6dd },     { 0x70f, 0x70f },     { 0x890, 0x891 },
        { 0x8e2, 0x8e2 },     { 0x180b, 0x180f },   { 0x200b, 0x200f },   { 0x2028, 0x202e },
        { 0x2060, 0x206f },   { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },   { 0xfff0, 0xfffb },
        { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd }, { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 },
        { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code_point >= ranges[i].first && code_point <= ranges[i].last)
            return true;
    return false;
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
