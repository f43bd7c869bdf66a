/* limits.c - the rates that nothing built on this OpenSSL can pass.  Deliberately not the
   product's way in (room crypto) but the documented one, with all that can be made ready
   made ready, as `openssl speed` does. */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct verifying {
    EVP_PKEY *key;
    EVP_PKEY_CTX *context;
    uint8_t digest[48];
    size_t digest_len;
    uint8_t signature[128]; /* DER */
    size_t signature_len;
};

static void verifying_end(void *state)
{
    struct verifying *v = state;
    EVP_PKEY_CTX_free(v->context);
    EVP_PKEY_free(v->key);
    free(v);
}

static bool verifying_sign(struct verifying *v)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(v->key, NULL);
    v->signature_len = sizeof v->signature;
    bool ok = context != NULL && EVP_PKEY_sign_init(context) == 1 &&
              EVP_PKEY_sign(context, v->signature, &v->signature_len, v->digest, v->digest_len) ==
                  1;
    EVP_PKEY_CTX_free(context);
    return ok;
}

static void *verifying_begin(const char *curve, size_t digest_len)
{
    struct verifying *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    memset(v->digest, 0x5a, sizeof v->digest);
    v->digest_len = digest_len;
    v->key = EVP_EC_gen(curve);
    if (v->key != NULL && verifying_sign(v)) {
        v->context = EVP_PKEY_CTX_new(v->key, NULL);
        if (v->context != NULL && EVP_PKEY_verify_init(v->context) == 1)
            return v;
    }
    verifying_end(v);
    return NULL;
}

static void *p256_begin(const void *arg)
{
    (void)arg;
    return verifying_begin("P-256", 32);
}

static void *p384_begin(const void *arg)
{
    (void)arg;
    return verifying_begin("P-384", 48);
}

static bool verifying_run(void *state)
{
    struct verifying *v = state;
    return EVP_PKEY_verify(v->context, v->signature, v->signature_len, v->digest, v->digest_len) ==
           1;
}

const struct bench_work limit_p256_verify = { "OpenSSL P-256 verify", p256_begin, verifying_run,
                                              verifying_end };
const struct bench_work limit_p384_verify = { "OpenSSL P-384 verify", p384_begin, verifying_run,
                                              verifying_end };
