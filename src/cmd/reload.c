/* reload.c - `ward reload`: a house that runs reads its settings anew, and says what came of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/number.h"
#include "cmd/command.h"
#include "cmd/config_print.h"
#include "cmd/home.h"
#include "cmd/settings_load.h"
#include "os/fd.h"

enum { OPT_JSON = SETTINGS_OPTION_COUNT };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static bool take_line(struct cursor *in, struct span *out)
{
    struct span rest = cur_rest(in);
    const uint8_t *end = rest.len == 0 ? NULL : memchr(rest.at, '\n', rest.len);
    return end != NULL && cur_take(in, (size_t)(end - rest.at), out) && cur_skip(in, 1);
}

/* What a line of the monitor's is about. */
enum about { ABOUT_TAKEN, ABOUT_START, ABOUT_PROBLEM, ABOUT_OTHER };

static enum about read_line(struct span line, struct span *text)
{
    static const char *const words[] = {
        [ABOUT_TAKEN] = "taken ", [ABOUT_START] = "start ", [ABOUT_PROBLEM] = "problem "
    };
    struct cursor in = cur_over(line);
    unsigned about = ABOUT_TAKEN;
    while (about < ABOUT_OTHER && !cur_expect(&in, span_text(words[about])))
        about++;
    *text = cur_rest(&in);
    return (enum about)about;
}

/* In words: keys on standard output, the rest is talk. */
static void print_lines(struct span lines)
{
    struct cursor in = cur_over(lines);
    struct span line, text;
    while (take_line(&in, &line)) {
        enum about about = read_line(line, &text);
        int len = text.len < 4096 ? (int)text.len : 4096;
        if (about == ABOUT_TAKEN)
            printf("%.*s\n", len, (const char *)text.at);
        else if (about == ABOUT_START)
            say("reload: %.*s is taken over at the next start", len, (const char *)text.at);
        else if (about == ABOUT_PROBLEM)
            say("reload: %.*s", len, (const char *)text.at);
    }
}

static bool print_json(struct invocation *in, bool done, struct span lines)
{
    static const char *const names[] = {
        [ABOUT_TAKEN] = "taken", [ABOUT_START] = "needs_start", [ABOUT_PROBLEM] = "problems"
    };
    struct sink out;
    struct span line, text;
    if (!config_print_begin(in, &out))
        return false;
    struct json_writer json = json_write_to(&out, 0);
    json_begin_object(&json);
    json_put_key(&json, "done");
    json_put_bool(&json, done);
    for (unsigned about = ABOUT_TAKEN; about < ABOUT_OTHER; about++) {
        struct cursor left = cur_over(lines);
        json_put_key(&json, names[about]);
        json_begin_array(&json);
        while (take_line(&left, &line)) {
            if (read_line(line, &text) == about)
                json_put_span(&json, text);
        }
        json_end_array(&json);
    }
    json_end_object(&json);
    sink_text(&out, "\n");
    return json_write_ok(&json) && config_print_end(&out);
}

static bool print(struct invocation *in, bool done, struct span lines)
{
    if (json_wanted(in))
        return print_json(in, done, lines);
    print_lines(lines);
    return fflush(stdout) == 0;
}

static enum exit_code judge(struct invocation *in, enum home_reloaded outcome, struct span lines)
{
    switch (outcome) {
    case HOME_RELOADED:
        return print(in, true, lines) ? EXIT_DONE : EXIT_INTERNAL;
    case HOME_RELOAD_REFUSED:
        if (!print(in, false, lines))
            return EXIT_INTERNAL;
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
    if (!rc_ok(allowed) && rc_errno(allowed) == EPERM) {
        say("reload: process %d is not yours", (int)number);
        return EXIT_NOT_PERMITTED;
    }
    enum home_reloaded outcome = home_reload(state, monitor, &in->arena, &lines);
    return judge(in, outcome, lines);
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
    .schema = "reload.json",
    .run = run,
};
