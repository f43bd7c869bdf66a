/* test_crash.c - who crashed it: one alone and again, never who merely stood by. */
#include "admit/crash.h"

#include "base/number.h"
#include "test.h"

static struct address number(uint32_t n)
{
    uint8_t v4[4] = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
    return address_of_v4(v4);
}

static const struct {
    const char *name;
    const char *crashes; /* a letter for each peer in flight, a blank between crashes */
    enum crash_verdict a, b;
} histories[] = {
    { "nothing", "", CRASH_CLEAR, CRASH_CLEAR },
    { "once alone", "a", CRASH_SUSPECT, CRASH_CLEAR },
    { "twice alone", "a a", CRASH_GUILTY, CRASH_CLEAR },
    { "two requests of one peer are alone", "aa aaa", CRASH_GUILTY, CRASH_CLEAR },
    { "each once alone", "a b", CRASH_SUSPECT, CRASH_SUSPECT },
    { "together", "ab", CRASH_SUSPECT, CRASH_SUSPECT },
    { "together always", "ab ab ab ab ab ab", CRASH_SUSPECT, CRASH_SUSPECT },
    { "together, then one alone", "ab a", CRASH_SUSPECT, CRASH_SUSPECT },
    { "together, then one alone twice", "ab a a", CRASH_GUILTY, CRASH_SUSPECT },
    { "with company that changes", "ac ad ae", CRASH_SUSPECT, CRASH_CLEAR },
    { "between those of others", "a b cd a", CRASH_GUILTY, CRASH_SUSPECT },
};

static void test_histories(void **state)
{
    (void)state;
    static struct crash_log log;
    for (size_t i = 0; i < COUNT_OF(histories); i++) {
        log = (struct crash_log){ .count = 0 };
        struct address flight[8];
        size_t count = 0;
        for (const char *at = histories[i].crashes;; at++) {
            if (*at >= 'a') {
                flight[count++] = number((uint32_t)(*at - 'a'));
                continue;
            }
            crash_note(&log, flight, count, 100);
            count = 0;
            if (*at == 0)
                break;
        }
        struct address a = number(0), b = number(1);
        assert_true(crash_log_is_sound(&log));
        if (crash_judge(&log, &a, 200) != histories[i].a ||
            crash_judge(&log, &b, 200) != histories[i].b)
            fail_msg("%s", histories[i].name);
    }
}

static void test_time_clears(void **state)
{
    (void)state;
    static struct crash_log log;
    struct address a = number(0);
    crash_note(&log, &a, 1, 50);
    crash_note(&log, &a, 1, 60);
    assert_int_equal(crash_judge(&log, &a, 50 + CRASH_MEMORY_US - 1), CRASH_GUILTY);
    assert_int_equal(crash_judge(&log, &a, 50 + CRASH_MEMORY_US), CRASH_SUSPECT);
    assert_int_equal(crash_judge(&log, &a, 60 + CRASH_MEMORY_US), CRASH_CLEAR);
    assert_int_equal(crash_judge(&log, &a, 0), CRASH_GUILTY); /* a clock that goes back */
    assert_int_equal(crash_judge(&log, &a, UINT64_MAX), CRASH_CLEAR);
}

static void test_a_64_is_one_peer(void **state)
{
    (void)state;
    static struct crash_log log;
    struct address one = { { 0x20, 1, 0xd, 0xb8, [15] = 1 } }, two = one, other = one;
    two.bytes[15] = 2;
    other.bytes[7] = 1;
    struct address both[] = { one, two };
    crash_note(&log, both, 2, 5);
    crash_note(&log, &two, 1, 5);
    assert_int_equal(crash_judge(&log, &one, 6), CRASH_GUILTY);
    assert_int_equal(crash_judge(&log, &other, 6), CRASH_CLEAR);
}

/* A crowd names as many as there is room for, and makes nobody look alone. */
static void test_a_crowd(void **state)
{
    (void)state;
    static struct crash_log log;
    struct address crowd[CRASH_PEERS_MAX + 1];
    for (uint32_t i = 0; i < COUNT_OF(crowd); i++)
        crowd[i] = number(i);
    for (unsigned i = 0; i < 5; i++)
        crash_note(&log, crowd, CRASH_PEERS_MAX, 5);
    assert_int_equal(crash_judge(&log, &crowd[CRASH_PEERS_MAX - 1], 6), CRASH_SUSPECT);
    assert_int_equal(crash_judge(&log, &crowd[CRASH_PEERS_MAX], 6), CRASH_CLEAR);
    crash_note(&log, crowd, COUNT_OF(crowd), 5);
    assert_true(crash_log_is_sound(&log));
    assert_int_equal(crash_judge(&log, &crowd[0], 6), CRASH_SUSPECT);
    assert_int_equal(crash_judge(&log, &crowd[CRASH_PEERS_MAX], 6), CRASH_CLEAR);
}

static void test_the_oldest_gives_way(void **state)
{
    (void)state;
    static struct crash_log log;
    struct address a = number(0), b = number(1);
    crash_note(&log, &a, 1, 5);
    crash_note(&log, &a, 1, 5);
    for (unsigned i = 2; i < CRASHES_MAX; i++)
        crash_note(&log, &b, 1, 5);
    assert_int_equal(crash_judge(&log, &a, 6), CRASH_GUILTY);
    crash_note(&log, &b, 1, 5);
    assert_int_equal(crash_judge(&log, &a, 6), CRASH_SUSPECT);
    crash_note(&log, &b, 1, 5);
    assert_int_equal(crash_judge(&log, &a, 6), CRASH_CLEAR);
    crash_note(&log, NULL, 0, 5); /* the process's own fault */
    assert_int_equal(log.count, CRASHES_MAX + 2);
    assert_true(crash_log_is_sound(&log));
    log.crashes[3].peers = 0;
    assert_false(crash_log_is_sound(&log));
}

/* An attacker crashes whatever serves him; suspects are served alone. He is found out at
   his third crash, whoever stood by at the first, and they never are. */
static void test_serving_suspects_alone(void **state)
{
    (void)state;
    struct test_random random = { 92 };
    for (unsigned round = 0; round < 200; round++) {
        static struct crash_log log;
        log = (struct crash_log){ .count = 0 };
        struct address attacker = number(0);
        unsigned crashes = 0;
        while (crash_judge(&log, &attacker, 10) != CRASH_GUILTY) {
            struct address flight[10] = { attacker };
            size_t count = 1;
            if (crash_judge(&log, &attacker, 10) == CRASH_CLEAR)
                count += test_random_below(&random, 9);
            for (size_t i = 1; i < count; i++)
                flight[i] = number(1 + (uint32_t)test_random_below(&random, 20));
            crash_note(&log, flight, count, 10);
            crashes++;
        }
        assert_true(crashes <= 3);
        for (uint32_t i = 1; i <= 20; i++) {
            struct address bystander = number(i);
            assert_int_not_equal(crash_judge(&log, &bystander, 10), CRASH_GUILTY);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_histories, ""),
        TEST(test_time_clears, ""),
        TEST(test_a_64_is_one_peer, ""),
        TEST(test_a_crowd, ""),
        TEST(test_the_oldest_gives_way, ""),
        TEST(test_serving_suspects_alone, ""),
    };
    return RUN_TESTS(tests);
}
