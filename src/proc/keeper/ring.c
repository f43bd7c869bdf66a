/* ring.c - see keeper.h: new keys.  They are drawn where they are put into a plaintext; what a
   function has of them on its stack it wipes before it returns. */
#include <string.h>

#include "base/number.h"
#include "crypto/ct.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/keeper/keeper.h"

/* P-256 does not take one draw in 2^32. */
static void draw(enum key_role role, int64_t now, uint8_t private_part[KEY_PRIVATE],
                 struct keyring_key *out)
{
    do {
        random_bytes(private_part, KEY_PRIVATE);
    } while (!keyring_make_key(role, span_of(private_part, KEY_PRIVATE), now, out));
}

/* The private parts of a keyring that is being written: the new ones by their place, the
   others from the plaintext that they have been in. */
struct parts {
    const struct keyring *ring;    /* that is written */
    uint8_t (*drawn)[KEY_PRIVATE]; /* of its last keys */
    size_t drawn_count;
    const struct keyring *old;
    struct span plain;
};

static rc give_part(const struct keyring_key *key, uint8_t *at, void *arg)
{
    const struct parts *parts = arg;
    size_t n = (size_t)(key - parts->ring->keys), first = parts->ring->count - parts->drawn_count;
    if (n >= first) {
        memcpy(at, parts->drawn[n - first], KEY_PRIVATE);
        return RC_SUCCESS;
    }
    const struct keyring_key *was = keyring_find(parts->old, SPAN(key->id));
    if (was == NULL)
        return rc_make(RC_BUG, REASON_KEYRING_NO_SUCH_KEY);
    struct span part = keyring_private(parts->plain, parts->old, (size_t)(was - parts->old->keys));
    if (part.len != KEY_PRIVATE)
        return rc_make(RC_BUG, REASON_KEYRING_NO_SUCH_KEY);
    memcpy(at, part.at, KEY_PRIVATE);
    return RC_SUCCESS;
}

static rc fill_new_ring(uint8_t *at, size_t len, void *arg)
{
    static const enum key_role roles[] = { KEY_ROLE_CA,   KEY_ROLE_TLS,   KEY_ROLE_LOG,
                                           KEY_ROLE_NODE, KEY_ROLE_MINER, KEY_ROLE_RESULT };
    struct keeper *keeper = arg;
    uint8_t drawn[COUNT_OF(roles)][KEY_PRIVATE];
    struct keyring ring = { 0 };
    struct parts parts = { .ring = &ring, .drawn = drawn, .drawn_count = COUNT_OF(roles) };
    int64_t now = clock_now();
    rc result = RC_SUCCESS;
    (void)len;
    for (size_t i = 0; i < COUNT_OF(roles) && rc_ok(result); i++) {
        struct keyring_key key;
        draw(roles[i], now, drawn[i], &key);
        result = keyring_add(NULL, &ring, &key);
    }
    if (rc_ok(result))
        result = keyring_write(NULL, &ring, give_part, &parts, at);
    ct_wipe(drawn, sizeof drawn);
    if (rc_ok(result))
        keeper->ring = ring;
    return result;
}

rc keeper_make_ring(struct keeper *keeper)
{
    return secret_fill(keeper->plain, fill_new_ring, keeper);
}

/* Whether nobody looks at this key's signatures any more: those of handshakes are of the moment,
   those of tokens of a few minutes, and a result brings the evidence of its key along.  What heads
   and certificates were signed with is kept for ever. */
static bool is_over(const struct keyring_key *key, int64_t now)
{
    bool tokens = key->role == KEY_ROLE_MINER && now - MINER_LIFE_MAX_S > key->retired;
    bool alone = key->role == KEY_ROLE_TLS || key->role == KEY_ROLE_RESULT;
    return key->state == KEY_STATE_RETIRED && (alone || tokens);
}

/* A full ring forgets the oldest of those. */
static rc make_room(struct trail *trail, struct keyring *ring, int64_t now)
{
    if (ring->count < KEYRING_KEYS_MAX)
        return RC_SUCCESS;
    for (size_t i = 0; i < ring->count; i++) {
        const struct keyring_key *key = &ring->keys[i];
        if (is_over(key, now))
            return keyring_forget(trail, ring, SPAN(key->id));
    }
    return REFUSE(trail, REASON_KEYRING_FULL);
}

struct preparing {
    struct keeper *keeper;
    struct rotation *rotation;
    struct span plain;
};

static rc fill_next(uint8_t *at, size_t len, void *arg)
{
    struct preparing *what = arg;
    struct rotation *rotation = what->rotation;
    uint8_t drawn[1][KEY_PRIVATE];
    struct parts parts = { .ring = &rotation->ring,
                           .drawn = drawn,
                           .drawn_count = 1,
                           .old = &what->keeper->ring,
                           .plain = what->plain };
    (void)len;
    draw(rotation->role, rotation->now, drawn[0], &rotation->new);
    rc result = rotation->first
                    ? keyring_add(NULL, &rotation->ring, &rotation->new)
                    : keyring_rotate(NULL, &rotation->ring, &rotation->new, SPAN(rotation->old.id));
    if (rc_ok(result))
        result = keyring_write(NULL, &rotation->ring, give_part, &parts, at);
    ct_wipe(drawn, sizeof drawn);
    return result;
}

static rc with_plain(struct span plain, void *arg)
{
    struct preparing *what = arg;
    what->plain = plain;
    return secret_fill(what->keeper->next, fill_next, what);
}

rc keeper_prepare_rotation(struct trail *trail, struct keeper *keeper, struct rotation *rotation)
{
    struct preparing what = { .keeper = keeper, .rotation = rotation };
    const struct keyring_key *old = keyring_active(&keeper->ring, rotation->role);
    if (old == NULL && rotation->role != KEY_ROLE_MINER && rotation->role != KEY_ROLE_RESULT)
        return REFUSE(trail, REASON_KEYRING_NO_SUCH_KEY);
    rotation->first = old == NULL;
    if (old != NULL)
        rotation->old = *old;
    rotation->now = clock_now();
    rotation->ring = keeper->ring;
    TRY(trail, make_room(trail, &rotation->ring, rotation->now));
    return secret_lend(keeper->plain, with_plain, &what);
}
