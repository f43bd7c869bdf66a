/* complete.h - what the last word of an unfinished command line may become: commands, options,
   the words that an option takes, and what lives in the state folder now - numbers of records,
   keys, state folders.  The shells' completions ask this (help_completion.c). */
#ifndef WARD_CMD_COMPLETE_H
#define WARD_CMD_COMPLETE_H

#include <stdio.h>

#include "cmd/command.h"

/* complete_print writes a candidate a line, after a tab what it is; ":files" or ":folders" as a
   line of its own lets the shell complete paths as well.  The words are those after `ward`; the
   last one, which may be empty, is completed.  Says nothing on stderr. */
enum exit_code complete_print(FILE *out, int argc, char **argv);

/* For complete_live.c: where candidates go, and what they must begin with. */
struct completing {
    FILE *out;
    const char *prefix; /* of the value */
    const char *before; /* stands before each value: "--key=" or "" */
    struct invocation *in;
};

/* complete_offer writes one candidate when it begins with the prefix.  `about` may be NULL. */
void complete_offer(const struct completing *completing, const char *value, const char *about);

/* What lives: nothing is offered when there is no house, no folder, or no right to look. */
void complete_records(const struct completing *completing);
void complete_keys(const struct completing *completing, bool by_public_part);
void complete_states(const struct completing *completing);

#endif
