/* logs.h - replaying event logs, against the hashes alone that a replay must make. */
#ifndef WARD_BENCH_LOGS_H
#define WARD_BENCH_LOGS_H

#include "bench.h"

extern const bool log_ccel, log_dstack; /* what `arg` points to */

void *log_begin(const void *arg);
bool log_run(void *state);
void log_end(void *state);

/* The limit: SHA-384 of every digest and register, and of all data that an event's digest is
   recomputed from, by OpenSSL's block functions over bytes that lie ready. */
extern const struct bench_work limit_replay;

#define REPLAY                                                                                     \
    {                                                                                              \
        "eventlog_verify", log_begin, log_run, log_end                                             \
    }

#endif
