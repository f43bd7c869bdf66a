/* nitro_link.c - see nitro_link.h. */
#include "attest/nitro_link.h"

#include "attest/chain.h"
#include "crypto/ecdsa.h"
#include "crypto/hash.h"

static struct dcap_cache *links_of(struct nitro_cache *cache)
{
    return cache == NULL ? NULL : &cache->links;
}

bool nitro_link_is_good(struct nitro_cache *cache, unsigned what, struct crypto *crypto,
                        const struct x509_cert *cert, struct span point)
{
    const struct span parts[2] = { cert->whole, point };
    uint8_t key[CACHE_KEY_LEN];
    cache_key(what, parts, 2, key);
    if (cache_knows(links_of(cache), what, key))
        return true;
    if (!chain_signed_by(crypto, cert, point))
        return false;
    cache_learn(links_of(cache), what, key);
    return true;
}

bool nitro_crl_is_signed(struct nitro_cache *cache, struct crypto *crypto, const struct crl *crl,
                         struct span point)
{
    /* The third part keeps a list apart from a certificate of the same bytes. */
    const struct span parts[3] = { crl->whole, point, span_text("crl") };
    uint8_t key[CACHE_KEY_LEN], digest[SHA384_LEN];
    cache_key(NITRO_CACHE_CA, parts, 3, key);
    if (cache_knows(links_of(cache), NITRO_CACHE_CA, key))
        return true;
    hash_sha384(crl->tbs, digest);
    if (crl->algorithm != X509_ECDSA_SHA384 ||
        !ecdsa_verify(crypto, CURVE_P384, point, digest, SPAN(crl->signature)))
        return false;
    cache_learn(links_of(cache), NITRO_CACHE_CA, key);
    return true;
}
