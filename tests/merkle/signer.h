/* signer.h - Ed25519 for the tests of checkpoints, by OpenSSL: keys from one byte, and the
   function that judges. */
#ifndef WARD_TESTS_MERKLE_SIGNER_H
#define WARD_TESTS_MERKLE_SIGNER_H

#include <openssl/evp.h>

#include "merkle/checkpoint_judge.h"
#include "test.h"

static inline EVP_PKEY *signer_key(uint8_t seed)
{
    uint8_t private_key[32] = { seed };
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key, 32);
    assert_non_null(key);
    return key;
}

/* A key of this name; `seed` makes it. */
static inline struct checkpoint_key signer_public(const char *name, uint8_t seed)
{
    struct checkpoint_key out = { .name = span_text(name) };
    size_t len = sizeof out.public_key;
    EVP_PKEY *key = signer_key(seed);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, out.public_key, &len), 1);
    EVP_PKEY_free(key);
    return out;
}

static inline void signer_sign(uint8_t seed, struct span message, uint8_t out[CHECKPOINT_ED25519])
{
    size_t len = CHECKPOINT_ED25519;
    EVP_PKEY *key = signer_key(seed);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, out, &len, message.at, message.len), 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

static inline bool signer_verify(void *arg, const uint8_t public_key[CHECKPOINT_KEY_LEN],
                                 struct span message, const uint8_t signature[CHECKPOINT_ED25519])
{
    size_t *calls = arg;
    if (calls != NULL)
        ++*calls;
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(context, signature, CHECKPOINT_ED25519, message.at, message.len) ==
                    1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good;
}

#endif
