/* main.c - ward-keeper: see keeper.h. */
#include "base/number.h"
#include "crypto/ecdsa_sign.h"
#include "crypto/start.h"
#include "os/clock.h"
#include "proc/keeper/keeper.h"
#include "proc/keeper_syscalls.h"

/* Seal, keyring and the next one; what a key is read into, and the scalars of three pairs. */
enum { KEEPER_SECRETS = 3 + 1 + KEEPER_GIVEN_MAX + 2, KEEPER_SECRET_BYTES = 20 << 10 };

/* The log is named after its first key, which is the first in the ring. */
static void name_log(struct keeper *keeper)
{
    const struct keyring_key *oldest = NULL;
    for (size_t i = 0; i < keeper->ring.count && oldest == NULL; i++) {
        if (keeper->ring.keys[i].role == KEY_ROLE_LOG)
            oldest = &keeper->ring.keys[i];
    }
    struct sink name = sink_over(keeper->origin_text, sizeof keeper->origin_text);
    key_log_name(&name, oldest != NULL ? SPAN(oldest->id) : (struct span){ 0 });
    keeper->origin = sink_bytes(&name);
}

static rc open_keys(struct trail *trail, struct keeper *keeper)
{
    bool changed = false;
    TRY(trail, secret_pool_new(trail, KEEPER_SECRETS, KEEPER_SECRET_BYTES, &keeper->pool));
    TRY(trail, secret_take(trail, keeper->pool, SEAL_KEY, &keeper->seal));
    TRY(trail, secret_take(trail, keeper->pool, KEYRING_LEN, &keeper->plain));
    TRY(trail, secret_take(trail, keeper->pool, KEYRING_LEN, &keeper->next));
    TRY(trail, secret_take(trail, keeper->pool, TLS_READ_ROOM, &keeper->room));
    TRY(trail, keeper_open_file(trail, keeper));
    name_log(keeper);
    TRY(trail, keeper_make_certificates(trail, keeper, clock_now(), &changed));
    TRY(trail, keeper_publish_ca(trail, keeper));
    return keeper_open_tls_files(trail, keeper);
}

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct keeper *keeper = self;
    keeper->house = house;
    keeper->file = house->files[FILE_KEYRING];
    if (!sodium_start() || !ecdsa_guard_heap())
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    keeper->results = arena_room(&house->arena, sizeof *keeper->results);
    if (keeper->results == NULL)
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    rc opened = open_keys(trail, keeper);
    if (!rc_ok(opened))
        keeper_log("the keys cannot be used", opened, trail);
    return opened;
}

/* Core knows nothing of the certificate until it is told. */
static rc begin(struct trail *trail, void *self, struct house *house)
{
    struct keeper *keeper = self;
    (void)trail;
    (void)house;
    keeper_tell_core(keeper);
    return RC_SUCCESS;
}

/* A new channel to the front was given nothing yet, and one to the log has heard nothing. */
static void peer_changed(void *self, enum peer peer, bool open)
{
    struct keeper *keeper = self;
    if (peer == PEER_FRONT) {
        keeper->front_is_behind = false;
        keeper_give_none(keeper);
    }
    if (peer == PEER_AUDIT)
        keeper_log_is_gone(keeper);
    if (peer == PEER_CORE) {
        keeper->waiting = (struct waiting_rotation){ 0 };
        keeper->held = (struct held_answer){ 0 };
        if (open)
            keeper_tell_core(keeper);
    }
}

/* Whoever asks for a reload may have set the clock: the certificates are looked at now. */
static bool reload(void *self, const struct settings *next)
{
    struct keeper *keeper = self;
    keeper->look_ms = 0;
    return keeper_reload_tls_files(keeper, next);
}

static int64_t tick(void *self, int64_t now_ms)
{
    struct keeper *keeper = self;
    if (now_ms >= keeper->look_ms) {
        struct trail trail = { 0 };
        rc renewed = keeper_renew_certificates(&trail, keeper);
        if (!rc_ok(renewed))
            keeper_log("certificates not made again", renewed, &trail);
        keeper->look_ms = now_ms + KEEPER_LOOK_MS;
    }
    int64_t mends = keeper_mend(keeper, now_ms);
    int64_t waits = keeper_rotate_waiting(keeper, now_ms);
    int64_t tells = keeper_tell(keeper, now_ms);
    int64_t next = waits < tells ? waits : tells;
    if (mends < next)
        next = mends;
    return next < keeper->look_ms ? next : keeper->look_ms;
}

static const struct door doors[] = {
    { MSG_SIGN_TLS, IN(PEER_FRONT), ~0u, TLS_POINT_LEN + 1, TLS_POINT_LEN + PAYLOAD_MAX, 0,
      keeper_on_sign_tls },
    { MSG_TLS_CHAIN_USED, IN(PEER_FRONT), ~0u, TLS_POINT_LEN, TLS_POINT_LEN, 0, keeper_on_used },
    { MSG_TLS_CHAIN, IN(PEER_FRONT), ~0u, 0, 0, 0, keeper_on_chain },
    { MSG_SIGN_HEAD, IN(PEER_AUDIT), ~0u, 84, 84 + 32 * MERKLE_PROOF_MAX, 0, keeper_on_sign_head },
    { MSG_KEYRING_LIST, IN(PEER_CORE), ~0u, 0, 0, 0, keeper_on_list },
    { MSG_KEY_ROTATE, IN(PEER_CORE), ~0u, 9, 9, 0, keeper_on_rotate },
    { MSG_SIGN_MINER, IN(PEER_CORE), ~0u, 1, MINER_TOKEN_MAX, 0, keeper_on_sign_miner },
    { MSG_SIGN_RESULT, IN(PEER_CORE), ~0u, 1, JOB_RESULT_INPUT_MAX, 0, keeper_on_sign_result },
    { MSG_AUDIT_APPENDED, IN(PEER_AUDIT), ~0u, 1, 9, 0, keeper_on_appended },
};

/* Nobody is trusted: a peer that sends what it may not loses its channel. */
static const struct process keeper_process = {
    .peer = PEER_KEEPER,
    .peers = IN(PEER_AUDIT) | IN(PEER_CORE) | IN(PEER_FRONT),
    .files = IN(FILE_KEYRING) | IN(FILE_CA),
    .fds = 64,
    .size = sizeof(struct keeper),
    .rules = keeper_rules,
    .rule_count = COUNT_OF(keeper_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
    .begin = begin,
    .reload = reload,
    .peer_changed = peer_changed,
    .tick = tick,
};

int main(void)
{
    return house_main(&keeper_process);
}
