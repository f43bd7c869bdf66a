/* test_chain.c - RFC 5280's rules of a chain, each broken on its own. */
#include <string.h>

#include "attest/chain.h"
#include "base/number.h"
#include "codec/pem.h"
#include "crypto/crypto.h"
#include "test.h"
#include "vectors.h"

enum { CHAIN = 4 };

#define NAME(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

/* Leaf, two intermediates, root: as good as certificates get. */
static void good_chain(struct x509_cert certs[CHAIN])
{
    static const struct span names[CHAIN] = { NAME("leaf"), NAME("lower"), NAME("upper"),
                                              NAME("root") };
    static const struct span keys[CHAIN] = { NAME("k0"), NAME("k1"), NAME("k2"), NAME("k3") };
    for (size_t i = 0; i < CHAIN; i++) {
        size_t above = i + 1 < CHAIN ? i + 1 : i;
        certs[i] = (struct x509_cert){
            .version = 3,
            .key = X509_KEY_P256,
            .algorithm = X509_ECDSA_SHA256,
            .subject = names[i],
            .issuer = names[above],
            .ski = keys[i],
            .aki = keys[above],
            .has_key_usage = true,
            .key_usage = i == 0 ? KEY_USAGE_DIGITAL_SIGNATURE : KEY_USAGE_CERT_SIGN,
            .has_basic_constraints = true,
            .basic_constraints_critical = true,
            .is_ca = i > 0,
            .path_len = i == 0 ? -1 : (int)i - 1,
        };
    }
}

struct row {
    const char *problem; /* NULL: still good */
    size_t which;
    void (*spoil)(struct x509_cert *certs);
};

#define SPOIL(name, statement)                                                                     \
    static void name(struct x509_cert *certs)                                                      \
    {                                                                                              \
        statement;                                                                                 \
    }

SPOIL(nothing, (void)certs)
SPOIL(leaf_version, certs[0].version = 1)
SPOIL(root_version, certs[3].version = 1)
SPOIL(leaf_curve, certs[0].key = X509_KEY_P384)
SPOIL(ca_curve, certs[2].key = X509_KEY_OTHER)
SPOIL(leaf_hash, certs[0].algorithm = X509_ECDSA_SHA384)
SPOIL(root_hash, certs[3].algorithm = X509_ALG_OTHER)
SPOIL(leaf_critical, certs[0].unknown_critical = true)
SPOIL(ca_critical, certs[1].unknown_critical = true)
SPOIL(root_critical, certs[3].unknown_critical = true)
SPOIL(leaf_is_ca, certs[0].is_ca = true)
SPOIL(leaf_no_usage, certs[0].has_key_usage = false)
SPOIL(leaf_wrong_usage, certs[0].key_usage = KEY_USAGE_CRL_SIGN)
SPOIL(leaf_signs_certs, certs[0].key_usage |= KEY_USAGE_CERT_SIGN)
SPOIL(ca_no_constraints, certs[1].has_basic_constraints = false)
SPOIL(ca_is_none, certs[1].is_ca = false)
SPOIL(root_is_none, certs[3].is_ca = false)
SPOIL(ca_not_critical, certs[2].basic_constraints_critical = false)
SPOIL(ca_no_usage, certs[2].has_key_usage = false)
SPOIL(ca_wrong_usage, certs[2].key_usage = KEY_USAGE_CRL_SIGN)
SPOIL(path_of_upper, certs[2].path_len = 0)
SPOIL(path_of_root, certs[3].path_len = 1)
SPOIL(path_open, (certs[1].path_len = -1, certs[2].path_len = -1, certs[3].path_len = -1))
SPOIL(path_longer, certs[3].path_len = 9)
SPOIL(leaf_key_id, certs[0].aki.len = 1)
SPOIL(ca_key_id, certs[1].aki.at = (const uint8_t *)"zz")
SPOIL(root_key_id, certs[3].aki.at = (const uint8_t *)"zz")
SPOIL(no_aki, certs[0].aki.len = 0)
SPOIL(no_ski, certs[1].ski.len = 0)
SPOIL(leaf_issuer, certs[0].issuer = certs[3].subject)
SPOIL(root_issuer, certs[3].issuer = certs[0].subject)
SPOIL(leaf_bare, certs[0].has_basic_constraints = false)

