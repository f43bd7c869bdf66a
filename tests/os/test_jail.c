/* test_jail.c - a jail is entered whole or not at all, holds what it says, and lets through
   exactly the calls that are listed.  System calls are wrapped so that they can be made to
   fail. */
#include "os/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "os/exact.h"
#include "os/jail_child.h"
#include "test.h"

/* The next calls of one of the wrapped functions fail. */
static const char *fail_function;
static unsigned fail_at; /* 1: the next one; 0: none */
static bool failed;

static bool fails_now(const char *function)
{
    if (fail_at == 0 || strcmp(function, fail_function) != 0 || --fail_at > 0)
        return false;
    failed = true;
    errno = EIO;
    return true;
}

#define WRAP(result, name, parameters, arguments)                                                  \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        return fails_now(#name) ? -1 : __real_##name arguments;                                    \
    }
WRAP(int, close_range, (unsigned first, unsigned last, int flags), (first, last, flags))
WRAP(int, setrlimit64, (int what, const void *limit), (what, limit))
WRAP(int, unshare, (int flags), (flags))
WRAP(int, setgroups, (size_t count, const gid_t *groups), (count, groups))
WRAP(int, setresgid, (gid_t r, gid_t e, gid_t s), (r, e, s))
WRAP(int, setresuid, (uid_t r, uid_t e, uid_t s), (r, e, s))
WRAP(int, prctl, (int what, long a, long b, long c, long d), (what, a, b, c, d))
WRAP(int, sigaction, (int number, const struct sigaction *new, struct sigaction *old),
     (number, new, old))
WRAP(pid_t, fork, (void), ())
WRAP(pid_t, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags))
WRAP(int, capng_apply, (int set), (set))
WRAP(int, capng_get_caps_process, (void), ())
WRAP(long, syscall, (long n, long a, long b, long c, long d, long e, long f), (n, a, b, c, d, e, f))

/* What holds inside, by the kernel's own word; the number of the first that does not. */
static int look_around(enum mode mode, const void *what)
{
    (void)what;
    struct jail jail = jail_of(wide, COUNT(wide));
    struct jail_report report;
    uid_t r, e, s;
    gid_t rg, eg, sg;
    struct rlimit limit;
    uid_t user = mode == AS_ROOT ? JAIL_USER : geteuid();
    jail.own_network = true;
    if (!rc_ok(jail_enter(NULL, &jail, &report)))
        return ENTER_FAILED;
    if (report.own_user != (mode == AS_ROOT) || report.own_network != (mode == AS_ROOT))
        return 1;
    if (getresuid(&r, &e, &s) != 0 || r != user || e != user || s != user)
        return 2;
    if (getresgid(&rg, &eg, &sg) != 0 || rg != eg || rg != sg || (mode == AS_ROOT && rg != user))
        return 3;
    if (mode == AS_ROOT && (getgroups(0, NULL) != 1 || getgroups(1, &rg) != 1 || rg != user))
        return 4;
    if (__real_prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 5;
    if (__real_prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 6;
    for (int cap = 0; cap < 64; cap++) {
        if (mode == AS_ROOT && __real_prctl(PR_CAPBSET_READ, cap, 0, 0, 0) > 0)
            return 7;
        if (__real_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) > 0)
            return 8;
    }
    struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct caps[2] = { { 1, 1, 1 }, { 1, 1, 1 } };
    if (__real_syscall(SYS_capget, (long)&head, (long)caps, 0, 0, 0, 0) != 0 ||
        !bytes_are_zero(caps, sizeof caps))
        return 9;
    if (mode == AS_ROOT && __real_prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != 0xe3)
        return 10;
    static const struct {
        int what;
        rlim_t value;
    } limits[] = {
        { RLIMIT_NOFILE, 64 }, { RLIMIT_FSIZE, 1 << 20 }, { RLIMIT_CORE, 0 }, { RLIMIT_NPROC, 0 }
    };
    for (int i = 0; i < (int)COUNT(limits); i++) {
        if (getrlimit(limits[i].what, &limit) != 0 || limit.rlim_cur != limits[i].value ||
            limit.rlim_max != limits[i].value)
            return 11 + i;
    }
    return 0;
}

static void test_what_holds_inside(void **state)
{
    (void)state;
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        if (can_be(mode))
            assert_status(status_of(look_around, mode, NULL), 0, "looking around", mode);
    }
}

