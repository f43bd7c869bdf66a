/* children.c - see monitor.h: starting a process, connecting it with its peers, and judging
   its end. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/control.h"
#include "proc/log.h"
#include "proc/monitor/monitor.h"

/* An edge that is not here has no socket. */
const struct plan_row monitor_plan[] = {
    { PEER_AUDIT, "ward-audit", IN(PEER_KEEPER) | IN(PEER_CORE),
      IN(FILE_AUDIT_LOG) | IN(FILE_AUDIT_LEAVES) | IN(FILE_AUDIT_HEADS) },
    { PEER_KEEPER, "ward-keeper", IN(PEER_AUDIT) | IN(PEER_CORE) | IN(PEER_FRONT),
      IN(FILE_KEYRING) | IN(FILE_SEAL) | IN(FILE_CA) | IN(FILE_TLS_CERTIFICATE) |
          IN(FILE_TLS_KEY) },
    { PEER_VERIFY, "ward-verify", IN(PEER_CORE), IN(FILE_COLLATERAL_ROOT) },
    { PEER_CORE, "ward-core",
      IN(PEER_AUDIT) | IN(PEER_KEEPER) | IN(PEER_VERIFY) | IN(PEER_FRONT) | IN(PEER_TEE) |
          IN(PEER_FETCH) | IN(PEER_DIAL) | IN(PEER_RUNNER),
      IN(FILE_STATE) | IN(FILE_PASSWORD) | IN(FILE_BANS) | IN(FILE_SERVING_READ) |
          IN(FILE_CHANNEL_POLICY) | IN(FILE_MINERS) | IN(FILE_PEER_POLICIES) },
    { PEER_FRONT, "ward-front", IN(PEER_CORE) | IN(PEER_KEEPER) | IN(PEER_DIAL),
      IN(FILE_TLS_LISTENER) | IN(FILE_OWNER_LISTENER) | IN(FILE_BANS_READ) | IN(FILE_SERVING) |
          IN(FILE_PEER_CAS) | IN(FILE_TLS_CLIENT_CA) | IN(FILE_TLS_CLIENT_CRL) },
    { PEER_TEE, "ward-tee", IN(PEER_CORE) | IN(PEER_RUNNER), IN(FILE_TEE) },
    { PEER_FETCH, "ward-fetch", IN(PEER_CORE), IN(FILE_PROVIDER_CA) },
    { PEER_DIAL, "ward-dial", IN(PEER_CORE) | IN(PEER_FRONT), 0 },
    { PEER_RUNNER, "ward-runner", IN(PEER_CORE) | IN(PEER_TEE), IN(FILE_WARD) },
};
const size_t monitor_plan_count = COUNT_OF(monitor_plan);

const struct plan_row *monitor_row(enum peer peer)
{
    for (size_t i = 0; i < monitor_plan_count; i++) {
        if (monitor_plan[i].peer == peer)
            return &monitor_plan[i];
    }
    return NULL;
}

static rc open_program(struct trail *trail, struct monitor *monitor, enum peer peer, int folder,
                       const char *path)
{
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        monitor_blame(monitor, REASON_HOUSE_PROCESS_FAILED, "%s: %s", path, strerror(errno));
        return FAIL_ERRNO(trail);
    }
    monitor->programs[peer] = fd;
    return RC_SUCCESS;
}

/* Beside the folder of the programs, where it was installed or where the build leaves it.  Where
   there is none nothing can be run, and nothing is measured. */
