/* test_trace.c - what is a traceparent and what is none. */
#include "http/trace.h"

#include "base/number.h"
#include "test.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *back;
    } rows[] = {
        { "sampled", "00-" ID "-01", "00-" ID "-01" },
        { "not sampled", "00-" ID "-00", "00-" ID "-00" },
        { "other flags are not passed on", "00-" ID "-ff", "00-" ID "-01" },
        { "a later version", "01-" ID "-01", "00-" ID "-01" },
        { "a later version with more", "cc-" ID "-01-what", "00-" ID "-01" },
        { "empty", "", NULL },
        { "version ff", "ff-" ID "-01", NULL },
        { "upper-case version", "0A-" ID "-01", NULL },
        { "version 00 with more", "00-" ID "-01-what", NULL },
        { "version 00 with a dash", "00-" ID "-01-", NULL },
        { "a later version with more but no dash", "01-" ID "-01x", NULL },
        { "no flags", "00-" ID, NULL },
        { "half a flag", "00-" ID "-0", NULL },
        { "upper-case id", "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", NULL },
        { "upper-case parent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067aa0ba902b7-01", NULL },
        { "trace of zeros", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", NULL },
        { "parent of zeros", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", NULL },
        { "no digit", "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", NULL },
        { "wrong dash", "00_" ID "-01", NULL },
        { "space before", " 00-" ID "-01", NULL },
        { "space behind", "00-" ID "-01 ", NULL },
        { "two", "00-" ID "-01,00-" ID "-01", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct trace trace = { .flags = 7 };
        bool ok = trace_parse(span_text(rows[i].text), &trace);
        if (ok != (rows[i].back != NULL))
            fail_msg("%s", rows[i].name);
        if (!ok) {
            assert_int_equal(trace.flags, 7);
            continue;
        }
        uint8_t text[64];
        struct sink out = sink_over(text, sizeof text);
        trace_write(&trace, &out);
        assert_span_equal(sink_bytes(&out), span_text(rows[i].back));
    }
    for (size_t len = 0; len < 55; len++) {
        struct trace trace;
        assert_false(trace_parse(span_of("00-" ID "-01", len), &trace));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_rows, "") };
    return RUN_TESTS(tests);
}
