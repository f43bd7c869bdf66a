/* test_grpc.c - one message with five bytes before it, a deadline, and what the server says of
 * itself. */
#include "http/grpc.h"

#include <string.h>

#include "base/number.h"
#include "codec/protobuf.h"
#include "http/problem.h"
#include "model/api.h"
#include "routes.h"
#include "test.h"

#define RAW(text)                                                                                  \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static const struct {
    const char *name;
    struct span body;
    enum reason reason;
} frames[] = {
    { "one", RAW("\0\0\0\0\3abc"), REASON_OK },
    { "an empty one", RAW("\0\0\0\0\0"), REASON_OK },
    { "as large as it may be", RAW("\0\0\0\0\4abcd"), REASON_OK },
    { "one byte larger", RAW("\0\0\0\0\5abcde"), REASON_HTTP_BODY_TOO_LARGE },
    { "2^32-1", RAW("\0\xff\xff\xff\xff"), REASON_HTTP_BODY_TOO_LARGE },
    { "compressed", RAW("\1\0\0\0\3abc"), REASON_GRPC_COMPRESSED },
    { "compressed and too large", RAW("\1\xff\xff\xff\xff"), REASON_GRPC_COMPRESSED },
    { "flag of 2", RAW("\2\0\0\0\3abc"), REASON_GRPC_FRAME },
    { "flag of ff", RAW("\xff\0\0\0\0"), REASON_GRPC_FRAME },
    { "nothing", RAW(""), REASON_GRPC_MESSAGE_COUNT },
    { "half a prefix", RAW("\0\0\0"), REASON_GRPC_FRAME },
    { "prefix alone", RAW("\0\0\0\0\3"), REASON_GRPC_FRAME },
    { "cut", RAW("\0\0\0\0\3ab"), REASON_GRPC_FRAME },
    { "a byte behind", RAW("\0\0\0\0\3abcd"), REASON_GRPC_MESSAGE_COUNT },
    { "a second one", RAW("\0\0\0\0\1a\0\0\0\0\1b"), REASON_GRPC_MESSAGE_COUNT },
    { "a second empty one", RAW("\0\0\0\0\0\0\0\0\0\0"), REASON_GRPC_MESSAGE_COUNT },
};

static void test_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        for (size_t piece = 1; piece <= frames[i].body.len + 1; piece++) {
            uint8_t bytes[8];
            struct sink message = sink_over(bytes, sizeof bytes);
            struct grpc_reader reader = { .limit = 4 };
            struct cursor in = cur_over(frames[i].body);
            struct span part;
            enum reason reason = REASON_OK;
            while (reason == REASON_OK && !cur_end(&in)) {
                assert_true(cur_take(&in, cur_left(&in) < piece ? cur_left(&in) : piece, &part));
                reason = grpc_read(&reader, part, &message);
            }
            if (reason == REASON_OK)
                reason = grpc_read_end(&reader);
            if (reason != frames[i].reason)
                fail_msg("%s by %zu: %s", frames[i].name, piece, reason_info(reason)->name);
            if (reason == REASON_OK)
                assert_int_equal(message.len + GRPC_PREFIX, frames[i].body.len);
        }
    }
}

static void test_deadlines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum reason reason;
        uint32_t ms;
    } rows[] = {
        { "1S", REASON_OK, 1000 },
        { "4999m", REASON_OK, 4999 },
        { "5001m", REASON_OK, 5000 },
        { "99999999H", REASON_OK, 5000 },
        { "1u", REASON_OK, 1 },
        { "1n", REASON_OK, 1 },
        { "1000001n", REASON_OK, 2 },
        { "00000001S", REASON_OK, 1000 },
        { "1M", REASON_OK, 5000 },
        { "0S", REASON_GRPC_DEADLINE, 0 },
        { "0n", REASON_GRPC_DEADLINE, 0 },
        { "", REASON_GRPC_TIMEOUT_INVALID, 0 },
        { "1", REASON_GRPC_TIMEOUT_INVALID, 0 },
        { "S", REASON_GRPC_TIMEOUT_INVALID, 0 },
        { "-1S", REASON_GRPC_TIMEOUT_INVALID, 0 },
        { "+1S", REASON_GRPC_TIMEOUT_INVALID, 0 },
        { "1.5S", REASON_GRPC_TIMEOUT_INVALID, 0 },
        { "1s", REASON_GRPC_TIMEOUT_INVALID, 0 },
        { "1 S", REASON_GRPC_TIMEOUT_INVALID, 0 },
        { "123456789S", REASON_GRPC_TIMEOUT_INVALID, 0 },
        { "9223372036854775808n", REASON_GRPC_TIMEOUT_INVALID, 0 },
    };
    const struct route *route = &test_router.routes[0];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_field field = { span_text("grpc-timeout"), span_text(rows[i].text) };
        struct http_request request = { .version = HTTP_2, .fields = &field, .field_count = 1 };
        uint32_t ms = 0;
        enum reason reason = grpc_judge(&request, route, &ms);
        if (reason != rows[i].reason || ms != rows[i].ms)
            fail_msg("%s: %s, %u ms", rows[i].text, reason_info(reason)->name, ms);
    }
    struct http_field field = { span_text("grpc-encoding"), span_text("gzip") };
    struct http_request request = { .version = HTTP_2, .fields = &field, .field_count = 1 };
    uint32_t ms = 0;
    assert_int_equal(grpc_judge(&request, route, &ms), REASON_GRPC_COMPRESSED);
    field.value = span_text("identity");
    assert_int_equal(grpc_judge(&request, route, &ms), REASON_OK);
    assert_int_equal(ms, 5000);
    request.version = HTTP_1_1;
    assert_int_equal(grpc_judge(&request, route, &ms), REASON_HTTP_VERSION_UNSUPPORTED);
}

