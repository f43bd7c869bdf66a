/* begin.c - see inside.h: from an initramfs with modules to a machine that can be spoken to. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"
#include "guest/inside.h"
#include "os/fd.h"

enum { MODULES_MAX = 64, LOOKS = 1000, LOOK_NS = 10000000, NAME_ROOM = 512 };

bool guest_failed(struct guest *guest, const char *what, const char *at)
{
    guest->fault = what;
    guest->at = at;
    return false;
}

static bool mount_at(const char *type, const char *target, unsigned long flags, const char *options)
{
    if (mkdir(target, 0755) != 0 && errno != EEXIST)
        return false;
    return mount(type, target, type, flags, options) == 0;
}

/* Which modules a job needs: all of them, and others by what it may do. */
enum use { OF_ALL = 0, OF_NETWORK, OF_VEIL };

static enum use use_of(const char *file)
{
    static const struct {
        const char *name;
        enum use use;
    } known[] = { { "failover.ko", OF_NETWORK },
                  { "net_failover.ko", OF_NETWORK },
                  { "virtio_net.ko", OF_NETWORK },
                  { "fuse.ko", OF_VEIL } };
    const char *name = file + strspn(file, "0123456789-");
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(name, known[i].name) == 0)
            return known[i].use;
    }
    return OF_ALL;
}

static bool load_one(int folder, const char *name)
{
    auto_fd int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && (syscall(SYS_finit_module, fd, "", 0) == 0 || errno == EEXIST);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* By their names: those that others need come first. */
static bool load_modules(struct guest *guest, enum use use)
{
    static char names[MODULES_MAX][NAME_ROOM];
    const char *sorted[MODULES_MAX];
    size_t count = 0;
    auto_fd int again = openat(guest->modules, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *folder = again < 0 ? NULL : fdopendir(again);
    if (folder == NULL)
        return guest_failed(guest, "no modules", NULL);
    fd_take(&again);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.' || count == MODULES_MAX || use_of(entry->d_name) != use)
            continue;
        snprintf(names[count], sizeof names[count], "%s", entry->d_name);
        sorted[count] = names[count];
        count++;
    }
    qsort(sorted, count, sizeof sorted[0], by_name);
    for (size_t i = 0; i < count; i++) {
        if (!load_one(guest->modules, sorted[i]))
            return guest_failed(guest, "a module cannot be loaded", sorted[i]);
    }
    return true;
}

bool guest_load_network(struct guest *guest)
{
    const bool loaded = !guest->limits.network || load_modules(guest, OF_NETWORK);
    fd_close(&guest->modules);
    return loaded;
}

bool guest_load_veil(struct guest *guest)
{
    return load_modules(guest, OF_VEIL);
}

/* The initramfs cannot be left by pivot_root; what lies over it can. */
static bool leave_initramfs(void)
{
    return mount_at("tmpfs", "/t", 0, "mode=755,size=1m") && mkdir("/t/proc", 0755) == 0 &&
           mkdir("/t/dev", 0755) == 0 && mount("/proc", "/t/proc", NULL, MS_MOVE, NULL) == 0 &&
           mount("/dev", "/t/dev", NULL, MS_MOVE, NULL) == 0 && chdir("/t") == 0 &&
           mount(".", "/", NULL, MS_MOVE, NULL) == 0 && chroot(".") == 0 && chdir("/") == 0;
}

bool guest_stays(bool stays)
{
    auto_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    return fd >= 0 && fd_write(fd, span_text(stays ? "-1000" : "0"));
}

bool guest_begin(struct guest *guest)
{
    umask(0);
    if (!mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ||
        !mount_at("devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=755"))
        return guest_failed(guest, "the kernel's file systems", NULL);
    guest->modules = open("/modules", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!load_modules(guest, OF_ALL))
        return false;
    if (!leave_initramfs() || !guest_stays(true) || sethostname("job", 3) != 0)
        return guest_failed(guest, "the beginning", NULL);
    return true;
}

bool guest_open_port(struct guest *guest)
{
    const struct timespec pause = { 0, LOOK_NS };
    for (int i = 0; i < LOOKS; i++) {
        guest->port = open("/dev/vport0p1", O_RDWR | O_CLOEXEC);
        if (guest->port >= 0)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}
