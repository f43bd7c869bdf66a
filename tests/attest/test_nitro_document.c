/* test_nitro_document.c - the layout of Nitro documents: every refusal of AN-1 to AN-4 by a
   document of its own, properly signed otherwise, and every limit from both sides. */
#include <stdlib.h>
#include <string.h>

#include "attest/documents.h"
#include "attest/nitro_document.h"
#include "attest/nitro_maker.h"
#include "codec/cbor_write.h"
#include "test.h"

#define RAW(literal)                                                                               \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }
#define PROTECTED_ES384 "\xa1\x01\x38\x22"

static uint8_t room[MAKER_ROOM];

static void open_maker(struct document *document, struct trust_root *root,
                       struct trust_roots *roots)
{
    document_open(document);
    *root = maker_root();
    *roots = (struct trust_roots){ root, 1 };
    document->input.roots = roots;
}

/* --- AN-1 to AN-3 ------------------------------------------------------------------------ */

struct cose_row {
    const char *name;
    struct span tag;
    uint64_t items;
    struct span protected_item, unprotected_item, payload_item, signature_item, trailing;
    enum check_id check;
    enum reason reason;
    const char *detail; /* what the failure says; NULL: not looked at */
};

#define AN1 .check = CHECK_AN_1, .reason = REASON_NITRO_CBOR_INVALID
#define AN2 .check = CHECK_AN_2, .reason = REASON_NITRO_COSE_HEADER
#define ALG .check = CHECK_AN_2, .reason = REASON_NITRO_ALG_UNSUPPORTED
#define AN3 .check = CHECK_AN_3, .reason = REASON_NITRO_SIGNATURE_FORMAT

