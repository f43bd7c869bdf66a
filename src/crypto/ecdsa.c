/* ecdsa.c - see ecdsa.h and crypto.h.  All arithmetic is OpenSSL's; this file decides which
   of its doors is used, and refuses what may not reach them.

   Never reports through OpenSSL's error queue: a library that verifies hostile input must
   not leave its refusals for the caller's TLS code to find. */
#include "crypto/ecdsa.h"

#include "crypto/low.h"

enum { CURVES = 2, UNCOMPRESSED = 0x04 };

struct crypto {
    EC_KEY *keys[CURVES]; /* group set once; the point is set anew by each import */
    ECDSA_SIG *signature; /* owns r and s */
    BIGNUM *r;
    BIGNUM *s;
};

struct ecdsa_key {
    enum curve curve;
    EC_KEY *key;
};

static const struct {
    int nid;
    size_t coord;
} curves[CURVES] = {
    { NID_X9_62_prime256v1, P256_COORD },
    { NID_secp384r1, P384_COORD },
};

static bool curve_index(enum curve curve, size_t *out)
{
    switch (curve) {
    case CURVE_NONE:
        return false;
    case CURVE_P256:
        *out = 0;
        return true;
    case CURVE_P384:
        *out = 1;
        return true;
    }
    return false;
}

size_t curve_coord_len(enum curve curve)
{
    size_t index;
    return curve_index(curve, &index) ? curves[index].coord : 0;
}

/* Numbers that the signature then owns, so that they can be set again without a new one. */
static ECDSA_SIG *signature_new(BIGNUM **r, BIGNUM **s)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    *r = BN_new();
    *s = BN_new();
    if (signature != NULL && *r != NULL && *s != NULL && ECDSA_SIG_set0(signature, *r, *s) == 1)
        return signature;
    BN_free(*r);
    BN_free(*s);
    ECDSA_SIG_free(signature);
    return NULL;
}

struct crypto *crypto_new(void)
{
    ERR_set_mark();
    struct crypto *crypto = OPENSSL_zalloc(sizeof *crypto);
    bool ok = crypto != NULL;
    for (size_t i = 0; ok && i < CURVES; i++) {
        crypto->keys[i] = EC_KEY_new_by_curve_name(curves[i].nid);
        ok = crypto->keys[i] != NULL;
    }
    if (ok) {
        crypto->signature = signature_new(&crypto->r, &crypto->s);
        ok = crypto->signature != NULL;
    }
    ERR_pop_to_mark();
    if (!ok)
        crypto_free(&crypto);
    return crypto;
}

void crypto_free(struct crypto **crypto)
{
    struct crypto *c = *crypto;
    if (c == NULL)
        return;
    for (size_t i = 0; i < CURVES; i++)
        EC_KEY_free(c->keys[i]);
    ECDSA_SIG_free(c->signature);
    OPENSSL_free(c);
    *crypto = NULL;
}

/* SEC 1, 2.3.4: the import checks that both coordinates are below p and satisfy the curve
   equation.  The length and the first byte leave no room for infinity (one byte),
   compressed (02, 03) and hybrid (06, 07) forms, which it would also take. */
static bool import(EC_KEY *key, size_t index, struct span point)
{
    return point.len == 1 + 2 * curves[index].coord && point.at[0] == UNCOMPRESSED &&
           EC_KEY_oct2key(key, point.at, point.len, NULL) == 1;
}

/* FIPS 186-5, 6.4.2 step 1, r and s in [1, n-1], is checked by ECDSA_do_verify; the length
   is checked by our callers.  -1 (an error of the library) is a refusal too. */
static bool verify(EC_KEY *key, size_t index, const uint8_t *digest, const ECDSA_SIG *signature)
{
    return ECDSA_do_verify(digest, (int)curves[index].coord, signature, key) == 1;
}

static bool set_signature(size_t index, struct span raw, BIGNUM *r, BIGNUM *s)
{
    int coord = (int)curves[index].coord;
    return raw.len == 2 * curves[index].coord && BN_bin2bn(raw.at, coord, r) != NULL &&
           BN_bin2bn(raw.at + coord, coord, s) != NULL;
}

bool ecdsa_point_is_valid(struct crypto *crypto, enum curve curve, struct span point)
{
    size_t index;
    if (crypto == NULL || !curve_index(curve, &index))
        return false;
    ERR_set_mark();
    bool ok = import(crypto->keys[index], index, point);
    ERR_pop_to_mark();
    return ok;
}

bool ecdsa_verify(struct crypto *crypto, enum curve curve, struct span point, const uint8_t *digest,
                  struct span raw)
{
    size_t index;
    if (crypto == NULL || !curve_index(curve, &index))
        return false;
    ERR_set_mark();
    bool ok = set_signature(index, raw, crypto->r, crypto->s) &&
              import(crypto->keys[index], index, point) &&
              verify(crypto->keys[index], index, digest, crypto->signature);
    ERR_pop_to_mark();
    return ok;
}

struct ecdsa_key *ecdsa_key_new(struct crypto *crypto, enum curve curve, struct span point)
{
    size_t index;
    if (crypto == NULL || !curve_index(curve, &index))
        return NULL;
    ERR_set_mark();
    struct ecdsa_key *key = NULL;
    if (import(crypto->keys[index], index, point))
        key = OPENSSL_zalloc(sizeof *key);
    if (key != NULL) {
        key->curve = curve;
        key->key = EC_KEY_dup(crypto->keys[index]);
        if (key->key == NULL)
            ecdsa_key_free(&key);
    }
    ERR_pop_to_mark();
    return key;
}

void ecdsa_key_free(struct ecdsa_key **key)
{
    if (*key == NULL)
        return;
    EC_KEY_free((*key)->key);
    OPENSSL_free(*key);
    *key = NULL;
}

enum curve ecdsa_key_curve(const struct ecdsa_key *key)
{
    return key == NULL ? CURVE_NONE : key->curve;
}

/* The numbers are made anew for each call: a shared key has no room for scratch. */
bool ecdsa_key_verify(const struct ecdsa_key *key, const uint8_t *digest, struct span raw)
{
    size_t index;
    if (key == NULL || !curve_index(key->curve, &index))
        return false;
    ERR_set_mark();
    BIGNUM *r;
    BIGNUM *s;
    ECDSA_SIG *signature = signature_new(&r, &s);
    bool ok = signature != NULL && set_signature(index, raw, r, s) &&
              verify(key->key, index, digest, signature);
    ECDSA_SIG_free(signature);
    ERR_pop_to_mark();
    return ok;
}
