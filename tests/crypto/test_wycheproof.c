/* test_wycheproof.c - every case of the Wycheproof files for the primitives in use: ECDSA on
   both curves, in DER and raw, and HMAC-SHA-256.  Whatever the file says is valid must be
   accepted and all else refused; no case is left out. */
#include "codec/der.h"
#include "codec/json.h"
#include "crypto/ct.h"
#include "crypto/ecdsa.h"
#include "crypto/hmac.h"

#include <stdio.h>

#include "test.h"
#include "vectors.h"

enum { NODES_MAX = 64 * 1024, FIELD_MAX = 16 * 1024 };

struct suite {
    const char *file;
    enum curve curve;
    enum hash hash;
    const char *hash_name;
    bool der;
};

/* One file while it is walked, and how many cases were seen of each kind. */
struct walk {
    const struct suite *suite;
    struct crypto *crypto;
    struct json json;
    size_t valid;
    size_t refused;
};

typedef bool judge_fn(struct walk *walk, uint32_t group, uint32_t test);

/* The bytes of a hex field; the room is the caller's. */
static struct span field(const struct json *json, uint32_t node, uint8_t room[FIELD_MAX])
{
    struct span text;
    if (!json_string(json, node, &text))
        fail_msg("a field is no plain string");
    assert_true(text.len <= 2 * (size_t)FIELD_MAX);
    if (!json_hex(json, node, room, text.len / 2))
        fail_msg("a field is no hex");
    return span_of(room, text.len / 2);
}

/* The answer of both doors; a difference fails. */
static bool verifies(struct walk *walk, struct span point, const uint8_t *digest, struct span raw)
{
    bool once = ecdsa_verify(walk->crypto, walk->suite->curve, point, digest, raw);
    struct ecdsa_key *key = ecdsa_key_new(walk->crypto, walk->suite->curve, point);
    assert_non_null(key); /* all keys of these files are good ones */
    assert_int_equal(ecdsa_key_verify(key, digest, raw), once);
    ecdsa_key_free(&key);
    return once;
}

static bool judge_ecdsa(struct walk *walk, uint32_t group, uint32_t test)
{
    const struct json *json = &walk->json;
    uint8_t room[3][FIELD_MAX];
    uint8_t digest[HASH_LEN_MAX];
    uint8_t raw[ECDSA_RAW_MAX];
    uint32_t key = json_member(json, group, "publicKey");
    assert_true(json_equal_text(json, json_member(json, group, "sha"), walk->suite->hash_name));
    struct span point = field(json, json_member(json, key, "uncompressed"), room[0]);
    struct span message = field(json, json_member(json, test, "msg"), room[1]);
    struct span signature = field(json, json_member(json, test, "sig"), room[2]);
    hash_parts(walk->suite->hash, &message, 1, digest);
    if (!walk->suite->der)
        return verifies(walk, point, digest, signature);
    /* What is DER is never taken for raw, whatever it is as DER. */
    assert_false(verifies(walk, point, digest, signature));
    size_t coord = curve_coord_len(walk->suite->curve);
    return der_ecdsa_sig(signature, coord, raw) &&
           verifies(walk, point, digest, span_of(raw, 2 * coord));
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

static void walk_test(struct walk *walk, uint32_t group, uint32_t test, judge_fn *judge)
{
    uint64_t id = 0;
    uint32_t result = json_member(&walk->json, test, "result");
    bool want = json_equal_text(&walk->json, result, "valid");
    assert_true(want || json_equal_text(&walk->json, result, "invalid"));
    assert_true(json_u64(&walk->json, json_member(&walk->json, test, "tcId"), 100000, &id));
    if (judge(walk, group, test) != want)
        fail_msg("%s: case %u should be %s", walk->suite->file, (unsigned)id,
                 want ? "valid" : "invalid");
    walk->valid += want;
    walk->refused += !want;
}

static void walk_file(const struct suite *suite, judge_fn *judge)
{
    vectors_required();
    struct walk walk = { .suite = suite, .crypto = crypto_new() };
    struct arena arena;
    arena_init(&arena, 8 << 20);
    struct span text = vectors_read(suite->file);
    const struct json_limits limits = { .nodes = NODES_MAX };
    if (!json_parse(text, &arena, &limits, &walk.json, NULL))
        fail_msg("%s is not read", suite->file);
    uint32_t groups = json_member(&walk.json, 0, "testGroups");
    for (uint32_t g = json_first(&walk.json, groups); g != JSON_NONE;
         g = json_next(&walk.json, g)) {
        uint32_t tests = json_member(&walk.json, g, "tests");
        for (uint32_t t = json_first(&walk.json, tests); t != JSON_NONE;
             t = json_next(&walk.json, t))
            walk_test(&walk, g, t, judge);
    }
    uint64_t count = 0;
    assert_true(json_u64(&walk.json, json_member(&walk.json, 0, "numberOfTests"), 100000, &count));
    assert_int_equal(walk.valid + walk.refused, count);
    assert_true(walk.valid > 50 && walk.refused > 50);
    vectors_free(&text);
    arena_fini(&arena);
    crypto_free(&walk.crypto);
}

static void test_p256_raw(void **state)
{
    (void)state;
    walk_file(&(const struct suite){ "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json",
                                     CURVE_P256, HASH_SHA256, "SHA-256", false },
              judge_ecdsa);
}

static void test_p256_der(void **state)
{
    (void)state;
    walk_file(&(const struct suite){ "wycheproof/ecdsa_secp256r1_sha256_test.json", CURVE_P256,
                                     HASH_SHA256, "SHA-256", true },
              judge_ecdsa);
}

static void test_p384_raw(void **state)
{
    (void)state;
    walk_file(&(const struct suite){ "wycheproof/ecdsa_secp384r1_sha384_p1363_test.json",
                                     CURVE_P384, HASH_SHA384, "SHA-384", false },
              judge_ecdsa);
}

static void test_p384_der(void **state)
{
    (void)state;
    walk_file(&(const struct suite){ "wycheproof/ecdsa_secp384r1_sha384_test.json", CURVE_P384,
                                     HASH_SHA384, "SHA-384", true },
              judge_ecdsa);
}

static void test_hmac_sha256(void **state)
{
    (void)state;
    walk_file(&(const struct suite){ .file = "wycheproof/hmac_sha256_test.json" }, judge_hmac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_p256_raw, "RL-9"), TEST(test_p256_der, "RL-9"), TEST(test_p384_raw, "RL-9"),
        TEST(test_p384_der, "RL-9"), TEST(test_hmac_sha256, ""),
    };
    return RUN_TESTS(tests);
}
