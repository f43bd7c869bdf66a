/* test_pki_vectors.c - every certificate and CRL that others made: all of them parse, every
   field agrees with OpenSSL's reader, no prefix parses, no flipped bit does harm, and the
   heap is never asked for anything. */
#include <openssl/ecdsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "codec/crl.h"
#include "codec/pem.h"
#include "codec/x509.h"
#include "pki.h"
#include "test.h"
#include "vectors.h"

/* Compares a span with what OpenSSL writes for one of its objects. */
#define ASSERT_ENCODES(type, object, want)                                                         \
    do {                                                                                           \
        uint8_t *encoded_ = NULL;                                                                  \
        int len_ = i2d_##type(object, &encoded_);                                                  \
        assert_true(len_ >= 0);                                                                    \
        assert_span_equal(want, span_of(encoded_, (size_t)len_));                                  \
        OPENSSL_free(encoded_);                                                                    \
    } while (0)

static int64_t openssl_time(const ASN1_TIME *time)
{
    struct tm tm;
    int64_t at;
    assert_int_equal(ASN1_TIME_to_tm(time, &tm), 1);
    assert_true(time_from_civil((struct civil){ tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                                                tm.tm_hour, tm.tm_min, tm.tm_sec },
                                &at));
    return at;
}

/* Two's complement octets against OpenSSL's sign and magnitude; all serials are positive. */
static void assert_integer(struct span octets, const ASN1_INTEGER *want)
{
    struct cursor in = cur_over(octets);
    if (octets.len > 1 && octets.at[0] == 0)
        assert_true(cur_skip(&in, 1));
    assert_int_equal(ASN1_STRING_type(want), V_ASN1_INTEGER);
    assert_span_equal(cur_rest(&in),
                      span_of(ASN1_STRING_get0_data(want), (size_t)ASN1_STRING_length(want)));
}

static void assert_octets(struct span got, const ASN1_OCTET_STRING *want)
{
    if (want == NULL)
        assert_int_equal(got.len, 0);
    else
        assert_span_equal(got,
                          span_of(ASN1_STRING_get0_data(want), (size_t)ASN1_STRING_length(want)));
}

static void assert_signature(enum x509_algorithm algorithm, const uint8_t *raw,
                             const ASN1_BIT_STRING *der, const X509_ALGOR *named)
{
    const ASN1_OBJECT *object;
    X509_ALGOR_get0(&object, NULL, NULL, named);
    int nid = OBJ_obj2nid(object);
    assert_int_equal(nid, algorithm == X509_ECDSA_SHA256   ? NID_ecdsa_with_SHA256
                          : algorithm == X509_ECDSA_SHA384 ? NID_ecdsa_with_SHA384
                                                           : NID_undef);
    const uint8_t *at = ASN1_STRING_get0_data(der);
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, ASN1_STRING_length(der));
    assert_non_null(sig);
    uint8_t want[X509_SIGNATURE_MAX] = { 0 };
    int coord = algorithm == X509_ECDSA_SHA256 ? 32 : 48;
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), want, coord), coord);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), want + coord, coord), coord);
    assert_span_equal(span_of(raw, sizeof want), SPAN(want));
    ECDSA_SIG_free(sig);
}

static void assert_key(const struct x509_cert *cert, X509 *want)
{
    ASSERT_ENCODES(X509_PUBKEY, X509_get_X509_PUBKEY(want), cert->spki);
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(want);
    assert_span_equal(cert->point,
                      span_of(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits)));
    X509_ALGOR *algorithm;
    const void *curve;
    int type;
    assert_int_equal(
        X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(want)), 1);
    X509_ALGOR_get0(NULL, &type, &curve, algorithm);
    assert_int_equal(OBJ_obj2nid(curve),
                     cert->key == X509_KEY_P256 ? NID_X9_62_prime256v1 : NID_secp384r1);
}

