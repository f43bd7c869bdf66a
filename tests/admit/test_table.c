/* test_table.c - a rate for a million peers: exact while there is room, on the safe side when
   there is none, never more than the rate, never more memory.

   WARD_FULL=1 in the environment: forty times as many verdicts. */
#include "admit/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "test.h"

static const uint8_t secret[SIPHASH_KEY_LEN] = { 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3 };

struct fixture {
    struct admit_table table;
    struct arena arena;
    struct gcra_rate rate;
};

static void begin(struct fixture *f, size_t sets, uint32_t count, uint64_t period, uint32_t burst)
{
    assert_true(gcra_rate_of(count, period, burst, &f->rate));
    /* 64 bytes a set, one line to align, and what an arena keeps of a block: no more. */
    arena_init(&f->arena, (sets + 1) * 64 + 64);
    assert_true(admit_table_init(&f->table, &f->arena, sets, &f->rate, secret));
    assert_int_equal((uintptr_t)f->table.words % 64, 0);
}

static void end(struct fixture *f)
{
    assert_true(admit_table_is_sound(&f->table));
    arena_fini(&f->arena);
}

static struct address v4_number(uint32_t number)
{
    uint8_t v4[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                      (uint8_t)number };
    return address_of_v4(v4);
}

/* The number-th /64 of 2001:db8::/32 or so, some address in it. */
static struct address v6_number(uint64_t number, uint8_t host)
{
    struct address address = { { 0x20, 0x01, 0x0d, 0xb8 } };
    for (unsigned i = 0; i < 4; i++)
        address.bytes[4 + i] = (uint8_t)(number >> (24 - 8 * i));
    address.bytes[15] = host;
    return address;
}

static bool take(struct fixture *f, struct address address, uint64_t now)
{
    struct address key = address_peer(&address);
    return admit_table_take(&f->table, &key, 0, 1, now).allowed;
}

/* As many buckets of their own as there are peers: each verdict must be the same. */
static void test_exact_while_there_is_room(void **state)
{
    (void)state;
    enum { PEERS = 500 };
    static struct gcra alone[PEERS];
    uint64_t verdicts = getenv("WARD_FULL") != NULL ? 40000000 : 1000000, allowed = 0;
    struct test_random random = { 74 };
    for (uint64_t done = 0; done < verdicts;) {
        struct fixture f;
        static const uint32_t counts[] = { 1, 3, 8, 50, 997 };
        static const uint64_t periods[] = { 1000000, 60000000, 1000 };
        begin(&f, 4096, counts[test_random_below(&random, 5)],
              periods[test_random_below(&random, 3)],
              (uint32_t)(1 + test_random_below(&random, 9)));
        memset(alone, 0, sizeof alone);
        uint64_t step_us = f.rate.step / f.rate.scale, highest = 0;
        uint64_t now = test_random_next(&random) >> 16;
        for (unsigned i = 0; i < 50000; i++, done++) {
            uint64_t word = test_random_next(&random);
            now += word % 64 == 0 ? (word >> 8) >> (word >> 3 & 63)
                                  : (word >> 8) % (2 + step_us / PEERS);
            uint64_t read = word % 1021 == 0 ? now >> 1 : now; /* a clock that goes back */
            size_t peer = test_random_below(&random, word & 64 ? 5 : PEERS);
            bool got = take(&f, v4_number((uint32_t)peer), read);
            highest = read > highest ? read : highest; /* time is one for all peers */
            bool want = gcra_take(&alone[peer], &f.rate, 1, highest).allowed;
            if (got != want)
                fail_msg("verdict %llu of seed 74", (unsigned long long)done);
            allowed += got;
        }
        assert_int_equal(f.table.crowded, 0);
        end(&f);
    }
    assert_true(allowed > verdicts / 10 && allowed < verdicts - verdicts / 10);
}

/* A few sets and far more peers than words, all of them busy: every peer is still held to
   burst + T / step. The exact bucket of each, charged with what the table let pass, must
   never say that it was too much. */
