/* run.h - `ward run`: one job in a sandbox, here and now.  Its parts, for the program that runs
   jobs and for the one that has every command. */
#ifndef WARD_CMD_RUN_H
#define WARD_CMD_RUN_H

#include "cmd/command.h"
#include "cmd/run_result.h"
#include "cmd/settings_load.h"

enum run_option {
    OPT_IMAGES = SETTINGS_OPTION_COUNT,
    OPT_JOB,
    OPT_OUTPUT,
    OPT_RUNTIME,
    OPT_RESULT,
    OPT_LEARN,
    OPT_VMM,
    OPT_VMM_IMAGE,
    OPT_VMM_REPOSITORY,
    OPT_VMM_PORT,
    OPT_VMM_RESTRICTED,
    OPT_VMM_CA,
    OPT_ID,
    OPT_TELL,
    OPT_MEASURE,
    OPT_SO_FAR,
    OPT_REFUSED,
    OPT_JSON,
    RUN_OPTION_COUNT,
};

/* What both programs say of its words. */
#define RUN_WORDS                                                                                  \
    .name = "run", .operands = "SPEC [ARGUMENTS...]", .operands_min = 1,                           \
    .operands_max = OPERANDS_MAX, .options = run_options, .option_count = RUN_OPTION_COUNT

extern const struct option_spec run_options[RUN_OPTION_COUNT];

/* run_options_fit: they go together; if not, that is said. */
MUST_USE
bool run_options_fit(const struct invocation *in);

/* run_read_spec reads the first operand, and run_read_arguments the others.  On failure they have
   said what is wrong. */
MUST_USE
bool run_read_spec(struct invocation *in, struct job_spec *spec, struct run_result *result);
MUST_USE
bool run_read_arguments(struct invocation *in, struct span_list *out);

/* run_job is the command, but for jobs that run in machines elsewhere (--vmm). */
enum exit_code run_job(struct invocation *in);

#endif
