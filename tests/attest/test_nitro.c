/* test_nitro.c - the chain, the dates and the signature of Nitro documents (AN-5 to AN-7, AN-9),
   what is claimed, what is remembered, and which bytes no signature covers. */
#include <stdlib.h>
#include <string.h>

#include "attest/documents.h"
#include "attest/nitro_document.h"
#include "attest/nitro_maker.h"
#include "test.h"
#include "vectors.h"

static uint8_t room[MAKER_ROOM];

struct setup {
    struct document document;
    struct trust_root root;
    struct trust_roots roots;
    struct nitro_spec spec;
};

static void open_setup(struct setup *setup)
{
    document_open(&setup->document);
    setup->root = maker_root();
    setup->roots = (struct trust_roots){ &setup->root, 1 };
    setup->document.input.roots = &setup->roots;
    maker_init(&setup->spec);
}

static enum reason judge_at(struct setup *setup, int64_t now)
{
    return document_judge(&setup->document, maker_document(&setup->spec, room), now);
}

/* --- the chain --------------------------------------------------------------------------- */

static void leaf_is_ca(struct nitro_spec *spec)
{
    spec->certs[0].is_ca = true;
}
static void leaf_without_signing(struct nitro_spec *spec)
{
    spec->certs[0].key_usage = 1 << 2;
}
static void leaf_without_key_usage(struct nitro_spec *spec)
{
    spec->certs[0].has_key_usage = false;
}
static void leaf_signs_certificates(struct nitro_spec *spec)
{
    spec->certs[0].key_usage |= KEY_USAGE_CERT_SIGN;
}
static void zonal_no_ca(struct nitro_spec *spec)
{
    spec->certs[1].is_ca = false;
}
static void zonal_no_constraints(struct nitro_spec *spec)
{
    spec->certs[1].has_basic_constraints = false;
}
static void zonal_constraints_not_critical(struct nitro_spec *spec)
{
    spec->certs[1].constraints_critical = false;
}
static void zonal_no_cert_sign(struct nitro_spec *spec)
{
    spec->certs[1].key_usage = KEY_USAGE_DIGITAL_SIGNATURE;
}
static void zonal_no_key_usage(struct nitro_spec *spec)
{
    spec->certs[1].has_key_usage = false;
}
static void regional_path_0(struct nitro_spec *spec)
{
    spec->certs[2].path_len = 0;
}
static void root_path_1(struct nitro_spec *spec)
{
    spec->certs[3].path_len = 1;
}
static void root_no_ca(struct nitro_spec *spec)
{
    spec->certs[3].is_ca = false;
}
static void version_1(struct nitro_spec *spec)
{
    spec->certs[1].version_1 = true;
}
static void leaf_version_1(struct nitro_spec *spec)
{
    spec->certs[0].version_1 = true;
}
static void critical_extension(struct nitro_spec *spec)
{
    spec->certs[0].extra_oid = "1.2.3.4";
    spec->certs[0].extra_critical = true;
}
static void critical_name_constraints(struct nitro_spec *spec)
{
    spec->certs[2].extra_oid = "2.5.29.30";
    spec->certs[2].extra_critical = true;
}
static void other_extension(struct nitro_spec *spec)
{
    spec->certs[0].extra_oid = "1.2.3.4";
}
static void issuer_name(struct nitro_spec *spec)
{
    spec->certs[0].issuer = "zonal2";
}
static void subject_name(struct nitro_spec *spec)
{
    spec->certs[1].name = "Zonal";
}
static void wrong_key_id(struct nitro_spec *spec)
{
    spec->certs[1].aki = "other";
}
static void no_key_ids(struct nitro_spec *spec)
{
    for (size_t i = 0; i < MAKER_CERTS; i++)
        spec->certs[i].ski = spec->certs[i].aki = NULL;
}
static void leaf_on_p256(struct nitro_spec *spec)
{
    spec->certs[0].curve = CURVE_P256;
}
static void signed_by_p256(struct nitro_spec *spec)
{
    spec->certs[1].curve = spec->certs[0].signer_curve = CURVE_P256;
}
static void leaf_cut(struct nitro_spec *spec)
{
    spec->certs[0].cut = true;
}
static void regional_cut(struct nitro_spec *spec)
{
    spec->certs[2].cut = true;
}
static void regional_missing(struct nitro_spec *spec)
{
    spec->bundle_skip = 1;
}
static void no_intermediate(struct nitro_spec *spec)
{
    spec->bundle_skip = 2;
    spec->certs[0].issuer = spec->certs[0].signer = spec->certs[0].aki = "root";
}
static void leaf_by_stranger(struct nitro_spec *spec)
{
    spec->certs[0].signer = "stranger";
}
static void zonal_by_stranger(struct nitro_spec *spec)
{
    spec->certs[1].signer = "stranger";
}
static void regional_by_stranger(struct nitro_spec *spec)
{
    spec->certs[2].signer = "stranger";
}
static void leaf_by_regional(struct nitro_spec *spec)
{
    spec->certs[0].signer = "regional";
}
static void zonal_bit(struct nitro_spec *spec)
{
    spec->certs[1].bad_signature = true;
}
static void zonal_no_point(struct nitro_spec *spec)
{
    spec->certs[1].bad_point = true;
}
static void leaf_no_point(struct nitro_spec *spec)
{
    spec->certs[0].bad_point = true;
}
/* The root's own signature adds nothing: its key is the trust. */
static void root_by_stranger(struct nitro_spec *spec)
{
    spec->certs[3].signer = "stranger";
}
static void other_root(struct nitro_spec *spec)
{
    spec->certs[3].key = spec->certs[3].signer = spec->certs[2].signer = "stranger";
}
static void root_on_p256(struct nitro_spec *spec)
{
    spec->certs[3].curve = spec->certs[3].signer_curve = spec->certs[2].signer_curve = CURVE_P256;
}
static void root_cut(struct nitro_spec *spec)
{
    spec->certs[3].cut = true;
}
static void document_by_stranger(struct nitro_spec *spec)
{
    spec->leaf_key = "stranger";
}
static void document_by_zonal(struct nitro_spec *spec)
{
    spec->leaf_key = "zonal";
}
static void zero_signature(struct nitro_spec *spec)
{
    spec->zero_signature = true;
}
static void other_header_signed(struct nitro_spec *spec)
{
    static const uint8_t header[] = { 0xa1, 0x01, 0x38, 0x21 };
    spec->signed_protected = SPAN(header);
}
static void high_s(struct nitro_spec *spec)
{
    spec->high_s = true;
}
static void low_s(struct nitro_spec *spec)
{
    spec->low_s = true;
}
static void indefinite(struct nitro_spec *spec)
{
    spec->indefinite = true;
}
static void good(struct nitro_spec *spec)
{
    (void)spec;
}

