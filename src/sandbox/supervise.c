/* supervise.c - see backend.h.  Nothing here waits for anybody who reads what the job says, so a
   limit holds whoever is slow. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "job/guest_talk.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/mount.h"
#include "sandbox/backend.h"
#include "sandbox/paths.h"
#include "sandbox/teller.h"

enum {
    LOOK_MS = 50,
    WORDS_AT_ONCE = 64,
    LET_GO_MS = 250, /* a job that was killed is gone by then, or waits for its teller */
};

struct watch {
    const struct supervision *by;
    struct supervised said;
    pid_t first;
    struct beside fence, teller, agent;
    int ends; /* readable when a child has ended */
    int64_t until_ms, kill_ms;
    bool over;
    struct machine_word word; /* of the end, where it has been said; else of none */
    bool machine, runs;       /* it is one, and the job in it runs */
    bool lost;                /* a refused call that it told could not be passed on */
    bool paths_lost;          /* so too of a denied path */
    bool veiled;              /* its teller hears of denied paths */
    struct usage_watch usage; /* for a run that learns */
};

static void tell(const struct watch *watch, enum supervised_stage stage, enum reason reason)
{
    struct supervised said = watch->said;
    said.stage = stage;
    said.reason = (uint32_t)reason;
    snprintf(said.what, sizeof said.what, "%s", watch->by->sandbox->what);
    if (!fd_write(watch->by->report, span_of(&said, sizeof said)))
        _exit(3); /* nobody hears it: with this process all of it ends */
}

/* The job reads nothing.  Not from /dev/null: crun (1.8) gives what it is started with to the job's
   user, and would give him the host's device. */
static bool take_streams(const struct supervision *by)
{
    int nothing[2];
    if (pipe2(nothing, O_CLOEXEC) != 0 || dup2(nothing[0], STDIN_FILENO) < 0 ||
        dup2(by->streams[0], STDOUT_FILENO) < 0 || dup2(by->streams[1], STDERR_FILENO) < 0)
        return false;
    close(nothing[0]);
    close(nothing[1]);
    return true;
}

/* Away from the terminal, from what others mount, and from whoever would outlive it. */
static enum reason settle(const struct supervision *by)
{
    struct sandbox *sandbox = by->sandbox;
    struct trail trail = { 0 };
    if (setsid() < 0 || !take_streams(by))
        return sandbox_fail(sandbox, REASON_JOB_START, "%s", strerror(errno));
    rc result = mount_apart(&trail);
    if (rc_ok(result))
        result = mount_processes(&trail);
    if (!rc_ok(result))
        return sandbox_fail(sandbox, REASON_JOB_START, "mounts of its own: %s",
                            file_error_text(result));
    return REASON_OK;
}

static int open_ends(void)
{
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    return sigprocmask(SIG_BLOCK, &ended, NULL) == 0
               ? signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK)
               : -1;
}

/* Before the runtime, which comes to it, and beside it: the one need not wait for the other. */
static enum reason begin_teller(struct watch *watch)
{
    const struct supervision *by = watch->by;
    auto_fd int files = -1;
    paths_lay(by->sandbox, &files);
    watch->veiled = files >= 0;
    if (by->sandbox->teller == NULL && !watch->veiled)
        return REASON_OK;
    /* With it, its copy of the descriptor is the last one. */
    const struct teller_given given = { by->calls, by->paths, files };
    return teller_start(by->sandbox, &given, &watch->teller);
}

static enum reason launch(struct watch *watch)
{
    const struct supervision *by = watch->by;
    struct sandbox *sandbox = by->sandbox;
    const char *what = "the sockets' limit";
    enum reason reason = begin_teller(watch);
    if (reason == REASON_OK)
        reason = by->backend->create(sandbox, &watch->first);
    /* What is hidden is not there without it, so its own words come first. */
    if (watch->teller.process >= 0) {
        const enum reason confined = teller_hear(sandbox, &watch->teller);
        reason = confined == REASON_OK ? reason : confined;
    }
    if (reason != REASON_OK)
        return reason;
    rc bound = cgroup_bound_sockets(NULL, &sandbox->groups, sandbox->slot.name, &sandbox->limits);
    if (!rc_ok(bound) ||
        !cgroup_holds(&sandbox->groups, sandbox->slot.name, &sandbox->limits, &what))
        return sandbox_fail(sandbox, REASON_JOB_LIMITS,
                            "%s of the job's control group is not what was asked for", what);
    /* Until the teller has ended well, or a machine has said that it told all. */
    watch->said.untold = sandbox->teller != NULL || sandbox->word >= 0 ? 1 : 0;
    watch->said.paths_untold = sandbox->hides ? 1 : 0;
    reason = fence_start(sandbox, watch->first, by, &watch->fence);
    if (reason != REASON_OK)
        return reason;
    reason = agent_start(sandbox, &watch->agent);
    if (reason != REASON_OK)
        return reason;
    if (sandbox->job->learns)
        usage_begin(&watch->usage, sandbox, watch->first);
    watch->said.started_ms = clock_now_ms();
    watch->until_ms = clock_monotonic_ms() + INT64_C(1000) * sandbox->spec.limits.execution_s;
    /* The job's time is its own: a machine begins before it. */
    watch->machine = sandbox->word >= 0;
    if (watch->machine) {
        watch->until_ms += INT64_C(2) * MACHINE_TRIES * MACHINE_BEGIN_MS;
        if (fcntl(by->calls, F_SETFL, O_WRONLY | O_NONBLOCK) != 0 ||
            fcntl(by->paths, F_SETFL, O_WRONLY | O_NONBLOCK) != 0)
            return sandbox_fail(sandbox, REASON_JOB_START, "%s", strerror(errno));
    }
    teller_begin(&watch->teller);
    reason = by->backend->start(sandbox);
    fd_close(&sandbox->sealed); /* its memory is the machine's for as long as the job runs */
    return reason;
}

