/* down.c - `ward down`: stops a house, and with --purge removes all that it left. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/command.h"
#include "cmd/confirm.h"
#include "cmd/home.h"
#include "cmd/progress.h"
#include "cmd/settings_load.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/tree.h"

enum { DOWN_PURGE = SETTINGS_OPTION_COUNT, DOWN_PLAN, DOWN_YES, DOWN_JSON };
enum { DOWN_NUMBER_MS = 1000, DOWN_LOOK_MS = 200, DOWN_STEPS = 3 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [DOWN_PURGE] = { "--purge", NULL, NULL, "also remove the state folder and its seal" },
    [DOWN_PLAN] = { "--plan", NULL, NULL, "only say what would be done" },
    [DOWN_YES] = { "--yes", NULL, NULL, "do not ask before removing" },
    [DOWN_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static bool wait_for_end(const struct invocation *in, int monitor, int64_t until)
{
    struct progress progress;
    bool ended = false;
    progress_begin(&progress, in, "waiting until the house has ended");
    while (!ended && clock_monotonic_ms() < until) {
        ended = rc_ok(process_wait(NULL, monitor, clock_monotonic_ms() + DOWN_LOOK_MS));
        progress_tick(&progress);
    }
    progress_end(&progress);
    return ended;
}

/* The number may be another's by the time it is held: it is the monitor's only when the lock
   is still that one's afterwards. */
static enum exit_code stop(const struct invocation *in, const struct settings *settings,
                           pid_t number)
{
    struct trail trail = { 0 };
    pid_t now = 0;
    auto_fd int monitor = -1;
    int64_t until = clock_monotonic_ms() + 1000 * HOME_STOP_S;
    if (!rc_ok(process_hold(&trail, number, &monitor)))
        return EXIT_DONE; /* it ended just now */
    if (home_look(settings->state, &now) == HOME_EMPTY || now != number)
        return EXIT_DONE;
    rc told = process_signal(&trail, monitor, SIGTERM);
    if (!rc_ok(told) && rc_errno(told) == EPERM) {
        say("down: process %d, which holds %s, is another user's: run this as that user",
            (int)number, settings->state);
        return EXIT_NOT_PERMITTED;
    }
    if (!wait_for_end(in, monitor, until)) {
        say("down: process %d still runs after %d seconds; %s/ward.log says what it waits for",
            (int)number, HOME_STOP_S, settings->state);
        return EXIT_UNREACHABLE;
    }
    return EXIT_DONE;
}

/* What is removed is only ever a folder that a house has lived in. */
static bool is_state_folder(const char *state)
{
    char path[SETTING_TEXT_MAX + 16];
    snprintf(path, sizeof path, "%s/run/lock", state);
    return access(path, F_OK) == 0;
}

static bool agreed(const struct invocation *in, const struct settings *settings)
{
    char loss[2 * SETTING_TEXT_MAX + 80];
    snprintf(loss, sizeof loss,
             "this removes %s and %s for good: every key and the whole security log",
             settings->state, settings->seal_path);
    const struct question question = { loss, "the state folder", settings->state };
    return confirm(in, &question);
}

/* Nothing is in the folder, or nothing but that one entry. */
static bool holds_only(const char *path, const char *name)
{
    DIR *list = opendir(path);
    const struct dirent *entry;
    bool only = list != NULL;
    while (only && (entry = readdir(list)) != NULL)
        only = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
               strcmp(entry->d_name, name) == 0;
    if (list != NULL)
        closedir(list);
    return only;
}

/* What a purge leaves that was killed before its last steps: an empty folder, an empty `run`
   in it, or the seal of a folder that is gone already. */
static bool is_remnant(const struct settings *settings)
{
    char run[SETTING_TEXT_MAX + 16], seal[SETTING_TEXT_MAX + 16];
    snprintf(run, sizeof run, "%s/run", settings->state);
    snprintf(seal, sizeof seal, "%s.seal", settings->state);
    if (access(settings->state, F_OK) != 0)
        return settings->seal == SEAL_BY_FILE && strcmp(settings->seal_path, seal) == 0 &&
               access(seal, F_OK) == 0;
    return holds_only(settings->state, "run") && (access(run, F_OK) != 0 || holds_only(run, ""));
}

/* The lock, by which it is known what this folder is, goes after everything else in it; the
   seal last: as long as anything is there that it opens, it is there too. */