static void test_never_more_whatever_the_crowd(void **state)
{
    (void)state;
    enum { PEERS = 300 };
    static struct gcra alone[PEERS];
    struct test_random random = { 75 };
    for (unsigned round = 0; round < 40; round++) {
        struct fixture f;
        begin(&f, 1u << test_random_below(&random, 4), 8, 60000000,
              (uint32_t)(1 + test_random_below(&random, 12)));
        memset(alone, 0, sizeof alone);
        uint64_t now = 0, allowed = 0;
        for (unsigned i = 0; i < 20000; i++) {
            now += test_random_below(&random, 400000);
            /* One peer tries without pause, the others come to wash its word away. */
            size_t peer = test_random_below(&random, 4) ? test_random_below(&random, PEERS) : 0;
            if (!take(&f, v6_number(peer, (uint8_t)i), now))
                continue;
            assert_true(gcra_take(&alone[peer], &f.rate, 1, now).allowed);
            allowed++;
        }
        assert_true(allowed > 1000 && f.table.crowded > 0);
        end(&f);
    }
}

/* A million sources, v4 and /64, each once; honest peers that keep to half their rate among
   them are never refused, and the table has the memory that it began with. */
static void flood(bool v6)
{
    struct fixture f;
    begin(&f, 1u << 15, 50, 1000000, 100);
    const uint64_t *words = f.table.words;
    size_t left = f.arena.left, ceiling = f.arena.ceiling;
    uint64_t now = 1000000;
    uint32_t spoofed = 0, honest = 0;
    for (uint32_t i = 0; i < 1000000; i++) {
        now += i % 5 == 0; /* five million a second */
        spoofed += take(&f, v6 ? v6_number(1000 + i, (uint8_t)i) : v4_number(0x0b000000u + i), now);
        if (i % 20000 != 0)
            continue;
        /* Every 4 ms five at once, of ten peers in turn: 25 times a second each. */
        for (unsigned peer = 0; peer < 5; peer++) {
            unsigned who = (i / 20000 % 2) * 5 + peer;
            assert_true(take(&f, v4_number(0x0a000000u + who), now));
            honest++;
        }
    }
    assert_int_equal(honest, 250);
    assert_int_equal(spoofed, 1000000); /* each of them was new: one is within anybody's burst */
    assert_ptr_equal(words, f.table.words);
    assert_int_equal(left, f.arena.left);
    assert_int_equal(ceiling, f.arena.ceiling);
    end(&f);
}

static void test_a_million_sources(void **state)
{
    (void)state;
    flood(false);
    flood(true);
}

/* The bound of the header: in one set, after F arrivals of others, a peer that was not seen
   before still has its burst less F / 8, rounded up. And not much more: the bound is no guess. */
static void test_what_a_flood_costs_a_newcomer(void **state)
{
    (void)state;
    for (uint32_t others = 0; others < 200; others += 5) {
        struct fixture f;
        begin(&f, 1, 1, 1000000, 50);
        uint32_t let_in = 0;
        for (uint32_t i = 0; i < others; i++)
            let_in += take(&f, v4_number(1000 + i), 7);
        assert_int_equal(let_in, others);
        uint32_t mine = 0;
        while (take(&f, v4_number(5), 7))
            mine++;
        assert_int_equal(mine, 50 - others / ADMIT_WAYS);
        end(&f);
    }
}

/* Words of peers who have all their credit again are taken first, and to lose them changes
   no verdict; the busy peer's word stays. */
static void test_full_credit_is_forgotten_first(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1, 1, 1000000, 4);
    uint64_t now = 50;
    for (unsigned i = 0; i < 4; i++)
        assert_true(take(&f, v4_number(1), now));
    for (uint32_t i = 0; i < 7; i++)
        assert_true(take(&f, v4_number(100 + i), now));
    now += 1000000; /* those seven have all their credit again, the first has one */
    for (uint32_t i = 0; i < 7; i++)
        assert_true(take(&f, v4_number(200 + i), now));
    assert_int_equal(f.table.crowded, 0);
    assert_true(take(&f, v4_number(1), now));
    assert_false(take(&f, v4_number(1), now));
    /* An eighth newcomer takes the word of the nearest to full credit, not of the busy one. */
    assert_true(take(&f, v4_number(300), now));
    assert_int_equal(f.table.crowded, 1);
    assert_false(take(&f, v4_number(1), now));
    end(&f);
}

