/* test_crl.c - one good list, every part of it spoiled in turn, and the search by value. */
#include "codec/crl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "codec/der_write.h"
#include "codec/hex.h"
#include "pki.h"
#include "test.h"

enum { CRL_MAX = 16384 };

#define SHA384_ALG "300a06082a8648ce3d040303"
#define RSA_ALG    "300d06092a864886f70d01010b0500"
#define TIME_2020  "170d3230303130313030303030305a"
#define TIME_2030  "170d3330303130313030303030305a"
#define NUMBER     "300a0603551d140403020107"
#define REASON     "300a0603551d1504030a0101"
#define ENTRY      "3012020105" TIME_2020
#define X8         "0102030405060708"

/* Entry with these extension octets; the two lengths are given by the row. */
#define ENTRY_OF(outer, inner, extensions) "30" outer "020105" TIME_2020 "30" inner extensions

static bool build_and_parse(const struct pki_recipe *recipe, struct crl *crl)
{
    static uint8_t bytes[CRL_MAX];
    static uint8_t *copy;
    struct sink out = sink_over(bytes, sizeof bytes);
    pki_build_crl(&out, recipe);
    free(copy);
    copy = malloc(out.len);
    assert_non_null(copy);
    memcpy(copy, bytes, out.len);
    return crl_parse(span_of(copy, out.len), crl);
}

static void test_fields(void **state)
{
    (void)state;
    struct pki_recipe recipe = { { NULL } };
    struct crl crl;
    assert_true(build_and_parse(&recipe, &crl) && crl_is_sound(&crl));
    assert_int_equal(crl.version, 2);
    assert_int_equal(crl.issuer.len, 14);
    assert_true(crl.has_next_update && crl.validity.from == INT64_C(1577836800) &&
                crl.validity.until == INT64_C(1893456000));
    assert_int_equal(crl.algorithm, X509_ECDSA_SHA256);
    assert_true(crl.has_number);
    assert_span_equal(crl.number, span_of("\x07", 1));
    assert_int_equal(crl.revoked_count, 2);
    assert_int_equal(crl.aki.len, 0);
    assert_false(crl.is_delta || crl.is_indirect || crl.unknown_critical || crl.scope != 0);
    uint8_t want[64] = { [31] = 1, [63] = 2 };
    assert_span_equal(span_of(crl.signature, 64), SPAN(want));
}

struct row {
    const char *name;
    enum pki_part part;
    const char *hex;
    bool good;
};