struct row {
    const char *name;
    void (*change)(struct nitro_spec *spec);
    enum check_id check;
    enum reason reason;
};

#define GOOD      CHECK_COUNT, REASON_NONE
#define UNTRUSTED CHECK_AN_5, REASON_NITRO_ROOT_UNTRUSTED
#define INVALID   CHECK_AN_6, REASON_NITRO_CHAIN_INVALID
#define UNSIGNED  CHECK_AN_6, REASON_NITRO_CHAIN_SIGNATURE_INVALID
#define FORGED    CHECK_AN_9, REASON_NITRO_SIGNATURE_INVALID

static const struct row rows[] = {
    { "good", good, GOOD },
    { "indefinite payload map", indefinite, GOOD },
    { "high s", high_s, GOOD },
    { "low s", low_s, GOOD },
    { "no key identifiers", no_key_ids, GOOD },
    { "an extension that is not critical", other_extension, GOOD },
    { "no intermediate", no_intermediate, GOOD },
    { "root not signed by itself", root_by_stranger, GOOD },
    { "another root of that name", other_root, UNTRUSTED },
    { "root on P-256", root_on_p256, UNTRUSTED },
    { "root cut", root_cut, UNTRUSTED },
    { "leaf is a CA", leaf_is_ca, INVALID },
    { "leaf without digitalSignature", leaf_without_signing, INVALID },
    { "leaf without key usage", leaf_without_key_usage, INVALID },
    { "leaf with keyCertSign", leaf_signs_certificates, INVALID },
    { "intermediate no CA", zonal_no_ca, INVALID },
    { "intermediate without basic constraints", zonal_no_constraints, INVALID },
    { "basic constraints not critical", zonal_constraints_not_critical, INVALID },
    { "intermediate without keyCertSign", zonal_no_cert_sign, INVALID },
    { "intermediate without key usage", zonal_no_key_usage, INVALID },
    { "pathLen 0 above one", regional_path_0, INVALID },
    { "pathLen of the root", root_path_1, INVALID },
    { "root no CA", root_no_ca, INVALID },
    { "version 1", version_1, INVALID },
    { "leaf version 1", leaf_version_1, INVALID },
    { "unknown critical extension", critical_extension, INVALID },
    { "name constraints", critical_name_constraints, INVALID },
    { "issuer of another name", issuer_name, INVALID },
    { "subject of another name", subject_name, INVALID },
    { "wrong authority key identifier", wrong_key_id, INVALID },
    { "leaf on P-256", leaf_on_p256, INVALID },
    { "signed on P-256", signed_by_p256, INVALID },
    { "leaf cut", leaf_cut, INVALID },
    { "intermediate cut", regional_cut, INVALID },
    { "intermediate missing", regional_missing, INVALID },
    { "leaf by a stranger", leaf_by_stranger, UNSIGNED },
    { "zonal by a stranger", zonal_by_stranger, UNSIGNED },
    { "regional by a stranger", regional_by_stranger, UNSIGNED },
    { "leaf by its grandparent", leaf_by_regional, UNSIGNED },
    { "one bit of a signature", zonal_bit, UNSIGNED },
    { "intermediate's key not on the curve", zonal_no_point, UNSIGNED },
    { "leaf's key not on the curve", leaf_no_point, FORGED },
    { "document by a stranger", document_by_stranger, FORGED },
    { "document by the intermediate", document_by_zonal, FORGED },
    { "signature of zeros", zero_signature, FORGED },
    { "another header signed", other_header_signed, FORGED },
};

