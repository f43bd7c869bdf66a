/* dcap_files.c - which files are used for this evidence, and who signed them. */
#include "attest/chain.h"
#include "attest/dcap_parts.h"

/* The certificate to judge: the named one; else the one whose key the file is signed with;
   else, so that something can be said, any that is called a signing certificate. */
static const struct part_cert *find_signer(const struct judging *j, const struct part_signer *named,
                                           struct span key)
{
    const struct collateral *c = j->in->collateral;
    if (named->given)
        return named->cert;
    const struct part_cert *signer = choose_signer(c, key, trust_root_point(j->root), j->in->now);
    for (size_t i = 0; signer == NULL && i < c->cert_count; i++)
        if (parts_is_signer(&c->certs[i]))
            signer = &c->certs[i];
    return signer;
}

static const struct part_signer *named_qe_signer(const struct collateral *c)
{
    return c->qe_signer.given ? &c->qe_signer : &c->tcb_signer;
}

void choose_files(struct judging *j)
{
    const struct collateral *c = j->in->collateral;
    static const struct span nothing = { 0 };
    if (!j->chain_ok || c == NULL)
        return;
    struct span root = trust_root_point(j->root);
    j->tcb_file = c->tcb_info;
    if (j->tcb_file == NULL && j->pck_ok)
        j->tcb_file = choose_tcb_info(c, j->tdx, j->claims->pck.fmspc, root, j->in->now);
    j->qe_file = c->qe_identity;
    if (j->qe_file == NULL)
        j->qe_file = choose_qe_identity(c, j->tdx ? QE_ID_TDX : QE_ID_SGX, root, j->in->now);
    j->tcb_signer = find_signer(j, &c->tcb_signer,
                                j->tcb_file == NULL ? nothing : j->tcb_file->file.key);
    j->qe_signer = find_signer(j, named_qe_signer(c),
                               j->qe_file == NULL ? nothing : j->qe_file->file.key);
}

bool judge_signer(struct judging *j, enum check_id line, const struct part_signer *named,
                  const struct part_cert *signer)
{
    if (signer == NULL && named->given)
        return report_fail(j->report, line, REASON_TCB_SIGNER_INVALID,
                           "no certificate can be read from the signing certificate's file%s",
                           detail_file(named->name).at);
    if (signer == NULL)
        return report_fail(j->report, line, REASON_COLLATERAL_MISSING,
                           "there is no TCB signing certificate");
    const char *problem = chain_cert_problem(&chain_rules_p256, &signer->cert);
    if (problem == NULL)
        problem = chain_leaf_problem(&signer->cert);
    if (problem == NULL)
        problem = chain_link_problem(&signer->cert, &j->certs[PCK_ROOT]);
    if (problem == NULL && !parts_is_signer(signer))
        problem = "it is not named Intel SGX TCB Signing";
    if (problem == NULL && (signer->root == NULL ||
                            !span_equal(trust_root_point(signer->root), trust_root_point(j->root))))
        problem = "it is not signed by the root of the PCK chain";
    if (problem != NULL)
        return report_fail(j->report, line, REASON_TCB_SIGNER_INVALID,
                           "the signing certificate%s: %s", detail_file(signer->name).at, problem);
    struct window validity = signer->cert.validity;
    enum window_side side = window_side_of(validity, j->in->now);
    note_used(j->claims, validity);
    if (side != WINDOW_INSIDE) {
        int64_t edge = side == WINDOW_AFTER ? validity.until : validity.from;
        report_fail(j->report, line, REASON_TCB_SIGNER_EXPIRED, "the signing certificate%s %s %s",
                    detail_file(signer->name).at,
                    side == WINDOW_AFTER ? "expired at" : "is not valid before",
                    detail_time(edge).at);
        report_values_time(j->report, line, edge, j->in->now);
    }
    return true;
}
