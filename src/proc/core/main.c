/* main.c - ward-core: see core.h. */
#include "base/number.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core_syscalls.h"

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct core *core = self;
    core->house = house;
    core->started = clock_now();
    core->scratch = arena_alloc(&house->arena, 2 * (size_t)CORE_SCRATCH_MAX);
    return core->scratch != NULL ? RC_SUCCESS : FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
}

static void peer_changed(void *self, enum peer peer, bool open)
{
    (void)open; /* a new channel has not heard the old one's questions either */
    core_peer_gone(self, peer);
}

static int64_t tick(void *self, int64_t now_ms)
{
    return core_expire(self, now_ms);
}

static bool may_stop(void *self)
{
    const struct core *core = self;
    return core->pending_count == 0;
}

static const struct door doors[] = {
    { MSG_REQUEST, IN(PEER_FRONT), ~0u, 39, FRAME_BODY_MAX, 0, core_on_request },
    { MSG_AUDIT_ANSWER, IN(PEER_AUDIT), ~0u, 10, FRAME_BODY_MAX, 0, core_on_audit_answer },
    { MSG_KEYRING_IS, IN(PEER_KEEPER), ~0u, 12, FRAME_BODY_MAX, 0, core_on_keyring },
    { MSG_KEY_ROTATED, IN(PEER_KEEPER), ~0u, 2, 64, 0, core_on_rotated },
};

static const struct process core_process = {
    .peer = PEER_CORE,
    .peers = IN(PEER_AUDIT) | IN(PEER_KEEPER) | IN(PEER_FRONT),
    .trusts = IN(PEER_AUDIT) | IN(PEER_KEEPER),
    .fds = 64,
    .size = sizeof(struct core),
    .rules = core_rules,
    .rule_count = COUNT_OF(core_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
    .peer_changed = peer_changed,
    .tick = tick,
    .may_stop = may_stop,
};

int main(void)
{
    return house_main(&core_process);
}
