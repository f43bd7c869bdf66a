/* main.c - ward-monitor: see monitor.h.  Started by `ward up` and `ward serve` with the
   settings on descriptor 3 and, where somebody waits to hear how it goes, a pipe on 4. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fd.h"
#include "proc/log.h"
#include "proc/monitor/monitor.h"

enum { SETTINGS_FD = 3, REPORT_FD = 4, MONITOR_MEMORY_MAX = 8 << 20 };

static rc read_settings(struct trail *trail, struct settings *out)
{
    size_t have = 0;
    uint8_t *at = (uint8_t *)out;
    while (have < sizeof *out) {
        ssize_t got = read(SETTINGS_FD, at + have, sizeof *out - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return FAIL(trail, RC_PEER, MONITOR_E_SETTINGS);
        have += (size_t)got;
    }
    close(SETTINGS_FD);
    return RC_SUCCESS;
}

/* The folder of this very file: the others lie beside it. */
static rc find_libexec(struct trail *trail, struct monitor *monitor)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len <= 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    path[len] = 0;
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return FAIL(trail, RC_WORLD, ENOENT);
    *slash = 0;
    monitor->libexec = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (monitor->libexec < 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    return RC_SUCCESS;
}

/* Numbers 3 and 4 stay taken, so that no descriptor of the house has one of them and dup2 in
   a child never meets itself. */
static rc take_low_numbers(struct trail *trail)
{
    auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int low = SETTINGS_FD; low <= REPORT_FD; low++) {
        if (null != low && dup3(null, low, O_CLOEXEC) != low)
            return FAIL(trail, RC_WORLD, (uint32_t)errno);
    }
    if (null <= REPORT_FD)
        fd_take(&null);
    return RC_SUCCESS;
}

static rc take_signals(struct trail *trail, struct monitor *monitor)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &wanted, NULL) != 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    signal(SIGPIPE, SIG_IGN);
    /* Inherited as ignored, the ends of processes would never be told. */
    signal(SIGCHLD, SIG_DFL);
    monitor->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (monitor->signals < 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    return RC_SUCCESS;
}

static rc prepare(struct trail *trail, struct monitor *monitor)
{
    for (unsigned file = 0; file < FILE_COUNT; file++)
        monitor->files[file] = -1;
    monitor->report = fcntl(REPORT_FD, F_GETFD) >= 0
                          ? fcntl(REPORT_FD, F_DUPFD_CLOEXEC, REPORT_FD + 1)
                          : -1;
    arena_init(&monitor->arena, MONITOR_MEMORY_MAX);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        struct child *child = &monitor->children[peer];
        *child = (struct child){ .pidfd = -1, .again_ms = INT64_MAX };
        if (!channel_init(&child->control, &monitor->arena, peer, CHANNEL_LESS_TRUSTED))
            return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    }
    TRY(trail, read_settings(trail, &monitor->settings));
    TRY(trail, take_low_numbers(trail));
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    umask(077);
    TRY(trail, find_libexec(trail, monitor));
    return take_signals(trail, monitor);
}

/* The house lives in a network namespace with nothing in it: what was opened before is the
   only way in, and there is no way out.  Without root the processes have their filters and
   Landlock alone. */
static rc leave_network(struct trail *trail, struct monitor *monitor)
{
    if (geteuid() != 0)
        return RC_SUCCESS;
    monitor->network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (monitor->network < 0 || unshare(CLONE_NEWNET) != 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    return RC_SUCCESS;
}

static rc live(struct trail *trail, struct monitor *monitor)
{
    TRY(trail, prepare(trail, monitor));
    TRY(trail, monitor_open_state(trail, monitor));
    TRY(trail, monitor_open_listeners(trail, monitor));
    TRY(trail, leave_network(trail, monitor));
    news_add(monitor, HAPPENED_HOUSE_START, PEER_MONITOR, (uint32_t)geteuid());
    for (size_t i = 0; i < monitor_plan_count; i++)
        TRY(trail, child_start(trail, monitor, monitor_plan[i].peer));
    return monitor_watch(trail, monitor);
}

int main(void)
{
    struct monitor monitor = { .libexec = -1,
                               .state = -1,
                               .audit = -1,
                               .lock = -1,
                               .log = STDERR_FILENO,
                               .network = -1,
                               .signals = -1,
                               .report = -1 };
    struct trail trail = { 0 };
    log_as("monitor");
    rc ended = live(&trail, &monitor);
    if (rc_ok(ended)) {
        /* The next house needs not wait for anybody. */
        if (ftruncate(monitor.lock, 0) != 0)
            log_event("lock not emptied");
        log_event("stopped");
        return 0;
    }
    log_failure("stopped", ended, &trail);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++)
        child_signal(&monitor.children[peer], SIGKILL);
    while (wait(NULL) > 0 || errno == EINTR)
        ;
    monitor_blame(&monitor, REASON_HOUSE_FAILED, "%s: number %u", rc_class_name(rc_class_of(ended)),
                  rc_number(ended));
    monitor_say(&monitor, "failed %s %s", reason_info(monitor.because)->name, monitor.detail);
    return 1;
}
