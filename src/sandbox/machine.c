/* machine.c - the backend for virtual machines: QEMU in a container.

   The container is that of container.c, with another job in it: ward-machine, which has what a job
   would have, starts QEMU, and is told of the job that runs in the machine (job/guest_talk.h).  All
   that holds a job in a container holds QEMU and whoever would take it over, and all that ends one
   ends it.  The machine reads its files from disks that cannot be written, and keeps what it
   changes in its own memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "job/guest_talk.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/mount.h"
#include "sandbox/backend.h"
#include "sandbox/kernel.h"
#include "sandbox/paths.h"

enum {
    OVERHEAD = 256 << 20, /* QEMU with its translated code, and ward-machine */
    KEPT = 128 << 20,     /* the guest's kernel, and ward-guest */
    PROGRAM_MAX = 16 << 20,
    NUMBER_ROOM = 32,
};

static const char qemu[] = "/usr/bin/qemu-system-x86_64";
static const char mksquashfs[] = "/usr/bin/mksquashfs";

/* What QEMU needs of the host; and where /usr is all there is, what leads there. */
static const char *const of_host[] = { qemu, "/usr/lib", "/usr/lib64", "/usr/share/qemu",
                                       "/usr/share/seabios" };

static enum reason find(struct sandbox *sandbox)
{
    struct trail trail = { 0 };
    enum reason reason = container_find(sandbox);
    if (reason != REASON_OK)
        return reason;
    if (sandbox->job->machine == NULL)
        return sandbox_fail(sandbox, REASON_JOB_RUNTIME, "there is no ward-machine");
    if (access(mksquashfs, X_OK) != 0)
        return sandbox_fail(sandbox, REASON_JOB_RUNTIME, "there is no %s", mksquashfs);
    for (size_t i = 0; i < COUNT_OF(of_host); i++) {
        if (access(of_host[i], R_OK) != 0)
            return sandbox_fail(sandbox, REASON_JOB_RUNTIME, "there is no %s", of_host[i]);
    }
    rc opened = kernel_open(&trail, sandbox->job->images, &sandbox->kernels);
    return rc_ok(opened) ? REASON_OK
                         : sandbox_fail(sandbox, REASON_JOB_RUNTIME,
                                        "%s has no kernel for machines (`ward image build`): %s",
                                        sandbox->job->images, file_error_text(opened));
}

/* --- the disks -------------------------------------------------------------------------------- */

/* The job's user alone reads it. */
static enum reason give_file(struct sandbox *sandbox, const char *path, mode_t mode)
{
    const uid_t user = sandbox->slot.ids + JOB_USER;
    return chown(path, user, user) == 0 && chmod(path, mode) == 0
               ? REASON_OK
               : sandbox_fail(sandbox, REASON_JOB_DISK, "%s: %s", path, strerror(errno));
}

/* A file system that cannot be written, of all that is in a folder of the slot. */
static enum reason pack(struct sandbox *sandbox, const char *folder, const char *file)
{
    char from[SLOT_PATH], to[SLOT_PATH];
    slot_file(&sandbox->slot, folder, from);
    slot_file(&sandbox->slot, file, to);
    const char *const argv[] = {
        mksquashfs, from,          to,           "-noappend",   "-noI",         "-noD",
        "-noF",     "-noX",        "-no-xattrs", "-no-exports", "-no-recovery", "-no-progress",
        "-quiet",   "-processors", "1",          "-mem",        "64M",          NULL
    };
    enum reason reason = run_program(sandbox, argv, REASON_JOB_DISK);
    return reason == REASON_OK ? give_file(sandbox, to, 0400) : reason;
}

/* --- the container's root --------------------------------------------------------------------- */

static const char *const folders[] = { "machine",
                                       "machine/usr",
                                       "machine/usr/bin",
                                       "machine/usr/lib",
                                       "machine/usr/lib64",
                                       "machine/usr/share",
                                       "machine/usr/share/qemu",
                                       "machine/usr/share/seabios",
                                       "machine/vm",
                                       "machine/proc",
                                       "machine/dev",
                                       "machine/output" };
static const char *const files[] = { "machine/usr/bin/qemu-system-x86_64",
                                     "machine/vm/machine",
                                     "machine/vm/kernel",
                                     "machine/vm/initramfs",
                                     "machine/vm/root",
                                     "machine/vm/job",
                                     "machine/vm/told" };
