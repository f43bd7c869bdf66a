/* test_toml_number.c - numbers, dates and times at every border; what is refused outnumbers
   what is read. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/sink.h"
#include "codec/toml.h"

static uint8_t memory[4096];

/* Reads `v = TEXT`; NULL when it is refused. */
static const struct toml_value *value_of(const char *text)
{
    static uint8_t line[2048];
    static struct arena arena;
    const struct toml_value *root = NULL;
    struct sink out = sink_over(line, sizeof line);
    sink_format(&out, "v = %s", text);
    assert_true(sink_ok(&out));
    arena = arena_over(memory, sizeof memory);
    if (!toml_parse(sink_bytes(&out), &arena, NULL, &root, NULL))
        return NULL;
    return toml_first(root);
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } rows[] = {
        { "0", 0 },
        { "+0", 0 },
        { "-0", 0 },
        { "7", 7 },
        { "+7", 7 },
        { "-7", -7 },
        { "1_000", 1000 },
        { "1_2_3", 123 },
        { "9223372036854775807", INT64_MAX },
        { "-9223372036854775808", INT64_MIN },
        { "0x0", 0 },
        { "0xdead_BEEF", 0xdeadbeef },
        { "0x00ff", 255 },
        { "0x7fffffffffffffff", INT64_MAX },
        { "0o755", 493 },
        { "0b1010", 10 },
        { "0b0_1", 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t got = 99;
        if (!toml_integer(value_of(rows[i].text), &got) || got != rows[i].value)
            fail_msg("%s", rows[i].text);
    }
}

