/* test_dcap_levels.c - the quote's own signatures (AT-27 to AT-30), levels, convergence,
   relaunch and what is reported (AT-31 to AT-36), with evidence of the test authority. */
#include <stdio.h>

#include "attest/dcap_parts.h"
#include "attest/sim_set.h"

#define DAY 86400
#define ROW(kind, spoil, check, reason)                                                            \
    {                                                                                              \
#spoil, EVIDENCE_##kind, spoil, CHECK_##check, REASON_##reason                             \
    }

/* --- signatures ------------------------------------------------------------------------ */

SIM_SPOIL(qe_signature, s->quote_defects = SIM_QUOTE_BAD_QE_SIGNATURE)
SIM_SPOIL(qe_binding, s->quote_defects = SIM_QUOTE_BAD_QE_BINDING)
SIM_SPOIL(qe_dirty, s->quote_defects = SIM_QUOTE_DIRTY_QE_DATA)
SIM_SPOIL(bad_key, s->quote_defects = SIM_QUOTE_BAD_KEY)
SIM_SPOIL(signature, s->quote_defects = SIM_QUOTE_BAD_SIGNATURE)
SIM_SPOIL(high_s, s->quote_defects = SIM_QUOTE_HIGH_S)
SIM_SPOIL(no_auth, s->qe_auth_len = 0)
SIM_SPOIL(chain_nul, s->quote_defects = SIM_QUOTE_CHAIN_NUL)
SIM_SPOIL(trailing, s->quote_defects = SIM_QUOTE_TRAILING)

static void every_refusal_of_the_signatures(void **state)
{
    (void)state;
    static const struct sim_row rows[] = {
        ROW(TDX_V4, qe_signature, AT_27, QE_REPORT_SIGNATURE_INVALID),
        ROW(SGX_V3, qe_signature, AT_27, QE_REPORT_SIGNATURE_INVALID),
        ROW(TDX_V4, qe_binding, AT_28, QE_REPORT_DATA_MISMATCH),
        ROW(SGX_V3, qe_dirty, AT_28, QE_REPORT_DATA_MISMATCH),
        ROW(TDX_V5_15, qe_dirty, AT_28, QE_REPORT_DATA_MISMATCH),
        ROW(TDX_V4, bad_key, AT_29, ATT_KEY_INVALID),
        ROW(SGX_V3, bad_key, AT_29, ATT_KEY_INVALID),
        ROW(TDX_V4, signature, AT_30, QUOTE_SIGNATURE_INVALID),
        ROW(SGX_V3, signature, AT_30, QUOTE_SIGNATURE_INVALID),
        ROW(SGX_V5, signature, AT_30, QUOTE_SIGNATURE_INVALID),
        ROW(TDX_V5_10, signature, AT_30, QUOTE_SIGNATURE_INVALID),
        ROW(TDX_V5_15, signature, AT_30, QUOTE_SIGNATURE_INVALID),
        ROW(TDX_V4, trailing, AT_4, QUOTE_TRAILING_BYTES),
        ROW(TDX_V4, high_s, COUNT, OK),
        ROW(TDX_V4, no_auth, COUNT, OK),
        ROW(TDX_V4, chain_nul, COUNT, OK),
    };
    sim_set_table(rows, COUNT_OF(rows));
}

/* What a failed signature should have vouched for is nowhere in the claims. */
static void nothing_unsigned_is_claimed(void **state)
{
    (void)state;
    static void (*const spoils[])(struct sim_spec *) = { qe_signature, qe_binding, bad_key,
                                                         signature };
    static const struct tdx_claims no_tdx;
    static const struct sgx_claims no_sgx;
    struct sim_set *set = sim_set_new();
    for (size_t i = 0; i < 2 * COUNT_OF(spoils); i++) {
        bool tdx = i % 2 == 0;
        struct sim_spec spec = sim_spec_default(tdx ? EVIDENCE_TDX_V4 : EVIDENCE_SGX_V3, SIM_NOW);
        spoils[i / 2](&spec);
        sim_set_run(set, &spec, SIM_NOW);
        assert_true(tdx ? bytes_equal(&set->claims.tdx, &no_tdx, sizeof no_tdx)
                        : bytes_equal(&set->claims.sgx, &no_sgx, sizeof no_sgx));
        assert_int_equal(bytes_are_zero(set->claims.qe.mr_signer, 32),
                         spoils[i / 2] == qe_signature);
        /* A TD's state hangs on its report; a platform's, for SGX, does not. */
        bool known = !tdx && spoils[i / 2] != qe_signature;
        assert_int_equal(set->claims.tcb.status, known ? TCB_UP_TO_DATE : TCB_STATUS_NONE);
    }
    sim_set_free(set);
}

