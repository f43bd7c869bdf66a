/* help_completion.c - shell completions from the command table. */
#include <stdio.h>
#include <string.h>

#include "cmd/help.h"
#include "proc/config.h"

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

/* "collateral ", "config " ...: the first words that others follow, once each.  `each` writes
   what is wanted of one. */
static void completion_families(FILE *out, void (*each)(FILE *out, const char *first))
{
    char last[32] = "";
    for (size_t i = 0; i < commands_count; i++) {
        char first[32];
        size_t len = strcspn(commands[i]->name, " ");
        if (commands[i]->name[len] == 0)
            continue;
        snprintf(first, sizeof first, "%.*s", (int)len, commands[i]->name);
        if (strcmp(first, last) != 0)
            each(out, first);
        memcpy(last, first, sizeof last);
    }
}

static void bash_family(FILE *out, const char *first)
{
    fprintf(out, "    \"2 %s\") words=\"", first);
    completion_words(out, first);
    fputs("\" ;;\n", out);
}

/* What may stand for KEY or KEY=VALUE. */
static void completion_keys(FILE *out, const char *ending)
{
    size_t count;
    const struct config_key *keys = config_keys(&count);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s%s", i == 0 ? "" : " ", keys[i].name, ending);
}

static bool takes_key(const struct command *command)
{
    return strcmp(command->operands, "KEY") == 0;
}

static bool takes_setting(const struct option_spec *option)
{
    return option->argument != NULL && strcmp(option->argument, "KEY=VALUE") == 0;
}

/* The words that may follow an option, for the one `case` of all commands. */
static void bash_option(FILE *out, const struct option_spec *option)
{
    if (option->values == NULL && !takes_setting(option))
        return;
    fprintf(out, "    %s) COMPREPLY=($(compgen -W \"", option->name);
    if (takes_setting(option))
        completion_keys(out, "=");
    else
        fputs(option->values, out);
    fputs("\" -- \"$word\")); return ;;\n", out);
}

/* bash; zsh reads the same function through bashcompinit. */
void help_bash(FILE *out)
{
    fputs("_ward()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} words\n"
          "    case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n",
          out);
    for (size_t i = 0; i < commands_count; i++) {
        for (size_t k = 0; k < commands[i]->option_count; k++)
            bash_option(out, &commands[i]->options[k]);
    }
    fputs("    esac\n    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n", out);
    for (size_t i = 0; i < commands_count; i++) {
        fprintf(out, "    \"%s%s\"*) words=\"", commands[i]->name,
                strchr(commands[i]->name, ' ') == NULL ? " " : "");
        completion_options(out, commands[i]);
        if (takes_key(commands[i]))
            fputc(' ', out);
        if (takes_key(commands[i]))
            completion_keys(out, "");
        fputs("\" ;;\n", out);
    }
    fputs("    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"", out);
    completion_words(out, NULL);
    fputs("\"; fi\n    case \"$COMP_CWORD ${COMP_WORDS[1]}\" in\n", out);
    completion_families(out, bash_family);
    fputs("    esac\n    COMPREPLY=($(compgen -W \"$words\" -f -- \"$word\"))\n}\n"
          "complete -o filenames -F _ward ward\n",
          out);
}

static void fish_keys(FILE *out, const char *ending)
{
    fputs(" -x -a '", out);
    completion_keys(out, ending);
    fputc('\'', out);
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
        if (takes_key(command)) {
            fprintf(out, "complete -c ward -n '__fish_seen_subcommand_from %s'",
                    command->name + len + 1);
            fish_keys(out, "");
            fputc('\n', out);
        }
        for (size_t k = 0; k < command->option_count; k++) {
            const struct option_spec *option = &command->options[k];
            fprintf(out, "complete -c ward -n '__fish_seen_subcommand_from %.*s' -l '%s'", (int)len,
                    command->name, option->name + 2);
            if (option->letter != NULL)
                fprintf(out, " -s %s", option->letter + 1);
            if (option->values != NULL)
                fprintf(out, " -x -a '%s'", option->values);
            else if (takes_setting(option))
                fish_keys(out, "=");
            else if (option->argument != NULL)
                fputs(" -r", out);
            fputc('\n', out);
        }
    }
}
