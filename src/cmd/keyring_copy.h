/* keyring_copy.h - what `ward keyring backup` and `restore` share: the words of a passphrase,
   a file that comes into being whole or not at all, and ward-keyring, which alone sees keys. */
#ifndef WARD_CMD_KEYRING_COPY_H
#define WARD_CMD_KEYRING_COPY_H

#include "cmd/command.h"
#include "proc/settings.h"

enum { COPY_PATH = 4096 };

/* keyring_phrase opens the passphrase for ward-keyring or the house: from the file that was named
   ("-" is standard input), else from the terminal, twice when it is a new one.  -1: it has said
   why. */
int keyring_phrase(const char *file, bool is_new);

/* keyring_seal opens what the house's seal is.  -1: it has said why. */
int keyring_seal(const struct settings *settings, const char *phrase_file, bool is_new);

/* keyring_lock keeps the house from starting until the descriptor is closed.  -1: it has said
   why, most often that the house is up. */
int keyring_lock(const struct settings *settings);

/* The four descriptors, which stay the caller's, and where the result is to be: it appears
   there when it has proven itself, and replaces nothing. */
struct keyring_copy {
    const char *word;   /* "backup", "restore" */
    const char *source; /* what seals the result */
    int from, from_seal, to_seal;
    const char *to;
};

enum exit_code keyring_copy(const struct keyring_copy *copy);

#endif
