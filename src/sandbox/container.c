/* container.c - the backend that asks an OCI runtime for a container: crun or runc, by the
   interface that both share (create, start).  What a container may do is in bundle.c; that it is
   what was asked for is looked at by others (cgroup_holds, the tests). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/decimal.h"
#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/sealed.h"
#include "sandbox/backend.h"
#include "sandbox/paths.h"
#include "sandbox/teller.h"
#include "sandbox/version.h"

enum { CONFIG_ROOM = 4 << 20, RUNTIME_ROOM = 64 << 20, VERSION_MS = 5000 };

/* With the first version that lets somebody be asked for refused calls (listenerPath). */
static const struct runtime {
    const char *name, *path;
    unsigned major, minor;
} runtimes[] = {
    { "crun", "/usr/bin/crun", 0, 19 },
    { "runc", "/usr/sbin/runc", 1, 1 },
    { "runc", "/usr/bin/runc", 1, 1 },
};

/* Where it cannot be, the runtime seals itself.  It is known which file was copied where that one
   had the name before and after. */
static void seal(struct sandbox *sandbox)
{
    const struct known_file before = known_describe(sandbox->program);
    rc sealed = sealed_copy(NULL, sandbox->program, RUNTIME_ROOM, &sandbox->sealed);
    if (!rc_ok(sealed))
        sandbox->sealed = -1;
    const struct known_file after = known_describe(sandbox->program);
    /* A script may say what a program says that it starts. */
    if (rc_ok(sealed) && known_is_one(&before, &after))
        sandbox->file = before;
}

enum reason container_find(struct sandbox *sandbox)
{
    const char *wanted = sandbox->job->runtime;
    if (sandbox->groups.layout == CGROUP_NONE)
        return sandbox_fail(sandbox, REASON_JOB_LIMITS,
                            "/sys/fs/cgroup has no control groups for memory, cpu and pids");
    for (size_t i = 0; i < COUNT_OF(runtimes); i++) {
        if ((wanted != NULL && strcmp(wanted, runtimes[i].name) != 0) ||
            access(runtimes[i].path, X_OK) != 0)
            continue;
        sandbox->program = runtimes[i].path;
        seal(sandbox);
        return REASON_OK;
    }
    return sandbox_fail(sandbox, REASON_JOB_RUNTIME, "there is no %s in /usr/bin or /usr/sbin",
                        wanted == NULL ? "crun or runc" : wanted);
}

/* --- its version ------------------------------------------------------------------------------ */

/* In a child.  What it has open besides its streams ends with this program.  Of a program that is
   known there is nothing to be said but that this kernel lets somebody be asked. */
static _Noreturn void say_version(const struct sandbox *sandbox, int to)
{
    static char *const no_environment[] = { NULL };
    static char option[] = "--version";
    char name[] = "runtime";
    char *const argv[] = { name, option, NULL };
    const bool ready = teller_is_possible() && setsid() >= 0 && dup2(to, STDOUT_FILENO) >= 0;
    if (ready && sandbox->known)
        _exit(0);
    if (ready && sandbox->sealed > 0)
        execveat(sandbox->sealed, "", argv, no_environment, AT_EMPTY_PATH);
    else if (ready)
        execve(sandbox->program, argv, no_environment);
    _exit(1);
}

/* One that cannot have a teller says nothing.  It is read when it is needed: meanwhile the sandbox
   is made. */
static void ask_version(struct sandbox *sandbox)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    auto_fd int theirs = ends[1];
    sandbox->version = ends[0];
    sandbox->known = known_find(sandbox->program, &sandbox->file);
    sandbox->asked.pid = fork();
    if (sandbox->asked.pid == 0)
        say_version(sandbox, theirs);
    if (sandbox->asked.pid < 0)
        return;
    rc held = process_hold(NULL, sandbox->asked.pid, &sandbox->asked.pidfd);
    (void)held; /* without it nothing is read: an unknown version */
}

