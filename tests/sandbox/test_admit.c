/* test_admit.c - what a machine lends to a job, and what it keeps. */
#include "test.h"

#include "base/number.h"
#include "sandbox/sandbox.h"

/* A sixteenth stays, and 256 MiB at least: the two are the same at 4 GiB. */
static void test_memory_that_is_lent(void **state)
{
    (void)state;
    static const struct {
        uint64_t machine, lent;
    } rows[] = {
        { 0, 0 },
        { 1, 0 },
        { SANDBOX_KEPT_MIN, 0 },
        { SANDBOX_KEPT_MIN + 1, 1 },
        { UINT64_C(1) << 30, 768 << 20 },
        { UINT64_C(4) << 30, UINT64_C(3840) << 20 },
        { (UINT64_C(4) << 30) + 15, (UINT64_C(3840) << 20) + 15 },
        { (UINT64_C(4) << 30) + 16, (UINT64_C(3840) << 20) + 15 },
        { UINT64_C(64) << 30, UINT64_C(60) << 30 },
        { UINT64_MAX, UINT64_MAX - UINT64_MAX / 16 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (sandbox_memory_lent(rows[i].machine) != rows[i].lent)
            fail_msg("of %llu", (unsigned long long)rows[i].machine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_memory_that_is_lent, "") };
    return RUN_TESTS(tests);
}
