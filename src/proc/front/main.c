/* main.c - ward-front: see front.h. */
#include "base/number.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/front/front.h"
#include "proc/front_syscalls.h"
#include "proc/log.h"
#include "proc/messages.h"

enum { TOKEN_OWNER = 1, TOKEN_TLS = 2, FRONT_FDS_SPARE = 64, FRONT_RATE_SETS = 1 << 14 };

/* The poller's tokens of the two listeners; those of connections have a generation of at
   least 1. */
static rc watch_listeners(struct trail *trail, struct front *front)
{
    const int *files = front->house->files;
    TRY(trail,
        poller_add(trail, front->poller, files[FILE_OWNER_LISTENER], TOKEN_OWNER, true, false));
    return poller_add(trail, front->poller, files[FILE_TLS_LISTENER], TOKEN_TLS, true, false);
}

static bool make_work(struct front *front, struct arena *arena)
{
    struct work *work = arena_alloc(arena, sizeof *work);
    size_t room = http1_room_size(&http_limits_default);
    if (work == NULL)
        return false;
    uint8_t *body = arena_alloc(arena, FRONT_BODY_MAX), *out = arena_alloc(arena, FRONT_OUT_MAX);
    work->room_memory = arena_alloc(arena, room);
    work->in = arena_alloc(arena, FRONT_IN_MAX);
    work->scratch = arena_alloc(arena, 2 * FRONT_SCRATCH_MAX);
    work->answer = arena_alloc(arena, FRONT_ANSWER_MAX);
    if (work->room_memory == NULL || work->in == NULL || body == NULL || out == NULL ||
        work->scratch == NULL || work->answer == NULL)
        return false;
    work->body = sink_over(body, FRONT_BODY_MAX);
    work->out = sink_over(out, FRONT_OUT_MAX);
    work->next = front->free_works;
    front->free_works = work;
    return true;
}

static bool make_admission(struct front *front, struct arena *arena)
{
    const struct settings *settings = &front->house->settings;
    struct admit_rates rates = admit_rates_default();
    struct conn_limits limits = { .total = settings->connections,
                                  .half = settings->connections / 5 + 1,
                                  .peer = settings->connections_per_address,
                                  .peer_half = settings->connections_per_address / 4 + 1 };
    uint8_t keys[3][SIPHASH_KEY_LEN];
    random_bytes(keys, sizeof keys);
    if (!gcra_rate_of(settings->connects_per_second, 1000000, settings->connects_burst,
                      &rates.connects) ||
        !gcra_rate_of(settings->requests_per_second, 1000000, settings->requests_burst,
                      &rates.requests))
        return false;
    front->admit = (struct admit){ .connects = &front->connects,
                                   .requests = &front->requests,
                                   .conns = &front->conns };
    front->pace = pace_limits_default();
    front->pace.head_us = (uint64_t)settings->header_seconds * 1000000;
    front->pace.handshake_us = front->pace.head_us;
    front->pace.idle_us = (uint64_t)settings->idle_seconds * 1000000;
    return conn_table_init(&front->conns, arena, &limits, keys[0]) &&
           admit_table_init(&front->connects, arena, FRONT_RATE_SETS, &rates.connects, keys[1]) &&
           admit_table_init(&front->requests, arena, FRONT_RATE_SETS, &rates.requests, keys[2]);
}

static bool make_connections(struct front *front, struct arena *arena)
{
    uint32_t count = front->house->settings.connections + FRONT_FDS_SPARE;
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

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct front *front = self;
    front->house = house;
    bool made = make_connections(front, &house->arena) && make_admission(front, &house->arena);
    for (unsigned i = 0; made && i < FRONT_WORKS_MAX; i++)
        made = make_work(front, &house->arena);
    front->library = tls_library_new();
    if (!made || front->library == NULL)
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    TRY(trail, poller_open(trail, &front->poller));
    if (!house_keep_fd(house, front->poller))
        return FAIL(trail, RC_BUG, HOUSE_E_FILE);
    TRY(trail, watch_listeners(trail, front));
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
    if (peer == PEER_CORE && !open)
        exchange_core_gone(front);
    /* A keeper that was started again may have another key. */
    if (peer == PEER_KEEPER && open)
        front->chain_wanted = true;
}

static rc settle(struct trail *trail, void *self)
{
    struct front *front = self;
    struct trail of_chain = { 0 };
    (void)trail;
    if (!front->chain_wanted || !channel_is_open(&front->house->channels[PEER_KEEPER]))
        return RC_SUCCESS;
    rc fetched = chain_fetch(&of_chain, front);
    if (rc_class_of(fetched) == RC_BUG)
        return fetched;
    if (!rc_ok(fetched)) {
        log_failure("no certificates yet", fetched, &of_chain);
        front->chain_wanted = false; /* asked again when the keeper comes back */
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
    return front->swept_ms + FRONT_SWEEP_MS;
}

/* What is asked for already is still answered; nobody new is let in. */
static bool may_stop(void *self)
{
    struct front *front = self;
    for (uint32_t i = 0; i < front->connection_count; i++) {
        struct connection *connection = &front->connections[i];
        if (connection->phase == CONNECTION_WAITING || connection->phase == CONNECTION_ANSWERING)
            return false;
    }
    for (uint32_t i = 0; i < front->connection_count; i++)
        front_close(front, &front->connections[i]);
    return true;
}

static const struct door doors[] = {
    { MSG_REPLY, IN(PEER_CORE), ~0u, 10, FRAME_BODY_MAX, 0, exchange_reply },
};

static const struct process front_process = {
    .peer = PEER_FRONT,
    .peers = IN(PEER_CORE) | IN(PEER_KEEPER),
    .trusts = IN(PEER_CORE) | IN(PEER_KEEPER),
    .files = IN(FILE_TLS_LISTENER) | IN(FILE_OWNER_LISTENER),
    .fds = 16384,
    .memory = 160u << 20,
    .size = sizeof(struct front),
    .rules = front_rules,
    .rule_count = COUNT_OF(front_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
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
