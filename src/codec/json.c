/* json.c - reads the nodes of a parsed text.  Judges nothing twice: what json_parse accepted
   is well formed, so here a wrong answer can only mean a wrong type or a missing value. */
#include "codec/json.h"

#include <string.h>

#include "base/cursor.h"
#include "base/time.h"
#include "codec/hex.h"
#include "codec/json_string.h"
#include "codec/word.h"

static const struct json_node *node_of(const struct json *json, uint32_t node)
{
    return node < json->count ? &json->nodes[node] : NULL;
}

static size_t length_of(const struct json_node *at)
{
    return at->len & ~JSON_ESCAPED;
}

/* Every value but the first stands behind a comma or opens a container. */
size_t json_values_at_most(struct span text)
{
    size_t count = 1;
    size_t at = 0;
    for (; text.len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word = word_load(text, at);
        /* 0x20 is what tells '{' from '['; it makes no other byte one of them. */
        uint64_t met = word_zeros(word ^ EACH_BYTE(',')) >> 7;
        met += word_zeros((word | EACH_BYTE(0x20)) ^ EACH_BYTE('{')) >> 7;
        count += met * EACH_BYTE(1) >> 56;
    }
    for (; at < text.len; at++)
        count += text.at[at] == ',' || (text.at[at] | 0x20) == '{' ? 1 : 0;
    return count;
}

enum json_type json_type(const struct json *json, uint32_t node)
{
    const struct json_node *at = node_of(json, node);
    if (at == NULL)
        return JSON_MISSING;
    switch (json->text.at[at->at]) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

struct span json_raw(const struct json *json, uint32_t node)
{
    const struct json_node *at = node_of(json, node);
    if (at == NULL)
        return (struct span){ 0 };
    return span_of(&json->text.at[at->at], length_of(at));
}

uint32_t json_first(const struct json *json, uint32_t container)
{
    const struct json_node *at = node_of(json, container);
    const struct json_node *inner = at == NULL ? NULL : node_of(json, container + 1);
    enum json_type type = json_type(json, container);
    if (inner == NULL || (type != JSON_OBJECT && type != JSON_ARRAY))
        return JSON_NONE;
    return inner->at < at->at + length_of(at) ? container + 1 : JSON_NONE;
}

uint32_t json_next(const struct json *json, uint32_t node)
{
    const struct json_node *at = node_of(json, node);
    return at == NULL ? JSON_NONE : at->next;
}

size_t json_length(const struct json *json, uint32_t node)
{
    size_t count = 0;
    for (uint32_t n = json_first(json, node); n != JSON_NONE; n = json_next(json, n))
        count++;
    return count;
}

/* The inside of a string as written, unescaped, equals plain text. */
static bool inside_is(struct span raw, bool escaped, struct span text)
{
    if (!escaped)
        return span_equal(raw, text);
    struct cursor in = cur_over(raw);
    struct cursor want = cur_over(text);
    uint8_t bytes[4];
    for (size_t len; (len = json_piece(&in, bytes)) > 0;)
        if (!cur_expect(&want, span_of(bytes, len)))
            return false;
    return cur_end(&want);
}

static bool inside_copy(struct span raw, bool escaped, struct sink *out)
{
    struct cursor in = cur_over(raw);
    uint8_t bytes[4];
    if (!escaped)
        sink_put(out, raw);
    else
        for (size_t len; (len = json_piece(&in, bytes)) > 0;)
            sink_put(out, span_of(bytes, len));
    return sink_ok(out);
}

bool json_key(const struct json *json, uint32_t node, struct span *raw)
{
    const struct json_node *at = node_of(json, node);
    if (at == NULL || at->key == JSON_NONE)
        return false;
    *raw = json_inside(json->text, at->key & ~JSON_ESCAPED);
    return true;
}

static bool key_is_escaped(const struct json *json, uint32_t node)
{
    return (json->nodes[node].key & JSON_ESCAPED) != 0;
}

/* The inside of a string that has escapes, up to its closing quote, equals plain text. */
static bool escaped_is(struct cursor in, struct span text)
{
    struct cursor want = cur_over(text);
    uint8_t bytes[4];
    while (!cur_end(&want)) {
        size_t len = cur_peek(&in, bytes) && bytes[0] != '"' ? json_piece(&in, bytes) : 0;
        if (len == 0 || !cur_expect(&want, span_of(bytes, len)))
            return false;
    }
    return cur_peek(&in, bytes) && bytes[0] == '"';
}

/* Compares up to the first difference and never looks for the end of the name in the text: a
   name of a megabyte would be walked over by every search. */
static bool key_is(const struct json *json, uint32_t node, struct span name)
{
    const struct json_node *at = node_of(json, node);
    uint8_t quote;
    if (at == NULL || at->key == JSON_NONE)
        return false;
    size_t start = (at->key & ~JSON_ESCAPED) + (size_t)1;
    struct cursor in = cur_over(span_of(&json->text.at[start], json->text.len - start));
    if (key_is_escaped(json, node))
        return escaped_is(in, name);
    /* The text's own name ends at its first quote: one in `name` would be compared past it. */
    return cur_expect(&in, name) && cur_peek(&in, &quote) && quote == '"' &&
           (name.len == 0 || memchr(name.at, '"', name.len) == NULL);
}

bool json_key_is(const struct json *json, uint32_t node, const char *name)
{
    return key_is(json, node, span_text(name));
}

bool json_key_copy(const struct json *json, uint32_t node, struct sink *out)
{
    struct span raw;
    return json_key(json, node, &raw) && inside_copy(raw, key_is_escaped(json, node), out);
}

uint32_t json_member(const struct json *json, uint32_t object, const char *name)
{
    struct span wanted = span_text(name);
    if (json_type(json, object) != JSON_OBJECT)
        return JSON_NONE;
    for (uint32_t n = json_first(json, object); n != JSON_NONE; n = json_next(json, n))
        if (key_is(json, n, wanted))
            return n;
    return JSON_NONE;
}

/* The inside of a string, and whether it has escapes. */
static bool string_of(const struct json *json, uint32_t node, struct span *raw, bool *escaped)
{
    if (json_type(json, node) != JSON_STRING)
        return false;
    const struct json_node *at = &json->nodes[node];
    *raw = span_of(&json->text.at[at->at + 1], length_of(at) - 2);
    *escaped = (at->len & JSON_ESCAPED) != 0;
    return true;
}

bool json_string(const struct json *json, uint32_t node, struct span *plain)
{
    struct span raw;
    bool escaped;
    if (!string_of(json, node, &raw, &escaped) || escaped)
        return false;
    *plain = raw;
    return true;
}

bool json_string_copy(const struct json *json, uint32_t node, struct sink *out)
{
    struct span raw;
    bool escaped;
    return string_of(json, node, &raw, &escaped) && inside_copy(raw, escaped, out);
}

bool json_equal_text(const struct json *json, uint32_t node, const char *text)
{
    struct span raw;
    bool escaped;
    return string_of(json, node, &raw, &escaped) && inside_is(raw, escaped, span_text(text));
}

/* Digits only, and at least one.  The parser has refused leading zeros. */
static bool read_magnitude(struct span digits, uint64_t *out)
{
    uint64_t value = 0;
    if (digits.len == 0)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        uint8_t c = digits.at[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)c - '0', &value))
            return false;
    }
    *out = value;
    return true;
}

