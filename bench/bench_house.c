/* bench_house.c - what the house adds to the machine: its channels to a bare socketpair, its
   log to a disk and SHA-256.  Cases that need a whole house that is up, and the programs it is
   held against, are in house.py; the figure of its case "complete" proves: EC-9 */
#include "base/number.h"
#include "bench.h"
#include "house_ipc.h"
#include "house_log.h"

static const unsigned one = 1;
static const unsigned batch = IPC_BATCH;

/* ipc_house and ipc_bare, as fields of a row. */
#define SERVED                                                                                     \
    {                                                                                              \
        "a channel to a served process", ipc_house_begin, ipc_house_run, ipc_house_end             \
    }
#define VERIFY_BYTES                                                                               \
    {                                                                                              \
        "audit_verify, bytes", log_begin, log_verify_bytes, log_end                                \
    }
#define VERIFY_RECORDS                                                                             \
    {                                                                                              \
        "audit_verify, records", log_begin, log_verify_records, log_end                            \
    }

static const struct bench cases[] = {
    { .name = "ipc-round-trip", .work = SERVED, .limit = &ipc_bare, .arg = &one, .helped = true },
    { .name = "ipc-batched",
      .work = SERVED,
      .limit = &ipc_bare,
      .arg = &batch,
      .helped = true,
      .amount = IPC_BATCH },
    { .name = "audit-durable", .measure = log_durable },
    { .name = "audit-durable-1024", .measure = log_durable_many },
    { .name = "audit-verify", .work = VERIFY_BYTES, .limit = &log_hashed, .amount = LOG_RECORDS },
    { .name = "audit-verify-records",
      .work = VERIFY_RECORDS,
      .limit = &log_hashed,
      .amount = LOG_RECORDS },
};

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, COUNT_OF(cases));
}
