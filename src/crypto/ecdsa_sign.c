/* ecdsa_sign.c - see ecdsa_sign.h.  The nonce is derived here (RFC 6979 3.2); what is done
   with it on the curve is OpenSSL's. */
#include "crypto/ecdsa_sign.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/hmac.h"
#include "crypto/low.h"

struct ecdsa_secret {
    enum curve curve;
    EC_KEY *key;
};

/* The state of RFC 6979's generator.  Both curves' order is as long as their hash (256 and
   384 bits), so bits2int is the identity and one block of V is one candidate. */
struct nonce {
    enum hash hash;
    size_t len;
    uint8_t k[HASH_LEN_MAX];
    uint8_t v[HASH_LEN_MAX];
};

static int curve_nid(enum curve curve)
{
    return curve == CURVE_P256 ? NID_X9_62_prime256v1 : NID_secp384r1;
}

static bool in_range(const BIGNUM *number, const BIGNUM *order)
{
    return !BN_is_zero(number) && BN_ucmp(number, order) < 0;
}

/* The public point of a private key that is in the key already. */
static bool derive_point(EC_KEY *key)
{
    const EC_GROUP *group = EC_KEY_get0_group(key);
    EC_POINT *point = EC_POINT_new(group);
    bool ok = point != NULL &&
              EC_POINT_mul(group, point, EC_KEY_get0_private_key(key), NULL, NULL, NULL) == 1 &&
              EC_KEY_set_public_key(key, point) == 1;
    EC_POINT_free(point);
    return ok;
}

static EC_KEY *key_of_scalar(enum curve curve, struct span scalar, bool with_point)
{
    EC_KEY *key = EC_KEY_new_by_curve_name(curve_nid(curve));
    BIGNUM *number = BN_secure_new();
    bool ok = key != NULL && number != NULL;
    if (ok) {
        BN_set_flags(number, BN_FLG_CONSTTIME);
        ok = BN_bin2bn(scalar.at, (int)scalar.len, number) != NULL &&
             in_range(number, EC_GROUP_get0_order(EC_KEY_get0_group(key))) &&
             EC_KEY_set_private_key(key, number) == 1 && (!with_point || derive_point(key));
    }
    BN_clear_free(number);
    if (ok)
        return key;
    EC_KEY_free(key);
    return NULL;
}

/* The point is worth as much as a signature costs: who only signs goes without. */
static struct ecdsa_secret *secret_of(enum curve curve, struct span scalar, bool with_point)
{
    if (scalar.len == 0 || scalar.len != curve_coord_len(curve))
        return NULL;
    ERR_set_mark();
    struct ecdsa_secret *secret = OPENSSL_zalloc(sizeof *secret);
    if (secret != NULL) {
        secret->curve = curve;
        secret->key = key_of_scalar(curve, scalar, with_point);
        if (secret->key == NULL)
            ecdsa_secret_free(&secret);
    }
    ERR_pop_to_mark();
    return secret;
}

struct ecdsa_secret *ecdsa_secret_new(enum curve curve, struct span scalar)
{
    return secret_of(curve, scalar, true);
}

bool ecdsa_scalar_from_seed(enum curve curve, struct span seed, const char *name, uint8_t *scalar)
{
    size_t len = curve_coord_len(curve);
    uint8_t tried[SHA512_LEN];
    bool found = false;
    if (len == 0)
        return false;
    /* Out of range has a chance of 2^-32 a step; sixteen times in a row means no memory. */
    for (uint8_t counter = 0; !found && counter < 16; counter++) {
        const struct span parts[] = { span_text(name), span_of(&counter, 1) };
        hmac_parts(HASH_SHA512, seed, parts, 2, tried);
        struct ecdsa_secret *secret = secret_of(curve, span_of(tried, len), false);
        found = secret != NULL;
        ecdsa_secret_free(&secret);
    }
    if (found)
        memcpy(scalar, tried, len);
    ct_wipe(tried, sizeof tried);
    return found;
}

