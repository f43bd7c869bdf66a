/* bomb.c - jobs that take all of one thing that there is, one kind for each word: one static
   program, so that an image needs nothing else.  Whoever is refused more says "held" once and goes
   on asking; none ends by itself, but for "sparse", whose end is the point. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CROWD = 64, PAGE = 4096, PART = 1 << 16, MIB = 1 << 20 };

static char *self; /* how it was called, to be called again */
static char part[PART];

/* Once in a process.  Whoever spins on refusals leaves the others a turn. */
static void held(void)
{
    static const char word[] = "held\n";
    static bool told;
    if (!told)
        told = write(STDOUT_FILENO, word, sizeof word - 1) > 0;
    sched_yield();
}

static _Noreturn void for_ever(void)
{
    for (;;)
        pause();
}

/* So many do what follows; the first of them is process 1. */
static int crowd(int count)
{
    for (int i = 1; i < count; i++) {
        if (fork() == 0)
            return i;
    }
    return 0;
}

static void forks(void)
{
    for (;;) {
        if (fork() < 0)
            held();
    }
}

/* Two for each that goes, in sessions of their own: nobody's children. */
static void daemons(void)
{
    if (fork() != 0)
        for_ever();
    for (;;) {
        setsid();
        const pid_t one = fork();
        const pid_t other = one == 0 ? 1 : fork();
        if (one < 0 && other < 0)
            held();
        else if (one > 0 && other > 0)
            _exit(0);
    }
}

static void *spin(void *arg)
{
    while (arg == NULL)
        ;
    return arg;
}

static void *waits(void *arg)
{
    while (arg == NULL)
        pause();
    return arg;
}

static void threads(void)
{
    pthread_attr_t small;
    pthread_t one;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, PART);
    for (;;) {
        if (pthread_create(&one, &small, waits, NULL) != 0)
            held();
    }
}

static void spins(void)
{
    crowd(8);
    spin(NULL);
}

static void *fresh(size_t len)
{
    const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    return mmap(NULL, len, PROT_READ | PROT_WRITE, how, -1, 0);
}

static void memory(void)
{
    for (;;) {
        char *at = fresh(MIB);
        if (at == MAP_FAILED)
            held();
        else
            memset(at, 1, MIB);
    }
}

static void memories(void)
{
    crowd(CROWD);
    memory();
}

/* One page, which all have, at the far end of tables that each has alone. */
static void tables(void)
{
    const size_t far = (size_t)2 << 20;
    crowd(4);
    for (;;) {
        volatile char *at = fresh(512 * far);
        if (at == MAP_FAILED) {
            held();
            continue;
        }
        for (size_t i = 0; i < 512; i++)
            (void)at[i * far];
    }
}

/* Neighbours that may do different things are not one. */
static void maps(void)
{
    crowd(CROWD);
    for (int i = 0;; i++) {
        if (mmap(NULL, PAGE, i % 2 == 0 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                 0) == MAP_FAILED)
            held();
    }
}

static int make(const char *folder, int who, int number)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%d-%d", folder, who, number);
    return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static void fill(const char *folder)
{
    for (int number = 0;; number++) {
        int fd = make(folder, getpid(), number);
        for (int i = 0; fd >= 0 && i < MIB / PART; i++) {
            if (write(fd, part, PART) < 0)
                held();
        }
        if (fd < 0)
            held();
        close(fd);
    }
}

static void tmpfs(void)
{
    fill("/tmp");
}

static void disk(void)
{
    fill("/open");
}

static void output(void)
{
    crowd(4);
    fill("/output");
}

/* A thousand times what it may leave, and none of it is there. */
static void sparse(void)
{
    for (int number = 0; number < 1000; number++) {
        int fd = make("/output", 0, number);
        if (ftruncate(fd, MIB) != 0)
            held();
        close(fd);
    }
}

static void make_many(const char *folder)
{
    for (int number = 0;; number++) {
        int fd = make(folder, getpid(), number);
        if (fd < 0)
            held();
        close(fd);
    }
}

static void inodes(void)
{
    make_many(crowd(2) == 0 ? "/open" : "/output");
}

static void inodes_in_memory(void)
{
    make_many("/tmp");
}

/* Names that nothing has: of each the kernel remembers that. */
static void dentries(void)
{
    static const char *const folders[] = { "", "/output", "/open", "/tmp", "/bin" };
    struct stat is;
    const int who = crowd(5);
    for (uint64_t i = 0;; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%0240llu", folders[who], (unsigned long long)i);
        if (stat(path, &is) == 0)
            _exit(1);
    }
}

static void syncs(void)
{
    const int who = crowd(8);
    int fd = make(who % 2 == 0 ? "/open" : "/output", who, 0);
    for (;;) {
        if (pwrite(fd, part, PART, 0) < 0)
            held();
        fsync(fd);
    }
}

static void files(void)
{
    crowd(250);
    for (int i = 0;; i++) {
        int fd = i % 4 == 0   ? eventfd(0, 0)
                 : i % 4 == 1 ? timerfd_create(CLOCK_MONOTONIC, 0)
                 : i % 4 == 2 ? epoll_create1(0)
                              : inotify_init1(0);
        if (fd < 0)
            held();
    }
}

