/* test_wycheproof.c - every case of the Wycheproof files for the primitives in use: ECDSA on
   both curves, in DER and raw, and HMAC-SHA-256.  Whatever the file says is valid must be
   accepted and all else refused; no case is left out. */
#include "codec/der.h"
#include "crypto/ct.h"
#include "crypto/ecdsa.h"
#include "crypto/hmac.h"

#include "wycheproof.h"

struct suite {
    const char *file;
    enum curve curve;
    enum hash hash;
    const char *hash_name;
    bool der;
};

/* The answer of both doors; a difference fails. */
static bool verifies(const struct suite *suite, struct span point, const uint8_t *digest,
                     struct span raw)
{
    struct crypto *crypto = crypto_new();
    assert_non_null(crypto);
    bool once = ecdsa_verify(crypto, suite->curve, point, digest, raw);
    struct ecdsa_key *key = ecdsa_key_new(crypto, suite->curve, point);
    assert_non_null(key); /* all keys of these files are good ones */
    assert_int_equal(ecdsa_key_verify(key, digest, raw), once);
    ecdsa_key_free(&key);
    crypto_free(&crypto);
    return once;
}

static bool judge_ecdsa(struct walk *walk, uint32_t group, uint32_t test)
{
    const struct json *json = &walk->json;
    const struct suite *suite = walk->suite;
    uint8_t room[3][FIELD_MAX];
    uint8_t digest[HASH_LEN_MAX];
    uint8_t raw[ECDSA_RAW_MAX];
    uint32_t key = json_member(json, group, "publicKey");
    assert_true(json_equal_text(json, json_member(json, group, "sha"), suite->hash_name));
    struct span point = field(json, json_member(json, key, "uncompressed"), room[0]);
    struct span message = field(json, json_member(json, test, "msg"), room[1]);
    struct span signature = field(json, json_member(json, test, "sig"), room[2]);
    hash_parts(suite->hash, &message, 1, digest);
    if (!suite->der)
        return verifies(suite, point, digest, signature);
    /* What is DER is never taken for raw, whatever it is as DER. */
    assert_false(verifies(suite, point, digest, signature));
    size_t coord = curve_coord_len(suite->curve);
    return der_ecdsa_sig(signature, coord, raw) &&
           verifies(suite, point, digest, span_of(raw, 2 * coord));
}

static bool judge_hmac(struct walk *walk, uint32_t group, uint32_t test)
{
    const struct json *json = &walk->json;
    uint8_t room[3][FIELD_MAX];
    uint8_t tag[HASH_LEN_MAX];
    uint64_t bits = 0;
    assert_true(json_u64(json, json_member(json, group, "tagSize"), 256, &bits));
    struct span key = field(json, json_member(json, test, "key"), room[0]);
    struct span message = field(json, json_member(json, test, "msg"), room[1]);
    struct span sent = field(json, json_member(json, test, "tag"), room[2]);
    hmac_sha256(key, message, tag);
    return sent.len == bits / 8 && ct_equal(tag, sent.at, sent.len);
}

static void walk_signatures(const struct suite *suite)
{
    walk_file(suite->file, suite, judge_ecdsa, (const size_t[2]){ 50, 50 });
}

static void test_p256_raw(void **state)
{
    (void)state;
    walk_signatures(&(const struct suite){ "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json",
                                           CURVE_P256, HASH_SHA256, "SHA-256", false });
}

static void test_p256_der(void **state)
{
    (void)state;
    walk_signatures(&(const struct suite){ "wycheproof/ecdsa_secp256r1_sha256_test.json",
                                           CURVE_P256, HASH_SHA256, "SHA-256", true });
}

static void test_p384_raw(void **state)
{
    (void)state;
    walk_signatures(&(const struct suite){ "wycheproof/ecdsa_secp384r1_sha384_p1363_test.json",
                                           CURVE_P384, HASH_SHA384, "SHA-384", false });
}

static void test_p384_der(void **state)
{
    (void)state;
    walk_signatures(&(const struct suite){ "wycheproof/ecdsa_secp384r1_sha384_test.json",
                                           CURVE_P384, HASH_SHA384, "SHA-384", true });
}

static void test_hmac_sha256(void **state)
{
    (void)state;
    walk_file("wycheproof/hmac_sha256_test.json", NULL, judge_hmac, (const size_t[2]){ 50, 50 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_p256_raw, "RL-9"), TEST(test_p256_der, "RL-9"), TEST(test_p384_raw, "RL-9"),
        TEST(test_p384_der, "RL-9"), TEST(test_hmac_sha256, ""),
    };
    return RUN_TESTS(tests);
}
