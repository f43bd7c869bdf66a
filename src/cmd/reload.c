/* reload.c - `ward reload`: a house that runs reads its settings anew, and says what came of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/number.h"
#include "cmd/command.h"
#include "cmd/home.h"
#include "cmd/settings_load.h"
#include "os/fd.h"

static const struct option_spec options[] = { SETTINGS_OPTIONS };

static bool take_line(struct cursor *in, struct span *out)
{
    struct span rest = cur_rest(in);
    const uint8_t *end = rest.len == 0 ? NULL : memchr(rest.at, '\n', rest.len);
    return end != NULL && cur_take(in, (size_t)(end - rest.at), out) && cur_skip(in, 1);
}

/* Each line of the monitor's, in words: keys on standard output, the rest is talk. */
static void print_lines(struct span lines)
{
    struct cursor in = cur_over(lines);
    struct span line;
    while (take_line(&in, &line)) {
        struct cursor words = cur_over(line);
        bool taken = cur_expect(&words, span_text("taken "));
        bool start = !taken && cur_expect(&words, span_text("start "));
        if (!taken && !start && !cur_expect(&words, span_text("problem ")))
            continue;
        struct span text = cur_rest(&words);
        int len = text.len < 4096 ? (int)text.len : 4096;
        if (taken)
            printf("%.*s\n", len, (const char *)text.at);
        else
            say(start ? "reload: %.*s is taken over at the next start" : "reload: %.*s", len,
                (const char *)text.at);
    }
}

static enum exit_code judge(enum home_reloaded outcome, struct span lines)
{
    print_lines(lines);
    switch (outcome) {
    case HOME_RELOADED:
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
    case HOME_RELOAD_REFUSED:
        say("reload: nothing was changed");
        return EXIT_CONFIG;
    case HOME_RELOAD_GONE:
        say("reload: the house ended");
        return EXIT_UNREACHABLE;
    case HOME_RELOAD_LATE:
        break;
    }
    say("reload: not done after %d seconds", HOME_RELOAD_S);
    return EXIT_UNREACHABLE;
}

/* The number may be another's by the time it is held: it is the monitor's only when the lock
   is still that one's afterwards. */
static enum exit_code reload(struct invocation *in, const char *state)
{
    struct trail trail = { 0 };
    pid_t number = 0, now = 0;
    struct span lines;
    auto_fd int monitor = -1;
    enum home_state home = home_look(state, &number);
    if (home == HOME_UNREADABLE) {
        say("reload: %s/run/lock cannot be read", state);
        return EXIT_NOT_PERMITTED;
    }
    if (home != HOME_LIVED_IN || !rc_ok(process_hold(&trail, number, &monitor)) ||
        home_look(state, &now) != HOME_LIVED_IN || now != number) {
        say("reload: no house is up in %s", state);
        return EXIT_UNREACHABLE;
    }
    rc allowed = process_signal(&trail, monitor, 0);
    if (!rc_ok(allowed) && rc_number(allowed) == EPERM) {
        say("reload: process %d is not yours", (int)number);
        return EXIT_NOT_PERMITTED;
    }
    return judge(home_reload(state, monitor, &in->arena, &lines), lines);
}

/* With the folder named nothing is read here: what is wrong with the settings is for the house
   to find, and to put on record. */
static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    const char *state = in->values[SETTINGS_STATE];
    if (state == NULL) {
        enum exit_code code = settings_load(in, &loaded);
        if (code != EXIT_DONE)
            return code;
        state = loaded.config.settings.state;
    }
    return reload(in, state);
}

const struct command command_reload = {
    .name = "reload",
    .operands = "",
    .summary = "have a running house read its settings anew",
    .description =
        "The house reads the file that it was started with again, under the same variables and\n"
        "options, and takes over what a running house can: limits and how long logs are kept\n"
        "(ward.toml(5) says it of each key).  No connection is dropped.  Keys that were changed "
        "are\n"
        "printed; those that need a start are named on standard error.\n\n"
        "A file with a mistake, or one that is half written, changes nothing: exit 3.  SIGHUP to\n"
        "the monitor does the same without a word.",
    .example = "ward reload --state ./ward-state",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = run,
};