static void assert_common_name(const struct x509_cert *cert, X509 *want)
{
    char text[256];
    int len = X509_NAME_get_text_by_NID(X509_get_subject_name(want), NID_commonName, text,
                                        sizeof text);
    assert_span_equal(cert->common_name, span_of(text, len > 0 ? (size_t)len : 0));
}

static void assert_extensions(const struct x509_cert *cert, X509 *want)
{
    int critical = -2;
    BASIC_CONSTRAINTS *constraints = X509_get_ext_d2i(want, NID_basic_constraints, &critical, NULL);
    assert_int_equal(cert->has_basic_constraints, constraints != NULL);
    if (constraints != NULL) {
        assert_int_equal(cert->is_ca, constraints->ca != 0);
        assert_int_equal(cert->basic_constraints_critical, critical == 1);
        assert_int_equal(cert->path_len, constraints->pathlen == NULL
                                             ? -1
                                             : ASN1_INTEGER_get(constraints->pathlen));
    }
    BASIC_CONSTRAINTS_free(constraints);
    uint32_t usage = X509_get_key_usage(want);
    assert_int_equal(cert->has_key_usage, usage != UINT32_MAX);
    if (cert->has_key_usage) {
        assert_int_equal((cert->key_usage & KEY_USAGE_DIGITAL_SIGNATURE) != 0,
                         (usage & KU_DIGITAL_SIGNATURE) != 0);
        assert_int_equal((cert->key_usage & KEY_USAGE_CERT_SIGN) != 0,
                         (usage & KU_KEY_CERT_SIGN) != 0);
        assert_int_equal((cert->key_usage & KEY_USAGE_CRL_SIGN) != 0, (usage & KU_CRL_SIGN) != 0);
    }
    assert_octets(cert->ski, X509_get0_subject_key_id(want));
    assert_octets(cert->aki, X509_get0_authority_key_id(want));
    for (int i = 0; i < X509_get_ext_count(want); i++) {
        X509_EXTENSION *extension = X509_get_ext(want, i);
        const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
        struct span value;
        assert_true(
            x509_extension(cert, span_of(OBJ_get0_data(object), OBJ_length(object)), &value));
        assert_octets(value, X509_EXTENSION_get_data(extension));
    }
    assert_int_equal(cert->unknown_critical,
                     (X509_get_extension_flags(want) & EXFLAG_CRITICAL) != 0);
}

static void compare_certificate(const char *name, struct span der, void *arg)
{
    int *count = arg;
    struct x509_cert cert;
    size_t calls = pki_heap_calls();
    if (!x509_parse(der, &cert))
        fail_msg("%s: refused", name);
    assert_int_equal(pki_heap_calls(), calls);
    assert_true(x509_is_sound(&cert));
    const uint8_t *at = der.at;
    X509 *want = d2i_X509(NULL, &at, (long)der.len);
    assert_non_null(want);
    assert_int_equal(cert.version, X509_get_version(want) + 1);
    assert_integer(cert.serial, X509_get0_serialNumber(want));
    ASSERT_ENCODES(X509_NAME, X509_get_issuer_name(want), cert.issuer);
    ASSERT_ENCODES(X509_NAME, X509_get_subject_name(want), cert.subject);
    assert_common_name(&cert, want);
    assert_true(cert.validity.from == openssl_time(X509_get0_notBefore(want)));
    assert_true(cert.validity.until == openssl_time(X509_get0_notAfter(want)));
    assert_key(&cert, want);
    const ASN1_BIT_STRING *signature;
    const X509_ALGOR *algorithm;
    X509_get0_signature(&signature, &algorithm, want);
    assert_signature(cert.algorithm, cert.signature, signature, algorithm);
    assert_extensions(&cert, want);
    ASSERT_ENCODES(re_X509_tbs, want, cert.tbs);
    X509_free(want);
    (*count)++;
}

static void test_certificates_agree_with_openssl(void **state)
{
    (void)state;
    vectors_required();
    int count = 0;
    pki_each_certificate(compare_certificate, &count);
    print_message("%d certificates\n", count);
}

