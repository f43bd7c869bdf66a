/* memory.h - how much stack and heap judging takes at most.  Each function is a `measure` of
   bench.h, in bytes. */
#ifndef WARD_BENCH_MEMORY_H
#define WARD_BENCH_MEMORY_H

#include <stdbool.h>

/* The deepest stack of any judgement of the suite, snapshots, logs and refusals included;
   limit 64 KiB. */
bool memory_stack(double *value, double *limit);

/* The most heap that one judgement of evidence holds beyond what was there before; limit: its
   input, and what one bare verification of OpenSSL takes. */
bool memory_heap_quote(double *value, double *limit);

/* The same for a dstack log, whose values become nodes of a tree. */
bool memory_heap_log(double *value, double *limit);

/* What a thousand judgements, good and malformed, leave on the heap: nothing.  Limit: one of
   the inputs. */
bool memory_growth(double *value, double *limit);

#endif
