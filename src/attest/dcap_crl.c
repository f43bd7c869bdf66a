/* dcap_crl.c - revocation lists (AT-13 to AT-16): the root's, for intermediate and signing
   certificates, and the intermediate's, for PCK certificates. */
#include "attest/dcap_parts.h"

/* How far a list got through its lines. */
struct crl_state {
    bool issuer_ok; /* AT-13 */
    bool signed_ok; /* AT-14: what it lists may be believed */
    bool dates_ok;  /* AT-15 */
};

/* One of the two lists. */
struct crl_use {
    const char *what; /* "root CRL" */
    const struct part_crl *named;
    const struct x509_cert *issuer;
};

static const struct part_crl *find(struct judging *j, const struct crl_use *use)
{
    if (use->named != NULL)
        return use->named;
    const struct part_crl *crl = NULL;
    if (j->in->collateral != NULL)
        crl = choose_crl(j->in->collateral, use->issuer, j->in->now, j->in->cache, j->crypto);
    if (crl == NULL) {
        report_fail(j->report, CHECK_AT_13, REASON_COLLATERAL_MISSING,
                    "no %s: no list is issued and signed by %.*s", use->what,
                    (int)use->issuer->common_name.len, use->issuer->common_name.at);
        return NULL;
    }
    enum window_side side = window_side_of(crl->crl.validity, j->in->now);
    if (side == WINDOW_AFTER)
        report_fail(j->report, CHECK_AT_13, REASON_CRL_EXPIRED,
                    "no %s is valid now: the newest of %.*s%s has expired", use->what,
                    (int)use->issuer->common_name.len, use->issuer->common_name.at,
                    detail_file(crl->name).at);
    if (side == WINDOW_BEFORE)
        report_fail(j->report, CHECK_AT_13, REASON_CRL_NOT_YET_VALID,
                    "no %s is valid now: the newest of %.*s%s is not valid yet", use->what,
                    (int)use->issuer->common_name.len, use->issuer->common_name.at,
                    detail_file(crl->name).at);
    return crl;
}

/* AT-13. */
static bool check_issuer(struct judging *j, const struct crl_use *use, const struct part_crl *part)
{
    const struct x509_cert *issuer = use->issuer;
    if (!part->readable)
        return report_fail(j->report, CHECK_AT_13, REASON_CRL_FORMAT,
                           "the %s%s is no well-formed CRL in DER, PEM or hex", use->what,
                           detail_file(part->name).at);
    if (!span_equal(part->crl.issuer, issuer->subject))
        return report_fail(j->report, CHECK_AT_13, REASON_CRL_ISSUER_MISMATCH,
                           "the %s%s is not issued by %.*s", use->what, detail_file(part->name).at,
                           (int)issuer->common_name.len, issuer->common_name.at);
    if (part->crl.aki.len != 0 && issuer->ski.len != 0 && !span_equal(part->crl.aki, issuer->ski))
        return report_fail(j->report, CHECK_AT_13, REASON_CRL_ISSUER_MISMATCH,
                           "the %s%s names another key of its issuer", use->what,
                           detail_file(part->name).at);
    /* RFC 5280 6.3.3 (f): "If a key usage extension is present in the CRL issuer's certificate,
       verify that the cRLSign bit is set." */
    if ((issuer->key_usage & KEY_USAGE_CRL_SIGN) == 0)
        return report_fail(j->report, CHECK_AT_13, REASON_CRL_ISSUER_MISMATCH,
                           "the issuer of the %s%s may not sign CRLs", use->what,
                           detail_file(part->name).at);
    return true;
}

/* What this program does not process in a list must not be there (RFC 5280 5.2). */
static const char *form_problem(const struct crl *crl)
{
    if (crl->version != 2)
        return "is not of version 2";
    if (!crl->has_number)
        return "has no CRL number";
    if (crl->is_delta)
        return "is a delta CRL";
    if (crl->is_indirect)
        return "is an indirect CRL";
    if (crl->scope != 0)
        return "covers only some certificates or reasons";
    if (crl->unknown_critical)
        return "has a critical extension that is not known here";
    return NULL;
}

/* AT-14. */
static bool check_signature(struct judging *j, const struct crl_use *use,
                            const struct part_crl *part)
{
    if (!parts_crl_is_good(part, use->issuer->point, j->in->cache, j->crypto))
        return report_fail(j->report, CHECK_AT_14, REASON_CRL_SIGNATURE_INVALID,
                           "the %s%s is not signed by the key of %.*s", use->what,
                           detail_file(part->name).at, (int)use->issuer->common_name.len,
                           use->issuer->common_name.at);
    const char *problem = form_problem(&part->crl);
    if (problem != NULL)
        return report_fail(j->report, CHECK_AT_14, REASON_CRL_FORMAT, "the %s%s %s", use->what,
                           detail_file(part->name).at, problem);
    return true;
}

