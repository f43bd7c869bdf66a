/* settings_load.h - the settings of the house, for each command that needs them: from its
   options, the environment and the file that one of the two names.  Without a name no file
   is read. */
#ifndef WARD_CMD_SETTINGS_LOAD_H
#define WARD_CMD_SETTINGS_LOAD_H

#include <limits.h>

#include "cmd/command.h"
#include "proc/config.h"
#include "proc/sources.h"

/* A command's table begins with SETTINGS_OPTIONS; its own options follow at
   SETTINGS_OPTION_COUNT. */
enum settings_option {
    SETTINGS_CONFIG,
    SETTINGS_SET,
    SETTINGS_STATE,
    SETTINGS_LISTEN,
    SETTINGS_SEAL,
    SETTINGS_OPTION_COUNT,
};

#define SETTINGS_OPTIONS                                                                           \
    [SETTINGS_CONFIG] = { "--config", "FILE", NULL,                                                \
                          "read this ward.toml (default: the one that WARD_CONFIG names, "         \
                          "else none)",                                                            \
                          .letter = "-c" },                                                        \
    [SETTINGS_SET] = { "--set", "KEY=VALUE", NULL,                                                 \
                       "set any key of ward.toml(5); may be given again for another",              \
                       .repeats = true },                                                          \
    [SETTINGS_STATE] = { "--state", "DIR", NULL, "state.folder of ward.toml(5)" },                 \
    [SETTINGS_LISTEN] = { "--listen", "ADDRESS:PORT", NULL, "listen.tls of ward.toml(5)" },        \
    [SETTINGS_SEAL] = { "--seal", "KIND", "file passphrase credential",                            \
                        "seal.kind of ward.toml(5)" }

struct settings_loaded {
    struct config config;  /* settings.owner is the uid of whoever runs the command */
    const char *file;      /* as it was named; NULL when none was read */
    char folder[PATH_MAX]; /* the working folder, without symbolic links */
    char file_folder[PATH_MAX];
    struct sources sources; /* of these settings; of the invocation's arena */
};

/* settings_load makes the settings.  EXIT_DONE, or it has said on stderr all that is wrong:
   EXIT_CONFIG for what the sources say, a file that cannot be read included. */
MUST_USE enum exit_code settings_load(struct invocation *invocation, struct settings_loaded *out);

/* settings_override has an option count as if it stood on the command line, also at a reload; the
   key must not have been set there.  False: it has said why. */
MUST_USE bool settings_override(struct invocation *invocation, struct settings_loaded *loaded,
                                const char *option, const char *value);

/* settings_read_file reads ward.toml ("-" is standard input) into the arena of the invocation
   and finds the folder that its paths are relative to.  False: it has said why. */
MUST_USE bool settings_read_file(struct invocation *invocation, const char *path,
                                 struct settings_loaded *loaded, struct span *out);

/* settings_origin writes "ward.toml:3:9", "WARD_LISTEN_TLS", "--listen" or "default". */
void settings_origin(struct sink *out, const char *file, const struct config_key *key,
                     const struct config_origin *origin);

#endif