static void test_chain_and_signature(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct setup setup;
        open_setup(&setup);
        rows[i].change(&setup.spec);
        enum reason reason = judge_at(&setup, MAKER_NOW);
        const struct report *report = &setup.document.report;
        enum check_id first = report_first_failure(report);
        if (reason != rows[i].reason || first != rows[i].check)
            fail_msg("%s: %s %s", rows[i].name, first < CHECK_COUNT ? check_info(first)->id : "-",
                     reason_info(reason)->name);
        /* What depends on a failed line is skipped and says why. */
        for (unsigned id = first + 1u; first < CHECK_AN_9 && id <= CHECK_AN_9; id++) {
            assert_int_equal(report->checks[id].state, CHECK_SKIP);
            assert_string_not_equal(report_text(report, report->checks[id].detail), "");
        }
        document_close(&setup.document);
    }
}

struct detail_row {
    void (*change)(struct nitro_spec *spec);
    enum check_id check;
    const char *detail;
};

/* What is no certificate is called so. */
static void test_what_is_said(void **state)
{
    (void)state;
    static const struct detail_row table[] = {
        { root_cut, CHECK_AN_5, "cabundle[0] is no certificate" },
        { leaf_cut, CHECK_AN_6, "certificate 0 above the leaf is no X.509 certificate" },
        { regional_cut, CHECK_AN_6, "certificate 2 above the leaf is no X.509 certificate" },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct setup setup;
        open_setup(&setup);
        table[i].change(&setup.spec);
        judge_at(&setup, MAKER_NOW);
        const struct report *report = &setup.document.report;
        assert_string_equal(report_text(report, report->checks[table[i].check].detail),
                            table[i].detail);
        document_close(&setup.document);
    }
}

/* A root that must be its very certificate: the same key in another one is refused. */
static void test_exact_root(void **state)
{
    (void)state;
    struct setup setup;
    open_setup(&setup);
    setup.root = maker_root_exact();
    assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NONE);
    assert_false(setup.document.claims.hardware);
    setup.spec.certs[3].serial++;
    assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NITRO_ROOT_UNTRUSTED);
    setup.root.exact = false;
    assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NONE);
    setup.root.vendor = true;
    assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NONE);
    assert_true(setup.document.claims.hardware);
    setup.roots.count = 0;
    assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NITRO_ROOT_UNTRUSTED);
    setup.document.input.roots = NULL;
    assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NITRO_ROOT_UNTRUSTED);
    setup.document.input.roots = &documents_pinned;
    assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NITRO_ROOT_UNTRUSTED);
    document_close(&setup.document);
}