static void test_addresses_of_one_64_share(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 64, 8, 60000000, 8);
    for (uint8_t i = 0; i < 8; i++)
        assert_true(take(&f, v6_number(1, (uint8_t)(17 * i)), 9));
    assert_false(take(&f, v6_number(1, 200), 9));
    assert_true(take(&f, v6_number(2, 200), 9));
    end(&f);
}

/* SW-5 on addresses: burst N, the next one is told when to come, then it is let in. */
static void test_bucket_of_an_address(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 64, 50, 1000000, 100);
    struct address peer = v4_number(0xc0000201), other = v4_number(0xc0000202);
    for (unsigned i = 0; i < 100; i++)
        assert_true(take(&f, peer, 1000));
    struct gcra_answer answer = admit_table_take(&f.table, &peer, 0, 1, 1000);
    assert_false(answer.allowed);
    assert_int_equal(answer.retry_us, 20000);
    assert_true(take(&f, other, 1000));
    assert_true(admit_table_take(&f.table, &peer, 1, 1, 1000).allowed); /* another kind */
    assert_false(take(&f, peer, 1000 + 19999));
    assert_true(take(&f, peer, 1000 + 20000));
    end(&f);
}

/* Who does not know the key cannot fill a set: sources that meet under one key are spread
   under another. */
static void test_a_collision_set_needs_the_key(void **state)
{
    (void)state;
    enum { SETS = 256, WANTED = 64 };
    uint32_t meet[WANTED];
    size_t found = 0;
    for (uint32_t i = 0; found < WANTED; i++) {
        uint8_t message[ADDRESS_LEN + 1] = { 0 };
        struct address address = v4_number(i);
        memcpy(message, address.bytes, ADDRESS_LEN);
        if ((siphash(secret, SPAN(message)) & (SETS - 1)) == 0)
            meet[found++] = i;
    }
    for (unsigned other = 0; other < 2; other++) {
        struct gcra_rate rate;
        struct arena arena;
        struct admit_table table;
        uint8_t key[SIPHASH_KEY_LEN];
        memcpy(key, secret, sizeof key);
        key[0] ^= (uint8_t)other;
        assert_true(gcra_rate_of(1, 1000000, 2, &rate));
        arena_init(&arena, 1 << 20);
        assert_true(admit_table_init(&table, &arena, SETS, &rate, key));
        for (size_t i = 0; i < WANTED; i++) {
            struct address address = v4_number(meet[i]);
            (void)admit_table_take(&table, &address, 0, 1, 5);
        }
        assert_int_equal(table.crowded > 0, other == 0);
        arena_fini(&arena);
    }
}

static void test_time_at_its_edges(void **state)
{
    (void)state;
    static const uint64_t readings[] = { 0,
                                         1,
                                         (UINT64_C(1) << 39) - 1,
                                         UINT64_C(1) << 39,
                                         UINT64_C(1) << 40,
                                         UINT64_C(1) << 63,
                                         UINT64_MAX - 1,
                                         UINT64_MAX,
                                         0,
                                         5 };
    for (uint32_t scale = 1; scale <= 9973; scale += 9972) {
        struct fixture f;
        struct gcra alone = { 0 };
        begin(&f, 2, scale, 1000000, 3);
        for (size_t i = 0; i < COUNT_OF(readings); i++) {
            for (unsigned again = 0; again < 5; again++) {
                assert_int_equal(take(&f, v4_number(1), readings[i]),
                                 gcra_take(&alone, &f.rate, 1, readings[i]).allowed);
                assert_true(admit_table_is_sound(&f.table));
            }
        }
        end(&f);
    }
}

