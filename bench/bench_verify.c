/* bench_verify.c - whole judgements as a caller of libward gets them: evidence in, a decision
   of the default policy out.  The limit is the signatures alone, verified by OpenSSL with
   everything ready, so the ratio is what parsing, hashing, judging and reporting cost. */
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "bench.h"
#include "evidence.h"
#include "lib/objects.h"
#include "logs.h"
#include "malformed.h"
#include "memory.h"

/* What is judged, and what this thread may know of it before.  Nothing is ever a verdict. */
struct subject {
    enum evidence_name name;
    unsigned remembers; /* CACHE_ bits; of a document: NITRO_CACHE_ bits */
    bool cold;          /* nothing is known, and the snapshot is made from files each time */
};

struct judging {
    const struct subject *subject;
    const struct evidence *evidence;
    struct ward_collateral *snapshot;
    struct ward_verifier *verifier;
    struct ward_result *result;
};

static void judging_end(void *state)
{
    struct judging *j = state;
    ward_collateral_free(&j->snapshot);
    ward_verifier_free(&j->verifier);
    ward_result_free(&j->result);
    free(j);
}

static void *judging_begin(const void *arg)
{
    struct ward_error error = { 0 };
    struct judging *j = calloc(1, sizeof *j);
    if (j == NULL)
        return NULL;
    j->subject = arg;
    j->evidence = evidence_find(j->subject->name);
    if (j->evidence != NULL && ward_verifier_new(&j->verifier, &error) == WARD_DONE &&
        ward_result_new(&j->result, &error) == WARD_DONE) {
        j->snapshot = evidence_snapshot(j->evidence);
        cache_remember(&j->verifier->quotes, j->subject->remembers);
        nitro_cache_remember(&j->verifier->documents, j->subject->remembers);
        if (j->snapshot != NULL)
            return j;
    }
    judging_end(j);
    return NULL;
}

static bool judge(struct judging *j, const struct ward_collateral *snapshot)
{
    struct ward_request request = evidence_request(j->evidence, j->evidence->bytes, snapshot);
    ward_verify(j->verifier, &request, j->result);
    return ward_result_allowed(j->result);
}

static bool judge_cached(void *state)
{
    struct judging *j = state;
    return judge(j, j->snapshot);
}

static bool judge_cold(void *state)
{
    struct judging *j = state;
    ward_verifier_forget(j->verifier);
    struct ward_collateral *snapshot = evidence_snapshot(j->evidence);
    bool allowed = snapshot != NULL && judge(j, snapshot);
    ward_collateral_free(&snapshot);
    return allowed;
}

static const struct subject tdx = { BENCH_TDX, CACHE_CA, false };
static const struct subject tdx_pck = { BENCH_TDX, CACHE_CA | CACHE_PCK, false };
static const struct subject tdx_qe = { BENCH_TDX, CACHE_ALL, false };
static const struct subject sgx = { BENCH_SGX, CACHE_CA, false };
static const struct subject nitro = { BENCH_NITRO, NITRO_CACHE_CA, false };
static const struct subject nitro_none = { BENCH_NITRO, 0, false };

#define COLD                                                                                       \
    {                                                                                              \
        "snapshot and verification", judging_begin, judge_cold, judging_end                        \
    }
#define CACHED                                                                                     \
    {                                                                                              \
        "verification", judging_begin, judge_cached, judging_end                                   \
    }

/* The number of signatures is that of spec attestation 3.1: nothing is verified twice, and
   nothing less. */
static const struct bench cases[] = {
    { "tdx-cold", COLD, &limit_p256_verify, 9, 1, &tdx, NULL },
    { "tdx-cached", CACHED, &limit_p256_verify, 3, 1, &tdx, NULL },
    { "tdx-pck-cached", CACHED, &limit_p256_verify, 2, 1, &tdx_pck, NULL },
    { "tdx-qe-cached", CACHED, &limit_p256_verify, 1, 1, &tdx_qe, NULL },
    { "tdx-two-threads", CACHED, &limit_p256_verify, 3, 2, &tdx, NULL },
    { "sgx-cold", COLD, &limit_p256_verify, 9, 1, &sgx, NULL },
    { "nitro-cold", CACHED, &limit_p384_verify, 5, 1, &nitro_none, NULL },
    { "nitro-cached", CACHED, &limit_p384_verify, 2, 1, &nitro, NULL },
    { "nitro-two-threads", CACHED, &limit_p384_verify, 5, 2, &nitro_none, NULL },
    { "ccel-replay", REPLAY, &limit_replay, 1, 1, &log_ccel, NULL },
    { "dstack-replay", REPLAY, &limit_replay, 1, 1, &log_dstack, NULL },
    { "malformed", MALFORMED, &limit_wellformed, 1, 1, &malformed_tdx, NULL },
    { "malformed-nitro", MALFORMED, &limit_wellformed, 1, 1, &malformed_nitro, NULL },
    { .name = "stack", .measure = memory_stack },
    { .name = "heap-quote", .measure = memory_heap_quote },
    { .name = "heap-log", .measure = memory_heap_log },
    { .name = "heap-growth", .measure = memory_growth },
};

/* Says what was judged: figures of made evidence are not those of genuine. */
static void say_evidence(void)
{
    static const char *const names[BENCH_EVIDENCE_COUNT] = { "TDX", "SGX", "Nitro" };
    for (unsigned i = 0; i < BENCH_EVIDENCE_COUNT; i++) {
        const struct evidence *evidence = evidence_find((enum evidence_name)i);
        if (evidence != NULL)
            printf("# %s: %s\n", names[i], evidence->genuine ? evidence->bytes.name : "made here");
    }
}

int main(int argc, char **argv)
{
    say_evidence();
    return bench_main(argc, argv, cases, COUNT_OF(cases));
}