static rc remove_state(struct trail *trail, const char *state)
{
    char run[SETTING_TEXT_MAX + 16];
    snprintf(run, sizeof run, "%s/run", state);
    TRY(trail, tree_remove_around(trail, state, "run"));
    if (access(run, F_OK) == 0)
        TRY(trail, tree_remove_around(trail, run, "lock"));
    return tree_remove(trail, state);
}

static enum exit_code purge(const struct settings *settings)
{
    struct trail trail = { 0 };
    if (!is_state_folder(settings->state) && !is_remnant(settings)) {
        say("down: %s is no state folder%s", settings->state,
            access(settings->state, F_OK) == 0 ? ": nothing of it is removed; --state names another"
                                               : ", there is nothing to remove");
        return access(settings->state, F_OK) == 0 ? EXIT_USAGE : EXIT_DONE;
    }
    rc removed = access(settings->state, F_OK) == 0 ? remove_state(&trail, settings->state)
                                                    : RC_SUCCESS;
    if (!rc_ok(removed)) {
        say("down: %s: %s", settings->state, strerror(rc_errno(removed)));
        return EXIT_INTERNAL;
    }
    if (settings->seal == SEAL_BY_FILE && unlink(settings->seal_path) != 0 && errno != ENOENT) {
        say("down: %s: %s", settings->seal_path, strerror(errno));
        return EXIT_INTERNAL;
    }
    return EXIT_DONE;
}

/* What is done, in its order, judged before any of it. */
static size_t plan(const struct invocation *in, const struct settings *settings, bool lived_in,
                   struct plan_step steps[DOWN_STEPS])
{
    size_t count = 0;
    bool purges = option_given(in, DOWN_PURGE) &&
                  (is_state_folder(settings->state) || is_remnant(settings));
    if (lived_in)
        steps[count++] = (struct plan_step){ "stop", settings->state,
                                             "its house answers nobody from then on" };
    if (purges && access(settings->state, F_OK) == 0)
        steps[count++] = (struct plan_step){ "remove", settings->state,
                                             "every key and the whole security log" };
    if (purges && settings->seal == SEAL_BY_FILE)
        steps[count++] = (struct plan_step){ "remove", settings->seal_path,
                                             "a copy of the keyring cannot be opened without it" };
    return count;
}

/* A monitor that has the lock writes its number the next moment. */
static enum home_state look(const struct settings *settings, pid_t *monitor)
{
    int64_t until = clock_monotonic_ms() + DOWN_NUMBER_MS;
    for (;;) {
        enum home_state home = home_look(settings->state, monitor);
        if (home != HOME_STARTING || *monitor > 1)
            return home;
        if (clock_monotonic_ms() >= until)
            return HOME_UNREADABLE;
        poll(NULL, 0, 10);
    }
}

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    const struct settings *settings = &loaded.config.settings;
    pid_t monitor = 0;
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    enum home_state home = look(settings, &monitor);
    if (home == HOME_UNREADABLE) {
        say("down: %s/run/lock cannot be read by this user; run this as the one who runs the "
            "house",
            settings->state);
        return EXIT_NOT_PERMITTED;
    }
    struct plan_step steps[DOWN_STEPS];
    size_t count = plan(in, settings, home != HOME_EMPTY, steps);
    if (count == 0)
        note(in, "down: nothing to do: no house runs in %s", settings->state);
    if (option_given(in, DOWN_PLAN))
        return plan_print(in, steps, count, false);
    /* Asked before anything is done: a no leaves the house as it is. */
    if (count > (home != HOME_EMPTY ? 1u : 0u) && !option_given(in, DOWN_YES) &&
        !agreed(in, settings))
        return EXIT_USAGE;
    if (home != HOME_EMPTY)
        code = stop(in, settings, monitor);
    if (code == EXIT_DONE && option_given(in, DOWN_PURGE))
        code = purge(settings);
    if (code != EXIT_DONE || !option_given(in, DOWN_JSON))
        return code;
    return plan_print(in, steps, count, true);
}

const struct command command_down = {
    .name = "down",
    .operands = "",
    .summary = "stop the platform on this machine",
    .description =
        "Asks the house in a state folder to stop: it finishes what is under way, and the command\n"
        "returns when it is gone.  What is in the folder stays, and `ward up` goes on from it.\n\n"
        "With --purge the folder and its seal are removed: every key and the whole log.  It asks\n"
        "for the folder's name first, or wants --yes where there is nobody to ask.",
    .example = "ward down --state ./ward-state --plan",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "down.json",
    .destroys = "with --purge every key and the whole security log",
    .run = run,
};
