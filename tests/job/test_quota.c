/* test_quota.c - whatever is asked for in whatever order, no more is given out than there is; what
   is divided is all of it; and each fault of the public validator's quota, once. */
#include "job/quota.h"

#include "base/number.h"
#include "test.h"

static struct quota quota;

static struct quota_amount amount_of(uint64_t cpu, uint64_t memory, uint64_t disk, uint64_t gpu)
{
    return (struct quota_amount){ { cpu, memory, disk, gpu } };
}

/* A node of this capacity with tenants of these shares, divided. */
static void make(struct quota_amount capacity, const uint32_t *shares, size_t count)
{
    size_t index = 0;
    assert_true(quota_init(&quota, &capacity));
    for (size_t i = 0; i < count; i++) {
        assert_true(quota_add(&quota, shares[i], &index));
        assert_int_equal(index, i);
    }
    quota_divide(&quota);
    assert_true(quota_is_sound(&quota));
}

static uint64_t reserved_in_all(size_t kind)
{
    uint64_t all = 0;
    for (size_t i = 0; i < quota.tenant_count; i++)
        all += quota.tenants[i].reserved.of[kind];
    return all;
}

static void assert_all_is_divided(void)
{
    for (size_t k = 0; k < QUOTA_KINDS; k++)
        assert_int_equal(reserved_in_all(k), quota.capacity.of[k]);
}

/* Ten places and a thousand who want one: ten have one, whoever gives back, and however often. */
static void a_thousand_for_ten(void **state)
{
    (void)state;
    static const uint32_t whole[] = { QUOTA_WHOLE };
    const struct quota_amount one = amount_of(1000, 1, 1, 0);
    struct test_random random = { 45 };
    bool held[1001] = { false };
    size_t holds = 0;
    make(amount_of(10000, 100, 100, 0), whole, 1);
    for (uint64_t id = 1; id <= 1000; id++) {
        bool granted = quota_claim(&quota, 0, id, &one) == QUOTA_GRANTED;
        assert_int_equal(granted, id <= 10);
        held[id] = granted;
        holds += granted;
    }
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t id = 1 + test_random_below(&random, 1000);
        if (test_random_below(&random, 2) == 0) {
            bool granted = quota_claim(&quota, 0, id, &one) == QUOTA_GRANTED;
            assert_int_equal(granted, held[id] || holds < 10);
            holds += granted && !held[id];
            held[id] = granted;
        } else {
            assert_int_equal(quota_release(&quota, id), held[id]);
            holds -= held[id];
            held[id] = false;
        }
        assert_true(holds <= 10);
        assert_int_equal(quota_in_use(&quota).of[QUOTA_CPU_MILLI], 1000 * holds);
    }
    assert_true(quota_is_sound(&quota));
}

/* Anything in any order: after every step all of it is sound. */
static void anything_in_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct test_random random = { seed };
        struct quota_amount capacity;
        for (size_t k = 0; k < QUOTA_KINDS; k++)
            capacity.of[k] = test_random_below(&random, k == QUOTA_GPU ? 9 : 100000);
        assert_true(quota_init(&quota, &capacity));
        for (unsigned step = 0; step < 400; step++) {
            size_t index = 0, tenant = test_random_below(&random, QUOTA_TENANTS_MAX);
            uint64_t id = test_random_below(&random, 60);
            struct quota_amount amount;
            for (size_t k = 0; k < QUOTA_KINDS; k++)
                amount.of[k] = test_random_below(&random, capacity.of[k] / 8 + 2);
            switch (test_random_below(&random, 8)) {
            case 0:
                (void)!quota_add(&quota, (uint32_t)test_random_below(&random, QUOTA_WHOLE + 9),
                                 &index);
                break;
            case 1:
                quota_activate(&quota, tenant, test_random_below(&random, 2) == 0);
                break;
            case 2:
                quota_divide(&quota);
                break;
            case 3:
                (void)!quota_release(&quota, id);
                break;
            case 4:
                (void)!quota_claim_whole(&quota, tenant % (quota.tenant_count + 1), id, &amount);
                break;
            default:
                (void)!quota_claim(&quota, tenant % (quota.tenant_count + 1), id, &amount);
            }
            if (!quota_is_sound(&quota))
                fail_msg("seed %llu, step %u", (unsigned long long)seed, step);
        }
    }
}

