/* job_get.c - `ward job get`: what a job has left, once it is known to be what its house says. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/appraisal.h"
#include "cmd/config_print.h"
#include "cmd/job.h"
#include "cmd/result_outputs.h"
#include "codec/json_write.h"
#include "crypto/hash.h"
#include "job/spec.h"
#include "model/reason.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/tree.h"
#include "sandbox/collect.h"
#include "ward/result.h"

enum { OPT_UNSIGNED = SETTINGS_OPTION_COUNT, OPT_JSON, TEXT = 1024 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_UNSIGNED] = { "--unsigned", NULL, NULL,
                       "take it also where there is no signed result: nothing is checked then" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

struct getting {
    struct invocation *in;
    struct job_asked asked;
    struct api_job job;
    const char *folder;       /* where it goes */
    char source[PATH_MAX];    /* STATE/jobs/ID */
    struct span result, spec; /* files of it; no result: there is none */
    struct collected outputs;
    bool verified;
    enum reason reason; /* REASON_OK: it is what the house says */
    char what[OUTPUTS_WHAT];
};

static enum exit_code refused(struct getting *get, enum reason reason, const char *what)
{
    const struct reason_info *info = reason_info(reason);
    get->reason = reason;
    snprintf(get->what, sizeof get->what, "%s", what);
    say("job get: %s%s%s", info->name, what[0] == 0 ? "" : ": ", what);
    say("%s %s", info->cause, info->help);
    return EXIT_NO;
}

/* ---- where it goes -------------------------------------------------------------------------- */

static bool join(char out[PATH_MAX], const char *folder, const char *name)
{
    int len = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    return len > 0 && len < PATH_MAX;
}

/* New: whatever is there already would be mixed with it. */
static enum exit_code make_folder(const struct getting *get)
{
    if (mkdir(get->folder, 0777) == 0)
        return EXIT_DONE;
    say("job get: %s: %s%s", get->folder, strerror(errno),
        errno == EEXIST ? "; name a folder that is not there yet" : "");
    return EXIT_USAGE;
}

/* ---- what there is -------------------------------------------------------------------------- */

static enum exit_code unreadable(const struct getting *get, const char *what, const char *why)
{
    say("job get: %s/%s: %s", get->source, what, why);
    return geteuid() == 0 ? EXIT_INTERNAL : EXIT_NOT_PERMITTED;
}

static enum exit_code read_file(struct getting *get, const char *name, size_t most,
                                struct span *out)
{
    char path[PATH_MAX];
    if (!join(path, get->source, name))
        return EXIT_INTERNAL;
    rc done = file_read_plain(NULL, path, most, &get->in->arena, out);
    if (rc_ok(done))
        return EXIT_DONE;
    if (rc_errno(done) == ENOENT) {
        *out = (struct span){ 0 };
        return EXIT_DONE;
    }
    return unreadable(get, name, file_error_text(done));
}

static enum exit_code copy_file(struct getting *get, const char *name, struct span bytes)
{
    char path[PATH_MAX];
    if (bytes.len == 0)
        return EXIT_DONE;
    if (!join(path, get->folder, name))
        return EXIT_USAGE;
    rc done = file_write_new(NULL, path, bytes, 0644);
    if (rc_ok(done))
        return EXIT_DONE;
    say("job get: %s: %s", path, file_error_text(done));
    return EXIT_INTERNAL;
}