/* One call that leads out, after the network was given up; 0 when it came back. */
static int try_offline(enum mode mode, const void *number)
{
    (void)mode;
    if (!rc_ok(jail_offline(NULL)))
        return ENTER_FAILED;
    __real_syscall(*(const long *)number, -1, 0, 0, 0, 0, 0);
    return 0;
}

/* Each call that leads out is the last one; what the command needs for its work is not. */
static void test_offline_is_kept_by_the_kernel(void **state)
{
    static const long
        deadly[] = { SYS_socket,         SYS_connect,         SYS_bind,
                     SYS_listen,         SYS_accept,          SYS_accept4,
                     SYS_sendto,         SYS_sendmsg,         SYS_sendmmsg,
                     SYS_io_uring_setup, 1 << 30 | SYS_getpid /* by a number of x32 */ };
    static const long harmless[] = { SYS_openat, SYS_read, SYS_write, SYS_getpid, SYS_clone3 };
    (void)state;
    for (size_t i = 0; i < COUNT(deadly); i++)
        assert_status(status_of(try_offline, AS_SOMEBODY, &deadly[i]), SIGSYS, "offline",
                      AS_SOMEBODY);
    for (size_t i = 0; i < COUNT(harmless); i++)
        assert_status(status_of(try_offline, AS_SOMEBODY, &harmless[i]), 0, "harmless",
                      AS_SOMEBODY);
    fail_function = "syscall";
    fail_at = 1;
    rc refused = jail_offline(NULL);
    assert_true(failed && fail_at == 0);
    failed = false;
    assert_false(rc_ok(refused));
}

static int report_landlock(enum mode mode, const void *what)
{
    (void)mode;
    (void)what;
    struct jail jail = jail_of(narrow, COUNT(narrow));
    struct jail_report report;
    return rc_ok(jail_enter(NULL, &jail, &report)) ? (int)report.landlock : ENTER_FAILED;
}

static void test_landlock_is_used_as_the_kernel_has_it(void **state)
{
    (void)state;
    int abi = landlock_abi();
    assert_status(status_of(report_landlock, AS_SOMEBODY, NULL), EXITED(abi < 0 ? 0 : abi),
                  "Landlock", AS_SOMEBODY);
}

/* The network of the jail is its own: the parent compares. */
static void test_own_network(void **state)
{
    (void)state;
    for (int own = 0; own < 2 && can_be(AS_ROOT); own++) {
        int ready[2];
        char byte = 1, path[64];
        struct stat ours, its;
        assert_int_equal(pipe(ready), 0);
        pid_t child = __real_fork();
        if (child == 0) {
            const int keep[] = { 0, 1, 2, ready[1] };
            static const struct call_rule rules[] = { { .number = SYS_write },
                                                      { .number = SYS_pause } };
            struct jail jail = jail_of(rules, COUNT(rules));
            struct jail_report report;
            jail.keep = keep;
            jail.keep_count = COUNT(keep);
            jail.own_network = own != 0;
            if (rc_ok(jail_enter(NULL, &jail, &report)) && write(ready[1], &byte, 1) == 1)
                pause();
            _exit(1);
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        snprintf(path, sizeof path, "/proc/%d/ns/net", child);
        assert_int_equal(stat(path, &its), 0);
        assert_int_equal(stat("/proc/self/ns/net", &ours), 0);
        kill(child, SIGKILL);
        assert_int_equal(__real_waitpid(child, NULL, 0), child);
        assert_int_equal(ours.st_ino != its.st_ino, own);
    }
}

/* Lists of descriptors that are refused, before anything is closed. 10 and 12 are open. */
static const struct {
    const char *name;
    int keep[6];
    size_t count;
} bad_lists[] = {
    { "none", { 0 }, 0 },
    { "no stderr", { 0, 1 }, 2 },
    { "no stdin", { 1, 2, 10 }, 3 },
    { "no stdout", { 0, 2, 10 }, 3 },
    { "twice", { 0, 1, 2, 10, 10 }, 5 },
    { "stderr twice", { 0, 1, 2, 2 }, 4 },
    { "out of order", { 0, 1, 2, 12, 10 }, 5 },
    { "none among them", { 0, 1, 2, -1, 10 }, 5 },
    { "not open", { 0, 1, 2, 10, 11 }, 5 },
    { "not open, last", { 0, 1, 2, 10, 12, INT32_MAX }, 6 },
};

static int refuse_list(enum mode mode, const void *what)
{
    const size_t *row = what;
    (void)mode;
    struct jail jail = jail_of(narrow, COUNT(narrow));
    struct jail_report report;
    jail.keep = bad_lists[*row].keep;
    jail.keep_count = bad_lists[*row].count;
    if (dup2(0, 10) != 10 || dup2(0, 12) != 12)
        return 1;
    close(11);
    rc r = jail_enter(NULL, &jail, &report);
    if (r.code != rc_make(RC_BUG, JAIL_E_KEEP).code)
        return 2;
    for (int fd = 0; fd <= 12; fd++) {
        if ((fd < 3 || fd == 10 || fd == 12) && fcntl(fd, F_GETFD) < 0)
            return 3;
    }
    return 0;
}

static void test_bad_lists_of_descriptors_are_refused(void **state)
{
    (void)state;
    for (size_t row = 0; row < COUNT(bad_lists); row++)
        assert_status(status_of(refuse_list, AS_SOMEBODY, &row), 0, bad_lists[row].name,
                      AS_SOMEBODY);
}

/* Kept at both ends of a gap; the limit leaves no room for another one. */
static int keep_some(enum mode mode, const void *what)
{
    (void)mode;
    (void)what;
    static const int keep[] = { 0, 1, 2, 4, 9, 500 };
    struct jail jail = jail_of(wide, COUNT(wide));
    struct jail_report report;
    for (int fd = 3; fd <= 1000; fd++) {
        if (dup2(0, fd) != fd)
            return 1;
    }
    jail.keep = keep;
    jail.keep_count = COUNT(keep);
    jail.fds = 3;
    if (!rc_ok(jail_enter(NULL, &jail, &report)))
        return ENTER_FAILED;
    for (int fd = 0; fd <= 1000; fd++) {
        bool kept = fd < 3 || fd == 4 || fd == 9 || fd == 500;
        if ((fcntl(fd, F_GETFD) >= 0) != kept)
            return 2;
    }
    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EMFILE)
        return 3;
    return 0;
}

