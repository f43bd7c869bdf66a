/* run.c - see sandbox.h: the life of one job, from the outside. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/random.h"
#include "sandbox/backend.h"
#include "sandbox/import.h"
#include "sandbox/stream.h"

enum { CANCEL_MS = 5000, CPU_PERIOD_US = 100000 };

enum reason sandbox_fail(struct sandbox *sandbox, enum reason reason, const char *format, ...)
{
    struct sink what = sink_over(sandbox->what, sizeof sandbox->what);
    va_list args;
    va_start(args, format);
    sink_vformat_cut(&what, format, args);
    va_end(args);
    sink_terminate(&what);
    return reason;
}

/* --- what the machine has --------------------------------------------------------------------- */

static enum reason too_small(struct sandbox *sandbox, const char *key, uint64_t wanted,
                             uint64_t there)
{
    return sandbox_fail(sandbox, REASON_JOB_CAPACITY,
                        "resources.%s is %llu, and this machine has %llu left for a job", key,
                        (unsigned long long)wanted, (unsigned long long)there);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What a machine keeps in its memory comes down to that. */
static enum reason fit_in_memory(struct sandbox *sandbox, const struct backend *backend)
{
    struct job_limits *limits = &sandbox->spec.limits;
    const struct job_resources *wanted = &sandbox->spec.resources;
    const uint64_t usable = limits->memory > backend->kept ? limits->memory - backend->kept : 0;
    if (wanted->memory > usable || wanted->disk > usable - wanted->memory)
        return sandbox_fail(sandbox, REASON_JOB_CAPACITY,
                            "a virtual machine has resources.memory and resources.disk in its "
                            "memory, and %llu MiB for itself; it has %llu MiB",
                            (unsigned long long)(backend->kept >> 20),
                            (unsigned long long)(limits->memory >> 20));
    limits->disk = least(limits->disk, usable);
    limits->output = least(limits->output, usable);
    return REASON_OK;
}

/* Ceilings come down to what there is; what is reserved is there, or the job does not run. */
static enum reason fit(struct sandbox *sandbox, const struct backend *backend)
{
    struct job_limits *limits = &sandbox->spec.limits;
    const struct job_resources *wanted = &sandbox->spec.resources;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const struct slot_room *left = &sandbox->slot.left;
    if (cores < 1)
        return sandbox_fail(sandbox, REASON_JOB_CAPACITY, "%s", strerror(errno));
    const uint64_t memory = left->memory > backend->overhead ? left->memory - backend->overhead : 0;
    if (wanted->vcpu > (uint64_t)cores)
        return too_small(sandbox, "vcpu", wanted->vcpu, (uint64_t)cores);
    limits->cpu_cores = (uint32_t)least(limits->cpu_cores, (uint64_t)cores);
    limits->memory = least(limits->memory, memory);
    limits->disk = least(limits->disk, backend->in_memory ? UINT64_MAX : left->disk);
    limits->output = least(limits->output, left->disk);
    limits->disk = least(limits->disk, VOLUME_SIZE_MAX);
    limits->output = least(limits->output, VOLUME_SIZE_MAX);
    sandbox->limits = (struct cgroup_limits){
        .memory = limits->memory + backend->overhead,
        .sockets = least(limits->memory / JOB_SOCKETS_PART, JOB_SOCKETS_MAX),
        .processes = JOB_PROCESSES_MAX,
        .cpu_quota_us = (uint64_t)limits->cpu_cores * CPU_PERIOD_US,
        .cpu_period_us = CPU_PERIOD_US
    };
    return backend->in_memory ? fit_in_memory(sandbox, backend) : REASON_OK;
}

/* --- the supervisor, and who listens to it ---------------------------------------------------- */

struct conversation {
    struct sandbox *sandbox;
    struct stream streams[2];
    bool within[2];                    /* of where each goes; of one place where both go there */
    int report, wish, refusals, calls; /* ends of ours */
    struct refusals *refused;
    struct calls *refused_calls;
    pid_t supervisor;
    struct supervised said;
    bool cancelled;
    int64_t kill_ms;
};

/* Ends of pipes that the supervisor has. */
struct ends {
    int streams[2], report, wish, refusals, calls;
};

static bool make_pipe(int *ours, int *theirs, bool we_read)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    *ours = ends[we_read ? 0 : 1];
    *theirs = ends[we_read ? 1 : 0];
    return true;
}

