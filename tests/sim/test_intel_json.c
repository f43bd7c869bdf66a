/* test_intel_json.c - collateral of the authority: each defect of the signer, the TCB info and
   the QE identity gives its reason, and levels give the status that they must. */
#include "sim/sim.h"

#include "sim/intel_case.h"

static struct intel_case shared;

static int open_case(void **state)
{
    (void)state;
    intel_case_open(&shared);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    intel_case_close(&shared);
    return 0;
}

struct row {
    const char *name;
    void (*change)(struct sim_spec *spec);
    enum reason reason;
    enum check_id check;
};

static void run_rows(enum evidence_kind kind, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        intel_case_reset(&shared, kind);
        rows[i].change(&shared.spec);
        intel_case_run(&shared);
        intel_case_assert(&shared, rows[i].name, DENY, rows[i].reason, rows[i].check);
        assert_false(shared.claims.verified);
    }
}

static const enum evidence_kind both[] = { EVIDENCE_SGX_V3, EVIDENCE_TDX_V5_15 };

#define RUN_ON_BOTH(rows)                                                                          \
    do {                                                                                           \
        for (size_t k = 0; k < COUNT_OF(both); k++)                                                \
            run_rows(both[k], (rows), COUNT_OF(rows));                                             \
    } while (0)

/* --- the signer ------------------------------------------------------------------------ */

static void signer_name(struct sim_spec *s)
{
    s->signer.defects = SIM_CERT_WRONG_NAME;
}
static void signer_ca(struct sim_spec *s)
{
    s->signer.defects = SIM_CERT_FLIP_CA;
}
static void signer_signature(struct sim_spec *s)
{
    s->signer.defects = SIM_CERT_BAD_SIGNATURE;
}
static void signer_issuer(struct sim_spec *s)
{
    s->signer.defects = SIM_CERT_WRONG_ISSUER;
}
static void signer_usage(struct sim_spec *s)
{
    s->signer.defects = SIM_CERT_WRONG_KEY_USAGE;
}
static void signer_critical(struct sim_spec *s)
{
    s->signer.defects = SIM_CERT_UNKNOWN_CRITICAL;
}
static void signer_expired(struct sim_spec *s)
{
    s->signer.validity.until = NOW - 1;
}
static void signer_early(struct sim_spec *s)
{
    s->signer.validity.from = NOW + 1;
}

static void test_signer(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "name", signer_name, REASON_TCB_SIGNER_INVALID, CHECK_AT_17 },
        { "a CA", signer_ca, REASON_TCB_SIGNER_INVALID, CHECK_AT_17 },
        { "signature", signer_signature, REASON_TCB_SIGNER_INVALID, CHECK_AT_17 },
        { "issuer", signer_issuer, REASON_TCB_SIGNER_INVALID, CHECK_AT_17 },
        { "key usage", signer_usage, REASON_TCB_SIGNER_INVALID, CHECK_AT_17 },
        { "unknown critical", signer_critical, REASON_TCB_SIGNER_INVALID, CHECK_AT_17 },
        { "expired", signer_expired, REASON_TCB_SIGNER_EXPIRED, CHECK_AT_17 },
        { "not yet valid", signer_early, REASON_TCB_SIGNER_EXPIRED, CHECK_AT_17 },
    };
    RUN_ON_BOTH(rows);
}

/* --- TCB info -------------------------------------------------------------------------- */

