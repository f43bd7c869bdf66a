/* test_ban.c - penalties add up to bans, bans end, and nobody gets a CDN banned. */
#include "admit/ban.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "test.h"

#define S UINT64_C(1000000)

static const uint8_t secret[SIPHASH_KEY_LEN] = { 1, 6, 1, 8, 0, 3, 3, 9, 8, 8, 7, 4, 9, 8, 9, 4 };

enum { SETS = 4, MEMORY = 4096 };

struct fixture {
    _Alignas(8) uint8_t memory[MEMORY];
    struct ban_table table;
};

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    assert_true(ban_memory(SETS) > 0 && ban_memory(SETS) <= sizeof f->memory);
    assert_true(ban_table_init(&f->table, f->memory, SETS, secret));
    assert_true(ban_table_is_sound(&f->table));
}

static struct address of(const char *text)
{
    struct address address;
    if (!address_parse(span_text(text), &address))
        fail_msg("%s: no address", text);
    return address;
}

static struct address number(uint32_t n)
{
    uint8_t v4[4] = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
    return address_of_v4(v4);
}

static enum ban_outcome offend(struct fixture *f, const char *text, enum offence offence,
                               uint64_t now)
{
    struct address address = of(text);
    enum ban_outcome outcome = ban_offend(&f->table, &address, offence, now);
    assert_true(ban_table_is_sound(&f->table));
    return outcome;
}

static bool banned(struct fixture *f, const char *text, uint64_t now)
{
    struct address address = of(text);
    return ban_find(&f->table.view, &address, now, NULL);
}

static void test_penalties_add_up(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    uint64_t now = 1000 * S;
    assert_int_equal(offend(&f, "192.0.2.1", OFFENCE_AUTH_FAILED, now), BAN_NOTED);
    assert_int_equal(offend(&f, "192.0.2.1", OFFENCE_AUTH_FAILED, now), BAN_NOTED);
    assert_false(banned(&f, "192.0.2.1", now));
    assert_int_equal(offend(&f, "192.0.2.1", OFFENCE_AUTH_FAILED, now), BAN_BEGUN);
    assert_true(banned(&f, "192.0.2.1", now));
    assert_true(banned(&f, "::ffff:192.0.2.1", now + 15 * S - 1));
    assert_false(banned(&f, "192.0.2.1", now + 15 * S)); /* ran out */
    assert_false(banned(&f, "192.0.2.2", now));
    /* Once over, it begins at nothing again. */
    assert_int_equal(offend(&f, "192.0.2.1", OFFENCE_AUTH_FAILED, now + 15 * S), BAN_NOTED);
    /* Slow enough and it never adds up. */
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(offend(&f, "192.0.2.9", OFFENCE_AUTH_FAILED, now += 5 * S), BAN_NOTED);
}

