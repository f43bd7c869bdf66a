/* run_measure.h - what a job's sandbox begins with, measured by the tee of the house whose runner
   has begun this `ward run`. */
#ifndef WARD_CMD_RUN_MEASURE_H
#define WARD_CMD_RUN_MEASURE_H

#include "proc/messages.h"
#include "sandbox/sandbox.h"

struct run_measure {
    int house;          /* where the runner listens (proc/runner/measure.c); -1: nobody measures */
    const char *spec;   /* the file of the specification */
    struct span ticket; /* what came back; views room */
    uint8_t room[LAUNCH_TICKET_MAX + 8];
};

/* run_measure_launch is a sandbox_measure_fn; `arg` is the run_measure. */
enum reason run_measure_launch(void *arg, const struct sandbox_launch *launch,
                               char what[SANDBOX_WHAT / 2]);

#endif
