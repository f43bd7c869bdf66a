/* exact.h - proves that a list of system calls is exact: every number is tried in a forked
   child under its filter, by the usual way, with the x32 bit and through int 0x80, and those
   that survive are the listed ones and no other.  Arguments are all ones, which no call
   makes sense of; what is not listed is killed before the kernel looks at them. */
#ifndef WARD_TESTS_OS_EXACT_H
#define WARD_TESTS_OS_EXACT_H

#include "os/jail.h"
#include "test.h"

enum {
    EXACT_NUMBERS = 601, /* 0..600: past the last one of any kernel today */
    EXACT_X32 = 0x40000000,
};

/* assert_exact fails the test with the first number that survives and should not, or does not
   and should.  Returns how many calls were tried. */
size_t assert_exact(const struct call_rule *rules, size_t count);

#endif
