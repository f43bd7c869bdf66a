/* pki_maker.h - keys by name, for the makers of test certificates. */
#ifndef WARD_TESTS_ATTEST_PKI_MAKER_H
#define WARD_TESTS_ATTEST_PKI_MAKER_H

#include "attest/nitro_maker.h"

/* maker_point writes the public key of a name, 65 or 97 bytes; maker_sign signs a digest with
   it, 64 or 96 bytes. */
void maker_point(const char *key, enum curve curve, uint8_t *point);
void maker_sign(const char *key, enum curve curve, const uint8_t *digest, uint8_t *raw);

#endif
