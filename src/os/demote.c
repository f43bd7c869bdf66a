/* demote.c - see demote.h.  Leaving uid 0 takes the capabilities along as long as nobody asked the
   kernel for the contrary; so they are given up, and what is left is looked at. */
#include "os/demote.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static rc change_user(struct trail *trail, uid_t user, gid_t group)
{
    bool root = geteuid() == 0;
    uid_t uid = root ? user : geteuid();
    gid_t gid = root ? group : getegid();
    if (uid == 0 || (root && gid == 0))
        return FAIL(trail, RC_BUG, RC_ERRNO | EPERM);
    if ((root && setgroups(1, &gid) != 0) || setresgid(gid, gid, gid) != 0 ||
        setresuid(uid, uid, uid) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

static rc give_up_rights(struct trail *trail)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3] = { 0 };
    if (syscall(SYS_capset, &head, rights) != 0 || syscall(SYS_capget, &head, rights) != 0)
        return FAIL_ERRNO(trail);
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        if ((rights[i].effective | rights[i].permitted) != 0)
            return FAIL_OS(trail, EPERM);
    }
    return RC_SUCCESS;
}

rc demote(struct trail *trail, uid_t user, gid_t group, pid_t parent)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return FAIL_ERRNO(trail);
    TRY(trail, change_user(trail, user, group));
    TRY(trail, give_up_rights(trail));
    /* Both are lost by a change of user. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return FAIL_ERRNO(trail);
    return getppid() == parent ? RC_SUCCESS : FAIL_OS(trail, ESRCH);
}
