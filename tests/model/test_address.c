/* test_address.c - addresses and networks: one spelling in, one spelling out, and the libc's
   own reader agrees on every text. */
#include "model/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/number.h"
#include "test.h"

static const char *written(const struct address *address, char room[ADDRESS_TEXT_ROOM + 1])
{
    struct sink out = sink_over(room, ADDRESS_TEXT_ROOM);
    address_write(&out, address);
    assert_true(sink_ok(&out));
    room[out.len] = 0;
    return room;
}

static void test_reads_and_writes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        { "0.0.0.0", "0.0.0.0" },
        { "255.255.255.255", "255.255.255.255" },
        { "10.20.30.40", "10.20.30.40" },
        { "::", "::" },
        { "::1", "::1" },
        { "1::", "1::" },
        { "::ffff:10.1.2.3", "10.1.2.3" },
        { "::FFFF:0a01:0203", "10.1.2.3" },
        { "0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4" },
        { "::1.2.3.4", "::102:304" },
        { "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
        { "2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1" },
        { "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
        { "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
        { "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
        { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
        { "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
        { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct address address;
        char room[ADDRESS_TEXT_ROOM + 1];
        if (!address_parse(span_text(rows[i].text), &address))
            fail_msg("%s: refused", rows[i].text);
        assert_string_equal(written(&address, room), rows[i].want);
        struct address back;
        assert_true(address_parse(span_text(room), &back));
        assert_true(address_equal(&address, &back));
    }
}

/* clang-format off: one a line would be three pages */
static const char *const refused[] = {
    "",
    " ",
    ".",
    ":",
    ":::",
    "1",
    "1.2",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4.",
    ".1.2.3.4",
    "1..2.3",
    "256.1.1.1",
    "1.1.1.256",
    "01.2.3.4",
    "1.2.3.00",
    "0x1.2.3.4",
    "1.2.3.+4",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.4\n",
    "1.2.3.4/32",
    "1.2.3.4:80",
    "1,2,3,4",
    "-1.2.3.4",
    "99999999999999999999.1.1.1",
    "3232235777",
    "localhost",
    "example.com",
    "::1%lo",
    "fe80::1%eth0",
    "fe80::1%25eth0",
    "[::1]",
    "[::1]:80",
    "::1/128",
    "::g",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "1:2:3:4::5:6:7:8",
    "1::2::3",
    "::1::",
    ":1::",
    "1::2:",
    ":1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8:",
    "12345::",
    "00001::",
    "::12345",
    "::1.2.3",
    "::1.2.3.256",
    "::1.2.3.4:5",
    "1.2.3.4::",
    "::01.2.3.4",
    "1:2:3:4:5:6:7:1.2.3.4",
    "1:2:3:4:5:1.2.3.4",
    "::ffff:1.2.3.4.5",
    "::ffff:a.2.3.4",
    "1:2:3:4:5:6:1.2.3.4:",
};
/* clang-format on */

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct address address, before;
        memset(&address, 0x5a, sizeof address);
        before = address;
        if (address_parse(span_text(refused[i]), &address))
            fail_msg("\"%s\": accepted", refused[i]);
        assert_true(address_equal(&address, &before));
    }
    static const uint8_t nul[] = { '1', '.', '2', '.', '3', '.', '4', 0 };
    struct address address;
    assert_false(address_parse(SPAN(nul), &address));
    assert_false(address_parse(span_of(NULL, 0), &address));
}

/* Another reader of the same grammar: what it takes we take, as the same bytes. */
static void against_libc(const char *text)
{
    uint8_t v4[4], v6[16];
    struct address want, got;
    bool known = true;
    if (inet_pton(AF_INET, text, v4) == 1)
        want = address_of_v4(v4);
    else if (inet_pton(AF_INET6, text, v6) == 1)
        want = address_of_v6(v6);
    else
        known = false;
    if (address_parse(span_text(text), &got) != known)
        fail_msg("\"%s\": libc says %d", text, known);
    if (known)
        assert_true(address_equal(&want, &got));
}

static const char letters[] = "0123456789afAF::::....1";

static void of_letters(struct test_random *random, char *text)
{
    size_t len = test_random_below(random, 20);
    for (size_t i = 0; i < len; i++)
        text[i] = letters[test_random_below(random, sizeof letters - 1)];
}

static void of_pieces(struct test_random *random, char *text, size_t cap)
{
    static const char *const pieces[] = {
        "::", ":", "0", "1", "ffff", "1.2.3.4", "fe80", "10", "."
    };
    struct sink out = sink_over(text, cap);
    for (size_t left = test_random_below(random, 14); left > 0; left--)
        sink_text(&out, pieces[test_random_below(random, COUNT_OF(pieces))]);
    sink_terminate(&out);
}

static void test_against_libc(void **state)
{
    (void)state;
    struct test_random random = { 11 };
    for (unsigned round = 0; round < 200000; round++) {
        char text[128] = { 0 };
        if (round % 2 == 0)
            of_letters(&random, text);
        else
            of_pieces(&random, text, sizeof text);
        against_libc(text);
    }
    /* One letter of a good text changed, or left out. */
    static const char *const good[] = { "192.168.100.7", "1:2:3:4:5:6:7:8",
                                        "2001:db8::ff00:42:8329", "::ffff:192.0.2.128", "1::8" };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        for (size_t len = 0; len <= strlen(good[i]); len++) { /* and each prefix */
            char text[64] = { 0 };
            memcpy(text, good[i], len);
            against_libc(text);
        }
    }
    for (unsigned round = 0; round < 100000; round++) {
        char text[64] = { 0 };
        size_t len = strlen(good[round % COUNT_OF(good)]);
        memcpy(text, good[round % COUNT_OF(good)], len);
        size_t at = test_random_below(&random, len);
        if (round % 7 == 0)
            memmove(&text[at], &text[at + 1], len - at);
        else
            text[at] = letters[test_random_below(&random, sizeof letters - 1)];
        against_libc(text);
    }
}

static void test_round_trip_of_any_bytes(void **state)
{
    (void)state;
    struct test_random random = { 12 };
    for (unsigned round = 0; round < 50000; round++) {
        struct address address = { { 0 } }, back;
        for (size_t i = 0; i < ADDRESS_LEN; i++) {
            uint64_t word = test_random_next(&random);
            address.bytes[i] = word & 0x300 ? 0 : (uint8_t)word;
        }
        char ours[ADDRESS_TEXT_ROOM + 1];
        written(&address, ours);
        assert_true(address_parse(span_text(ours), &back));
        assert_true(address_equal(&address, &back));
    }
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        unsigned bits;
        bool same;
    } rows[] = {
        { "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", ADDRESS_PEER_BITS, true },
        { "2001:db8:1:2::1", "2001:db8:1:3::1", ADDRESS_PEER_BITS, false },
        { "2001:db8:1:2::1", "2001:db8:1:3::1", ADDRESS_SITE_BITS, true },
        { "2001:db8:1:2::1", "2001:db8:2:2::1", ADDRESS_SITE_BITS, false },
        { "2001:db8::1", "2001:db8::2", 128, false },
        { "2001:db8::1", "2001:db8::2", 129, false },
        { "8000::", "ffff::", 1, true },
        { "7fff::", "ffff::", 1, false },
        { "8000::", "7fff::", 0, true },
        { "10.0.0.1", "10.0.0.2", ADDRESS_PEER_BITS, false },
        { "10.0.0.1", "10.0.0.2", 0, false },
        { "10.0.0.1", "::ffff:10.0.0.1", ADDRESS_PEER_BITS, true },
        { "0.0.0.0", "::", ADDRESS_PEER_BITS, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct address a, b;
        assert_true(address_parse(span_text(rows[i].a), &a));
        assert_true(address_parse(span_text(rows[i].b), &b));
        a = address_key(&a, rows[i].bits);
        b = address_key(&b, rows[i].bits);
        if (address_equal(&a, &b) != rows[i].same)
            fail_msg("%s and %s at %u", rows[i].a, rows[i].b, rows[i].bits);
    }
}

static void test_loopback(void **state)
{
    (void)state;
    static const char *const yes[] = { "127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1" };
    static const char *const no[] = { "128.0.0.1", "126.255.255.255", "::",
                                      "::2",       "::127.0.0.1",     "1::1" };
    struct address address;
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        assert_true(address_parse(span_text(yes[i]), &address));
        assert_true(address_is_loopback(&address));
    }
    for (size_t i = 0; i < COUNT_OF(no); i++) {
        assert_true(address_parse(span_text(no[i]), &address));
        assert_false(address_is_loopback(&address));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads_and_writes, ""),
        TEST(test_refusals, ""),
        TEST(test_against_libc, ""),
        TEST(test_round_trip_of_any_bytes, ""),
        TEST(test_keys, ""),
        TEST(test_loopback, ""),
    };
    return RUN_TESTS(tests);
}
