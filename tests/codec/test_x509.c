/* test_x509.c - one good certificate, and every part of it spoiled in turn. */
#include "codec/x509.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "codec/der_write.h"
#include "codec/hex.h"
#include "pki.h"
#include "test.h"

enum { CERT_MAX = 16384 };

#define CA           "300f0603551d130101ff040530030101ff"
#define USAGE        "300e0603551d0f0101ff040403020106"
#define SHA256_ALG   "300a06082a8648ce3d040302"
#define SHA384_ALG   "300a06082a8648ce3d040303"
#define RSA_ALG      "300d06092a864886f70d01010b0500"
#define X8           "0102030405060708"
#define X32          X8 X8 X8 X8
#define X48          X32 X8 X8
#define EC_P256      "06072a8648ce3d020106082a8648ce3d030107"
#define EC_P384      "06072a8648ce3d020106052b81040022"
#define ONE_NAME(cn) "300c310a30080603550403" cn

static bool build_and_parse(const struct pki_recipe *recipe, struct x509_cert *cert)
{
    static uint8_t bytes[CERT_MAX];
    struct sink out = sink_over(bytes, sizeof bytes);
    pki_build_certificate(&out, recipe);
    /* A copy of that very length, so that a sanitizer sees an overread; it lives until the
       next call, as the spans of *cert do. */
    static uint8_t *copy;
    free(copy);
    copy = malloc(out.len);
    assert_non_null(copy);
    memcpy(copy, bytes, out.len);
    return x509_parse(span_of(copy, out.len), cert);
}

static void test_fields(void **state)
{
    (void)state;
    struct pki_recipe recipe = { { NULL } };
    struct x509_cert cert;
    assert_true(build_and_parse(&recipe, &cert));
    assert_true(x509_is_sound(&cert));
    assert_int_equal(cert.version, 3);
    assert_span_equal(cert.serial, span_of("\x01\x05", 2));
    assert_span_equal(cert.common_name, span_text("B"));
    assert_int_equal(cert.issuer.len, 14);
    assert_true(cert.validity.from == INT64_C(1577836800));
    assert_true(cert.validity.until == INT64_C(1893456000));
    assert_int_equal(cert.key, X509_KEY_P256);
    assert_int_equal(cert.algorithm, X509_ECDSA_SHA256);
    uint8_t want[64] = { [31] = 1, [63] = 2 };
    assert_span_equal(span_of(cert.signature, 64), SPAN(want));
    assert_true(cert.has_basic_constraints && cert.basic_constraints_critical && cert.is_ca);
    assert_int_equal(cert.path_len, -1);
    assert_true(cert.has_key_usage);
    assert_int_equal(cert.key_usage, KEY_USAGE_CERT_SIGN | KEY_USAGE_CRL_SIGN);
    assert_false(cert.unknown_critical);
    assert_int_equal(cert.ski.len + cert.aki.len, 0);
    struct span value;
    assert_true(x509_extension(&cert, span_of("\x55\x1d\x0f", 3), &value));
    assert_span_equal(value, span_of("\x03\x02\x01\x06", 4));
    assert_false(x509_extension(&cert, span_of("\x55\x1d\x0e", 3), &value));
    assert_false(x509_extension(&cert, span_of("\x55\x1d", 2), &value));
}

struct row {
    const char *name;
    enum pki_part part;
    const char *hex;
    bool good;
};

