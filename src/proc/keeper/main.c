/* main.c - ward-keeper: see keeper.h. */
#include <unistd.h>

#include "base/number.h"
#include "codec/pem.h"
#include "crypto/ecdsa_sign.h"
#include "crypto/start.h"
#include "os/clock.h"
#include "proc/keeper/keeper.h"
#include "proc/keeper_syscalls.h"
#include "proc/log.h"

enum { KEEPER_SECRETS = 2, KEEPER_SECRET_BYTES = 16 << 10 };

/* The log is named after its first key: two installations never have one name. */
static void name_log(struct keeper *keeper)
{
    const struct keyring_key *oldest = NULL;
    for (size_t i = 0; i < keeper->ring.count; i++) {
        const struct keyring_key *key = &keeper->ring.keys[i];
        if (key->role == KEY_ROLE_LOG && (oldest == NULL || key->created < oldest->created))
            oldest = key;
    }
    struct sink name = sink_over(keeper->origin_text, sizeof keeper->origin_text);
    sink_text(&name, "ward.local/");
    if (oldest != NULL)
        sink_hex(&name, span_of(oldest->id, 8));
    keeper->origin = sink_bytes(&name);
}

/* What a client needs to trust this house, for everybody to read. */
static rc publish_ca(struct trail *trail, struct keeper *keeper)
{
    uint8_t text[2 * KEEPER_CERTIFICATE_MAX];
    struct sink pem = sink_over(text, sizeof text);
    int fd = keeper->house->files[FILE_CA];
    pem_write(&pem, "CERTIFICATE", span_of(keeper->ca, keeper->ca_len));
    if (!sink_ok(&pem) || ftruncate(fd, 0) != 0 ||
        pwrite(fd, pem.at, pem.len, 0) != (ssize_t)pem.len)
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    return RC_SUCCESS;
}

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct keeper *keeper = self;
    keeper->house = house;
    keeper->file = house->files[FILE_KEYRING];
    if (!sodium_start() || !ecdsa_guard_heap())
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    TRY(trail, secret_pool_new(trail, KEEPER_SECRETS, KEEPER_SECRET_BYTES, &keeper->pool));
    TRY(trail, secret_take(trail, keeper->pool, SEAL_KEY, &keeper->seal));
    TRY(trail, secret_take(trail, keeper->pool, KEYRING_LEN, &keeper->plain));
    TRY(trail, keeper_open_file(trail, keeper));
    TRY(trail, keeper_load_head(trail, keeper));
    name_log(keeper);
    TRY(trail, keeper_make_certificates(trail, keeper, clock_now()));
    return publish_ca(trail, keeper);
}

static const struct door doors[] = {
    { MSG_SIGN_TLS, IN(PEER_FRONT), ~0u, 1, PAYLOAD_MAX, 0, keeper_on_sign_tls },
    { MSG_TLS_CHAIN, IN(PEER_FRONT), ~0u, 0, 0, 0, keeper_on_chain },
    { MSG_SIGN_HEAD, IN(PEER_AUDIT), ~0u, 84, 84 + 32 * MERKLE_PROOF_MAX, 0, keeper_on_sign_head },
    { MSG_KEYRING_LIST, IN(PEER_CORE), ~0u, 0, 0, 0, keeper_on_list },
};

/* Nobody is trusted: a peer that sends what it may not loses its channel. */
static const struct process keeper_process = {
    .peer = PEER_KEEPER,
    .peers = IN(PEER_AUDIT) | IN(PEER_CORE) | IN(PEER_FRONT),
    .files = IN(FILE_KEYRING),
    .fds = 64,
    .size = sizeof(struct keeper),
    .rules = keeper_rules,
    .rule_count = COUNT_OF(keeper_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
};

int main(void)
{
    return house_main(&keeper_process);
}