static void info_signature(struct sim_spec *s)
{
    s->tcb_info.defects = SIM_JSON_BAD_SIGNATURE;
}
static void info_reformatted(struct sim_spec *s)
{
    s->tcb_info.defects = SIM_JSON_REFORMATTED;
}
static void info_stranger(struct sim_spec *s)
{
    s->signer.defects = SIM_CERT_STRANGE_KEY;
}
static void info_duplicate(struct sim_spec *s)
{
    s->tcb_info.defects = SIM_JSON_DUPLICATE_KEY;
}
static void info_missing(struct sim_spec *s)
{
    s->tcb_info.defects = SIM_JSON_MISSING_FIELD;
}
static void info_trailing(struct sim_spec *s)
{
    s->tcb_info.defects = SIM_JSON_TRAILING;
}
static void info_number(struct sim_spec *s)
{
    s->tcb_info.defects = SIM_JSON_BAD_NUMBER;
}
static void info_version_4(struct sim_spec *s)
{
    s->tcb_info.version = 4;
}
static void info_version_1(struct sim_spec *s)
{
    s->tcb_info.version = 1;
}
static void info_other_tee(struct sim_spec *s)
{
    s->tcb_info.id = evidence_kind_is_tdx(s->kind) ? "SGX" : "TDX";
}
static void info_tcb_type(struct sim_spec *s)
{
    s->tcb_info.tcb_type = 1;
}
static void info_expired(struct sim_spec *s)
{
    s->tcb_info.validity.until = NOW - 1;
}
static void info_early(struct sim_spec *s)
{
    s->tcb_info.validity.from = NOW + 1;
}
static void info_fmspc(struct sim_spec *s)
{
    s->tcb_info.fmspc[5] ^= 1;
}
static void info_pce_id(struct sim_spec *s)
{
    s->tcb_info.pce_id[0] = 1;
}

static void test_tcb_info(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "signature", info_signature, REASON_TCB_INFO_SIGNATURE_INVALID, CHECK_AT_18 },
        { "re-formatted", info_reformatted, REASON_TCB_INFO_SIGNATURE_INVALID, CHECK_AT_18 },
        { "another signer", info_stranger, REASON_TCB_INFO_SIGNATURE_INVALID, CHECK_AT_18 },
        { "key twice", info_duplicate, REASON_TCB_INFO_FORMAT, CHECK_AT_19 },
        { "no issueDate", info_missing, REASON_TCB_INFO_FORMAT, CHECK_AT_19 },
        { "trailing bytes", info_trailing, REASON_TCB_INFO_FORMAT, CHECK_AT_19 },
        { "negative number", info_number, REASON_TCB_INFO_FORMAT, CHECK_AT_19 },
        { "version 4", info_version_4, REASON_TCB_INFO_VERSION_UNSUPPORTED, CHECK_AT_20 },
        { "version 1", info_version_1, REASON_TCB_INFO_VERSION_UNSUPPORTED, CHECK_AT_20 },
        { "tcbType", info_tcb_type, REASON_TCB_INFO_VERSION_UNSUPPORTED, CHECK_AT_20 },
        { "expired", info_expired, REASON_TCB_INFO_EXPIRED, CHECK_AT_21 },
        { "not yet valid", info_early, REASON_TCB_INFO_NOT_YET_VALID, CHECK_AT_21 },
        { "FMSPC", info_fmspc, REASON_TCB_INFO_FMSPC_MISMATCH, CHECK_AT_22 },
        { "PCE id", info_pce_id, REASON_TCB_INFO_PCEID_MISMATCH, CHECK_AT_22 },
    };
    RUN_ON_BOTH(rows);
}

/* The other TEE's file, with everything else as this one's. */
static void test_tcb_info_of_the_other_tee(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "TDX quote, SGX file", info_other_tee, REASON_TCB_INFO_TEE_MISMATCH, CHECK_AT_20 },
    };
    run_rows(EVIDENCE_TDX_V4, rows, COUNT_OF(rows));
}