static void trailing_bytes_may_be_allowed(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    trailing(&spec);
    sim_set_run(set, &spec, SIM_NOW);
    assert_int_equal(set->claims.tcb.status, TCB_UP_TO_DATE);
    struct dcap_input input = { .quote = set->files[SIM_FILE_QUOTE],
                                .collateral = set->collateral,
                                .roots = &set->roots,
                                .now = SIM_NOW,
                                .allow_trailing = true };
    dcap_verify(&input, set->crypto, &set->report, &set->claims);
    assert_true(set->claims.verified);
    assert_true(set->report.checks[CHECK_AT_4].relaxed);
    /* It relaxes that and nothing else. */
    input.now = SIM_NOW + 30 * DAY;
    dcap_verify(&input, set->crypto, &set->report, &set->claims);
    assert_false(set->claims.verified);
    sim_set_free(set);
}

/* --- levels ---------------------------------------------------------------------------- */

SIM_SPOIL(low_component, s->pck.comp_svn[7] = 0)
SIM_SPOIL(low_pce, s->pck.pce_svn = 4)
SIM_SPOIL(low_tdx, s->tdx.tee_tcb_svn[2] = 0; s->tcb_info.levels[2].tdx[2] = 1)
SIM_SPOIL(low_module, s->tdx.tee_tcb_svn[0] = 1)
SIM_SPOIL(low_qe, s->qe.isv_svn = 4)
SIM_SPOIL(unknown_platform, s->tcb_info.levels[0].status = "Perfect")
SIM_SPOIL(unknown_module, s->tcb_info.modules[0].levels.at[0].status = "SWHardeningNeeded")
SIM_SPOIL(unknown_qe, s->qe_identity.levels.at[0].status = "ConfigurationNeeded")
SIM_SPOIL(unknown_unused, s->tcb_info.levels[1].status = "Perfect")
SIM_SPOIL(relaunch_name, s->tcb_info.levels[0].status = "TDRelaunchAdvised")
SIM_SPOIL(now_low, (s->tdx.tee_tcb_svn2[2] = 0, s->tcb_info.levels[2].tdx[2] = 1))
SIM_SPOIL(now_low_module, s->tdx.tee_tcb_svn2[0] = 1)
SIM_SPOIL(now_unknown, {
    s->tdx.tee_tcb_svn2[2] = 1;
    s->tcb_info.levels[1].status = "Perfect";
})

static void every_refusal_of_the_levels(void **state)
{
    (void)state;
    static const struct sim_row rows[] = {
        ROW(TDX_V4, low_component, AT_31, TCB_NOT_SUPPORTED),
        ROW(SGX_V3, low_component, AT_31, TCB_NOT_SUPPORTED),
        ROW(SGX_V3, low_pce, AT_31, TCB_NOT_SUPPORTED),
        ROW(TDX_V4, low_tdx, AT_31, TCB_NOT_SUPPORTED),
        ROW(TDX_V4, low_module, AT_32, TCB_NOT_SUPPORTED),
        ROW(TDX_V4, low_qe, AT_32, QE_TCB_NOT_SUPPORTED),
        ROW(SGX_V4, low_qe, AT_32, QE_TCB_NOT_SUPPORTED),
        ROW(TDX_V4, unknown_platform, AT_33, TCB_STATUS_UNKNOWN),
        ROW(TDX_V4, unknown_module, AT_33, TCB_STATUS_UNKNOWN),
        ROW(SGX_V3, unknown_qe, AT_33, TCB_STATUS_UNKNOWN),
        ROW(TDX_V4, relaunch_name, AT_33, TCB_STATUS_UNKNOWN),
        ROW(TDX_V4, unknown_unused, COUNT, OK),
        ROW(TDX_V5_15, now_low, AT_35, TCB_NOT_SUPPORTED),
        ROW(TDX_V5_15, now_low_module, AT_35, TCB_NOT_SUPPORTED),
        ROW(TDX_V5_15, now_unknown, AT_35, TCB_STATUS_UNKNOWN),
    };
    sim_set_table(rows, COUNT_OF(rows));
}