static void open_ward(struct monitor *monitor, int folder)
{
    static const char *const places[] = { "../../bin/ward", "../../ward" };
    for (size_t i = 0; i < COUNT_OF(places) && monitor->files[FILE_WARD] < 0; i++) {
        struct stat is;
        auto_fd int fd = openat(folder, places[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd >= 0 && fstat(fd, &is) == 0 && S_ISREG(is.st_mode))
            monitor->files[FILE_WARD] = fd_take(&fd);
    }
}

rc monitor_open_programs(struct trail *trail, struct monitor *monitor)
{
    static const char self[] = "/proc/self/exe";
    char path[4096];
    ssize_t len = readlink(self, path, sizeof path - 1);
    if (len <= 0)
        return FAIL_ERRNO(trail);
    path[len] = 0;
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return FAIL_OS(trail, ENOENT);
    *slash = 0;
    auto_fd int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return FAIL_ERRNO(trail);
    for (size_t i = 0; i < monitor_plan_count; i++)
        TRY(trail,
            open_program(trail, monitor, monitor_plan[i].peer, folder, monitor_plan[i].program));
    open_ward(monitor, folder);
    return open_program(trail, monitor, PEER_MONITOR, AT_FDCWD, self);
}

/* Core, only where its store is a server, fetch, only where it has a provider, and dial, only where
   there are peers.  The runner reaches nobody itself: fences of jobs go out from where it is. */
static bool reaches_out(const struct settings *settings, enum peer peer)
{
    return (peer == PEER_CORE && strcmp(settings->store, "sqlite") != 0) ||
           (peer == PEER_FETCH && settings->provider_url[0] != 0) ||
           (peer == PEER_DIAL && settings->peer_count > 0) || peer == PEER_RUNNER;
}

static bool enter_network(const struct monitor *monitor, const struct plan_row *row)
{
    return monitor->network < 0 || !reaches_out(&monitor->settings, row->peer) ||
           setns(monitor->network, CLONE_NEWNET) == 0;
}

/* Runs in the child: nothing here allocates or takes a lock. */
static _Noreturn void become(const struct monitor *monitor, const struct plan_row *row, int control)
{
    const char *program = row->program;
    static char *const no_environment[] = { NULL };
    union {
        const char *given;
        char *taken;
    } name = { .given = program };
    char *const argv[] = { name.taken, NULL };
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (enter_network(monitor, row) && dup2(monitor->log, STDERR_FILENO) >= 0 &&
        dup2(control, HOUSE_CONTROL_FD) >= 0)
        syscall(SYS_execveat, monitor->programs[row->peer], "", argv, no_environment,
                AT_EMPTY_PATH);
    _exit(127);
}

/* The numbers of the standard descriptors and of the control channel are taken in the
   monitor, so that dup2 in the child never meets itself. */
static rc fork_child(struct trail *trail, struct monitor *monitor, const struct plan_row *row,
                     int *control)
{
    struct child *child = &monitor->children[row->peer];
    int ends[2];
    TRY(trail, packet_pair(trail, ends));
    auto_fd int mine = ends[0];
    auto_fd int theirs = ends[1];
    pid_t pid = fork();
    if (pid < 0)
        return FAIL_ERRNO(trail);
    if (pid == 0)
        become(monitor, row, theirs);
    child->pid = pid;
    child->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (child->pidfd < 0) {
        rc failed = FAIL_ERRNO(trail);
        kill(pid, SIGKILL); /* not waited for yet: the number is still its own */
        waitpid(pid, NULL, 0);
        child->pid = 0;
        return failed;
    }
    *control = fd_take(&mine);
    return RC_SUCCESS;
}

static rc hand_over(struct trail *trail, struct channel *control, uint16_t message, uint32_t number,
                    int fd)
{
    uint8_t bytes[4];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u32le(&body, number);
    struct frame frame = { .message = message, .body = sink_bytes(&body) };
    return channel_put_fds(trail, control, &frame, &fd, 1);
}

/* The place in a file is shared by all who were given it: a process that is started again
   begins where the first one did.  Sockets have none. */
static rc give_files(struct trail *trail, struct monitor *monitor, const struct plan_row *row)
{
    for (unsigned file = 0; file < FILE_COUNT; file++) {
        if ((row->files & IN(file)) == 0 || monitor->files[file] < 0)
            continue;
        /* One that is read has one place in it, and an earlier life of the process moved it. */
        if (file == FILE_SEAL && lseek(monitor->files[file], 0, SEEK_SET) != 0 && errno != ESPIPE)
            return FAIL_ERRNO(trail);
        TRY(trail, hand_over(trail, &monitor->children[row->peer].control, CONTROL_FILE, file,
                             monitor->files[file]));
    }
    return RC_SUCCESS;
}

rc child_give_file(struct trail *trail, struct monitor *monitor, enum house_file file)
{
    struct child *child = &monitor->children[file_owner(file)];
    if (child->pid == 0)
        return RC_SUCCESS; /* it gets it when it is started */
    return hand_over(trail, &child->control, CONTROL_FILE, file, monitor->files[file]);
}

/* The files that the monitor executes, and no names: what is measured is what runs. */
static rc give_programs(struct trail *trail, struct monitor *monitor, const struct plan_row *row)
{
    struct channel *control = &monitor->children[PEER_TEE].control;
    if (row->peer != PEER_TEE)
        return RC_SUCCESS;
    for (unsigned peer = 0; peer < PEER_COUNT; peer++)
        TRY(trail, hand_over(trail, control, CONTROL_PROGRAM, peer, monitor->programs[peer]));
    return monitor->files[FILE_WARD] < 0 ? RC_SUCCESS
                                         : hand_over(trail, control, CONTROL_PROGRAM, PROGRAM_WARD,
                                                     monitor->files[FILE_WARD]);
}

static rc brief(struct trail *trail, struct monitor *monitor, const struct plan_row *row)
{
    struct channel *control = &monitor->children[row->peer].control;
    monitor->settings.lives = monitor->children[row->peer].lives;
    monitor->settings.was_ready = monitor->was_ready;
    struct frame settings = { .message = CONTROL_SETTINGS,
                              .body = span_of(&monitor->settings, sizeof monitor->settings) };
    struct frame start = { .message = CONTROL_START };
    TRY(trail, channel_put(trail, control, &settings));
    TRY(trail, give_files(trail, monitor, row));
    TRY(trail, give_programs(trail, monitor, row));
    TRY(trail, edges_connect(trail, monitor, row));
    TRY(trail, channel_put(trail, control, &start));
    return channel_flush(trail, control);
}

rc child_start(struct trail *trail, struct monitor *monitor, enum peer peer)
{
    const struct plan_row *row = monitor_row(peer);
    struct child *child = &monitor->children[peer];
    int control = -1;
    if (row == NULL || child->pid != 0)
        return FAIL(trail, RC_BUG, MONITOR_E_START);
    child->again_ms = INT64_MAX;
    child->since_ms = clock_monotonic_ms();
    child->ready = false;
    child->starts += child->again ? 0 : 1;
    child->again = false;
    TRY(trail, fork_child(trail, monitor, row, &control));
    channel_attach(&child->control, control);
    rc briefed = brief(trail, monitor, row);
    if (rc_ok(briefed))
        return RC_SUCCESS;
    /* Its end is then judged like any other, where it was not what made this fail. */
    child_signal(child, SIGKILL);
    return rc_class_of(briefed) == RC_WORLD ? RC_SUCCESS : briefed;
}

void child_signal(const struct child *child, int signal)
{
    if (child->pid != 0)
        syscall(SYS_pidfd_send_signal, child->pidfd, signal, NULL, 0);
}

int64_t monitor_backoff_ms(unsigned failures)
{
    int64_t wait = MONITOR_BACKOFF_MS;
    for (unsigned i = 1; i < failures && wait < MONITOR_BACKOFF_LONGEST_MS; i++)
        wait *= 2;
    return wait < MONITOR_BACKOFF_LONGEST_MS ? wait : MONITOR_BACKOFF_LONGEST_MS;
}

void child_ended(struct monitor *monitor, enum peer peer, int status, int64_t now_ms)
{
    struct child *child = &monitor->children[peer];
    fd_close(&child->pidfd);
    channel_close(&child->control);
    child->ready = false;
    child->again = child->again && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool steady = now_ms - child->since_ms >= MONITOR_STEADY_MS;
    child->lives = !child->again ? 0 : steady ? 1 : child->lives + 1;
    if (child->again)
        log_event("process begins anew name=%s", peer_name(peer));
    else if (WIFSIGNALED(status))
        news_add(monitor, HAPPENED_KILLED, peer, (uint32_t)WTERMSIG(status));
    else if (!monitor->stopping || WEXITSTATUS(status) != 0)
        news_add(monitor, HAPPENED_EXITED, peer, (uint32_t)WEXITSTATUS(status));
    child->pid = 0;
    reload_lost(monitor, peer);
    news_children(monitor);
    if (monitor->stopping)
        return;
    if (child->again) {
        child->failures = 0;
        child->again_ms = now_ms;
        return;
    }
    child->failures = steady ? 1 : child->failures + 1;
    child->again_ms = now_ms + monitor_backoff_ms(child->failures);
    if (WIFSIGNALED(status))
        log_event("process died name=%s signal=%d again_in_ms=%lld", peer_name(peer),
                  WTERMSIG(status), (long long)(child->again_ms - now_ms));
    else
        log_event("process ended name=%s exit=%d again_in_ms=%lld", peer_name(peer),
                  WEXITSTATUS(status), (long long)(child->again_ms - now_ms));
}

bool monitor_all_ready(const struct monitor *monitor)
{
    for (size_t i = 0; i < monitor_plan_count; i++) {
        if (!monitor->children[monitor_plan[i].peer].ready)
            return false;
    }
    return true;
}
