/* message.c - see message.h. */
#include "http/message.h"

#include "base/cursor.h"
#include "base/decimal.h"
#include "base/number.h"
#include "base/sink.h"
#include "codec/hex.h"
#include "codec/utf8.h"

const struct http_limits http_limits_default = {
    .target = HTTP_TARGET_MAX,
    .fields = HTTP_FIELDS_MAX,
    .field_bytes = HTTP_FIELD_BYTES_MAX,
    .extension_bytes = HTTP_EXTENSIONS_MAX,
};

static const char *const method_names[HTTP_METHOD_COUNT] = {
    [HTTP_METHOD_NONE] = "",         [HTTP_METHOD_GET] = "GET",
    [HTTP_METHOD_HEAD] = "HEAD",     [HTTP_METHOD_POST] = "POST",
    [HTTP_METHOD_PUT] = "PUT",       [HTTP_METHOD_PATCH] = "PATCH",
    [HTTP_METHOD_DELETE] = "DELETE", [HTTP_METHOD_OPTIONS] = "OPTIONS",
};

const char *http_method_name(enum http_method method)
{
    return method_names[(unsigned)method < HTTP_METHOD_COUNT ? method : HTTP_METHOD_NONE];
}

enum http_method http_method_find(struct span name)
{
    for (unsigned i = HTTP_METHOD_NONE + 1; i < HTTP_METHOD_COUNT; i++) {
        if (span_equal_text(name, method_names[i]))
            return (enum http_method)i;
    }
    return HTTP_METHOD_NONE;
}

bool http_field_find(const struct http_field *fields, size_t count, const char *name,
                     struct span *out)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal_text(fields[i].name, name)) {
            *out = fields[i].value;
            return true;
        }
    }
    return false;
}

static bool is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_one_of(uint8_t c, const char *set)
{
    for (; *set != 0; set++) {
        if (c == (uint8_t)*set)
            return true;
    }
    return false;
}

bool http_is_token(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (!is_letter(c) && !is_digit(c) && !is_one_of(c, "!#$%&'*+-.^_`|~"))
            return false;
    }
    return text.len > 0;
}

bool http_is_value(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if ((c < 0x20 && c != '\t') || c > 0x7e)
            return false;
    }
    return true;
}

bool http_equal_fold(struct span text, const char *lower)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        uint8_t folded = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
        if (lower[i] == 0 || folded != (uint8_t)lower[i])
            return false;
    }
    return lower[text.len] == 0;
}

struct span http_trim(struct span text)
{
    struct cursor in = cur_over(text);
    uint8_t c;
    while (cur_peek(&in, &c) && (c == ' ' || c == '\t'))
        (void)!cur_skip(&in, 1);
    struct span rest = cur_rest(&in);
    while (rest.len > 0 && (rest.at[rest.len - 1] == ' ' || rest.at[rest.len - 1] == '\t'))
        rest.len--;
    return rest;
}

/* Takes what stands before the next `mark`, and the mark; at the end of the text false. */
static bool take_until(struct span *text, uint8_t mark, struct span *part)
{
    if (text->len == 0)
        return false;
    struct cursor in = cur_over(*text);
    uint8_t c;
    while (cur_peek(&in, &c) && c != mark)
        (void)!cur_skip(&in, 1);
    *part = cur_since(&in, 0);
    (void)!cur_skip(&in, 1);
    *text = cur_rest(&in);
    return true;
}

bool http_list_next(struct span *list, struct span *member)
{
    struct span part;
    while (take_until(list, ',', &part)) {
        part = http_trim(part);
        if (part.len > 0) {
            *member = part;
            return true;
        }
    }
    return false;
}

