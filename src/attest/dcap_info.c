/* dcap_info.c - the TCB info (AT-17 to AT-23): signed by Intel, well formed, of this kind,
   current, of this platform, and with this TDX module in it. */
#include "attest/dcap_parts.h"

/* A heap has no file for this platform, or none that is current (AT-17). */
static bool find_file(struct judging *j)
{
    const struct collateral *c = j->in->collateral;
    const char *kind = j->tdx ? "TDX" : "SGX";
    struct span fmspc = SPAN(j->claims->pck.fmspc);
    if (j->tcb_file == NULL)
        return report_fail(j->report, CHECK_AT_17, REASON_COLLATERAL_MISSING,
                           "no signed %s TCB info for FMSPC %s among %zu TCB info files", kind,
                           detail_hex(fmspc).at, c == NULL ? 0 : c->info_count);
    if (c->tcb_info != NULL)
        return true;
    struct window validity = j->tcb_file->info.validity;
    enum window_side side = window_side_of(validity, j->in->now);
    const char *file = j->tcb_file->file.name;
    if (side == WINDOW_AFTER)
        report_fail(j->report, CHECK_AT_17, REASON_TCB_INFO_EXPIRED,
                    "no %s TCB info for FMSPC %s is valid now: the newest%s expired at %s", kind,
                    detail_hex(fmspc).at, detail_file(file).at, detail_time(validity.until).at);
    if (side == WINDOW_BEFORE)
        report_fail(j->report, CHECK_AT_17, REASON_TCB_INFO_NOT_YET_VALID,
                    "no %s TCB info for FMSPC %s is valid now: the newest%s is not valid before %s",
                    kind, detail_hex(fmspc).at, detail_file(file).at,
                    detail_time(validity.from).at);
    return true;
}

/* AT-18 to AT-20, as far as they are about the file alone.  A version that is not known may
   be signed and formed in another way: only that is said then. */
static bool check_file(struct judging *j, bool signer_ok)
{
    const struct part_file *file = &j->tcb_file->file;
    if (!file->envelope)
        return report_fail(j->report, CHECK_AT_19, REASON_TCB_INFO_FORMAT, "%s",
                           detail_problem(file->name, &file->problem).at);
    if (!file->version_known)
        return report_fail(j->report, CHECK_AT_20, REASON_TCB_INFO_VERSION_UNSUPPORTED,
                           "version %u%s", file->version, detail_file(file->name).at);
    if (!signer_ok)
        return false;
    if (file->state != SIGNATURE_GOOD || !span_equal(file->key, j->tcb_signer->cert.point))
        return report_fail(j->report, CHECK_AT_18, REASON_TCB_INFO_SIGNATURE_INVALID,
                           "the signature does not fit the exact bytes of tcbInfo%s",
                           detail_file(file->name).at);
    report_pass(j->report, CHECK_AT_18);
    if (!file->parsed)
        return report_fail(j->report, CHECK_AT_19, REASON_TCB_INFO_FORMAT, "%s",
                           detail_problem(file->name, &file->problem).at);
    report_pass(j->report, CHECK_AT_19);
    return true;
}

/* AT-20. */
static bool check_kind(struct judging *j, const struct tcb_info *info)
{
    if (info->version == 2 && j->tdx)
        return report_fail(j->report, CHECK_AT_20, REASON_TCB_INFO_VERSION_UNSUPPORTED,
                           "version 2 is for SGX only%s", detail_file(j->tcb_file->file.name).at);
    if (info->tdx != j->tdx)
        return report_fail(j->report, CHECK_AT_20, REASON_TCB_INFO_TEE_MISMATCH,
                           "TCB info of %s%s for a quote of %s", info->tdx ? "TDX" : "SGX",
                           detail_file(j->tcb_file->file.name).at, j->tdx ? "TDX" : "SGX");
    if (info->tcb_type != 0)
        return report_fail(j->report, CHECK_AT_20, REASON_TCB_INFO_VERSION_UNSUPPORTED,
                           "tcbType %u%s, known is 0", info->tcb_type,
                           detail_file(j->tcb_file->file.name).at);
    report_pass(j->report, CHECK_AT_20);
    return true;
}

/* AT-21. */
static void check_dates(struct judging *j, const struct tcb_info *info)
{
    enum window_side side = window_side_of(info->validity, j->in->now);
    const char *name = j->tcb_file->file.name;
    note_issued(j->claims, info->validity);
    if (side == WINDOW_AFTER) {
        report_fail(j->report, CHECK_AT_21, REASON_TCB_INFO_EXPIRED, "the TCB info%s expired at %s",
                    detail_file(name).at, detail_time(info->validity.until).at);
        report_values_time(j->report, CHECK_AT_21, info->validity.until, j->in->now);
    }
    if (side == WINDOW_BEFORE) {
        report_fail(j->report, CHECK_AT_21, REASON_TCB_INFO_NOT_YET_VALID,
                    "the TCB info%s was issued at %s", detail_file(name).at,
                    detail_time(info->validity.from).at);
        report_values_time(j->report, CHECK_AT_21, info->validity.from, j->in->now);
    }
    report_pass(j->report, CHECK_AT_21);
}