static void test_exactly_the_listed_descriptors_stay(void **state)
{
    (void)state;
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        if (can_be(mode))
            assert_status(status_of(keep_some, mode, NULL), 0, "descriptors", mode);
    }
}

static int grow_file(enum mode mode, const void *what)
{
    const size_t *len = what;
    static char bytes[(1 << 20) + 1];
    int fd = memfd_create("file", 0);
    (void)mode;
    const int keep[] = { 0, 1, 2, fd };
    struct jail jail = jail_of(narrow, COUNT(narrow));
    struct jail_report report;
    jail.keep = keep;
    jail.keep_count = COUNT(keep);
    if (fd <= 2 || !rc_ok(jail_enter(NULL, &jail, &report)))
        return ENTER_FAILED;
    size_t done = 0;
    while (done < *len) {
        ssize_t wrote = write(fd, bytes, *len - done);
        if (wrote <= 0)
            return 1;
        done += (size_t)wrote;
    }
    return 0;
}

static void test_no_file_grows_past_its_limit(void **state)
{
    (void)state;
    static const size_t at = 1 << 20, past = (1 << 20) + 1;
    assert_status(status_of(grow_file, AS_SOMEBODY, &at), 0, "at", AS_SOMEBODY);
    assert_status(status_of(grow_file, AS_SOMEBODY, &past), SIGXFSZ, "past", AS_SOMEBODY);
}

static int make_process(void)
{
    pid_t child = __real_fork();
    if (child == 0)
        _exit(0);
    return child < 0 ? errno : 0;
}

static int fork_in_jail(enum mode mode, const void *what)
{
    (void)mode;
    (void)what;
    struct jail jail = jail_of(wide, COUNT(wide));
    struct jail_report report;
    jail.forks = true;
    return rc_ok(jail_enter(NULL, &jail, &report)) ? make_process() : ENTER_FAILED;
}

static void test_who_may_fork_can(void **state)
{
    (void)state;
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        if (can_be(mode))
            assert_status(status_of(fork_in_jail, mode, NULL), 0, "fork", mode);
    }
}

/* Jails that nobody should get. */
enum wrong {
    WRONG_USER,
    WRONG_NUMBER,
    WRONG_ARGUMENT,
    WRONG_MASK,
    WRONG_VALUE,
    WRONG_PROOF,
    WRONG_PROOF_AND_NO_WAY_OUT,
    WRONG_THREADS,
    WRONG_COUNT
};

static void *wait_for_ever(void *nothing)
{
    pause();
    return nothing;
}

