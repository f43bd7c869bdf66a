/* test_bulk.c - the two libraries give the same bytes and refuse the same, at every length
   around the one where they change over; and the forms of an X25519 key. */
#include "crypto/bulk.h"
#include "crypto/x25519.h"

#include <string.h>

#include "test.h"

enum { CHANGE_OVER = 1536, LONG_LEN = CHANGE_OVER + 100 };

static const enum aead both[] = { AEAD_CHACHA20_POLY1305, AEAD_XCHACHA20_POLY1305 };

struct bulk_case {
    struct bulk *bulk;
    uint8_t key[AEAD_KEY], nonce[XCHACHA20_NONCE], extra[17];
    uint8_t plain[LONG_LEN], sealed[LONG_LEN + AEAD_TAG], want[LONG_LEN + AEAD_TAG];
};

static struct aead_use use_of(struct bulk_case *c, enum aead aead)
{
    return (struct aead_use){ aead, c->key, span_of(c->nonce, aead_nonce_len(aead)),
                              SPAN(c->extra) };
}

static void case_make(struct bulk_case *c, uint64_t seed)
{
    struct test_random random = { seed };
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < sizeof c->plain; i++)
        c->plain[i] = (uint8_t)test_random_next(&random);
    for (size_t i = 0; i < sizeof c->key; i++)
        c->key[i] = (uint8_t)test_random_next(&random);
    for (size_t i = 0; i < sizeof c->nonce; i++)
        c->nonce[i] = (uint8_t)test_random_next(&random);
    c->bulk = bulk_new();
    assert_non_null(c->bulk);
}

static void same_bytes_at_every_length(void **state)
{
    (void)state;
    static struct bulk_case c;
    case_make(&c, 1);
    for (size_t a = 0; a < 2; a++) {
        struct aead_use use = use_of(&c, both[a]);
        for (size_t len = 0; len <= LONG_LEN; len += len < CHANGE_OVER - 40 ? 37 : 1) {
            c.nonce[0]++;
            use.extra.len = len % sizeof c.extra;
            assert_true(aead_seal(&use, span_of(c.plain, len), c.want));
            assert_true(bulk_seal(c.bulk, &use, span_of(c.plain, len), c.sealed));
            assert_memory_equal(c.sealed, c.want, len + AEAD_TAG);
            memcpy(c.want, c.plain, len); /* and in place */
            assert_true(bulk_seal(c.bulk, &use, span_of(c.want, len), c.want));
            assert_memory_equal(c.sealed, c.want, len + AEAD_TAG);
            assert_true(bulk_open(c.bulk, &use, span_of(c.sealed, len + AEAD_TAG), c.sealed));
            assert_memory_equal(c.sealed, c.plain, len);
        }
    }
    bulk_free(&c.bulk);
    assert_null(c.bulk);
}

static void one_bit_and_nothing_is_left(void **state)
{
    (void)state;
    static struct bulk_case c;
    case_make(&c, 2);
    for (size_t a = 0; a < 2; a++) {
        const struct aead_use use = use_of(&c, both[a]);
        assert_true(bulk_seal(c.bulk, &use, SPAN(c.plain), c.want));
        for (size_t bit = 0; bit < 8 * sizeof c.want; bit += bit / 8 < LONG_LEN ? 61 : 1) {
            memcpy(c.sealed, c.want, sizeof c.sealed);
            c.sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(bulk_open(c.bulk, &use, SPAN(c.sealed), c.sealed));
            assert_true(bytes_are_zero(c.sealed, LONG_LEN));
        }
        for (size_t bit = 0; bit < 8 * sizeof c.extra; bit++) {
            memcpy(c.sealed, c.want, sizeof c.sealed);
            c.extra[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(bulk_open(c.bulk, &use, SPAN(c.sealed), c.sealed));
            c.extra[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t cut = 1; cut < 40; cut++)
            assert_false(bulk_open(c.bulk, &use, span_of(c.want, sizeof c.want - cut), c.sealed));
        assert_true(bulk_open(c.bulk, &use, SPAN(c.want), c.want)); /* it works on */
    }
    bulk_free(&c.bulk);
}

static void other_nonces_are_refused(void **state)
{
    (void)state;
    static struct bulk_case c;
    case_make(&c, 3);
    for (int a = AEAD_NONE; a <= AEAD_XCHACHA20_POLY1305; a++) {
        struct aead_use use = use_of(&c, (enum aead)a);
        for (size_t len = 0; len <= sizeof c.nonce; len++) {
            bool want = len != 0 && len == aead_nonce_len(use.aead);
            use.nonce.len = len;
            assert_int_equal(bulk_seal(c.bulk, &use, SPAN(c.plain), c.sealed), want);
            assert_int_equal(bulk_open(c.bulk, &use, SPAN(c.sealed), c.sealed), want);
        }
    }
    bulk_free(&c.bulk);
}

/* A key of its own for each message, also after the one before was forgotten. */
static void keys_do_not_mix(void **state)
{
    (void)state;
    static struct bulk_case c;
    case_make(&c, 4);
    struct aead_use use = use_of(&c, AEAD_CHACHA20_POLY1305);
    for (unsigned i = 0; i < 8; i++) {
        c.key[i]++;
        if (i % 2 == 1)
            bulk_forget(c.bulk);
        assert_true(aead_seal(&use, SPAN(c.plain), c.want));
        assert_true(bulk_seal(c.bulk, &use, SPAN(c.plain), c.sealed));
        assert_memory_equal(c.sealed, c.want, sizeof c.want);
    }
    bulk_forget(NULL);
    bulk_free(&c.bulk);
    bulk_free(&c.bulk);
    bulk_free(NULL);
}

static void one_form_of_a_key(void **state)
{
    (void)state;
    uint8_t key[X25519_LEN];
    memset(key, 0xff, sizeof key);
    key[31] = 0x7f;
    for (unsigned low = 0; low < 256; low++) {
        key[0] = (uint8_t)low; /* p is at ed */
        assert_int_equal(x25519_is_canonical(key), low < 0xed);
        key[31] = 0xff;
        assert_false(x25519_is_canonical(key));
        key[31] = 0x7f;
    }
    for (size_t i = 1; i < 31; i++) {
        key[i] = 0xfe;
        assert_true(x25519_is_canonical(key));
        key[i] = 0xff;
    }
    for (unsigned top = 0; top < 256; top++) {
        memset(key, 0, sizeof key);
        key[31] = (uint8_t)top;
        assert_int_equal(x25519_is_canonical(key), top < 0x80);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(same_bytes_at_every_length, ""), TEST(one_bit_and_nothing_is_left, ""),
        TEST(other_nonces_are_refused, ""),   TEST(keys_do_not_mix, ""),
        TEST(one_form_of_a_key, ""),
    };
    return RUN_TESTS(tests);
}
