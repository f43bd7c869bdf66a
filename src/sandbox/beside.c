/* beside.c - see backend.h: processes that the supervisor has beside a job, from their fork to
   their end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/spawn.h"
#include "sandbox/backend.h"

enum { READY_MS = 10000 };

enum reason beside_begin(struct sandbox *sandbox, const struct beside_kind *kind, void *arg,
                         struct beside *held)
{
    struct trail trail = { 0 };
    int ready[2], stop[2];
    if (pipe2(ready, O_CLOEXEC) != 0)
        return sandbox_fail(sandbox, kind->otherwise, "%s: %s", kind->name, strerror(errno));
    held->ready = ready[0];
    auto_fd int told = ready[1];
    if (pipe2(stop, O_CLOEXEC) != 0)
        return sandbox_fail(sandbox, kind->otherwise, "%s: %s", kind->name, strerror(errno));
    held->stop = stop[1];
    auto_fd int stopped = stop[0];
    held->pid = fork();
    if (held->pid < 0)
        return sandbox_fail(sandbox, kind->otherwise, "%s: %s", kind->name, strerror(errno));
    if (held->pid == 0) {
        kind->live(arg, &(struct beside_ends){ .ready = told, .stop = stopped });
        _exit(1);
    }
    rc found = process_hold(&trail, held->pid, &held->process);
    return rc_ok(found) ? REASON_OK
                        : sandbox_fail(sandbox, kind->otherwise, "%s: %s", kind->name,
                                       file_error_text(found));
}

bool beside_join(const struct sandbox *sandbox, const struct beside_ends *ends)
{
    rc joined = cgroup_join(NULL, &sandbox->groups, sandbox->slot.name, 0);
    if (rc_ok(joined))
        return true;
    bool told = fd_write(ends->ready, span_text(file_error_text(joined)));
    (void)told; /* else it has ended */
    return false;
}

/* One byte, 0; any other begins the words. */
enum reason beside_hear(struct sandbox *sandbox, const struct beside_kind *kind,
                        const struct beside *held)
{
    char words[SANDBOX_WHAT / 2];
    struct pollfd polled = { .fd = held->ready, .events = POLLIN };
    const int64_t until_ms = clock_monotonic_ms() + READY_MS;
    int told;
    do {
        const int64_t left = until_ms - clock_monotonic_ms();
        told = poll(&polled, 1, left > 0 ? (int)left : 0);
    } while (told < 0 && errno == EINTR);
    const ssize_t first = told > 0 ? read(held->ready, words, 1) : 0;
    if (first == 1 && words[0] == 0)
        return REASON_OK;
    const ssize_t more = first == 1 ? read(held->ready, words + 1, sizeof words - 2) : 0;
    words[first == 1 ? 1 + (more > 0 ? more : 0) : 0] = 0;
    return sandbox_fail(sandbox, kind->otherwise, "%s: %s", kind->name,
                        first == 1 ? words : "it has ended");
}

void beside_kill(const struct beside *held)
{
    if (held->process < 0)
        return;
    rc killed = process_signal(NULL, held->process, SIGKILL);
    (void)killed; /* it has ended by itself */
}

void beside_stop(struct beside *held)
{
    fd_close(&held->stop);
    if (held->process < 0)
        return;
    /* What it had still to tell; with whoever calls it ends in any case. */
    rc ended = process_wait(NULL, held->process, clock_monotonic_ms() + BESIDE_STOP_MS);
    (void)ended;
    fd_close(&held->process);
}