static const struct cose_row cose_rows[] = {
    { "good", .check = CHECK_COUNT },
    { "tag 18", .tag = RAW("\xd2"), .check = CHECK_COUNT },
    { "tag 17", .tag = RAW("\xd1"), AN1 },
    { "tag 18 twice", .tag = RAW("\xd2\xd2"), AN1 },
    { "tag 18, long form", .tag = RAW("\xd8\x12"), AN1 },
    { "self-described CBOR", .tag = RAW("\xd9\xd9\xf7"), AN1 },
    { "array of 3", .items = 3, AN1 },
    { "array of 5", .items = 5, AN1 },
    { "array of 2^63", .items = UINT64_C(1) << 63, AN1 },
    { "trailing byte", .trailing = RAW("\x00"), AN1 },
    { "five items in an array of 4", .trailing = RAW("\x40"), AN1 },
    { "payload of 2^63 bytes", .payload_item = RAW("\x5b\x80\0\0\0\0\0\0\0"), AN1 },
    { "payload of indefinite length", .payload_item = RAW("\x5f\x41\xa0\xff"), AN1 },
    { "payload with a long length", .payload_item = RAW("\x58\x01\xa0"), AN1 },
    { "payload empty", .payload_item = RAW("\x40"), AN1 },
    { "payload no map", .payload_item = RAW("\x41\x80"), AN1 },
    { "payload two items", .payload_item = RAW("\x42\xa0\xa0"), AN1 },
    { "payload cut", .payload_item = RAW("\x43\xa1\x61\x61"), AN1 },
    { "a key twice", .payload_item = RAW("\x47\xa2\x61\x61\x01\x61\x61\x02"), AN1 },
    { "a key twice, indefinite", .payload_item = RAW("\x48\xbf\x61\x61\x01\x61\x61\x02\xff"), AN1 },
    { "break missing", .payload_item = RAW("\x44\xbf\x61\x61\x01"), AN1 },
    { "reserved head", .payload_item = RAW("\x44\xa1\x61\x61\x1c"), AN1 },
    { "nested 5 deep", .payload_item = RAW("\x48\xa1\x61\x61\x81\x81\x81\x81\x00"), AN1 },
    { "text that is no UTF-8", .payload_item = RAW("\x44\xa1\x61\xff\x01"), AN1 },
    { "protected no bytes", .protected_item = RAW("\xa1\x01\x38\x22"), AN2,
      .detail = "the protected header is no byte string" },
    { "protected empty", .protected_item = RAW("\x40"), AN2 },
    { "protected no map", .protected_item = RAW("\x42\x81\x01"), AN2 },
    { "protected trailing", .protected_item = RAW("\x45" PROTECTED_ES384 "\x00"), AN2 },
    { "protected cut", .protected_item = RAW("\x43\xa1\x01\x38"), AN2 },
    { "protected indefinite", .protected_item = RAW("\x45\xbf\x01\x38\x22\xff"), AN2 },
    { "alg twice", .protected_item = RAW("\x47\xa2\x01\x38\x22\x01\x38\x22"), AN2 },
    { "alg in long form", .protected_item = RAW("\x45\xa1\x01\x39\x00\x22"), AN2 },
    { "crit after alg", .protected_item = RAW("\x47\xa2\x01\x38\x22\x02\x81\x01"), AN2 },
    { "crit alone", .protected_item = RAW("\x44\xa1\x02\x81\x01"), AN2 },
    { "content type", .protected_item = RAW("\x46\xa2\x01\x38\x22\x03\x00"), AN2 },
    { "a text key", .protected_item = RAW("\x44\xa1\x61\x61\x01"), AN2 },
    { "no alg", .protected_item = RAW("\x41\xa0"), ALG },
    { "ES256", .protected_item = RAW("\x43\xa1\x01\x26"), ALG },
    { "ES512", .protected_item = RAW("\x44\xa1\x01\x38\x23"), ALG },
    { "alg 35", .protected_item = RAW("\x44\xa1\x01\x18\x23"), ALG },
    { "alg as text",
      .protected_item = RAW("\x48\xa1\x01\x65"
                            "ES384"),
      ALG },
    { "unprotected not empty", .unprotected_item = RAW("\xa1\x04\x41\x00"), AN2 },
    { "unprotected nil", .unprotected_item = RAW("\xf6"), AN2 },
    { "unprotected an array", .unprotected_item = RAW("\x80"), AN2 },
    { "unprotected indefinite", .unprotected_item = RAW("\xbf\xff"), AN2 },
    { "unprotected bytes", .unprotected_item = RAW("\x41\xa0"), AN2 },
    { "payload nil", .payload_item = RAW("\xf6"), AN3 },
    { "payload text", .payload_item = RAW("\x61\x61"), AN3 },
    { "signature nil", .signature_item = RAW("\xf6"), AN3,
      .detail = "the signature is no byte string" },
    { "signature empty", .signature_item = RAW("\x40"), AN3 },
    { "signature an array", .signature_item = RAW("\x81\x40"), AN3 },
};

static void test_cose(void **state)
{
    (void)state;
    struct document document;
    struct trust_root root;
    struct trust_roots roots;
    open_maker(&document, &root, &roots);
    for (size_t i = 0; i < sizeof cose_rows / sizeof cose_rows[0]; i++) {
        const struct cose_row *row = &cose_rows[i];
        struct nitro_spec spec;
        maker_init(&spec);
        spec.tag = row->tag;
        spec.items = row->items;
        spec.protected_item = row->protected_item;
        spec.unprotected_item = row->unprotected_item;
        spec.payload_item = row->payload_item;
        spec.signature_item = row->signature_item;
        spec.trailing = row->trailing;
        enum reason reason = document_judge(&document, maker_document(&spec, room), MAKER_NOW);
        enum check_id first = report_first_failure(&document.report);
        if (reason != row->reason || first != row->check)
            fail_msg("%s: %s %s", row->name, first < CHECK_COUNT ? check_info(first)->id : "-",
                     reason_info(reason)->name);
        if (row->detail != NULL)
            assert_string_equal(report_text(&document.report, document.report.checks[first].detail),
                                row->detail);
    }
    document_close(&document);
}