struct ecdsa_secret *ecdsa_secret_from_seed(enum curve curve, struct span seed, const char *name)
{
    uint8_t scalar[ECDSA_COORD_MAX];
    struct ecdsa_secret *secret = NULL;
    if (ecdsa_scalar_from_seed(curve, seed, name, scalar))
        secret = ecdsa_secret_new(curve, span_of(scalar, curve_coord_len(curve)));
    ct_wipe(scalar, sizeof scalar);
    return secret;
}

void ecdsa_secret_free(struct ecdsa_secret **secret)
{
    if (*secret == NULL)
        return;
    EC_KEY_free((*secret)->key); /* wipes the private key */
    OPENSSL_free(*secret);
    *secret = NULL;
}

enum curve ecdsa_secret_curve(const struct ecdsa_secret *secret)
{
    return secret == NULL ? CURVE_NONE : secret->curve;
}

bool ecdsa_secret_point(const struct ecdsa_secret *secret, uint8_t *point)
{
    size_t len = 1 + 2 * curve_coord_len(ecdsa_secret_curve(secret));
    return secret != NULL &&
           EC_POINT_point2oct(EC_KEY_get0_group(secret->key), EC_KEY_get0_public_key(secret->key),
                              POINT_CONVERSION_UNCOMPRESSED, point, len, NULL) == len;
}

/* K = HMAC_K(V || tag || more), V = HMAC_K(V): one turn of the generator. */
static void nonce_turn(struct nonce *nonce, uint8_t tag, struct span x, struct span h)
{
    const struct span parts[] = { span_of(nonce->v, nonce->len), span_of(&tag, 1), x, h };
    struct span key = span_of(nonce->k, nonce->len);
    hmac_parts(nonce->hash, key, parts, 4, nonce->k);
    hmac_parts(nonce->hash, key, parts, 1, nonce->v);
}

/* RFC 6979 3.2 steps b to g; h is already reduced (bits2octets). */
static void nonce_init(struct nonce *nonce, enum curve curve, struct span x, struct span h)
{
    nonce->hash = curve == CURVE_P256 ? HASH_SHA256 : HASH_SHA384;
    nonce->len = hash_len(nonce->hash);
    memset(nonce->v, 0x01, sizeof nonce->v);
    memset(nonce->k, 0x00, sizeof nonce->k);
    nonce_turn(nonce, 0x00, x, h);
    nonce_turn(nonce, 0x01, x, h);
}

/* Step h.2: the next candidate.  A refused one is followed by nonce_turn with tag 0 (h.3). */
static bool nonce_next(struct nonce *nonce, BIGNUM *out)
{
    struct span v = span_of(nonce->v, nonce->len);
    hmac_parts(nonce->hash, span_of(nonce->k, nonce->len), &v, 1, nonce->v);
    return BN_bin2bn(nonce->v, (int)nonce->len, out) != NULL;
}

/* Steps a and d need the private key and the digest mod n, both as octets. */
static bool nonce_start(struct nonce *nonce, const struct ecdsa_secret *secret,
                        const uint8_t *digest)
{
    int len = (int)curve_coord_len(secret->curve);
    const BIGNUM *order = EC_GROUP_get0_order(EC_KEY_get0_group(secret->key));
    uint8_t x[ECDSA_COORD_MAX];
    uint8_t h[ECDSA_COORD_MAX];
    BIGNUM *number = BN_bin2bn(digest, len, NULL);
    bool ok = number != NULL;
    if (ok && BN_ucmp(number, order) >= 0)
        ok = BN_sub(number, number, order) == 1;
    ok = ok && BN_bn2binpad(number, h, len) == len &&
         BN_bn2binpad(EC_KEY_get0_private_key(secret->key), x, len) == len;
    if (ok)
        nonce_init(nonce, secret->curve, span_of(x, (size_t)len), span_of(h, (size_t)len));
    ct_wipe(x, sizeof x);
    BN_free(number);
    return ok;
}

/* 1/k = k^(n-2) mod n (Fermat; n is prime), in a time that does not depend on k: a quarter of
   what BN_mod_inverse takes for the same promise. */
static bool invert(const BIGNUM *k, const BIGNUM *order, BIGNUM *out, BN_CTX *scratch)
{
    BIGNUM *exponent = BN_dup(order);
    bool ok = exponent != NULL && BN_sub_word(exponent, 2) == 1 &&
              BN_mod_exp_mont_consttime(out, k, exponent, order, scratch, NULL) == 1;
    BN_free(exponent);
    return ok;
}

