/* main.c - ward-front: see front.h. */
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/front/front.h"
#include "proc/front_syscalls.h"
#include "proc/log.h"
#include "proc/messages.h"

enum { TOKEN_OWNER = 1, TOKEN_TLS = 2, FRONT_RATE_SETS = 1 << 14 };

/* The poller's tokens of the two listeners; those of connections have a generation of at
   least 1. */
static rc watch_listeners(struct trail *trail, struct front *front)
{
    const int *files = front->house->files;
    TRY(trail,
        poller_add(trail, front->poller, files[FILE_OWNER_LISTENER], TOKEN_OWNER, true, false));
    return poller_add(trail, front->poller, files[FILE_TLS_LISTENER], TOKEN_TLS, true, false);
}

rc front_listen(struct trail *trail, struct front *front, bool listening)
{
    const int *files = front->house->files;
    TRY(trail, poller_change(trail, front->poller, files[FILE_OWNER_LISTENER], TOKEN_OWNER,
                             listening, false));
    return poller_change(trail, front->poller, files[FILE_TLS_LISTENER], TOKEN_TLS, listening,
                         false);
}

static bool make_work(struct arena *arena, struct work **list, bool local)
{
    struct work *work = arena_alloc(arena, sizeof *work);
    uint8_t *out = arena_alloc(arena, FRONT_OUT_MAX);
    if (work == NULL || out == NULL)
        return false;
    work->room_memory = arena_alloc(arena, http1_room_size(&http_limits_default));
    work->in = arena_alloc(arena, FRONT_IN_MAX);
    if (work->room_memory == NULL || work->in == NULL)
        return false;
    work->out = sink_over(out, FRONT_OUT_MAX);
    work->local = local;
    work->next = *list;
    *list = work;
    return true;
}

static bool make_remainder(struct front *front, struct arena *arena)
{
    struct remainder *rest = arena_alloc(arena, sizeof *rest);
    uint8_t *bytes = arena_alloc(arena, FRONT_OUT_MAX);
    if (rest == NULL || bytes == NULL)
        return false;
    rest->bytes = sink_over(bytes, FRONT_OUT_MAX);
    rest->next = front->free_remainders;
    front->free_remainders = rest;
    return true;
}

static bool make_wide(struct front *front, struct arena *arena)
{
    struct wide *wide = arena_alloc(arena, sizeof *wide);
    uint8_t *body = arena_alloc(arena, FRONT_WIDE_MAX);
    if (wide == NULL || body == NULL)
        return false;
    *wide = (struct wide){ .body = body, .next = front->free_wides };
    front->free_wides = wide;
    return true;
}

static bool make_exchanges(struct front *front, struct arena *arena)
{
    front->exchanges = arena_array(arena, FRONT_EXCHANGES_MAX, sizeof *front->exchanges);
    uint8_t *bodies = arena_array(arena, FRONT_EXCHANGES_MAX, FRONT_BODY_MAX);
    if (front->exchanges == NULL || bodies == NULL)
        return false;
    for (unsigned i = FRONT_EXCHANGES_MAX; i > 0; i--) {
        struct exchange *exchange = &front->exchanges[i - 1];
        *exchange = (struct exchange){ .generation = 1,
                                       .body = bodies + (size_t)(i - 1) * FRONT_BODY_MAX,
                                       .next = front->free_exchanges };
        front->free_exchanges = exchange;
    }
    return true;
}

/* What calls need, as long as the process lives. */
static bool make_room(struct front *front, struct arena *arena)
{
    front->in = arena_alloc(arena, FRONT_IN_MAX);
    front->out = arena_alloc(arena, FRONT_IN_MAX);
    front->answer = arena_alloc(arena, FRONT_ANSWER_MAX);
    front->scratch = arena_alloc(arena, 2 * FRONT_SCRATCH_MAX);
    bool made = front->in != NULL && front->out != NULL && front->answer != NULL &&
                front->scratch != NULL && make_exchanges(front, arena) &&
                h2_server_init(&front->h2, &h2_limits_default, front_h2_event, front);
    for (unsigned i = 0; made && i < FRONT_WORKS_MAX; i++)
        made = make_work(arena, &front->free_works, false);
    for (unsigned i = 0; made && i < FRONT_WORKS_LOCAL; i++)
        made = make_work(arena, &front->free_local_works, true);
    for (unsigned i = 0; made && i < FRONT_REMAINDERS_MAX; i++)
        made = make_remainder(front, arena);
    for (unsigned i = 0; made && i < FRONT_WIDES_MAX; i++)
        made = make_wide(front, arena);
    return made;
}