static const struct row rows[] = {
    { "version 1 with extensions", PKI_VERSION, "", false },
    { "version 1 written", PKI_VERSION, "020100", false },
    { "version 3", PKI_VERSION, "020102", false },
    { "version padded", PKI_VERSION, "02020001", false },
    { "version negative", PKI_VERSION, "0201ff", false },
    { "inner algorithm other", PKI_INNER_ALGORITHM, SHA384_ALG, false },
    { "inner algorithm with NULL", PKI_INNER_ALGORITHM, "300c06082a8648ce3d0403020500", false },
    { "inner algorithm RSA", PKI_INNER_ALGORITHM, RSA_ALG, false },
    { "inner algorithm missing", PKI_INNER_ALGORITHM, "", false },
    { "outer algorithm other", PKI_OUTER_ALGORITHM, SHA384_ALG, false },
    { "issuer empty", PKI_ISSUER, "3000", false },
    { "issuer with an empty set", PKI_ISSUER, "30023100", false },
    { "no next update", PKI_VALIDITY, TIME_2020, true },
    { "no times", PKI_VALIDITY, "", false },
    { "three times", PKI_VALIDITY, TIME_2020 TIME_2030 TIME_2030, false },
    { "time without Z", PKI_VALIDITY, TIME_2020 "170c333030313031303030303030", false },
    { "general time before 2050", PKI_VALIDITY, TIME_2020 "180f32303330303130313030303030305a",
      false },
    { "general time", PKI_VALIDITY, TIME_2020 "180f32303630303130313030303030305a", true },
    { "nothing revoked", PKI_REVOKED, "", true },
    { "one revoked", PKI_REVOKED, ENTRY, true },
    { "serial listed twice", PKI_REVOKED, ENTRY ENTRY, true },
    { "entry with a reason", PKI_REVOKED, ENTRY_OF("20", "0c", REASON), true },
    { "entry, reason 10", PKI_REVOKED, ENTRY_OF("20", "0c", "300a0603551d1504030a010a"), true },
    { "entry, reason 0", PKI_REVOKED, ENTRY_OF("20", "0c", "300a0603551d1504030a0100"), true },
    { "entry, reason 7", PKI_REVOKED, ENTRY_OF("20", "0c", "300a0603551d1504030a0107"), false },
    { "entry, reason 11", PKI_REVOKED, ENTRY_OF("20", "0c", "300a0603551d1504030a010b"), false },
    { "entry, reason negative", PKI_REVOKED, ENTRY_OF("20", "0c", "300a0603551d1504030a01ff"),
      false },
    { "entry, reason padded", PKI_REVOKED, ENTRY_OF("21", "0d", "300b0603551d1504040a020001"),
      false },
    { "entry, reason an integer", PKI_REVOKED, ENTRY_OF("20", "0c", "300a0603551d150403020101"),
      false },
    { "entry, reason and more", PKI_REVOKED, ENTRY_OF("22", "0e", "300c0603551d1504050a01010500"),
      false },
    { "entry, reason twice", PKI_REVOKED, ENTRY_OF("2c", "18", REASON REASON), false },
    { "entry, no extension in the list", PKI_REVOKED, ENTRY_OF("14", "00", ""), false },
    { "entry, critical FALSE written", PKI_REVOKED,
      ENTRY_OF("23", "0f", "300d0603551d1501010004030a0101"), false },
    { "entry without a time", PKI_REVOKED, "3003020105", false },
    { "entry without a serial", PKI_REVOKED, "300f" TIME_2020, false },
    { "entry and more", PKI_REVOKED, "30140201050500" TIME_2020, false },
    { "entry, more behind", PKI_REVOKED, "3014020105" TIME_2020 "0500", false },
    { "entry, serial negative", PKI_REVOKED, "3012020185" TIME_2020, false },
    { "entry, serial padded", PKI_REVOKED, "301302020005" TIME_2020, false },
    { "entry, serial 0", PKI_REVOKED, "3012020100" TIME_2020, false },
    { "entry, serial of 20", PKI_REVOKED, "302502140f" X8 X8 "010203" TIME_2020, true },
    { "entry, serial of 21", PKI_REVOKED, "302602150f" X8 X8 "01020304" TIME_2020, false },
    { "entry a set", PKI_REVOKED, "3112020105" TIME_2020, false },
    { "something among the entries", PKI_REVOKED, ENTRY "0500", false },
    { "entry cut", PKI_REVOKED, ENTRY "3012020105", false },
    { "no extensions", PKI_EXTENSIONS, "", true },
    { "extension twice", PKI_EXTENSIONS, NUMBER NUMBER, false },
    { "number of 20", PKI_EXTENSIONS, "301d0603551d14041602140f" X8 X8 "010203", true },
    { "number of 21", PKI_EXTENSIONS, "301e0603551d14041702150f" X8 X8 "01020304", false },
    { "number negative", PKI_EXTENSIONS, "300a0603551d1404030201ff", false },
    { "number padded", PKI_EXTENSIONS, "300b0603551d14040402020007", false },
    { "number and more", PKI_EXTENSIONS, "300c0603551d1404050201070500", false },
    { "number of nothing", PKI_EXTENSIONS, "30070603551d140400", false },
    { "delta of nothing", PKI_EXTENSIONS, "30070603551d1b0400", false },
    { "authority key id, serial alone", PKI_EXTENSIONS, "300c0603551d2304053003820101", false },
    { "point, empty", PKI_EXTENSIONS, "30090603551d1c04023000", false },
    { "point, FALSE written", PKI_EXTENSIONS, "300c0603551d1c04053003840100", false },
    { "point, TRUE as 01", PKI_EXTENSIONS, "300c0603551d1c04053003840101", false },
    { "point, flag of two", PKI_EXTENSIONS, "300d0603551d1c040630048402ffff", false },
    { "point, order", PKI_EXTENSIONS, "300f0603551d1c040830068401ff8101ff", false },
    { "point, unknown field", PKI_EXTENSIONS, "300c0603551d1c040530038601ff", false },
    { "point and more", PKI_EXTENSIONS, "300e0603551d1c040730038401ff0500", false },
    { "something behind the extensions", PKI_TBS_END, "0500", false },
    { "signature r negative", PKI_SIGNATURE, "0309003006020181020102", false },
    { "signature with unused bits", PKI_SIGNATURE, "0309013006020101020102", false },
    { "signature missing", PKI_SIGNATURE, "", false },
    { "something inside, behind", PKI_END, "0500", false },
    { "something outside", PKI_OUTSIDE, "00", false },
};

static void test_every_part_spoiled(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pki_recipe recipe = { { NULL } };
        struct crl crl = { .version = 77 };
        recipe.part[rows[i].part] = rows[i].hex;
        bool accepted = build_and_parse(&recipe, &crl);
        if (accepted != rows[i].good)
            fail_msg("%s: %s", rows[i].name, accepted ? "accepted" : "refused");
        if (!accepted)
            assert_int_equal(crl.version, 77);
        else
            assert_true(crl_is_sound(&crl));
    }
}

