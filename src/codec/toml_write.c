/* toml_write.c - see toml_write.h.  Calls itself once for each table inside a table, never
   deeper than TOML_DEPTH_MAX. */
#include "codec/toml_write.h"

#include "base/cursor.h"
#include "codec/toml_tree.h"
#include "codec/utf8.h"

static bool is_bare(struct span key)
{
    for (size_t i = 0; i < key.len; i++) {
        uint8_t c = key.at[i];
        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
              c == '-'))
            return false;
    }
    return key.len > 0;
}

void toml_put_key(struct sink *out, struct span key)
{
    if (is_bare(key))
        sink_put(out, key);
    else
        toml_put_string(out, key);
}

static void put_escape(struct sink *out, uint8_t byte)
{
    static const char meanings[] = "\b\t\n\f\r\"\\";
    static const char letters[] = "btnfr\"\\";
    sink_u8(out, '\\');
    for (size_t i = 0; meanings[i] != 0; i++) {
        if (byte == (uint8_t)meanings[i]) {
            sink_u8(out, (uint8_t)letters[i]);
            return;
        }
    }
    sink_format(out, "u%04X", byte);
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

void toml_put_string(struct sink *out, struct span text)
{
    sink_u8(out, '"');
    for (size_t at = 0; at < text.len;) {
        size_t len = utf8_sequence(text, at);
        if (len == 0)
            utf8_put(out, 0xfffd);
        else if (len == 1 && !is_plain(text.at[at]))
            put_escape(out, text.at[at]);
        else
            sink_put(out, span_of(&text.at[at], len));
        at += len == 0 ? 1 : len;
    }
    sink_u8(out, '"');
}

void toml_put_integer(struct sink *out, int64_t value)
{
    sink_format(out, "%lld", (long long)value);
}

void toml_put_bool(struct sink *out, bool value)
{
    sink_text(out, value ? "true" : "false");
}

/* --- floats ----------------------------------------------------------------------------- */

/* The significant digits of a float and where its point stands: 0.d1d2d3... * 10^point. */
struct decimal {
    uint8_t digits[24];
    size_t count;
    int point;
};

/* Splits what the C library prints, whose point is that of the place it runs in. */
static bool split(double value, int precision, struct decimal *out)
{
    uint8_t room[64];
    struct sink text = sink_over(room, sizeof room);
    struct decimal split = { .count = 0 };
    uint8_t c = 0;
    sink_format(&text, "%.*e", precision, value);
    struct cursor in = cur_over(sink_bytes(&text));
    while (cur_u8(&in, &c) && c != 'e')
        if (c >= '0' && c <= '9' && split.count < sizeof split.digits)
            split.digits[split.count++] = c;
    bool negative = cur_expect(&in, span_of("-", 1));
    while (cur_u8(&in, &c))
        if (c >= '0' && c <= '9')
            split.point = split.point * 10 + (c - '0');
    split.point = (negative ? -split.point : split.point) + 1;
    *out = split;
    return sink_ok(&text);
}

static void put_zeros(struct sink *out, int count)
{
    for (int i = 0; i < count; i++)
        sink_u8(out, '0');
}

static void put_decimal(struct sink *out, const struct decimal *decimal)
{
    struct span digits = span_of(decimal->digits, decimal->count);
    struct cursor in = cur_over(digits);
    struct span whole;
    int count = (int)decimal->count;
    int point = decimal->point;
    bool far = point < -4 || point > 17;
    int before = far ? 1 : point; /* digits before the point */
    if (before <= 0) {
        sink_u8(out, '0');
    } else if (cur_take(&in, (size_t)(before < count ? before : count), &whole)) {
        sink_put(out, whole);
        put_zeros(out, before - count);
    }
    sink_u8(out, '.');
    put_zeros(out, -before);
    sink_put(out, cur_rest(&in));
    if (cur_end(&in))
        sink_u8(out, '0');
    if (far)
        sink_format(out, "e%d", point - 1);
}

/* What the reader makes of such a text. */
static bool reads_as(struct span text, double value)
{
    struct toml_reader reader = { .text = text };
    struct toml_value read = { .type = TOML_FLOAT };
    return toml_read_number(&reader, &read) && read.type == TOML_FLOAT &&
           bytes_equal(&read.as.number, &value, sizeof value);
}

/* The fewest digits that read back as the same number; 17 always do. */
static void put_finite(struct sink *out, double value)
{
    for (int precision = 0; precision < 17; precision++) {
        uint8_t room[64];
        struct sink text = sink_over(room, sizeof room);
        struct decimal decimal;
        if (!split(value, precision, &decimal))
            continue;
        if (__builtin_signbit(value))
            sink_u8(&text, '-');
        put_decimal(&text, &decimal);
        if (precision == 16 || (sink_ok(&text) && reads_as(sink_bytes(&text), value))) {
            sink_put(out, sink_bytes(&text));
            return;
        }
    }
}

void toml_put_float(struct sink *out, double value)
{
    if (__builtin_isnan(value))
        sink_text(out, "nan");
    else if (__builtin_isinf(value))
        sink_text(out, value < 0 ? "-inf" : "inf");
    else
        put_finite(out, value);
}

/* --- dates and times -------------------------------------------------------------------- */

static void put_time(struct sink *out, const struct toml_datetime *when)
{
    sink_format(out, "%02d:%02d:%02d", when->hour, when->minute, when->second);
    uint32_t fraction = when->nanosecond;
    int digits = 9;
    if (fraction == 0)
        return;
    for (; fraction % 10 == 0; fraction /= 10)
        digits--;
    sink_format(out, ".%0*u", digits, fraction);
}

void toml_put_when(struct sink *out, enum toml_type type, struct toml_datetime when)
{
    if (type != TOML_TIME_LOCAL)
        sink_format(out, "%04d-%02d-%02d", when.year, when.month, when.day);
    if (type == TOML_DATE_LOCAL)
        return;
    if (type != TOML_TIME_LOCAL)
        sink_u8(out, 'T');
    put_time(out, &when);
    if (type != TOML_DATETIME)
        return;
    int offset = when.offset_minutes;
    int size = offset < 0 ? -offset : offset;
    if (offset == 0)
        sink_u8(out, 'Z');
    else
        sink_format(out, "%c%02d:%02d", offset < 0 ? '-' : '+', size / 60, size % 60);
}

/* --- the tree --------------------------------------------------------------------------- */

static bool put_inline(struct sink *out, const struct toml_value *value, unsigned depth);

/* [a, b] or { k = a, l = b } */
static bool put_inline_items(struct sink *out, const struct toml_value *value, unsigned depth)
{
    bool table = value->type == TOML_TABLE;
    bool first = true;
    sink_text(out, table ? "{" : "[");
    for (const struct toml_value *item = toml_first(value); item != NULL; item = toml_next(item)) {
        sink_text(out, first ? (table ? " " : "") : ", ");
        first = false;
        if (table) {
            toml_put_key(out, item->key);
            sink_text(out, " = ");
        }
        if (!put_inline(out, item, depth))
            return false;
    }
    sink_text(out, table ? (first ? "}" : " }") : "]");
    return true;
}

static bool put_inline(struct sink *out, const struct toml_value *value, unsigned depth)
{
    switch (value->type) {
    case TOML_TABLE:
    case TOML_ARRAY:
        return depth < TOML_DEPTH_MAX && put_inline_items(out, value, depth + 1);
    case TOML_STRING:
        toml_put_string(out, value->as.string);
        return true;
    case TOML_INTEGER:
        toml_put_integer(out, value->as.integer);
        return true;
    case TOML_FLOAT:
        toml_put_float(out, value->as.number);
        return true;
    case TOML_BOOL:
        toml_put_bool(out, value->as.boolean);
        return true;
    case TOML_DATETIME:
    case TOML_DATETIME_LOCAL:
    case TOML_DATE_LOCAL:
    case TOML_TIME_LOCAL:
        toml_put_when(out, value->type, value->as.when);
        return true;
    }
    return false;
}

/* An array that has a header for each of its tables. */
static bool is_list(const struct toml_value *value)
{
    if (value->type != TOML_ARRAY || toml_first(value) == NULL)
        return false;
    for (const struct toml_value *item = toml_first(value); item != NULL; item = toml_next(item))
        if (item->type != TOML_TABLE)
            return false;
    return true;
}

/* The keys from the root to a table. */
struct path {
    struct span keys[TOML_DEPTH_MAX];
    size_t count;
};

static void put_header(struct sink *out, const struct path *path, bool list)
{
    sink_text(out, out->len == 0 ? "" : "\n");
    sink_text(out, list ? "[[" : "[");
    for (size_t i = 0; i < path->count; i++) {
        sink_text(out, i == 0 ? "" : ".");
        toml_put_key(out, path->keys[i]);
    }
    sink_text(out, list ? "]]\n" : "]\n");
}

static bool put_table(struct sink *out, const struct toml_value *table, struct path *path);

/* A table or a list of tables below another table. */
static bool put_below(struct sink *out, const struct toml_value *value, struct path *path)
{
    bool ok = true;
    bool list = value->type == TOML_ARRAY;
    if (path->count == TOML_DEPTH_MAX - 1)
        return false;
    path->keys[path->count++] = value->key;
    const struct toml_value *table = list ? toml_first(value) : value;
    while (ok && table != NULL) {
        put_header(out, path, list);
        ok = put_table(out, table, path);
        table = list ? toml_next(table) : NULL;
    }
    path->count--;
    return ok;
}

static bool put_table(struct sink *out, const struct toml_value *table, struct path *path)
{
    unsigned depth = (unsigned)path->count + 1;
    for (const struct toml_value *v = toml_first(table); v != NULL; v = toml_next(v)) {
        if (v->type == TOML_TABLE || is_list(v))
            continue;
        toml_put_key(out, v->key);
        sink_text(out, " = ");
        if (!put_inline(out, v, depth))
            return false;
        sink_text(out, "\n");
    }
    for (const struct toml_value *v = toml_first(table); v != NULL; v = toml_next(v))
        if ((v->type == TOML_TABLE || is_list(v)) && !put_below(out, v, path))
            return false;
    return sink_ok(out);
}

bool toml_write(struct sink *out, const struct toml_value *root)
{
    struct path path = { .count = 0 };
    return toml_type_of(root) == TOML_TABLE && put_table(out, root, &path) && sink_ok(out);
}
