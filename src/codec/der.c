/* der.c - see der.h. */
#include "codec/der.h"

#include <string.h>

#include "base/time.h"

enum { LONG_FORM = 0x80, HIGH_TAG = 0x1f, CONSTRUCTED = 0x20, CLASS = 0xc0 };

enum { ARC_OCTETS = 9 }; /* of one arc of an identifier: 63 bits */

/* The universal types that are built of others: EXTERNAL, EMBEDDED PDV, SEQUENCE, SET and
   CHARACTER STRING. */
static const uint32_t built_types = 1u << 8 | 1u << 11 | 1u << 16 | 1u << 17 | 1u << 29;

/* X.690 10.2: DER strings are primitive; 8.1.5: tag 0 is the end-of-contents of the
   indefinite form.  Tag numbers above 30 appear in nothing that is read here. */
static bool tag_is_good(uint8_t tag)
{
    uint8_t number = tag & HIGH_TAG;
    if (number == HIGH_TAG)
        return false;
    if ((tag & CLASS) != 0)
        return true;
    bool built = (built_types >> number & 1) != 0;
    return number != 0 && built == ((tag & CONSTRUCTED) != 0);
}

/* X.690 10.1: "The definite form of length encoding shall be used, encoded in the minimum
   number of octets."  Four octets of length are more than any input here has. */
static bool long_length(struct cursor *in, uint8_t first, size_t *len)
{
    size_t count = first & 0x7fu;
    struct span octets;
    if (count == 0 || count > 4 || !cur_take(in, count, &octets) || octets.at[0] == 0)
        return false;
    size_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | octets.at[i];
    if (value < LONG_FORM)
        return false;
    *len = value;
    return true;
}

bool der_read(struct cursor *in, struct der *out)
{
    struct cursor ahead = *in;
    struct span head;
    struct der value;
    if (!cur_take(&ahead, 2, &head) || !tag_is_good(head.at[0]))
        return false;
    size_t len = head.at[1];
    if (len >= LONG_FORM && !long_length(&ahead, head.at[1], &len))
        return false;
    if (!cur_take(&ahead, len, &value.value))
        return false;
    value.tag = head.at[0];
    value.whole = cur_since(&ahead, cur_offset(in));
    *in = ahead;
    *out = value;
    return true;
}

bool der_next_is(const struct cursor *in, uint8_t tag)
{
    uint8_t next;
    return cur_peek(in, &next) && next == tag;
}

bool der_take(struct cursor *in, uint8_t tag, struct span *value)
{
    struct der read;
    if (!der_next_is(in, tag) || !der_read(in, &read))
        return false;
    *value = read.value;
    return true;
}

bool der_take_whole(struct cursor *in, uint8_t tag, struct span *whole)
{
    struct der read;
    if (!der_next_is(in, tag) || !der_read(in, &read))
        return false;
    *whole = read.whole;
    return true;
}

bool der_open(struct cursor *in, uint8_t tag, struct cursor *body)
{
    struct span value;
    if (!der_take(in, tag, &value))
        return false;
    *body = cur_over(value);
    return true;
}

bool der_optional(struct cursor *in, uint8_t tag, bool *present, struct span *value)
{
    bool there = der_next_is(in, tag);
    if (there && !der_take(in, tag, value))
        return false;
    *present = there;
    return true;
}

/* X.690 8.3.2: the first nine bits "shall not all be ones; and shall not all be zero". */
static bool integer_is_minimal(struct span octets)
{
    if (octets.len == 0)
        return false;
    if (octets.len == 1)
        return true;
    bool next_is_negative = (octets.at[1] & 0x80) != 0;
    return octets.at[0] != (next_is_negative ? 0xff : 0x00);
}

/* X.690 8.4: an ENUMERATED is encoded as an INTEGER is. */
static bool take_integer(struct cursor *in, uint8_t tag, struct span *octets)
{
    struct cursor ahead = *in;
    struct span value;
    if (!der_take(&ahead, tag, &value) || !integer_is_minimal(value))
        return false;
    *in = ahead;
    *octets = value;
    return true;
}

static bool take_unsigned(struct cursor *in, uint8_t tag, struct span *magnitude)
{
    struct cursor ahead = *in;
    struct span octets;
    if (!take_integer(&ahead, tag, &octets) || (octets.at[0] & 0x80) != 0)
        return false;
    struct cursor value = cur_over(octets);
    if (octets.len > 1 && octets.at[0] == 0 && !cur_skip(&value, 1))
        return false;
    *in = ahead;
    *magnitude = cur_rest(&value);
    return true;
}

