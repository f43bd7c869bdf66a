/* test_host_name.c - what is a name of a host, in any case, and which two are the same. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "codec/host_name.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890"

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        { "a", true },
        { "A.ExAmPlE", true },
        { "xn--bcher-kva.example", true },
        { "_dmarc.example", true },
        { "1.example.1a", true },
        { LABEL_63 ".a", true },
        { "", false },
        { ".", false },
        { "a.", false },
        { ".a", false },
        { "a..b", false },
        { "-a.b", false },
        { "a-.b", false },
        { "a" LABEL_63 ".a", false },
        { "127.0.0.1", false },
        { "2130706433", false },
        { "a.0x7f", true }, /* a name: no reader of addresses is ever asked about it */
        { "a.127", false },
        { "::1", false },
        { "*.a.b", false },
        { "a b.c", false },
        { "a/b.c", false },
        { "\xc3\xa4.a", false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (host_is_name(span_text(rows[i].text)) != rows[i].is)
            fail_msg("\"%s\"", rows[i].text);
    }
    assert_false(host_is_name(span_of("a\0.b", 4)));
    assert_false(host_is_name(span_of("a.b\0", 4)));
}

static void test_the_longest(void **state)
{
    (void)state;
    char text[HOST_TEXT_MAX + 1];
    memset(text, 'a', sizeof text);
    for (size_t i = HOST_LABEL_MAX; i < sizeof text; i += HOST_LABEL_MAX + 1)
        text[i] = '.';
    assert_true(host_is_name(span_of(text, 252)));
    text[191] = 'a';
    text[190] = '.';
    text[252] = 'a'; /* the last label is 62 */
    assert_true(host_is_name(span_of(text, HOST_TEXT_MAX)));
    assert_false(host_is_name(span_of(text, HOST_TEXT_MAX + 1)));
}

static void test_which_are_the_same(void **state)
{
    (void)state;
    assert_true(host_is_same(span_text("a.Example"), span_text("A.eXample")));
    assert_true(host_is_same((struct span){ 0 }, (struct span){ 0 }));
    assert_false(host_is_same(span_text("a.example"), span_text("a.example.")));
    assert_false(host_is_same(span_text("a.example"), span_text("b.example")));
    assert_false(host_is_same(span_text("a@"), span_text("a`"))); /* a bit apart, no letters */
    assert_int_equal(host_first_label(span_text("ab.c.d")), 2);
    assert_int_equal(host_first_label(span_text("ab")), 2);
    assert_int_equal(host_first_label(span_text(".ab")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names, ""),
        TEST(test_the_longest, ""),
        TEST(test_which_are_the_same, ""),
    };
    return RUN_TESTS(tests);
}
