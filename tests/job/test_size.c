/* test_size.c - amounts as people write them. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "job/size.h"

static void test_amounts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t unit, bytes;
    } rows[] = {
        { "4G", JOB_MIB, UINT64_C(4096) * JOB_MIB },
        { "4g", JOB_GIB, UINT64_C(4) * JOB_GIB },
        { "512m", JOB_MIB, UINT64_C(512) * JOB_MIB },
        { "512M", JOB_GIB, UINT64_C(512) * JOB_MIB },
        { "1000", JOB_MIB, UINT64_C(1000) * JOB_MIB },
        { "50", JOB_GIB, UINT64_C(50) * JOB_GIB },
        { "3k", 1, 3072 },
        { "0", 1, 0 },
        { "007", 1, 7 },
        { "18446744073709551615", 1, UINT64_MAX },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t bytes = 1;
        if (!job_size_parse(span_text(rows[i].text), rows[i].unit, &bytes) ||
            bytes != rows[i].bytes)
            fail_msg("%s is %llu", rows[i].text, (unsigned long long)bytes);
    }
}

static void test_no_amounts(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "G",
        "-1",
        "-4G",
        "+4",
        "4T",
        "4t",
        "4GB",
        "4GiB",
        " 4G",
        "4 G",
        "4G ",
        "4.5G",
        "0x10",
        "1e3",
        "4,0",
        "４G",
        "18446744073709551616",
        "17179869184G",
        "99999999999999999999999999",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        uint64_t bytes = 42;
        if (job_size_parse(span_text(texts[i]), JOB_MIB, &bytes) || bytes != 42)
            fail_msg("\"%s\" is taken for %llu", texts[i], (unsigned long long)bytes);
    }
    uint64_t bytes = 42;
    assert_false(job_size_parse((struct span){ 0 }, 1, &bytes));
    assert_false(job_size_parse(span_of("4\0G", 3), 1, &bytes));
}

/* A VMM counts disk in whole GiB: half of one is one, never none. */
static void test_whole_units_are_rounded_up(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    assert_true(job_size_parse(span_text("512m"), JOB_GIB, &bytes));
    assert_int_equal(job_size_units(bytes, JOB_GIB), 1);
    assert_int_equal(job_size_units(bytes, JOB_MIB), 512);
    assert_int_equal(job_size_units(bytes + 1, JOB_MIB), 513);
    assert_int_equal(job_size_units(0, JOB_GIB), 0);
    assert_int_equal(job_size_units(UINT64_MAX, JOB_GIB), UINT64_C(1) << 34);
}

static void test_words(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = { { 0, "0 bytes" },
                 { 100, "100 bytes" },
                 { 1024, "1 KiB" },
                 { JOB_MIB, "1 MiB" },
                 { JOB_GIB, "1 GiB" },
                 { UINT64_C(1536) * JOB_MIB, "1536 MiB" },
                 { JOB_GIB + 1, "1073741825 bytes" } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[64];
        struct sink out = sink_over(text, sizeof text);
        job_size_write(&out, rows[i].bytes);
        assert_true(span_equal_text(sink_bytes(&out), rows[i].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_amounts, "PC-41"),
        TEST(test_no_amounts, "PC-41"),
        TEST(test_whole_units_are_rounded_up, "PC-41"),
        TEST(test_words, ""),
    };
    return RUN_TESTS(tests);
}
