/* job_top.c - `ward job top`: what runs on a node now. */
#include <stdio.h>

#include "base/number.h"
#include "cmd/job.h"
#include "job/size.h"

enum { OPT_JSON = SETTINGS_OPTION_COUNT, LINE = 512, SIZE = 32 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static const char *size_text(char room[SIZE], uint64_t size)
{
    struct sink text = sink_over(room, SIZE - 1);
    job_size_write(&text, size);
    sink_terminate(&text);
    return room;
}

/* In whole MiB: a job's own figure is of pages. */
static uint64_t mib(uint64_t bytes)
{
    return bytes >> 20 << 20;
}

static void print_node(const struct api_node *node)
{
    char a[SIZE], b[SIZE], c[SIZE], d[SIZE];
    printf("%s: %u jobs run, %u wait\n", node->runs ? "jobs are begun" : "no job is begun here",
           node->running, node->queued);
    printf("reserved: %u of %u vcpu, %s of %s of memory, %s of %s of disk\n", node->vcpu_reserved,
           node->vcpu, size_text(a, mib(node->memory_reserved)), size_text(b, mib(node->memory)),
           size_text(c, mib(node->disk_reserved)), size_text(d, mib(node->disk)));
}

static void print_job(const struct api_job *job)
{
    char bytes[LINE], peak[SIZE];
    struct sink row = sink_over(bytes, sizeof bytes - 1);
    sink_format(&row, "%-32.*s %10llu.%02llu s %12s  %.*s", (int)job->job_id.len,
                (const char *)job->job_id.at, (unsigned long long)(job->cpu_us / 1000000),
                (unsigned long long)(job->cpu_us / 10000 % 100),
                size_text(peak, job->memory_peak >> 10 << 10), (int)job->name.len,
                (const char *)job->name.at);
    sink_terminate(&row);
    print_safe(stdout, bytes);
    putchar('\n');
}

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_jobs_top_response top;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    const struct owner_request request = { .state = loaded.config.settings.state,
                                           .method = "GET",
                                           .target = "/v1/node",
                                           .timeout_ms = JOB_ASK_MS };
    code = house_ask(in, &request, &api_jobs_top_response, &top, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    const struct api_node *nodes = top.nodes.items;
    const struct api_job *jobs = top.jobs.items;
    for (size_t i = 0; i < top.nodes.count; i++)
        print_node(&nodes[i]);
    if (top.jobs.count > 0)
        printf("%-32s %15s %12s  %s\n", "ID", "PROCESSORS", "MEMORY", "NAME");
    for (size_t i = 0; i < top.jobs.count; i++)
        print_job(&jobs[i]);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_job_top = {
    .name = "job top",
    .operands = "",
    .summary = "show what this node has for jobs, and what they use",
    .description =
        "Prints what there is for jobs and what of it is reserved, and of each job that\n"
        "runs the processor time so far and the most memory that it had at once, as the\n"
        "kernel counts them for its control group.",
    .example = "ward job top",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "job.json#/$defs/top",
    .asks = true,
    .run = run,
};
