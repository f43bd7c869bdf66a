/* identity.h - inside the program only: what a piece of evidence is of, in one digest.

   The identity is the same for every piece of evidence of one code under one configuration, on
   whatever machine and at whatever time: of a TD its MRTD, its configuration, owners and RTMRs,
   of an enclave its measurement, signer, product and security version, of a Nitro document its
   PCRs.  Simulated evidence has another identity than hardware's. */
#ifndef WARD_LIB_IDENTITY_H
#define WARD_LIB_IDENTITY_H

#include "crypto/hash.h"
#include "lib/objects.h"

enum { IDENTITY_LEN = SHA256_LEN };

/* identity_of gives the identity that verified claims have; false for what was not verified. */
MUST_USE
bool identity_of(const struct ward_result *result, uint8_t out[IDENTITY_LEN]);

/* identity_reason is why a judgement came out as it did. */
enum reason identity_reason(const struct ward_result *result);

#endif
