/* ecdsa.c - see ecdsa.h and crypto.h.  All arithmetic is OpenSSL's; this file decides which
   of its doors is used, and refuses what may not reach them.

   Never reports through OpenSSL's error queue: a library that verifies hostile input must
   not leave its refusals for the caller's TLS code to find. */
#include "crypto/ecdsa.h"

#include <string.h>

#include "crypto/low.h"

enum { CURVES = 2, KEYS = 2, UNCOMPRESSED = 0x04 };

/* A key and the point that was last imported into it.  Judging asks for one point several
   times in a row (is it valid, did it sign this), for two in turns at most. */
struct import {
    EC_KEY *key; /* NULL until it is first wanted; its group is set once */
    bool holds;
    uint8_t point[ECDSA_POINT_MAX];
};

struct crypto {
    struct import imports[CURVES][KEYS];
    size_t next[CURVES];  /* the one that is imported into next */
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
    if (crypto != NULL) {
        crypto->signature = signature_new(&crypto->r, &crypto->s);
        if (crypto->signature == NULL)
            crypto_free(&crypto);
    }
    ERR_pop_to_mark();
    return crypto;
}

void crypto_free(struct crypto **crypto)
{
    struct crypto *c = *crypto;
    if (c == NULL)
        return;
    for (size_t i = 0; i < CURVES; i++)
        for (size_t k = 0; k < KEYS; k++)
            EC_KEY_free(c->imports[i][k].key);
    ECDSA_SIG_free(c->signature);
    OPENSSL_free(c);
    *crypto = NULL;
}

/* A key of a curve without its point, or NULL.  Setting up a group costs more than ten imports,
   and most contexts meet one curve only: it is done when it is wanted, and copied after. */
static EC_KEY *new_key(const struct crypto *crypto, size_t index)
{
    const EC_KEY *first = crypto->imports[index][0].key;
    return first != NULL ? EC_KEY_dup(first) : EC_KEY_new_by_curve_name(curves[index].nid);
}

/* The key of a point, NULL when it is not valid; good until the next but one import.  SEC 1,
   2.3.4: the import checks that both coordinates are below p and satisfy the curve equation.
   The length and the first byte leave no room for infinity (one byte), compressed (02, 03)
   and hybrid (06, 07) forms, which it would also take. */
static EC_KEY *import_point(struct crypto *crypto, size_t index, struct span point)
{
    if (point.len != 1 + 2 * curves[index].coord || point.at[0] != UNCOMPRESSED)
        return NULL;
    for (size_t k = 0; k < KEYS; k++) {
        const struct import *known = &crypto->imports[index][k];
        if (known->holds && bytes_equal(known->point, point.at, point.len))
            return known->key;
    }
    struct import *into = &crypto->imports[index][crypto->next[index]];
    if (into->key == NULL)
        into->key = new_key(crypto, index);
    into->holds = false;
    if (into->key == NULL || EC_KEY_oct2key(into->key, point.at, point.len, NULL) != 1)
        return NULL;
    memcpy(into->point, point.at, point.len);
    into->holds = true;
    crypto->next[index] = (crypto->next[index] + 1) % KEYS;
    return into->key;
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
    bool ok = import_point(crypto, index, point) != NULL;
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
    EC_KEY *key = NULL;
    if (set_signature(index, raw, crypto->r, crypto->s))
        key = import_point(crypto, index, point);
    bool ok = key != NULL && verify(key, index, digest, crypto->signature);
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
    const EC_KEY *imported = import_point(crypto, index, point);
    if (imported != NULL)
        key = OPENSSL_zalloc(sizeof *key);
    if (key != NULL) {
        key->curve = curve;
        key->key = EC_KEY_dup(imported);
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
