/* job_why.c - `ward job why`: why a job waits, or how it came to its end, and what it was refused.
 */
#include <stdio.h>

#include "base/number.h"
#include "cmd/job.h"
#include "codec/json.h"

enum { OPT_JSON = SETTINGS_OPTION_COUNT, TEXT = 4096 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* What is no text in it is none. */
static struct span text_of(const struct json *json, uint32_t object, const char *name,
                           struct arena *arena)
{
    uint8_t *room = arena_room(arena, TEXT);
    struct sink text = sink_over(room, room == NULL ? 0 : TEXT);
    const uint32_t node = json_member(json, object, name);
    bool is_text = node != JSON_NONE && json_string_copy(json, node, &text);
    return is_text && sink_ok(&text) ? sink_bytes(&text) : (struct span){ 0 };
}

static void print_refusal(const struct json *json, uint32_t refusal, struct arena *arena)
{
    uint64_t count = 0;
    const uint32_t node = json_member(json, refusal, "count");
    job_print_text("refused", text_of(json, refusal, "words", arena));
    job_print_text("  rule", text_of(json, refusal, "rule", arena));
    if (node != JSON_NONE && json_u64(json, node, UINT64_MAX, &count))
        printf("%-13s%llu times\n", "", (unsigned long long)count);
    job_print_text("  change", text_of(json, refusal, "change", arena));
}

static void print_limits(const struct json *json, uint32_t report)
{
    static const char *const names[] = { "memory", "cpu_cores", "execution_s", "output", "disk" };
    const uint32_t limits = json_member(json, report, "limits");
    for (size_t i = 0; limits != JSON_NONE && i < COUNT_OF(names); i++) {
        uint64_t value = 0;
        const uint32_t node = json_member(json, limits, names[i]);
        if (node != JSON_NONE && json_u64(json, node, UINT64_MAX, &value))
            printf("%-13s%s %llu\n", i == 0 ? "limits" : "", names[i], (unsigned long long)value);
    }
}

/* The object of `ward run --json`, which is as long as what the job left. */
static void print_report(struct invocation *in, struct span text)
{
    static const struct json_limits most = { .depth = 16, .nodes = 20000 };
    struct json_error error;
    struct json report;
    if (text.len == 0)
        return;
    if (!json_parse(text, &in->arena, &most, &report, &error)) {
        note(in, "job why: its report cannot be read; STATE/jobs has it");
        return;
    }
    job_print_text("detail", text_of(&report, 0, "detail", &in->arena));
    print_limits(&report, 0);
    const uint32_t refusals = json_member(&report, 0, "refusals");
    if (refusals == JSON_NONE)
        return;
    for (uint32_t n = json_first(&report, refusals); n != JSON_NONE; n = json_next(&report, n))
        print_refusal(&report, n, &in->arena);
}

static enum exit_code run(struct invocation *in)
{
    struct job_asked asked;
    struct api_jobs_why_response why;
    enum exit_code code = job_asked_begin(in, &asked);
    if (code == EXIT_DONE)
        code = job_ask(in, &asked, "/why", &api_jobs_why_response, &why);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&asked.reply);
    job_print_text("state", why.state);
    job_print_text("reason", why.reason);
    job_print_text("why", why.words);
    job_print_text("what to do", why.help);
    print_report(in, why.report);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_job_why = {
    .name = "job why",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "say why a job waits, or how it came to its end",
    .description =
        "Says why the job is as it is and what can be done about it.  Of one that has ended, or\n"
        "runs and was refused something, also the limits as they are on this machine, and\n"
        "everything that it was refused (hosts, calls, denied paths) and the limit that ended it:\n"
        "what it was, by which rule, how often, and where there is one the change of the\n"
        "specification that would allow it.",
    .example = "ward job why 5f71e5b109c49be951c809e3b84e838f",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "job.json#/$defs/why",
    .asks = true,
    .run = run,
};
