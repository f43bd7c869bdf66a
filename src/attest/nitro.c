/* nitro.c - see nitro.h.  Reading is nitro_document.c's, CRLs are nitro_crl.c's. */
#include "attest/nitro.h"

#include <string.h>

#include "attest/chain.h"
#include "attest/nitro_crl.h"
#include "attest/nitro_document.h"
#include "attest/nitro_link.h"
#include "crypto/ecdsa.h"
#include "crypto/hash.h"

/* One judgement.  The chain is in the order of chain.h: the leaf first, the root last. */
struct judge {
    const struct nitro_input *input;
    struct crypto *crypto;
    struct report *report;
    struct claims *claims;
    struct nitro_document document;
    size_t count;
    struct x509_cert certs[NITRO_BUNDLE_MAX + 1];
};

void nitro_cache_remember(struct nitro_cache *cache, unsigned what)
{
    cache_remember(&cache->links, what);
}

/* The bytes of certificate i of the chain, counted from the leaf. */
static struct span chain_bytes(const struct nitro_document *document, size_t i)
{
    return i == 0 ? document->certificate : document->bundle[document->bundle_count - i];
}

/* What a certificate is called in a message: its common name, cut to what fits. */
static int name_len(const struct x509_cert *cert)
{
    return cert->common_name.len < 80 ? (int)cert->common_name.len : 80;
}

static const char *name_text(const struct x509_cert *cert)
{
    return cert->common_name.len == 0 ? "" : (const char *)cert->common_name.at;
}

static bool is_pinned(const struct trust_root *root, const uint8_t der_sha256[SHA256_LEN])
{
    return !root->exact || bytes_equal(root->der_sha256, der_sha256, SHA256_LEN);
}

/* "5. cabundle[0] is the root; equal to the pinned AWS Root-G1 (DER SHA-256 641a0321...)" */
static bool check_root(struct judge *judge)
{
    struct report *report = judge->report;
    struct x509_cert *cert = &judge->certs[judge->count - 1];
    struct span bytes = judge->document.bundle[0];
    uint8_t digest[SHA256_LEN];
    if (!x509_parse(bytes, cert))
        return report_fail(report, CHECK_AN_5, REASON_NITRO_ROOT_UNTRUSTED,
                           "cabundle[0] is no certificate");
    hash_sha256(bytes, digest);
    const struct trust_root *root = trust_roots_find(judge->input->roots, cert->point);
    if (root == NULL) {
        report_fail(report, CHECK_AN_5, REASON_NITRO_ROOT_UNTRUSTED,
                    "the key of cabundle[0] (%.*s) is not that of a trusted root", name_len(cert),
                    name_text(cert));
        return false;
    }
    if (!is_pinned(root, digest)) {
        report_fail(report, CHECK_AN_5, REASON_NITRO_ROOT_UNTRUSTED,
                    "cabundle[0] has the key of the pinned root, but is another certificate");
        report_values_hex(report, CHECK_AN_5, SPAN(root->der_sha256), SPAN(digest));
        return false;
    }
    report_pass(report, CHECK_AN_5);
    judge->claims->hardware = root->vendor;
    return true;
}

/* The rules of RFC 5280 for the whole chain. */
static bool check_chain_form(struct judge *judge)
{
    struct report *report = judge->report;
    size_t which = 0;
    for (size_t i = 0; i + 1 < judge->count; i++)
        if (!x509_parse(chain_bytes(&judge->document, i), &judge->certs[i]))
            return report_fail(report, CHECK_AN_6, REASON_NITRO_CHAIN_INVALID,
                               "certificate %zu above the leaf is no X.509 certificate", i);
    const char *problem = chain_order_problem(judge->certs, judge->count, &which);
    if (problem == NULL)
        problem = chain_profile_problem(&chain_rules_p384, judge->certs, judge->count, &which);
    if (problem != NULL)
        return report_fail(report, CHECK_AN_6, REASON_NITRO_CHAIN_INVALID,
                           "certificate %zu above the leaf (%.*s): %s", which,
                           name_len(&judge->certs[which]), name_text(&judge->certs[which]),
                           problem);
    return true;
}

/* "6. path root -> ... -> leaf [...] signature of each": from the root down, so that nothing
   is verified with a key that nobody vouches for. */
static bool check_chain(struct judge *judge)
{
    if (!check_chain_form(judge))
        return false;
    for (size_t i = judge->count - 1; i-- > 0;) {
        const struct x509_cert *cert = &judge->certs[i];
        unsigned what = i == 0 ? NITRO_CACHE_LEAF : NITRO_CACHE_CA;
        if (!nitro_link_is_good(judge->input->cache, what, judge->crypto, cert,
                                judge->certs[i + 1].point))
            return report_fail(judge->report, CHECK_AN_6, REASON_NITRO_CHAIN_SIGNATURE_INVALID,
                               "certificate %zu above the leaf (%.*s) is not signed by the next", i,
                               name_len(cert), name_text(cert));
    }
    report_pass(judge->report, CHECK_AN_6);
    return true;
}

