/* test_sealed.c - a sealed copy is what it was copied from, runs, and cannot be changed. */
#include "os/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/spawn.h"
#include "os/temp.h"

enum { MOST = 64 << 20 };

/* By what is open, while `path` names something else: what it exits with. */
static int exit_of(int program, const char *command)
{
    int status;
    struct spawned child;
    const char *const argv[] = { "sh", "-c", command, NULL };
    const struct spawn what = { .path = "/none", .program = program, .argv = argv };
    assert_true(rc_ok(spawn(NULL, &what, &child)));
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    fd_close(&child.pidfd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_runs(void **state)
{
    (void)state;
    int fd;
    assert_true(rc_ok(sealed_copy(NULL, "/bin/sh", MOST, &fd)));
    auto_fd int program = fd;
    assert_true((fcntl(program, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(exit_of(program, "exit 7"), 7);
    assert_int_equal(exit_of(program, "exit 8"), 8); /* as often as one likes */
    /* Nobody is left with it, and it is the one that ran. */
    assert_int_equal(exit_of(program,
                             "for n in /proc/$$/fd/*; do case $(readlink $n) in "
                             "*memfd*) exit 1;; esac; done;"
                             "case $(readlink /proc/$$/exe) in *memfd:program*) exit 9;; esac"),
                     9);
}

static void test_cannot_be_changed(void **state)
{
    (void)state;
    int fd;
    char path[32];
    assert_true(rc_ok(sealed_copy(NULL, "/bin/sh", MOST, &fd)));
    auto_fd int program = fd;
    struct stat is, was;
    assert_int_equal(stat("/bin/sh", &was), 0);
    assert_int_equal(fstat(program, &is), 0);
    assert_int_equal(is.st_size, was.st_size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", program);
    auto_fd int again = open(path, O_RDWR | O_CLOEXEC);
    const int ends[] = { program, again };
    for (size_t i = 0; i < 2; i++) {
        assert_true(pwrite(ends[i], "x", 1, 0) < 0);
        assert_true(ftruncate(ends[i], 0) != 0);
        assert_true(ftruncate(ends[i], 2 * is.st_size) != 0);
        assert_true(fcntl(ends[i], F_ADD_SEALS, 0) != 0);
    }
    assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, program, 0) == MAP_FAILED);
    assert_int_equal(fcntl(program, F_GET_SEALS),
                     F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

static void test_refused(void **state)
{
    struct temp *temp = *state;
    int fd = -1;
    temp_put(temp, "file", span_text("\177ELF5"));
    temp_put(temp, "script", span_text("#!/bin/sh\n"));
    temp_put(temp, "empty", span_of("", 0));
    assert_int_equal(rc_errno(sealed_copy(NULL, temp_path(temp, "none"), MOST, &fd)), ENOENT);
    assert_int_equal(rc_errno(sealed_copy(NULL, temp->path, MOST, &fd)), EINVAL);
    assert_int_equal(mkfifo(temp_path(temp, "pipe"), 0600), 0);
    assert_int_equal(rc_errno(sealed_copy(NULL, temp_path(temp, "pipe"), MOST, &fd)), EINVAL);
    assert_int_equal(rc_errno(sealed_copy(NULL, temp_path(temp, "file"), 4, &fd)), EFBIG);
    assert_int_equal(rc_errno(sealed_copy(NULL, temp_path(temp, "script"), MOST, &fd)), ENOEXEC);
    assert_int_equal(rc_errno(sealed_copy(NULL, temp_path(temp, "empty"), MOST, &fd)), ENOEXEC);
    assert_int_equal(fd, -1);
    assert_true(rc_ok(sealed_copy(NULL, temp_path(temp, "file"), 5, &fd)));
    fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_TEST(test_runs),
        TEMP_TEST(test_cannot_be_changed),
        TEMP_TEST(test_refused),
    };
    return RUN_TESTS(tests);
}