static void test_dates(void **state)
{
    (void)state;
    for (int second = -1; second <= 1; second++) {
        intel_case_reset(&shared, EVIDENCE_TDX_V4);
        shared.spec.tcb_info.validity = (struct window){ NOW, NOW + second };
        intel_case_run(&shared);
        intel_case_assert(&shared, "TCB info until", second < 0 ? DENY : ALLOW,
                          second < 0 ? REASON_TCB_INFO_EXPIRED : REASON_OK, CHECK_AT_21);
        if (second >= 0)
            assert_int_equal(shared.claims.valid_until, NOW + second);
        intel_case_reset(&shared, EVIDENCE_SGX_V3);
        shared.spec.qe_identity.validity = (struct window){ NOW + second, NOW + second };
        intel_case_run(&shared);
        intel_case_assert(&shared, "QE identity", second == 0 ? ALLOW : DENY,
                          second < 0   ? REASON_QE_IDENTITY_EXPIRED
                          : second > 0 ? REASON_QE_IDENTITY_NOT_YET_VALID
                                       : REASON_OK,
                          CHECK_AT_24);
        intel_case_reset(&shared, EVIDENCE_TDX_V4);
        shared.spec.signer.validity.until = NOW + second;
        intel_case_run(&shared);
        intel_case_assert(&shared, "signer", second < 0 ? DENY : ALLOW,
                          second < 0 ? REASON_TCB_SIGNER_EXPIRED : REASON_OK, CHECK_AT_17);
    }
    /* Expired collateral still tells the status. */
    intel_case_reset(&shared, EVIDENCE_TDX_V4);
    info_expired(&shared.spec);
    intel_case_run(&shared);
    assert_int_equal(shared.claims.tcb.status, TCB_UP_TO_DATE);
}

/* --- the QE ---------------------------------------------------------------------------- */

static void qe_signature(struct sim_spec *s)
{
    s->qe_identity.defects = SIM_JSON_BAD_SIGNATURE;
}
static void qe_reformatted(struct sim_spec *s)
{
    s->qe_identity.defects = SIM_JSON_REFORMATTED;
}
static void qe_duplicate(struct sim_spec *s)
{
    s->qe_identity.defects = SIM_JSON_DUPLICATE_KEY;
}
static void qe_missing(struct sim_spec *s)
{
    s->qe_identity.defects = SIM_JSON_MISSING_FIELD;
}
static void qe_expired(struct sim_spec *s)
{
    s->qe_identity.validity.until = NOW - 1;
}
static void qe_early(struct sim_spec *s)
{
    s->qe_identity.validity.from = NOW + 1;
}
static void qe_other_id(struct sim_spec *s)
{
    s->qe_identity.id = evidence_kind_is_tdx(s->kind) ? "QE" : "TD_QE";
}
static void qe_qve(struct sim_spec *s)
{
    s->qe_identity.id = "QVE";
}
static void qe_version_3(struct sim_spec *s)
{
    s->qe_identity.version = 3;
}
static void qe_misc(struct sim_spec *s)
{
    s->qe.misc_select = 0x01000000;
}
static void qe_debug(struct sim_spec *s)
{
    s->qe.attributes[0] |= 0x02;
}
static void qe_debug_unmasked(struct sim_spec *s)
{
    s->qe.attributes[0] |= 0x02;
    s->qe_identity.attributes_mask[0] = 0;
    s->qe_identity.attributes[0] = 0;
}
static void qe_attributes(struct sim_spec *s)
{
    s->qe.attributes[0] &= (uint8_t)~0x10u;
}
static void qe_mr_signer(struct sim_spec *s)
{
    s->qe.mr_signer[31] ^= 1;
}
static void qe_prod_id(struct sim_spec *s)
{
    s->qe.isv_prod_id++;
}