/* AT-15. */
static bool check_dates(struct judging *j, const struct crl_use *use, const struct part_crl *part)
{
    struct window validity = part->crl.validity;
    enum window_side side = window_side_of(validity, j->in->now);
    note_issued(j->claims, validity);
    if (!part->crl.has_next_update)
        return report_fail(j->report, CHECK_AT_15, REASON_CRL_EXPIRED, "the %s%s has no nextUpdate",
                           use->what, detail_file(part->name).at);
    if (side == WINDOW_AFTER) {
        report_fail(j->report, CHECK_AT_15, REASON_CRL_EXPIRED, "the %s%s expired at %s", use->what,
                    detail_file(part->name).at, detail_time(validity.until).at);
        report_values_time(j->report, CHECK_AT_15, validity.until, j->in->now);
        return false;
    }
    if (side == WINDOW_BEFORE) {
        report_fail(j->report, CHECK_AT_15, REASON_CRL_NOT_YET_VALID, "the %s%s is of %s",
                    use->what, detail_file(part->name).at, detail_time(validity.from).at);
        report_values_time(j->report, CHECK_AT_15, validity.from, j->in->now);
        return false;
    }
    return true;
}

static struct crl_state judge_one(struct judging *j, const struct crl_use *use,
                                  const struct part_crl *part)
{
    struct crl_state state = { 0 };
    if (part == NULL)
        return state;
    state.issuer_ok = check_issuer(j, use, part);
    state.signed_ok = state.issuer_ok && check_signature(j, use, part);
    state.dates_ok = state.signed_ok && check_dates(j, use, part);
    return state;
}

static void pass_both(struct report *report, enum check_id line, bool root, bool pck)
{
    if (root && pck)
        report_pass(report, line);
}

static bool lists(const struct part_crl *part, const struct part_cert *cert)
{
    return cert != NULL && cert->root != NULL && crl_lists(&part->crl, cert->cert.serial);
}

/* AT-16.  What a list says stays true after its end. */
static bool check_revocation(struct judging *j, bool root_known, bool pck_known)
{
    if (root_known && crl_lists(&j->root_crl->crl, j->certs[PCK_INTERMEDIATE].serial))
        return report_fail(j->report, CHECK_AT_16, REASON_INTERMEDIATE_REVOKED,
                           "the intermediate CA certificate is in the root CRL");
    if (root_known && (lists(j->root_crl, j->tcb_signer) || lists(j->root_crl, j->qe_signer)))
        return report_fail(j->report, CHECK_AT_16, REASON_TCB_SIGNER_REVOKED,
                           "the TCB signing certificate is in the root CRL");
    if (pck_known && crl_lists(&j->pck_crl->crl, j->certs[PCK_LEAF].serial))
        return report_fail(j->report, CHECK_AT_16, REASON_PCK_REVOKED,
                           "the PCK leaf certificate is in the PCK CRL");
    if (!root_known || !pck_known)
        return false;
    if (j->tcb_signer == NULL || j->qe_signer == NULL)
        return false;
    report_pass(j->report, CHECK_AT_16);
    return true;
}

void judge_crls(struct judging *j)
{
    const struct collateral *c = j->in->collateral;
    if (!j->chain_ok)
        return;
    const struct crl_use root_use = { "root CRL", c == NULL ? NULL : c->root_crl,
                                      &j->certs[PCK_ROOT] };
    const struct crl_use pck_use = { "PCK CRL", c == NULL ? NULL : c->pck_crl,
                                     &j->certs[PCK_INTERMEDIATE] };
    j->root_crl = find(j, &root_use);
    j->pck_crl = find(j, &pck_use);
    struct crl_state root = judge_one(j, &root_use, j->root_crl);
    struct crl_state pck = judge_one(j, &pck_use, j->pck_crl);
    pass_both(j->report, CHECK_AT_13, root.issuer_ok, pck.issuer_ok);
    pass_both(j->report, CHECK_AT_14, root.signed_ok, pck.signed_ok);
    pass_both(j->report, CHECK_AT_15, root.dates_ok, pck.dates_ok);
    bool whole = check_revocation(j, root.signed_ok, pck.signed_ok);
    lines_need(j->report, CHECK_AT_14, CHECK_AT_15, CHECK_AT_13);
    if (!whole)
        lines_need(j->report, CHECK_AT_16, CHECK_AT_16,
                   root.signed_ok && pck.signed_ok ? CHECK_AT_17 : CHECK_AT_14);
}
