/* denied.c - a job that tries what its denied paths hide, one way for each word: one static
   program, so that an image needs nothing else.  /etc is denied, and the file /plain.  What it says
   ends with "done" where each try was refused; and with what was otherwise, and the errno, where
   not. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The errno of a try; 0 where it did. */
static int opens(const char *path)
{
    return open(path, O_RDONLY) < 0 ? errno : 0;
}

enum { REFUSED = EACCES };

static int try_it(int which)
{
    return opens(which == 0 ? "/etc/shadow" : "/plain");
}

#include "tries.h"

enum { NAMES = 3000 };

/* For some seconds what it may know, which is no try and its own time. */
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
    static const struct way ways[] = {
        { "flood", flood },   { "kinds", kinds },     { "threads", threads },
        { "killed", killed }, { "signals", signals }, { "names", names },
        { "slowly", slowly }, { "quiet", quiet },     { "without-end", without_end }
    };
    return go(argc, argv, ways, sizeof ways / sizeof *ways);
}
