/* dcap_identity.c - the QE identity (AT-24 to AT-26): whose quoting enclave this is. */
#include "attest/dcap_parts.h"

static bool find_file(struct judging *j)
{
    const struct collateral *c = j->in->collateral;
    const char *id = j->tdx ? "TD_QE" : "QE";
    if (j->qe_file == NULL)
        return report_fail(j->report, CHECK_AT_24, REASON_COLLATERAL_MISSING,
                           "no signed identity %s among %zu QE identity files", id,
                           c == NULL ? 0 : c->identity_count);
    if (c->qe_identity != NULL)
        return true;
    struct window validity = j->qe_file->identity.validity;
    enum window_side side = window_side_of(validity, j->in->now);
    const char *file = j->qe_file->file.name;
    if (side == WINDOW_AFTER)
        report_fail(j->report, CHECK_AT_24, REASON_QE_IDENTITY_EXPIRED,
                    "no identity %s is valid now: the newest%s expired at %s", id,
                    detail_file(file).at, detail_time(validity.until).at);
    if (side == WINDOW_BEFORE)
        report_fail(j->report, CHECK_AT_24, REASON_QE_IDENTITY_NOT_YET_VALID,
                    "no identity %s is valid now: the newest%s is not valid before %s", id,
                    detail_file(file).at, detail_time(validity.from).at);
    return true;
}

/* AT-24 but for the dates; a version that is not known is said under AT-25. */
static bool check_file(struct judging *j, bool signer_ok)
{
    const struct part_file *file = &j->qe_file->file;
    if (!file->envelope)
        return report_fail(j->report, CHECK_AT_24, REASON_QE_IDENTITY_FORMAT, "%s",
                           detail_problem(file->name, &file->problem).at);
    if (!file->version_known)
        return report_fail(j->report, CHECK_AT_25, REASON_QE_IDENTITY_ID_MISMATCH,
                           "version %u%s, known is 2", file->version, detail_file(file->name).at);
    if (!signer_ok)
        return false;
    if (file->state != SIGNATURE_GOOD || !span_equal(file->key, j->qe_signer->cert.point))
        return report_fail(j->report, CHECK_AT_24, REASON_QE_IDENTITY_SIGNATURE_INVALID,
                           "the signature does not fit the exact bytes of enclaveIdentity%s",
                           detail_file(file->name).at);
    if (!file->parsed)
        return report_fail(j->report, CHECK_AT_24, REASON_QE_IDENTITY_FORMAT, "%s",
                           detail_problem(file->name, &file->problem).at);
    return true;
}

/* AT-24, the dates. */
static void check_dates(struct judging *j, const struct qe_identity *identity)
{
    enum window_side side = window_side_of(identity->validity, j->in->now);
    const char *name = j->qe_file->file.name;
    note_issued(j->claims, identity->validity);
    if (side == WINDOW_AFTER) {
        report_fail(j->report, CHECK_AT_24, REASON_QE_IDENTITY_EXPIRED,
                    "the QE identity%s expired at %s", detail_file(name).at,
                    detail_time(identity->validity.until).at);
        report_values_time(j->report, CHECK_AT_24, identity->validity.until, j->in->now);
    }
    if (side == WINDOW_BEFORE) {
        report_fail(j->report, CHECK_AT_24, REASON_QE_IDENTITY_NOT_YET_VALID,
                    "the QE identity%s was issued at %s", detail_file(name).at,
                    detail_time(identity->validity.from).at);
        report_values_time(j->report, CHECK_AT_24, identity->validity.from, j->in->now);
    }
    report_pass(j->report, CHECK_AT_24);
}

/* AT-25. */
static bool check_kind(struct judging *j, const struct qe_identity *identity)
{
    const char *wanted = j->tdx ? "TD_QE" : "QE";
    if (identity->id != (j->tdx ? QE_ID_TDX : QE_ID_SGX)) {
        report_fail(j->report, CHECK_AT_25, REASON_QE_IDENTITY_ID_MISMATCH,
                    "the identity%s is of another enclave than %s",
                    detail_file(j->qe_file->file.name).at, wanted);
        report_values_text(j->report, CHECK_AT_25, span_text(wanted), identity->id_text);
        return false;
    }
    report_pass(j->report, CHECK_AT_25);
    return true;
}

/* AT-26, about a report that is signed. */
static bool check_enclave(struct judging *j, const struct qe_identity *identity)
{
    const char *mismatch = qe_identity_mismatch(identity, &j->qe);
    if (mismatch != NULL)
        return report_fail(j->report, CHECK_AT_26, REASON_QE_IDENTITY_MISMATCH,
                           "the quoting enclave's %s is not that of the identity%s", mismatch,
                           detail_file(j->qe_file->file.name).at);
    report_pass(j->report, CHECK_AT_26);
    return true;
}

static const struct part_signer *named_signer(const struct collateral *c)
{
    return c->qe_signer.given ? &c->qe_signer : &c->tcb_signer;
}

void judge_qe_identity(struct judging *j)
{
    if (!j->chain_ok || !find_file(j))
        return;
    bool signer_ok = judge_signer(j, CHECK_AT_24, named_signer(j->in->collateral), j->qe_signer);
    if (!check_file(j, signer_ok)) {
        lines_need(j->report, CHECK_AT_24, CHECK_AT_24, CHECK_AT_25);
        lines_need(j->report, CHECK_AT_25, CHECK_AT_26, CHECK_AT_24);
        return;
    }
    const struct qe_identity *identity = &j->qe_file->identity;
    check_dates(j, identity);
    if (!check_kind(j, identity)) {
        lines_need(j->report, CHECK_AT_26, CHECK_AT_26, CHECK_AT_25);
        return;
    }
    j->identity = identity;
    j->claims->tcb.qe_evaluation_number = identity->evaluation_number;
    if (!j->qe_ok) {
        lines_need(j->report, CHECK_AT_26, CHECK_AT_26, CHECK_AT_27);
        return;
    }
    j->qe_fits = check_enclave(j, identity);
}
