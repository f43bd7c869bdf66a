/* test_reach.c - who is reached, under which address, on which port, and who is not. */
#include "job/reach_bench.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"

static const struct reach_name *find(struct reach *reach, const char *name)
{
    enum reach_rule why = REACH_RULES;
    const struct reach_name *found = reach_find_name(reach, span_text(name), &why);
    assert_true(reach_is_sound(reach));
    assert_true(found != NULL || why == REACH_NAME || why == REACH_PLACES);
    return found;
}

static const struct reach_name *at(const struct reach *reach, const char *text)
{
    struct address address = address_at(text);
    return reach_by_address(reach, &address);
}

static bool allows(const struct reach *reach, const struct reach_name *name, uint16_t port,
                   bool udp)
{
    assert_non_null(name);
    return reach_allows(reach, name, &(struct job_port){ port, udp });
}

static void test_names_and_their_addresses(void **state)
{
    (void)state;
    struct reach reach = reach_of(
        START WHITELIST "hosts = ['A.example', 'b.example']\nports = [443, '53/udp']\n" NETWORK
                        "allowed_hosts = ['c.example', 'a.example']\nallowed_ports = [80]\n");
    static const char *const names[] = { "a.example", "b.example", "c.example" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        uint8_t v4[4], v6[16];
        const struct reach_name *name = find(&reach, names[i]);
        assert_non_null(name);
        assert_int_equal(name->number, i + 1);
        const uint8_t want[4] = { 198, 18, 0, (uint8_t)(i + 1) };
        assert_span_equal(reach_v4(name, v4), SPAN(want));
        const uint8_t want6[16] = { 0xfd, 0, 0, 0x18, [15] = (uint8_t)(i + 1) };
        assert_span_equal(reach_v6(name, v6), SPAN(want6));
        struct address is = address_of_v4(v4), six = address_of_v6(v6);
        assert_ptr_equal(reach_by_address(&reach, &is), name);
        assert_ptr_equal(reach_by_address(&reach, &six), name);
    }
    assert_ptr_equal(find(&reach, "A.EXAMPLE"), find(&reach, "a.example"));
    assert_int_equal(reach.name_count, 3);
    assert_int_equal(reach.port_count, 3);
}

static void test_addresses_that_nobody_has(void **state)
{
    (void)state;
    struct reach reach = reach_of(START NETWORK "allowed_hosts = ['a.example', '5.5.5.5']\n"
                                                "allowed_ports = [443]\n");
    static const char *const rows[] = {
        "198.18.0.0", "198.18.0.2",     "198.19.0.1",       "198.18.1.1",
        "198.17.0.1", "198.20.0.1",     "127.0.0.1",        "::1",
        "5.5.5.4",    "::5.5.5.5",      "64:ff9b::5.5.5.5", "fd00:18::",
        "fd00:18::2", "fd00:18::1:1",   "fd00:18::1:0:1",   "fd00:18:1::1",
        "fd00:19::1", "fd00:18::100:0", "fd00:18::ff00:1",  "0.0.0.0",
        "::",         "255.255.255.255"
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (at(&reach, rows[i]) != NULL)
            fail_msg("%s", rows[i]);
    }
    assert_non_null(at(&reach, "198.18.0.1"));
    assert_non_null(at(&reach, "::ffff:198.18.0.1"));
    assert_non_null(at(&reach, "fd00:18::1"));
    assert_non_null(at(&reach, "5.5.5.5"));
}

