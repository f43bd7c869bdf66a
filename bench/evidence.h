/* evidence.h - what the verify suite judges: genuine evidence of Intel and AWS where the folder
   WARD_VECTORS (default ../shared/vectors) has it, else what src/sim makes in the same
   formats.  Each kind is chosen for itself. */
#ifndef WARD_BENCH_EVIDENCE_H
#define WARD_BENCH_EVIDENCE_H

#include "base/span.h"
#include "ward/verify.h"

enum evidence_name { BENCH_TDX = 0, BENCH_SGX, BENCH_NITRO, BENCH_EVIDENCE_COUNT };

enum { EVIDENCE_FILES = 6 };

struct evidence {
    bool genuine;
    struct ward_bytes bytes;
    struct ward_bytes files[EVIDENCE_FILES]; /* its collateral, as a folder would hold it */
    size_t file_count;
    struct ward_policy *policy; /* lets it pass */
    int64_t time;               /* at which it is judged */
};

/* evidence_find makes it at the first call; NULL when it cannot be had.  For one thread; what
   it gives is only read afterwards and lives as long as the program. */
const struct evidence *evidence_find(enum evidence_name name);

/* evidence_log gives an event log, CCEL or dstack; empty when it cannot be had. */
struct span evidence_log(bool dstack, bool *genuine);

/* evidence_snapshot makes the snapshot of its collateral; NULL on failure. */
struct ward_collateral *evidence_snapshot(const struct evidence *evidence);

/* evidence_request fills in what is asked of these bytes, which may be a changed copy. */
struct ward_request evidence_request(const struct evidence *evidence, struct ward_bytes bytes,
                                     const struct ward_collateral *collateral);

#endif