/* Rounded up each has a unit too many, and all together more than there is. */
static void no_unit_is_given_twice(void **state)
{
    (void)state;
    struct test_random random = { 7 };
    for (unsigned round = 0; round < 500; round++) {
        uint32_t shares[QUOTA_TENANTS_MAX];
        size_t count = 1 + test_random_below(&random, QUOTA_TENANTS_MAX);
        for (size_t i = 0; i < count; i++)
            shares[i] = 1 + (uint32_t)test_random_below(&random, QUOTA_WHOLE);
        make(amount_of(1 + test_random_below(&random, 100), test_random_below(&random, 7),
                       QUOTA_AMOUNT_MOST, 1),
             shares, count);
        assert_all_is_divided();
    }
}

static void nobody_is_below_the_floor(void **state)
{
    (void)state;
    static const uint32_t shares[] = { QUOTA_WHOLE, 1, 1, 1 };
    make(amount_of(1000000, 1000, 20, 1), shares, 4);
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(quota.tenants[i].reserved.of[QUOTA_CPU_MILLI], QUOTA_FLOOR);
        assert_int_equal(quota.tenants[i].reserved.of[QUOTA_MEMORY_MIB], 50);
        assert_int_equal(quota.tenants[i].reserved.of[QUOTA_DISK_MIB], 1);
        assert_int_equal(quota.tenants[i].reserved.of[QUOTA_GPU], 0);
    }
    assert_all_is_divided();
    /* Twenty and more have no floor that all of them could have: shares alone count. */
    uint32_t many[21];
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = i == 0 ? 400000 : 20000;
    make(amount_of(1000000, 0, 0, 0), many, COUNT_OF(many));
    assert_int_equal(quota.tenants[0].reserved.of[0], 500000);
    assert_int_equal(quota.tenants[20].reserved.of[0], 25000);
    assert_all_is_divided();
}

/* As the formula of the seed is meant, in real numbers. */
static void as_the_formula_says(void **state)
{
    (void)state;
    struct test_random random = { 11 };
    for (unsigned round = 0; round < 300; round++) {
        uint32_t shares[19];
        double raw[19], total = 0, demand = 0, above = 0;
        size_t count = 1 + test_random_below(&random, COUNT_OF(shares));
        for (size_t i = 0; i < count; i++)
            shares[i] = 1000 + (uint32_t)test_random_below(&random, QUOTA_WHOLE - 1000);
        make(amount_of(1000000000, 0, 0, 0), shares, count);
        for (size_t i = 0; i < count; i++) {
            quota.tenants[i].demand = (uint32_t)test_random_below(&random, QUOTA_WHOLE + 1);
            demand += quota.tenants[i].demand;
        }
        for (size_t i = 0; i < count; i++) {
            raw[i] = shares[i] * (1 + (demand > 0 ? 0.5 * quota.tenants[i].demand / demand : 0));
            total += raw[i];
        }
        for (size_t i = 0; i < count; i++) {
            raw[i] = raw[i] / total > 0.05 ? raw[i] / total - 0.05 : 0;
            above += raw[i];
        }
        quota_divide(&quota);
        for (size_t i = 0; i < count; i++) {
            double want = 0.05 + (above > 0 ? raw[i] / above * (1 - 0.05 * (double)count) : 0);
            double is = (double)quota.tenants[i].reserved.of[0] / 1e9;
            if (is - want > 2e-5 || want - is > 2e-5)
                fail_msg("%zu of %zu: %f, not %f", i, count, is, want);
        }
        assert_all_is_divided();
    }
}

/* Who asks has more than who does not, until it is forgotten. */
static void demand_counts_and_fades(void **state)
{
    (void)state;
    static const uint32_t halves[] = { 500000, 500000 };
    const struct quota_amount one = amount_of(1, 0, 0, 0);
    make(amount_of(1000000, 0, 0, 0), halves, 2);
    assert_int_equal(quota.tenants[0].reserved.of[0], 500000);
    assert_int_equal(quota_claim(&quota, 0, 1, &one), QUOTA_GRANTED);
    assert_int_equal(quota.tenants[0].demand, 300000);
    assert_int_equal(quota_claim(&quota, 0, 2, &one), QUOTA_GRANTED);
    assert_int_equal(quota.tenants[0].demand, 510000);
    assert_int_equal(quota_claim(&quota, 0, 2, &one), QUOTA_GRANTED); /* the same: no more wish */
    assert_int_equal(quota.tenants[0].demand, 510000);
    quota_divide(&quota);
    assert_true(quota.tenants[0].reserved.of[0] > 590000);
    for (unsigned i = 0; i < 400; i++)
        quota_divide(&quota);
    assert_true(quota.tenants[0].demand < 30);
    assert_int_equal(quota_claim(&quota, 0, 3, &(struct quota_amount){ { 2000000 } }),
                     QUOTA_TENANT_FULL);
    assert_true(quota.tenants[0].demand >= 300000); /* also a wish that is not granted */
}

