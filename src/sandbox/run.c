/* run.c - see sandbox.h: the life of one job, from the outside. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/number.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/random.h"
#include "sandbox/backend.h"
#include "sandbox/import.h"

enum { CPU_PERIOD_US = 100000 };

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
    limits->disk = least_u64(limits->disk, usable);
    limits->output = least_u64(limits->output, usable);
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
    limits->cpu_cores = (uint32_t)least_u64(limits->cpu_cores, (uint64_t)cores);
    limits->memory = least_u64(limits->memory, memory);
    limits->disk = least_u64(limits->disk, backend->in_memory ? UINT64_MAX : left->disk);
    limits->output = least_u64(limits->output, left->disk);
    limits->disk = least_u64(limits->disk, VOLUME_SIZE_MAX);
    limits->output = least_u64(limits->output, VOLUME_SIZE_MAX);
    sandbox->limits = (struct cgroup_limits){
        .memory = limits->memory + backend->overhead,
        .sockets = least_u64(limits->memory / JOB_SOCKETS_PART, JOB_SOCKETS_MAX),
        .processes = JOB_PROCESSES_MAX,
        .cpu_quota_us = (uint64_t)limits->cpu_cores * CPU_PERIOD_US,
        .cpu_period_us = CPU_PERIOD_US
    };
    return backend->in_memory ? fit_in_memory(sandbox, backend) : REASON_OK;
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
    if (rc_ok(taken) && out->outputs.reason == REASON_OK) {
        out->seen.output = most_u64(out->seen.output, out->outputs.bytes);
        out->seen.output_known = true;
    }
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
    fd_close(&sandbox->agent);
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
        reason = sandbox_converse(sandbox, backend, out);
    if (out->started_ms != 0)
        out->usage = cgroup_measure(&sandbox->groups, sandbox->slot.name);
    out->seen.memory = out->usage.memory_peak;
    out->seen.cpu_us = out->usage.cpu_us;
    out->seen.kept = backend->kept;
    /* What a job wrote that was ended is no result. */
    return reason == REASON_OK ? collect(sandbox, out) : reason;
}

static enum reason run_apart(struct sandbox *sandbox, const struct backend *backend,
                             struct sandbox_result *out)
{
    struct trail trail = { 0 };
    enum reason reason = backend->find(sandbox);
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

static enum reason run(struct sandbox *sandbox, struct sandbox_result *out)
{
    enum reason reason = sandbox_admits(&sandbox->spec, sandbox->what);
    if (reason != REASON_OK)
        return reason;
    if (sandbox->spec.guest_agent && sandbox->job->house < 0)
        return sandbox_fail(sandbox, REASON_JOB_NO_GUEST_AGENT, "no house measures this run");
    if (geteuid() != 0)
        return sandbox_fail(sandbox, REASON_JOB_NOT_ROOT, "this is user %u", geteuid());
    sandbox->groups = cgroup_find();
    sandbox->ready = cgroup_ready_begin(&sandbox->groups);
    sandbox->reach = arena_alloc(sandbox->job->arena, sizeof *sandbox->reach);
    if (sandbox->reach == NULL || !reach_make(&sandbox->spec, sandbox->job->arena, sandbox->reach))
        reason = sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "what it may reach");
    else
        out->reach = sandbox->reach;
    if (reason == REASON_OK)
        reason = run_apart(sandbox,
                           sandbox->spec.isolation == JOB_ISOLATION_VM ? &backend_machine
                                                                       : &backend_container,
                           out);
    cgroup_ready_end(&sandbox->ready);
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
                                 .agent = -1,
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
