/* mount.c - see mount.h. */
#include "os/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "os/child.h"
#include "os/fd.h"
#include "os/random.h"

rc mount_apart(struct trail *trail)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* --- owners ----------------------------------------------------------------------------------- */

/* The kernel takes the rows from a user namespace: a child makes one, and lives until it is held.
 */
struct naming {
    const struct mount_shift *shift;
    int said[2]; /* the child has it */
    int held[2]; /* it may go */
    int users;   /* the namespace, or -1 and the errno */
    int failure;
};

static int live_in_it(void *arg)
{
    const struct naming *naming = arg;
    uint8_t byte = 0;
    close(naming->held[1]);
    if (unshare(CLONE_NEWUSER) != 0)
        return errno;
    bool told = fd_write(naming->said[1], span_of(&byte, 1));
    return told && fd_read(naming->held[0], &byte, 1) == 0 ? 0 : EIO;
}

static bool write_rows(pid_t child, const char *file, const struct mount_owner *owner)
{
    char path[64], row[64];
    snprintf(path, sizeof path, "/proc/%d/%s", child, file);
    snprintf(row, sizeof row, "%u %u %u", owner->from, owner->to, owner->count);
    auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && fd_write(fd, span_text(row));
}

static void take_namespace(pid_t child, void *arg)
{
    struct naming *naming = arg;
    uint8_t byte;
    char path[64];
    fd_close(&naming->said[1]);
    fd_close(&naming->held[0]);
    snprintf(path, sizeof path, "/proc/%d/ns/user", child);
    if (fd_read(naming->said[0], &byte, 1) != 1)
        naming->failure = 0; /* the child's exit says which */
    else if (write_rows(child, "uid_map", &naming->shift->user) &&
             write_rows(child, "gid_map", &naming->shift->group))
        naming->users = open(path, O_RDONLY | O_CLOEXEC);
    if (naming->users < 0)
        naming->failure = errno;
    fd_close(&naming->held[1]);
}

static rc make_namespace(struct trail *trail, const struct mount_shift *shift, int *out)
{
    struct naming naming = { .shift = shift, .users = -1, .said = { -1, -1 }, .held = { -1, -1 } };
    int status = 0;
    rc result = RC_SUCCESS;
    if (pipe2(naming.said, O_CLOEXEC) != 0 || pipe2(naming.held, O_CLOEXEC) != 0)
        result = FAIL_ERRNO(trail);
    const struct child_work work = { .child = live_in_it,
                                     .parent = take_namespace,
                                     .arg = &naming };
    if (rc_ok(result))
        result = child_run(trail, &work, &status);
    for (int end = 0; end < 2; end++) {
        fd_close(&naming.said[end]);
        fd_close(&naming.held[end]);
    }
    if (rc_ok(result) && naming.users < 0)
        result = FAIL_OS(trail, (naming.failure != 0 ? naming.failure : EPERM));
    if (rc_ok(result))
        *out = naming.users;
    return result;
}

rc mount_shifted(struct trail *trail, const struct mount_shift *shift)
{
    auto_fd int users = -1;
    TRY(trail, make_namespace(trail, shift, &users));
    const uint64_t usual = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    struct mount_attr attributes = { .attr_set = usual, .userns_fd = (uint32_t)users };
    if (shift->read_only)
        attributes.attr_set = usual | MOUNT_ATTR_RDONLY;
    auto_fd int tree = open_tree(AT_FDCWD, shift->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0 ||
        move_mount(tree, "", AT_FDCWD, shift->target, MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* --- disks ------------------------------------------------------------------------------------ */

/* Not as long as those who wait beside us. */
static void wait_a_moment(void)
{
    uint8_t dice;
    random_bytes(&dice, sizeof dice);
    const struct timespec moment = { .tv_nsec = (1 + dice % 16) * 1000000L };
    nanosleep(&moment, NULL);
}

/* Somebody else may take the free device first: of two at once the other has the next, and of many
   one has it in each round. */
rc disk_attach(struct trail *trail, int file, struct disk *out)
{
    enum { TRIES = 1024 };
    const struct loop_config config = { .fd = (uint32_t)file, .info.lo_flags = LO_FLAGS_AUTOCLEAR };
    auto_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return FAIL_ERRNO(trail);
    for (int i = 0; i < TRIES; i++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
            return FAIL_ERRNO(trail);
        snprintf(out->name, sizeof out->name, "/dev/loop%d", number);
        auto_fd int device = open(out->name, O_RDWR | O_CLOEXEC);
        if (device < 0)
            return FAIL_ERRNO(trail);
        if (ioctl(device, LOOP_CONFIGURE, &config) == 0) {
            out->device = fd_take(&device);
            return RC_SUCCESS;
        }
        if (errno != EBUSY)
            return FAIL_ERRNO(trail);
        if (i > 0)
            wait_a_moment();
    }
    return FAIL_OS(trail, EBUSY);
}

rc disk_mount(struct trail *trail, const struct disk *disk, const char *target, bool programs)
{
    const unsigned long flags = MS_NOSUID | MS_NODEV | (programs ? 0 : MS_NOEXEC);
    /* Tables that are empty need not be written to be empty, and nobody waits for the machine's own
       disk, whoever syncs what lies here. */
    if (mount(disk->name, target, "ext4", flags, "noinit_itable,barrier=0") != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

rc mount_layers(struct trail *trail, const struct mount_layers *layers)
{
    char options[1024];
    int len = snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", layers->lower,
                       layers->upper, layers->work);
    if (len < 0 || (size_t)len >= sizeof options)
        return FAIL_OS(trail, ENAMETOOLONG);
    if (mount("overlay", layers->target, "overlay", MS_NOSUID | MS_NODEV, options) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

rc mount_layers_read_only(struct trail *trail, const char *over, const char *under,
                          const char *target)
{
    char options[1024];
    int len = snprintf(options, sizeof options, "lowerdir=%s:%s", over, under);
    if (len < 0 || (size_t)len >= sizeof options)
        return FAIL_OS(trail, ENAMETOOLONG);
    if (mount("overlay", target, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, options) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

rc mount_memory(struct trail *trail, const char *target, const char *options)
{
    if (mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

rc mount_processes(struct trail *trail)
{
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

rc mount_remove(struct trail *trail, const char *target)
{
    if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}
