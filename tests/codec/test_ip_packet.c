/* test_ip_packet.c - packets that went to nobody, and the answers to them; the bytes and checksums
   of both were made by another program. */
#include "codec/ip_packet.h"

#include <string.h>

#include "base/number.h"
#include "test.h"

/* 198.18.0.0 port 5000 to 1.2.3.4 port 444 over UDP: "hi!". */
static const uint8_t v4_udp[] = { 0x45, 0x00, 0x00, 0x1f, 0x00, 0x07, 0x40, 0x00, 0x40, 0x11, 0x70,
                                  0xaf, 0xc6, 0x12, 0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x13, 0x88,
                                  0x01, 0xbc, 0x00, 0x0b, 0x00, 0x00, 0x68, 0x69, 0x21 };
static const uint8_t v4_answer_head[] = { 0x45, 0x00, 0x00, 0x3b, 0x00, 0x00, 0x00,
                                          0x00, 0x40, 0x01, 0xb0, 0xaa, 0x01, 0x02,
                                          0x03, 0x04, 0xc6, 0x12, 0x00, 0x00, 0x03,
                                          0x0d, 0x5e, 0x3a, 0x00, 0x00, 0x00, 0x00 };

/* fd00:18:: port 40000 to 2001:db8::5 port 80: SYN. */
static const uint8_t v6_syn[] = { 0x60, 0x01, 0x23, 0x45, 0x00, 0x14, 0x06, 0x40, 0xfd, 0x00,
                                  0x00, 0x18, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                  0x00, 0x00, 0x00, 0x00, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00,
                                  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05,
                                  0x9c, 0x40, 0x00, 0x50, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
                                  0x00, 0x00, 0x50, 0x02, 0xfa, 0x00, 0x00, 0x00, 0x00, 0x00 };
static const uint8_t v6_answer_head[] = {
    0x60, 0x00, 0x00, 0x00, 0x00, 0x44, 0x3a, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0xfd, 0x00, 0x00, 0x18, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, 0x38, 0xa3, 0x00, 0x00, 0x00, 0x00
};

enum { V4_BODY = 20, V6_BODY = 40, ROOM = 2048 };

static void assert_address(const struct address *address, const char *text)
{
    struct address wanted;
    assert_true(address_parse(span_text(text), &wanted));
    assert_true(address_equal(address, &wanted));
}

static void test_datagram(void **state)
{
    uint8_t bytes[sizeof v4_udp + 4] = { 0 };
    struct ip_packet packet;
    (void)state;
    memcpy(bytes, v4_udp, sizeof v4_udp);
    assert_true(ip_packet_read(SPAN(bytes), &packet)); /* with four bytes behind it */
    assert_int_equal(packet.whole.len, sizeof v4_udp);
    assert_address(&packet.from, "198.18.0.0");
    assert_address(&packet.to, "1.2.3.4");
    assert_int_equal(packet.protocol, IP_UDP);
    assert_int_equal(packet.port, 444);
    assert_true(packet.first && !packet.six && !packet.begins);
    assert_span_equal(packet.body, span_of(&v4_udp[V4_BODY], sizeof v4_udp - V4_BODY));
}

static void test_connection(void **state)
{
    uint8_t bytes[sizeof v6_syn];
    struct ip_packet packet;
    (void)state;
    assert_true(ip_packet_read(SPAN(v6_syn), &packet));
    assert_address(&packet.from, "fd00:18::");
    assert_address(&packet.to, "2001:db8::5");
    assert_int_equal(packet.port, 80);
    assert_int_equal(packet.from_port, 40000);
    assert_true(packet.six && packet.first && packet.begins);
    for (unsigned flags = 0; flags < 256; flags++) {
        memcpy(bytes, v6_syn, sizeof bytes);
        bytes[V6_BODY + 13] = (uint8_t)flags;
        assert_true(ip_packet_read(SPAN(bytes), &packet));
        assert_true(packet.begins == ((flags & 0x12) == 0x02));
        assert_false(packet.declines); /* its sequence number is 1 */
        bytes[V6_BODY + 7] = 0;
        assert_true(ip_packet_read(SPAN(bytes), &packet));
        assert_true(packet.declines == ((flags & 0x16) == 0x14));
    }
}

