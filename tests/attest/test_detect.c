/* test_detect.c - the first bytes of evidence, and of every evidence of the vectors. */
#include "attest/cases.h"
#include "attest/detect.h"
#include "test.h"
#include "vectors.h"

struct row {
    const char *name;
    struct span bytes;
    enum evidence_family family;
};

static void test_first_bytes(void **state)
{
    (void)state;
    const struct row rows[] = {
        { "nothing", { 0 }, EVIDENCE_FAMILY_UNKNOWN },
        { "version 3", span_of("\x03\x00", 2), EVIDENCE_FAMILY_QUOTE },
        { "version 5", span_of("\x05\x00\x02", 3), EVIDENCE_FAMILY_QUOTE },
        { "version 6", span_of("\x06\x00", 2), EVIDENCE_FAMILY_QUOTE },
        { "version 0", span_of("\x00\x00", 2), EVIDENCE_FAMILY_UNKNOWN },
        { "version 256", span_of("\x00\x01", 2), EVIDENCE_FAMILY_UNKNOWN },
        { "one byte of a quote", span_of("\x04", 1), EVIDENCE_FAMILY_QUOTE },
        { "array of 4", span_of("\x84\x44", 2), EVIDENCE_FAMILY_NITRO },
        { "array of 4 alone", span_of("\x84", 1), EVIDENCE_FAMILY_NITRO },
        { "array of 3", span_of("\x83\x44", 2), EVIDENCE_FAMILY_UNKNOWN },
        { "tagged", span_of("\xd2\x84\x44", 3), EVIDENCE_FAMILY_NITRO },
        { "tag alone", span_of("\xd2", 1), EVIDENCE_FAMILY_NITRO },
        { "tagged text", span_of("\xd2\x60", 2), EVIDENCE_FAMILY_UNKNOWN },
        { "PEM", span_text("-----BEGIN"), EVIDENCE_FAMILY_UNKNOWN },
        { "hex", span_text("0400"), EVIDENCE_FAMILY_UNKNOWN },
        { "JSON", span_text("[{"), EVIDENCE_FAMILY_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (evidence_family(rows[i].bytes) != rows[i].family)
            fail_msg("%s", rows[i].name);
}

static void check_kind(struct cases *cases, const char *kind, enum evidence_family family)
{
    unsigned count = 0;
    for (uint32_t n = JSON_NONE; (n = cases_next(cases, n, kind)) != JSON_NONE; count++) {
        struct span bytes = case_file(cases, n, "file");
        assert_int_equal(evidence_family(bytes), family);
        vectors_free(&bytes);
    }
    assert_true(count > 0);
}

static void test_genuine_evidence(void **state)
{
    (void)state;
    struct cases cases;
    cases_open(&cases);
    check_kind(&cases, "quote", EVIDENCE_FAMILY_QUOTE);
    check_kind(&cases, "nitro-doc", EVIDENCE_FAMILY_NITRO);
    check_kind(&cases, "certificate", EVIDENCE_FAMILY_UNKNOWN);
    check_kind(&cases, "dstack-eventlog", EVIDENCE_FAMILY_UNKNOWN);
    cases_close(&cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_bytes, ""),
        TEST(test_genuine_evidence, ""),
    };
    return RUN_TESTS(tests);
}
