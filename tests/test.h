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

/* cmocka does not tell the compilers that a failed assertion never comes back, so they warn
   of what would follow it.  These say the same and tell them. */
#undef assert_true
#undef assert_false
#undef assert_non_null
#undef fail
#define assert_true(c)     ASSERT_OR_STOP(c, #c)
#define assert_false(c)    ASSERT_OR_STOP(!(c), "not: " #c)
#define assert_non_null(c) ASSERT_OR_STOP((c) != NULL, #c " is not NULL")
#define fail()             (_fail(__FILE__, __LINE__), __builtin_unreachable())
#define ASSERT_OR_STOP(condition, text)                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            _assert_true(0, text, __FILE__, __LINE__);                                             \
            __builtin_unreachable();                                                               \
        }                                                                                          \
    } while (0)

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
