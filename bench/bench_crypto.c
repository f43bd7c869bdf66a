/* bench_crypto.c - what room crypto adds to OpenSSL's own work: nothing is parsed or judged
   here, so the ratio is the price of our interface. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "bench.h"
#include "crypto/ecdsa_sign.h"
#include "crypto/hash.h"

struct signing {
    struct crypto *crypto;
    struct ecdsa_key *key;
    enum curve curve;
    uint8_t point[ECDSA_POINT_MAX];
    uint8_t digest[ECDSA_COORD_MAX];
    uint8_t raw[ECDSA_RAW_MAX];
    size_t coord;
};

static const enum curve p256 = CURVE_P256;
static const enum curve p384 = CURVE_P384;

static struct span point_of(const struct signing *s)
{
    return span_of(s->point, 1 + 2 * s->coord);
}

static struct span raw_of(const struct signing *s)
{
    return span_of(s->raw, 2 * s->coord);
}

static void signing_end(void *state)
{
    struct signing *s = state;
    ecdsa_key_free(&s->key);
    crypto_free(&s->crypto);
    free(s);
}

static void *signing_begin(const void *arg)
{
    struct signing *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->curve = *(const enum curve *)arg;
    s->coord = curve_coord_len(s->curve);
    s->crypto = crypto_new();
    struct ecdsa_secret *secret = ecdsa_secret_from_seed(s->curve, span_text("bench"), "key");
    memset(s->digest, 0x5a, sizeof s->digest);
    bool ok = ecdsa_secret_point(secret, s->point) && ecdsa_sign(secret, s->digest, s->raw);
    ecdsa_secret_free(&secret);
    if (ok)
        s->key = ecdsa_key_new(s->crypto, s->curve, point_of(s));
    if (s->key != NULL)
        return s;
    signing_end(s);
    return NULL;
}

static bool verify_once(void *state)
{
    struct signing *s = state;
    return ecdsa_verify(s->crypto, s->curve, point_of(s), s->digest, raw_of(s));
}

static bool verify_prepared(void *state)
{
    const struct signing *s = state;
    return ecdsa_key_verify(s->key, s->digest, raw_of(s));
}

/* 1 KiB, about what is signed of a certificate. */
struct hashing {
    uint8_t bytes[1024];
    uint8_t out[EVP_MAX_MD_SIZE];
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
};

static void hashing_end(void *state)
{
    struct hashing *h = state;
    EVP_MD_CTX_free(h->context);
    EVP_MD_free(h->algorithm);
    free(h);
}

static void *hashing_begin(const void *arg)
{
    struct hashing *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->algorithm = EVP_MD_fetch(NULL, arg, NULL);
    h->context = EVP_MD_CTX_new();
    if (h->algorithm != NULL && h->context != NULL)
        return h;
    hashing_end(h);
    return NULL;
}

static bool hash_ready(void *state)
{
    struct hashing *h = state;
    unsigned len = 0;
    return EVP_DigestInit_ex2(h->context, h->algorithm, NULL) == 1 &&
           EVP_DigestUpdate(h->context, h->bytes, sizeof h->bytes) == 1 &&
           EVP_DigestFinal_ex(h->context, h->out, &len) == 1;
}

static bool sha256_ours(void *state)
{
    struct hashing *h = state;
    hash_sha256(SPAN(h->bytes), h->out);
    return true;
}

static bool sha384_ours(void *state)
{
    struct hashing *h = state;
    hash_sha384(SPAN(h->bytes), h->out);
    return true;
}

static const struct bench_work limit_hash = { "OpenSSL hash", hashing_begin, hash_ready,
                                              hashing_end };

/* The work of a case; name, work and limit stand on one line, so that a case is one row. */
#define ONCE                                                                                       \
    {                                                                                              \
        "ecdsa_verify", signing_begin, verify_once, signing_end                                    \
    }
#define PREPARED                                                                                   \
    {                                                                                              \
        "ecdsa_key_verify", signing_begin, verify_prepared, signing_end                            \
    }
#define SHA_256                                                                                    \
    {                                                                                              \
        "hash_sha256", hashing_begin, sha256_ours, hashing_end                                     \
    }
#define SHA_384                                                                                    \
    {                                                                                              \
        "hash_sha384", hashing_begin, sha384_ours, hashing_end                                     \
    }

static const struct bench cases[] = {
    { "p256-verify", ONCE, &limit_p256_verify, 1, 1, &p256 },
    { "p384-verify", ONCE, &limit_p384_verify, 1, 1, &p384 },
    { "p256-key-verify", PREPARED, &limit_p256_verify, 1, 1, &p256 },
    { "p384-key-verify", PREPARED, &limit_p384_verify, 1, 1, &p384 },
    { "p256-verify-2-threads", ONCE, &limit_p256_verify, 1, 2, &p256 },
    { "sha256-1k", SHA_256, &limit_hash, 1, 1, "SHA256" },
    { "sha384-1k", SHA_384, &limit_hash, 1, 1, "SHA384" },
};

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, COUNT_OF(cases));
}
