/* test_address_list.c - networks and lists of them, beside a list that is searched from one
   end to the other. */
#include "model/address.h"

#include "base/number.h"
#include "test.h"

static struct address address_of(const char *text)
{
    struct address address;
    if (!address_parse(span_text(text), &address))
        fail_msg("%s: no address", text);
    return address;
}

static struct network network_of(const char *text)
{
    struct network network;
    if (!network_parse(span_text(text), &network))
        fail_msg("%s: no network", text);
    return network;
}

static void test_networks_are_read_and_written(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "0.0.0.0/0", "0.0.0.0/0" },
        { "10.0.0.0/8", "10.0.0.0/8" },
        { "10.1.2.3", "10.1.2.3/32" },
        { "10.1.2.3/32", "10.1.2.3/32" },
        { "::/0", "::/0" },
        { "::ffff:10.0.0.0/104", "10.0.0.0/8" },
        { "::ffff:0:0/96", "0.0.0.0/0" },
        { "2001:DB8::/32", "2001:db8::/32" },
        { "2001:db8::1", "2001:db8::1/128" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct network network = network_of(rows[i][0]);
        assert_true(network_is_sound(&network));
        char room[ADDRESS_TEXT_ROOM + 1];
        struct sink out = sink_over(room, ADDRESS_TEXT_ROOM);
        network_write(&out, &network);
        assert_true(sink_ok(&out));
        room[out.len] = 0;
        assert_string_equal(room, rows[i][1]);
    }
}

static void test_networks_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0.0/-1",
        "10.0.0.0/8 ",
        "10.0.0.0 /8",
        "10.0.0.0/8/8",
        "10.0.0.0/255.0.0.0",
        "10/8",
        "10.0.0.1/8",
        "10.128.0.0/8",
        "2001:db8::1/32",
        "::/129",
        "::/999999999999999999",
        "::1/127",
        "::ffff:10.0.0.0/8",
        "::ffff:10.0.0.0/95",
        "::ffff:0:0/80",
        "fe80::%1/64",
        "[::]/0",
        "10.0.0.0/0x8",
        "::/ 0",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct network network = { .bits = 77 };
        if (network_parse(span_text(rows[i]), &network))
            fail_msg("\"%s\": accepted", rows[i]);
        assert_int_equal(network.bits, 77);
    }
}

