/* host_name.c - see host_name.h. */
#include "codec/host_name.h"

#include <string.h>

uint8_t host_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_label(struct span label, bool *all_digits)
{
    *all_digits = true;
    if (label.len == 0 || label.len > HOST_LABEL_MAX || label.at[0] == '-' ||
        label.at[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = host_lower(label.at[i]);
        if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-' && c != '_')
            return false;
        *all_digits = *all_digits && is_digit(c);
    }
    return true;
}

size_t host_first_label(struct span name)
{
    const uint8_t *point = name.len == 0 ? NULL : memchr(name.at, '.', name.len);
    return point == NULL ? name.len : (size_t)(point - name.at);
}

bool host_is_name(struct span text)
{
    bool all_digits = true;
    if (text.len == 0 || text.len > HOST_TEXT_MAX)
        return false;
    for (;;) {
        size_t len = host_first_label(text);
        if (!is_label(span_of(text.at, len), &all_digits))
            return false;
        if (len == text.len)
            return !all_digits;
        text = span_of(text.at + len + 1, text.len - len - 1);
    }
}

bool host_is_same(struct span a, struct span b)
{
    bool same = a.len == b.len;
    for (size_t i = 0; same && i < a.len; i++)
        same = host_lower(a.at[i]) == host_lower(b.at[i]);
    return same;
}
