/* house_ipc.h - two ends of a channel at work: a thread that lives the life of every process of
   the house (house_serve), and the same packets over a bare socketpair. */
#ifndef WARD_BENCH_HOUSE_IPC_H
#define WARD_BENCH_HOUSE_IPC_H

#include "bench.h"

enum {
    IPC_BODY = 64,    /* bytes of a message */
    IPC_BATCH = 1024, /* messages that go out together */
};

/* The parts of a bench_work, and its limit.  The arg of both is an unsigned: how many messages
   go to the other thread and come back in one run. */
void *ipc_house_begin(const void *arg);
bool ipc_house_run(void *state);
void ipc_house_end(void *state);
extern const struct bench_work ipc_bare;

#endif