static void test_qe_identity(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "signature", qe_signature, REASON_QE_IDENTITY_SIGNATURE_INVALID, CHECK_AT_24 },
        { "re-formatted", qe_reformatted, REASON_QE_IDENTITY_SIGNATURE_INVALID, CHECK_AT_24 },
        { "key twice", qe_duplicate, REASON_QE_IDENTITY_FORMAT, CHECK_AT_24 },
        { "no issueDate", qe_missing, REASON_QE_IDENTITY_FORMAT, CHECK_AT_24 },
        { "expired", qe_expired, REASON_QE_IDENTITY_EXPIRED, CHECK_AT_24 },
        { "not yet valid", qe_early, REASON_QE_IDENTITY_NOT_YET_VALID, CHECK_AT_24 },
        { "the other TEE's", qe_other_id, REASON_QE_IDENTITY_ID_MISMATCH, CHECK_AT_25 },
        { "QVE", qe_qve, REASON_QE_IDENTITY_ID_MISMATCH, CHECK_AT_25 },
        { "version 3", qe_version_3, REASON_QE_IDENTITY_ID_MISMATCH, CHECK_AT_25 },
        { "MISCSELECT", qe_misc, REASON_QE_IDENTITY_MISMATCH, CHECK_AT_26 },
        { "debug", qe_debug, REASON_QE_IDENTITY_MISMATCH, CHECK_AT_26 },
        { "debug that no mask catches", qe_debug_unmasked, REASON_QE_IDENTITY_MISMATCH,
          CHECK_AT_26 },
        { "attributes", qe_attributes, REASON_QE_IDENTITY_MISMATCH, CHECK_AT_26 },
        { "MRSIGNER", qe_mr_signer, REASON_QE_IDENTITY_MISMATCH, CHECK_AT_26 },
        { "ISVPRODID", qe_prod_id, REASON_QE_IDENTITY_MISMATCH, CHECK_AT_26 },
    };
    RUN_ON_BOTH(rows);
}

/* --- the TDX module -------------------------------------------------------------------- */

static void module_unknown(struct sim_spec *s)
{
    s->tdx.tee_tcb_svn[1] = 9;
}
static void module_signer(struct sim_spec *s)
{
    s->tdx.mr_signer_seam[0] = 1;
}
static void module_attributes(struct sim_spec *s)
{
    s->tdx.seam_attributes[7] = 1;
}
static void module_0_signer(struct sim_spec *s)
{
    s->tdx.tee_tcb_svn[1] = 0;
    s->tcb_info.module_signer[47] = 1;
}

static void test_module(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "unknown", module_unknown, REASON_TDX_MODULE_UNKNOWN, CHECK_AT_23 },
        { "signer", module_signer, REASON_TDX_MODULE_MISMATCH, CHECK_AT_23 },
        { "attributes", module_attributes, REASON_TDX_MODULE_MISMATCH, CHECK_AT_23 },
        { "signer of module 0", module_0_signer, REASON_TDX_MODULE_MISMATCH, CHECK_AT_23 },
    };
    run_rows(EVIDENCE_TDX_V4, rows, COUNT_OF(rows));
    run_rows(EVIDENCE_TDX_V5_10, rows, COUNT_OF(rows));
    run_rows(EVIDENCE_TDX_V5_15, rows, COUNT_OF(rows));
}

/* --- levels ---------------------------------------------------------------------------- */

static void low_pce(struct sim_spec *s)
{
    s->pck.pce_svn = 4;
}
static void low_component(struct sim_spec *s)
{
    s->pck.comp_svn[7] = 0;
}
static void low_qe(struct sim_spec *s)
{
    s->qe.isv_svn = 4;
}
static void status_unknown(struct sim_spec *s)
{
    s->tcb_info.levels[0].status = "VeryGood";
}
static void status_case(struct sim_spec *s)
{
    s->tcb_info.levels[0].status = "uptodate";
}
static void qe_status_unknown(struct sim_spec *s)
{
    s->qe_identity.levels.at[0].status = "";
}

static void test_levels(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "PCESVN below all", low_pce, REASON_TCB_NOT_SUPPORTED, CHECK_AT_31 },
        { "component below all", low_component, REASON_TCB_NOT_SUPPORTED, CHECK_AT_31 },
        { "QE below all", low_qe, REASON_QE_TCB_NOT_SUPPORTED, CHECK_AT_32 },
        { "unknown status", status_unknown, REASON_TCB_STATUS_UNKNOWN, CHECK_AT_33 },
        { "status in another case", status_case, REASON_TCB_STATUS_UNKNOWN, CHECK_AT_33 },
        { "unknown status of the QE", qe_status_unknown, REASON_TCB_STATUS_UNKNOWN, CHECK_AT_33 },
    };
    RUN_ON_BOTH(rows);
}

