/* help_man.c - man pages from the command table. */
#include <stdio.h>
#include <string.h>

#include "cmd/help.h"

enum { MAN_LINE = 80 }; /* the longest line of text that mdoc(7) calls good style */

static bool is_space(char c)
{
    return c == ' ' || c == '\n';
}

/* Writes one character so that it means itself: the bytes that it took.  In column 0 a dot or a
   quote would be a request. */
static size_t put_man(FILE *out, char c, size_t column)
{
    bool requests = column == 0 && (c == '.' || c == '\'');
    const char *before = requests ? "\\&" : c == '\\' || c == '-' ? "\\" : "";
    fputs(before, out);
    fputc(c == '\\' ? 'e' : c, out);
    return strlen(before) + 1;
}

/* The most bytes that the word's letters may take as put_man writes them. */
static size_t man_width(const char *word)
{
    size_t width = 0;
    for (; *word != 0 && !is_space(*word); word++)
        width += *word == '\\' || *word == '-' ? 2 : 1;
    return width;
}

/* Between two words: a sentence ends its line, as mdoc(7) wants, and so does what fills it. */
static bool ends_line(const char *space, const char *next, size_t column)
{
    bool sentence = space[-1] == '.' && *next != '.';
    return sentence || *next == 0 || column + 1 + man_width(next) > MAN_LINE;
}

void help_man_text(FILE *out, const char *text)
{
    size_t column = 0;
    while (is_space(*text))
        text++;
    while (*text != 0) {
        const char *next = text;
        while (is_space(*next))
            next++;
        if (next == text) {
            column += put_man(out, *text++, column);
            continue;
        }
        bool paragraph = text[0] == '\n' && text[1] == '\n';
        bool breaks = paragraph || ends_line(text, next, column);
        fputs(!breaks ? " " : paragraph && *next != 0 ? "\n.Pp\n" : "\n", out);
        column = breaks ? 0 : column + 1;
        text = next;
    }
    if (column > 0)
        fputc('\n', out);
}

/* A macro line's own word of text, with mdoc's special characters escaped. */
void help_man_word(FILE *out, const char *text)
{
    for (; *text != 0; text++)
        put_man(out, *text, 1);
}

/* "ward-collateral-fetch", as a page is called; in capitals for .Dt. */
static void man_title(FILE *out, const char *name, bool capitals)
{
    fputs(capitals ? "WARD" : "ward", out);
    if (name[0] != 0)
        fputc('-', out);
    for (const char *c = name; *c != 0; c++) {
        if (*c == ' ')
            fputc('-', out);
        else
            fputc(capitals ? *c - 'a' + 'A' : *c, out);
    }
}

/* name: of the command, "" for ward(1). */
static void man_head(FILE *out, const char *name, const char *summary)
{
    fputs(".Dd November 20, 2026\n.Dt ", out);
    man_title(out, name, true);
    fputs(" 1\n.Os\n.Sh NAME\n.Nm ", out);
    man_title(out, name, false);
    fprintf(out, "\n.Nd %s\n", summary);
}

static void man_exit_status(FILE *out)
{
    fputs(".Sh EXIT STATUS\n.Bl -tag -width 4n\n", out);
    for (size_t i = 0; i < exit_row_count; i++)
        fprintf(out, ".It %d\n%s\n", (int)exit_rows[i].code, exit_rows[i].meaning);
    fputs(".El\n", out);
}

/* Commands that read ward.toml, or set what may stand there. */
static bool uses_config(const struct command *command)
{
    for (size_t i = 0; i < command->option_count; i++) {
        if (strcmp(command->options[i].name, "--set") == 0)
            return true;
    }
    return strncmp(command->name, "config ", 7) == 0;
}

static void man_option(FILE *out, const struct option_spec *option)
{
    fputs(".It Fl ", out);
    if (option->letter != NULL)
        fprintf(out, "%s , Fl ", option->letter + 1);
    help_man_word(out, option->name + 1);
    if (option->argument != NULL)
        fprintf(out, " Ar %s", option->argument);
    fputc('\n', out);
    help_man_text(out, option->help);
    if (option->values == NULL)
        return;
    fputs("One of:\n", out);
    help_man_text(out, option->values);
}