static bool make_ends(struct conversation *talk, struct ends *ends)
{
    return make_pipe(&talk->streams[0].from, &ends->streams[0], true) &&
           make_pipe(&talk->streams[1].from, &ends->streams[1], true) &&
           make_pipe(&talk->report, &ends->report, true) &&
           make_pipe(&talk->refusals, &ends->refusals, true) &&
           make_pipe(&talk->calls, &ends->calls, true) &&
           make_pipe(&talk->wish, &ends->wish, false);
}

static void close_ends(struct ends *ends)
{
    fd_close(&ends->streams[0]);
    fd_close(&ends->streams[1]);
    fd_close(&ends->report);
    fd_close(&ends->wish);
    fd_close(&ends->refusals);
    fd_close(&ends->calls);
}

static enum reason begin(struct conversation *talk, const struct backend *backend,
                         struct ends *ends)
{
    struct sandbox *sandbox = talk->sandbox;
    const struct supervision supervision = { .sandbox = sandbox,
                                             .backend = backend,
                                             .streams = { ends->streams[0], ends->streams[1] },
                                             .report = ends->report,
                                             .refusals = ends->refusals,
                                             .calls = ends->calls,
                                             .wish = ends->wish };
    if (unshare(CLONE_NEWPID) != 0)
        return sandbox_fail(sandbox, REASON_JOB_START, "processes of its own: %s", strerror(errno));
    talk->supervisor = fork();
    if (talk->supervisor < 0)
        return sandbox_fail(sandbox, REASON_JOB_START, "%s", strerror(errno));
    if (talk->supervisor == 0) {
        fd_close(&talk->wish); /* or its end would never be seen */
        supervise(&supervision);
    }
    close_ends(ends);
    fd_close(&sandbox->sealed); /* the supervisor has it */
    return REASON_OK;
}

static void cancel(struct conversation *talk)
{
    if (talk->cancelled)
        return;
    talk->cancelled = true;
    talk->kill_ms = clock_monotonic_ms() + CANCEL_MS;
    fd_close(&talk->wish);
}

/* A word of the supervisor's; false when there is none any more. */
static bool hear(struct conversation *talk)
{
    struct supervised said;
    ssize_t got = fd_read(talk->report, &said, sizeof said);
    if (got != (ssize_t)sizeof said)
        return false;
    said.what[sizeof said.what - 1] = 0;
    talk->said = said;
    return true;
}

/* What its fence has refused.  That process may be the job's by now: it can make us count, to a
   bound, and nothing else. */
static void hear_refusal(struct conversation *talk)
{
    const struct sandbox_job *job = talk->sandbox->job;
    bool open = true;
    const struct refusal *refusal = refusals_read(talk->refused, talk->refusals, &open);
    if (!open)
        fd_close(&talk->refusals);
    if (refusal == NULL || job->refused == NULL)
        return;
    stream_end_line(&talk->streams[1]);
    job->refused(job->arg, talk->sandbox->reach, refusal);
}

/* What its list of system calls has refused. */
static void hear_call(struct conversation *talk)
{
    const struct sandbox_job *job = talk->sandbox->job;
    bool open = true;
    const struct call_refused *call = calls_read(talk->refused_calls, talk->calls, &open);
    if (!open)
        fd_close(&talk->calls);
    if (call == NULL || job->refused_call == NULL)
        return;
    stream_end_line(&talk->streams[1]);
    job->refused_call(job->arg, call);
}

