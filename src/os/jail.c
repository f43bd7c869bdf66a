/* jail.c - see jail.h.  The steps, in this order; each is checked:

     1  the list of descriptors is sound, no other thread is there; close all that is not listed
     2  limits: file size, no core file
     3  an empty network namespace                      (root only, where asked for)
     4  the bounding set of capabilities, what uid 0 would be worth, groups, group and user
        (root only; otherwise the saved ids)
     5  not dumpable, so that no other process of this user may look inside; then the
        process may reach out, and leaves the network in which it did
     6  no new privileges, no capability
     7  where the kernel has it, Landlock: no path, no TCP port but one to connect to where one
        is named, no abstract socket, no signal to others
     8  limits: descriptors, and no further process after the proof's own
     9  the system call filter, proven in a forked child first */
#include "os/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cap-ng.h>

#include "os/child.h"
#include "os/fd.h"

/* Rights that came after the headers of the build machine; the kernel says which it knows. */
enum {
    FS_RIGHTS_1 = (1 << 13) - 1, /* ABI 1: execute ... make_sym */
    FS_REFER = 1 << 13,          /* ABI 2 */
    FS_TRUNCATE = 1 << 14,       /* ABI 3 */
    NET_TCP = 3,                 /* ABI 4: bind and connect */
    NET_CONNECT = 2,             /* the latter alone */
    RULE_NET_PORT = 2,           /* the kind of a rule for it */
    FS_IOCTL_DEVICE = 1 << 15,   /* ABI 5 */
    SCOPE_OUTSIDE = 3,           /* ABI 6: abstract sockets and signals of others */
};

/* A list out of order, or of what is not open, would leave something open or close what is
   needed.  And were one of stdin, stdout and stderr closed, the next socket would take its
   number and a peer would read what was meant for the log. */
static rc check_kept(struct trail *trail, const struct jail *jail)
{
    if (jail->keep_count <= STDERR_FILENO)
        return FAIL(trail, RC_BUG, JAIL_E_KEEP);
    for (size_t i = 0; i < jail->keep_count; i++) {
        bool in_place = i <= STDERR_FILENO ? jail->keep[i] == (int)i
                                           : jail->keep[i] > jail->keep[i - 1];
        if (!in_place || fcntl(jail->keep[i], F_GETFD) < 0)
            return FAIL(trail, RC_BUG, JAIL_E_KEEP);
    }
    return RC_SUCCESS;
}

/* Identity, capabilities and filter are those of one thread: another would keep its own.
   The kernel says EINVAL to this call, which does nothing, when there are more than one.  In
   a container it may be forbidden; then nobody can say. */
static rc check_alone(struct trail *trail)
{
    if (unshare(CLONE_THREAD) == 0 || errno == EPERM)
        return RC_SUCCESS;
    return errno == EINVAL ? FAIL(trail, RC_BUG, JAIL_E_THREADS) : FAIL_ERRNO(trail);
}

static rc limit(struct trail *trail, __rlimit_resource_t what, size_t value)
{
    struct rlimit wanted = { value, value };
    if (setrlimit(what, &wanted) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* As root: whatever uid 0 would give at a later exec is given up too, and locked. */
static rc drop_user(struct trail *trail, uid_t user)
{
    const unsigned bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                          SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    gid_t group = (gid_t)user;
    if (user == 0) /* also what a forgotten field is */
        return FAIL(trail, RC_BUG, JAIL_E_USER);
    /* The bounding set can be emptied only as long as there is a capability for it. */
    capng_clear(CAPNG_SELECT_BOUNDS);
    if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
        return FAIL_OS(trail, EPERM);
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0 || setgroups(1, &group) != 0 ||
        setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* Without root: at least no saved or real id to go back to. */
static rc settle_user(struct trail *trail)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    if (setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

static rc drop_privileges(struct trail *trail)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return FAIL_ERRNO(trail);
    capng_clear(CAPNG_SELECT_CAPS);
    if (capng_apply(CAPNG_SELECT_CAPS) != 0)
        return FAIL_OS(trail, EPERM);
    /* What the kernel says of it, not what the library remembers having asked for.  The
       ambient set lies within the permitted one. */
    capng_clear(CAPNG_SELECT_ALL);
    if (capng_get_caps_process() != 0)
        return FAIL_OS(trail, EPERM);
    for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
        if (capng_have_capability(CAPNG_EFFECTIVE, cap) != 0 ||
            capng_have_capability(CAPNG_PERMITTED, cap) != 0 ||
            capng_have_capability(CAPNG_INHERITABLE, cap) != 0)
            return FAIL_OS(trail, EPERM);
    }
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

/* struct landlock_net_port_attr, which came with ABI 4. */
static rc let_connect(struct trail *trail, int ruleset, const struct jail *jail)
{
    for (size_t i = 0; i < jail->connect_port_count; i++) {
        const uint64_t rule[] = { NET_CONNECT, jail->connect_ports[i] };
        if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, rule, 0) != 0)
            return FAIL_ERRNO(trail);
    }
    return RC_SUCCESS;
}

static rc no_paths(struct trail *trail, const struct jail *jail, unsigned *used)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    *used = 0;
    /* Not built, not started with it, or kept away by a container. */
    if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM))
        return RC_SUCCESS;
    if (abi < 1)
        return FAIL_ERRNO(trail);
    /* struct landlock_ruleset_attr as it grew: paths, TCP ports, scopes. */
    const uint64_t handled[] = { known_fs_rights((int)abi), NET_TCP, SCOPE_OUTSIDE };
    size_t fields = abi >= 6 ? 3 : abi >= 4 ? 2 : 1;
    long ruleset = syscall(SYS_landlock_create_ruleset, handled, fields * sizeof handled[0], 0);
    if (ruleset < 0)
        return FAIL_ERRNO(trail);
    rc result = abi >= 4 ? let_connect(trail, (int)ruleset, jail) : RC_SUCCESS;
    if (rc_ok(result) && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        result = FAIL_ERRNO(trail);
    close((int)ruleset);
    *used = (unsigned)abi;
    return result;
}

