/* test_conn.c - counts of connections beside a plain list of them, and what floods cannot do. */
#include "admit/conn.h"

#include <string.h>

#include "base/number.h"
#include "test.h"

static const uint8_t secret[SIPHASH_KEY_LEN] = { 2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5, 9, 0, 4, 5 };

struct fixture {
    struct conn_table table;
    struct arena arena;
};

static void begin(struct fixture *f, uint32_t total, uint32_t half, uint32_t peer,
                  uint32_t peer_half)
{
    struct conn_limits limits = { total, half, peer, peer_half };
    arena_init(&f->arena, 64 << 20);
    assert_true(conn_table_init(&f->table, &f->arena, &limits, secret));
    assert_true(conn_table_is_sound(&f->table));
}

static void end(struct fixture *f)
{
    assert_true(conn_table_is_sound(&f->table));
    arena_fini(&f->arena);
}

static struct address number(uint32_t n)
{
    uint8_t v4[4] = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
    return address_of_v4(v4);
}

static struct conn_answer enter(struct fixture *f, struct address address, struct conn *out)
{
    return conn_accepted(&f->table, &address, false, out);
}

static void test_limit_of_a_peer(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 100, 50, 4, 2);
    struct conn conns[5], other;
    assert_true(enter(&f, number(1), &conns[0]).admitted);
    assert_true(enter(&f, number(1), &conns[1]).admitted);
    struct conn_answer answer = enter(&f, number(1), &conns[2]);
    assert_false(answer.admitted);
    assert_int_equal(answer.reason, REASON_ADMIT_TOO_MANY_HANDSHAKES);
    assert_int_equal(conns[2].state, CONN_NONE);
    assert_true(enter(&f, number(2), &other).admitted); /* nobody else's business */
    conn_established(&f.table, &conns[0]);
    conn_established(&f.table, &conns[0]); /* twice is once */
    conn_established(&f.table, &conns[1]);
    assert_int_equal(f.table.half, 1);
    for (size_t i = 2; i < 4; i++) {
        assert_true(enter(&f, number(1), &conns[i]).admitted);
        conn_established(&f.table, &conns[i]);
    }
    answer = enter(&f, number(1), &conns[4]);
    assert_int_equal(answer.reason, REASON_ADMIT_TOO_MANY_FROM_ADDRESS);
    conn_closed(&f.table, &conns[0]);
    conn_closed(&f.table, &conns[0]); /* twice is once */
    assert_int_equal(f.table.open, 4);
    assert_true(enter(&f, number(1), &conns[4]).admitted);
    end(&f);
}

static void test_a_64_is_one_peer(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 100, 50, 3, 3);
    struct conn conn;
    struct address address = { { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1 } };
    for (uint8_t i = 0; i < 3; i++) {
        address.bytes[15] = i;
        assert_true(enter(&f, address, &conn).admitted);
    }
    address.bytes[8] = 0xff;
    assert_false(enter(&f, address, &conn).admitted);
    address.bytes[7] = 2;
    assert_true(enter(&f, address, &conn).admitted);
    end(&f);
}

/* A flood of half-open connections from everywhere takes its own share and no more: those
   that are established stay, and new ones can still come in, as fast as handshakes go. */
static void test_half_open_flood(void **state)
{
    (void)state;
    enum { TOTAL = 1000, HALF = 100, HONEST = TOTAL - HALF };
    static struct conn flood[HALF], honest[HONEST];
    struct fixture f;
    begin(&f, TOTAL, HALF, 10, 5);
    size_t oldest = 0, cut = 0;
    for (uint32_t i = 0; i < 50000; i++) {
        struct conn conn;
        struct conn_answer answer = enter(&f, number(i), &conn);
        assert_true(answer.admitted);
        assert_int_equal(answer.cut_oldest, i >= HALF ? REASON_ADMIT_REPLACED : REASON_NONE);
        if (answer.cut_oldest != REASON_NONE) {
            conn_closed(&f.table, &flood[oldest]);
            cut++;
        }
        flood[oldest] = conn;
        oldest = (oldest + 1) % HALF;
        assert_true(f.table.half <= HALF);
    }
    assert_int_equal(cut, 50000 - HALF);
    assert_true(conn_table_is_sound(&f.table));
    for (uint32_t i = 0; i < HONEST; i++) {
        assert_int_equal(enter(&f, number(60000 + i), &honest[i]).cut_oldest,
                         REASON_ADMIT_REPLACED);
        conn_closed(&f.table, &flood[oldest]);
        conn_established(&f.table, &honest[i]);
        /* and the flood fills its share again */
        assert_true(enter(&f, number(i), &flood[oldest]).admitted);
        oldest = (oldest + 1) % HALF;
    }
    assert_int_equal(f.table.open, TOTAL);
    for (uint32_t i = 0; i < HONEST; i++)
        assert_int_equal(honest[i].state, CONN_OPEN);
    end(&f);
}

/* SW-1, the counting part: above the limit nobody comes in, and who is in stays. */
static void test_established_fill_everything(void **state)
{
    (void)state;
    struct fixture f;
    static struct conn conns[20], one;
    begin(&f, 20, 5, 20, 20);
    for (uint32_t i = 0; i < 20; i++) {
        assert_true(enter(&f, number(i), &conns[i]).admitted);
        conn_established(&f.table, &conns[i]);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        struct conn_answer answer = enter(&f, number(i), &one);
        assert_false(answer.admitted || answer.cut_oldest != REASON_NONE);
        assert_int_equal(answer.reason, REASON_ADMIT_TOO_MANY_CONNECTIONS);
    }
    assert_int_equal(f.table.open, 20);
    conn_closed(&f.table, &conns[7]);
    assert_true(enter(&f, number(99), &one).admitted);
    end(&f);
}

