/* dcap.c - see dcap.h: the order of the work. */
#include "attest/dcap.h"

#include <string.h>

#include "attest/dcap_parts.h"

/* Every line passed, but for those that have nothing to judge in this kind of quote. */
static bool all_passed(const struct judging *j)
{
    for (int id = CHECK_AT_1; id <= CHECK_AT_36; id++) {
        bool applies = !(id == CHECK_AT_23 && !j->tdx) && !(id == CHECK_AT_35 && !j->td15);
        if (applies && !report_passed(j->report, (enum check_id)id))
            return false;
    }
    return report_first_failure(j->report) == CHECK_COUNT;
}

/* Says of the lines that were not reached what they waited for. */
static void explain_skips(struct judging *j)
{
    enum check_id first = report_first_failure(j->report);
    if (first != CHECK_COUNT)
        lines_need(j->report, CHECK_AT_1, CHECK_AT_36, first);
}

void dcap_verify(const struct dcap_input *input, struct crypto *crypto, struct report *report,
                 struct claims *claims)
{
    uint8_t room[PCK_CHAIN_DER_MAX];
    struct sink der = sink_over(room, sizeof room);
    struct judging j = { .in = input, .crypto = crypto, .report = report, .claims = claims };
    *report = (struct report){ 0 };
    *claims = (struct claims){ 0 };
    if (quote_parse(input->quote, report, &j.quote)) {
        if (input->allow_trailing)
            report_relax(report, CHECK_AT_4, REASON_QUOTE_TRAILING_BYTES);
        claims->kind = j.quote.kind;
        j.tdx = evidence_kind_is_tdx(j.quote.kind);
        j.td15 = j.quote.kind == EVIDENCE_TDX_V5_15;
        if (input->collateral != NULL)
            cache_enter(input->cache, input->collateral->epoch);
        judge_chain(&j, &der);
        judge_signatures(&j);
        choose_files(&j);
        judge_crls(&j);
        judge_tcb_info(&j);
        judge_qe_identity(&j);
        judge_chain_dates(&j);
        judge_levels(&j);
        claims->verified = all_passed(&j);
    }
    explain_skips(&j);
}

bool dcap_peek(struct span quote_bytes, struct pck_claims *out, bool *tdx)
{
    uint8_t room[PCK_CHAIN_DER_MAX];
    struct sink der = sink_over(room, sizeof room);
    struct x509_cert certs[PCK_CHAIN_LEN];
    struct report report = { 0 };
    struct quote quote;
    struct pck_claims pck;
    size_t which;
    if (!quote_parse(quote_bytes, &report, &quote) || quote.cert_type != CERT_DATA_PCK_CHAIN ||
        pck_chain_read(quote.cert_data, NULL, &der, certs, &which) != NULL ||
        pck_extension_read(&certs[PCK_LEAF], pck_ca_is_platform(&certs[PCK_INTERMEDIATE]), &pck) !=
            NULL)
        return false;
    *out = pck;
    *tdx = evidence_kind_is_tdx(quote.kind);
    return true;
}