static void the_missing_number_is_named(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_SGX_V3, SIM_NOW);
    low_component(&spec);
    sim_set_run(set, &spec, SIM_NOW);
    const struct check *c = &set->report.checks[CHECK_AT_31];
    assert_string_equal(report_text(&set->report, c->detail),
                        "SGX TCB component 8 is 0, the lowest TCB level wants 1");
    assert_string_equal(report_text(&set->report, c->expected), "1");
    assert_string_equal(report_text(&set->report, c->actual), "0");
    sim_set_free(set);
}

struct status_row {
    const char *name;
    void (*spoil)(struct sim_spec *spec);
    int launch, current, status; /* enum tcb_status */
};

SIM_SPOIL(healthy, (void)s)
SIM_SPOIL(platform_hardening, s->pck.pce_svn = 12)
SIM_SPOIL(platform_old, s->pck.pce_svn = 5)
SIM_SPOIL(module_old, s->tdx.tee_tcb_svn[0] = 3)
SIM_SPOIL(module_revoked, s->tdx.tee_tcb_svn[0] = 2)
SIM_SPOIL(qe_old, s->qe.isv_svn = 6)
SIM_SPOIL(qe_revoked, s->qe.isv_svn = 5)
SIM_SPOIL(hardening_and_module, (platform_hardening(s), module_old(s)))
SIM_SPOIL(configuration, s->tcb_info.levels[0].status = "ConfigurationNeeded")
SIM_SPOIL(configuration_and_qe, (configuration(s), qe_old(s)))
SIM_SPOIL(both_and_module, {
    s->tcb_info.levels[0].status = "ConfigurationAndSWHardeningNeeded";
    module_old(s);
})
SIM_SPOIL(revoked_and_old, {
    s->tcb_info.levels[0].status = "Revoked";
    qe_old(s);
})

