/* test_operator_text.c - who may be listed as an operator, and who is none. */
#include "proc/operator_text.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "test.h"

static void test_one(void **state)
{
    static const struct {
        const char *text;
        size_t count; /* 0: it is none */
    } rows[] = {
        { "dns:a", 1 },
        { "dns:Alice.ops.example", 1 },
        { "uri:spiffe://example.org/ops/alice", 1 },
        { "uri:urn:x", 1 },
        { "uri:a:%20;=@", 1 },
        { "dns:a, uri:a:b", 2 },
        { "dns:a,dns:b ,  dns:c", 3 },
        { "dns:a, dns:A", 2 }, /* the one certificate then is the first one's */
        { " ", 0 },
        { "a", 0 },
        { "dns:", 0 },
        { "uri:", 0 },
        { "DNS:a", 0 },
        { "dns:*.ops.example", 0 },
        { "dns:a..b", 0 },
        { "dns:10.0.0.1", 0 },
        { "dns:a.", 0 },
        { "uri:nothing", 0 },
        { "uri:a:", 0 },
        { "uri::b", 0 },
        { "uri:a:b c", 0 },
        { "uri:a:\"b", 0 },
        { "uri:a:\xc3\xa4", 0 },
        { "email:a@b", 0 },
        { "dns:a,", 0 },
        { ",dns:a", 0 },
        { "dns:a,,dns:b", 0 },
        { "dns:a, dns:a", 0 },
        { "dns:a dns:b", 0 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct operators operators = { .count = 77 };
        bool good = operators_read(span_text(rows[i].text), &operators);
        if (good != (rows[i].count > 0) || operators.count != (good ? rows[i].count : 77))
            fail_msg("%s", rows[i].text);
    }
    struct operators none;
    assert_true(operators_read(span_text(""), &none));
    assert_int_equal(none.count, 0);
    assert_false(operators_read(span_of("uri:a:\0b", 8), &none));
}

static void test_what_is_read(void **state)
{
    struct operators operators;
    (void)state;
    assert_true(operators_read(span_text("dns:b.example, uri:a:b"), &operators));
    assert_false(operators.at[0].is_uri);
    assert_true(operators.at[1].is_uri);
    assert_span_equal(operators.at[0].name, span_text("b.example"));
    assert_span_equal(operators.at[1].name, span_text("a:b"));
    assert_span_equal(operators.at[1].whole, span_text("uri:a:b"));
    assert_true(operators_have(&operators, span_text("uri:a:b")));
    assert_false(operators_have(&operators, span_text("a:b")));
    assert_false(operators_have(&operators, span_text("dns:B.example")));
}

static void test_how_much(void **state)
{
    char one[OPERATOR_NAME_MAX + 2], text[8 * (OPERATORS_MAX + 1)] = "";
    struct operators operators;
    (void)state;
    memset(one, 'b', sizeof one - 1);
    one[sizeof one - 1] = 0;
    memcpy(one, "uri:a:", 6);
    assert_false(operators_read(span_text(one), &operators));
    assert_true(operators_read(span_of(one, OPERATOR_NAME_MAX), &operators));
    size_t len = 0;
    for (unsigned i = 0; i <= OPERATORS_MAX; i++) {
        size_t before = len;
        len += (size_t)snprintf(text + len, sizeof text - len, "%sdns:a%u", i == 0 ? "" : ",", i);
        assert_int_equal(operators_read(span_of(text, len), &operators), i < OPERATORS_MAX);
        assert_true(len > before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one, ""),
        TEST(test_what_is_read, ""),
        TEST(test_how_much, ""),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
