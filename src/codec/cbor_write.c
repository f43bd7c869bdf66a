/* cbor_write.c - see cbor_write.h. */
#include "codec/cbor_write.h"

#include "codec/cbor.h"

/* RFC 8949 4.2.1: the shortest head that holds the number. */
static void put_head(struct sink *out, enum cbor_major major, uint64_t value)
{
    uint8_t type = (uint8_t)(major << 5);
    if (value < 24) {
        sink_u8(out, type | (uint8_t)value);
    } else if (value <= UINT8_MAX) {
        sink_u8(out, type | 24);
        sink_u8(out, (uint8_t)value);
    } else if (value <= UINT16_MAX) {
        sink_u8(out, type | 25);
        sink_u16be(out, (uint16_t)value);
    } else if (value <= UINT32_MAX) {
        sink_u8(out, type | 26);
        sink_u32be(out, (uint32_t)value);
    } else {
        sink_u8(out, type | 27);
        sink_u64be(out, value);
    }
}

void cbor_put_u64(struct sink *out, uint64_t value)
{
    put_head(out, CBOR_UNSIGNED, value);
}

void cbor_put_int(struct sink *out, int64_t value)
{
    if (value >= 0)
        put_head(out, CBOR_UNSIGNED, (uint64_t)value);
    else
        put_head(out, CBOR_NEGATIVE, (uint64_t)(-1 - value));
}

void cbor_put_bytes(struct sink *out, struct span bytes)
{
    put_head(out, CBOR_BYTES, bytes.len);
    sink_put(out, bytes);
}

void cbor_put_text_span(struct sink *out, struct span text)
{
    put_head(out, CBOR_TEXT, text.len);
    sink_put(out, text);
}

void cbor_put_text(struct sink *out, const char *text)
{
    cbor_put_text_span(out, span_text(text));
}

void cbor_put_array(struct sink *out, uint64_t count)
{
    put_head(out, CBOR_ARRAY, count);
}

void cbor_put_map(struct sink *out, uint64_t pairs)
{
    put_head(out, CBOR_MAP, pairs);
}

void cbor_put_tag(struct sink *out, uint64_t tag)
{
    put_head(out, CBOR_TAG, tag);
}

void cbor_put_bool(struct sink *out, bool value)
{
    sink_u8(out, value ? 0xf5 : 0xf4);
}

void cbor_put_nil(struct sink *out)
{
    sink_u8(out, 0xf6);
}

void cbor_put_map_indefinite(struct sink *out)
{
    sink_u8(out, 0xbf);
}

void cbor_put_break(struct sink *out)
{
    sink_u8(out, 0xff);
}
