/* collateral_verify.c - the signatures of a snapshot, each verified once.  What is learnt is
   "good (or bad) under this key": whether that key counts for an evidence is asked then. */
#include <string.h>

#include "attest/chain.h"
#include "attest/collateral_parts.h"
#include "base/number.h"
#include "crypto/ecdsa.h"
#include "crypto/hash.h"

enum { P256_SIGNATURE_LEN = 64 };

bool parts_is_signer(const struct part_cert *cert)
{
    return span_equal_text(cert->cert.common_name, "Intel SGX TCB Signing");
}

static bool is_pck_ca(const struct part_cert *cert)
{
    return span_equal_text(cert->cert.common_name, "Intel SGX PCK Platform CA") ||
           span_equal_text(cert->cert.common_name, "Intel SGX PCK Processor CA");
}

/* A root's own certificate is trusted for its key alone.  One that is called something else
   needs a signature even if it holds a root's key, for then nobody has said what is in it; and
   it is verified only when it is of a kind that is looked for, for a heap may hold many more. */
void parts_trust_certs(struct collateral *c, struct crypto *crypto)
{
    for (size_t i = 0; i < c->cert_count; i++) {
        struct part_cert *part = &c->certs[i];
        if (!parts_is_signer(part) && !is_pck_ca(part)) {
            part->root = trust_roots_find(&c->roots, part->cert.point);
            continue;
        }
        for (size_t k = 0; part->root == NULL && k < c->roots.count; k++)
            if (chain_signed_by(crypto, &part->cert, trust_root_point(&c->roots.roots[k])))
                part->root = &c->roots.roots[k];
    }
}

static bool crl_signed(const struct part_crl *part, struct span point, struct crypto *crypto)
{
    if (!part->readable || part->crl.algorithm != X509_ECDSA_SHA256)
        return false;
    return ecdsa_verify(crypto, CURVE_P256, point, part->digest,
                        span_of(part->crl.signature, P256_SIGNATURE_LEN));
}

/* Tries a key unless one has already fitted. */
static void try_crl(struct part_crl *part, struct span point, struct crypto *crypto)
{
    if (part->state == SIGNATURE_GOOD)
        return;
    part->key = point;
    part->state = crl_signed(part, point, crypto) ? SIGNATURE_GOOD : SIGNATURE_BAD;
}

void parts_verify_crls(struct collateral *c, struct crypto *crypto)
{
    for (size_t i = 0; i < c->crl_count; i++) {
        struct part_crl *part = &c->crls[i];
        struct span issuer;
        if (!part->readable || !x509_name_common_name(part->crl.issuer, &issuer))
            continue;
        /* A PCK CRL's issuer may be known only from the quote; then it is tried there. */
        for (size_t k = 0; k < c->cert_count; k++)
            if (is_pck_ca(&c->certs[k]) && c->certs[k].root != NULL &&
                span_equal(c->certs[k].cert.subject, part->crl.issuer))
                try_crl(part, c->certs[k].cert.point, crypto);
        if (span_equal_text(issuer, "Intel SGX Root CA"))
            for (size_t k = 0; k < c->roots.count; k++)
                try_crl(part, trust_root_point(&c->roots.roots[k]), crypto);
    }
}

bool parts_crl_is_good(const struct part_crl *part, struct span point, struct dcap_cache *cache,
                       struct crypto *crypto)
{
    uint8_t key[CACHE_KEY_LEN];
    if (part->state != SIGNATURE_UNKNOWN && span_equal(part->key, point))
        return part->state == SIGNATURE_GOOD;
    if (!cache_wants(cache, CACHE_CA))
        return crl_signed(part, point, crypto);
    const struct span fact[] = { SPAN(part->digest), SPAN(part->crl.signature), point };
    cache_key(CACHE_CA, fact, COUNT_OF(fact), key);
    if (cache_knows(cache, CACHE_CA, key))
        return true;
    if (!crl_signed(part, point, crypto))
        return false;
    cache_learn(cache, CACHE_CA, key);
    return true;
}

void parts_verify_file(const struct collateral *c, const struct part_signer *named,
                       const struct signed_file *signed_file, struct part_file *file,
                       struct crypto *crypto)
{
    struct span signature = span_of(signed_file->signature, sizeof signed_file->signature);
    hash_sha256(signed_file->signed_bytes, file->digest);
    for (size_t i = 0; i < c->cert_count; i++) {
        const struct part_cert *cert = &c->certs[i];
        if (named->given ? cert != named->cert : !parts_is_signer(cert))
            continue;
        /* Certificates are renewed with the same key: it is tried once. */
        if (cert->root == NULL || span_equal(cert->cert.point, file->key))
            continue;
        file->key = cert->cert.point;
        file->state = SIGNATURE_BAD;
        if (ecdsa_verify(crypto, CURVE_P256, cert->cert.point, file->digest, signature)) {
            file->state = SIGNATURE_GOOD;
            return;
        }
    }
}

static void put_file(struct sink *out, const struct part_file *file)
{
    sink_put(out, SPAN(file->digest));
    sink_u8(out, (uint8_t)file->state);
}

/* A signature stands for what it covers. */
bool parts_set_epoch(struct collateral *c)
{
    size_t each = X509_SIGNATURE_MAX + ROOT_POINT_MAX;
    size_t pieces = c->roots.count + c->cert_count + c->crl_count + c->info_count +
                    c->identity_count;
    size_t room = (pieces + 1) * each;
    void *memory = arena_alloc(&c->arena, room);
    if (memory == NULL)
        return false;
    struct sink out = sink_over(memory, room);
    for (size_t i = 0; i < c->roots.count; i++)
        sink_put(&out, SPAN(c->roots.roots[i].point));
    for (size_t i = 0; i < c->cert_count; i++)
        sink_put(&out, SPAN(c->certs[i].cert.signature));
    for (size_t i = 0; i < c->crl_count; i++)
        sink_put(&out, SPAN(c->crls[i].crl.signature));
    for (size_t i = 0; i < c->info_count; i++)
        put_file(&out, &c->infos[i].file);
    for (size_t i = 0; i < c->identity_count; i++)
        put_file(&out, &c->identities[i].file);
    hash_sha256(sink_bytes(&out), c->epoch);
    return sink_ok(&out);
}
