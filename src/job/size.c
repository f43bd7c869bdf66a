/* size.c - see size.h. */
#include "job/size.h"

static bool unit_of(uint8_t letter, uint64_t *out)
{
    switch (letter) {
    case 'k':
    case 'K':
        *out = JOB_KIB;
        return true;
    case 'm':
    case 'M':
        *out = JOB_MIB;
        return true;
    case 'g':
    case 'G':
        *out = JOB_GIB;
        return true;
    default:
        return false;
    }
}

bool job_size_parse(struct span text, uint64_t unit, uint64_t *out)
{
    uint64_t number = 0, bytes;
    size_t digits = 0;
    for (; digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9'; digits++) {
        if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
            __builtin_add_overflow(number, (uint64_t)(text.at[digits] - '0'), &number))
            return false;
    }
    size_t rest = text.len - digits;
    if (digits == 0 || rest > 1 || (rest == 1 && !unit_of(text.at[digits], &unit)) ||
        __builtin_mul_overflow(number, unit, &bytes))
        return false;
    *out = bytes;
    return true;
}

uint64_t job_size_units(uint64_t bytes, uint64_t unit)
{
    return bytes / unit + (bytes % unit != 0 ? 1 : 0);
}

void job_size_write(struct sink *out, uint64_t bytes)
{
    static const struct {
        uint64_t bytes;
        const char *name;
    } units[] = { { JOB_GIB, "GiB" }, { JOB_MIB, "MiB" }, { JOB_KIB, "KiB" } };
    for (size_t i = 0; bytes != 0 && i < sizeof units / sizeof units[0]; i++) {
        if (bytes % units[i].bytes == 0) {
            sink_format(out, "%llu %s", (unsigned long long)(bytes / units[i].bytes),
                        units[i].name);
            return;
        }
    }
    sink_format(out, "%llu bytes", (unsigned long long)bytes);
}