static void test_write(void **state)
{
    (void)state;
    struct api_ping_response response = { .text = span_text("hi") };
    uint8_t bytes[32];
    for (size_t cap = 0; cap < 9; cap++) {
        struct sink out = sink_over(bytes, cap);
        assert_false(grpc_write_message(&api_ping_response, &response, &out));
        assert_int_equal(out.len, 0);
    }
    struct sink out = sink_over(bytes, 9);
    assert_true(grpc_write_message(&api_ping_response, &response, &out));
    assert_span_equal(sink_bytes(&out), span_of("\0\0\0\0\4\x0a\2hi", 9));
}

static size_t reflect(struct span ask, uint32_t number, struct span *part)
{
    static uint8_t bytes[32768];
    struct sink out = sink_over(bytes, sizeof bytes);
    if (!grpc_reflect(&test_router, ask, &out))
        return SIZE_MAX;
    struct cursor in = cur_over(sink_bytes(&out));
    struct protobuf_field field;
    size_t count = 0;
    while (!cur_end(&in)) {
        assert_true(protobuf_take_field(&in, &field));
        if (field.number == number) {
            count++;
            *part = field.bytes;
        }
    }
    return count;
}

static void test_reflection(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct span ask;
        uint32_t says;
    } rows[] = {
        { "services", RAW("\x3a\0"), 6 },
        { "the file", RAW("\x1a\x12ward/v1/ward.proto"), 4 },
        { "a service", RAW("\x22\x0eward.v1.System"), 4 },
        { "a call", RAW("\x22\x13ward.v1.System.Ping"), 4 },
        { "a message", RAW("\x22\x13ward.v1.PingRequest"), 4 },
        { "an enum", RAW("\x22\x0fward.v1.Finding"), 4 },
        { "with a host", RAW("\x0a\1a\x3a\0"), 6 },
        { "another file", RAW("\x1a\x0b/etc/passwd"), 7 },
        { "another symbol", RAW("\x22\x0cward.v1.Pong"), 7 },
        { "an extension", RAW("\x2a\0"), 7 },
    };
    struct span part = { 0 };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (reflect(rows[i].ask, rows[i].says, &part) != 1)
            fail_msg("%s", rows[i].name);
        assert_int_equal(reflect(rows[i].ask, 2, &part), 1);
        assert_span_equal(part, rows[i].ask);
    }
    static const struct span bad[] = { RAW(""),       RAW("\x0a\1a"), RAW("\x3a\0\x3a\0"),
                                       RAW("\x38\1"), RAW("\x3a"),    RAW("\x42\0"),
                                       RAW("\x3a\1") };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(reflect(bad[i], 2, &part), SIZE_MAX);
}

static void test_health(void **state)
{
    (void)state;
    static const struct {
        struct span ask;
        bool serving, known;
        const char *says;
    } rows[] = {
        { RAW(""), true, true, "\x08\1" },
        { RAW(""), false, true, "\x08\2" },
        { RAW("\x0a\x0eward.v1.System"), true, true, "\x08\1" },
        { RAW("\x0a\x0dward.v1.Other"), true, false, "" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[8];
        struct sink out = sink_over(bytes, sizeof bytes);
        bool known;
        assert_true(grpc_health(&test_router, rows[i].ask, rows[i].serving, &known, &out));
        assert_int_equal(known, rows[i].known);
        assert_span_equal(sink_bytes(&out), span_text(rows[i].says));
    }
    uint8_t bytes[8];
    struct sink out = sink_over(bytes, sizeof bytes);
    bool known;
    assert_false(grpc_health(&test_router, span_text("\x08\1"), true, &known, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frames, ""),     TEST(test_deadlines, ""), TEST(test_write, ""),
        TEST(test_reflection, ""), TEST(test_health, ""),
    };
    return RUN_TESTS(tests);
}
