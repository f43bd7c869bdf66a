/* intel_case.h - one quote of the test authority with its collateral, judged: attest/ with the
   authority's own root, then the default policy with that root named. */
#ifndef WARD_TESTS_SIM_INTEL_CASE_H
#define WARD_TESTS_SIM_INTEL_CASE_H

#include <string.h>

#include "attest/dcap.h"
#include "base/number.h"
#include "policy/decide.h"
#include "sim/sim.h"

#include "sim/case_files.h"

#include "test.h"

enum { NOW = 1700000000, DAY = 86400 };

struct intel_case {
    struct sim_authority authority;
    struct crypto *crypto;
    struct trust_root root;
    struct sim_spec spec;
    int64_t now;
    bool chain_outside; /* the PCK chain is given beside the quote */
    unsigned without;   /* bit n: file n of intel_case_collateral is not there */
    bool as_heap;       /* the files are a folder to choose from, not named one by one */
    struct policy policy;
    struct expectation expectation;
    /* results */
    uint8_t quote[SIM_QUOTE_MAX];
    size_t quote_len;
    struct report report;
    struct claims claims;
    struct decision decision;
};

/* What a case is made of; one writer each. */
typedef bool(intel_writer)(const struct sim_authority *, const struct sim_spec *, struct sink *);

static inline struct span intel_make(struct intel_case *c, intel_writer *write, uint8_t *bytes,
                                     size_t cap)
{
    struct sink out = sink_over(bytes, cap);
    assert_true(write(&c->authority, &c->spec, &out));
    return sink_bytes(&out);
}

/* Back to a good platform of this kind at NOW. */
static inline void intel_case_reset(struct intel_case *c, enum evidence_kind kind)
{
    c->spec = sim_spec_default(kind, NOW);
    c->now = NOW;
    c->chain_outside = false;
    c->without = 0;
    c->as_heap = false;
    c->policy = policy_default();
    c->policy.hardware_required = false;
    c->expectation = (struct expectation){ 0 };
}

static inline void intel_case_open(struct intel_case *c)
{
    uint8_t pem[4096];
    *c = (struct intel_case){ 0 };
    assert_true(sim_authority_init(&c->authority, span_text("tests")));
    c->crypto = crypto_new();
    assert_non_null(c->crypto);
    intel_case_reset(c, EVIDENCE_TDX_V4);
    assert_true(trust_root_read(intel_make(c, sim_root, pem, sizeof pem), &c->root));
}

static inline void intel_case_close(struct intel_case *c)
{
    sim_authority_fini(&c->authority);
    crypto_free(&c->crypto);
}

/* The files, in this order. */
enum { FILE_TCB_INFO, FILE_QE_IDENTITY, FILE_PCK_CRL, FILE_ROOT_CRL, FILE_SIGNER, FILE_CHAIN };

enum { FILE_COUNT = FILE_CHAIN + 1 };

static const char *const intel_case_names[FILE_COUNT] = { "tcb_info", "qe_identity", "pck_crl",
                                                          "root_crl", "signing",     "chain" };

static inline void intel_case_items(struct intel_case *c, struct collateral_item *items)
{
    static uint8_t bytes[FILE_COUNT][SIM_COLLATERAL_MAX];
    static intel_writer *const writers[FILE_COUNT] = { sim_tcb_info,      sim_qe_identity,
                                                       sim_pck_crl,       sim_root_crl,
                                                       sim_signing_chain, sim_pck_chain };
    for (size_t i = 0; i < FILE_COUNT; i++) {
        if ((c->without & 1u << i) == 0)
            items[i] = (struct collateral_item){
                intel_make(c, writers[i], bytes[i], sizeof bytes[i]), intel_case_names[i]
            };
    }
}

static inline struct collateral *intel_case_collateral(struct intel_case *c)
{
    struct collateral_item items[FILE_COUNT] = { 0 };
    struct trust_roots roots = { &c->root, 1 };
    intel_case_items(c, items);
    struct collateral_sources sources = { .tcb_info = items[0],
                                          .qe_identity = items[1],
                                          .pck_crl = items[2],
                                          .root_crl = items[3],
                                          .tcb_signing_cert = items[4] };
    if (c->as_heap)
        sources = (struct collateral_sources){ .items = items, .count = FILE_CHAIN };
    if (c->chain_outside)
        sources.pck_chain = items[5];
    struct collateral *collateral = collateral_new(&sources, &roots, c->crypto);
    assert_non_null(collateral);
    return collateral;
}

static inline void intel_case_judge(struct intel_case *c, const struct collateral *collateral,
                                    struct span quote)
{
    struct trust_roots roots = { &c->root, 1 };
    const struct dcap_input input = {
        .quote = quote, .collateral = collateral, .roots = &roots, .now = c->now
    };
    dcap_verify(&input, c->crypto, &c->report, &c->claims);
    c->decision = policy_decide(&c->policy, &c->claims, &c->expectation, c->now, &c->report);
}

/* See case_files.h.  What a policy of the test's own refuses is left too: with another policy it is
   another case, but evidence all the same. */
static inline void intel_case_keep(struct intel_case *c, enum reason reason, struct span log)
{
    uint8_t pem[4096];
    struct collateral_item items[FILE_COUNT] = { 0 };
    struct case_file files[FILE_COUNT + 3] = {
        { "evidence", { c->quote, c->quote_len } },
        { "root.pem", intel_make(c, sim_root, pem, sizeof pem) },
        { "log", log },
    };
    intel_case_items(c, items);
    for (size_t i = 0; i < FILE_COUNT; i++) {
        if (i != FILE_CHAIN || c->chain_outside)
            files[i + 3] = (struct case_file){ intel_case_names[i], items[i].bytes };
    }
    case_keep(reason, c->now, files, COUNT_OF(files));
}

static inline void intel_case_run(struct intel_case *c)
{
    struct collateral *collateral = intel_case_collateral(c);
    struct span quote = intel_make(c, sim_quote, c->quote, sizeof c->quote);
    c->quote_len = quote.len;
    intel_case_judge(c, collateral, quote);
    collateral_free(&collateral);
    intel_case_keep(c, c->decision.reason, (struct span){ 0 });
}

static inline void intel_case_assert(const struct intel_case *c, const char *name,
                                     enum verdict verdict, enum reason reason, enum check_id check)
{
    struct decision got = c->decision;
    if (got.verdict != verdict || got.reason != reason || (verdict == DENY && got.check != check))
        fail_msg("%s (%s): %s %s at %s (%s), wanted %s at %s", name,
                 evidence_kind_name(c->spec.kind), got.verdict == ALLOW ? "ALLOW" : "DENY",
                 reason_info(got.reason)->name, check_info(got.check)->id,
                 got.check < CHECK_COUNT
                     ? report_text(&c->report, c->report.checks[got.check].detail)
                     : "",
                 reason_info(reason)->name, check_info(check)->id);
}

#endif
