/* ward/seal.h - bytes that only the holder of an Ed25519 key can read, and a credential that goes
   from such a box into a workload's environment and nowhere else.

   A box is libsodium's crypto_box_seal for the X25519 key that goes with the Ed25519 key: PyNaCl's
   SealedBox, and `ward seal`, make the same.  Who sealed it is not known and not proven: it is as
   trustworthy as the way on which the public key came. */
#ifndef WARD_SEAL_H
#define WARD_SEAL_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WARD_SEAL_SEED = 32, /* bytes of a secret key (RFC 8032: the private key) */
    WARD_SEAL_KEY = 32,  /* bytes of a public key */
    WARD_SEAL_EXTRA = 48 /* a box is longer than what it holds by so many */
};

/* ward_seal_key gives the public key of a seed, which is 32 random bytes of the caller's. */
WARD_API void ward_seal_key(const uint8_t seed[WARD_SEAL_SEED], uint8_t key[WARD_SEAL_KEY]);

/* ward_seal writes plain.len + WARD_SEAL_EXTRA bytes to box, not over the plain ones.
   WARD_BAD_INPUT with SEAL_KEY_UNUSABLE for a key of small order or one that is none, and without a
   reason for a length that has no address. */
WARD_API WARD_MUST_USE enum ward_outcome ward_seal(const uint8_t key[WARD_SEAL_KEY],
                                                   struct ward_bytes plain, uint8_t *box,
                                                   struct ward_error *error);

/* ward_unseal writes box.len - WARD_SEAL_EXTRA bytes to plain, not over the box; the caller wipes
   them.  WARD_BAD_INPUT with SEAL_NOT_OPENED when it is for another key, or was cut or changed. */
WARD_API WARD_MUST_USE enum ward_outcome ward_unseal(const uint8_t seed[WARD_SEAL_SEED],
                                                     struct ward_bytes box, uint8_t *plain,
                                                     struct ward_error *error);

/* A credential in memory of its own: locked, between pages that nobody may touch, left out of core
   dumps, zero in a forked child, without any access except for the length of a call here. */
struct ward_credential;

enum { WARD_CREDENTIAL_MAX = 4096 }; /* bytes of a credential */

/* ward_credential_open opens a box that holds a DSN as it is, or JSON {"dsn": ".."}, as the value
   of the environment's `name` (capital letters, digits, underscores).  WARD_BAD_INPUT with
   SEAL_NOT_OPENED or SEAL_CREDENTIAL_UNUSABLE; no message holds any of it.  The caller frees it,
   and wipes the seed. */
WARD_API WARD_MUST_USE enum ward_outcome ward_credential_open(const uint8_t seed[WARD_SEAL_SEED],
                                                              struct ward_bytes box,
                                                              const char *name,
                                                              struct ward_credential **out,
                                                              struct ward_error *error);

/* ward_credential_exec becomes the program at `path` (execve(2)), with the environment that is
   given and NAME=credential in it, instead of any other value of that name.  It does not come back
   unless it fails.  A child that is to become the program forks first and opens the box itself. The
   program can leave no core, because that would hold its environment: RLIMIT_CORE is 1 from here
   on, which no kernel writes, be it to a file or to a program.  Where it may not be more than 0, it
   is 0: a core goes to no file, and a program that takes cores is told so and has to heed it. */
WARD_API WARD_MUST_USE enum ward_outcome ward_credential_exec(struct ward_credential *credential,
                                                              const char *path,
                                                              char *const arguments[],
                                                              char *const environment[],
                                                              struct ward_error *error);

/* ward_credential_free wipes it; NULL is allowed. */
WARD_API void ward_credential_free(struct ward_credential **credential);

#ifdef __cplusplus
}
#endif
#endif