static void man_options(FILE *out, const struct command *command)
{
    fputs(".Bl -tag -width indent\n", out);
    for (size_t i = 0; i < command->option_count; i++)
        man_option(out, &command->options[i]);
    for (size_t i = 0; i < COMMON_COUNT; i++) {
        if (common_option_of(command, i))
            man_option(out, &common_options[i]);
    }
    fputs(".El\n", out);
    if (command->operand_values != NULL)
        fprintf(out, ".Ar %s\nis one of: %s.\n", command->operands, command->operand_values);
    if (command->schema != NULL) {
        fputs(".Pp\nWhat\n.Fl \\-json\nprints is described by the schema\n.Pa ", out);
        help_man_word(out, command->schema);
        fputs(" .\n", out);
    }
    if (command->destroys != NULL)
        fprintf(out, ".Pp\nDestroys %s: look first with\n.Fl \\-plan .\n", command->destroys);
}

static void man_command(FILE *out, const struct command *command)
{
    man_head(out, command->name, command->summary);
    fprintf(out, ".Sh SYNOPSIS\n.Nm ward %s\n", command->name);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option_spec *option = &command->options[i];
        fputs(".Op Fl ", out);
        help_man_word(out, option->name + 1);
        if (option->argument != NULL)
            fprintf(out, " Ar %s", option->argument);
        fputc('\n', out);
    }
    if (command->operands[0] != 0)
        fprintf(out, ".Ar %s\n", command->operands);
    fputs(".Sh DESCRIPTION\n", out);
    help_man_text(out, command->description);
    man_options(out, command);
    man_exit_status(out);
    fputs(".Sh EXAMPLES\n.Dl ", out);
    help_man_word(out, command->example);
    fputs("\n.Sh SEE ALSO\n.Xr ward 1", out);
    if (uses_config(command))
        fputs(" ,\n.Xr ward.toml 5", out);
    fputc('\n', out);
}

static void man_all(FILE *out)
{
    man_head(out, "", "attested execution: work and keys go only to proven code");
    fputs(".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op options\n.Op arguments\n.Sh DESCRIPTION\n"
          "Ward verifies hardware evidence and decides by policy what it may have.\n"
          "Data goes to standard output, talk to standard error.\n.Bl -tag -width indent\n",
          out);
    for (size_t i = 0; i < commands_count; i++) {
        fprintf(out, ".It Nm ward %s\n", commands[i]->name);
        help_man_text(out, commands[i]->summary);
    }
    fputs(".El\n.Pp\nEvery command takes:\n.Bl -tag -width indent\n", out);
    for (size_t i = 0; i < COMMON_COUNT; i++)
        man_option(out, &common_options[i]);
    fputs(
        ".El\n.Pp\nWhat takes longer than a second says on standard error how far it is; with\n"
        ".Fl \\-json\nas a JSON object a line, otherwise as text that is drawn anew on a "
        "terminal.\n"
        ".Sh ENVIRONMENT\n.Bl -tag -width indent\n.It Ev NO_COLOR\n"
        "When set, output has no colour, also on a terminal.\n.It Ev WARD_CONFIG\n"
        "The configuration file, where no option names one; see\n.Xr ward.toml 5 .\n"
        ".It Ev CREDENTIALS_DIRECTORY\nWhere credential:NAME is looked for, as systemd sets it.\n"
        ".It Ev TERM\nWhere it is empty or \"dumb\", progress is not drawn but written in lines.\n"
        ".El\n",
        out);
    man_exit_status(out);
    fputs(".Sh SEE ALSO\n.Xr libward 3 ,\n.Xr ward.toml 5\n", out);
}

void help_man(FILE *out, const struct command *command)
{
    if (command == NULL)
        man_all(out);
    else
        man_command(out, command);
}
