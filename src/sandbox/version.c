/* version.c - see version.h. */
#include "sandbox/version.h"

#include "base/cursor.h"
#include "base/decimal.h"

enum { VERSION_DIGITS = 6 };

static bool read_number(struct cursor *in, unsigned *out)
{
    uint8_t room[VERSION_DIGITS], digit;
    size_t len = 0;
    uint64_t value;
    while (len < sizeof room && cur_peek(in, &digit) && digit >= '0' && digit <= '9' &&
           cur_skip(in, 1))
        room[len++] = digit;
    if (!decimal_read(span_of(room, len), UINT16_MAX, &value))
        return false;
    *out = (unsigned)value;
    return true;
}

bool version_is_from(struct span said, const char *name, unsigned major, unsigned minor)
{
    struct cursor in = cur_over(said);
    unsigned is_major, is_minor;
    return cur_expect(&in, span_text(name)) && cur_expect(&in, span_text(" version ")) &&
           read_number(&in, &is_major) && cur_expect(&in, span_text(".")) &&
           read_number(&in, &is_minor) &&
           (is_major > major || (is_major == major && is_minor >= minor));
}
