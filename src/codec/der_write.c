/* der_write.c - see der_write.h. */
#include "codec/der_write.h"

void der_put(struct sink *out, uint8_t tag, struct span content)
{
    (void)out;
    (void)tag;
    (void)content;
}

size_t der_begin(struct sink *out, uint8_t tag)
{
    (void)out;
    (void)tag;
    return 0;
}

void der_end(struct sink *out, size_t mark)
{
    (void)out;
    (void)mark;
}

void der_put_unsigned(struct sink *out, struct span magnitude)
{
    (void)out;
    (void)magnitude;
}

void der_put_small(struct sink *out, uint32_t value)
{
    (void)out;
    (void)value;
}

void der_put_bool(struct sink *out, bool value)
{
    (void)out;
    (void)value;
}

void der_put_null(struct sink *out)
{
    (void)out;
}

void der_put_oid(struct sink *out, const char *dotted)
{
    (void)out;
    (void)dotted;
}

void der_put_time(struct sink *out, int64_t at)
{
    (void)out;
    (void)at;
}

void der_put_bits(struct sink *out, struct span octets)
{
    (void)out;
    (void)octets;
}

void der_put_named_bits(struct sink *out, uint16_t bits)
{
    (void)out;
    (void)bits;
}

void der_put_ecdsa_sig(struct sink *out, struct span raw)
{
    (void)out;
    (void)raw;
}
