/* confine.c - see confine.h. */
#include "os/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/fd.h"

/* Never more than there was.  `grace` lies between what is told and what kills. */
static rc limit(struct trail *trail, __rlimit_resource_t what, uint64_t value, uint64_t grace)
{
    struct rlimit wanted;
    if (getrlimit(what, &wanted) != 0)
        return FAIL_ERRNO(trail);
    wanted.rlim_max = value + grace < wanted.rlim_max ? value + grace : wanted.rlim_max;
    wanted.rlim_cur = value < wanted.rlim_max ? value : wanted.rlim_max;
    if (setrlimit(what, &wanted) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

static rc write_map(struct trail *trail, const char *path, const char *text)
{
    auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || !fd_write(fd, span_text(text)))
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* The right to change the root comes with a namespace in which this user is root. */
static rc become_root(struct trail *trail)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "0 %u 1", geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", getegid());
    if (unshare(CLONE_NEWUSER) != 0)
        return FAIL_ERRNO(trail);
    TRY(trail, write_map(trail, "/proc/self/setgroups", "deny"));
    TRY(trail, write_map(trail, "/proc/self/uid_map", users));
    return write_map(trail, "/proc/self/gid_map", groups);
}

/* What is left over files, and over nothing else: never more than these, whatever is executed.  By
   the kernel's own calls, for libcap-ng would look into /proc, which is outside. */
static rc keep_rights(struct trail *trail)
{
    const uint32_t kept = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER;
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const struct __user_cap_data_struct rights[2] = { { .effective = kept, .permitted = kept } };
    for (int right = 0; right <= CAP_LAST_CAP; right++) {
        if (prctl(PR_CAPBSET_DROP, right, 0, 0, 0) != 0 && errno != EINVAL && errno != EPERM)
            return FAIL_ERRNO(trail);
    }
    if (syscall(SYS_capset, &header, rights) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* A parent that ended before the signal was asked for sends none. */
static rc end_with(struct trail *trail, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return FAIL_ERRNO(trail);
    return getppid() == parent ? RC_SUCCESS : FAIL_OS(trail, ESRCH);
}

static rc set_limits(struct trail *trail, const struct confine *confine)
{
    /* What does not fit is a failure to be told, not a death. */
    struct sigaction ignored = { .sa_handler = SIG_IGN }, usual = { .sa_handler = SIG_DFL };
    if (sigaction(SIGXFSZ, &ignored, NULL) != 0 || sigaction(SIGXCPU, &usual, NULL) != 0)
        return FAIL_ERRNO(trail);
    TRY(trail, limit(trail, RLIMIT_FSIZE, confine->file_bytes, 0));
    TRY(trail, limit(trail, RLIMIT_CPU, confine->cpu_seconds, 1));
    TRY(trail, limit(trail, RLIMIT_AS, confine->memory_bytes, 0));
    TRY(trail, limit(trail, RLIMIT_CORE, 0, 0));
    return limit(trail, RLIMIT_NPROC, 0, 0);
}

rc confine_enter(struct trail *trail, const struct confine *confine, bool *owns)
{
    bool root = geteuid() == 0;
    TRY(trail, end_with(trail, confine->parent));
    if (!root)
        TRY(trail, become_root(trail));
    if (fchdir(confine->folder) != 0 || chroot(".") != 0 || chdir("/") != 0)
        return FAIL_ERRNO(trail);
    TRY(trail, fd_close_others(trail, confine->keep, confine->keep_count));
    TRY(trail, set_limits(trail, confine));
    umask(0); /* modes are the image's */
    TRY(trail, keep_rights(trail));
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return FAIL_ERRNO(trail);
    TRY(trail, jail_filter(trail, confine->rules, confine->rule_count));
    *owns = root;
    return RC_SUCCESS;
}
