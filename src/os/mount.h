/* mount.h - file systems that this process and its children see and nobody else does: gone when
   the last of them ends, however that comes.  Needs root. */
#ifndef WARD_OS_MOUNT_H
#define WARD_OS_MOUNT_H

#include "base/result.h"

/* mount_apart gives the process mounts of its own: what is mounted from here on is seen by it and
   by what it starts, and nothing that others mount comes in. */
MUST_USE
rc mount_apart(struct trail *trail);

/* A file of owner `from` is shown as one of owner `to`; so are the `count` ids after it. */
struct mount_owner {
    uint32_t from, to, count;
};

/* mount_shifted shows a folder, and what is mounted nowhere below it, at `target` with other
   owners; who has no row is nobody there.  Set-user-id bits and devices count for nothing.  An
   errno where the file system cannot do it (EINVAL). */
struct mount_shift {
    const char *source, *target;
    struct mount_owner user, group;
    bool read_only;
};
MUST_USE
rc mount_shifted(struct trail *trail, const struct mount_shift *shift);

/* disk_attach makes a file a disk, which is one as long as `device` is open or it is mounted.  The
   kernel first writes to the machine's own disk what the file has by then: whoever fills it through
   the device afterwards does not wait for that. */
struct disk {
    int device;
    char name[32];
};
MUST_USE
rc disk_attach(struct trail *trail, int file, struct disk *out);

/* disk_mount mounts a disk with an ext4 file system, which need not outlive the machine: what is
   synced in it is written to the file and not to the disk.  `programs`: what lies there may be
   executed. */
MUST_USE
rc disk_mount(struct trail *trail, const struct disk *disk, const char *target, bool programs);

/* mount_layers lays `upper` over `lower`; `work` is an empty folder beside `upper`. */
struct mount_layers {
    const char *lower, *upper, *work, *target;
};
MUST_USE
rc mount_layers(struct trail *trail, const struct mount_layers *layers);

/* mount_layers_read_only lays one folder over another, and nothing can be changed: of sockets and
   named pipes in them only the names are there, and whoever holds the other end is not reached. */
MUST_USE
rc mount_layers_read_only(struct trail *trail, const char *over, const char *under,
                          const char *target);

/* mount_memory mounts an empty tmpfs; options as in "size=64k,mode=755". */
MUST_USE
rc mount_memory(struct trail *trail, const char *target, const char *options);

/* mount_processes mounts a /proc of the process namespace that the caller is in. */
MUST_USE
rc mount_processes(struct trail *trail);

/* mount_remove takes the mount at that path away, at once for everybody who looks; none is no
   failure. */
MUST_USE
rc mount_remove(struct trail *trail, const char *target);

#endif
