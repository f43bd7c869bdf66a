/* dial.c - see dial.h. */
#include "net/dial.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/fd.h"

/* Attempts under way; an fd of -1 is none. */
struct race {
    const struct addresses *addresses;
    struct pollfd at[ADDRESSES_MAX];
    size_t begun;
    size_t running;
    int failure; /* errno of the last that failed */
    int winner;
};

static void race_end(struct race *race)
{
    for (size_t i = 0; i < race->begun; i++)
        fd_close(&race->at[i].fd);
}

static void attempt_failed(struct race *race, size_t i, int failure)
{
    race->failure = failure;
    fd_close(&race->at[i].fd);
}

/* Begins with the next address. */
static void attempt_begin(struct race *race)
{
    size_t i = race->begun++;
    const struct sockaddr *to = (const struct sockaddr *)&race->addresses->at[i];
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    race->at[i] = (struct pollfd){ .fd = fd, .events = POLLOUT };
    if (fd < 0) {
        race->failure = errno;
        return;
    }
    if (connect(fd, to, race->addresses->len[i]) == 0)
        race->winner = fd_take(&race->at[i].fd);
    else if (errno == EINPROGRESS)
        race->running++;
    else
        attempt_failed(race, i, errno);
}

/* Looks at every attempt that has come to an end; the first good one wins. */
static void attempts_look(struct race *race)
{
    for (size_t i = 0; i < race->begun && race->winner < 0; i++) {
        int failure = 0;
        socklen_t len = sizeof failure;
        if (race->at[i].fd < 0 || race->at[i].revents == 0)
            continue;
        if (getsockopt(race->at[i].fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0)
            failure = errno;
        race->running--;
        if (failure == 0)
            race->winner = fd_take(&race->at[i].fd);
        else
            attempt_failed(race, i, failure);
    }
}

/* Waits for an attempt to end, for the next one's turn, or for the deadline. */
static void race_wait(struct race *race, int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_monotonic_ms();
    bool more = race->begun < race->addresses->count;
    if (more && left > DIAL_HEAD_START_MS)
        left = DIAL_HEAD_START_MS;
    if (!more && left > TICK_MS)
        left = TICK_MS;
    if (left > 0 && poll(race->at, race->begun, (int)left) > 0)
        attempts_look(race);
}

/* One that fails at once makes room for the next at once. */
static void race_run(struct race *race, const struct resolve_request *request)
{
    int64_t deadline_ms = request->deadline_ms;
    while (race->winner < 0 && clock_monotonic_ms() < deadline_ms) {
        if (race->begun < race->addresses->count)
            attempt_begin(race);
        else if (race->running == 0)
            return;
        if (race->winner < 0 && race->running > 0)
            race_wait(race, deadline_ms);
        net_tick(&request->tick);
    }
}

bool dial(const struct resolve_request *request, int *out, char message[DIAL_MESSAGE])
{
    struct addresses addresses = { 0 };
    const char *why;
    if (!resolve_host(request, &addresses, &why)) {
        snprintf(message, DIAL_MESSAGE, "the name cannot be resolved: %s", why);
        return false;
    }
    struct race race = { .addresses = &addresses, .winner = -1 };
    race_run(&race, request);
    race_end(&race);
    if (race.winner < 0) {
        bool late = race.running > 0 || race.failure == 0;
        snprintf(message, DIAL_MESSAGE, "cannot connect: %s",
                 strerrordesc_np(late ? ETIMEDOUT : race.failure));
        return false;
    }
    *out = race.winner;
    return true;
}
