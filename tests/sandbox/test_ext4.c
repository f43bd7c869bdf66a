/* test_ext4.c - the file systems that jobs get are sound by the judgement of e2fsck, as new ones
   and when the kernel has filled them, and it sees each byte of them that is not as it was written.
 */
#include "sandbox/ext4.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/fd.h"
#include "os/mount.h"
#include "test.h"

static const char e2fsck[] = "/usr/sbin/e2fsck";

#define GIB (UINT64_C(1) << 30)

/* How many writes there were, and which is interrupted, cut short, or refused; 0: none. */
static struct kernel {
    unsigned writes, interrupt_at, cut_at, refuse_at;
} kernel;

ssize_t __real_pwrite64(int fd, const void *at, size_t len, off_t to);
ssize_t __wrap_pwrite64(int fd, const void *at, size_t len, off_t to);

ssize_t __wrap_pwrite64(int fd, const void *at, size_t len, off_t to)
{
    kernel.writes++;
    errno = kernel.writes == kernel.refuse_at ? ENOSPC : EINTR;
    if (kernel.writes == kernel.refuse_at || kernel.writes == kernel.interrupt_at)
        return -1;
    return __real_pwrite64(fd, at, kernel.writes == kernel.cut_at ? len / 2 : len, to);
}

static struct ext4_wish wish_of(uint64_t size, uint32_t inodes)
{
    struct ext4_wish wish = { .size = size, .inodes = inodes, .now = 1700000000 };
    memset(wish.id, 0x5a, sizeof wish.id);
    memset(wish.seed, 0xc3, sizeof wish.seed);
    return wish;
}

static int empty_file(uint64_t size)
{
    int fd = memfd_create("disk", MFD_CLOEXEC);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    return fd;
}

/* Whether it would mend nothing.  Of some sums that are wrong it tells in words alone. */
static bool is_sound(int fd)
{
    char path[32], said[4096];
    int status, ends[2];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        fcntl(fd, F_SETFD, 0);
        execl(e2fsck, e2fsck, "-fn", path, (char *)NULL);
        _exit(99);
    }
    close(ends[1]);
    const ssize_t got = fd_read(ends[0], said, sizeof said - 1);
    close(ends[0]);
    said[got < 0 ? 0 : got] = 0;
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status) == 0 && strstr(said, "? no") == NULL &&
           strstr(said, "Pass 5") != NULL;
}

static const struct {
    const char *name;
    uint64_t size;
    uint32_t inodes;
} shapes[] = {
    { "the smallest of a job", 1 << 20, 64 },
    { "no whole block at its end", (1 << 20) + 4095, 64 },
    { "a group, to the block", 32768 * EXT4_BLOCK, 8192 },
    { "a block more", 32769 * UINT64_C(4096), 8192 },
    { "an odd number of groups", 700000000, 100 },
    { "of /output", (1 << 30) + (64 << 20), 16384 },
    { "of a job as it is usual", 50 * GIB, 50 * GIB / 16384 },
    { "so many inodes that their tables fill groups", 40 * GIB, 7 << 20 },
    { "more descriptors than a block has", 2048 * GIB, 100000 },
};

static void test_sound(void **state)
{
    (void)state;
    if (access(e2fsck, X_OK) != 0)
        skip(); /* there is nobody to judge it */
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        const struct ext4_wish wish = wish_of(shapes[i].size, shapes[i].inodes);
        auto_fd int fd = empty_file(wish.size);
        kernel = (struct kernel){ 0 };
        assert_true(rc_ok(ext4_write(NULL, fd, &wish)));
        if (!is_sound(fd))
            fail_msg("%s: e2fsck finds fault with it", shapes[i].name);
    }
}

/* Every byte that is not zero, and its neighbour: all of it is summed.  Of the super block the
   place of the label, of bitmaps what no inode is behind. */
static void test_each_byte_counts(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20, SUPER_AT = 1024, SUPER_END = 2048 };
    if (access(e2fsck, X_OK) != 0)
        skip(); /* there is nobody to judge it */
    const struct ext4_wish wish = wish_of(SIZE, 64);
    auto_fd int fd = empty_file(SIZE);
    kernel = (struct kernel){ 0 };
    assert_true(rc_ok(ext4_write(NULL, fd, &wish)));
    uint8_t *bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(bytes != MAP_FAILED);
    unsigned tried = 0;
    for (size_t at = 0; at < SIZE; at++) {
        if (bytes[at] == 0 || (bytes[at] == 0xff && at % 512 != 0))
            continue;
        bytes[at] ^= 0x10;
        if (is_sound(fd))
            fail_msg("e2fsck sees nothing at %zu", at);
        bytes[at] ^= 0x10;
        tried++;
    }
    munmap(bytes, SIZE);
    assert_true(tried > 100);
    assert_true(is_sound(fd));
}