static const struct row rows[] = {
    { "version 1 with extensions", PKI_VERSION, "", false },
    { "version 1 written", PKI_VERSION, "a003020100", false },
    { "version 2", PKI_VERSION, "a003020101", false },
    { "version 4", PKI_VERSION, "a003020103", false },
    { "version padded", PKI_VERSION, "a00402020002", false },
    { "version negative", PKI_VERSION, "a0030201fe", false },
    { "version not wrapped", PKI_VERSION, "020102", false },
    { "version and more", PKI_VERSION, "a006020102020102", false },
    { "version primitive", PKI_VERSION, "8003020102", false },
    { "serial 1", PKI_SERIAL, "020101", true },
    { "serial top bit", PKI_SERIAL, "02020080", true },
    { "serial of 20", PKI_SERIAL, "021401" X8 X8 "010203", true },
    { "serial of 20, top bit", PKI_SERIAL, "021500ff" X8 X8 "010203", true },
    { "serial of 21", PKI_SERIAL, "021501" X8 X8 "01020304", false },
    { "serial of 21, top bit", PKI_SERIAL, "021600ff" X8 X8 "01020304", false },
    { "serial 0", PKI_SERIAL, "020100", false },
    { "serial negative", PKI_SERIAL, "020181", false },
    { "serial padded", PKI_SERIAL, "02020001", false },
    { "serial empty", PKI_SERIAL, "0200", false },
    { "serial an octet string", PKI_SERIAL, "040101", false },
    { "serial missing", PKI_SERIAL, "", false },
    { "inner algorithm other", PKI_INNER_ALGORITHM, SHA384_ALG, false },
    { "inner algorithm with NULL", PKI_INNER_ALGORITHM, "300c06082a8648ce3d0403020500", false },
    { "inner algorithm missing", PKI_INNER_ALGORITHM, "", false },
    { "inner algorithm RSA", PKI_INNER_ALGORITHM, RSA_ALG, false },
    { "outer algorithm other", PKI_OUTER_ALGORITHM, SHA384_ALG, false },
    { "outer algorithm with NULL", PKI_OUTER_ALGORITHM, "300c06082a8648ce3d0403020500", false },
    { "outer algorithm without name", PKI_OUTER_ALGORITHM, "3000", false },
    { "outer algorithm, two parameters", PKI_OUTER_ALGORITHM, "300f06092a864886f70d01010b05000500",
      false },
    { "issuer empty", PKI_ISSUER, "3000", false },
    { "issuer with an empty set", PKI_ISSUER, "30023100", false },
    { "issuer a set", PKI_ISSUER, "310c310a300806035504030c0141", false },
    { "issuer without value", PKI_ISSUER, "300931073005060355040 3", false },
    { "issuer with more in a pair", PKI_ISSUER, "300e310c300a06035504030c01410500", false },
    { "issuer, two pairs in a set", PKI_ISSUER, "30163114300806035504030c0141300806035504040c0141",
      true },
    { "issuer, value an octet string", PKI_ISSUER, "300c310a30080603550403040141", false },
    { "issuer, value an integer", PKI_ISSUER, "300c310a30080603550403020141", false },
    { "issuer, broken UTF-8", PKI_ISSUER, "300c310a300806035504030c01c3", false },
    { "issuer, half a wide character", PKI_ISSUER, "300c310a300806035504031e0141", false },
    { "issuer, wide characters", PKI_ISSUER, "300d310b300906035504031e020141", true },
    { "issuer, half a surrogate pair", PKI_ISSUER, "300d310b300906035504031e02d801", false },
    { "issuer, a pair of surrogates", PKI_ISSUER, "300f310d300b06035504031e04d83dde00", false },
    { "issuer, a universal character", PKI_ISSUER, "300f310d300b06035504031c040010ffff", true },
    { "issuer, a universal surrogate", PKI_ISSUER, "300f310d300b06035504031c040000dfff", false },
    { "issuer, past the last character", PKI_ISSUER, "300f310d300b06035504031c0400110000", false },
    { "issuer, part of a universal one", PKI_ISSUER, "300d310b300906035504031c020041", false },
    { "subject empty", PKI_SUBJECT, "3000", true },
    { "subject, oid padded", PKI_SUBJECT, "300d310b30090604558004030c0141", false },
    { "validity, general before 2050", PKI_VALIDITY,
      "3020180f32303230303130313030303030305a170d3330303130313030303030305a", false },
    { "validity, general", PKI_VALIDITY,
      "3020170d3230303130313030303030305a180f39393939313233313233353935395a", true },
    { "validity without seconds", PKI_VALIDITY,
      "301c170b323030313031303030305a170d3330303130313030303030305a", false },
    { "validity, one time", PKI_VALIDITY, "300f170d3230303130313030303030305a", false },
    { "validity, three times", PKI_VALIDITY,
      "302d170d3230303130313030303030305a170d3330303130313030303030305a"
      "170d3330303130313030303030305a",
      false },
    { "validity, backwards", PKI_VALIDITY,
      "301e170d3330303130313030303030305a170d3230303130313030303030305a", true },
    { "key P-384", PKI_KEY, "30763010" EC_P384 "036200 04" X48 X48, true },
    { "key RSA", PKI_KEY, "3016300d06092a864886f70d010101050003050030020500", true },
    { "key without algorithm", PKI_KEY, "30053000030100", false },
    { "key with unused bits", PKI_KEY, "30193013" EC_P256 "0302 0104", false },
    { "key bits missing", PKI_KEY, "30153013" EC_P256, false },
    { "key and more", PKI_KEY,
      "301b3013" EC_P256 "03020004"
      "0500",
      false },
    { "key, two parameters", PKI_KEY,
      "301b3015" EC_P256 "0500"
      "03020004",
      false },
    { "unique ids", PKI_UNIQUE_IDS, "810200aa820200aa", true },
    { "unique ids, subject first", PKI_UNIQUE_IDS, "820200aa810200aa", false },
    { "unique id, empty", PKI_UNIQUE_IDS, "8100", false },
    { "unique id, 8 unused bits", PKI_UNIQUE_IDS, "810208aa", false },
    { "unique id, unused bits set", PKI_UNIQUE_IDS, "820201ab", false },
    { "unique id, unused bits of nothing", PKI_UNIQUE_IDS, "820101", false },
    { "unique id, of no bits", PKI_UNIQUE_IDS, "810100", true },
    { "unique id, 1 unused bit", PKI_UNIQUE_IDS, "810201aa", true },
    { "unique id, constructed", PKI_UNIQUE_IDS, "a10403020 0aa", false },
    { "no extensions", PKI_EXTENSIONS, "", true },
    { "extension twice", PKI_EXTENSIONS, USAGE CA USAGE, false },
    { "unknown extension twice", PKI_EXTENSIONS, "300706032a03040400" CA "300706032a03040400",
      false },
    { "critical FALSE written", PKI_EXTENSIONS,
      "300a06032a0304010100"
      "0400",
      false },
    { "critical 01", PKI_EXTENSIONS,
      "300a06032a0304010101"
      "0400",
      false },
    { "critical twice", PKI_EXTENSIONS,
      "300d06032a03040101ff0101ff"
      "0400",
      false },
    { "extension without value", PKI_EXTENSIONS, "300506032a0304", false },
    { "extension and more", PKI_EXTENSIONS, "300906032a030404000500", false },
    { "extension without name", PKI_EXTENSIONS, "30020400", false },
    { "constraints empty", PKI_EXTENSIONS, "30090603551d1304023000", true },
    { "constraints of length 0", PKI_EXTENSIONS, "300f0603551d13040830060101ff020100", true },
    { "constraints, FALSE written", PKI_EXTENSIONS, "300c0603551d1304053003010100", false },
    { "constraints, length without CA", PKI_EXTENSIONS, "300c0603551d1304053003020100", false },
    { "constraints, length negative", PKI_EXTENSIONS, "300f0603551d13040830060101ff0201ff", false },
    { "constraints, length padded", PKI_EXTENSIONS, "30100603551d13040930070101ff02020001", false },
    { "constraints, length of 2^31", PKI_EXTENSIONS, "30130603551d13040c300a0101ff02050080000000",
      false },
    { "constraints, length of 2^64", PKI_EXTENSIONS,
      "30170603551d130410300e0101ff0209010000000000000000", false },
    { "constraints, order", PKI_EXTENSIONS, "300f0603551d13040830060201000101ff", false },
    { "constraints and more", PKI_EXTENSIONS, "30110603551d13040a30060101ff0201000500", false },
    { "constraints, more inside", PKI_EXTENSIONS, "30110603551d13040a30080101ff0201000500", false },
    { "constraints of nothing", PKI_EXTENSIONS, "30070603551d130400", false },
    { "usage of no bits", PKI_EXTENSIONS, "300a0603551d0f0403030100", false },
    { "usage with a trailing zero", PKI_EXTENSIONS, "300b0603551d0f040403020080", false },
    { "usage with an unused bit", PKI_EXTENSIONS, "300b0603551d0f040403020781", false },
    { "usage, decipherOnly", PKI_EXTENSIONS, "300c0603551d0f04050303070080", true },
    { "usage and more", PKI_EXTENSIONS, "300d0603551d0f0406030207800500", false },
    { "subject key id", PKI_EXTENSIONS, "300a0603551d0e04030401aa", true },
    { "subject key id, empty", PKI_EXTENSIONS, "30090603551d0e04020400", false },
    { "subject key id, bare", PKI_EXTENSIONS, "30080603551d0e0401aa", false },
    { "authority key id", PKI_EXTENSIONS, "300c0603551d2304053003 8001aa", true },
    { "authority key id, nothing in it", PKI_EXTENSIONS, "30090603551d2304023000", true },
    { "authority key id, issuer and serial", PKI_EXTENSIONS,
      "30140603551d23040d300b 8001aa a103860161 820101", true },
    { "authority key id, issuer a directory name", PKI_EXTENSIONS,
      "30210603551d23041a3018 8001aa a110a40e300c310a300806035504030c0141 820101", true },
    { "authority key id, issuer a broken name", PKI_EXTENSIONS,
      "30210603551d23041a3018 8001aa a110a40e300c310a300806035504030c01c3 820101", false },
    { "authority key id, issuer of no names", PKI_EXTENSIONS,
      "30110603551d23040a3008 8001aaa1008201 01", false },
    { "authority key id, issuer a string", PKI_EXTENSIONS,
      "30140603551d23040d300b 8001aa a1030c0161 820101", false },
    { "authority key id, issuer cut", PKI_EXTENSIONS,
      "30140603551d23040d300b 8001aa a103860261 820101", false },
    { "authority key id, serial empty", PKI_EXTENSIONS,
      "30130603551d23040c300a 8001aa a103860161 8200", false },
    { "authority key id, serial padded", PKI_EXTENSIONS,
      "30150603551d23040e300c 8001aa a103860161 82020001", false },
    { "authority key id, serial alone", PKI_EXTENSIONS, "300c0603551d2304053003820101", false },
    { "authority key id, empty", PKI_EXTENSIONS, "300b0603551d23040430028000", false },
    { "authority key id, constructed", PKI_EXTENSIONS, "300e0603551d2304073005a003040101", false },
    { "something behind the extensions", PKI_TBS_END, "0500", false },
    { "extensions twice", PKI_TBS_END, "a3133011" CA, false },
    { "signature with unused bits", PKI_SIGNATURE, "0309013006020101020102", false },
    { "signature empty", PKI_SIGNATURE, "030100", false },
    { "signature r negative", PKI_SIGNATURE, "0309003006020181020102", false },
    { "signature r padded", PKI_SIGNATURE, "030a00300702020001020102", false },
    { "signature r of no octets", PKI_SIGNATURE, "03080030050200020102", false },
    { "signature of 66 octets", PKI_SIGNATURE, "034a00304702420 1" X32 X32 "01020101", true },
    { "signature of 67 octets", PKI_SIGNATURE, "034b00304802430 1" X32 X32 "0102020101", false },
    { "signature and more", PKI_SIGNATURE, "030b0030060201010201020500", false },
    { "signature an octet string", PKI_SIGNATURE, "0409003006020101020102", false },
    { "something inside, behind", PKI_END, "0500", false },
    { "something outside", PKI_OUTSIDE, "00", false },
    { "another certificate outside", PKI_OUTSIDE, "3000", false },
};

