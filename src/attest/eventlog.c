/* eventlog.c - tells the formats of logs apart and has the right reader judge them.  Judges
   nothing itself. */
#include "attest/eventlog.h"

#include "attest/ccel.h"
#include "attest/dstack_log.h"

/* A CCEL starts with a register number below 256 in four bytes; JSON never starts so. */
static bool is_json(struct span log)
{
    for (size_t i = 0; i < log.len && i < 256; i++) {
        uint8_t byte = log.at[i];
        if (byte == '[' || byte == '{')
            return true;
        if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r')
            return false;
    }
    return false;
}

static void skip_lines(struct report *report, enum check_id first, enum check_id last,
                       const char *why)
{
    for (unsigned id = first; id <= (unsigned)last; id++)
        report_skip(report, (enum check_id)id, why);
}

void eventlog_verify(struct span log, const struct claims *quote,
                     const struct eventlog_rules *rules, struct arena *scratch,
                     struct report *report, struct log_claims *out)
{
    static const struct eventlog_rules strict = { .rtmr3 = LOG_RTMR3_MATCH };
    if (is_json(log)) {
        skip_lines(report, CHECK_AE_1, CHECK_AE_7, "the log is a dstack JSON log");
        dstack_log_verify(log, quote, scratch, report, out);
        return;
    }
    skip_lines(report, CHECK_AE_8, CHECK_AE_11, "the log is a CCEL");
    ccel_verify(log, quote, rules != NULL ? rules : &strict, report, out);
}
