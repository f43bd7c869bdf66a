/* test_reason.c - the vocabulary is complete and unambiguous. */
#include "model/reason.h"

#include <string.h>

#include "test.h"

static void test_every_reason_is_whole(void **state)
{
    (void)state;
    for (unsigned i = REASON_OK; i < REASON_COUNT; i++) {
        const struct reason_info *info = reason_info((enum reason)i);
        assert_int_equal(reason_find(span_text(info->name)), i);
        assert_int_equal(strspn(info->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
                         strlen(info->name));
        assert_int_equal(info->cause[strlen(info->cause) - 1], '.');
        assert_int_equal(info->class == RC_OK, i == REASON_OK);
        if (i != REASON_OK)
            assert_int_equal(info->help[strlen(info->help) - 1], '.');
    }
}

/* Every program says it, whatever it was asked to do. */
static void test_memory_is_no_verifications_alone(void **state)
{
    (void)state;
    assert_null(strstr(reason_info(REASON_OUT_OF_MEMORY)->cause, "verif"));
}

static void test_unknown_reasons(void **state)
{
    (void)state;
    assert_int_equal(reason_find(span_text("NONE")), REASON_NONE);
    assert_int_equal(reason_find(span_text("ok")), REASON_NONE);
    assert_int_equal(reason_find(span_text("")), REASON_NONE);
    assert_string_equal(reason_info((enum reason)9999)->name, "NONE");
}

static void test_what_a_failure_carries(void **state)
{
    (void)state;
    const struct {
        rc failure;
        enum reason reason;
    } rows[] = {
        { rc_make(RC_PEER, REASON_QUOTE_TRUNCATED), REASON_QUOTE_TRUNCATED },
        { rc_make(RC_WORLD, REASON_COUNT - 1), (enum reason)(REASON_COUNT - 1) },
        { rc_make(RC_WORLD, REASON_COUNT), REASON_OUT_OF_MEMORY },
        { rc_make(RC_BUG, 0x1601), REASON_OUT_OF_MEMORY },
        { rc_make(RC_BUG, REASON_NONE), REASON_OUT_OF_MEMORY },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(reason_of_rc(rows[i].failure, REASON_OUT_OF_MEMORY), rows[i].reason);
}

static void test_refuse_carries_class_and_number(void **state)
{
    (void)state;
    struct trail trail = { 0 };
    rc r = REFUSE(&trail, REASON_QUOTE_TRUNCATED);
    assert_int_equal(rc_class_of(r), RC_PEER);
    assert_int_equal(rc_number(r), REASON_QUOTE_TRUNCATED);
    assert_int_equal(trail.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_reason_is_whole, ""),
        TEST(test_memory_is_no_verifications_alone, ""),
        TEST(test_unknown_reasons, ""),
        TEST(test_what_a_failure_carries, ""),
        TEST(test_refuse_carries_class_and_number, ""),
    };
    return RUN_TESTS(tests);
}
