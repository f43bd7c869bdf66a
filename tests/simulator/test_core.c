/* test_core.c - core in a world that follows from a seed (world.h): thousands of houses that are
   killed, frozen, full, lied to and put back, and in each of them all that must hold does.  A
   seed that shows otherwise is printed; build/tests/simulator/simulator --seed N --trace shows
   how it came to that, the same each time.

   WARD_FULL in the environment: 100,000 seeds instead of 2,000. */
#include <stdio.h>
#include <stdlib.h>

#include "simulator/world.h"

static struct world world;

static void test_what_must_hold_does(void **state)
{
    uint64_t seeds = getenv("WARD_FULL") != NULL ? 50 * SEEDS : SEEDS, steps = 0, lives = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        const char *wrong = run_seed(&world, seed, false);
        if (wrong != NULL)
            fail_msg("seed %llu: %s: %s", (unsigned long long)seed, wrong, world.what);
        steps += world.steps;
        lives += world.core_lives;
    }
    printf("# seeds 1 to %llu: %llu steps in %llu lives of core\n", (unsigned long long)seeds,
           (unsigned long long)steps, (unsigned long long)lives);
    assert_true(lives > 2 * seeds); /* and they were not all quiet ones */
}

static void test_a_seed_is_always_the_same(void **state)
{
    enum { SOME = 50 };
    static uint64_t first[SOME];
    (void)state;
    for (uint64_t seed = 0; seed < 2 * SOME; seed++) {
        run_seed(&world, seed % SOME, false);
        if (seed < SOME)
            first[seed] = world.digest;
        else
            assert_true(world.digest == first[seed % SOME]);
        assert_true(seed == 0 || seed >= SOME || first[seed] != first[seed - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_must_hold_does, ""),
        TEST(test_a_seed_is_always_the_same, ""),
    };
    return RUN_TESTS(tests);
}
