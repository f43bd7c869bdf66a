/* test_resolve.c - names and addresses, against name servers that answer, lie or say nothing.
   All of them are on loopback. */
#include "name_server.h"
#include "net/resolve.h"

static struct addresses found;
static const char *why;

/* Milliseconds that a look-up took; *ok says what it returned. */
static int64_t look_up(const char *host, const char *servers, int64_t within, bool *ok)
{
    int64_t before = clock_monotonic_ms();
    const struct resolve_request request = { host, "4433", servers, before + within };
    found = (struct addresses){ .count = 99 };
    why = "untouched";
    size_t open_before = net_descriptors();
    *ok = resolve_host(&request, &found, &why);
    assert_int_equal(net_descriptors(), open_before);
    assert_int_equal(*ok, found.count != 99);
    return clock_monotonic_ms() - before;
}

static void test_addresses_are_not_asked_for(void **state)
{
    (void)state;
    struct name_server server = { .manner = NAMES_SILENT };
    name_server_start(&server);
    static const char *const hosts[] = { "127.0.0.1", "::1", "0.0.0.0", "fd00::1:2" };
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        bool ok;
        assert_true(look_up(hosts[i], server.address, 3000, &ok) < 1000);
        assert_true(ok);
        assert_int_equal(found.count, 1);
        bool six = strchr(hosts[i], ':') != NULL;
        assert_int_equal(found.at[0].ss_family, six ? AF_INET6 : AF_INET);
        /* At the same place in both families. */
        assert_int_equal(((struct sockaddr_in *)&found.at[0])->sin_port, htons(4433));
    }
    name_server_stop(&server);
}

static void test_a_name_has_its_addresses(void **state)
{
    (void)state;
    static const struct {
        uint8_t count, kept;
    } rows[] = {
        { 1, 1 }, { 2, 2 }, { ADDRESSES_MAX, ADDRESSES_MAX }, { ADDRESSES_MAX + 1, ADDRESSES_MAX }
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct name_server server = { .manner = NAMES_ANSWERED,
                                      .first = 2,
                                      .count = rows[i].count };
        bool ok;
        name_server_start(&server);
        look_up("peer.test", server.address, 5000, &ok);
        name_server_stop(&server);
        assert_true(ok);
        assert_int_equal(found.count, rows[i].kept);
        for (size_t k = 0; k < found.count; k++) {
            const struct sockaddr_in *at = (const struct sockaddr_in *)&found.at[k];
            assert_int_equal(at->sin_family, AF_INET);
            assert_int_equal(at->sin_port, htons(4433));
            assert_int_equal(ntohl(at->sin_addr.s_addr) >> 8, 0x7f0000);
        }
    }
}

/* Whatever a server does, the deadline holds. */
static void test_the_deadline_holds(void **state)
{
    (void)state;
    static const struct {
        enum name_server_manner manner;
        int64_t within;
        bool ok;
        bool late;
        const char *says;
    } rows[] = {
        { NAMES_SILENT, 300, false, true, "took too long" },
        { NAMES_RUBBISH, 300, false, false, "" },
        { NAMES_FORGED, 300, false, true, "took too long" },
        { NAMES_TRUNCATED, 300, false, true, "took too long" },
        { NAMES_UNKNOWN, 5000, false, false, "not found" },
        { NAMES_LATE, 100, false, true, "took too long" },
        { NAMES_LATE, 5000, true, false, "untouched" },
        { NAMES_ANSWERED, 0, false, true, "took too long" },
        { NAMES_ANSWERED, -1000, false, true, "took too long" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct name_server server = { .manner = rows[i].manner, .first = 2, .count = 1 };
        bool ok;
        name_server_start(&server);
        int64_t took = look_up("peer.test", server.address, rows[i].within, &ok);
        name_server_stop(&server);
        int64_t within = rows[i].within < 0 ? 0 : rows[i].within;
        if (ok != rows[i].ok || strstr(why, rows[i].says) == NULL || took > within + 1500 ||
            (rows[i].late && took < within))
            fail_msg("row %zu: %d after %lld ms: %s", i, ok, (long long)took, why);
    }
}

static void test_a_silent_server_is_left_for_the_next(void **state)
{
    (void)state;
    struct name_server silent = { .manner = NAMES_SILENT };
    struct name_server good = { .manner = NAMES_ANSWERED, .first = 2, .count = 1 };
    char both[80];
    bool ok;
    name_server_start(&silent);
    name_server_start(&good);
    snprintf(both, sizeof both, "%s,%s", silent.address, good.address);
    int64_t took = look_up("peer.test", both, 9000, &ok);
    name_server_stop(&silent);
    name_server_stop(&good);
    assert_true(ok);
    assert_true(took < 8000);
}

static void test_what_is_no_name_or_no_server(void **state)
{
    (void)state;
    struct name_server server = { .manner = NAMES_UNKNOWN };
    char label[80], longest[400];
    bool ok;
    memset(label, 'a', sizeof label);
    label[sizeof label - 1] = 0;
    memset(longest, 'a', sizeof longest);
    for (size_t i = 60; i < sizeof longest; i += 60)
        longest[i] = '.';
    longest[sizeof longest - 1] = 0;
    name_server_start(&server);
    const char *const hosts[] = { "a..test",   ".test",    "..",       label,      longest,
                                  "1.2.3.4.5", "\xff\x01", "a b.test", "256.1.1.1" };
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        assert_true(look_up(hosts[i], server.address, 3000, &ok) < 3000);
        assert_false(ok);
        assert_string_not_equal(why, "untouched");
    }
    name_server_stop(&server);
    static const char *const servers[] = { "nonsense", "127.0.0.1:x" };
    for (size_t i = 0; i < COUNT_OF(servers); i++) {
        look_up("peer.test", servers[i], 300, &ok);
        assert_false(ok);
    }
}

/* It asks those servers and no others, over and over; what are none opens nothing. */
static void test_a_resolver_of_its_own_servers(void **state)
{
    (void)state;
    struct name_server server = { .manner = NAMES_ANSWERED, .first = 2, .count = 1 };
    struct resolver resolver = { 0 };
    const char *fault;
    size_t open_before = net_descriptors();
    assert_false(resolver_open_at("nonsense", &resolver));
    assert_false(resolver_open_at("127.0.0.1:x", &resolver));
    assert_null(resolver.channel);
    name_server_start(&server);
    assert_true(resolver_open_at(server.address, &resolver));
    for (int i = 0; i < 2; i++) {
        const struct resolve_request request = { .host = "peer.test",
                                                 .port = "1",
                                                 .deadline_ms = clock_monotonic_ms() + 5000,
                                                 .resolver = &resolver };
        found.count = 0;
        assert_true(resolve_host(&request, &found, &fault));
        assert_int_equal(found.count, 1);
    }
    resolver_close(&resolver);
    name_server_stop(&server);
    assert_int_equal(net_descriptors(), open_before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_addresses_are_not_asked_for, ""),
        TEST(test_a_name_has_its_addresses, ""),
        TEST(test_the_deadline_holds, ""),
        TEST(test_a_silent_server_is_left_for_the_next, ""),
        TEST(test_what_is_no_name_or_no_server, ""),
        TEST(test_a_resolver_of_its_own_servers, ""),
    };
    return RUN_TESTS(tests);
}