/* What the runtime said when it could not make the sandbox. */
static void hear_why(struct conversation *talk)
{
    char words[SANDBOX_WHAT / 2];
    struct sandbox *sandbox = talk->sandbox;
    char before[SANDBOX_WHAT / 2];
    snprintf(before, sizeof before, "%.*s", (int)sizeof before - 1, talk->said.what);
    ssize_t got = read(talk->streams[1].from, words, sizeof words - 1);
    while (got > 0 && (words[got - 1] == '\n' || words[got - 1] == ' '))
        got--;
    words[got < 0 ? 0 : got] = 0;
    sandbox_fail(sandbox, (enum reason)talk->said.reason, "%s%s%s", before, got > 0 ? ": " : "",
                 words);
}

/* Until nobody is left who could say something. */
static void listen_on(struct conversation *talk)
{
    struct pollfd polled[6];
    bool told = true;
    for (;;) {
        const bool runs = talk->said.stage != SUPERVISED_NONE;
        bool waits = false;
        for (size_t i = 0; i < 2; i++) {
            polled[i] = (struct pollfd){ .fd = -1 };
            waits |= runs && stream_wait(&talk->streams[i], &polled[i]);
        }
        polled[2] = (struct pollfd){ .fd = told ? talk->report : -1, .events = POLLIN };
        polled[3] = (struct pollfd){ .fd = talk->sandbox->wishes.fd, .events = POLLIN };
        polled[4] = (struct pollfd){ .fd = talk->refusals, .events = POLLIN };
        polled[5] = (struct pollfd){ .fd = talk->calls, .events = POLLIN };
        if (!waits && !told && talk->refusals < 0 && talk->calls < 0)
            return;
        poll(polled, COUNT_OF(polled), talk->cancelled ? 100 : -1);
        for (size_t i = 0; i < 2; i++)
            stream_step(&talk->streams[i], polled[i].revents);
        if (polled[2].revents != 0)
            told = hear(talk) && talk->said.stage != SUPERVISED_ENDED;
        if (polled[4].revents != 0)
            hear_refusal(talk);
        if (polled[5].revents != 0)
            hear_call(talk);
        if (wishes_hear(&talk->sandbox->wishes) || talk->streams[0].lost || talk->streams[1].lost)
            cancel(talk);
        if (talk->cancelled && told && clock_monotonic_ms() > talk->kill_ms)
            kill(talk->supervisor, SIGKILL);
        /* Whoever wished the end does not wait for a reader who has stopped reading. */
        if (talk->cancelled && !told && clock_monotonic_ms() > talk->kill_ms)
            return;
        if (!told && talk->said.status == -1 && talk->said.stage == SUPERVISED_ENDED)
            return;
    }
}

static void take_end(const struct conversation *talk, struct sandbox_result *out)
{
    const struct supervised *said = &talk->said;
    out->started_ms = said->started_ms;
    out->calls_untold |= said->untold == 1;
    if (said->stage != SUPERVISED_ENDED) {
        sandbox_fail(talk->sandbox, REASON_JOB_LOST, "the process beside the job was ended");
        out->reason = talk->cancelled ? REASON_JOB_CANCELLED : REASON_JOB_LOST;
        return;
    }
    out->reason = (enum reason)said->reason;
    if (said->status == -1)
        return;
    sandbox_fail(talk->sandbox, out->reason, "%s", said->what);
    out->ran = true;
    out->ended_ms = said->ended_ms;
    out->signal = WIFSIGNALED(said->status) ? WTERMSIG(said->status) : 0;
    out->code = WIFEXITED(said->status) ? WEXITSTATUS(said->status) : 0;
}

