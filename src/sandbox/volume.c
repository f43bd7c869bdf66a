/* volume.c - the file systems of a sandbox, mounted below its slot: see backend.h.  But for that of
   a machine, which has large files there, the slot is covered by memory first: what is written
   below it is seen by this run alone and gone with it, and of some twenty files and folders that a
   job needs for itself, its environment among them, none is made and removed on the machine's disk.

   image   the image's files, owned by the sandbox's users; nobody writes there
   disk    what the job changes of it: a file system of its own, as large as the job may fill, or,
           where it may change nothing, a little memory for the mount points
   rootfs  the one over the other
   output  /output, a file system of its own
   given   the folder of --job: the owner of its files is the job's user
   job     /job, which is those files alone: what sockets and pipes lie there lead to nobody

   And an empty folder, nobody's and with no right for anybody.  What is shown in place of what is
   denied is in paths.c. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/random.h"
#include "os/spawn.h"
#include "sandbox/backend.h"
#include "sandbox/ext4.h"

enum {
    PROGRAM_MS = 60000,      /* the longest that a runtime may take to make a container */
    OUTPUT_INODES = 16384,   /* more than are collected, and no more than can be swept soon */
    OUTPUT_SPARE = 64 << 20, /* for tables, and the part of a block that each file leaves empty */
    OUTPUT_SLACK = 1 << 20,  /* tables that are no file's */
    BLOCK = EXT4_BLOCK,
    GIVEN = 3, /* the descriptor of what a program is to work on */
};

/* From the last that was mounted to the first.  The first two are there where there is a folder of
   --job alone. */
enum { OF_JOB = 2 };
static const char *const mounted[] = { "job", "given", "output", "rootfs", "disk", "image" };

