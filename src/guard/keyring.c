/* keyring.c - see keyring.h.

   The plaintext, little endian:
     4 count, 12 zeros, then for each key
     1 role, 1 kind, 1 state, 1 zero, 16 id, 8 created, 8 retired, 65 public, 32 private, 3 zeros,
   and zeros to the end. */
#include "guard/keyring.h"

#include <string.h>

#include "base/cursor.h"
#include "crypto/ct.h"
#include "crypto/ecdsa_sign.h"
#include "crypto/ed25519.h"
#include "crypto/hmac.h"

enum { HEAD = 16, PRIVATE_AT = 101, TAIL = 3 };

_Static_assert(PRIVATE_AT == 4 + KEY_ID + 8 + 8 + KEY_PUBLIC_MAX, "where the private part lies");
_Static_assert(KEYRING_RECORD == PRIVATE_AT + KEY_PRIVATE + TAIL, "a record");

bool keyring_has_private(const struct keyring_key *key)
{
    return key->state == KEY_STATE_ACTIVE || key->state == KEY_STATE_VERIFYING;
}

/* ---- what is sound ---------------------------------------------------------------------- */

static bool state_is_good(const struct keyring_key *key)
{
    switch (key->state) {
    case KEY_STATE_ACTIVE:
        return key->retired == 0;
    case KEY_STATE_VERIFYING:
        return key->kind == KEY_KIND_HMAC && key->retired >= key->created && key->retired > 0;
    case KEY_STATE_RETIRED:
        return key->retired >= key->created && key->retired > 0;
    case KEY_STATE_NONE:
    case KEY_STATE_COUNT:
        break;
    }
    return false;
}

static bool key_is_sound(const struct keyring_key *key)
{
    size_t len = key_public_len(key->kind);
    return key->kind != KEY_KIND_NONE && key->kind == key_role_kind(key->role) &&
           state_is_good(key) && key->created >= 0 && !bytes_are_zero(key->id, KEY_ID) &&
           (len == 0 || !bytes_are_zero(key->public_part, len)) &&
           bytes_are_zero(key->public_part + len, KEY_PUBLIC_MAX - len) &&
           (key->kind != KEY_KIND_P256 || key->public_part[0] == 0x04);
}

/* Whether two keys can be in one ring. */
static bool keys_go_together(const struct keyring_key *a, const struct keyring_key *b)
{
    bool both_sign = a->role == b->role && a->role != KEY_ROLE_TLS &&
                     a->state == KEY_STATE_ACTIVE && b->state == KEY_STATE_ACTIVE;
    return !both_sign && !bytes_equal(a->id, b->id, KEY_ID);
}

bool keyring_is_sound(const struct keyring *keyring)
{
    bool ok = keyring->count <= KEYRING_KEYS_MAX;
    for (size_t i = 0; ok && i < keyring->count; i++) {
        ok = key_is_sound(&keyring->keys[i]);
        for (size_t k = 0; ok && k < i; k++)
            ok = keys_go_together(&keyring->keys[i], &keyring->keys[k]);
    }
    return ok;
}

/* ---- making and changing ---------------------------------------------------------------- */

static bool p256_public(struct span private_part, uint8_t *out)
{
    struct ecdsa_secret *secret = ecdsa_secret_new(CURVE_P256, private_part);
    bool ok = secret != NULL && ecdsa_secret_point(secret, out);
    ecdsa_secret_free(&secret);
    return ok;
}

static bool public_of(enum key_kind kind, struct span private_part, uint8_t *out)
{
    struct ed25519_secret secret;
    switch (kind) {
    case KEY_KIND_P256:
        return p256_public(private_part, out);
    case KEY_KIND_ED25519:
        ed25519_secret_of_seed(private_part.at, &secret);
        ed25519_secret_public(&secret, out);
        ct_wipe(&secret, sizeof secret);
        return true;
    case KEY_KIND_HMAC:
        return true;
    case KEY_KIND_NONE:
    case KEY_KIND_COUNT:
        break;
    }
    return false;
}

/* Of the public part, or of the MAC key itself under a name that no token has. */
static void put_id(struct keyring_key *key, struct span private_part)
{
    uint8_t digest[SHA256_LEN];
    const uint8_t what[] = { (uint8_t)key->role, (uint8_t)key->kind };
    const struct span parts[] = { span_text("ward key id v1\n"), SPAN(what),
                                  span_of(key->public_part, key_public_len(key->kind)) };
    struct span secret = key->kind == KEY_KIND_HMAC ? private_part : (struct span){ 0 };
    hmac_parts(HASH_SHA256, secret, parts, 3, digest);
    memcpy(key->id, digest, KEY_ID);
}

