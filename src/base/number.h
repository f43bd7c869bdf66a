/* number.h - numbers: sums and products of those that a peer chose, where false means overflow and
   the out-parameter is untouched; and the smaller and the larger of two. */
#ifndef WARD_BASE_NUMBER_H
#define WARD_BASE_NUMBER_H

#include <stddef.h>

#include "base/result.h"

MUST_USE
static inline bool add_size(size_t a, size_t b, size_t *out)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

MUST_USE
static inline bool mul_size(size_t a, size_t b, size_t *out)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

MUST_USE
static inline bool add_i64(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

static inline uint64_t least_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t most_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