static void assert_revoked(const struct crl *crl, X509_CRL *want)
{
    STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(want);
    size_t count = list == NULL ? 0 : (size_t)sk_X509_REVOKED_num(list);
    assert_int_equal(crl->revoked_count, count);
    for (size_t i = 0; i < count; i++) {
        const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(
            sk_X509_REVOKED_value(list, (int)i));
        uint8_t octets[32];
        size_t len = (size_t)ASN1_STRING_length(serial);
        assert_in_range(len, 1, sizeof octets);
        memcpy(octets, ASN1_STRING_get0_data(serial), len);
        assert_true(crl_lists(crl, span_of(octets, len)));
        octets[len - 1] ^= 0x80;
        ASN1_INTEGER *other = ASN1_INTEGER_dup(serial);
        assert_int_equal(ASN1_STRING_set(other, octets, (int)len), 1);
        X509_REVOKED *found;
        assert_int_equal(crl_lists(crl, span_of(octets, len)),
                         X509_CRL_get0_by_serial(want, &found, other) == 1);
        ASN1_INTEGER_free(other);
    }
}

static void compare_crl(const char *name, struct span der, void *arg)
{
    int *count = arg;
    struct crl crl;
    size_t calls = pki_heap_calls();
    if (!crl_parse(der, &crl))
        fail_msg("%s: refused", name);
    assert_int_equal(pki_heap_calls(), calls);
    assert_true(crl_is_sound(&crl));
    const uint8_t *at = der.at;
    X509_CRL *want = d2i_X509_CRL(NULL, &at, (long)der.len);
    assert_non_null(want);
    assert_int_equal(crl.version, X509_CRL_get_version(want) + 1);
    ASSERT_ENCODES(X509_NAME, X509_CRL_get_issuer(want), crl.issuer);
    assert_true(crl.validity.from == openssl_time(X509_CRL_get0_lastUpdate(want)));
    assert_int_equal(crl.has_next_update, X509_CRL_get0_nextUpdate(want) != NULL);
    assert_true(crl.validity.until == openssl_time(X509_CRL_get0_nextUpdate(want)));
    const ASN1_BIT_STRING *signature;
    const X509_ALGOR *algorithm;
    X509_CRL_get0_signature(want, &signature, &algorithm);
    assert_signature(crl.algorithm, crl.signature, signature, algorithm);
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(want, NID_crl_number, NULL, NULL);
    assert_int_equal(crl.has_number, number != NULL);
    if (number != NULL)
        assert_integer(crl.number, number);
    ASN1_INTEGER_free(number);
    AUTHORITY_KEYID *aki = X509_CRL_get_ext_d2i(want, NID_authority_key_identifier, NULL, NULL);
    assert_octets(crl.aki, aki == NULL ? NULL : aki->keyid);
    AUTHORITY_KEYID_free(aki);
    assert_int_equal(crl.is_delta, X509_CRL_get_ext_by_NID(want, NID_delta_crl, -1) >= 0);
    assert_false(crl.is_indirect || crl.unknown_critical);
    assert_int_equal(crl.scope, 0);
    ASSERT_ENCODES(re_X509_CRL_tbs, want, crl.tbs);
    assert_revoked(&crl, want);
    X509_CRL_free(want);
    (*count)++;
}

static void test_crls_agree_with_openssl(void **state)
{
    (void)state;
    vectors_required();
    int count = 0;
    pki_each_crl(compare_crl, &count);
    print_message("%d CRLs\n", count);
}

static void cut_certificate(const char *name, struct span der, void *arg)
{
    (void)arg;
    struct x509_cert cert;
    for (size_t len = 0; len < der.len; len++)
        if (x509_parse(span_of(der.at, len), &cert))
            fail_msg("%s: the first %zu bytes are accepted", name, len);
}

