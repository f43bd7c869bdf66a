/* test_mount.c - mounts of a process's own: other owners, disks, memory and layers; nobody else
   sees any of it, and all of it is gone with the process. */
#include "os/mount.h"

#include <errno.h>
#include <sys/wait.h>

#include "os/fd.h"
#include "os/temp.h"

enum { OWNER = 70000, ELSEWHERE = 7 };

/* In a child, for mounts would stay: 0, or the line that failed. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__ % 250 + 1;                                                             \
    } while (0)

static int as_root(const struct temp *temp, int (*body)(const struct temp *temp))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(rc_ok(mount_apart(NULL)) ? body(temp) : 251);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static uid_t owner_of(const struct temp *temp, const char *name)
{
    struct stat is;
    return stat(temp_path(temp, name), &is) == 0 ? is.st_uid : (uid_t)-2;
}

static int other_owners(const struct temp *temp)
{
    char source[128];
    snprintf(source, sizeof source, "%s", temp_path(temp, "from"));
    const struct mount_shift shift = { .source = source,
                                       .target = temp_path(temp, "to"),
                                       .user = { 0, OWNER, 2 },
                                       .group = { 0, OWNER, 2 },
                                       .read_only = true };
    REQUIRE(rc_ok(mount_shifted(NULL, &shift)));
    REQUIRE(owner_of(temp, "to/root") == OWNER);
    REQUIRE(owner_of(temp, "to/one") == OWNER + 1);
    REQUIRE(owner_of(temp, "to/seven") == 65534); /* who has no row is nobody */
    REQUIRE(owner_of(temp, "from/root") == 0);
    REQUIRE(open(temp_path(temp, "to/root"), O_WRONLY | O_CLOEXEC) < 0 && errno == EROFS);
    REQUIRE(rc_ok(mount_remove(NULL, temp_path(temp, "to"))));
    REQUIRE(access(temp_path(temp, "to/root"), F_OK) != 0);
    REQUIRE(rc_ok(mount_remove(NULL, temp_path(temp, "to")))); /* none any more */
    REQUIRE(rc_ok(mount_remove(NULL, temp_path(temp, "never"))));
    const struct mount_shift nowhere = {
        .source = "/nowhere", .target = "/", .user = { 0, 1, 1 }, .group = { 0, 1, 1 }
    };
    REQUIRE(rc_errno(mount_shifted(NULL, &nowhere)) == ENOENT);
    return 0;
}

static void test_other_owners(void **state)
{
    struct temp *temp = *state;
    static const struct {
        const char *name;
        uid_t owner;
    } files[] = { { "from/root", 0 }, { "from/one", 1 }, { "from/seven", ELSEWHERE } };
    if (geteuid() != 0)
        skip(); /* mounts need root */
    assert_int_equal(mkdir(temp_path(temp, "from"), 0755), 0);
    assert_int_equal(mkdir(temp_path(temp, "to"), 0755), 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        temp_put(temp, files[i].name, span_text("x"));
        assert_int_equal(chown(temp_path(temp, files[i].name), files[i].owner, files[i].owner), 0);
    }
    assert_int_equal(as_root(temp, other_owners), 0);
    assert_int_equal(access(temp_path(temp, "to/root"), F_OK), -1); /* it was never here */
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_int_equal(unlink(temp_path(temp, files[i].name)), 0);
}

static int layers(const struct temp *temp)
{
    char lower[128], upper[128], work[128];
    REQUIRE(rc_ok(mount_memory(NULL, temp_path(temp, "memory"), "size=64k,mode=700")));
    REQUIRE(mkdir(temp_path(temp, "memory/upper"), 0700) == 0);
    REQUIRE(mkdir(temp_path(temp, "memory/work"), 0700) == 0);
    snprintf(lower, sizeof lower, "%s", temp_path(temp, "lower"));
    snprintf(upper, sizeof upper, "%s", temp_path(temp, "memory/upper"));
    snprintf(work, sizeof work, "%s", temp_path(temp, "memory/work"));
    const struct mount_layers whole = { lower, upper, work, temp_path(temp, "to") };
    REQUIRE(rc_ok(mount_layers(NULL, &whole)));
    REQUIRE(truncate(temp_path(temp, "to/x"), 0) == 0);
    struct stat is;
    REQUIRE(stat(temp_path(temp, "lower/x"), &is) == 0 && is.st_size == 4);
    REQUIRE(stat(temp_path(temp, "memory/upper/x"), &is) == 0 && is.st_size == 0);
    REQUIRE(rc_ok(mount_layers_read_only(NULL, lower, upper, temp_path(temp, "to"))));
    REQUIRE(stat(temp_path(temp, "to/x"), &is) == 0 && is.st_size == 4);
    REQUIRE(truncate(temp_path(temp, "to/x"), 0) != 0 && errno == EROFS);
    static char room[128 << 10];
    int fd = open(temp_path(temp, "memory/big"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    ssize_t put = write(fd, room, sizeof room);
    REQUIRE(put < (ssize_t)sizeof room); /* what was asked for, and no more */
    close(fd);
    char longest[1200];
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    const struct mount_layers too_long = { longest, upper, work, "/" };
    REQUIRE(rc_errno(mount_layers(NULL, &too_long)) == ENAMETOOLONG);
    REQUIRE(rc_errno(mount_layers_read_only(NULL, longest, upper, "/")) == ENAMETOOLONG);
    return 0;
}

static void test_layers_and_memory(void **state)
{
    struct temp *temp = *state;
    if (geteuid() != 0)
        skip(); /* mounts need root */
    assert_int_equal(mkdir(temp_path(temp, "lower"), 0755), 0);
    assert_int_equal(mkdir(temp_path(temp, "to"), 0755), 0);
    assert_int_equal(mkdir(temp_path(temp, "memory"), 0755), 0);
    temp_put(temp, "lower/x", span_text("text"));
    assert_int_equal(as_root(temp, layers), 0);
    assert_int_equal(unlink(temp_path(temp, "lower/x")), 0);
}

static int no_disk(const struct temp *temp)
{
    struct disk disk;
    auto_fd int file = open(temp_path(temp, "file"), O_RDWR | O_CLOEXEC);
    auto_fd int folder = open(temp_path(temp, "to"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(rc_errno(disk_attach(NULL, folder, &disk)) == EINVAL);
    REQUIRE(rc_ok(disk_attach(NULL, file, &disk)));
    /* No file system in it. */
    REQUIRE(rc_errno(disk_mount(NULL, &disk, temp_path(temp, "to"), true)) == EINVAL);
    fd_close(&disk.device);
    return 0;
}

static void test_what_is_no_disk(void **state)
{
    struct temp *temp = *state;
    static uint8_t room[1 << 20];
    if (geteuid() != 0)
        skip(); /* mounts need root */
    temp_put(temp, "file", SPAN(room));
    assert_int_equal(mkdir(temp_path(temp, "to"), 0755), 0);
    assert_int_equal(as_root(temp, no_disk), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_TEST(test_other_owners),
        TEMP_TEST(test_layers_and_memory),
        TEMP_TEST(test_what_is_no_disk),
    };
    return RUN_TESTS(tests);
}
