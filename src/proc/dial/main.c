/* main.c - ward-dial: see dial.h. */
#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/dial/dial.h"
#include "proc/dial_syscalls.h"
#include "proc/log.h"

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    return call_open(self, house) ? RC_SUCCESS : FAIL(trail, RC_WORLD, REASON_HOUSE_STATE_UNUSABLE);
}

/* A core that does not read has nobody to answer. */
static void tell(struct dial *dial, uint64_t id, enum reason reason, const char *detail)
{
    uint8_t bytes[DIALED_DETAIL_MAX + 8];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, span_of(detail, strnlen(detail, DIALED_DETAIL_MAX)));
    struct frame frame = { .message = MSG_DIALED, .id = id, .body = sink_bytes(&body) };
    rc told = house_put(NULL, dial->house, PEER_CORE, &frame);
    (void)told;
}

/* For a request it is front that waits.  One that does not read has nobody to answer either. */
static void tell_front(struct dial *dial, const struct attempt *attempt, enum reason reason,
                       const char *detail)
{
    uint8_t bytes[DIALED_DETAIL_MAX + 8];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, attempt->peer);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, span_of(detail, strnlen(detail, DIALED_DETAIL_MAX)));
    struct frame frame = { .message = MSG_PASSAGE_REFUSED,
                           .id = attempt->id,
                           .body = sink_bytes(&body) };
    rc told = house_put(NULL, dial->house, PEER_FRONT, &frame);
    (void)told;
}

static bool is_for_channel(const struct dial *dial, const struct attempt *attempt)
{
    return attempt < &dial->attempts[SETTING_PEERS_MAX];
}

/* Front has the socket before core hears of it, and it is front's alone. */
static void hand_over(struct dial *dial, const struct attempt *attempt, struct dialed *dialed)
{
    bool for_channel = is_for_channel(dial, attempt);
    struct frame frame = { .message = for_channel ? MSG_CONNECTED : MSG_PASSAGE_CONNECTED,
                           .id = attempt->id,
                           .body = span_of(&attempt->peer, 1) };
    struct channel *front = &dial->house->channels[PEER_FRONT];
    auto_fd int fd = fd_take(&dialed->fd);
    if (dialed->reason == REASON_OK && !rc_ok(channel_put_fds(NULL, front, &frame, &fd, 1))) {
        dialed->reason = REASON_HOUSE_UNAVAILABLE;
        dialed->detail = "front does not take it";
    }
    if (for_channel)
        tell(dial, attempt->id, dialed->reason, dialed->detail);
    else if (dialed->reason != REASON_OK)
        tell_front(dial, attempt, dialed->reason, dialed->detail);
}

/* Which peer, and how long: what both questions have. */
static bool read_question(struct dial *dial, struct call *call, const struct target *targets,
                          struct attempt *out)
{
    uint32_t ms = 0;
    *out = (struct attempt){ .id = call->id };
    if (!(cur_u8(&call->body, &out->peer) && out->peer < dial->house->settings.peer_count &&
          cur_u32le(&call->body, &ms) && ms > 0 && ms <= DIAL_MS_MAX && cur_end(&call->body) &&
          call->id != 0))
        return false;
    out->target = &targets[out->peer];
    out->until_ms = clock_monotonic_ms() + ms;
    return out->target->is_set;
}

static rc on_dial(struct trail *trail, void *self, struct call *call)
{
    struct dial *dial = self;
    struct attempt asked;
    if (!read_question(dial, call, dial->channels, &asked))
        return door_fault(trail, call, DOOR_E_BODY);
    struct attempt *attempt = &dial->attempts[asked.peer];
    /* Core asks for a peer once, and waits. */
    if (attempt->state != ATTEMPT_NONE) {
        tell(dial, call->id, REASON_HOUSE_UNAVAILABLE, "it is being called");
        return RC_SUCCESS;
    }
    attempt->peer = asked.peer;
    attempt->id = asked.id;
    call_begin(dial, attempt, asked.target, asked.until_ms);
    return RC_SUCCESS;
}

static rc on_dial_passage(struct trail *trail, void *self, struct call *call)
{
    struct dial *dial = self;
    struct attempt asked;
    if (!read_question(dial, call, dial->publics, &asked))
        return door_fault(trail, call, DOOR_E_BODY);
    struct attempt *attempt = call_vacancy(dial, asked.peer);
    if (attempt == NULL) {
        tell_front(dial, &asked, REASON_HOUSE_UNAVAILABLE, "too many are being called");
        return RC_SUCCESS;
    }
    attempt->peer = asked.peer;
    attempt->id = asked.id;
    call_begin(dial, attempt, asked.target, asked.until_ms);
    return RC_SUCCESS;
}

static int64_t tick(void *self, int64_t now_ms)
{
    struct dial *dial = self;
    int64_t next = dial->resolves ? resolver_tick(&dial->resolver, now_ms) : INT64_MAX;
    for (size_t i = 0; i < DIAL_ATTEMPTS_MAX; i++) {
        struct dialed dialed;
        int64_t due = INT64_MAX;
        if (call_step(&dial->attempts[i], now_ms, &dialed, &due))
            hand_over(dial, &dial->attempts[i], &dialed);
        else if (due < next)
            next = due;
    }
    return next;
}

static size_t watch(void *self, struct house_watch *watches, size_t max)
{
    return call_watch(self, watches, max);
}

static rc ready(struct trail *trail, void *self, const struct house_watch *one)
{
    (void)trail;
    call_ready(self, one);
    return RC_SUCCESS;
}

/* What another core asked for is not answered to this one, nor handed to front; what another front
   waits for, with ids of its own, this one did not ask for. */
static void peer_changed(void *self, enum peer peer, bool open)
{
    struct dial *dial = self;
    (void)open;
    for (size_t i = 0; i < DIAL_ATTEMPTS_MAX; i++) {
        enum peer waits = is_for_channel(dial, &dial->attempts[i]) ? PEER_CORE : PEER_FRONT;
        if (peer == waits)
            call_drop(&dial->attempts[i]);
    }
}

static const struct door doors[] = {
    { MSG_DIAL, IN(PEER_CORE), ~0u, 5, 5, 0, on_dial },
    { MSG_DIAL_PASSAGE, IN(PEER_CORE), ~0u, 5, 5, 0, on_dial_passage },
};

static const struct process dial_process = {
    .peer = PEER_DIAL,
    .peers = IN(PEER_CORE) | IN(PEER_FRONT),
    .fds = 16 + DIAL_ATTEMPTS_MAX * DIAL_BESIDE + RESOLVER_WATCHES,
    .size = sizeof(struct dial),
    .rules = dial_rules,
    .rule_count = COUNT_OF(dial_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
    .peer_changed = peer_changed,
    .tick = tick,
    .watch = watch,
    .ready = ready,
};

int main(void)
{
    return house_main(&dial_process);
}