static void test_what_init_refuses(void **state)
{
    (void)state;
    struct gcra_rate rate, zero = { 0 };
    assert_true(gcra_rate_of(1, 1000000, 2, &rate));
    static const size_t sets[] = { 0, 3, 6, 1000, (size_t)ADMIT_SETS_MAX * 2, SIZE_MAX };
    struct admit_table table = { .sets = 77 };
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        struct arena arena;
        arena_init(&arena, SIZE_MAX / 2);
        assert_false(admit_table_init(&table, &arena, sets[i], &rate, secret));
        assert_null(arena.blocks);
        arena_fini(&arena);
    }
    struct arena small;
    arena_init(&small, 64);
    assert_false(admit_table_init(&table, &small, 1, &rate, secret));
    arena_fini(&small);
    arena_init(&small, 1 << 20);
    assert_false(admit_table_init(&table, &small, 1, &zero, secret));
    arena_fini(&small);
    assert_int_equal(table.sets, 77);
    struct arena largest;
    arena_init(&largest, ((size_t)ADMIT_SETS_MAX + 2) * 64);
    assert_true(admit_table_init(&table, &largest, ADMIT_SETS_MAX, &rate, secret));
    arena_fini(&largest);
}

/* Every damage that matters is seen. */
static void test_what_is_not_sound(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1, 1, 1000000, 2);
    assert_true(take(&f, v4_number(1), 5));
    uint64_t good = f.table.words[0];
    f.table.words[1] = good;
    assert_false(admit_table_is_sound(&f.table)); /* two of one tag */
    f.table.words[1] = UINT64_C(1) << 63;
    assert_false(admit_table_is_sound(&f.table)); /* a tag without a TAT */
    f.table.words[1] = 5 + 2000001;
    assert_false(admit_table_is_sound(&f.table)); /* further ahead than a burst */
    f.table.words[1] = 5 + 2000000;
    assert_true(admit_table_is_sound(&f.table));
    f.table.base_us = 6;
    assert_false(admit_table_is_sound(&f.table));
    f.table.base_us = 0;
    end(&f);
}

/* A rate that changes while peers have used of it: what was used stays used, and from then on
   nobody gets more than the new rate gives. */
static void test_a_change_forgives_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t count, burst, next_count, next_burst;
        uint32_t spent, fresh; /* what one that has used all, and a new one, get at once */
    } rows[] = {
        { "the same", 1, 4, 1, 4, 0, 4 },         { "a smaller burst", 1, 8, 1, 2, 0, 2 },
        { "a larger burst", 1, 4, 1, 10, 6, 10 }, { "faster: less time is owed", 1, 4, 4, 4, 0, 4 },
        { "slower", 4, 4, 1, 4, 3, 4 },           { "another unit", 7, 4, 9, 4, 0, 4 },
        { "down to one", 997, 500, 1, 1, 0, 1 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        const uint64_t now = 77000000;
        struct gcra_rate next;
        uint32_t spent = 0, fresh = 0;
        begin(&f, 64, rows[i].count, 1000000, rows[i].burst);
        for (uint32_t n = 0; n < rows[i].burst; n++)
            assert_true(take(&f, v4_number(1), now));
        assert_false(take(&f, v4_number(1), now));
        assert_true(gcra_rate_of(rows[i].next_count, 1000000, rows[i].next_burst, &next));
        admit_table_change(&f.table, &next, now);
        assert_true(admit_table_is_sound(&f.table));
        while (take(&f, v4_number(1), now))
            spent++;
        while (take(&f, v4_number(2), now))
            fresh++;
        if (spent != rows[i].spent || fresh != rows[i].fresh)
            fail_msg("%s: %u and %u", rows[i].name, spent, fresh);
        admit_table_change(&f.table, &next, now - 5); /* a clock that went back */
        assert_false(take(&f, v4_number(2), now));
        assert_true(take(&f, v4_number(1), now + 1000000 / rows[i].next_count + 1));
        end(&f);
    }
}

/* RL-71 in one: a case of it proves nothing about the others. */
static void test_the_limiter(void **state)
{
    test_exact_while_there_is_room(state);
    test_never_more_whatever_the_crowd(state);
    test_a_million_sources(state);
    test_a_collision_set_needs_the_key(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_limiter, "RL-71 SW-7"),
        TEST(test_what_a_flood_costs_a_newcomer, ""),
        TEST(test_full_credit_is_forgotten_first, ""),
        TEST(test_addresses_of_one_64_share, "SW-8"),
        TEST(test_bucket_of_an_address, ""),
        TEST(test_a_change_forgives_nothing, ""),
        TEST(test_time_at_its_edges, ""),
        TEST(test_what_init_refuses, ""),
        TEST(test_what_is_not_sound, ""),
    };
    return RUN_TESTS(tests);
}
