/* test_proxy_header.c - what an edge says of its client: read as it was meant, byte by byte, and
   nothing that is cut, changed or of another kind. */
#include "codec/proxy_header.h"

#include <string.h>

#include "base/number.h"
#include "base/sink.h"
#include "test.h"

enum { ROOM = PROXY_HEADER_MAX + 64 };

static const uint8_t signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                       0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };
static const uint8_t four[] = { 203, 0, 113, 7, 192, 0, 2, 1, 0x30, 0x39, 0x01, 0xbb };

static struct span header(struct sink *out, uint8_t command, uint8_t family, struct span rest)
{
    out->len = 0;
    sink_put(out, SPAN(signature));
    sink_u8(out, command);
    sink_u8(out, family);
    sink_u16be(out, (uint16_t)rest.len);
    sink_put(out, rest);
    assert_true(sink_ok(out));
    return sink_bytes(out);
}

static enum proxy_step read_it(struct span bytes, struct proxy_header *out)
{
    size_t wanted = 0;
    return proxy_header_read(bytes, out, &wanted);
}

static bool is(const struct proxy_header *read, const char *text)
{
    struct address address;
    assert_true(address_parse(span_text(text), &address));
    return !read->local && address_equal(&read->client, &address);
}

static void test_who_it_is(void **state)
{
    (void)state;
    uint8_t room[ROOM], six[36] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 };
    uint8_t mapped[36] = { [10] = 0xff, [11] = 0xff, [12] = 203, [14] = 113, [15] = 9 };
    struct sink out = sink_over(room, sizeof room);
    struct proxy_header read;
    assert_int_equal(read_it(header(&out, 0x21, 0x11, SPAN(four)), &read), PROXY_WHOLE);
    assert_true(is(&read, "203.0.113.7"));
    assert_int_equal(read_it(header(&out, 0x21, 0x21, SPAN(six)), &read), PROXY_WHOLE);
    assert_true(is(&read, "2001:db8::7"));
    assert_int_equal(read_it(header(&out, 0x21, 0x21, SPAN(mapped)), &read), PROXY_WHOLE);
    assert_true(is(&read, "203.0.113.9"));
    assert_int_equal(read_it(header(&out, 0x20, 0x00, span_of(NULL, 0)), &read), PROXY_WHOLE);
    assert_true(read.local);
    assert_int_equal(read_it(header(&out, 0x20, 0x11, SPAN(four)), &read), PROXY_WHOLE);
    assert_true(read.local);
}

static void test_who_it_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t command, family;
        size_t len; /* of what follows */
    } rows[] = {
        { "no family", 0x21, 0x00, 0 },
        { "no family with addresses", 0x21, 0x00, 12 },
        { "datagrams", 0x21, 0x12, 12 },
        { "datagrams of v6", 0x21, 0x22, 36 },
        { "a socket of this machine", 0x21, 0x31, 216 },
        { "no such family", 0x21, 0x41, 36 },
        { "no protocol", 0x21, 0x10, 12 },
        { "v4 cut", 0x21, 0x11, 11 },
        { "v6 cut", 0x21, 0x21, 35 },
        { "v4 with one byte behind it", 0x21, 0x11, 13 },
        { "v4 with two bytes behind it", 0x21, 0x11, 14 },
        { "no such command", 0x22, 0x11, 12 },
        { "version 1", 0x11, 0x11, 12 },
        { "version 3", 0x31, 0x11, 12 },
    };
    uint8_t room[ROOM], rest[216] = { 0 };
    struct sink out = sink_over(room, sizeof room);
    struct proxy_header read;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span bytes = header(&out, rows[i].command, rows[i].family,
                                   span_of(rest, rows[i].len));
        if (read_it(bytes, &read) != PROXY_BAD)
            fail_msg("%s", rows[i].what);
    }
    assert_int_equal(read_it(span_text("PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\n"), &read),
                     PROXY_BAD);
    assert_int_equal(read_it(span_text("P"), &read), PROXY_BAD);
    assert_int_equal(read_it(span_of("\x16\x03\x01", 3), &read), PROXY_BAD);
}

/* Each beginning asks for no byte more than the header has, and each end behind it is too much. */
static void test_piece_by_piece(void **state)
{
    (void)state;
    uint8_t room[ROOM];
    struct sink out = sink_over(room, sizeof room);
    struct span whole = header(&out, 0x21, 0x11, SPAN(four));
    struct proxy_header read;
    for (size_t len = 0; len < whole.len; len++) {
        size_t wanted = 0;
        assert_int_equal(proxy_header_read(span_of(whole.at, len), &read, &wanted), PROXY_MORE);
        assert_int_equal(wanted, len < PROXY_HEAD ? PROXY_HEAD : whole.len);
    }
    sink_u8(&out, 0x16);
    assert_int_equal(read_it(sink_bytes(&out), &read), PROXY_BAD);
}

