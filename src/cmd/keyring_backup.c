/* keyring_backup.c - `ward keyring backup`: every key, in one file under a passphrase. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/keyring_copy.h"
#include "cmd/settings_load.h"
#include "os/fd.h"

enum { OPT_PHRASE = SETTINGS_OPTION_COUNT, OPT_SEAL_PHRASE, OPT_JSON };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_PHRASE] = { "--passphrase-file", "PLACE", NULL,
                     "where the backup's passphrase is: " SECRET_SOURCE_HELP
                     "; default: ask on the terminal" },
    [OPT_SEAL_PHRASE] = { "--seal-passphrase-file", "PLACE", NULL,
                          "the same for the seal, where that is a passphrase" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    const struct settings *settings = &loaded.config.settings;
    char path[COPY_PATH];
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    auto_fd int lock = keyring_lock(settings);
    if (lock < 0)
        return EXIT_CONFLICT;
    snprintf(path, sizeof path, "%s/keyring", settings->state);
    auto_fd int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from < 0) {
        say("keyring backup: %s: %s; a house makes it at its first `ward up`", path,
            strerror(errno));
        return EXIT_NOT_FOUND;
    }
    auto_fd int seal = keyring_seal(in, settings, in->values[OPT_SEAL_PHRASE], false);
    auto_fd int phrase = seal >= 0 ? keyring_phrase(in, in->values[OPT_PHRASE], true) : -1;
    if (phrase < 0)
        return EXIT_CONFIG;
    struct keyring_copy copy = { .in = in,
                                 .word = "backup",
                                 .source = "passphrase",
                                 .from = from,
                                 .from_seal = seal,
                                 .to_seal = phrase,
                                 .to = in->operands[0] };
    code = keyring_copy(&copy);
    if (code != EXIT_DONE)
        return code;
    note(in, "%s was opened with the passphrase and holds what the keyring holds", copy.to);
    return option_given(in, OPT_JSON) ? keyring_copy_json(in, path, copy.to) : EXIT_DONE;
}

const struct command command_keyring_backup = {
    .name = "keyring backup",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "write every key into one file under a passphrase",
    .description =
        "Writes a new file with all keys of a house that is down, sealed with a passphrase\n"
        "through Argon2id.  The file is opened again and compared before the command says yes.\n"
        "It is as precious as the keys, and the passphrase is all that protects it.\n\n"
        "The passphrase comes from the place that --passphrase-file names or from the terminal,\n"
        "never from the command line or the environment.",
    .example = "ward keyring backup keys.backup --state ./ward-state",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "keyring.json#/$defs/copy",
    .run = run,
};
