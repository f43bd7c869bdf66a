/* main.c - ward-fetch: see fetch.h. */
#include <string.h>

#include "base/number.h"
#include "proc/fetch/fetch.h"
#include "proc/fetch_syscalls.h"
#include "proc/log.h"

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct fetch *fetch = self;
    uint8_t *room = arena_alloc(&house->arena, FRAME_BODY_MAX);
    fetch->house = house;
    fetch->child = (struct forked){ .fd = -1, .answer = sink_over(room, FRAME_BODY_MAX) };
    if (room == NULL)
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    return provider_open(trail, &fetch->provider, house);
}

/* A core that does not read has nobody to answer. */
static void tell(struct fetch *fetch, uint64_t id, struct span body)
{
    struct frame frame = { .message = MSG_FETCHED, .id = id, .body = body };
    rc told = house_put(NULL, fetch->house, PEER_CORE, &frame);
    (void)told;
}

static void refuse(struct fetch *fetch, uint64_t id, enum reason reason, const char *why)
{
    uint8_t bytes[FETCHED_DETAIL_MAX + 16];
    struct sink body = sink_over(bytes, sizeof bytes);
    size_t len = strnlen(why, FETCHED_DETAIL_MAX);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, span_of(why, len));
    put_bytes(&body, (struct span){ 0 });
    put_bytes(&body, (struct span){ 0 });
    tell(fetch, id, sink_bytes(&body));
}

static bool read_question(struct call *call, struct exchange *out)
{
    uint8_t thing = 0, tdx = 0, platform_ca = 0;
    if (!(cur_u8(&call->body, &thing) && thing < PCS_THING_COUNT && cur_u8(&call->body, &tdx) &&
          tdx <= 1 && cur_u8(&call->body, &platform_ca) && platform_ca <= 1 &&
          cur_copy(&call->body, out->platform.fmspc, sizeof out->platform.fmspc) &&
          cur_end(&call->body) && call->id != 0))
        return false;
    out->thing = (enum pcs_thing)thing;
    out->platform.tdx = tdx != 0;
    out->platform.platform_ca = platform_ca != 0;
    return true;
}

static rc on_fetch(struct trail *trail, void *self, struct call *call)
{
    struct fetch *fetch = self;
    struct exchange exchange = { .provider = &fetch->provider };
    struct trail of_start = { 0 };
    const char *why = "";
    if (!read_question(call, &exchange))
        return door_fault(trail, call, DOOR_E_BODY);
    if (fetch->child.pid != 0) { /* core asks for one thing at a time */
        refuse(fetch, call->id, REASON_HOUSE_UNAVAILABLE, why);
        return RC_SUCCESS;
    }
    enum reason found = provider_find(&fetch->provider, &exchange.addresses, &why);
    if (found != REASON_OK) {
        refuse(fetch, call->id, found, why);
        return RC_SUCCESS;
    }
    rc started = exchange_start(&of_start, &fetch->child, &exchange);
    if (rc_ok(started)) {
        fetch->child.id = call->id;
        return RC_SUCCESS;
    }
    log_failure("no child", started, &of_start);
    refuse(fetch, call->id, REASON_HOUSE_UNAVAILABLE, why);
    return RC_SUCCESS;
}

static size_t watch(void *self, struct house_watch *watches, size_t max)
{
    const struct fetch *fetch = self;
    if (fetch->child.pid == 0 || max == 0)
        return 0;
    watches[0] = (struct house_watch){ .fd = fetch->child.fd, .reading = true };
    return 1;
}

static rc ready(struct trail *trail, void *self, const struct house_watch *one)
{
    struct fetch *fetch = self;
    struct forked *child = &fetch->child;
    (void)trail;
    (void)one;
    if (!forked_read(child))
        return RC_SUCCESS;
    uint64_t id = child->id;
    enum reason reason = exchange_finish(child);
    if (reason != REASON_OK)
        log_event("fetched nothing reason=%s", reason_info(reason)->name);
    if (id == 0)
        return RC_SUCCESS;
    if (reason == REASON_OK)
        tell(fetch, id, sink_bytes(&child->answer));
    else
        refuse(fetch, id, reason, "");
    return RC_SUCCESS;
}

/* What another core asked for is not answered to this one: its numbers begin anew. */
static void peer_changed(void *self, enum peer peer, bool open)
{
    struct fetch *fetch = self;
    (void)peer;
    (void)open;
    fetch->child.id = 0;
}

static const struct door doors[] = {
    { MSG_FETCH, IN(PEER_CORE), ~0u, 9, 9, 0, on_fetch },
};

static const struct process fetch_process = {
    .peer = PEER_FETCH,
    .peers = IN(PEER_CORE),
    .fds = 32,
    .forks = true,
    .size = sizeof(struct fetch),
    .rules = fetch_rules,
    .rule_count = COUNT_OF(fetch_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
    .peer_changed = peer_changed,
    .watch = watch,
    .ready = ready,
};

int main(void)
{
    return house_main(&fetch_process);
}
