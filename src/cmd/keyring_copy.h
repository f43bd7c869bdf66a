/* keyring_copy.h - what `ward keyring backup` and `restore` share: the words of a passphrase,
   a file that comes into being whole or not at all, and ward-keyring, which alone sees keys. */
#ifndef WARD_CMD_KEYRING_COPY_H
#define WARD_CMD_KEYRING_COPY_H

#include "cmd/command.h"
#include "cmd/secret_source.h"
#include "proc/settings.h"

enum { COPY_PATH = 4096 };

/* keyring_phrase opens the passphrase for ward-keyring or the house: from the place that was named
   (secret_source.h), else from the terminal, twice when it is a new one.  -1: it has said why. */
int keyring_phrase(const struct invocation *in, const char *source, bool is_new);

/* keyring_seal opens what the house's seal is.  -1: it has said why. */
int keyring_seal(const struct invocation *in, const struct settings *settings,
                 const char *phrase_source, bool is_new);

/* keyring_make_seal makes a seal file of 32 random bytes where the settings name one that is not
   there.  False: it has said why.  keyring_source is the seal's kind in ward-keyring's words. */
bool keyring_make_seal(const struct settings *settings);
const char *keyring_source(const struct settings *settings);

/* keyring_lock keeps the house from starting until the descriptor is closed.  -1: it has said
   why, most often that the house is up. */
int keyring_lock(const struct settings *settings);

/* keyring_program finds ward-keyring.  False: it has said why. */
bool keyring_program(char path[COPY_PATH]);

/* The four descriptors, which stay the caller's, and where the result is to be: it appears
   there when it has proven itself, and replaces nothing. */
struct keyring_copy {
    struct invocation *in;
    const char *word;   /* "backup", "restore" */
    const char *source; /* what seals the result */
    int from, from_seal, to_seal;
    const char *to;
};

enum exit_code keyring_copy(const struct keyring_copy *copy);

/* keyring_copy_json prints what was copied as one JSON object. */
enum exit_code keyring_copy_json(struct invocation *in, const char *from, const char *to);

#endif