static void test_options_and_fragments(void **state)
{
    uint8_t bytes[sizeof v4_udp + 4] = { 0 };
    struct ip_packet packet;
    (void)state;
    memcpy(bytes, v4_udp, V4_BODY);
    memcpy(bytes + V4_BODY + 4, v4_udp + V4_BODY, sizeof v4_udp - V4_BODY);
    bytes[0] = 0x46;
    bytes[3] = sizeof bytes;
    assert_true(ip_packet_read(SPAN(bytes), &packet));
    assert_int_equal(packet.port, 444);
    bytes[6] = 0x20; /* more follow: this is the first */
    assert_true(ip_packet_read(SPAN(bytes), &packet) && packet.first && packet.port == 444);
    bytes[7] = 1;
    assert_true(ip_packet_read(SPAN(bytes), &packet));
    assert_true(!packet.first && packet.port == 0);
    bytes[6] = 0x10, bytes[7] = 0; /* the highest bit of where it belongs */
    assert_true(ip_packet_read(SPAN(bytes), &packet) && !packet.first);
}

/* Cut anywhere, of another version, with lengths that are none. */
static void test_what_is_no_packet(void **state)
{
    static const struct {
        struct span good;
        size_t at;
        uint8_t value;
    } rows[] = {
        { { v4_udp, sizeof v4_udp }, 0, 0x44 }, { { v4_udp, sizeof v4_udp }, 0, 0x55 },
        { { v4_udp, sizeof v4_udp }, 0, 0x05 }, { { v4_udp, sizeof v4_udp }, 0, 0x4f },
        { { v4_udp, sizeof v4_udp }, 3, 19 },   { { v4_udp, sizeof v4_udp }, 3, 27 },
        { { v4_udp, sizeof v4_udp }, 3, 32 },   { { v4_udp, sizeof v4_udp }, 2, 1 },
        { { v6_syn, sizeof v6_syn }, 0, 0x70 }, { { v6_syn, sizeof v6_syn }, 5, 21 },
        { { v6_syn, sizeof v6_syn }, 5, 7 },    { { v6_syn, sizeof v6_syn }, 4, 1 },
    };
    struct ip_packet packet;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[64];
        memcpy(bytes, rows[i].good.at, rows[i].good.len);
        bytes[rows[i].at] = rows[i].value;
        assert_false(ip_packet_read(span_of(bytes, rows[i].good.len), &packet));
    }
    for (size_t len = 0; len < sizeof v4_udp; len++)
        assert_false(ip_packet_read(span_of(v4_udp, len), &packet));
    for (size_t len = 0; len < sizeof v6_syn; len++)
        assert_false(ip_packet_read(span_of(v6_syn, len), &packet));
}

static void test_answers(void **state)
{
    uint8_t room[IP_ANSWER_ROOM];
    struct sink out = sink_over(room, sizeof room);
    struct ip_packet packet;
    (void)state;
    assert_true(ip_packet_read(SPAN(v4_udp), &packet));
    ip_prohibited_write(&out, &packet);
    assert_int_equal(out.len, sizeof v4_answer_head + sizeof v4_udp);
    assert_memory_equal(room, v4_answer_head, sizeof v4_answer_head);
    assert_memory_equal(room + sizeof v4_answer_head, v4_udp, sizeof v4_udp);
    out = sink_over(room, sizeof room);
    assert_true(ip_packet_read(SPAN(v6_syn), &packet));
    ip_prohibited_write(&out, &packet);
    assert_int_equal(out.len, sizeof v6_answer_head + sizeof v6_syn);
    assert_memory_equal(room, v6_answer_head, sizeof v6_answer_head);
    assert_memory_equal(room + sizeof v6_answer_head, v6_syn, sizeof v6_syn);
    out = sink_over(room, 50); /* no room: nothing is written past it */
    ip_prohibited_write(&out, &packet);
    assert_false(sink_ok(&out));
}

