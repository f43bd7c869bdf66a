/* job_list.c - `ward job list`: the jobs of a house. */
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/number.h"
#include "cmd/job.h"

enum { OPT_IN = SETTINGS_OPTION_COUNT, OPT_AFTER, OPT_JSON };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_IN] = { "--in", "STATE", "queued starting running ending done failed cancelled",
                 "only those in this state" },
    [OPT_AFTER] = { "--after", "N", NULL, "go on where an earlier list ended" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static enum exit_code run(struct invocation *in)
{
    char target[JOB_TARGET];
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_jobs_list_response list;
    uint64_t number = 0;
    const char *after = option_given(in, OPT_AFTER) ? in->values[OPT_AFTER] : "";
    const char *state = option_given(in, OPT_IN) ? in->values[OPT_IN] : "";
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (after[0] != 0 && !decimal_read(span_text(after), INT64_MAX, &number)) {
        say("job list: --after is the number that an earlier list named");
        return EXIT_USAGE;
    }
    snprintf(target, sizeof target, "/v1/jobs?after=%s&state=%s&limit=200", after, state);
    const struct owner_request request = { .state = loaded.config.settings.state,
                                           .method = "GET",
                                           .target = target,
                                           .timeout_ms = JOB_ASK_MS };
    code = house_ask(in, &request, &api_jobs_list_response, &list, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (list.next.len > 0)
        note(in, "more follow: --after %.*s", (int)list.next.len, (const char *)list.next.at);
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    const struct api_job *jobs = list.jobs.items;
    if (list.jobs.count > 0)
        job_print_head();
    else
        note(in, "there is no job");
    for (size_t i = 0; i < list.jobs.count; i++)
        job_print_row(&jobs[i]);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_job_list = {
    .name = "job list",
    .operands = "",
    .summary = "show the jobs of a house",
    .description =
        "Prints the jobs that wait, run, and have ended, in the order in which they were\n"
        "submitted.  Of those that have ended as many are kept, and for as long, as [jobs] of\n"
        "ward.toml(5) says; then their results and logs go, too.",
    .example = "ward job list --in queued",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "job.json#/$defs/list",
    .asks = true,
    .run = run,
};
