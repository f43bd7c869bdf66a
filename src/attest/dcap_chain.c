/* dcap_chain.c - the PCK chain of a quote (AT-6 to AT-12).  Cheapest first: order, root, form,
   and only then signatures. */
#include <string.h>

#include "attest/chain.h"
#include "attest/dcap_parts.h"
#include "base/number.h"
#include "crypto/ecdsa.h"

/* The chain inside a quote, which ends with its last line: white space behind that, which PEM
   allows, would be the one byte of a quote that no check looks at. */
static const char *read_inner_chain(struct judging *j, struct sink *der, size_t *which)
{
    struct span pem = j->quote.cert_data;
    const struct pck_tail *tail = j->in->cache == NULL ? NULL : &j->in->cache->tail;
    const char *problem = pck_chain_read(pem, tail, der, j->certs, which);
    if (problem != NULL)
        return problem;
    uint8_t last = pem.at[pem.len - 1];
    return last == '\n' || last == '-' ? NULL : "bytes after the last certificate";
}

/* AT-6, AT-7: where the chain comes from, and that it is one. */
static bool read_chain(struct judging *j, struct sink *der)
{
    const struct collateral *c = j->in->collateral;
    bool given = c != NULL && c->chain_given;
    size_t which = 0;
    if (!given && j->quote.cert_type != CERT_DATA_PCK_CHAIN)
        return report_fail(j->report, CHECK_AT_6, REASON_PCK_CERT_MISSING,
                           "certification data of type %u holds no chain, and none was given",
                           j->quote.cert_type);
    report_pass(j->report, CHECK_AT_6);
    const char *problem = NULL;
    if (given) {
        problem = c->chain_problem;
        which = c->chain_which;
        memcpy(j->certs, c->chain, sizeof j->certs);
    } else {
        problem = read_inner_chain(j, der, &which);
    }
    if (problem != NULL)
        return report_fail(j->report, CHECK_AT_7, REASON_PCK_CHAIN_INVALID, "%s%s: %s",
                           pck_cert_name(which), detail_file(given ? c->chain_name : NULL).at,
                           problem);
    problem = chain_order_problem(j->certs, PCK_CHAIN_LEN, &which);
    if (problem != NULL)
        return report_fail(j->report, CHECK_AT_7, REASON_PCK_CHAIN_INVALID, "%s: %s",
                           pck_cert_name(which), problem);
    report_pass(j->report, CHECK_AT_7);
    return true;
}

/* AT-8: by public key; two self-signed certificates carry Intel's. */
static bool find_root(struct judging *j)
{
    struct span point = j->certs[PCK_ROOT].point;
    j->root = trust_roots_find(j->in->roots, point);
    if (j->root == NULL) {
        bool any = j->in->roots != NULL && j->in->roots->count > 0;
        report_fail(j->report, CHECK_AT_8, REASON_PCK_ROOT_UNTRUSTED,
                    "the root CA certificate's key is not that of a trusted root");
        report_values_hex(j->report, CHECK_AT_8,
                          any ? trust_root_point(&j->in->roots->roots[0]) : (struct span){ 0 },
                          point);
        return false;
    }
    report_pass(j->report, CHECK_AT_8);
    return true;
}

/* What is known of the signatures before any work. */
struct known {
    bool leaf, intermediate;
    uint8_t leaf_key[CACHE_KEY_LEN], intermediate_key[CACHE_KEY_LEN];
};

static bool in_snapshot(const struct judging *j, const struct x509_cert *cert)
{
    const struct collateral *c = j->in->collateral;
    if (c == NULL)
        return false;
    for (size_t i = 0; i < c->cert_count; i++)
        if (span_equal(c->certs[i].cert.whole, cert->whole))
            return c->certs[i].root != NULL &&
                   span_equal(trust_root_point(c->certs[i].root), trust_root_point(j->root));
    return false;
}

static struct known recall(const struct judging *j)
{
    const struct x509_cert *leaf = &j->certs[PCK_LEAF], *ca = &j->certs[PCK_INTERMEDIATE];
    const struct span leaf_fact[] = { leaf->whole, ca->point };
    const struct span ca_fact[] = { ca->whole, j->certs[PCK_ROOT].point };
    struct known known = { .intermediate = in_snapshot(j, ca) };
    if (cache_wants(j->in->cache, CACHE_PCK)) {
        cache_key(CACHE_PCK, leaf_fact, COUNT_OF(leaf_fact), known.leaf_key);
        known.leaf = cache_knows(j->in->cache, CACHE_PCK, known.leaf_key);
    }
    if (!known.intermediate && cache_wants(j->in->cache, CACHE_CA)) {
        cache_key(CACHE_CA, ca_fact, COUNT_OF(ca_fact), known.intermediate_key);
        known.intermediate = cache_knows(j->in->cache, CACHE_CA, known.intermediate_key);
    }
    return known;
}

