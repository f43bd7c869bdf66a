/* watch.c - see inside.h: what the job says, and whether it keeps to its limits. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "guest/inside.h"
#include "os/clock.h"
#include "os/fd.h"

enum {
    LOOK_MS = 50,
    PIECE = 16384,
    BLOCK = 4096,
};

struct watching {
    struct guest *guest;
    struct guest_telling telling;
    uint64_t kills;     /* for want of memory, before the job ran */
    enum guest_end why; /* it was ended for a limit */
    int status;
    bool ended, paths_untold;
    int64_t looked_ms;
    uint8_t heard[2 * (GUEST_HEAD + GUEST_REPLY_MAX)]; /* of frames that are not whole */
    size_t heard_len;
};

/* How many processes the kernel has ended for want of memory, in all. */
static uint64_t memory_kills(void)
{
    uint64_t kills;
    return guest_read_number("/proc/vmstat", "oom_kill", &kills) ? kills : 0;
}

static bool output_is_over(const struct guest *guest)
{
    struct statvfs is;
    if (statvfs("/output", &is) != 0)
        return false;
    const uint64_t used = (uint64_t)(is.f_blocks - is.f_bfree) * is.f_frsize;
    const uint64_t spare = (uint64_t)(is.f_files - is.f_ffree) * BLOCK;
    return used > spare && used - spare > guest->limits.output;
}

static void end_for(struct watching *watching, enum guest_end why)
{
    if (watching->why == 0)
        watching->why = why;
    kill(watching->guest->first, SIGKILL);
}

static void look_at_limits(struct watching *watching)
{
    const int64_t now = clock_monotonic_ms();
    if (watching->ended || now - watching->looked_ms < LOOK_MS)
        return;
    watching->looked_ms = now;
    if (memory_kills() > watching->kills)
        end_for(watching, GUEST_MEMORY);
    if (output_is_over(watching->guest))
        end_for(watching, GUEST_OUTPUT);
}

/* Its first process is that of a namespace: when it has ended, all others have. */
static void bury(struct watching *watching)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == watching->guest->veil) {
            watching->guest->veil = 0;
            watching->guest->veil_failed = status != 0;
        }
        if (pid != watching->guest->first)
            continue;
        watching->status = status;
        watching->ended = true;
    }
}

static void pass_on(struct watching *watching, size_t which)
{
    struct guest *guest = watching->guest;
    uint8_t room[PIECE];
    ssize_t got = read(guest->streams[which], room, sizeof room);
    if (got > 0)
        guest_say(guest, which == 0 ? GUEST_OUT : GUEST_ERR, span_of(room, (size_t)got));
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        fd_close(&guest->streams[which]);
}

static void hear(struct watching *watching)
{
    struct guest *guest = watching->guest;
    struct guest_frame frame;
    ssize_t got = read(guest->port, watching->heard + watching->heard_len,
                       sizeof watching->heard - watching->heard_len);
    watching->heard_len += got > 0 ? (size_t)got : 0;
    struct span rest = span_of(watching->heard, watching->heard_len);
    while (guest_take(&rest, &frame) == 1) {
        if (frame.kind == GUEST_END && !watching->ended)
            kill(guest->first, SIGTERM);
        if (frame.kind == GUEST_REPLY)
            guest_pass_reply(guest, frame.body);
    }
    memmove(watching->heard, rest.at, rest.len);
    watching->heard_len = rest.len;
}

static void say_end(const struct watching *watching)
{
    uint8_t body[3] = { GUEST_EXITED, 0, 0 };
    if (watching->telling.failed)
        body[2] |= GUEST_UNTOLD_CALLS;
    if (watching->paths_untold)
        body[2] |= GUEST_UNTOLD_PATHS;
    const int status = watching->status;
    const bool signalled = WIFSIGNALED(status);
    body[1] = (uint8_t)(signalled ? WTERMSIG(status) : WEXITSTATUS(status));
    if (watching->why != 0)
        body[0] = (uint8_t)watching->why;
    else if (signalled)
        body[0] = GUEST_SIGNALLED;
    if (body[0] != GUEST_EXITED && !signalled)
        body[1] = SIGKILL; /* it had ended when it was to be ended */
    guest_say(watching->guest, GUEST_ENDED, SPAN(body));
}

/* One of each at a time: whoever makes calls that are refused without end holds up nothing else. */
static void attend(struct watching *watching)
{
    struct guest *guest = watching->guest;
    struct pollfd polled[] = { { .fd = guest->streams[0], .events = POLLIN },
                               { .fd = guest->streams[1], .events = POLLIN },
                               { .fd = guest->port, .events = POLLIN },
                               { .fd = guest->questions, .events = POLLIN },
                               { .fd = guest->agent, .events = POLLIN },
                               { .fd = guest->tries, .events = POLLIN } };
    poll(polled, COUNT_OF(polled), watching->ended ? 0 : LOOK_MS);
    for (size_t i = 0; i < 2; i++) {
        if (polled[i].revents != 0)
            pass_on(watching, i);
        else if (watching->ended)
            fd_close(&guest->streams[i]); /* nobody is left who could write */
    }
    if ((polled[2].revents & POLLIN) != 0)
        hear(watching);
    if ((polled[3].revents & POLLIN) != 0)
        guest_answer(guest, &watching->telling);
    else if (polled[3].revents != 0)
        fd_close(&guest->questions); /* nobody is left who could ask */
    if (polled[4].revents != 0)
        guest_pass_question(guest);
    if (polled[5].revents != 0)
        guest_pass_try(guest);
    guest_say_counts(guest, &watching->telling, false);
    look_at_limits(watching);
    bury(watching);
}

bool guest_watch(struct guest *guest)
{
    static struct watching watching;
    watching.guest = guest;
    watching.kills = memory_kills();
    watching.telling.failed = guest->questions < 0;
    while (!watching.ended || guest->streams[0] >= 0 || guest->streams[1] >= 0)
        attend(&watching);
    /* It may have been the last thing that the job did. */
    if (watching.why == 0 && memory_kills() > watching.kills)
        watching.why = GUEST_MEMORY;
    guest_say_counts(guest, &watching.telling, true);
    watching.paths_untold = !guest_end_veil(guest);
    say_end(&watching);
    return watching.why == 0;
}
