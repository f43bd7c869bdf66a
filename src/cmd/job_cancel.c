/* job_cancel.c - `ward job cancel`: a job is not wanted any more. */
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
    char body[64];
    struct job_asked asked;
    struct api_job job;
    enum exit_code code = job_asked_begin(in, &asked);
    if (code != EXIT_DONE)
        return code;
    int len = snprintf(body, sizeof body, "{\"job_id\":\"%s\"}", asked.id);
    const struct owner_request request = { .state = asked.loaded.config.settings.state,
                                           .method = "POST",
                                           .target = "/v1/job/cancel",
                                           .body = span_of(body, (size_t)len),
                                           .timeout_ms = JOB_ASK_MS };
    code = house_ask(in, &request, &api_job, &job, &asked.reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&asked.reply);
    printf("%s is %s\n", asked.id, job_has_ended(&job) ? "cancelled" : "told to end");
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_job_cancel = {
    .name = "job cancel",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "take a job out of the queue, or end it",
    .description =
        "A job that waits is taken out of the queue.  One that runs is told to end: its\n"
        "first process gets SIGTERM and a second later all that is left of it is\n"
        "killed; nothing of what it left in /output is taken over.  The security log\n"
        "has the wish before it is carried out.",
    .example = "ward job cancel 5f71e5b109c49be951c809e3b84e838f",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "job.json#/$defs/job",
    .asks = true,
    .run = run,
};
