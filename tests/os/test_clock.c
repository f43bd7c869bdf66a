/* test_clock.c - the two clocks. */
#include "os/clock.h"

#include <time.h>

#include "test.h"

static void test_now_is_the_systems_time(void **state)
{
    (void)state;
    int64_t before = time(NULL);
    int64_t now = clock_now();
    int64_t after = time(NULL);
    /* time() may lag behind by the kernel's tick. */
    assert_true(now >= before && now <= after + 1);
}

static void test_monotonic_counts_milliseconds(void **state)
{
    (void)state;
    const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
    int64_t before = clock_monotonic_ms();
    nanosleep(&pause, NULL);
    int64_t passed = clock_monotonic_ms() - before;
    assert_true(passed >= 19 && passed < 60 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_now_is_the_systems_time, ""),
        TEST(test_monotonic_counts_milliseconds, ""),
    };
    return RUN_TESTS(tests);
}