/* Who is gone has no part; what he still has is nobody else's before he gives it back. */
static void who_is_not_active(void **state)
{
    (void)state;
    static const uint32_t halves[] = { 500000, 500000 };
    const struct quota_amount half = amount_of(50, 0, 0, 0), all = amount_of(100, 0, 0, 0);
    make(amount_of(100, 0, 0, 0), halves, 2);
    assert_int_equal(quota_claim(&quota, 0, 1, &half), QUOTA_GRANTED);
    quota_activate(&quota, 0, false);
    quota_divide(&quota);
    assert_int_equal(quota.tenants[0].reserved.of[0], 0);
    assert_int_equal(quota.tenants[1].reserved.of[0], 100);
    assert_int_equal(quota_claim(&quota, 0, 2, &(struct quota_amount){ { 1 } }), QUOTA_TENANT_FULL);
    assert_int_equal(quota_claim(&quota, 1, 3, &all), QUOTA_CAPACITY_FULL);
    assert_int_equal(quota_claim(&quota, 1, 4, &half), QUOTA_GRANTED);
    assert_true(quota_release(&quota, 1));
    assert_false(quota_release(&quota, 1));
    assert_int_equal(quota_claim(&quota, 1, 5, &half), QUOTA_GRANTED);
    assert_true(quota_is_sound(&quota));
    quota_activate(&quota, 1, false); /* nobody at all */
    quota_divide(&quota);
    assert_int_equal(reserved_in_all(0), 0);
    quota_activate(&quota, 99, true);
    assert_true(quota_is_sound(&quota));
}

/* Whatever the part is, there is never more than the whole. */
static void past_the_part(void **state)
{
    (void)state;
    static const uint32_t shares[] = { 900000, 100000 };
    const struct quota_amount half = amount_of(50, 0, 0, 0);
    make(amount_of(100, 0, 0, 0), shares, 2);
    assert_int_equal(quota_claim(&quota, 1, 1, &half), QUOTA_TENANT_FULL);
    assert_int_equal(quota_claim_whole(&quota, 1, 1, &half), QUOTA_GRANTED);
    assert_int_equal(quota_claim_whole(&quota, 1, 1, &half), QUOTA_GRANTED); /* the same one */
    assert_int_equal(quota.tenants[1].in_use.of[0], 50);
    assert_int_equal(quota_claim(&quota, 1, 2, &(struct quota_amount){ { 1 } }), QUOTA_TENANT_FULL);
    assert_int_equal(quota_claim_whole(&quota, 0, 3, &(struct quota_amount){ { 51 } }),
                     QUOTA_CAPACITY_FULL);
    assert_int_equal(quota_claim(&quota, 0, 4, &half), QUOTA_GRANTED);
    assert_int_equal(quota_claim_whole(&quota, 2, 5, &half), QUOTA_REFUSED);
    assert_true(quota_is_sound(&quota));
}

static void every_kind_at_once(void **state)
{
    (void)state;
    static const uint32_t whole[] = { QUOTA_WHOLE };
    make(amount_of(10, 10, 10, 1), whole, 1);
    for (size_t k = 0; k < QUOTA_KINDS; k++) {
        struct quota_amount amount = amount_of(1, 1, 1, 1);
        amount.of[k] = quota.capacity.of[k] + 1;
        assert_int_equal(quota_claim(&quota, 0, 7, &amount), QUOTA_TENANT_FULL);
        assert_true(quota_in_use(&quota).of[k] == 0);
    }
    const struct quota_amount most = amount_of(10, 10, 10, 1);
    assert_int_equal(quota_claim(&quota, 0, 7, &most), QUOTA_GRANTED);
    assert_true(quota_is_sound(&quota));
}

