/* bench_channel.c - an attested channel in one process: records against the raw cipher of the
   library that is the faster for their length, handshakes against the four scalar
   multiplications that two ends cannot do without. */
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "bench.h"
#include "channel/attested.h"
#include "signed.h"

enum { WIRE = 16384 + 2 * ATTESTED_RECORD_EXTRA, EXTRA = 17, TAG = 16 };

/* --- both ends ------------------------------------------------------------------------------ */

struct ends {
    size_t len;
    struct bulk *bulk;
    struct attested i, r;
    uint8_t plain[16384];
    uint8_t wire[WIRE];
    uint8_t answer[512];
};

static bool make_end(struct ends *ends, struct attested *end, enum attested_role role)
{
    uint8_t random[2][ATTESTED_RANDOM];
    memset(random, (int)role, sizeof random);
    const struct attested_setup setup = { .role = role,
                                          .purpose = span_text("bench"),
                                          .aeads = { AEAD_CHACHA20_POLY1305 },
                                          .aead_count = 1,
                                          .nonce = random[0],
                                          .secret = random[1],
                                          .bulk = ends->bulk };
    return attested_init(end, &setup);
}

/* Hands what was said to the other end. */
static enum attested_event_kind pass(struct sink *said, struct attested *to, struct sink *answer)
{
    return attested_take(to, (struct attested_message){ said->at, said->len, 0 }, answer).kind;
}

static bool shake(struct ends *ends)
{
    struct sink a = sink_over(ends->wire, sizeof ends->wire);
    struct sink b = sink_over(ends->answer, sizeof ends->answer);
    if (!make_end(ends, &ends->i, ATTESTED_INITIATOR) ||
        !make_end(ends, &ends->r, ATTESTED_RESPONDER) ||
        attested_start(&ends->i, &a).kind != ATTESTED_NOTHING ||
        pass(&a, &ends->r, &b) != ATTESTED_NOTHING)
        return false;
    a.len = 0;
    if (pass(&b, &ends->i, &a) != ATTESTED_NOTHING)
        return false;
    b.len = 0;
    return pass(&a, &ends->r, &b) == ATTESTED_OPEN && pass(&b, &ends->i, &a) == ATTESTED_OPEN;
}

static void ends_end(void *state)
{
    struct ends *ends = state;
    attested_fini(&ends->i);
    attested_fini(&ends->r);
    bulk_free(&ends->bulk);
    free(ends);
}

static void *ends_begin(const void *arg)
{
    struct ends *ends = calloc(1, sizeof *ends);
    if (ends == NULL)
        return NULL;
    ends->len = arg != NULL ? *(const size_t *)arg : 0;
    ends->bulk = bulk_new();
    if (ends->bulk != NULL && sodium_init() >= 0 && shake(ends))
        return ends;
    ends_end(ends);
    return NULL;
}

/* One message, sealed by one end and opened by the other. */
static bool exchange(void *state)
{
    struct ends *ends = state;
    struct sink out = sink_over(ends->wire, sizeof ends->wire);
    struct sink answer = sink_over(ends->answer, sizeof ends->answer);
    struct attested_sent sent;
    struct attested_event event = { .kind = ATTESTED_NOTHING };
    if (!attested_send(&ends->i, span_of(ends->plain, ends->len), 0, &out, &sent))
        return false;
    for (size_t m = 0; m < sent.count; m++) {
        size_t at = (size_t)(sent.messages[m].at - ends->wire);
        event = attested_take(&ends->r,
                              (struct attested_message){ ends->wire + at, sent.messages[m].len, 0 },
                              &answer);
    }
    return event.kind == ATTESTED_DATA && event.data.len == ends->len;
}

/* From nothing to two open ends, and their keys wiped. */
static bool handshake(void *state)
{
    struct ends *ends = state;
    bool ok = shake(ends);
    attested_fini(&ends->i);
    attested_fini(&ends->r);
    return ok;
}

/* --- the limits ------------------------------------------------------------------------------ */

struct raw {
    size_t len;
    EVP_CIPHER_CTX *seal, *open; /* key and cipher ready */
    uint8_t key[32], nonce[12], extra[EXTRA];
    uint8_t plain[16384], sealed[16384 + TAG], opened[16384];
    bool (*run)(struct raw *raw);
};

static bool run_sodium(struct raw *raw)
{
    raw->nonce[4]++;
    return crypto_aead_chacha20poly1305_ietf_encrypt(raw->sealed, NULL, raw->plain, raw->len,
                                                     raw->extra, EXTRA, NULL, raw->nonce,
                                                     raw->key) == 0 &&
           crypto_aead_chacha20poly1305_ietf_decrypt(raw->opened, NULL, NULL, raw->sealed,
                                                     raw->len + TAG, raw->extra, EXTRA, raw->nonce,
                                                     raw->key) == 0;
}

