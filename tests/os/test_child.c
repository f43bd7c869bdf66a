/* test_child.c - a child is waited for whatever the caller does at SIGCHLD, and that stays as it
   was, whatever fails. */
#include "os/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "test.h"

/* One call of one function fails: the first, or a later one. */
static const char *fail_function = "";
static unsigned fail_at;
static int fail_errno;

static bool fails_now(const char *function)
{
    if (strcmp(function, fail_function) != 0 || --fail_at != 0)
        return false;
    errno = fail_errno;
    return true;
}

#define WRAP(result, name, parameters, arguments)                                                  \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        return fails_now(#name) ? -1 : __real_##name arguments;                                    \
    }
WRAP(int, sigaction, (int number, const struct sigaction *new, struct sigaction *old),
     (number, new, old))
WRAP(pid_t, fork, (void), ())
WRAP(pid_t, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags))

static int end_with(void *arg)
{
    return *(const int *)arg;
}

static int sleep_long(void *arg)
{
    (void)arg;
    pause();
    return 0;
}

static void end_it(pid_t child, void *arg)
{
    (void)arg;
    assert_int_equal(kill(child, SIGKILL), 0);
}

static void test_how_it_ended(void **state)
{
    (void)state;
    int code = 7, status = 0;
    const struct child_work ends = { .child = end_with, .arg = &code };
    const struct child_work is_ended = { .child = sleep_long, .parent = end_it };
    fail_function = "";
    assert_true(rc_ok(child_run(NULL, &ends, &status)));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    assert_true(rc_ok(child_run(NULL, &is_ended, &status)));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    /* A signal meanwhile ends no waiting. */
    fail_function = "waitpid";
    fail_at = 1;
    fail_errno = EINTR;
    assert_true(rc_ok(child_run(NULL, &ends, &status)));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* Started with SIGCHLD ignored, the caller learns how the child ended, and ignores it still. */
static void test_what_was_done_at_its_end(void **state)
{
    (void)state;
    static const struct {
        const char *function;
        unsigned at;
    } rows[] = { { "", 0 }, { "sigaction", 1 }, { "fork", 1 }, { "waitpid", 1 } };
    const struct sigaction ignored = { .sa_handler = SIG_IGN }, usual = { .sa_handler = SIG_DFL };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int code = 7, status = 4711;
        struct sigaction now;
        const struct child_work work = { .child = end_with, .arg = &code };
        assert_int_equal(__real_sigaction(SIGCHLD, &ignored, NULL), 0);
        fail_function = rows[i].function;
        fail_at = rows[i].at;
        fail_errno = EAGAIN;
        rc result = child_run(NULL, &work, &status);
        assert_int_equal(__real_sigaction(SIGCHLD, &usual, &now), 0);
        assert_true(now.sa_handler == SIG_IGN);
        if (i == 0)
            assert_true(rc_ok(result) && WIFEXITED(status) && WEXITSTATUS(status) == 7);
        else
            assert_true(rc_errno(result) == EAGAIN && status == 4711);
        if (strcmp(rows[i].function, "waitpid") == 0)
            __real_waitpid(-1, NULL, 0); /* unless it ended while it was ignored */
    }
}

/* What cannot be put back is told. */
static void test_the_last_step_fails(void **state)
{
    (void)state;
    int code = 0, status = 0;
    const struct child_work work = { .child = end_with, .arg = &code };
    fail_function = "sigaction";
    fail_at = 2;
    fail_errno = EAGAIN;
    assert_int_equal(rc_errno(child_run(NULL, &work, &status)), EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_how_it_ended, ""),
        TEST(test_what_was_done_at_its_end, ""),
        TEST(test_the_last_step_fails, ""),
    };
    return RUN_TESTS(tests);
}
