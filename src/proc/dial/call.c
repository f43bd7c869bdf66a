/* call.c - see dial.h: from the number of a peer to a socket that is connected to it. */
#include <string.h>

#include "net/lead.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/dial/dial.h"

/* The tokens of what is waited for: of an attempt its number and the place in its race, or the name
   servers with what is waited for. */
enum { TOKEN_RESOLVER = 1 << 16, TOKEN_READING = 1, TOKEN_WRITING = 2 };
_Static_assert(DIAL_ATTEMPTS_MAX << 8 < TOKEN_RESOLVER, "no attempt is taken for them");

static void open_target(struct house *house, struct target *target, bool inward)
{
    struct resolve_request request = { .host = target->origin.host,
                                       .port = target->origin.port,
                                       .deadline_ms = clock_monotonic_ms() };
    bool is_address = false;
    target->is_set = true;
    target->is_known = resolve_known(&request, &target->known, &is_address);
    target->is_written = is_address || target->origin.is_here;
    target->inward = inward || target->is_written;
    target->outward = target->origin.tls;
    house_let_connect(house, target->origin.port);
}

/* What is set must be readable: settings that were judged are. */
static bool open_peer(struct dial *dial, size_t number, const struct peer_settings *peer)
{
    struct target *channel = &dial->channels[number], *public = &dial->publics[number];
    struct websocket_url url;
    if (peer_url_read(span_text(peer->url), &url)) {
        channel->origin = url.origin;
        open_target(dial->house, channel, peer->inward);
    }
    if (peer_public_read(span_text(peer->public), &public->origin))
        open_target(dial->house, public, peer->inward);
    return channel->is_set == (peer->url[0] != 0) && public->is_set == (peer->public[0] != 0);
}

bool call_open(struct dial *dial, struct house *house)
{
    const struct settings *settings = &house->settings;
    dial->house = house;
    for (uint32_t i = 0; i < settings->peer_count; i++) {
        if (!open_peer(dial, i, &settings->peers[i]))
            return false;
    }
    dial->resolves = resolver_open(&dial->resolver);
    house_let_connect(house, RESOLVER_PORT);
    return true;
}

static bool end(struct attempt *attempt, struct dialed *out, enum reason reason, const char *detail)
{
    *out = (struct dialed){ reason, detail, -1 };
    if (attempt->state == ATTEMPT_RACE)
        out->fd = race_take_winner(&attempt->race);
    attempt->state = ATTEMPT_NONE;
    return true;
}

/* One whom this peer may not be at is not tried, nor are the others of that name.  An address
   that is written as one is what is meant. */
static bool may_lead(const struct target *target, const struct addresses *found)
{
    return (target->is_written && target->outward) ||
           addresses_may_lead(found, target->inward, target->outward);
}

static void begin_race(struct attempt *attempt, const struct addresses *found)
{
    race_begin(&attempt->race, found, attempt->until_ms);
    attempt->race.most = DIAL_BESIDE;
    attempt->state = ATTEMPT_RACE;
}

/* One whose name is still asked for is taken: the answer is of another peer.  Who asked may be gone
   long since, so that one peer that nobody reaches would have all of them, without a share. */
struct attempt *call_vacancy(struct dial *dial, uint8_t peer)
{
    struct attempt *vacant = NULL;
    unsigned of_peer = 0;
    for (size_t i = SETTING_PEERS_MAX; i < DIAL_ATTEMPTS_MAX; i++) {
        struct attempt *attempt = &dial->attempts[i];
        if (attempt->state != ATTEMPT_NONE || attempt->asking)
            of_peer += attempt->peer == peer;
        else if (vacant == NULL)
            vacant = attempt;
    }
    return of_peer < PASSAGES_OF_ONE_MAX ? vacant : NULL;
}

void call_begin(struct dial *dial, struct attempt *attempt, const struct target *target,
                int64_t until_ms)
{
    attempt->state = ATTEMPT_NAME;
    attempt->target = target;
    attempt->until_ms = until_ms;
    if (target->is_known || !dial->resolves || attempt->asking)
        return;
    attempt->asking = true;
    resolver_begin(&dial->resolver, target->origin.host, target->origin.port, &attempt->lookup);
}