/* What is set, as far as descriptors go; and one in its handshake beside the only one. */
static uint32_t connections_of(const struct front *front)
{
    uint32_t set = front->house->settings.connections;
    return set < 2 ? 2 : set < FRONT_CONNECTIONS_MAX ? set : FRONT_CONNECTIONS_MAX;
}

/* A rate that cannot be kept exactly is the next lower one that can: a number of hundreds at the
   latest, or for a few a second one of them. */
static bool rate_of(uint32_t count, uint64_t period_us, uint32_t burst, struct gcra_rate *out)
{
    while (count > 0 && !gcra_rate_of(count, period_us, burst, out))
        count--;
    return count > 0;
}

static bool rates_of(const struct settings *settings, struct admit_rates *out)
{
    struct admit_rates rates = admit_rates_default();
    if (!rate_of(settings->connects_per_second, 1000000, settings->connects_burst,
                 &rates.connects) ||
        !rate_of(settings->requests_per_second, 1000000, settings->requests_burst,
                 &rates.requests) ||
        !rate_of(settings->requests_per_second, 1000000 / 8, 8 * settings->requests_burst,
                 &rates.sites))
        return false;
    *out = rates;
    return true;
}

static struct conn_limits conns_of(const struct settings *settings, uint32_t total)
{
    return (struct conn_limits){ .total = total,
                                 .half = total / 5 + 1,
                                 .peer = settings->connections_per_address,
                                 .peer_half = settings->connections_per_address / 4 + 1 };
}

static struct pace_limits pace_of(const struct settings *settings)
{
    struct pace_limits pace = pace_limits_default();
    pace.head_us = (uint64_t)settings->header_seconds * 1000000;
    pace.handshake_us = pace.head_us;
    pace.idle_us = (uint64_t)settings->idle_seconds * 1000000;
    return pace;
}

static bool make_admission(struct front *front, struct arena *arena)
{
    const struct settings *settings = &front->house->settings;
    struct admit_rates rates;
    struct conn_limits limits = conns_of(settings, connections_of(front));
    uint8_t keys[4][SIPHASH_KEY_LEN];
    random_bytes(keys, sizeof keys);
    if (!rates_of(settings, &rates))
        return false;
    front->admit = (struct admit){ .connects = &front->connects,
                                   .requests = &front->requests,
                                   .sites = &front->sites,
                                   .bans = &front->tables.bans,
                                   .conns = &front->conns };
    front->pace = pace_of(settings);
    front->admit.proxies = &front->edges.list;
    return edges_open(front, arena) && conn_table_init(&front->conns, arena, &limits, keys[0]) &&
           admit_table_init(&front->connects, arena, FRONT_RATE_SETS, &rates.connects, keys[1]) &&
           admit_table_init(&front->requests, arena, FRONT_RATE_SETS, &rates.requests, keys[2]) &&
           admit_table_init(&front->sites, arena, FRONT_RATE_SETS, &rates.sites, keys[3]);
}

/* Who is in stays in: counts are kept, and limits hold for what comes. */
static bool reload(void *self, const struct settings *next)
{
    struct front *front = self;
    struct admit_rates rates;
    uint64_t now = front_now_us();
    if (!rates_of(next, &rates))
        return false;
    front->house->refusal = operators_take(front, next);
    if (front->house->refusal != REASON_OK)
        return false;
    front->house->refusal = REASON_NONE;
    admit_table_change(&front->connects, &rates.connects, now);
    admit_table_change(&front->requests, &rates.requests, now);
    admit_table_change(&front->sites, &rates.sites, now);
    front->conns.limits = conns_of(next, front->conns.limits.total);
    front->pace = pace_of(next);
    return true;
}

