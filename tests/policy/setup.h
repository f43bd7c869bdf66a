/* setup.h - one judgement, ready to be spoiled: good claims of each kind, the default policy,
   and a report in which attest/ found nothing wrong.  A row of a table changes one thing and
   says what must come of it. */
#ifndef WARD_TESTS_POLICY_SETUP_H
#define WARD_TESTS_POLICY_SETUP_H

#include <string.h>

#include "base/number.h"
#include "policy/decide.h"

#include "test.h"

enum { NOW = 1700000000 };

struct setup {
    struct policy policy;
    struct claims claims;
    struct expectation expectation;
    int64_t now;
    struct report report;
};

/* One row: what is changed, and the answer. */
struct row {
    const char *name;
    void (*change)(struct setup *setup);
    enum verdict verdict;
    enum reason reason;
    enum check_id check; /* that fails, or is relaxed when the verdict is ALLOW */
};

static inline void setup_quote(struct claims *claims)
{
    claims->tcb.status = TCB_UP_TO_DATE;
    claims->tcb.date = NOW - 100000;
    claims->tcb.evaluation_number = 17;
    claims->tcb.qe_evaluation_number = 16;
    claims->tcb.advisory_count = 1;
    memcpy(claims->tcb.advisories[0], "INTEL-SA-00001", sizeof "INTEL-SA-00001");
    claims->pck.smt_enabled = FLAG_TRUE;
    claims->pck.cached_keys = FLAG_FALSE;
    if (evidence_kind_is_sgx(claims->kind)) {
        claims->sgx.attributes[0] = 0x05; /* INIT, MODE64BIT */
        claims->sgx.attributes[8] = 0x07;
        memset(claims->sgx.mr_enclave, 0xe1, 32);
        memset(claims->sgx.mr_signer, 0x51, 32);
        claims->sgx.isv_prod_id = 7;
        claims->sgx.isv_svn = 3;
        memset(claims->sgx.report_data, 0xda, 64);
        return;
    }
    claims->tdx.td_attributes[3] = 0x10; /* SEPT_VE_DISABLE */
    claims->tdx.xfam[0] = 0xe7;
    memset(claims->tdx.mrtd, 0x77, 48);
    memset(claims->tdx.rtmr[1], 0x11, 48);
    memset(claims->tdx.report_data, 0xda, 64);
}

static inline void setup_nitro(struct claims *claims)
{
    struct nitro_claims *nitro = &claims->nitro;
    nitro->module_id_len = 4;
    memcpy(nitro->module_id, "i-01", 4);
    nitro->timestamp_ms = UINT64_C(1000) * (NOW - 10);
    nitro->leaf_not_before = NOW - 60;
    for (unsigned i = 0; i < 5; i++) {
        nitro->pcrs[i].len = 48;
        memset(nitro->pcrs[i].bytes, (int)(0xa0 + i), 48);
    }
    nitro->nonce = (struct nitro_blob){ true, 4, { 'n', 'o', 'n', 'c' } };
    nitro->user_data = (struct nitro_blob){ true, 2, { 'u', 'd' } };
    nitro->public_key = (struct nitro_blob){ true, 3, { 'k', 'e', 'y' } };
}

/* Everything that attest/ checks has passed. */
static inline void setup_verified(struct setup *setup)
{
    bool nitro = setup->claims.kind == EVIDENCE_NITRO;
    enum check_id last = nitro ? CHECK_AN_9 : CHECK_AT_36;
    for (enum check_id id = nitro ? CHECK_AN_1 : CHECK_AT_1; id <= last; id++) {
        if (id != CHECK_AN_8 && (id != CHECK_AT_35 || setup->claims.kind == EVIDENCE_TDX_V5_15) &&
            (id != CHECK_AT_23 || evidence_kind_is_tdx(setup->claims.kind)))
            report_pass(&setup->report, id);
    }
    setup->claims.verified = true;
    setup->claims.hardware = true;
    setup->claims.valid_until = NOW + 3600;
    setup->claims.issued = NOW - 86400;
}

static inline void setup_init(struct setup *setup, enum evidence_kind kind)
{
    *setup = (struct setup){ .policy = policy_default(), .now = NOW };
    setup->claims.kind = kind;
    if (kind == EVIDENCE_NITRO)
        setup_nitro(&setup->claims);
    else
        setup_quote(&setup->claims);
    setup_verified(setup);
}

static inline struct decision setup_decide(struct setup *setup)
{
    struct decision decision = policy_decide(&setup->policy, &setup->claims, &setup->expectation,
                                             setup->now, &setup->report);
    assert_true(report_is_sound(&setup->report));
    return decision;
}

/* Runs a table on one kind of evidence.  A row that allows with a reason other than OK must
   have left that check relaxed and visible. */
static inline void setup_run(enum evidence_kind kind, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        static struct setup setup;
        setup_init(&setup, kind);
        rows[i].change(&setup);
        struct decision got = setup_decide(&setup);
        const struct check *check = &setup.report.checks[rows[i].check % CHECK_COUNT];
        enum reason want = rows[i].verdict == ALLOW ? REASON_OK : rows[i].reason;
        if (got.verdict != rows[i].verdict || got.reason != want)
            fail_msg("%s: %s %s", rows[i].name, got.verdict == ALLOW ? "ALLOW" : "DENY",
                     reason_info(got.reason)->name);
        if (rows[i].verdict == DENY)
            assert_int_equal(got.check, rows[i].check);
        if (rows[i].verdict == ALLOW && rows[i].reason != REASON_OK) {
            assert_int_equal(check->relaxed, 1);
            assert_int_equal(check->reason, rows[i].reason);
        }
    }
}

#define RUN(kind, rows) setup_run((kind), (rows), COUNT_OF(rows))

/* Sets a list to items that live as long as the program. */
static inline void setup_list(struct span_list *list, const struct span *items, size_t count)
{
    *list = (struct span_list){ items, count };
}

#endif