/* AT-22. */
static bool check_platform(struct judging *j, const struct tcb_info *info)
{
    const struct pck_claims *pck = &j->claims->pck;
    const char *name = j->tcb_file->file.name;
    if (!bytes_equal(info->fmspc, pck->fmspc, sizeof pck->fmspc)) {
        report_fail(j->report, CHECK_AT_22, REASON_TCB_INFO_FMSPC_MISMATCH,
                    "the TCB info%s is for FMSPC %s, the platform's is %s", detail_file(name).at,
                    detail_hex(SPAN(info->fmspc)).at, detail_hex(SPAN(pck->fmspc)).at);
        report_values_hex(j->report, CHECK_AT_22, SPAN(pck->fmspc), SPAN(info->fmspc));
        return false;
    }
    if (!bytes_equal(info->pce_id, pck->pce_id, sizeof pck->pce_id)) {
        report_fail(j->report, CHECK_AT_22, REASON_TCB_INFO_PCEID_MISMATCH,
                    "the TCB info%s is for PCE %s, the platform's is %s", detail_file(name).at,
                    detail_hex(SPAN(info->pce_id)).at, detail_hex(SPAN(pck->pce_id)).at);
        report_values_hex(j->report, CHECK_AT_22, SPAN(pck->pce_id), SPAN(info->pce_id));
        return false;
    }
    report_pass(j->report, CHECK_AT_22);
    return true;
}

/* --- AT-23 --------------------------------------------------------------------------- */

static const struct tdx_module *module_of(const struct tcb_info *info, uint8_t version)
{
    if (version == 0)
        return &info->module;
    for (size_t i = 0; i < info->module_count; i++)
        if (info->modules[i].version == version)
            return &info->modules[i];
    return NULL;
}

static const char *module_mismatch(const struct tdx_module *module, const struct tdx_claims *tdx)
{
    if (!bytes_equal(module->mr_signer, tdx->mr_signer_seam, sizeof tdx->mr_signer_seam))
        return "MRSIGNERSEAM";
    for (size_t i = 0; i < sizeof tdx->seam_attributes; i++)
        if ((tdx->seam_attributes[i] & module->attributes_mask[i]) != module->attributes[i])
            return "SEAMATTRIBUTES";
    /* All bits are reserved in every module there is; Intel's library demands zero too. */
    if (!bytes_are_zero(tdx->seam_attributes, sizeof tdx->seam_attributes))
        return "SEAMATTRIBUTES";
    return NULL;
}

/* The identity of the module that a TCB SVN names: its component 1 is the version. */
static bool check_module(struct judging *j, const struct tcb_info *info, const uint8_t svn[16],
                         const struct tdx_module **out)
{
    unsigned version = svn[1];
    const struct tdx_module *module = module_of(info, svn[1]);
    const char *name = j->tcb_file->file.name;
    if (module == NULL && !info->has_modules)
        return report_fail(j->report, CHECK_AT_23, REASON_TDX_MODULE_MISMATCH,
                           "the TCB info%s describes no TDX module but that of version 0, this is "
                           "TDX_%02X",
                           detail_file(name).at, version);
    if (module == NULL)
        return report_fail(j->report, CHECK_AT_23, REASON_TDX_MODULE_UNKNOWN,
                           "the TCB info%s has no entry for TDX_%02X", detail_file(name).at,
                           version);
    const char *mismatch = module_mismatch(module, &j->claims->tdx);
    if (mismatch != NULL)
        return report_fail(j->report, CHECK_AT_23, REASON_TDX_MODULE_MISMATCH,
                           "%s is not that of TDX_%02X in the TCB info%s", mismatch, version,
                           detail_file(name).at);
    *out = version == 0 ? NULL : module;
    return true;
}

static void check_modules(struct judging *j, const struct tcb_info *info)
{
    if (!j->tdx) {
        j->module_ok = true;
        report_skip(j->report, CHECK_AT_23, "SGX has no TDX module");
        return;
    }
    if (!j->body_ok) {
        lines_need(j->report, CHECK_AT_23, CHECK_AT_23, CHECK_AT_30);
        return;
    }
    const struct tdx_claims *tdx = &j->claims->tdx;
    j->module_ok = check_module(j, info, tdx->tee_tcb_svn, &j->module) &&
                   (!j->td15 || check_module(j, info, tdx->tee_tcb_svn2, &j->module_now));
    if (j->module_ok)
        report_pass(j->report, CHECK_AT_23);
}

void judge_tcb_info(struct judging *j)
{
    if (!j->chain_ok || !j->pck_ok || !find_file(j))
        return;
    bool signer_ok = judge_signer(j, CHECK_AT_17, &j->in->collateral->tcb_signer, j->tcb_signer);
    if (signer_ok)
        report_pass(j->report, CHECK_AT_17);
    if (!check_file(j, signer_ok)) {
        lines_need(j->report, CHECK_AT_18, CHECK_AT_23, signer_ok ? CHECK_AT_18 : CHECK_AT_17);
        return;
    }
    const struct tcb_info *info = &j->tcb_file->info;
    if (!check_kind(j, info)) {
        lines_need(j->report, CHECK_AT_21, CHECK_AT_23, CHECK_AT_20);
        return;
    }
    /* The dates of another platform's TCB info say nothing about this one. */
    if (!check_platform(j, info)) {
        lines_need(j->report, CHECK_AT_21, CHECK_AT_23, CHECK_AT_22);
        return;
    }
    check_dates(j, info);
    j->info = info;
    j->claims->tcb.evaluation_number = info->evaluation_number;
    check_modules(j, info);
}
