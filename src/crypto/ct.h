/* ct.h - what secrets are compared and wiped with. */
#ifndef WARD_CRYPTO_CT_H
#define WARD_CRYPTO_CT_H

#include "base/result.h"

#include <stddef.h>

/* ct_equal tells whether two arrays of len bytes are equal, in a time that depends on len
   alone.  True for len 0. */
MUST_USE
bool ct_equal(const void *a, const void *b, size_t len);

/* ct_wipe zeroes len bytes; the compiler may not leave it out. */
void ct_wipe(void *at, size_t len);

#endif