static int enter_wrong(enum mode mode, const void *what)
{
    static const struct call_rule last[WRONG_COUNT] = {
        [WRONG_NUMBER] = { .number = -1 },
        [WRONG_ARGUMENT] = { .number = SYS_read, .masked = true, .argument = 6, .mask = 1 },
        [WRONG_MASK] = { .number = SYS_read, .masked = true },
        [WRONG_VALUE] = { .number = SYS_read, .masked = true, .mask = 4, .value = 6 },
        [WRONG_PROOF] = { .number = SYS_personality },
    };
    static const uint32_t expected[WRONG_COUNT] = {
        JAIL_E_USER, JAIL_E_RULE,  JAIL_E_RULE,  JAIL_E_RULE,
        JAIL_E_RULE, JAIL_E_PROOF, JAIL_E_PROOF, JAIL_E_THREADS,
    };
    enum wrong wrong = *(const enum wrong *)what;
    struct call_rule rules[] = { narrow[0], narrow[2], narrow[1] };
    struct jail jail = jail_of(rules, COUNT(rules));
    struct jail_report report = { .landlock = 4711 };
    pthread_t thread;
    if (wrong == WRONG_USER)
        jail.user = 0;
    if (wrong >= WRONG_NUMBER && wrong <= WRONG_PROOF)
        rules[2] = last[wrong];
    if (wrong == WRONG_PROOF_AND_NO_WAY_OUT) {
        rules[2] = last[WRONG_PROOF];
        rules[1] = narrow[0];
        jail.rules = &rules[1];
        jail.rule_count = 2;
    }
    if (wrong == WRONG_THREADS && pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
        return 1;
    rc r = jail_enter(NULL, &jail, &report);
    /* A rule that is none is found by the proof's child first, which then does not die as it
       should. */
    bool rule = expected[wrong] == JAIL_E_RULE;
    if (r.code != rc_make(RC_BUG, rule ? JAIL_E_PROOF : expected[wrong]).code)
        return 2;
    if (rule && jail_filter(NULL, rules, COUNT(rules)).code != rc_make(RC_BUG, JAIL_E_RULE).code)
        return 3;
    (void)mode;
    return report.landlock == 4711 ? 0 : 4;
}

static void test_wrong_jails_are_refused(void **state)
{
    (void)state;
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        for (enum wrong wrong = 0; can_be(mode) && wrong < WRONG_COUNT; wrong++) {
            if (mode == AS_ROOT || wrong != WRONG_USER)
                assert_status(status_of(enter_wrong, mode, &wrong), 0, "wrong jail", mode);
        }
    }
}

/* A process may have been started with SIGCHLD ignored; and what it was is put back. */
static int enter_without_children(enum mode mode, const void *what)
{
    (void)mode;
    (void)what;
    struct jail jail = jail_of(wide, COUNT(wide));
    struct jail_report report;
    struct sigaction now;
    signal(SIGCHLD, SIG_IGN);
    if (!rc_ok(jail_enter(NULL, &jail, &report)))
        return ENTER_FAILED;
    return __real_sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler == SIG_IGN ? 0 : 1;
}

static void test_ignored_children_do_not_matter(void **state)
{
    (void)state;
    assert_status(status_of(enter_without_children, AS_SOMEBODY, NULL), 0, "SIGCHLD", AS_SOMEBODY);
}

struct fault {
    const char *function;
    unsigned at;
};

enum { NOT_REACHED = 100, WRONG_SUCCESS, HANDLED };

static int enter_with_fault(enum mode mode, const void *what)
{
    const struct fault *fault = what;
    struct jail jail = jail_of(narrow, COUNT(narrow));
    struct jail_report report = { .landlock = 4711 };
    (void)mode;
    jail.own_network = true;
    fail_function = fault->function;
    fail_at = fault->at;
    rc r = jail_enter(NULL, &jail, &report);
    if (rc_ok(r))
        return failed ? WRONG_SUCCESS : NOT_REACHED;
    return report.landlock == 4711 ? HANDLED : WRONG_SUCCESS;
}

/* Each call of each function fails once: a jail that is half a jail is never a success. */
static void test_no_step_may_fail(void **state)
{
    (void)state;
    static const struct {
        const char *function;
        unsigned calls[MODE_COUNT];
    } rows[] = {
        { "close_range", { 1, 1 } }, { "setrlimit64", { 4, 4 } },
        { "unshare", { 2, 1 } },     { "setgroups", { 1, 0 } },
        { "setresgid", { 1, 1 } },   { "setresuid", { 1, 1 } },
        { "prctl", { 4, 3 } },       { "sigaction", { 2, 2 } },
        { "fork", { 1, 1 } },        { "waitpid", { 1, 1 } },
        { "capng_apply", { 2, 1 } }, { "capng_get_caps_process", { 1, 1 } },
        { "syscall", { 5, 5 } },
    };
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        for (size_t i = 0; can_be(mode) && i < COUNT(rows); i++) {
            struct fault fault = { rows[i].function, 1 };
            bool landlock = strcmp(fault.function, "syscall") != 0 || landlock_abi() > 0;
            for (; landlock && fault.at <= rows[i].calls[mode]; fault.at++)
                assert_status(status_of(enter_with_fault, mode, &fault), EXITED(HANDLED),
                              fault.function, mode);
            if (landlock)
                assert_status(status_of(enter_with_fault, mode, &fault), EXITED(NOT_REACHED),
                              fault.function, mode);
        }
    }
}

