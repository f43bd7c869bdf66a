/* run.c - see run.h. */
#include "cmd/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/number.h"
#include "cmd/home.h"
#include "cmd/image.h"
#include "cmd/input.h"
#include "cmd/run_learn.h"
#include "cmd/run_measure.h"
#include "cmd/run_signed.h"
#include "cmd/write_beside.h"
#include "codec/utf8.h"
#include "fence/fence.h"
#include "os/fd.h"
#include "os/file.h"

const struct option_spec run_options[RUN_OPTION_COUNT] = {
    SETTINGS_OPTIONS,
    [OPT_IMAGES] = IMAGE_FOLDER_OPTION,
    [OPT_JOB] = { "--job", "FOLDER", NULL, "what the job finds in /job, read-only" },
    [OPT_OUTPUT] = { "--output", "FOLDER", NULL,
                     "where what the job leaves in /output goes; it must be new or empty (default: "
                     "nowhere)" },
    [OPT_RUNTIME] = { "--runtime", "NAME", "crun runc",
                      "the OCI runtime (default: crun, else runc)" },
    [OPT_RESULT] = { "--result", "FILE", NULL,
                     "write the result there, signed by the house of --state; nothing may be there "
                     "yet" },
    [OPT_LEARN] = { "--learn", "FILE", NULL,
                    "write the specification there, narrowed to what this run needed; nothing may "
                    "be there yet" },
    [OPT_VMM] = { "--vmm", "URL", NULL,
                  "run it in a machine of the dstack VMM there: https://HOST:PORT, or "
                  "http://127.0.0.1:PORT" },
    [OPT_VMM_IMAGE] = { "--vmm-image", "NAME", NULL, "the dstack image that the machine boots" },
    [OPT_VMM_REPOSITORY] = { "--vmm-repository", "NAME", NULL,
                             "where the machine fetches the job's image, by its digest" },
    [OPT_VMM_PORT] = { "--vmm-port", "HOST:JOB", NULL,
                       "a port of the job, on the loopback of this machine, at which /sdk/health "
                       "tells that it is well" },
    [OPT_VMM_RESTRICTED] = { "--vmm-restricted", NULL, NULL,
                             "the VMM's network lets nothing out of its machines (restrict = true "
                             "in its configuration): you vouch for it" },
    [OPT_VMM_CA] = { "--vmm-ca", "FILE", NULL,
                     "PEM of the CAs that the VMM's certificate is of (default: the system's)" },
    [OPT_ID] = { "--id", "HEX", NULL,
                 "what the job is called: 32 hex digits that no other job has (default: by "
                 "chance)" },
    [OPT_TELL] = { "--tell-fd", "N", NULL,
                   "for a house's own runner, which has looked after --result: say how it ended on "
                   "this open descriptor, in one line: the reason, the exit "
                   "code, the signal, microseconds of processors, bytes of memory at most, and "
                   "when it began and ended in milliseconds since 1970" },
    [OPT_MEASURE] = { "--measure-fd", "N", NULL,
                      "for a house's own runner: on this open descriptor the house measures what "
                      "the "
                      "sandbox begins with, for the evidence in --result" },
    [OPT_SO_FAR] = { "--so-far", "FILE", NULL,
                     "for a house's own runner: keep in this file, while the job runs, what it was "
                     "refused by now, as it stands in the object of --json" },
    [OPT_REFUSED] = { "--refused-fd", "N", NULL,
                      "for a house's own runner: say on this open socket of packets what the job "
                      "is refused, each kind once, the last of them after all else is said" },
    [OPT_JSON] = { "--json", NULL, NULL,
                   "print one JSON object; all that the job says goes to standard error" },
};

bool run_read_spec(struct invocation *in, struct job_spec *spec, struct run_result *result)
{
    struct ward_bytes bytes;
    struct toml_problems *problems = arena_alloc(&in->arena, sizeof *problems);
    if (!input_file(&in->arena, in->operands[0], JOB_SPEC_MAX, &bytes))
        return false;
    const struct span text = span_of(bytes.data, bytes.len);
    result->file = bytes.name;
    result->given = spec;
    hash_sha256(text, result->spec);
    struct sink hex = sink_over(result->digest, sizeof result->digest);
    sink_hex(&hex, SPAN(result->spec));
    sink_terminate(&hex);
    if (problems != NULL && job_spec_load(text, &in->arena, spec, problems))
        return true;
    if (problems != NULL && problems->count > 0)
        say("run: %s:%u:%u: %s", bytes.name, problems->list[0].place.line,
            problems->list[0].place.column, problems->list[0].text);
    say("run: %s is no specification: `ward spec check` says all that is wrong with it",
        bytes.name);
    return false;
}

