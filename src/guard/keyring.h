/* keyring.h - every long-term key of an installation, as the keeper keeps them.

   Two views of one thing.  The *plaintext* holds private parts: KEYRING_LEN bytes, always the
   same length, that lie in guarded pages and nowhere else.  The *index* (struct keyring) is
   what may be shown: it knows of each private part only where it lies in the plaintext.

   A retired key stays in the ring with its public part, so that what it signed can be verified
   for ever; its private part is gone.  A MAC key has no public part: it goes through a time in
   which it only checks. */
#ifndef WARD_GUARD_KEYRING_H
#define WARD_GUARD_KEYRING_H

#include "base/sink.h"
#include "model/key.h"
#include "model/reason.h"

enum {
    KEYRING_KEYS_MAX = 64,
    KEYRING_RECORD = 136,
    KEYRING_LEN = 16 + KEYRING_KEYS_MAX * KEYRING_RECORD
};

struct keyring_key {
    enum key_role role;
    enum key_kind kind;
    enum key_state state;
    uint8_t id[KEY_ID];
    int64_t created;                     /* seconds since 1970 */
    int64_t retired;                     /* when it stopped signing; 0 while it signs */
    uint8_t public_part[KEY_PUBLIC_MAX]; /* key_public_len(kind) bytes, then zeros */
};

struct keyring {
    size_t count;
    struct keyring_key keys[KEYRING_KEYS_MAX];
};

/* keyring_is_sound: ids are unique and not zero; each key is of its role's kind and in a state
   that the kind has; it has a date of retirement exactly when it does not sign; and of each
   role but TLS (one a listener) at most one key signs. */
bool keyring_is_sound(const struct keyring *keyring);

/* keyring_has_private: whether a key of this state has a private part in the plaintext. */
bool keyring_has_private(const struct keyring_key *key);

/* keyring_make_key makes the entry of a new key from KEY_PRIVATE random bytes: its public part,
   and an id that is a hash of it.  False when these bytes are no private key of the role's kind
   (P-256: one draw in 2^32): draw again. */
MUST_USE
bool keyring_make_key(enum key_role role, struct span private_part, int64_t now,
                      struct keyring_key *out);

/* keyring_find: by id; keyring_active: the one that signs, the newest when there are several.
   NULL when there is none. */
const struct keyring_key *keyring_find(const struct keyring *keyring, struct span id);
const struct keyring_key *keyring_active(const struct keyring *keyring, enum key_role role);

/* keyring_add appends a key.  KEYRING_FULL; KEYRING_FORMAT when the ring would not be sound. */
MUST_USE
rc keyring_add(struct trail *trail, struct keyring *keyring, const struct keyring_key *key);

/* keyring_retire ends a key's signing: a MAC key still checks after it, and is retired by a
   second call.  KEYRING_NO_SUCH_KEY when there is none of this id, or it is retired. */
MUST_USE
rc keyring_retire(struct trail *trail, struct keyring *keyring, struct span id, int64_t now);

/* keyring_forget takes a retired key out of the ring: what it signed can no longer be verified
   from here.  KEYRING_NO_SUCH_KEY when there is none of this id that is retired. */
MUST_USE
rc keyring_forget(struct trail *trail, struct keyring *keyring, struct span id);

/* keyring_rotate is both: `key` signs from now on, and every active key of its role (of role
   TLS: the one with the id `old`) no longer.  Nothing is changed on failure. */
MUST_USE
rc keyring_rotate(struct trail *trail, struct keyring *keyring, const struct keyring_key *key,
                  struct span old);

/* Who has the private parts writes one: KEY_PRIVATE bytes at `at`. */
typedef rc keyring_private_fn(const struct keyring_key *key, uint8_t *at, void *arg);

/* keyring_write writes the plaintext, KEYRING_LEN bytes, asking for the private part of each
   key that has one.  What `give` returns when it fails is returned, and the bytes are wiped. */
MUST_USE
rc keyring_write(struct trail *trail, const struct keyring *keyring, keyring_private_fn *give,
                 void *arg, uint8_t out[KEYRING_LEN]);

/* keyring_read makes the index of a plaintext.  KEYRING_FORMAT for what keyring_write does not
   write, whatever sealed it. */
MUST_USE
rc keyring_read(struct trail *trail, struct span plain, struct keyring *out);

/* keyring_private views the private part of the n-th key in the plaintext that the index was
   read from; empty when it has none. */
struct span keyring_private(struct span plain, const struct keyring *keyring, size_t n);

#endif
