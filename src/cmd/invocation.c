/* invocation.c - reads a command line by the command's own table; nothing is guessed. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sink.h"
#include "cmd/command.h"
#include "codec/nearest.h"

void print_safe(FILE *stream, const char *text)
{
    for (const char *c = text; *c != 0; c++) {
        if (*c >= ' ' && *c <= '~')
            fputc(*c, stream);
        else
            fprintf(stream, "\\x%02x", (unsigned)(unsigned char)*c);
    }
}

static void say_line(const char *format, va_list args)
{
    char text[2048];
    struct sink out = sink_over(text, sizeof text);
    sink_vformat_cut(&out, format, args);
    sink_terminate(&out);
    fputs("ward: ", stderr);
    print_safe(stderr, text);
    fputc('\n', stderr);
}

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_line(format, args);
    va_end(args);
}

void note(const struct invocation *invocation, const char *format, ...)
{
    va_list args;
    if (invocation->common[COMMON_QUIET])
        return;
    va_start(args, format);
    say_line(format, args);
    va_end(args);
}

const struct option_spec common_options[COMMON_COUNT] = {
    [COMMON_HELP] = { "--help", NULL, NULL, "say what the command does", .letter = "-h" },
    [COMMON_QUIET] = { "--quiet", NULL, NULL, "say on stderr what went wrong, and nothing else",
                       .letter = "-q" },
    [COMMON_NO_INPUT] = { "--no-input", NULL, NULL,
                          "never ask: where a question would be, refuse and name the option" },
    [COMMON_SHOW_CURL] = { "--show-curl", NULL, NULL,
                           "print each call as a curl command instead of what it answers; a call "
                           "that would change something is not made" },
    [COMMON_SHOW_NEEDS] = { "--show-needs", NULL, NULL,
                            "print who may make each call instead of what it answers, and make "
                            "none that would change something" },
};

bool common_option_of(const struct command *command, size_t common)
{
    return (common != COMMON_SHOW_CURL && common != COMMON_SHOW_NEEDS) || command->asks;
}

bool option_given(const struct invocation *invocation, size_t index)
{
    return invocation->values[index] != NULL;
}

bool json_wanted(const struct invocation *invocation)
{
    for (size_t i = 0; i < invocation->command->option_count; i++) {
        if (strcmp(invocation->command->options[i].name, "--json") == 0)
            return option_given(invocation, i);
    }
    return false;
}

static const char *nearest_option(const struct command *command, struct span word)
{
    const char *names[OPTIONS_MAX + COMMON_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < command->option_count; i++)
        names[count++] = command->options[i].name;
    for (size_t i = 0; i < COMMON_COUNT; i++) {
        if (common_option_of(command, i))
            names[count++] = common_options[i].name;
    }
    return text_nearest(word, names, count);
}

static bool names_option(const struct option_spec *option, const char *word)
{
    return span_equal_text(span_of(word, strcspn(word, "=")), option->name) ||
           (option->letter != NULL && strcmp(word, option->letter) == 0);
}

/* COMMON_COUNT where it names none. */
static size_t find_common(const struct command *command, const char *word)
{
    size_t at = 0;
    while (at < COMMON_COUNT &&
           !(common_option_of(command, at) && names_option(&common_options[at], word)))
        at++;
    return at;
}

static bool store_common(struct invocation *invocation, size_t at, const char *word)
{
    const char *why = strchr(word, '=') != NULL ? "takes no value" : "is given twice";
    if (strchr(word, '=') != NULL || invocation->common[at]) {
        say("%s: %s %s", invocation->command->name, common_options[at].name, why);
        return false;
    }
    invocation->common[at] = true;
    return true;
}

/* Finds the option that a word like "--name" or "--name=value" names. */
static bool find_option(const struct command *command, const char *word, size_t *index)
{
    size_t len = strcspn(word, "=");
    for (size_t i = 0; i < command->option_count; i++) {
        if (names_option(&command->options[i], word)) {
            *index = i;
            return true;
        }
    }
    const char *near = nearest_option(command, span_of(word, len));
    if (near != NULL)
        say("%s: there is no option %.*s; did you mean %s?", command->name, (int)len, word, near);
    else
        say("%s: there is no option %.*s; see `ward help %s`", command->name, (int)len, word,
            command->name);
    return false;
}

static bool value_is_allowed(const struct option_spec *option, const char *value)
{
    if (option->values == NULL)
        return true;
    size_t len = strlen(value);
    const char *at = option->values;
    while (*at != 0) {
        size_t word = strcspn(at, " ");
        if (word == len && strncmp(at, value, len) == 0)
            return true;
        at += word;
        at += strspn(at, " ");
    }
    return false;
}

static bool store_value(struct invocation *invocation, size_t index, const char *value)
{
    const struct option_spec *option = &invocation->command->options[index];
    if (invocation->values[index] != NULL && !option->repeats) {
        say("%s: %s is given twice", invocation->command->name, option->name);
        return false;
    }
    if (!value_is_allowed(option, value)) {
        say("%s: %s is one of: %s; not \"%s\"", invocation->command->name, option->name,
            option->values, value);
        return false;
    }
    if (option->repeats && invocation->repeated_count == REPEATED_MAX) {
        say("%s: %s is given more than %d times", invocation->command->name, option->name,
            REPEATED_MAX);
        return false;
    }
    if (option->repeats)
        invocation->repeated[invocation->repeated_count++] = (struct repeated){ index, value };
    invocation->values[index] = value;
    return true;
}

/* Reads one option; *at is moved past its value when that is the next word. */
static bool read_option(struct invocation *invocation, int argc, char **argv, int *at)
{
    size_t index;
    const char *word = argv[*at];
    size_t common = find_common(invocation->command, word);
    if (common < COMMON_COUNT)
        return store_common(invocation, common, word);
    if (!find_option(invocation->command, word, &index))
        return false;
    const struct option_spec *option = &invocation->command->options[index];
    const char *equals = strchr(word, '=');
    if (option->argument == NULL) {
        if (equals != NULL) {
            say("%s: %s takes no value", invocation->command->name, option->name);
            return false;
        }
        return store_value(invocation, index, "");
    }
    if (equals != NULL)
        return store_value(invocation, index, equals + 1);
    if (*at + 1 >= argc) {
        say("%s: %s needs a value: %s", invocation->command->name, option->name, option->argument);
        return false;
    }
    *at += 1;
    return store_value(invocation, index, argv[*at]);
}

static bool check_operands(const struct invocation *invocation)
{
    const struct command *command = invocation->command;
    if (invocation->operand_count >= command->operands_min)
        return true;
    say("%s: %s is missing; see `ward help %s`", command->name, command->operands, command->name);
    return false;
}

bool invocation_parse(struct invocation *invocation, int argc, char **argv)
{
    const struct command *command = invocation->command;
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        bool is_option = !options_end && argv[i][0] == '-' && argv[i][1] != 0;
        if (is_option && strcmp(argv[i], "--") == 0) {
            options_end = true;
            continue;
        }
        if (is_option) {
            if (!read_option(invocation, argc, argv, &i))
                return false;
            continue;
        }
        if (invocation->operand_count == command->operands_max) {
            say("%s: \"%s\" is one argument too many; see `ward help %s`", command->name, argv[i],
                command->name);
            return false;
        }
        invocation->operands[invocation->operand_count++] = argv[i];
    }
    return check_operands(invocation);
}
