/* sign.c - see keeper.h: using a key, and the doors through which front has handshakes signed and
   core tokens. */
#include <string.h>

#include "crypto/ct.h"
#include "crypto/ecdsa_sign.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "merkle/checkpoint_judge.h"
#include "os/clock.h"
#include "proc/keeper/keeper.h"

struct signing {
    const struct keeper *keeper;
    enum key_role role;
    struct span message;
    uint8_t *signature;
};

/* The private part of the active key of a role, while the keyring is lent. */
static struct span part_of(const struct signing *what, struct span plain)
{
    const struct keyring *ring = &what->keeper->ring;
    const struct keyring_key *key = keyring_active(ring, what->role);
    if (key == NULL)
        return (struct span){ 0 };
    return keyring_private(plain, ring, (size_t)(key - ring->keys));
}

static rc p256_with_part(struct span part, void *arg)
{
    const struct signing *what = arg;
    uint8_t digest[SHA256_LEN];
    if (part.len != KEY_PRIVATE)
        return rc_make(RC_WORLD, REASON_KEYRING_NO_SUCH_KEY);
    hash_sha256(what->message, digest);
    return ecdsa_sign_once(CURVE_P256, part, digest, what->signature)
               ? RC_SUCCESS
               : rc_make(RC_WORLD, REASON_KEYRING_NO_SUCH_KEY);
}

static rc p256_with_plain(struct span plain, void *arg)
{
    return p256_with_part(part_of(arg, plain), arg);
}

static rc ed25519_with_plain(struct span plain, void *arg)
{
    const struct signing *what = arg;
    struct span part = part_of(what, plain);
    struct ed25519_secret secret;
    if (part.len != ED25519_SEED)
        return rc_make(RC_WORLD, REASON_KEYRING_NO_SUCH_KEY);
    ed25519_secret_of_seed(part.at, &secret);
    ed25519_sign(&secret, what->message, what->signature);
    ct_wipe(&secret, sizeof secret);
    return RC_SUCCESS;
}

rc keeper_sign_p256(struct trail *trail, struct keeper *keeper, enum key_role role,
                    struct span message, uint8_t raw[64])
{
    struct signing what = { keeper, role, message, NULL };
    what.signature = raw;
    TRY(trail, secret_lend(keeper->plain, p256_with_plain, &what));
    return RC_SUCCESS;
}

rc keeper_sign_pair(struct trail *trail, const struct file_pair *pair, struct span message,
                    uint8_t raw[64])
{
    struct signing what = { .message = message };
    what.signature = raw;
    TRY(trail, secret_lend(pair->scalar, p256_with_part, &what));
    return RC_SUCCESS;
}

rc keeper_sign_ed25519(struct trail *trail, struct keeper *keeper, enum key_role role,
                       struct span message, uint8_t signature[64])
{
    struct signing what = { keeper, role, message, NULL };
    what.signature = signature;
    TRY(trail, secret_lend(keeper->plain, ed25519_with_plain, &what));
    return RC_SUCCESS;
}

/* The text is what checkpoint_put_text wrote. */
rc keeper_sign_note(struct trail *trail, struct keeper *keeper, struct sink *note)
{
    const struct keyring_key *key = keyring_active(&keeper->ring, KEY_ROLE_LOG);
    struct checkpoint_key named = { .name = keeper->origin };
    uint8_t signature[ED25519_SIGNATURE];
    if (key == NULL || !sink_ok(note))
        return REFUSE(trail, REASON_KEYRING_NO_SUCH_KEY);
    memcpy(named.public_key, key->public_part, sizeof named.public_key);
    TRY(trail, keeper_sign_ed25519(trail, keeper, KEY_ROLE_LOG, sink_bytes(note), signature));
    checkpoint_end_text(note);
    checkpoint_put_signature(note, keeper->origin, checkpoint_key_id(&named, CHECKPOINT_BY_LOG),
                             SPAN(signature));
    return sink_ok(note) ? RC_SUCCESS : FAIL(trail, RC_BUG, DOOR_E_BODY);
}

/* The key of a certificate that this front was given, and no newer one: which of them the handshake
   says, whose certificate the client may have seen already. */
