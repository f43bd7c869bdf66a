/* eventlog.h - replays a boot log and holds it against the registers of a quote that has been
   verified (spec attestation 2.3).  Two formats, told apart by the first byte: the CCEL of the
   firmware (TCG crypto-agile, binary) and the JSON log of dstack, versions 1 and 2.

   A log is worth what its registers are worth: nothing it says reaches the claims unless every
   line of its format passed and the registers it replays to are the ones that the quote signs. */
#ifndef WARD_ATTEST_EVENTLOG_H
#define WARD_ATTEST_EVENTLOG_H

#include "base/arena.h"
#include "base/span.h"
#include "model/claims.h"
#include "model/report.h"

enum {
    EVENTLOG_MAX = 1 << 20, /* bytes of one log; a CCEL area is 64 KiB to 1 MiB */
    RTMR_LEN = 48,
};

/* Memory that a log of len bytes takes from the scratch arena at most. */
#define EVENTLOG_SCRATCH(len) ((size_t)6 * (len) + 4096)

/* What RTMR3 of a CCEL log must be: extends made at run time leave no entry there (M16), so
   the caller says what to expect.  {0} is the strictest: the log explains the register. */
enum rtmr3_rule { LOG_RTMR3_MATCH = 0, LOG_RTMR3_VALUE, LOG_RTMR3_IGNORE };

/* For CCEL logs only: a dstack log holds the run-time events, so its RTMR3 always matches. */
struct eventlog_rules {
    enum rtmr3_rule rtmr3;
    uint8_t rtmr3_value[RTMR_LEN]; /* for LOG_RTMR3_VALUE: what the quote's RTMR3 must be */
};

/* eventlog_verify judges AE-1..AE-7 of a CCEL log or AE-8..AE-11 of a dstack log into *report
   and writes *out, whole, whatever the result; the lines of the other format stay skipped.

   quote: the claims of the quote that came with the log.  When they are not verified the
   registers mean nothing, and AE-6 and AE-11 are skipped with a note: never passed.  When they
   are of another kind than TDX those lines fail.
   rules: NULL is {0}.  scratch: EVENTLOG_SCRATCH(log.len) bytes are enough.
   out: format, events and replayed as far as the log could be read; match[i] whether the quote
   has what was replayed (all false when that was not judged); values only when every line
   passed.  *out may be quote->log. */
void eventlog_verify(struct span log, const struct claims *quote,
                     const struct eventlog_rules *rules, struct arena *scratch,
                     struct report *report, struct log_claims *out);

#endif