static void test_signature_lengths(void **state)
{
    (void)state;
    static const size_t lengths[] = { 64, 95, 97, 102, 104, 192 };
    struct document document;
    struct trust_root root;
    struct trust_roots roots;
    open_maker(&document, &root, &roots);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t item[256], bytes[192];
        struct sink out = sink_over(item, sizeof item);
        struct nitro_spec spec;
        maker_init(&spec);
        memset(bytes, 0x30, sizeof bytes);
        cbor_put_bytes(&out, span_of(bytes, lengths[i]));
        spec.signature_item = sink_bytes(&out);
        assert_int_equal(document_judge(&document, maker_document(&spec, room), MAKER_NOW),
                         REASON_NITRO_SIGNATURE_FORMAT);
        assert_int_equal(report_first_failure(&document.report), CHECK_AN_3);
    }
    document_close(&document);
}

/* A field that AWS might add one day, as long as it takes to make the payload `len` bytes. */
static struct span document_with_payload(size_t len)
{
    static uint8_t filler[NITRO_DOCUMENT_MAX + 64];
    struct report report = { 0 };
    struct nitro_document parsed;
    struct nitro_spec spec;
    struct sink out = sink_over(filler, sizeof filler);
    maker_init(&spec);
    struct span whole = maker_document(&spec, room);
    assert_true(nitro_document_parse(whole, 0, &report, &parsed));
    /* "x", the head of the bytes, the bytes. */
    size_t zeros = len - parsed.payload.len - 2 - (len > 0xffff ? 5 : 3);
    static const uint8_t zero[NITRO_DOCUMENT_MAX];
    assert_true(zeros <= sizeof zero);
    cbor_put_bytes(&out, span_of(zero, zeros));
    spec.extra[0] = (struct payload_field){ "x", sink_bytes(&out) };
    return maker_document(&spec, room);
}

static void test_size_limits(void **state)
{
    (void)state;
    struct document document;
    struct trust_root root;
    struct trust_roots roots;
    open_maker(&document, &root, &roots);
    struct span good = document_with_payload(NITRO_PAYLOAD_MAX);
    assert_int_equal(document_judge(&document, good, MAKER_NOW), REASON_NONE);
    struct span large = document_with_payload(NITRO_PAYLOAD_MAX + 1);
    assert_int_equal(document_judge(&document, large, MAKER_NOW), REASON_NITRO_SIGNATURE_FORMAT);
    assert_int_equal(report_first_failure(&document.report), CHECK_AN_3);
    /* 4 bytes of the protected item and one of each head more or less. */
    size_t around = large.len - (NITRO_PAYLOAD_MAX + 1);
    struct span most = document_with_payload(NITRO_DOCUMENT_MAX - around);
    assert_int_equal(most.len, NITRO_DOCUMENT_MAX);
    assert_int_equal(document_judge(&document, most, MAKER_NOW), REASON_NITRO_SIGNATURE_FORMAT);
    struct span more = document_with_payload(NITRO_DOCUMENT_MAX - around + 1);
    assert_int_equal(document_judge(&document, more, MAKER_NOW), REASON_NITRO_CBOR_INVALID);
    document_close(&document);
}

/* --- AN-4 -------------------------------------------------------------------------------- */

struct field_row {
    const char *name;
    const char *field;
    struct span value; /* empty: the field is left out */
    enum reason reason;
};

