/* test_seals.c - AEAD, sealed box, Argon2id and HKDF at their edges; known answers are in
   test_wycheproof_sodium.c, or libsodium is asked directly. */
#include "crypto/aead.h"
#include "crypto/argon2.h"
#include "crypto/hkdf.h"
#include "crypto/sealed_box.h"

#include <string.h>

#include <sodium.h>

#include "codec/hex.h"
#include "test.h"

static void aead_in_place_and_every_bit(void **state)
{
    (void)state;
    const enum aead all[] = { AEAD_CHACHA20_POLY1305, AEAD_XCHACHA20_POLY1305 };
    for (size_t a = 0; a < 2; a++) {
        uint8_t key[AEAD_KEY] = { 1 }, nonce[XCHACHA20_NONCE] = { 2 }, extra[3] = { 3 };
        uint8_t text[20 + AEAD_TAG] = "twenty bytes of text", copy[20 + AEAD_TAG];
        const struct aead_use use = { all[a], key, span_of(nonce, aead_nonce_len(all[a])),
                                      SPAN(extra) };
        assert_true(aead_seal(&use, span_of(text, 20), copy));
        assert_true(aead_seal(&use, span_of(text, 20), text));
        assert_memory_equal(text, copy, sizeof text);
        for (size_t bit = 0; bit < 8 * sizeof copy; bit++) {
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(aead_open(&use, SPAN(copy), copy));
            memcpy(copy, text, sizeof copy);
        }
        for (size_t len = 0; len < sizeof text; len++)
            assert_false(aead_open(&use, span_of(text, len), copy));
        extra[0] ^= 1;
        assert_false(aead_open(&use, SPAN(text), copy));
        extra[0] ^= 1;
        assert_true(aead_open(&use, SPAN(text), text));
        assert_memory_equal(text, "twenty bytes of text", 20);
    }
}

static void aead_refuses_other_nonces(void **state)
{
    (void)state;
    uint8_t key[AEAD_KEY] = { 1 }, nonce[64] = { 2 }, out[AEAD_TAG] = { 0 };
    for (int a = AEAD_NONE; a <= AEAD_XCHACHA20_POLY1305; a++) {
        for (size_t len = 0; len <= sizeof nonce; len++) {
            const struct aead_use use = { (enum aead)a, key, span_of(nonce, len), { 0 } };
            bool want = len != 0 && len == aead_nonce_len(use.aead);
            assert_int_equal(aead_seal(&use, (struct span){ 0 }, out), want);
            assert_int_equal(aead_open(&use, SPAN(out), out), want);
        }
    }
}

static void box_opens_for_libsodium_and_back(void **state)
{
    (void)state;
    uint8_t secret[X25519_LEN] = { 5 }, once[X25519_LEN] = { 6 }, own[X25519_LEN];
    uint8_t sealed[9 + SEALED_BOX_EXTRA], plain[9];
    x25519_public(secret, own);
    assert_true(sealed_box_seal(own, once, span_of("nine byte", 9), sealed));
    assert_int_equal(crypto_box_seal_open(plain, sealed, sizeof sealed, own, secret), 0);
    assert_memory_equal(plain, "nine byte", 9);
    assert_int_equal(crypto_box_seal(sealed, (const uint8_t *)"byte nine", 9, own), 0);
    assert_true(sealed_box_open(secret, SPAN(sealed), plain));
    assert_memory_equal(plain, "byte nine", 9);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        /* The top bit of a coordinate is no part of it (RFC 7748 5), but of the nonce. */
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sealed_box_open(secret, SPAN(sealed), plain));
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sizeof sealed; len++)
        assert_false(sealed_box_open(secret, span_of(sealed, len), plain));
    secret[0] ^= 8; /* the lowest three bits are clamped away */
    assert_false(sealed_box_open(secret, SPAN(sealed), plain));
    const uint8_t weak[X25519_LEN] = { 0 };
    assert_false(sealed_box_seal(weak, once, span_of("nine byte", 9), sealed));
}

