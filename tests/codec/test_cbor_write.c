/* test_cbor_write.c - what is written is in the shortest form and reads back. */
#include "test.h"

#include "codec/cbor.h"
#include "codec/cbor_write.h"

static void test_bytes(void **state)
{
    (void)state;
    uint8_t room[128];
    struct sink out = sink_over(room, sizeof room);
    cbor_put_tag(&out, 18);
    cbor_put_array(&out, 4);
    cbor_put_u64(&out, 23);
    cbor_put_u64(&out, 24);
    cbor_put_int(&out, -35);
    cbor_put_int(&out, 35);
    cbor_put_map(&out, 1);
    cbor_put_text(&out, "a");
    cbor_put_bytes(&out, span_of("\x01\x02", 2));
    cbor_put_map_indefinite(&out);
    cbor_put_bool(&out, true);
    cbor_put_bool(&out, false);
    cbor_put_break(&out);
    cbor_put_nil(&out);
    static const uint8_t want[] = { 0xd2, 0x84, 0x17, 0x18, 0x18, 0x38, 0x22, 0x18, 0x23, 0xa1,
                                    0x61, 0x61, 0x42, 0x01, 0x02, 0xbf, 0xf5, 0xf4, 0xff, 0xf6 };
    assert_true(sink_ok(&out));
    assert_span_equal(sink_bytes(&out), SPAN(want));
}

/* Around every power of two: read(write(x)) == x. */
static void test_numbers_read_back(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int64_t near = -1; near <= 1; near++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)near;
            uint8_t room[32];
            struct sink out = sink_over(room, sizeof room);
            cbor_put_u64(&out, value);
            cbor_put_int(&out, (int64_t)value);
            struct cursor in = cur_over(sink_bytes(&out));
            uint64_t u;
            int64_t i;
            assert_true(cbor_u64(&in, &u) && u == value);
            assert_true(cbor_int(&in, &i) && i == (int64_t)value);
            assert_true(cur_end(&in));
        }
    }
}

static void test_full_sink(void **state)
{
    (void)state;
    uint8_t room[4];
    struct sink out = sink_over(room, sizeof room);
    cbor_put_text(&out, "text");
    assert_false(sink_ok(&out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bytes, ""),
        TEST(test_numbers_read_back, ""),
        TEST(test_full_sink, ""),
    };
    return RUN_TESTS(tests);
}
