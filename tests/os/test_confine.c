/* test_confine.c - a confined child reaches its folder and nothing else, keeps three rights over
   files, and no call of the list by which images are unpacked reaches past that. */
#include "os/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "os/jail_child.h"
#include "os/temp.h"
#include "sandbox/import_syscalls.h"

enum { FILE_MOST = 4096, MEMORY_MOST = 256 << 20, SECONDS_MOST = 100 };

static int folder = -1, outside = -1;

/* Enters with the descriptors of the test and one of a file that lies outside. */
static rc enter(const struct call_rule *rules, size_t count)
{
    const int keep[] = { 0, 1, 2, outside };
    const struct confine confine = { .folder = folder,
                                     .parent = getppid(),
                                     .keep = keep,
                                     .keep_count = COUNT(keep),
                                     .file_bytes = FILE_MOST,
                                     .memory_bytes = MEMORY_MOST,
                                     .cpu_seconds = SECONDS_MOST,
                                     .rules = rules,
                                     .rule_count = count };
    bool owns;
    bool root = geteuid() == 0;
    rc result = confine_enter(NULL, &confine, &owns);
    return rc_ok(result) && owns != root ? (rc){ 1 } : result;
}

static int setup(void **state)
{
    if (temp_begin(state) != 0)
        return -1;
    const struct temp *temp = *state;
    assert_int_equal(chmod(temp->path, 0755), 0);
    assert_int_equal(mkdir(temp_path(temp, "root"), 0755), 0);
    temp_put(temp, "root/canary", span_text("x"));
    temp_put(temp, "outside", span_text("x"));
    folder = open(temp_path(temp, "root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    outside = open(temp_path(temp, "outside"), O_RDONLY | O_CLOEXEC);
    assert_true(folder >= 0 && outside > folder);
    return 0;
}

static int teardown(void **state)
{
    const struct temp *temp = *state;
    close(folder);
    close(outside);
    unlink(temp_path(temp, "root/canary"));
    unlink(temp_path(temp, "root/made"));
    rmdir(temp_path(temp, "root"));
    unlink(temp_path(temp, "outside"));
    return temp_end(state);
}

/* Who is to be root of the folder owns it. */
static void own(enum mode mode)
{
    if (geteuid() == 0)
        assert_int_equal(fchown(folder, mode == AS_ROOT ? 0 : NOBODY, 0), 0);
}

/* --- walls ------------------------------------------------------------------------------------ */

static bool limit_is(__rlimit_resource_t what, rlim_t most)
{
    struct rlimit found;
    return getrlimit(what, &found) == 0 && found.rlim_cur <= most;
}

static bool rights_are(uint32_t low)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct rights[2];
    if (syscall(SYS_capget, &header, rights) != 0)
        return false;
    const uint32_t all = rights[1].effective | rights[1].permitted | rights[1].inheritable |
                         rights[0].inheritable;
    return rights[0].effective == low && rights[0].permitted == low && all == 0;
}

static bool one_more_right_is_refused(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct rights[2] = { { .effective = 1u << CAP_SYS_CHROOT,
                                                  .permitted = 1u << CAP_SYS_CHROOT } };
    return syscall(SYS_capset, &header, rights) != 0 && errno == EPERM;
}

static bool too_much_is_told(void)
{
    static const char bytes[2 * FILE_MOST];
    int fd = open("/made", O_WRONLY | O_CREAT | O_EXCL, 0666);
    bool first = fd >= 0 && write(fd, bytes, sizeof bytes) == FILE_MOST;
    return first && write(fd, bytes, 1) < 0 && errno == EFBIG;
}

static bool cannot(bool done, int error)
{
    return !done && errno == error;
}

/* The number of the first wall that does not stand. */
static int try_walls(enum mode mode, const void *what)
{
    (void)mode;
    (void)what;
    static struct call_rule rules[COUNT(wide) + 6];
    static const int more[] = { SYS_newfstatat, SYS_getdents64, SYS_faccessat,
                                SYS_access,     SYS_chdir,      SYS_fstat };
    const uint32_t kept = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER;
    int fresh = open("/", O_RDONLY | O_DIRECTORY);
    memcpy(rules, wide, sizeof wide);
    for (size_t i = 0; i < COUNT(more); i++)
        rules[COUNT(wide) + i] = (struct call_rule){ .number = more[i] };
    if (!rc_ok(enter(rules, COUNT(rules))))
        return ENTER_FAILED;
    const bool walls[] = {
        access("/canary", F_OK) == 0,
        cannot(access("/proc", F_OK) == 0, ENOENT),
        cannot(access("../outside", F_OK) == 0, ENOENT),
        cannot(access("/../../etc", F_OK) == 0, ENOENT),
        cannot(fcntl(fresh, F_GETFD) >= 0, EBADF),
        cannot(fcntl(folder, F_GETFD) >= 0, EBADF),
        fcntl(outside, F_GETFD) >= 0,
        rights_are(kept),
        one_more_right_is_refused(),
        cannot(chroot("/") == 0, EPERM),
        cannot(unshare(CLONE_NEWNS) == 0, EPERM),
        prctl(PR_CAPBSET_READ, CAP_SETFCAP, 0, 0, 0) == 0,
        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
        prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0,
        limit_is(RLIMIT_AS, MEMORY_MOST),
        limit_is(RLIMIT_CPU, SECONDS_MOST),
        limit_is(RLIMIT_CORE, 0),
        limit_is(RLIMIT_NPROC, 0),
        too_much_is_told(),
    };
    for (size_t i = 0; i < COUNT(walls); i++) {
        if (!walls[i])
            return (int)i + 1;
    }
    return 0;
}

static void test_walls(void **state)
{
    const struct temp *temp = *state;
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        own(mode);
        if (can_be(mode))
            assert_status(status_of(try_walls, mode, NULL), EXITED(0), "walls", mode);
        unlink(temp_path(temp, "root/made"));
    }
}

