/* dcap_parts.h - one judgement in progress, for dcap*.c alone. */
#ifndef WARD_ATTEST_DCAP_PARTS_H
#define WARD_ATTEST_DCAP_PARTS_H

#include "attest/collateral_parts.h"
#include "attest/dcap.h"

/* What has been established so far.  A flag is set only after all that it stands on. */
struct judging {
    const struct dcap_input *in;
    struct crypto *crypto;
    struct report *report;
    struct claims *claims;
    struct quote quote;
    bool tdx, td15;

    struct x509_cert certs[PCK_CHAIN_LEN];
    const struct trust_root *root;
    bool chain_ok;        /* AT-7 to AT-10: signatures up to a trusted root, in order and form */
    bool pck_ok;          /* and AT-12: claims->pck may be believed */
    struct sgx_claims qe; /* the quoting enclave's report */
    bool qe_ok;           /* AT-27: it may be believed */
    bool body_ok;         /* AT-27 to AT-30: the quote's body may be believed */

    /* The collateral in use; NULL where none was found. */
    const struct part_crl *root_crl, *pck_crl;
    const struct part_tcb_info *tcb_file;
    const struct part_qe_identity *qe_file;
    const struct part_cert *tcb_signer, *qe_signer;
    const struct tcb_info *info;         /* signed, of this platform: AT-17 to AT-20, AT-22 */
    const struct qe_identity *identity;  /* signed, of this kind: AT-24, AT-25 */
    bool qe_fits;                        /* AT-26 */
    const struct tdx_module *module;     /* AT-23; of tee_tcb_svn, NULL when of version 0 */
    const struct tdx_module *module_now; /* the same of tee_tcb_svn2 */
    bool module_ok;
};

/* dcap_chain.c: AT-6 to AT-10 and AT-12.  `der` is room that outlives the judgement. */
void judge_chain(struct judging *j, struct sink *der);

/* dcap_quote.c: AT-27 to AT-30. */
void judge_signatures(struct judging *j);

/* dcap_crl.c: AT-13 to AT-16. */
void judge_crls(struct judging *j);

/* dcap_files.c: which TCB info, QE identity and signing certificates are used.  Comes before
   all that is said of them, for a signing certificate must not be revoked either. */
void choose_files(struct judging *j);

/* The signing certificate of a file, judged under a line (AT-17; AT-24 for the QE identity's
   own).  False when it may not be relied on; a date that is past does not make it so. */
MUST_USE
bool judge_signer(struct judging *j, enum check_id line, const struct part_signer *named,
                  const struct part_cert *signer);

/* dcap_info.c: AT-17 to AT-23.  dcap_identity.c: AT-24 to AT-26. */
void judge_tcb_info(struct judging *j);
void judge_qe_identity(struct judging *j);

/* dcap_dates.c: AT-11.  Comes after the collateral, which may vouch for the time. */
void judge_chain_dates(struct judging *j);

/* dcap_levels.c: AT-31 to AT-36. */
void judge_levels(struct judging *j);

/* dcap_text.c.  A text for details, of at most so many bytes. */
enum { DETAIL_NAME_MAX = 160, DETAIL_TEXT_MAX = 256 };

struct detail_text {
    char at[DETAIL_TEXT_MAX];
};

struct detail_text detail_time(int64_t at);
struct detail_text detail_hex(struct span bytes);

/* "path: member: what is wrong at byte 17". */
struct detail_text detail_problem(const char *name, const struct file_problem *problem);

/* "of path", or "" for a piece without a name. */
struct detail_text detail_file(const char *name);

/* Marks lines that were not reached as skipped: they need another that failed. */
void lines_need(struct report *report, enum check_id first, enum check_id last,
                enum check_id needed);

/* Takes what was used into account: nothing may outlive it. */
void note_used(struct claims *claims, struct window window);
void note_issued(struct claims *claims, struct window window);

#endif
