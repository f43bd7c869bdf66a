/* test_frame.c - a packet is a row of whole frames or it is refused, and what is written is what
   is read. */
#include "ipc/frame.h"

#include <string.h>

#include "os/packet.h"
#include "test.h"

enum { ROOM = PACKET_BYTES_MAX + FRAME_HEAD };

static uint8_t room[ROOM], body_of_ones[FRAME_BODY_MAX + 1];

static struct span written(struct sink *out, uint16_t message, uint64_t id, struct span body)
{
    struct frame frame = { .message = message, .id = id, .body = body };
    frame_put(out, &frame);
    return sink_bytes(out);
}

static void test_the_layout_is_the_documented_one(void **state)
{
    (void)state;
    static const uint8_t expected[] = { 0x34, 0x12, 0, 0, 3, 0, 0,   0,   8,  7,
                                        6,    5,    4, 3, 2, 1, 'a', 'b', 'c' };
    struct sink out = sink_over(room, sizeof room);
    assert_span_equal(written(&out, 0x1234, UINT64_C(0x0102030405060708), span_text("abc")),
                      SPAN(expected));
}

static void test_frames_come_back_in_their_order(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, FRAME_HEAD, 4096, 65536 };
    struct sink out = sink_over(room, sizeof room);
    struct frame frame;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        written(&out, (uint16_t)i, UINT64_MAX - i, span_of(body_of_ones, sizes[i]));
    assert_true(sink_ok(&out));
    struct cursor in = cur_over(sink_bytes(&out));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(frame_get(&in, &frame));
        assert_int_equal(frame.message, i);
        assert_true(frame.id == UINT64_MAX - i);
        assert_span_equal(frame.body, span_of(body_of_ones, sizes[i]));
    }
    assert_true(cur_end(&in));
    assert_false(frame_get(&in, &frame));
}

static void test_a_frame_that_is_cut_anywhere_is_none(void **state)
{
    (void)state;
    struct sink out = sink_over(room, sizeof room);
    struct span whole = written(&out, 7, 9, span_text("twelve bytes"));
    for (size_t len = 0; len < whole.len; len++) {
        struct cursor in = cur_over(span_of(whole.at, len));
        struct frame frame = { .message = 0xabcd };
        assert_false(frame_get(&in, &frame));
        assert_int_equal(frame.message, 0xabcd); /* a refusal leaves nothing behind */
    }
}

static void test_heads_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t head[FRAME_HEAD];
        size_t len;
    } rows[] = {
        { "the second field is 1", { 7, 0, 1, 0, 0, 0, 0, 0 }, FRAME_HEAD },
        { "the second field is 0x8000", { 7, 0, 0, 0x80, 0, 0, 0, 0 }, FRAME_HEAD },
        { "one byte is promised and none is there", { 7, 0, 0, 0, 1, 0, 0, 0 }, FRAME_HEAD },
        { "4 GiB are promised", { 7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff }, FRAME_HEAD },
        { "one byte past the limit", { 7, 0, 0, 0, 0xf1, 0xff, 2, 0 }, ROOM },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct frame frame;
        memcpy(room, rows[i].head, FRAME_HEAD);
        struct cursor in = cur_over(span_of(room, rows[i].len));
        if (frame_get(&in, &frame)) {
            print_error("%s\n", rows[i].name);
            fail();
        }
    }
}

static void test_the_longest_body(void **state)
{
    (void)state;
    struct frame frame;
    struct sink out = sink_over(room, PACKET_BYTES_MAX);
    struct span packet = written(&out, 1, 1, span_of(body_of_ones, FRAME_BODY_MAX));
    assert_true(sink_ok(&out));
    assert_int_equal(packet.len, PACKET_BYTES_MAX);
    struct cursor in = cur_over(packet);
    assert_true(frame_get(&in, &frame));
    assert_int_equal(frame.body.len, FRAME_BODY_MAX);

    out = sink_over(room, sizeof room);
    assert_int_equal(written(&out, 1, 1, span_of(body_of_ones, FRAME_BODY_MAX + 1)).len, 0);
    assert_false(sink_ok(&out));
}

static void test_a_frame_that_does_not_fit_leaves_those_before_it(void **state)
{
    (void)state;
    struct sink out = sink_over(room, 2 * FRAME_HEAD + 3);
    struct span first = written(&out, 1, 1, span_text("abc"));
    assert_span_equal(written(&out, 2, 2, span_text("d")), first);
    assert_false(sink_ok(&out));
}

static void test_fields(void **state)
{
    (void)state;
    struct sink out = sink_over(room, sizeof room);
    struct span field;
    put_bytes(&out, span_text("abc"));
    put_bytes(&out, (struct span){ 0 });
    struct cursor in = cur_over(sink_bytes(&out));
    assert_false(get_bytes(&in, 2, &field)); /* one byte past its limit, and nothing was read */
    assert_int_equal(cur_offset(&in), 0);
    assert_true(get_bytes(&in, 3, &field));
    assert_span_equal(field, span_text("abc"));
    assert_true(get_bytes(&in, 0, &field) && field.len == 0);
    assert_true(cur_end(&in));

    for (size_t len = 0; len < 7; len++) {
        in = cur_over(span_of(room, len));
        assert_false(get_bytes(&in, 100, &field));
        assert_int_equal(cur_offset(&in), 0);
    }
    out = sink_over(room, 6);
    put_bytes(&out, span_text("abc"));
    assert_false(sink_ok(&out));
}

int main(void)
{
    memset(body_of_ones, 1, sizeof body_of_ones);
    const struct CMUnitTest tests[] = {
        TEST(test_the_layout_is_the_documented_one, ""),
        TEST(test_frames_come_back_in_their_order, ""),
        TEST(test_a_frame_that_is_cut_anywhere_is_none, ""),
        TEST(test_heads_that_are_none, ""),
        TEST(test_the_longest_body, ""),
        TEST(test_a_frame_that_does_not_fit_leaves_those_before_it, ""),
        TEST(test_fields, ""),
    };
    return RUN_TESTS(tests);
}
