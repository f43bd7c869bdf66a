/* sdk_trust.h - evidence of a guest agent's simulated TEE, judged by libward: for programs of the
   tests that are told the folder where `ward sim agent` published its root and its collateral. */
#ifndef WARD_TESTS_CHANNEL_SDK_TRUST_H
#define WARD_TESTS_CHANNEL_SDK_TRUST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "channel/sdk.h"
#include "os/clock.h"
#include "os/file.h"
#include "sim/sim.h"
#include "ward/verify.h"

enum { SDK_PUBLISHED_MAX = 64 * 1024 };

struct sdk_trust {
    struct ward_verifier *verifier;
    struct ward_result *result;
    struct ward_policy *policy;
    struct ward_collateral *collateral;
};

static inline void insist(bool held, const char *what)
{
    if (held)
        return;
    (void)fprintf(stderr, "%s\n", what);
    exit(3);
}

static inline struct ward_bytes sdk_published(struct arena *arena, const char *folder,
                                              const char *name)
{
    char path[512];
    struct span bytes = { 0 };
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    insist(rc_ok(file_read(NULL, path, SDK_PUBLISHED_MAX, arena, &bytes)), path);
    return (struct ward_bytes){ bytes.at, bytes.len, name };
}

static inline void sdk_trust_make(struct sdk_trust *trust, const char *folder)
{
    static const char rules[] = "hardware = false\n";
    static struct arena arena;
    struct ward_bytes pool[SIM_COLLATERAL_FILES];
    arena_init(&arena, 1 << 20);
    insist(ward_policy_load((struct ward_bytes){ rules, sizeof rules - 1, NULL }, &trust->policy,
                            NULL) == WARD_DONE &&
               ward_policy_add_root(trust->policy,
                                    sdk_published(&arena, folder, sim_root_file.name),
                                    NULL) == WARD_DONE,
           "policy");
    for (size_t i = 0; i < SIM_COLLATERAL_FILES; i++)
        pool[i] = sdk_published(&arena, folder, sim_collateral_files[i].name);
    const struct ward_collateral_files files = { .pool = pool, .pool_count = COUNT_OF(pool) };
    insist(ward_collateral_new(&files, trust->policy, &trust->collateral, NULL) == WARD_DONE &&
               ward_verifier_new(&trust->verifier, NULL) == WARD_DONE &&
               ward_result_new(&trust->result, NULL) == WARD_DONE,
           "verifier");
}

/* The compose hash is libward's, from the log that it has replayed.  Says on stdout what it found.
 */
static inline struct sdk_judgement sdk_trust_judge(struct sdk_trust *trust,
                                                   const struct sdk_evidence *shown,
                                                   const uint8_t *report_data)
{
    const struct ward_request request = {
        .evidence = { shown->quote.at, shown->quote.len, NULL },
        .type = WARD_TYPE_TDX,
        .time = clock_now(),
        .collateral = trust->collateral,
        .policy = trust->policy,
        .event_log = { shown->log.at, shown->log.len, NULL },
        .report_data = report_data,
    };
    struct ward_bytes hash = { 0 };
    ward_verify(trust->verifier, &request, trust->result);
    const bool allowed = ward_result_allowed(trust->result);
    const enum reason reason = reason_find(span_text(ward_result_reason(trust->result)));
    if (!ward_result_claim(trust->result, "compose_hash", &hash))
        hash = (struct ward_bytes){ 0 };
    printf("judged %s %s\n", ward_result_reason(trust->result),
           ward_result_hardware(trust->result) ? "hardware" : "simulated");
    return (struct sdk_judgement){ .decision = { allowed ? ALLOW : DENY, reason, CHECK_COUNT },
                                   .compose_hash = span_of(hash.data, hash.len),
                                   .now_ms = clock_monotonic_ms() };
}

#endif
