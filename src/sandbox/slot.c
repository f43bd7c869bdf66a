/* slot.c - see slot.h. */
#include "sandbox/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/file.h"
#include "os/file_rc.h"
#include "os/tree.h"

enum { DIGITS = 8 };

static void name_slot(struct slot *slot, unsigned number)
{
    slot->number = number;
    slot->ids = SLOT_IDS_FROM + number * SLOT_IDS;
    snprintf(slot->path, sizeof slot->path, "%s/%u", SLOTS_FOLDER, number);
    slot->name[0] = 0;
}

static const char record[] = "id";

/* False where it is no id: then the job was stopped before it had one, and made nothing. */
static bool name_job(struct slot *slot, const char *id)
{
    const bool whole = strlen(id) == SLOT_ID && strspn(id, "0123456789abcdef") == SLOT_ID;
    if (whole)
        snprintf(slot->name, sizeof slot->name, "ward-job-%s", id);
    return whole;
}

static rc write_record(struct trail *trail, int folder, const char *id)
{
    auto_fd int fd = openat(folder, record, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 && fd_write(fd, span_text(id)) ? RC_SUCCESS : FAIL_ERRNO(trail);
}

static bool read_record(int folder, struct slot *slot)
{
    char id[SLOT_ID + 2] = { 0 };
    auto_fd int fd = openat(folder, record, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && fd_read(fd, id, SLOT_ID + 1) == SLOT_ID && name_job(slot, id);
}

void slot_file(const struct slot *slot, const char *name, char out[SLOT_PATH])
{
    snprintf(out, SLOT_PATH, "%.64s/%.60s", slot->path, name);
}

/* The folder of all places, locked.  Users of sandboxes pass through it on their way to their root,
   so it can be entered by all, and read and written by none. */
static rc open_all(struct trail *trail, int *out)
{
    auto_fd int all = -1;
    bool held;
    if ((mkdir(SLOTS_FOLDER, 0711) != 0 && errno != EEXIST))
        return FAIL_ERRNO(trail);
    TRY(trail, folder_lock(trail, SLOTS_FOLDER, &all, &held));
    if (!held)
        return FAIL(trail, RC_WORLD, ENOLCK);
    TRY(trail, folder_is_own(trail, all));
    if (fchmod(all, 0711) != 0)
        return FAIL_ERRNO(trail);
    *out = fd_take(&all);
    return RC_SUCCESS;
}

static rc clear(struct trail *trail, const struct cgroups *groups, int all, const struct slot *slot)
{
    char name[DIGITS];
    snprintf(name, sizeof name, "%u", slot->number);
    if (slot->name[0] != 0)
        TRY(trail, cgroup_remove(trail, groups, slot->name));
    return tree_remove_at(trail, all, name);
}

/* *free: nobody is there.  What a job that is gone has left goes. */
static rc look(struct trail *trail, const struct cgroups *groups, int all, unsigned number,
               bool *free)
{
    char name[DIGITS];
    struct slot slot;
    name_slot(&slot, number);
    snprintf(name, sizeof name, "%u", number);
    auto_fd int folder = openat(all, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    *free = folder < 0 && errno == ENOENT;
    if (folder < 0)
        return *free ? RC_SUCCESS : FAIL_ERRNO(trail);
    if (flock(folder, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? RC_SUCCESS : FAIL_ERRNO(trail);
    /* Without a record there is the folder alone. */
    if (!read_record(folder, &slot))
        slot.name[0] = 0;
    TRY(trail, clear(trail, groups, all, &slot));
    *free = true;
    return RC_SUCCESS;
}

static rc sweep(struct trail *trail, const struct cgroups *groups, int all, unsigned *first_free)
{
    *first_free = SLOTS_MAX;
    for (unsigned number = SLOTS_MAX; number-- > 0;) {
        bool free;
        TRY(trail, look(trail, groups, all, number, &free));
        *first_free = free ? number : *first_free;
    }
    return RC_SUCCESS;
}

rc slots_sweep(struct trail *trail, const struct cgroups *groups)
{
    struct stat is;
    unsigned first_free;
    auto_fd int all = -1;
    if (stat(SLOTS_FOLDER, &is) != 0 && errno == ENOENT)
        return RC_SUCCESS;
    TRY(trail, open_all(trail, &all));
    return sweep(trail, groups, all, &first_free);
}

rc slot_take(struct trail *trail, const struct cgroups *groups, const char *id, struct slot *out)
{
    char name[DIGITS];
    unsigned number;
    struct slot slot;
    auto_fd int all = -1;
    TRY(trail, open_all(trail, &all));
    TRY(trail, sweep(trail, groups, all, &number));
    if (number == SLOTS_MAX)
        return FAIL(trail, RC_BUSY, SLOT_E_FULL);
    name_slot(&slot, number);
    snprintf(name, sizeof name, "%u", number);
    if (mkdirat(all, name, 0711) != 0)
        return FAIL_ERRNO(trail);
    auto_fd int folder = openat(all, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 || fchmod(folder, 0711) != 0 || flock(folder, LOCK_EX | LOCK_NB) != 0)
        return FAIL_ERRNO(trail);
    TRY(trail, write_record(trail, folder, id));
    if (!name_job(&slot, id))
        return FAIL(trail, RC_BUG, EINVAL);
    *out = slot;
    out->folder = fd_take(&folder);
    return RC_SUCCESS;
}

rc slot_give(struct trail *trail, const struct cgroups *groups, struct slot *slot)
{
    auto_fd int all = -1;
    TRY(trail, open_all(trail, &all));
    rc cleared = clear(trail, groups, all, slot);
    fd_close(&slot->folder); /* what stays is swept by the next */
    return cleared;
}
