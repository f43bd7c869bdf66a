/* refused.c - a job that makes system calls which its list refuses, one way for each word: one
   static program, so that an image needs nothing else.  What it says ends with "done" where each
   was refused as the list says it, EPERM; and with what was otherwise, and the errno, where not. */
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 64, OF_A_THREAD = 500, KILLED = 200, FLOOD_S = 3, SIGNALLED = 3000 };

static _Noreturn void otherwise(const char *what, int number)
{
    printf("%s %d\n", what, number);
    exit(1);
}

/* The errno of a call that nobody may make; 0 where it was made. */
static int mounts(void)
{
    return syscall(SYS_mount, 0, 0, 0, 0, 0) == 0 ? 0 : errno;
}

static int makes(int family)
{
    return syscall(SYS_socket, family, SOCK_DGRAM, 0) >= 0 ? 0 : errno;
}

/* As many as it can for some seconds, and how many that were. */
static void flood(void)
{
    struct timeval begun, now;
    long count = 0;
    gettimeofday(&begun, NULL);
    do {
        if (mounts() != EPERM)
            otherwise("mount", errno);
        count++;
        gettimeofday(&now, NULL);
    } while (now.tv_sec - begun.tv_sec < FLOOD_S);
    printf("= %ld\n", count);
}

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

static void *of_a_thread(void *arg)
{
    for (int i = 0; i < OF_A_THREAD; i++) {
        if ((i % 2 == 0 ? mounts() : makes(AF_VSOCK)) != EPERM)
            otherwise("thread", errno);
    }
    return arg;
}

static void threads(void)
{
    pthread_t all[THREADS];
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&all[i], NULL, of_a_thread, NULL) != 0)
            otherwise("pthread_create", errno);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(all[i], NULL);
}

/* Children that are ended at any moment of their calls, also while they wait for an answer; and
   their numbers are used again. */
static void killed(void)
{
    for (int i = 0; i < KILLED; i++) {
        const pid_t child = fork();
        if (child == 0) {
            for (;;)
                mounts();
        }
        usleep((useconds_t)(i * 37 % 2000)); /* from the first instruction to hundreds of calls */
        int status;
        if (kill(child, SIGKILL) != 0 || waitpid(child, &status, 0) != child ||
            !WIFSIGNALED(status) || mounts() != EPERM)
            otherwise("killed", errno);
    }
}

static void nothing(int number)
{
    (void)number;
}

/* A signal may end the wait before the answer, as it ends any call that waits. */
static void signals(void)
{
    const struct sigaction heard = { .sa_handler = nothing };
    const struct itimerval often = { { 0, 300 }, { 0, 300 } };
    sigaction(SIGALRM, &heard, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < SIGNALLED; i++) {
        const int said = mounts();
        if (said != EPERM && said != EINTR)
            otherwise("signalled", said);
    }
    const struct itimerval never = { 0 };
    setitimer(ITIMER_REAL, &never, NULL);
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

/* Its own pace, a line for each. */
static void slowly(void)
{
    printf("up\n");
    fflush(stdout);
    usleep(100000);
    for (int i = 0; i < 100; i++) {
        printf("= %d\n", mounts());
        fflush(stdout);
        usleep(100000);
    }
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

int main(int argc, char **argv)
{
    static const struct {
        const char *word;
        void (*run)(void);
    } ways[] = { { "flood", flood },   { "kinds", kinds },     { "threads", threads },
                 { "killed", killed }, { "signals", signals }, { "own", own },
                 { "slowly", slowly }, { "halves", halves } };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (argc != 2 || strcmp(ways[i].word, argv[1]) != 0)
            continue;
        ways[i].run();
        printf("done\n");
        return 0;
    }
    return 2;
}
