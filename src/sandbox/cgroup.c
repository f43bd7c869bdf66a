/* cgroup.c - see cgroup.h. */
#include "sandbox/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/number.h"
#include "os/fd.h"
#include "os/spawn.h"

static bool is_of(const char *root, const char *below, long magic)
{
    char path[CGROUP_PATH];
    struct statfs is;
    snprintf(path, sizeof path, "%s%s", root, below);
    return statfs(path, &is) == 0 && is.f_type == magic;
}

struct cgroups cgroup_find(void)
{
    static const char *const needed[] = { "/memory", "/cpu", "/cpuacct", "/pids" };
    struct cgroups groups = { .root = "/sys/fs/cgroup" };
    if (is_of(groups.root, "", CGROUP2_SUPER_MAGIC)) {
        groups.layout = CGROUP_V2;
        return groups;
    }
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        if (!is_of(groups.root, needed[i], CGROUP_SUPER_MAGIC))
            return groups;
    }
    groups.layout = CGROUP_V1;
    groups.unified = is_of(groups.root, "/unified", CGROUP2_SUPER_MAGIC);
    return groups;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A file of the group; of version 2 the controller is no folder. */
static void name_file(const struct cgroups *groups, const char *controller, const char *name,
                      const char *file, char path[CGROUP_PATH])
{
    if (groups->layout == CGROUP_V1)
        snprintf(path, CGROUP_PATH, "%s/%s/%s/%s", groups->root, controller, name, file);
    else
        snprintf(path, CGROUP_PATH, "%s/%s/%s", groups->root, name, file);
}

static bool read_file(const struct cgroups *groups, const char *controller, const char *name,
                      const char *file, char text[CGROUP_PATH])
{
    char path[CGROUP_PATH];
    name_file(groups, controller, name, file, path);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : fd_read(fd, text, CGROUP_PATH - 1);
    if (got < 0)
        return false;
    text[got] = 0;
    return true;
}

/* The number after a word that begins a line; the file's first number where the word is empty. */
static bool find_number(const char *text, const char *word, uint64_t *out)
{
    const size_t len = strlen(word);
    for (const char *line = text; line != NULL && *line != 0;) {
        const char *end = strchr(line, '\n');
        if (strncmp(line, word, len) == 0) {
            const char *digits = line + len + strspn(line + len, " ");
            return decimal_read(span_of(digits, strspn(digits, "0123456789")), UINT64_MAX, out);
        }
        line = end == NULL ? NULL : end + 1;
    }
    return false;
}

static bool read_number(const struct cgroups *groups, const char *controller, const char *name,
                        const char *file, uint64_t *out)
{
    char text[CGROUP_PATH];
    return read_file(groups, controller, name, file, text) && find_number(text, "", out);
}

/* TCP's by its name; the kernel counts each protocol there whose memory it counts, so UDP's too. */
static const char sockets_file[] = "memory.kmem.tcp.limit_in_bytes";

struct expected {
    const char *controller, *file;
    uint64_t wanted;
    bool in_pages; /* the kernel rounds it down to its pages, of 64 KiB at most */
};

static bool is_held(uint64_t has, const struct expected *row)
{
    return row->in_pages ? has <= row->wanted && row->wanted - has < 65536 : has == row->wanted;
}

static bool all_hold(const struct cgroups *groups, const char *name, const struct expected *rows,
                     size_t count, const char **what)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t has;
        *what = rows[i].file;
        if (!read_number(groups, rows[i].controller, name, rows[i].file, &has) ||
            !is_held(has, &rows[i]))
            return false;
    }
    return true;
}

/* Version 2 says both numbers in one line. */
static bool quota_holds(const struct cgroups *groups, const char *name,
                        const struct cgroup_limits *limits, const char **what)
{
    char text[CGROUP_PATH], wanted[64];
    *what = "cpu.max";
    snprintf(wanted, sizeof wanted, "%llu %llu\n", (unsigned long long)limits->cpu_quota_us,
             (unsigned long long)limits->cpu_period_us);
    return read_file(groups, "", name, "cpu.max", text) && strcmp(text, wanted) == 0;
}

bool cgroup_holds(const struct cgroups *groups, const char *name,
                  const struct cgroup_limits *limits, const char **what)
{
    const struct expected first[] = {
        { "memory", "memory.limit_in_bytes", limits->memory, true },
        { "memory", "memory.memsw.limit_in_bytes", limits->memory, true },
        { "memory", sockets_file, limits->sockets, true },
        { "pids", "pids.max", limits->processes, false },
        { "cpu", "cpu.cfs_quota_us", limits->cpu_quota_us, false },
        { "cpu", "cpu.cfs_period_us", limits->cpu_period_us, false },
    };
    const struct expected second[] = {
        { "", "memory.max", limits->memory, true },
        { "", "memory.swap.max", 0, false },
        { "", "pids.max", limits->processes, false },
    };
    if (groups->layout == CGROUP_V1)
        return all_hold(groups, name, first, COUNT_OF(first), what);
    *what = "/sys/fs/cgroup";
    return groups->layout == CGROUP_V2 && all_hold(groups, name, second, COUNT_OF(second), what) &&
           quota_holds(groups, name, limits, what);
}

/* --- writing ---------------------------------------------------------------------------------- */

static rc write_file(struct trail *trail, const char *path, const char *text)
{
    auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || !fd_write(fd, span_text(text)))
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

rc cgroup_bound_sockets(struct trail *trail, const struct cgroups *groups, const char *name,
                        const struct cgroup_limits *limits)
{
    char path[CGROUP_PATH], bytes[32];
    if (groups->layout != CGROUP_V1)
        return RC_SUCCESS;
    name_file(groups, "memory", name, sockets_file, path);
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)limits->sockets);
    return write_file(trail, path, bytes);
}

