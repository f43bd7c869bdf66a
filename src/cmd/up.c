/* up.c - `ward up`: the whole platform on this machine, ready when the command returns. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/number.h"
#include "base/span.h"
#include "cmd/activation.h"
#include "cmd/command.h"
#include "cmd/home.h"
#include "cmd/keyring_copy.h"
#include "cmd/owner.h"
#include "cmd/progress.h"
#include "cmd/settings_load.h"
#include "model/tee.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/notify.h"
#include "proc/peer.h"

enum {
    UP_FOREGROUND = SETTINGS_OPTION_COUNT,
    UP_JSON,
    UP_PHRASE,
    UP_PROCESSES = PEER_COUNT - 1, /* all but the monitor, which starts them */
    UP_LOOK_MS = 20,
    UP_TICK_MS = 200,
    UP_WATCHDOG_MOST_MS = 60000,
    UP_HTTP_OK = 200,
    UP_RELOAD_MEMORY = 1 << 20
};

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [UP_FOREGROUND] = { "--foreground", NULL, NULL, "stay until the house is stopped" },
    [UP_JSON] = { "--json", NULL, NULL, "print one JSON object" },
    [UP_PHRASE] = { "--passphrase-file", "PLACE", NULL,
                    "with --seal passphrase, where it is: " SECRET_SOURCE_HELP
                    "; default: ask on the terminal" },
};

/* What the monitor tells, line by line. */
struct report {
    int fd;
    struct progress progress;
    char line[1024];
    size_t len;
};

enum told { TOLD_LINE, TOLD_END, TOLD_TIME };

/* One byte at a time: it is a few lines in the life of a house. */
static enum told next_line(struct report *report, int64_t until_ms)
{
    report->len = 0;
    for (;;) {
        struct pollfd end = { .fd = report->fd, .events = POLLIN };
        int64_t left = until_ms - clock_monotonic_ms();
        if (poll(&end, 1, left > UP_TICK_MS ? UP_TICK_MS : left > 0 ? (int)left : 0) == 0) {
            if (left <= UP_TICK_MS)
                return TOLD_TIME;
            progress_tick(&report->progress);
            continue;
        }
        char c = 0;
        ssize_t got = read(report->fd, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return TOLD_END;
        if (c == '\n' || report->len == sizeof report->line - 1) {
            report->line[report->len] = 0;
            return TOLD_LINE;
        }
        report->line[report->len++] = c;
    }
}

static void show_address(const struct settings *settings, bool json, bool was_up)
{
    /* An address is of digits, letters, colons, dots and brackets only (config.h). */
    if (json) {
        printf(
            "{\"state\":\"up\",\"already\":%s,\"listen\":\"https://%s\",\"simulated_tee\":true}\n",
            was_up ? "true" : "false", settings->listen);
        return;
    }
    printf("https://%s\n", settings->listen);
}

/* "failed REASON DETAIL"; a monitor that was killed says nothing. */
static enum reason read_failure(const char *line, const char **detail)
{
    static const char failed[] = "failed ";
    *detail = "the monitor ended without a word";
    if (strncmp(line, failed, strlen(failed)) != 0)
        return REASON_HOUSE_FAILED;
    const char *name = line + strlen(failed);
    size_t len = strcspn(name, " ");
    enum reason reason = reason_find(span_of(name, len));
    *detail = name + len + (name[len] == ' ');
    return reason != REASON_NONE ? reason : REASON_HOUSE_FAILED;
}

/* Ends what was started: a house that is not ready is none. */
static void give_up(struct spawned *monitor)
{
    rc ended = process_signal(NULL, monitor->pidfd, SIGTERM);
    if (rc_ok(ended))
        ended = process_wait(NULL, monitor->pidfd, clock_monotonic_ms() + 1000 * HOME_STOP_S);
    if (!rc_ok(ended) && !rc_ok(process_signal(NULL, monitor->pidfd, SIGKILL)))
        say("up: process %d could not be stopped", (int)monitor->pid);
}

/* A process is ready: a line for people, an event for programs. */
static void show_ready(const struct invocation *in, struct report *report)
{
    struct progress *progress = &report->progress;
    progress_clear(progress);
    if (progress->form != PROGRESS_EVENTS)
        note(in, "%s", report->line);
    progress_event(progress, progress->view.done + 1, UP_PROCESSES);
}

/* `again` becomes true when another house was faster and is to be looked at. */
static enum exit_code wait_until_ready(const struct invocation *in, struct spawned *monitor,
                                       struct report *report, bool *again)
{
    int64_t until = clock_monotonic_ms() + 1000 * HOME_READY_S;
    char last[sizeof report->line] = "";
    const char *detail;
    enum reason reason;
    for (;;) {
        switch (next_line(report, until)) {
        case TOLD_TIME:
            progress_clear(&report->progress);
            say("up: not ready after %d seconds; it is stopped again; STATE/ward.log says what it "
                "waited for",
                HOME_READY_S);
            give_up(monitor);
            return EXIT_UNREACHABLE;
        case TOLD_END:
            give_up(monitor);
            reason = read_failure(last, &detail);
            *again = reason == REASON_HOUSE_LOCKED;
            return *again ? EXIT_CONFLICT : home_explain(reason, detail);
        case TOLD_LINE:
            break;
        }
        if (strcmp(report->line, "serving") == 0)
            return EXIT_DONE;
        if (strncmp(report->line, "ready ", 6) == 0)
            show_ready(in, report);
        snprintf(last, sizeof last, "%s", report->line);
    }
}

/* A service manager that wants to know is told; one that does not listen is no reason to
   stop. */
static void tell_manager(const char *text)
{
    const char *socket_name = getenv("NOTIFY_SOCKET");
    if (socket_name == NULL)
        return;
    rc told = notify_send(NULL, socket_name, text);
    if (!rc_ok(told))
        say("up: NOTIFY_SOCKET: %s does not listen", socket_name);
}

/* Whoever ends this command means the house: from before there is one, so that none is left
   without it. */
static int take_signals(void)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGHUP);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    return signalfd(-1, &wanted, SFD_CLOEXEC);
}

