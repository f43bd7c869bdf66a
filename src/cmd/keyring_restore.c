/* keyring_restore.c - `ward keyring restore`: the keys of a backup in a new state folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/confirm.h"
#include "cmd/keyring_copy.h"
#include "cmd/settings_load.h"
#include "os/fd.h"

enum { OPT_PHRASE = SETTINGS_OPTION_COUNT, OPT_SEAL_PHRASE, OPT_PLAN, OPT_JSON };
enum { RESTORE_STEPS = 2 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_PHRASE] = { "--passphrase-file", "PLACE", NULL,
                     "where the backup's passphrase is: " SECRET_SOURCE_HELP
                     "; default: ask on the terminal" },
    [OPT_SEAL_PHRASE] = { "--seal-passphrase-file", "PLACE", NULL,
                          "the same for the new seal, where that is a passphrase" },
    [OPT_PLAN] = { "--plan", NULL, NULL, "only say what would be done" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* The folder of a house that never was up, or one whose house is down. */
static bool make_state(const struct settings *settings, char run[COPY_PATH])
{
    char path[COPY_PATH];
    snprintf(run, COPY_PATH, "%s/run", settings->state);
    snprintf(path, sizeof path, "%s/run/lock", settings->state);
    if ((mkdir(settings->state, 0700) != 0 && errno != EEXIST) ||
        (mkdir(run, 0700) != 0 && errno != EEXIST)) {
        say("keyring restore: %s: %s", settings->state, strerror(errno));
        return false;
    }
    auto_fd int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        say("keyring restore: %s: %s", path, strerror(errno));
    return lock >= 0;
}

/* An empty keyring is what a monitor leaves that was killed at its first start. */
static void clear_empty(const char *path)
{
    struct stat is;
    if (lstat(path, &is) == 0 && S_ISREG(is.st_mode) && is.st_size == 0)
        unlink(path);
}

/* A backup knows no head: only the log itself keeps the house from a second story of its name. */
static void warn_without_log(const struct invocation *in, const struct settings *settings)
{
    char path[COPY_PATH];
    snprintf(path, sizeof path, "%s/audit/heads", settings->state);
    if (access(path, F_OK) != 0)
        note(in,
             "keyring restore: there is no security log in %s/audit: put it there before "
             "`ward up`, or heads are signed for another log under the same name",
             settings->state);
}

static enum exit_code restore(struct invocation *in, const struct settings *settings, int from)
{
    char path[COPY_PATH];
    snprintf(path, sizeof path, "%s/keyring", settings->state);
    clear_empty(path);
    if (access(path, F_OK) == 0) {
        say("keyring restore: %s is there already; nothing was replaced: --state names another "
            "folder",
            path);
        return EXIT_CONFLICT;
    }
    auto_fd int phrase = keyring_phrase(in, in->values[OPT_PHRASE], false);
    if (phrase < 0 || !keyring_make_seal(settings))
        return EXIT_CONFIG;
    auto_fd int seal = keyring_seal(in, settings, in->values[OPT_SEAL_PHRASE], true);
    if (seal < 0)
        return EXIT_CONFIG;
    struct keyring_copy copy = { .in = in,
                                 .word = "restore",
                                 .source = keyring_source(settings),
                                 .from = from,
                                 .from_seal = phrase,
                                 .to_seal = seal,
                                 .to = path };
    enum exit_code code = keyring_copy(&copy);
    if (code != EXIT_DONE)
        return code;
    note(in, "%s was opened with its seal and holds what the backup holds", path);
    warn_without_log(in, settings);
    return option_given(in, OPT_JSON) ? keyring_copy_json(in, in->operands[0], path) : EXIT_DONE;
}

/* A keyring that is there makes it a refusal, before and after. */
static enum exit_code plan(struct invocation *in, const struct settings *settings)
{
    char path[COPY_PATH];
    struct plan_step steps[RESTORE_STEPS];
    size_t count = 0;
    struct stat is;
    snprintf(path, sizeof path, "%s/keyring", settings->state);
    if (lstat(path, &is) == 0 && is.st_size > 0) {
        say("keyring restore: %s is there already and would not be replaced: --state names another "
            "folder",
            path);
        return EXIT_CONFLICT;
    }
    if (settings->seal == SEAL_BY_FILE && access(settings->seal_path, F_OK) != 0)
        steps[count++] = (struct plan_step){ "make", settings->seal_path,
                                             "the keyring opens with it and nothing else" };
    steps[count++] = (struct plan_step){
        "make", path,
        "the house signs with these keys from then on; heads that were signed after the backup "
        "are not known to it"
    };
    return plan_print(in, steps, count, false);
}

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    const struct settings *settings = &loaded.config.settings;
    char folder[COPY_PATH];
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    auto_fd int from = open(in->operands[0], O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        say("keyring restore: %s: %s", in->operands[0], strerror(errno));
        return EXIT_NOT_FOUND;
    }
    if (option_given(in, OPT_PLAN))
        return plan(in, settings);
    if (!make_state(settings, folder))
        return EXIT_CONFIG;
    auto_fd int lock = keyring_lock(settings);
    return lock >= 0 ? restore(in, settings, from) : EXIT_CONFLICT;
}

const struct command command_keyring_restore = {
    .name = "keyring restore",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "put the keys of a backup into a state folder",
    .description =
        "Makes the keyring of a state folder from a backup, under the seal that the settings\n"
        "name; a seal file is made when there is none.  A keyring that is there is never\n"
        "replaced, and the new one is opened and compared before the command says yes.\n\n"
        "A backup does not know which heads of the security log were signed after it: restore\n"
        "the log together with the keys, or the house may sign another story.",
    .example = "ward keyring restore keys.backup --state ./ward-state",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "keyring.json#/$defs/copy",
    .run = run,
};
