/* job_submit.c - `ward job submit`: a job for the queue of a house. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cmd/image.h"
#include "cmd/input.h"
#include "cmd/job.h"
#include "codec/json_write.h"
#include "job/spec.h"

enum {
    OPT_IMAGES = SETTINGS_OPTION_COUNT,
    OPT_JOB,
    OPT_JSON,
    BODY_ROOM = 128 << 10, /* as much as the house reads */
};

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_IMAGES] = IMAGE_FOLDER_OPTION,
    [OPT_JOB] = { "--job", "FOLDER", NULL, "what the job finds in /job, read-only" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* All that is wrong with it at once. */
static bool read_spec(struct invocation *in, struct span *out)
{
    struct ward_bytes bytes;
    struct job_spec spec;
    struct toml_problems *problems = arena_alloc(&in->arena, sizeof *problems);
    if (problems == NULL || !input_file(&in->arena, in->operands[0], JOB_SPEC_MAX, &bytes))
        return false;
    *out = span_of(bytes.data, bytes.len);
    if (job_spec_load(*out, &in->arena, &spec, problems))
        return true;
    for (size_t i = 0; i < problems->count && i < TOML_PROBLEMS_MAX; i++)
        say("job submit: %s:%u:%u: %s", bytes.name, problems->list[i].place.line,
            problems->list[i].place.column, problems->list[i].text);
    return false;
}

/* The job begins later, in another folder. */
static bool whole_path(const char *what, const char *given, char out[PATH_MAX])
{
    if (realpath(given, out) != NULL)
        return true;
    say("job submit: %s %s: %s", what, given, strerror(errno));
    return false;
}

static bool write_body(struct invocation *in, struct span spec, struct sink *out)
{
    char images[PATH_MAX], folder[PATH_MAX] = "";
    const char *job = in->values[OPT_JOB];
    struct json_writer json = json_write_to(out, 0);
    if (!whole_path("--images", image_folder(in, OPT_IMAGES), images) ||
        (job != NULL && !whole_path("--job", job, folder)))
        return false;
    json_begin_object(&json);
    json_put_key(&json, "spec");
    json_put_span(&json, spec);
    json_put_member(&json, "images", images);
    json_put_member(&json, "folder", folder);
    json_put_key(&json, "arguments");
    json_begin_array(&json);
    for (size_t i = 1; i < in->operand_count; i++)
        json_put_text(&json, in->operands[i]);
    json_end_array(&json);
    json_end_object(&json);
    if (json_write_ok(&json))
        return true;
    say("job submit: the specification and its arguments are too long for a queue");
    return false;
}

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_job job;
    struct span spec;
    uint8_t *room = arena_room(&in->arena, BODY_ROOM);
    struct sink body = sink_over(room, room == NULL ? 0 : BODY_ROOM);
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (!read_spec(in, &spec) || !write_body(in, spec, &body))
        return EXIT_USAGE;
    const struct owner_request request = { .state = loaded.config.settings.state,
                                           .method = "POST",
                                           .target = "/v1/job/submit",
                                           .body = sink_bytes(&body),
                                           .timeout_ms = JOB_ASK_MS };
    code = house_ask(in, &request, &api_job, &job, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (option_given(in, OPT_JSON))
        return house_print_json(&reply);
    printf("%.*s\n", (int)job.job_id.len, (const char *)job.job_id.at);
    if (job.ahead > 0)
        note(in, "job submit: %u jobs are before it", job.ahead);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_job_submit = {
    .name = "job submit",
    .operands = "SPEC [ARGUMENTS...]",
    .operands_min = 1,
    .operands_max = OPERANDS_MAX,
    .summary = "have a house run a job when there is room for it",
    .description =
        "Puts a job into the queue of the house of --state, which must be root's, and prints the\n"
        "id that it has from then on.  It is run once, as `ward run` does it, when what its\n"
        "[resources] reserve is free, whoever is killed meanwhile; if its end was not seen it\n"
        "is told as JOB_LOST, and never run again.  What follows \"--\" is added to the\n"
        "specification's command.\n"
        "\n"
        "The folders of images and of --job are looked at when the job begins, and must stay\n"
        "until it has ended.  The specification is read here first, and all that is wrong with\n"
        "it is said.",
    .example = "ward job submit train.toml --job ./code -- --epochs 3",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "job.json#/$defs/job",
    .asks = true,
    .run = run,
};