/* Hex with spaces left where a number is easier to read so. */
static const char *without_spaces(const char *text)
{
    static char clean[4096];
    size_t len = 0;
    for (; *text != 0; text++)
        if (*text != ' ')
            clean[len++] = *text;
    clean[len] = 0;
    return clean;
}

static void test_every_part_spoiled(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pki_recipe recipe = { { NULL } };
        struct x509_cert cert = { .version = 77 };
        recipe.part[rows[i].part] = without_spaces(rows[i].hex);
        bool accepted = build_and_parse(&recipe, &cert);
        if (accepted != rows[i].good)
            fail_msg("%s: %s", rows[i].name, accepted ? "accepted" : "refused");
        if (!accepted)
            assert_int_equal(cert.version, 77);
        else
            assert_true(x509_is_sound(&cert));
    }
}

static void test_version_1(void **state)
{
    (void)state;
    struct pki_recipe recipe = { { [PKI_VERSION] = "", [PKI_EXTENSIONS] = "" } };
    struct x509_cert cert;
    assert_true(build_and_parse(&recipe, &cert));
    assert_int_equal(cert.version, 1);
    assert_int_equal(cert.extensions.len, 0);
    assert_false(cert.has_basic_constraints || cert.has_key_usage || cert.is_ca);
    recipe.part[PKI_UNIQUE_IDS] = "810200aa";
    assert_false(build_and_parse(&recipe, &cert));
}

