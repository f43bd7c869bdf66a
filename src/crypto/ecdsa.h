/* ecdsa.h - ECDSA signatures on P-256 (with SHA-256) and P-384 (with SHA-384): verifying.

   Wire forms.  A point is uncompressed, 0x04 || X || Y (SEC 1, 2.3.3), 65 or 97 bytes; a
   signature is r || s, big endian, both as long as a coordinate, 64 or 96 bytes (IEEE
   P1363); a digest is as long as a coordinate.  Everything else is refused: compressed and
   hybrid points, infinity, points off the curve, coordinates not below the field prime,
   r or s not in [1, n-1], any other length.  A high s is accepted: evidence has them.

   All functions answer false for every failure, also for lack of memory and for a NULL
   context or key: false is a refusal. */
#ifndef WARD_CRYPTO_ECDSA_H
#define WARD_CRYPTO_ECDSA_H

#include "base/result.h"
#include "base/span.h"
#include "crypto/crypto.h"

enum curve { CURVE_NONE = 0, CURVE_P256 = 1, CURVE_P384 };

enum {
    P256_COORD = 32,
    P384_COORD = 48,
    P256_POINT = 65,
    P384_POINT = 97,
    ECDSA_COORD_MAX = 48,
    ECDSA_POINT_MAX = 97,
    ECDSA_RAW_MAX = 96
};

/* curve_coord_len: 32 or 48; 0 for anything that is not a curve of this file. */
size_t curve_coord_len(enum curve curve);

/* ecdsa_point_is_valid: the wire form above, on the curve, not infinity.  (Both curves have
   cofactor 1, so there are no small subgroups to look for.) */
MUST_USE
bool ecdsa_point_is_valid(struct crypto *crypto, enum curve curve, struct span point);

/* ecdsa_verify imports the key (and so validates the point) and verifies, for a key that is
   used once.  digest: curve_coord_len bytes.  Nothing is kept. */
MUST_USE
bool ecdsa_verify(struct crypto *crypto, enum curve curve, struct span point, const uint8_t *digest,
                  struct span raw);

/* A key that is verified with again and again.  Immutable once made, so any number of
   threads may verify with it at the same time, without a lock. */
struct ecdsa_key;

/* ecdsa_key_new copies the point; NULL when it is not valid or there is no memory.  The key
   does not refer to the context and outlives it. */
struct ecdsa_key *ecdsa_key_new(struct crypto *crypto, enum curve curve, struct span point);
void ecdsa_key_free(struct ecdsa_key **key);

/* ecdsa_key_curve: CURVE_NONE for NULL. */
enum curve ecdsa_key_curve(const struct ecdsa_key *key);

MUST_USE
bool ecdsa_key_verify(const struct ecdsa_key *key, const uint8_t *digest, struct span raw);

#endif
