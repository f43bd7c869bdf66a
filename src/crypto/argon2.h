/* argon2.h - keys from passphrases (Argon2id, RFC 9106, version 1.3, one lane).

   Costs time and memory on purpose; both are the caller's parameters and are kept beside what
   the key seals.  Takes its memory from libsodium's mmap, so a jailed process derives before
   it is jailed. */
#ifndef WARD_CRYPTO_ARGON2_H
#define WARD_CRYPTO_ARGON2_H

#include "base/result.h"
#include "base/span.h"

enum { ARGON2_SALT = 16, ARGON2_OUT_MIN = 16, ARGON2_OUT_MAX = 64 };

/* What is accepted.  The upper bounds are there because parameters arrive in files of others:
   no file may ask for all memory, or for a minute.  The lower ones keep a file from asking
   for no cost at all. */
enum {
    ARGON2_MEMORY_KIB_MIN = 8 * 1024,
    ARGON2_MEMORY_KIB_MAX = 1024 * 1024,
    ARGON2_PASSES_MIN = 1,
    ARGON2_PASSES_MAX = 16,
    ARGON2_PASSPHRASE_MAX = 1024
};

struct argon2_cost {
    uint32_t memory_kib;
    uint32_t passes;
};

/* argon2_cost_is_good: within the bounds above. */
bool argon2_cost_is_good(struct argon2_cost cost);

/* argon2id derives len bytes.  False, and out untouched, for a cost, a salt, a length or a
   passphrase outside the bounds (an empty passphrase is refused), or without memory. */
MUST_USE
bool argon2id(struct argon2_cost cost, struct span passphrase, struct span salt, uint8_t *out,
              size_t len);

#endif