/* What no parser here processes is flagged when critical, and only then. */
static void test_unknown_critical(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *hex;
        bool flagged;
    } extensions[] = {
        { "name constraints", "300e0603551d1e0101ff04043002a000", true },
        { "policy constraints", "300c0603551d240101ff04023000", true },
        { "inhibit any policy", "300d0603551d360101ff0403020100", true },
        { "policies", "300c0603551d200101ff04023000", true },
        { "alternative names", "300c0603551d110101ff04023000", true },
        { "extended usage", "300c0603551d250101ff04023000", true },
        { "distribution points", "300c0603551d1f0101ff04023000", true },
        { "private", "300a06032a03040101ff0400", true },
        { "looks like a standard one", "300c0604551d13010101ff04010 0", true },
        { "name constraints, not critical", "300b0603551d1e04043002a000", false },
        { "private, not critical", "300706032a03040400", false },
        { "basic constraints", CA, false },
        { "key usage", USAGE, false },
        { "subject key id", "300d0603551d0e0101ff04030401aa", false },
    };
    for (size_t i = 0; i < COUNT_OF(extensions); i++) {
        struct pki_recipe recipe = { { NULL } };
        struct x509_cert cert;
        recipe.part[PKI_EXTENSIONS] = without_spaces(extensions[i].hex);
        if (!build_and_parse(&recipe, &cert) || cert.unknown_critical != extensions[i].flagged)
            fail_msg("%s", extensions[i].name);
    }
}

