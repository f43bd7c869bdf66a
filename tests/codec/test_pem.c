/* test_pem.c - blocks as RFC 7468 writes them, and everything near to them refused. */
#include "codec/pem.h"

#include <string.h>

#include "base/number.h"
#include "test.h"
#include "vectors.h"

#define LINE60 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define LINE64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* Reads the whole text block by block; the number of blocks, or -1 at a refusal. */
static int blocks(struct span text)
{
    static uint8_t bytes[8192];
    struct sink der = sink_over(bytes, sizeof bytes);
    struct cursor in = cur_over(text);
    struct span label = { 0 };
    int count = 0;
    do {
        size_t mark = der.len;
        struct cursor before = in;
        if (!pem_next(&in, &label, &der)) {
            assert_int_equal(der.len, mark);
            assert_ptr_equal(in.at, before.at);
            return -1;
        }
        count++;
    } while (!cur_end(&in));
    return count;
}

static const struct {
    const char *name;
    int blocks;
    const char *text;
} forms[] = {
    { "one", 1, "-----BEGIN X-----\nZm9v\n-----END X-----\n" },
    { "no line end at the end", 1, "-----BEGIN X-----\nZm9v\n-----END X-----" },
    { "CRLF", 1, "-----BEGIN X-----\r\nZm9v\r\n-----END X-----\r\n" },
    { "white space around", 1, "\n \t\r\n-----BEGIN X-----\nZm9v\n-----END X----- \n\n" },
    { "padding", 1, "-----BEGIN X-----\nZg==\n-----END X-----\n" },
    { "two lines", 1, "-----BEGIN X-----\n" LINE64 "\nZg==\n-----END X-----\n" },
    { "two full lines", 1, "-----BEGIN X-----\n" LINE64 "\n" LINE64 "\n-----END X-----\n" },
    { "lines of 76", 1,
      "-----BEGIN X-----\n" LINE64 "AAAAAAAAAAAA\n" LINE64 "\n-----END X-----\n" },
    { "lines of 60", -1, "-----BEGIN X-----\n" LINE60 "\n" LINE60 "\n-----END X-----\n" },
    { "lines of 4", -1, "-----BEGIN X-----\nZm9v\nZm9v\nZm9v\n-----END X-----\n" },
    { "labels", 1, "-----BEGIN X509 CRL-----\nZm9v\n-----END X509 CRL-----\n" },
    { "label with a dash", 1, "-----BEGIN A-B-----\nZm9v\n-----END A-B-----\n" },
    { "three", 3,
      "-----BEGIN X-----\nZm9v\n-----END X-----\n-----BEGIN YY-----\nZm9v\n-----END "
      "YY-----\n\n-----BEGIN X-----\nZg==\n-----END X-----\n" },
    { "empty", -1, "" },
    { "white space only", -1, " \n\n" },
    { "text before", -1, "subject=x\n-----BEGIN X-----\nZm9v\n-----END X-----\n" },
    { "text after", -1, "-----BEGIN X-----\nZm9v\n-----END X-----\nmore" },
    { "text on the last line", -1, "-----BEGIN X-----\nZm9v\n-----END X-----x\n" },
    { "the next block on the last line", -1,
      "-----BEGIN X-----\nZm9v\n-----END X----------BEGIN X-----\nZm9v\n-----END X-----\n" },
    { "text between", -1,
      "-----BEGIN X-----\nZm9v\n-----END X-----\n#\n-----BEGIN X-----\nZm9v\n-----END X-----" },
    { "other label at the end", -1, "-----BEGIN X-----\nZm9v\n-----END Y-----\n" },
    { "longer label at the end", -1, "-----BEGIN X-----\nZm9v\n-----END XX-----\n" },
    { "no label", -1, "-----BEGIN -----\nZm9v\n-----END -----\n" },
    { "no label, no space", -1, "-----BEGIN-----\nZm9v\n-----END-----\n" },
    { "label of a space", -1, "-----BEGIN  -----\nZm9v\n-----END  -----\n" },
    { "label ends in a space", -1, "-----BEGIN X -----\nZm9v\n-----END X -----\n" },
    { "label with two spaces", -1, "-----BEGIN A  B-----\nZm9v\n-----END A  B-----\n" },
    { "label with a tab", -1, "-----BEGIN A\tB-----\nZm9v\n-----END A\tB-----\n" },
    { "label with a high bit", -1, "-----BEGIN \xc4-----\nZm9v\n-----END \xc4-----\n" },
    { "space before the first dash", 1, " -----BEGIN X-----\nZm9v\n-----END X-----\n" },
    { "space after the first line", -1, "-----BEGIN X----- \nZm9v\n-----END X-----\n" },
    { "four dashes", -1, "----BEGIN X----\nZm9v\n----END X----\n" },
    { "six dashes", -1, "-----BEGIN X------\nZm9v\n-----END X------\n" },
    { "lower case", -1, "-----begin X-----\nZm9v\n-----end X-----\n" },
    { "no body", -1, "-----BEGIN X-----\n-----END X-----\n" },
    { "empty line in the body", -1, "-----BEGIN X-----\n\nZm9v\n-----END X-----\n" },
    { "empty line at its end", -1, "-----BEGIN X-----\nZm9v\n\n-----END X-----\n" },
    { "header", -1, "-----BEGIN X-----\nProc-Type: 4\n\nZm9v\n-----END X-----\n" },
    { "space in a line", -1, "-----BEGIN X-----\nZm9v Zm9v\n-----END X-----\n" },
    { "space at the end of a line", -1, "-----BEGIN X-----\nZm9v \n-----END X-----\n" },
    { "indented", -1, "-----BEGIN X-----\n Zm9v\n-----END X-----\n" },
    { "lone CR", -1, "-----BEGIN X-----\rZm9v\r-----END X-----\r" },
    { "CR CR LF", -1, "-----BEGIN X-----\nZm9v\r\r\n-----END X-----\n" },
    { "padding in the middle", -1, "-----BEGIN X-----\nZg==\nZg==\n-----END X-----\n" },
    { "short line in the middle", -1,
      "-----BEGIN X-----\n" LINE64 "\nZm9v\n" LINE64 "\n-----END X-----\n" },
    { "growing lines", -1, "-----BEGIN X-----\nZm9v\nZm9vZm9v\n-----END X-----\n" },
    { "line of three", -1, "-----BEGIN X-----\nZm9\nvZ=\n-----END X-----\n" },
    { "lines of 80", -1, "-----BEGIN X-----\n" LINE64 "AAAAAAAAAAAAAAAA\n-----END X-----\n" },
    { "pad bits", -1, "-----BEGIN X-----\nZh==\n-----END X-----\n" },
    { "no end", -1, "-----BEGIN X-----\nZm9v\n" },
    { "begin again", -1, "-----BEGIN X-----\nZm9v\n-----BEGIN X-----\nZm9v\n-----END X-----" },
    { "dashes in the body", -1, "-----BEGIN X-----\nZm9v\n-\n-----END X-----\n" },
};

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        int count = blocks(span_text(forms[i].text));
        if (count != forms[i].blocks)
            fail_msg("%s: %d instead of %d", forms[i].name, count, forms[i].blocks);
    }
}

