/* spawn.c - see spawn.h. */
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"

/* Above every number that a new program is given. */
enum { SPAWN_ABOVE = 64 };

static bool is_target(const struct spawn *what, int number)
{
    for (size_t i = 0; i < what->fd_count; i++) {
        if (what->fds[i].to == number)
            return true;
    }
    return number == STDERR_FILENO;
}

/* All descriptors first move out of the way, so that none is overwritten before its turn. */
bool spawn_place(const struct spawn *what, int *program)
{
    int moved[SPAWN_FDS_MAX];
    *program = what->program > 0 ? fcntl(what->program, F_DUPFD_CLOEXEC, SPAWN_ABOVE) : 0;
    if (*program < 0)
        return false;
    for (size_t i = 0; i < what->fd_count; i++) {
        moved[i] = fcntl(what->fds[i].from, F_DUPFD_CLOEXEC, SPAWN_ABOVE);
        if (moved[i] < 0)
            return false;
    }
    for (size_t i = 0; i < what->fd_count; i++) {
        if (dup2(moved[i], what->fds[i].to) < 0)
            return false;
    }
    for (int number = STDIN_FILENO; number <= STDOUT_FILENO; number++) {
        if (is_target(what, number))
            continue;
        int null = open("/dev/null", O_RDWR);
        if (null < 0 || (null != number && dup2(null, number) < 0))
            return false;
        if (null != number)
            close(null);
    }
    for (int number = STDERR_FILENO + 1; number < SPAWN_ABOVE; number++) {
        if (!is_target(what, number))
            close(number);
    }
    return close_range(SPAWN_ABOVE, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

/* Returns with an errno. */
static void start(const char *path, int program, char *const *argv)
{
    static char *const no_environment[] = { NULL };
    if (program > 0)
        execveat(program, "", argv, no_environment, AT_EMPTY_PATH);
    else
        execve(path, argv, no_environment);
}

/* In the child; tells the errno of what failed on the pipe that a success closes. */
static _Noreturn void become(const struct spawn *what, int failure)
{
    int program;
    union {
        const char *const *given;
        char *const *taken;
    } argv = { .given = what->argv };
    sigset_t none;
    /* First: what the terminal says before is not for the new program. */
    const bool apart = !what->new_session || (setsid() >= 0 && chdir("/") == 0);
    const int fault = errno;
    /* What whoever started us ignores would be ignored for ever: its children's end, the wish
       to stop. */
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int tell = fcntl(failure, F_DUPFD_CLOEXEC, SPAWN_ABOVE + SPAWN_FDS_MAX);
    if (apart && spawn_place(what, &program))
        start(what->path, program, argv.taken);
    int why = apart ? errno : fault;
    bool told = fd_write(tell, span_of(&why, sizeof why));
    (void)told; /* whoever does not hear it sees the exit */
    _exit(127);
}

rc spawn(struct trail *trail, const struct spawn *what, struct spawned *out)
{
    int ends[2];
    if (what->fd_count > SPAWN_FDS_MAX)
        return FAIL(trail, RC_BUG, RC_ERRNO | EINVAL);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return FAIL_ERRNO(trail);
    auto_fd int heard = ends[0];
    auto_fd int told = ends[1];
    pid_t pid = fork();
    if (pid < 0)
        return FAIL_ERRNO(trail);
    if (pid == 0)
        become(what, told);
    fd_close(&told);
    int why = 0;
    int pidfd = -1;
    if (fd_read(heard, &why, sizeof why) == (ssize_t)sizeof why)
        return FAIL_OS(trail, why);
    TRY(trail, process_hold(trail, pid, &pidfd));
    *out = (struct spawned){ pid, pidfd };
    return RC_SUCCESS;
}

rc process_hold(struct trail *trail, pid_t pid, int *pidfd)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    *pidfd = fd;
    return RC_SUCCESS;
}

rc process_signal(struct trail *trail, int pidfd, int signal)
{
    if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

rc process_wait(struct trail *trail, int pidfd, int64_t until_ms)
{
    struct pollfd end = { .fd = pidfd, .events = POLLIN };
    for (;;) {
        int64_t left = until_ms - clock_monotonic_ms();
        if (left < 0)
            left = 0;
        int ready = poll(&end, 1, left > 1000000 ? 1000000 : (int)left);
        if (ready > 0)
            return RC_SUCCESS;
        if (ready < 0 && errno != EINTR)
            return FAIL_ERRNO(trail);
        if (ready == 0 && clock_monotonic_ms() >= until_ms)
            return FAIL(trail, RC_BUSY, SPAWN_E_TIME);
    }
}
