/* denied.c - a job that tries what its denied paths hide, one way for each word: one static
   program, so that an image needs nothing else.  /etc is denied, and the file /plain.  What it says
   ends with "done" where each try was refused; and with what was otherwise, and the errno, where
   not. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { THREADS = 64, OF_A_THREAD = 500, KILLED = 200, FLOOD_S = 3, NAMES = 3000 };

static _Noreturn void otherwise(const char *what, int number)
{
    printf("%s %d\n", what, number);
    exit(1);
}

/* The errno of a try; 0 where it did. */
static int opens(const char *path)
{
    return open(path, O_RDONLY) < 0 ? errno : 0;
}

static long flood(void)
{
    struct timeval begun, now;
    long count = 0;
    gettimeofday(&begun, NULL);
    do {
        if (opens("/etc/shadow") != EACCES)
            otherwise("open", errno);
        count++;
        gettimeofday(&now, NULL);
    } while (now.tv_sec - begun.tv_sec < FLOOD_S);
    return count;
}

static void say_flood(void)
{
    printf("= %ld\n", flood());
}

/* The same from what it may know, which is no try and its own time. */
static void quiet(void)
{
    struct timeval begun, now;
    struct statfs is;
    struct stat entry;
    gettimeofday(&begun, NULL);
    do {
        if (statfs("/etc", &is) != 0 || stat("/etc", &entry) != 0 ||
            opens("/etc/ld.so.cache") != EACCES)
            otherwise("quiet", errno);
        gettimeofday(&now, NULL);
    } while (now.tv_sec - begun.tv_sec < FLOOD_S);
}

static void say(const char *what, long result)
{
    printf("%s %d\n", what, result < 0 ? errno : 0);
}

/* What a program sees of what is denied: a word, and the errno. */
static void kinds(void)
{
    char *const argv[] = { NULL };
    struct stat is;
    int fd = open("/etc", O_PATH);
    say("path", fd);
    say("fchdir", fchdir(fd));
    say("openat", openat(fd, "shadow", O_RDONLY));
    say("stat", stat("/etc", &is));
    printf("folder %o %lld\n", is.st_mode, (long long)is.st_size);
    say("access", access("/etc", F_OK));
    say("access-x", access("/etc", X_OK));
    say("open", open("/etc", O_RDONLY));
    say("opendir", open("/etc", O_RDONLY | O_DIRECTORY));
    say("below", open("/etc/shadow", O_RDONLY));
    say("deeper", open("/etc/a/b/c", O_RDONLY));
    say("dots", open("/tmp/../etc/shadow", O_RDONLY));
    say("self", open("/proc/self/root/etc/shadow", O_RDONLY));
    say("stat-below", stat("/etc/shadow", &is));
    say("create", open("/etc/new", O_WRONLY | O_CREAT, 0600));
    say("tmpfile", open("/etc", O_TMPFILE | O_RDWR, 0600));
    say("chdir", chdir("/etc"));
    say("exec-below", execve("/etc/tool", argv, argv));
    say("mkdir", mkdir("/etc/new", 0700));
    say("rmdir", rmdir("/etc/old"));
    say("unlink", unlink("/etc/shadow"));
    say("symlink", symlink("x", "/etc/new"));
    say("readlink", readlink("/etc/x", (char[8]){ 0 }, 8));
    say("mkfifo", mkfifo("/etc/new", 0600));
    say("rename", rename("/etc/a", "/etc/b"));
    say("link-from", link("/etc/shadow", "/tmp/s"));
    say("link-to", link("/tmp", "/etc/new"));
    say("truncate", truncate("/etc/shadow", 0));
    say("chmod", chmod("/etc", 0777));
    say("chown", chown("/etc", 65532, 65532));
    say("times", utimensat(AT_FDCWD, "/etc", NULL, 0));
    say("setxattr", setxattr("/etc", "user.x", "", 0, 0));
    say("getxattr", getxattr("/etc", "user.x", NULL, 0));
    say("listxattr", listxattr("/etc", NULL, 0));
    say("watch", inotify_add_watch(inotify_init(), "/etc/shadow", IN_OPEN));
    say("file", open("/plain", O_RDONLY));
    say("file-write", open("/plain", O_WRONLY | O_TRUNC));
    say("file-exec", execve("/plain", argv, argv));
    say("file-access", access("/plain", R_OK));
    say("file-below", open("/plain/x", O_RDONLY));
    say("file-truncate", truncate("/plain", 0));
    say("file-stat", stat("/plain", &is));
    printf("file %o %lld\n", is.st_mode, (long long)is.st_size);
    say("remove", rmdir("/etc"));
    say("move", rename("/etc", "/other"));
    say("move-file", rename("/plain", "/other"));
    say("remove-file", unlink("/plain"));
}