/* --- dates ------------------------------------------------------------------------------- */

static void test_every_window(void **state)
{
    (void)state;
    for (size_t i = 0; i < MAKER_CERTS; i++) {
        struct setup setup;
        open_setup(&setup);
        struct window window = { MAKER_NOW - 100, MAKER_NOW + 100 };
        setup.spec.certs[i].validity = window;
        assert_int_equal(judge_at(&setup, window.from), REASON_NONE);
        assert_int_equal(judge_at(&setup, window.until), REASON_NONE);
        assert_int_equal(setup.document.claims.valid_until, window.until);
        assert_int_equal(judge_at(&setup, window.from - 1), REASON_NITRO_CERT_NOT_YET_VALID);
        assert_int_equal(judge_at(&setup, window.until + 1), REASON_NITRO_CERT_EXPIRED);
        assert_int_equal(report_first_failure(&setup.document.report), CHECK_AN_7);
        /* A date does not stop the rest: the document is judged and its claims are there. */
        assert_true(report_passed(&setup.document.report, CHECK_AN_9));
        assert_false(setup.document.claims.verified);
        assert_int_equal(setup.document.claims.nitro.timestamp_ms, (uint64_t)MAKER_NOW * 1000);
        assert_int_equal(setup.document.claims.valid_until, window.until);
        document_close(&setup.document);
    }
}

static void test_date_and_signature(void **state)
{
    (void)state;
    struct setup setup;
    open_setup(&setup);
    setup.spec.leaf_key = "stranger";
    assert_int_equal(judge_at(&setup, MAKER_NOW + 3 * MAKER_HOUR), REASON_NITRO_CERT_EXPIRED);
    assert_true(report_failed(&setup.document.report, CHECK_AN_9));
    static const int64_t times[] = { INT64_MIN, -1, 0, TIME_MAX, INT64_MAX };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_int_equal(judge_at(&setup, times[i]), times[i] > MAKER_NOW
                                                         ? REASON_NITRO_CERT_EXPIRED
                                                         : REASON_NITRO_CERT_NOT_YET_VALID);
    document_close(&setup.document);
}

/* --- claims ------------------------------------------------------------------------------ */

static void test_claims(void **state)
{
    (void)state;
    struct setup setup;
    open_setup(&setup);
    assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NONE);
    const struct claims *claims = &setup.document.claims;
    const struct nitro_claims *nitro = &claims->nitro;
    assert_true(claims->verified);
    assert_false(claims->hardware);
    assert_int_equal(claims->valid_until, MAKER_NOW + 2 * MAKER_HOUR);
    assert_span_equal(span_of(nitro->module_id, nitro->module_id_len),
                      span_text("i-0123456789abcdef0-enc0123456789abcdef"));
    assert_int_equal(nitro->leaf_not_before, MAKER_NOW - MAKER_HOUR);
    for (unsigned i = 0; i < NITRO_PCR_COUNT; i++) {
        assert_int_equal(nitro->pcrs[i].len, i < 17 ? 48 : 0);
        assert_int_equal(nitro->pcrs[i].bytes[47], i < 17 ? i + 1 : 0);
        assert_int_equal(nitro->pcrs[i].bytes[48], 0);
    }
    assert_true(nitro->public_key.present);
    assert_span_equal(span_of(nitro->public_key.bytes, nitro->public_key.len),
                      span_text("a public key"));
    assert_true(nitro->user_data.present);
    assert_int_equal(nitro->user_data.len, 0);
    assert_false(nitro->nonce.present);
    document_close(&setup.document);
}

/* --- what is remembered ------------------------------------------------------------------ */

struct cache_row {
    unsigned remembers;
    unsigned asked; /* links that are looked up, each time */
    unsigned known; /* of them, the second time */
};

/* Four verifies are left without a cache, with intermediates remembered the leaf and the
   document, with leaves remembered the document alone. */