static const struct row profile_rows[] = {
    { NULL, 0, nothing },
    { "not an X.509 version 3 certificate", 0, leaf_version },
    { "not an X.509 version 3 certificate", 3, root_version },
    { "its key is not on P-256", 0, leaf_curve },
    { "its key is not on P-256", 2, ca_curve },
    { "not signed with ecdsa-with-SHA256", 0, leaf_hash },
    { "not signed with ecdsa-with-SHA256", 3, root_hash },
    { "it has a critical extension that is not known here", 0, leaf_critical },
    { "it has a critical extension that is not known here", 1, ca_critical },
    { "it has a critical extension that is not known here", 3, root_critical },
    { "the leaf is a CA", 0, leaf_is_ca },
    { "the leaf lacks digitalSignature", 0, leaf_no_usage },
    { "the leaf lacks digitalSignature", 0, leaf_wrong_usage },
    { "the leaf has keyCertSign", 0, leaf_signs_certs },
    { "it issues but is not a CA by its basic constraints", 1, ca_no_constraints },
    { "it issues but is not a CA by its basic constraints", 1, ca_is_none },
    { "it issues but is not a CA by its basic constraints", 3, root_is_none },
    { "its basic constraints are not critical", 2, ca_not_critical },
    { "it issues without keyCertSign", 2, ca_no_usage },
    { "it issues without keyCertSign", 2, ca_wrong_usage },
    { "its pathLen is exceeded", 2, path_of_upper },
    { "its pathLen is exceeded", 3, path_of_root },
    { NULL, 0, path_open },
    { NULL, 0, path_longer },
    { "its authority key identifier is not the issuer's", 0, leaf_key_id },
    { "its authority key identifier is not the issuer's", 1, ca_key_id },
    { "its authority key identifier is not the issuer's", 3, root_key_id },
    { NULL, 0, no_aki },
    { NULL, 0, no_ski },
    { "its issuer is not the next certificate", 0, leaf_issuer },
    { "its issuer is not the next certificate", 3, root_issuer },
    { NULL, 0, leaf_bare },
};

static void expect(const char *problem, size_t which, const char *wanted, size_t at, size_t row)
{
    if (wanted == NULL ? problem != NULL : problem == NULL || strcmp(problem, wanted) != 0)
        fail_msg("row %zu: %s", row, problem == NULL ? "accepted" : problem);
    if (wanted != NULL && which != at)
        fail_msg("row %zu: certificate %zu", row, which);
}

static void every_rule_of_the_profile(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(profile_rows); i++) {
        struct x509_cert certs[CHAIN];
        size_t which = 99;
        good_chain(certs);
        profile_rows[i].spoil(certs);
        const char *problem = chain_profile_problem(&chain_rules_p256, certs, CHAIN, &which);
        expect(problem, which, profile_rows[i].problem, profile_rows[i].which, i);
    }
}

static void the_other_curve(void **state)
{
    (void)state;
    struct x509_cert certs[CHAIN];
    size_t which = 99;
    good_chain(certs);
    assert_string_equal(chain_profile_problem(&chain_rules_p384, certs, CHAIN, &which),
                        "its key is not on P-384");
    for (size_t i = 0; i < CHAIN; i++)
        certs[i].key = X509_KEY_P384;
    assert_string_equal(chain_profile_problem(&chain_rules_p384, certs, CHAIN, &which),
                        "not signed with ecdsa-with-SHA384");
    for (size_t i = 0; i < CHAIN; i++)
        certs[i].algorithm = X509_ECDSA_SHA384;
    assert_null(chain_profile_problem(&chain_rules_p384, certs, CHAIN, &which));
    assert_int_equal(which, 0);
}

