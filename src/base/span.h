/* span.h - a view of bytes that somebody else owns.  {0} is the empty span. */
#ifndef WARD_BASE_SPAN_H
#define WARD_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const uint8_t *at;
    size_t len;
};

/* Several of them. */
struct span_list {
    const struct span *items;
    size_t count;
};

#define SPAN(array) ((struct span){ (const uint8_t *)(array), sizeof(array) })

/* span_of views len bytes at `at`; `at` may be NULL only when len is 0. */
static inline struct span span_of(const void *at, size_t len)
{
    return (struct span){ (const uint8_t *)at, len };
}

/* span_text views a C string without its NUL. */
struct span span_text(const char *text);

/* span_equal compares public bytes; it stops at the first difference, so it is never used
   on a secret or on a value that a peer tries to guess (crypto/ct.h is). */
bool span_equal(struct span a, struct span b);
bool span_equal_text(struct span a, const char *text);

/* bytes_equal is span_equal for two arrays of the same length. */
bool bytes_equal(const void *a, const void *b, size_t len);

/* bytes_are_zero tells whether all len bytes are 0 (true for len 0). */
bool bytes_are_zero(const void *at, size_t len);

/* span_inside tells whether `part` lies wholly within `whole`. */
bool span_inside(struct span part, struct span whole);

#endif