#define MISSING .reason = REASON_NITRO_FIELD_MISSING
#define INVALID .reason = REASON_NITRO_FIELD_INVALID
#define PCR48                                                                                      \
    "\x58\x30"                                                                                     \
    "0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct field_row field_rows[] = {
    { "no module_id", "module_id", MISSING },
    { "no digest", "digest", MISSING },
    { "no timestamp", "timestamp", MISSING },
    { "no pcrs", "pcrs", MISSING },
    { "no certificate", "certificate", MISSING },
    { "no cabundle", "cabundle", MISSING },
    { "no public_key", "public_key", .reason = REASON_NONE },
    { "no user_data", "user_data", .reason = REASON_NONE },
    { "no nonce", "nonce", .reason = REASON_NONE },
    { "module_id nil", "module_id", RAW("\xf6"), INVALID },
    { "module_id empty", "module_id", RAW("\x60"), INVALID },
    { "module_id bytes", "module_id", RAW("\x41i"), INVALID },
    { "module_id 1", "module_id", RAW("\x61i"), .reason = REASON_NONE },
    { "digest SHA256", "digest",
      RAW("\x66"
          "SHA256"),
      INVALID },
    { "digest sha384", "digest",
      RAW("\x66"
          "sha384"),
      INVALID },
    { "digest longer", "digest",
      RAW("\x67"
          "SHA384x"),
      INVALID },
    { "digest bytes", "digest",
      RAW("\x46"
          "SHA384"),
      INVALID },
    { "timestamp 0", "timestamp", RAW("\x00"), INVALID },
    { "timestamp 1", "timestamp", RAW("\x01"), .reason = REASON_NONE },
    { "timestamp -1", "timestamp", RAW("\x20"), INVALID },
    { "timestamp text", "timestamp",
      RAW("\x61"
          "1"),
      INVALID },
    { "timestamp float", "timestamp", RAW("\xfb\x42\x78\0\0\0\0\0\0"), INVALID },
    { "pcrs empty", "pcrs", RAW("\xa0"), INVALID },
    { "pcrs an array", "pcrs", RAW("\x81\x00"), INVALID },
    { "pcrs nil", "pcrs", RAW("\xf6"), INVALID },
    { "pcrs indefinite", "pcrs", RAW("\xbf\x00" PCR48 "\xff"), INVALID },
    { "pcrs one", "pcrs", RAW("\xa1\x18\x1f" PCR48), .reason = REASON_NONE },
    { "pcr 32", "pcrs", RAW("\xa1\x18\x20" PCR48), INVALID },
    { "pcr -1", "pcrs", RAW("\xa1\x20" PCR48), INVALID },
    { "pcr as text", "pcrs",
      RAW("\xa1\x61"
          "0" PCR48),
      INVALID },
    { "pcr twice", "pcrs", RAW("\xa2\x00" PCR48 "\x00" PCR48), INVALID },
    { "pcr empty", "pcrs", RAW("\xa1\x00\x40"), INVALID },
    { "pcr of 32 bytes under SHA384", "pcrs",
      RAW("\xa1\x00\x58\x20"
          "0123456789abcdef0123456789abcdef"),
      INVALID },
    { "pcr of 49 bytes", "pcrs",
      RAW("\xa1\x00\x58\x31"
          "0123456789abcdef0123456789abcdef0123456789abcdefx"),
      INVALID },
    { "pcr text", "pcrs",
      RAW("\xa1\x01\x78\x30"
          "0123456789abcdef0123456789abcdef0123456789abcdef"),
      INVALID },
    { "certificate empty", "certificate", RAW("\x40"), INVALID },
    { "certificate nil", "certificate", RAW("\xf6"), INVALID },
    { "certificate an array", "certificate", RAW("\x81\x41\x30"), INVALID },
    { "cabundle empty", "cabundle", RAW("\x80"), INVALID },
    { "cabundle bytes", "cabundle", RAW("\x41\x30"), INVALID },
    { "cabundle nil", "cabundle", RAW("\xf6"), INVALID },
    { "cabundle of an empty one", "cabundle", RAW("\x81\x40"), INVALID },
    { "cabundle of text", "cabundle",
      RAW("\x81\x61"
          "0"),
      INVALID },
    { "cabundle of 9", "cabundle",
      RAW("\x89\x41"
          "0\x41"
          "0\x41"
          "0\x41"
          "0\x41"
          "0\x41"
          "0\x41"
          "0\x41"
          "0\x41"
          "0"),
      INVALID },
    { "cabundle indefinite", "cabundle",
      RAW("\x9f\x41"
          "0\xff"),
      INVALID },
    { "public_key nil", "public_key", RAW("\xf6"), .reason = REASON_NONE },
    { "public_key empty", "public_key", RAW("\x40"), INVALID },
    { "public_key text", "public_key",
      RAW("\x61"
          "k"),
      INVALID },
    { "public_key undefined", "public_key", RAW("\xf7"), INVALID },
    { "user_data false", "user_data", RAW("\xf4"), INVALID },
    { "nonce a number", "nonce", RAW("\x01"), INVALID },
};

