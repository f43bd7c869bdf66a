/* test.h - what every C test includes first: cmocka, and the row that names a test and the
   requirement lines that it proves. */
#ifndef WARD_TESTS_TEST_H
#define WARD_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"

/* One row: the function, and the ids it proves ("AT-11 RL-4", or "").  The ids are read by
   tools/conformance.py; at run time they are not used. */
#define TEST(function, ids) cmocka_unit_test(function)

#define RUN_TESTS(tests) cmocka_run_group_tests(tests, NULL, NULL)

/* Compares two spans and prints both as hex when they differ. */
void assert_span_equal(struct span actual, struct span expected);

/* A small generator for properties: seeded, the same everywhere. */
struct test_random {
    uint64_t state;
};
uint64_t test_random_next(struct test_random *random);
size_t test_random_below(struct test_random *random, size_t limit);

#endif
