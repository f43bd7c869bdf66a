/* size.h - amounts of memory and disk as people write them: 512M, 4G, or a bare number of
   whatever the key counts in.  K, M, G are 2^10, 2^20, 2^30 bytes in either case; nothing else
   is, so that nobody's 4T is taken for 4. */
#ifndef WARD_JOB_SIZE_H
#define WARD_JOB_SIZE_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

enum { JOB_KIB = 1 << 10, JOB_MIB = 1 << 20, JOB_GIB = 1 << 30 };

/* job_size_parse reads the whole span as bytes; `unit` is how many bytes a bare number counts.
   False for no digits, a sign, blanks, another letter, or more than 64 bits. */
MUST_USE
bool job_size_parse(struct span text, uint64_t unit, uint64_t *out);

/* job_size_units: how many units hold so many bytes, rounded up: a VMM that is told in whole GiB
   never gives less than was asked for. */
uint64_t job_size_units(uint64_t bytes, uint64_t unit);

/* job_size_write appends the largest unit that divides it: "4 GiB", "1536 MiB", "100 bytes". */
void job_size_write(struct sink *out, uint64_t bytes);

#endif
