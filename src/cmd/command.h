/* command.h - the one table from which dispatch, help, man pages and completions are made.

   A command prints data on stdout and talk on stderr, and returns an exit code.  It never
   calls exit itself.  Every command takes --json, for which it names its published schema. */
#ifndef WARD_CMD_COMMAND_H
#define WARD_CMD_COMMAND_H

#include <stdio.h>

#include "base/arena.h"
#include "base/result.h"

/* The exit codes of every command (ward(1), EXIT STATUS). */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_NO = 1,            /* denied, verification failed */
    EXIT_USAGE = 2,         /* arguments or input files that cannot be used */
    EXIT_CONFIG = 3,        /* configuration */
    EXIT_UNREACHABLE = 4,   /* or timed out */
    EXIT_NOT_PERMITTED = 5, /* not authenticated or not permitted */
    EXIT_NOT_FOUND = 6,
    EXIT_CONFLICT = 7,
    EXIT_INTERNAL = 70,
};

struct exit_row {
    enum exit_code code;
    const char *name, *meaning;
};

extern const struct exit_row exit_rows[];
extern const size_t exit_row_count;

enum { OPTIONS_MAX = 40, OPERANDS_MAX = 64, REPEATED_MAX = 64 };

struct option_spec {
    const char *name;     /* "--policy" */
    const char *argument; /* "FILE"; NULL for a switch */
    const char *values;   /* allowed words, separated by spaces; NULL for any */
    const char *help;
    const char *letter; /* "-c", the same for hurried fingers; NULL for none */
    bool repeats;       /* may be given again and again */
};

/* What every command takes besides its own options. */
enum common_option {
    COMMON_HELP,
    COMMON_QUIET,
    COMMON_NO_INPUT,
    COMMON_SHOW_CURL,  /* commands that ask over HTTP only */
    COMMON_SHOW_NEEDS, /* the same */
    COMMON_COUNT,
};

extern const struct option_spec common_options[COMMON_COUNT];

struct invocation;

struct command {
    const char *name;     /* "verify", "collateral fetch" */
    const char *operands; /* "EVIDENCE"; "" for none */
    size_t operands_min, operands_max;
    const char *summary;     /* a few words, no full stop */
    const char *description; /* paragraphs separated by empty lines */
    const char *example;     /* one runnable command */
    const struct option_spec *options;
    size_t option_count;
    const char *schema;         /* of what --json prints, below docs/schema:
                                   "audit.json#/$defs/verify", or the name of the file alone */
    const char *operand_values; /* the words that the operand may be; NULL for any */
    const char *destroys;       /* what nobody can bring back afterwards; NULL: nothing.  A command
                                   that destroys has --yes and --plan, and asks (confirm.h) */
    bool asks;                  /* over HTTP: a house that runs, or a server of somebody's.  Such a
                                   command has --show-curl and --show-needs (show_call.h) */
    enum exit_code (*run)(struct invocation *);
};

/* One value of an option that repeats. */
struct repeated {
    size_t option; /* its index */
    const char *value;
};

struct invocation {
    const struct command *command;
    const char *values[OPTIONS_MAX]; /* by the option's index; NULL when not given, "" for a
                                        switch that was */
    const char *operands[OPERANDS_MAX];
    size_t operand_count;
    struct repeated repeated[REPEATED_MAX]; /* in their order; values[] has the last of each */
    size_t repeated_count;
    bool common[COMMON_COUNT];
    struct arena arena; /* for the time of the command */
};

/* Every command, sorted by name; the table ends where commands_count says. */
extern const struct command *const commands[];
extern const size_t commands_count;

/* command_find finds the command that the first words name, and how many words it took: 1 or 2.
   NULL, and 0 words, where none fits. */
const struct command *command_find(int argc, char **argv, int *words);

/* command_refuse says that there is no such command, and which may have been meant; `after` is the
   second word, NULL when there is none. */
void command_refuse(const char *first, const char *after);

/* command_is_family: some command is called "WORD and another word". */
bool command_is_family(const char *word);

extern const struct command command_audit_export, command_audit_prove, command_audit_query,
    command_audit_tail, command_audit_verify, command_backup_create, command_backup_restore,
    command_ban_add, command_ban_lift, command_ban_list, command_collateral_fetch,
    command_collateral_refresh, command_collateral_show, command_config_check,
    command_config_explain, command_config_show, command_doctor, command_down, command_evidence,
    command_help, command_image_build, command_image_import, command_image_list,
    command_image_remove, command_job_cancel, command_job_get, command_job_list, command_job_logs,
    command_job_status, command_job_submit, command_job_top, command_job_why,
    command_keyring_backup, command_keyring_list, command_keyring_restore, command_keyring_rotate,
    command_measure, command_measure_diff, command_peer_list, command_reload, command_result_verify,
    command_run, command_seal, command_session_grant, command_session_list, command_session_revoke,
    command_sim_agent, command_sim_make, command_spec_check, command_token_issue, command_up,
    command_verify, command_version;

/* invocation_parse fills values and operands from the words after the command's name.  On
   failure it has said on stderr what was wrong. */
MUST_USE bool invocation_parse(struct invocation *invocation, int argc, char **argv);

/* option_given: the option at that index was there. */
bool option_given(const struct invocation *invocation, size_t index);

/* json_wanted: --json was there. */
bool json_wanted(const struct invocation *invocation);

/* common_option_of: the command takes that option of every command. */
bool common_option_of(const struct command *command, size_t common);

/* say prints one line on stderr, "ward: " before it; control characters are made visible.  For
   what went wrong; what is only worth knowing is a note, which --quiet leaves out. */
void say(const char *format, ...) PRINTF_LIKE(1, 2);
void note(const struct invocation *invocation, const char *format, ...) PRINTF_LIKE(2, 3);

/* print_safe writes text to a stream with every byte that is not printable ASCII shown as
   \xNN, so that a hostile field cannot talk to the terminal. */
void print_safe(FILE *stream, const char *text);

/* help_print writes the help of one command, or of all when NULL. */
void help_print(FILE *out, const struct command *command);

#endif