static void what_is_refused(void **state)
{
    (void)state;
    static const uint32_t whole[] = { QUOTA_WHOLE, 1 };
    size_t index = 77;
    make(amount_of(10, 0, 0, 0), whole, 2);
    const struct quota_amount one = amount_of(1, 0, 0, 0), two = amount_of(2, 0, 0, 0);
    const struct quota_amount none = { 0 }, huge = amount_of(QUOTA_AMOUNT_MOST + 1, 0, 0, 0);
    assert_false(quota_add(&quota, 0, &index));
    assert_false(quota_add(&quota, QUOTA_WHOLE + 1, &index));
    assert_int_equal(index, 77);
    assert_int_equal(quota_claim(&quota, 2, 1, &one), QUOTA_REFUSED);
    assert_int_equal(quota_claim(&quota, 0, 0, &one), QUOTA_REFUSED);
    assert_int_equal(quota_claim(&quota, 0, 1, &none), QUOTA_REFUSED);
    assert_int_equal(quota_claim(&quota, 0, 1, &huge), QUOTA_REFUSED);
    assert_int_equal(quota_claim(&quota, 0, 1, &one), QUOTA_GRANTED);
    assert_int_equal(quota_claim(&quota, 0, 1, &two), QUOTA_REFUSED); /* another one's id */
    assert_int_equal(quota_claim(&quota, 1, 1, &one), QUOTA_REFUSED);
    assert_false(quota_release(&quota, 0));
    assert_false(quota_release(&quota, 2));
    struct quota_amount too_much = amount_of(QUOTA_AMOUNT_MOST, 0, 0, 0);
    assert_true(quota_init(&quota, &too_much));
    too_much.of[QUOTA_DISK_MIB] = QUOTA_AMOUNT_MOST + 1;
    assert_false(quota_init(&quota, &too_much));
}

static void as_many_as_may_be(void **state)
{
    (void)state;
    static const uint32_t whole[] = { QUOTA_WHOLE };
    const struct quota_amount one = amount_of(1, 0, 0, 0);
    size_t index = 0;
    make(amount_of(QUOTA_AMOUNT_MOST, 0, 0, 0), whole, 1);
    for (uint64_t id = 1; id <= QUOTA_CLAIMS_MAX; id++)
        assert_int_equal(quota_claim(&quota, 0, id, &one), QUOTA_GRANTED);
    assert_int_equal(quota_claim(&quota, 0, QUOTA_CLAIMS_MAX + 1, &one), QUOTA_LEDGER_FULL);
    assert_true(quota_release(&quota, 17));
    assert_int_equal(quota_claim(&quota, 0, QUOTA_CLAIMS_MAX + 1, &one), QUOTA_GRANTED);
    while (quota.tenant_count < QUOTA_TENANTS_MAX)
        assert_true(quota_add(&quota, 1, &index));
    assert_false(quota_add(&quota, 1, &index));
    quota_divide(&quota);
    assert_true(quota_is_sound(&quota));
}

/* What it would be told by is_sound, were it not so. */
static void what_is_not_sound(void **state)
{
    (void)state;
    static const uint32_t halves[] = { 500000, 500000 };
    const struct quota_amount one = amount_of(1, 0, 0, 0);
    make(amount_of(10, 0, 0, 0), halves, 2);
    assert_int_equal(quota_claim(&quota, 0, 1, &one), QUOTA_GRANTED);
    quota.tenants[0].in_use.of[0]++;
    assert_false(quota_is_sound(&quota));
    quota.tenants[0].in_use.of[0]--;
    quota.tenants[1].reserved.of[0]++;
    assert_false(quota_is_sound(&quota));
    quota.tenants[1].reserved.of[0]--;
    quota.claims[5] = (struct quota_claim){ 9, 2, one };
    assert_false(quota_is_sound(&quota));
    quota.claims[5] = (struct quota_claim){ 0 };
    quota.tenants[1].share = 0;
    assert_false(quota_is_sound(&quota));
    quota.tenants[1].share = 1;
    assert_true(quota_is_sound(&quota));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thousand_for_ten, ""),     TEST(anything_in_any_order, ""),
        TEST(no_unit_is_given_twice, ""), TEST(nobody_is_below_the_floor, ""),
        TEST(as_the_formula_says, ""),    TEST(demand_counts_and_fades, ""),
        TEST(who_is_not_active, ""),      TEST(every_kind_at_once, ""),
        TEST(past_the_part, ""),          TEST(what_is_refused, ""),
        TEST(as_many_as_may_be, ""),      TEST(what_is_not_sound, ""),
    };
    return RUN_TESTS(tests);
}