static enum reason converse(struct sandbox *sandbox, const struct backend *backend,
                            struct sandbox_result *out)
{
    const struct sandbox_job *job = sandbox->job;
    struct conversation *talk = arena_alloc(job->arena, sizeof *talk);
    struct refusals *refused = arena_alloc(job->arena, sizeof *refused);
    struct calls *calls = arena_alloc(job->arena, sizeof *calls);
    struct ends ends = { { -1, -1 }, -1, -1, -1, -1 };
    if (talk == NULL || refused == NULL || calls == NULL)
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the streams");
    *talk = (struct conversation){ .sandbox = sandbox,
                                   .report = -1,
                                   .wish = -1,
                                   .refusals = -1,
                                   .calls = -1,
                                   .refused = refused,
                                   .refused_calls = calls };
    out->refusals = refused;
    out->calls = calls;
    /* A machine tells by itself whether all was told. */
    out->calls_untold = sandbox->teller == NULL && sandbox->spec.isolation != JOB_ISOLATION_VM;
    talk->streams[0] = (struct stream){ .from = -1, .to = job->to_stdout, .shown = job->shown[0] };
    talk->streams[1] = (struct stream){ .from = -1, .to = job->to_stderr, .shown = job->shown[1] };
    talk->streams[0].within = &talk->within[job->to_stdout == job->to_stderr];
    talk->streams[1].within = &talk->within[1];
    enum reason reason = REASON_OK;
    if (!make_ends(talk, &ends))
        reason = sandbox_fail(sandbox, REASON_JOB_START, "%s", strerror(errno));
    if (reason == REASON_OK)
        reason = begin(talk, backend, &ends);
    close_ends(&ends);
    if (reason == REASON_OK) {
        listen_on(talk);
        while (waitpid(talk->supervisor, NULL, 0) < 0 && errno == EINTR)
            ;
        take_end(talk, out);
        reason = out->reason;
        if (!out->ran && talk->said.stage == SUPERVISED_ENDED)
            hear_why(talk);
    }
    fd_close(&talk->streams[0].from);
    fd_close(&talk->streams[1].from);
    fd_close(&talk->report);
    fd_close(&talk->wish);
    fd_close(&talk->refusals);
    fd_close(&talk->calls);
    return reason;
}

/* --- one job ---------------------------------------------------------------------------------- */

/* As it is written; where its links lead is looked at when the files are there (place.c). */
static bool folder_is_plain(struct span folder)
{
    static const char *const made[] = { "/proc", "/dev", "/sys" };
    if (folder.len == 0)
        return true;
    bool plain = folder.at[0] == '/' && memmem(folder.at, folder.len, "..", 2) == NULL &&
                 memmem(folder.at, folder.len, "//", 2) == NULL &&
                 memmem(folder.at, folder.len, "/./", 3) == NULL;
    for (size_t i = 0; i < COUNT_OF(made) && plain; i++)
        plain = memmem(folder.at, folder.len, made[i], strlen(made[i])) != folder.at;
    return plain;
}

static enum reason hold_image(struct sandbox *sandbox)
{
    const struct sandbox_job *job = sandbox->job;
    uint8_t digest[IMAGE_DIGEST];
    struct trail trail = { 0 };
    const struct span image = sandbox->spec.image;
    if (!image_digest_read(image, digest))
        return sandbox_fail(sandbox, REASON_JOB_IMAGE, "no digest");
    rc held = image_hold(&trail, job->images, digest, job->arena, &sandbox->image, &sandbox->held);
    if (rc_ok(held) && !folder_is_plain(sandbox->image.folder))
        return sandbox_fail(
            sandbox, REASON_JOB_IMAGE, "its folder is \"%.*s\"",
            (int)(sandbox->image.folder.len < 200 ? sandbox->image.folder.len : 200),
            (const char *)sandbox->image.folder.at);
    if (rc_ok(held))
        return REASON_OK;
    return sandbox_fail(sandbox, REASON_JOB_IMAGE, "%.*s in %s: %s", (int)image.len,
                        (const char *)image.at, job->images, file_error_text(held));
}

/* What a machine has in its memory is reserved there, with what it needs itself. */
static struct slot_room room_for(const struct job_resources *wanted, const struct backend *backend)
{
    struct slot_room room = { .memory = wanted->memory, .disk = wanted->disk };
    const uint64_t more = backend->overhead + backend->kept;
    if (!backend->in_memory)
        return room;
    room.disk = 0;
    const bool sane = wanted->memory < UINT64_MAX / 4 && wanted->disk < UINT64_MAX / 4;
    room.memory = sane ? wanted->memory + wanted->disk + more : UINT64_MAX;
    return room;
}