static const char *const links[][2] = { { "usr/lib", "machine/lib" },
                                        { "usr/lib64", "machine/lib64" } };

static enum reason make_root(struct sandbox *sandbox)
{
    char path[SLOT_PATH];
    bool made = true;
    for (size_t i = 0; i < COUNT_OF(folders) && made; i++) {
        slot_file(&sandbox->slot, folders[i], path);
        made = mkdir(path, 0755) == 0 && chmod(path, 0755) == 0;
    }
    for (size_t i = 0; i < COUNT_OF(files) && made; i++) {
        slot_file(&sandbox->slot, files[i], path);
        made = mknod(path, S_IFREG | 0444, 0) == 0;
    }
    for (size_t i = 0; i < COUNT_OF(links) && made; i++) {
        slot_file(&sandbox->slot, links[i][1], path);
        made = symlink(links[i][0], path) == 0;
    }
    return made ? REASON_OK
                : sandbox_fail(sandbox, REASON_JOB_DISK, "%s: %s", path, strerror(errno));
}

/* A copy: what leads to the program need not let the job's user pass. */
static enum reason copy_file(struct sandbox *sandbox, const char *from, const char *name,
                             size_t most, mode_t mode)
{
    char path[SLOT_PATH];
    struct trail trail = { 0 };
    struct arena arena;
    struct span bytes;
    slot_file(&sandbox->slot, name, path);
    arena_init(&arena, 2 * most);
    rc copied = file_read(&trail, from, most, &arena, &bytes);
    if (rc_ok(copied))
        copied = file_write_new(&trail, path, bytes, 0600);
    arena_fini(&arena);
    return rc_ok(copied)
               ? give_file(sandbox, path, mode)
               : sandbox_fail(sandbox, REASON_JOB_DISK, "%s: %s", from, file_error_text(copied));
}

static enum reason copy_kernel(struct sandbox *sandbox)
{
    char from[64];
    snprintf(from, sizeof from, "/proc/self/fd/%d/kernel", sandbox->kernels);
    enum reason reason = copy_file(sandbox, from, "kernel", KERNEL_MAX, 0400);
    snprintf(from, sizeof from, "/proc/self/fd/%d/initramfs", sandbox->kernels);
    return reason == REASON_OK ? copy_file(sandbox, from, "initramfs", KERNEL_MAX, 0400) : reason;
}

static bool has_network(const struct sandbox *sandbox)
{
    return !reach_is_nothing(sandbox->reach);
}

/* --- what the guest is told ------------------------------------------------------------------- */

static enum reason write_told(struct sandbox *sandbox, const struct bundle *bundle)
{
    char path[SLOT_PATH];
    struct trail trail = { 0 };
    uint8_t *room = arena_room(sandbox->job->arena, GUEST_TOLD_MAX);
    slot_file(&sandbox->slot, "told", path);
    if (room == NULL)
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "what the guest is told");
    struct sink out = sink_over(room, GUEST_TOLD_MAX);
    bundle_tell(&out, bundle, sandbox->job->output != NULL, has_network(sandbox));
    if (!sink_ok(&out))
        return sandbox_fail(sandbox, REASON_JOB_START, "the job is more than a guest can be told");
    rc written = file_write_new(&trail, path, sink_bytes(&out), 0600);
    return rc_ok(written)
               ? give_file(sandbox, path, 0400)
               : sandbox_fail(sandbox, REASON_JOB_DISK, "%s: %s", path, file_error_text(written));
}

/* --- the job of the container ----------------------------------------------------------------- */

/* In the words of a specification: ward-machine, and nothing of the job's own policy. */
struct other_job {
    struct job_spec spec;
    struct image_config image;
    struct bundle bundle;
    struct span words[8];
    char memory[NUMBER_ROOM], cpus[NUMBER_ROOM], output[NUMBER_ROOM];
};

static void show(struct bundle *bundle, const char *from, const char *at)
{
    if (from != NULL && bundle->shown_count < BUNDLE_SHOWN_MAX)
        bundle->shown[bundle->shown_count++] = (struct bundle_shown){ from, at };
}

static const char *slot_path(struct sandbox *sandbox, const char *name)
{
    char *path = arena_alloc(sandbox->job->arena, SLOT_PATH);
    if (path != NULL)
        slot_file(&sandbox->slot, name, path);
    return path;
}