static void low_module(struct sim_spec *s)
{
    s->tdx.tee_tcb_svn[0] = 1;
}
static void low_microcode(struct sim_spec *s)
{
    for (size_t i = 0; i < s->tcb_info.level_count; i++)
        s->tcb_info.levels[i].tdx[15] = 1;
}
static void module_status_unknown(struct sim_spec *s)
{
    s->tcb_info.modules[0].levels.at[0].status = "Unknown";
}
static void module_0_low(struct sim_spec *s)
{
    s->tdx.tee_tcb_svn[1] = 0;
    s->tdx.tee_tcb_svn[0] = 2;
}

static void test_tdx_levels(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "module below all", low_module, REASON_TCB_NOT_SUPPORTED, CHECK_AT_32 },
        { "TDX component below all", low_microcode, REASON_TCB_NOT_SUPPORTED, CHECK_AT_31 },
        { "TDX 1.0: component 0 counts", module_0_low, REASON_TCB_NOT_SUPPORTED, CHECK_AT_31 },
        { "unknown status of the module", module_status_unknown, REASON_TCB_STATUS_UNKNOWN,
          CHECK_AT_33 },
    };
    run_rows(EVIDENCE_TDX_V4, rows, COUNT_OF(rows));
}

/* What one level of platform, module and QE makes together (AT-34).  Levels are chosen by
   lowering SVNs: 0 is UpToDate; for module and QE 1 is OutOfDate, 2 Revoked. */
