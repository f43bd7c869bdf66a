/* job_logs.c - `ward job logs`: what a job has said. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/job.h"
#include "sandbox/stream.h"

enum {
    OPT_FOLLOW = SETTINGS_OPTION_COUNT,
    OPT_JSON,
    AGAIN_MS = 300, /* between two looks at a job that says nothing */
    PART_MEMORY = 8 << 20,
    CARRY = 3, /* bytes of a character whose end is not there yet */
};

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_FOLLOW] = { "--follow", NULL, NULL, "wait for more until the job has ended" },
    [OPT_JSON] = { "--json", NULL, NULL,
                   "print one JSON object: the first part, in base64; not with --follow" },
};

/* On a terminal without what would move its cursor; elsewhere as it came. */
struct showing {
    bool terminal;
    uint8_t carried[CARRY];
    size_t carried_len;
};

static bool show_text(struct showing *showing, struct span text, bool last, struct arena *arena)
{
    const size_t len = showing->carried_len + text.len;
    uint8_t *whole = arena_room(arena, len + 1), *room = arena_room(arena, 4 * len + 1);
    if (whole == NULL || room == NULL)
        return false;
    memcpy(whole, showing->carried, showing->carried_len);
    if (text.len > 0)
        memcpy(whole + showing->carried_len, text.at, text.len);
    struct sink out = sink_over(room, 4 * len + 1);
    const size_t took = stream_show(&out, span_of(whole, len), last);
    showing->carried_len = len - took;
    memcpy(showing->carried, whole + took, len - took);
    return fwrite(out.at, 1, out.len, stdout) == out.len;
}

static bool show(struct showing *showing, struct span text, bool last, struct arena *arena)
{
    bool shown = showing->terminal ? show_text(showing, text, last, arena)
                                   : fwrite(text.at, 1, text.len, stdout) == text.len;
    return shown && fflush(stdout) == 0;
}

/* One part; *over: there is nothing more to wait for. */
static enum exit_code show_part(struct invocation *in, struct job_asked *asked,
                                struct showing *showing, uint64_t *offset, bool *over)
{
    char target[64];
    struct api_jobs_logs_response part;
    snprintf(target, sizeof target, "/logs?offset=%llu", (unsigned long long)*offset);
    enum exit_code code = job_ask(in, asked, target, &api_jobs_logs_response, &part);
    *over = true;
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    const bool more = part.data.len > 0;
    *over = part.ended || (!more && !option_given(in, OPT_FOLLOW));
    *offset = part.next;
    if (!show(showing, part.data, *over, &in->arena))
        return EXIT_INTERNAL;
    if (!more && !*over)
        (void)poll(NULL, 0, AGAIN_MS);
    return EXIT_DONE;
}

/* Each part has memory of its own: there may be many. */
static enum exit_code show_all(struct invocation *in, struct job_asked *asked)
{
    struct showing showing = { .terminal = isatty(STDOUT_FILENO) == 1 };
    const struct arena all = in->arena;
    enum exit_code code = EXIT_DONE;
    uint64_t offset = 0;
    for (bool over = false; !over && code == EXIT_DONE;) {
        arena_init(&in->arena, PART_MEMORY);
        code = show_part(in, asked, &showing, &offset, &over);
        arena_fini(&in->arena);
    }
    in->arena = all;
    return code;
}

static enum exit_code run(struct invocation *in)
{
    struct job_asked asked;
    struct api_jobs_logs_response part;
    enum exit_code code = job_asked_begin(in, &asked);
    if (code != EXIT_DONE)
        return code;
    if (option_given(in, OPT_JSON) && option_given(in, OPT_FOLLOW)) {
        say("job logs: --json prints one object, and --follow many parts");
        return EXIT_USAGE;
    }
    if (!option_given(in, OPT_JSON))
        return show_all(in, &asked);
    code = job_ask(in, &asked, "/logs", &api_jobs_logs_response, &part);
    return code != EXIT_DONE || shows_calls(in) ? code : house_print_json(&asked.reply);
}

const struct command command_job_logs = {
    .name = "job logs",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "show what a job has said",
    .description =
        "Prints what the job has said so far on both of its streams, and what `ward run` said of\n"
        "it: what it is refused (hosts, calls, denied paths) as it comes, the limit that ended\n"
        "it, and its end.  To a terminal it goes without what would move its cursor, elsewhere as\n"
        "it came.  With --follow it waits until the job has ended.  16 MiB\n"
        "of a job are kept; past that it is told that the log is cut.",
    .example = "ward job logs 5f71e5b109c49be951c809e3b84e838f --follow",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "job.json#/$defs/logs",
    .asks = true,
    .run = run,
};
