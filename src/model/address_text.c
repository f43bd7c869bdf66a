/* address_text.c - addresses and networks as text; see address.h.  Numbers have one spelling
   where a second could be read as another number elsewhere (010 is 8 to some). */
#include "model/address.h"

#include <string.h>

#include "base/cursor.h"

enum { GROUPS = 8, GROUP_DIGITS = 4 };

/* A decimal number without leading zeros, at most `most` (under 1000). */
static bool decimal(struct cursor *in, unsigned most, unsigned *out)
{
    unsigned value = 0, digits = 0;
    uint8_t c;
    while (cur_peek(in, &c) && c >= '0' && c <= '9' && cur_skip(in, 1)) {
        if (digits > 0 && value == 0)
            return false;
        value = 10 * value + (unsigned)(c - '0');
        if (value > most)
            return false;
        digits++;
    }
    if (digits == 0)
        return false;
    *out = value;
    return true;
}

static bool parse_v4(struct cursor *in, uint8_t out[4])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned value;
        if ((i > 0 && !cur_expect(in, span_text("."))) || !decimal(in, 255, &value))
            return false;
        out[i] = (uint8_t)value;
    }
    return true;
}

static bool hex_digit(uint8_t c, unsigned *out)
{
    if (c >= '0' && c <= '9')
        *out = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *out = (unsigned)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
        *out = (unsigned)(c - 'A') + 10;
    else
        return false;
    return true;
}

/* One to four hexadecimal digits. */
static bool parse_group(struct cursor *in, unsigned *out)
{
    unsigned value = 0, digits = 0, digit;
    uint8_t c;
    while (cur_peek(in, &c) && hex_digit(c, &digit) && cur_skip(in, 1)) {
        if (digits == GROUP_DIGITS)
            return false;
        value = value << 4 | digit;
        digits++;
    }
    if (digits == 0)
        return false;
    *out = value;
    return true;
}

/* What has been read of a v6 address: groups before `::` and all groups. */
struct groups {
    uint8_t bytes[ADDRESS_LEN];
    unsigned count;
    unsigned before_gap;
    bool gap;
};

/* A group, or the last two as dotted decimal (RFC 4291 2.2, 3). */
static bool parse_piece(struct cursor *in, struct groups *groups, bool *last)
{
    struct cursor again = *in;
    uint8_t *at = &groups->bytes[2u * groups->count];
    unsigned value;
    uint8_t c = 0;
    if (groups->count >= GROUPS || !parse_group(in, &value))
        return false;
    if (!cur_peek(in, &c) || c != '.') {
        at[0] = (uint8_t)(value >> 8);
        at[1] = (uint8_t)value;
        groups->count++;
        return true;
    }
    if (groups->count > GROUPS - 2 || !parse_v4(&again, at))
        return false;
    groups->count += 2;
    *in = again;
    *last = true;
    return true;
}

static bool parse_gap(struct cursor *in, struct groups *groups)
{
    if (groups->gap || !cur_expect(in, span_text("::")))
        return false;
    groups->gap = true;
    groups->before_gap = groups->count;
    return true;
}

static bool parse_groups(struct cursor *in, struct groups *groups)
{
    bool last = false;
    if (parse_gap(in, groups) && cur_end(in))
        return true;
    while (parse_piece(in, groups, &last)) {
        if (cur_end(in))
            return true;
        if (last)
            return false;
        if (parse_gap(in, groups) && cur_end(in))
            return true;
        /* parse_gap moved over its colons, or stands at one that leads to a next group. */
        if (groups->gap && groups->before_gap == groups->count)
            continue;
        if (!cur_expect(in, span_text(":")))
            return false;
    }
    return false;
}

