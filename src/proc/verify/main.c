/* main.c - ward-verify: see verify.h. */
#include "base/number.h"
#include "proc/log.h"
#include "proc/verify/verify.h"
#include "proc/verify_syscalls.h"

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct verify *verify = self;
    verify->house = house;
    verify->judge = verify_judge;
    for (size_t i = 0; i < VERIFY_CHILDREN; i++) {
        uint8_t *room = arena_alloc(&house->arena, FRAME_BODY_MAX);
        if (room == NULL)
            return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
        verify->children[i] = (struct forked){ .fd = -1,
                                               .answer = sink_over(room, FRAME_BODY_MAX) };
    }
    return verify_warm_up() ? RC_SUCCESS : FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
}

/* A core that does not read has nobody to answer. */
static void tell(struct verify *verify, uint64_t id, struct span body)
{
    struct frame frame = { .message = MSG_JUDGED, .id = id, .body = body };
    rc told = house_put(NULL, verify->house, PEER_CORE, &frame);
    (void)told;
}

static void refuse(struct verify *verify, uint64_t id, enum reason reason)
{
    uint8_t bytes[16];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, (struct span){ 0 });
    put_bytes(&body, (struct span){ 0 });
    tell(verify, id, sink_bytes(&body));
}

static rc on_judge(struct trail *trail, void *self, struct call *call)
{
    struct verify *verify = self;
    struct forked *vacant = NULL;
    struct trail of_start = { 0 };
    uint64_t now = 0;
    struct span request;
    if (!(cur_u64le(&call->body, &now) && get_bytes(&call->body, FRAME_BODY_MAX, &request) &&
          cur_end(&call->body) && now <= INT64_MAX && call->id != 0))
        return door_fault(trail, call, DOOR_E_BODY);
    for (size_t i = 0; i < VERIFY_CHILDREN && vacant == NULL; i++)
        vacant = verify->children[i].pid == 0 ? &verify->children[i] : NULL;
    rc started = vacant != NULL
                     ? verify_child_start(&of_start, vacant, verify->judge, request, (int64_t)now)
                     : RC_SUCCESS;
    if (!rc_ok(started))
        log_failure("no child", started, &of_start);
    if (vacant == NULL || !rc_ok(started))
        refuse(verify, call->id, REASON_HOUSE_UNAVAILABLE);
    else
        vacant->id = call->id;
    return RC_SUCCESS;
}

static size_t watch(void *self, struct house_watch *watches, size_t max)
{
    const struct verify *verify = self;
    size_t count = 0;
    for (size_t i = 0; i < VERIFY_CHILDREN && count < max; i++) {
        const struct forked *child = &verify->children[i];
        if (child->pid != 0)
            watches[count++] = (struct house_watch){ .fd = child->fd, .reading = true, .token = i };
    }
    return count;
}

static rc ready(struct trail *trail, void *self, const struct house_watch *one)
{
    struct verify *verify = self;
    struct forked *child = &verify->children[one->token];
    (void)trail;
    if (!forked_read(child))
        return RC_SUCCESS;
    uint64_t id = child->id;
    enum reason reason = verify_child_end(child);
    if (reason != REASON_OK)
        log_event("judged nothing reason=%s", reason_info(reason)->name);
    if (id == 0)
        return RC_SUCCESS;
    if (reason == REASON_OK)
        tell(verify, id, sink_bytes(&child->answer));
    else
        refuse(verify, id, reason);
    return RC_SUCCESS;
}

/* What another core asked for is not answered to this one: its numbers begin anew. */
static void peer_changed(void *self, enum peer peer, bool open)
{
    struct verify *verify = self;
    (void)peer;
    (void)open;
    for (size_t i = 0; i < VERIFY_CHILDREN; i++)
        verify->children[i].id = 0;
}

static const struct door doors[] = {
    { MSG_JUDGE, IN(PEER_CORE), ~0u, 12, FRAME_BODY_MAX, 0, on_judge },
};

static const struct process verify_process = {
    .peer = PEER_VERIFY,
    .peers = IN(PEER_CORE),
    .fds = 32,
    .forks = true,
    .own_network = true,
    .size = sizeof(struct verify),
    .rules = verify_rules,
    .rule_count = COUNT_OF(verify_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
    .peer_changed = peer_changed,
    .watch = watch,
    .ready = ready,
};

int main(void)
{
    return house_main(&verify_process);
}