static bool take_small(struct cursor *in, uint8_t tag, uint32_t *out)
{
    struct cursor ahead = *in;
    struct span magnitude;
    if (!take_unsigned(&ahead, tag, &magnitude) || magnitude.len > sizeof *out)
        return false;
    uint32_t value = 0;
    for (size_t i = 0; i < magnitude.len; i++)
        value = value << 8 | magnitude.at[i];
    *in = ahead;
    *out = value;
    return true;
}

bool der_integer(struct cursor *in, struct span *octets)
{
    return take_integer(in, DER_INTEGER, octets);
}

bool der_integer_as(struct cursor *in, uint8_t tag, struct span *octets)
{
    return take_integer(in, tag, octets);
}

bool der_unsigned(struct cursor *in, struct span *magnitude)
{
    return take_unsigned(in, DER_INTEGER, magnitude);
}

bool der_small(struct cursor *in, uint32_t *out)
{
    return take_small(in, DER_INTEGER, out);
}

bool der_enumerated(struct cursor *in, uint32_t *out)
{
    return take_small(in, DER_ENUMERATED, out);
}

bool der_bool(struct cursor *in, bool *out)
{
    struct cursor ahead = *in;
    struct span value;
    /* X.690 11.1: TRUE is all ones. */
    if (!der_take(&ahead, DER_BOOLEAN, &value) || value.len != 1 ||
        (value.at[0] != 0x00 && value.at[0] != 0xff))
        return false;
    *in = ahead;
    *out = value.at[0] != 0;
    return true;
}

/* One arc: base 128, the top bit set on all octets but the last.  X.690 8.19.2: the
   leading octet "shall not have the value 0x80". */
static bool read_arc(struct cursor *in, uint64_t *out)
{
    uint64_t arc = 0;
    uint8_t octet = 0;
    for (size_t i = 0; i < ARC_OCTETS; i++) {
        if (!cur_u8(in, &octet) || (i == 0 && octet == 0x80))
            return false;
        arc = arc << 7 | (octet & 0x7fu);
        if ((octet & 0x80) == 0) {
            *out = arc;
            return true;
        }
    }
    return false;
}

/* As reading every arc would tell, in one pass: no arc starts with 80, none is longer than
   ARC_OCTETS, and the last one ends. */
static bool oid_is_good(struct span oid)
{
    size_t in_arc = 0;
    for (size_t i = 0; i < oid.len; i++) {
        uint8_t octet = oid.at[i];
        if ((in_arc == 0 && octet == 0x80) || in_arc == ARC_OCTETS)
            return false;
        in_arc = (octet & 0x80) != 0 ? in_arc + 1 : 0;
    }
    return oid.len > 0 && in_arc == 0;
}

bool der_oid(struct cursor *in, struct span *oid)
{
    struct cursor ahead = *in;
    struct span value;
    if (!der_take(&ahead, DER_OID, &value) || !oid_is_good(value))
        return false;
    *in = ahead;
    *oid = value;
    return true;
}

/* X.690 8.6.2 and 11.2.1. */
bool der_bits_are_good(struct span octets)
{
    struct cursor in = cur_over(octets);
    uint8_t unused;
    if (!cur_u8(&in, &unused) || unused > 7)
        return false;
    if (cur_end(&in))
        return unused == 0;
    return (octets.at[octets.len - 1] & ((1u << unused) - 1)) == 0;
}

static bool parameters_are_good(const struct der *read, struct cursor in)
{
    struct span octets;
    bool truth;
    switch (read->tag) {
    case DER_BOOLEAN:
        return der_bool(&in, &truth);
    case DER_INTEGER:
    case DER_ENUMERATED:
        return take_integer(&in, read->tag, &octets);
    case DER_OID:
        return der_oid(&in, &octets);
    case DER_BIT_STRING:
        return der_bits_are_good(read->value);
    case DER_NULL:
        return read->value.len == 0;
    case DER_OCTET_STRING:
    case DER_SEQUENCE:
        return true;
    default:
        return false;
    }
}

bool der_any(struct cursor *in, struct der *out)
{
    struct cursor ahead = *in;
    struct der read;
    if (!der_read(&ahead, &read) || !parameters_are_good(&read, *in))
        return false;
    *in = ahead;
    *out = read;
    return true;
}

