/* refused.c - a job that makes system calls which its list refuses, one way for each word: one
   static program, so that an image needs nothing else.  What it says ends with "done" where each
   was refused as the list says it, EPERM; and with what was otherwise, and the errno, where not. */
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The errno of a call that nobody may make; 0 where it was made. */
static int mounts(void)
{
    return syscall(SYS_mount, 0, 0, 0, 0, 0) == 0 ? 0 : errno;
}

static int makes(int family)
{
    return syscall(SYS_socket, family, SOCK_DGRAM, 0) >= 0 ? 0 : errno;
}

enum { REFUSED = EPERM };

static int try_it(int which)
{
    return which == 0 ? mounts() : makes(AF_VSOCK);
}

#include "tries.h"

/* Every call and every use of one that the table may have. */
static void kinds(void)
{
    static const int alone[] = {
        SYS_ptrace, SYS_bpf, SYS_keyctl, SYS_unshare, SYS_setns, SYS_chroot
    };
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) {
        if (syscall(alone[i], -1, 0, 0, 0, 0) != -1 || errno != EPERM)
            otherwise("call", alone[i]);
    }
    for (int family = 3; family < 64; family++) {
        if (family != AF_INET6 && makes(family) != EPERM)
            otherwise("socket", family);
    }
    for (int flag = 17; flag < 28; flag++) {
        if (syscall(SYS_personality, 1ul << flag) != -1 || errno != EPERM)
            otherwise("personality", flag);
    }
    /* What the list has, and what is to look as if no kernel had it. */
    for (int i = 0; i < 2; i++) {
        const int fd = socket(i == 0 ? AF_UNIX : AF_INET, SOCK_DGRAM, 0);
        if (fd < 0 || close(fd) != 0)
            otherwise("own socket", errno);
    }
    if (syscall(SYS_clone3, 0, 0) != -1 || errno != ENOSYS)
        otherwise("clone3", errno);
}

/* No descriptor of the job's answers its calls, and it cannot have one made: with it, it would
   allow itself everything. */
static void own(void)
{
    char path[300], name[128];
    DIR *names = opendir("/proc/self/fd");
    for (const struct dirent *entry; (entry = readdir(names)) != NULL;) {
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        const ssize_t len = readlink(path, name, sizeof name - 1);
        name[len < 0 ? 0 : len] = 0;
        if (strstr(name, "seccomp") != NULL)
            otherwise(name, 0);
    }
    closedir(names);
    struct sock_filter ask = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    const struct sock_fprog program = { 1, &ask };
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) !=
            -1 ||
        errno != EBUSY)
        otherwise("a filter that asks", errno);
    /* What it adds can only refuse more; an error of its own goes before a question. */
    struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog allowing = { 1, &all };
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &allowing) != 0 || mounts() != EPERM)
        otherwise("a filter that allows", errno);
}

/* It is within a line when a call is refused. */
static void halves(void)
{
    fprintf(stderr, "one half, ");
    usleep(300000);
    (void)mounts();
    usleep(300000);
    fprintf(stderr, "the other\n");
}

/* Within a line all the time, and many kinds again and again; then one that is new. */
static void within(void)
{
    for (int i = 0; i < 80; i++) {
        fprintf(stderr, ".");
        kinds();
        usleep(100000);
    }
    (void)mounts();
}

/* Both of its streams lie in a socket that only it leads to, when it has ended. */
static void kept(void)
{
    int pair[2];
    char room[CMSG_SPACE(4 * sizeof(int))] = { 0 };
    char one = 0;
    struct iovec byte = { &one, 1 };
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room
    };
    struct cmsghdr *sent = CMSG_FIRSTHDR(&message);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        otherwise("socketpair", errno);
    *sent = (struct cmsghdr){ .cmsg_len = CMSG_LEN(4 * sizeof(int)),
                              .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS };
    const int fds[] = { pair[0], pair[1], STDOUT_FILENO, STDERR_FILENO };
    memcpy(CMSG_DATA(sent), fds, sizeof fds);
    if (sendmsg(pair[0], &message, 0) != 1)
        otherwise("sendmsg", errno);
}

int main(int argc, char **argv)
{
    static const struct way ways[] = { { "flood", flood },     { "kinds", kinds },
                                       { "threads", threads }, { "killed", killed },
                                       { "signals", signals }, { "own", own },
                                       { "slowly", slowly },   { "halves", halves },
                                       { "within", within },   { "kept", kept } };
    return go(argc, argv, ways, sizeof ways / sizeof *ways);
}
