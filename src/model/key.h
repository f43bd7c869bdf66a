/* key.h - what a long-term key is for, what it is made of, and where it is in its life.

   The numbers are written into the keeper's file: they are never given another meaning. */
#ifndef WARD_MODEL_KEY_H
#define WARD_MODEL_KEY_H

#include "base/result.h"
#include "base/sink.h"

enum key_role {
    KEY_ROLE_NONE = 0,
    KEY_ROLE_CA = 1,     /* signs certificates of this installation */
    KEY_ROLE_TLS = 2,    /* the key of a listener's certificate */
    KEY_ROLE_LOG = 3,    /* signs heads of the security log */
    KEY_ROLE_TOKEN = 4,  /* MACs of tokens */
    KEY_ROLE_NODE = 5,   /* says who this node is */
    KEY_ROLE_MINER = 6,  /* signs the tokens of miners */
    KEY_ROLE_RESULT = 7, /* signs the results of jobs */
    KEY_ROLE_COUNT
};

enum key_kind {
    KEY_KIND_NONE = 0,
    KEY_KIND_P256 = 1,    /* ECDSA on P-256 with SHA-256; 32 bytes, public 65 */
    KEY_KIND_ED25519 = 2, /* seed of 32 bytes, public 32 */
    KEY_KIND_HMAC = 3,    /* HMAC-SHA-256; 32 bytes, no public part */
    KEY_KIND_COUNT
};

enum key_state {
    KEY_STATE_NONE = 0,
    KEY_STATE_ACTIVE = 1,    /* signs */
    KEY_STATE_VERIFYING = 2, /* a MAC key that makes nothing new and still checks the old */
    KEY_STATE_RETIRED = 3,   /* the private part is gone; the public part verifies what it signed */
    KEY_STATE_COUNT
};

enum { KEY_ID = 16, KEY_PRIVATE = 32, KEY_PUBLIC_MAX = 65 };

/* Names for people, such as "tls", "p256", "active"; "unknown" for any other number. */
const char *key_role_name(enum key_role role);
const char *key_kind_name(enum key_kind kind);
const char *key_state_name(enum key_state state);

/* key_role_kind: the one kind that keys of this role have; KEY_KIND_NONE for no role. */
enum key_kind key_role_kind(enum key_role role);

/* key_public_len: bytes of the public part; 0 when there is none. */
size_t key_public_len(enum key_kind kind);

/* key_log_name appends the name of a security log, which follows from the id of its first key:
   two installations never have one name, and rotating the key does not change it. */
void key_log_name(struct sink *out, struct span first_key_id);

#endif
