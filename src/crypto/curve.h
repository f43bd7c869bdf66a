/* curve.h - the X25519 key that goes with an Ed25519 key: the same point, or the same scalar, in
   Montgomery's form (RFC 7748 4.1, u = (1 + y) / (1 - y)), as libsodium converts them.  So one
   published key both signs and is sealed to. */
#ifndef WARD_CRYPTO_CURVE_H
#define WARD_CRYPTO_CURVE_H

#include "crypto/ed25519.h"
#include "crypto/x25519.h"

/* curve_public: false, and *out untouched, for what is no point, no point of the large group, or
   not written in its canonical form. */
MUST_USE
bool curve_public(const uint8_t ed25519[ED25519_PUBLIC], uint8_t out[X25519_LEN]);

/* curve_secret of a seed; wiped by the caller. */
void curve_secret(const uint8_t seed[ED25519_SEED], uint8_t out[X25519_LEN]);

#endif
