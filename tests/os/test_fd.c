/* test_fd.c - a descriptor is closed by its owner once, and not when it was moved. */
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scope_closes, ""),
        TEST(test_take_moves, ""),
        TEST(test_close_keeps_errno_and_ignores_nothing_open, ""),
    };
    return RUN_TESTS(tests);
}