/* For people, and for who reads a journal. */
static void say_reloaded(enum home_reloaded outcome)
{
    static const char *const words[] = { [HOME_RELOADED] = "reloaded",
                                         [HOME_RELOAD_REFUSED] = "reload refused; ward.log has why",
                                         [HOME_RELOAD_GONE] = "the house ended during a reload",
                                         [HOME_RELOAD_LATE] = "the reload is not done yet" };
    say("up: %s", words[outcome]);
}

/* sd_notify(3): RELOADING with the instant of it, and READY when it is over, however it went:
   the service is as ready as before. */
static void pass_reload(struct spawned *monitor, const char *state)
{
    char text[64];
    struct span lines;
    struct arena arena;
    arena_init(&arena, UP_RELOAD_MEMORY);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
             (long long)clock_monotonic_ms() * 1000);
    tell_manager(text);
    say_reloaded(home_reload(state, monitor->pidfd, &arena, &lines));
    arena_fini(&arena);
    tell_manager("READY=1\n");
}

static void pass_stop(struct spawned *monitor)
{
    tell_manager("STOPPING=1\n");
    rc told = process_signal(NULL, monitor->pidfd, SIGTERM);
    (void)told; /* it has ended, and that is heard next */
}

/* How often a manager wants to hear that all is well (sd_watchdog_enabled(3)), in milliseconds:
   half of its patience.  -1: never. */
static int watchdog_ms(void)
{
    int64_t half = activation_number("WATCHDOG_USEC") / 2000;
    if (getenv("WATCHDOG_PID") != NULL && activation_number("WATCHDOG_PID") != getpid())
        return -1;
    return half < 1 ? -1 : half < UP_WATCHDOG_MOST_MS ? (int)half : UP_WATCHDOG_MOST_MS;
}

/* That it is well is for the house to say: the front answers, and core is there. */
static void look_after(const char *state, int patience_ms)
{
    struct arena arena;
    struct owner_reply reply = { 0 };
    char why[OWNER_MESSAGE_MAX] = "it says that it is not ready";
    struct owner_request request = {
        .state = state, .method = "GET", .target = "/readyz", .timeout_ms = patience_ms
    };
    arena_init(&arena, UP_RELOAD_MEMORY);
    if (owner_ask(&request, &arena, &reply, why) && reply.status == UP_HTTP_OK)
        tell_manager("WATCHDOG=1\n");
    else
        say("up: the house does not answer: %s", why);
    arena_fini(&arena);
}