SPOIL(empty_leaf_issuer, certs[0].issuer.len = 2)
SPOIL(empty_root_name, (certs[3].issuer.len = 2, certs[3].subject.len = 2))
SPOIL(swapped, {
    struct x509_cert kept = certs[1];
    certs[1] = certs[2];
    certs[2] = kept;
})
SPOIL(root_first, {
    struct x509_cert kept = certs[0];
    certs[0] = certs[3];
    certs[3] = kept;
})

static const struct row order_rows[] = {
    { NULL, 0, nothing },
    { "the issuer is an empty name", 0, empty_leaf_issuer },
    { "its issuer is not the next certificate", 2, empty_root_name },
    { "its issuer is not the next certificate", 0, leaf_issuer },
    { "the last certificate is not self-issued", 3, root_issuer },
    { "its issuer is not the next certificate", 0, swapped },
    { "its issuer is not the next certificate", 0, root_first },
};

static void order_is_by_name(void **state)
{
    (void)state;
    struct x509_cert certs[CHAIN];
    size_t which = 99;
    for (size_t i = 0; i < COUNT_OF(order_rows); i++) {
        good_chain(certs);
        order_rows[i].spoil(certs);
        const char *problem = chain_order_problem(certs, CHAIN, &which);
        expect(problem, which, order_rows[i].problem, order_rows[i].which, i);
    }
    good_chain(certs);
    assert_string_equal(chain_order_problem(certs, 1, &which), "the chain is too short");
    assert_string_equal(chain_order_problem(certs, 0, &which), "the chain is too short");
    assert_string_equal(chain_order_problem(certs, 3, &which),
                        "the last certificate is not self-issued");
}

/* --- signatures of genuine certificates ---------------------------------------------- */

struct decoded {
    uint8_t der[4096];
    struct x509_cert cert;
};

static void read_cert(const char *name, struct decoded *out)
{
    struct span text = vectors_read(name), label;
    struct cursor in = cur_over(text);
    struct sink der = sink_over(out->der, sizeof out->der);
    assert_true(pem_next(&in, &label, &der));
    assert_true(x509_parse(sink_bytes(&der), &out->cert));
    vectors_free(&text);
}

static void signatures_are_verified(void **state)
{
    (void)state;
    static struct decoded intel, alt, ca, aws;
    vectors_required();
    struct crypto *crypto = crypto_new();
    read_cert("attest/tdx/collateral/intel_sgx_root_ca.pem", &intel);
    read_cert("attest/tdx/collateral/intel_sgx_root_ca_alt.pem", &alt);
    read_cert("attest/tdx/collateral/intel_pck_platform_ca_0.pem", &ca);
    read_cert("attest/nitro/aws_nitro_root_g1.pem", &aws);
    assert_true(chain_signed_by(crypto, &intel.cert, intel.cert.point));
    assert_true(chain_signed_by(crypto, &alt.cert, intel.cert.point));
    assert_true(chain_signed_by(crypto, &ca.cert, intel.cert.point));
    assert_true(chain_signed_by(crypto, &aws.cert, aws.cert.point));
    assert_false(chain_signed_by(crypto, &intel.cert, ca.cert.point));
    assert_false(chain_signed_by(crypto, &intel.cert, aws.cert.point));
    assert_false(chain_signed_by(crypto, &aws.cert, intel.cert.point));
    assert_false(chain_signed_by(crypto, &ca.cert, (struct span){ 0 }));
    ca.cert.signature[17] ^= 1;
    assert_false(chain_signed_by(crypto, &ca.cert, intel.cert.point));
    intel.cert.algorithm = X509_ALG_OTHER;
    assert_false(chain_signed_by(crypto, &intel.cert, intel.cert.point));
    crypto_free(&crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_rule_of_the_profile, "RL-7"),
        TEST(the_other_curve, ""),
        TEST(order_is_by_name, ""),
        TEST(signatures_are_verified, ""),
    };
    return RUN_TESTS(tests);
}
