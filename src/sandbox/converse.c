/* converse.c - the supervisor of a job, and who listens to it: see backend.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "sandbox/backend.h"
#include "sandbox/paths.h"
#include "sandbox/stream.h"
#include "sandbox/use.h"

enum {
    CANCEL_MS = 5000,
    LINE_MS = 200,      /* that what is told waits for the end of a line of the job's */
    SO_FAR_MS = 500,    /* between two times that all is said as it stands */
    TOLD_AT_ONCE = 512, /* records of one pipe */
};

struct conversation {
    struct sandbox *sandbox;
    struct stream streams[2];
    bool within[2];  /* of where each goes; of one place where both go there */
    int64_t tell_ms; /* when what there is to be told waits for no line any more; 0: nothing is */
    int report, wish, refusals, calls, paths; /* ends of ours, */
    int uses;                                 /* and one for a run that learns; else -1 */
    struct refusals *refused;
    struct learn_uses *used;
    struct calls *refused_calls;
    struct denied_tries *refused_paths;
    bool changed;      /* what was refused, since that was said, */
    bool again;        /* or it was not heard by all */
    int64_t so_far_ms; /* when it was */
    pid_t supervisor;
    struct supervised said;
    bool cancelled;
    int64_t kill_ms;
};

/* Ends of pipes that the supervisor has. */
struct ends {
    int streams[2], report, wish, refusals, calls, paths, uses;
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
           make_pipe(&talk->paths, &ends->paths, true) &&
           (!talk->sandbox->job->learns || make_pipe(&talk->uses, &ends->uses, true)) &&
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
    fd_close(&ends->paths);
    fd_close(&ends->uses);
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
                                             .paths = ends->paths,
                                             .uses = ends->uses,
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

/* What its fence has let through, for a run that learns: judged as what it has refused. */
static void hear_use(struct conversation *talk)
{
    bool open = true;
    use_read(talk->used, talk->sandbox->reach, talk->uses, &open);
    if (!open)
        fd_close(&talk->uses);
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

/* What its denied paths have refused. */
static void hear_try(struct conversation *talk)
{
    const struct sandbox_job *job = talk->sandbox->job;
    bool open = true;
    const struct denied_try *tried = denied_try_read(talk->refused_paths, talk->paths,
                                                     job->spec->files.denied.count, &open);
    if (!open)
        fd_close(&talk->paths);
    if (tried == NULL || job->refused_path == NULL)
        return;
    stream_end_line(&talk->streams[1]);
    job->refused_path(job->arg, tried);
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

/* What there is to be told waits for the end of the line that the job is in, and for no more than a
   moment: then it ends that line. */
static bool waits_for_line(const struct conversation *talk)
{
    return talk->tell_ms != 0 && talk->within[1] && clock_monotonic_ms() < talk->tell_ms &&
           talk->said.stage != SUPERVISED_ENDED;
}

/* Three of them. */
static void watch_told(struct conversation *talk, struct pollfd told[3])
{
    const bool waits = waits_for_line(talk);
    const int from[] = { talk->refusals, talk->calls, talk->paths };
    for (size_t i = 0; i < COUNT_OF(from); i++)
        told[i] = (struct pollfd){ .fd = waits ? -1 : from[i], .events = POLLIN };
    talk->streams[0].pauses = talk->streams[1].pauses = waits;
}

/* All that is there: one that tells the same kinds again and again keeps no new one back. */
static void hear_all(struct conversation *talk, const int *from,
                     void (*hear_one)(struct conversation *talk))
{
    for (size_t i = 0; i < TOLD_AT_ONCE && *from >= 0; i++) {
        struct pollfd more = { .fd = *from, .events = POLLIN };
        if (poll(&more, 1, 0) <= 0)
            return;
        hear_one(talk);
    }
}

static void hear_told(struct conversation *talk, const struct pollfd told[3])
{
    if (told[0].revents == 0 && told[1].revents == 0 && told[2].revents == 0)
        return;
    if (talk->tell_ms == 0)
        talk->tell_ms = clock_monotonic_ms() + LINE_MS;
    if (waits_for_line(talk))
        return;
    talk->tell_ms = 0;
    talk->changed = true;
    hear_all(talk, &talk->refusals, hear_refusal);
    hear_all(talk, &talk->calls, hear_call);
    hear_all(talk, &talk->paths, hear_try);
}

/* Milliseconds until it is said again how things stand; -1: there is nothing to say. */
static int until_so_far(const struct conversation *talk)
{
    if ((!talk->changed && !talk->again) || talk->sandbox->job->so_far == NULL)
        return -1;
    const int64_t left = talk->so_far_ms + SO_FAR_MS - clock_monotonic_ms();
    return left < 0 ? 0 : (int)left;
}

static void say_so_far(struct conversation *talk)
{
    const struct sandbox_job *job = talk->sandbox->job;
    if (until_so_far(talk) != 0)
        return;
    talk->so_far_ms = clock_monotonic_ms();
    talk->again = !job->so_far(job->arg, talk->changed);
    talk->changed = false;
}

/* Milliseconds for poll; -1: as long as it takes. */
static int patience(const struct conversation *talk)
{
    if (talk->cancelled)
        return 100;
    return waits_for_line(talk) ? LINE_MS : until_so_far(talk);
}

/* Until nobody is left who could say something. */
static void listen_on(struct conversation *talk)
{
    struct pollfd polled[8];
    bool told = true;
    for (;;) {
        const bool runs = talk->said.stage != SUPERVISED_NONE;
        bool waits = false;
        for (size_t i = 0; i < 2; i++) {
            polled[i] = (struct pollfd){ .fd = -1 };
            if (talk->said.stage == SUPERVISED_ENDED)
                stream_rest(&talk->streams[i]);
            waits |= runs && stream_wait(&talk->streams[i], &polled[i]);
        }
        polled[2] = (struct pollfd){ .fd = told ? talk->report : -1, .events = POLLIN };
        polled[3] = (struct pollfd){ .fd = talk->sandbox->wishes.fd, .events = POLLIN };
        watch_told(talk, &polled[4]);
        polled[7] = (struct pollfd){ .fd = talk->uses, .events = POLLIN };
        if (!waits && !told && talk->refusals < 0 && talk->calls < 0 && talk->paths < 0 &&
            talk->uses < 0)
            return;
        poll(polled, COUNT_OF(polled), patience(talk));
        hear_told(talk, &polled[4]);
        say_so_far(talk);
        for (size_t i = 0; i < 2; i++)
            stream_step(&talk->streams[i], polled[i].revents);
        if (polled[2].revents != 0)
            told = hear(talk) && talk->said.stage != SUPERVISED_ENDED;
        if (polled[7].revents != 0)
            hear_use(talk);
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
    out->paths_untold |= said->paths_untold == 1;
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

enum reason sandbox_converse(struct sandbox *sandbox, const struct backend *backend,
                             struct sandbox_result *out)
{
    const struct sandbox_job *job = sandbox->job;
    struct conversation *talk = arena_alloc(job->arena, sizeof *talk);
    struct refusals *refused = arena_alloc(job->arena, sizeof *refused);
    struct calls *calls = arena_alloc(job->arena, sizeof *calls);
    struct denied_tries *paths = arena_alloc(job->arena, sizeof *paths);
    struct learn_uses *uses = arena_alloc(job->arena, sizeof *uses);
    struct ends ends = { { -1, -1 }, -1, -1, -1, -1, -1, -1 };
    if (talk == NULL || refused == NULL || calls == NULL || paths == NULL || uses == NULL)
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the streams");
    *talk = (struct conversation){ .sandbox = sandbox,
                                   .report = -1,
                                   .wish = -1,
                                   .refusals = -1,
                                   .calls = -1,
                                   .paths = -1,
                                   .uses = -1,
                                   .used = uses,
                                   .refused = refused,
                                   .refused_calls = calls,
                                   .refused_paths = paths };
    out->refusals = refused;
    out->calls = calls;
    out->paths = paths;
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
        cgroup_ready_end(&sandbox->ready); /* while the supervisor makes the sandbox */
        fd_close(&sandbox->agent); /* the supervisor has it: with the agent nobody listens */
        listen_on(talk);
        while (waitpid(talk->supervisor, NULL, 0) < 0 && errno == EINTR)
            ;
        take_end(talk, out);
        if (job->learns)
            usage_take(sandbox, &talk->said, talk->uses < 0 ? talk->used : NULL, out);
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
    fd_close(&talk->paths);
    fd_close(&talk->uses);
    return reason;
}
