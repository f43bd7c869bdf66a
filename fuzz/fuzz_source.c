/* fuzz_source.c - whatever a source of evidence answers is read or refused with a reason; what is
   handed on bears what was asked for, and nothing else. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "source/parts.h"

enum { MEMORY = 4 << 20, BORNE = 568 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static bool read(uint8_t kind, struct span bytes, struct arena *arena, struct source_evidence *out,
                 struct source_problem *problem)
{
    static const enum source_kind agents[] = { SOURCE_DSTACK, SOURCE_TAPPD, SOURCE_HOUSE };
    static const unsigned statuses[] = { 200, 200, 400, 403, 429 };
    if (kind % 4 == 0)
        return source_nsm_read(bytes, out, problem);
    const struct source_reply reply = { statuses[kind / 4 % COUNT_OF(statuses)], bytes };
    return source_agent_read(agents[kind % 4 - 1], &reply, arena, out, problem);
}

/* Asked for what a quote bears, it is handed on; with one bit changed it is not. */
static void judge(const struct source_evidence *read_one, struct arena *arena)
{
    struct source_problem problem = { 0 };
    struct source_ask ask = { 0 };
    struct source_evidence made = *read_one;
    if (made.evidence.len >= BORNE + SOURCE_REPORT_DATA)
        memcpy(ask.report_data, made.evidence.at + BORNE, SOURCE_REPORT_DATA);
    bool whole = source_judge(&ask, arena, &made, &problem);
    must(whole || problem.reason != REASON_NONE);
    must(made.evidence.len <= read_one->evidence.len);
    if (!whole)
        return;
    ask.report_data[made.evidence.len % SOURCE_REPORT_DATA] ^= 1;
    made = *read_one;
    must(!source_judge(&ask, arena, &made, &problem));
    must(problem.reason == REASON_SOURCE_OTHER_DATA);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct source_evidence got = { 0 };
    struct source_problem problem = { 0 };
    if (size < 1)
        return 0;
    arena_init(&arena, MEMORY);
    if (read(data[0], span_of(data + 1, size - 1), &arena, &got, &problem)) {
        must(got.evidence.len <= SOURCE_EVIDENCE_MAX && got.event_log.len <= SOURCE_LOG_MAX);
        judge(&got, &arena);
    } else {
        must(problem.reason != REASON_NONE && strlen(problem.detail) < SOURCE_DETAIL);
        must(got.evidence.len == 0 && got.event_log.len == 0);
    }
    arena_fini(&arena);
    return 0;
}