static void test_cache(void **state)
{
    (void)state;
    static const struct cache_row table[] = {
        { 0, 0, 0 },
        { NITRO_CACHE_CA, 2, 2 },
        { NITRO_CACHE_LEAF, 1, 1 },
        { NITRO_CACHE_CA | NITRO_CACHE_LEAF, 3, 3 },
    };
    static struct nitro_cache cache;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct setup setup;
        open_setup(&setup);
        cache.links.hits = cache.links.misses = 0;
        nitro_cache_remember(&cache, table[i].remembers);
        setup.document.input.cache = &cache;
        assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NONE);
        assert_int_equal(cache.links.misses, table[i].asked);
        assert_int_equal(cache.links.hits, 0);
        assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NONE);
        assert_int_equal(cache.links.misses, table[i].asked);
        assert_int_equal(cache.links.hits, table[i].known);
        document_close(&setup.document);
    }
}

/* The cache knows signatures, not verdicts: everything else is judged anew. */
static void test_cache_keeps_no_verdict(void **state)
{
    (void)state;
    static struct nitro_cache cache;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct setup setup;
        open_setup(&setup);
        nitro_cache_remember(&cache, NITRO_CACHE_CA | NITRO_CACHE_LEAF);
        setup.document.input.cache = &cache;
        assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NONE);
        rows[i].change(&setup.spec);
        for (int again = 0; again < 2; again++)
            assert_int_equal(judge_at(&setup, MAKER_NOW), rows[i].reason);
        maker_init(&setup.spec);
        assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NONE);
        assert_int_equal(judge_at(&setup, MAKER_NOW + 3 * MAKER_HOUR), REASON_NITRO_CERT_EXPIRED);
        setup.document.input.roots = &documents_pinned;
        assert_int_equal(judge_at(&setup, MAKER_NOW), REASON_NITRO_ROOT_UNTRUSTED);
        document_close(&setup.document);
    }
}

/* --- every byte -------------------------------------------------------------------------- */

/* Every bit of a genuine document is under a signature or under the form that is demanded.  All
   that can be another way is the tag in front (test_nitro_document.c) and s for n - s in the
   last 48 bytes (above): neither is a flipped bit. */
static void test_every_bit(void **state)
{
    (void)state;
    vectors_required();
    struct document document;
    static struct nitro_cache cache;
    document_open(&document);
    nitro_cache_remember(&cache, NITRO_CACHE_CA | NITRO_CACHE_LEAF);
    document.input.cache = &cache;
    const int64_t now = 1766678659;
    struct span whole = vectors_read("attest/nitro/dstack_nitro-attestation_54ae0f.cose.bin");
    assert_int_equal(document_judge(&document, whole, now), REASON_NONE);
    uint8_t *copy = malloc(whole.len);
    assert_non_null(copy);
    memcpy(copy, whole.at, whole.len);
    /* 7 and 8 share no factor: every bit of a byte is tried; all of them with WARD_FULL. */
    size_t step = getenv("WARD_FULL") != NULL ? 1 : 7;
    for (size_t bit = 0; bit < 8 * whole.len; bit += step) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(document_judge(&document, span_of(copy, whole.len), now), REASON_NONE);
        assert_false(document.claims.verified);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(copy);
    vectors_free(&whole);
    document_close(&document);
}

static void test_genuine_prefixes(void **state)
{
    (void)state;
    vectors_required();
    struct document document;
    document_open(&document);
    struct span whole = vectors_read(
        "attest/nitro/go-nitro-attestation_sample-prod-doc_5a2eac.cose.bin");
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(document_judge(&document, span_of(whole.at, len), 1695337797),
                         REASON_NITRO_CBOR_INVALID);
    vectors_free(&whole);
    document_close(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_chain_and_signature, "AN-5 AN-6 AN-9"),
        TEST(test_what_is_said, "AN-5 AN-6"),
        TEST(test_exact_root, "AN-5"),
        TEST(test_every_window, "AN-7"),
        TEST(test_date_and_signature, "AN-7 AN-9"),
        TEST(test_claims, "AN-4"),
        TEST(test_cache, ""),
        TEST(test_cache_keeps_no_verdict, ""),
        TEST(test_every_bit, "AN-9"),
        TEST(test_genuine_prefixes, "AN-1"),
    };
    return RUN_TESTS(tests);
}
