/* files.c - see runner.h: what there is of a job on disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/file.h"
#include "os/tree.h"
#include "proc/log.h"
#include "proc/runner/runner.h"

static const char cut_here[] = "\n[the log is cut here: it is too long, or there is no room]\n";

static int open_jobs(const char *state)
{
    char path[SETTING_TEXT_MAX + 8];
    snprintf(path, sizeof path, "%s/jobs", state);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return -1;
    auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 && rc_ok(folder_is_own(NULL, fd)) ? fd_take(&fd) : -1;
}

void runner_open(struct runner *runner)
{
    runner->reason = REASON_JOB_NOT_ROOT;
    runner->ward = runner->folder = runner->null = -1;
    if (geteuid() != 0)
        return;
    runner->ward = fd_take(&runner->house->files[FILE_WARD]);
    runner->folder = open_jobs(runner->house->settings.state);
    runner->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    runner->groups = cgroup_find();
    runner->reason = runner->ward < 0 || runner->null < 0 ? REASON_JOB_RUNTIME
                     : runner->folder < 0                 ? REASON_HOUSE_STATE_UNUSABLE
                                                          : REASON_OK;
    if (runner->reason != REASON_OK)
        log_event("no job can be begun: %s", reason_info(runner->reason)->name);
}

void runner_hex(const uint8_t id[JOB_ID], char out[RUNNER_HEX])
{
    struct sink hex = sink_over(out, RUNNER_HEX);
    sink_hex(&hex, span_of(id, JOB_ID));
    sink_terminate(&hex);
}

static bool write_spec(int folder, struct span spec)
{
    auto_fd int fd = openat(folder, "spec.toml", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 && fd_write(fd, spec);
}

/* One of this name is of a store that was put back, and of a job that this one is not. */
int runner_make_folder(struct runner *runner, const char *hex, struct span spec)
{
    struct trail trail = { 0 };
    if (!rc_ok(tree_remove_at(&trail, runner->folder, hex)) ||
        mkdirat(runner->folder, hex, 0700) != 0)
        return -1;
    auto_fd int folder = openat(runner->folder, hex,
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder >= 0 && write_spec(folder, spec))
        return fd_take(&folder);
    runner_remove(runner, hex);
    return -1;
}

enum reason runner_read(struct runner *runner, const char *hex, bool report, uint64_t offset,
                        struct sink *out, uint64_t *size)
{
    struct stat is;
    auto_fd int folder = openat(runner->folder, hex,
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOENT ? REASON_JOB_UNKNOWN : REASON_HOUSE_STATE_UNUSABLE;
    const int how = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    auto_fd int fd = openat(folder, report ? "report.json" : "log", how);
    if (fd < 0 || fstat(fd, &is) != 0)
        return REASON_HOUSE_STATE_UNUSABLE;
    if (report && is.st_size == 0) {
        const int so_far = openat(folder, RUNNER_SO_FAR, how);
        if (so_far >= 0) {
            fd_close(&fd);
            fd = so_far;
        }
        if (fstat(fd, &is) != 0)
            return REASON_HOUSE_STATE_UNUSABLE;
    }
    *size = (uint64_t)is.st_size;
    if (report && *size > out->cap)
        return REASON_HOUSE_ANSWER_TOO_LARGE;
    if (offset >= *size)
        return REASON_OK;
    ssize_t got = fd_read_at(fd, offset, out->at, out->cap);
    if (got < 0)
        return REASON_HOUSE_STATE_UNUSABLE;
    out->len = (size_t)got;
    return REASON_OK;
}

bool runner_remove(struct runner *runner, const char *hex)
{
    struct trail trail = { 0 };
    rc removed = tree_remove_at(&trail, runner->folder, hex);
    if (!rc_ok(removed))
        log_failure("a job's folder not removed", removed, &trail);
    return rc_ok(removed);
}

/* What has no room is dropped, and the job goes on. */
void runner_keep(struct runner_job *job, struct span bytes)
{
    if (job->cut)
        return;
    const size_t room = RUNNER_LOG_MAX - (size_t)job->logged;
    const struct span kept = span_of(bytes.at, bytes.len < room ? bytes.len : room);
    bool written = fd_write(job->log, kept);
    job->logged += kept.len;
    job->cut = !written || kept.len < bytes.len;
    if (job->cut)
        (void)!fd_write(job->log, span_of(cut_here, sizeof cut_here - 1));
}