/* Whatever bit of what comes before the addresses is another, nobody is told to be somebody else.
 */
static void test_every_bit(void **state)
{
    (void)state;
    uint8_t room[ROOM];
    struct sink out = sink_over(room, sizeof room);
    struct span whole = header(&out, 0x21, 0x11, SPAN(four));
    struct proxy_header read;
    for (size_t bit = 0; bit < 8 * (size_t)PROXY_HEAD; bit++) {
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum proxy_step step = read_it(whole, &read);
        bool is_local = step == PROXY_WHOLE && read.local; /* LOCAL is one bit from PROXY */
        if (step != PROXY_BAD && step != PROXY_MORE && !is_local)
            fail_msg("bit %zu", bit);
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* A value behind the addresses: u8 type, u16 length, and so many bytes. */
static void tlv(struct sink *out, uint8_t type, struct span value)
{
    sink_u8(out, type);
    sink_u16be(out, (uint16_t)value.len);
    sink_put(out, value);
}

static void test_what_follows(void **state)
{
    (void)state;
    static const uint8_t crc[] = { 0, 0, 0, 0 };
    uint8_t rooms[2][ROOM];
    struct sink rest = sink_over(rooms[0], ROOM), out = sink_over(rooms[1], ROOM);
    struct proxy_header read;
    sink_put(&rest, SPAN(four));
    tlv(&rest, 0x04, span_text("nothing"));
    tlv(&rest, 0x02, span_text("house.example"));
    tlv(&rest, 0xe0, span_of(NULL, 0));
    assert_int_equal(read_it(header(&out, 0x21, 0x11, sink_bytes(&rest)), &read), PROXY_WHOLE);
    assert_true(is(&read, "203.0.113.7"));
    for (size_t cut = sizeof four + 1; cut < rest.len; cut++) {
        enum proxy_step step = read_it(header(&out, 0x21, 0x11, span_of(rooms[0], cut)), &read);
        bool at_an_end = cut == sizeof four + 10 || cut == sizeof four + 26;
        assert_int_equal(step, at_an_end ? PROXY_WHOLE : PROXY_BAD);
    }
    tlv(&rest, 0x03, SPAN(crc));
    assert_int_equal(read_it(header(&out, 0x21, 0x11, sink_bytes(&rest)), &read), PROXY_BAD);
}

/* Made by another program, whose CRC-32C of "123456789" is e3069283 as it should be (RFC 3720 B.4).
 */
static void test_checksum(void **state)
{
    (void)state;
    uint8_t room[ROOM], rest[sizeof four + 7];
    struct sink out = sink_over(room, sizeof room);
    struct proxy_header read;
    static const uint8_t checksum[] = { 0x03, 0x00, 0x04, 0x30, 0x28, 0xc1, 0x9a };
    memcpy(rest, four, sizeof four);
    memcpy(rest + sizeof four, checksum, sizeof checksum);
    struct span whole = header(&out, 0x21, 0x11, SPAN(rest));
    assert_int_equal(read_it(whole, &read), PROXY_WHOLE);
    for (size_t bit = 8 * (size_t)PROXY_HEAD; bit < 8 * whole.len; bit++) {
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        bool is_type = bit / 8 == (size_t)PROXY_HEAD + sizeof four; /* then it is no checksum */
        if (!is_type)
            assert_int_equal(read_it(whole, &read), PROXY_BAD);
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_how_long(void **state)
{
    (void)state;
    uint8_t rooms[2][ROOM];
    static const uint8_t value[PROXY_HEADER_MAX];
    struct proxy_header read;
    for (size_t size = PROXY_HEADER_MAX; size <= PROXY_HEADER_MAX + 1; size++) {
        struct sink rest = sink_over(rooms[0], ROOM), out = sink_over(rooms[1], ROOM);
        sink_put(&rest, SPAN(four));
        tlv(&rest, 0x04, span_of(value, size - PROXY_HEAD - sizeof four - 3));
        struct span whole = header(&out, 0x21, 0x11, sink_bytes(&rest));
        assert_int_equal(whole.len, size);
        bool fits = size == PROXY_HEADER_MAX;
        assert_int_equal(read_it(whole, &read), fits ? PROXY_WHOLE : PROXY_BAD);
        assert_int_equal(read_it(span_of(whole.at, PROXY_HEAD), &read),
                         fits ? PROXY_MORE : PROXY_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_it_is, ""), TEST(test_who_it_is_not, ""), TEST(test_piece_by_piece, ""),
        TEST(test_every_bit, ""), TEST(test_what_follows, ""),  TEST(test_checksum, ""),
        TEST(test_how_long, ""),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