static void test_keys_and_algorithms(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *key;
        enum x509_key want;
    } keys[] = {
        { "P-384", "30763010" EC_P384 "036200 04" X48 X48, X509_KEY_P384 },
        { "P-256, compressed", "30393013" EC_P256 "032200 02" X32, X509_KEY_OTHER },
        { "P-256, hybrid", "30593013" EC_P256 "034200 06" X32 X32, X509_KEY_OTHER },
        { "P-256, infinity", "30193013" EC_P256 "0302 0000", X509_KEY_OTHER },
        { "P-256, one octet more", "305a3013" EC_P256 "034300 04" X32 X32 "00", X509_KEY_OTHER },
        { "P-256 named, P-384 point", "30793013" EC_P256 "036200 04" X48 X48, X509_KEY_OTHER },
        { "curve not named", "30543 00e06072a8648ce3d0201 3003020101 034200 04" X32 X32,
          X509_KEY_OTHER },
        { "no curve", "304f300906072a8648ce3d0201 034200 04" X32 X32, X509_KEY_OTHER },
        { "secp256k1", "30563010 06072a8648ce3d020106052b8104000a 034200 04" X32 X32,
          X509_KEY_OTHER },
        { "Ed25519", "302a300506032b6570 032100" X32, X509_KEY_OTHER },
    };
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct pki_recipe recipe = { { NULL } };
        struct x509_cert cert;
        recipe.part[PKI_KEY] = without_spaces(keys[i].key);
        if (!build_and_parse(&recipe, &cert) || cert.key != keys[i].want || !x509_is_sound(&cert))
            fail_msg("%s", keys[i].name);
    }
    struct pki_recipe rsa = { { [PKI_INNER_ALGORITHM] = RSA_ALG,
                                [PKI_OUTER_ALGORITHM] = RSA_ALG,
                                [PKI_SIGNATURE] = "030500aabbccdd" } };
    struct pki_recipe sha384 = {
        { [PKI_INNER_ALGORITHM] = SHA384_ALG, [PKI_OUTER_ALGORITHM] = SHA384_ALG }
    };
    struct pki_recipe large = { { [PKI_SIGNATURE] = "032800302502200 1" X8 X8 X8
                                                    "010203040506070801020304050607020101" } };
    struct x509_cert cert;
    assert_true(build_and_parse(&rsa, &cert));
    assert_int_equal(cert.algorithm, X509_ALG_OTHER);
    assert_true(bytes_are_zero(cert.signature, sizeof cert.signature));
    assert_true(build_and_parse(&sha384, &cert));
    assert_int_equal(cert.algorithm, X509_ECDSA_SHA384);
    assert_true(cert.signature[47] == 1 && cert.signature[95] == 2);
    /* A coordinate of 33 octets is no P-256 signature, though it may be one of P-384. */
    char text[128];
    struct sink out = sink_over(text, sizeof text - 1);
    sink_text(&out, "032a003027022101");
    sink_text(&out, X32 "02020101");
    sink_terminate(&out);
    large.part[PKI_SIGNATURE] = text;
    assert_true(build_and_parse(&large, &cert));
    assert_int_equal(cert.algorithm, X509_ALG_OTHER);
    assert_true(bytes_are_zero(cert.signature, sizeof cert.signature));
}

