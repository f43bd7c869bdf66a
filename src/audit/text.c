/* text.c - see text.h. */
#include "audit/text.h"

#include <string.h>

#include "codec/utf8.h"

enum { REPLACEMENT = 0xfffd, CUT_ROOM = 40, ESCAPE_ROOM = 16 };

/* First and last of each run of unsafe code points, in order. */
static const struct {
    uint32_t first;
    uint32_t last;
} unsafe[] = {
    { 0x0000, 0x001f },   /* C0: line ends, escape, bell */
    { 0x007f, 0x009f },   /* DEL and C1: CSI in one byte */
    { 0x00ad, 0x00ad },   /* soft hyphen */
    { 0x034f, 0x034f },   /* grapheme joiner */
    { 0x061c, 0x061c },   /* Arabic letter mark */
    { 0x115f, 0x1160 },   /* Hangul fillers */
    { 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
    { 0x180b, 0x180f },   /* Mongolian selectors and separator */
    { 0x200b, 0x200f },   /* zero width, direction marks */
    { 0x2028, 0x202e },   /* line and paragraph separator, bidi embeddings */
    { 0x2060, 0x206f },   /* invisible operators, bidi isolates */
    { 0x3164, 0x3164 },   /* Hangul filler */
    { 0xfe00, 0xfe0f },   /* variation selectors */
    { 0xfeff, 0xfeff },   /* byte order mark */
    { 0xffa0, 0xffa0 },   /* half-width Hangul filler */
    { 0xfff0, 0xfffb },   /* interlinear annotation */
    { 0xfffe, 0xffff },   /* no characters */
    { 0x1d173, 0x1d17a }, /* musical formatting */
    { 0xe0000, 0xe0fff }, /* tags and more selectors */
};

static bool is_unsafe(uint32_t point)
{
    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0] && point >= unsafe[i].first; i++) {
        if (point <= unsafe[i].last)
            return true;
    }
    return false;
}

/* One character of a text. */
struct character {
    size_t len;     /* bytes that it takes in the text, at least 1 */
    uint32_t point; /* REPLACEMENT for a byte that is no UTF-8 */
};

static struct character character_at(struct span text, size_t at)
{
    static const uint8_t lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    size_t len = utf8_sequence(text, at);
    if (len == 0)
        return (struct character){ 1, REPLACEMENT };
    uint32_t point = text.at[at] & lead[len];
    for (size_t i = 1; i < len; i++)
        point = point << 6 | (text.at[at + i] & 0x3fu);
    return (struct character){ len, point };
}

/* uXXXX, or two of them with `before` between for what lies past U+FFFF. */
static void put_code(struct sink *out, const char *before, uint32_t point)
{
    if (point <= 0xffff) {
        sink_format(out, "%su%04x", before, (unsigned)point);
        return;
    }
    uint32_t rest = point - 0x10000;
    sink_format(out, "%su%04x%su%04x", before, (unsigned)(0xd800 | rest >> 10), before,
                (unsigned)(0xdc00 | (rest & 0x3ff)));
}

/* RFC 8785 3.2.2.2: \b \t \n \f \r in two characters, other controls in six. */
static void put_json(struct sink *out, struct character c)
{
    static const char shorts[] = "\b\t\n\f\r\"\\";
    static const char letters[] = "btnfr\"\\";
    const char *found = c.point == 0 || c.point > 0x7f ? NULL : strchr(shorts, (int)c.point);
    if (found != NULL) {
        sink_u8(out, '\\');
        sink_u8(out, (uint8_t)letters[found - shorts]);
    } else if (is_unsafe(c.point)) {
        put_code(out, "\\", c.point);
    } else {
        utf8_put(out, c.point);
    }
}

/* Bytes up to the next one that is not written as it is. */
static size_t plain_run(struct span text, size_t at)
{
    size_t end = at;
    while (end < text.len && text.at[end] >= 0x20 && text.at[end] < 0x7f && text.at[end] != '"' &&
           text.at[end] != '\\')
        end++;
    return end - at;
}

/* Writes characters while they fit into `cap` bytes; returns how many bytes of the text were
   written so. */
static size_t put_while_it_fits(struct sink *out, struct span text, size_t cap)
{
    size_t used = 0;
    size_t at = 0;
    while (at < text.len) {
        uint8_t room[ESCAPE_ROOM];
        struct sink one = sink_over(room, sizeof room);
        size_t run = plain_run(text, at);
        struct span piece = span_of(&text.at[at], run < cap - used ? run : cap - used);
        size_t taken = piece.len;
        if (run == 0) {
            struct character c = character_at(text, at);
            put_json(&one, c);
            piece = sink_bytes(&one);
            taken = c.len;
        }
        if (taken == 0 || piece.len > cap - used)
            return at;
        sink_put(out, piece);
        used += piece.len;
        at += taken;
    }
    return at;
}

void audit_text_put(struct sink *out, struct span text, size_t cap)
{
    size_t mark = out->len;
    sink_u8(out, '"');
    if (text.len <= cap && plain_run(text, 0) == text.len) {
        sink_put(out, text);
    } else if (put_while_it_fits(out, text, cap) < text.len) {
        sink_cut(out, mark + 1);
        (void)put_while_it_fits(out, text, cap - CUT_ROOM);
        sink_format(out, "[cut from %zu bytes]", text.len);
    }
    sink_u8(out, '"');
}

void audit_text_plain(struct sink *out, struct span text, const struct audit_plain *how)
{
    for (size_t at = 0; at < text.len;) {
        struct character c = character_at(text, at);
        bool ascii = c.point > 0 && c.point < 0x7f;
        if (is_unsafe(c.point)) {
            put_code(out, how->unsafe, c.point);
        } else {
            if (ascii && strchr(how->escaped, (int)c.point) != NULL)
                sink_u8(out, '\\');
            if (ascii && strchr(how->doubled, (int)c.point) != NULL)
                sink_u8(out, (uint8_t)c.point);
            utf8_put(out, c.point);
        }
        at += c.len;
    }
}
