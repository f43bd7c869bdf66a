/* malformed.h - the slowest of many malformed copies of good evidence, against the good one.
   Copies are cut off, or have one bit changed, all over. */
#ifndef WARD_BENCH_MALFORMED_H
#define WARD_BENCH_MALFORMED_H

#include "bench.h"
#include "evidence.h"

extern const enum evidence_name malformed_tdx, malformed_nitro; /* what `arg` points to */

void *malformed_begin(const void *arg);
bool malformed_run(void *state);
void malformed_end(void *state);

extern const struct bench_work limit_wellformed;

#define MALFORMED                                                                                  \
    {                                                                                              \
        "the slowest refusal", malformed_begin, malformed_run, malformed_end                       \
    }

#endif
