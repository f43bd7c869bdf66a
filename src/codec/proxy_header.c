/* proxy_header.c - see proxy_header.h. */
#include "codec/proxy_header.h"

#include "base/cursor.h"

static const uint8_t signature[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                     0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

enum {
    COMMAND_LOCAL = 0x20, /* version 2 in the upper half */
    COMMAND_PROXY = 0x21,
    FAMILY_TCP4 = 0x11,
    FAMILY_TCP6 = 0x21,
    TLV_CRC32C = 0x03,
    CRC_BYTES = 4,
};

/* CRC-32C (RFC 3720 B.4), bit by bit: a header is short, and few have one. */
static uint32_t crc_add(uint32_t crc, uint8_t byte)
{
    static const uint32_t polynomial = 0x82f63b78;
    crc ^= byte;
    for (unsigned bit = 0; bit < 8; bit++)
        crc = (crc & 1) != 0 ? crc >> 1 ^ polynomial : crc >> 1;
    return crc;
}

/* Over the whole header, with zeros in the checksum's own place. */
static bool crc_is_right(struct span whole, struct span checksum)
{
    struct cursor in = cur_over(whole), said = cur_over(checksum);
    size_t place = (size_t)(checksum.at - whole.at);
    uint32_t crc = UINT32_MAX, value = 0;
    uint8_t byte = 0;
    for (size_t i = 0; cur_u8(&in, &byte); i++)
        crc = crc_add(crc, i >= place && i < place + CRC_BYTES ? 0 : byte);
    return cur_u32be(&said, &value) && value == ~crc;
}

static bool tlvs_are_good(struct cursor *in, struct span whole)
{
    bool has_checksum = false;
    while (!cur_end(in)) {
        uint8_t type = 0;
        uint16_t len = 0;
        struct span value;
        if (!cur_u8(in, &type) || !cur_u16be(in, &len) || !cur_take(in, len, &value))
            return false;
        if (type != TLV_CRC32C)
            continue;
        if (has_checksum || len != CRC_BYTES || !crc_is_right(whole, value))
            return false;
        has_checksum = true;
    }
    return true;
}

/* Source and destination address, then both ports. */
static bool read_client(struct cursor *in, uint8_t family, struct address *out)
{
    uint8_t four[4], six[16];
    if (family == FAMILY_TCP4) {
        bool read = cur_copy(in, four, sizeof four) && cur_skip(in, sizeof four + 4);
        *out = address_of_v4(four);
        return read;
    }
    bool read = family == FAMILY_TCP6 && cur_copy(in, six, sizeof six) &&
                cur_skip(in, sizeof six + 4);
    *out = address_of_v6(six);
    return read;
}

/* Of what an edge says of itself nothing counts, and so its form does not. */
static enum proxy_step read_whole(struct span bytes, struct proxy_header *out)
{
    struct cursor in = cur_over(bytes);
    struct proxy_header header = { 0 };
    uint8_t command = 0, family = 0;
    if (!cur_skip(&in, sizeof signature) || !cur_u8(&in, &command) || !cur_u8(&in, &family) ||
        !cur_skip(&in, 2))
        return PROXY_BAD;
    header.local = command == COMMAND_LOCAL;
    if (!header.local && !(read_client(&in, family, &header.client) && tlvs_are_good(&in, bytes)))
        return PROXY_BAD;
    *out = header;
    return PROXY_WHOLE;
}

enum proxy_step proxy_header_read(struct span bytes, struct proxy_header *out, size_t *wanted)
{
    struct cursor in = cur_over(bytes);
    uint8_t byte = 0;
    uint16_t len = 0;
    for (size_t i = 0; i < sizeof signature && cur_u8(&in, &byte); i++) {
        if (byte != signature[i])
            return PROXY_BAD;
    }
    if (cur_u8(&in, &byte) && byte != COMMAND_LOCAL && byte != COMMAND_PROXY)
        return PROXY_BAD;
    *wanted = PROXY_HEAD;
    if (!cur_u8(&in, &byte) || !cur_u16be(&in, &len))
        return PROXY_MORE;
    *wanted = (size_t)PROXY_HEAD + len;
    if (*wanted > PROXY_HEADER_MAX || bytes.len > *wanted)
        return PROXY_BAD;
    return bytes.len < *wanted ? PROXY_MORE : read_whole(bytes, out);
}
