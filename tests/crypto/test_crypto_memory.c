/* test_crypto_memory.c - OpenSSL's heap in our hands: what happens when it is used up, that
   nothing leaks, and that verifying writes nothing into a shared key (the claim that lets
   threads share one without a lock): the key's pages are made read-only, and a write would
   end this program. */
#include <stdalign.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "ecdsa_case.h"

enum { POOL = 1 << 20 };

static struct {
    size_t fail_at; /* the n-th allocation from now fails; 0: none */
    bool fail_on;   /* and all after it */
    size_t made;
    long live;
    bool to_pool;
    uint8_t *pool; /* POOL bytes, page by page */
    size_t used;
} heap;

static bool in_pool(const void *at)
{
    const uint8_t *byte = at;
    return heap.pool != NULL && byte >= heap.pool && byte < heap.pool + POOL;
}

static void *pool_take(size_t len)
{
    len = (len + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    assert_true(len <= POOL - heap.used);
    void *at = heap.pool + heap.used;
    heap.used += len;
    return at;
}

static bool refuses(void)
{
    heap.made++;
    return heap.fail_at != 0 &&
           (heap.made == heap.fail_at || (heap.fail_on && heap.made > heap.fail_at));
}

static void *heap_take(size_t len, const char *file, int line)
{
    (void)file, (void)line;
    if (len == 0 || refuses())
        return NULL;
    void *at = heap.to_pool ? pool_take(len) : malloc(len);
    if (at != NULL)
        heap.live++;
    return at;
}

static void heap_give(void *at, const char *file, int line)
{
    (void)file, (void)line;
    if (at == NULL)
        return;
    heap.live--;
    if (!in_pool(at))
        free(at);
}

static void *heap_again(void *at, size_t len, const char *file, int line)
{
    if (at == NULL)
        return heap_take(len, file, line);
    assert_false(in_pool(at));
    return len == 0 || refuses() ? NULL : realloc(at, len);
}

static void heap_fails(size_t at, bool on)
{
    heap.made = 0;
    heap.fail_at = at;
    heap.fail_on = on;
}

/* What is in use, without the error state that OpenSSL keeps for a thread. */
static long live_now(void)
{
    OPENSSL_thread_stop();
    return heap.live;
}

/* One whole use of the room, beginning with what must be refused whatever fails.  True when
   all that is genuine was accepted. */
static bool use_all(const struct signed_case *c, const struct signed_case *bad)
{
    enum curve curve = c->of->curve;
    struct crypto *crypto = crypto_new();
    struct ecdsa_key *key = ecdsa_key_new(crypto, curve, point_of(c));
    assert_false(ecdsa_verify(crypto, curve, point_of(c), bad->digest, raw_of(c)));
    assert_false(ecdsa_key_verify(key, bad->digest, raw_of(c)));

    bool ok = ecdsa_point_is_valid(crypto, curve, point_of(c));
    ok = ecdsa_verify(crypto, curve, point_of(c), c->digest, raw_of(c)) && ok;
    ok = ecdsa_key_verify(key, c->digest, raw_of(c)) && ok;
    struct ecdsa_secret *secret = ecdsa_secret_from_seed(curve, span_text("seed"), "sweep");
    uint8_t raw[ECDSA_RAW_MAX] = { 0 };
    bool signs = ecdsa_sign(secret, c->digest, raw);
    assert_int_equal(signs, !bytes_are_zero(raw, sizeof raw));
    ecdsa_secret_free(&secret);
    ecdsa_key_free(&key);
    crypto_free(&crypto);
    return ok && signs;
}

static void sweep(const struct signed_case *c, bool on)
{
    struct signed_case bad = *c;
    bad.digest[0] ^= 1;
    long before = live_now();
    heap_fails(0, false);
    assert_true(use_all(c, &bad));
    size_t all = heap.made;
    assert_true(all > 50);
    assert_int_equal(live_now(), before);
    for (size_t n = 1; n <= all; n++) {
        heap_fails(n, on);
        bool ok = use_all(c, &bad);
        heap_fails(0, false);
        assert_int_equal(live_now(), before);
        if (on)
            assert_false(ok);
    }
    assert_true(use_all(c, &bad));
}

static void every_failing_allocation_is_a_refusal(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        struct signed_case c = signed_case_of(&curve_cases[i], "memory");
        sweep(&c, true);
        /* A single failure in the middle costs a whole run each: the faster curve stands for
           both, whose code is the same. */
        if (c.of->curve == CURVE_P256)
            sweep(&c, false);
    }
}

static void verifying_keeps_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        struct signed_case c = signed_case_of(&curve_cases[i], "keeps");
        struct crypto *crypto = crypto_new();
        assert_true(ecdsa_verify(crypto, c.of->curve, point_of(&c), c.digest, raw_of(&c)));
        long before = heap.live;
        for (size_t n = 0; n < 50; n++) {
            c.digest[0] = (uint8_t)n;
            bool ok = ecdsa_verify(crypto, c.of->curve, point_of(&c), c.digest, raw_of(&c));
            assert_int_equal(ok, n == 1); /* what signed_case_of puts there */
        }
        assert_int_equal(heap.live, before);
        crypto_free(&crypto);
    }
}

static void verifying_writes_nothing_into_a_key(void **state)
{
    (void)state;
    struct crypto *crypto = crypto_new();
    for (size_t i = 0; i < CURVE_CASES; i++) {
        struct signed_case c = signed_case_of(&curve_cases[i], "shared");
        /* What the context itself takes at its first import does not belong in the pool. */
        assert_true(ecdsa_point_is_valid(crypto, c.of->curve, point_of(&c)));
        heap.pool = mmap(NULL, POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(heap.pool != MAP_FAILED);
        heap.used = 0;
        heap.to_pool = true;
        struct ecdsa_key *key = ecdsa_key_new(crypto, c.of->curve, point_of(&c));
        heap.to_pool = false;
        assert_non_null(key);
        assert_true(in_pool(key));
        assert_int_equal(mprotect(heap.pool, POOL, PROT_READ), 0);

        for (size_t n = 0; n < 256; n++) {
            c.digest[0] = (uint8_t)n;
            assert_int_equal(ecdsa_key_verify(key, c.digest, raw_of(&c)), n == 1);
        }
        memset(c.raw, 0, sizeof c.raw);
        assert_false(ecdsa_key_verify(key, c.digest, raw_of(&c)));
        assert_false(ecdsa_key_verify(key, c.digest, (struct span){ 0 }));

        assert_int_equal(mprotect(heap.pool, POOL, PROT_READ | PROT_WRITE), 0);
        ecdsa_key_free(&key);
        munmap(heap.pool, POOL);
        heap.pool = NULL;
    }
    crypto_free(&crypto);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(heap_take, heap_again, heap_give) != 1)
        return 1;
    const struct CMUnitTest tests[] = {
        TEST(every_failing_allocation_is_a_refusal, ""),
        TEST(verifying_keeps_nothing, ""),
        TEST(verifying_writes_nothing_into_a_key, ""),
    };
    return RUN_TESTS(tests);
}
