/* test_message.c - the small readers that both versions of HTTP lean on. */
#include "http/message.h"

#include "base/number.h"
#include "base/sink.h"
#include "test.h"

static void test_query(void **state)
{
    (void)state;
    struct span query = span_text("a=1&&b&=x&c=d=e"), name, value;
    static const char *const want[] = { "a", "1", "b", "", "", "x", "c", "d=e" };
    for (size_t i = 0; i < COUNT_OF(want); i += 2) {
        assert_true(http_query_next(&query, &name, &value));
        assert_true(span_equal_text(name, want[i]) && span_equal_text(value, want[i + 1]));
    }
    assert_false(http_query_next(&query, &name, &value));
}

static void test_query_decode(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *plain;
    } rows[] = {
        { "", "" },       { "a+b%2Bc", "a b+c" }, { "%41", "A" },  { "%C3%a9", "\xc3\xa9" },
        { "a%", NULL },   { "a%4", NULL },        { "%zz", NULL }, { "%00", NULL },
        { "a%0a", NULL }, { "%ff", NULL },        { "%7f", NULL }, { "%ed%a0%80", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[16];
        struct sink out = sink_over(bytes, sizeof bytes);
        sink_text(&out, ">");
        bool ok = http_query_decode(span_text(rows[i].raw), &out);
        if (ok != (rows[i].plain != NULL))
            fail_msg("%s", rows[i].raw);
        struct sink want = sink_over((uint8_t[16]){ 0 }, 16);
        sink_text(&want, ">");
        sink_text(&want, ok ? rows[i].plain : "");
        assert_span_equal(sink_bytes(&out), sink_bytes(&want));
    }
    uint8_t small[2];
    struct sink out = sink_over(small, sizeof small);
    assert_false(http_query_decode(span_text("abc"), &out));
    assert_int_equal(out.len, 0);
}

static void test_list(void **state)
{
    (void)state;
    struct span list = span_text(" a ,, b\t,c,"), member;
    static const char *const want[] = { "a", "b", "c" };
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_true(http_list_next(&list, &member) && span_equal_text(member, want[i]));
    assert_false(http_list_next(&list, &member));
}

static void test_fold(void **state)
{
    (void)state;
    assert_true(http_equal_fold(span_text("AbC-1"), "abc-1"));
    assert_false(http_equal_fold(span_text("ab"), "abc"));
    assert_false(http_equal_fold(span_text("abcd"), "abc"));
    assert_false(http_equal_fold(span_text("a\x0d"), "a-")); /* no letter is folded to a mark */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_query, ""),
        TEST(test_query_decode, ""),
        TEST(test_list, ""),
        TEST(test_fold, ""),
    };
    return RUN_TESTS(tests);
}
