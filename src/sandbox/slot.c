/* slot.c - see slot.h. */
#include "sandbox/slot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/number.h"
#include "base/sink.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/tree.h"

enum { DIGITS = 8 };

static void name_slot(struct slot *slot, unsigned number)
{
    slot->number = number;
    slot->ids = SLOT_IDS_FROM + number * SLOT_IDS;
    snprintf(slot->path, sizeof slot->path, "%s/%u", SLOTS_FOLDER, number);
    slot->name[0] = 0;
}

/* Names within a place. */
static const char record[] = "id";
static const char reserved[] = "reserved";

/* False where it is no id: then the job was stopped before it had one, and made nothing. */
static bool name_job(struct slot *slot, const char *id)
{
    const bool whole = strlen(id) == SLOT_ID && strspn(id, "0123456789abcdef") == SLOT_ID;
    if (whole)
        snprintf(slot->name, sizeof slot->name, "ward-job-%s", id);
    return whole;
}

static rc write_file(struct trail *trail, int folder, const char *name, struct span bytes)
{
    auto_fd int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 && fd_write(fd, bytes) ? RC_SUCCESS : FAIL_ERRNO(trail);
}

/* How many bytes it has; -1. */
static ssize_t read_file(int folder, const char *name, char *out, size_t len)
{
    auto_fd int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -1 : fd_read(fd, out, len);
}

static bool read_record(int folder, struct slot *slot)
{
    char id[SLOT_ID + 2] = { 0 };
    return read_file(folder, record, id, SLOT_ID + 1) == SLOT_ID && name_job(slot, id);
}

/* --- what is reserved ------------------------------------------------------------------------- */

/* Two numbers of 64 bits, a blank between and a line's end behind them. */
enum { RESERVED_TEXT = 20 + 1 + 20 + 1 };

static rc write_reserved(struct trail *trail, int folder, const struct slot_room *room)
{
    char text[RESERVED_TEXT];
    struct sink out = sink_over(text, sizeof text);
    sink_decimal(&out, room->memory, 1);
    sink_text(&out, " ");
    sink_decimal(&out, room->disk, 1);
    sink_text(&out, "\n");
    return write_file(trail, folder, reserved, span_of(text, out.len));
}

/* None where it is no record: it was made before there were any. */
static struct slot_room read_reserved(int folder)
{
    char text[RESERVED_TEXT + 1];
    struct slot_room room = { 0 };
    const ssize_t len = read_file(folder, reserved, text, sizeof text);
    const char *blank = len < 1 ? NULL : memchr(text, ' ', (size_t)len);
    if (blank == NULL || text[len - 1] != '\n')
        return room;
    const size_t first = (size_t)(blank - text);
    if (!decimal_read(span_of(text, first), UINT64_MAX, &room.memory) ||
        !decimal_read(span_of(blank + 1, (size_t)len - first - 2), UINT64_MAX, &room.disk))
        return (struct slot_room){ 0 };
    return room;
}

/* What the files of a place have of the disk. */
static uint64_t disk_of(int folder)
{
    static const char *const files[] = { "disk.img", "output.img" };
    uint64_t sum = 0;
    struct stat is;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        if (fstatat(folder, files[i], &is, AT_SYMLINK_NOFOLLOW) == 0)
            sum += (uint64_t)is.st_blocks * 512;
    }
    return sum;
}

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Of the disk what is reserved and not written yet: the rest is no longer free. */
static void count_reserved(int folder, struct slot_room *sum)
{
    const struct slot_room room = read_reserved(folder);
    sum->memory += room.memory;
    sum->disk += above(room.disk, disk_of(folder));
}

static rc find_left(struct trail *trail, int all, const struct slot_claim *claim,
                    const struct slot_room *others, struct slot_room *out)
{
    struct statvfs disk;
    if (fstatvfs(all, &disk) != 0)
        return FAIL_ERRNO(trail);
    out->memory = above(claim->memory_lent, others->memory);
    out->disk = above((uint64_t)disk.f_bavail * disk.f_frsize, others->disk);
    return claim->room.memory > out->memory ? FAIL(trail, RC_BUSY, SLOT_E_MEMORY)
           : claim->room.disk > out->disk   ? FAIL(trail, RC_BUSY, SLOT_E_DISK)
                                            : RC_SUCCESS;
}

/* --- all places ------------------------------------------------------------------------------- */

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
        return FAIL_OS(trail, ENOLCK);
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

/* What has been seen of all places. */
struct survey {
    unsigned first_free;       /* SLOTS_MAX: none */
    struct slot_room reserved; /* by those who are there */
};

