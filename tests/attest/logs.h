/* logs.h - what the tests of event logs share: judging a log against registers that the test
   chooses, and taking the registers of a genuine quote. */
#ifndef WARD_TESTS_ATTEST_LOGS_H
#define WARD_TESTS_ATTEST_LOGS_H

#include "attest/eventlog.h"

/* One judgement. */
struct judged {
    struct report report;
    struct log_claims log;
    struct claims quote; /* what the log is held against */
};

/* judged_init: no report, and a verified TDX quote whose registers are zero. */
void judged_init(struct judged *judged);

/* judge clears the report and judges the log against judged->quote; the memory it is given is
   exactly EVENTLOG_SCRATCH bytes of no heap. */
void judge(struct judged *judged, struct span log, const struct eventlog_rules *rules);

/* judge_own judges the log twice: the second time against the registers that it replays to. */
void judge_own(struct judged *judged, struct span log);

/* quote_registers sets judged->quote from a quote of the vectors ("tdx/x.quote.bin"). */
void quote_registers(struct judged *judged, const char *name);

/* log_reason: the reason of the first failing check; REASON_NONE when none failed. */
enum reason log_reason(const struct judged *judged);

/* log_value: NULL when the log has no value of that name. */
const struct log_value *log_value(const struct log_claims *log, const char *name);

#endif
