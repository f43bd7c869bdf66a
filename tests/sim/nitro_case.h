/* nitro_case.h - one document of the test authority, judged: attest/ with the authority's own
   root, then the default policy with that root named. */
#ifndef WARD_TESTS_SIM_NITRO_CASE_H
#define WARD_TESTS_SIM_NITRO_CASE_H

#include "attest/nitro.h"
#include "base/number.h"
#include "policy/decide.h"
#include "sim/sim.h"

#include "sim/case_files.h"

#include "test.h"

enum { NITRO_NOW = 1700000000 };

struct nitro_case {
    struct sim_authority authority;
    struct crypto *crypto;
    struct trust_root root;
    struct sim_nitro_spec spec;
    int64_t now;
    bool with_crls;
    struct policy policy;
    struct expectation expectation;
    /* results */
    uint8_t document[SIM_NITRO_MAX];
    size_t document_len;
    struct report report;
    struct claims claims;
    struct decision decision;
};

static inline void nitro_case_open(struct nitro_case *c)
{
    uint8_t pem[4096];
    struct sink out = sink_over(pem, sizeof pem);
    *c = (struct nitro_case){ 0 };
    assert_true(sim_authority_init(&c->authority, span_text("tests")));
    c->crypto = crypto_new();
    assert_non_null(c->crypto);
    c->spec = sim_nitro_default(NITRO_NOW);
    assert_true(sim_nitro_root(&c->authority, &c->spec, &out));
    assert_true(trust_root_read(sink_bytes(&out), &c->root));
}

static inline void nitro_case_close(struct nitro_case *c)
{
    sim_authority_fini(&c->authority);
    crypto_free(&c->crypto);
}

/* Back to a good document at NITRO_NOW. */
static inline void nitro_case_reset(struct nitro_case *c)
{
    c->spec = sim_nitro_default(NITRO_NOW);
    c->now = NITRO_NOW;
    c->with_crls = false;
    c->policy = policy_default();
    c->policy.hardware_required = false;
    c->expectation = (struct expectation){ 0 };
}

static inline void nitro_case_crls(struct nitro_case *c, struct span crls[4])
{
    static uint8_t bytes[4][4096];
    for (size_t i = 0; c->with_crls && i < 4; i++) {
        struct sink out = sink_over(bytes[i], sizeof bytes[i]);
        assert_true(sim_nitro_crl(&c->authority, &c->spec, i, &out));
        crls[i] = sink_bytes(&out);
    }
}

/* See case_files.h. */
static inline void nitro_case_keep(struct nitro_case *c)
{
    uint8_t pem[4096];
    struct span crls[4] = { 0 };
    struct sink root = sink_over(pem, sizeof pem);
    assert_true(sim_nitro_root(&c->authority, &c->spec, &root));
    nitro_case_crls(c, crls);
    const struct case_file files[] = {
        { "evidence", { c->document, c->document_len } },
        { "root.pem", sink_bytes(&root) },
        { "crl-0", crls[0] },
        { "crl-1", crls[1] },
        { "crl-2", crls[2] },
        { "crl-3", crls[3] },
    };
    case_keep(c->decision.reason, c->now, files, COUNT_OF(files));
}

static inline void nitro_case_judge(struct nitro_case *c, struct span document)
{
    struct span crls[4] = { 0 };
    struct trust_roots roots = { &c->root, 1 };
    nitro_case_crls(c, crls);
    const struct nitro_input input = { .document = document,
                                       .roots = &roots,
                                       .now = c->now,
                                       .crls = crls,
                                       .crl_count = c->with_crls ? 4 : 0,
                                       .user_data_max = c->policy.nitro.user_data_max };
    nitro_verify(&input, c->crypto, &c->report, &c->claims);
    c->decision = policy_decide(&c->policy, &c->claims, &c->expectation, c->now, &c->report);
}

static inline void nitro_case_run(struct nitro_case *c)
{
    struct sink out = sink_over(c->document, sizeof c->document);
    assert_true(sim_nitro_document(&c->authority, &c->spec, &out));
    c->document_len = out.len;
    nitro_case_judge(c, sink_bytes(&out));
    nitro_case_keep(c);
}

#endif
