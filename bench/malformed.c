/* malformed.c - see malformed.h.  Collateral and intermediates are known, as in a server that
   somebody sends rubbish to. */
#include "malformed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/objects.h"

const enum evidence_name malformed_tdx = BENCH_TDX;
const enum evidence_name malformed_nitro = BENCH_NITRO;

enum { FLIPS = 160, CUTS = 32, TRIES = 15 };

struct refusing {
    const struct evidence *evidence;
    struct ward_collateral *snapshot;
    struct ward_verifier *verifier;
    struct ward_result *result;
    uint8_t *bytes; /* the copy; NULL where the evidence itself is judged */
    size_t len;
};

void malformed_end(void *state)
{
    struct refusing *r = state;
    ward_collateral_free(&r->snapshot);
    ward_verifier_free(&r->verifier);
    ward_result_free(&r->result);
    free(r->bytes);
    free(r);
}

static bool allows(struct refusing *r)
{
    struct ward_bytes copy = { r->bytes, r->len, "copy" };
    struct ward_request request = evidence_request(
        r->evidence, r->bytes == NULL ? r->evidence->bytes : copy, r->snapshot);
    ward_verify(r->verifier, &request, r->result);
    return ward_result_allowed(r->result);
}

static void *wellformed_begin(const void *arg)
{
    const enum evidence_name *name = arg;
    struct ward_error error = { 0 };
    struct refusing *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->evidence = evidence_find(*name);
    if (r->evidence != NULL && ward_verifier_new(&r->verifier, &error) == WARD_DONE &&
        ward_result_new(&r->result, &error) == WARD_DONE) {
        r->snapshot = evidence_snapshot(r->evidence);
        cache_remember(&r->verifier->quotes, CACHE_CA);
        nitro_cache_remember(&r->verifier->documents, NITRO_CACHE_CA);
        if (r->snapshot != NULL && allows(r))
            return r;
    }
    malformed_end(r);
    return NULL;
}

/* Copy number n: the first ones are cut off, the others have one bit changed. */
static void spoil(struct refusing *r, size_t n)
{
    size_t whole = r->evidence->bytes.len;
    memcpy(r->bytes, r->evidence->bytes.data, whole);
    r->len = whole;
    if (n < CUTS)
        r->len = whole * n / CUTS;
    else
        r->bytes[whole * (n - CUTS) / FLIPS] ^= (uint8_t)(1u << n % 8);
}

/* The fastest of some tries; 0 for a copy that is good all the same (a signature has two
   forms). */
static double seconds(struct refusing *r)
{
    double best = 0;
    for (unsigned i = 0; i < TRIES; i++) {
        struct timespec from;
        struct timespec to;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        bool allowed = allows(r);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        double took = (double)(to.tv_sec - from.tv_sec) +
                      (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
        if (allowed)
            return 0;
        if (i == 0 || took < best)
            best = took;
    }
    return best;
}

void *malformed_begin(const void *arg)
{
    struct refusing *r = wellformed_begin(arg);
    if (r == NULL)
        return NULL;
    r->bytes = malloc(r->evidence->bytes.len);
    if (r->bytes == NULL) {
        malformed_end(r);
        return NULL;
    }
    size_t slowest = 0;
    double slowest_took = 0;
    for (size_t n = 0; n < CUTS + FLIPS; n++) {
        spoil(r, n);
        double took = seconds(r);
        if (took > slowest_took) {
            slowest_took = took;
            slowest = n;
        }
    }
    spoil(r, slowest);
    return r;
}

bool malformed_run(void *state)
{
    return !allows(state);
}

static bool wellformed_run(void *state)
{
    return allows(state);
}

const struct bench_work limit_wellformed = { "the good one", wellformed_begin, wellformed_run,
                                             malformed_end };
