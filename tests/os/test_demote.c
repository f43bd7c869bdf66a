/* test_demote.c - what a child is after it gave up what root is; and it is never half of it. */
#include "os/demote.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/number.h"
#include "os/child.h"
#include "test.h"

enum { USER = 61204, GROUP = 61205, REFUSED = 40 };

/* One call of one function fails. */
static const char *fail_function = "";

#define WRAP(name, parameters, arguments)                                                          \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        if (strcmp(fail_function, #name) != 0)                                                     \
            return __real_##name arguments;                                                        \
        errno = EPERM;                                                                             \
        return -1;                                                                                 \
    }
WRAP(setgroups, (size_t count, const gid_t *groups), (count, groups))
WRAP(setresgid, (gid_t real, gid_t effective, gid_t saved), (real, effective, saved))
WRAP(setresuid, (uid_t real, uid_t effective, uid_t saved), (real, effective, saved))

struct wanted {
    uid_t user;
    gid_t group;
    pid_t parent;
};

static bool has_rights(void)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3];
    return syscall(SYS_capget, &head, rights) != 0 ||
           (rights[0].effective | rights[0].permitted | rights[0].inheritable |
            rights[1].effective | rights[1].permitted | rights[1].inheritable) != 0;
}

/* What the child finds of itself; 0: all is as it should be. */
static int be_somebody(void *arg)
{
    const struct wanted *wanted = arg;
    uid_t ids[3], user = geteuid() == 0 ? wanted->user : geteuid();
    gid_t groups[3], one[8];
    bool root = geteuid() == 0;
    int number = -1;
    if (!rc_ok(demote(NULL, wanted->user, wanted->group, wanted->parent)))
        return REFUSED;
    if (getresuid(&ids[0], &ids[1], &ids[2]) != 0 ||
        getresgid(&groups[0], &groups[1], &groups[2]) != 0)
        return 1;
    for (int i = 0; i < 3; i++) {
        if (ids[i] != user || (root && groups[i] != wanted->group))
            return 2;
    }
    if (root && (getgroups(8, one) != 1 || one[0] != wanted->group))
        return 3;
    if (setresuid(0, 0, 0) == 0 || has_rights())
        return 4;
    if (prctl(PR_GET_DUMPABLE) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 5;
    return prctl(PR_GET_PDEATHSIG, &number) == 0 && number == SIGKILL ? 0 : 6;
}

static int status_of(const struct wanted *wanted)
{
    struct wanted copy = *wanted;
    const struct child_work work = { .child = be_somebody, .arg = &copy };
    int status = 0;
    assert_true(rc_ok(child_run(NULL, &work, &status)));
    return status;
}

static void test_nothing_of_root_is_left(void **state)
{
    (void)state;
    const struct wanted wanted = { USER, GROUP, getpid() };
    assert_int_equal(status_of(&wanted), 0);
}

static void test_what_cannot_be_is_refused(void **state)
{
    static const char *const functions[] = { "setgroups", "setresgid", "setresuid" };
    (void)state;
    struct wanted wanted = { USER, GROUP, getpid() };
    for (size_t i = geteuid() == 0 ? 0 : 1; i < COUNT_OF(functions); i++) {
        fail_function = functions[i];
        assert_int_equal(status_of(&wanted), REFUSED << 8);
    }
    fail_function = "";
    /* Nobody's child: its parent has ended meanwhile. */
    wanted.parent = getpid() + 1;
    assert_int_equal(status_of(&wanted), REFUSED << 8);
    wanted = (struct wanted){ 0, GROUP, getpid() };
    assert_int_equal(status_of(&wanted), geteuid() == 0 ? REFUSED << 8 : 0);
    wanted = (struct wanted){ USER, 0, getpid() };
    assert_int_equal(status_of(&wanted), geteuid() == 0 ? REFUSED << 8 : 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_of_root_is_left, ""),
        TEST(test_what_cannot_be_is_refused, ""),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