static bool run_openssl(struct raw *raw)
{
    int done;
    raw->nonce[4]++;
    return EVP_EncryptInit_ex2(raw->seal, NULL, NULL, raw->nonce, NULL) == 1 &&
           EVP_EncryptUpdate(raw->seal, NULL, &done, raw->extra, EXTRA) == 1 &&
           EVP_EncryptUpdate(raw->seal, raw->sealed, &done, raw->plain, (int)raw->len) == 1 &&
           EVP_EncryptFinal_ex(raw->seal, raw->sealed + raw->len, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(raw->seal, EVP_CTRL_AEAD_GET_TAG, TAG, raw->sealed + raw->len) ==
               1 &&
           EVP_DecryptInit_ex2(raw->open, NULL, NULL, raw->nonce, NULL) == 1 &&
           EVP_CIPHER_CTX_ctrl(raw->open, EVP_CTRL_AEAD_SET_TAG, TAG, raw->sealed + raw->len) ==
               1 &&
           EVP_DecryptUpdate(raw->open, NULL, &done, raw->extra, EXTRA) == 1 &&
           EVP_DecryptUpdate(raw->open, raw->opened, &done, raw->sealed, (int)raw->len) == 1 &&
           EVP_DecryptFinal_ex(raw->open, raw->opened + raw->len, &done) == 1;
}

static double seconds_of(struct raw *raw, bool (*run)(struct raw *raw))
{
    struct timespec from, to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    for (unsigned i = 0; i < 2000; i++)
        if (!run(raw))
            abort();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
}

static void raw_end(void *state)
{
    struct raw *raw = state;
    EVP_CIPHER_CTX_free(raw->seal);
    EVP_CIPHER_CTX_free(raw->open);
    free(raw);
}

static void *raw_begin(const void *arg)
{
    struct raw *raw = calloc(1, sizeof *raw);
    if (raw == NULL)
        return NULL;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    raw->len = *(const size_t *)arg;
    raw->seal = EVP_CIPHER_CTX_new();
    raw->open = EVP_CIPHER_CTX_new();
    bool ok = sodium_init() >= 0 && cipher != NULL && raw->seal != NULL && raw->open != NULL &&
              EVP_EncryptInit_ex2(raw->seal, cipher, raw->key, raw->nonce, NULL) == 1 &&
              EVP_DecryptInit_ex2(raw->open, cipher, raw->key, raw->nonce, NULL) == 1;
    EVP_CIPHER_free(cipher);
    if (!ok) {
        raw_end(raw);
        return NULL;
    }
    (void)seconds_of(raw, run_sodium); /* warm */
    (void)seconds_of(raw, run_openssl);
    raw->run = seconds_of(raw, run_sodium) < seconds_of(raw, run_openssl) ? run_sodium
                                                                          : run_openssl;
    return raw;
}

static bool raw_run(void *state)
{
    struct raw *raw = state;
    return raw->run(raw);
}

struct scalars {
    uint8_t secret[2][32], point[2][32], shared[2][32];
};

static void *scalars_begin(const void *arg)
{
    (void)arg;
    struct scalars *s = sodium_init() < 0 ? NULL : calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    memset(s->secret[0], 1, 32);
    memset(s->secret[1], 2, 32);
    return s;
}

static bool scalars_run(void *state)
{
    struct scalars *s = state;
    return crypto_scalarmult_base(s->point[0], s->secret[0]) == 0 &&
           crypto_scalarmult_base(s->point[1], s->secret[1]) == 0 &&
           crypto_scalarmult(s->shared[0], s->secret[0], s->point[1]) == 0 &&
           crypto_scalarmult(s->shared[1], s->secret[1], s->point[0]) == 0 &&
           sodium_memcmp(s->shared[0], s->shared[1], 32) == 0;
}

static const struct bench_work limit_aead = { "raw AEAD", raw_begin, raw_run, raw_end };
static const struct bench_work limit_x25519 = { "4 x X25519", scalars_begin, scalars_run, free };

static const size_t small = 64, middle = 1024, large = 16384;

/* Name, work and limit stand on one line, so that a case is one row. */
#define EXCHANGE                                                                                   \
    {                                                                                              \
        "seal and open", ends_begin, exchange, ends_end                                            \
    }
#define HANDSHAKE                                                                                  \
    {                                                                                              \
        "handshake", ends_begin, handshake, ends_end                                               \
    }

#define SIGNED                                                                                     \
    {                                                                                              \
        "signed request", signed_begin, signed_run, signed_end                                     \
    }

static const struct bench cases[] = {
    { "channel-64", EXCHANGE, &limit_aead, 1, 1, &small },
    { "channel-1k", EXCHANGE, &limit_aead, 1, 1, &middle },
    { "channel-16k", EXCHANGE, &limit_aead, 1, 1, &large },
    { "channel-handshake", HANDSHAKE, &limit_x25519, 1, 1, NULL },
    { "channel-signed", SIGNED, &limit_ed25519_verify, 1, 1, NULL },
};

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, COUNT_OF(cases));
}