static rc sign_tls(struct trail *trail, struct keeper *keeper, struct cursor *body,
                   uint8_t signature[64])
{
    struct span point;
    const struct keyring_key *key = cur_take(body, TLS_POINT_LEN, &point)
                                        ? keeper_given_key(keeper, point)
                                        : NULL;
    struct payload payload;
    if (key == NULL)
        return REFUSE(trail, REASON_GUARD_KEY_NOT_BOUND);
    struct span content = cur_rest(body), bound = SPAN(key->id);
    const struct file_pair *pair = keeper_pair_of(keeper, bound);
    struct guard_request request = { .peer = GUARD_FRONT,
                                     .bound = bound,
                                     .role = key->role,
                                     .key = SPAN(key->id),
                                     .state = key->state,
                                     .operation = GUARD_SIGN,
                                     .payload = content };
    TRY(trail, guard_check(trail, &keeper->front, &request, clock_monotonic_ms() * 1000, &payload));
    return pair != NULL ? keeper_sign_pair(trail, pair, content, signature)
                        : keeper_sign_p256(trail, keeper, KEY_ROLE_TLS, content, signature);
}

/* A front that did not hear that its chain is old hears it again: while it waits for an
   answer it hears nothing else. */
static rc remind(struct trail *trail, struct keeper *keeper, struct channel *front)
{
    struct frame notice = { .message = MSG_CHAIN_CHANGED };
    return keeper->front_is_behind ? channel_put(trail, front, &notice) : RC_SUCCESS;
}

rc keeper_on_sign_tls(struct trail *trail, void *self, struct call *call)
{
    struct keeper *keeper = self;
    uint8_t signature[64], bytes[1 + sizeof signature];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct trail of_sign = { 0 };
    rc signed_it = sign_tls(&of_sign, keeper, &call->body, signature);
    if (!rc_ok(signed_it))
        keeper_refused(keeper, REFUSED_HANDSHAKE, signed_it, &of_sign);
    sink_u8(&body, rc_ok(signed_it));
    if (rc_ok(signed_it))
        sink_put(&body, SPAN(signature));
    struct frame answer = { .message = MSG_TLS_SIGNED, .id = call->id, .body = sink_bytes(&body) };
    TRY(trail, channel_put(trail, call->from, &answer));
    return remind(trail, keeper, call->from);
}

rc keeper_on_used(struct trail *trail, void *self, struct call *call)
{
    (void)trail;
    keeper_used(self, cur_rest(&call->body));
    return RC_SUCCESS;
}

/* Core fills a token, or a result, and the keeper believes nothing of it: guard/ reads it anew, and
   it must be of this moment, of the key that is to sign it, and a token of this house. */
static rc sign_for_core(struct trail *trail, struct keeper *keeper, enum key_role role,
                        struct span input, uint8_t signature[ED25519_SIGNATURE])
{
    const struct keyring_key *key = keyring_active(&keeper->ring, role);
    struct payload payload;
    if (key == NULL)
        return REFUSE(trail, REASON_KEYRING_NO_SUCH_KEY);
    struct guard_request request = { .peer = GUARD_CORE,
                                     .role = role,
                                     .key = SPAN(key->id),
                                     .state = key->state,
                                     .operation = GUARD_SIGN,
                                     .payload = input,
                                     .origin = keeper->origin,
                                     .now = clock_now(),
                                     .room = role == KEY_ROLE_RESULT ? keeper->results : NULL };
    TRY(trail, guard_check(trail, &keeper->core, &request, clock_monotonic_ms() * 1000, &payload));
    return keeper_sign_ed25519(trail, keeper, role, input, signature);
}

static rc answer_core(struct trail *trail, struct keeper *keeper, struct call *call,
                      enum key_role role)
{
    const bool result = role == KEY_ROLE_RESULT;
    uint8_t signature[ED25519_SIGNATURE], bytes[2 + sizeof signature];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct trail of_sign = { 0 };
    rc signed_it = sign_for_core(&of_sign, keeper, role, cur_rest(&call->body), signature);
    if (!rc_ok(signed_it))
        keeper_refused(keeper, result ? REFUSED_RESULT : REFUSED_TOKEN, signed_it, &of_sign);
    const enum reason why = reason_of_rc(signed_it, REASON_KEYRING_NO_SUCH_KEY);
    sink_u16le(&body, (uint16_t)(rc_ok(signed_it) ? REASON_OK : why));
    if (rc_ok(signed_it))
        sink_put(&body, SPAN(signature));
    struct frame answer = { .message = result ? MSG_RESULT_SIGNED : MSG_MINER_SIGNED,
                            .id = call->id,
                            .body = sink_bytes(&body) };
    return channel_put(trail, call->from, &answer);
}

rc keeper_on_sign_miner(struct trail *trail, void *self, struct call *call)
{
    return answer_core(trail, self, call, KEY_ROLE_MINER);
}

rc keeper_on_sign_result(struct trail *trail, void *self, struct call *call)
{
    return answer_core(trail, self, call, KEY_ROLE_RESULT);
}
