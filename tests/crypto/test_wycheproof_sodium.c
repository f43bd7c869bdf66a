/* test_wycheproof_sodium.c - every case of the Wycheproof files for Ed25519, X25519, both AEADs
   and HKDF.  Whatever a file calls valid must be accepted and all else refused; what X25519's
   calls acceptable is decided here: the shared secret of all zeros is refused, the rest is
   computed as RFC 7748 has it. */
#include "crypto/aead.h"
#include "crypto/ct.h"
#include "crypto/ed25519.h"
#include "crypto/hkdf.h"
#include "crypto/x25519.h"

#include <string.h>

#include "wycheproof.h"

static bool judge_ed25519(struct walk *walk, uint32_t group, uint32_t test)
{
    uint8_t room[3][FIELD_MAX];
    uint32_t key = json_member(&walk->json, group, "publicKey");
    return ed25519_verify(field_of(&walk->json, key, "pk", room[0]),
                          field_of(&walk->json, test, "msg", room[1]),
                          field_of(&walk->json, test, "sig", room[2]));
}

static bool judge_x25519(struct walk *walk, uint32_t group, uint32_t test)
{
    (void)group;
    uint8_t room[3][FIELD_MAX];
    uint8_t shared[X25519_LEN] = { 1 };
    uint8_t untouched[X25519_LEN] = { 1 };
    struct span secret = field_of(&walk->json, test, "private", room[0]);
    struct span peer = field_of(&walk->json, test, "public", room[1]);
    struct span want = field_of(&walk->json, test, "shared", room[2]);
    assert_true(secret.len == X25519_LEN && peer.len == X25519_LEN && want.len == X25519_LEN);
    bool ok = x25519(secret.at, peer.at, shared);
    assert_int_equal(ok, !bytes_are_zero(want.at, want.len));
    assert_memory_equal(shared, ok ? want.at : untouched, X25519_LEN);
    return ok;
}

static bool judge_aead(struct walk *walk, uint32_t group, uint32_t test)
{
    (void)group;
    static uint8_t room[6][FIELD_MAX];
    const enum aead *aead = walk->suite;
    struct span key = field_of(&walk->json, test, "key", room[0]);
    assert_int_equal(key.len, AEAD_KEY);
    const struct aead_use use = { *aead, key.at, field_of(&walk->json, test, "iv", room[1]),
                                  field_of(&walk->json, test, "aad", room[2]) };
    struct span plain = field_of(&walk->json, test, "msg", room[3]);
    struct span sealed = field_of(&walk->json, test, "ct", room[4]);
    uint8_t *tag_at = room[4] + sealed.len;
    struct span tag = field_of(&walk->json, test, "tag", room[5]);
    assert_true(sealed.len + tag.len + AEAD_TAG < FIELD_MAX);
    memcpy(tag_at, tag.at, tag.len);
    sealed.len += tag.len;

    /* Sealing gives these very bytes when the file calls them good, and others otherwise. */
    bool same = aead_seal(&use, plain, room[5]) && plain.len + AEAD_TAG == sealed.len &&
                ct_equal(room[5], sealed.at, sealed.len);
    bool opened = aead_open(&use, sealed, room[5]);
    assert_int_equal(same, opened);
    return opened && ct_equal(room[5], plain.at, plain.len);
}

static bool judge_hkdf(struct walk *walk, uint32_t group, uint32_t test)
{
    (void)group;
    static uint8_t room[5][FIELD_MAX];
    uint64_t size = 0;
    assert_true(json_u64(&walk->json, json_member(&walk->json, test, "size"), FIELD_MAX, &size));
    struct span want = field_of(&walk->json, test, "okm", room[3]);
    return hkdf_sha256(field_of(&walk->json, test, "ikm", room[0]),
                       field_of(&walk->json, test, "salt", room[1]),
                       field_of(&walk->json, test, "info", room[2]), room[4], size) &&
           want.len == size && ct_equal(room[4], want.at, want.len);
}

static void test_ed25519(void **state)
{
    (void)state;
    walk_file("wycheproof/ed25519_test.json", NULL, judge_ed25519, (const size_t[2]){ 80, 60 });
}

static void test_x25519(void **state)
{
    (void)state;
    walk_file("wycheproof/x25519_test.json", NULL, judge_x25519, (const size_t[2]){ 250, 250 });
}

static void test_chacha20_poly1305(void **state)
{
    (void)state;
    const enum aead aead = AEAD_CHACHA20_POLY1305;
    walk_file("wycheproof/chacha20_poly1305_test.json", &aead, judge_aead,
              (const size_t[2]){ 250, 60 });
}

static void test_xchacha20_poly1305(void **state)
{
    (void)state;
    const enum aead aead = AEAD_XCHACHA20_POLY1305;
    walk_file("wycheproof/xchacha20_poly1305_test.json", &aead, judge_aead,
              (const size_t[2]){ 240, 60 });
}

static void test_hkdf_sha256(void **state)
{
    (void)state;
    walk_file("wycheproof/hkdf_sha256_test.json", NULL, judge_hkdf, (const size_t[2]){ 80, 3 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ed25519, ""),           TEST(test_x25519, ""),
        TEST(test_chacha20_poly1305, ""), TEST(test_xchacha20_poly1305, ""),
        TEST(test_hkdf_sha256, ""),
    };
    return RUN_TESTS(tests);
}
