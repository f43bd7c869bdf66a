/* keyring_restore.c - `ward keyring restore`: the keys of a backup in a new state folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/keyring_copy.h"
#include "cmd/settings_load.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"

enum { OPT_PHRASE = SETTINGS_OPTION_COUNT, OPT_SEAL_PHRASE, SEAL_BYTES = 32 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_PHRASE] = { "--passphrase-file", "FILE", NULL,
                     "take the backup's passphrase from its first line (\"-\": standard input; "
                     "default: ask on the terminal)" },
    [OPT_SEAL_PHRASE] = { "--seal-passphrase-file", "FILE", NULL,
                          "the same for the new seal, where that is a passphrase" },
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

/* A seal file is made when there is none: 32 random bytes, as at a first start. */
static bool make_seal(const struct settings *settings)
{
    uint8_t bytes[SEAL_BYTES];
    struct trail trail = { 0 };
    if (settings->seal != SEAL_BY_FILE || access(settings->seal_path, F_OK) == 0)
        return true;
    random_bytes(bytes, sizeof bytes);
    rc made = file_write_new(&trail, settings->seal_path, SPAN(bytes), 0600);
    explicit_bzero(bytes, sizeof bytes);
    if (!rc_ok(made))
        say("keyring restore: %s: %s", settings->seal_path, file_error_text(made));
    return rc_ok(made);
}

/* An empty keyring is what a monitor leaves that was killed at its first start. */
static void clear_empty(const char *path)
{
    struct stat is;
    if (lstat(path, &is) == 0 && S_ISREG(is.st_mode) && is.st_size == 0)
        unlink(path);
}

/* A backup knows no head: only the log itself keeps the house from a second story of its name. */
static void warn_without_log(const struct settings *settings)
{
    char path[COPY_PATH];
    snprintf(path, sizeof path, "%s/audit/heads", settings->state);
    if (access(path, F_OK) != 0)
        say("keyring restore: there is no security log in %s/audit: put it there before "
            "`ward up`, or heads are signed for another log under the same name",
            settings->state);
}

static enum exit_code restore(struct invocation *in, const struct settings *settings, int from)
{
    static const char *const sources[] = { [SEAL_BY_FILE] = "file",
                                           [SEAL_BY_PASSPHRASE] = "passphrase",
                                           [SEAL_BY_CREDENTIAL] = "credential" };
    char path[COPY_PATH];
    snprintf(path, sizeof path, "%s/keyring", settings->state);
    clear_empty(path);
    if (access(path, F_OK) == 0) {
        say("keyring restore: %s is there already; nothing was replaced", path);
        return EXIT_CONFLICT;
    }
    auto_fd int phrase = keyring_phrase(in->values[OPT_PHRASE], false);
    if (phrase < 0 || !make_seal(settings))
        return EXIT_CONFIG;
    auto_fd int seal = keyring_seal(settings, in->values[OPT_SEAL_PHRASE], true);
    if (seal < 0)
        return EXIT_CONFIG;
    struct keyring_copy copy = { .word = "restore",
                                 .source = sources[settings->seal],
                                 .from = from,
                                 .from_seal = phrase,
                                 .to_seal = seal,
                                 .to = path };
    enum exit_code code = keyring_copy(&copy);
    if (code != EXIT_DONE)
        return code;
    say("%s was opened with its seal and holds what the backup holds", path);
    warn_without_log(settings);
    return EXIT_DONE;
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
    .run = run,
};