/* Until the monitor has ended; an interrupt of the terminal reaches it by itself. */
static enum exit_code stay(struct spawned *monitor, int signals, const char *state)
{
    int status = 0;
    int period = watchdog_ms();
    struct pollfd fds[] = { { .fd = monitor->pidfd, .events = POLLIN },
                            { .fd = signals, .events = POLLIN } };
    signal(SIGINT, SIG_IGN);
    tell_manager("READY=1\n");
    while (fds[0].revents == 0) {
        struct signalfd_siginfo info;
        int ready = poll(fds, COUNT_OF(fds), period);
        if (ready == 0)
            look_after(state, period);
        if (ready < 0 && errno != EINTR)
            return EXIT_INTERNAL;
        if (ready <= 0 || fds[1].revents == 0 ||
            read(signals, &info, sizeof info) != (ssize_t)sizeof info)
            continue;
        if (info.ssi_signo == SIGHUP)
            pass_reload(monitor, state);
        else
            pass_stop(monitor);
    }
    while (waitpid(monitor->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

/* Without a keyring it is a new one, and asked for twice: a slip of the finger would lock the
   house for ever. */
static bool take_phrase(struct invocation *in, const struct settings *settings, int *out)
{
    char path[SETTING_TEXT_MAX + 16];
    struct stat is;
    if (settings->seal != SEAL_BY_PASSPHRASE)
        return true;
    snprintf(path, sizeof path, "%s/keyring", settings->state);
    *out = keyring_phrase(in, in->values[UP_PHRASE], stat(path, &is) != 0 || is.st_size == 0);
    return *out >= 0;
}

static enum exit_code start(struct invocation *in, const struct settings_loaded *loaded,
                            int listener, bool *again)
{
    const struct settings *settings = &loaded->config.settings;
    struct spawned monitor;
    struct report report = { .fd = -1 };
    bool foreground = option_given(in, UP_FOREGROUND);
    auto_fd int signals = foreground ? take_signals() : -1;
    auto_fd int phrase = -1;
    if (!take_phrase(in, settings, &phrase))
        return EXIT_CONFIG;
    struct home_start what = { .settings = settings,
                               .sources = &loaded->sources,
                               .phrase = phrase,
                               .listener = listener,
                               .new_session = !foreground };
    if (!home_start(&what, &monitor, &report.fd))
        return EXIT_INTERNAL;
    progress_begin(&report.progress, in, "starting the processes of the house");
    report.progress.view.unit = "processes";
    progress_event(&report.progress, 0, UP_PROCESSES);
    enum exit_code code = wait_until_ready(in, &monitor, &report, again);
    progress_end(&report.progress);
    fd_close(&report.fd);
    if (code == EXIT_DONE) {
        note(in, TEE_MARK ": evidence of this house proves nothing about hardware");
        show_address(settings, option_given(in, UP_JSON), false);
        fflush(stdout);
        if (foreground)
            code = stay(&monitor, signals, settings->state);
    }
    fd_close(&monitor.pidfd);
    return code;
}

/* Its address counts: nothing is listened on that whoever opened the socket did not choose. */
static enum exit_code take_listener(struct invocation *in, struct settings_loaded *loaded,
                                    struct activation *given)
{
    static const char key[] = "listen.tls";
    struct settings *settings = &loaded->config.settings;
    const struct config_key *listen = config_key_find(span_text(key));
    if (!activation_take(given))
        return EXIT_CONFIG;
    if (given->fd < 0)
        return EXIT_DONE;
    if (loaded->config.origins[config_key_index(listen)].source == CONFIG_FLAG) {
        say("up: a socket was handed over, so %s has no place on the command line", key);
        return EXIT_USAGE;
    }
    settings->listener = true;
    snprintf(settings->listen, sizeof settings->listen, "%s", given->address);
    return settings_override(in, loaded, "--listen", given->address) ? EXIT_DONE : EXIT_INTERNAL;
}

static enum exit_code run(struct invocation *in)
{
    struct activation given;
    struct settings_loaded loaded;
    const struct settings *settings = &loaded.config.settings;
    enum exit_code code = settings_load(in, &loaded);
    int64_t until = clock_monotonic_ms() + 1000 * HOME_READY_S;
    if (code == EXIT_DONE)
        code = take_listener(in, &loaded, &given);
    if (code != EXIT_DONE)
        return code;
    for (;;) {
        pid_t monitor = 0;
        bool again = false;
        switch (home_look(settings->state, &monitor)) {
        case HOME_LIVED_IN:
            note(in, "up: already up in %s (process %d)", settings->state, (int)monitor);
            show_address(settings, option_given(in, UP_JSON), true);
            return EXIT_DONE;
        case HOME_UNREADABLE:
            say("up: %s/run/lock cannot be read by this user: whose house it is, `ls -l` says; "
                "--state names another folder",
                settings->state);
            return EXIT_NOT_PERMITTED;
        case HOME_STARTING:
            break;
        case HOME_EMPTY:
            code = start(in, &loaded, given.fd, &again);
            if (!again)
                return code;
            break;
        }
        /* Somebody else starts it: what counts is that it becomes ready. */
        if (clock_monotonic_ms() >= until) {
            say("up: the house that somebody else starts in %s is not ready after %d seconds; "
                "%s/ward.log says what it waits for",
                settings->state, HOME_READY_S, settings->state);
            return EXIT_UNREACHABLE;
        }
        poll(NULL, 0, UP_LOOK_MS);
    }
}

const struct command command_up = {
    .name = "up",
    .operands = "",
    .summary = "start the whole platform on this machine",
    .description =
        "Starts the house in a state folder, made when it is not there, and returns when it is\n"
        "ready: monitor, audit, keeper, core and front, each in a jail of its own.  Run again it\n"
        "changes nothing.  Without hardware the TEE is simulated, and says so.\n\n"
        "The key that seals the keyring is made beside the state folder, in DIR.seal: without it\n"
        "the keyring opens to nobody, so it belongs into the backup, and not into the same one.\n"
        "With --seal passphrase there is no such file: the passphrase is asked for on the "
        "terminal,\n"
        "at the first start twice, or read from --passphrase-file.  How the keyring is sealed is\n"
        "chosen at the first start; every later one must name the same kind.",
    .example = "ward up --state ./ward-state",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "up.json",
    .run = run,
};
