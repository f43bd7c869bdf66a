/* test_place.c - both ends of every special-purpose network, what lies next to them, and
   IPv4 in each of its disguises. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "model/place.h"

static enum place place_of(const char *text, const char **what)
{
    struct address address;
    if (!address_parse(span_text(text), &address))
        fail_msg("\"%s\" is no address", text);
    return address_place(&address, what);
}

static bool is_inside(const char *text)
{
    const char *what;
    const enum place place = place_of(text, &what);
    assert_true((what == NULL) == (place == PLACE_OUTWARD));
    return place != PLACE_OUTWARD;
}

static bool judged_inside(const struct address *address)
{
    return address_place(address, NULL) != PLACE_OUTWARD;
}

static const char *const inside[] = {
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.0.2.2",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.255",
    "224.0.0.0",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
    "192.31.196.1",
    "192.52.193.1",
    "192.175.48.1",
    "::",
    "::1",
    "::2",
    "::ffff:0:1.2.3.4",
    "64:ff9b:1::",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:1ff:ffff::",
    "2001:db8::1",
    "2620:4f:8000::1",
    "3fff::1",
    "3fff:fff:ffff::",
    "5f00::1",
    "fc00::",
    "fd00:ec2::254",
    "fd00:18::1",
    "fdff:ffff::",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff00::",
    "ff02::1",
    "ffff::1",
    /* nobody's yet */
    "1::",
    "1fff::1",
    "4000::",
    "a000::1",
    "e000::1",
};
static const char *const outside[] = {
    "1.0.0.0",         "1.1.1.1",       "5.5.5.5",
    "8.8.8.8",         "9.255.255.255", "11.0.0.0",
    "100.63.255.255",  "100.128.0.0",   "126.255.255.255",
    "128.0.0.0",       "168.63.129.15", "168.63.129.17",
    "169.253.255.255", "169.255.0.0",   "172.15.255.255",
    "172.32.0.0",      "192.0.1.0",     "192.0.3.0",
    "192.167.255.255", "192.169.0.0",   "198.17.255.255",
    "198.20.0.0",      "198.51.99.255", "198.51.101.0",
    "203.0.112.255",   "203.0.114.0",   "223.255.255.255",
    "2000::",          "2001:200::1",   "2001:4860:4860::8888",
    "2001:db7:ffff::", "2001:db9::",    "2606:4700::1111",
    "3ffe::1",         "3fff:1000::",   "2a00:1450::1",
};

static void test_the_ends_of_each(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(inside); i++) {
        if (!is_inside(inside[i]))
            fail_msg("%s is taken for outside", inside[i]);
    }
    for (size_t i = 0; i < COUNT_OF(outside); i++) {
        if (is_inside(outside[i]))
            fail_msg("%s is taken for inside", outside[i]);
    }
}

/* An address of IPv4 is judged as that wherever it lies in one of IPv6 and is routed by it. */
static void test_disguises(void **state)
{
    (void)state;
    static const struct {
        const char *v4;
        bool is_inside;
    } rows[] = { { "127.0.0.1", true },   { "169.254.169.254", true }, { "10.0.0.1", true },
                 { "100.64.0.1", true },  { "0.0.0.0", true },         { "224.0.0.1", true },
                 { "192.168.1.1", true }, { "8.8.8.8", false },        { "5.5.5.5", false } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct address v4;
        uint8_t bytes[16] = { 0, 0x64, 0xff, 0x9b }; /* NAT64 */
        assert_true(address_parse(span_text(rows[i].v4), &v4));
        assert_true(judged_inside(&v4) == rows[i].is_inside);
        struct address mapped = address_of_v6(v4.bytes);
        assert_true(judged_inside(&mapped) == rows[i].is_inside);

        memcpy(&bytes[12], &v4.bytes[12], 4);
        struct address nat64 = address_of_v6(bytes);
        assert_true(judged_inside(&nat64) == rows[i].is_inside);

        memset(bytes, 0, sizeof bytes); /* 6to4 */
        bytes[0] = 0x20;
        bytes[1] = 0x02;
        memcpy(&bytes[2], &v4.bytes[12], 4);
        struct address six = address_of_v6(bytes);
        assert_true(judged_inside(&six) == rows[i].is_inside);

        memset(bytes, 0, sizeof bytes); /* IPv4-compatible: routed by nobody */
        memcpy(&bytes[12], &v4.bytes[12], 4);
        struct address compatible = address_of_v6(bytes);
        assert_int_equal(address_place(&compatible, NULL), PLACE_NOWHERE);
    }
}

/* Where this machine or its network is, which a configuration may allow; and where nobody goes. */
static void test_inward_and_nowhere(void **state)
{
    (void)state;
    static const char *const inward[] = {
        "10.0.0.0",      "10.255.255.255",  "100.64.0.0",       "100.127.255.255",
        "127.0.0.1",     "127.255.255.255", "172.16.0.0",       "172.31.0.1",
        "192.168.0.1",   "198.18.0.0",      "198.19.255.255",   "::1",
        "fc00::1",       "fd00::1",         "fec0::1",          "64:ff9b::7f00:1",
        "2002:7f00:1::", "fdff::1",         "::ffff:127.0.0.1",
    };
    static const char *const nowhere[] = {
        "0.0.0.0",
        "0.255.255.255",
        "169.254.169.254",
        "169.254.0.0",
        "168.63.129.16",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.51.100.1",
        "::",
        "::2",
        "64:ff9b:1::1",
        "fe80::1",
        "febf::1",
        "ff02::1",
        "fd00:ec2::254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2001:db8::1",
        "2001::1",
        "fe00::1",
        "fbff::1",
        "::ffff:169.254.169.254",
    };
    for (size_t i = 0; i < COUNT_OF(inward); i++) {
        if (place_of(inward[i], NULL) != PLACE_INWARD)
            fail_msg("%s is not inward", inward[i]);
    }
    for (size_t i = 0; i < COUNT_OF(nowhere); i++) {
        if (place_of(nowhere[i], NULL) != PLACE_NOWHERE)
            fail_msg("%s is not nowhere", nowhere[i]);
    }
}

static void test_what_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *address, *says;
    } rows[] = {
        { "10.0.2.2", "private use (RFC 1918)" },
        { "169.254.169.254", "a cloud's metadata (RFC 3927)" },
        { "169.254.1.1", "link-local (RFC 3927)" },
        { "fd00:ec2::254", "a cloud's metadata (RFC 4193)" },
        { "64:ff9b::127.0.0.1", "loopback (RFC 1122)" },
        { "255.255.255.255", "broadcast (RFC 919)" },
        { "4000::1", "no address of the Internet (RFC 4291)" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *what;
        (void)place_of(rows[i].address, &what);
        assert_string_equal(what, rows[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_ends_of_each, ""),
        TEST(test_disguises, ""),
        TEST(test_inward_and_nowhere, ""),
        TEST(test_what_is_said, ""),
    };
    return RUN_TESTS(tests);
}
