/* test_pace.c - each phase cut at its instant and not a microsecond before. */
#include "admit/pace.h"

#include "base/number.h"
#include "test.h"

#define S UINT64_C(1000000)

static const struct pace_limits limits = { .handshake_us = 10 * S,
                                           .idle_us = 75 * S,
                                           .head_us = 9 * S,
                                           .grace_us = 5 * S,
                                           .stall_us = 20 * S,
                                           .bytes_per_s = 500 };

static void at_its_instant(const struct pace *pace, uint64_t when, enum reason reason)
{
    assert_true(pace_is_sound(pace));
    assert_true(pace_deadline(&limits, pace) == when);
    assert_int_equal(pace_judge(&limits, pace, when - 1), REASON_NONE);
    assert_int_equal(pace_judge(&limits, pace, when), reason);
    assert_int_equal(pace_judge(&limits, pace, UINT64_MAX), reason);
}

static void test_fixed_times(void **state)
{
    (void)state;
    static const struct {
        enum pace_phase phase;
        uint64_t us;
        enum reason reason;
    } rows[] = {
        { PACE_HANDSHAKE, 10 * S, REASON_ADMIT_SLOW_HANDSHAKE },
        { PACE_IDLE, 75 * S, REASON_ADMIT_IDLE },
        { PACE_HEAD, 9 * S, REASON_ADMIT_SLOW_HEADERS },
        { PACE_BODY, 5 * S, REASON_ADMIT_SLOW_BODY },
        { PACE_REPLY, 5 * S, REASON_ADMIT_SLOW_READER },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pace pace;
        pace_begin(&pace, rows[i].phase, 1000 * S);
        at_its_instant(&pace, 1000 * S + rows[i].us, rows[i].reason);
    }
}

/* Slowloris: a byte a second does not move the end of a head or a handshake. */
static void test_dribbling_buys_nothing(void **state)
{
    (void)state;
    for (unsigned phase = PACE_HANDSHAKE; phase <= PACE_HEAD; phase++) {
        struct pace pace;
        pace_begin(&pace, (enum pace_phase)phase, 7);
        uint64_t end = pace_deadline(&limits, &pace);
        for (uint64_t now = 7; now < end; now += S / 2)
            pace_moved(&pace, 1, now);
        assert_true(pace_deadline(&limits, &pace) == end);
    }
}

static void test_lowest_rate(void **state)
{
    (void)state;
    struct pace pace;
    /* One byte a second: grace, and the 2 ms that each byte is worth. */
    pace_begin(&pace, PACE_BODY, 0);
    uint64_t now = 0;
    while (pace_judge(&limits, &pace, now) == REASON_NONE) {
        pace_moved(&pace, 1, now);
        now += S;
    }
    assert_int_equal(now, 6 * S);
    /* Exactly the rate goes on for ever. */
    pace_begin(&pace, PACE_BODY, 0);
    for (now = 0; now < 3600 * S; now += S) {
        assert_int_equal(pace_judge(&limits, &pace, now), REASON_NONE);
        pace_moved(&pace, 500, now);
    }
    /* A rest that is no whole second is rounded down. */
    pace_begin(&pace, PACE_REPLY, 100);
    pace_moved(&pace, 1001, 100);
    at_its_instant(&pace, 100 + 5 * S + 2 * S + 2000, REASON_ADMIT_SLOW_READER);
}

/* Ten megabytes at once are no credit for hours of silence. */
static void test_stalling(void **state)
{
    (void)state;
    struct pace pace;
    pace_begin(&pace, PACE_BODY, 50);
    pace_moved(&pace, 10000000, 60);
    at_its_instant(&pace, 60 + 20 * S, REASON_ADMIT_SLOW_BODY);
    pace_moved(&pace, 0, 10 * S); /* nothing is no sign of life */
    at_its_instant(&pace, 60 + 20 * S, REASON_ADMIT_SLOW_BODY);
    pace_moved(&pace, 1, 10 * S);
    at_its_instant(&pace, 30 * S, REASON_ADMIT_SLOW_BODY);
    pace_moved(&pace, 1, 5); /* a clock that goes back moves nothing back */
    at_its_instant(&pace, 30 * S, REASON_ADMIT_SLOW_BODY);
}

static void test_what_the_server_waited_is_excused(void **state)
{
    (void)state;
    struct pace pace;
    pace_begin(&pace, PACE_BODY, 0);
    pace_excuse(&pace, 100 * S);
    at_its_instant(&pace, 105 * S, REASON_ADMIT_SLOW_BODY);
}

static void test_nothing_is_waited_for(void **state)
{
    (void)state;
    struct pace pace = { 0 };
    assert_true(pace_deadline(&limits, &pace) == UINT64_MAX);
    assert_int_equal(pace_judge(&limits, &pace, UINT64_MAX), REASON_NONE);
    pace_begin(&pace, PACE_HEAD, 5);
    pace_begin(&pace, PACE_NONE, 6);
    assert_int_equal(pace_judge(&limits, &pace, UINT64_MAX), REASON_NONE);
}

/* No time wraps: what is too large for the clock is the end of time. */
static void test_ends_of_numbers(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {
        0, 1, UINT64_MAX / 2, UINT64_MAX / S, UINT64_MAX - 1, UINT64_MAX
    };
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        for (size_t j = 0; j < COUNT_OF(numbers); j++) {
            struct pace pace;
            pace_begin(&pace, PACE_BODY, numbers[i]);
            pace_moved(&pace, numbers[j], numbers[i]);
            pace_moved(&pace, numbers[j], numbers[j]);
            pace_excuse(&pace, numbers[j]);
            assert_true(pace_is_sound(&pace));
            assert_true(pace_deadline(&limits, &pace) >= pace.since_us);
        }
    }
}

static void test_limits_of_the_limits(void **state)
{
    (void)state;
    struct pace_limits sound = pace_limits_default(), zero = { 0 };
    assert_true(pace_limits_are_sound(&sound));
    assert_true(pace_limits_are_sound(&limits));
    assert_false(pace_limits_are_sound(&zero));
    sound.bytes_per_s = 0;
    assert_false(pace_limits_are_sound(&sound));
    struct pace bad = { .phase = PACE_IDLE, .since_us = 2, .last_us = 1 };
    assert_false(pace_is_sound(&bad));
    bad = (struct pace){ .phase = (enum pace_phase)(PACE_REPLY + 1) };
    assert_false(pace_is_sound(&bad));
    assert_int_equal(pace_judge(&limits, &bad, UINT64_MAX), REASON_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fixed_times, ""),
        TEST(test_dribbling_buys_nothing, ""),
        TEST(test_lowest_rate, ""),
        TEST(test_stalling, ""),
        TEST(test_what_the_server_waited_is_excused, ""),
        TEST(test_nothing_is_waited_for, ""),
        TEST(test_ends_of_numbers, ""),
        TEST(test_limits_of_the_limits, ""),
    };
    return RUN_TESTS(tests);
}
