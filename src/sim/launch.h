/* launch.h - what a sandbox of Ward's begins with, as a TD measures it: registers and the event log
   that explains them (docs/wire.md).  Whoever knows the parts works both out; tee does for a
   sandbox that was launched, and `ward measure` for one that is still to be. */
#ifndef WARD_SIM_LAUNCH_H
#define WARD_SIM_LAUNCH_H

#include "sim/sim.h"

enum {
    SIM_LAUNCH_HASH = 32,      /* SHA-256 */
    SIM_LAUNCH_JOB = 16,       /* bytes of a job's id */
    SIM_LAUNCH_LINE_MAX = 256, /* of a kernel's command line */
    SIM_LAUNCH_LOG_MAX = 4096, /* of a log */
};

struct sim_launch {
    bool machine;                       /* a virtual machine; else a container */
    uint8_t spec[SIM_LAUNCH_HASH];      /* of the specification's file */
    uint8_t image[SIM_LAUNCH_HASH];     /* of the image's manifest: its digest */
    uint8_t arguments[SIM_LAUNCH_HASH]; /* sim_launch_arguments */
    bool folder;                        /* the job has a folder, which nobody measures */
    bool has_job;                       /* and is this one */
    uint8_t job[SIM_LAUNCH_JOB];
    uint8_t kernel[SIM_LAUNCH_HASH], initramfs[SIM_LAUNCH_HASH]; /* of a machine, */
    struct span command_line;                                    /* and so its kernel's */
};

/* sim_launch_arguments hashes what follows the specification's command: each with its length
   before it, so that two lists are never one. */
void sim_launch_arguments(struct span_list arguments, uint8_t out[SIM_LAUNCH_HASH]);

/* sim_launch_log makes its events, which view the launch. */
void sim_launch_log(const struct sim_launch *launch, struct sim_log_spec *out);

/* sim_launch_measure: MRTD is the same of all, for there is no firmware to measure. */
void sim_launch_measure(const struct sim_launch *launch, uint8_t mrtd[48], uint8_t rtmr[4][48]);

#endif
