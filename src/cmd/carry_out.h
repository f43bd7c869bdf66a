/* carry_out.h - what the programs that have commands share: ward, and ward-commands. */
#ifndef WARD_CMD_CARRY_OUT_H
#define WARD_CMD_CARRY_OUT_H

#include "cmd/command.h"

/* carry_out_begin is the first thing that such a program does. */
void carry_out_begin(void);

/* asks_for_help: --help or -h is among the words, before "--". */
bool asks_for_help(int argc, char **argv);

/* carry_out runs a command with the words behind its name. */
enum exit_code carry_out(const struct command *command, int argc, char **argv);

#endif
