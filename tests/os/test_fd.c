/* test_fd.c - a descriptor is closed by its owner once, and not when it was moved; all is read and
   written whatever the kernel does at once. */
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

/* What the next calls do: one byte, an interruption, in turns; or they fail at last. */
static struct kernel {
    unsigned calls, fail_at; /* 0: never */
    int error;               /* 0: nothing is done, and that is no error */
} kernel;

static ssize_t does(size_t len)
{
    kernel.calls++;
    if (kernel.calls == kernel.fail_at) {
        errno = kernel.error;
        return kernel.error == 0 ? 0 : -1;
    }
    if (kernel.calls % 2 != 0) {
        errno = EINTR;
        return -1;
    }
    return len > 0;
}

#define WRAP(name, parameters, ...)                                                                \
    ssize_t __real_##name parameters;                                                              \
    ssize_t __wrap_##name parameters;                                                              \
    ssize_t __wrap_##name parameters                                                               \
    {                                                                                              \
        ssize_t done = does(len);                                                                  \
        return done <= 0 ? done : __real_##name(__VA_ARGS__);                                      \
    }
WRAP(read, (int fd, void *at, size_t len), fd, at, 1)
WRAP(write, (int fd, const void *at, size_t len), fd, at, 1)
WRAP(pread64, (int fd, void *at, size_t len, off_t from), fd, at, 1, from)
WRAP(pwrite64, (int fd, const void *at, size_t len, off_t to), fd, at, 1, to)

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int open_and_leave(void)
{
    auto_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(is_open(fd));
    return fd; /* the number; the descriptor is closed on the way out */
}

static int list_and_leave(void)
{
    auto_fd int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *names = fdopendir(fd);
    assert_non_null(names);
    assert_non_null(readdir(names));
    return fd_take(&fd);
}

static int open_and_take(void)
{
    auto_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd_take(&fd);
}

static void test_scope_closes(void **state)
{
    (void)state;
    int fd = open_and_leave();
    assert_false(is_open(fd));
}

static void test_take_moves(void **state)
{
    (void)state;
    int fd = open_and_take();
    assert_true(is_open(fd));
    int number = fd;
    fd_close(&fd);
    assert_int_equal(fd, -1);
    assert_false(is_open(number));
}

static void test_close_keeps_errno_and_ignores_nothing_open(void **state)
{
    (void)state;
    int none = -1;
    errno = EXDEV;
    fd_close(&none);
    assert_int_equal(none, -1);
    int stale = open_and_leave();
    errno = EXDEV;
    fd_close(&stale); /* close(2) fails with EBADF */
    assert_int_equal(errno, EXDEV);
}

static const char text[] = "all of it";
enum { LEN = sizeof text - 1 };

static int file_with(const char *bytes)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(__real_pwrite64(fd, bytes, strlen(bytes), 0), strlen(bytes));
    return fd;
}

static void test_pieces(void **state)
{
    char got[32] = "";
    (void)state;
    kernel = (struct kernel){ 0 };
    auto_fd int fd = file_with("");
    assert_true(fd_write(fd, span_text(text)));
    assert_true(fd_write_at(fd, LEN, span_text(text)));
    assert_int_equal(lseek(fd, 0, SEEK_CUR), LEN);
    assert_int_equal(fd_read_at(fd, 4, got, LEN), LEN);
    assert_memory_equal(got, "of itall ", LEN);
    assert_int_equal(fd_read(fd, got, sizeof got), LEN); /* to the end */
    assert_memory_equal(got, text, LEN);
    assert_int_equal(fd_read(fd, got, sizeof got), 0);
    assert_int_equal(fd_read_at(fd, 2 * LEN - 2, got, sizeof got), 2);
    assert_int_equal(kernel.calls, 2 * (LEN + LEN + LEN + (LEN + 1) + 1 + (2 + 1)));
}

static void test_failures(void **state)
{
    char got[32];
    (void)state;
    for (unsigned at = 1; at < 2 * LEN; at++) {
        auto_fd int fd = file_with(text);
        kernel = (struct kernel){ .fail_at = at, .error = EIO };
        assert_int_equal(fd_read(fd, got, LEN), -1);
        assert_int_equal(errno, EIO);
        kernel.calls = 0;
        assert_int_equal(fd_read_at(fd, 0, got, LEN), -1);
        kernel = (struct kernel){ .fail_at = at, .error = ENOSPC };
        assert_false(fd_write(fd, span_text(text)));
        assert_int_equal(errno, ENOSPC);
        kernel.calls = 0;
        assert_false(fd_write_at(fd, 0, span_text(text)));
        kernel = (struct kernel){ .fail_at = at };
        assert_false(fd_write(fd, span_text(text)));
        assert_int_equal(errno, EIO);
    }
}

static void test_scope_closes_a_listing(void **state)
{
    (void)state;
    assert_false(is_open(list_and_leave()));
    DIR *none = NULL;
    fd_close_names(&none);
    DIR *some = opendir("/");
    assert_non_null(some);
    const int fd = dirfd(some);
    errno = ENOTDIR;
    fd_close_names(&some);
    assert_int_equal(errno, ENOTDIR);
    assert_null(some);
    assert_false(is_open(fd));
}

/* Each rule is the kernel's, as it was asked for; what is opened is no other program's. */
static void test_open_how(void **state)
{
    (void)state;
    auto_fd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto_fd int found = fd_open_how(top, "proc/self", O_PATH, 0);
    assert_int_equal(fcntl(found, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fd_open_how(top, "proc/self", O_PATH, RESOLVE_NO_SYMLINKS), -1);
    assert_int_equal(errno, ELOOP);
    assert_int_equal(fd_open_how(top, "/", O_PATH, RESOLVE_BENEATH), -1);
    assert_int_equal(errno, EXDEV);
    assert_int_equal(fd_open_how(top, "dev/absent", O_PATH, 0), -1);
    assert_int_equal(errno, ENOENT);
    auto_fd int within = fd_open_how(top, "/proc", O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
    assert_true(is_open(within));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scope_closes, ""),
        TEST(test_take_moves, ""),
        TEST(test_close_keeps_errno_and_ignores_nothing_open, ""),
        TEST(test_scope_closes_a_listing, ""),
        TEST(test_open_how, ""),
        TEST(test_pieces, ""),
        TEST(test_failures, ""),
    };
    return RUN_TESTS(tests);
}