static void test_convergence(void **state)
{
    (void)state;
    static const struct {
        const char *platform;
        unsigned module, qe;
        enum tcb_status want;
    } rows[] = {
        { "UpToDate", 0, 0, TCB_UP_TO_DATE },
        { "SWHardeningNeeded", 0, 0, TCB_SW_HARDENING_NEEDED },
        { "UpToDate", 1, 0, TCB_OUT_OF_DATE },
        { "SWHardeningNeeded", 0, 1, TCB_OUT_OF_DATE },
        { "ConfigurationNeeded", 0, 0, TCB_CONFIGURATION_NEEDED },
        { "ConfigurationNeeded", 1, 0, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
        { "ConfigurationAndSWHardeningNeeded", 0, 0, TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED },
        { "ConfigurationAndSWHardeningNeeded", 0, 1, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
        { "OutOfDate", 0, 0, TCB_OUT_OF_DATE },
        { "OutOfDate", 1, 1, TCB_OUT_OF_DATE },
        { "OutOfDateConfigurationNeeded", 1, 0, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
        { "Revoked", 0, 0, TCB_REVOKED },
        { "UpToDate", 2, 0, TCB_REVOKED },
        { "UpToDate", 0, 2, TCB_REVOKED },
        { "OutOfDate", 2, 1, TCB_REVOKED },
    };
    static const uint8_t svns[] = { 0, 2, 3 }; /* below the best level's */
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        intel_case_reset(&shared, EVIDENCE_TDX_V4);
        shared.spec.tcb_info.levels[0].status = rows[i].platform;
        shared.spec.tdx.tee_tcb_svn[0] = (uint8_t)(5 - svns[rows[i].module]);
        shared.spec.qe.isv_svn = (uint16_t)(8 - svns[rows[i].qe]);
        intel_case_run(&shared);
        assert_int_equal(shared.claims.tcb.status, rows[i].want);
        assert_true(shared.claims.verified);
        bool good = rows[i].want == TCB_UP_TO_DATE;
        intel_case_assert(&shared, rows[i].platform, good ? ALLOW : DENY,
                          good ? REASON_OK : REASON_POLICY_TCB_STATUS, CHECK_AT_37);
    }
}

static void test_date_and_advisories(void **state)
{
    (void)state;
    intel_case_reset(&shared, EVIDENCE_TDX_V4);
    shared.spec.pck.pce_svn = 12; /* level 1: SWHardeningNeeded, WARD-SA-00001 */
    memset(shared.spec.pck.comp_svn, 2, 8);
    shared.spec.qe.isv_svn = 7; /* level 1: OutOfDate, WARD-SA-00002 */
    intel_case_run(&shared);
    const struct tcb_claims *tcb = &shared.claims.tcb;
    assert_int_equal(tcb->status, TCB_OUT_OF_DATE);
    assert_int_equal(tcb->date, NOW - 300 * DAY);
    assert_int_equal(tcb->advisory_count, 2);
    assert_string_equal(tcb->advisories[0], "WARD-SA-00001");
    assert_string_equal(tcb->advisories[1], "WARD-SA-00002");
    intel_case_assert(&shared, "old", DENY, REASON_POLICY_TCB_STATUS, CHECK_AT_37);
}

/* AT-35: launched on an old platform that is good by now. */
static void test_relaunch(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t launch_module, current_module; /* SVNs: 5 good, 3 OutOfDate, 2 Revoked */
        const char *platform;
        enum tcb_status want;
        bool advised;
    } rows[] = {
        { "same", 5, 5, "UpToDate", TCB_UP_TO_DATE, false },
        { "updated since", 3, 5, "UpToDate", TCB_TD_RELAUNCH_ADVISED, true },
        { "hardening", 3, 5, "SWHardeningNeeded", TCB_TD_RELAUNCH_ADVISED, true },
        { "configuration", 3, 5, "ConfigurationNeeded",
          TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED, true },
        { "both old", 3, 3, "UpToDate", TCB_OUT_OF_DATE, false },
        { "worse since", 5, 3, "UpToDate", TCB_UP_TO_DATE, false },
        { "launched revoked", 2, 5, "UpToDate", TCB_REVOKED, false },
        { "revoked since", 3, 2, "UpToDate", TCB_OUT_OF_DATE, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        intel_case_reset(&shared, EVIDENCE_TDX_V5_15);
        shared.spec.tdx.tee_tcb_svn[0] = rows[i].launch_module;
        shared.spec.tdx.tee_tcb_svn2[0] = rows[i].current_module;
        shared.spec.tcb_info.levels[0].status = rows[i].platform;
        intel_case_run(&shared);
        const struct tcb_claims *tcb = &shared.claims.tcb;
        if (tcb->status != rows[i].want || tcb->relaunch_advised != rows[i].advised)
            fail_msg("%s: %s", rows[i].name, tcb_status_name(tcb->status));
        bool good = rows[i].want == TCB_UP_TO_DATE;
        intel_case_assert(&shared, rows[i].name, good ? ALLOW : DENY,
                          good ? REASON_OK : REASON_POLICY_TCB_STATUS, CHECK_AT_37);
    }
    intel_case_reset(&shared, EVIDENCE_TDX_V5_15);
    shared.spec.tdx.tee_tcb_svn2[1] = 9;
    intel_case_run(&shared);
    assert_int_equal(shared.decision.verdict, DENY);
    assert_int_equal(shared.decision.reason, REASON_TDX_MODULE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_signer, "AT-17"),
        TEST(test_tcb_info, "AT-18 AT-19 AT-20 AT-21 AT-22"),
        TEST(test_tcb_info_of_the_other_tee, "AT-20"),
        TEST(test_dates, "AT-17 AT-21 AT-24"),
        TEST(test_qe_identity, "AT-24 AT-25 AT-26"),
        TEST(test_module, "AT-23"),
        TEST(test_levels, "AT-31 AT-32 AT-33"),
        TEST(test_tdx_levels, "AT-31 AT-32 AT-33"),
        TEST(test_convergence, "AT-34"),
        TEST(test_date_and_advisories, "AT-36"),
        TEST(test_relaunch, "AT-35"),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}
