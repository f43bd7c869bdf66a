/* ed25519.h - Ed25519 signatures (RFC 8032, 5.1).

   A signature is 64 bytes, a public key 32, a seed (what RFC 8032 calls the private key) 32.
   Signing is the same every time and draws no randomness.

   Verifying is strict: refused are a public key or an R of small order, a public key that is
   not in its canonical form, an S not below the group order, and any other length.  Two
   verifiers with this rule never disagree about a signature that an honest key made. */
#ifndef WARD_CRYPTO_ED25519_H
#define WARD_CRYPTO_ED25519_H

#include "base/result.h"
#include "base/span.h"

enum { ED25519_SEED = 32, ED25519_PUBLIC = 32, ED25519_SIGNATURE = 64 };

/* The seed and its public key together: a signature made with the public key of another seed
   would give the seed away, so nobody can pass the two apart.  Wiped by its owner. */
struct ed25519_secret {
    uint8_t bytes[ED25519_SEED + ED25519_PUBLIC];
};

void ed25519_secret_of_seed(const uint8_t seed[ED25519_SEED], struct ed25519_secret *out);
void ed25519_secret_public(const struct ed25519_secret *secret, uint8_t out[ED25519_PUBLIC]);

void ed25519_sign(const struct ed25519_secret *secret, struct span message,
                  uint8_t out[ED25519_SIGNATURE]);

MUST_USE
bool ed25519_verify(struct span public_key, struct span message, struct span signature);

/* ed25519_public_is_good: a key whose signatures can be good: canonical, on the curve, of the large
   order. */
MUST_USE
bool ed25519_public_is_good(struct span public_key);

#endif
