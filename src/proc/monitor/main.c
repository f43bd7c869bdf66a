/* main.c - ward-monitor: see monitor.h.  Started by `ward up` and `ward serve` with the
   settings on descriptor 3, a pipe on 4 where somebody waits to hear how it goes, and the
   passphrase on 5 where that is the seal, the listener on 6 where somebody else opened it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cursor.h"
#include "os/fd.h"
#include "os/file.h"
#include "proc/log.h"
#include "proc/monitor/monitor.h"
#include "proc/sources.h"

enum {
    SETTINGS_FD = 3,
    REPORT_FD = 4,
    PHRASE_FD = 5,
    LISTENER_FD = 6,
    LOW_FDS_END = LISTENER_FD,
    MONITOR_MEMORY_MAX = 8 << 20
};

/* The settings, and then where they came from, for a reload. */
static rc read_settings(struct trail *trail, struct monitor *monitor)
{
    struct span bytes;
    const size_t most = sizeof monitor->settings + SOURCES_MAX;
    if (!rc_ok(file_read_fd(trail, SETTINGS_FD, most, &monitor->arena, &bytes)))
        return FAIL(trail, RC_PEER, MONITOR_E_SETTINGS);
    struct cursor in = cur_over(bytes);
    if (!cur_copy(&in, &monitor->settings, sizeof monitor->settings))
        return FAIL(trail, RC_PEER, MONITOR_E_SETTINGS);
    monitor->sources = cur_rest(&in);
    close(SETTINGS_FD);
    return RC_SUCCESS;
}

/* The low numbers stay taken, so that no descriptor of the house has one of them and dup2 in
   a child never meets itself. */
static rc take_low_numbers(struct trail *trail)
{
    auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int low = SETTINGS_FD; low <= LOW_FDS_END; low++) {
        if (null != low && dup3(null, low, O_CLOEXEC) != low)
            return FAIL_ERRNO(trail);
    }
    if (null <= LOW_FDS_END)
        fd_take(&null);
    return RC_SUCCESS;
}

static int moved_up(int given)
{
    return fcntl(given, F_GETFD) >= 0 ? fcntl(given, F_DUPFD_CLOEXEC, LOW_FDS_END + 1) : -1;
}

/* The kernel holds the passphrase under no name.  A page that is mapped and locked is never
   written to a swap, and this one stays mapped: the keeper may have to be started again. */
static rc take_phrase(struct trail *trail, struct monitor *monitor)
{
    if (monitor->settings.seal != SEAL_BY_PASSPHRASE)
        return RC_SUCCESS;
    monitor->files[FILE_SEAL] = moved_up(PHRASE_FD);
    if (monitor->files[FILE_SEAL] < 0) {
        monitor_blame(monitor, REASON_HOUSE_SEAL_MISSING, "nobody gave the passphrase");
        return FAIL(trail, RC_DENIED, MONITOR_E_SETTINGS);
    }
    void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED,
                      monitor->files[FILE_SEAL], 0);
    if (page == MAP_FAILED)
        return FAIL_ERRNO(trail);
    if (mlock(page, 1) != 0)
        log_event("the passphrase may be written to swap: %s", strerror(errno));
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
        return FAIL_ERRNO(trail);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGIO, SIG_IGN); /* a writer waits for us to be done with ward.toml: we are soon */
    /* Inherited as ignored, the ends of processes would never be told. */
    signal(SIGCHLD, SIG_DFL);
    monitor->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (monitor->signals < 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

static rc prepare(struct trail *trail, struct monitor *monitor)
{
    for (unsigned file = 0; file < FILE_COUNT; file++)
        monitor->files[file] = -1;
    monitor->report = moved_up(REPORT_FD);
    arena_init(&monitor->arena, MONITOR_MEMORY_MAX);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        struct child *child = &monitor->children[peer];
        monitor->programs[peer] = -1;
        *child = (struct child){ .pidfd = -1, .again_ms = INT64_MAX };
        if (!channel_init(&child->control, &monitor->arena, peer, CHANNEL_LESS_TRUSTED))
            return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    }
    TRY(trail, read_settings(trail, monitor));
    TRY(trail, take_phrase(trail, monitor));
    if (monitor->settings.listener)
        monitor->files[FILE_TLS_LISTENER] = moved_up(LISTENER_FD);
    TRY(trail, take_low_numbers(trail));
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return FAIL_ERRNO(trail);
    umask(077);
    TRY(trail, monitor_open_programs(trail, monitor));
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
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

static rc live(struct trail *trail, struct monitor *monitor)
{
    TRY(trail, prepare(trail, monitor));
    TRY(trail, monitor_open_state(trail, monitor));
    reload_forget(monitor);
    TRY(trail, monitor_make_tables(trail, monitor));
    TRY(trail, monitor_open_listeners(trail, monitor));
    TRY(trail, leave_network(trail, monitor));
    news_add(monitor, HAPPENED_HOUSE_START, PEER_MONITOR, (uint32_t)geteuid());
    for (size_t i = 0; i < monitor_plan_count; i++)
        TRY(trail, child_start(trail, monitor, monitor_plan[i].peer));
    return monitor_watch(trail, monitor);
}

int main(void)
{
    struct monitor monitor = { .state = -1,
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
    if (rc_errno(ended) != 0)
        monitor_blame(&monitor, REASON_HOUSE_FAILED, "%s", file_error_text(ended));
    else
        monitor_blame(&monitor, REASON_HOUSE_FAILED, "%s: number %u",
                      rc_class_name(rc_class_of(ended)), rc_number(ended));
    monitor_say(&monitor, "failed %s %s", reason_info(monitor.because)->name, monitor.detail);
    return 1;
}
