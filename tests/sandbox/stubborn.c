/* stubborn.c - jobs that will not die, one kind for each word: one static program, so that an image
   needs nothing else.  Each says "up" when it is as stubborn as it gets, and then never ends. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CROWD = 100 };

static char *self; /* how it was called, to be called again */

static void up(void)
{
    static const char word[] = "up\n";
    (void)!write(STDOUT_FILENO, word, sizeof word - 1);
}

static _Noreturn void for_ever(void)
{
    for (;;)
        pause();
}

static void be_deaf(void)
{
    for (int number = 1; number < 65; number++)
        signal(number, SIG_IGN);
}

static void ignores(void)
{
    be_deaf();
    up();
}

static void blocks(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    up();
}

/* Signals are read as bytes, and thrown away. */
static void swallows(void)
{
    struct signalfd_siginfo one;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    int fd = signalfd(-1, &all, 0);
    up();
    while (read(fd, &one, sizeof one) > 0)
        ;
}

static void multiply(int number)
{
    (void)number;
    if (fork() == 0)
        for_ever();
}

/* What is told to end has children. */
static void multiplies_when_told(void)
{
    signal(SIGTERM, multiply);
    signal(SIGINT, multiply);
    up();
}

static void is_a_daemon(void)
{
    be_deaf();
    if (fork() == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        (void)!chdir("/");
        umask(0);
        up();
        for_ever();
    }
}

static void is_many_daemons(void)
{
    be_deaf();
    for (int i = 0; i < CROWD; i++) {
        if (fork() == 0) {
            setsid();
            for_ever();
        }
    }
    up();
}

/* A chain, each in a group of its own. */
static void is_deep(void)
{
    be_deaf();
    for (int i = 0; i < CROWD; i++) {
        if (fork() != 0)
            for_ever();
        setpgid(0, 0);
    }
    up();
}

/* The parent waits in the kernel for its child to begin another program, which it never does. */
static void waits_in_vfork(void)
{
    be_deaf();
    up();
    if (vfork() == 0) { /* NOLINT: that is the point */
        for (;;)
            syscall(SYS_pause);
    }
}

static void many_wait_in_vfork(void)
{
    for (int i = 0; i < CROWD / 4; i++) {
        if (fork() == 0)
            waits_in_vfork();
    }
}

static void stands_still(void)
{
    if (fork() == 0) {
        up();
        raise(SIGSTOP);
        for_ever();
    }
}

/* Who is gone is replaced. */
static void comes_back(void)
{
    be_deaf();
    signal(SIGCHLD, SIG_DFL);
    up();
    for (;;) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child > 0)
            waitpid(child, NULL, 0);
    }
}

/* A new process for each that ends, and none is there for long. */
static void runs_away(void)
{
    be_deaf();
    up();
    if (fork() != 0)
        for_ever();
    for (;;) {
        if (fork() != 0)
            _exit(0);
        setsid();
    }
}

static void begins_anew(void)
{
    be_deaf();
    char *argv[] = { self, (char *)(uintptr_t) "again", NULL };
    up();
    execv("/proc/self/exe", argv);
}

static void again(void)
{
    char *argv[] = { self, (char *)(uintptr_t) "again", NULL };
    execv("/proc/self/exe", argv);
}

static void opens_what_nobody_writes(void)
{
    be_deaf();
    mkfifo("/output/fifo", 0600);
    up();
    for (;;)
        (void)!open("/output/fifo", O_RDONLY);
}

static void waits_for_a_lock(void)
{
    be_deaf();
    int one = open("/output/lock", O_RDWR | O_CREAT, 0600);
    flock(one, LOCK_EX);
    if (fork() == 0) {
        int other = open("/output/lock", O_RDWR);
        up();
        for (;;)
            flock(other, LOCK_EX);
    }
}

static void waits_for_a_futex(void)
{
    uint32_t word = 0;
    be_deaf();
    up();
    for (;;)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void *spin(void *arg)
{
    while (arg == NULL)
        sched_yield();
    return arg;
}

static void has_threads(void)
{
    pthread_t one;
    be_deaf();
    for (int i = 0; i < CROWD / 4; i++)
        pthread_create(&one, NULL, spin, NULL);
    up();
}

/* The first thread is gone: what is left has its number, and no face. */
static void leaves_its_threads(void)
{
    has_threads();
    pthread_exit(NULL);
}

static void spins(void)
{
    be_deaf();
    setpriority(PRIO_PROCESS, 0, 19);
    up();
    for (;;)
        ;
}

static void calls_without_end(void)
{
    be_deaf();
    up();
    for (;;)
        syscall(SYS_getppid);
}

/* The same fault, again and again, at the same place. */
static void on_fault(int number)
{
    (void)number;
}

static void faults_without_end(void)
{
    be_deaf();
    signal(SIGSEGV, on_fault);
    up();
    *(volatile int *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
}

static void says_without_end(void)
{
    static char bytes[1 << 16];
    be_deaf();
    up();
    memset(bytes, '.', sizeof bytes);
    for (;;)
        (void)!write(STDERR_FILENO, bytes, sizeof bytes);
}

static void syncs_without_end(void)
{
    static char bytes[1 << 16];
    be_deaf();
    int fd = open("/output/synced", O_RDWR | O_CREAT, 0600);
    up();
    for (;;) {
        (void)!pwrite(fd, bytes, sizeof bytes, 0);
        fsync(fd);
    }
}

static void reads_at_length(void)
{
    const size_t len = 64 << 20;
    void *room = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    be_deaf();
    int fd = open("/dev/zero", O_RDONLY);
    up();
    for (;;)
        (void)!read(fd, room, len);
}

static void cannot_be_looked_at(void)
{
    be_deaf();
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "\033[2J\n(x) R 1");
    up();
}

/* Children that ended and are never asked about. */
static void keeps_its_dead(void)
{
    be_deaf();
    signal(SIGCHLD, SIG_DFL);
    for (int i = 0; i < CROWD; i++) {
        if (fork() == 0)
            _exit(0);
    }
    up();
}

static const struct {
    const char *word;
    void (*does)(void);
} kinds[] = {
    { "ignores", ignores },
    { "blocks", blocks },
    { "swallows", swallows },
    { "multiplies", multiplies_when_told },
    { "daemon", is_a_daemon },
    { "daemons", is_many_daemons },
    { "deep", is_deep },
    { "vfork", waits_in_vfork },
    { "vforks", many_wait_in_vfork },
    { "stopped", stands_still },
    { "replaced", comes_back },
    { "runs-away", runs_away },
    { "anew", begins_anew },
    { "fifo", opens_what_nobody_writes },
    { "lock", waits_for_a_lock },
    { "futex", waits_for_a_futex },
    { "threads", has_threads },
    { "leaderless", leaves_its_threads },
    { "spins", spins },
    { "calls", calls_without_end },
    { "faults", faults_without_end },
    { "says", says_without_end },
    { "syncs", syncs_without_end },
    { "reads", reads_at_length },
    { "unseen", cannot_be_looked_at },
    { "dead", keeps_its_dead },
};

int main(int argc, char **argv)
{
    self = argv[0];
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "again") == 0)
        again();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(word, "kinds") == 0)
            printf("%s\n", kinds[i].word);
        else if (strcmp(word, kinds[i].word) == 0)
            kinds[i].does();
    }
    if (strcmp(word, "kinds") == 0)
        return 0;
    for_ever();
}
