/* time.c - see time.h.  The proleptic Gregorian calendar, by arithmetic alone. */
#include "base/time.h"

#include "base/cursor.h"

enum { DAYS_PER_ERA = 146097, YEARS_PER_ERA = 400, EPOCH_DAY = 719468, SECONDS_PER_DAY = 86400 };

static bool year_is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_length(int year, int month)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && year_is_leap(year) ? 29 : lengths[month - 1];
}

enum window_side window_side_of(struct window window, int64_t now)
{
    if (now < window.from)
        return WINDOW_BEFORE;
    return now > window.until ? WINDOW_AFTER : WINDOW_INSIDE;
}

/* Days since 1970-01-01.  The year is counted from March so that the leap day is last. */
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - (YEARS_PER_ERA - 1)) / YEARS_PER_ERA;
    int64_t year_of_era = y - era * YEARS_PER_ERA;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - EPOCH_DAY;
}

bool time_from_civil(struct civil c, int64_t *out)
{
    if (c.year < 0 || c.year > 9999 || c.month < 1 || c.month > 12 || c.day < 1 ||
        c.day > month_length(c.year, c.month))
        return false;
    if (c.hour < 0 || c.hour > 23 || c.minute < 0 || c.minute > 59 || c.second < 0 || c.second > 59)
        return false;
    *out = days_from_civil(c.year, c.month, c.day) * SECONDS_PER_DAY + c.hour * 3600 +
           c.minute * 60 + c.second;
    return true;
}

bool time_to_civil(int64_t at, struct civil *out)
{
    if (at < TIME_MIN || at > TIME_MAX)
        return false;
    int64_t days = at / SECONDS_PER_DAY;
    int64_t rest = at % SECONDS_PER_DAY;
    if (rest < 0) {
        rest += SECONDS_PER_DAY;
        days--;
    }
    int64_t shifted = days + EPOCH_DAY;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
                           day_of_era / 146096) /
                          365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *out = (struct civil){
        .year = (int)(year_of_era + era * YEARS_PER_ERA) + (month <= 2 ? 1 : 0),
        .month = month,
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
        .hour = (int)(rest / 3600),
        .minute = (int)(rest / 60 % 60),
        .second = (int)(rest % 60),
    };
    return true;
}

static bool read_digits(struct cursor *in, size_t count, int *out)
{
    struct span digits;
    if (!cur_take(in, count, &digits))
        return false;
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        value = value * 10 + (digits.at[i] - '0');
    }
    *out = value;
    return true;
}

static bool read_one_of(struct cursor *in, const char *two)
{
    uint8_t c;
    return cur_u8(in, &c) && (c == (uint8_t)two[0] || c == (uint8_t)two[1]);
}

static bool read_fraction(struct cursor *in)
{
    uint8_t c;
    if (!cur_peek(in, &c) || c != '.')
        return true;
    size_t digits = 0;
    if (!cur_skip(in, 1))
        return false;
    while (cur_peek(in, &c) && c >= '0' && c <= '9' && cur_skip(in, 1))
        digits++;
    return digits > 0;
}

/* time-offset = "Z" / ("+" / "-") time-hour ":" time-minute (RFC 3339 5.6) */
static bool read_offset(struct cursor *in, int64_t *seconds)
{
    uint8_t sign;
    int hour;
    int minute;
    if (!cur_u8(in, &sign))
        return false;
    if (sign == 'Z' || sign == 'z') {
        *seconds = 0;
        return true;
    }
    if (sign != '+' && sign != '-')
        return false;
    if (!(read_digits(in, 2, &hour) && read_one_of(in, "::") && read_digits(in, 2, &minute)))
        return false;
    if (hour > 23 || minute > 59)
        return false;
    int64_t offset = hour * 3600 + minute * 60;
    *seconds = sign == '+' ? offset : -offset;
    return true;
}

bool time_parse_rfc3339(struct span text, int64_t *out)
{
    struct cursor in = cur_over(text);
    struct civil c;
    int64_t local;
    int64_t offset;
    if (!(read_digits(&in, 4, &c.year) && read_one_of(&in, "--") && read_digits(&in, 2, &c.month) &&
          read_one_of(&in, "--") && read_digits(&in, 2, &c.day) && read_one_of(&in, "Tt") &&
          read_digits(&in, 2, &c.hour) && read_one_of(&in, "::") &&
          read_digits(&in, 2, &c.minute) && read_one_of(&in, "::") &&
          read_digits(&in, 2, &c.second) && read_fraction(&in) && read_offset(&in, &offset) &&
          cur_end(&in)))
        return false;
    if (!time_from_civil(c, &local) || local - offset < TIME_MIN || local - offset > TIME_MAX)
        return false;
    *out = local - offset;
    return true;
}

void time_write(struct sink *out, int64_t at)
{
    struct civil c;
    if (!time_to_civil(at, &c)) {
        sink_text(out, "out of range");
        return;
    }
    sink_format(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour, c.minute,
                c.second);
}
