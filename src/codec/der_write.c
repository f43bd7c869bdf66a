/* der_write.c - see der_write.h. */
#include "codec/der_write.h"

#include <string.h>

#include "base/time.h"

/* The octets of a length in its shortest form; returns how many. */
static size_t length_octets(size_t len, uint8_t octets[9])
{
    if (len < 0x80) {
        octets[0] = (uint8_t)len;
        return 1;
    }
    size_t count = 0;
    for (size_t rest = len; rest > 0; rest >>= 8)
        count++;
    octets[0] = (uint8_t)(0x80 | count);
    for (size_t i = 0; i < count; i++)
        octets[count - i] = (uint8_t)(len >> (8 * i));
    return count + 1;
}

void der_put(struct sink *out, uint8_t tag, struct span content)
{
    uint8_t octets[9];
    size_t count = length_octets(content.len, octets);
    sink_u8(out, tag);
    sink_put(out, span_of(octets, count));
    sink_put(out, content);
}

size_t der_begin(struct sink *out, uint8_t tag)
{
    sink_u8(out, tag);
    sink_u8(out, 0);
    return out->len;
}

/* The mark is where the content starts; one octet was kept for the length, and the content
   makes way when it needs more. */
void der_end(struct sink *out, size_t mark)
{
    uint8_t octets[9];
    if (!sink_ok(out) || mark == 0 || mark > out->len)
        return;
    size_t len = out->len - mark;
    size_t count = length_octets(len, octets);
    if (count > 1 && sink_room(out, count - 1) == NULL)
        return;
    memmove(&out->at[mark + count - 1], &out->at[mark], len);
    memcpy(&out->at[mark - 1], octets, count);
}

void der_put_unsigned(struct sink *out, struct span magnitude)
{
    struct cursor in = cur_over(magnitude);
    uint8_t first = 0;
    while (cur_peek(&in, &first) && first == 0)
        if (!cur_skip(&in, 1))
            return;
    size_t mark = der_begin(out, DER_INTEGER);
    if (cur_end(&in) || (first & 0x80) != 0)
        sink_u8(out, 0);
    sink_put(out, cur_rest(&in));
    der_end(out, mark);
}

void der_put_small(struct sink *out, uint32_t value)
{
    uint8_t octets[] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                         (uint8_t)value };
    der_put_unsigned(out, SPAN(octets));
}

void der_put_bool(struct sink *out, bool value)
{
    uint8_t octet = value ? 0xff : 0x00;
    der_put(out, DER_BOOLEAN, span_of(&octet, 1));
}

void der_put_null(struct sink *out)
{
    der_put(out, DER_NULL, (struct span){ 0 });
}

static void put_arc(struct sink *out, uint64_t arc)
{
    int shift = 56;
    while (shift > 0 && arc >> shift == 0)
        shift -= 7;
    for (; shift > 0; shift -= 7)
        sink_u8(out, (uint8_t)(0x80 | (arc >> shift & 0x7f)));
    sink_u8(out, (uint8_t)(arc & 0x7f));
}

/* A decimal number below 2^63 and the dot behind it, if any. */
static bool text_arc(struct cursor *in, uint64_t *out, bool *more)
{
    uint64_t arc = 0;
    uint8_t c = 0;
    size_t digits = 0;
    *more = false;
    while (cur_u8(in, &c)) {
        if (c == '.') {
            *more = true;
            break;
        }
        if (c < '0' || c > '9' || arc > (INT64_MAX - (uint64_t)(c - '0')) / 10)
            return false;
        arc = arc * 10 + (uint64_t)(c - '0');
        digits++;
    }
    *out = arc;
    return digits > 0;
}

/* The first two arcs share a number: 40 * first + second (X.690 8.19.4). */
static bool text_first_arcs(struct cursor *in, uint64_t *out, bool *more)
{
    uint64_t first;
    uint64_t second;
    if (!(text_arc(in, &first, more) && *more && text_arc(in, &second, more)) || first > 2 ||
        (first < 2 && second >= 40) || second > INT64_MAX - 80)
        return false;
    *out = first * 40 + second;
    return true;
}

void der_put_oid(struct sink *out, const char *dotted)
{
    struct cursor in = cur_over(span_text(dotted));
    uint64_t arc;
    bool more;
    size_t mark = der_begin(out, DER_OID);
    bool good = text_first_arcs(&in, &arc, &more);
    if (good)
        put_arc(out, arc);
    while (good && more) {
        good = text_arc(&in, &arc, &more);
        if (good)
            put_arc(out, arc);
    }
    if (!good)
        out->full = true;
    der_end(out, mark);
}

void der_put_time(struct sink *out, int64_t at)
{
    struct civil c;
    if (!time_to_civil(at, &c) || c.year < 1950) {
        out->full = true;
        return;
    }
    size_t mark = der_begin(out, c.year < 2050 ? DER_UTC_TIME : DER_GENERALIZED_TIME);
    if (c.year < 2050)
        sink_format(out, "%02d", c.year % 100);
    else
        sink_format(out, "%04d", c.year);
    sink_format(out, "%02d%02d%02d%02d%02d", c.month, c.day, c.hour, c.minute, c.second);
    sink_u8(out, 'Z');
    der_end(out, mark);
}

void der_put_bits(struct sink *out, struct span octets)
{
    size_t mark = der_begin(out, DER_BIT_STRING);
    sink_u8(out, 0);
    sink_put(out, octets);
    der_end(out, mark);
}

void der_put_named_bits(struct sink *out, uint16_t bits)
{
    uint8_t octets[2] = { 0 };
    unsigned used = 0;
    for (unsigned n = 0; n < 16; n++)
        if ((bits >> n & 1) != 0) {
            octets[n / 8] |= (uint8_t)(0x80u >> n % 8);
            used = n + 1;
        }
    size_t mark = der_begin(out, DER_BIT_STRING);
    sink_u8(out, (uint8_t)((8 - used % 8) % 8));
    sink_put(out, span_of(octets, (used + 7) / 8));
    der_end(out, mark);
}

void der_put_ecdsa_sig(struct sink *out, struct span raw)
{
    struct cursor in = cur_over(raw);
    struct span r;
    struct span s;
    if (raw.len % 2 != 0 || !(cur_take(&in, raw.len / 2, &r) && cur_take(&in, raw.len / 2, &s))) {
        out->full = true;
        return;
    }
    size_t mark = der_begin(out, DER_SEQUENCE);
    der_put_unsigned(out, r);
    der_put_unsigned(out, s);
    der_end(out, mark);
}
