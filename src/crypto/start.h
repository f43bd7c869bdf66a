/* start.h - makes libsodium choose the fastest code for this processor. */
#ifndef WARD_CRYPTO_START_H
#define WARD_CRYPTO_START_H

#include "base/result.h"

/* sodium_start is called once by a process, before it has threads and before it is jailed.
   Every face of this folder gives the same answers without it, only later.  False when
   libsodium cannot be used at all: the process must not go on.  May be called again. */
MUST_USE
bool sodium_start(void);

#endif
