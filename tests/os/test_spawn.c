/* test_spawn.c - what a started program has and has not, and whom a signal reaches. */
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "test.h"

/* Runs a shell script; what it writes to descriptor 5 comes back. */
static struct spawned run(const char *script, bool new_session, char *out, size_t cap)
{
    int ends[2];
    struct spawned child;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const char *const argv[] = { "sh", "-c", script, NULL };
    struct spawn what = { .path = "/bin/sh",
                          .argv = argv,
                          .fds = { { ends[1], 5 } },
                          .fd_count = 1,
                          .new_session = new_session };
    assert_true(rc_ok(spawn(NULL, &what, &child)));
    close(ends[1]);
    size_t len = 0;
    ssize_t got;
    while (out != NULL && (got = read(ends[0], out + len, cap - 1 - len)) > 0)
        len += (size_t)got;
    if (out != NULL)
        out[len] = 0;
    close(ends[0]);
    return child;
}

static int end_of(struct spawned *child)
{
    int status = 0;
    assert_true(rc_ok(process_wait(NULL, child->pidfd, clock_monotonic_ms() + 10000)));
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    fd_close(&child->pidfd);
    return status;
}

static void test_only_what_was_given(void **state)
{
    (void)state;
    char out[256];
    auto_fd int stray = open("/dev/null", O_RDONLY); /* not close-on-exec, on purpose */
    assert_true(stray >= 0);
    setenv("WARD_TEST_STRAY", "1", 1);
    struct spawned child = run(
        "for n in 0 1 2 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$n ] || echo $n >&5; done;"
        "readlink /proc/$$/fd/0 >&5; [ -z \"$WARD_TEST_STRAY\" ] || echo env >&5",
        false, out, sizeof out);
    assert_int_equal(end_of(&child), 0);
    assert_string_equal(out, "0\n1\n2\n5\n/dev/null\n");
}

static void test_descriptors_that_trade_places(void **state)
{
    (void)state;
    char out[64];
    int a[2], b[2];
    struct spawned child;
    assert_int_equal(pipe2(a, O_CLOEXEC), 0);
    assert_int_equal(pipe2(b, O_CLOEXEC), 0);
    /* Each is to have the other's number. */
    char script[64];
    snprintf(script, sizeof script, "echo one >/proc/self/fd/%d; echo two >/proc/self/fd/%d", b[1],
             a[1]);
    const char *const words[] = { "sh", "-c", script, NULL };
    struct spawn what = {
        .path = "/bin/sh", .argv = words, .fds = { { a[1], b[1] }, { b[1], a[1] } }, .fd_count = 2
    };
    assert_true(rc_ok(spawn(NULL, &what, &child)));
    close(a[1]);
    close(b[1]);
    ssize_t got = read(a[0], out, sizeof out);
    assert_int_equal(got, 4);
    assert_memory_equal(out, "one\n", 4);
    assert_int_equal(read(b[0], out, sizeof out), 4);
    assert_memory_equal(out, "two\n", 4);
    assert_int_equal(end_of(&child), 0);
    close(a[0]);
    close(b[0]);
}

static void test_new_session(void **state)
{
    (void)state;
    char out[64];
    struct spawned child = run("pwd >&5; read -r _ _ _ _ g s _ </proc/self/stat; echo $s >&5", true,
                               out, sizeof out);
    char expected[64];
    snprintf(expected, sizeof expected, "/\n%d\n", (int)child.pid);
    assert_int_equal(end_of(&child), 0);
    assert_string_equal(out, expected);
}

static void test_a_program_that_cannot_run(void **state)
{
    (void)state;
    static const char *const argv[] = { "x", NULL };
    static const struct {
        const char *path;
        int why;
    } rows[] = { { "/nonexistent", ENOENT }, { "/etc/passwd", EACCES }, { "/", EACCES } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct spawned child = { 0, -1 };
        struct spawn what = { .path = rows[i].path, .argv = argv };
        rc failed = spawn(NULL, &what, &child);
        assert_int_equal(rc_class_of(failed), RC_WORLD);
        assert_int_equal(rc_errno(failed), rows[i].why);
        assert_int_equal(child.pidfd, -1);
        wait(NULL);
    }
}

static void test_signal_and_wait(void **state)
{
    (void)state;
    struct spawned child = run("exec 5>&-; exec sleep 100", false, NULL, 0);
    rc early = process_wait(NULL, child.pidfd, clock_monotonic_ms() + 20);
    assert_int_equal(rc_class_of(early), RC_BUSY);
    assert_int_equal(rc_number(early), SPAWN_E_TIME);
    assert_true(rc_ok(process_signal(NULL, child.pidfd, SIGKILL)));
    int kept = dup(child.pidfd);
    assert_true(WIFSIGNALED(end_of(&child)));
    /* The process is gone: a signal reaches nobody, whoever has its number now. */
    rc gone = process_signal(NULL, kept, SIGKILL);
    assert_int_equal(rc_errno(gone), ESRCH);
    close(kept);
    int none = -1;
    assert_int_equal(rc_errno(process_hold(NULL, child.pid, &none)), ESRCH);
    assert_int_equal(none, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_only_what_was_given, ""), TEST(test_descriptors_that_trade_places, ""),
        TEST(test_new_session, ""),         TEST(test_a_program_that_cannot_run, ""),
        TEST(test_signal_and_wait, ""),
    };
    return RUN_TESTS(tests);
}