static void test_no_such_size(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t size;
        uint32_t inodes;
    } rows[] = {
        { "nothing", 0, 0 },
        { "less than a block", EXT4_BLOCK - 1, 0 },
        { "no room beside what describes it", 16 * EXT4_BLOCK, 0 },
        { "as many blocks as have no numbers", EXT4_SIZE_MAX, 0 },
        { "more inodes than a group can have", 1 << 20, 32769 },
        { "all of it inodes", 32768 * EXT4_BLOCK / 16, 32768 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct ext4_wish wish = wish_of(rows[i].size, rows[i].inodes);
        auto_fd int fd = empty_file(1 << 20);
        kernel = (struct kernel){ 0 };
        rc made = ext4_write(NULL, fd, &wish);
        if (rc_ok(made) || rc_number(made) != EXT4_E_SIZE || kernel.writes != 0)
            fail_msg("%s: it is made", rows[i].name);
    }
    const struct ext4_wish largest = wish_of(EXT4_SIZE_MAX - EXT4_BLOCK, 0);
    auto_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(rc_ok(ext4_write(NULL, null, &largest)));
}

static void test_interrupted(void **state)
{
    (void)state;
    const struct ext4_wish wish = wish_of(1 << 30, 1000);
    auto_fd int whole = empty_file(wish.size);
    kernel = (struct kernel){ 0 };
    assert_true(rc_ok(ext4_write(NULL, whole, &wish)));
    const unsigned writes = kernel.writes;
    assert_true(writes > 4);
    for (unsigned at = 1; at <= writes; at++) {
        auto_fd int fd = empty_file(wish.size);
        uint8_t one[EXT4_BLOCK], other[EXT4_BLOCK];
        kernel = (struct kernel){ .refuse_at = at };
        assert_int_equal(rc_errno(ext4_write(NULL, fd, &wish)), ENOSPC);
        kernel = (struct kernel){ .interrupt_at = at, .cut_at = at + 1 };
        assert_true(rc_ok(ext4_write(NULL, fd, &wish)));
        for (off_t block = 0; block < 100; block++) {
            const off_t from = block * EXT4_BLOCK;
            assert_true(pread(whole, one, sizeof one, from) == EXT4_BLOCK &&
                        pread(fd, other, sizeof other, from) == EXT4_BLOCK);
            assert_memory_equal(one, other, EXT4_BLOCK);
        }
    }
}

/* --- what the kernel makes of one ------------------------------------------------------------- */

/* Folders, each with a file of 1 MiB, until there is no room. */
static bool fill(void)
{
    static const uint8_t block[EXT4_BLOCK] = { 1 };
    char name[64];
    for (unsigned i = 0; i < 4096; i++) {
        snprintf(name, sizeof name, "%u", i);
        if (mkdir(name, 0755) != 0)
            return errno == ENOSPC;
        snprintf(name, sizeof name, "%u/file", i);
        auto_fd int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        for (unsigned n = 0; n < 256; n++) {
            if (fd < 0 || write(fd, block, sizeof block) != EXT4_BLOCK)
                return errno == ENOSPC;
        }
    }
    return false;
}

static int use(uint64_t size, uint32_t inodes)
{
    const char *at = "/mnt";
    struct disk disk;
    struct statvfs is;
    const struct ext4_wish wish = wish_of(size, inodes);
    int fd = empty_file(size);
    if (!rc_ok(mount_apart(NULL)) || !rc_ok(disk_attach(NULL, fd, &disk)) ||
        !rc_ok(ext4_write(NULL, disk.device, &wish)) || !rc_ok(disk_mount(NULL, &disk, at, true)) ||
        chdir(at) != 0)
        return 10;
    if (statvfs(".", &is) != 0 || is.f_files < inodes || is.f_blocks - is.f_bfree > 16 ||
        is.f_files - is.f_ffree > 10)
        return 11;
    /* The kernel keeps a fiftieth back. */
    if (!fill() || statvfs(".", &is) != 0 || (is.f_ffree != 0 && is.f_bfree * 40 > is.f_blocks))
        return 12;
    if (chdir("/") != 0 || umount2(at, 0) != 0)
        return 13;
    close(disk.device);
    return is_sound(fd) ? 0 : 14;
}

static void test_used(void **state)
{
    (void)state;
    if (geteuid() != 0 || access(e2fsck, X_OK) != 0 || access("/dev/loop-control", W_OK) != 0)
        skip(); /* mounts need root */
    static const uint64_t sizes[] = { 1 << 20, 200 << 20, 400 << 20 };
    static const uint32_t inodes[] = { 64, 12800, 300 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(use(sizes[i], inodes[i]));
        assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),        cmocka_unit_test(test_each_byte_counts),
        cmocka_unit_test(test_no_such_size), cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_used),
    };
    return RUN_TESTS(tests);
}
