/* signed.h - what core does of a request that is signed for a session, and what it cannot do
   without. */
#ifndef WARD_BENCH_SIGNED_H
#define WARD_BENCH_SIGNED_H

#include "bench.h"

void *signed_begin(const void *arg);
bool signed_run(void *state);
void signed_end(void *state);

extern const struct bench_work limit_ed25519_verify;

#endif
