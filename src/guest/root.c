/* root.c - see inside.h: the files that the job sees, put together as for a container: the image
   under a private copy in memory, /job and /output, what is allowed, and over all what is denied.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/number.h"
#include "guest/inside.h"
#include "os/fd.h"

enum {
    PLAIN = MS_NOSUID | MS_NODEV | MS_NOEXEC,
    PATH_ROOM = 8192,
    OPTIONS_ROOM = 128,
    BYTES_A_FILE = 16384, /* of the disk, as a file system of that size would have it */
    OUTPUT_FILES = 16384,
    OUTPUT_SPARE = 64 << 20,
};

static bool mount_new(const char *type, const char *target, unsigned long flags,
                      const char *options)
{
    return (mkdir(target, 0755) == 0 || errno == EEXIST) &&
           mount(type, target, type, flags, options) == 0;
}

static bool mount_disk(const char *device, const char *target)
{
    return (mkdir(target, 0755) == 0 || errno == EEXIST) &&
           mount(device, target, "squashfs", MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) == 0;
}

/* --- places below the root ------------------------------------------------------------------- */

/* Opens what is there, one name after the other, and makes folders where nothing is; through no
   link. */
static int reach_place(const char *path)
{
    char name[PATH_ROOM];
    int at = open(GUEST_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0) {
        path += strspn(path, "/");
        const size_t len = strcspn(path, "/");
        if (len == 0 || len >= sizeof name)
            break;
        memcpy(name, path, len);
        name[len] = 0;
        path += len;
        int next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0 && errno == ENOENT && mkdirat(at, name, 0755) == 0)
            next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        const int why = errno;
        close(at);
        errno = why;
        at = next;
    }
    return at;
}

static void name_place(int place, char out[OPTIONS_ROOM])
{
    snprintf(out, OPTIONS_ROOM, "/proc/self/fd/%d", place);
}

static bool mount_over(const char *type, const char *path, unsigned long flags, const char *options)
{
    char target[OPTIONS_ROOM];
    auto_fd int place = reach_place(path);
    name_place(place, target);
    return place >= 0 && mount(type, target, type, flags, options) == 0;
}

static bool bind_over(const char *source, const char *path, unsigned long flags)
{
    char target[OPTIONS_ROOM];
    auto_fd int place = reach_place(path);
    name_place(place, target);
    if (place < 0 || mount(source, target, NULL, MS_BIND, NULL) != 0)
        return false;
    /* What is there now is another place. */
    auto_fd int again = reach_place(path);
    name_place(again, target);
    return again >= 0 && mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | flags, NULL) == 0;
}

/* --- the parts -------------------------------------------------------------------------------- */

static bool lay_image(const struct guest *guest)
{
    char options[OPTIONS_ROOM];
    struct stat is;
    const unsigned long long disk = guest->limits.disk;
    snprintf(options, sizeof options, "mode=755,size=%llu,nr_inodes=%llu", disk,
             disk / BYTES_A_FILE + 64);
    return mount_disk("/dev/vda", "/image") && mount_new("tmpfs", "/changes", 0, options) &&
           stat("/image", &is) == 0 && mkdir("/changes/upper", is.st_mode & 0777) == 0 &&
           chown("/changes/upper", is.st_uid, is.st_gid) == 0 &&
           mkdir("/changes/work", 0700) == 0 &&
           mount_new("overlay", GUEST_ROOT, MS_NOSUID | MS_NODEV,
                     "lowerdir=/image,upperdir=/changes/upper,workdir=/changes/work");
}

static const struct device {
    const char *name;
    unsigned minor;
} devices[] = {
    { "null", 3 }, { "zero", 5 }, { "full", 7 }, { "random", 8 }, { "urandom", 9 }, { "tty", 3 },
};

static bool make_devices(void)
{
    static const char *const links[][2] = { { "/proc/self/fd", GUEST_ROOT "/dev/fd" },
                                            { "/proc/self/fd/0", GUEST_ROOT "/dev/stdin" },
                                            { "/proc/self/fd/1", GUEST_ROOT "/dev/stdout" },
                                            { "/proc/self/fd/2", GUEST_ROOT "/dev/stderr" } };
    if (!mount_over("tmpfs", "/dev", MS_NOSUID | MS_NOEXEC | MS_STRICTATIME, "mode=755,size=64k"))
        return false;
    for (size_t i = 0; i < COUNT_OF(devices); i++) {
        char path[OPTIONS_ROOM];
        snprintf(path, sizeof path, GUEST_ROOT "/dev/%s", devices[i].name);
        if (mknod(path, S_IFCHR | 0666, makedev(1, devices[i].minor)) != 0)
            return false;
    }
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        if (symlink(links[i][0], links[i][1]) != 0)
            return false;
    }
    return true;
}