static void test_common_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *hex;
        const char *want; /* NULL: none */
    } names[] = {
        { "UTF-8", ONE_NAME("0c0141"), "A" },
        { "printable", ONE_NAME("130141"), "A" },
        { "IA5", ONE_NAME("160141"), "A" },
        { "teletex", ONE_NAME("140141"), "A" },
        { "BMP", "300d310b300906035504031e020041", NULL },
        { "bits", ONE_NAME("030141"), NULL },
        { "empty", "300b3109300706035504030c00", NULL },
        { "no common name", "300c310a300806035504040c0141", NULL },
        { "longer identifier", "300d310b30090604550403000c0141", NULL },
        { "twice", "3018310a300806035504030c0141310a300806035504030c0141", NULL },
        { "twice in one set", "30163114300806035504030c0141300806035504030c0142", NULL },
        { "twice, one of them BMP", "3019310a300806035504030c0141310b300906035504031e020041",
          NULL },
        { "among others", "3018310a300806035504040c0142310a300806035504030c0143", "C" },
        { "no name at all", "3000", NULL },
        { "malformed", "300b310a300806035504030c0141", NULL },
        { "something behind", "300c310a300806035504030c014100", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        uint8_t bytes[64];
        struct sink out = sink_over(bytes, sizeof bytes);
        struct span cn = span_text("untouched");
        assert_true(hex_decode_sink(span_text(names[i].hex), &out));
        bool found = x509_name_common_name(sink_bytes(&out), &cn);
        if (found != (names[i].want != NULL))
            fail_msg("%s", names[i].name);
        assert_span_equal(cn, span_text(found ? names[i].want : "untouched"));
    }
}

/* The number of extensions is bounded, at the limit and one past it. */
static void test_number_of_extensions(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= X509_EXTENSIONS_MAX + 1; count++) {
        char text[40 * (X509_EXTENSIONS_MAX + 1)];
        struct sink out = sink_over(text, sizeof text);
        for (unsigned i = 0; i < count; i++)
            sink_format(&out, "300706032a03%02x0400", i);
        sink_terminate(&out);
        struct pki_recipe recipe = { { [PKI_EXTENSIONS] = text } };
        struct x509_cert cert;
        assert_int_equal(build_and_parse(&recipe, &cert), count <= X509_EXTENSIONS_MAX);
    }
}

/* The outermost length in every form that BER has and DER has not. */
static void test_outer_form(void **state)
{
    (void)state;
    static const char *const heads[] = { "3080",         "308300%04x",
                                         "30840000%04x", "30850000 00%04x",
                                         "1082%04x",     "3182%04x",
                                         "2482%04x",     "a082%04x" };
    static uint8_t bytes[CERT_MAX], other[CERT_MAX];
    struct sink out = sink_over(bytes, sizeof bytes);
    struct pki_recipe recipe = { { [PKI_KEY] = "30763010" EC_P384 "03620004" X48 X48 } };
    struct x509_cert cert;
    pki_build_certificate(&out, &recipe);
    assert_int_equal(bytes[1], 0x82);
    struct span body = { bytes + 4, out.len - 4 };
    assert_true(x509_parse(sink_bytes(&out), &cert));
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        char head[32];
        struct sink text = sink_over(head, sizeof head);
        for (const char *c = heads[i]; *c != 0; c++) {
            if (*c == '%') {
                sink_format(&text, "%04x", (unsigned)body.len);
                break;
            }
            if (*c != ' ')
                sink_u8(&text, (uint8_t)*c);
        }
        struct sink spoiled = sink_over(other, sizeof other);
        assert_true(hex_decode_sink(sink_bytes(&text), &spoiled));
        sink_put(&spoiled, body);
        sink_zero(&spoiled, 2);
        assert_false(x509_parse(sink_bytes(&spoiled), &cert));
        assert_false(x509_parse(span_of(other, spoiled.len - 2), &cert));
    }
}

static double seconds_to_parse(struct span der)
{
    struct x509_cert cert;
    double best = 1e9;
    for (int i = 0; i < 7; i++) {
        clock_t start = clock();
        for (int k = 0; k < 4; k++)
            (void)!x509_parse(der, &cert);
        double took = (double)(clock() - start) / CLOCKS_PER_SEC;
        best = took < best ? took : best;
    }
    return best;
}

