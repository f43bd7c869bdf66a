/* home.c - see home.h. */
#include "cmd/home.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/number.h"
#include "base/sink.h"
#include "cmd/command.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"

enum {
    HOME_PATH_MAX = 4096,
    HOME_SETTINGS_FD = 3,
    HOME_REPORT_FD = 4,
    HOME_PHRASE_FD = 5,
    HOME_LISTENER_FD = 6,
    HOME_DESCRIPTORS = 16384,     /* of the process that has most */
    HOME_OUTCOME_MAX = 256 << 10, /* bytes of what a monitor says of a reload */
    HOME_LOOK_MS = 10,
};

/* Installed, or where the build leaves it: beside the folder of `ward`, or beside ward-commands. */
static bool find_program(const char *name, const char *built, char *path, size_t cap)
{
    char beside[64], self[HOME_PATH_MAX];
    const char *const places[] = { "../libexec/ward", built, ".", beside };
    snprintf(beside, sizeof beside, "../../%s", built);
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0)
        return false;
    self[len] = 0;
    *strrchr(self, '/') = 0;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        int wrote = snprintf(path, cap, "%s/%s/%s", self, places[i], name);
        if (wrote > 0 && (size_t)wrote < cap && access(path, X_OK) == 0)
            return true;
    }
    return false;
}

bool home_monitor(char *path, size_t cap)
{
    if (find_program("ward-monitor", "src/proc", path, cap))
        return true;
    say("ward-monitor is not where this program was installed (../libexec/ward)");
    return false;
}

bool home_commands(char *path, size_t cap)
{
    if (find_program("ward-commands", "src/cmd", path, cap))
        return true;
    say("ward-commands is not where this program was installed (../libexec/ward)");
    return false;
}

bool home_guest(char *path, size_t cap)
{
    return find_program("ward-guest", "src/guest", path, cap);
}

bool home_machine(char *path, size_t cap)
{
    return find_program("ward-machine", "src/machine", path, cap);
}

enum home_state home_look(const char *state, pid_t *monitor)
{
    char path[HOME_PATH_MAX], text[32];
    int len = snprintf(path, sizeof path, "%s/run/lock", state);
    if (len < 0 || (size_t)len >= sizeof path)
        return HOME_UNREADABLE;
    auto_fd int lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0)
        return errno == ENOENT || errno == ENOTDIR ? HOME_EMPTY : HOME_UNREADABLE;
    /* Asks who holds it without taking it: a house that starts just now is not disturbed. */
    struct flock held = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(lock, F_OFD_GETLK, &held) != 0)
        return HOME_UNREADABLE;
    if (held.l_type == F_UNLCK)
        return HOME_EMPTY;
    ssize_t got = fd_read(lock, text, sizeof text - 1);
    text[got > 0 ? got : 0] = 0;
    if (strchr(text, '\n') == NULL) /* half of a number would be somebody else's */
        text[0] = 0;
    const char *at = text;
    int number = 0;
    for (; *at >= '0' && *at <= '9' && number < 100000000; at++)
        number = number * 10 + (*at - '0');
    *monitor = number; /* 0: it has the lock and has not written yet */
    return strcmp(at, " ready\n") == 0 && number > 1 ? HOME_LIVED_IN : HOME_STARTING;
}

enum exit_code home_explain(enum reason reason, const char *detail)
{
    static const struct {
        enum reason reason;
        enum exit_code code;
    } codes[] = {
        { REASON_HOUSE_LOCKED, EXIT_CONFLICT },
        { REASON_HOUSE_NOT_GONE, EXIT_CONFLICT },
        { REASON_HOUSE_LISTEN, EXIT_CONFLICT },
        { REASON_HOUSE_STATE_UNSAFE, EXIT_NOT_PERMITTED },
        { REASON_HOUSE_STATE_UNUSABLE, EXIT_USAGE },
        { REASON_HOUSE_SEAL_MISSING, EXIT_NOT_FOUND },
        { REASON_KEYFILE_SEAL_WRONG, EXIT_NOT_PERMITTED },
        { REASON_KEYFILE_SEAL_INPUT, EXIT_NOT_PERMITTED },
    };
    const struct reason_info *info = reason_info(reason);
    say("the house did not start: %s: %s", info->name, detail);
    say("%s %s", info->cause, info->help);
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (codes[i].reason == reason)
            return codes[i].code;
    }
    /* What ward.toml names is not what it should be. */
    return strncmp(info->name, "TLS_", 4) == 0 ? EXIT_CONFIG : EXIT_INTERNAL;
}

/* A pipe holds all of it before anybody reads: 64 KiB. */
static bool write_settings(int fd, const struct home_start *start)
{
    uint8_t bytes[sizeof *start->settings + SOURCES_MAX];
    struct sink out = sink_over(bytes, sizeof bytes);
    sink_put(&out, span_of(start->settings, sizeof *start->settings));
    sources_write(&out, start->sources);
    if (!sink_ok(&out)) {
        errno = E2BIG;
        return false;
    }
    return fd_write(fd, sink_bytes(&out));
}