static void test_version_1(void **state)
{
    (void)state;
    struct pki_recipe recipe = {
        { [PKI_VERSION] = "", [PKI_EXTENSIONS] = "", [PKI_REVOKED] = (ENTRY) }
    };
    struct crl crl;
    assert_true(build_and_parse(&recipe, &crl));
    assert_int_equal(crl.version, 1);
    assert_false(crl.has_number);
    recipe.part[PKI_REVOKED] = ENTRY_OF("20", "0c", REASON);
    assert_false(build_and_parse(&recipe, &crl));
}

static void test_what_the_extensions_say(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum pki_part part;
        const char *hex;
        bool delta, indirect, unknown;
        unsigned scope;
        size_t point_len;
    } says[] = {
        { "number", PKI_EXTENSIONS, NUMBER, false, false, false, 0, 0 },
        { "delta", PKI_EXTENSIONS, "300d0603551d1b0101ff0403020101", true, false, false, 0, 0 },
        { "indirect", PKI_EXTENSIONS, "300f0603551d1c0101ff040530038401ff", false, true, false, 0,
          0 },
        { "user certificates", PKI_EXTENSIONS, "300f0603551d1c0101ff040530038101ff", false, false,
          false, CRL_ONLY_USER_CERTS, 0 },
        { "CA certificates", PKI_EXTENSIONS, "300f0603551d1c0101ff040530038201ff", false, false,
          false, CRL_ONLY_CA_CERTS, 0 },
        { "some reasons", PKI_EXTENSIONS, "30100603551d1c0101ff0406300483020640", false, false,
          false, CRL_ONLY_SOME_REASONS, 0 },
        { "attribute certificates", PKI_EXTENSIONS, "300f0603551d1c0101ff040530038501ff", false,
          false, false, CRL_ONLY_ATTRIBUTE_CERTS, 0 },
        { "a point", PKI_EXTENSIONS, "30130603551d1c0101ff04093007a005a003860141", false, false,
          false, 0, 5 },
        { "unknown, critical", PKI_EXTENSIONS, "300a06032a03040101ff0400", false, false, true, 0,
          0 },
        { "unknown, not critical", PKI_EXTENSIONS, "300706032a03040400", false, false, false, 0,
          0 },
        { "constraints, critical", PKI_EXTENSIONS, "300c0603551d130101ff04023000", false, false,
          true, 0, 0 },
        { "entry: unknown, critical", PKI_REVOKED, ENTRY_OF("20", "0c", "300a06032a03040101ff0400"),
          false, false, true, 0, 0 },
        { "entry: unknown, not critical", PKI_REVOKED, ENTRY_OF("1d", "09", "300706032a03040400"),
          false, false, false, 0, 0 },
        { "entry: reason, critical", PKI_REVOKED,
          ENTRY_OF("23", "0f", "300d0603551d150101ff04030a0101"), false, false, false, 0, 0 },
        { "entry: certificate issuer", PKI_REVOKED,
          ENTRY_OF("22", "0e", "300c0603551d1d0101ff04023000"), false, true, true, 0, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(says); i++) {
        struct pki_recipe recipe = { { NULL } };
        struct crl crl;
        recipe.part[says[i].part] = says[i].hex;
        if (!build_and_parse(&recipe, &crl))
            fail_msg("%s: refused", says[i].name);
        if (crl.is_delta != says[i].delta || crl.is_indirect != says[i].indirect ||
            crl.unknown_critical != says[i].unknown || crl.scope != says[i].scope ||
            crl.distribution_point.len != says[i].point_len)
            fail_msg("%s", says[i].name);
    }
}

static void test_search_by_value(void **state)
{
    (void)state;
    static const struct {
        const char *serial;
        bool listed;
    } searches[] = {
        { "05", true },      { "0005", true },   { "000005", true },  { "00ff", true },
        { "ff", true },      { "0000ff", true }, { "50", false },     { "0500", false },
        { "0105", false },   { "06", false },    { "", false },       { "00", false },
        { "00ff00", false }, { "fe", false },    { "0500ff", false }, { "ff05", false },
    };
    struct pki_recipe recipe = { { NULL } };
    struct crl crl;
    assert_true(build_and_parse(&recipe, &crl));
    for (size_t i = 0; i < COUNT_OF(searches); i++) {
        uint8_t bytes[8];
        struct sink out = sink_over(bytes, sizeof bytes);
        assert_true(hex_decode_sink(span_text(searches[i].serial), &out));
        if (crl_lists(&crl, sink_bytes(&out)) != searches[i].listed)
            fail_msg("%s", searches[i].serial);
    }
    recipe.part[PKI_REVOKED] = "";
    assert_true(build_and_parse(&recipe, &crl));
    assert_int_equal(crl.revoked_count, 0);
    assert_false(crl_lists(&crl, span_of("\x05", 1)));
    assert_false(crl_lists(&(struct crl){ 0 }, span_of("\x05", 1)));
}