bool json_u64(const struct json *json, uint32_t node, uint64_t max, uint64_t *out)
{
    uint64_t value;
    if (json_type(json, node) != JSON_NUMBER || !read_magnitude(json_raw(json, node), &value) ||
        value > max)
        return false;
    *out = value;
    return true;
}

bool json_i64(const struct json *json, uint32_t node, int64_t *out)
{
    struct cursor in = cur_over(json_raw(json, node));
    uint64_t value;
    if (json_type(json, node) != JSON_NUMBER)
        return false;
    bool negative = cur_expect(&in, span_of("-", 1));
    uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    if (!read_magnitude(cur_rest(&in), &value) || value > most || (negative && value == 0))
        return false;
    *out = negative ? -1 - (int64_t)(value - 1) : (int64_t)value;
    return true;
}

bool json_bool(const struct json *json, uint32_t node, bool *out)
{
    enum json_type type = json_type(json, node);
    if (type != JSON_TRUE && type != JSON_FALSE)
        return false;
    *out = type == JSON_TRUE;
    return true;
}

bool json_time(const struct json *json, uint32_t node, int64_t *out)
{
    struct span text;
    return json_string(json, node, &text) && time_parse_rfc3339(text, out);
}

bool json_hex(const struct json *json, uint32_t node, void *out, size_t len)
{
    struct span text;
    return json_string(json, node, &text) && hex_decode(text, out, len);
}