/* Names of all sorts, most of them once: what does something on a terminal too. */
static void names(void)
{
    char path[400];
    for (int i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, "/etc/%s%d",
                 i % 3 == 0   ? "n"
                 : i % 3 == 1 ? "\x1b[31m\n"
                              : "\"a b",
                 i);
        if (opens(path) != EACCES)
            otherwise("open", errno);
    }
    memset(path, 'x', sizeof path);
    memcpy(path, "/etc/", 5);
    path[5 + 255] = 0;
    if (opens(path) != EACCES)
        otherwise("long", errno);
    path[5 + 255] = 'x';
    path[5 + 256] = 0;
    if (opens(path) != EACCES) /* nobody is asked how long a name may be there */
        otherwise("too long", errno);
    /* What hides it is another path, which is heard as well. */
    if (opens("/plain") != EACCES)
        otherwise("plain", errno);
}

static void *of_a_thread(void *arg)
{
    for (int i = 0; i < OF_A_THREAD; i++) {
        if (opens(i % 2 == 0 ? "/etc/shadow" : "/plain") != EACCES)
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

/* Children that are ended at any moment of their tries, also while they wait for an answer. */
static void killed(void)
{
    for (int i = 0; i < KILLED; i++) {
        const pid_t child = fork();
        if (child == 0) {
            for (;;)
                opens("/etc/shadow");
        }
        usleep((useconds_t)(i * 37 % 2000));
        int status;
        if (kill(child, SIGKILL) != 0 || waitpid(child, &status, 0) != child ||
            !WIFSIGNALED(status) || opens("/etc/shadow") != EACCES)
            otherwise("killed", errno);
    }
}

static void nothing(int number)
{
    (void)number;
}

static void signals(void)
{
    const struct sigaction heard = { .sa_handler = nothing };
    const struct itimerval often = { { 0, 300 }, { 0, 300 } };
    sigaction(SIGALRM, &heard, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < NAMES; i++) {
        const int said = opens("/etc/shadow");
        if (said != EACCES && said != EINTR)
            otherwise("signalled", said);
    }
    const struct itimerval never = { 0 };
    setitimer(ITIMER_REAL, &never, NULL);
}

/* Its own pace, a line for each. */
static void slowly(void)
{
    printf("up\n");
    fflush(stdout);
    usleep(100000);
    for (int i = 0; i < 100; i++) {
        printf("= %d\n", opens("/etc/shadow"));
        fflush(stdout);
        usleep(100000);
    }
}

/* Many who try for as long as they live. */
static void without_end(void)
{
    printf("up\n");
    fflush(stdout);
    for (int i = 0; i < 16; i++) {
        if (fork() == 0) {
            for (;;)
                opens("/etc/shadow");
        }
    }
    for (;;)
        opens("/plain");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *word;
        void (*run)(void);
    } ways[] = { { "flood", say_flood }, { "kinds", kinds },     { "threads", threads },
                 { "killed", killed },   { "signals", signals }, { "names", names },
                 { "slowly", slowly },   { "quiet", quiet },     { "without-end", without_end } };
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (argc != 2 || strcmp(ways[i].word, argv[1]) != 0)
            continue;
        ways[i].run();
        printf("done\n");
        return 0;
    }
    return 2;
}