/* The processes of the house set limits of their own, none above what they were given. */
static bool raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= HOME_DESCRIPTORS &&
        limit.rlim_cur >= HOME_DESCRIPTORS)
        return true;
    struct rlimit wanted = { HOME_DESCRIPTORS, limit.rlim_max > HOME_DESCRIPTORS
                                                   ? limit.rlim_max
                                                   : HOME_DESCRIPTORS };
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
        return true;
    char detail[64];
    snprintf(detail, sizeof detail, "%ju where %d are needed", (uintmax_t)limit.rlim_max,
             HOME_DESCRIPTORS);
    home_explain(REASON_HOUSE_DESCRIPTORS, detail);
    return false;
}

bool home_start(const struct home_start *start, struct spawned *out, int *report)
{
    char path[HOME_PATH_MAX];
    int given[2], told[2];
    struct trail trail = { 0 };
    if (!home_monitor(path, sizeof path) || !raise_descriptors())
        return false;
    if (pipe2(given, O_CLOEXEC) != 0)
        return false;
    auto_fd int settings_read = given[0];
    auto_fd int settings_write = given[1];
    if (pipe2(told, O_CLOEXEC) != 0)
        return false;
    auto_fd int report_read = told[0];
    auto_fd int report_write = told[1];
    const char *const argv[] = { "ward-monitor", NULL };
    struct spawn what = { .path = path,
                          .argv = argv,
                          .fds = { { settings_read, HOME_SETTINGS_FD },
                                   { report_write, HOME_REPORT_FD } },
                          .fd_count = 2,
                          .new_session = start->new_session };
    if (start->phrase >= 0)
        what.fds[what.fd_count++] = (struct spawn_fd){ start->phrase, HOME_PHRASE_FD };
    if (start->listener >= 0)
        what.fds[what.fd_count++] = (struct spawn_fd){ start->listener, HOME_LISTENER_FD };
    rc started = write_settings(settings_write, start) ? spawn(&trail, &what, out) : rc_os(errno);
    if (!rc_ok(started)) {
        say("%s: %s", path, strerror(rc_errno(started)));
        return false;
    }
    *report = fd_take(&report_read);
    return true;
}

/* The first line is "INSTANT OUTCOME"; the instant is when that reload began.  One that began
   before we asked may have read what was there before. */
static bool read_outcome(struct span text, int64_t asked_ms, enum home_reloaded *outcome,
                         struct span *lines)
{
    struct cursor in = cur_over(text);
    int64_t begun = 0;
    uint8_t c = 0;
    while (cur_u8(&in, &c) && c >= '0' && c <= '9' && begun < INT64_MAX / 16)
        begun = begun * 10 + (c - '0');
    if (c != ' ' || begun < asked_ms)
        return false;
    *outcome = cur_expect(&in, span_text("done\n")) ? HOME_RELOADED : HOME_RELOAD_REFUSED;
    if (*outcome == HOME_RELOAD_REFUSED && !cur_expect(&in, span_text("refused\n")))
        return false;
    *lines = cur_rest(&in);
    return true;
}

/* One look.  What is read is not kept unless it is the outcome: there may be many looks. */
static bool look_for_outcome(const char *path, int64_t asked_ms, struct arena *arena,
                             enum home_reloaded *outcome, struct span *lines)
{
    struct arena scratch;
    struct span text, found;
    arena_init(&scratch, 2 * HOME_OUTCOME_MAX);
    bool there = rc_ok(file_read_plain(NULL, path, HOME_OUTCOME_MAX, &scratch, &text)) &&
                 read_outcome(text, asked_ms, outcome, &found) && arena_copy(arena, found, lines);
    arena_fini(&scratch);
    return there;
}

enum home_reloaded home_reload(const char *state, int monitor, struct arena *arena,
                               struct span *lines)
{
    char path[HOME_PATH_MAX];
    enum home_reloaded outcome;
    int64_t asked = clock_monotonic_ms();
    int len = snprintf(path, sizeof path, "%s/run/reload", state);
    *lines = (struct span){ 0 };
    if (len < 0 || (size_t)len >= sizeof path || !rc_ok(process_signal(NULL, monitor, SIGHUP)))
        return HOME_RELOAD_GONE;
    while (clock_monotonic_ms() < asked + 1000 * HOME_RELOAD_S) {
        if (look_for_outcome(path, asked, arena, &outcome, lines))
            return outcome;
        if (rc_ok(process_wait(NULL, monitor, clock_monotonic_ms() + HOME_LOOK_MS)))
            return HOME_RELOAD_GONE;
    }
    return HOME_RELOAD_LATE;
}