static enum reason take_slot(struct sandbox *sandbox, const struct backend *backend)
{
    struct trail trail = { 0 };
    struct sysinfo memory;
    const struct job_resources *wanted = &sandbox->spec.resources;
    if (sysinfo(&memory) != 0)
        return sandbox_fail(sandbox, REASON_JOB_CAPACITY, "%s", strerror(errno));
    const struct slot_claim claim = {
        .id = sandbox->id,
        .room = room_for(wanted, backend),
        .memory_lent = sandbox_memory_lent((uint64_t)memory.totalram * memory.mem_unit),
    };
    rc taken = slot_take(&trail, &sandbox->groups, &claim, &sandbox->slot);
    if (rc_ok(taken))
        return REASON_OK;
    if (rc_number(taken) == SLOT_E_FULL)
        return sandbox_fail(sandbox, REASON_JOB_CAPACITY, "%d jobs are running", SLOTS_MAX);
    if (rc_number(taken) == SLOT_E_MEMORY)
        return too_small(sandbox, "memory", wanted->memory, sandbox->slot.left.memory);
    if (rc_number(taken) == SLOT_E_DISK)
        return too_small(sandbox, "disk", wanted->disk, sandbox->slot.left.disk);
    return sandbox_fail(sandbox, REASON_JOB_DISK, "%s: %s", SLOTS_FOLDER, file_error_text(taken));
}

static enum reason collect(struct sandbox *sandbox, struct sandbox_result *out)
{
    const struct sandbox_job *job = sandbox->job;
    struct trail trail = { 0 };
    const struct collect wanted = { .from = sandbox->output,
                                    .to = job->output,
                                    .bytes_max = sandbox->spec.limits.output,
                                    .wishes = sandbox->wishes.fd,
                                    .arena = job->arena };
    /* It ended by itself when it was about to be ended. */
    if (sandbox->wishes.heard)
        return REASON_JOB_CANCELLED;
    if (job->output == NULL)
        return REASON_OK;
    /* What the machine's own disk had no room for is read as it was written, until it is not. */
    if (syncfs(sandbox->output) != 0)
        return sandbox_fail(sandbox, REASON_JOB_DELIVERY, "/output was not written to disk: %s",
                            strerror(errno));
    rc taken = collect_outputs(&trail, &wanted, &out->outputs);
    if (!rc_ok(taken))
        return sandbox_fail(sandbox, REASON_JOB_DELIVERY, "%s: %s", job->output,
                            file_error_text(taken));
    if (out->outputs.reason != REASON_OK)
        sandbox_fail(sandbox, out->outputs.reason, "%s at /output/%s", out->outputs.what,
                     out->outputs.where);
    return out->outputs.reason;
}

static void give_back(struct sandbox *sandbox, struct sandbox_result *out)
{
    struct trail trail = { 0 };
    fd_close(&sandbox->output);
    rc removed = volumes_remove(&trail, &sandbox->slot);
    rc given = slot_give(&trail, &sandbox->groups, &sandbox->slot);
    if (!rc_ok(removed) || !rc_ok(given))
        snprintf(out->left, sizeof out->left, "%s: %s", sandbox->slot.path,
                 file_error_text(rc_ok(given) ? removed : given));
    fd_close(&sandbox->held);
    fd_close(&sandbox->kernels);
    fd_close(&sandbox->sealed);
}

static enum reason run_in_slot(struct sandbox *sandbox, const struct backend *backend,
                               struct sandbox_result *out)
{
    enum reason reason = fit(sandbox, backend);
    out->limits = sandbox->spec.limits;
    if (reason == REASON_OK)
        reason = volumes_make(sandbox);
    if (reason == REASON_OK)
        reason = places_settle(sandbox);
    if (reason == REASON_OK)
        reason = backend->prepare(sandbox);
    if (reason == REASON_OK)
        reason = sandbox_measure(sandbox);
    if (reason == REASON_OK && wishes_hear(&sandbox->wishes))
        reason = REASON_JOB_CANCELLED;
    if (reason == REASON_OK)
        reason = converse(sandbox, backend, out);
    if (out->started_ms != 0)
        out->usage = cgroup_measure(&sandbox->groups, sandbox->slot.name);
    /* What a job wrote that was ended is no result. */
    return reason == REASON_OK ? collect(sandbox, out) : reason;
}