/* AT-9.  A point that was good when its certificate was verified is good still. */
static bool check_profile(struct judging *j, const struct known *known)
{
    size_t which = 0;
    const char *problem = chain_profile_problem(&chain_rules_p256, j->certs, PCK_CHAIN_LEN, &which);
    if (problem == NULL)
        problem = pck_names_problem(j->certs, &which);
    if (problem != NULL)
        return report_fail(j->report, CHECK_AT_9, REASON_PCK_CHAIN_INVALID, "%s: %s",
                           pck_cert_name(which), problem);
    if ((!known->leaf && !ecdsa_point_is_valid(j->crypto, CURVE_P256, j->certs[PCK_LEAF].point)) ||
        (!known->intermediate &&
         !ecdsa_point_is_valid(j->crypto, CURVE_P256, j->certs[PCK_INTERMEDIATE].point)))
        return report_fail(j->report, CHECK_AT_9, REASON_PCK_CHAIN_INVALID,
                           "the public key of leaf or intermediate is not a point of P-256");
    report_pass(j->report, CHECK_AT_9);
    return true;
}

/* The root counts by its key, so its signature of itself adds no trust; but then nobody could
   say of a byte of it that it is as it was.  The published certificates are known by heart, and
   the one that a policy named its root by; any other is verified, once where it can be remembered.
 */
static bool root_is_whole(struct judging *j)
{
    const struct x509_cert *root = &j->certs[PCK_ROOT];
    const struct span fact[] = { root->whole, root->point };
    uint8_t key[CACHE_KEY_LEN];
    if (root_certificate_is_known(j->root, root->whole))
        return true;
    cache_key(CACHE_CA, fact, COUNT_OF(fact), key);
    if (cache_knows(j->in->cache, CACHE_CA, key))
        return true;
    if (!chain_signed_by(j->crypto, root, root->point))
        return false;
    cache_learn(j->in->cache, CACHE_CA, key);
    return true;
}

/* AT-10. */
static bool check_signatures(struct judging *j, const struct known *known)
{
    const struct x509_cert *leaf = &j->certs[PCK_LEAF], *ca = &j->certs[PCK_INTERMEDIATE];
    if (!root_is_whole(j))
        return report_fail(j->report, CHECK_AT_10, REASON_PCK_SIGNATURE_INVALID,
                           "the root CA certificate is not signed by its own key");
    bool ca_signed = known->intermediate ||
                     chain_signed_by(j->crypto, ca, j->certs[PCK_ROOT].point);
    if (!ca_signed)
        return report_fail(j->report, CHECK_AT_10, REASON_PCK_SIGNATURE_INVALID,
                           "the intermediate CA certificate is not signed by the root");
    bool leaf_signed = known->leaf || chain_signed_by(j->crypto, leaf, ca->point);
    if (!leaf_signed)
        return report_fail(j->report, CHECK_AT_10, REASON_PCK_SIGNATURE_INVALID,
                           "the PCK leaf certificate is not signed by the intermediate CA");
    if (!known->intermediate)
        cache_learn(j->in->cache, CACHE_CA, known->intermediate_key);
    if (!known->leaf)
        cache_learn(j->in->cache, CACHE_PCK, known->leaf_key);
    report_pass(j->report, CHECK_AT_10);
    return true;
}

/* AT-12. */
static bool read_extension(struct judging *j)
{
    bool platform = pck_ca_is_platform(&j->certs[PCK_INTERMEDIATE]);
    const char *problem = pck_extension_read(&j->certs[PCK_LEAF], platform, &j->claims->pck);
    if (problem != NULL)
        return report_fail(j->report, CHECK_AT_12, REASON_PCK_EXTENSION_INVALID, "%s", problem);
    report_pass(j->report, CHECK_AT_12);
    return true;
}

/* Only of a chain that is good, so that nobody else's can push it out. */
static void keep_tail(const struct judging *j, const struct sink *der)
{
    struct dcap_cache *cache = j->in->cache;
    bool inside = span_inside(j->certs[PCK_ROOT].whole, sink_bytes(der));
    if (inside && cache != NULL && (cache->remembers & CACHE_CA) != 0)
        pck_tail_keep(&cache->tail, j->quote.cert_data, j->certs);
}

void judge_chain(struct judging *j, struct sink *der)
{
    if (!read_chain(j, der) || !find_root(j))
        return;
    struct known known = recall(j);
    j->chain_ok = check_profile(j, &known) && check_signatures(j, &known);
    if (!j->chain_ok)
        return;
    keep_tail(j, der);
    j->pck_ok = read_extension(j);
}
