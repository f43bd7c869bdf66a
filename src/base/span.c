/* span.c - see span.h. */
#include "base/span.h"

#include <string.h>

struct span span_text(const char *text)
{
    return (struct span){ (const uint8_t *)text, strlen(text) };
}

bool bytes_equal(const void *a, const void *b, size_t len)
{
    return len == 0 || memcmp(a, b, len) == 0;
}

bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && bytes_equal(a.at, b.at, a.len);
}

bool span_equal_text(struct span a, const char *text)
{
    return span_equal(a, span_text(text));
}

bool bytes_are_zero(const void *at, size_t len)
{
    const uint8_t *bytes = at;
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}

bool span_inside(struct span part, struct span whole)
{
    uintptr_t at = (uintptr_t)part.at;
    uintptr_t start = (uintptr_t)whole.at;
    return at >= start && at - start <= whole.len && part.len <= whole.len - (at - start);
}