static void test_exactly_the_listed_calls_survive(void **state)
{
    (void)state;
    static const struct call_rule conditions[] = {
        { .number = SYS_read },
        { .number = SYS_exit_group },
        { .number = SYS_rt_sigreturn },
        { .number = SYS_pause },
        { .number = SYS_mmap, .masked = true, .argument = 2, .mask = 4, .value = 0 },
        { .number = SYS_fcntl, .masked = true, .argument = 1, .mask = 0xffffffff, .value = 3 },
        { .number = SYS_lseek,
          .masked = true,
          .argument = 0,
          .mask = UINT64_MAX,
          .value = UINT64_C(0x8000000180000001) },
    };
    size_t plain = 3 * EXACT_NUMBERS + 4;
    assert_int_equal(assert_exact(NULL, 0), plain);
    assert_int_equal(assert_exact(narrow, COUNT(narrow)), plain);
    /* A condition: two ways right, and each bit of the mask wrong, for one call. */
    assert_int_equal(assert_exact(conditions, COUNT(conditions)),
                     plain + (2 + 1 - 1) + (2 + 32 - 1) + (2 + 64 - 1));
}

/* A list of the greatest length is whole: its last rule holds, and the condition before it. */
static int enter_longest(enum mode mode, const void *what)
{
    static struct call_rule rules[JAIL_RULES_MAX + 1];
    (void)mode;
    (void)what;
    for (size_t i = 0; i < JAIL_RULES_MAX; i++)
        rules[i] = (struct call_rule){ SYS_lseek, true, 0, UINT64_MAX, i };
    rules[JAIL_RULES_MAX - 1] = (struct call_rule){ .number = SYS_exit_group };
    if (jail_filter(NULL, rules, COUNT(rules)).code != rc_make(RC_BUG, JAIL_E_RULE).code)
        return 1;
    if (!rc_ok(jail_filter(NULL, rules, JAIL_RULES_MAX)))
        return 2;
    return lseek(JAIL_RULES_MAX - 2, 0, SEEK_CUR) < 0 ? 3 : 4; /* allowed, and not open */
}

static void test_longest_list(void **state)
{
    (void)state;
    assert_status(status_of(enter_longest, AS_SOMEBODY, NULL), EXITED(3), "list", AS_SOMEBODY);
}

/* With a heap that is used up: whole, too, and never without one of its rules. */
static int filter_without_heap(enum mode mode, const void *what)
{
    const struct rlimit none = { 0, 0 };
    (void)mode;
    (void)what;
    __real_setrlimit64(RLIMIT_AS, &none);
    for (size_t size = 1 << 20; size > 0; size /= 2)
        while (malloc(size) != NULL)
            continue;
    return rc_ok(jail_filter(NULL, narrow, COUNT(narrow))) ? 3 : 1;
}

static void test_the_filter_takes_no_memory(void **state)
{
    (void)state;
    assert_status(status_of(filter_without_heap, AS_SOMEBODY, NULL), EXITED(3), "heap",
                  AS_SOMEBODY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_holds_inside, ""),
        TEST(test_offline_is_kept_by_the_kernel, "EC-37"),
        TEST(test_landlock_is_used_as_the_kernel_has_it, ""),
        TEST(test_own_network, ""),
        TEST(test_bad_lists_of_descriptors_are_refused, ""),
        TEST(test_exactly_the_listed_descriptors_stay, ""),
        TEST(test_no_file_grows_past_its_limit, ""),
        TEST(test_who_may_fork_can, ""),
        TEST(test_wrong_jails_are_refused, ""),
        TEST(test_ignored_children_do_not_matter, ""),
        TEST(test_no_step_may_fail, ""),
        TEST(test_exactly_the_listed_calls_survive, ""),
        TEST(test_longest_list, ""),
        TEST(test_the_filter_takes_no_memory, ""),
    };
    return RUN_TESTS(tests);
}