/* What follows the specification, as it is: what could not be passed on so is refused. */
bool run_read_arguments(struct invocation *in, struct span_list *out)
{
    const size_t count = in->operand_count - 1;
    struct span *items = arena_array(&in->arena, count, sizeof *items);
    for (size_t i = 0; i < count && items != NULL; i++) {
        items[i] = span_text(in->operands[i + 1]);
        if (!utf8_valid(items[i]) || items[i].len > JOB_TEXT_MAX) {
            say("run: argument %zu is no UTF-8, or longer than %d bytes", i + 1, JOB_TEXT_MAX);
            return false;
        }
    }
    *out = (struct span_list){ items, count };
    return items != NULL;
}

static char *copy_text(struct invocation *in, struct span text)
{
    char *copy = arena_alloc(&in->arena, text.len + 1);
    if (copy != NULL && text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}

/* Without slashes at its end, for the folder has a neighbour while it is filled.  False where it
   has no name of its own, or there is nothing to hold it. */
static bool read_output(struct invocation *in, const char *given, const char **out)
{
    struct span path = span_text(given);
    while (path.len > 1 && path.at[path.len - 1] == '/')
        path.len--;
    size_t above = path.len;
    while (above > 0 && path.at[above - 1] != '/')
        above--;
    const struct span name = span_of(path.at + above, path.len - above);
    const char *holds = copy_text(in, above == 0 ? span_text(".") : span_of(path.at, above));
    *out = copy_text(in, path);
    if (*out != NULL && holds != NULL && name.len > 0 && !span_equal_text(name, ".") &&
        !span_equal_text(name, "..") && access(holds, W_OK | X_OK) == 0)
        return true;
    say("run: --output %s: it needs a name, in a folder that is there and can be written", given);
    return false;
}

/* Whatever kind it is of, and whatever its name begins with. */
static bool folder_is_empty(int *folder)
{
    auto_dir DIR *names = fdopendir(*folder);
    if (names == NULL)
        return false;
    fd_take(folder);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(names);
        if (entry == NULL)
            return errno == 0;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return false;
    }
}

/* Before the job has run an hour for nothing: the result takes this folder's place, which it can
   of an empty one, and of none that something is mounted on. */
static bool output_is_free(const char *path)
{
    struct stat is;
    struct statx more = { 0 };
    if (path == NULL || (lstat(path, &is) != 0 && errno == ENOENT))
        return true;
    auto_fd int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder >= 0 && statx(folder, "", AT_EMPTY_PATH, STATX_TYPE, &more) == 0 &&
        (more.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0 && folder_is_empty(&folder))
        return true;
    say("run: --output %s: it must be a folder that is new or empty, and no mount point", path);
    return false;
}

/* As it is written everywhere: two ids that are one would be a job twice. */
static bool read_id(const char *text)
{
    if (text == NULL ||
        (strlen(text) == SANDBOX_ID && strspn(text, "0123456789abcdef") == SANDBOX_ID))
        return true;
    say("run: --id is %d small hex digits", SANDBOX_ID);
    return false;
}

/* -1: nobody is told. */
static bool read_descriptor(const struct invocation *in, int option, int *out)
{
    const char *text = in->values[option];
    uint64_t number = 0;
    *out = -1;
    if (text == NULL)
        return true;
    if (!decimal_read(span_text(text), INT_MAX, &number) || fcntl((int)number, F_GETFD) < 0) {
        say("run: %s %s is no open descriptor", run_options[option].name, text);
        return false;
    }
    *out = (int)number;
    return fcntl(*out, F_SETFD, FD_CLOEXEC) == 0;
}

/* The settings say which house it is, and are nobody's concern where none is wanted. */
static enum exit_code begin_signing(struct invocation *in, struct run_signed *signing)
{
    struct settings_loaded *loaded = arena_alloc(&in->arena, sizeof *loaded);
    *signing = (struct run_signed){ .file = in->values[OPT_RESULT],
                                    .is_known = option_given(in, OPT_TELL),
                                    .reason = REASON_NONE };
    if (signing->file == NULL)
        return EXIT_DONE;
    if (loaded == NULL)
        return EXIT_INTERNAL;
    enum exit_code code = settings_load(in, loaded);
    signing->state = loaded->config.settings.state;
    return code == EXIT_DONE ? run_signed_begin(in, signing) : code;
}

