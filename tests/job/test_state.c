/* test_state.c - every step from every state to every other is in the table or not, as it is
   written here once more; and whoever walks at random ends once, in one of three ways. */
#include "job/state.h"

#include "base/number.h"
#include "test.h"

/* Rows and columns in the order of the states: none, queued, starting, running, ending, done,
   failed, cancelled. */
static const char *const allowed[JOB_STATES] = {
    [JOB_STATE_NONE] = ".x......", [JOB_QUEUED] = "..x...xx",    [JOB_STARTING] = ".x.xx.xx",
    [JOB_RUNNING] = "....xxxx",    [JOB_ENDING] = ".....xxx",    [JOB_DONE] = "........",
    [JOB_FAILED] = "........",     [JOB_CANCELLED] = "........",
};

static void test_all_pairs(void **state)
{
    (void)state;
    for (unsigned from = 0; from < JOB_STATES; from++) {
        for (unsigned to = 0; to < JOB_STATES; to++) {
            if (job_state_may((enum job_state)from, (enum job_state)to) !=
                (allowed[from][to] == 'x'))
                fail_msg("%s to %s", job_state_name((enum job_state)from),
                         job_state_name((enum job_state)to));
        }
    }
}

/* What no version has written is no state. */
static void test_others(void **state)
{
    (void)state;
    for (unsigned other = JOB_STATES; other < JOB_STATES + 64; other++) {
        assert_false(job_state_may((enum job_state)other, JOB_DONE));
        assert_false(job_state_may(JOB_QUEUED, (enum job_state)other));
        assert_string_equal(job_state_name((enum job_state)other), "");
    }
}

static void test_ends(void **state)
{
    (void)state;
    for (unsigned from = 0; from < JOB_STATES; from++) {
        bool leads_on = false;
        for (unsigned to = 0; to < JOB_STATES; to++)
            leads_on |= job_state_may((enum job_state)from, (enum job_state)to);
        assert_int_equal(job_state_has_ended((enum job_state)from), !leads_on);
        assert_false(job_state_has_ended((enum job_state)from) &&
                     job_state_is_begun((enum job_state)from));
        /* One that has been begun is in no queue again, but for the word of the runner. */
        if (from != JOB_STARTING && job_state_is_begun((enum job_state)from))
            assert_false(job_state_may((enum job_state)from, JOB_QUEUED));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_pairs),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