static void statuses_converge(void **state)
{
    (void)state;
    enum { NONE = TCB_STATUS_NONE };
    static const struct status_row rows[] = {
        { "healthy", healthy, TCB_UP_TO_DATE, NONE, TCB_UP_TO_DATE },
        { "hardening", platform_hardening, TCB_SW_HARDENING_NEEDED, NONE, TCB_SW_HARDENING_NEEDED },
        { "old", platform_old, TCB_OUT_OF_DATE, NONE, TCB_OUT_OF_DATE },
        { "module old", module_old, TCB_OUT_OF_DATE, NONE, TCB_OUT_OF_DATE },
        { "module revoked", module_revoked, TCB_REVOKED, NONE, TCB_REVOKED },
        { "QE old", qe_old, TCB_OUT_OF_DATE, NONE, TCB_OUT_OF_DATE },
        { "QE revoked", qe_revoked, TCB_REVOKED, NONE, TCB_REVOKED },
        { "hardening, module old", hardening_and_module, TCB_OUT_OF_DATE, NONE, TCB_OUT_OF_DATE },
        { "configuration, QE old", configuration_and_qe, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, NONE,
          TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
        { "both, module old", both_and_module, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, NONE,
          TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
        { "revoked, QE old", revoked_and_old, TCB_REVOKED, NONE, TCB_REVOKED },
    };
    struct sim_set *set = sim_set_new();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
        rows[i].spoil(&spec);
        sim_set_run(set, &spec, SIM_NOW);
        /* Which statuses are allowed is the policy's to say: nothing fails here. */
        sim_set_expect(set, rows[i].name, CHECK_COUNT, REASON_OK);
        assert_int_equal(set->claims.tcb.launch_status, rows[i].launch);
        assert_int_equal(set->claims.tcb.current_status, rows[i].current);
        assert_int_equal(set->claims.tcb.status, rows[i].status);
        assert_false(set->claims.tcb.relaunch_advised);
    }
    sim_set_free(set);
}

/* Launched with an old module, running with a new one. */
SIM_SPOIL(updated, (module_old(s), s->tdx.tee_tcb_svn2[0] = 5))
SIM_SPOIL(updated_configuration, (updated(s), configuration(s)))
SIM_SPOIL(updated_not_enough, (module_revoked(s), s->tdx.tee_tcb_svn2[0] = 3))
SIM_SPOIL(both_old, (module_old(s), s->tdx.tee_tcb_svn2[0] = 3))
SIM_SPOIL(updated_but_qe, (updated(s), qe_old(s)))
SIM_SPOIL(went_back, s->tdx.tee_tcb_svn2[0] = 3)
SIM_SPOIL(other_module_now, {
    updated(s);
    s->tdx.tee_tcb_svn2[1] = 3;
    s->tcb_info.modules[1] = s->tcb_info.modules[0];
    s->tcb_info.modules[1].id = "TDX_03";
    s->tcb_info.module_count = 2;
})

static void relaunch_is_advised(void **state)
{
    (void)state;
    enum { U = TCB_UP_TO_DATE, O = TCB_OUT_OF_DATE, R = TCB_REVOKED };
    static const struct status_row rows[] = {
        { "healthy", healthy, U, U, U },
        { "updated", updated, O, U, TCB_TD_RELAUNCH_ADVISED },
        { "updated, configuration needed", updated_configuration,
          TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_CONFIGURATION_NEEDED,
          TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED },
        { "from revoked to old", updated_not_enough, R, O, R },
        { "old then and now", both_old, O, O, O },
        { "updated, but the QE is old", updated_but_qe, O, O, O },
        { "went back", went_back, U, O, U },
        { "another module now", other_module_now, O, U, TCB_TD_RELAUNCH_ADVISED },
    };
    struct sim_set *set = sim_set_new();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V5_15, SIM_NOW);
        rows[i].spoil(&spec);
        sim_set_run(set, &spec, SIM_NOW);
        sim_set_expect(set, rows[i].name, CHECK_COUNT, REASON_OK);
        assert_int_equal(set->claims.tcb.launch_status, rows[i].launch);
        assert_int_equal(set->claims.tcb.current_status, rows[i].current);
        assert_int_equal(set->claims.tcb.status, rows[i].status);
        assert_int_equal(set->claims.tcb.relaunch_advised, rows[i].status != rows[i].launch);
    }
    sim_set_free(set);
}

/* --- what is reported ------------------------------------------------------------------ */

static void what_was_used_is_reported(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    hardening_and_module(&spec);
    spec.qe.isv_svn = 6;
    spec.tcb_info.evaluation_number = 21;
    spec.qe_identity.evaluation_number = 22;
    sim_set_run(set, &spec, SIM_NOW);
    sim_set_expect(set, "old all over", CHECK_COUNT, REASON_OK);
    const struct tcb_claims *tcb = &set->claims.tcb;
    static const char *const advisories[] = { "WARD-SA-00001", "WARD-SA-00002" };
    assert_int_equal(tcb->advisory_count, COUNT_OF(advisories));
    for (size_t i = 0; i < COUNT_OF(advisories); i++)
        assert_string_equal(tcb->advisories[i], advisories[i]);
    assert_int_equal(tcb->date, SIM_NOW - 300 * DAY);
    assert_int_equal(tcb->evaluation_number, 21);
    assert_int_equal(tcb->qe_evaluation_number, 22);
    assert_int_equal(set->claims.issued, SIM_NOW - 30 * DAY);
    sim_set_free(set);
}

/* The earliest end of everything used, whichever piece it is of. */
static void validity_is_the_shortest(void **state)
{
    (void)state;
    static const size_t windows[] = {
        SIM_WINDOW(root.validity),     SIM_WINDOW(ca.validity),
        SIM_WINDOW(leaf.validity),     SIM_WINDOW(signer.validity),
        SIM_WINDOW(root_crl.validity), SIM_WINDOW(pck_crl.validity),
        SIM_WINDOW(tcb_info.validity), SIM_WINDOW(qe_identity.validity),
    };
    struct sim_set *set = sim_set_new();
    for (size_t i = 0; i < COUNT_OF(windows); i++) {
        struct sim_spec spec = sim_spec_default(EVIDENCE_SGX_V5, SIM_NOW);
        const struct window window = { SIM_NOW - 60 * DAY, SIM_NOW + (int64_t)i + 1 };
        memcpy((uint8_t *)&spec + windows[i], &window, sizeof window);
        sim_set_run(set, &spec, SIM_NOW);
        sim_set_expect(set, "shortest", CHECK_COUNT, REASON_OK);
        assert_int_equal(set->claims.valid_until, window.until);
        assert_int_equal(set->claims.issued, SIM_NOW - (i >= 4 ? 60 : 30) * DAY);
    }
    sim_set_free(set);
}

