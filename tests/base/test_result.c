/* test_result.c - codes keep class and number apart; trails are bounded. */
#include "base/result.h"

#include "test.h"

static rc third(struct trail *trail)
{
    return FAIL(trail, RC_PEER, 7);
}

static rc second(struct trail *trail)
{
    TRY(trail, third(trail));
    return RC_SUCCESS;
}

static void test_trail_names_the_way(void **state)
{
    (void)state;
    struct trail trail = { 0 };
    rc r = second(&trail);
    assert_false(rc_ok(r));
    assert_int_equal(rc_class_of(r), RC_PEER);
    assert_int_equal(rc_number(r), 7);
    assert_int_equal(trail.count, 2);
    assert_string_equal(trail.frames[0].function, "third");
    assert_string_equal(trail.frames[1].function, "second");
    assert_false(rc_ok(second(NULL)));
}

static void test_trail_is_bounded(void **state)
{
    (void)state;
    struct trail trail = { 0 };
    for (int i = 0; i < 100; i++)
        rc_note(&trail, rc_make(RC_BUG, 1), "f", i);
    assert_int_equal(trail.count, 100);
    assert_int_equal(trail.frames[TRAIL_FRAMES - 1].line, TRAIL_FRAMES - 1);
    rc_note(&trail, RC_SUCCESS, "f", 1);
    assert_int_equal(trail.count, 100);
}

static void test_every_class_has_a_name(void **state)
{
    (void)state;
    for (int c = RC_OK; c <= RC_BUG; c++)
        assert_string_not_equal(rc_class_name((enum rc_class)c), "unknown");
    assert_string_equal(rc_class_name((enum rc_class)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_trail_names_the_way, ""),
        TEST(test_trail_is_bounded, ""),
        TEST(test_every_class_has_a_name, ""),
    };
    return RUN_TESTS(tests);
}
