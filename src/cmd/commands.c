/* commands.c - ward-commands, which has every command: finds the one that is wanted and carries it
   out.  Everything a command is stands in its own file. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/sink.h"
#include "cmd/carry_out.h"
#include "cmd/command.h"
#include "cmd/complete.h"
#include "codec/nearest.h"

enum { COMMANDS_MAX = 64 };

const struct command *const commands[] = {
    &command_audit_export,
    &command_audit_prove,
    &command_audit_query,
    &command_audit_tail,
    &command_audit_verify,
    &command_backup_create,
    &command_backup_restore,
    &command_ban_add,
    &command_ban_lift,
    &command_ban_list,
    &command_collateral_fetch,
    &command_collateral_refresh,
    &command_collateral_show,
    &command_config_check,
    &command_config_explain,
    &command_config_show,
    &command_doctor,
    &command_down,
    &command_evidence,
    &command_help,
    &command_image_build,
    &command_image_import,
    &command_image_list,
    &command_image_remove,
    &command_job_cancel,
    &command_job_get,
    &command_job_list,
    &command_job_logs,
    &command_job_status,
    &command_job_submit,
    &command_job_top,
    &command_job_why,
    &command_keyring_backup,
    &command_keyring_list,
    &command_keyring_restore,
    &command_keyring_rotate,
    &command_measure,
    &command_measure_diff,
    &command_peer_list,
    &command_reload,
    &command_result_verify,
    &command_run,
    &command_seal,
    &command_session_grant,
    &command_session_list,
    &command_session_revoke,
    &command_sim_agent,
    &command_sim_make,
    &command_spec_check,
    &command_token_issue,
    &command_up,
    &command_verify,
    &command_version,
};
const size_t commands_count = COUNT_OF(commands);

/* How many of the words name this command: 0, 1 or 2. */
static int words_matched(const struct command *command, int argc, char **argv)
{
    const char *space = strchr(command->name, ' ');
    size_t first = space != NULL ? (size_t)(space - command->name) : strlen(command->name);
    if (argc < 1 || !span_equal(span_text(argv[0]), span_of(command->name, first)))
        return 0;
    if (space == NULL)
        return 1;
    return argc >= 2 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

/* Of two that fit the one of more words. */
const struct command *command_find(int argc, char **argv, int *words)
{
    const struct command *found = NULL;
    *words = 0;
    for (size_t i = 0; i < commands_count; i++) {
        int matched = words_matched(commands[i], argc, argv);
        if (matched > *words) {
            *words = matched;
            found = commands[i];
        }
    }
    return found;
}

bool command_is_family(const char *word)
{
    for (size_t i = 0; i < commands_count; i++) {
        size_t len = strcspn(commands[i]->name, " ");
        if (commands[i]->name[len] == ' ' && strlen(word) == len &&
            strncmp(commands[i]->name, word, len) == 0)
            return true;
    }
    return false;
}

/* "ward config" alone, or before an option. */
static void say_family(const char *first)
{
    char words[400];
    struct sink out = sink_over(words, sizeof words);
    size_t len = strlen(first);
    for (size_t i = 0; i < commands_count; i++) {
        if (strncmp(commands[i]->name, first, len) == 0 && commands[i]->name[len] == ' ')
            sink_format(&out, "%s%s", out.len > 0 ? ", " : "", commands[i]->name + len + 1);
    }
    sink_terminate(&out);
    say("\"ward %s\" needs a second word: %s; `ward help` says what each does", first, words);
}

/* `after` is the word behind, NULL when there is none. */
void command_refuse(const char *first, const char *after)
{
    if (command_is_family(first) && (after == NULL || after[0] == '-')) {
        say_family(first);
        return;
    }
    const char *names[COMMANDS_MAX];
    char word[80];
    bool has_two = command_is_family(first) && after != NULL;
    struct sink out = sink_over(word, sizeof word);
    sink_format(&out, "%.40s%s%.*s", first, has_two ? " " : "", has_two ? 30 : 0,
                has_two ? after : "");
    sink_terminate(&out);
    for (size_t i = 0; i < commands_count; i++)
        names[i] = commands[i]->name;
    const char *near = text_nearest(span_text(word), names, commands_count);
    if (near != NULL)
        say("there is no command \"%s\"; did you mean `ward %s`?", word, near);
    else
        say("there is no command \"%s\"; `ward help` lists them", word);
}

int main(int argc, char **argv)
{
    carry_out_begin();
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_print(argc < 2 ? stderr : stdout, NULL);
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return (int)carry_out(&command_version, 0, NULL);
    if (strcmp(argv[1], "--complete") == 0)
        return (int)complete_print(stdout, argc - 2, argv + 2);
    int words = 0;
    const struct command *command = command_find(argc - 1, argv + 1, &words);
    if (words == 0) {
        command_refuse(argv[1], argc > 2 ? argv[2] : NULL);
        return EXIT_USAGE;
    }
    if (asks_for_help(argc - 1 - words, argv + 1 + words)) {
        help_print(stdout, command);
        return EXIT_DONE;
    }
    return (int)carry_out(command, argc - 1 - words, argv + 1 + words);
}