/* More advisories than a result holds: said, not cut. */
static void too_many_advisories(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V5_15, SIM_NOW);
    static char texts[ADVISORY_MAX + 1][16];
    struct span ids[ADVISORY_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        (void)snprintf(texts[i], sizeof texts[i], "SA-%zu", 1000 + i);
        ids[i] = span_text(texts[i]);
    }
    for (size_t count = ADVISORY_MAX; count <= COUNT_OF(ids); count++) {
        sim_set_make(set, &spec);
        struct collateral_sources sources = sim_set_named(set);
        sim_set_build(set, &sources);
        struct tcb_info *info = &set->collateral->infos[0].info;
        struct tcb_level level = info->levels[0];
        level.verdict.advisories = ids;
        level.verdict.advisory_count = count;
        info->levels = &level;
        info->level_count = 1;
        sim_set_judge(set, SIM_NOW);
        sim_set_expect(set, "advisories", count > ADVISORY_MAX ? CHECK_AT_36 : CHECK_COUNT,
                       count > ADVISORY_MAX ? REASON_TCB_INFO_FORMAT : REASON_OK);
    }
    sim_set_free(set);
}

/* --- the first failing line ------------------------------------------------------------ */

SIM_SPOIL(many, {
    s->leaf.validity.until = SIM_NOW - 1;
    s->pck_crl.validity.until = SIM_NOW - 1;
    s->tcb_info.validity.until = SIM_NOW - 1;
    s->qe_identity.validity.until = SIM_NOW - 1;
    s->signer.validity.until = SIM_NOW - 1;
    s->pck.pce_svn = 5;
})

/* After each date that is past the work goes on; the first line in the list decides. */
static void the_first_line_decides(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    many(&spec);
    sim_set_run(set, &spec, SIM_NOW);
    sim_set_expect(set, "many", CHECK_AT_11, REASON_PCK_EXPIRED);
    static const enum check_id failed[] = { CHECK_AT_11, CHECK_AT_15, CHECK_AT_17, CHECK_AT_21,
                                            CHECK_AT_24 };
    for (int id = CHECK_AT_1; id <= CHECK_AT_36; id++) {
        bool fails = false;
        for (size_t i = 0; i < COUNT_OF(failed); i++)
            fails = fails || id == (int)failed[i];
        assert_int_equal(report_failed(&set->report, (enum check_id)id), fails);
    }
    assert_int_equal(set->claims.tcb.status, TCB_OUT_OF_DATE);
    sim_set_free(set);
}

/* A line that was not reached says on which it waited. */
static void skipped_lines_say_why(void **state)
{
    (void)state;
    static void (*const spoils[])(struct sim_spec *) = { qe_signature,     signature, low_qe,
                                                         unknown_platform, trailing,  many };
    struct sim_set *set = sim_set_new();
    for (size_t i = 0; i < COUNT_OF(spoils); i++) {
        struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
        spoils[i](&spec);
        sim_set_run(set, &spec, SIM_NOW);
        for (int id = CHECK_AT_1; id <= CHECK_AT_36; id++) {
            const struct check *c = &set->report.checks[id];
            if (c->state == CHECK_SKIP && report_text(&set->report, c->detail)[0] == 0)
                fail_msg("%s is skipped without a word", check_info((enum check_id)id)->id);
        }
    }
    sim_set_free(set);
}

/* --- caches ---------------------------------------------------------------------------- */