void der_oid_write(struct sink *out, struct span oid)
{
    struct cursor in = cur_over(oid);
    uint64_t arc;
    if (!oid_is_good(oid) || !read_arc(&in, &arc)) {
        sink_u8(out, '?');
        return;
    }
    uint64_t first = arc < 80 ? arc / 40 : 2;
    sink_format(out, "%llu.%llu", (unsigned long long)first,
                (unsigned long long)(arc - 40 * first));
    while (read_arc(&in, &arc))
        sink_format(out, ".%llu", (unsigned long long)arc);
}

static bool two_digits(struct cursor *in, int *out)
{
    struct span digits;
    if (!cur_take(in, 2, &digits))
        return false;
    int tens = digits.at[0] - '0';
    int ones = digits.at[1] - '0';
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9)
        return false;
    *out = tens * 10 + ones;
    return true;
}

/* RFC 5280 4.1.2.5.1: "Where YY is greater than or equal to 50, the year SHALL be
   interpreted as 19YY".  4.1.2.5: "CAs ... MUST always encode certificate validity dates
   through the year 2049 as UTCTime". */
static bool time_year(struct cursor *in, uint8_t tag, int *out)
{
    int century = 0;
    int year = 0;
    if (tag == DER_UTC_TIME) {
        if (!two_digits(in, &year))
            return false;
        *out = year + (year >= 50 ? 1900 : 2000);
        return true;
    }
    if (!(two_digits(in, &century) && two_digits(in, &year)) || century * 100 + year < 2050)
        return false;
    *out = century * 100 + year;
    return true;
}

bool der_time(struct cursor *in, int64_t *out)
{
    struct cursor ahead = *in;
    struct der time;
    struct civil c;
    if (!der_read(&ahead, &time) || (time.tag != DER_UTC_TIME && time.tag != DER_GENERALIZED_TIME))
        return false;
    struct cursor text = cur_over(time.value);
    if (!(time_year(&text, time.tag, &c.year) && two_digits(&text, &c.month) &&
          two_digits(&text, &c.day) && two_digits(&text, &c.hour) && two_digits(&text, &c.minute) &&
          two_digits(&text, &c.second) && cur_expect(&text, span_of("Z", 1)) && cur_end(&text) &&
          time_from_civil(c, out)))
        return false;
    *in = ahead;
    return true;
}

bool der_bits(struct cursor *in, struct span *octets)
{
    struct cursor ahead = *in;
    struct cursor body;
    uint8_t unused;
    if (!der_open(&ahead, DER_BIT_STRING, &body) || !cur_u8(&body, &unused) || unused != 0)
        return false;
    *in = ahead;
    *octets = cur_rest(&body);
    return true;
}

bool der_named_bits(struct cursor *in, uint16_t *bits)
{
    struct cursor ahead = *in;
    struct cursor body;
    uint8_t unused;
    if (!der_open(&ahead, DER_BIT_STRING, &body) || !cur_u8(&body, &unused))
        return false;
    struct span octets = cur_rest(&body);
    if (unused > 7 || octets.len > 2 || (octets.len == 0 && unused != 0))
        return false;
    /* X.690 11.2: unused bits are zero, and the last bit in use is a one. */
    if (octets.len > 0) {
        unsigned last = octets.at[octets.len - 1];
        if ((last & ((1u << unused) - 1)) != 0 || (last >> unused & 1) == 0)
            return false;
    }
    unsigned named = 0;
    for (unsigned n = 0; n < octets.len * 8; n++)
        named |= (octets.at[n / 8] >> (7 - n % 8) & 1u) << n;
    *in = ahead;
    *bits = (uint16_t)named;
    return true;
}

bool der_ecdsa_sig(struct span der, size_t coord_len, uint8_t *raw)
{
    struct cursor in = cur_over(der);
    struct cursor body;
    struct span r;
    struct span s;
    if (!(der_open(&in, DER_SEQUENCE, &body) && cur_end(&in) && der_unsigned(&body, &r) &&
          der_unsigned(&body, &s) && cur_end(&body)))
        return false;
    if (r.len > coord_len || s.len > coord_len)
        return false;
    memset(raw, 0, 2 * coord_len);
    memcpy(&raw[coord_len - r.len], r.at, r.len);
    memcpy(&raw[2 * coord_len - s.len], s.at, s.len);
    return true;
}
