/* toml_number.c - integers, floats, dates and times.  All are told apart by their form alone;
   a number that its type cannot hold is refused, never rounded or wrapped. */
#include <stdlib.h>

#include "base/cursor.h"
#include "base/time.h"
#include "codec/toml_tree.h"

enum { FLOAT_TEXT_MAX = 512 }; /* digits of a float; nobody means more */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* --- dates and times -------------------------------------------------------------------- */

/* Exactly `count` digits that make a number of at most `most`. */
static bool digits(struct cursor *in, size_t count, int most, int *out)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t c;
        if (!cur_u8(in, &c) || !is_digit(c))
            return false;
        value = value * 10 + (c - '0');
    }
    if (value > most)
        return false;
    *out = value;
    return true;
}

static bool one_of(struct cursor *in, const char *letters, uint8_t *which)
{
    uint8_t c;
    if (!cur_peek(in, &c))
        return false;
    for (; *letters != 0; letters++) {
        if (c == (uint8_t)*letters) {
            *which = c;
            return cur_skip(in, 1);
        }
    }
    return false;
}

static bool is_next(struct cursor *in, const char *letter)
{
    uint8_t ignored;
    return one_of(in, letter, &ignored);
}

static bool read_date(struct cursor *in, struct toml_datetime *when)
{
    int64_t ignored;
    if (!(digits(in, 4, 9999, &when->year) && is_next(in, "-") && digits(in, 2, 12, &when->month) &&
          is_next(in, "-") && digits(in, 2, 31, &when->day)))
        return false;
    struct civil midnight = { when->year, when->month, when->day, 0, 0, 0 };
    return time_from_civil(midnight, &ignored);
}

/* "If the value contains greater precision than the implementation can support, the additional
   precision must be truncated, not rounded." */
static bool read_fraction(struct cursor *in, uint32_t *nanosecond)
{
    uint32_t scale = 100000000;
    uint32_t value = 0;
    size_t count = 0;
    uint8_t c;
    while (cur_peek(in, &c) && is_digit(c) && cur_skip(in, 1)) {
        value += scale * (uint32_t)(c - '0');
        scale /= 10;
        count++;
    }
    *nanosecond = value;
    return count > 0;
}

/* RFC 3339 5.6: second 60 is a leap second; which minutes had one is not judged here. */
static bool read_time(struct cursor *in, struct toml_datetime *when)
{
    if (!(digits(in, 2, 23, &when->hour) && is_next(in, ":") && digits(in, 2, 59, &when->minute) &&
          is_next(in, ":") && digits(in, 2, 60, &when->second)))
        return false;
    return !is_next(in, ".") || read_fraction(in, &when->nanosecond);
}

