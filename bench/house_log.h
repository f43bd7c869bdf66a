/* house_log.h - the security log at work: the real ward-audit, which is told records over a
   channel and says when they are durable; and the judge of a whole log. */
#ifndef WARD_BENCH_HOUSE_LOG_H
#define WARD_BENCH_HOUSE_LOG_H

#include "bench.h"

/* Records a second that ward-audit has made durable and acknowledged; the limit hashes each of
   the same lines, writes them all and calls fdatasync once, in the same folder.  In groups of 64
   records; of 1024 (many).  A log that does not answer ends the program. */
bool log_durable(double *value, double *limit);
bool log_durable_many(double *value, double *limit);

/* A whole log held against its kept hashes and its head, as it stands (bytes) and with every
   record read again (records); the limit is the SHA-256 of its lines. */
void *log_begin(const void *arg);
bool log_verify_bytes(void *state);
bool log_verify_records(void *state);
void log_end(void *state);
extern const struct bench_work log_hashed;

enum { LOG_RECORDS = 1024 }; /* of that log */

#endif