/* The house wrote them as files and folders, and as such alone they are taken. */
static enum exit_code copy_outputs(struct getting *get)
{
    char from[PATH_MAX], to[PATH_MAX];
    if (!join(from, get->source, "output") || !join(to, get->folder, "output"))
        return EXIT_USAGE;
    auto_fd int folder = open(from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOENT ? EXIT_DONE : unreadable(get, "output", strerror(errno));
    const struct collect wanted = {
        .from = folder, .to = to, .bytes_max = INT64_MAX, .wishes = -1, .arena = &get->in->arena
    };
    rc done = collect_outputs(NULL, &wanted, &get->outputs);
    if (!rc_ok(done)) {
        say("job get: %s: %s", to, file_error_text(done));
        return EXIT_INTERNAL;
    }
    if (get->outputs.reason != REASON_OK)
        return refused(get, get->outputs.reason, get->outputs.what);
    return EXIT_DONE;
}

static enum exit_code copy(struct getting *get)
{
    enum exit_code code = read_file(get, "result.jws", 4 * WARD_JOB_RESULT_MAX, &get->result);
    if (code == EXIT_DONE)
        code = read_file(get, "spec.toml", JOB_SPEC_MAX, &get->spec);
    if (code == EXIT_DONE)
        code = copy_file(get, "result.jws", get->result);
    if (code == EXIT_DONE)
        code = copy_file(get, "spec.toml", get->spec);
    return code == EXIT_DONE ? copy_outputs(get) : code;
}

/* ---- whether it is what the house says ------------------------------------------------------ */

/* It is of this job, of this specification, and says what the house says; and what was copied is
   what it lists. */
static enum exit_code compare(struct getting *get, const struct ward_job *job)
{
    char to[PATH_MAX];
    struct stat is;
    const struct ward_job_claims *claims = ward_job_claims(job);
    if (strcmp(claims->job_id, get->asked.id) != 0)
        return refused(get, REASON_RESULT_SIGNATURE, "it is of another job");
    if (!span_equal_text(get->job.reason, claims->reason) || claims->code != (int)get->job.code ||
        claims->signal != (int)get->job.signal)
        return refused(get, REASON_RESULT_SIGNATURE, "the house says otherwise how it ended");
    if (!join(to, get->folder, "output"))
        return EXIT_USAGE;
    if (stat(to, &is) != 0 && claims->output_count == 0)
        return EXIT_DONE;
    switch (result_outputs_compare(to, job, get->what)) {
    case OUTPUTS_SAME:
        return EXIT_DONE;
    case OUTPUTS_UNREADABLE:
        say("job get: %s", get->what);
        return EXIT_INTERNAL;
    case OUTPUTS_DIFFER:
        break;
    }
    char what[OUTPUTS_WHAT];
    memcpy(what, get->what, sizeof what);
    return refused(get, REASON_RESULT_OUTPUTS, what);
}

/* By this key of the house's, or not. */
static bool is_signed_with(struct getting *get, struct ward_verifier *verifier, struct span key,
                           const uint8_t spec[SHA256_LEN], struct ward_job **out,
                           struct ward_error *error)
{
    const struct ward_job_request request = { .result = { get->result.at, get->result.len,
                                                          "result.jws" },
                                              .public_key = key.at,
                                              .key_is_enough = true,
                                              .spec_sha256 = spec,
                                              .time = clock_now() };
    return key.len == WARD_JOB_KEY &&
           ward_job_verify(verifier, &request, NULL, out, error) == WARD_DONE;
}

static enum exit_code verify_with(struct getting *get, struct ward_verifier *verifier,
                                  const struct api_keyring_list_response *list)
{
    const struct api_keyring_key *keys = list->keys.items;
    struct ward_error error = { 0 };
    struct ward_job *job = NULL;
    uint8_t spec[SHA256_LEN];
    hash_sha256(get->spec, spec);
    if (!span_equal(SPAN(spec), get->job.spec_sha256))
        return refused(get, REASON_RESULT_SPEC, "");
    for (size_t i = 0; i < list->keys.count && job == NULL; i++)
        (void)is_signed_with(get, verifier, keys[i].public_part, spec, &job, &error);
    if (job == NULL) {
        enum reason reason = error.reason == NULL ? REASON_RESULT_SIGNATURE
                                                  : reason_find(span_text(error.reason));
        return refused(get, reason == REASON_NONE ? REASON_RESULT_SIGNATURE : reason, "");
    }
    enum exit_code code = compare(get, job);
    get->verified = code == EXIT_DONE;
    ward_job_free(&job);
    return code;
}

static enum exit_code verify(struct getting *get)
{
    struct api_keyring_list_response list;
    struct ward_verifier *verifier = NULL;
    struct owner_reply reply;
    struct ward_error error;
    const struct owner_request request = { .state = get->asked.loaded.config.settings.state,
                                           .method = "GET",
                                           .target = "/v1/keyring/keys?role=result",
                                           .timeout_ms = JOB_ASK_MS };
    if (get->result.len == 0 && option_given(get->in, OPT_UNSIGNED))
        return EXIT_DONE;
    if (get->result.len == 0)
        return refused(get, REASON_RESULT_NOT_SIGNED,
                       "there is no signed result of it; --unsigned takes it as it is");
    enum exit_code code = house_ask(get->in, &request, &api_keyring_list_response, &list, &reply);
    if (code != EXIT_DONE)
        return code;
    if (ward_verifier_new(&verifier, &error) != WARD_DONE) {
        appraisal_said(&error);
        return EXIT_INTERNAL;
    }
    code = verify_with(get, verifier, &list);
    ward_verifier_free(&verifier);
    return code;
}

/* ---- saying it ------------------------------------------------------------------------------ */

static bool print_json(const struct getting *get)
{
    char room[TEXT * 8];
    struct sink out = sink_over(room, sizeof room);
    struct json_writer json = json_write_to(&out, 0);
    json_begin_object(&json);
    json_put_member_u64(&json, "v", 1);
    json_put_member(&json, "job_id", get->asked.id);
    json_put_key(&json, "state");
    json_put_span(&json, get->job.state);
    json_put_key(&json, "verified");
    json_put_bool(&json, get->verified);
    json_put_member(&json, "reason", reason_info(get->reason)->name);
    config_json_text(&json, "detail", get->what);
    json_put_member_u64(&json, "files", get->outputs.count);
    json_end_object(&json);
    sink_text(&out, "\n");
    return json_write_ok(&json) && sink_ok(&out) && fwrite(out.at, 1, out.len, stdout) == out.len &&
           fflush(stdout) == 0;
}

static enum exit_code end(struct getting *get, enum exit_code code)
{
    struct trail trail = { 0 };
    if (code != EXIT_DONE && !rc_ok(tree_remove(&trail, get->folder)))
        say("job get: %s is not what it should be, and could not be removed", get->folder);
    if ((code == EXIT_DONE || code == EXIT_NO) && option_given(get->in, OPT_JSON))
        return print_json(get) ? code : EXIT_INTERNAL;
    if (code != EXIT_DONE)
        return code;
    printf("%s: %zu files in %s/output; %s\n", get->asked.id, get->outputs.count, get->folder,
           get->verified ? "signed by the house, and as it lists them" : "nothing was checked");
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

static enum exit_code run(struct invocation *in)
{
    struct getting *get = arena_alloc(&in->arena, sizeof *get);
    if (get == NULL)
        return EXIT_INTERNAL;
    get->in = in;
    get->folder = in->operands[1];
    get->reason = REASON_OK;
    enum exit_code code = job_asked_begin(in, &get->asked);
    if (code == EXIT_DONE)
        code = job_ask(in, &get->asked, "", &api_job, &get->job);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    if (!job_has_ended(&get->job)) {
        (void)refused(get, REASON_JOB_NOT_ENDED, "");
        return EXIT_CONFLICT;
    }
    char name[JOB_ID_TEXT + 8];
    snprintf(name, sizeof name, "jobs/%s", get->asked.id);
    if (!join(get->source, get->asked.loaded.config.settings.state, name))
        return EXIT_USAGE;
    code = make_folder(get);
    if (code != EXIT_DONE)
        return code;
    code = copy(get);
    if (code == EXIT_DONE)
        code = verify(get);
    return end(get, code);
}

const struct command command_job_get = {
    .name = "job get",
    .operands = "ID FOLDER",
    .operands_min = 2,
    .operands_max = 2,
    .summary = "get what a job has left, checked against its signed result",
    .description =
        "Makes FOLDER, with the files of the job in FOLDER/output, its signed result in\n"
        "result.jws and its specification in spec.toml, and checks the copy: the result must be\n"
        "signed with a key of this house's, be of this job and this specification, say what the\n"
        "house says of its end, and list exactly these files.  If it does not, FOLDER is removed\n"
        "again and the exit code is 1.  Whoever got the folder elsewhere checks it with `ward\n"
        "result verify` and a policy for the house's evidence.\n"
        "\n"
        "A job that was not begun has no result, nor one of a house without a key of role result:\n"
        "--unsigned takes what there is as it is.  It reads STATE/jobs, and so needs root.",
    .example = "ward job get 5f71e5b109c49be951c809e3b84e838f ./trained",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "job.json#/$defs/got",
    .asks = true,
    .run = run,
};
