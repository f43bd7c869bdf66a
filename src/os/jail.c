/* jail.c - see jail.h.  The steps, in this order; each is checked:

     1  close every descriptor that is not listed
     2  limits: descriptors, file size, no core file
     3  not dumpable, so that no other process of this user may look inside
     4  an empty network namespace                      (root only, where asked for)
     5  the bounding set of capabilities, groups, group and user  (root only)
     6  no new privileges, no capability
     7  Landlock: no path, no TCP port, where the kernel has it
     8  processes: none can be made any more            (after the proof's own)
     9  the system call filter, proven in a forked child first */
#include "os/jail.h"

#include <errno.h>
#include <grp.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cap-ng.h>

#include "os/file_rc.h"

/* Rights that came after the headers of the build machine; the kernel says which it knows. */
enum {
    FS_RIGHTS_1 = (1 << 13) - 1, /* ABI 1: execute ... make_sym */
    FS_REFER = 1 << 13,          /* ABI 2 */
    FS_TRUNCATE = 1 << 14,       /* ABI 3 */
    NET_TCP = 3,                 /* ABI 4: bind and connect */
    FS_IOCTL_DEVICE = 1 << 15,   /* ABI 5 */
};

static rc close_others(struct trail *trail, const struct jail *jail)
{
    unsigned next = 0;
    for (size_t i = 0; i < jail->keep_count; i++) {
        unsigned kept = (unsigned)jail->keep[i];
        if (kept > next && close_range(next, kept - 1, 0) != 0)
            return FAIL_ERRNO(trail);
        next = kept + 1;
    }
    if (close_range(next, ~0u, 0) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

static rc limit(struct trail *trail, __rlimit_resource_t what, size_t value)
{
    struct rlimit wanted = { value, value };
    if (setrlimit(what, &wanted) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

static rc drop_user(struct trail *trail, uid_t user)
{
    gid_t group = (gid_t)user;
    /* The bounding set can be emptied only as long as there is a capability for it. */
    capng_clear(CAPNG_SELECT_BOUNDS);
    if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
        return FAIL(trail, RC_WORLD, EPERM);
    if (setgroups(1, &group) != 0 || setresgid(group, group, group) != 0 ||
        setresuid(user, user, user) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

static rc drop_privileges(struct trail *trail)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return FAIL_ERRNO(trail);
    capng_clear(CAPNG_SELECT_CAPS);
    if (capng_apply(CAPNG_SELECT_CAPS) != 0 ||
        capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
        return FAIL(trail, RC_WORLD, EPERM);
    return RC_SUCCESS;
}

static uint64_t known_fs_rights(int abi)
{
    uint64_t rights = FS_RIGHTS_1;
    if (abi >= 2)
        rights |= FS_REFER;
    if (abi >= 3)
        rights |= FS_TRUNCATE;
    if (abi >= 5)
        rights |= FS_IOCTL_DEVICE;
    return rights;
}

static rc no_paths(struct trail *trail, unsigned *used)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    *used = 0;
    if (abi < 1)
        return RC_SUCCESS;
    uint64_t handled[2] = { known_fs_rights((int)abi), NET_TCP };
    long ruleset = syscall(SYS_landlock_create_ruleset, handled,
                           abi >= 4 ? sizeof handled : sizeof handled[0], 0);
    if (ruleset < 0)
        return FAIL_ERRNO(trail);
    long done = syscall(SYS_landlock_restrict_self, ruleset, 0);
    rc result = done == 0 ? RC_SUCCESS : FAIL_ERRNO(trail);
    close((int)ruleset);
    *used = (unsigned)abi;
    return result;
}

static bool add_rule(scmp_filter_ctx filter, const struct jail_rule *rule)
{
    int number = seccomp_syscall_resolve_name(rule->name);
    if (number < 0) /* unknown, or not of this architecture */
        return false;
    struct scmp_arg_cmp compare = { rule->argument, SCMP_CMP_MASKED_EQ, rule->mask, rule->value };
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, rule->masked ? 1 : 0, &compare) ==
           0;
}

rc jail_filter(struct trail *trail, const struct jail_rule *rules, size_t count)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        return FAIL(trail, RC_WORLD, JAIL_E_FILTER);
    bool known = true;
    for (size_t i = 0; i < count; i++)
        known = known && add_rule(filter, &rules[i]);
    /* A call by another architecture's numbers is killed like any that is not listed. */
    bool loaded = known &&
                  seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
                  seccomp_load(filter) == 0;
    seccomp_release(filter);
    if (!known)
        return FAIL(trail, RC_BUG, JAIL_E_RULE);
    return loaded ? RC_SUCCESS : FAIL(trail, RC_WORLD, JAIL_E_FILTER);
}

/* The child ends by the filter's own signal when it holds, otherwise by its exit code. */
static _Noreturn void try_forbidden_call(const struct jail *jail)
{
    if (rc_ok(jail_filter(NULL, jail->rules, jail->rule_count)))
        syscall(SYS_personality, 0xffffffff);
    syscall(SYS_exit_group, 1);
    __builtin_trap();
}

static rc prove(struct trail *trail, const struct jail *jail)
{
    pid_t child = fork();
    if (child < 0)
        return FAIL_ERRNO(trail);
    if (child == 0)
        try_forbidden_call(jail);
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return FAIL_ERRNO(trail);
    }
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
        return FAIL(trail, RC_BUG, JAIL_E_PROOF);
    return RC_SUCCESS;
}

static rc leave_user(struct trail *trail, const struct jail *jail, struct jail_report *report)
{
    if (geteuid() != 0)
        return RC_SUCCESS;
    if (jail->own_network) {
        if (unshare(CLONE_NEWNET) != 0)
            return FAIL_ERRNO(trail);
        report->own_network = true;
    }
    TRY(trail, drop_user(trail, jail->user));
    report->own_user = true;
    return RC_SUCCESS;
}

rc jail_enter(struct trail *trail, const struct jail *jail, struct jail_report *report)
{
    struct jail_report made = { 0 };
    TRY(trail, close_others(trail, jail));              /* 1 */
    TRY(trail, limit(trail, RLIMIT_NOFILE, jail->fds)); /* 2 */
    TRY(trail, limit(trail, RLIMIT_FSIZE, jail->file_bytes));
    TRY(trail, limit(trail, RLIMIT_CORE, 0));
    TRY(trail, leave_user(trail, jail, &made));  /* 4, 5 */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) /* 3: a new user resets it */
        return FAIL_ERRNO(trail);
    TRY(trail, drop_privileges(trail));          /* 6 */
    TRY(trail, no_paths(trail, &made.landlock)); /* 7 */
    TRY(trail, prove(trail, jail));              /* 9, first half */
    if (!jail->forks)
        TRY(trail, limit(trail, RLIMIT_NPROC, 0));                 /* 8 */
    TRY(trail, jail_filter(trail, jail->rules, jail->rule_count)); /* 9 */
    *report = made;
    return RC_SUCCESS;
}
