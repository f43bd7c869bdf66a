/* logs.c - see logs.h. */
#include "attest/logs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/quote.h"
#include "test.h"
#include "vectors.h"

void judged_init(struct judged *judged)
{
    *judged = (struct judged){ .quote = { .kind = EVIDENCE_TDX_V4, .verified = true } };
}

void judge(struct judged *judged, struct span log, const struct eventlog_rules *rules)
{
    size_t room = EVENTLOG_SCRATCH(log.len);
    void *memory = malloc(room);
    assert_non_null(memory);
    struct arena scratch = arena_over(memory, room);
    judged->report = (struct report){ 0 };
    memset(&judged->log, 0xee, sizeof judged->log);
    eventlog_verify(log, &judged->quote, rules, &scratch, &judged->report, &judged->log);
    assert_true(report_is_sound(&judged->report));
    free(memory);
}

void judge_own(struct judged *judged, struct span log)
{
    judged_init(judged);
    judge(judged, log, NULL);
    memcpy(judged->quote.tdx.rtmr, judged->log.replayed, sizeof judged->log.replayed);
    judge(judged, log, NULL);
}

void quote_registers(struct judged *judged, const char *name)
{
    char path[1024];
    struct report report = { 0 };
    struct quote quote;
    int len = snprintf(path, sizeof path, "attest/%s", name);
    assert_in_range(len, 1, sizeof path - 1);
    struct span bytes = vectors_read(path);
    assert_true(quote_parse(bytes, &report, &quote));
    judged->quote = (struct claims){ .kind = quote.kind, .verified = true };
    assert_true(quote_body_tdx(quote.body, &judged->quote.tdx));
    vectors_free(&bytes);
}

enum reason log_reason(const struct judged *judged)
{
    enum check_id id = report_first_failure(&judged->report);
    return id == CHECK_COUNT ? REASON_NONE : (enum reason)judged->report.checks[id].reason;
}

const struct log_value *log_value(const struct log_claims *log, const char *name)
{
    for (size_t i = 0; i < log->value_count; i++)
        if (span_equal(span_text(log->values[i].name), span_text(name)))
            return &log->values[i];
    return NULL;
}
