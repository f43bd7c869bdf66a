/* dcap_levels.c - the state of platform, TDX module and quoting enclave (AT-31 to AT-36). */
#include "attest/dcap_parts.h"

/* The levels that apply under one TCB SVN of the TD report: at launch, or now. */
struct levels {
    const struct tcb_level *platform;
    const struct svn_level *module; /* NULL: of version 0, which has no level of its own */
    const struct svn_level *qe;
};

/* Under which lines they are judged: AT-31 to AT-33 at launch; the current ones under AT-35. */
struct level_lines {
    enum check_id platform, component, names;
    const char *when;
};

static const struct level_lines launch_lines = { CHECK_AT_31, CHECK_AT_32, CHECK_AT_33, "" };
static const struct level_lines current_lines = { CHECK_AT_35, CHECK_AT_35, CHECK_AT_35,
                                                  " (now running)" };

/* AT-31. */
static bool find_platform(struct judging *j, const struct level_lines *lines, const uint8_t *tee,
                          struct levels *out)
{
    const struct tcb_platform platform = { j->claims->pck.comp_svn, j->claims->pck.pce_svn, tee };
    struct tcb_shortfall missing;
    out->platform = tcb_level_find(j->info->levels, j->info->level_count, &platform, &missing);
    if (out->platform == NULL) {
        report_fail(j->report, lines->platform, REASON_TCB_NOT_SUPPORTED,
                    "%s %d%s is %u, the lowest TCB level wants %u", missing.what, missing.component,
                    lines->when, missing.actual, missing.wanted);
        report_values_number(j->report, lines->platform, missing.wanted, missing.actual);
        return false;
    }
    return true;
}

/* AT-32, the TDX module: its ISVSVN is component 0. */
static bool find_module(struct judging *j, const struct level_lines *lines,
                        const struct tdx_module *module, uint8_t isv_svn, struct levels *out)
{
    if (module == NULL)
        return true;
    out->module = svn_level_find(module->levels, module->level_count, isv_svn);
    if (out->module == NULL)
        return report_fail(j->report, lines->component, REASON_TCB_NOT_SUPPORTED,
                           "TDX module TDX_%02X%s has ISVSVN %u, below its lowest TCB level",
                           module->version, lines->when, isv_svn);
    return true;
}

/* AT-32, the quoting enclave. */
static bool find_qe(struct judging *j, struct levels *out)
{
    out->qe = svn_level_find(j->identity->levels, j->identity->level_count, j->qe.isv_svn);
    if (out->qe == NULL)
        return report_fail(j->report, CHECK_AT_32, REASON_QE_TCB_NOT_SUPPORTED,
                           "the quoting enclave has ISVSVN %u, below its lowest TCB level",
                           j->qe.isv_svn);
    return true;
}

/* AT-33: an unknown word is never taken for a good one. */
static bool check_name(struct judging *j, const struct level_lines *lines, const char *whose,
                       const struct tcb_verdict *verdict)
{
    struct span text = verdict->status_text;
    if (verdict->status == TCB_STATUS_NONE)
        return report_fail(j->report, lines->names, REASON_TCB_STATUS_UNKNOWN,
                           "the status \"%.*s\" of the %s level is not known",
                           (int)(text.len < 64 ? text.len : 64), text.at, whose);
    return true;
}

static bool check_names(struct judging *j, const struct level_lines *lines,
                        const struct levels *levels)
{
    return check_name(j, lines, "platform's", &levels->platform->verdict) &&
           (levels->module == NULL ||
            check_name(j, lines, "TDX module's", &levels->module->verdict)) &&
           check_name(j, lines, "quoting enclave's", &levels->qe->verdict);
}

/* AT-34. */
static enum tcb_status converge(const struct levels *levels)
{
    enum tcb_status status = levels->platform->verdict.status;
    if (levels->module != NULL)
        status = tcb_converge(status, levels->module->verdict.status);
    return tcb_converge(status, levels->qe->verdict.status);
}

/* What the levels say besides their status. */
static bool take(struct judging *j, const struct levels *levels)
{
    struct tcb_claims *claims = &j->claims->tcb;
    if (!tcb_claims_add(claims, &levels->platform->verdict) ||
        (levels->module != NULL && !tcb_claims_add(claims, &levels->module->verdict)) ||
        !tcb_claims_add(claims, &levels->qe->verdict))
        return report_fail(j->report, CHECK_AT_36, REASON_TCB_INFO_FORMAT,
                           "more than %d advisories apply", ADVISORY_MAX);
    return true;
}

/* AT-31 to AT-34; on success *out has the levels that apply, else a line failed. */
static bool judge_launch(struct judging *j, struct levels *out)
{
    const uint8_t *tee = j->claims->tdx.tee_tcb_svn;
    bool platform = find_platform(j, &launch_lines, j->tdx ? tee : NULL, out);
    if (platform)
        report_pass(j->report, CHECK_AT_31);
    bool module = find_module(j, &launch_lines, j->module, tee[0], out);
    bool qe = j->qe_fits && find_qe(j, out);
    if (module && qe)
        report_pass(j->report, CHECK_AT_32);
    if (!j->qe_fits)
        lines_need(j->report, CHECK_AT_32, CHECK_AT_32, CHECK_AT_26);
    if (!platform || !module || !qe)
        return false;
    if (!check_names(j, &launch_lines, out))
        return false;
    report_pass(j->report, CHECK_AT_33);
    j->claims->tcb.launch_status = converge(out);
    report_pass(j->report, CHECK_AT_34);
    return true;
}

/* AT-35: the same walk with the SVN of the modules that run now. */
static bool judge_current(struct judging *j, const struct levels *launch)
{
    const uint8_t *tee = j->claims->tdx.tee_tcb_svn2;
    struct levels current = { .qe = launch->qe };
    if (!(find_platform(j, &current_lines, tee, &current) &&
          find_module(j, &current_lines, j->module_now, tee[0], &current) &&
          check_names(j, &current_lines, &current)))
        return false;
    j->claims->tcb.current_status = converge(&current);
    report_pass(j->report, CHECK_AT_35);
    return take(j, &current);
}

void judge_levels(struct judging *j)
{
    struct tcb_claims *tcb = &j->claims->tcb;
    struct levels launch = { 0 };
    if (!j->td15)
        report_skip(j->report, CHECK_AT_35, "only TD report 1.5 says what runs now");
    if (j->info == NULL || !j->module_ok) {
        lines_need(j->report, CHECK_AT_31, CHECK_AT_36,
                   j->info == NULL ? CHECK_AT_22 : CHECK_AT_23);
        return;
    }
    if (!judge_launch(j, &launch)) {
        lines_need(j->report, CHECK_AT_33, CHECK_AT_36, CHECK_AT_32);
        return;
    }
    bool done = take(j, &launch);
    done = (!j->td15 || judge_current(j, &launch)) && done;
    tcb->status = tcb_relaunch(tcb->launch_status, tcb->current_status);
    tcb->relaunch_advised = tcb->status != tcb->launch_status;
    if (done)
        report_pass(j->report, CHECK_AT_36);
    lines_need(j->report, CHECK_AT_36, CHECK_AT_36, CHECK_AT_35);
}