/* The name, as far as it is known now; false: it is still asked for. */
static bool find(struct attempt *attempt, const char **fault, struct addresses *out)
{
    const struct target *target = attempt->target;
    *fault = NULL;
    if (target->is_known) {
        *out = target->known;
        return true;
    }
    if (!attempt->asking) {
        *fault = "there are no name servers";
        return true;
    }
    if (!attempt->lookup.done)
        return false;
    attempt->asking = false;
    *fault = lookup_fault(&attempt->lookup);
    *out = attempt->lookup.found;
    return true;
}

static bool step_name(struct attempt *attempt, struct dialed *out)
{
    struct addresses found;
    const char *fault;
    if (!find(attempt, &fault, &found))
        return false;
    if (fault != NULL)
        return end(attempt, out, REASON_PEER_NAME, fault);
    if (!may_lead(attempt->target, &found))
        return end(attempt, out, REASON_PEER_INWARD, "");
    begin_race(attempt, &found);
    return false;
}

static bool step_race(struct attempt *attempt, int64_t now_ms, struct dialed *out)
{
    if (!race_step(&attempt->race, now_ms))
        return false;
    if (attempt->race.winner >= 0)
        return end(attempt, out, REASON_OK, "");
    int fault = race_fault(&attempt->race);
    return end(attempt, out, attempt->race.late ? REASON_PEER_SLOW : REASON_PEER_UNREACHABLE,
               strerrordesc_np(fault));
}

bool call_step(struct attempt *attempt, int64_t now_ms, struct dialed *out, int64_t *due)
{
    /* A name that was found too late for whoever asked is forgotten. */
    if (attempt->state == ATTEMPT_NONE && attempt->asking && attempt->lookup.done)
        attempt->asking = false;
    if (attempt->state == ATTEMPT_NAME && step_name(attempt, out))
        return true;
    if (attempt->state == ATTEMPT_NAME && now_ms >= attempt->until_ms)
        return end(attempt, out, REASON_PEER_SLOW, "its name servers took too long");
    if (attempt->state == ATTEMPT_RACE && step_race(attempt, now_ms, out))
        return true;
    *due = attempt->state == ATTEMPT_NONE   ? INT64_MAX
           : attempt->state == ATTEMPT_NAME ? attempt->until_ms
                                            : race_due(&attempt->race);
    return false;
}

void call_drop(struct attempt *attempt)
{
    if (attempt->state == ATTEMPT_RACE)
        race_end(&attempt->race);
    attempt->state = ATTEMPT_NONE;
}

static size_t watch_race(const struct race *race, uint64_t place, struct house_watch *watches,
                         size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < race->begun && count < max; i++) {
        if (race->at[i].fd >= 0)
            watches[count++] = (struct house_watch){ .fd = race->at[i].fd,
                                                     .writing = true,
                                                     .token = place << 8 | i };
    }
    return count;
}

size_t call_watch(const struct dial *dial, struct house_watch *watches, size_t max)
{
    struct resolver_watch asked[RESOLVER_WATCHES];
    size_t names = dial->resolves ? resolver_watches(&dial->resolver, asked) : 0, count = 0;
    for (size_t i = 0; i < names && count < max; i++)
        watches[count++] = (struct house_watch){ .fd = asked[i].fd,
                                                 .reading = asked[i].reading,
                                                 .writing = asked[i].writing,
                                                 .token = TOKEN_RESOLVER |
                                                          (asked[i].reading ? TOKEN_READING : 0) |
                                                          (asked[i].writing ? TOKEN_WRITING : 0) };
    for (size_t i = 0; i < DIAL_ATTEMPTS_MAX; i++) {
        if (dial->attempts[i].state == ATTEMPT_RACE)
            count += watch_race(&dial->attempts[i].race, i, watches + count, max - count);
    }
    return count;
}

void call_ready(struct dial *dial, const struct house_watch *watch)
{
    uint64_t token = watch->token;
    if ((token & TOKEN_RESOLVER) != 0) {
        const struct resolver_watch one = { watch->fd, (token & TOKEN_READING) != 0,
                                            (token & TOKEN_WRITING) != 0 };
        resolver_take(&dial->resolver, &one);
        return;
    }
    struct attempt *attempt = &dial->attempts[token >> 8];
    if (attempt->state == ATTEMPT_RACE)
        attempt->race.at[token & 0xff].revents = POLLOUT;
}
