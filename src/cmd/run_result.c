/* run_result.c - see run_result.h. */
#include "cmd/run_result.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/config_print.h"
#include "job/size.h"
#include "os/fd.h"

/* What a job did is 1 or 0; everything else is Ward's own, or the caller's. */
static enum exit_code exit_of_job(const struct sandbox_result *result)
{
    static const struct {
        enum reason reason;
        enum exit_code code;
    } rows[] = {
        { REASON_JOB_NO_FENCE, EXIT_CONFIG },
        { REASON_JOB_ISOLATION, EXIT_USAGE },
        { REASON_JOB_HOST, EXIT_USAGE },
        { REASON_JOB_NO_GPU, EXIT_USAGE },
        { REASON_JOB_NO_GUEST_AGENT, EXIT_USAGE },
        { REASON_JOB_PATH, EXIT_USAGE },
        { REASON_JOB_FOLDER, EXIT_USAGE },
        { REASON_JOB_START, EXIT_USAGE },
        { REASON_JOB_RUNTIME, EXIT_CONFIG },
        { REASON_JOB_VMM, EXIT_UNREACHABLE },
        { REASON_JOB_VMM_POLICY, EXIT_USAGE },
        { REASON_JOB_MACHINE, EXIT_NO },
        { REASON_JOB_LIMITS, EXIT_CONFIG },
        { REASON_JOB_DISK, EXIT_CONFIG },
        { REASON_JOB_CAPACITY, EXIT_CONFIG },
        { REASON_JOB_IMAGE, EXIT_NOT_FOUND },
        { REASON_JOB_NOT_ROOT, EXIT_NOT_PERMITTED },
        { REASON_JOB_CANCELLED, EXIT_NO },
        { REASON_JOB_MEMORY, EXIT_NO },
        { REASON_JOB_TIME, EXIT_NO },
        { REASON_JOB_OUTPUT_LIMIT, EXIT_NO },
        { REASON_JOB_OUTPUT_KIND, EXIT_NO },
    };
    if (result->left[0] != 0)
        return EXIT_INTERNAL;
    if (result->reason == REASON_OK)
        return result->code == 0 && result->signal == 0 ? EXIT_DONE : EXIT_NO;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].reason == result->reason)
            return rows[i].code;
    }
    return EXIT_INTERNAL;
}