static bool read_offset(struct cursor *in, struct toml_datetime *when)
{
    uint8_t sign;
    int hours, minutes;
    if (is_next(in, "Zz"))
        return true;
    if (!(one_of(in, "+-", &sign) && digits(in, 2, 23, &hours) && is_next(in, ":") &&
          digits(in, 2, 59, &minutes)))
        return false;
    when->offset_minutes = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

/* A date, and a time and an offset where they follow. */
static bool read_full(struct cursor *in, struct toml_datetime *when, enum toml_type *type)
{
    *type = TOML_DATE_LOCAL;
    if (!read_date(in, when))
        return false;
    if (!is_next(in, "Tt "))
        return true;
    *type = TOML_DATETIME_LOCAL;
    if (!read_time(in, when))
        return false;
    if (cur_end(in))
        return true;
    *type = TOML_DATETIME;
    return read_offset(in, when);
}

static bool read_when(struct span text, struct toml_value *value)
{
    struct cursor in = cur_over(text);
    struct toml_datetime when = { 0 };
    enum toml_type type = TOML_TIME_LOCAL;
    bool ok = text.at[2] == ':' ? read_time(&in, &when) : read_full(&in, &when, &type);
    if (!ok || !cur_end(&in))
        return false;
    value->type = type;
    value->as.when = when;
    return true;
}

/* --- integers --------------------------------------------------------------------------- */

static bool digit_of(uint8_t c, uint64_t base, uint64_t *out)
{
    uint8_t low = c | 0x20;
    uint64_t value;
    if (is_digit(c))
        value = (uint64_t)c - '0';
    else if (low >= 'a' && low <= 'f')
        value = (uint64_t)low - 'a' + 10;
    else
        return false;
    *out = value;
    return value < base;
}

/* Digits with single underscores between them.  *fits says whether 64 bits hold them. */
static bool read_digits(struct cursor *in, uint64_t base, uint64_t *out, bool *fits)
{
    uint64_t value = 0;
    bool after_digit = false;
    bool holds = true;
    uint8_t c;
    while (cur_peek(in, &c)) {
        uint64_t digit;
        if (c == '_' && !after_digit)
            return false;
        if (c != '_' && !digit_of(c, base, &digit))
            break;
        after_digit = c != '_';
        if (after_digit)
            holds = holds && !__builtin_mul_overflow(value, base, &value) &&
                    !__builtin_add_overflow(value, digit, &value);
        if (!cur_skip(in, 1))
            return false;
    }
    *out = value;
    *fits = holds;
    return after_digit;
}

static const char *const not_a_value = "not a value";

static bool read_prefixed(struct toml_reader *r, struct cursor *in, struct toml_value *value)
{
    static const struct {
        const char *prefix;
        uint64_t base;
    } prefixes[] = { { "0x", 16 }, { "0o", 8 }, { "0b", 2 } };
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        uint64_t number;
        bool fits;
        if (!cur_expect(in, span_of(prefixes[i].prefix, 2)))
            continue;
        if (!read_digits(in, prefixes[i].base, &number, &fits) || !cur_end(in))
            return toml_refuse(r, r->at, not_a_value);
        if (!fits || number > INT64_MAX)
            return toml_refuse(r, r->at, "an integer that 64 bits do not hold");
        value->type = TOML_INTEGER;
        value->as.integer = (int64_t)number;
        return true;
    }
    return toml_refuse(r, r->at, not_a_value);
}

static bool store_integer(struct toml_reader *r, bool negative, uint64_t number, bool fits,
                          struct toml_value *value)
{
    uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    if (!fits || number > most)
        return toml_refuse(r, r->at, "an integer that 64 bits do not hold");
    value->type = TOML_INTEGER;
    value->as.integer = negative && number > 0 ? -1 - (int64_t)(number - 1) : (int64_t)number;
    return true;
}

/* --- floats ----------------------------------------------------------------------------- */

/* The digits of a float as `digits e exponent`, without a point: the C library's own point
   depends on where the program runs, its digits do not. */
struct plain_float {
    uint8_t text[FLOAT_TEXT_MAX];
    struct sink out;
    long exponent;
};

static void keep_digits(struct plain_float *plain, struct span part)
{
    for (size_t i = 0; i < part.len; i++)
        if (part.at[i] != '_')
            sink_u8(&plain->out, part.at[i]);
}

static size_t count_digits(struct span part)
{
    size_t count = 0;
    for (size_t i = 0; i < part.len; i++)
        count += part.at[i] != '_';
    return count;
}

/* The part after the point or in the exponent: digits, zeros first allowed. */
static bool read_part(struct cursor *in, struct span *part, uint64_t *number, bool *fits)
{
    size_t start = cur_offset(in);
    if (!read_digits(in, 10, number, fits))
        return false;
    *part = cur_since(in, start);
    return true;
}

static bool convert(struct plain_float *plain, bool negative, double *out)
{
    sink_format(&plain->out, "e%ld", plain->exponent);
    sink_u8(&plain->out, 0);
    if (!sink_ok(&plain->out))
        return false;
    double number = strtod((const char *)plain->text, NULL);
    if (__builtin_isinf(number))
        return false;
    *out = negative ? -number : number;
    return true;
}