static void write_words(const struct sandbox *sandbox, struct other_job *other)
{
    const struct job_limits *limits = &sandbox->spec.limits;
    size_t count = 0;
    snprintf(other->memory, sizeof other->memory, "%llu", (unsigned long long)limits->memory >> 20);
    snprintf(other->cpus, sizeof other->cpus, "%u", limits->cpu_cores);
    snprintf(other->output, sizeof other->output, "%llu", (unsigned long long)limits->output);
    other->words[count++] = span_text("/vm/machine");
    other->words[count++] = span_text(other->memory);
    other->words[count++] = span_text(other->cpus);
    other->words[count++] = span_text(other->output);
    if (sandbox->job->output != NULL)
        other->words[count++] = span_text("collect");
    if (sandbox->job->job != NULL)
        other->words[count++] = span_text("job");
    if (has_network(sandbox))
        other->words[count++] = span_text("network");
    if (sandbox->spec.guest_agent)
        other->words[count++] = span_text("agent");
    other->spec.command = (struct span_list){ other->words, count };
}

static enum reason write_container(struct sandbox *sandbox, const struct bundle *of_job)
{
    struct other_job *other = arena_alloc(sandbox->job->arena, sizeof *other);
    if (other == NULL)
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the configuration");
    other->spec = job_spec_default();
    other->spec.limits = sandbox->spec.limits;
    other->spec.resources = sandbox->spec.resources;
    other->spec.files = (struct job_files){ .read_only = true };
    write_words(sandbox, other);
    other->bundle = *of_job;
    other->bundle.spec = &other->spec;
    other->bundle.image = &other->image;
    other->bundle.arguments = (struct span_list){ NULL, 0 };
    other->bundle.job = NULL;
    other->bundle.root = slot_path(sandbox, "machine");
    for (size_t i = 0; i < COUNT_OF(of_host); i++)
        show(&other->bundle, of_host[i], of_host[i]);
    show(&other->bundle, slot_path(sandbox, "program"), "/vm/machine");
    show(&other->bundle, slot_path(sandbox, "kernel"), "/vm/kernel");
    show(&other->bundle, slot_path(sandbox, "initramfs"), "/vm/initramfs");
    show(&other->bundle, slot_path(sandbox, "root.disk"), "/vm/root");
    show(&other->bundle, slot_path(sandbox, "told"), "/vm/told");
    if (of_job->job != NULL)
        show(&other->bundle, slot_path(sandbox, "job.disk"), "/vm/job");
    if (other->bundle.root == NULL ||
        other->bundle.shown_count != COUNT_OF(of_host) + (of_job->job != NULL ? 6 : 5))
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the configuration");
    return container_write(sandbox, &other->bundle);
}

static enum reason prepare(struct sandbox *sandbox)
{
    const struct bundle *bundle = container_describe(sandbox);
    if (bundle == NULL)
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the configuration");
    sandbox->hides = paths_are_hidden(bundle);
    enum reason reason = make_root(sandbox);
    if (reason == REASON_OK)
        reason = copy_file(sandbox, sandbox->job->machine, "program", PROGRAM_MAX, 0500);
    if (reason == REASON_OK)
        reason = copy_kernel(sandbox);
    if (reason == REASON_OK)
        reason = pack(sandbox, "image", "root.disk");
    if (reason == REASON_OK && bundle->job != NULL)
        reason = pack(sandbox, "job", "job.disk");
    if (reason == REASON_OK)
        reason = write_told(sandbox, bundle);
    return reason == REASON_OK ? write_container(sandbox, bundle) : reason;
}

static enum reason create(struct sandbox *sandbox, pid_t *first)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sandbox_fail(sandbox, REASON_JOB_START, "%s", strerror(errno));
    sandbox->word = ends[0];
    auto_fd int theirs = ends[1];
    /* Who writes may wait, and who reads does not. */
    if (fcntl(sandbox->word, F_SETFL, O_RDONLY | O_NONBLOCK) != 0)
        return sandbox_fail(sandbox, REASON_JOB_START, "%s", strerror(errno));
    /* In the order of the numbers that ward-machine has them by. */
    const int given[SANDBOX_GIVEN_MAX] = { theirs, sandbox->job->house };
    return container_create(sandbox, given, sandbox->spec.guest_agent ? 2 : 1, first);
}

const struct backend backend_machine = {
    .overhead = OVERHEAD,
    .kept = KEPT,
    .in_memory = true,
    .find = find,
    .prepare = prepare,
    .create = create,
    .start = container_start,
};