/* What of a local run has no meaning there, and of a machine there none here. */
bool run_options_fit(const struct invocation *in)
{
    static const int local[] = { OPT_IMAGES, OPT_JOB,    OPT_OUTPUT,  OPT_RUNTIME, OPT_RESULT,
                                 OPT_LEARN,  OPT_SO_FAR, OPT_REFUSED, OPT_MEASURE };
    static const int remote[] = { OPT_VMM_IMAGE, OPT_VMM_REPOSITORY, OPT_VMM_PORT,
                                  OPT_VMM_RESTRICTED, OPT_VMM_CA };
    const bool is_remote = in->values[OPT_VMM] != NULL;
    const int *barred = is_remote ? local : remote;
    const size_t count = is_remote ? COUNT_OF(local) : COUNT_OF(remote);
    for (size_t i = 0; i < count; i++) {
        if (in->values[barred[i]] == NULL)
            continue;
        say("run: %s %s", run_options[barred[i]].name,
            is_remote ? "is of no use with --vmm: the machine is not here" : "needs --vmm");
        return false;
    }
    return true;
}

/* Of a job of a queue nothing is learned: whoever waits for it did not choose how it was run. */
static bool read_learn(struct invocation *in, struct run_learning *out)
{
    *out = (struct run_learning){ .file = in->values[OPT_LEARN], .reason = REASON_NONE };
    if (out->file == NULL)
        return true;
    if (option_given(in, OPT_TELL)) {
        say("run: --learn is of no use with --tell-fd: nothing is learned of jobs of a queue");
        return false;
    }
    return path_is_free("--learn", out->file);
}

static bool read_measure(const struct invocation *in, struct run_measure *measure,
                         struct sandbox_job *job)
{
    if (!read_descriptor(in, OPT_MEASURE, &measure->house))
        return false;
    if (measure->house < 0)
        return true;
    job->house = measure->house;
    job->measure = run_measure_launch;
    job->measure_arg = measure;
    return true;
}

static bool keep_so_far(struct invocation *in, struct sandbox_job *job, struct run_result *result)
{
    result->so_far = in->values[OPT_SO_FAR];
    if (result->so_far != NULL || result->telling.house >= 0)
        job->so_far = run_result_so_far;
    return result->so_far == NULL || run_result_room(&in->arena, result);
}

enum exit_code run_job(struct invocation *in)
{
    struct run_result *result = arena_alloc(&in->arena, sizeof *result);
    struct job_spec spec;
    char machine[PATH_MAX];
    struct run_measure measure = { .spec = in->operands[0] };
    int tell = -1;
    const bool json = option_given(in, OPT_JSON);
    struct sandbox_job job = { .spec = &spec,
                               .images = image_folder(in, OPT_IMAGES),
                               .job = in->values[OPT_JOB],
                               .output = in->values[OPT_OUTPUT],
                               .id = in->values[OPT_ID],
                               .runtime = in->values[OPT_RUNTIME],
                               .to_stdout = json ? STDERR_FILENO : STDOUT_FILENO,
                               .to_stderr = STDERR_FILENO,
                               .fence = fence_live,
                               .house = -1,
                               .refused = run_refused_say,
                               .refused_call = run_refused_say_call,
                               .refused_path = run_refused_say_path,
                               .arg = result,
                               .arena = &in->arena };
    if (result == NULL)
        return EXIT_INTERNAL;
    if (!run_options_fit(in) || in->values[OPT_VMM] != NULL)
        return EXIT_USAGE;
    if (home_machine(machine, sizeof machine))
        job.machine = machine;
    if (!read_id(job.id) || !read_descriptor(in, OPT_TELL, &tell) ||
        !read_descriptor(in, OPT_REFUSED, &result->telling.house) ||
        !read_measure(in, &measure, &job) || !read_learn(in, &result->learning))
        return EXIT_USAGE;
    job.learns = result->learning.file != NULL;
    if (!keep_so_far(in, &job, result))
        return EXIT_INTERNAL;
    if (job.output != NULL && !read_output(in, job.output, &job.output))
        return EXIT_USAGE;
    if (!run_read_spec(in, &spec, result) || !run_read_arguments(in, &job.arguments) ||
        !output_is_free(job.output))
        return EXIT_USAGE;
    enum exit_code code = begin_signing(in, &result->signing);
    if (code != EXIT_DONE)
        return code;
    job.shown[0] = isatty(job.to_stdout) == 1;
    job.shown[1] = isatty(job.to_stderr) == 1;
    sandbox_run(&job, &result->sandbox);
    result->signing.ticket = measure.ticket;
    run_result_limits(in, &spec.limits, &result->sandbox.limits);
    run_signed_end(in, result);
    run_learn_end(in, &spec, result);
    run_result_tell(&result->sandbox, tell);
    code = run_result_print(in, result, json);
    run_refused_tell_rest(result); /* last, for it may take a while */
    return code;
}
