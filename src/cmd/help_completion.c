/* help_completion.c - shell completions from the command table. */
#include <stdio.h>
#include <string.h>

#include "cmd/help.h"

/* The words that may follow `ward` or `ward collateral`, once each. */
static void completion_words(FILE *out, const char *first)
{
    const char *last = "";
    size_t last_len = 0;
    for (size_t i = 0; i < commands_count; i++) {
        const char *name = commands[i]->name;
        size_t len = strcspn(name, " ");
        if (first != NULL) {
            if (strlen(first) != len || strncmp(name, first, len) != 0 || name[len] == 0)
                continue;
            fprintf(out, "%s ", name + len + 1);
            continue;
        }
        if (len != last_len || strncmp(name, last, len) != 0)
            fprintf(out, "%.*s ", (int)len, name);
        last = name;
        last_len = len;
    }
}

static void completion_options(FILE *out, const struct command *command)
{
    for (size_t i = 0; i < command->option_count; i++)
        fprintf(out, "%s ", command->options[i].name);
    fputs("--help", out);
}

/* bash; zsh reads the same function through bashcompinit. */
void help_bash(FILE *out)
{
    fputs("_ward()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} words\n"
          "    case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n",
          out);
    for (size_t i = 0; i < commands_count; i++) {
        for (size_t k = 0; k < commands[i]->option_count; k++) {
            const struct option_spec *option = &commands[i]->options[k];
            if (option->values != NULL)
                fprintf(out, "    %s) COMPREPLY=($(compgen -W \"%s\" -- \"$word\")); return ;;\n",
                        option->name, option->values);
        }
    }
    fputs("    esac\n    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n", out);
    for (size_t i = 0; i < commands_count; i++) {
        fprintf(out, "    \"%s%s\"*) words=\"", commands[i]->name,
                strchr(commands[i]->name, ' ') == NULL ? " " : "");
        completion_options(out, commands[i]);
        fputs("\" ;;\n", out);
    }
    fputs("    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"", out);
    completion_words(out, NULL);
    fputs("\"; fi\n    case \"$COMP_CWORD ${COMP_WORDS[1]}\" in\n    \"2 collateral\") words=\"",
          out);
    completion_words(out, "collateral");
    fputs("\" ;;\n    \"2 sim\") words=\"", out);
    completion_words(out, "sim");
    fputs("\" ;;\n    esac\n    COMPREPLY=($(compgen -W \"$words\" -f -- \"$word\"))\n}\n"
          "complete -o filenames -F _ward ward\n",
          out);
}

void help_fish(FILE *out)
{
    for (size_t i = 0; i < commands_count; i++) {
        const struct command *command = commands[i];
        size_t len = strcspn(command->name, " ");
        fprintf(out, "complete -c ward -n __fish_use_subcommand -a '%.*s' -d '%s'\n", (int)len,
                command->name, command->summary);
        if (command->name[len] != 0)
            fprintf(out, "complete -c ward -n '__fish_seen_subcommand_from %.*s' -a '%s'\n",
                    (int)len, command->name, command->name + len + 1);
        for (size_t k = 0; k < command->option_count; k++) {
            const struct option_spec *option = &command->options[k];
            fprintf(out, "complete -c ward -n '__fish_seen_subcommand_from %.*s' -l '%s'", (int)len,
                    command->name, option->name + 2);
            if (option->values != NULL)
                fprintf(out, " -x -a '%s'", option->values);
            else if (option->argument != NULL)
                fputs(" -r", out);
            fputc('\n', out);
        }
    }
}