static bool read_float(struct toml_reader *r, struct cursor *in, struct span whole, bool negative,
                       struct toml_value *value)
{
    struct plain_float plain = { .exponent = 0 };
    struct span part;
    uint64_t number;
    bool fits;
    uint8_t sign = '+';
    plain.out = sink_over(plain.text, sizeof plain.text);
    keep_digits(&plain, whole);
    if (is_next(in, ".")) {
        if (!read_part(in, &part, &number, &fits))
            return toml_refuse(r, r->at, not_a_value);
        keep_digits(&plain, part);
        plain.exponent = -(long)count_digits(part);
    }
    if (is_next(in, "eE")) {
        (void)(one_of(in, "+-", &sign) || true);
        if (!read_part(in, &part, &number, &fits))
            return toml_refuse(r, r->at, not_a_value);
        if (!fits || number > 100000)
            return toml_refuse(r, r->at, "a float that 64 bits do not hold");
        plain.exponent += sign == '-' ? -(long)number : (long)number;
    }
    if (!cur_end(in))
        return toml_refuse(r, r->at, not_a_value);
    if (!convert(&plain, negative, &value->as.number))
        return toml_refuse(r, r->at, "a float that 64 bits do not hold");
    value->type = TOML_FLOAT;
    return true;
}

static bool read_special(struct span text, bool negative, struct toml_value *value)
{
    double number;
    if (span_equal_text(text, "inf"))
        number = __builtin_inf();
    else if (span_equal_text(text, "nan"))
        number = __builtin_nan("");
    else
        return false;
    value->type = TOML_FLOAT;
    value->as.number = negative ? -number : number;
    return true;
}

static bool read_decimal(struct toml_reader *r, struct span text, struct toml_value *value)
{
    struct cursor in = cur_over(text);
    uint8_t sign = '+';
    (void)(one_of(&in, "+-", &sign) || true);
    bool negative = sign == '-';
    if (read_special(cur_rest(&in), negative, value))
        return true;
    size_t start = cur_offset(&in);
    uint64_t number;
    bool fits;
    if (!read_digits(&in, 10, &number, &fits))
        return toml_refuse(r, r->at, not_a_value);
    struct span whole = cur_since(&in, start);
    /* "Leading zeros are not allowed." */
    if (whole.len > 1 && whole.at[0] == '0')
        return toml_refuse(r, r->at, "a number with a leading zero");
    if (cur_end(&in))
        return store_integer(r, negative, number, fits, value);
    return read_float(r, &in, whole, negative, value);
}

/* --- which of them ---------------------------------------------------------------------- */

static bool is_number_byte(uint8_t c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '+' ||
           c == '-' || c == '.' || c == ':';
}

static bool looks_like_date(struct span text)
{
    return text.len >= 5 && is_digit(text.at[0]) && is_digit(text.at[1]) && is_digit(text.at[2]) &&
           is_digit(text.at[3]) && text.at[4] == '-';
}

static bool looks_like_time(struct span text)
{
    return text.len >= 3 && is_digit(text.at[0]) && is_digit(text.at[1]) && text.at[2] == ':';
}

/* What can belong to a number or a date.  A space does when it stands between a whole date and
   a time: "1979-05-27 07:32:00". */
static struct span take_token(const struct toml_reader *r)
{
    size_t len = 0;
    while (is_number_byte(toml_peek(r, len)))
        len++;
    struct span text = span_of(&r->text.at[r->at], len);
    if (len != 10 || !looks_like_date(text) || toml_peek(r, len) != ' ' ||
        !is_digit(toml_peek(r, len + 1)))
        return text;
    len++;
    while (is_number_byte(toml_peek(r, len)))
        len++;
    return span_of(text.at, len);
}

bool toml_read_number(struct toml_reader *r, struct toml_value *value)
{
    struct span text = take_token(r);
    struct cursor in = cur_over(text);
    bool ok;
    if (text.len == 0)
        return toml_refuse(r, r->at, not_a_value);
    if (looks_like_date(text) || looks_like_time(text))
        ok = read_when(text, value) || toml_refuse(r, r->at, "no such date or time");
    else if (text.len > 1 && text.at[0] == '0' && text.at[1] >= 'a' && text.at[1] != 'e')
        ok = read_prefixed(r, &in, value);
    else
        ok = read_decimal(r, text, value);
    if (ok)
        r->at += text.len;
    return ok;
}