static enum reason run(struct sandbox *sandbox, struct sandbox_result *out)
{
    const struct backend *backend = sandbox->spec.isolation == JOB_ISOLATION_VM
                                        ? &backend_machine
                                        : &backend_container;
    struct trail trail = { 0 };
    enum reason reason = sandbox_admits(&sandbox->spec, sandbox->what);
    if (reason != REASON_OK)
        return reason;
    if (geteuid() != 0)
        return sandbox_fail(sandbox, REASON_JOB_NOT_ROOT, "this is user %u", geteuid());
    sandbox->reach = arena_alloc(sandbox->job->arena, sizeof *sandbox->reach);
    if (sandbox->reach == NULL || !reach_make(&sandbox->spec, sandbox->job->arena, sandbox->reach))
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "what it may reach");
    out->reach = sandbox->reach;
    sandbox->groups = cgroup_find();
    reason = backend->find(sandbox);
    rc apart = reason == REASON_OK ? mount_apart(&trail) : RC_SUCCESS;
    if (!rc_ok(apart))
        reason = sandbox_fail(sandbox, REASON_JOB_START, "mounts of its own: %s",
                              file_error_text(apart));
    /* Only now: what was opened before lies in mounts that are not ours to show again. */
    if (reason == REASON_OK)
        reason = hold_image(sandbox);
    if (reason == REASON_OK)
        reason = take_slot(sandbox, backend);
    if (reason != REASON_OK) {
        fd_close(&sandbox->held);
        fd_close(&sandbox->kernels);
        fd_close(&sandbox->version);
        fd_close(&sandbox->sealed);
        fd_close(&sandbox->asked.pidfd);
        return reason;
    }
    reason = run_in_slot(sandbox, backend, out);
    give_back(sandbox, out);
    return reason;
}

/* From before anything is made until all of it is gone the wishes wait, and are heard. */
static enum reason run_heard(struct sandbox *sandbox, struct sandbox_result *out)
{
    enum reason reason = wishes_begin(&sandbox->wishes)
                             ? run(sandbox, out)
                             : sandbox_fail(sandbox, REASON_JOB_START, "%s", strerror(errno));
    /* What failed may have been ended by the same wish. */
    if (wishes_hear(&sandbox->wishes) && out->started_ms == 0)
        reason = sandbox_fail(sandbox, REASON_JOB_CANCELLED, "before it ran");
    wishes_end(&sandbox->wishes);
    return reason;
}

void sandbox_run(const struct sandbox_job *job, struct sandbox_result *out)
{
    uint8_t id[SANDBOX_ID / 2];
    struct sandbox *sandbox = arena_alloc(job->arena, sizeof *sandbox);
    *out = (struct sandbox_result){ .reason = REASON_OUT_OF_MEMORY };
    if (sandbox == NULL)
        return;
    *sandbox = (struct sandbox){ .job = job,
                                 .spec = *job->spec,
                                 .held = -1,
                                 .id = out->id,
                                 .output = -1,
                                 .slot.folder = -1,
                                 .kernels = -1,
                                 .version = -1,
                                 .sealed = -1,
                                 .asked = { .pidfd = -1 },
                                 .word = -1 };
    out->limits = job->spec->limits;
    random_bytes(id, sizeof id);
    struct sink name = sink_over(out->id, sizeof out->id);
    if (job->id == NULL)
        sink_hex(&name, SPAN(id));
    else
        sink_text(&name, job->id);
    sink_terminate(&name);
    const struct sigaction usual = { .sa_handler = SIG_DFL }, ignored = { .sa_handler = SIG_IGN };
    sigaction(SIGCHLD, &usual, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
    out->reason = run_heard(sandbox, out);
    snprintf(out->what, sizeof out->what, "%s", sandbox->what);
}

rc sandbox_sweep(struct trail *trail)
{
    const struct cgroups groups = cgroup_find();
    return geteuid() == 0 ? slots_sweep(trail, &groups) : RC_SUCCESS;
}