/* A list of `count` serials, one with the last of 20 octets; every one is found, none more. */
static void test_long_lists(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    char text[COUNT * 80];
    struct sink out = sink_over(text, sizeof text);
    for (unsigned i = 0; i < COUNT; i++)
        sink_format(&out, "301402030%05x" TIME_2020, 0x10000 + 3 * i);
    sink_terminate(&out);
    assert_true(sink_ok(&out));
    struct pki_recipe recipe = { { [PKI_REVOKED] = text } };
    struct crl crl;
    assert_true(build_and_parse(&recipe, &crl));
    assert_int_equal(crl.revoked_count, COUNT);
    for (unsigned i = 0; i < 3 * COUNT + 3; i++) {
        uint8_t serial[] = { 1, (uint8_t)(i >> 8), (uint8_t)i };
        assert_int_equal(crl_lists(&crl, SPAN(serial)), i % 3 == 0 && i < 3 * COUNT);
    }
}

static double seconds_to_parse(struct span der)
{
    struct crl crl;
    double best = 1e9;
    for (int i = 0; i < 7; i++) {
        clock_t start = clock();
        for (int k = 0; k < 4; k++)
            (void)!crl_parse(der, &crl);
        double took = (double)(clock() - start) / CLOCKS_PER_SEC;
        best = took < best ? took : best;
    }
    return best;
}

/* A list of entries, each with `extensions` of them; the last entry spoiled when asked. */
static struct span long_list(uint8_t *room, size_t cap, unsigned extensions, bool spoiled)
{
    char text[CRL_MAX];
    struct sink hex = sink_over(text, sizeof text);
    size_t per_entry = 2 * (24 + extensions * 9);
    for (size_t k = 0; (k + 2) * per_entry < sizeof text; k++) {
        uint8_t bytes[1024];
        struct sink entry = sink_over(bytes, sizeof bytes);
        size_t mark = der_begin(&entry, DER_SEQUENCE);
        der_put_small(&entry, (uint32_t)k + 1);
        der_put_time(&entry, 0);
        size_t list = der_begin(&entry, DER_SEQUENCE);
        for (unsigned i = 0; i < extensions; i++) {
            uint8_t one[] = { 0x30, 0x07, 0x06, 0x03, 0x2a, 0x03, (uint8_t)i, 0x04, 0x00 };
            sink_put(&entry, SPAN(one));
        }
        der_end(&entry, list);
        der_end(&entry, mark);
        assert_true(sink_ok(&entry));
        sink_hex(&hex, sink_bytes(&entry));
    }
    sink_text(&hex, spoiled ? "3000" : "");
    sink_terminate(&hex);
    struct pki_recipe recipe = { { [PKI_REVOKED] = text } };
    struct sink out = sink_over(room, cap);
    pki_build_crl(&out, &recipe);
    return sink_bytes(&out);
}

/* The most extensions that one entry may have, in every entry, cost no more than 4 times a
   list of that size with one each: looking for duplicates is bounded. */
static void test_bombs(void **state)
{
    (void)state;
    static uint8_t plain_room[2 * CRL_MAX], worst_room[2 * CRL_MAX], bad_room[2 * CRL_MAX];
    struct crl crl;
    struct span plain = long_list(plain_room, sizeof plain_room, 1, false);
    struct span worst = long_list(worst_room, sizeof worst_room, X509_EXTENSIONS_MAX, false);
    struct span bad = long_list(bad_room, sizeof bad_room, X509_EXTENSIONS_MAX, true);
    assert_true(crl_parse(plain, &crl) && crl_parse(worst, &crl));
    assert_false(crl_parse(bad, &crl));
    assert_in_range(worst.len, plain.len / 2, plain.len * 2);
    double valid = seconds_to_parse(plain);
    assert_true(seconds_to_parse(worst) < 4 * valid);
    assert_true(seconds_to_parse(bad) < 4 * valid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fields, ""),          TEST(test_every_part_spoiled, ""),
        TEST(test_version_1, ""),       TEST(test_what_the_extensions_say, ""),
        TEST(test_search_by_value, ""), TEST(test_long_lists, ""),
        TEST(test_bombs, ""),
    };
    return RUN_TESTS(tests);
}