/* --- the list of calls ------------------------------------------------------------------------ */

/* A call by its number: no library between. */
struct call {
    const char *name;
    long number, arguments[5];
    bool lives;
};

/* The child puts the descriptor of the file outside where a row says OUTSIDE. */
enum { OUTSIDE = -1000 };

static long text_of(const char *text)
{
    return (long)(uintptr_t)text;
}

static int try_call(enum mode mode, const void *what)
{
    (void)mode;
    const struct call *call = what;
    long a[5];
    for (size_t i = 0; i < 5; i++)
        a[i] = call->arguments[i] == OUTSIDE ? outside : call->arguments[i];
    if (!rc_ok(enter(import_rules, COUNT(import_rules))))
        return ENTER_FAILED;
    syscall(call->number, a[0], a[1], a[2], a[3], a[4]);
    _exit(0);
}

static void test_calls(void **state)
{
    (void)state;
    const long here = AT_FDCWD, canary = text_of("canary"), none = text_of(""),
               made = text_of("made");
    const struct call calls[] = {
        { "fchmodat", SYS_fchmodat, { here, canary, 01755 }, true },
        { "fchmodat set-user-id", SYS_fchmodat, { here, canary, 04755 }, false },
        { "fchmodat set-group-id", SYS_fchmodat, { here, canary, 02755 }, false },
        { "fchmod", SYS_fchmod, { OUTSIDE, 0755 }, false },
        { "fchownat", SYS_fchownat, { here, canary, 0, 0, AT_SYMLINK_NOFOLLOW }, true },
        { "fchownat of a descriptor", SYS_fchownat, { OUTSIDE, none, 0, 0, AT_EMPTY_PATH }, false },
        { "fchown", SYS_fchown, { OUTSIDE, 0, 0 }, false },
        { "openat", SYS_openat, { here, made, O_WRONLY | O_CREAT, 0600 }, true },
        { "openat set-user-id", SYS_openat, { here, made, O_WRONLY | O_CREAT, 04600 }, false },
        { "openat set-group-id", SYS_openat, { here, made, O_WRONLY | O_CREAT, 02600 }, false },
        { "mkdirat", SYS_mkdirat, { here, canary, 0755 }, true },
        { "mkdirat set-group-id", SYS_mkdirat, { here, canary, 02755 }, false },
        { "linkat", SYS_linkat, { here, canary, here, canary, 0 }, true },
        { "linkat followed", SYS_linkat, { here, canary, here, made, AT_SYMLINK_FOLLOW }, false },
        { "linkat of a descriptor",
          SYS_linkat,
          { OUTSIDE, none, here, made, AT_EMPTY_PATH },
          false },
        { "F_GETFL", SYS_fcntl, { OUTSIDE, F_GETFL }, true },
        { "F_SETFD", SYS_fcntl, { OUTSIDE, F_SETFD, FD_CLOEXEC }, true },
        { "F_SETFL", SYS_fcntl, { OUTSIDE, F_SETFL, O_ASYNC }, false },
        { "F_SETOWN", SYS_fcntl, { OUTSIDE, F_SETOWN, 1 }, false },
        { "F_SETSIG", SYS_fcntl, { OUTSIDE, F_SETSIG, SIGKILL }, false },
        { "F_DUPFD", SYS_fcntl, { OUTSIDE, F_DUPFD, 0 }, false },
        { "kill", SYS_kill, { 1, 0 }, false },
        { "socket", SYS_socket, { 1, 1, 0 }, false },
        { "execve", SYS_execve, { canary, 0, 0 }, false },
        { "renameat2", SYS_renameat2, { here, canary, here, made, 0 }, false },
        { "setxattr", SYS_setxattr, { canary, canary, canary, 1, 0 }, false },
    };
    for (size_t i = 0; i < COUNT(calls); i++) {
        for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
            own(mode);
            int status = can_be(mode) ? status_of(try_call, mode, &calls[i]) : -1;
            if (status != -1)
                assert_status(status & 0xff7f, calls[i].lives ? EXITED(0) : SIGSYS, calls[i].name,
                              mode);
        }
    }
}

/* --- what is refused -------------------------------------------------------------------------- */

static int enter_wrongly(enum mode mode, const void *what)
{
    (void)mode;
    const bool orphan = *(const bool *)what;
    const int unordered[] = { outside, 0, 1, 2 };
    const struct confine confine = { .folder = folder,
                                     .parent = orphan ? getpid() : getppid(),
                                     .keep = unordered,
                                     .keep_count = COUNT(unordered),
                                     .file_bytes = FILE_MOST,
                                     .memory_bytes = MEMORY_MOST,
                                     .cpu_seconds = SECONDS_MOST,
                                     .rules = narrow,
                                     .rule_count = COUNT(narrow) };
    bool owns;
    return (int)rc_number(confine_enter(NULL, &confine, &owns));
}

/* A parent that is gone already would never end its child; a list out of order would leave open
   what is not on it. */
static void test_refused(void **state)
{
    (void)state;
    static const bool orphan = true, unordered = false;
    assert_status(status_of(enter_wrongly, AS_ROOT, &orphan), EXITED(ESRCH), "orphan", AS_ROOT);
    assert_status(status_of(enter_wrongly, AS_ROOT, &unordered), EXITED(EINVAL), "order", AS_ROOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_walls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };
    return RUN_TESTS(tests);
}
