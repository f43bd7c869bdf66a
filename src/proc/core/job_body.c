/* job_body.c - see jobs.h: what was submitted, read by the one reader of specifications. */
#include <string.h>

#include "base/number.h"
#include "codec/protobuf.h"
#include "crypto/hash.h"
#include "job/spec.h"
#include "proc/core/core.h"

_Static_assert((int)CORE_JOB_NAME == (int)JOB_NAME_MAX + 1, "a name and its NUL");

static void put_name(char out[CORE_JOB_NAME], struct span name)
{
    memset(out, 0, CORE_JOB_NAME);
    if (name.len > 0 && name.len < CORE_JOB_NAME)
        memcpy(out, name.at, name.len);
}

/* All of them, as far as there is room. */
static void write_problems(const struct toml_problems *problems, struct sink *detail)
{
    for (size_t i = 0; i < problems->count && i < TOML_PROBLEMS_MAX; i++) {
        const struct toml_problem *problem = &problems->list[i];
        char line[TOML_PROBLEM_TEXT_MAX + 32];
        struct sink text = sink_over(line, sizeof line);
        if (problem->place.line != 0)
            sink_format(&text, "%u:%u: ", problem->place.line, problem->place.column);
        sink_text(&text, problem->text);
        if (text.len + 2 > detail->cap - detail->len)
            return;
        sink_text(detail, i == 0 ? "" : "; ");
        sink_put(detail, sink_bytes(&text));
    }
}

static bool is_absolute(struct span path)
{
    return path.len > 0 && path.at[0] == '/' && memchr(path.at, 0, path.len) == NULL;
}

static bool paths_are_good(const struct api_jobs_submit_request *asked, struct sink *detail)
{
    const struct span *arguments = asked->arguments.items;
    if (!is_absolute(asked->images) || (asked->folder.len > 0 && !is_absolute(asked->folder))) {
        sink_text(detail, "the folders of images and of the job are absolute paths");
        return false;
    }
    for (size_t i = 0; i < asked->arguments.count; i++) {
        if (arguments[i].len > 0 && memchr(arguments[i].at, 0, arguments[i].len) != NULL) {
            sink_text(detail, "an argument has a NUL in it");
            return false;
        }
    }
    return true;
}

enum reason job_body_read(struct span body, struct arena *scratch, struct core_wanted *out,
                          struct sink *detail)
{
    struct toml_problems *problems = arena_alloc(scratch, sizeof *problems);
    struct values_error error;
    struct job_spec spec;
    *out = (struct core_wanted){ .vcpu = 0 };
    if (problems == NULL)
        return REASON_OUT_OF_MEMORY;
    if (!protobuf_read(&api_jobs_submit_request, body, scratch, &out->asked, &error))
        return REASON_HTTP_BODY_INVALID;
    if (!paths_are_good(&out->asked, detail))
        return REASON_HTTP_BODY_INVALID;
    if (!job_spec_load(out->asked.spec, scratch, &spec, problems)) {
        write_problems(problems, detail);
        return REASON_JOB_SPEC;
    }
    hash_sha256(out->asked.spec, out->spec);
    put_name(out->name, spec.name);
    put_name(out->tenant, spec.tenant);
    out->vcpu = spec.resources.vcpu;
    out->memory = spec.resources.memory;
    out->disk = spec.resources.disk;
    return REASON_OK;
}
