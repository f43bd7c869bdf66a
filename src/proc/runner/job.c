/* job.c - see runner.h: a `ward run` for each job, from its start to its end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/packet.h"
#include "os/spawn.h"
#include "proc/log.h"
#include "proc/runner/runner.h"

enum { HEARD_AT_ONCE = 16, WORDS_MAX = 28 + JOB_ARGUMENTS_MAX };

struct runner_job *runner_find(struct runner *runner, const uint8_t id[JOB_ID])
{
    for (size_t i = 0; i < JOB_RUNS_MAX; i++) {
        if (runner->jobs[i].used && bytes_equal(runner->jobs[i].id, id, JOB_ID))
            return &runner->jobs[i];
    }
    return NULL;
}

/* ---- its beginning ------------------------------------------------------------------------- */

/* Descriptors that the new process gets, and its words. */
struct launch {
    int ward, null, folder, report, said, told, measure, refused;
    const char *words[WORDS_MAX];
    size_t count;
    char text[JOB_START_BYTES]; /* of those words that came in the message */
    size_t used;
};

static void add(struct launch *launch, const char *word)
{
    launch->words[launch->count++] = word;
}

/* With a NUL behind it, which a word of a message cannot have within. */
static bool add_span(struct launch *launch, struct span word)
{
    if (word.len >= sizeof launch->text - launch->used ||
        (word.len > 0 && memchr(word.at, 0, word.len) != NULL))
        return false;
    char *copy = launch->text + launch->used;
    if (word.len > 0)
        memcpy(copy, word.at, word.len);
    copy[word.len] = 0;
    launch->used += word.len + 1;
    add(launch, copy);
    return true;
}

static bool is_absolute(struct span path)
{
    return path.len > 0 && path.at[0] == '/';
}

static bool write_words(struct launch *launch, const struct runner *runner,
                        const struct runner_order *order, const char *hex)
{
    static const char *const fixed[] = { "ward",         "run",         "spec.toml", "--json",
                                         "--so-far",     RUNNER_SO_FAR, "--tell-fd", "3",
                                         "--refused-fd", "5",           "--output",  "output",
                                         "--id" };
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        add(launch, fixed[i]);
    add(launch, hex);
    add(launch, "--images");
    if (!is_absolute(order->images) || !add_span(launch, order->images))
        return false;
    if (order->folder.len > 0) {
        add(launch, "--job");
        if (!is_absolute(order->folder) || !add_span(launch, order->folder))
            return false;
    }
    if (order->with_result != 0) {
        add(launch, "--result");
        add(launch, "result.jws");
        add(launch, "--state");
        add(launch, runner->house->settings.state);
        add(launch, "--measure-fd");
        add(launch, "4");
    }
    add(launch, "--");
    for (uint32_t i = 0; i < order->argument_count; i++) {
        if (!add_span(launch, order->arguments[i]))
            return false;
    }
    add(launch, NULL);
    return true;
}

/* In the child: nothing here allocates or takes a lock.  A runner that dies takes its jobs along:
   the signal is the wish that they end, and each takes its sandbox away. */
