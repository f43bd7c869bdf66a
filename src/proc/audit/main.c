/* main.c - ward-audit: see auditor.h. */
#include "base/number.h"
#include "os/clock.h"
#include "proc/audit/parts.h"
#include "proc/audit_client.h"
#include "proc/audit_syscalls.h"
#include "proc/control.h"
#include "proc/log.h"
#include "proc/messages.h"

/* Who may say what: a core that was taken over cannot speak for the keeper, and nobody for
   the log itself. */
static bool may_say(enum peer peer, enum audit_event event)
{
    switch ((int)event) {
    case AUDIT_EVENT_KEY_CREATE:
    case AUDIT_EVENT_KEY_ROTATE:
    case AUDIT_EVENT_KEY_RETIRE:
    case AUDIT_EVENT_KEYRING_OPEN:
    case AUDIT_EVENT_KEY_USE:
    case AUDIT_EVENT_HEAD_SIGN:
        return peer == PEER_KEEPER;
    case AUDIT_EVENT_STORE_MARK:
        return peer == PEER_CORE;
    case AUDIT_EVENT_LOG_REPAIR:
        return false;
    default:
        return true;
    }
}

static void refuse(struct call *call)
{
    const uint8_t no[] = { 0 };
    struct frame frame = { .message = MSG_AUDIT_APPENDED, .id = call->id, .body = SPAN(no) };
    rc put = channel_put(NULL, call->from, &frame);
    (void)put;
}

static rc on_append(struct trail *trail, void *self, struct call *call)
{
    struct auditor *auditor = self;
    struct audit_record record;
    if (!audit_client_get(&call->body, &record) ||
        !may_say((enum peer)call->from->peer, record.event))
        return door_fault(trail, call, DOOR_E_BODY);
    if (group_add(auditor, &record, (enum peer)call->from->peer, call->id))
        return RC_SUCCESS;
    group_commit(auditor);
    if (group_add(auditor, &record, (enum peer)call->from->peer, call->id))
        return RC_SUCCESS;
    log_event("record refused from=%s action=%s", peer_name((enum peer)call->from->peer),
              audit_event_info(record.event)->action);
    refuse(call);
    return RC_SUCCESS;
}

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct auditor *auditor = self;
    auditor->house = house;
    auditor->now_ms = clock_monotonic_ms();
    return start_before_jail(trail, auditor);
}

static rc begin(struct trail *trail, void *self, struct house *house)
{
    (void)house;
    return start_read(trail, self);
}

static rc control(struct trail *trail, void *self, struct call *call)
{
    if (call->message == CONTROL_ROTATED)
        return rotate_done(trail, self, call);
    if (call->message == CONTROL_PACK_OPENED)
        return pack_opened(trail, self, call);
    return FAIL(trail, RC_BUG, DOOR_E_NONE);
}

/* A new keeper knows nothing of what the old one was asked, and a new peer of what the old one
   asked: its first questions have the same numbers. */
static void peer_changed(void *self, enum peer peer, bool open)
{
    struct auditor *auditor = self;
    auditor->now_ms = clock_monotonic_ms();
    group_forget(auditor, peer);
    if (peer == PEER_CORE)
        ask_forget_all(auditor);
    if (peer == PEER_KEEPER) {
        auditor->heads.asked = 0;
        auditor->heads.next_ms = open ? auditor->now_ms : INT64_MAX;
    }
}

static rc settle(struct trail *trail, void *self)
{
    struct auditor *auditor = self;
    (void)trail;
    auditor->now_ms = clock_monotonic_ms();
    group_commit(auditor);
    heads_ask(auditor);
    return RC_SUCCESS;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_of(const struct auditor *auditor)
{
    int64_t next = sooner(auditor->closed.remove_ms, auditor->pack.next_ms);
    if (auditor->writing == WRITING_FAILED)
        next = sooner(next, auditor->probe_ms);
    if (auditor->group.count > 0)
        next = sooner(next, auditor->group.since_ms + GROUP_HOLD_MS);
    if (auditor->chain.tree.size > auditor->heads.head.size && auditor->writing == WRITING)
        next = sooner(next, auditor->heads.next_ms);
    return next;
}

static int64_t tick(void *self, int64_t now_ms)
{
    struct auditor *auditor = self;
    auditor->now_ms = now_ms;
    if (auditor->writing == WRITING_FAILED && now_ms >= auditor->probe_ms)
        group_probe(auditor);
    group_commit(auditor);
    heads_ask(auditor);
    if (now_ms >= auditor->closed.remove_ms)
        rotate_remove_old(auditor);
    bool more = pack_step(auditor);
    more |= ask_step(auditor);
    return more ? now_ms : next_of(auditor);
}

static bool may_stop(void *self)
{
    struct auditor *auditor = self;
    rc synced = leaves_sync(NULL, &auditor->leaves);
    if (!rc_ok(synced))
        log_event("leaf hashes not durable: they are made again at the next start");
    return true;
}

static const struct door doors[] = {
    { MSG_AUDIT_APPEND, IN(PEER_CORE) | IN(PEER_KEEPER), ~0u, 33, AUDIT_CLIENT_BODY, 0, on_append },
    { MSG_AUDIT_ASK, IN(PEER_CORE), ~0u, 6, ASK_BYTES + 6, 0, ask_take },
    { MSG_HEAD_SIGNED, IN(PEER_KEEPER), ~0u, 1, AUDIT_SLOT_BYTES + 5, 0, heads_signed },
};

static const struct process audit_process = {
    .peer = PEER_AUDIT,
    .peers = IN(PEER_KEEPER) | IN(PEER_CORE),
    .trusts = IN(PEER_KEEPER),
    .files = IN(FILE_AUDIT_LOG) | IN(FILE_AUDIT_LEAVES) | IN(FILE_AUDIT_HEADS),
    .fds = 64,
    .file_bytes = (size_t)1 << 40, /* 32 bytes a record, for ever */
    .own_network = true,
    .size = sizeof(struct auditor),
    .rules = audit_rules,
    .rule_count = COUNT_OF(audit_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
    .begin = begin,
    .control = control,
    .peer_changed = peer_changed,
    .settle = settle,
    .tick = tick,
    .may_stop = may_stop,
};

int main(void)
{
    return house_main(&audit_process);
}