static void cut_crl(const char *name, struct span der, void *arg)
{
    (void)arg;
    struct crl crl;
    for (size_t len = 0; len < der.len; len++)
        if (crl_parse(span_of(der.at, len), &crl))
            fail_msg("%s: the first %zu bytes are accepted", name, len);
}

static void test_no_prefix_is_accepted(void **state)
{
    (void)state;
    vectors_required();
    pki_each_certificate(cut_certificate, NULL);
    pki_each_crl(cut_crl, NULL);
}

enum { FLIP_MAX = 8192 };

/* How bits are flipped: every one of the first few, some of the others.  What is still
   accepted must be sound, and now and then OpenSSL, which asks for less, is asked too. */
struct flips {
    size_t met, whole, step, asked;
};

static size_t flip_step(struct flips *flips)
{
    return flips->met++ < flips->whole ? 1 : flips->step;
}

static void flip_certificate(const char *name, struct span der, void *arg)
{
    struct flips *flips = arg;
    static uint8_t bytes[FLIP_MAX];
    assert_in_range(der.len, 1, sizeof bytes);
    memcpy(bytes, der.at, der.len);
    size_t step = flip_step(flips);
    for (size_t bit = 0; bit < der.len * 8; bit += step) {
        struct x509_cert cert;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (x509_parse(span_of(bytes, der.len), &cert)) {
            const uint8_t *at = bytes;
            bool ask = flips->asked++ % 10 == 0;
            X509 *other = ask ? d2i_X509(NULL, &at, (long)der.len) : NULL;
            if ((ask && other == NULL) || !x509_is_sound(&cert))
                fail_msg("%s: bit %zu", name, bit);
            X509_free(other);
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void flip_crl(const char *name, struct span der, void *arg)
{
    struct flips *flips = arg;
    static uint8_t bytes[FLIP_MAX];
    assert_in_range(der.len, 1, sizeof bytes);
    memcpy(bytes, der.at, der.len);
    size_t step = flip_step(flips);
    for (size_t bit = 0; bit < der.len * 8; bit += step) {
        struct crl crl;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (crl_parse(span_of(bytes, der.len), &crl)) {
            const uint8_t *at = bytes;
            bool ask = flips->asked++ % 30 == 0;
            X509_CRL *other = ask ? d2i_X509_CRL(NULL, &at, (long)der.len) : NULL;
            if ((ask && other == NULL) || !crl_is_sound(&crl))
                fail_msg("%s: bit %zu", name, bit);
            X509_CRL_free(other);
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_flipped_bits_do_no_harm(void **state)
{
    (void)state;
    vectors_required();
    struct flips flips = { .whole = 3, .step = 15 };
    pki_each_certificate(flip_certificate, &flips);
    flips = (struct flips){ .whole = 1, .step = 61 };
    pki_each_crl(flip_crl, &flips);
}

static void write_pem(const char *name, struct span der, void *arg)
{
    static uint8_t room[FLIP_MAX], back[FLIP_MAX];
    (void)name;
    (void)arg;
    struct sink text = sink_over(room, sizeof room);
    struct sink out = sink_over(back, sizeof back);
    struct span label;
    size_t calls = pki_heap_calls();
    pem_write(&text, "CERTIFICATE", der);
    struct cursor in = cur_over(sink_bytes(&text));
    assert_true(pem_next(&in, &label, &out) && cur_end(&in));
    assert_span_equal(sink_bytes(&out), der);
    assert_int_equal(pki_heap_calls(), calls);
}

static void test_through_pem_and_back(void **state)
{
    (void)state;
    vectors_required();
    pki_each_certificate(write_pem, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_certificates_agree_with_openssl, ""),
        TEST(test_crls_agree_with_openssl, ""),
        TEST(test_no_prefix_is_accepted, ""),
        TEST(test_flipped_bits_do_no_harm, ""),
        TEST(test_through_pem_and_back, ""),
    };
    return RUN_TESTS(tests);
}
