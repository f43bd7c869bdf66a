/* test_miner_list.c - the miners that the owner lets in: what a list may look like, what is none,
   and that whoever is not in it is not found. */
#include "token/miner_list.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "test.h"

#define ALICE "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
#define BOB   "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"

static struct miner_name names[MINER_LIST_MAX];

static struct miner_list read_text(const char *text)
{
    struct miner_list list = { .names = names };
    struct miner_list_error error = { 0 };
    if (!miner_list_read(span_text(text), &list, &error))
        fail_msg("\"%s\": line %zu: %s", text, error.line, error.what);
    return list;
}

static bool has(const struct miner_list *list, const char *hotkey)
{
    return miner_list_has(list, span_text(hotkey));
}

static void lists(void **state)
{
    static const char *const texts[] = {
        ALICE "\n" BOB "\n",
        BOB "\n" ALICE "\n",
        "\n# all of them\n\n" BOB "\r\n\t" ALICE "  # the first\n#\n \t\r\n",
        ALICE "#" BOB "\n" BOB "\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const struct miner_list list = read_text(texts[i]);
        assert_int_equal(list.count, 2);
        assert_true(has(&list, ALICE) && has(&list, BOB));
    }
}

static void who_is_not_in_it(void **state)
{
    (void)state;
    const struct miner_list list = read_text("#" BOB "\n" ALICE "\n"), none = { .names = names };
    assert_false(has(&list, BOB));
    assert_false(has(&list, ALICE "2"));
    assert_false(has(&list, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQ"));
    assert_false(has(&list, "5grwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"));
    assert_false(has(&list, ""));
    assert_false(miner_list_has(&list, span_of(names, sizeof names[0] + 1)));
    assert_false(has(&none, ALICE));
}

static void what_is_no_list(void **state)
{
    static const struct {
        const char *text;
        size_t line;
    } rows[] = {
        { "", 0 },
        { ALICE, 0 },
        { ALICE "\n" BOB, 0 },
        { "\n# nobody\n", 0 },
        { ALICE "\n\n" BOB " x\n", 3 },
        { ALICE " " BOB "\n", 1 },
        { ALICE "," BOB "\n", 1 },
        { "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKut0Y\n", 1 },
        { "too-short\n", 1 },
        { "\n" ALICE BOB "\n", 2 },
        { "<html>\n", 1 },
    };
    struct miner_list list = { .names = names };
    struct miner_list_error error;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        error = (struct miner_list_error){ SIZE_MAX, NULL };
        if (miner_list_read(span_text(rows[i].text), &list, &error) || error.line != rows[i].line ||
            error.what == NULL)
            fail_msg("row %zu: line %zu", i, error.line);
    }
    assert_false(miner_list_read(span_of(ALICE "\0\n", sizeof ALICE + 1), &list, &error));
}

/* As many as may be, the last of them among the first letters, and one more. */
static void to_its_limits_and_no_further(void **state)
{
    static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    static char text[MINER_LIST_FILE_MAX + 2];
    const size_t base = sizeof digits - 1, line = sizeof ALICE; /* its end included */
    struct miner_list list = { .names = names };
    struct miner_list_error error;
    (void)state;
    for (size_t i = 0; i <= MINER_LIST_MAX; i++) {
        char *at = &text[i * line];
        memcpy(at, ALICE "\n", line);
        for (size_t k = 0, left = i * 7919 % 100003; k < 3; k++, left /= base)
            at[k] = digits[left % base];
    }
    const struct span most = span_of(text, MINER_LIST_MAX * line);
    assert_true(miner_list_read(most, &list, &error));
    assert_int_equal(list.count, MINER_LIST_MAX);
    for (size_t i = 0; i <= MINER_LIST_MAX; i++)
        assert_int_equal(miner_list_has(&list, span_of(&text[i * line], line - 1)),
                         i < MINER_LIST_MAX);
    assert_false(miner_list_read(span_of(text, (MINER_LIST_MAX + 1) * line), &list, &error));
    assert_int_equal(error.line, MINER_LIST_MAX + 1);

    memset(text, '\n', sizeof text);
    memcpy(text, ALICE, line - 1);
    assert_true(miner_list_read(span_of(text, MINER_LIST_FILE_MAX), &list, &error));
    assert_false(miner_list_read(span_of(text, MINER_LIST_FILE_MAX + 1), &list, &error));
    assert_int_equal(error.line, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists, ""),
        TEST(who_is_not_in_it, ""),
        TEST(what_is_no_list, ""),
        TEST(to_its_limits_and_no_further, ""),
    };
    return RUN_TESTS(tests);
}