static void test_floats(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } rows[] = {
        { "0.0", 0 },
        { "-0.0", -0.0 },
        { "1.5", 1.5 },
        { "+1.5", 1.5 },
        { "-0.1", -0.1 },
        { "3.14159265358979323846264338327950288", 3.14159265358979323846 },
        { "1e6", 1e6 },
        { "1E+06", 1e6 },
        { "5e-01", 0.5 },
        { "6.626e-34", 6.626e-34 },
        { "1_000.000_1", 1000.0001 },
        { "1_0e1_0", 10e10 },
        { "1.7976931348623157e308", 1.7976931348623157e308 },
        { "5e-324", 5e-324 },
        { "1e-400", 0 },
        { "9007199254740993.0", 9007199254740992.0 },
        { "0e0", 0 },
        { "inf", INFINITY },
        { "+inf", INFINITY },
        { "-inf", -INFINITY },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double got = 99;
        if (!toml_float(value_of(rows[i].text), &got) ||
            !bytes_equal(&got, &rows[i].value, sizeof got))
            fail_msg("%s", rows[i].text);
    }
    static const char *const nans[] = { "nan", "+nan", "-nan" };
    for (size_t i = 0; i < 3; i++) {
        double got = 0;
        assert_true(toml_float(value_of(nans[i]), &got));
        assert_true(isnan(got));
    }
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum toml_type type;
        struct toml_datetime when;
    } rows[] = {
        { "1979-05-27T07:32:00Z", TOML_DATETIME, { 1979, 5, 27, 7, 32, 0, 0, 0 } },
        { "1979-05-27t07:32:00z", TOML_DATETIME, { 1979, 5, 27, 7, 32, 0, 0, 0 } },
        { "1979-05-27 07:32:00-07:30", TOML_DATETIME, { 1979, 5, 27, 7, 32, 0, 0, -450 } },
        { "1979-05-27T07:32:00+23:59", TOML_DATETIME, { 1979, 5, 27, 7, 32, 0, 0, 1439 } },
        { "1979-05-27T00:32:00.5", TOML_DATETIME_LOCAL, { 1979, 5, 27, 0, 32, 0, 500000000, 0 } },
        { "1979-05-27T00:32:60.0000000019", TOML_DATETIME_LOCAL, { 1979, 5, 27, 0, 32, 60, 1, 0 } },
        { "1979-05-27", TOML_DATE_LOCAL, { 1979, 5, 27, 0, 0, 0, 0, 0 } },
        { "1979-05-27 # later", TOML_DATE_LOCAL, { 1979, 5, 27, 0, 0, 0, 0, 0 } },
        { "2000-02-29", TOML_DATE_LOCAL, { 2000, 2, 29, 0, 0, 0, 0, 0 } },
        { "23:59:59", TOML_TIME_LOCAL, { 0, 0, 0, 23, 59, 59, 0, 0 } },
        { "00:00:00.123456789", TOML_TIME_LOCAL, { 0, 0, 0, 0, 0, 0, 123456789, 0 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct toml_datetime got;
        const struct toml_value *value = value_of(rows[i].text);
        if (toml_type_of(value) != rows[i].type || !toml_when(value, &got) ||
            !bytes_equal(&got, &rows[i].when, sizeof got))
            fail_msg("%s", rows[i].text);
    }
}

static const char *const refused[] = {
    /* integers */
    "",
    "+",
    "-",
    "++1",
    "+-1",
    "00",
    "01",
    "-01",
    "+00",
    "0_1",
    "_1",
    "1_",
    "1__0",
    "1 000",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999",
    "0x",
    "0o",
    "0b",
    "0x_1",
    "0x1_",
    "0x1__2",
    "0xg",
    "0o8",
    "0b2",
    "+0x1",
    "-0x1",
    "-0b1",
    "0X1",
    "0O7",
    "0B1",
    "0x8000000000000000",
    "0xffffffffffffffff",
    "0x1ffffffffffffffff",
    "0x1.8",
    "1a",
    "a1",
    "1,0",
    "0d1",
    "1u",
    "\xef\xbc\x91",
    /* floats */
    ".5",
    "5.",
    "-.5",
    "+5.",
    "1.e5",
    "1._5",
    "1_.5",
    "1.5_",
    "1.5__0",
    "1e",
    "1e+",
    "1e_5",
    "1e5_",
    "1e5.0",
    "1.2.3",
    "1e400",
    "-1e400",
    "1e999999999999999999999",
    "01.5",
    "-00.5",
    "1.5f",
    "0x1p3",
    "Inf",
    "INF",
    "NaN",
    "infinity",
    "++inf",
    "inf1",
    "nan_",
    "in",
    "na",
    "--nan",
    /* dates and times */
    "1979-05-27T",
    "1979-05-27T07",
    "1979-05-27T07:32",
    "1979-05-27T07:32:00+",
    "1979-05-27T07:32:00+07",
    "1979-05-27T07:32:00+07:0",
    "1979-05-27T07:32:00+24:00",
    "1979-05-27T07:32:00+07:60",
    "1979-05-27T07:32:00ZZ",
    "1979-05-27T07:32:00Z+01:00",
    "1979-05-27T07:32:00.",
    "1979-05-27T07:32:00.Z",
    "1979-05-27T24:00:00",
    "1979-05-27T07:60:00",
    "1979-05-27T07:32:61",
    "1979-05-27  07:32:00",
    "1979-05-27_07:32:00",
    "1979-13-01",
    "1979-00-01",
    "1979-01-00",
    "1979-01-32",
    "1979-02-29",
    "1900-02-29",
    "2100-02-29",
    "1979-04-31",
    "1979-5-27",
    "79-05-27",
    "19790527T073200",
    "01979-05-27",
    "+1979-05-27",
    "-1979-05-27",
    "1979/05/27",
    "1979-05-27Z",
    "1979-05-27+01:00",
    "07:32",
    "7:32:00",
    "07:32:0",
    "24:00:00",
    "07:60:00",
    "07:32:61",
    "07:32:00Z",
    "07:32:00+01:00",
    "07:32:00.",
    "07.32.00",
    "-07:32:00",
    "07:32:00:00",
    /* words */
    "True",
    "TRUE",
    "tru",
    "truee",
    "true1",
    "false_",
    "False",
    "yes",
    "on",
    "null",
    "nil",
    "undefined",
    "t",
    "f",
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (value_of(refused[i]) != NULL)
            fail_msg("%s: accepted", refused[i]);
}

/* Long numbers: an integer past 64 bits, a float of more digits than anybody means. */
static void test_long_numbers(void **state)
{
    (void)state;
    char digits[1024] = { 0 };
    memset(digits, '7', sizeof digits - 1);
    assert_null(value_of(digits));
    digits[1] = '.';
    assert_null(value_of(digits));
    digits[400] = 0;
    double got = 0;
    assert_true(toml_float(value_of(digits), &got));
    assert_true(got > 7.7 && got < 7.8);
}

static void test_bool(void **state)
{
    (void)state;
    bool got = false;
    assert_true(toml_bool(value_of("true"), &got) && got);
    assert_true(toml_bool(value_of("false"), &got) && !got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_integers, ""), TEST(test_floats, ""),       TEST(test_dates, ""),
        TEST(test_refused, ""),  TEST(test_long_numbers, ""), TEST(test_bool, ""),
    };
    return RUN_TESTS(tests);
}