enum reason run_program_with(struct sandbox *sandbox, const char *const *argv,
                             enum reason otherwise, const int *given, size_t count)
{
    struct trail trail = { 0 };
    struct spawned child = { 0 };
    struct spawn what = { .path = argv[0],
                          .program = argv[0] == sandbox->program ? sandbox->sealed : -1,
                          .argv = argv,
                          .fds = { { STDIN_FILENO, STDIN_FILENO },
                                   { STDOUT_FILENO, STDOUT_FILENO } },
                          .fd_count = 2,
                          .new_session = true }; /* what ends us at a terminal is ours */
    int status = -1;
    for (size_t i = 0; i < count; i++)
        what.fds[what.fd_count++] = (struct spawn_fd){ given[i], GIVEN + (int)i };
    rc started = spawn(&trail, &what, &child);
    if (!rc_ok(started))
        return sandbox_fail(sandbox, otherwise, "%s: %s", argv[0], file_error_text(started));
    auto_fd int held = child.pidfd;
    rc waited = process_wait(&trail, held, clock_monotonic_ms() + PROGRAM_MS);
    if (!rc_ok(waited)) {
        rc killed = process_signal(NULL, held, SIGKILL);
        (void)killed; /* it may have ended by itself just now */
    }
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (rc_ok(waited) && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return REASON_OK;
    if (WIFEXITED(status))
        return sandbox_fail(sandbox, otherwise, "%s exited with %d", argv[0], WEXITSTATUS(status));
    return sandbox_fail(sandbox, otherwise, "%s was ended by signal %d", argv[0], WTERMSIG(status));
}

enum reason run_program(struct sandbox *sandbox, const char *const *argv, enum reason otherwise)
{
    return run_program_with(sandbox, argv, otherwise, NULL, 0);
}

static enum reason failed(struct sandbox *sandbox, const char *path, const char *why)
{
    return sandbox_fail(sandbox, REASON_JOB_DISK, "%s: %s", path, why);
}

static bool is_machine(const struct sandbox *sandbox)
{
    return sandbox->spec.isolation == JOB_ISOLATION_VM;
}

/* A configuration is 4 MiB at most, and the runtime keeps a copy. */
static enum reason cover_slot(struct sandbox *sandbox)
{
    struct trail trail = { 0 };
    if (is_machine(sandbox))
        return REASON_OK;
    rc covered = mount_memory(&trail, sandbox->slot.path, "size=16m,mode=711");
    return rc_ok(covered) ? REASON_OK
                          : failed(sandbox, sandbox->slot.path, file_error_text(covered));
}

static enum reason make_folders(struct sandbox *sandbox)
{
    char path[SLOT_PATH];
    for (size_t i = sandbox->job->job == NULL ? OF_JOB : 0; i < COUNT_OF(mounted); i++) {
        slot_file(&sandbox->slot, mounted[i], path);
        if (mkdir(path, 0711) != 0 || chmod(path, 0711) != 0)
            return failed(sandbox, path, strerror(errno));
    }
    /* What the runtime notes has the job's environment in it. */
    slot_file(&sandbox->slot, "runtime", path);
    if (mkdir(path, 0700) != 0)
        return failed(sandbox, path, strerror(errno));
    slot_file(&sandbox->slot, DENIED_FOLDER, path);
    return mkdir(path, 0) == 0 ? REASON_OK : failed(sandbox, path, strerror(errno));
}

/* A file system of the job's own. */
struct volume {
    const char *name;
    uint64_t size, inodes;
    bool programs; /* may be executed there */
};

/* In a file that takes as much as is written to it, which need not outlive the machine. */
static rc mount_new_disk(struct trail *trail, int file, const char *target,
                         const struct volume *volume)
{
    struct disk disk;
    struct ext4_wish wish = { .size = volume->size,
                              .inodes = (uint32_t)volume->inodes,
                              .now = clock_now() };
    random_bytes(wish.id, sizeof wish.id);
    random_bytes(wish.seed, sizeof wish.seed);
    if (ftruncate(file, (off_t)volume->size) != 0)
        return FAIL_ERRNO(trail);
    TRY(trail, disk_attach(trail, file, &disk));
    auto_fd int device = disk.device;
    TRY(trail, ext4_write(trail, device, &wish));
    return disk_mount(trail, &disk, target, volume->programs);
}

static void name_image(const struct volume *volume, char name[SLOT_PATH])
{
    snprintf(name, SLOT_PATH, "%.40s.img", volume->name);
}

/* Of the machine's disk, beneath what covers the slot. */
static int open_image(const struct sandbox *sandbox, const struct volume *volume)
{
    char name[SLOT_PATH];
    name_image(volume, name);
    return openat(sandbox->slot.folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  0600);
}

static enum reason make_disk_of(struct sandbox *sandbox, const struct volume *volume, int image)
{
    char path[SLOT_PATH], target[SLOT_PATH], name[SLOT_PATH];
    struct trail trail = { 0 };
    auto_fd int file = image;
    const int fault = errno;
    name_image(volume, name);
    slot_file(&sandbox->slot, name, path);
    slot_file(&sandbox->slot, volume->name, target);
    if (file < 0)
        return failed(sandbox, path, strerror(fault));
    rc made = mount_new_disk(&trail, file, target, volume);
    if (rc_ok(made))
        return REASON_OK;
    return failed(sandbox, path,
                  rc_number(made) == EXT4_E_SIZE ? "no file system can be of that size"
                                                 : file_error_text(made));
}

static enum reason make_disk(struct sandbox *sandbox, const struct volume *volume)
{
    return make_disk_of(sandbox, volume, open_image(sandbox, volume));
}

uint32_t volume_owner(const struct sandbox *sandbox)
{
    return is_machine(sandbox) ? 0 : sandbox->slot.ids;
}

/* By a program, which may be anybody's (FUSE).  Whoever reads there waits for its answer, in the
   kernel and deaf to every signal: a job would outlast its time, and its place. */
static bool is_served(const char *folder)
{
    struct statfs is;
    return statfs(folder, &is) != 0 || is.f_type == FUSE_SUPER_MAGIC;
}

static enum reason shift_image(struct sandbox *sandbox, const char *target)
{
    char source[PATH_MAX];
    struct trail trail = { 0 };
    const uint32_t ids = volume_owner(sandbox);
    snprintf(source, sizeof source, "/proc/self/fd/%d/rootfs", sandbox->held);
    if (is_served(source))
        return sandbox_fail(sandbox, REASON_JOB_DISK,
                            "the images' file system is served by a program, which could hold the "
                            "job past its end");
    const struct mount_shift shift = { .source = source,
                                       .target = target,
                                       .user = { 0, ids, SLOT_IDS },
                                       .group = { 0, ids, SLOT_IDS },
                                       .read_only = true };
    rc shifted = mount_shifted(&trail, &shift);
    if (rc_ok(shifted))
        return REASON_OK;
    return sandbox_fail(sandbox, REASON_JOB_DISK,
                        "the images' file system cannot show files with other owners: %s",
                        file_error_text(shifted));
}

static enum reason make_root(struct sandbox *sandbox)
{
    char image[SLOT_PATH], disk[SLOT_PATH], root[SLOT_PATH];
    char upper[2 * SLOT_PATH], work[2 * SLOT_PATH];
    struct trail trail = { 0 };
    struct stat is;
    enum reason reason = REASON_OK;
    slot_file(&sandbox->slot, "image", image);
    slot_file(&sandbox->slot, "disk", disk);
    slot_file(&sandbox->slot, "rootfs", root);
    reason = shift_image(sandbox, image);
    if (reason == REASON_OK && (sandbox->spec.files.read_only || is_machine(sandbox))) {
        rc made = mount_memory(&trail, disk, "size=1m,mode=711");
        reason = rc_ok(made) ? REASON_OK : failed(sandbox, disk, file_error_text(made));
    } else if (reason == REASON_OK) {
        const uint64_t size = sandbox->spec.limits.disk;
        const struct volume changes = { "disk", size, size / DISK_BYTES_PER_FILE, true };
        reason = make_disk(sandbox, &changes);
    }
    if (reason != REASON_OK)
        return reason;
    snprintf(upper, sizeof upper, "%s/upper", disk);
    snprintf(work, sizeof work, "%s/work", disk);
    if (stat(image, &is) != 0 || mkdir(upper, 0755) != 0 || mkdir(work, 0700) != 0 ||
        chown(upper, is.st_uid, is.st_gid) != 0 || chmod(upper, is.st_mode & 0777) != 0)
        return failed(sandbox, disk, strerror(errno));
    const struct mount_layers layers = { image, upper, work, root };
    rc laid = mount_layers(&trail, &layers);
    return rc_ok(laid) ? REASON_OK : failed(sandbox, root, file_error_text(laid));
}

static struct volume output_volume(const struct sandbox *sandbox)
{
    return (struct volume){ "output", sandbox->spec.limits.output + OUTPUT_SPARE, OUTPUT_INODES,
                            false };
}

static enum reason open_output(struct sandbox *sandbox)
{
    char path[SLOT_PATH];
    const uid_t user = sandbox->slot.ids + JOB_USER;
    slot_file(&sandbox->slot, "output", path);
    sandbox->output = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (sandbox->output < 0 || fchown(sandbox->output, user, user) != 0 ||
        fchmod(sandbox->output, 0755) != 0)
        return failed(sandbox, path, strerror(errno));
    return REASON_OK;
}

/* --- two at once: the root, and /output ------------------------------------------------------- */

struct making {
    struct sandbox *sandbox;
    enum reason root;
};

/* In a child, whose mounts are its parent's. */
static int make_output(void *arg)
{
    const struct making *making = arg;
    const struct volume output = output_volume(making->sandbox);
    const int image = open_image(making->sandbox, &output);
    fd_close(&making->sandbox->slot.folder); /* the place is held by whoever takes it away */
    return make_disk_of(making->sandbox, &output, image) == REASON_OK ? 0 : 1;
}

static void make_root_beside(pid_t child, void *arg)
{
    struct making *making = arg;
    (void)child;
    making->root = make_root(making->sandbox);
}

/* What the child could not make is tried here, which says why. */
static enum reason make_output_again(struct sandbox *sandbox)
{
    char path[SLOT_PATH];
    struct trail trail = { 0 };
    const struct volume output = output_volume(sandbox);
    slot_file(&sandbox->slot, "output", path);
    rc removed = mount_remove(&trail, path);
    name_image(&output, path);
    if (!rc_ok(removed) || (unlinkat(sandbox->slot.folder, path, 0) != 0 && errno != ENOENT))
        return failed(sandbox, path, rc_ok(removed) ? strerror(errno) : file_error_text(removed));
    return make_disk(sandbox, &output);
}

static enum reason make_both(struct sandbox *sandbox)
{
    struct making making = { .sandbox = sandbox, .root = REASON_JOB_DISK };
    const struct child_work work = { make_output, make_root_beside, &making };
    struct trail trail = { 0 };
    int status = -1;
    rc begun = child_run(&trail, &work, &status);
    if (!rc_ok(begun))
        return failed(sandbox, sandbox->slot.path, file_error_text(begun));
    if (making.root == REASON_OK && status != 0)
        making.root = make_output_again(sandbox);
    return making.root == REASON_OK ? open_output(sandbox) : making.root;
}

/* Once, and through no link: whose folder it is decides what the job may read there, and who may
   write somewhere on the way must not send it to another one. */
static int open_given(const char *path)
{
    return fd_open_how(AT_FDCWD, path, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
}

/* A read-only mount lets through what is said to a socket or written to a named pipe.  Those of an
   overlay are its own, and nobody listens there. */
static enum reason lay_given(struct sandbox *sandbox, const char *given)
{
    char target[SLOT_PATH], empty[SLOT_PATH];
    struct trail trail = { 0 };
    slot_file(&sandbox->slot, "job", target);
    slot_file(&sandbox->slot, DENIED_FOLDER, empty);
    rc laid = mount_layers_read_only(&trail, given, empty, target);
    return rc_ok(laid) ? REASON_OK
                       : sandbox_fail(sandbox, REASON_JOB_FOLDER,
                                      "%s: its file system cannot be shown through an overlay: %s",
                                      sandbox->job->job, file_error_text(laid));
}

static enum reason show_job(struct sandbox *sandbox)
{
    char target[SLOT_PATH], opened[SLOT_PATH];
    struct stat is;
    struct trail trail = { 0 };
    const char *source = sandbox->job->job;
    if (source == NULL)
        return REASON_OK;
    auto_fd int folder = open_given(source);
    if (folder < 0 && errno == ELOOP)
        return sandbox_fail(sandbox, REASON_JOB_FOLDER,
                            "%s: a symbolic link is on the way; name the folder that it leads to",
                            source);
    if (folder < 0 || fstat(folder, &is) != 0)
        return sandbox_fail(sandbox, REASON_JOB_FOLDER, "%s: %s", source, strerror(errno));
    slot_file(&sandbox->slot, "given", target);
    snprintf(opened, sizeof opened, "/proc/self/fd/%d", folder);
    if (is_served(opened))
        return sandbox_fail(sandbox, REASON_JOB_FOLDER,
                            "%s: its file system is served by a program, which could hold the job "
                            "past its end",
                            source);
    const uint32_t user = volume_owner(sandbox) + JOB_USER;
    const struct mount_shift shift = { .source = opened,
                                       .target = target,
                                       .user = { is.st_uid, user, 1 },
                                       .group = { is.st_gid, user, 1 },
                                       .read_only = true };
    rc shifted = mount_shifted(&trail, &shift);
    return rc_ok(shifted) ? lay_given(sandbox, target)
                          : sandbox_fail(sandbox, REASON_JOB_FOLDER,
                                         "%s: its file system cannot show files with other owners: "
                                         "%s",
                                         source, file_error_text(shifted));
}

enum reason volumes_make(struct sandbox *sandbox)
{
    enum reason reason = cover_slot(sandbox);
    if (reason == REASON_OK)
        reason = make_folders(sandbox);
    if (reason == REASON_OK)
        reason = make_both(sandbox);
    return reason == REASON_OK ? show_job(sandbox) : reason;
}

rc volumes_remove(struct trail *trail, const struct slot *slot)
{
    char path[SLOT_PATH];
    for (size_t i = 0; i < COUNT_OF(mounted); i++) {
        slot_file(slot, mounted[i], path);
        TRY(trail, mount_remove(trail, path));
    }
    return mount_remove(trail, slot->path);
}

enum shown_as volume_shown_as(const struct sandbox *sandbox, struct span path)
{
    struct stat is;
    auto_fd int found = place_open(sandbox, path, O_PATH);
    if (found < 0 && errno == ENOENT && place_is_given(sandbox, path))
        return SHOWN_AS_NOTHING;
    if (found < 0 || fstat(found, &is) != 0)
        return SHOWN_AS_FOLDER;
    return S_ISDIR(is.st_mode) ? SHOWN_AS_FOLDER : SHOWN_AS_FILE;
}

/* runc gives what it mounts the mode of what was there; so that is what an allowed path has. */
enum reason volume_open_allowed(struct sandbox *sandbox)
{
    const struct span_list *allowed = &sandbox->spec.files.allowed;
    for (size_t i = 0; i < allowed->count; i++) {
        auto_fd int found = place_open(sandbox, allowed->items[i], O_RDONLY | O_DIRECTORY);
        if (found >= 0 && fchmod(found, 01777) != 0)
            return sandbox_fail(sandbox, REASON_JOB_DISK, "%.*s: %s", (int)allowed->items[i].len,
                                (const char *)allowed->items[i].at, strerror(errno));
    }
    return REASON_OK;
}

/* Of each file the last block may be all but empty, and another may hold what else is known of it;
   so this is never said of less than the limit. */
bool output_is_over(const struct sandbox *sandbox)
{
    struct statvfs is;
    if (fstatvfs(sandbox->output, &is) != 0)
        return false;
    const uint64_t used = (uint64_t)(is.f_blocks - is.f_bfree) * is.f_frsize;
    const uint64_t spare = (uint64_t)(is.f_files - is.f_ffree) * 2 * BLOCK + OUTPUT_SLACK;
    return used > spare && used - spare > sandbox->spec.limits.output;
}