/* r = (k * G).x mod n and 1/k, for a k in range; r is 0 with a chance of 2^-256. */
static bool use_nonce(const EC_GROUP *group, const BIGNUM *k, BIGNUM *inverse, BIGNUM *r,
                      BN_CTX *scratch)
{
    const BIGNUM *order = EC_GROUP_get0_order(group);
    EC_POINT *point = EC_POINT_new(group);
    bool ok = point != NULL && EC_POINT_mul(group, point, k, NULL, NULL, scratch) == 1 &&
              EC_POINT_get_affine_coordinates(group, point, r, NULL, scratch) == 1 &&
              BN_nnmod(r, r, order, scratch) == 1 && !BN_is_zero(r) &&
              invert(k, order, inverse, scratch);
    EC_POINT_clear_free(point);
    return ok;
}

/* Numbers that live as long as one signature. */
struct numbers {
    BN_CTX *scratch;
    BIGNUM *k;
    BIGNUM *inverse;
    BIGNUM *r;
};

static bool numbers_init(struct numbers *n)
{
    *n = (struct numbers){ BN_CTX_secure_new(), BN_secure_new(), BN_secure_new(), BN_new() };
    if (n->scratch == NULL || n->k == NULL || n->inverse == NULL || n->r == NULL)
        return false;
    BN_set_flags(n->k, BN_FLG_CONSTTIME);
    BN_set_flags(n->inverse, BN_FLG_CONSTTIME);
    return true;
}

static void numbers_fini(struct numbers *n)
{
    BN_clear_free(n->k);
    BN_clear_free(n->inverse);
    BN_free(n->r);
    BN_CTX_free(n->scratch);
}

static ECDSA_SIG *sign(const struct ecdsa_secret *secret, const uint8_t *digest,
                       struct nonce *nonce, struct numbers *n)
{
    const EC_GROUP *group = EC_KEY_get0_group(secret->key);
    bool ok = nonce_start(nonce, secret, digest) && nonce_next(nonce, n->k);
    while (ok && !in_range(n->k, EC_GROUP_get0_order(group))) {
        nonce_turn(nonce, 0x00, (struct span){ 0 }, (struct span){ 0 });
        ok = nonce_next(nonce, n->k);
    }
    if (!ok || !use_nonce(group, n->k, n->inverse, n->r, n->scratch))
        return NULL;
    int len = (int)curve_coord_len(secret->curve);
    return ECDSA_do_sign_ex(digest, len, n->inverse, n->r, secret->key);
}

bool ecdsa_sign(const struct ecdsa_secret *secret, const uint8_t *digest, uint8_t *raw)
{
    if (secret == NULL)
        return false;
    struct nonce nonce = { 0 };
    struct numbers numbers;
    uint8_t wire[ECDSA_RAW_MAX];
    int len = (int)curve_coord_len(secret->curve);
    ERR_set_mark();
    ECDSA_SIG *signature = numbers_init(&numbers) ? sign(secret, digest, &nonce, &numbers) : NULL;
    bool ok = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), wire, len) == len &&
              BN_bn2binpad(ECDSA_SIG_get0_s(signature), wire + len, len) == len;
    if (ok)
        memcpy(raw, wire, 2 * (size_t)len);
    ECDSA_SIG_free(signature);
    numbers_fini(&numbers);
    ERR_pop_to_mark();
    ct_wipe(&nonce, sizeof nonce);
    return ok;
}

bool ecdsa_sign_once(enum curve curve, struct span scalar, const uint8_t *digest, uint8_t *raw)
{
    struct ecdsa_secret *secret = secret_of(curve, scalar, false);
    bool ok = ecdsa_sign(secret, digest, raw);
    ecdsa_secret_free(&secret);
    return ok;
}

/* 1: made and locked; 2: made, but mlock was refused, so it could be swapped. */
bool ecdsa_guard_heap(void)
{
    enum { HEAP = 64 * 1024, SMALLEST = 64 };
    return CRYPTO_secure_malloc_initialized() == 1 ||
           CRYPTO_secure_malloc_init(HEAP, SMALLEST) == 1;
}
