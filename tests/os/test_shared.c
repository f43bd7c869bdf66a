/* test_shared.c - whoever has the reader's end of shared memory cannot write to it, whatever it
   asks the kernel for, and nobody can take a page away. */
#include "os/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/fd.h"
#include "os/open_fds.h"
#include "test.h"

enum { BYTES = 3 * 4096, STRANGER = 61299 };

static struct shared made(void)
{
    struct shared shared = { -1, -1 };
    assert_true(rc_ok(shared_make(NULL, "test", BYTES, &shared)));
    return shared;
}

static void unmake(struct shared *shared)
{
    fd_close(&shared->writer);
    fd_close(&shared->reader);
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    size_t before = open_fds();
    struct shared shared = made();
    uint8_t *writer = shared_map_writer(shared.writer, BYTES);
    const uint8_t *reader = shared_map_reader(shared.reader, BYTES);
    assert_true(writer != NULL && reader != NULL && (const uint8_t *)writer != reader);
    unmake(&shared); /* a mapping needs no descriptor */
    for (size_t i = 0; i < BYTES; i++)
        assert_int_equal(reader[i], 0);
    writer[0] = 5;
    writer[BYTES - 1] = 7;
    assert_int_equal(reader[0], 5);
    assert_int_equal(reader[BYTES - 1], 7);
    assert_int_equal(open_fds(), before);
}

/* Each of these is an attempt at writing by the reader's end: errno, or 0 where it went well. */
static int by_mmap(int fd, const void *map)
{
    (void)map;
    return mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? errno : 0;
}

static int by_mprotect(int fd, const void *map)
{
    (void)fd;
    /* What is attempted is what the type forbids. */
    return mprotect((void *)(uintptr_t)map, BYTES, PROT_READ | PROT_WRITE) != 0 ? errno : 0;
}

static int by_write(int fd, const void *map)
{
    (void)map;
    return write(fd, "x", 1) != 1 ? errno : 0;
}

static int by_pwrite(int fd, const void *map)
{
    (void)map;
    return pwrite(fd, "x", 1, 8) != 1 ? errno : 0;
}

static int by_ftruncate(int fd, const void *map)
{
    (void)map;
    return ftruncate(fd, 0) != 0 ? errno : 0;
}

static int by_fallocate(int fd, const void *map)
{
    (void)map;
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) != 0 ? errno : 0;
}

static int by_flags(int fd, const void *map)
{
    (void)map;
    int set = fcntl(fd, F_SETFL, O_RDWR);
    return set == 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR ? 0 : EACCES;
}

static int by_seals(int fd, const void *map)
{
    (void)map;
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) != 0 ? errno : 0;
}

static const struct {
    const char *name;
    int (*attempt)(int fd, const void *map);
    int refused_with;
} attempts[] = {
    { "map it for writing", by_mmap, EACCES },
    { "make the mapping writable", by_mprotect, EACCES },
    { "write", by_write, EBADF },
    { "pwrite", by_pwrite, EBADF },
    { "cut it", by_ftruncate, EINVAL },
    { "punch a hole", by_fallocate, EBADF },
    { "change the flags", by_flags, EACCES },
    { "seal it against its writer", by_seals, EPERM },
};

static void test_the_reader_cannot_write(void **state)
{
    (void)state;
    struct shared shared = made();
    uint8_t *writer = shared_map_writer(shared.writer, BYTES);
    const void *reader = shared_map_reader(shared.reader, BYTES);
    assert_true(writer != NULL && reader != NULL);
    memset(writer, 9, BYTES);
    for (size_t i = 0; i < COUNT_OF(attempts); i++) {
        int got = attempts[i].attempt(shared.reader, reader);
        if (got != attempts[i].refused_with)
            fail_msg("%s: %s", attempts[i].name, got == 0 ? "done" : strerror(got));
    }
    for (size_t i = 0; i < BYTES; i++)
        assert_int_equal(writer[i], 9);
    unmake(&shared);
}

/* Another user, as each process of the house is one, does not open it anew. */
static void test_no_other_user_opens_it(void **state)
{
    (void)state;
    char path[32];
    int status = 0;
    if (geteuid() != 0) {
        print_message("# needs root: two users\n");
        skip();
    }
    struct shared shared = made();
    snprintf(path, sizeof path, "/proc/self/fd/%d", shared.reader);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (setgid(STRANGER) != 0 || setuid(STRANGER) != 0)
            _exit(1);
        _exit(open(path, O_RDWR | O_CLOEXEC) < 0 && errno == EACCES ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    int again = open(path, O_RDWR | O_CLOEXEC); /* whom it belongs to does */
    assert_true(again >= 0);
    close(again);
    unmake(&shared);
}

static void test_the_writer_cannot_take_pages_away(void **state)
{
    (void)state;
    struct shared shared = made();
    assert_true(ftruncate(shared.writer, 4096) != 0 && errno == EPERM);
    assert_true(ftruncate(shared.writer, 2 * BYTES) != 0 && errno == EPERM);
    assert_true(fcntl(shared.writer, F_ADD_SEALS, F_SEAL_WRITE) != 0 && errno == EPERM);
    unmake(&shared);
}

static int file_of(size_t bytes)
{
    char path[] = "/tmp/ward-shared-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    assert_true(fd >= 0 && unlink(path) == 0 && ftruncate(fd, (off_t)bytes) == 0);
    return fd;
}

static int memory_of(size_t bytes, int seals)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0 &&
                (seals == 0 || fcntl(fd, F_ADD_SEALS, seals) == 0));
    return fd;
}

/* What could lose a page under its reader is not mapped. */
static void test_nothing_else_is_mapped(void **state)
{
    (void)state;
    struct shared shared = made();
    int fds[] = { file_of(BYTES),
                  memory_of(BYTES, 0),
                  memory_of(BYTES, F_SEAL_GROW),
                  memory_of(BYTES, F_SEAL_SHRINK),
                  memory_of(BYTES - 1, F_SEAL_SHRINK | F_SEAL_GROW),
                  memory_of(BYTES + 1, F_SEAL_SHRINK | F_SEAL_GROW),
                  open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                  open("/", O_PATH | O_CLOEXEC),
                  open("/dev/zero", O_RDWR | O_CLOEXEC) };
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        assert_true(fds[i] >= 0);
        assert_null(shared_map_reader(fds[i], BYTES));
        assert_null(shared_map_writer(fds[i], BYTES));
        close(fds[i]);
    }
    assert_null(shared_map_reader(-1, BYTES));
    assert_null(shared_map_writer(shared.reader, BYTES));
    unmake(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_written_is_read, ""), TEST(test_the_reader_cannot_write, ""),
        TEST(test_no_other_user_opens_it, ""),  TEST(test_the_writer_cannot_take_pages_away, ""),
        TEST(test_nothing_else_is_mapped, ""),
    };
    return RUN_TESTS(tests);
}
