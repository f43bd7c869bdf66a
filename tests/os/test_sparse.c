/* test_sparse.c - a file of holes is what it was copied from, whatever the kernel does at once, and
   a disk that is full is told. */
#include "os/sparse.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"
#include "test.h"

enum { LONG = 8 << 20, PAGE = 4096 };

/* What the next calls do: an interruption, then at most `least` bytes, in turns; or they fail. */
static struct kernel {
    size_t least;
    unsigned calls, fail_at; /* 0: never */
    int error;
} kernel;

static bool does(size_t *len)
{
    kernel.calls++;
    errno = kernel.calls == kernel.fail_at ? kernel.error : EINTR;
    if (kernel.calls == kernel.fail_at || kernel.calls % 2 != 0)
        return false;
    *len = *len < kernel.least ? *len : kernel.least;
    return true;
}

ssize_t __real_pwrite64(int fd, const void *at, size_t len, off_t to);
ssize_t __wrap_pwrite64(int fd, const void *at, size_t len, off_t to);

ssize_t __wrap_pwrite64(int fd, const void *at, size_t len, off_t to)
{
    return does(&len) ? __real_pwrite64(fd, at, len, to) : -1;
}

/* A file with something at its start, in its middle and at its end, or at none of them. */
static int made_of(bool start, bool middle, bool end, off_t len)
{
    static const uint8_t page[PAGE] = { 1, 2, 3 };
    int fd = memfd_create("from", MFD_CLOEXEC);
    kernel = (struct kernel){ .least = PAGE };
    assert_int_equal(ftruncate(fd, len), 0);
    if (start)
        assert_true(write(fd, page, PAGE) == PAGE);
    for (int i = 0; middle && i < 40; i++) /* more than is copied at once */
        assert_true(lseek(fd, len / 2 + i * PAGE, SEEK_SET) > 0 && write(fd, page, PAGE) == PAGE);
    if (end)
        assert_true(lseek(fd, len - 3, SEEK_SET) > 0 && write(fd, page, 3) == 3);
    return fd;
}

static void assert_same(int a, int b)
{
    struct stat one, other;
    assert_int_equal(fstat(a, &one), 0);
    assert_int_equal(fstat(b, &other), 0);
    assert_int_equal(one.st_size, other.st_size);
    assert_int_equal(one.st_blocks, other.st_blocks); /* no hole was filled */
    if (one.st_size == 0)
        return;
    const size_t len = (size_t)one.st_size;
    void *first = mmap(NULL, len, PROT_READ, MAP_SHARED, a, 0);
    void *second = mmap(NULL, len, PROT_READ, MAP_SHARED, b, 0);
    assert_memory_equal(first, second, len);
    munmap(first, len);
    munmap(second, len);
}

static void test_it_is_what_it_was(void **state)
{
    (void)state;
    for (unsigned parts = 0; parts < 9; parts++) {
        auto_fd int from = made_of((parts & 1) != 0, (parts & 2) != 0, (parts & 4) != 0,
                                   parts == 8 ? 0 : LONG);
        auto_fd int to = memfd_create("to", MFD_CLOEXEC);
        kernel.least = parts % 2 == 0 ? SIZE_MAX : 1000;
        assert_true(rc_ok(sparse_copy(NULL, from, to)));
        assert_same(from, to);
    }
}

static void test_what_fails_is_told(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= 4; at++) {
        auto_fd int from = made_of(true, false, false, LONG);
        auto_fd int to = memfd_create("to", MFD_CLOEXEC);
        kernel.fail_at = at;
        kernel.error = ENOSPC;
        rc copied = sparse_copy(NULL, from, to);
        assert_int_equal(rc_ok(copied), at > 2); /* it is interrupted once */
        if (at <= 2)
            assert_int_equal(rc_errno(copied), ENOSPC);
    }
    auto_fd int from = made_of(true, false, false, LONG);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_false(rc_ok(sparse_copy(NULL, from, ends[1]))); /* has no size */
    assert_false(rc_ok(sparse_copy(NULL, ends[0], from)));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_what_it_was, ""),
        TEST(test_what_fails_is_told, ""),
    };
    return RUN_TESTS(tests);
}
