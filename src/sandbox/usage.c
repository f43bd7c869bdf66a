/* usage.c - see backend.h.  The supervisor looks from outside, at file systems that the job has
   below it: it asks the job nothing, and does nothing that the job could see. */
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "sandbox/backend.h"

enum { CLOCK_SET_MS = 100 }; /* clocks that went apart so far: one was set */

static bool is_machine(const struct sandbox *sandbox)
{
    return sandbox->spec.isolation == JOB_ISOLATION_VM;
}

/* Each in memory of its own, which is there as long as it is open here, whoever else has gone. */
static void open_allowed(struct usage_watch *watch, const struct sandbox *sandbox, pid_t first)
{
    const struct span_list *allowed = &sandbox->spec.files.allowed;
    char root[64];
    snprintf(root, sizeof root, "/proc/%d/root", (int)first);
    auto_fd int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < allowed->count; i++) {
        char path[JOB_TEXT_MAX + 1];
        struct stat is;
        struct statfs kind;
        watch->allowed[i] = -1;
        if (top < 0 || allowed->items[i].len < 2 || allowed->items[i].len > JOB_TEXT_MAX)
            continue;
        snprintf(path, sizeof path, "%.*s", (int)allowed->items[i].len - 1,
                 (const char *)allowed->items[i].at + 1);
        auto_fd int found = fd_open_how(top, path, O_RDONLY | O_DIRECTORY,
                                        RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
        if (found < 0 || fstatfs(found, &kind) != 0 || kind.f_type != TMPFS_MAGIC ||
            fstat(found, &is) != 0)
            continue;
        watch->changed[i] = is.st_mtim;
        watch->listed[i] = is.st_atim;
        watch->allowed[i] = fd_take(&found);
    }
}

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

void usage_begin(struct usage_watch *watch, const struct sandbox *sandbox, pid_t first)
{
    if (is_machine(sandbox))
        return; /* what it does is in a memory that nobody looks into */
    open_allowed(watch, sandbox, first);
    const struct timespec since = clock_next_date();
    watch->seen.since_s = since.tv_sec;
    watch->seen.since_ns = (uint32_t)since.tv_nsec;
    watch->clocks_ms = clock_now_ms() - clock_monotonic_ms();
    watch->is_open = true;
}

/* What could not be looked at may have been used. */
static bool is_unused(const struct usage_watch *watch, size_t i)
{
    struct stat is;
    return watch->allowed[i] >= 0 && fstat(watch->allowed[i], &is) == 0 &&
           is_same_time(is.st_mtim, watch->changed[i]) &&
           is_same_time(is.st_atim, watch->listed[i]);
}

void usage_look(struct usage_watch *watch, const struct sandbox *sandbox)
{
    char disk[SLOT_PATH];
    struct statvfs is;
    if (!watch->is_open)
        return;
    if (fstatvfs(sandbox->output, &is) == 0)
        watch->seen.output = most_u64(watch->seen.output,
                                      (uint64_t)(is.f_blocks - is.f_bfree) * is.f_frsize);
    slot_file(&sandbox->slot, "disk", disk);
    if (sandbox->spec.files.read_only || statvfs(disk, &is) != 0)
        return;
    const uint64_t bytes = (uint64_t)(is.f_blocks - is.f_bfree) * is.f_frsize;
    const uint64_t files = (uint64_t)(is.f_files - is.f_ffree) * DISK_BYTES_PER_FILE;
    watch->seen.disk = most_u64(watch->seen.disk, most_u64(bytes, files));
}

void usage_end(struct usage_watch *watch, const struct sandbox *sandbox)
{
    const size_t count = sandbox->spec.files.allowed.count;
    if (!watch->is_open)
        return;
    usage_look(watch, sandbox);
    for (size_t i = 0; i < count; i++) {
        if (!is_unused(watch, i))
            watch->seen.written[i / 8] |= (uint8_t)(1u << (i % 8));
        fd_close(&watch->allowed[i]);
    }
    const int64_t apart = clock_now_ms() - clock_monotonic_ms() - watch->clocks_ms;
    watch->seen.is_known = apart > -CLOCK_SET_MS && apart < CLOCK_SET_MS ? 1 : 0;
    watch->is_open = false;
}

/* --- what the run makes of it ----------------------------------------------------------------- */

void usage_take(struct sandbox *sandbox, const struct supervised *said,
                const struct learn_uses *uses, struct sandbox_result *out)
{
    struct learn_seen *seen = &out->seen;
    const size_t count = sandbox->spec.files.allowed.count;
    bool *written = arena_array(sandbox->job->arena, count, sizeof *written);
    seen->reach = sandbox->reach;
    seen->uses = uses;
    if (out->ended_ms > out->started_ms)
        seen->wall_ms = (uint64_t)(out->ended_ms - out->started_ms);
    if (out->reason != REASON_OK || said->usage.is_known == 0)
        return;
    for (size_t i = 0; i < count && written != NULL; i++)
        written[i] = (said->usage.written[i / 8] >> (i % 8) & 1) != 0;
    seen->written = written;
    seen->allowed_known = written != NULL;
    seen->disk_known = seen->output_known = true;
    seen->disk = said->usage.disk;
    seen->output = said->usage.output;
    seen->image_known = changes_find(sandbox, &said->usage, seen);
}
