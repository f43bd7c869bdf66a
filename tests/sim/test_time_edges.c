/* test_time_edges.c - every validity bound of evidence and collateral, judged a second before,
   at and after, at instants where a 32-bit or signed time would go wrong: closed intervals as
   written, and nothing is allowed outside any one of them. */
#include "sim/intel_case.h"
#include "sim/nitro_case.h"

/* Everything else is valid from 1950 to the end of 9999. */
#define WIDE_FROM INT64_C(-631152000)

static const int64_t instants[] = { NOW,
                                    0,
                                    -86400,
                                    (INT64_C(1) << 31) - 1,
                                    (INT64_C(1) << 31) + 1,
                                    (INT64_C(1) << 32) - 1,
                                    (INT64_C(1) << 32) + 1,
                                    TIME_MAX };

static struct intel_case intel;
static struct nitro_case nitro;

static int open_cases(void **state)
{
    (void)state;
    intel_case_open(&intel);
    nitro_case_open(&nitro);
    return 0;
}

static int close_cases(void **state)
{
    (void)state;
    intel_case_close(&intel);
    nitro_case_close(&nitro);
    return 0;
}

enum { PCK_WINDOW = 2, INTEL_WINDOWS = 8 };

static struct window *intel_window(struct sim_spec *s, size_t which)
{
    struct window *const all[INTEL_WINDOWS] = {
        &s->root.validity,     &s->ca.validity,          &s->leaf.validity,
        &s->signer.validity,   &s->root_crl.validity,    &s->pck_crl.validity,
        &s->tcb_info.validity, &s->qe_identity.validity,
    };
    return all[which];
}

/* A window that ends at `at`, or begins there. */
static struct window edge(int64_t at, bool until)
{
    return until ? (struct window){ WIDE_FROM, at } : (struct window){ at, TIME_MAX };
}

static bool inside(int64_t now, int64_t at, bool until)
{
    return (until ? now <= at : now >= at) && now <= TIME_MAX;
}

/* TIME_MAX + 1 is outside everything, and so is never allowed. */
static void judge_intel_edge(const char *name, int64_t at, bool until)
{
    struct collateral *collateral = intel_case_collateral(&intel);
    struct span quote = intel_make(&intel, sim_quote, intel.quote, sizeof intel.quote);
    for (int second = -1; second <= 1; second++) {
        intel.now = at + second;
        intel_case_judge(&intel, collateral, quote);
        bool allowed = intel.decision.verdict == ALLOW;
        if (allowed != inside(intel.now, at, until))
            fail_msg("%s (%s), %s %lld, %+d s: %s", name, evidence_kind_name(intel.spec.kind),
                     until ? "until" : "from", (long long)at, second,
                     reason_info(intel.decision.reason)->name);
        if (allowed)
            assert_true(intel.now <= intel.claims.valid_until);
    }
    collateral_free(&collateral);
}

/* Both sides of one window. */
static void judge_intel_window(enum evidence_kind kind, size_t which, int64_t at)
{
    static const char *const names[INTEL_WINDOWS] = { "root",     "CA",         "PCK",
                                                      "signer",   "root CRL",   "PCK CRL",
                                                      "TCB info", "QE identity" };
    for (unsigned until = 0; until < 2; until++) {
        /* ADR 0008: this one bound decides only where collateral does not vouch for the time,
           which test_intel_quote.c shows. */
        if (which == PCK_WINDOW && until == 0)
            continue;
        intel_case_reset(&intel, kind);
        for (size_t w = 0; w < INTEL_WINDOWS; w++)
            *intel_window(&intel.spec, w) = (struct window){ WIDE_FROM, TIME_MAX };
        *intel_window(&intel.spec, which) = edge(at, until != 0);
        judge_intel_edge(names[which], at, until != 0);
    }
}

static void test_intel_edges(void **state)
{
    (void)state;
    static const enum evidence_kind kinds[] = {
        EVIDENCE_SGX_V3, EVIDENCE_SGX_V4,    EVIDENCE_SGX_V5,
        EVIDENCE_TDX_V4, EVIDENCE_TDX_V5_10, EVIDENCE_TDX_V5_15,
    };
    for (size_t i = 0; i < COUNT_OF(instants); i++) {
        for (size_t which = 0; which < INTEL_WINDOWS; which++)
            judge_intel_window(kinds[(i + which) % COUNT_OF(kinds)], which, instants[i]);
    }
}

/* The chain of a document; that it is fresh too is AN-10's, and needs a time after 1970. */
static void judge_nitro_edge(size_t which, int64_t at, bool until)
{
    struct sink out = sink_over(nitro.document, sizeof nitro.document);
    assert_true(sim_nitro_document(&nitro.authority, &nitro.spec, &out));
    for (int second = -1; second <= 1; second++) {
        nitro.now = at + second;
        nitro_case_judge(&nitro, sink_bytes(&out));
        bool good = inside(nitro.now, at, until);
        if (nitro.claims.verified != good)
            fail_msg("certificate %zu, %s %lld, %+d s", which, until ? "until" : "from",
                     (long long)at, second);
        bool fresh = at > 300 && second >= 0;
        assert_true(nitro.decision.verdict == DENY || good);
        if (good && fresh)
            assert_int_equal(nitro.decision.verdict, ALLOW);
    }
}

static void judge_nitro_window(size_t which, int64_t at)
{
    for (unsigned until = 0; until < 2; until++) {
        nitro_case_reset(&nitro);
        for (size_t w = 0; w < SIM_NITRO_CERTS; w++)
            nitro.spec.certs[w].validity = (struct window){ WIDE_FROM, TIME_MAX };
        nitro.spec.certs[which].validity = edge(at, until != 0);
        nitro.spec.claims.timestamp_ms = at > 0 ? (uint64_t)at * 1000 : 1;
        judge_nitro_edge(which, at, until != 0);
    }
}

static void test_nitro_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(instants); i++) {
        for (size_t which = 0; which < SIM_NITRO_CERTS; which++)
            judge_nitro_window(which, instants[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_intel_edges, "RL-4"),
        TEST(test_nitro_edges, "RL-4"),
    };
    return cmocka_run_group_tests(tests, open_cases, close_cases);
}
