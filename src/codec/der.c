/* der.c - see der.h. */
#include "codec/der.h"

bool der_read(struct cursor *in, struct der *out)
{
    (void)in;
    (void)out;
    return false;
}

bool der_next_is(const struct cursor *in, uint8_t tag)
{
    (void)in;
    (void)tag;
    return false;
}

bool der_take(struct cursor *in, uint8_t tag, struct span *value)
{
    (void)in;
    (void)tag;
    (void)value;
    return false;
}

bool der_take_whole(struct cursor *in, uint8_t tag, struct span *whole)
{
    (void)in;
    (void)tag;
    (void)whole;
    return false;
}

bool der_open(struct cursor *in, uint8_t tag, struct cursor *body)
{
    (void)in;
    (void)tag;
    (void)body;
    return false;
}

bool der_optional(struct cursor *in, uint8_t tag, bool *present, struct span *value)
{
    (void)in;
    (void)tag;
    (void)present;
    (void)value;
    return false;
}

bool der_integer(struct cursor *in, struct span *octets)
{
    (void)in;
    (void)octets;
    return false;
}

bool der_unsigned(struct cursor *in, struct span *magnitude)
{
    (void)in;
    (void)magnitude;
    return false;
}

bool der_small(struct cursor *in, uint32_t *out)
{
    (void)in;
    (void)out;
    return false;
}

bool der_enumerated(struct cursor *in, uint32_t *out)
{
    (void)in;
    (void)out;
    return false;
}

bool der_bool(struct cursor *in, bool *out)
{
    (void)in;
    (void)out;
    return false;
}

bool der_oid(struct cursor *in, struct span *oid)
{
    (void)in;
    (void)oid;
    return false;
}

void der_oid_write(struct sink *out, struct span oid)
{
    (void)out;
    (void)oid;
}

bool der_time(struct cursor *in, int64_t *out)
{
    (void)in;
    (void)out;
    return false;
}

bool der_bits(struct cursor *in, struct span *octets)
{
    (void)in;
    (void)octets;
    return false;
}

bool der_named_bits(struct cursor *in, uint16_t *bits)
{
    (void)in;
    (void)bits;
    return false;
}

bool der_ecdsa_sig(struct span der, size_t coord_len, uint8_t *raw)
{
    (void)der;
    (void)coord_len;
    (void)raw;
    return false;
}