/* False: it has not ended well, or not in time.  Ended it is. */
static bool ends_well(const struct sandbox *sandbox, int held)
{
    int status = -1;
    rc ended = process_wait(NULL, held, clock_monotonic_ms() + VERSION_MS);
    if (!rc_ok(ended)) {
        rc killed = process_signal(NULL, held, SIGKILL);
        (void)killed; /* it may have ended by itself just now */
    }
    while (waitpid(sandbox->asked.pid, &status, 0) < 0 && errno == EINTR)
        ;
    return rc_ok(ended) && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_new_enough(const struct sandbox *sandbox, struct span said)
{
    for (size_t i = 0; i < COUNT_OF(runtimes); i++) {
        if (strcmp(sandbox->program, runtimes[i].path) == 0)
            return version_is_from(said, runtimes[i].name, runtimes[i].major, runtimes[i].minor);
    }
    return false;
}

/* The process that was asked is gone when this returns. */
static bool hears_refused(struct sandbox *sandbox)
{
    char said[64];
    auto_fd int from = sandbox->version;
    auto_fd int held = sandbox->asked.pidfd;
    sandbox->version = sandbox->asked.pidfd = -1;
    if (held < 0 || !ends_well(sandbox, held))
        return false;
    if (sandbox->known)
        return true;
    const ssize_t got = read(from, said, sizeof said);
    if (got <= 0 || !is_new_enough(sandbox, span_of(said, (size_t)got)))
        return false;
    known_keep(sandbox->program, &sandbox->file);
    return true;
}

static enum reason find(struct sandbox *sandbox)
{
    enum reason reason = container_find(sandbox);
    if (reason == REASON_OK)
        ask_version(sandbox);
    return reason;
}

static bool is_crun(const struct sandbox *sandbox)
{
    return strcmp(sandbox->program, runtimes[0].path) == 0;
}

static enum reason write_text(struct sandbox *sandbox, struct span text)
{
    char path[SLOT_PATH];
    slot_file(&sandbox->slot, "config.json", path);
    /* Not synced: it need not outlive the machine. */
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd >= 0 && fd_write(fd, text)
               ? REASON_OK
               : sandbox_fail(sandbox, REASON_JOB_DISK, "%s: %s", path, strerror(errno));
}

/* In the arena, for the bundle is longer lived than who makes it. */
static const char *name_file(struct sandbox *sandbox, const char *name)
{
    char *path = arena_alloc(sandbox->job->arena, SLOT_PATH);
    if (path != NULL)
        slot_file(&sandbox->slot, name, path);
    return path;
}

struct bundle *container_describe(struct sandbox *sandbox)
{
    const struct job_spec *spec = &sandbox->spec;
    struct bundle *bundle = arena_alloc(sandbox->job->arena, sizeof *bundle);
    if (bundle == NULL)
        return NULL;
    *bundle = (struct bundle){ .spec = spec,
                               .image = &sandbox->image,
                               .arguments = sandbox->job->arguments,
                               .name = sandbox->slot.name,
                               .root = name_file(sandbox, "rootfs"),
                               .output = name_file(sandbox, "output"),
                               .job = sandbox->job->job == NULL ? NULL : name_file(sandbox, "job"),
                               .denied = name_file(sandbox, DENIED_ENTRIES),
                               .ids = sandbox->slot.ids,
                               .id_count = SLOT_IDS,
                               .limits = sandbox->limits };
    for (size_t i = 0; i < spec->files.denied.count; i++)
        bundle->shown_as[i] = volume_shown_as(sandbox, spec->files.denied.items[i]);
    const bool whole = bundle->root != NULL && bundle->output != NULL && bundle->denied != NULL &&
                       (bundle->job != NULL) == (sandbox->job->job != NULL);
    return whole ? bundle : NULL;
}

enum reason container_write(struct sandbox *sandbox, const struct bundle *bundle)
{
    uint8_t *room = arena_room(sandbox->job->arena, CONFIG_ROOM);
    if (room == NULL)
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the configuration");
    struct sink out = sink_over(room, CONFIG_ROOM);
    bundle_write(&out, bundle);
    if (!sink_ok(&out))
        return sandbox_fail(sandbox, REASON_JOB_START, "the configuration is larger than 4 MiB");
    return write_text(sandbox, sink_bytes(&out));
}

static enum reason show_agent(struct sandbox *sandbox, struct bundle *bundle)
{
    const char *path = name_file(sandbox, "agent");
    if (path == NULL)
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the guest agent");
    bundle->shown[bundle->shown_count++] = (struct bundle_shown){ path, AGENT_SOCKET };
    return agent_prepare(sandbox, path);
}

static enum reason prepare(struct sandbox *sandbox)
{
    struct bundle *bundle = container_describe(sandbox);
    if (bundle != NULL && hears_refused(sandbox))
        bundle->teller = sandbox->teller = name_file(sandbox, "calls");
    if (bundle == NULL)
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the configuration");
    enum reason reason = volume_open_allowed(sandbox);
    if (reason == REASON_OK)
        reason = paths_prepare(sandbox, bundle);
    if (reason == REASON_OK && sandbox->spec.guest_agent)
        reason = show_agent(sandbox, bundle);
    return reason == REASON_OK ? container_write(sandbox, bundle) : reason;
}

/* crun 1.8 refuses a version 2 tree that has controllers beside trees of version 1, and needs no
   more of it than to write there. */
static enum reason cover_unified(struct sandbox *sandbox)
{
    struct trail trail = { 0 };
    if (!sandbox->groups.unified || !is_crun(sandbox))
        return REASON_OK;
    rc covered = mount_memory(&trail, "/sys/fs/cgroup/unified", "size=1m,mode=755");
    return rc_ok(covered) ? REASON_OK
                          : sandbox_fail(sandbox, REASON_JOB_START, "/sys/fs/cgroup/unified: %s",
                                         file_error_text(covered));
}

static bool read_first(const char *path, pid_t *first)
{
    char text[32];
    uint64_t number;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : fd_read(fd, text, sizeof text);
    while (got > 0 && text[got - 1] == '\n')
        got--;
    if (got <= 0 || !decimal_read(span_of(text, (size_t)got), INT32_MAX, &number) || number < 2)
        return false;
    *first = (pid_t)number;
    return true;
}

enum reason container_create(struct sandbox *sandbox, const int *given, size_t count, pid_t *first)
{
    char root[SLOT_PATH], number[SLOT_PATH], kept[2] = { (char)('0' + count), 0 };
    slot_file(&sandbox->slot, "runtime", root);
    slot_file(&sandbox->slot, "first", number);
    const char *const argv[] = { sandbox->program, "--root",           root,
                                 "create",         "--preserve-fds",   kept,
                                 "--bundle",       sandbox->slot.path, "--pid-file",
                                 number,           sandbox->slot.name, NULL };
    enum reason reason = cover_unified(sandbox);
    if (reason == REASON_OK)
        reason = run_program_with(sandbox, argv, REASON_JOB_START, given, count);
    if (reason == REASON_OK && !read_first(number, first))
        reason = sandbox_fail(sandbox, REASON_JOB_START, "%s did not tell the first process",
                              sandbox->program);
    return reason;
}

static enum reason create(struct sandbox *sandbox, pid_t *first)
{
    return container_create(sandbox, NULL, 0, first);
}

enum reason container_start(struct sandbox *sandbox)
{
    char root[SLOT_PATH];
    slot_file(&sandbox->slot, "runtime", root);
    const char *const argv[] = {
        sandbox->program, "--root", root, "start", sandbox->slot.name, NULL
    };
    return run_program(sandbox, argv, REASON_JOB_START);
}

const struct backend backend_container = {
    .find = find,
    .prepare = prepare,
    .create = create,
    .start = container_start,
};
