/* help.h - the forms that the command table is printed in, besides plain text. */
#ifndef WARD_CMD_HELP_H
#define WARD_CMD_HELP_H

#include <stdio.h>

#include "cmd/command.h"

/* help_man writes the mdoc(7) source of ward-COMMAND(1), or of ward(1) when NULL. */
void help_man(FILE *out, const struct command *command);

/* The same for ward.toml(5), and its text for a terminal. */
void help_man_config(FILE *out);
void help_text_config(FILE *out);

/* Pieces of mdoc: paragraphs, and words on a macro's own line. */
void help_man_text(FILE *out, const char *text);
void help_man_word(FILE *out, const char *text);

/* The completions of each shell: a few lines that ask `ward --complete` (complete.h). */
void help_bash(FILE *out);
void help_zsh(FILE *out);
void help_fish(FILE *out);

/* help_json prints the whole table. */
MUST_USE
enum exit_code help_json(struct invocation *in);

#endif