static bool make_connections(struct front *front, struct arena *arena)
{
    uint32_t count = connections_of(front) + FRONT_LOCAL_MAX + SETTING_PEERS_MAX + PASSAGES_MAX;
    if (front->house->settings.connections > FRONT_CONNECTIONS_MAX)
        log_event("limit.connections is more than one process can have: takes %d",
                  FRONT_CONNECTIONS_MAX);
    front->connections = arena_array(arena, count, sizeof *front->connections);
    front->vacant = arena_array(arena, count, sizeof *front->vacant);
    if (front->connections == NULL || front->vacant == NULL)
        return false;
    front->connection_count = count;
    for (uint32_t i = count; i > 0; i--) {
        front->connections[i - 1].generation = 1;
        front->vacant[front->vacant_count++] = i - 1;
    }
    return true;
}

/* A house that was up once serves those who need no certificate, whatever lies in the files by
   now: then nobody is an operator. */
static rc open_operators(struct trail *trail, struct front *front)
{
    const struct settings *settings = &front->house->settings;
    enum reason reason = operators_take(front, settings);
    if (reason == REASON_OK)
        return RC_SUCCESS;
    log_event("certificates of clients are not asked for: %s", reason_info(reason)->name);
    return settings->was_ready ? RC_SUCCESS : REFUSE(trail, reason);
}

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct front *front = self;
    front->house = house;
    bool made = make_connections(front, &house->arena) && make_admission(front, &house->arena) &&
                make_room(front, &house->arena) && links_open(front) && outward_open(front);
    if (!bans_read(&front->tables, house->files[FILE_BANS_READ]) ||
        !serving_begin(&front->serving, house->files[FILE_SERVING], (uint32_t)getpid()))
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    front->library = tls_library_new();
    if (!made || front->library == NULL)
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    TRY(trail, open_operators(trail, front));
    /* Numbers of the system would be taken for reasons. */
    if (!rc_ok(poller_open(trail, &front->poller)) || !house_keep_fd(house, front->poller) ||
        !rc_ok(watch_listeners(trail, front)))
        return FAIL(trail, RC_BUG, HOUSE_E_FILE);
    return chain_fetch(trail, front);
}

static size_t watch(void *self, struct house_watch *watches, size_t max)
{
    const struct front *front = self;
    if (max == 0)
        return 0;
    watches[0] = (struct house_watch){ .fd = front->poller, .reading = true };
    return 1;
}

static rc ready(struct trail *trail, void *self, const struct house_watch *one)
{
    struct front *front = self;
    struct poller_event events[POLLER_EVENTS_MAX];
    (void)trail;
    (void)one;
    size_t count = poller_take(front->poller, events, COUNT_OF(events));
    for (size_t i = 0; i < count; i++) {
        if (events[i].token == TOKEN_OWNER || events[i].token == TOKEN_TLS)
            front_accept(front, events[i].token == TOKEN_OWNER);
        else
            front_ready(front, &events[i]);
    }
    return RC_SUCCESS;
}

static void peer_changed(void *self, enum peer peer, bool open)
{
    struct front *front = self;
    if (peer == PEER_CORE && !open) {
        exchange_core_gone(front);
        links_core_gone(front);
        sdk_core_gone(front);
        outward_core_gone(front);
    }
    if (peer == PEER_DIAL && !open)
        passages_dial_gone(front);
    /* A keeper that was started again may have another key. */
    if (peer == PEER_KEEPER && open) {
        front->chain_wanted = true;
        front->chain_ms = 0;
        front->silent_ms = 0;
    }
}

/* Everybody who was woken is moved, once for all that woke him. */
static rc settle(struct trail *trail, void *self)
{
    struct front *front = self;
    struct trail of_chain = { 0 };
    int64_t now = clock_monotonic_ms();
    (void)trail;
    front_wake_all(front);
    alone_step(front);
    if (!front->chain_wanted || now < front->chain_ms ||
        !channel_is_open(&front->house->channels[PEER_KEEPER]))
        return RC_SUCCESS;
    rc fetched = chain_fetch(&of_chain, front);
    if (rc_class_of(fetched) == RC_BUG)
        return fetched;
    if (!rc_ok(fetched)) {
        log_failure("no certificates yet", fetched, &of_chain);
        front->chain_ms = now + FRONT_SILENCE_MS + FRONT_KEEPER_MS;
    }
    return RC_SUCCESS;
}

