/* eventlog_fuzz.h - what both targets of event logs demand of a judgement: it is the same the
   second time, values need every line to pass, and registers that do not match are refused. */
#ifndef WARD_FUZZ_EVENTLOG_FUZZ_H
#define WARD_FUZZ_EVENTLOG_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "attest/eventlog.h"

static void judge_log(struct span log, const struct claims *quote, struct report *report,
                      struct log_claims *out)
{
    size_t room = EVENTLOG_SCRATCH(log.len);
    void *memory = malloc(room);
    if (memory == NULL)
        abort();
    struct arena scratch = arena_over(memory, room);
    memset(report, 0, sizeof *report);
    eventlog_verify(log, quote, NULL, &scratch, report, out);
    free(memory);
    if (!report_is_sound(report))
        abort();
    if (out->value_count != 0 && report_first_failure(report) != CHECK_COUNT)
        abort();
}

static void fuzz_log(struct span log)
{
    static struct report report;
    static struct claims quote;
    static struct log_claims first, second;
    quote = (struct claims){ .kind = EVIDENCE_TDX_V4, .verified = true };
    judge_log(log, &quote, &report, &first);
    memcpy(quote.tdx.rtmr, first.replayed, sizeof first.replayed);
    judge_log(log, &quote, &report, &second);
    if (!bytes_equal(first.replayed, second.replayed, sizeof first.replayed))
        abort();
    bool good = report_first_failure(&report) == CHECK_COUNT;
    if (good && !(second.match[0] && second.match[1] && second.match[2] && second.match[3]))
        abort();
    quote.tdx.rtmr[0][0] ^= 1;
    judge_log(log, &quote, &report, &second);
    if (report_first_failure(&report) == CHECK_COUNT || second.value_count != 0)
        abort();
    quote.verified = false;
    judge_log(log, &quote, &report, &second);
    if (report_passed(&report, CHECK_AE_6) || report_passed(&report, CHECK_AE_11))
        abort();
}

#endif