/* The number is its own as long as nobody has waited for it. */
static void end_job(struct watch *watch, enum reason why, bool asked_first)
{
    if (watch->kill_ms != 0)
        return;
    watch->said.reason = (uint32_t)why;
    watch->kill_ms = clock_monotonic_ms() + (asked_first ? SANDBOX_GRACE_MS : 0);
    kill(watch->first, SIGTERM);
}

static void look_at_limits(struct watch *watch)
{
    const struct sandbox *sandbox = watch->by->sandbox;
    const int64_t now = clock_monotonic_ms();
    if (cgroup_kills(&sandbox->groups, sandbox->slot.name) > 0)
        end_job(watch, REASON_JOB_MEMORY, false);
    if (output_is_over(sandbox))
        end_job(watch, REASON_JOB_OUTPUT_LIMIT, false);
    if (now >= watch->until_ms)
        end_job(watch, REASON_JOB_TIME, true);
    if (watch->kill_ms != 0 && now >= watch->kill_ms)
        kill(watch->first, SIGKILL);
    if (watch->kill_ms != 0 && now >= watch->kill_ms + LET_GO_MS)
        fd_close(&watch->teller.stop); /* nobody waits for one that is gone, in the kernel either */
    if (watch->kill_ms != 0 && now >= watch->kill_ms + LET_GO_MS + BESIDE_STOP_MS)
        beside_kill(&watch->teller);
    usage_look(&watch->usage, sandbox);
}

static void bury_teller(struct watch *watch, bool well)
{
    if (watch->by->sandbox->teller != NULL)
        watch->said.untold = well ? 0 : 1;
    if (watch->veiled)
        watch->said.paths_untold = well ? 0 : 1;
}

/* The job's first process is that of a namespace: when it is waited for, all others are gone. */
static void bury(struct watch *watch)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == watch->teller.pid)
            bury_teller(watch, status == 0);
        if (pid != watch->first)
            continue;
        watch->said.status = status;
        watch->said.ended_ms = clock_now_ms();
        watch->over = true;
    }
}

/* Nothing goes in or out any more, and what comes of the job now is not what it would have been. It
   has its memory of the job's, and may be what the kernel ends for what the job has taken. */
static void lose_fence(struct watch *watch)
{
    const struct sandbox *sandbox = watch->by->sandbox;
    if (cgroup_kills(&sandbox->groups, sandbox->slot.name) > 0)
        end_job(watch, REASON_JOB_MEMORY, false);
    if (watch->kill_ms == 0)
        sandbox_fail(watch->by->sandbox, REASON_JOB_NO_FENCE, "its process has ended");
    end_job(watch, REASON_JOB_NO_FENCE, false);
}

static void charge_teller(struct watch *watch)
{
    if (teller_charge(watch->by->sandbox, &watch->teller))
        return;
    if (watch->kill_ms == 0)
        sandbox_fail(watch->by->sandbox, REASON_JOB_LIMITS, "they do not hold its teller");
    end_job(watch, REASON_JOB_LIMITS, false);
}

/* What a machine has told of a refused call goes where a teller would tell it. */
static bool pass_on(const struct watch *watch, const struct guest_refused *refused)
{
    size_t rows;
    const struct call_refused call = { .row = refused->row,
                                       .count = refused->count,
                                       .argument = refused->argument };
    calls_refused(&rows);
    return watch->runs && call.row < rows && call_refused_send(watch->by->calls, &call);
}

/* So too what it has told of a try: by a rule that there is. */
static bool pass_on_try(const struct watch *watch, const struct denied_try *tried)
{
    const size_t rules = watch->by->sandbox->spec.files.denied.count;
    return watch->runs && denied_is_sound(tried, rules) && denied_try_send(watch->by->paths, tried);
}

/* The process beside a machine may be the job's by now: it can say how the job ended and what was
   refused to it, as the job can, and no more. */
static void take_word(struct watch *watch, const struct machine_word *word)
{
    if (!machine_word_is_sound(word) || watch->word.stage == MACHINE_ENDED)
        return;
    if (word->stage == MACHINE_ENDED)
        watch->word = *word;
    if (word->stage == MACHINE_REFUSED && !pass_on(watch, &word->refused))
        watch->lost = true;
    if (word->stage == MACHINE_TRIED && !pass_on_try(watch, &word->tried))
        watch->paths_lost = true;
    if (word->stage != MACHINE_RUNS || watch->runs)
        return;
    watch->runs = true;
    watch->said.started_ms = clock_now_ms();
    watch->until_ms = clock_monotonic_ms() +
                      INT64_C(1000) * watch->by->sandbox->spec.limits.execution_s;
}

