/* dcap_quote.c - the signatures of the quote itself (AT-27 to AT-30): PCK key -> quoting
   enclave's report -> attestation key -> header and body. */
#include <string.h>

#include "attest/dcap_parts.h"
#include "base/number.h"
#include "crypto/ecdsa.h"
#include "crypto/hash.h"

/* The attestation key in the form that crypto reads. */
struct point {
    uint8_t at[P256_POINT];
};

static struct point att_key_point(const struct quote *quote)
{
    struct point point = { { 0x04 } };
    memcpy(point.at + 1, quote->att_key.at, QUOTE_KEY_LEN);
    return point;
}

/* AT-27. */
static bool check_qe_report(struct judging *j)
{
    uint8_t digest[SHA256_LEN];
    hash_sha256(j->quote.qe_report, digest);
    if (!ecdsa_verify(j->crypto, CURVE_P256, j->certs[PCK_LEAF].point, digest,
                      j->quote.qe_signature))
        return report_fail(j->report, CHECK_AT_27, REASON_QE_REPORT_SIGNATURE_INVALID,
                           "the quoting enclave's report is not signed by the PCK leaf's key");
    report_pass(j->report, CHECK_AT_27);
    return true;
}

/* AT-28: SHA-256(attestation key || auth data), then 32 zero bytes. */
static bool check_key_binding(struct judging *j)
{
    const struct span parts[] = { j->quote.att_key, j->quote.qe_auth };
    uint8_t wanted[2 * SHA256_LEN] = { 0 };
    hash_sha256_parts(parts, COUNT_OF(parts), wanted);
    if (!bytes_equal(j->qe.report_data, wanted, sizeof wanted)) {
        report_fail(j->report, CHECK_AT_28, REASON_QE_REPORT_DATA_MISMATCH,
                    "the quoting enclave's report data is not the hash of attestation key and "
                    "authentication data");
        report_values_hex(j->report, CHECK_AT_28, SPAN(wanted), SPAN(j->qe.report_data));
        return false;
    }
    report_pass(j->report, CHECK_AT_28);
    return true;
}

/* AT-29. */
static bool check_att_key(struct judging *j, const struct point *key)
{
    if (!ecdsa_point_is_valid(j->crypto, CURVE_P256, SPAN(key->at)))
        return report_fail(j->report, CHECK_AT_29, REASON_ATT_KEY_INVALID,
                           "the attestation key is not a point of P-256");
    report_pass(j->report, CHECK_AT_29);
    return true;
}

/* The three lines above, or the memory of having done them for these very bytes. */
static bool check_vouching(struct judging *j, const struct point *key)
{
    const struct quote *q = &j->quote;
    const struct span fact[] = { q->qe_report, q->qe_signature, q->att_key, q->qe_auth,
                                 j->certs[PCK_LEAF].point };
    uint8_t cache[CACHE_KEY_LEN] = { 0 };
    if (cache_wants(j->in->cache, CACHE_QE))
        cache_key(CACHE_QE, fact, COUNT_OF(fact), cache);
    if (cache_knows(j->in->cache, CACHE_QE, cache)) {
        report_pass(j->report, CHECK_AT_27);
        report_pass(j->report, CHECK_AT_28);
        report_pass(j->report, CHECK_AT_29);
        j->qe_ok = true;
        return true;
    }
    j->qe_ok = check_qe_report(j);
    bool bound = j->qe_ok && check_key_binding(j);
    if (!check_att_key(j, key) || !bound)
        return false;
    cache_learn(j->in->cache, CACHE_QE, cache);
    return true;
}

/* AT-30.  ECDSA is malleable (s and n - s both verify): nobody may use a quote's bytes as a
   name for it. */
static bool check_quote(struct judging *j, const struct point *key)
{
    uint8_t digest[SHA256_LEN];
    hash_sha256(j->quote.signed_bytes, digest);
    if (!ecdsa_verify(j->crypto, CURVE_P256, SPAN(key->at), digest, j->quote.signature))
        return report_fail(j->report, CHECK_AT_30, REASON_QUOTE_SIGNATURE_INVALID,
                           "header and body are not signed by the attestation key");
    report_pass(j->report, CHECK_AT_30);
    return true;
}

static bool fill_claims(struct judging *j)
{
    if (j->tdx)
        return quote_body_tdx(j->quote.body, &j->claims->tdx);
    return quote_body_sgx(j->quote.body, &j->claims->sgx);
}

void judge_signatures(struct judging *j)
{
    struct point key = att_key_point(&j->quote);
    if (!j->chain_ok || !quote_body_sgx(j->quote.qe_report, &j->qe))
        return;
    bool vouched = check_vouching(j, &key);
    if (j->qe_ok) {
        memcpy(j->claims->qe.mr_signer, j->qe.mr_signer, sizeof j->qe.mr_signer);
        j->claims->qe.isv_prod_id = j->qe.isv_prod_id;
        j->claims->qe.isv_svn = j->qe.isv_svn;
    }
    j->body_ok = vouched && check_quote(j, &key) && fill_claims(j);
    /* A genuine chain says nothing of a quote that it did not sign. */
    j->claims->hardware = j->body_ok && j->root->vendor;
}
