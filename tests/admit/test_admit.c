/* test_admit.c - the whole door: which refusal a newcomer gets, in which order, and what it is
   charged. */
#include "admit/admit.h"

#include <string.h>

#include "base/number.h"
#include "test.h"

static const uint8_t secret[SIPHASH_KEY_LEN] = { 4, 2 };

struct fixture {
    struct arena arena;
    struct admit_table connects, requests, sites;
    struct conn_table conns;
    struct gcra all;
    struct gcra_rate all_rate;
    _Alignas(8) uint8_t ban_memory[4096];
    struct ban_table bans;
    struct network memory[3][4];
    struct address_list allow, deny, proxies;
    struct admit admit;
};

static struct address of(const char *text)
{
    struct address address;
    if (!address_parse(span_text(text), &address))
        fail_msg("%s: no address", text);
    return address;
}

static void list(struct address_list *list, const char *text)
{
    struct network network;
    assert_true(network_parse(span_text(text), &network));
    assert_true(address_list_add(list, &network));
}

/* Connections: 2 at once, one a second. Requests: 3 at once; a /48: 5; all: 8. */
static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    arena_init(&f->arena, 1 << 20);
    struct gcra_rate connects, requests, sites;
    assert_true(gcra_rate_of(1, 1000000, 2, &connects));
    assert_true(gcra_rate_of(1, 1000000, 3, &requests));
    assert_true(gcra_rate_of(1, 1000000, 5, &sites));
    assert_true(gcra_rate_of(1, 1000000, 8, &f->all_rate));
    assert_true(admit_table_init(&f->connects, &f->arena, 64, &connects, secret));
    assert_true(admit_table_init(&f->requests, &f->arena, 64, &requests, secret));
    assert_true(admit_table_init(&f->sites, &f->arena, 64, &sites, secret));
    struct conn_limits limits = { .total = 4, .half = 2, .peer = 3, .peer_half = 2 };
    assert_true(conn_table_init(&f->conns, &f->arena, &limits, secret));
    assert_true(ban_table_init(&f->bans, f->ban_memory, 4, secret));
    f->allow = address_list_over(f->memory[0], 4);
    f->deny = address_list_over(f->memory[1], 4);
    f->proxies = address_list_over(f->memory[2], 4);
    f->admit = (struct admit){ &f->allow,    &f->deny,  &f->proxies, &f->bans.view, &f->connects,
                               &f->requests, &f->sites, &f->all,     &f->all_rate,  &f->conns };
}

static void end(struct fixture *f)
{
    assert_true(admit_table_is_sound(&f->connects) && admit_table_is_sound(&f->requests) &&
                admit_table_is_sound(&f->sites) && conn_table_is_sound(&f->conns) &&
                ban_table_is_sound(&f->bans) && gcra_is_sound(&f->all, &f->all_rate));
    arena_fini(&f->arena);
}

static enum reason connect_from(struct fixture *f, const char *text, uint64_t now,
                                struct conn *conn)
{
    struct address address = of(text);
    struct admission answer = admit_connection(&f->admit, &address, now, conn);
    assert_int_equal(answer.admitted, answer.reason == REASON_NONE);
    assert_int_equal(answer.admitted, conn->state == CONN_HALF);
    return answer.reason;
}

static enum reason ask_from(struct fixture *f, const char *text, uint64_t now)
{
    struct address address = of(text);
    struct admission answer = admit_request(&f->admit, &address, 1, now);
    assert_int_equal(answer.admitted, answer.reason == REASON_NONE);
    return answer.reason;
}

static void test_lists(void **state)
{
    (void)state;
    struct fixture f;
    struct conn conn;
    begin(&f);
    list(&f.deny, "192.0.2.0/25");
    assert_int_equal(connect_from(&f, "192.0.2.1", 5, &conn), REASON_ADMIT_ADDRESS_DENIED);
    assert_int_equal(connect_from(&f, "::ffff:192.0.2.1", 5, &conn), REASON_ADMIT_ADDRESS_DENIED);
    assert_int_equal(ask_from(&f, "192.0.2.1", 5), REASON_ADMIT_ADDRESS_DENIED);
    assert_int_equal(connect_from(&f, "192.0.2.200", 5, &conn), REASON_NONE);
    list(&f.allow, "192.0.2.0/24"); /* deny wins */
    assert_int_equal(connect_from(&f, "192.0.2.1", 5, &conn), REASON_ADMIT_ADDRESS_DENIED);
    assert_int_equal(connect_from(&f, "192.0.2.201", 5, &conn), REASON_NONE);
    assert_int_equal(connect_from(&f, "203.0.113.1", 5, &conn), REASON_ADMIT_ADDRESS_DENIED);
    assert_int_equal(ask_from(&f, "203.0.113.1", 5), REASON_ADMIT_ADDRESS_DENIED);
    end(&f);
}