/* With a cache of any depth every verdict is the same as without. */
static void a_cache_changes_no_verdict(void **state)
{
    (void)state;
    static void (*const spoils[])(struct sim_spec *) = {
        healthy, qe_signature, qe_binding, bad_key,      signature, high_s,
        low_qe,  many,         qe_old,     platform_old, no_auth,   unknown_qe,
    };
    static const unsigned depths[] = { 0, CACHE_CA, CACHE_CA | CACHE_PCK, CACHE_ALL, CACHE_QE };
    struct sim_set *set = sim_set_new();
    static struct dcap_cache caches[COUNT_OF(depths)];
    for (size_t d = 0; d < COUNT_OF(depths); d++)
        cache_remember(&caches[d], depths[d]);
    for (size_t round = 0; round < 2 * COUNT_OF(spoils); round++) {
        struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
        spoils[round % COUNT_OF(spoils)](&spec);
        set->cache = NULL;
        sim_set_run(set, &spec, SIM_NOW);
        const struct claims plain = set->claims;
        const enum check_id first = report_first_failure(&set->report);
        for (size_t d = 0; d < COUNT_OF(depths); d++)
            for (size_t again = 0; again < 3; again++) {
                set->cache = &caches[d];
                assert_int_equal(sim_set_judge(set, SIM_NOW), first);
                assert_memory_equal(&set->claims, &plain, sizeof plain);
                assert_true(cache_is_sound(&caches[d]));
            }
    }
    set->cache = NULL;
    sim_set_free(set);
}

/* What is remembered is not whether it was valid: dates and lists are asked each time. */
static void a_cache_remembers_no_verdict(void **state)
{
    (void)state;
    static struct dcap_cache cache;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    cache_remember(&cache, CACHE_ALL);
    set->cache = &cache;
    sim_set_run(set, &spec, SIM_NOW);
    sim_set_expect(set, "first", CHECK_COUNT, REASON_OK);
    cache.hits = cache.misses = 0;
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "again", CHECK_COUNT, REASON_OK);
    assert_int_equal(cache.hits, 5); /* root, intermediate, its CRL, leaf, quoting enclave */
    assert_int_equal(cache.misses, 0);
    sim_set_judge(set, SIM_NOW + 21 * DAY);
    sim_set_expect(set, "later", CHECK_AT_15, REASON_CRL_EXPIRED);
    /* The same quote under collateral that revokes it. */
    spec.leaf.revoked = true;
    sim_set_file(set, &spec, SIM_FILE_PCK_CRL);
    struct collateral_sources sources = sim_set_named(set);
    sim_set_build(set, &sources);
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "revoked", CHECK_AT_16, REASON_PCK_REVOKED);
    /* And under nobody's root. */
    set->roots = (struct trust_roots){ &intel_sgx_root, 1 };
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "untrusted", CHECK_AT_8, REASON_PCK_ROOT_UNTRUSTED);
    set->cache = NULL;
    sim_set_free(set);
}

static void the_platform_can_be_peeked_at(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_SGX_V4, SIM_NOW);
    struct pck_claims pck;
    bool tdx = true;
    sim_set_make(set, &spec);
    assert_true(dcap_peek(set->files[SIM_FILE_QUOTE], &pck, &tdx));
    assert_false(tdx);
    assert_memory_equal(pck.fmspc, spec.pck.fmspc, 6);
    assert_true(pck.platform_ca);
    assert_false(dcap_peek(span_of(set->files[SIM_FILE_QUOTE].at, 1000), &pck, &tdx));
    spec.cert_type = 1;
    sim_set_make(set, &spec);
    assert_false(dcap_peek(set->files[SIM_FILE_QUOTE], &pck, &tdx));
    sim_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_refusal_of_the_signatures, "AT-4 AT-27 AT-28 AT-29 AT-30"),
        TEST(nothing_unsigned_is_claimed, ""),
        TEST(trailing_bytes_may_be_allowed, "AT-4"),
        TEST(every_refusal_of_the_levels, "AT-31 AT-32 AT-33 AT-35"),
        TEST(the_missing_number_is_named, "AT-31"),
        TEST(statuses_converge, "AT-34"),
        TEST(relaunch_is_advised, "AT-35"),
        TEST(what_was_used_is_reported, "AT-36"),
        TEST(validity_is_the_shortest, "AT-36"),
        TEST(too_many_advisories, "AT-36"),
        TEST(the_first_line_decides, ""),
        TEST(skipped_lines_say_why, ""),
        TEST(a_cache_changes_no_verdict, ""),
        TEST(a_cache_remembers_no_verdict, ""),
        TEST(the_platform_can_be_peeked_at, ""),
    };
    return RUN_TESTS(tests);
}