static void test_each_offence(void **state)
{
    (void)state;
    static const struct {
        enum offence offence;
        enum ban_outcome outcome;
        uint64_t us;
    } rows[] = {
        { OFFENCE_CRASH, BAN_BEGUN, 90 * S },     { OFFENCE_AUTH_FAILED, BAN_NOTED, 0 },
        { OFFENCE_GRACE_EXCEEDED, BAN_NOTED, 0 }, { OFFENCE_ABUSE, BAN_BEGUN, 20 * S },
        { OFFENCE_NONE, BAN_NOTED, 0 },           { OFFENCE_IMPOSED, BAN_NOTED, 0 },
        { OFFENCE_COUNT, BAN_NOTED, 0 },          { (enum offence)4000, BAN_NOTED, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        begin(&f);
        assert_int_equal(offend(&f, "192.0.2.1", rows[i].offence, 7), rows[i].outcome);
        assert_int_equal(banned(&f, "192.0.2.1", 7), rows[i].us > 0);
        struct ban ban;
        struct address address = of("192.0.2.1");
        if (!ban_find(&f.table.view, &address, 7 + rows[i].us - 1, &ban))
            continue;
        assert_int_equal(ban.offence, rows[i].offence);
        assert_true(ban.until_us == 7 + rows[i].us);
        assert_int_equal(ban.count, 1);
        assert_true(address_equal(&ban.peer, &address));
    }
    assert_string_equal(offence_name(OFFENCE_CRASH), "crash");
    assert_string_equal(offence_name((enum offence)99), "none");
}

static void test_the_cap(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(offend(&f, "192.0.2.1", OFFENCE_CRASH, 5), BAN_BEGUN);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(offend(&f, "192.0.2.1", OFFENCE_CRASH, 5), BAN_LONGER);
    assert_true(banned(&f, "192.0.2.1", 5 + 600 * S - 1));
    assert_false(banned(&f, "192.0.2.1", 5 + 600 * S));
    /* At the end of time nothing wraps. */
    assert_int_equal(offend(&f, "192.0.2.3", OFFENCE_CRASH, UINT64_MAX - 1), BAN_NOTED);
    assert_false(banned(&f, "192.0.2.3", 0));
}

/* RL-76, its first half: an attacker does all he can through and beside addresses that
   must not be banned. */
static void test_never_banned(void **state)
{
    (void)state;
    struct network memory[8];
    struct address_list never = address_list_over(memory, COUNT_OF(memory));
    static const char *const listed[] = { "198.51.100.0/24", "2001:db8:cd:1::77",
                                          "2001:db8:cd::/49" };
    for (size_t i = 0; i < COUNT_OF(listed); i++) {
        struct network network;
        assert_true(network_parse(span_text(listed[i]), &network));
        assert_true(address_list_add(&never, &network));
    }
    static const struct {
        const char *address;
        bool never;
    } rows[] = {
        { "127.0.0.1", true },
        { "127.8.8.8", true },
        { "::1", true },
        { "::2", true }, /* its /64 holds ::1 */
        { "::ffff:127.0.0.1", true },
        { "198.51.100.7", true },
        { "::ffff:198.51.100.7", true },
        { "198.51.101.7", false },
        { "2001:db8:cd:1::77", true },
        { "2001:db8:cd:1::78", true }, /* a ban would be of the /64, the CDN's address in it */
        { "2001:db8:cd:7fff::1", true },
        { "2001:db8:cd:8000::1", false },
        { "::c633:6407", true }, /* not 198.51.100.7, but of the /64 of ::1 */
        { "64:ff9b::c633:6407", false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        begin(&f);
        assert_true(ban_table_configure(&f.table, &f.table.rules, &never));
        struct address address = of(rows[i].address);
        for (unsigned kind = 0; kind <= OFFENCE_COUNT; kind++) {
            for (unsigned again = 0; again < 50; again++)
                (void)ban_offend(&f.table, &address, (enum offence)kind, 5);
        }
        (void)ban_impose(&f.table, &address, UINT64_MAX, 5);
        if (ban_find(&f.table.view, &address, 6, NULL) == rows[i].never)
            fail_msg("%s", rows[i].address);
        assert_int_equal(ban_offend(&f.table, &address, OFFENCE_CRASH, 5),
                         rows[i].never ? BAN_NEVER : BAN_LONGER);
        assert_true(ban_table_is_sound(&f.table));
    }
}

/* A list that comes later lifts what it forbids, and only that. */
static void test_a_new_list_lifts(void **state)
{
    (void)state;
    struct fixture f;
    struct network memory[1];
    struct address_list never = address_list_over(memory, 1);
    struct network cdn = { of("198.51.100.7"), ADDRESS_BITS };
    begin(&f);
    assert_int_equal(offend(&f, "198.51.100.7", OFFENCE_CRASH, 5), BAN_BEGUN);
    assert_int_equal(offend(&f, "198.51.100.8", OFFENCE_CRASH, 5), BAN_BEGUN);
    assert_true(address_list_add(&never, &cdn));
    struct ban_rules bad = f.table.rules;
    bad.cap_us = bad.threshold_us - 1;
    assert_false(ban_table_configure(&f.table, &bad, &never));
    assert_true(banned(&f, "198.51.100.7", 6));
    assert_true(ban_table_configure(&f.table, &f.table.rules, &never));
    assert_false(banned(&f, "198.51.100.7", 6));
    assert_true(banned(&f, "198.51.100.8", 6));
}

static void test_a_64_is_banned_whole(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(offend(&f, "2001:db8:1:2::1", OFFENCE_ABUSE, 5), BAN_BEGUN);
    assert_true(banned(&f, "2001:db8:1:2:ffff:ffff:ffff:ffff", 6));
    assert_false(banned(&f, "2001:db8:1:3::1", 6));
    assert_int_equal(offend(&f, "2001:db8:1:2::2", OFFENCE_ABUSE, 6), BAN_LONGER);
}

/* A flood of small offences from everywhere pushes out no ban that ends later. */
static void test_a_flood_keeps_the_long_bans(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(offend(&f, "192.0.2.1", OFFENCE_CRASH, 5), BAN_BEGUN);
    for (uint32_t i = 0; i < 100000; i++) {
        struct address address = number(i);
        (void)ban_offend(&f.table, &address, OFFENCE_AUTH_FAILED, 6);
    }
    assert_true(f.table.evicted > 90000);
    assert_true(banned(&f, "192.0.2.1", 6));
    assert_true(ban_table_is_sound(&f.table));
}

static void test_by_hand(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct address address = of("192.0.2.1");
    assert_int_equal(ban_impose(&f.table, &address, 5, 5), BAN_NOTED); /* over already */
    assert_int_equal(ban_impose(&f.table, &address, UINT64_MAX, 5), BAN_BEGUN);
    assert_int_equal(ban_offend(&f.table, &address, OFFENCE_CRASH, 6), BAN_LONGER);
    assert_true(banned(&f, "192.0.2.1", UINT64_MAX - 1)); /* no offence shortens it */
    assert_true(ban_lift(&f.table, &address));
    assert_false(ban_lift(&f.table, &address));
    assert_false(banned(&f, "192.0.2.1", 6));
    /* Full of them, there is room for no other, and none is lost. */
    uint32_t begun = 0, refused = 0;
    for (uint32_t i = 0; i < 500; i++) {
        address = number(i);
        enum ban_outcome outcome = ban_impose(&f.table, &address, 1000, 7);
        begun += outcome == BAN_BEGUN;
        refused += outcome == BAN_NO_ROOM;
    }
    assert_int_equal(begun, SETS * BAN_WAYS);
    assert_int_equal(begun + refused, 500);
    address = of("203.0.113.1");
    assert_int_equal(ban_offend(&f.table, &address, OFFENCE_CRASH, 8), BAN_NO_ROOM);
    struct ban ban;
    uint32_t listed = 0;
    for (size_t i = 0; i < (size_t)SETS * BAN_WAYS; i++)
        listed += ban_at(&f.table.view, i, 999, &ban) && ban.offence == OFFENCE_IMPOSED;
    assert_int_equal(listed, SETS * BAN_WAYS);
    assert_false(ban_at(&f.table.view, (size_t)SETS * BAN_WAYS, 999, &ban));
    assert_false(ban_at(&f.table.view, 0, 1000, &ban)); /* run out */
    assert_int_equal(ban_offend(&f.table, &address, OFFENCE_CRASH, 1000), BAN_BEGUN);
}

/* Whatever an earlier writer left: what can be is kept, the rest is gone, and a reader of
   damaged memory sees no ban that nobody made. */
static void test_memory_left_behind(void **state)
{
    (void)state;
    struct test_random random = { 91 };
    for (unsigned round = 0; round < 3000; round++) {
        struct fixture f;
        begin(&f);
        assert_int_equal(offend(&f, "192.0.2.1", OFFENCE_CRASH, 5), BAN_BEGUN);
        for (unsigned i = 0; i < round % 40; i++)
            f.memory[test_random_below(&random, ban_memory(SETS))] ^=
                (uint8_t)(1u << test_random_below(&random, 8));
        (void)banned(&f, "192.0.2.1", 6);
        assert_true(ban_table_init(&f.table, f.memory, SETS, secret));
        assert_true(ban_table_is_sound(&f.table));
        if (round % 40 == 0)
            assert_true(banned(&f, "192.0.2.1", 6));
    }
    struct fixture f;
    begin(&f);
    memset(f.memory, 0xff, sizeof f.memory);
    assert_false(banned(&f, "192.0.2.1", 6)); /* an odd sequence for ever: not waited for */
    assert_true(ban_table_init(&f.table, f.memory, SETS, secret));
    assert_true(ban_table_is_sound(&f.table));
}

/* A reader beside a writer that never rests sees a ban as it was written, or none. */
static void test_read_while_written(void **state)
{
    (void)state;
    size_t len = ban_memory(1);
    void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    struct ban_table table;
    struct ban_view view;
    struct address a = number(1), b = number(2);
    assert_true(ban_table_init(&table, memory, 1, secret));
    assert_true(ban_view_init(&view, memory, 1, secret));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (uint64_t until = 1000;; until += 2) {
            (void)ban_impose(&table, &a, until, 1);
            (void)ban_lift(&table, &a);
            (void)ban_impose(&table, &b, until + 1, 1); /* the same slot, another peer */
            (void)ban_lift(&table, &b);
        }
    }
    unsigned seen = 0, torn = 0;
    for (unsigned i = 0; i < 2000000 && seen < 20000; i++) {
        struct ban ban;
        if (!ban_find(&view, i % 2 == 0 ? &a : &b, 2, &ban))
            continue;
        seen++;
        torn += ban.until_us % 2 != i % 2 || !address_equal(&ban.peer, i % 2 == 0 ? &a : &b) ||
                ban.offence != OFFENCE_IMPOSED;
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(seen > 0);
    assert_int_equal(torn, 0);
    /* Killed wherever it was: the next writer goes on. */
    assert_true(ban_table_init(&table, memory, 1, secret));
    assert_true(ban_table_is_sound(&table));
    assert_int_equal(munmap(memory, len), 0);
}

static void test_how_many(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(ban_count(&f.table.view, 0), 0);
    offend(&f, "192.0.2.1", OFFENCE_ABUSE, S);
    offend(&f, "192.0.2.2", OFFENCE_GRACE_EXCEEDED, S); /* a penalty, not a ban */
    offend(&f, "192.0.2.3", OFFENCE_CRASH, S);
    assert_int_equal(ban_count(&f.table.view, 2 * S), 2);
    assert_int_equal(ban_count(&f.table.view, 21 * S), 1);
    assert_int_equal(ban_count(&f.table.view, 91 * S), 0);
    f.memory[0] |= 1; /* a set that is being written */
    for (unsigned i = 0; i < 1000; i++) {
        struct address address = number(i);
        (void)ban_impose(&f.table, &address, UINT64_MAX, S);
    }
    assert_true(ban_count(&f.table.view, 2 * S) < SETS * BAN_WAYS);
}

static void test_what_init_refuses(void **state)
{
    (void)state;
    static const size_t sets[] = { 0, 3, 100, (size_t)BAN_SETS_MAX * 2, SIZE_MAX };
    struct fixture f;
    struct ban_view view;
    begin(&f);
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        assert_int_equal(ban_memory(sets[i]), 0);
        assert_false(ban_table_init(&f.table, f.memory, sets[i], secret));
        assert_false(ban_view_init(&view, f.memory, sets[i], secret));
    }
    assert_true(ban_memory(BAN_SETS_MAX) > 0);
    assert_false(ban_table_init(&f.table, NULL, SETS, secret));
    assert_false(ban_table_init(&f.table, f.memory + 1, SETS, secret));
    struct ban_rules rules = ban_rules_default(), zero = { { 0 } };
    assert_true(ban_rules_are_sound(&rules));
    assert_false(ban_rules_are_sound(&zero));
    rules.penalty_us[OFFENCE_ABUSE] = rules.cap_us + 1;
    assert_false(ban_rules_are_sound(&rules));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_penalties_add_up, ""),
        TEST(test_each_offence, ""),
        TEST(test_the_cap, ""),
        TEST(test_never_banned, ""),
        TEST(test_a_new_list_lifts, ""),
        TEST(test_a_64_is_banned_whole, ""),
        TEST(test_a_flood_keeps_the_long_bans, ""),
        TEST(test_by_hand, ""),
        TEST(test_memory_left_behind, ""),
        TEST(test_read_while_written, ""),
        TEST(test_how_many, ""),
        TEST(test_what_init_refuses, ""),
    };
    return RUN_TESTS(tests);
}
