/* fuzz_quote.c - any bytes as a quote, judged without collateral: what is read lies inside the
   input, in order and without a gap, and nothing is claimed that no signature covers. */
#include <stdlib.h>

#include "attest/dcap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool held)
{
    if (!held)
        abort();
}

static void check_layout(struct span whole, const struct quote *q)
{
    const struct span parts[] = { q->signed_bytes, q->body,      q->signature,
                                  q->att_key,      q->qe_report, q->qe_signature,
                                  q->qe_auth,      q->cert_data, q->trailing };
    const uint8_t *at = whole.at;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        insist(span_inside(parts[i], whole) || parts[i].len == 0);
        if (i == 1)
            continue; /* the body is the end of what is signed */
        insist(parts[i].len == 0 || parts[i].at >= at);
        at = parts[i].len == 0 ? at : parts[i].at + parts[i].len;
    }
    struct tdx_claims tdx;
    struct sgx_claims sgx;
    insist(evidence_kind_is_tdx(q->kind) ? quote_body_tdx(q->body, &tdx)
                                         : quote_body_sgx(q->body, &sgx));
    insist(quote_body_sgx(q->qe_report, &sgx));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct trust_roots roots = { &intel_sgx_root, 1 };
    static const struct tdx_claims nothing;
    static struct crypto *crypto;
    static struct report report;
    static struct claims claims;
    struct pck_claims pck;
    bool tdx;
    struct quote quote;
    struct span bytes = span_of(data, size);
    if (crypto == NULL)
        crypto = crypto_new();
    report = (struct report){ 0 };
    bool parsed = quote_parse(bytes, &report, &quote);
    insist(report_is_sound(&report));
    insist(parsed || report_first_failure(&report) <= CHECK_AT_6);
    if (parsed)
        check_layout(bytes, &quote);
    insist(!dcap_peek(bytes, &pck, &tdx) || parsed);

    struct dcap_input input = { .quote = bytes, .roots = &roots, .now = 1751624191 };
    dcap_verify(&input, crypto, &report, &claims);
    insist(report_is_sound(&report) && !claims.verified);
    insist(report_first_failure(&report) != CHECK_COUNT);
    insist(claims.tcb.status == TCB_STATUS_NONE);
    if (!report_passed(&report, CHECK_AT_30))
        insist(bytes_equal(&claims.tdx, &nothing, sizeof nothing));
    insist(!claims.hardware || report_passed(&report, CHECK_AT_10));
    return 0;
}