static bool check_date(struct judge *judge, size_t i)
{
    struct report *report = judge->report;
    const struct x509_cert *cert = &judge->certs[i];
    enum window_side side = window_side_of(cert->validity, judge->input->now);
    if (side == WINDOW_AFTER) {
        report_fail(report, CHECK_AN_7, REASON_NITRO_CERT_EXPIRED,
                    "certificate %zu above the leaf (%.*s) has expired", i, name_len(cert),
                    name_text(cert));
        report_values_time(report, CHECK_AN_7, cert->validity.until, judge->input->now);
        return false;
    }
    if (side == WINDOW_BEFORE) {
        report_fail(report, CHECK_AN_7, REASON_NITRO_CERT_NOT_YET_VALID,
                    "certificate %zu above the leaf (%.*s) is not valid yet", i, name_len(cert),
                    name_text(cert));
        report_values_time(report, CHECK_AN_7, cert->validity.from, judge->input->now);
        return false;
    }
    return true;
}

/* "7. all certificates valid at t" */
static void check_dates(struct judge *judge)
{
    bool good = true;
    int64_t until = judge->certs[0].validity.until;
    for (size_t i = 0; i < judge->count; i++) {
        if (judge->certs[i].validity.until < until)
            until = judge->certs[i].validity.until;
        good = good && check_date(judge, i);
    }
    judge->claims->valid_until = until;
    if (!good)
        return;
    report_pass(judge->report, CHECK_AN_7);
}

/* "9. [...] ECDSA-SHA384 with the leaf key" */
static bool check_signature(struct judge *judge)
{
    uint8_t digest[SHA384_LEN];
    nitro_document_digest(&judge->document, digest);
    if (!ecdsa_verify(judge->crypto, CURVE_P384, judge->certs[0].point, digest,
                      judge->document.signature))
        return report_fail(judge->report, CHECK_AN_9, REASON_NITRO_SIGNATURE_INVALID,
                           "the signature over the payload is not by the key of %.*s",
                           name_len(&judge->certs[0]), name_text(&judge->certs[0]));
    report_pass(judge->report, CHECK_AN_9);
    return true;
}

/* The lengths were bounded when the document was read. */
static void copy_blob(const struct nitro_optional *from, struct nitro_blob *to)
{
    to->present = from->present;
    to->len = from->bytes.len;
    if (from->bytes.len > 0)
        memcpy(to->bytes, from->bytes.at, from->bytes.len);
}

static void fill_claims(const struct judge *judge, struct nitro_claims *claims)
{
    const struct nitro_document *document = &judge->document;
    claims->module_id_len = document->module_id.len;
    memcpy(claims->module_id, document->module_id.at, document->module_id.len);
    claims->timestamp_ms = document->timestamp_ms;
    claims->leaf_not_before = judge->certs[0].validity.from;
    for (size_t i = 0; i < NITRO_PCR_COUNT; i++) {
        struct span pcr = document->pcrs[i];
        claims->pcrs[i].len = (uint8_t)pcr.len;
        if (pcr.len > 0)
            memcpy(claims->pcrs[i].bytes, pcr.at, pcr.len);
    }
    copy_blob(&document->public_key, &claims->public_key);
    copy_blob(&document->user_data, &claims->user_data);
    copy_blob(&document->nonce, &claims->nonce);
}

static void skip_after(struct report *report, enum check_id failed)
{
    static const char *const why[] = { "the document could not be read",
                                       "the chain does not start at a trusted root",
                                       "the chain is not good" };
    const char *text = why[failed <= CHECK_AN_4 ? 0 : failed == CHECK_AN_5 ? 1 : 2];
    for (unsigned id = (unsigned)failed + 1; id <= (unsigned)CHECK_AN_9; id++)
        report_skip(report, (enum check_id)id, text);
}

/* Lines 5 to 9.  Nothing is believed of a chain that is not good; a date or a revocation does
   not stop the rest. */
static void judge_document(struct judge *judge)
{
    struct report *report = judge->report;
    judge->count = judge->document.bundle_count + 1;
    if (!check_root(judge)) {
        skip_after(report, CHECK_AN_5);
        return;
    }
    if (!check_chain(judge)) {
        judge->claims->hardware = false;
        skip_after(report, CHECK_AN_6);
        return;
    }
    check_dates(judge);
    const struct nitro_crl_input crl = { .crls = judge->input->crls,
                                         .crl_count = judge->input->crl_count,
                                         .certs = judge->certs,
                                         .cert_count = judge->count,
                                         .now = judge->input->now,
                                         .cache = judge->input->cache };
    nitro_check_crls(&crl, judge->crypto, report, &judge->claims->valid_until);
    if (!check_signature(judge)) {
        judge->claims->hardware = false;
        judge->claims->valid_until = 0;
        return;
    }
    fill_claims(judge, &judge->claims->nitro);
    judge->claims->verified = report_first_failure(report) == CHECK_COUNT;
}

void nitro_verify(const struct nitro_input *input, struct crypto *crypto, struct report *report,
                  struct claims *claims)
{
    struct judge judge = { .input = input, .crypto = crypto, .report = report, .claims = claims };
    *report = (struct report){ 0 };
    *claims = (struct claims){ .kind = EVIDENCE_NITRO };
    if (nitro_document_parse(input->document, input->user_data_max, report, &judge.document))
        judge_document(&judge);
    else
        skip_after(report, report_first_failure(report));
}