/* A caller that does not cut what it was told to cut gets no more. */
static void test_cutting_is_no_advice(void **state)
{
    (void)state;
    struct fixture f;
    struct conn conns[4];
    begin(&f, 10, 2, 10, 10);
    assert_true(enter(&f, number(1), &conns[0]).admitted);
    assert_true(enter(&f, number(2), &conns[1]).admitted);
    assert_int_equal(enter(&f, number(3), &conns[2]).cut_oldest, REASON_ADMIT_REPLACED);
    assert_false(enter(&f, number(4), &conns[3]).admitted);
    conn_closed(&f.table, &conns[0]);
    assert_int_equal(enter(&f, number(4), &conns[3]).cut_oldest, REASON_ADMIT_REPLACED);
    end(&f);
}

static void test_a_proxy_counts_in_the_total_only(void **state)
{
    (void)state;
    struct fixture f;
    struct conn conns[10], one;
    struct address proxy = number(1);
    begin(&f, 10, 9, 2, 1);
    for (size_t i = 0; i < 10; i++) {
        assert_true(conn_accepted(&f.table, &proxy, true, &conns[i]).admitted);
        conn_established(&f.table, &conns[i]);
    }
    assert_false(conn_accepted(&f.table, &proxy, true, &one).admitted);
    for (size_t i = 0; i < 10; i++)
        conn_closed(&f.table, &conns[i]);
    assert_int_equal(f.table.open, 0);
    assert_true(enter(&f, proxy, &one).admitted);
    end(&f);
}

/* Anything that can happen, in any order, beside counting by hand. */
static void test_against_a_plain_list(void **state)
{
    (void)state;
    enum { TOTAL = 60, PEERS = 25 };
    struct test_random random = { 81 };
    struct fixture f;
    struct conn conns[TOTAL] = { { 0 } };
    begin(&f, TOTAL, 59, 5, 3);
    for (unsigned step = 0; step < 60000; step++) {
        size_t at = test_random_below(&random, TOTAL);
        uint32_t peer = (uint32_t)test_random_below(&random, PEERS), open = 0, half = 0;
        struct address address = number(peer);
        for (size_t i = 0; i < TOTAL; i++) {
            bool his = conns[i].state != CONN_NONE && address_equal(&conns[i].peer, &address);
            open += his;
            half += his && conns[i].state == CONN_HALF;
        }
        if (conns[at].state == CONN_NONE)
            assert_int_equal(enter(&f, address, &conns[at]).admitted, open < 5 && half < 3);
        else if (test_random_below(&random, 3) > 0)
            conn_established(&f.table, &conns[at]);
        else
            conn_closed(&f.table, &conns[at]);
        assert_true(conn_table_is_sound(&f.table));
    }
    for (size_t i = 0; i < TOTAL; i++)
        conn_closed(&f.table, &conns[i]);
    assert_int_equal(f.table.open, 0);
    assert_int_equal(f.table.half, 0);
    for (size_t i = 0; i < f.table.slot_count; i++) {
        struct conn conn; /* every slot is free again: the table is as new */
        assert_true(enter(&f, number((uint32_t)i), &conn).admitted);
        conn_closed(&f.table, &conn);
    }
    end(&f);
}

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct conn_limits limits;
        bool ok;
    } rows[] = {
        { "the smallest", { 2, 1, 1, 1 }, true },
        { "nothing", { 0, 0, 0, 0 }, false },
        { "no share for the established", { 10, 10, 1, 1 }, false },
        { "more than all", { 10, 11, 1, 1 }, false },
        { "no half-open", { 10, 0, 1, 1 }, false },
        { "no peer", { 10, 5, 0, 1 }, false },
        { "no handshake", { 10, 5, 1, 0 }, false },
        { "the most", { CONNS_MAX, 5, 1, 1 }, true },
        { "one more", { CONNS_MAX + 1, 5, 1, 1 }, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct conn_table table = { .open = 77 };
        struct arena arena;
        arena_init(&arena, 256 << 20);
        if (conn_table_init(&table, &arena, &rows[i].limits, secret) != rows[i].ok)
            fail_msg("%s", rows[i].name);
        assert_int_equal(table.open, rows[i].ok ? 0 : 77);
        arena_fini(&arena);
    }
    struct conn_limits limits = conn_limits_default();
    assert_true(conn_limits_are_sound(&limits));
    struct arena small;
    arena_init(&small, 1000);
    struct conn_table table = { .open = 77 };
    assert_false(conn_table_init(&table, &small, &limits, secret));
    arena_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_limit_of_a_peer, ""),      TEST(test_a_64_is_one_peer, ""),
        TEST(test_half_open_flood, ""),      TEST(test_established_fill_everything, ""),
        TEST(test_cutting_is_no_advice, ""), TEST(test_a_proxy_counts_in_the_total_only, ""),
        TEST(test_against_a_plain_list, ""), TEST(test_limits, ""),
    };
    return RUN_TESTS(tests);
}