/* True: there may be more, which waits, for the limits are to be looked at too. */
static bool hear_machine(struct watch *watch)
{
    struct machine_word word;
    for (int i = 0; i < WORDS_AT_ONCE; i++) {
        if (!watch->machine ||
            read(watch->by->sandbox->word, &word, sizeof word) != (ssize_t)sizeof word)
            return false;
        take_word(watch, &word);
    }
    return true;
}

/* What the end of that process means for the job in its machine. */
static void judge_machine(struct watch *watch)
{
    struct sandbox *sandbox = watch->by->sandbox;
    const struct machine_word *word = &watch->word;
    while (hear_machine(watch))
        ; /* it has ended: no more comes than is there */
    const bool told = word->stage == MACHINE_ENDED;
    const bool saw_all = told && watch->runs && word->ran == 1;
    if (saw_all && (word->untold & GUEST_UNTOLD_CALLS) == 0 && !watch->lost)
        watch->said.untold = 0;
    if (saw_all && (word->untold & GUEST_UNTOLD_PATHS) == 0 && !watch->paths_lost)
        watch->said.paths_untold = 0;
    if (told && watch->runs && word->ran == 1)
        watch->said.status = word->signal != 0 ? (int)word->signal : (int)word->code << 8;
    else if (!watch->runs)
        watch->said.status = -1;
    if (!watch->runs)
        watch->said.started_ms = watch->said.ended_ms = 0;
    if (watch->said.reason != REASON_OK)
        return;
    if (cgroup_kills(&sandbox->groups, sandbox->slot.name) > 0)
        watch->said.reason = REASON_JOB_MEMORY;
    else if (told)
        watch->said.reason = (uint32_t)sandbox_fail(sandbox, (enum reason)word->reason, "%s",
                                                    word->what);
    else
        watch->said.reason = (uint32_t)sandbox_fail(sandbox, REASON_JOB_MACHINE,
                                                    "the process beside it has ended");
}

static void attend(struct watch *watch)
{
    struct pollfd polled[] = { { .fd = watch->ends, .events = POLLIN },
                               { .fd = watch->by->wish, .events = POLLIN },
                               { .fd = watch->fence.process, .events = POLLIN },
                               { .fd = watch->by->sandbox->word, .events = POLLIN },
                               { .fd = watch->teller.ready, .events = POLLIN } };
    struct signalfd_siginfo heard;
    bury(watch);
    while (!watch->over) {
        poll(polled, COUNT_OF(polled), LOOK_MS);
        while (read(watch->ends, &heard, sizeof heard) > 0)
            ;
        if (polled[1].revents != 0) {
            end_job(watch, REASON_JOB_CANCELLED, true);
            polled[1].fd = -1;
        }
        if (polled[2].revents != 0) {
            lose_fence(watch);
            polled[2].fd = -1;
        }
        if (polled[4].revents != 0) {
            charge_teller(watch);
            polled[4].fd = -1;
        }
        const bool more = hear_machine(watch);
        if (!more && (polled[3].revents & POLLHUP) != 0)
            polled[3].fd = -1;
        look_at_limits(watch);
        bury(watch);
    }
    if (watch->machine)
        judge_machine(watch);
    /* It may have been the last thing that the job did. */
    const struct sandbox *sandbox = watch->by->sandbox;
    if (watch->said.reason == REASON_OK && cgroup_kills(&sandbox->groups, sandbox->slot.name) > 0)
        watch->said.reason = REASON_JOB_MEMORY;
}

_Noreturn void supervise(const struct supervision *by)
{
    struct watch watch = { .by = by,
                           .said = { .reason = REASON_OK, .status = -1 },
                           .fence = { .process = -1, .stop = -1, .ready = -1 },
                           .teller = { .process = -1, .stop = -1, .ready = -1 },
                           .agent = { .process = -1, .stop = -1, .ready = -1 } };
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        _exit(3);
    fd_close(&by->sandbox->slot.folder); /* the place is held by whoever takes it away */
    enum reason reason = settle(by);
    watch.ends = open_ends();
    if (reason == REASON_OK)
        reason = watch.ends < 0 ? sandbox_fail(by->sandbox, REASON_JOB_START, "no signals")
                                : launch(&watch);
    if (reason != REASON_OK) {
        watch.said.started_ms = 0;
        tell(&watch, SUPERVISED_ENDED, reason);
        _exit(0);
    }
    tell(&watch, SUPERVISED_RUNS, REASON_OK);
    attend(&watch);
    beside_stop(&watch.fence);
    beside_stop(&watch.teller);
    beside_stop(&watch.agent);
    bury(&watch);
    usage_end(&watch.usage, by->sandbox);
    watch.said.usage = watch.usage.seen;
    tell(&watch, SUPERVISED_ENDED, (enum reason)watch.said.reason);
    _exit(0);
}
