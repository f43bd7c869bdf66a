/* paths.c - see inside.h: who answers tries of denied paths.  A process of its own, for the job's
   first one meets what is hidden before it is the job, and whoever starts it waits for it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "guest/inside.h"
#include "guest/paths_syscalls.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/veil.h"

enum { SAY_MS = 500, USER = 65530 }; /* nobody else's in a machine */

struct veiling {
    const struct guest *guest;
    struct veil veil;
    int files, to, stop;
    struct denied_tries tries;
    uint32_t said[DENIED_ROOM];
    bool behind;
    int64_t said_ms;
};

/* Whoever reads it is there for as long as the machine is. */
static bool say(struct veiling *veiling, const struct denied_try *row)
{
    veiling->said[row - veiling->tries.at] = row->count;
    return fd_write(veiling->to, span_of(row, sizeof *row));
}

static bool say_all(struct veiling *veiling)
{
    bool said = true;
    veiling->behind = false;
    veiling->said_ms = clock_monotonic_ms();
    for (size_t i = 0; i < DENIED_ROOM && said; i++) {
        if (veiling->said[i] != veiling->tries.at[i].count)
            said = say(veiling, &veiling->tries.at[i]);
    }
    return said;
}

static bool answer(struct veiling *veiling)
{
    uint8_t question[VEIL_QUESTION_MAX];
    struct veil_try tried;
    const enum veil_turn turn = veil_serve(&veiling->veil, veiling->files, question, &tried);
    if (turn == VEIL_FAILED || turn == VEIL_OVER)
        return false;
    if (!tried.made ||
        denied_is_usual(span_text(veiling->guest->denied.at[tried.entry]), tried.name))
        return true;
    const struct denied_try *row = denied_add(&veiling->tries, tried.entry, tried.name);
    if (row->count == 1)
        return say(veiling, row);
    veiling->behind = true;
    return true;
}

/* Until it is to end: the job has ended by then.  False: it could not do what it is for. */
static bool serve(struct veiling *veiling)
{
    for (;;) {
        struct pollfd polled[] = { { .fd = veiling->files, .events = POLLIN },
                                   { .fd = veiling->stop, .events = POLLIN } };
        if (poll(polled, COUNT_OF(polled), veiling->behind ? SAY_MS : -1) < 0 && errno != EINTR)
            return false;
        if (polled[1].revents != 0)
            return say_all(veiling);
        if (polled[0].revents != 0 && !answer(veiling))
            return false;
        if (veiling->behind && clock_monotonic_ms() - veiling->said_ms >= SAY_MS &&
            !say_all(veiling))
            return false;
    }
}

static bool hides(const struct guest *guest)
{
    for (size_t i = 0; i < guest->denied.count; i++) {
        if (guest->shown_as[i] != GUEST_SHOWN_NOTHING)
            return true;
    }
    return false;
}

static _Noreturn void become(struct guest *guest, struct veiling *veiling, int ready)
{
    close(guest->port);
    veiling->veil.count = guest->denied.count;
    for (size_t i = 0; i < guest->denied.count; i++)
        veiling->veil.is_file[i] = guest->shown_as[i] == GUEST_SHOWN_FILE;
    bool serves = guest_load_veil(guest) && mkdir(GUEST_VEIL, 0711) == 0 &&
                  rc_ok(veil_lay(NULL, GUEST_VEIL, &veiling->files));
    fd_close(&guest->modules);
    serves = serves && guest_give_up(paths_rules, COUNT_OF(paths_rules), USER) &&
             fd_write(ready, span_of("", 1)) && serve(veiling);
    _exit(serves ? 0 : 1);
}

void guest_begin_veil(struct guest *guest)
{
    static struct veiling veiling;
    int told[2], stop[2], ready[2];
    if (!hides(guest) || guest->denied.count > VEIL_MAX || pipe2(told, O_CLOEXEC) != 0 ||
        pipe2(stop, O_CLOEXEC) != 0 || pipe2(ready, O_CLOEXEC) != 0)
        return;
    guest->veil = fork();
    if (guest->veil == 0) {
        close(told[0]);
        close(stop[1]);
        close(ready[0]);
        veiling = (struct veiling){ .guest = guest, .to = told[1], .stop = stop[0] };
        become(guest, &veiling, ready[1]);
    }
    close(told[1]);
    close(stop[0]);
    close(ready[1]);
    guest->tries = told[0];
    guest->tries_stop = stop[1];
    guest->veil_ready = ready[0];
}

bool guest_has_veil(struct guest *guest)
{
    uint8_t byte;
    if (guest->veil_ready >= 0)
        guest->veiled = fd_read(guest->veil_ready, &byte, 1) == 1;
    fd_close(&guest->veil_ready);
    return guest->veiled;
}

/* What a pipe has of it is whole: it is shorter than what is written at once (PIPE_BUF). */
void guest_pass_try(struct guest *guest)
{
    struct denied_try tried;
    uint8_t frame[GUEST_HEAD + sizeof tried];
    struct sink out = sink_over(frame, sizeof frame);
    const ssize_t got = read(guest->tries, &tried, sizeof tried);
    if (got < 0 && errno == EINTR)
        return;
    if (got != (ssize_t)sizeof tried || !denied_is_sound(&tried, guest->denied.count)) {
        fd_close(&guest->tries);
        return;
    }
    guest_put_tried(&out, &tried);
    guest_say(guest, GUEST_TRIED, span_of(frame + GUEST_HEAD, out.len - GUEST_HEAD));
}

bool guest_end_veil(struct guest *guest)
{
    int status = 0;
    /* A byte, and not the end: other processes of the machine have that descriptor too. */
    if (guest->tries_stop >= 0)
        (void)!fd_write(guest->tries_stop, span_of("", 1));
    fd_close(&guest->tries_stop);
    while (guest->tries >= 0)
        guest_pass_try(guest);
    while (guest->veil > 0 && waitpid(guest->veil, &status, 0) < 0 && errno == EINTR)
        ;
    return !hides(guest) || (guest->veiled && !guest->veil_failed && status == 0);
}