static void test_fields(void **state)
{
    (void)state;
    struct document document;
    struct trust_root root;
    struct trust_roots roots;
    open_maker(&document, &root, &roots);
    for (size_t i = 0; i < sizeof field_rows / sizeof field_rows[0]; i++) {
        const struct field_row *row = &field_rows[i];
        struct nitro_spec spec;
        maker_init(&spec);
        spec.indefinite = i % 2 != 0;
        spec.replace = (struct payload_field){ row->field, row->value };
        enum reason reason = document_judge(&document, maker_document(&spec, room), MAKER_NOW);
        if (reason != row->reason)
            fail_msg("%s: %s", row->name, reason_info(reason)->name);
        if (reason == REASON_NONE)
            continue;
        const struct check *check = &document.report.checks[CHECK_AN_4];
        assert_int_equal(report_first_failure(&document.report), CHECK_AN_4);
        assert_string_equal(report_text(&document.report, check->detail), row->field);
    }
    document_close(&document);
}

struct length_row {
    const char *field;
    bool text;
    size_t len;
    size_t user_data_max;
    bool good;
};

static const struct length_row length_rows[] = {
    { "module_id", true, NITRO_MODULE_ID_MAX, 0, true },
    { "module_id", true, NITRO_MODULE_ID_MAX + 1, 0, false },
    { "public_key", false, 1024, 512, true },
    { "public_key", false, 1025, 0, false },
    { "user_data", false, 1024, 0, true },
    { "user_data", false, 1025, 0, false },
    { "user_data", false, 512, 512, true },
    { "user_data", false, 513, 512, false },
    { "nonce", false, 1024, 0, true },
    { "nonce", false, 1025, 0, false },
    { "nonce", false, 512, 512, true },
    { "nonce", false, 513, 512, false },
    { "nonce", false, 1025, 2048, false },
};

static void test_field_lengths(void **state)
{
    (void)state;
    struct document document;
    struct trust_root root;
    struct trust_roots roots;
    open_maker(&document, &root, &roots);
    for (size_t i = 0; i < sizeof length_rows / sizeof length_rows[0]; i++) {
        const struct length_row *row = &length_rows[i];
        uint8_t item[1200], bytes[1100];
        struct sink out = sink_over(item, sizeof item);
        struct nitro_spec spec;
        maker_init(&spec);
        memset(bytes, 'a', sizeof bytes);
        if (row->text)
            cbor_put_text_span(&out, span_of(bytes, row->len));
        else
            cbor_put_bytes(&out, span_of(bytes, row->len));
        spec.replace = (struct payload_field){ row->field, sink_bytes(&out) };
        document.input.user_data_max = row->user_data_max;
        enum reason reason = document_judge(&document, maker_document(&spec, room), MAKER_NOW);
        if (reason != (row->good ? REASON_NONE : REASON_NITRO_FIELD_INVALID))
            fail_msg("%s of %zu: %s", row->field, row->len, reason_info(reason)->name);
    }
    document_close(&document);
}

/* Certificates of 1024 bytes are read (and are none); of 1025 they are not. */
static void test_certificate_lengths(void **state)
{
    (void)state;
    struct document document;
    struct trust_root root;
    struct trust_roots roots;
    open_maker(&document, &root, &roots);
    for (size_t len = 1024; len <= 1025; len++)
        for (int bundle = 0; bundle < 2; bundle++) {
            uint8_t item[1200], bytes[1025] = { 0x30 };
            struct sink out = sink_over(item, sizeof item);
            struct nitro_spec spec;
            maker_init(&spec);
            if (bundle)
                cbor_put_array(&out, 1);
            cbor_put_bytes(&out, span_of(bytes, len));
            spec.replace = (struct payload_field){ bundle ? "cabundle" : "certificate",
                                                   sink_bytes(&out) };
            enum reason reason = document_judge(&document, maker_document(&spec, room), MAKER_NOW);
            enum reason read = bundle ? REASON_NITRO_ROOT_UNTRUSTED : REASON_NITRO_CHAIN_INVALID;
            assert_int_equal(reason, len == 1024 ? read : REASON_NITRO_FIELD_INVALID);
        }
    document_close(&document);
}