/* "[" what may stand in an IPv6 literal "]"; whether it is one is the resolver's business. */
static bool take_literal(struct cursor *in)
{
    uint8_t c;
    size_t count = 0;
    if (!cur_u8(in, &c) || c != '[')
        return false;
    while (cur_u8(in, &c) && c != ']') {
        if (!is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f') && c != ':' && c != '.')
            return false;
        count++;
    }
    return c == ']' && count >= 2 && count <= 45;
}

static bool take_name(struct cursor *in)
{
    uint8_t c;
    size_t count = 0;
    while (cur_peek(in, &c) && c != ':') {
        if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.' && c != '_')
            return false;
        count++;
        (void)!cur_skip(in, 1);
    }
    return count > 0 && count <= 255;
}

bool http_authority_is_valid(struct span authority)
{
    struct cursor in = cur_over(authority);
    uint8_t c;
    uint64_t port;
    if (!cur_peek(&in, &c) || !(c == '[' ? take_literal(&in) : take_name(&in)))
        return false;
    if (cur_end(&in))
        return true;
    return cur_u8(&in, &c) && c == ':' && decimal_read(cur_rest(&in), UINT16_MAX, &port);
}

/* The characters that a path or a query may hold as they are (RFC 3986 3.3 and 3.4). */
static bool is_pchar(uint8_t c)
{
    return is_letter(c) || is_digit(c) || is_one_of(c, "-._~!$&'()*+,;=:@");
}

static bool take_escape(struct cursor *in, uint8_t *out)
{
    struct span digits;
    return cur_take(in, 2, &digits) && hex_decode(digits, out, 1);
}

/* "." and ".." mean another path to whoever resolves them. */
static bool has_dot_segment(struct span path)
{
    struct span segment;
    while (take_until(&path, '/', &segment)) {
        if (span_equal_text(segment, ".") || span_equal_text(segment, ".."))
            return true;
    }
    return false;
}

static bool is_text(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < 0x20 || text.at[i] == 0x7f)
            return false;
    }
    return utf8_valid(text);
}

/* One character of a path, decoded. */
static bool take_path_character(struct cursor *in, uint8_t *out)
{
    uint8_t c;
    if (!cur_u8(in, &c))
        return false;
    if (c != '%') {
        *out = c;
        return c == '/' || is_pchar(c);
    }
    /* A slash that is data to one reader and a separator to the next is no path. */
    return take_escape(in, out) && *out != '/' && *out != '\\';
}

bool http_path_decode(struct span raw, struct sink *out)
{
    struct cursor in = cur_over(raw);
    struct sink path = sink_over(sink_room(out, 0), out->cap - out->len);
    uint8_t c;
    while (!cur_end(&in)) {
        if (!take_path_character(&in, &c))
            return false;
        sink_u8(&path, c);
    }
    if (!sink_ok(&path) || !is_text(sink_bytes(&path)) || has_dot_segment(sink_bytes(&path)))
        return false;
    return path.len == 0 || sink_room(out, path.len) != NULL;
}

bool http_query_is_valid(struct span raw)
{
    struct cursor in = cur_over(raw);
    uint8_t c;
    while (cur_u8(&in, &c)) {
        if (c == '%' ? !take_escape(&in, &c) : !is_pchar(c) && c != '/' && c != '?')
            return false;
    }
    return true;
}

bool http_query_next(struct span *query, struct span *name, struct span *value)
{
    struct span pair;
    while (take_until(query, '&', &pair)) {
        if (pair.len == 0)
            continue;
        if (!take_until(&pair, '=', name))
            *name = (struct span){ 0 };
        *value = pair;
        return true;
    }
    return false;
}

bool http_query_decode(struct span raw, struct sink *out)
{
    struct cursor in = cur_over(raw);
    struct sink text = sink_over(sink_room(out, 0), out->cap - out->len);
    uint8_t c;
    while (cur_u8(&in, &c)) {
        bool space = c == '+';
        if (c == '%' && !take_escape(&in, &c))
            return false;
        sink_u8(&text, space ? ' ' : c);
    }
    if (!sink_ok(&text) || !is_text(sink_bytes(&text)))
        return false;
    return text.len == 0 || sink_room(out, text.len) != NULL;
}