bool keyring_make_key(enum key_role role, struct span private_part, int64_t now,
                      struct keyring_key *out)
{
    struct keyring_key key = {
        .role = role, .kind = key_role_kind(role), .state = KEY_STATE_ACTIVE, .created = now
    };
    if (private_part.len != KEY_PRIVATE || bytes_are_zero(private_part.at, KEY_PRIVATE) ||
        !public_of(key.kind, private_part, key.public_part))
        return false;
    put_id(&key, private_part);
    if (!key_is_sound(&key))
        return false;
    *out = key;
    return true;
}

static size_t index_of(const struct keyring *keyring, struct span id)
{
    size_t i = 0;
    while (i < keyring->count && !span_equal(id, SPAN(keyring->keys[i].id)))
        i++;
    return i;
}

const struct keyring_key *keyring_find(const struct keyring *keyring, struct span id)
{
    size_t i = index_of(keyring, id);
    return i < keyring->count ? &keyring->keys[i] : NULL;
}

const struct keyring_key *keyring_active(const struct keyring *keyring, enum key_role role)
{
    for (size_t i = keyring->count; i > 0; i--) {
        const struct keyring_key *key = &keyring->keys[i - 1];
        if (key->role == role && key->state == KEY_STATE_ACTIVE)
            return key;
    }
    return NULL;
}

rc keyring_add(struct trail *trail, struct keyring *keyring, const struct keyring_key *key)
{
    if (keyring->count >= KEYRING_KEYS_MAX)
        return REFUSE(trail, REASON_KEYRING_FULL);
    bool ok = key_is_sound(key);
    for (size_t i = 0; ok && i < keyring->count; i++)
        ok = keys_go_together(key, &keyring->keys[i]);
    if (!ok)
        return REFUSE(trail, REASON_KEYRING_FORMAT);
    keyring->keys[keyring->count++] = *key;
    return RC_SUCCESS;
}

/* A clock that went back does not make a key that ended before it began. */
static void retire(struct keyring_key *key, int64_t now)
{
    bool still_checks = key->kind == KEY_KIND_HMAC && key->state == KEY_STATE_ACTIVE;
    if (key->state == KEY_STATE_ACTIVE) {
        int64_t least = key->created > 0 ? key->created : 1;
        key->retired = now > least ? now : least;
    }
    key->state = still_checks ? KEY_STATE_VERIFYING : KEY_STATE_RETIRED;
}

rc keyring_retire(struct trail *trail, struct keyring *keyring, struct span id, int64_t now)
{
    size_t i = index_of(keyring, id);
    if (i == keyring->count || keyring->keys[i].state == KEY_STATE_RETIRED)
        return REFUSE(trail, REASON_KEYRING_NO_SUCH_KEY);
    retire(&keyring->keys[i], now);
    return RC_SUCCESS;
}

rc keyring_forget(struct trail *trail, struct keyring *keyring, struct span id)
{
    size_t i = index_of(keyring, id);
    if (i == keyring->count || keyring->keys[i].state != KEY_STATE_RETIRED)
        return REFUSE(trail, REASON_KEYRING_NO_SUCH_KEY);
    keyring->count--;
    memmove(&keyring->keys[i], &keyring->keys[i + 1],
            (keyring->count - i) * sizeof keyring->keys[0]);
    memset(&keyring->keys[keyring->count], 0, sizeof keyring->keys[0]);
    return RC_SUCCESS;
}

rc keyring_rotate(struct trail *trail, struct keyring *keyring, const struct keyring_key *key,
                  struct span old)
{
    struct keyring next = *keyring;
    bool found = false;
    for (size_t i = 0; i < next.count; i++) {
        struct keyring_key *one = &next.keys[i];
        if (one->role != key->role || one->state != KEY_STATE_ACTIVE ||
            (one->role == KEY_ROLE_TLS && !span_equal(old, SPAN(one->id))))
            continue;
        retire(one, key->created);
        found = true;
    }
    if (!found)
        return REFUSE(trail, REASON_KEYRING_NO_SUCH_KEY);
    TRY(trail, keyring_add(trail, &next, key));
    *keyring = next;
    return RC_SUCCESS;
}

