/* decimal.c - see decimal.h. */
#include "base/decimal.h"

bool decimal_read(struct span text, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0 || (text.len > 1 && text.at[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(c - '0'), &value) || value > most)
            return false;
    }
    *out = value;
    return true;
}