/* The child ends by the filter's own signal when it holds, otherwise by an instruction: to
   leave by a call that the filter may forbid as well would look the same. */
static int try_forbidden_call(void *arg)
{
    const struct jail *const *jail = arg;
    signal(SIGILL, SIG_DFL);
    if (rc_ok(jail_filter(NULL, (*jail)->rules, (*jail)->rule_count)))
        syscall(SYS_personality, 0xffffffff);
    __builtin_trap();
}

static rc prove(struct trail *trail, const struct jail *jail)
{
    int status = 0;
    const struct child_work proof = { .child = try_forbidden_call, .arg = &jail };
    TRY(trail, child_run(trail, &proof, &status));
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
        return FAIL(trail, RC_BUG, JAIL_E_PROOF);
    return RC_SUCCESS;
}

static rc leave_user(struct trail *trail, const struct jail *jail, struct jail_report *report)
{
    if (geteuid() != 0)
        return settle_user(trail);
    if (jail->own_network) {
        report->own_network = unshare(CLONE_NEWNET) == 0;
        /* The root of a container has not the right: said in the report. */
        if (!report->own_network && errno != EPERM)
            return FAIL_ERRNO(trail);
    }
    TRY(trail, drop_user(trail, jail->user));
    report->own_user = true;
    return RC_SUCCESS;
}

/* A namespace of its own users may be made without rights, and in it one without a network:
   the connections that were made stay.  What that gives the process over the new namespace is
   given up again.  Where it is not to be had the filter stands alone. */
static rc reach_out(struct trail *trail, const struct jail *jail, struct jail_report *report)
{
    bool reached = false;
    if (jail->reach_out == NULL)
        return RC_SUCCESS;
    TRY(trail, jail->reach_out(trail, jail->arg, &reached));
    if (!reached)
        return RC_SUCCESS;
    TRY(trail, check_alone(trail));
    report->own_network = unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    if (!report->own_network)
        return RC_SUCCESS;
    capng_clear(CAPNG_SELECT_BOUNDS);
    if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
        return FAIL_OS(trail, EPERM);
    return RC_SUCCESS;
}

rc jail_enter(struct trail *trail, const struct jail *jail, struct jail_report *report)
{
    struct jail_report made = { 0 };
    TRY(trail, check_kept(trail, jail)); /* 1 */
    TRY(trail, check_alone(trail));
    TRY(trail, fd_close_others(trail, jail->keep, jail->keep_count));
    TRY(trail, limit(trail, RLIMIT_FSIZE, jail->file_bytes)); /* 2 */
    TRY(trail, limit(trail, RLIMIT_CORE, 0));
    TRY(trail, leave_user(trail, jail, &made));  /* 3, 4 */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) /* 5: a new user resets it */
        return FAIL_ERRNO(trail);
    TRY(trail, reach_out(trail, jail, &made));
    TRY(trail, drop_privileges(trail));                 /* 6 */
    TRY(trail, no_paths(trail, jail, &made.landlock));  /* 7: takes a descriptor for a moment */
    TRY(trail, prove(trail, jail));                     /* 9, first half */
    TRY(trail, limit(trail, RLIMIT_NOFILE, jail->fds)); /* 8 */
    if (!jail->forks)
        TRY(trail, limit(trail, RLIMIT_NPROC, 0));
    TRY(trail, jail_filter(trail, jail->rules, jail->rule_count)); /* 9 */
    *report = made;
    return RC_SUCCESS;
}
