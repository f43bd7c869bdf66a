/* test_roots.c - the pinned keys are those of the published certificates. */
#include <string.h>

#include "attest/roots.h"
#include "base/number.h"
#include "base/sink.h"
#include "codec/pem.h"
#include "crypto/crypto.h"
#include "crypto/ecdsa.h"
#include "test.h"
#include "vectors.h"

static void pinned_keys_are_points(void **state)
{
    (void)state;
    struct crypto *crypto = crypto_new();
    assert_true(ecdsa_point_is_valid(crypto, CURVE_P256, trust_root_point(&intel_sgx_root)));
    assert_true(ecdsa_point_is_valid(crypto, CURVE_P384, trust_root_point(&aws_nitro_root)));
    assert_true(intel_sgx_root.vendor && aws_nitro_root.vendor);
    assert_true(aws_nitro_root.exact && !intel_sgx_root.exact);
    crypto_free(&crypto);
}

static void a_root_is_found_by_its_whole_key(void **state)
{
    (void)state;
    const struct trust_root list[] = { intel_sgx_root, aws_nitro_root };
    const struct trust_roots roots = { list, 2 }, none = { 0 };
    struct span intel = trust_root_point(&intel_sgx_root);
    uint8_t other[ROOT_POINT_MAX];
    assert_ptr_equal(trust_roots_find(&roots, intel), &list[0]);
    assert_ptr_equal(trust_roots_find(&roots, trust_root_point(&aws_nitro_root)), &list[1]);
    assert_null(trust_roots_find(&none, intel));
    assert_null(trust_roots_find(NULL, intel));
    assert_null(trust_roots_find(&roots, (struct span){ 0 }));
    assert_null(trust_roots_find(&roots, span_of(intel.at, intel.len - 1)));
    for (size_t i = 0; i < intel.len; i++) {
        memcpy(other, intel.at, intel.len);
        other[i] ^= 1;
        assert_null(trust_roots_find(&roots, span_of(other, intel.len)));
    }
}

static void certificates_with_a_pinned_key_are_pinned(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const struct trust_root *root; /* NULL: a root of somebody's own */
    } rows[] = {
        { "attest/tdx/collateral/intel_sgx_root_ca.pem", &intel_sgx_root },
        { "attest/tdx/collateral/intel_sgx_root_ca_alt.pem", &intel_sgx_root },
        { "attest/nitro/aws_nitro_root_g1.pem", &aws_nitro_root },
        { "attest/sgx/intel_qvl_synthetic_set/trustedRootCaCert.pem", NULL },
    };
    vectors_required();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span text = vectors_read(rows[i].file), label;
        struct trust_root root = { 0 }, again = { 0 };
        uint8_t room[4096];
        struct sink der = sink_over(room, sizeof room);
        struct cursor in = cur_over(text);
        assert_true(trust_root_read(text, &root));
        assert_int_equal(root.vendor, rows[i].root != NULL);
        if (rows[i].root != NULL)
            assert_memory_equal(&root, rows[i].root, sizeof root);
        else
            assert_int_equal(root.point_len, 65);
        assert_true(pem_next(&in, &label, &der));
        assert_true(trust_root_read(sink_bytes(&der), &again));
        assert_memory_equal(&root, &again, sizeof root);
        /* Not one certificate: cut, or with something behind it. */
        assert_false(trust_root_read(span_of(text.at, text.len - 30), &root));
        sink_u8(&der, 0);
        assert_false(trust_root_read(sink_bytes(&der), &root));
        vectors_free(&text);
    }
    struct span chain = vectors_read("attest/sgx/intel_qvl_synthetic_set/tcbSignChain.pem");
    struct trust_root untouched = { .point_len = 7 };
    assert_false(trust_root_read(chain, &untouched));
    assert_false(trust_root_read((struct span){ 0 }, &untouched));
    assert_int_equal(untouched.point_len, 7);
    vectors_free(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pinned_keys_are_points, ""),
        TEST(a_root_is_found_by_its_whole_key, ""),
        TEST(certificates_with_a_pinned_key_are_pinned, ""),
    };
    return RUN_TESTS(tests);
}