/* 0 is whoever writes it. */
static rc join_one(struct trail *trail, const char *path, pid_t pid)
{
    char number[16];
    snprintf(number, sizeof number, "%d", (int)pid);
    return write_file(trail, path, number);
}

/* The lock of all moves waits for a grace period of RCU, and stays ready for about as long: so
   where the child moves to, and whether it may, is all the same. */
pid_t cgroup_ready_begin(const struct cgroups *groups)
{
    char path[CGROUP_PATH];
    name_file(groups, "pids", ".", "cgroup.procs", path);
    const pid_t child = fork();
    if (child != 0)
        return child;
    rc moved = join_one(NULL, path, 0);
    _exit(rc_ok(moved) ? 0 : 1);
}

void cgroup_ready_end(pid_t *child)
{
    while (*child > 0 && waitpid(*child, NULL, 0) < 0 && errno == EINTR)
        ;
    *child = -1;
}

rc cgroup_join(struct trail *trail, const struct cgroups *groups, const char *name, pid_t pid)
{
    static const char *const counted[] = { "memory", "cpu", "cpuacct" };
    const size_t trees = groups->layout == CGROUP_V1 ? COUNT_OF(counted) : 1;
    for (size_t i = 0; i < trees; i++) {
        char path[CGROUP_PATH];
        name_file(groups, counted[i], name, "cgroup.procs", path);
        TRY(trail, join_one(trail, path, pid));
    }
    return RC_SUCCESS;
}

uint64_t cgroup_kills(const struct cgroups *groups, const char *name)
{
    char text[CGROUP_PATH];
    uint64_t kills;
    const char *file = groups->layout == CGROUP_V1 ? "memory.oom_control" : "memory.events";
    bool known = read_file(groups, "memory", name, file, text) &&
                 find_number(text, "oom_kill ", &kills);
    return known ? kills : 0;
}

struct cgroup_usage cgroup_measure(const struct cgroups *groups, const char *name)
{
    struct cgroup_usage usage = { 0 };
    char text[CGROUP_PATH];
    uint64_t value;
    if (groups->layout == CGROUP_V1) {
        if (read_number(groups, "cpuacct", name, "cpuacct.usage", &value))
            usage.cpu_us = value / 1000;
        if (read_number(groups, "memory", name, "memory.max_usage_in_bytes", &value))
            usage.memory_peak = value;
        return usage;
    }
    if (read_file(groups, "", name, "cpu.stat", text) && find_number(text, "usage_usec ", &value))
        usage.cpu_us = value;
    if (read_number(groups, "", name, "memory.peak", &value))
        usage.memory_peak = value;
    return usage;
}

/* --- taking away ------------------------------------------------------------------------------ */

/* The number may be another process's by now: it is held first, and then looked for again. */
static void kill_one(const char *path, uint64_t number)
{
    char text[CGROUP_PATH], line[32];
    int pidfd = -1;
    if (number == 0 || number > INT32_MAX || !rc_ok(process_hold(NULL, (pid_t)number, &pidfd)))
        return;
    auto_fd int held = pidfd;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : fd_read(fd, text, sizeof text - 1);
    text[got < 0 ? 0 : got] = 0;
    snprintf(line, sizeof line, "%llu\n", (unsigned long long)number);
    const char *found = strstr(text, line);
    if (found != NULL && (found == text || found[-1] == '\n')) {
        rc sent = process_signal(NULL, held, SIGKILL);
        (void)sent; /* it has ended meanwhile, or the next look finds it */
    }
}

/* Those that stand first in the file; who is left is found by the next look. */
static void kill_some(const char *folder)
{
    char path[CGROUP_PATH + 16], text[CGROUP_PATH];
    snprintf(path, sizeof path, "%s/cgroup.procs", folder);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : fd_read(fd, text, sizeof text - 1);
    text[got < 0 ? 0 : got] = 0;
    for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        uint64_t number;
        if (decimal_read(span_of(line, (size_t)(end - line)), UINT64_MAX, &number))
            kill_one(path, number);
    }
}

/* A group can be removed when its last process is gone, which takes the kernel a moment. */
static rc remove_folder(struct trail *trail, const char *folder)
{
    enum { LOOKS = 2000, PAUSE_MS = 5 };
    for (int i = 0; i < LOOKS; i++) {
        if (rmdir(folder) == 0 || errno == ENOENT)
            return RC_SUCCESS;
        if (errno != EBUSY)
            return FAIL_ERRNO(trail);
        kill_some(folder);
        poll(NULL, 0, PAUSE_MS);
    }
    return FAIL_OS(trail, EBUSY);
}

rc cgroup_remove(struct trail *trail, const struct cgroups *groups, const char *name)
{
    char folder[CGROUP_PATH];
    if (groups->layout == CGROUP_V2) {
        snprintf(folder, sizeof folder, "%s/%s", groups->root, name);
        return remove_folder(trail, folder);
    }
    auto_dir DIR *trees = opendir(groups->root);
    if (trees == NULL)
        return errno == ENOENT ? RC_SUCCESS : FAIL_ERRNO(trail);
    for (const struct dirent *tree; (tree = readdir(trees)) != NULL;) {
        if (tree->d_name[0] == '.')
            continue;
        snprintf(folder, sizeof folder, "%s/%.200s/%s", groups->root, tree->d_name, name);
        TRY(trail, remove_folder(trail, folder));
    }
    return RC_SUCCESS;
}