/* A job that did what it should is not done without the result that was asked for. */
static enum exit_code exit_of(const struct run_result *r)
{
    enum exit_code code = exit_of_job(&r->sandbox);
    if (code == EXIT_DONE && r->learning.reason == REASON_LEARN_NOT_WRITTEN)
        code = EXIT_INTERNAL;
    if ((code != EXIT_DONE && code != EXIT_NO) || r->signing.file == NULL ||
        r->signing.reason == REASON_OK || r->signing.reason == REASON_NONE)
        return code;
    if (r->signing.reason == REASON_RESULT_TOO_LARGE)
        return EXIT_NO;
    return r->signing.reason == REASON_RESULT_NOT_SIGNED ? EXIT_UNREACHABLE : EXIT_INTERNAL;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void put_time(struct json_writer *json, const char *name, int64_t at_ms)
{
    json_put_key(json, name);
    if (at_ms == 0)
        json_put_null(json);
    else
        json_put_time(json, at_ms / 1000);
}

static void put_outputs(struct json_writer *json, const struct collected *outputs)
{
    json_put_key(json, "outputs");
    json_begin_array(json);
    for (size_t i = 0; i < outputs->count; i++) {
        json_begin_object(json);
        json_put_key(json, "path");
        json_put_span(json, outputs->files[i].path);
        json_put_member_u64(json, "size", outputs->files[i].size);
        json_put_key(json, "sha256");
        json_put_hex(json, SPAN(outputs->files[i].digest));
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_exit(struct json_writer *json, const struct sandbox_result *result)
{
    json_put_key(json, "exit");
    if (!result->ran) {
        json_put_null(json);
        return;
    }
    json_begin_object(json);
    json_put_member_u64(json, "code", (uint64_t)result->code);
    json_put_member_u64(json, "signal", (uint64_t)result->signal);
    json_end_object(json);
}

static void put_usage(struct json_writer *json, const struct run_result *r)
{
    json_put_key(json, "usage");
    if (r->remote != NULL) {
        json_put_null(json);
        return;
    }
    json_begin_object(json);
    json_put_member_u64(json, "cpu_us", r->sandbox.usage.cpu_us);
    json_put_member_u64(json, "memory_peak", r->sandbox.usage.memory_peak);
    json_end_object(json);
}

static void put_machine(struct json_writer *json, const struct remote_machine *machine)
{
    json_put_key(json, "machine");
    if (machine == NULL || machine->compose[0] == 0) {
        json_put_null(json);
        return;
    }
    json_begin_object(json);
    json_put_member(json, "name", machine->name);
    json_put_member(json, "id", machine->id);
    json_put_member(json, "compose_sha256", machine->compose);
    json_end_object(json);
}

static void put_limits(struct json_writer *json, const struct job_limits *limits)
{
    json_put_key(json, "limits");
    json_begin_object(json);
    json_put_member_u64(json, "memory", limits->memory);
    json_put_member_u64(json, "cpu_cores", limits->cpu_cores);
    json_put_member_u64(json, "execution_s", limits->execution_s);
    json_put_member_u64(json, "output", limits->output);
    json_put_member_u64(json, "disk", limits->disk);
    json_end_object(json);
}

static void put_signed(struct json_writer *json, const struct run_signed *signing)
{
    json_put_key(json, "signed");
    if (signing->file == NULL || signing->reason == REASON_NONE) {
        json_put_null(json);
        return;
    }
    json_begin_object(json);
    config_json_text(json, "file", signing->file);
    config_json_text(json, "reason", reason_info(signing->reason)->name);
    config_json_text(json, "detail", signing->what);
    json_end_object(json);
}

static void put_learned(struct json_writer *json, const struct run_learning *learning)
{
    json_put_key(json, "learned");
    if (learning->file == NULL || learning->reason == REASON_NONE) {
        json_put_null(json);
        return;
    }
    json_begin_object(json);
    config_json_text(json, "file", learning->file);
    config_json_text(json, "reason", reason_info(learning->reason)->name);
    config_json_text(json, "detail", learning->what);
    json_end_object(json);
}

static void write_json(struct sink *out, const struct run_result *r)
{
    const struct sandbox_result *result = &r->sandbox;
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_member_u64(&json, "v", 1);
    config_json_text(&json, "job_id", result->id);
    config_json_text(&json, "spec_sha256", r->digest);
    config_json_text(&json, "reason", reason_info(result->reason)->name);
    config_json_text(&json, "detail", result->what);
    put_exit(&json, result);
    put_usage(&json, r);
    put_limits(&json, &result->limits);
    run_refused_put(&json, r);
    put_outputs(&json, &result->outputs);
    put_time(&json, "started", result->started_ms);
    put_time(&json, "ended", result->ended_ms);
    put_signed(&json, &r->signing);
    put_learned(&json, &r->learning);
    put_machine(&json, r->remote);
    json_end_object(&json);
    sink_text(out, "\n");
}

enum {
    AROUND = 160, /* bytes around what is said of one thing */
    REST = 65536 + RUN_REFUSED_BYTES,
};

bool run_result_room(struct arena *arena, struct run_result *result)
{
    void *at = arena_room(arena, REST);
    result->room = sink_over(at, at == NULL ? 0 : REST);
    return at != NULL;
}

/* Not written through, as file_write_atomic would: the job's streams wait meanwhile. */
static bool write_anew(const char *file, struct span bytes)
{
    char beside[PATH_MAX];
    snprintf(beside, sizeof beside, "%s.new", file);
    auto_fd int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd >= 0 && fd_write(fd, bytes) && rename(beside, file) == 0;
}

static void write_so_far(struct run_result *r)
{
    r->room.len = 0;
    struct json_writer json = json_write_to(&r->room, 0);
    json_begin_object(&json);
    json_put_member_u64(&json, "v", 1);
    config_json_text(&json, "job_id", r->sandbox.id);
    config_json_text(&json, "spec_sha256", r->digest);
    put_limits(&json, &r->sandbox.limits);
    run_refused_put(&json, r);
    json_end_object(&json);
    sink_text(&r->room, "\n");
    /* Where it cannot be written, all of it is in the report at the end. */
    (void)!(sink_ok(&r->room) && write_anew(r->so_far, sink_bytes(&r->room)));
}

bool run_result_so_far(void *arg, bool changed)
{
    struct run_result *r = arg;
    if (changed && r->so_far != NULL)
        write_so_far(r);
    return run_refused_tell(r);
}

/* Of each file its path, which may be six times as long in JSON, and what stands around it. */
static bool print_json(struct invocation *in, const struct run_result *r)
{
    const struct collected *outputs = &r->sandbox.outputs;
    size_t room = REST + outputs->count * AROUND;
    for (size_t i = 0; i < outputs->count; i++)
        room += 6 * outputs->files[i].path.len;
    void *at = arena_room(&in->arena, room);
    struct sink out = sink_over(at, at == NULL ? 0 : room);
    write_json(&out, r);
    if (!sink_ok(&out)) {
        say("run: out of memory");
        return false;
    }
    return fwrite(out.at, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
}

/* --- words ------------------------------------------------------------------------------------ */

static void say_lowered(struct invocation *in, const char *name, uint64_t wanted, uint64_t is)
{
    if (wanted != is)
        note(in, "run: limits.%s is %llu on this machine, not %llu", name, (unsigned long long)is,
             (unsigned long long)wanted);
}

void run_result_progress(struct invocation *in, const char *words)
{
    if (fd_takes(STDERR_FILENO))
        note(in, "run: the machine says: %s", words);
}

void run_result_limits(struct invocation *in, const struct job_limits *wanted,
                       const struct job_limits *is)
{
    say_lowered(in, "max_memory_bytes", wanted->memory, is->memory);
    say_lowered(in, "max_cpu_cores", wanted->cpu_cores, is->cpu_cores);
    say_lowered(in, "max_output_bytes", wanted->output, is->output);
    say_lowered(in, "max_disk_bytes", wanted->disk, is->disk);
}

static void say_end(struct invocation *in, const struct sandbox_result *result)
{
    char text[64];
    struct sink peak = sink_over(text, sizeof text);
    job_size_write(&peak, result->usage.memory_peak);
    sink_terminate(&peak);
    if (result->signal != 0)
        note(in, "run: the job was ended by signal %d", result->signal);
    else if (result->code != 0)
        note(in, "run: the job exited with %d", result->code);
    note(in, "run: job %s: %llu.%02llu s of processors, %s of memory at most, %zu files",
         result->id, (unsigned long long)(result->usage.cpu_us / 1000000),
         (unsigned long long)(result->usage.cpu_us / 10000 % 100), text, result->outputs.count);
}

/* Once: whoever looks for what was refused is not to take nothing for no try. */
static void say_untold(struct invocation *in, const struct run_result *r)
{
    if (r->sandbox.ran && r->sandbox.calls_untold)
        note(in, "run: not all system calls that were refused are told: this kernel or runtime has "
                 "no way to, or who tells them has ended");
    if (r->sandbox.ran && r->sandbox.paths_untold)
        note(in, "run: not all tries of denied paths are told: this machine has no way to "
                 "(/dev/fuse), or who tells them has ended");
}

static void say_signed(struct invocation *in, const struct run_signed *signing)
{
    const struct reason_info *info = reason_info(signing->reason);
    if (signing->file == NULL || signing->reason == REASON_NONE)
        return;
    if (signing->reason == REASON_OK) {
        note(in, "run: the signed result is in %s", signing->file);
        return;
    }
    say("run: %s: %s%s%s", signing->file, info->name, signing->what[0] == 0 ? "" : ": ",
        signing->what);
    say("%s %s", info->cause, info->help);
}

static void say_learned(struct invocation *in, const struct run_learning *learning)
{
    const struct reason_info *info = reason_info(learning->reason);
    if (learning->file == NULL || learning->reason == REASON_NONE)
        return;
    if (learning->reason == REASON_OK) {
        note(in, "run: what it needed is in %s; `ward spec check` says it in words",
             learning->file);
        return;
    }
    say("run: %s: %s%s%s", learning->file, info->name, learning->what[0] == 0 ? "" : ": ",
        learning->what);
    say("%s %s", info->cause, info->help);
}

/* One that did not end by itself exited with nothing. */
void run_result_tell(const struct sandbox_result *result, int fd)
{
    char line[256];
    struct sink out = sink_over(line, sizeof line);
    if (fd < 0)
        return;
    sink_format(&out, "%s %d %d %llu %llu %lld %lld\n", reason_info(result->reason)->name,
                result->code, result->signal, (unsigned long long)result->usage.cpu_us,
                (unsigned long long)result->usage.memory_peak, (long long)result->started_ms,
                (long long)result->ended_ms);
    /* Whoever does not read it says that the job was lost. */
    (void)!fd_write(fd, sink_bytes(&out));
}

enum exit_code run_result_print(struct invocation *in, const struct run_result *r, bool json)
{
    const struct sandbox_result *result = &r->sandbox;
    const struct reason_info *info = reason_info(result->reason);
    bool printed = !json || print_json(in, r);
    if (result->reason != REASON_OK) {
        say("run: %s: %s%s%s", r->file, info->name, result->what[0] == 0 ? "" : ": ", result->what);
        say("%s %s", info->cause, info->help);
    }
    say_untold(in, r);
    if (result->ran)
        say_end(in, result);
    if (r->remote != NULL && result->reason == REASON_OK)
        note(in, "run: machine %s ended by itself; how its job ended a VMM does not tell",
             r->remote->name);
    say_signed(in, &r->signing);
    say_learned(in, &r->learning);
    if (result->left[0] != 0)
        say("run: not all of the sandbox could be taken away; the next `ward run` tries again: %s",
            result->left);
    if (result->outputs.left[0] != 0)
        say("run: what was not delivered could not be removed; remove it yourself: %s",
            result->outputs.left);
    return printed ? exit_of(r) : EXIT_INTERNAL;
}
