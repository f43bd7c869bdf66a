/* json_string.c - see json_string.h. */
#include "codec/json_string.h"

#include "codec/utf8.h"

static bool hex4(struct cursor *in, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c;
        if (!cur_u8(in, &c))
            return false;
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)c - '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)(c | 0x20) - 'a' + 10;
        else
            return false;
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

/* RFC 8259 section 7: "To escape an extended character that is not in the Basic Multilingual
   Plane, the character is represented as a 12-character sequence, encoding the UTF-16
   surrogate pair."  A half of a pair is no character (section 8.2) and refused. */
static bool unicode_escape(struct cursor *in, uint32_t *out)
{
    uint32_t high, low;
    if (!hex4(in, &high))
        return false;
    if (high < 0xd800 || high > 0xdfff) {
        *out = high;
        return true;
    }
    if (high > 0xdbff || !cur_expect(in, span_of("\\u", 2)) || !hex4(in, &low) || low < 0xdc00 ||
        low > 0xdfff)
        return false;
    *out = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

bool json_escape(struct cursor *in, uint32_t *code_point)
{
    uint8_t letter;
    if (!cur_u8(in, &letter))
        return false;
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        *code_point = letter;
        return true;
    case 'b':
        *code_point = '\b';
        return true;
    case 'f':
        *code_point = '\f';
        return true;
    case 'n':
        *code_point = '\n';
        return true;
    case 'r':
        *code_point = '\r';
        return true;
    case 't':
        *code_point = '\t';
        return true;
    case 'u':
        return unicode_escape(in, code_point);
    default:
        return false;
    }
}

size_t json_piece(struct cursor *in, uint8_t out[4])
{
    uint8_t byte;
    if (!cur_u8(in, &byte))
        return 0;
    if (byte != '\\') {
        out[0] = byte;
        return 1;
    }
    uint32_t code_point;
    if (!json_escape(in, &code_point))
        return 0;
    if (code_point < 0x80) {
        out[0] = (uint8_t)code_point;
        return 1;
    }
    struct sink bytes = sink_over(out, 4);
    utf8_put(&bytes, code_point);
    return bytes.len;
}

struct span json_inside(struct span text, size_t quote)
{
    size_t start = quote + 1;
    size_t end = start;
    while (end < text.len && text.at[end] != '"')
        end += text.at[end] == '\\' ? 2 : 1;
    if (end > text.len)
        end = text.len;
    return start > text.len ? (struct span){ 0 } : span_of(&text.at[start], end - start);
}
