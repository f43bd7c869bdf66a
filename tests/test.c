/* test.c - see test.h. */
#include "test.h"

#include <stdio.h>

static void print_hex(const char *what, struct span bytes)
{
    fprintf(stderr, "%s (%zu): ", what, bytes.len);
    for (size_t i = 0; i < bytes.len; i++)
        fprintf(stderr, "%02x", bytes.at[i]);
    fputc('\n', stderr);
}

void assert_span_equal(struct span actual, struct span expected)
{
    if (span_equal(actual, expected))
        return;
    print_hex("expected", expected);
    print_hex("actual", actual);
    fail();
}

/* SplitMix64: public domain by its author (Vigna); 64 bits of state are enough for tests. */
uint64_t test_random_next(struct test_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

size_t test_random_below(struct test_random *random, size_t limit)
{
    return limit == 0 ? 0 : (size_t)(test_random_next(random) % limit);
}