static void test_membership(void **state)
{
    (void)state;
    static const struct {
        const char *network;
        const char *address;
        bool has;
    } rows[] = {
        { "10.0.0.0/8", "10.255.255.255", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "10.0.0.0/8", "::ffff:10.1.1.1", true },
        { "10.0.0.0/8", "::10.1.1.1", false },
        { "::ffff:10.0.0.0/104", "10.1.1.1", true },
        { "0.0.0.0/0", "255.255.255.255", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "10.0.0.1", false },
        { "::/64", "::ffff:10.0.0.1", false },
        { "2001:db8::/33", "2001:db8:7fff::", true },
        { "2001:db8::/33", "2001:db8:8000::", false },
        { "::1", "::1", true },
        { "::1", "::2", false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct network network = network_of(rows[i].network);
        struct address address = address_of(rows[i].address);
        if (network_has(&network, &address) != rows[i].has)
            fail_msg("%s in %s", rows[i].address, rows[i].network);
    }
}

static void test_lists(void **state)
{
    (void)state;
    struct network memory[4];
    struct address_list list = address_list_over(memory, COUNT_OF(memory));
    struct address inside = address_of("10.1.2.3");
    assert_false(address_list_has(&list, &inside));
    static const char *const added[] = { "10.1.0.0/16", "2001:db8::/32", "10.3.0.0/16",
                                         "10.2.0.0/16" };
    for (size_t i = 0; i < COUNT_OF(added); i++) {
        struct network network = network_of(added[i]);
        assert_true(address_list_add(&list, &network));
        assert_true(address_list_is_sound(&list));
    }
    assert_true(address_list_has(&list, &inside));
    struct network fifth = network_of("192.0.2.0/24");
    assert_false(address_list_add(&list, &fifth)); /* full */
    assert_int_equal(list.count, 4);
    struct network covered = network_of("10.1.2.0/24");
    assert_true(address_list_add(&list, &covered)); /* nothing to add */
    assert_int_equal(list.count, 4);
    struct network wide = network_of("10.0.0.0/8"); /* takes the place of three */
    assert_true(address_list_add(&list, &wide));
    assert_int_equal(list.count, 2);
    assert_true(address_list_add(&list, &fifth));
    assert_true(address_list_is_sound(&list));

    struct address_list none = { 0 };
    assert_true(address_list_is_sound(&none));
    assert_false(address_list_has(&none, &inside));
    assert_false(address_list_touches(&none, &wide));
    assert_false(address_list_add(&none, &wide));
}

static void test_touching(void **state)
{
    (void)state;
    struct network memory[4];
    struct address_list list = address_list_over(memory, COUNT_OF(memory));
    struct network a = network_of("2001:db8:1:2::77"), b = network_of("10.0.0.0/8");
    assert_true(address_list_add(&list, &a) && address_list_add(&list, &b));
    static const struct {
        const char *network;
        bool touches;
    } rows[] = {
        { "2001:db8:1:2::/64", true },
        { "2001:db8:1:3::/64", false },
        { "2001:db8:1:2::77", true },
        { "2001:db8:1:2::78", false },
        { "10.1.0.0/16", true },
        { "0.0.0.0/0", true },
        { "11.0.0.0/8", false },
        { "::/0", true },
        { "::/64", false },
        { "8000::/1", false },
        { "9.255.255.255", false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct network network = network_of(rows[i].network);
        if (address_list_touches(&list, &network) != rows[i].touches)
            fail_msg("%s", rows[i].network);
    }
}

/* Networks of a small space, so that many of them meet. */
static struct network any_network(struct test_random *random)
{
    uint64_t word = test_random_next(random);
    struct network network = { .bits = (uint8_t)(ADDRESS_BITS - test_random_below(random, 12)) };
    if (word & 1)
        network.base = address_of("10.0.0.0");
    else
        network.base = address_of(word & 2 ? "::fffe:ffff:ff00" : "2001:db8::");
    network.base.bytes[14] = (uint8_t)(word >> 8 & 0x0f);
    network.base.bytes[15] = (uint8_t)(word >> 16);
    unsigned host = ADDRESS_BITS - network.bits;
    unsigned low = (unsigned)network.base.bytes[14] << 8 | network.base.bytes[15];
    low = low >> host << host;
    network.base.bytes[14] = (uint8_t)(low >> 8);
    network.base.bytes[15] = (uint8_t)low;
    return network;
}

static void test_against_a_plain_list(void **state)
{
    (void)state;
    struct test_random random = { 13 };
    for (unsigned round = 0; round < 300; round++) {
        struct network memory[40], plain[40];
        struct address_list list = address_list_over(memory, COUNT_OF(memory));
        size_t count = test_random_below(&random, COUNT_OF(plain));
        for (size_t i = 0; i < count; i++) {
            plain[i] = any_network(&random);
            assert_true(network_is_sound(&plain[i]));
            assert_true(address_list_add(&list, &plain[i]));
            assert_true(address_list_is_sound(&list));
        }
        for (unsigned asked = 0; asked < 300; asked++) {
            struct network probe = any_network(&random);
            bool has = false, touches = false;
            for (size_t i = 0; i < count; i++) {
                has = has || network_has(&plain[i], &probe.base);
                touches = touches || network_has(&plain[i], &probe.base) ||
                          network_has(&probe, &plain[i].base);
            }
            assert_int_equal(address_list_has(&list, &probe.base), has);
            assert_int_equal(address_list_touches(&list, &probe), touches);
        }
    }
}

static void test_the_largest_list(void **state)
{
    (void)state;
    static struct network memory[ADDRESS_LIST_MAX + 1];
    struct address_list list = address_list_over(memory, COUNT_OF(memory));
    assert_int_equal(list.cap, ADDRESS_LIST_MAX);
    for (unsigned i = 0; i <= ADDRESS_LIST_MAX; i++) {
        struct network network = { .base = address_of("10.0.0.0"), .bits = ADDRESS_BITS };
        unsigned spread = i * 40503u & 0xffffu; /* an odd factor: all of them differ */
        network.base.bytes[14] = (uint8_t)(spread >> 8);
        network.base.bytes[15] = (uint8_t)spread;
        assert_int_equal(address_list_add(&list, &network), i < ADDRESS_LIST_MAX);
    }
    assert_int_equal(list.count, ADDRESS_LIST_MAX);
    assert_true(address_list_is_sound(&list));
}

static void test_lists_as_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        size_t count;
    } rows[] = {
        { "", true, 0 },
        { "192.0.2.7", true, 1 },
        { " 192.0.2.7 , 2001:db8::/32,10.0.0.0/8 ", true, 3 },
        { "10.0.0.0/8,10.1.0.0/16", true, 1 },
        { ",", false, 0 },
        { "192.0.2.7,", false, 1 },
        { "192.0.2.7,,192.0.2.8", false, 1 },
        { "192.0.2.7 192.0.2.8", false, 0 },
        { "192.0.2.7;192.0.2.8", false, 0 },
        { "10.0.0.1/8", false, 0 },
        { "localhost", false, 0 },
        { " ", false, 0 },
        { "1.1.1.1,1.1.1.3,1.1.1.5,1.1.1.7,1.1.1.9", false, 4 }, /* no room */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct network memory[4];
        struct address_list list = address_list_over(memory, COUNT_OF(memory));
        if (address_list_read(&list, span_text(rows[i].text)) != rows[i].good)
            fail_msg("\"%s\"", rows[i].text);
        assert_int_equal(list.count, rows[i].count);
        assert_true(address_list_is_sound(&list));
    }
}

static void test_what_is_not_sound(void **state)
{
    (void)state;
    struct network memory[2] = { network_of("10.0.0.0/8"), network_of("10.1.0.0/16") };
    struct address_list list = { memory, 2, 2 };
    assert_false(address_list_is_sound(&list)); /* one inside another */
    memory[1] = network_of("9.0.0.0/8");
    assert_false(address_list_is_sound(&list)); /* out of order */
    memory[1] = network_of("11.0.0.0/8");
    assert_true(address_list_is_sound(&list));
    memory[1].base.bytes[15] = 1;
    assert_false(address_list_is_sound(&list)); /* bits after the network's */
    memory[1] = (struct network){ address_of("11.0.0.0"), 64 };
    assert_false(address_list_is_sound(&list)); /* v4 and more */
    list = (struct address_list){ memory, 2, 1 };
    assert_false(address_list_is_sound(&list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_networks_are_read_and_written, ""),
        TEST(test_networks_refused, ""),
        TEST(test_membership, "SW-4"),
        TEST(test_lists, ""),
        TEST(test_touching, ""),
        TEST(test_against_a_plain_list, ""),
        TEST(test_the_largest_list, ""),
        TEST(test_lists_as_text, ""),
        TEST(test_what_is_not_sound, ""),
    };
    return RUN_TESTS(tests);
}