/* ---- the plaintext ---------------------------------------------------------------------- */

static rc write_key(struct sink *out, const struct keyring_key *key, keyring_private_fn *give,
                    void *arg)
{
    sink_u8(out, (uint8_t)key->role);
    sink_u8(out, (uint8_t)key->kind);
    sink_u8(out, (uint8_t)key->state);
    sink_u8(out, 0);
    sink_put(out, SPAN(key->id));
    sink_u64le(out, (uint64_t)key->created);
    sink_u64le(out, (uint64_t)key->retired);
    sink_put(out, SPAN(key->public_part));
    uint8_t *at = sink_room(out, KEY_PRIVATE);
    sink_zero(out, TAIL);
    if (at == NULL)
        return rc_make(RC_BUG, 0);
    memset(at, 0, KEY_PRIVATE);
    return keyring_has_private(key) ? give(key, at, arg) : RC_SUCCESS;
}

rc keyring_write(struct trail *trail, const struct keyring *keyring, keyring_private_fn *give,
                 void *arg, uint8_t out[KEYRING_LEN])
{
    if (!keyring_is_sound(keyring))
        return REFUSE(trail, REASON_KEYRING_FORMAT);
    struct sink sink = sink_over(out, KEYRING_LEN);
    rc answer = RC_SUCCESS;
    sink_u32le(&sink, (uint32_t)keyring->count);
    sink_zero(&sink, HEAD - sizeof(uint32_t));
    for (size_t i = 0; rc_ok(answer) && i < keyring->count; i++)
        answer = write_key(&sink, &keyring->keys[i], give, arg);
    sink_zero(&sink, KEYRING_LEN - sink.len);
    if (!rc_ok(answer))
        ct_wipe(out, KEYRING_LEN);
    return rc_note(trail, answer, __func__, __LINE__);
}

static bool read_time(struct cursor *in, int64_t *out)
{
    uint64_t value = 0;
    if (!cur_u64le(in, &value) || value > INT64_MAX)
        return false;
    *out = (int64_t)value;
    return true;
}

static bool read_key(struct cursor *in, struct keyring_key *key)
{
    uint8_t role, kind, state, zero;
    struct span private_part, tail;
    if (!cur_u8(in, &role) || !cur_u8(in, &kind) || !cur_u8(in, &state) || !cur_u8(in, &zero) ||
        !cur_copy(in, key->id, KEY_ID) || !read_time(in, &key->created) ||
        !read_time(in, &key->retired) || !cur_copy(in, key->public_part, KEY_PUBLIC_MAX) ||
        !cur_take(in, KEY_PRIVATE, &private_part) || !cur_take(in, TAIL, &tail))
        return false;
    key->role = (enum key_role)role;
    key->kind = (enum key_kind)kind;
    key->state = (enum key_state)state;
    return zero == 0 && bytes_are_zero(tail.at, TAIL) &&
           bytes_are_zero(private_part.at, KEY_PRIVATE) == !keyring_has_private(key);
}

rc keyring_read(struct trail *trail, struct span plain, struct keyring *out)
{
    struct cursor in = cur_over(plain);
    struct keyring ring = { 0 };
    uint32_t count = 0;
    struct span zeros;
    bool ok = plain.len == KEYRING_LEN && cur_u32le(&in, &count) && count <= KEYRING_KEYS_MAX &&
              cur_take(&in, HEAD - sizeof count, &zeros) && bytes_are_zero(zeros.at, zeros.len);
    for (ring.count = 0; ok && ring.count < count; ring.count++)
        ok = read_key(&in, &ring.keys[ring.count]);
    struct span rest = cur_rest(&in);
    if (!ok || !bytes_are_zero(rest.at, rest.len) || !keyring_is_sound(&ring))
        return REFUSE(trail, REASON_KEYRING_FORMAT);
    *out = ring;
    return RC_SUCCESS;
}

struct span keyring_private(struct span plain, const struct keyring *keyring, size_t n)
{
    if (plain.len != KEYRING_LEN || n >= keyring->count || !keyring_has_private(&keyring->keys[n]))
        return (struct span){ 0 };
    return span_of(&plain.at[HEAD + n * KEYRING_RECORD + PRIVATE_AT], KEY_PRIVATE);
}
