/* test_gcra.c - verdicts beside rational numbers, under clocks that jump either way.

   WARD_FULL=1 in the environment: a thousand times as many verdicts. */
#include "admit/gcra.h"

#include <stdlib.h>

#include "base/number.h"
#include "test.h"

/* The definition, with count as the denominator of every time: nothing shared with gcra.c. */
struct oracle {
    __int128 count, period, burst;
    __int128 tat; /* in 1/count of a microsecond */
    __int128 now;
};

static bool oracle_take(struct oracle *o, uint64_t now_us)
{
    __int128 now = (__int128)now_us * o->count;
    if (now > o->now)
        o->now = now;
    __int128 from = o->tat > o->now ? o->tat : o->now;
    if (from + o->period > o->now + o->burst * o->period)
        return false;
    o->tat = from + o->period;
    return true;
}

/* Mostly small steps of about the rate's own, now and then a jump of any size either way. */
static uint64_t any_next(struct test_random *random, uint64_t now, uint64_t about)
{
    uint64_t word = test_random_next(random);
    switch (word % 64) {
    case 0:
        return test_random_next(random) >> (word >> 8 & 63);
    case 1:
        return now - (word >> 8) % (4 * about + 1);
    case 2:
        return now + (word >> 8) % (1 + (UINT64_C(1) << 45));
    case 3:
        return word & 256 ? UINT64_MAX : 0;
    default:
        return now + (word >> 8) % (2 * about + 2);
    }
}

static struct gcra_rate any_rate(struct test_random *random, struct oracle *oracle)
{
    static const uint64_t periods[] = { 1, 1000, 1000000, 60000000, 3600000000, 997, 86400000000 };
    struct gcra_rate rate = { 0 };
    uint64_t period;
    uint32_t count, burst;
    do {
        period = periods[test_random_below(random, COUNT_OF(periods))];
        count = (uint32_t)(1 + test_random_below(random, test_random_below(random, 2) ? 20 : 5000));
        burst = (uint32_t)(1 + test_random_below(random, test_random_below(random, 2) ? 4 : 300));
    } while (!gcra_rate_of(count, period, burst, &rate));
    assert_true(gcra_rate_is_sound(&rate));
    *oracle = (struct oracle){ .count = count, .period = (__int128)period, .burst = burst };
    return rate;
}

static void test_against_rational_numbers(void **state)
{
    (void)state;
    uint64_t verdicts = getenv("WARD_FULL") != NULL ? 1000000000 : 1000000;
    struct test_random random = { 71 };
    uint64_t allowed = 0;
    for (uint64_t done = 0; done < verdicts;) {
        struct oracle oracle;
        struct gcra_rate rate = any_rate(&random, &oracle);
        struct gcra gcra = { 0 };
        uint64_t now = test_random_next(&random) >> test_random_below(&random, 64);
        uint64_t about = (uint64_t)(oracle.period / oracle.count);
        for (unsigned i = 0; i < 1000; i++, done++) {
            now = any_next(&random, now, about);
            struct gcra_answer answer = gcra_take(&gcra, &rate, 1, now);
            if (answer.allowed != oracle_take(&oracle, now))
                fail_msg("verdict %llu of seed 71", (unsigned long long)done);
            assert_true(gcra_is_sound(&gcra, &rate));
            assert_int_equal(answer.retry_us == 0, answer.allowed);
            allowed += answer.allowed;
        }
    }
    /* Both answers were given often. */
    assert_true(allowed > verdicts / 10 && allowed < verdicts - verdicts / 10);
}

/* retry_us is exact: at that time it is allowed, one microsecond earlier it is not. */
static void test_retry_is_exact(void **state)
{
    (void)state;
    struct test_random random = { 72 };
    unsigned refused = 0;
    for (unsigned round = 0; round < 3000; round++) {
        struct oracle oracle;
        struct gcra_rate rate = any_rate(&random, &oracle);
        struct gcra gcra = { 0 };
        uint64_t now = test_random_next(&random) >> 20;
        for (unsigned i = 0; i < 400; i++) {
            struct gcra_answer answer = gcra_take(&gcra, &rate, 1, now);
            if (answer.allowed)
                continue;
            struct gcra early = gcra, late = gcra;
            assert_false(gcra_take(&early, &rate, 1, now + answer.retry_us - 1).allowed);
            assert_true(gcra_take(&late, &rate, 1, now + answer.retry_us).allowed);
            refused++;
            break;
        }
    }
    assert_true(refused > 1000);
}

/* In no stretch between two arrivals more than burst + rate * T, T by the readings' highest. */
static void test_never_more_than_burst_and_rate(void **state)
{
    (void)state;
    enum { ARRIVALS = 1500 };
    static uint64_t at[ARRIVALS];
    struct test_random random = { 73 };
    for (unsigned round = 0; round < 40; round++) {
        struct oracle o;
        struct gcra_rate rate = any_rate(&random, &o);
        struct gcra gcra = { 0 };
        uint64_t now = test_random_next(&random) >> 30, highest = 0;
        size_t count = 0;
        for (unsigned i = 0; i < ARRIVALS; i++) {
            now = any_next(&random, now, (uint64_t)(o.period / o.count) / 4);
            highest = now > highest ? now : highest;
            if (gcra_take(&gcra, &rate, 1, now).allowed)
                at[count++] = highest;
        }
        for (size_t i = 0; i < count; i++) {
            for (size_t j = i; j < count; j++) {
                __int128 most = o.burst * o.period + (__int128)(at[j] - at[i]) * o.count;
                assert_true((__int128)(j - i + 1) * o.period <= most);
            }
        }
    }
}