static bool make_output(const struct guest *guest)
{
    char options[OPTIONS_ROOM];
    snprintf(options, sizeof options, "mode=755,uid=%llu,gid=%llu,size=%llu,nr_inodes=%d",
             (unsigned long long)guest->limits.user, (unsigned long long)guest->limits.user,
             (unsigned long long)guest->limits.output + OUTPUT_SPARE, OUTPUT_FILES);
    return mount_new("tmpfs", "/output", PLAIN, options) && bind_over("/output", "/output", PLAIN);
}

static bool make_allowed(struct guest *guest)
{
    char options[OPTIONS_ROOM];
    snprintf(options, sizeof options, "mode=1777,size=%llu",
             (unsigned long long)guest->limits.tmpfs);
    for (size_t i = 0; i < guest->allowed.count; i++) {
        if (!mount_over("tmpfs", guest->allowed.at[i], PLAIN, options))
            return guest_failed(guest, "an allowed path", guest->allowed.at[i]);
    }
    return true;
}

#define COVERS       "/covers"
#define COVER_FOLDER COVERS "/folder"
#define COVER_FILE   COVERS "/file"

static bool make_covers(void)
{
    return mount_new("tmpfs", COVERS, PLAIN, "mode=711,size=4k") && mkdir(COVER_FOLDER, 0) == 0 &&
           mknod(COVER_FILE, S_IFREG, 0) == 0 &&
           mount(NULL, COVERS, NULL, MS_REMOUNT | MS_RDONLY | PLAIN, NULL) == 0;
}

/* By an entry of a veil, of which tries are told, or by what nobody may open either. */
static bool make_denied(struct guest *guest)
{
    const bool veiled = guest_has_veil(guest);
    for (size_t i = 0; i < guest->denied.count; i++) {
        char entry[sizeof GUEST_VEIL + 24];
        snprintf(entry, sizeof entry, GUEST_VEIL "/%zu", i);
        if (guest->shown_as[i] == GUEST_SHOWN_NOTHING)
            continue;
        const bool is_file = guest->shown_as[i] == GUEST_SHOWN_FILE;
        const bool hidden = veiled ? bind_over(entry, guest->denied.at[i], MS_NOSUID | MS_NODEV)
                                   : bind_over(is_file ? COVER_FILE : COVER_FOLDER,
                                               guest->denied.at[i], MS_RDONLY | PLAIN);
        if (!hidden)
            return guest_failed(guest, "a denied path", guest->denied.at[i]);
    }
    return true;
}

bool guest_make_root(struct guest *guest)
{
    if (!lay_image(guest))
        return guest_failed(guest, "the image", NULL);
    auto_fd int processes = reach_place("/proc");
    auto_fd int begins = reach_place(guest->start_in);
    if (processes < 0 || begins < 0 || !make_devices())
        return guest_failed(guest, "/proc, /dev or the folder it begins in", NULL);
    if (guest->limits.job && !(mount_disk("/dev/vdb", "/given") &&
                               bind_over("/given", "/job", MS_RDONLY | MS_NOSUID | MS_NODEV)))
        return guest_failed(guest, "/job", NULL);
    if (!make_allowed(guest))
        return false;
    if (!make_output(guest) || !make_covers())
        return guest_failed(guest, "/output", NULL);
    return make_denied(guest);
}

/* --- in the job's first process --------------------------------------------------------------- */

/* A file shows nothing, a folder is empty; what this kernel does not have need not be hidden. */
static bool hide(const char *path)
{
    struct stat is;
    if (lstat(path, &is) != 0)
        return errno == ENOENT;
    if (S_ISDIR(is.st_mode))
        return mount("tmpfs", path, "tmpfs", MS_RDONLY | PLAIN, "size=4k,mode=0") == 0;
    return mount("/dev/null", path, NULL, MS_BIND, NULL) == 0;
}

static bool keep(const char *path)
{
    struct stat is;
    if (lstat(path, &is) != 0)
        return errno == ENOENT;
    return mount(path, path, NULL, MS_BIND | MS_REC, NULL) == 0 &&
           mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | PLAIN, NULL) == 0;
}

bool guest_enter_root(struct guest *guest)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("proc", GUEST_ROOT "/proc", "proc", PLAIN, NULL) != 0)
        return guest_failed(guest, "mounts of its own", NULL);
    if (chdir(GUEST_ROOT) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
        umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return guest_failed(guest, "its root", NULL);
    for (size_t i = 0; i < guest->masked.count; i++) {
        if (!hide(guest->masked.at[i]))
            return guest_failed(guest, "what is hidden", guest->masked.at[i]);
    }
    for (size_t i = 0; i < guest->kept.count; i++) {
        if (!keep(guest->kept.at[i]))
            return guest_failed(guest, "what is kept", guest->kept.at[i]);
    }
    if (guest->limits.read_only &&
        mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0)
        return guest_failed(guest, "its root", NULL);
    return true;
}
