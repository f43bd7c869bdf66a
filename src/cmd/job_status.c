/* job_status.c - `ward job status`: how one job is. */
#include <stdio.h>

#include "base/number.h"
#include "cmd/job.h"

enum { OPT_JSON = SETTINGS_OPTION_COUNT };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static enum exit_code run(struct invocation *in)
{
    struct job_asked asked;
    struct api_job job;
    enum exit_code code = job_asked_begin(in, &asked);
    if (code == EXIT_DONE)
        code = job_ask(in, &asked, "", &api_job, &job);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&asked.reply);
    job_print(&job);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_job_status = {
    .name = "job status",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "show how a job is",
    .description = "Prints what the house knows of a job: its state, its times, how it ended and\n"
                   "what it used.  The exit code is 0 however the job fared: `ward job why` says\n"
                   "more of one that failed.",
    .example = "ward job status 5f71e5b109c49be951c809e3b84e838f",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "job.json#/$defs/job",
    .asks = true,
    .run = run,
};
