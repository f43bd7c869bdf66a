/* rotate.c - see rotate.h. */
#include "audit/rotate.h"

#include "base/cursor.h"
#include "base/time.h"

enum { MS_PER_DAY = 86400000, SECONDS_PER_DAY = 86400, SEQ_DIGITS = 20 };

static const char prefix[] = "security-";

int64_t audit_day_of(int64_t at)
{
    int64_t day = at / MS_PER_DAY;
    return at % MS_PER_DAY < 0 ? day - 1 : day;
}

enum audit_rotation audit_must_rotate(const struct audit_file *file, int64_t now, uint64_t more,
                                      uint64_t size_max)
{
    if (file->records == 0)
        return AUDIT_ROTATE_NOT;
    if (audit_day_of(now) > file->day)
        return AUDIT_ROTATE_DAY;
    if (file->bytes > size_max || more > size_max - file->bytes)
        return AUDIT_ROTATE_SIZE;
    return AUDIT_ROTATE_NOT;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

struct audit_file audit_file_next(const struct audit_file *file, int64_t now)
{
    return (struct audit_file){ .day = later(file->day, audit_day_of(now)) };
}

void audit_file_count(struct audit_file *file, uint64_t records, uint64_t bytes)
{
    file->records += records;
    file->bytes += bytes;
}

void audit_file_name_put(struct sink *out, const struct audit_file_name *name)
{
    struct civil c;
    if (name->day < 0 || name->day > TIME_MAX / SECONDS_PER_DAY ||
        !time_to_civil(name->day * SECONDS_PER_DAY, &c)) {
        out->full = true;
        return;
    }
    sink_format(out, "%s%020llu-%04d-%02d-%02d.log%s", prefix, (unsigned long long)name->first,
                c.year, c.month, c.day, name->gzip ? ".gz" : "");
}

/* Exactly `count` digits. */
static bool read_number(struct cursor *in, size_t count, uint64_t *out)
{
    struct span digits;
    uint64_t value = 0;
    if (!cur_take(in, count, &digits))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9' ||
            __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(digits.at[i] - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

bool audit_file_name_read(struct span text, struct audit_file_name *out)
{
    struct cursor in = cur_over(text);
    struct audit_file_name name = { 0 };
    uint64_t year, month, day;
    int64_t at;
    if (!(cur_expect(&in, span_text(prefix)) && read_number(&in, SEQ_DIGITS, &name.first) &&
          cur_expect(&in, span_text("-")) && read_number(&in, 4, &year) &&
          cur_expect(&in, span_text("-")) && read_number(&in, 2, &month) &&
          cur_expect(&in, span_text("-")) && read_number(&in, 2, &day) &&
          cur_expect(&in, span_text(".log"))))
        return false;
    name.gzip = cur_expect(&in, span_text(".gz"));
    struct civil civil = { .year = (int)year, .month = (int)month, .day = (int)day };
    if (!cur_end(&in) || !time_from_civil(civil, &at) || at < 0)
        return false;
    name.day = at / SECONDS_PER_DAY;
    *out = name;
    return true;
}

bool audit_may_remove(const struct audit_file_name *file, uint64_t next, int64_t now,
                      const struct audit_retention *retention)
{
    return retention->days >= 0 && audit_day_of(now) - retention->days > file->day &&
           next > file->first && next <= retention->under && next <= retention->kept &&
           next <= retention->exported;
}
