/* test_reach.c - which addresses a name may lead to: each edge of each special network. */
#include "admit/reach.h"

#include "test.h"

static const struct {
    const char *address;
    enum reach reach;
} rows[] = {
    { "0.0.0.0", REACH_NEVER },
    { "0.255.255.255", REACH_NEVER },
    { "1.0.0.0", REACH_OUTWARD },
    { "9.255.255.255", REACH_OUTWARD },
    { "10.0.0.0", REACH_INWARD },
    { "10.255.255.255", REACH_INWARD },
    { "11.0.0.0", REACH_OUTWARD },
    { "100.63.255.255", REACH_OUTWARD },
    { "100.64.0.0", REACH_INWARD },
    { "100.127.255.255", REACH_INWARD },
    { "100.128.0.0", REACH_OUTWARD },
    { "127.0.0.1", REACH_INWARD },
    { "127.255.255.255", REACH_INWARD },
    { "128.0.0.0", REACH_OUTWARD },
    { "169.253.255.255", REACH_OUTWARD },
    { "169.254.169.254", REACH_NEVER },
    { "169.255.0.0", REACH_OUTWARD },
    { "172.15.255.255", REACH_OUTWARD },
    { "172.16.0.0", REACH_INWARD },
    { "172.31.255.255", REACH_INWARD },
    { "172.32.0.0", REACH_OUTWARD },
    { "192.167.255.255", REACH_OUTWARD },
    { "192.168.0.1", REACH_INWARD },
    { "192.169.0.0", REACH_OUTWARD },
    { "198.17.255.255", REACH_OUTWARD },
    { "198.18.0.0", REACH_INWARD },
    { "198.19.255.255", REACH_INWARD },
    { "198.20.0.0", REACH_OUTWARD },
    { "223.255.255.255", REACH_OUTWARD },
    { "224.0.0.1", REACH_NEVER },
    { "255.255.255.255", REACH_NEVER },
    { "::", REACH_NEVER },
    { "::1", REACH_INWARD },
    { "::2", REACH_NEVER },
    { "2001:db8::1", REACH_OUTWARD },
    { "fbff::1", REACH_OUTWARD },
    { "fc00::1", REACH_INWARD },
    { "fd00:ec2::254", REACH_INWARD },
    { "fe00::1", REACH_OUTWARD },
    { "fe80::1", REACH_NEVER },
    { "febf::1", REACH_NEVER },
    { "fec0::1", REACH_INWARD },
    { "ff02::1", REACH_NEVER },
    { "::ffff:127.0.0.1", REACH_INWARD },
    { "::ffff:8.8.8.8", REACH_OUTWARD },
    { "::ffff:169.254.169.254", REACH_NEVER },
    { "64:ff9b::7f00:1", REACH_INWARD },
    { "64:ff9b::a9fe:a9fe", REACH_NEVER },
    { "64:ff9b::808:808", REACH_OUTWARD },
    { "64:ff9b:1::808:808", REACH_NEVER },
    { "2002:7f00:1::", REACH_INWARD },
    { "2002:a9fe:a9fe::1", REACH_NEVER },
    { "2002:808:808::1", REACH_OUTWARD },
};

static void every_edge(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address address;
        assert_true(address_parse(span_text(rows[i].address), &address));
        if (address_reach(&address) != rows[i].reach)
            fail_msg("%s", rows[i].address);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_edge, ""),
    };
    return RUN_TESTS(tests);
}