static void test_bans(void **state)
{
    (void)state;
    struct fixture f;
    struct conn conn;
    struct address peer = of("192.0.2.1");
    begin(&f);
    assert_int_equal(ban_offend(&f.bans, &peer, OFFENCE_CRASH, 5), BAN_BEGUN);
    assert_int_equal(connect_from(&f, "192.0.2.1", 6, &conn), REASON_ADMIT_BANNED);
    assert_int_equal(ask_from(&f, "192.0.2.1", 6), REASON_ADMIT_BANNED);
    struct admission answer = admit_request(&f.admit, &peer, 1, 6);
    assert_int_equal(answer.retry_us, 90 * 1000000 - 1);
    assert_int_equal(ask_from(&f, "192.0.2.1", 6 + answer.retry_us), REASON_NONE);
    assert_int_equal(ban_impose(&f.bans, &peer, UINT64_MAX, 7), BAN_LONGER);
    assert_int_equal(admit_request(&f.admit, &peer, 1, 8).retry_us, 0);
    end(&f);
}

static void test_rates(void **state)
{
    (void)state;
    struct fixture f;
    struct conn conn;
    begin(&f);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(connect_from(&f, "192.0.2.1", 5, &conn), REASON_NONE);
        conn_closed(&f.conns, &conn);
    }
    assert_int_equal(connect_from(&f, "192.0.2.1", 5, &conn), REASON_ADMIT_RATE_LIMITED);
    assert_int_equal(f.conns.open, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ask_from(&f, "192.0.2.1", 5), REASON_NONE);
    struct address peer = of("192.0.2.1");
    struct admission answer = admit_request(&f.admit, &peer, 1, 5);
    assert_int_equal(answer.reason, REASON_ADMIT_RATE_LIMITED);
    assert_int_equal(answer.retry_us, 1000000);
    assert_int_equal(ask_from(&f, "192.0.2.1", 5 + 1000000), REASON_NONE);
    assert_int_equal(f.sites.now_us, 0); /* v4 has no /48 */
    end(&f);
}

/* A dear request takes as much of each rate as its cost says, and a refused one of none. */
static void test_costs(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct address peer = of("2001:db8::1"), other = of("2001:db8:0:1::1");
    assert_true(admit_request(&f.admit, &peer, 2, 5).admitted);
    struct admission answer = admit_request(&f.admit, &peer, 2, 5);
    assert_int_equal(answer.reason, REASON_ADMIT_RATE_LIMITED);
    assert_int_equal(answer.retry_us, 1000000);
    assert_true(admit_request(&f.admit, &peer, 1, 5).admitted);
    assert_true(admit_request(&f.admit, &other, 2, 5).admitted); /* the /48 has no more */
    assert_int_equal(admit_request(&f.admit, &other, 1, 5).reason, REASON_ADMIT_RATE_LIMITED);
    struct address four = of("192.0.2.7");
    assert_true(admit_request(&f.admit, &four, 3, 5).admitted); /* and now all have none */
    struct address last = of("192.0.2.8");
    assert_int_equal(admit_request(&f.admit, &last, 1, 5).reason, REASON_ADMIT_RATE_LIMITED);
    end(&f);
}

/* One who rotates through the /64s of a /48 meets the rate of the /48; v4 does not. */
static void test_sites(void **state)
{
    (void)state;
    static const char *const rotated[] = { "2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:3::1",
                                           "2001:db8:1:4::1", "2001:db8:1:5::1" };
    struct fixture f;
    begin(&f);
    for (size_t i = 0; i < COUNT_OF(rotated); i++)
        assert_int_equal(ask_from(&f, rotated[i], 5), REASON_NONE);
    assert_int_equal(ask_from(&f, "2001:db8:1:6::1", 5), REASON_ADMIT_RATE_LIMITED);
    assert_int_equal(ask_from(&f, "2001:db8:2:6::1", 5), REASON_NONE);
    assert_int_equal(ask_from(&f, "10.0.0.1", 5), REASON_NONE);
    assert_int_equal(ask_from(&f, "10.0.0.2", 5), REASON_NONE);
    /* Eight of all together; a refusal took nothing from it. */
    assert_int_equal(ask_from(&f, "10.0.0.3", 5), REASON_ADMIT_RATE_LIMITED);
    end(&f);
}

