/* nitro_crl.c - see nitro_crl.h. */
#include "attest/nitro_crl.h"

#include "attest/nitro_link.h"
#include "codec/crl.h"

/* What the lists of one issuer say about the certificate below it. */
struct standing {
    bool named;   /* there is a list of this issuer */
    bool current; /* one of them is good now */
    bool revoked;
    int64_t until;       /* end of the newest good one */
    enum reason problem; /* of the last list that was not good */
};

/* The scope of a list covers the certificate. */
static bool scope_covers(const struct crl *crl, const struct x509_cert *cert)
{
    unsigned outside = CRL_ONLY_SOME_REASONS | CRL_ONLY_ATTRIBUTE_CERTS |
                       (cert->is_ca ? CRL_ONLY_USER_CERTS : CRL_ONLY_CA_CERTS);
    return (crl->scope & outside) == 0;
}

/* REASON_NONE when the list is a whole one, signed by this issuer for this certificate. */
static enum reason list_problem(const struct nitro_crl_input *input, struct crypto *crypto,
                                const struct crl *crl, size_t subject)
{
    const struct x509_cert *issuer = &input->certs[subject + 1];
    if (crl->version != 2 || !crl->has_next_update || crl->is_delta || crl->is_indirect ||
        crl->unknown_critical || !scope_covers(crl, &input->certs[subject]))
        return REASON_CRL_FORMAT;
    if ((issuer->key_usage & KEY_USAGE_CRL_SIGN) == 0 ||
        (crl->aki.len != 0 && issuer->ski.len != 0 && !span_equal(crl->aki, issuer->ski)))
        return REASON_CRL_ISSUER_MISMATCH;
    if (!nitro_crl_is_signed(input->cache, crypto, crl, issuer->point))
        return REASON_CRL_SIGNATURE_INVALID;
    return REASON_NONE;
}

/* Counts a list for the certificate below its issuer.  A listing holds whatever the window: a
   certificate that was revoked stays so. */
static void count_list(const struct nitro_crl_input *input, struct crypto *crypto,
                       const struct crl *crl, size_t subject, struct standing *standing)
{
    standing->named = true;
    enum reason problem = list_problem(input, crypto, crl, subject);
    if (problem == REASON_NONE) {
        enum window_side side = window_side_of(crl->validity, input->now);
        standing->revoked = standing->revoked || crl_lists(crl, input->certs[subject].serial);
        if (side == WINDOW_AFTER)
            problem = REASON_CRL_EXPIRED;
        if (side == WINDOW_BEFORE)
            problem = REASON_CRL_NOT_YET_VALID;
    }
    if (problem != REASON_NONE) {
        standing->problem = problem;
        return;
    }
    if (!standing->current || crl->validity.until > standing->until)
        standing->until = crl->validity.until;
    standing->current = true;
}

static bool judge_standing(struct report *report, const struct standing *standing, size_t subject)
{
    if (standing->revoked)
        return report_fail(report, CHECK_AN_8, REASON_NITRO_CERT_REVOKED,
                           "certificate %zu above the leaf is on its issuer's list", subject);
    if (standing->named && !standing->current)
        return report_fail(report, CHECK_AN_8, standing->problem,
                           "no list of the issuer of certificate %zu above the leaf is good now",
                           subject);
    return true;
}

void nitro_check_crls(const struct nitro_crl_input *input, struct crypto *crypto,
                      struct report *report, int64_t *valid_until)
{
    struct standing standings[NITRO_BUNDLE_MAX] = { 0 };
    size_t links = input->cert_count - 1;
    bool named = false, good = true;
    for (size_t i = 0; i < input->crl_count; i++) {
        struct crl crl;
        if (!crl_parse(input->crls[i], &crl))
            continue;
        for (size_t subject = 0; subject < links; subject++)
            if (span_equal(crl.issuer, input->certs[subject + 1].subject))
                count_list(input, crypto, &crl, subject, &standings[subject]);
    }
    for (size_t subject = 0; subject < links; subject++) {
        const struct standing *standing = &standings[subject];
        named = named || standing->named;
        good = judge_standing(report, standing, subject) && good;
        if (standing->current && standing->until < *valid_until)
            *valid_until = standing->until;
    }
    if (!named)
        report_skip(report, CHECK_AN_8, "no CRL of an issuer of this chain was given");
    else if (good)
        report_pass(report, CHECK_AN_8);
}
