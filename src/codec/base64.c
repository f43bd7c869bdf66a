/* base64.c - see base64.h. */
#include "codec/base64.h"

enum { CHUNK = 1024 };

static const char standard_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of each character; X, with the top bit set, for those that have none. */
#define X 0x80
/* clang-format off */
static const uint8_t standard_values[256] = {
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X, 62,  X,  X,  X, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61,  X,  X,  X,  X,  X,  X,
     X,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,  X,  X,  X,  X,  X,
     X, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
};
static const uint8_t url_values[256] = {
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X, 62,  X,  X,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61,  X,  X,  X,  X,  X,  X,
     X,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,  X,  X,  X,  X, 63,
     X, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
     X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
};
/* clang-format on */
#undef X

/* Decodes four characters into three bytes; the top bit of the result tells
   a character outside the alphabet. */
static uint8_t decode_four(const uint8_t *values, const uint8_t *four, uint8_t *three)
{
    uint8_t a = values[four[0]];
    uint8_t b = values[four[1]];
    uint8_t c = values[four[2]];
    uint8_t d = values[four[3]];
    three[0] = (uint8_t)(a << 2 | b >> 4);
    three[1] = (uint8_t)(b << 4 | c >> 2);
    three[2] = (uint8_t)(c << 6 | d);
    return a | b | c | d;
}

/* Decodes the two or three characters that end a text, padding taken off.  RFC 4648 3.5:
   the pad bits must be zero, or one string of bytes would have several texts. */
static bool decode_tail(const uint8_t *values, struct span tail, uint8_t *out)
{
    uint8_t a = values[tail.at[0]];
    uint8_t b = values[tail.at[1]];
    uint8_t c = tail.len == 3 ? values[tail.at[2]] : 0;
    if (((a | b | c) & 0x80) != 0)
        return false;
    if (tail.len == 2 ? (b & 15) != 0 : (c & 3) != 0)
        return false;
    out[0] = (uint8_t)(a << 2 | b >> 4);
    if (tail.len == 3)
        out[1] = (uint8_t)(b << 4 | c >> 2);
    return true;
}

/* Decodes a text that has no padding, or had it taken off. */
static bool decode_bare(const uint8_t *values, struct span text, struct sink *out)
{
    size_t fours = text.len / 4;
    size_t over = text.len % 4;
    if (over == 1)
        return false;
    if (text.len == 0)
        return sink_ok(out);
    size_t mark = out->len;
    uint8_t *room = sink_room(out, fours * 3 + (over > 0 ? over - 1 : 0));
    if (room == NULL)
        return false;
    uint8_t all = 0;
    for (size_t i = 0; i < fours; i++)
        all |= decode_four(values, &text.at[4 * i], &room[3 * i]);
    struct span tail = { &text.at[4 * fours], over };
    if ((all & 0x80) != 0 || (over > 0 && !decode_tail(values, tail, &room[3 * fours]))) {
        sink_cut(out, mark);
        return false;
    }
    return true;
}

bool base64_decode(struct span text, struct sink *out)
{
    if (text.len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && text.len > 0 && text.at[text.len - 1] == '='; i++)
        text.len--;
    return decode_bare(standard_values, text, out);
}

static bool is_white(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool base64_decode_loose(struct span text, struct sink *out)
{
    uint8_t clean[CHUNK];
    size_t len = 0;
    size_t mark = out->len;
    bool good = true;
    for (size_t i = 0; i < text.len && good; i++) {
        if (is_white(text.at[i]))
            continue;
        /* More follows, so this is no end: padding is as wrong here as any other letter. */
        if (len == CHUNK) {
            good = decode_bare(standard_values, span_of(clean, CHUNK), out);
            len = 0;
        }
        clean[len++] = text.at[i];
    }
    if (good && base64_decode(span_of(clean, len), out))
        return true;
    sink_cut(out, mark);
    return false;
}

bool base64url_decode(struct span text, struct sink *out)
{
    return decode_bare(url_values, text, out);
}

/* Writes the characters of one group of 1 to 3 bytes, without padding. */
static void encode_group(struct sink *out, const char *letters, struct span group)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; i++)
        bits = bits << 8 | (i < group.len ? group.at[i] : 0u);
    for (size_t i = 0; i <= group.len; i++)
        sink_u8(out, (uint8_t)letters[bits >> (18 - 6 * i) & 63]);
}

static void encode(struct sink *out, const char *letters, struct span bytes, bool padded)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t len = bytes.len - i < 3 ? bytes.len - i : 3;
        encode_group(out, letters, (struct span){ &bytes.at[i], len });
        for (size_t pad = len; padded && pad < 3; pad++)
            sink_u8(out, '=');
    }
}

void base64_encode(struct sink *out, struct span bytes)
{
    encode(out, standard_letters, bytes, true);
}

void base64url_encode(struct sink *out, struct span bytes)
{
    encode(out, url_letters, bytes, false);
}
