/* time.h - instants as whole seconds since 1970-01-01T00:00:00Z, in an int64_t.  Nothing
   here reads a clock: the time is always an argument (os/clock.h reads it).  Years run
   from 0000 to 9999, the range of ASN.1 and RFC 3339. */
#ifndef WARD_BASE_TIME_H
#define WARD_BASE_TIME_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

#define TIME_MIN INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

struct civil {
    int year, month, day, hour, minute, second;
};

/* A closed interval, as certificates and collateral state it. */
struct window {
    int64_t from;
    int64_t until;
};

enum window_side { WINDOW_BEFORE = -1, WINDOW_INSIDE = 0, WINDOW_AFTER = 1 };

enum window_side window_side_of(struct window window, int64_t now);

/* time_from_civil refuses a date that no calendar has (month 13, 30 February, second 60). */
MUST_USE
bool time_from_civil(struct civil civil, int64_t *out);

/* time_to_civil needs TIME_MIN <= at <= TIME_MAX and says whether it was. */
MUST_USE
bool time_to_civil(int64_t at, struct civil *out);

/* time_parse_rfc3339 reads the whole span: `2025-07-04T10:16:31Z`, or an offset, or a
   fraction of a second, which is cut off.  Refused where the offset leads out of the range. Letters
   T and Z in either case (RFC 3339 5.6). */
MUST_USE
bool time_parse_rfc3339(struct span text, int64_t *out);

/* time_write appends RFC 3339 in UTC, or "out of range". */
void time_write(struct sink *out, int64_t at);

#endif