static _Noreturn void become(const struct launch *launch, pid_t runner)
{
    static const int usual[] = { SIGINT, SIGHUP, SIGPIPE };
    static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
    const struct spawn placed = { .program = launch->ward,
                                  .fds = { { launch->null, 0 },
                                           { launch->report, 1 },
                                           { launch->said, 2 },
                                           { launch->told, 3 },
                                           { launch->measure, 4 },
                                           { launch->refused, 5 } },
                                  .fd_count = 6 };
    sigset_t none;
    int ward = -1;
    sigemptyset(&none);
    for (size_t i = 0; i < COUNT_OF(usual); i++)
        signal(usual[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(022);
    if (setsid() > 0 && prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0 && getppid() == runner &&
        fchdir(launch->folder) == 0 && spawn_place(&placed, &ward))
        syscall(SYS_execveat, ward, "", launch->words, environment, AT_EMPTY_PATH);
    _exit(127);
}

static bool start(struct runner_job *job, const struct launch *launch)
{
    const pid_t self = getpid();
    job->pid = fork();
    if (job->pid == 0)
        become(launch, self);
    if (job->pid < 0)
        return false;
    job->pidfd = (int)syscall(SYS_pidfd_open, job->pid, 0);
    if (job->pidfd >= 0)
        return true;
    kill(job->pid, SIGKILL); /* not waited for yet: the number is still its own */
    waitpid(job->pid, NULL, 0);
    return false;
}

static bool make_ends(struct runner_job *job, struct launch *launch)
{
    int said[2], measure[2], refused[2];
    const int how = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC;
    job->log = openat(launch->folder, "log", how, 0600);
    launch->report = openat(launch->folder, "report.json", how, 0600);
    job->told = memfd_create("told", MFD_CLOEXEC);
    if (!rc_ok(packet_pair(NULL, measure)))
        return false;
    job->measure = measure[0];
    launch->measure = measure[1];
    if (!rc_ok(packet_pair(NULL, refused)))
        return false;
    job->refused = refused[0];
    launch->refused = refused[1];
    if (job->log < 0 || launch->report < 0 || job->told < 0 || pipe2(said, O_CLOEXEC) != 0)
        return false;
    job->said = said[0];
    launch->said = said[1];
    launch->told = job->told;
    return fcntl(job->said, F_SETFL, O_NONBLOCK) == 0;
}

static void forget(struct runner_job *job)
{
    fd_close(&job->pidfd);
    fd_close(&job->told);
    fd_close(&job->said);
    fd_close(&job->log);
    fd_close(&job->measure);
    fd_close(&job->refused);
    *job = (struct runner_job){ .used = false };
}

static enum reason launch_in(struct runner *runner, const struct runner_order *order,
                             struct runner_job *job)
{
    struct launch launch = {
        .ward = runner->ward,
        .null = runner->null,
        .report = -1,
        .said = -1,
        .measure = -1,
        .refused = -1,
    };
    launch.folder = runner_make_folder(runner, job->hex, order->spec);
    if (launch.folder < 0)
        return REASON_JOB_DISK;
    bool made = make_ends(job, &launch);
    bool worded = write_words(&launch, runner, order, job->hex);
    bool begun = made && worded && start(job, &launch);
    fd_close(&launch.folder);
    fd_close(&launch.report);
    fd_close(&launch.said);
    fd_close(&launch.measure);
    fd_close(&launch.refused);
    return begun ? REASON_OK : !worded ? REASON_JOB_FOLDER : REASON_JOB_DISK;
}

/* Whoever could not be begun has left nothing. */
enum reason runner_begin(struct runner *runner, const struct runner_order *order)
{
    struct runner_job *job = NULL;
    for (size_t i = 0; i < JOB_RUNS_MAX && job == NULL; i++)
        job = runner->jobs[i].used ? NULL : &runner->jobs[i];
    if (runner->reason != REASON_OK)
        return runner->reason;
    if (runner->house->stopping || job == NULL || runner_find(runner, order->id) != NULL)
        return REASON_HOUSE_UNAVAILABLE;
    *job = (struct runner_job){ .pidfd = -1,
                                .told = -1,
                                .said = -1,
                                .log = -1,
                                .measure = -1,
                                .refused = -1,
                                .kill_ms = INT64_MAX };
    memcpy(job->id, order->id, JOB_ID);
    runner_hex(order->id, job->hex);
    enum reason reason = launch_in(runner, order, job);
    job->used = reason == REASON_OK;
    if (reason == REASON_OK)
        return reason;
    char hex[RUNNER_HEX];
    memcpy(hex, job->hex, sizeof hex);
    forget(job);
    runner_remove(runner, hex);
    return reason;
}

/* ---- its end -------------------------------------------------------------------------------- */

void runner_stop(struct runner_job *job, int64_t now_ms)
{
    if (job->pidfd < 0 || job->wished)
        return;
    job->wished = true;
    job->kill_ms = now_ms + RUNNER_STUBBORN_MS;
    syscall(SYS_pidfd_send_signal, job->pidfd, SIGTERM, NULL, 0);
}

void runner_kill(const struct runner_job *job)
{
    if (job->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, job->pidfd, SIGKILL, NULL, 0);
}

void runner_hear(struct runner_job *job)
{
    uint8_t piece[16 << 10];
    for (size_t i = 0; i < HEARD_AT_ONCE && job->said >= 0; i++) {
        ssize_t got = read(job->said, piece, sizeof piece);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0)
            fd_close(&job->said);
        else
            runner_keep(job, span_of(piece, (size_t)got));
    }
}

/* Words with one blank between, and a line's end. */
static bool take_word(struct span *line, uint8_t end, struct span *out)
{
    const uint8_t *found = line->len == 0 ? NULL : memchr(line->at, end, line->len);
    if (found == NULL)
        return false;
    *out = span_of(line->at, (size_t)(found - line->at));
    *line = span_of(found + 1, line->len - out->len - 1);
    return true;
}

static bool take_number(struct span *line, uint8_t end, uint64_t most, uint64_t *out)
{
    struct span word;
    return take_word(line, end, &word) && decimal_read(word, most, out);
}

bool runner_fate_read(struct span line, struct runner_fate *out)
{
    struct runner_fate fate = { 0 };
    uint64_t code = 0, signal = 0, started = 0, ended = 0;
    struct span reason;
    if (!take_word(&line, ' ', &reason) || !take_number(&line, ' ', UINT8_MAX, &code) ||
        !take_number(&line, ' ', 64, &signal) ||
        !take_number(&line, ' ', INT64_MAX, &fate.cpu_us) ||
        !take_number(&line, ' ', INT64_MAX, &fate.memory_peak) ||
        !take_number(&line, ' ', INT64_MAX, &started) ||
        !take_number(&line, '\n', INT64_MAX, &ended) || line.len > 0)
        return false;
    fate.reason = reason_find(reason);
    fate.code = (uint8_t)code;
    fate.signal = (uint8_t)signal;
    if (fate.reason == REASON_NONE)
        return false;
    *out = fate;
    return true;
}

/* One that said nothing was killed, or found fault before there was a job.  The wish may have come
   before it was ready to hear it. */
static struct runner_fate fate_of(struct runner_job *job, int status)
{
    char line[RUNNER_LINE_MAX];
    struct runner_fate fate;
    ssize_t got = fd_read_at(job->told, 0, line, sizeof line);
    if (got > 0 && runner_fate_read(span_of(line, (size_t)got), &fate))
        return fate;
    const enum reason silent = WIFEXITED(status) ? REASON_JOB_START : REASON_JOB_LOST;
    return (struct runner_fate){ .reason = job->wished ? REASON_JOB_CANCELLED : silent };
}

bool runner_reap(struct runner_job *job)
{
    int status = 0;
    if (job->pidfd < 0 || waitpid(job->pid, &status, WNOHANG) != job->pid)
        return false;
    fd_close(&job->pidfd);
    job->kill_ms = INT64_MAX;
    for (int before = -2; job->said >= 0 && before != (int)job->logged;) {
        before = (int)job->logged;
        runner_hear(job);
    }
    job->fate = fate_of(job, status);
    job->ended_ms = clock_monotonic_ms();
    fd_close(&job->said);
    fd_close(&job->log);
    fd_close(&job->told);
    fd_close(&job->measure);
    return true;
}