static bool parse_v6(struct span text, struct address *out)
{
    struct groups groups = { .count = 0 };
    struct cursor in = cur_over(text);
    if (!parse_groups(&in, &groups))
        return false;
    /* "::" stands for one group of zeros at least. */
    if (groups.gap ? groups.count >= GROUPS : groups.count != GROUPS)
        return false;
    size_t head = 2u * (groups.gap ? groups.before_gap : groups.count);
    size_t tail = 2u * groups.count - head;
    struct address address = { { 0 } };
    memcpy(address.bytes, groups.bytes, head);
    memcpy(&address.bytes[ADDRESS_LEN - tail], &groups.bytes[head], tail);
    *out = address;
    return true;
}

bool address_parse(struct span text, struct address *out)
{
    struct cursor in = cur_over(text);
    uint8_t v4[4];
    if (parse_v4(&in, v4) && cur_end(&in)) {
        *out = address_of_v4(v4);
        return true;
    }
    return parse_v6(text, out);
}

/* RFC 5952 4.2: the longest run of at least two zero groups is left out, of equal ones the
   first. */
static void longest_run(const struct address *address, unsigned *start, unsigned *len)
{
    unsigned run = 0;
    *start = GROUPS;
    *len = 1;
    for (unsigned i = 0; i < GROUPS; i++) {
        run = bytes_are_zero(&address->bytes[2u * i], 2) ? run + 1 : 0;
        if (run > *len) {
            *len = run;
            *start = i + 1 - run;
        }
    }
}

void address_write(struct sink *out, const struct address *address)
{
    const uint8_t *b = address->bytes;
    if (address_is_v4(address)) {
        sink_format(out, "%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
        return;
    }
    unsigned start, len;
    longest_run(address, &start, &len);
    for (unsigned i = 0; i < GROUPS; i++) {
        if (i == start) {
            sink_text(out, "::");
            i += len - 1;
            continue;
        }
        if (i > 0 && i != start + len)
            sink_text(out, ":");
        sink_format(out, "%x", (unsigned)b[2 * i] << 8 | b[2 * i + 1]);
    }
}

static bool split(struct span text, struct span *address, struct span *bits)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '/')
            continue;
        *address = span_of(text.at, i);
        *bits = span_of(&text.at[i + 1], text.len - i - 1);
        return true;
    }
    *address = text;
    return false;
}

bool network_parse(struct span text, struct network *out)
{
    struct span address, number;
    struct network network = { .bits = ADDRESS_BITS };
    bool has_bits = split(text, &address, &number);
    if (!address_parse(address, &network.base))
        return false;
    if (has_bits) {
        struct cursor in = cur_over(number);
        /* In the spelling of the text: ::ffff:10.0.0.0/104 counts all 128 bits. */
        struct cursor dotted = cur_over(address);
        uint8_t v4[4];
        unsigned skipped = parse_v4(&dotted, v4) && cur_end(&dotted) ? ADDRESS_V4_START : 0;
        unsigned bits;
        if (!decimal(&in, ADDRESS_BITS - skipped, &bits) || !cur_end(&in))
            return false;
        network.bits = (uint8_t)(skipped + bits);
    }
    if (!network_is_sound(&network))
        return false;
    *out = network;
    return true;
}

void network_write(struct sink *out, const struct network *network)
{
    address_write(out, &network->base);
    unsigned skipped = address_is_v4(&network->base) ? ADDRESS_V4_START : 0;
    sink_format(out, "/%u", network->bits - skipped);
}

static struct span trimmed(struct span text)
{
    while (text.len > 0 && text.at[0] == ' ')
        text = span_of(text.at + 1, text.len - 1);
    while (text.len > 0 && text.at[text.len - 1] == ' ')
        text.len--;
    return text;
}

bool address_list_read(struct address_list *list, struct span text)
{
    struct network network;
    size_t begin = 0;
    for (size_t i = 0; i <= text.len && text.len > 0; i++) {
        if (i < text.len && text.at[i] != ',')
            continue;
        if (!network_parse(trimmed(span_of(text.at + begin, i - begin)), &network) ||
            !address_list_add(list, &network))
            return false;
        begin = i + 1;
    }
    return true;
}