/* A name of `len` octets or a little more, in relative names of the size that costs most. */
static void put_large_name(struct sink *out, size_t len)
{
    size_t name = der_begin(out, DER_SEQUENCE);
    while (out->len - name < len) {
        size_t set = der_begin(out, DER_SET);
        size_t pair = der_begin(out, DER_SEQUENCE);
        der_put_oid(out, "2.5.4.4");
        der_put(out, DER_UTF8_STRING, span_text("A"));
        der_end(out, pair);
        der_end(out, set);
    }
    der_end(out, name);
}

/* Appends `depth` SEQUENCEs, each the whole content of the one before. */
static void put_nested(struct sink *out, size_t depth)
{
    size_t start = out->len;
    size_t len = 0;
    for (size_t i = 0; i < depth; i++)
        len += len < 0x80 ? 2 : len < 0x100 ? 3 : len < 0x10000 ? 4 : 5;
    uint8_t *room = sink_room(out, len);
    assert_non_null(room);
    for (size_t left = len; left > 0;) {
        uint8_t head[8];
        struct sink one = sink_over(head, sizeof head);
        size_t inner = left - (left <= 0x81 ? 2 : left <= 0x102 ? 3 : left <= 0x10003 ? 4 : 5);
        sink_u8(&one, DER_SEQUENCE);
        if (inner >= 0x80)
            sink_u8(&one, (uint8_t)(0x80 | (inner >= 0x10000 ? 3 : inner >= 0x100 ? 2 : 1)));
        for (int shift = inner >= 0x10000 ? 16 : inner >= 0x100 ? 8 : 0; shift >= 0; shift -= 8)
            sink_u8(&one, (uint8_t)(inner >> shift));
        memcpy(out->at + start + (len - left), head, one.len);
        left -= one.len;
    }
}

/* 10^5 nested SEQUENCEs in the place of each part are refused, and never slower than 4 times
   a well-formed certificate of that size. */
static void test_bombs(void **state)
{
    (void)state;
    enum { DEPTH = 100000, ROOM = 12 * DEPTH };
    char *text = malloc(2 * ROOM + 1);
    uint8_t *bytes = malloc(ROOM);
    uint8_t *whole = malloc(ROOM);
    assert_non_null(text);
    assert_non_null(bytes);
    assert_non_null(whole);
    struct x509_cert cert;
    struct sink name = sink_over(bytes, ROOM);
    struct sink nested = sink_over(whole, ROOM);
    put_nested(&nested, DEPTH);
    size_t size = nested.len;
    put_large_name(&name, size);
    struct sink hex = sink_over(text, 2 * ROOM + 1);
    sink_hex(&hex, sink_bytes(&name));
    sink_terminate(&hex);
    struct pki_recipe recipe = { { [PKI_SUBJECT] = text } };
    struct sink out = sink_over(whole, ROOM);
    pki_build_certificate(&out, &recipe);
    assert_true(x509_parse(sink_bytes(&out), &cert));
    double valid = seconds_to_parse(sink_bytes(&out));
    for (enum pki_part part = PKI_VERSION; part < PKI_PARTS; part++) {
        if (part == PKI_REVOKED)
            continue;
        struct sink bomb = sink_over(bytes, ROOM);
        put_nested(&bomb, DEPTH);
        hex = sink_over(text, 2 * ROOM + 1);
        sink_hex(&hex, sink_bytes(&bomb));
        sink_terminate(&hex);
        memset(&recipe, 0, sizeof recipe);
        recipe.part[part] = text;
        out = sink_over(whole, ROOM);
        pki_build_certificate(&out, &recipe);
        assert_false(x509_parse(sink_bytes(&out), &cert));
        if (seconds_to_parse(sink_bytes(&out)) > 4 * valid)
            fail_msg("part %d took too long", (int)part);
    }
    free(text);
    free(bytes);
    free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fields, ""),
        TEST(test_every_part_spoiled, "RL-7"),
        TEST(test_version_1, ""),
        TEST(test_unknown_critical, "RL-7"),
        TEST(test_keys_and_algorithms, ""),
        TEST(test_common_names, ""),
        TEST(test_number_of_extensions, ""),
        TEST(test_outer_form, ""),
        TEST(test_bombs, ""),
    };
    return RUN_TESTS(tests);
}