static void test_proxies(void **state)
{
    (void)state;
    struct fixture f;
    struct conn conn;
    struct address proxy = of("198.51.100.1");
    begin(&f);
    list(&f.proxies, "198.51.100.0/24");
    for (unsigned i = 0; i < 4; i++) { /* past the rate and the limit of a peer */
        assert_int_equal(connect_from(&f, "198.51.100.1", 5, &conn), REASON_NONE);
        conn_established(&f.conns, &conn);
    }
    assert_int_equal(connect_from(&f, "198.51.100.1", 5, &conn), REASON_ADMIT_TOO_MANY_CONNECTIONS);
    /* On the deny list it is a stranger. */
    list(&f.deny, "198.51.100.9");
    assert_int_equal(connect_from(&f, "198.51.100.9", 5, &conn), REASON_ADMIT_ADDRESS_DENIED);
    /* The client that it names is banned, and another one is not. */
    struct address client = of("192.0.2.1");
    assert_true(ban_table_configure(&f.bans, &f.bans.rules, &f.proxies));
    assert_int_equal(ban_offend(&f.bans, &proxy, OFFENCE_CRASH, 5), BAN_NEVER);
    assert_int_equal(ban_offend(&f.bans, &client, OFFENCE_CRASH, 5), BAN_BEGUN);
    assert_int_equal(ask_from(&f, "192.0.2.1", 6), REASON_ADMIT_BANNED);
    assert_int_equal(ask_from(&f, "192.0.2.2", 6), REASON_NONE);
    end(&f);
}

static void test_connections(void **state)
{
    (void)state;
    struct fixture f;
    struct conn conns[4];
    begin(&f);
    f.admit.connects = NULL;
    assert_int_equal(connect_from(&f, "192.0.2.1", 5, &conns[0]), REASON_NONE);
    assert_int_equal(connect_from(&f, "192.0.2.1", 5, &conns[1]), REASON_NONE);
    assert_int_equal(connect_from(&f, "192.0.2.1", 5, &conns[2]), REASON_ADMIT_TOO_MANY_HANDSHAKES);
    struct address other = of("192.0.2.2");
    struct admission answer = admit_connection(&f.admit, &other, 5, &conns[2]);
    assert_true(answer.admitted && answer.cut_oldest == REASON_ADMIT_REPLACED);
    end(&f);
}

static void test_without_limits(void **state)
{
    (void)state;
    struct fixture f;
    struct conn conn;
    begin(&f);
    f.admit = (struct admit){ .conns = &f.conns };
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(ask_from(&f, "192.0.2.1", 5), REASON_NONE);
        assert_int_equal(connect_from(&f, "192.0.2.1", 5, &conn), REASON_NONE);
        conn_closed(&f.conns, &conn);
    }
    end(&f);
    struct admission zero = { 0 };
    assert_false(zero.admitted);
}

static void test_default_rates(void **state)
{
    (void)state;
    static const struct {
        uint32_t count, burst;
    } want[] = { { 2, 60 }, { 50, 100 }, { 400, 800 }, { 20000, 5000 } };
    struct admit_rates rates = admit_rates_default();
    const struct gcra_rate *got[] = { &rates.connects, &rates.requests, &rates.sites, &rates.all };
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        struct gcra_rate rate;
        assert_true(gcra_rate_of(want[i].count, 1000000, want[i].burst, &rate));
        assert_true(gcra_rate_is_sound(got[i]));
        assert_true(rate.step == got[i]->step && rate.window == got[i]->window &&
                    rate.scale == got[i]->scale);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lists, ""),       TEST(test_bans, ""),           TEST(test_costs, ""),
        TEST(test_rates, ""),       TEST(test_sites, ""),          TEST(test_proxies, ""),
        TEST(test_connections, ""), TEST(test_without_limits, ""), TEST(test_default_rates, ""),
    };
    return RUN_TESTS(tests);
}
