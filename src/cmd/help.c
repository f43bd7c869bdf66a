/* help.c - `ward help`: texts, man pages and completions, all from the command table. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cmd/command.h"
#include "cmd/help.h"
#include "ward/base.h"

enum { HELP_FORMAT, HELP_JSON };

static const struct option_spec options[] = {
    [HELP_FORMAT] = { "--format", "FORM", "text man bash zsh fish",
                      "text (default), man (mdoc source) or a shell's completions" },
    [HELP_JSON] = { "--json", NULL, NULL, "print the whole table of commands as one JSON object" },
};

static void print_usage(FILE *out, const struct command *command)
{
    fprintf(out, "Usage: ward %s%s%s%s\n", command->name,
            command->option_count > 0 ? " [OPTIONS]" : "", command->operands[0] != 0 ? " " : "",
            command->operands);
}

/* The text behind its option, broken at spaces where the terminal ends. */
static void print_about(FILE *out, const char *left, const char *text)
{
    enum { TEXT_COLUMNS = 66 };
    while (*text != 0) {
        size_t len = strlen(text);
        if (len > TEXT_COLUMNS) {
            len = TEXT_COLUMNS;
            while (len > 0 && text[len] != ' ')
                len--;
            len = len > 0 ? len : strcspn(text, " ");
        }
        fprintf(out, "  %-28s %.*s\n", left, (int)len, text);
        text += len;
        text += strspn(text, " ");
        left = "";
    }
}

static void print_option(FILE *out, const struct option_spec *option)
{
    char left[80];
    snprintf(left, sizeof left, "%s%s%s%s%s", option->letter != NULL ? option->letter : "",
             option->letter != NULL ? ", " : "", option->name, option->argument != NULL ? " " : "",
             option->argument != NULL ? option->argument : "");
    print_about(out, left, option->help);
    if (option->values != NULL)
        fprintf(out, "  %-28s one of: %s\n", "", option->values);
}

static void print_command(FILE *out, const struct command *command)
{
    print_usage(out, command);
    fprintf(out, "\n%s\n", command->description);
    if (command->operand_values != NULL)
        fprintf(out, "\n%s is one of: %s\n", command->operands, command->operand_values);
    if (command->option_count > 0)
        fprintf(out, "\nOptions:\n");
    for (size_t i = 0; i < command->option_count; i++)
        print_option(out, &command->options[i]);
    fprintf(out, "\nAs every command:\n");
    for (size_t i = 0; i < COMMON_COUNT; i++) {
        if (common_option_of(command, i))
            print_option(out, &common_options[i]);
    }
    fprintf(out, "\nExample:\n  %s\n", command->example);
}

static void print_all(FILE *out)
{
    fprintf(out,
            "ward %s: work and keys go only to code that can prove what it is.\n\n"
            "Usage: ward COMMAND [OPTIONS] [ARGUMENTS]\n\nCommands:\n",
            ward_version());
    for (size_t i = 0; i < commands_count; i++)
        fprintf(out, "  %-20s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out,
            "\n`ward help COMMAND` says more; `man ward` too.  Every command takes --json and\n"
            "--quiet; where it would ask, --no-input makes it refuse.\n");
}

void help_print(FILE *out, const struct command *command)
{
    if (command == NULL)
        print_all(out);
    else
        print_command(out, command);
}

static const struct command *named(struct invocation *invocation)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s%s", invocation->operands[0],
             invocation->operand_count > 1 ? " " : "",
             invocation->operand_count > 1 ? invocation->operands[1] : "");
    for (size_t i = 0; i < commands_count; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static bool asks_for_config(const struct invocation *invocation)
{
    return invocation->operand_count == 1 && strcmp(invocation->operands[0], "ward.toml") == 0;
}

static enum exit_code help_config(const char *format)
{
    bool is_man = strcmp(format, "man") == 0;
    if (!is_man && strcmp(format, "text") != 0) {
        say("help: ward.toml has the forms text and man");
        return EXIT_USAGE;
    }
    if (is_man)
        help_man_config(stdout);
    else
        help_text_config(stdout);
    return EXIT_DONE;
}

static enum exit_code run(struct invocation *invocation)
{
    const char *format = invocation->values[HELP_FORMAT] != NULL ? invocation->values[HELP_FORMAT]
                                                                 : "text";
    const struct command *command = NULL;
    if (option_given(invocation, HELP_JSON))
        return help_json(invocation);
    if (asks_for_config(invocation))
        return help_config(format);
    if (invocation->operand_count > 0) {
        command = named(invocation);
        if (command == NULL) {
            command_refuse(invocation->operands[0],
                           invocation->operand_count > 1 ? invocation->operands[1] : NULL);
            return EXIT_USAGE;
        }
    }
    if (strcmp(format, "bash") == 0) {
        help_bash(stdout);
    } else if (strcmp(format, "zsh") == 0) {
        help_zsh(stdout);
    } else if (strcmp(format, "fish") == 0) {
        help_fish(stdout);
    } else if (strcmp(format, "man") == 0) {
        help_man(stdout, command);
    } else {
        help_print(stdout, command);
    }
    return EXIT_DONE;
}

const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .operands_max = 2,
    .summary = "say what a command does",
    .description =
        "Prints the help of a command, or the list of all; for `ward.toml`, all that can\n"
        "be set.  The man pages and the shell completions are made by the same command\n"
        "from the same tables.  For bash: `source <(ward help --format bash)`, for fish:\n"
        "`ward help --format fish | source`, for zsh: a file _ward in a folder of $fpath.\n\n"
        "With --json all commands with their options, operands and examples, whatever is asked.",
    .example = "ward help verify",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "help.json",
    .run = run,
};