/* A bundle of the most certificates is read (and leads nowhere); of one more it is not. */
static void test_bundle_length(void **state)
{
    (void)state;
    struct document document;
    struct trust_root root;
    struct trust_roots roots;
    open_maker(&document, &root, &roots);
    for (size_t count = NITRO_BUNDLE_MAX; count <= NITRO_BUNDLE_MAX + 1; count++) {
        uint8_t item[64];
        struct sink out = sink_over(item, sizeof item);
        struct nitro_spec spec;
        maker_init(&spec);
        cbor_put_array(&out, count);
        for (size_t i = 0; i < count; i++)
            cbor_put_bytes(&out, span_text("0"));
        spec.replace = (struct payload_field){ "cabundle", sink_bytes(&out) };
        assert_int_equal(document_judge(&document, maker_document(&spec, room), MAKER_NOW),
                         count == NITRO_BUNDLE_MAX ? REASON_NITRO_ROOT_UNTRUSTED
                                                   : REASON_NITRO_FIELD_INVALID);
    }
    document_close(&document);
}

static void test_other_keys(void **state)
{
    (void)state;
    struct document document;
    struct trust_root root;
    struct trust_roots roots;
    struct nitro_spec spec;
    open_maker(&document, &root, &roots);
    maker_init(&spec);
    spec.extra[0] = (struct payload_field){ "a field of tomorrow", RAW("\x82\x01\xa1\x01\x02") };
    assert_int_equal(document_judge(&document, maker_document(&spec, room), MAKER_NOW),
                     REASON_NONE);
    /* As deep as may be, and one deeper; the payload's own map counts. */
    maker_init(&spec);
    spec.extra[0] = (struct payload_field){ "deep", RAW("\x81\x81\x81\x01") };
    assert_int_equal(document_judge(&document, maker_document(&spec, room), MAKER_NOW),
                     REASON_NONE);
    spec.extra[0] = (struct payload_field){ "deep", RAW("\x81\x81\x81\x81\x01") };
    assert_int_equal(document_judge(&document, maker_document(&spec, room), MAKER_NOW),
                     REASON_NITRO_CBOR_INVALID);
    /* A key that is no text: the payload is {1: 2}. */
    maker_init(&spec);
    spec.payload_item = (struct span)RAW("\x43\xa1\x01\x02");
    assert_int_equal(document_judge(&document, maker_document(&spec, room), MAKER_NOW),
                     REASON_NITRO_FIELD_INVALID);
    /* A tag has no place inside. */
    maker_init(&spec);
    spec.replace = (struct payload_field){ "timestamp", RAW("\xc1\x01") };
    assert_int_equal(document_judge(&document, maker_document(&spec, room), MAKER_NOW),
                     REASON_NITRO_CBOR_INVALID);
    /* A field of ours twice. */
    maker_init(&spec);
    spec.extra[0] = (struct payload_field){ "nonce", RAW("\xf6") };
    assert_int_equal(document_judge(&document, maker_document(&spec, room), MAKER_NOW),
                     REASON_NITRO_CBOR_INVALID);
    document_close(&document);
}

static void test_every_prefix(void **state)
{
    (void)state;
    struct document document;
    struct trust_root root;
    struct trust_roots roots;
    struct nitro_spec spec;
    open_maker(&document, &root, &roots);
    maker_init(&spec);
    struct span whole = maker_document(&spec, room);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(document_judge(&document, span_of(whole.at, len), MAKER_NOW),
                         REASON_NITRO_CBOR_INVALID);
    document_close(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cose, "AN-1 AN-2 AN-3"),   TEST(test_signature_lengths, "AN-3"),
        TEST(test_size_limits, "AN-1 AN-3"), TEST(test_fields, "AN-4"),
        TEST(test_field_lengths, "AN-4"),    TEST(test_certificate_lengths, "AN-4"),
        TEST(test_bundle_length, ""),        TEST(test_other_keys, "AN-1 AN-4"),
        TEST(test_every_prefix, "AN-1"),
    };
    return RUN_TESTS(tests);
}