/* *free: nobody is there.  What a job that is gone has left goes. */
static rc look(struct trail *trail, const struct cgroups *groups, int all, unsigned number,
               bool *free, struct slot_room *sum)
{
    char name[DIGITS];
    struct slot slot;
    name_slot(&slot, number);
    snprintf(name, sizeof name, "%u", number);
    auto_fd int folder = openat(all, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    *free = folder < 0 && errno == ENOENT;
    if (folder < 0)
        return *free ? RC_SUCCESS : FAIL_ERRNO(trail);
    if (flock(folder, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return FAIL_ERRNO(trail);
        count_reserved(folder, sum);
        return RC_SUCCESS;
    }
    /* Without a record there is the folder alone. */
    if (!read_record(folder, &slot))
        slot.name[0] = 0;
    TRY(trail, clear(trail, groups, all, &slot));
    *free = true;
    return RC_SUCCESS;
}

/* False where it is no place's name as we write it. */
static bool read_name(const char *name, unsigned *number)
{
    char written[DIGITS];
    uint64_t value;
    if (!decimal_read(span_text(name), SLOTS_MAX - 1, &value))
        return false;
    *number = (unsigned)value;
    snprintf(written, sizeof written, "%u", *number);
    return strcmp(name, written) == 0;
}

/* Which are there.  Nearly all are not, and to look for each by its name would take longer than all
   else that is done here. */
static rc read_names(struct trail *trail, int all, bool there[SLOTS_MAX])
{
    auto_fd int again = openat(all, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *names = again < 0 ? NULL : fdopendir(again);
    if (names == NULL)
        return FAIL_ERRNO(trail);
    fd_take(&again);
    for (;;) {
        unsigned number;
        errno = 0;
        const struct dirent *entry = readdir(names);
        if (entry == NULL)
            return errno == 0 ? RC_SUCCESS : FAIL_ERRNO(trail);
        if (read_name(entry->d_name, &number))
            there[number] = true;
    }
}

static rc sweep(struct trail *trail, const struct cgroups *groups, int all, struct survey *out)
{
    bool there[SLOTS_MAX] = { false };
    *out = (struct survey){ .first_free = SLOTS_MAX };
    TRY(trail, read_names(trail, all, there));
    for (unsigned number = SLOTS_MAX; number-- > 0;) {
        bool free = true;
        if (there[number])
            TRY(trail, look(trail, groups, all, number, &free, &out->reserved));
        out->first_free = free ? number : out->first_free;
    }
    return RC_SUCCESS;
}

rc slots_sweep(struct trail *trail, const struct cgroups *groups)
{
    struct stat is;
    struct survey survey;
    auto_fd int all = -1;
    if (stat(SLOTS_FOLDER, &is) != 0 && errno == ENOENT)
        return RC_SUCCESS;
    TRY(trail, open_all(trail, &all));
    return sweep(trail, groups, all, &survey);
}

static rc make(struct trail *trail, int all, const struct slot_claim *claim, struct slot *slot)
{
    char name[DIGITS];
    snprintf(name, sizeof name, "%u", slot->number);
    if (mkdirat(all, name, 0711) != 0)
        return FAIL_ERRNO(trail);
    auto_fd int folder = openat(all, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 || fchmod(folder, 0711) != 0 || flock(folder, LOCK_EX | LOCK_NB) != 0)
        return FAIL_ERRNO(trail);
    TRY(trail, write_file(trail, folder, record, span_text(claim->id)));
    TRY(trail, write_reserved(trail, folder, &claim->room));
    if (!name_job(slot, claim->id))
        return FAIL(trail, RC_BUG, RC_ERRNO | EINVAL);
    slot->folder = fd_take(&folder);
    return RC_SUCCESS;
}

rc slot_take(struct trail *trail, const struct cgroups *groups, const struct slot_claim *claim,
             struct slot *out)
{
    struct survey survey;
    struct slot slot = { .folder = -1 };
    auto_fd int all = -1;
    TRY(trail, open_all(trail, &all));
    TRY(trail, sweep(trail, groups, all, &survey));
    if (survey.first_free == SLOTS_MAX)
        return FAIL(trail, RC_BUSY, SLOT_E_FULL);
    TRY(trail, find_left(trail, all, claim, &survey.reserved, &out->left));
    name_slot(&slot, survey.first_free);
    slot.left = out->left;
    TRY(trail, make(trail, all, claim, &slot));
    *out = slot;
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
