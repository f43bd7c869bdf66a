/* talk.c - see inside.h: one machine, from its first word to its last.  Never more of what it says
   in memory than a frame; who does not read it makes it wait. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "machine/inside.h"
#include "model/reason.h"
#include "os/clock.h"
#include "os/fd.h"

/* What it is told when the job is to end. */
static const uint8_t end_it[GUEST_HEAD] = { 0, 0, 0, 0, GUEST_END };

/* As many frames as are whole and can be passed on. */
static void take_frames(struct talk *talk)
{
    struct span rest = span_of(talk->room, talk->len);
    while (!talk->over && talk->held.len == 0) {
        struct guest_frame frame;
        struct guest_word word;
        const int taken = guest_take(&rest, &frame);
        if (taken == 0)
            break;
        if (taken < 0 || !guest_hear(&talk->hearing, &frame, &word)) {
            machine_fail(talk, REASON_JOB_MACHINE, "it said what no guest of ours says");
            return;
        }
        machine_hear(talk, &word);
    }
    /* What is held is a view of the room, which stays as it is as long as that is. */
    if (talk->held.len > 0) {
        talk->kept = rest;
        return;
    }
    memmove(talk->room, rest.at, rest.len);
    talk->len = rest.len;
}

static void listen_on(struct talk *talk)
{
    ssize_t got = read(talk->port, talk->room + talk->len, sizeof talk->room - talk->len);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        fd_close(&talk->port); /* QEMU has ended, or is about to */
        return;
    }
    talk->len += (size_t)got;
    take_frames(talk);
}

static void say_on(struct talk *talk)
{
    ssize_t sent = send(talk->port, talk->saying.at, talk->saying.len, MSG_NOSIGNAL);
    if (sent > 0)
        talk->saying = span_of(talk->saying.at + sent, talk->saying.len - (size_t)sent);
    else if (errno != EAGAIN && errno != EINTR)
        talk->saying.len = 0;
}

/* No more than surely finds room: who waits here does not hear that the job is to end. */
static void pass_on(struct talk *talk)
{
    const size_t piece = talk->held.len < PIPE_BUF ? talk->held.len : PIPE_BUF;
    ssize_t put = write(talk->held_to, talk->held.at, piece);
    if (put < 0 && errno != EAGAIN && errno != EINTR)
        put = (ssize_t)talk->held.len; /* nobody reads it, and whoever ran the job knows */
    if (put <= 0)
        return;
    talk->held = span_of(talk->held.at + put, talk->held.len - (size_t)put);
    if (talk->held.len > 0)
        return;
    memmove(talk->room, talk->kept.at, talk->kept.len);
    talk->len = talk->kept.len;
    take_frames(talk);
}

static void hear_signals(struct talk *talk)
{
    struct signalfd_siginfo heard;
    while (read(talk->signals, &heard, sizeof heard) > 0) {
        if (heard.ssi_signo == SIGTERM && !talk->asked) {
            talk->asked = true;
            talk->ending = true;
        }
    }
    for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
        talk->gone = talk->gone || pid == talk->qemu;
}

/* The end of the job is said when all else is. */
static void say_end(struct talk *talk)
{
    if (!talk->ending || talk->saying.len > 0 || talk->hearing.state == 0)
        return;
    talk->ending = false;
    talk->saying = span_of(end_it, sizeof end_it);
}

/* So is an answer; no other is taken before it is said. */
static void say_reply(struct talk *talk)
{
    if (talk->reply_len == 0 || talk->saying.len > 0)
        return;
    talk->saying = span_of(talk->reply, talk->reply_len);
    talk->reply_len = 0;
}

/* What QEMU itself said, if it did. */
static void say_gone(struct talk *talk)
{
    uint8_t words[GUEST_WORDS_MAX];
    ssize_t got = read(talk->errors, words, sizeof words);
    machine_fail(talk, REASON_JOB_MACHINE, "it ended before the job did");
    if (got > 0)
        machine_word_what(&talk->word, span_of(words, (size_t)got));
}

static bool is_silent(const struct talk *talk)
{
    return talk->hearing.state == 0 && talk->len == 0;
}

bool machine_talk(struct talk *talk)
{
    const int64_t until_ms = clock_monotonic_ms() + MACHINE_BEGIN_MS;
    while (!talk->over) {
        const bool holds = talk->held.len > 0;
        say_end(talk);
        say_reply(talk);
        const bool hears = talk->machine->agent && !talk->deaf && talk->saying.len == 0;
        struct pollfd polled[] = { { .fd = talk->signals, .events = POLLIN },
                                   { .fd = talk->port,
                                     .events = (short)((holds ? 0 : POLLIN) |
                                                       (talk->saying.len > 0 ? POLLOUT : 0)) },
                                   { .fd = holds ? talk->held_to : -1, .events = POLLOUT },
                                   { .fd = hears ? MACHINE_HOUSE_FD : -1, .events = POLLIN } };
        const int64_t left = until_ms - clock_monotonic_ms();
        if (is_silent(talk) && left <= 0)
            return false;
        if (talk->port < 0 && talk->gone && !holds) {
            say_gone(talk);
            break;
        }
        if (holds && (polled[1].events == 0))
            polled[1].fd = -1;
        poll(polled, COUNT_OF(polled), is_silent(talk) ? (int)left : -1);
        if (polled[0].revents != 0)
            hear_signals(talk);
        if (polled[2].revents != 0)
            pass_on(talk);
        if (polled[3].revents != 0)
            machine_hear_house(talk);
        if ((polled[1].revents & POLLOUT) != 0)
            say_on(talk);
        if (!holds && (polled[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
            listen_on(talk);
    }
    return true;
}