/* Each fills a pipe, that is made as large as it may be. */
static void pipes(void)
{
    crowd(CROWD);
    for (;;) {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK) != 0) {
            held();
            continue;
        }
        fcntl(ends[1], F_SETPIPE_SZ, MIB);
        while (write(ends[1], part, PART) > 0)
            ;
    }
}

static void stuff(int fd)
{
    const int most = 1 << 30;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof most);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (write(fd, part, PART / 2) > 0)
        ;
}

static void sockets(void)
{
    crowd(CROWD);
    for (;;) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
            held();
        else
            stuff(ends[0]);
    }
}

static int listener(int type, struct sockaddr_in *at)
{
    const int most = 1 << 30;
    socklen_t len = sizeof *at;
    int fd = socket(AF_INET, type, 0);
    *at = (struct sockaddr_in){ .sin_family = AF_INET };
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &most, sizeof most);
    if (fd < 0 || bind(fd, (struct sockaddr *)at, len) != 0 ||
        getsockname(fd, (struct sockaddr *)at, &len) != 0)
        held();
    if (type == SOCK_STREAM && listen(fd, 1000) != 0)
        held();
    return fd;
}

/* Nobody reads what they send one another over the loopback; what is on its way is the kernel's. */
static void datagrams(void)
{
    crowd(CROWD);
    for (;;) {
        struct sockaddr_in at;
        int to = listener(SOCK_DGRAM, &at), from = socket(AF_INET, SOCK_DGRAM, 0);
        for (int i = 0; i < 200 && from >= 0; i++)
            sendto(from, part, 1024, MSG_DONTWAIT, (struct sockaddr *)&at, sizeof at);
        if (to < 0 || from < 0)
            held();
        close(from);
    }
}

static void streams(void)
{
    struct sockaddr_in at;
    crowd(CROWD);
    const int waiting = listener(SOCK_STREAM, &at);
    for (;;) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
            accept(waiting, NULL, NULL) < 0)
            held();
        else
            stuff(fd);
    }
}

/* What no process has any more, but for their namespace. */
static void shared(void)
{
    for (;;) {
        int id = shmget(IPC_PRIVATE, MIB, IPC_CREAT | 0600);
        char *at = id < 0 ? MAP_FAILED : shmat(id, NULL, 0);
        if (at == MAP_FAILED) {
            held();
            continue;
        }
        memset(at, 1, MIB);
        shmdt(at);
    }
}

static void messages(void)
{
    struct {
        long type;
        char text[8000];
    } one = { .type = 1 };
    crowd(4);
    for (;;) {
        int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
        if (id < 0)
            held();
        while (id >= 0 && msgsnd(id, &one, sizeof one.text, IPC_NOWAIT) == 0)
            ;
    }
}

/* As often as the kernel lets them, and more of them than it keeps. */
static void timers(void)
{
    const struct itimerspec often = { { 0, 1 }, { 0, 1 } };
    struct sigevent by_signal = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    signal(SIGUSR1, SIG_IGN);
    crowd(CROWD);
    for (;;) {
        timer_t one;
        if (timer_create(CLOCK_MONOTONIC, &by_signal, &one) != 0)
            held();
        else
            timer_settime(one, 0, &often, NULL);
    }
}

/* Every other byte of files that have none. */
static void locks(void)
{
    const int who = crowd(CROWD);
    int fd = make("/output", who, 0);
    for (off_t at = 0;; at += 2) {
        struct flock one = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
        if (fcntl(fd, F_SETLK, &one) != 0)
            held();
    }
}

static void says(void)
{
    memset(part, '.', sizeof part);
    const int who = crowd(4);
    for (;;) {
        if (write(who % 2 == 0 ? STDOUT_FILENO : STDERR_FILENO, part, sizeof part) < 0)
            held();
    }
}

/* Short ones, each of which is a line of its own. */
static void says_lines(void)
{
    memset(part, '\n', sizeof part);
    crowd(4);
    for (;;) {
        if (write(STDOUT_FILENO, part, 1) < 0)
            held();
    }
}

static void again(void)
{
    char *argv[] = { self, (char *)(uintptr_t) "again", NULL };
    execv("/proc/self/exe", argv);
}

static void executes(void)
{
    crowd(CROWD);
    again();
}

static const struct {
    const char *word;
    void (*does)(void);
} kinds[] = {
    { "forks", forks },
    { "daemons", daemons },
    { "threads", threads },
    { "spins", spins },
    { "executes", executes },
    { "memory", memory },
    { "memories", memories },
    { "tables", tables },
    { "maps", maps },
    { "shared", shared },
    { "messages", messages },
    { "tmpfs", tmpfs },
    { "inodes-in-memory", inodes_in_memory },
    { "inodes", inodes },
    { "disk", disk },
    { "output", output },
    { "sparse", sparse },
    { "dentries", dentries },
    { "syncs", syncs },
    { "files", files },
    { "locks", locks },
    { "timers", timers },
    { "pipes", pipes },
    { "sockets", sockets },
    { "datagrams", datagrams },
    { "streams", streams },
    { "says", says },
    { "says-lines", says_lines },
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
    return 0;
}