/* SW-5's arithmetic: burst, one too many, and again after the step. */
static void test_burst_then_steps(void **state)
{
    (void)state;
    struct gcra_rate rate;
    struct gcra gcra = { 0 };
    assert_true(gcra_rate_of(50, 1000000, 100, &rate));
    uint64_t now = 12345678901;
    for (unsigned i = 0; i < 100; i++)
        assert_true(gcra_take(&gcra, &rate, 1, now).allowed);
    struct gcra_answer answer = gcra_take(&gcra, &rate, 1, now);
    assert_false(answer.allowed);
    assert_int_equal(answer.retry_us, 20000);
    assert_false(gcra_take(&gcra, &rate, 1, now + 19999).allowed);
    assert_true(gcra_take(&gcra, &rate, 1, now + 20000).allowed);
    assert_false(gcra_take(&gcra, &rate, 1, now + 20000).allowed);
    /* An hour back: nothing more. */
    assert_false(gcra_take(&gcra, &rate, 1, now - 3600000000).allowed);
    assert_false(gcra_take(&gcra, &rate, 1, 0).allowed);
    assert_false(gcra_take(&gcra, &rate, 1, now + 39999).allowed);
    assert_true(gcra_take(&gcra, &rate, 1, now + 40000).allowed);
    /* The end of time: a burst, once. */
    for (unsigned i = 0; i < 100; i++)
        assert_true(gcra_take(&gcra, &rate, 1, UINT64_MAX).allowed);
    assert_false(gcra_take(&gcra, &rate, 1, UINT64_MAX).allowed);
    assert_false(gcra_take(&gcra, &rate, 1, 5).allowed);
}

/* A cost of n is n arrivals, all or none of them; more than the burst is the burst. */
static void test_costs(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t before, cost;
        uint64_t retry_us; /* 0: allowed */
        uint32_t after;    /* single arrivals that still pass */
    } rows[] = {
        { "one", 0, 1, 0, 9 },
        { "nothing is one", 0, 0, 0, 9 },
        { "some", 0, 4, 0, 6 },
        { "all that is left", 6, 4, 0, 0 },
        { "one more than is left", 7, 4, 20000, 3 },
        { "far more than is left", 9, 10, 180000, 1 },
        { "the burst", 0, 10, 0, 0 },
        { "more than the burst", 0, 11, 0, 0 },
        { "more than the burst, after one", 1, 11, 20000, 9 },
        { "the largest", 0, UINT32_MAX, 0, 0 },
        { "the largest, with nothing left", 10, UINT32_MAX, 200000, 0 },
    };
    struct gcra_rate rate;
    assert_true(gcra_rate_of(50, 1000000, 10, &rate));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct gcra gcra = { 0 };
        uint32_t after = 0;
        for (unsigned n = 0; n < rows[i].before; n++)
            assert_true(gcra_take(&gcra, &rate, 1, 5).allowed);
        struct gcra_answer answer = gcra_take(&gcra, &rate, rows[i].cost, 5);
        while (gcra_take(&gcra, &rate, 1, 5).allowed)
            after++;
        if (answer.allowed != (rows[i].retry_us == 0) || answer.retry_us != rows[i].retry_us ||
            after != rows[i].after || !gcra_is_sound(&gcra, &rate))
            fail_msg("%s", rows[i].name);
    }
}

static void test_rates(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t count;
        uint64_t period;
        uint32_t burst;
        bool ok;
    } rows[] = {
        { "eight a minute", 8, 60000000, 8, true },
        { "fifty a second", 50, 1000000, 100, true },
        { "three a second", 3, 1000000, 1, true },
        { "nothing", 0, 1000000, 1, false },
        { "in no time", 1, 0, 1, false },
        { "without a burst", 1, 1000000, 0, false },
        { "the finest scale", 9999, 1000000, 1, true },
        { "scale at its limit", GCRA_SCALE_MAX, 997, 1, true },
        { "scale past it", GCRA_SCALE_MAX + 1, 997, 1, false },
        { "many that reduce", 4000000000, 1000000, 1, true },
        { "the longest step", 1, (UINT64_C(1) << GCRA_WINDOW_BITS) - 1, 1, true },
        { "one more", 1, UINT64_C(1) << GCRA_WINDOW_BITS, 1, false },
        { "the widest burst", 1, 128, UINT32_MAX, true },
        { "one wider", 1, 129, UINT32_MAX, false },
        { "the longest period", 1, UINT64_MAX, UINT32_MAX, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct gcra_rate rate = { 7, 7, 7 };
        bool ok = gcra_rate_of(rows[i].count, rows[i].period, rows[i].burst, &rate);
        if (ok != rows[i].ok)
            fail_msg("%s", rows[i].name);
        if (ok) {
            assert_true(gcra_rate_is_sound(&rate));
        } else {
            assert_int_equal(rate.step + rate.window + rate.scale, 21);
        }
    }
    struct gcra_rate zero = { 0 };
    assert_false(gcra_rate_is_sound(&zero));
    struct gcra_rate uneven = { 10, 25, 1 };
    assert_false(gcra_rate_is_sound(&uneven));
    struct gcra_answer answer = { 0 };
    assert_false(answer.allowed); /* the zero refuses */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_against_rational_numbers, ""),
        TEST(test_retry_is_exact, ""),
        TEST(test_never_more_than_burst_and_rate, ""),
        TEST(test_burst_then_steps, ""),
        TEST(test_costs, ""),
        TEST(test_rates, ""),
    };
    return RUN_TESTS(tests);
}
