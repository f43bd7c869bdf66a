/* test_crypto_threads.c - many threads verify with one key and contexts of their own.  Worth
   most under ThreadSanitizer; test_crypto_memory shows that the key is not written to. */
#include <pthread.h>

#include "ecdsa_case.h"

enum { THREADS = 8, ROUNDS = 40 };

struct shared {
    const struct signed_case *good;
    const struct ecdsa_key *key;
};

/* Returns how many answers were wrong; no assertion in a thread that cmocka does not know. */
static void *verify_often(void *arg)
{
    const struct shared *shared = arg;
    const struct signed_case *good = shared->good;
    struct crypto *crypto = crypto_new();
    uintptr_t wrong = crypto == NULL;
    for (unsigned n = 0; n < ROUNDS; n++) {
        struct signed_case c = *good;
        c.digest[0] ^= (uint8_t)(n & 1);
        bool want = (n & 1) == 0;
        wrong += ecdsa_key_verify(shared->key, c.digest, raw_of(&c)) != want;
        wrong += ecdsa_verify(crypto, c.of->curve, point_of(&c), c.digest, raw_of(&c)) != want;
    }
    crypto_free(&crypto);
    return (void *)wrong;
}

static void one_key_serves_many_threads(void **state)
{
    (void)state;
    struct crypto *crypto = crypto_new();
    for (size_t i = 0; i < CURVE_CASES; i++) {
        struct signed_case good = signed_case_of(&curve_cases[i], "threads");
        struct ecdsa_key *key = ecdsa_key_new(crypto, good.of->curve, point_of(&good));
        struct shared shared = { &good, key };
        pthread_t threads[THREADS];
        for (size_t t = 0; t < THREADS; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, verify_often, &shared), 0);
        for (size_t t = 0; t < THREADS; t++) {
            void *wrong = NULL;
            assert_int_equal(pthread_join(threads[t], &wrong), 0);
            assert_int_equal((uintptr_t)wrong, 0);
        }
        ecdsa_key_free(&key);
    }
    crypto_free(&crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_key_serves_many_threads, ""),
    };
    return RUN_TESTS(tests);
}
