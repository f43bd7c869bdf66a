/* run_remote.h - `ward run --vmm`: how a dstack VMM is spoken to, and what may be said of one. */
#ifndef WARD_CMD_RUN_REMOTE_H
#define WARD_CMD_RUN_REMOTE_H

#include "cmd/command.h"
#include "cmd/run_result.h"

/* What is said on the command line; NULL where it is not. */
struct run_remote {
    const char *url, *ca, *image, *repository, *port;
    bool restricted;
};

/* run_remote_job runs it there; EXIT_DONE, or what is wrong with the words. */
enum exit_code run_remote_job(struct invocation *in, const struct run_remote *words,
                              const struct job_spec *spec, struct span_list arguments,
                              struct run_result *result);

#endif
