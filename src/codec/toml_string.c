/* toml_string.c - the four kinds of TOML strings.  A string that stands in the text as it is
   meant is a view of it; one with escapes is built in the arena, where it is never longer. */
#include "codec/toml_tree.h"

#include "base/cursor.h"
#include "codec/utf8.h"

/* A kind of string, and where its inside lies. */
struct quoted {
    uint8_t quote;
    bool escapes;     /* "..." has them, '...' does not */
    bool many_lines;  /* """...""" and '''...''' */
    bool has_escapes; /* and it made use of them */
    size_t start, end;
};

bool toml_is_control(uint8_t byte)
{
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

static size_t quotes_at(const struct toml_reader *r, uint8_t quote)
{
    size_t count = 0;
    /* TOML 1.0: up to two quotes may stand right before the three that end a string. */
    while (count < 5 && toml_peek(r, count) == quote)
        count++;
    return count;
}

/* Moves to the end of the inside, and over the closing quotes. */
static bool find_end(struct toml_reader *r, struct quoted *q, size_t opening)
{
    for (;;) {
        if (r->at == r->text.len)
            return toml_refuse(r, opening, "a string without an end");
        uint8_t c = toml_peek(r, 0);
        size_t quotes = c == q->quote ? quotes_at(r, q->quote) : 0;
        size_t newline = toml_newline(r);
        if (quotes > 0 && (!q->many_lines || quotes >= 3)) {
            size_t closing = q->many_lines ? 3 : 1;
            q->end = r->at + (q->many_lines ? quotes : 1) - closing;
            r->at = q->end + closing;
            return true;
        }
        if (c == '\\' && q->escapes) {
            q->has_escapes = true;
            r->at += r->text.len - r->at > 1 ? 2 : 1;
        } else if (newline > 0 && q->many_lines) {
            r->at += newline;
        } else if (newline > 0) {
            return toml_refuse(r, opening, "a string that does not end on its line");
        } else if (toml_is_control(c)) {
            return toml_refuse(r, r->at, "a control character in a string");
        } else {
            r->at += quotes > 0 ? quotes : 1;
        }
    }
}

static bool hex_digits(struct cursor *in, size_t count, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t c;
        if (!cur_u8(in, &c))
            return false;
        uint8_t low = c | 0x20;
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            value = value << 4 | (uint32_t)(low - 'a' + 10);
        else
            return false;
    }
    *out = value;
    return true;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* A backslash at the end of a line takes the line end and all white space after it away.
   False when what follows is no line end. */
static bool skip_line_end(struct cursor *in)
{
    bool ended = false;
    uint8_t c;
    while (cur_peek(in, &c)) {
        bool newline = cur_expect(in, span_of("\r\n", 2)) || cur_expect(in, span_of("\n", 1));
        if (!newline && !(is_space(c) && cur_skip(in, 1)))
            break;
        ended = ended || newline;
    }
    return ended;
}

/* Reads what follows a backslash. */
static bool put_escape(struct cursor *in, bool many_lines, struct sink *out)
{
    static const char letters[] = "btnfr\"\\";
    static const char meanings[] = "\b\t\n\f\r\"\\";
    struct cursor before = *in;
    uint8_t c;
    uint32_t code_point;
    if (!cur_u8(in, &c))
        return false;
    for (size_t i = 0; letters[i] != 0; i++) {
        if (c == (uint8_t)letters[i]) {
            sink_u8(out, (uint8_t)meanings[i]);
            return true;
        }
    }
    if (c == 'u' || c == 'U') {
        /* "The escape codes must be valid Unicode scalar values." */
        if (!hex_digits(in, c == 'u' ? 4 : 8, &code_point) || code_point > 0x10ffff ||
            (code_point >= 0xd800 && code_point <= 0xdfff))
            return false;
        utf8_put(out, code_point);
        return true;
    }
    *in = before;
    return many_lines && skip_line_end(in);
}

static bool unescape(struct toml_reader *r, const struct quoted *q, struct span raw,
                     struct span *out)
{
    uint8_t *room = arena_alloc(r->arena, raw.len);
    if (room == NULL)
        return toml_refuse(r, q->start, "out of memory");
    struct sink built = sink_over(room, raw.len);
    struct cursor in = cur_over(raw);
    uint8_t c;
    while (cur_u8(&in, &c)) {
        size_t offset = q->start + cur_offset(&in) - 1;
        if (c != '\\')
            sink_u8(&built, c);
        else if (!put_escape(&in, q->many_lines, &built))
            return toml_refuse(r, offset, "no such escape");
    }
    *out = sink_bytes(&built);
    return true;
}

bool toml_read_string(struct toml_reader *r, bool key, struct span *out)
{
    size_t opening = r->at;
    struct quoted q = { .quote = toml_peek(r, 0) };
    q.escapes = q.quote == '"';
    q.many_lines = toml_peek(r, 1) == q.quote && toml_peek(r, 2) == q.quote;
    if (q.many_lines && key)
        return toml_refuse(r, opening, "a key on many lines");
    r->at += q.many_lines ? 3 : 1;
    if (q.many_lines)
        r->at += toml_newline(r); /* "A newline immediately following ... will be trimmed." */
    q.start = r->at;
    if (!find_end(r, &q, opening))
        return false;
    struct span raw = span_of(&r->text.at[q.start], q.end - q.start);
    if (q.has_escapes)
        return unescape(r, &q, raw, out);
    *out = raw;
    return true;
}