/* An answer to a long packet quotes its beginning. */
static void test_long_packets(void **state)
{
    static uint8_t bytes[ROOM];
    uint8_t room[ROOM];
    struct ip_packet packet, quoted;
    (void)state;
    for (int six = 0; six <= 1; six++) {
        const struct span good = six ? SPAN(v6_syn) : SPAN(v4_udp);
        struct sink out = sink_over(room, sizeof room);
        memcpy(bytes, good.at, good.len);
        bytes[six ? 4 : 2] = 6;
        assert_true(ip_packet_read(SPAN(bytes), &packet));
        ip_prohibited_write(&out, &packet);
        assert_int_equal(out.len, IP_ANSWER_ROOM);
        room[six ? 41 : 21] = six ? 4 : 3; /* as if it said that nobody has the port */
        assert_true(ip_packet_read(sink_bytes(&out), &packet));
        assert_true(ip_port_unreachable_read(&packet, &quoted));
        assert_int_equal(quoted.port, six ? 80 : 444);
        assert_address(&quoted.to, six ? "2001:db8::5" : "1.2.3.4");
    }
}

/* What such an answer may not be given to. */
static void test_no_answer(void **state)
{
    static const struct {
        bool six;
        size_t at;
        uint8_t value;
    } rows[] = {
        { false, 9, IP_ICMP }, /* to a message of ICMP */
        { false, 7, 1 },       /* to a later fragment */
        { false, 16, 224 },    /* to what went to many */
        { false, 16, 255 },    { false, 12, 224 }, { true, 6, IP_ICMPV6 },
        { true, 24, 0xff },    { true, 8, 0xff },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[64], room[IP_ANSWER_ROOM];
        const struct span good = rows[i].six ? SPAN(v6_syn) : SPAN(v4_udp);
        struct sink out = sink_over(room, sizeof room);
        struct ip_packet packet;
        memcpy(bytes, good.at, good.len);
        bytes[rows[i].at] = rows[i].value;
        assert_true(ip_packet_read(span_of(bytes, good.len), &packet));
        ip_prohibited_write(&out, &packet);
        assert_int_equal(out.len, 0);
        memcpy(bytes, good.at, good.len);
        memset(bytes + (rows[i].six ? 8 : 12), 0, rows[i].six ? 16 : 4); /* from nobody */
        assert_true(ip_packet_read(span_of(bytes, good.len), &packet));
        ip_prohibited_write(&out, &packet);
        assert_int_equal(out.len, 0);
    }
}

static void test_what_is_not_unreachable(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = { { 9, IP_UDP }, { 20, 11 }, { 21, 13 }, { 28, 0x55 }, { 7, 1 } };
    uint8_t bytes[sizeof v4_answer_head + sizeof v4_udp];
    struct ip_packet packet, quoted;
    (void)state;
    for (size_t i = 0; i <= COUNT_OF(rows); i++) {
        memcpy(bytes, v4_answer_head, sizeof v4_answer_head);
        memcpy(bytes + sizeof v4_answer_head, v4_udp, sizeof v4_udp);
        bytes[21] = 3;
        if (i < COUNT_OF(rows))
            bytes[rows[i].at] = rows[i].value;
        assert_true(ip_packet_read(SPAN(bytes), &packet));
        assert_true(ip_port_unreachable_read(&packet, &quoted) == (i == COUNT_OF(rows)));
    }
    /* Cut within what it quotes: the first 8 bytes of UDP are there, or it says nothing. */
    for (size_t len = V4_BODY; len < sizeof bytes; len++) {
        bytes[3] = (uint8_t)len;
        assert_true(ip_packet_read(SPAN(bytes), &packet));
        assert_true(ip_port_unreachable_read(&packet, &quoted) ==
                    (len >= V4_BODY + 8 + V4_BODY + 8));
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        TEST(test_datagram, ""),
        TEST(test_connection, ""),
        TEST(test_options_and_fragments, ""),
        TEST(test_what_is_no_packet, ""),
        TEST(test_answers, ""),
        TEST(test_long_packets, ""),
        TEST(test_no_answer, ""),
        TEST(test_what_is_not_unreachable, ""),
    };
    return RUN_TESTS(tests);
}
