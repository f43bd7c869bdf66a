/* test_cpio_write.c - archives for the kernel, to the byte; what cannot be said is not said in
   part. That others read them is in tests/cmd/test_image.py. */
#include "test.h"

#include <string.h>

#include "codec/cpio_write.h"

static uint8_t room[4096];

static void test_bytes(void **state)
{
    (void)state;
    static const char expected[] =
        "070701000000010000416D0000000000000000000000020000000000000000000000000000000000000000"
        "000000000000000200000000d\0"
        "070701000000020000812400000000000000000000000100000000000000030000000000000000000000000000"
        "00000000000500000000init\0\0abc\0"
        "070701000000030000000000000000000000000000000100000000000000000000000000000000000000000000"
        "00000000000B00000000TRAILER!!!\0\0\0\0";
    struct sink out = sink_over(room, sizeof room);
    struct cpio_writer writer = { .out = &out };
    cpio_put_folder(&writer, "d", 0555);
    cpio_put_file(&writer, "init", 0444, span_text("abc"));
    cpio_put_end(&writer);
    assert_true(sink_ok(&out));
    assert_int_equal(out.len % 4, 0);
    assert_span_equal(sink_bytes(&out), span_of(expected, sizeof expected - 1));
}

static void test_every_length(void **state)
{
    (void)state;
    static const uint8_t data[9] = { 0 };
    for (size_t len = 0; len <= sizeof data; len++) {
        struct sink out = sink_over(room, sizeof room);
        struct cpio_writer writer = { .out = &out };
        cpio_put_file(&writer, "name", 0400, span_of(data, len));
        assert_int_equal(out.len, 110 + 6 + (len + 3) / 4 * 4);
    }
}

static void test_what_cannot_be_said(void **state)
{
    (void)state;
    static char name[257];
    memset(name, 'n', 256);
    struct sink out = sink_over(room, sizeof room);
    struct cpio_writer writer = { .out = &out };
    cpio_put_file(&writer, name + 1, 0400, span_of("", 0));
    assert_true(sink_ok(&out));
    cpio_put_file(&writer, name, 0400, span_of("", 0));
    assert_false(sink_ok(&out));
    out = sink_over(room, sizeof room);
    cpio_put_file(&writer, "n", 0400, span_of(room, (size_t)UINT32_MAX + 1));
    assert_false(sink_ok(&out));
    for (size_t cap = 0; cap < 120; cap++) {
        out = sink_over(room, cap);
        cpio_put_file(&writer, "abcd", 0400, span_text("x"));
        assert_false(sink_ok(&out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bytes, ""),
        TEST(test_every_length, ""),
        TEST(test_what_cannot_be_said, ""),
    };
    return RUN_TESTS(tests);
}
