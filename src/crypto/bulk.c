/* bulk.c - see bulk.h.  OpenSSL deciphers before it has seen the tag: what it wrote is wiped
   here when the tag is wrong, so that nobody above ever holds it. */
#include "crypto/bulk.h"

#include <limits.h>
#include <string.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/ct.h"

/* From here on OpenSSL is the faster, measured with AVX2: 1.04 us a side at 1536 bytes. */
enum { LONG_MIN_LEN = 1536 };

/* draft-irtf-cfrg-xchacha 2.3: the first 16 bytes of the nonce make a key, four zeros and the
   other 8 are the nonce that is used with it. */
enum { XCHACHA_HEAD = 16, XCHACHA_ZEROS = 4 };

/* It is OpenSSL's own context under a name that no OpenSSL header is needed for. */
static EVP_CIPHER_CTX *context_of(struct bulk *bulk)
{
    return (EVP_CIPHER_CTX *)(void *)bulk;
}

struct bulk *bulk_new(void)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (cipher == NULL || context == NULL ||
        EVP_CipherInit_ex2(context, cipher, NULL, NULL, 1, NULL) != 1) {
        EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    EVP_CIPHER_free(cipher); /* the context has its own hold of it */
    return (struct bulk *)(void *)context;
}

void bulk_free(struct bulk **bulk)
{
    if (bulk == NULL)
        return;
    EVP_CIPHER_CTX_free(context_of(*bulk)); /* which wipes it */
    *bulk = NULL;
}

void bulk_forget(struct bulk *bulk)
{
    static const uint8_t none[AEAD_KEY];
    if (bulk != NULL)
        (void)EVP_CipherInit_ex2(context_of(bulk), NULL, none, none, 1, NULL);
}

static bool is_long(const struct aead_use *use, size_t len)
{
    return use->nonce.len == aead_nonce_len(use->aead) && use->aead != AEAD_NONE &&
           len >= LONG_MIN_LEN && len <= INT_MAX && use->extra.len <= INT_MAX;
}

/* Key, nonce and what is not hidden; wipes what it derived. */
static bool begin(EVP_CIPHER_CTX *context, const struct aead_use *use, bool seal)
{
    uint8_t key[AEAD_KEY];
    uint8_t nonce[CHACHA20_NONCE] = { 0 };
    int done = 0;
    if (use->aead == AEAD_XCHACHA20_POLY1305) {
        (void)crypto_core_hchacha20(key, use->nonce.at, use->key, NULL); /* 0 always */
        memcpy(nonce + XCHACHA_ZEROS, use->nonce.at + XCHACHA_HEAD, XCHACHA20_NONCE - XCHACHA_HEAD);
    } else {
        memcpy(key, use->key, sizeof key);
        memcpy(nonce, use->nonce.at, sizeof nonce);
    }
    bool ok = EVP_CipherInit_ex2(context, NULL, key, nonce, seal ? 1 : 0, NULL) == 1;
    ct_wipe(key, sizeof key);
    return ok && (use->extra.len == 0 ||
                  EVP_CipherUpdate(context, NULL, &done, use->extra.at, (int)use->extra.len) == 1);
}

bool bulk_seal(struct bulk *bulk, const struct aead_use *use, struct span plain, uint8_t *out)
{
    if (!is_long(use, plain.len))
        return aead_seal(use, plain, out);
    EVP_CIPHER_CTX *context = context_of(bulk);
    int done = 0;
    return begin(context, use, true) &&
           EVP_CipherUpdate(context, out, &done, plain.at, (int)plain.len) == 1 &&
           EVP_CipherFinal_ex(context, out + plain.len, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, out + plain.len) == 1;
}

bool bulk_open(struct bulk *bulk, const struct aead_use *use, struct span sealed, uint8_t *out)
{
    if (sealed.len < AEAD_TAG || !is_long(use, sealed.len - AEAD_TAG))
        return aead_open(use, sealed, out);
    EVP_CIPHER_CTX *context = context_of(bulk);
    size_t len = sealed.len - AEAD_TAG;
    uint8_t tag[AEAD_TAG];
    int done = 0;
    memcpy(tag, sealed.at + len, sizeof tag);
    if (begin(context, use, false) &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, tag) == 1 &&
        EVP_CipherUpdate(context, out, &done, sealed.at, (int)len) == 1 &&
        EVP_CipherFinal_ex(context, out + len, &done) == 1)
        return true;
    ct_wipe(out, len);
    return false;
}