static void test_nul_is_the_callers(void **state)
{
    (void)state;
    static const char text[] = "-----BEGIN X-----\nZm9v\n-----END X-----\n";
    assert_int_equal(blocks(span_of(text, sizeof text - 1)), 1);
    assert_int_equal(blocks(span_of(text, sizeof text)), -1);
}

static void test_label_and_bytes(void **state)
{
    (void)state;
    uint8_t bytes[8];
    struct sink der = sink_over(bytes, sizeof bytes);
    struct cursor in = cur_over(span_text("-----BEGIN TRUST ME-----\nZm9vYmE=\n-----END TRUST "
                                          "ME-----\n\n"));
    struct span label;
    assert_true(pem_next(&in, &label, &der));
    assert_span_equal(label, span_text("TRUST ME"));
    assert_span_equal(sink_bytes(&der), span_text("fooba"));
    assert_true(cur_end(&in));
    assert_false(pem_next(&in, &label, &der));
}

static void test_too_small_a_sink(void **state)
{
    (void)state;
    uint8_t bytes[60];
    struct sink der = sink_over(bytes, sizeof bytes);
    struct span label = { 0 };
    struct cursor in = cur_over(
        span_text("-----BEGIN X-----\n" LINE64 "\n" LINE64 "\n-----END X-----\n"));
    assert_false(pem_next(&in, &label, &der));
    assert_int_equal(cur_offset(&in), 0);
    assert_int_equal(der.len, 0);
    assert_false(sink_ok(&der));
    assert_null(label.at);
}

static void test_telling_pem_from_der(void **state)
{
    (void)state;
    assert_true(pem_like(span_text("-----BEGIN X509 CRL-----")));
    assert_true(pem_like(span_text("\r\n -----BEGIN ")));
    assert_false(pem_like(span_text("-----BEGIN")));
    assert_false(pem_like(span_text("\x30\x82\x01\x02")));
    assert_false(pem_like((struct span){ 0 }));
}

static void test_writing_and_reading(void **state)
{
    (void)state;
    struct test_random random = { 3 };
    for (size_t len = 1; len < 200; len++) {
        uint8_t bytes[200];
        uint8_t text[500];
        uint8_t back[200];
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)test_random_next(&random);
        struct sink out = sink_over(text, sizeof text);
        pem_write(&out, "CERTIFICATE", span_of(bytes, len));
        assert_true(sink_ok(&out));
        struct cursor in = cur_over(sink_bytes(&out));
        struct sink der = sink_over(back, sizeof back);
        struct span label;
        assert_true(pem_next(&in, &label, &der) && cur_end(&in));
        assert_span_equal(sink_bytes(&der), span_of(bytes, len));
        assert_span_equal(label, span_text("CERTIFICATE"));
        /* No proper prefix is a block, but the one that lacks only the last line end. */
        for (size_t cut = 0; cut < out.len - 1; cut++)
            assert_int_equal(blocks(span_of(text, cut)), -1);
    }
}

static void read_file_of_vectors(const char *name, void *arg)
{
    int *files = arg;
    struct span text = vectors_read(name);
    if (blocks(text) < 1)
        fail_msg("%s: refused", name);
    (*files)++;
    vectors_free(&text);
}

static void test_files_of_others(void **state)
{
    (void)state;
    vectors_required();
    int files = 0;
    vectors_each("attest/tdx/collateral", ".pem", read_file_of_vectors, &files);
    vectors_each("attest/tdx/intel_qvl_synthetic_set", ".pem", read_file_of_vectors, &files);
    vectors_each("attest/sgx/intel_qvl_synthetic_set", ".pem", read_file_of_vectors, &files);
    vectors_each("attest/nitro", ".pem", read_file_of_vectors, &files);
    assert_in_range(files, 10, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_forms, ""),
        TEST(test_nul_is_the_callers, ""),
        TEST(test_label_and_bytes, ""),
        TEST(test_too_small_a_sink, ""),
        TEST(test_telling_pem_from_der, ""),
        TEST(test_writing_and_reading, ""),
        TEST(test_files_of_others, ""),
    };
    return RUN_TESTS(tests);
}