/* Each list has its own ports: one that is in both has both, and no other is lent any. */
static void test_ports_of_each_list(void **state)
{
    (void)state;
    struct reach reach = reach_of(
        START WHITELIST
        "hosts = ['both.example', 'one.example', '5.5.5.5', '*.w.example']\n"
        "ports = [443, '53/udp']\n" NETWORK
        "allowed_hosts = ['both.example', 'two.example', '6.6.6.6', 'x.w.example']\n"
        "allowed_ports = [80, 53]\n");
    static const struct {
        const char *name;
        bool https, dns_udp, http, dns_tcp;
    } rows[] = {
        { "both.example", true, true, true, true },
        { "one.example", true, true, false, false },
        { "two.example", false, false, true, true },
        { "x.w.example", true, true, true,
          true }, /* by the wildcard of one, by name of the other */
        { "y.w.example", true, true, false, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct reach_name *name = find(&reach, rows[i].name);
        if (allows(&reach, name, 443, false) != rows[i].https ||
            allows(&reach, name, 53, true) != rows[i].dns_udp ||
            allows(&reach, name, 80, false) != rows[i].http ||
            allows(&reach, name, 53, false) != rows[i].dns_tcp)
            fail_msg("%s", rows[i].name);
        assert_false(allows(&reach, name, 443, true)); /* QUIC is another port */
        assert_false(allows(&reach, name, 444, false));
        assert_false(allows(&reach, name, 0, false));
    }
    assert_true(allows(&reach, at(&reach, "5.5.5.5"), 443, false));
    assert_false(allows(&reach, at(&reach, "5.5.5.5"), 80, false));
    assert_false(allows(&reach, at(&reach, "6.6.6.6"), 443, false));
    assert_int_equal(reach.port_count, 4);
}

static void test_names_that_are_not_allowed(void **state)
{
    (void)state;
    struct reach reach = reach_of(START NETWORK "allowed_hosts = ['a.example', '*.w.example', "
                                                "'5.5.5.5', 'localhost', 'x.localhost']\n");
    static const char *const rows[] = {
        "",
        ".",
        "a",
        "example",
        "b.example",
        "a.example.",
        "aa.example",
        "a.example.a",
        "x.a.example",
        "w.example",
        ".w.example",
        "*.w.example",
        "a.b.w.example",
        "xw.example",
        "w.example.w",
        "-.w.example",
        "5.5.5.5",
        "localhost",
        "LOCALHOST",
        "x.localhost",
        "w.example.evil",
        "a.w.example.evil",
        "a_example",
        "198.18.0.1",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (find(&reach, rows[i]) != NULL)
            fail_msg("\"%s\" is allowed", rows[i]);
    }
    enum reach_rule why;
    assert_null(reach_find_name(&reach, span_of("a.example\0", 10), &why));
    assert_int_equal(why, REACH_NAME);
    assert_int_equal(reach.name_count, 1);
}

static void test_a_wildcard(void **state)
{
    (void)state;
    struct reach reach = reach_of(START NETWORK "allowed_hosts = ['*.w.example', 'a.example']\n"
                                                "allowed_ports = [443]\n");
    assert_null(at(&reach, "198.18.0.2"));
    const struct reach_name *x = find(&reach, "X.w.Example");
    assert_non_null(x);
    assert_true(span_equal_text(x->name, "x.w.example"));
    assert_int_equal(x->number, 2);
    assert_ptr_equal(find(&reach, "x.w.example"), x);
    assert_ptr_equal(at(&reach, "198.18.0.2"), x);
    assert_true(allows(&reach, x, 443, false));
    assert_non_null(find(&reach, "xn--bcher-kva.w.example"));
    assert_non_null(find(&reach, "_srv.w.example"));
    assert_int_equal(reach.name_count, 4);
}

/* Whoever asks for one name after the other gets so many, and what was given stays. */
static void test_more_names_than_places(void **state)
{
    (void)state;
    struct reach reach = reach_of(START NETWORK "allowed_hosts = ['*.w.example', 'a.example']\n");
    const struct reach_name *first = find(&reach, "x0.w.example");
    char text[32];
    for (size_t i = 1; i < REACH_NAMES_MAX - 1; i++) {
        snprintf(text, sizeof text, "x%zu.w.example", i);
        assert_non_null(find(&reach, text));
    }
    assert_int_equal(reach.name_count, REACH_NAMES_MAX);
    enum reach_rule why = REACH_NAME;
    assert_null(reach_find_name(&reach, span_text("more.w.example"), &why));
    assert_int_equal(why, REACH_PLACES);
    assert_null(reach_find_name(&reach, span_text("b.example"), &why));
    assert_int_equal(why, REACH_NAME);
    assert_ptr_equal(find(&reach, "x0.w.example"), first);
    assert_non_null(find(&reach, text));
    assert_non_null(at(&reach, "198.18.4.0")); /* the 1024th */
    assert_null(at(&reach, "198.18.4.1"));
}

static void test_without_memory(void **state)
{
    (void)state;
    static struct toml_problems problems;
    assert_true(
        job_spec_load(span_text(START NETWORK "allowed_hosts = ['*.w.example', '5.5.5.5']\n"),
                      &arena, &spec, &problems));
    static uint8_t memory[256 << 10];
    size_t least = 0;
    for (size_t len = 0; least == 0; len += 16) {
        struct arena small = arena_over(memory, len);
        struct reach reach = { .number = 7 };
        enum reach_rule why = REACH_NAME;
        if (!reach_make(&spec, &small, &reach)) {
            assert_int_equal(reach.number, 7);
            continue;
        }
        least = len;
        for (char text[] = "a.w.example"; text[0] <= 'z' && why == REACH_NAME; text[0]++) {
            if (reach_find_name(&reach, span_text(text), &why) == NULL)
                break;
        }
        assert_int_equal(why, REACH_PLACES);
        assert_true(reach_is_sound(&reach));
    }
    assert_true(least > 0);
}

static void test_listed_addresses(void **state)
{
    (void)state;
    struct reach reach = reach_of(
        START NETWORK "allowed_hosts = ['5.5.5.5', '::ffff:5.5.5.5', '2A00:0::0:1', '2a00::1', "
                      "'10.0.0.1', '198.18.0.2', 'fd00:18::3', 'a.example', 'b.example']\n"
                      "allowed_ports = [443]\n");
    uint8_t room[16];
    assert_int_equal(reach.listed_count, 5); /* another spelling is no other address */
    const struct reach_name *four = at(&reach, "5.5.5.5"), *six = at(&reach, "2a00::1");
    assert_int_equal(reach_v4(four, room).len, 4);
    assert_int_equal(room[0], 5);
    assert_int_equal(reach_v6(four, room).len, 0);
    assert_int_equal(reach_v4(six, room).len, 0);
    assert_int_equal(reach_v6(six, room).len, 16);
    assert_true(span_equal_text(six->name, "2a00::1"));
    /* What is listed is met at itself, and no name is given that address. */
    assert_true(span_equal_text(at(&reach, "198.18.0.2")->name, "198.18.0.2"));
    assert_true(span_equal_text(at(&reach, "fd00:18::3")->name, "fd00:18::3"));
    assert_int_equal(find(&reach, "a.example")->number, 1);
    assert_int_equal(find(&reach, "b.example")->number, 4);
}

/* The sandbox's own is never the fence's: outside, the same address would be the host. */
static void test_the_sandbox_itself(void **state)
{
    (void)state;
    static const char *const own[] = { "localhost",       "127.0.0.1",  "127.0.0.2",
                                       "127.255.255.255", "::1",        "::ffff:127.0.0.1",
                                       "::ffff:7f00:1",   "0.0.0.0",    "::",
                                       "0.0.0.1",         "a.localhost" };
    static const char *const nowhere[] = { "224.0.0.1", "255.255.255.255", "240.0.0.1", "ff02::1" };
    for (size_t i = 0; i < COUNT_OF(own) + COUNT_OF(nowhere); i++) {
        const char *text = i < COUNT_OF(own) ? own[i] : nowhere[i - COUNT_OF(own)];
        char toml[512];
        struct address address;
        snprintf(toml, sizeof toml, START NETWORK "allowed_hosts = ['%s']\n", text);
        struct reach reach = reach_of(toml);
        if (!reach_is_nothing(&reach) || reach.listed_count != 0 || reach.name_count != 0)
            fail_msg("%s", text);
        if (address_parse(span_text(text), &address)) {
            assert_null(reach_by_address(&reach, &address));
            assert_false(reach_leads(&reach, &address, &(struct job_port){ 80, false }));
        }
    }
}

/* PC-43's default: nothing of the list is outside. */
static void test_the_default(void **state)
{
    (void)state;
    struct reach reach = reach_of(START);
    assert_true(reach_is_nothing(&reach));
    assert_null(find(&reach, "localhost"));
    assert_null(at(&reach, "127.0.0.1"));
    assert_null(at(&reach, "10.0.2.2"));
}

static const char of_whitelist[] = START WHITELIST
    "hosts = ['a.example', '*.w.example', '5.5.5.5']\nports = [443]\n" NETWORK
    "allowed_hosts = []\n";
static const char of_allowed[] = START NETWORK
    "allowed_hosts = ['a.example', '*.w.example', '5.5.5.5']\nallowed_ports = [443]\n";

static void test_nothing_where_nothing_may_go_out(void **state)
{
    (void)state;
    static const char *const rows[] = {
        START WHITELIST "hosts = ['a.example', '5.5.5.5']\nports = [443]\n" NETWORK
                        "allow_outbound = false\nallowed_hosts = ['b.example', '*.w.example']\n",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct reach reach = reach_of(rows[i]);
        if (!reach_is_nothing(&reach) || find(&reach, "a.example") != NULL ||
            find(&reach, "b.example") != NULL || find(&reach, "x.w.example") != NULL ||
            at(&reach, "5.5.5.5") != NULL || at(&reach, "198.18.0.1") != NULL)
            fail_msg("row %zu", i);
    }
    /* The reader refuses half a list; one that came in another way allows nothing. */
    for (size_t i = 0; i < 4; i++) {
        struct reach whole = reach_of(i < 2 ? of_whitelist : of_allowed);
        assert_int_equal(whole.port_count, 1);
        struct job_allowance *list = i < 2 ? &spec.resources.whitelist : &spec.network.allowed;
        *(i % 2 == 0 ? &list->ports.count : &list->hosts.count) = 0;
        struct reach half;
        assert_true(reach_make(&spec, &arena, &half));
        assert_true(reach_is_nothing(&half) && find(&half, "a.example") == NULL &&
                    find(&half, "x.w.example") == NULL && at(&half, "5.5.5.5") == NULL);
    }
}

/* A list that is the sandbox's own has ports that nothing outside listens on. */
static void test_ports_that_are_listened_on(void **state)
{
    (void)state;
    struct reach reach = reach_of(START WHITELIST
                                  "hosts = ['a.example']\nports = [443, '443/tcp']\n");
    assert_int_equal(reach.port_count, 1); /* not the 80, 3000, 9080.. of localhost */
    assert_int_equal(reach.ports[0].number, 443);
}

/* Where an allowed name may lead. */
static void test_where_names_lead(void **state)
{
    (void)state;
    struct reach reach = reach_of(
        START WHITELIST
        "hosts = ['10.0.0.1', '169.254.169.254']\nports = [443]\n" NETWORK
        "allowed_hosts = ['a.example', 'localhost', '127.0.0.1', '::1', '192.168.1.1']\n"
        "allowed_ports = [80]\n");
    static const struct {
        const char *address;
        uint16_t port;
        bool may;
    } rows[] = {
        { "5.5.5.5", 443, true },
        { "2a00::1", 80, true },
        { "10.0.0.1", 443, true },
        { "10.0.0.1", 80, false },
        { "10.0.0.2", 443, false },
        { "192.168.1.1", 80, true },
        { "192.168.1.1", 443, false },
        { "169.254.169.254", 443, true },
        { "169.254.169.254", 80, false },
        { "127.0.0.1", 80, false },
        { "::1", 80, false },
        { "::ffff:127.0.0.1", 80, false },
        { "::ffff:10.0.0.1", 443, true },
        { "64:ff9b::10.0.0.1", 443, false },
        { "2002:a00:1::", 443, false },
        { "198.18.0.1", 443, false },
        { "fd00:18::1", 443, false },
        { "0.0.0.0", 443, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct address address = address_at(rows[i].address);
        struct job_port port = { rows[i].port, false };
        if (reach_leads(&reach, &address, &port) != rows[i].may)
            fail_msg("%s on %u", rows[i].address, rows[i].port);
    }
    struct address address = address_at("10.0.0.1");
    assert_false(reach_leads(&reach, &address, &(struct job_port){ 443, true }));
}

static void test_what_is_localhost(void **state)
{
    (void)state;
    assert_true(reach_is_localhost(span_text("localhost")));
    assert_true(reach_is_localhost(span_text("LocalHost")));
    assert_true(reach_is_localhost(span_text("a.b.localhost")));
    assert_false(reach_is_localhost(span_text("xlocalhost")));
    assert_false(reach_is_localhost(span_text("localhost.example")));
    assert_false(reach_is_localhost(span_text("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names_and_their_addresses, ""),
        TEST(test_addresses_that_nobody_has, ""),
        TEST(test_ports_of_each_list, ""),
        TEST(test_names_that_are_not_allowed, ""),
        TEST(test_a_wildcard, ""),
        TEST(test_more_names_than_places, ""),
        TEST(test_without_memory, ""),
        TEST(test_listed_addresses, ""),
        TEST(test_the_sandbox_itself, ""),
        TEST(test_the_default, ""),
        TEST(test_nothing_where_nothing_may_go_out, ""),
        TEST(test_ports_that_are_listened_on, ""),
        TEST(test_where_names_lead, ""),
        TEST(test_what_is_localhost, ""),
    };
    return cmocka_run_group_tests(tests, start, end);
}