/* The cost arrives where it belongs: memory is counted in KiB here and in bytes there. */
static void argon2id_known_and_bounds(void **state)
{
    (void)state;
    const struct argon2_cost cost = { ARGON2_MEMORY_KIB_MIN, 2 };
    const struct span salt = span_text("somesaltsomesalt");
    uint8_t out[ARGON2_OUT_MAX] = { 0 }, want[32];
    assert_int_equal(crypto_pwhash_argon2id(want, 32, "password", 8, salt.at, 2, 8192 * 1024,
                                            crypto_pwhash_argon2id_ALG_ARGON2ID13),
                     0);
    static const struct {
        const char *name;
        struct argon2_cost cost;
        size_t passphrase, salt, len;
    } bad[] = {
        { "no passphrase", { 8192, 2 }, 0, 16, 32 },
        { "passphrase one too long", { 8192, 2 }, ARGON2_PASSPHRASE_MAX + 1, 16, 32 },
        { "salt one short", { 8192, 2 }, 8, 15, 32 },
        { "salt one long", { 8192, 2 }, 8, 17, 32 },
        { "memory one below", { ARGON2_MEMORY_KIB_MIN - 1, 2 }, 8, 16, 32 },
        { "memory one above", { ARGON2_MEMORY_KIB_MAX + 1, 2 }, 8, 16, 32 },
        { "all memory", { UINT32_MAX, 2 }, 8, 16, 32 },
        { "no pass", { 8192, ARGON2_PASSES_MIN - 1 }, 8, 16, 32 },
        { "passes one above", { 8192, ARGON2_PASSES_MAX + 1 }, 8, 16, 32 },
        { "output one below", { 8192, 2 }, 8, 16, ARGON2_OUT_MIN - 1 },
        { "output one above", { 8192, 2 }, 8, 16, ARGON2_OUT_MAX + 1 },
    };
    static const uint8_t text[ARGON2_PASSPHRASE_MAX + 1] = { 'p' };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (argon2id(bad[i].cost, span_of(text, bad[i].passphrase), span_of(text, bad[i].salt), out,
                     bad[i].len))
            fail_msg("%s", bad[i].name);
        assert_true(bytes_are_zero(out, sizeof out));
    }
    assert_true(argon2_cost_is_good((struct argon2_cost){ ARGON2_MEMORY_KIB_MAX, 1 }));
    assert_true(argon2id(cost, span_of(text, ARGON2_PASSPHRASE_MAX), salt, out, ARGON2_OUT_MAX));
    assert_true(argon2id(cost, span_text("password"), salt, out, 32));
    assert_memory_equal(out, want, sizeof want);
    assert_true(argon2id((struct argon2_cost){ ARGON2_MEMORY_KIB_MIN, ARGON2_PASSES_MAX },
                         span_text("p"), salt, out, ARGON2_OUT_MIN));
}

static void hkdf_bounds_and_prefixes(void **state)
{
    (void)state;
    static uint8_t whole[HKDF_SHA256_MAX + 1], part[HKDF_SHA256_MAX];
    const struct span secret = span_text("secret");
    assert_false(hkdf_sha256(secret, secret, secret, whole, sizeof whole));
    assert_true(bytes_are_zero(whole, sizeof whole));
    assert_true(hkdf_sha256(secret, secret, secret, whole, HKDF_SHA256_MAX));
    for (size_t len = 0; len < 100; len++) {
        assert_true(hkdf_sha256(secret, secret, secret, part, len));
        assert_memory_equal(part, whole, len);
        assert_int_equal(part[len], 0);
    }
    assert_true(hkdf_sha256(secret, secret, span_text("other"), part, 32));
    assert_memory_not_equal(part, whole, 32);

    uint8_t key[SHA256_LEN]; /* the halves are the whole */
    hkdf_extract(secret, secret, key);
    hkdf_expand_key(key, secret, part);
    assert_memory_equal(part, whole, SHA256_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(aead_in_place_and_every_bit, ""),      TEST(aead_refuses_other_nonces, ""),
        TEST(box_opens_for_libsodium_and_back, ""), TEST(argon2id_known_and_bounds, ""),
        TEST(hkdf_bounds_and_prefixes, ""),
    };
    return RUN_TESTS(tests);
}