static int64_t tick(void *self, int64_t now_ms)
{
    struct front *front = self;
    if (now_ms - front->swept_ms >= FRONT_SWEEP_MS) {
        front_sweep(front, now_ms);
        front->swept_ms = now_ms;
    }
    int64_t turn_ends = alone_expire(front, now_ms), next_sweep = front->swept_ms + FRONT_SWEEP_MS;
    bool more = front->alone_over || front->ready.count > 0 || front->shaking > 0 ||
                front_http1_may_lend(front);
    return more ? now_ms : turn_ends < next_sweep ? turn_ends : next_sweep;
}

/* What is asked for already is still answered; nobody new is let in. */
static bool may_stop(void *self)
{
    return front_may_stop(self);
}

static rc chain_changed(struct trail *trail, void *self, struct call *call)
{
    (void)trail;
    (void)call;
    peer_changed(self, PEER_KEEPER, true);
    return RC_SUCCESS;
}

static const struct door doors[] = {
    { MSG_REPLY, IN(PEER_CORE), ~0u, 10, FRAME_BODY_MAX, 0, exchange_reply },
    { MSG_CONNECTED, IN(PEER_DIAL), ~0u, 1, 1, 1, outward_on_connected },
    { MSG_PASSAGE_CONNECTED, IN(PEER_DIAL), ~0u, 1, 1, 1, passage_on_connected },
    { MSG_PASSAGE_REFUSED, IN(PEER_DIAL), ~0u, 7, 7 + DIALED_DETAIL_MAX, 0, passage_on_refused },
    { MSG_LINK_QUOTED, IN(PEER_CORE), ~0u, 10, 10 + EVIDENCE_QUOTE_MAX + EVIDENCE_LOG_MAX, 0,
      link_on_quoted },
    { MSG_LINK_JUDGED, IN(PEER_CORE), ~0u, 10, 10, 0, link_on_judged },
    { MSG_LINK_END, IN(PEER_CORE), ~0u, 10, 10, 0, link_on_end },
    { MSG_LINK_SESSION_IS, IN(PEER_CORE), ~0u, 2, 14 + LINK_TOKEN, 0, link_on_session },
    { MSG_SDK_CHALLENGED, IN(PEER_CORE), ~0u, 2, 6 + SDK_ANSWER_BYTES, 0, sdk_on_challenged },
    { MSG_SDK_POSTED, IN(PEER_CORE), ~0u, 2, 6 + SDK_ANSWER_BYTES, 0, sdk_on_posted },
    { MSG_SDK_ATTESTED, IN(PEER_CORE), ~0u, 2, 8 + LINK_TOKEN, 0, sdk_on_attested },
    { MSG_SDK_OVER, IN(PEER_CORE), ~0u, 2, 2, 0, sdk_on_over },
    { MSG_CHAIN_CHANGED, IN(PEER_KEEPER), ~0u, 0, 0, 0, chain_changed },
    { MSG_TLS_SIGNED, IN(PEER_KEEPER), ~0u, 1, 1 + TLS_SIGNATURE, 0, chain_answered_late },
    { MSG_TLS_CHAIN_IS, IN(PEER_KEEPER), ~0u, 4, FRAME_BODY_MAX, 0, chain_answered_late },
};

static const struct process front_process = {
    .peer = PEER_FRONT,
    .peers = IN(PEER_CORE) | IN(PEER_KEEPER) | IN(PEER_DIAL),
    .trusts = IN(PEER_CORE) | IN(PEER_KEEPER),
    .files = IN(FILE_TLS_LISTENER) | IN(FILE_OWNER_LISTENER),
    .fds = FRONT_CONNECTIONS_MAX + FRONT_LOCAL_MAX + SETTING_PEERS_MAX + PASSAGES_MAX +
           FRONT_FDS_SPARE,
    .memory = 256u << 20,
    .size = sizeof(struct front),
    .rules = front_rules,
    .rule_count = COUNT_OF(front_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
    .reload = reload,
    .peer_changed = peer_changed,
    .settle = settle,
    .tick = tick,
    .may_stop = may_stop,
    .watch = watch,
    .ready = ready,
};

int main(void)
{
    return house_main(&front_process);
}
