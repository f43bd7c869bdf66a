/* dial.c - see dial.h. */
#include "net/dial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/fd.h"

void race_begin(struct race *race, const struct addresses *addresses, int64_t deadline_ms)
{
    *race = (struct race){
        .addresses = *addresses, .most = ADDRESSES_MAX, .deadline_ms = deadline_ms, .winner = -1
    };
}

void race_end(struct race *race)
{
    for (size_t i = 0; i < race->begun; i++)
        fd_close(&race->at[i].fd);
    race->running = 0;
}

int race_take_winner(struct race *race)
{
    return fd_take(&race->winner);
}

int race_fault(const struct race *race)
{
    return race->late || race->failure == 0 ? ETIMEDOUT : race->failure;
}

/* One that fails makes room for the next at once. */
static void attempt_failed(struct race *race, size_t i, int failure)
{
    race->failure = failure;
    race->next_ms = 0;
    fd_close(&race->at[i].fd);
}

/* Begins with the next address. */
static void attempt_begin(struct race *race, int64_t now_ms)
{
    size_t i = race->begun++;
    const struct sockaddr *to = (const struct sockaddr *)&race->addresses.at[i];
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    race->at[i] = (struct pollfd){ .fd = fd, .events = POLLOUT };
    if (fd < 0) {
        race->failure = errno;
        return;
    }
    if (connect(fd, to, race->addresses.len[i]) == 0) {
        race->winner = fd_take(&race->at[i].fd);
    } else if (errno == EINPROGRESS) {
        race->running++;
        race->next_ms = now_ms + DIAL_HEAD_START_MS;
    } else {
        attempt_failed(race, i, errno);
    }
}

/* Looks at every attempt that has come to an end; the first good one wins. */
static void attempts_look(struct race *race)
{
    for (size_t i = 0; i < race->begun && race->winner < 0; i++) {
        int failure = 0;
        socklen_t len = sizeof failure;
        if (race->at[i].fd < 0 || race->at[i].revents == 0)
            continue;
        race->at[i].revents = 0;
        if (getsockopt(race->at[i].fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0)
            failure = errno;
        race->running--;
        if (failure == 0)
            race->winner = fd_take(&race->at[i].fd);
        else
            attempt_failed(race, i, failure);
    }
}

static bool may_begin(const struct race *race, int64_t now_ms)
{
    return race->winner < 0 && race->begun < race->addresses.count && race->running < race->most &&
           now_ms >= race->next_ms && now_ms < race->deadline_ms;
}

bool race_step(struct race *race, int64_t now_ms)
{
    attempts_look(race);
    while (may_begin(race, now_ms))
        attempt_begin(race, now_ms);
    bool over = race->winner >= 0 || now_ms >= race->deadline_ms ||
                (race->running == 0 && race->begun == race->addresses.count);
    if (!over)
        return false;
    race->late = race->running > 0;
    race_end(race);
    return true;
}

int64_t race_due(const struct race *race)
{
    bool more = race->begun < race->addresses.count && race->running < race->most;
    return more && race->next_ms < race->deadline_ms ? race->next_ms : race->deadline_ms;
}

static int wait_ms(const struct race *race, int64_t now_ms)
{
    int64_t left = race_due(race) - now_ms;
    return left <= 0 ? 0 : left > TICK_MS ? TICK_MS : (int)left;
}

bool dial(const struct resolve_request *request, int *out, char message[DIAL_MESSAGE])
{
    struct addresses addresses = { 0 };
    struct race race;
    const char *why;
    if (!resolve_host(request, &addresses, &why)) {
        snprintf(message, DIAL_MESSAGE, "the name cannot be resolved: %s", why);
        return false;
    }
    race_begin(&race, &addresses, request->deadline_ms);
    while (!race_step(&race, clock_monotonic_ms())) {
        poll(race.at, race.begun, wait_ms(&race, clock_monotonic_ms()));
        net_tick(&request->tick);
    }
    int winner = race_take_winner(&race);
    if (winner < 0) {
        snprintf(message, DIAL_MESSAGE, "cannot connect: %s", strerrordesc_np(race_fault(&race)));
        return false;
    }
    *out = winner;
    return true;
}
