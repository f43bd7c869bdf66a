/* complete.c - see complete.h: the words of the command table. */
#include "cmd/complete.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/settings_load.h"

enum { WORDS_AT_MOST = 256, WORD_BYTES = 256, COMPLETE_MEMORY = 8 << 20 };

void complete_offer(const struct completing *completing, const char *value, const char *about)
{
    if (strncmp(value, completing->prefix, strlen(completing->prefix)) != 0)
        return;
    print_safe(completing->out, completing->before);
    print_safe(completing->out, value);
    if (about != NULL)
        fputc('\t', completing->out);
    if (about != NULL)
        print_safe(completing->out, about);
    fputc('\n', completing->out);
}

static void offer_words(const struct completing *completing, const char *words)
{
    char word[WORD_BYTES];
    for (const char *at = words; *at != 0;) {
        size_t len = strcspn(at, " ");
        snprintf(word, sizeof word, "%.*s", (int)len, at);
        complete_offer(completing, word, NULL);
        at += len;
        at += strspn(at, " ");
    }
}

/* The first words of the table, or the second ones of a family, once each. */
static void offer_commands(const struct completing *completing, const char *family)
{
    char word[WORD_BYTES], last[WORD_BYTES] = "";
    for (size_t i = 0; i < commands_count; i++) {
        const char *name = commands[i]->name;
        size_t len = strcspn(name, " ");
        bool is_of = family != NULL && strlen(family) == len && strncmp(name, family, len) == 0;
        if (family != NULL && is_of && name[len] == ' ')
            complete_offer(completing, name + len + 1, commands[i]->summary);
        if (family != NULL)
            continue;
        snprintf(word, sizeof word, "%.*s", (int)len, name);
        if (strcmp(word, last) != 0)
            complete_offer(completing, word, name[len] == 0 ? commands[i]->summary : "more words");
        memcpy(last, word, sizeof last);
    }
}

static void offer_keys_of_config(const struct completing *completing, const char *ending)
{
    size_t count;
    char word[WORD_BYTES];
    const struct config_key *keys = config_keys(&count);
    for (size_t i = 0; i < count; i++) {
        snprintf(word, sizeof word, "%s%s", keys[i].name, ending);
        complete_offer(completing, word, keys[i].summary);
    }
}

/* KEY=VALUE: the keys, and behind the sign the words that a key may be. */
static void offer_setting(const struct completing *completing)
{
    char word[WORD_BYTES];
    size_t len = strcspn(completing->prefix, "=");
    const struct config_key *key = config_key_find(span_of(completing->prefix, len));
    if (completing->prefix[len] == 0)
        offer_keys_of_config(completing, "=");
    for (size_t i = 0; key != NULL && completing->prefix[len] != 0 && i < key->word_count; i++) {
        snprintf(word, sizeof word, "%s=%s", key->name, key->words[i]);
        complete_offer(completing, word, NULL);
    }
}

/* What an argument is called says what may stand there; `option` is "" for an operand. */
static void offer_argument(const struct completing *completing, const char *argument,
                           const char *option)
{
    if (strcmp(option, "--state") == 0)
        complete_states(completing);
    if (strcmp(option, "--key") == 0)
        complete_keys(completing, true);
    if (strcmp(option, "--resource") == 0)
        complete_keys(completing, false);
    if (strcmp(argument, "KEY=VALUE") == 0)
        offer_setting(completing);
    if (strcmp(argument, "SEQ") == 0)
        complete_records(completing);
    if (strcmp(argument, "KEY") == 0 && option[0] == 0)
        offer_keys_of_config(completing, "");
    if (strstr(argument, "DIR") != NULL)
        fputs(":folders\n", completing->out);
    else if (strstr(argument, "FILE") != NULL || strcmp(argument, "PLACE") == 0 ||
             strcmp(argument, "EVIDENCE|-") == 0)
        fputs(":files\n", completing->out);
}

static void offer_value(const struct completing *completing, const struct option_spec *option)
{
    if (option->values != NULL)
        offer_words(completing, option->values);
    else
        offer_argument(completing, option->argument, option->name);
}

/* An option that is there already is not offered again, unless it may be. */
static void offer_options(const struct completing *completing)
{
    const struct command *command = completing->in->command;
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].repeats || !option_given(completing->in, i))
            complete_offer(completing, command->options[i].name, command->options[i].help);
    }
    for (size_t i = 0; i < COMMON_COUNT; i++) {
        if (common_option_of(command, i) && !completing->in->common[i])
            complete_offer(completing, common_options[i].name, common_options[i].help);
    }
}

/* The option that takes a value and that this word names whole; NULL: it is none. */
static const struct option_spec *takes_value(const struct command *command, const char *word)
{
    size_t len = strcspn(word, "=");
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option_spec *option = &command->options[i];
        if (option->argument != NULL &&
            (span_equal_text(span_of(word, len), option->name) ||
             (option->letter != NULL && strcmp(word, option->letter) == 0)))
            return option;
    }
    return NULL;
}

static void offer_operand(const struct completing *completing, size_t before)
{
    const struct command *command = completing->in->command;
    bool is_help = strcmp(command->name, "help") == 0;
    if (is_help && before == 1) {
        offer_commands(completing, completing->in->operands[0]);
        return;
    }
    if (before >= command->operands_max)
        return;
    if (is_help)
        offer_commands(completing, NULL);
    if (is_help)
        complete_offer(completing, "ward.toml", "what can be set");
    if (command->operand_values != NULL)
        offer_words(completing, command->operand_values);
    offer_argument(completing, command->operands, "");
}

/* The words between the command and the one that is completed; the last of them may be an option
   that waits for its value. */
static void complete_of_command(struct completing *completing, int argc, char **argv)
{
    const char *word = argv[argc - 1];
    const char *previous = argc > 1 ? argv[argc - 2] : "";
    const struct command *command = completing->in->command;
    const struct option_spec *option = strchr(previous, '=') == NULL
                                           ? takes_value(command, previous)
                                           : NULL;
    int given = argc - 1 - (option != NULL ? 1 : 0);
    /* What cannot be read so far is no reason not to help with the rest. */
    bool is_whole = invocation_parse(completing->in, given, argv);
    (void)is_whole;
    completing->prefix = word;
    if (option != NULL) {
        offer_value(completing, option);
        return;
    }
    const char *equals = strchr(word, '=');
    option = word[0] == '-' && equals != NULL ? takes_value(command, word) : NULL;
    if (option != NULL) {
        char before[WORD_BYTES];
        snprintf(before, sizeof before, "%.*s", (int)(equals - word) + 1, word);
        struct completing behind = *completing;
        behind.before = before;
        behind.prefix = equals + 1;
        offer_value(&behind, option);
    } else if (word[0] == '-') {
        offer_options(completing);
    } else {
        offer_operand(completing, completing->in->operand_count);
    }
}

enum exit_code complete_print(FILE *out, int argc, char **argv)
{
    char none[] = "";
    char *empty[] = { none, NULL };
    int words = 0;
    if (freopen("/dev/null", "w", stderr) == NULL || argc > WORDS_AT_MOST)
        return EXIT_DONE;
    if (argc < 1) {
        argc = 1;
        argv = empty;
    }
    const struct command *command = command_find(argc - 1, argv, &words);
    struct invocation in = { .command = command };
    struct completing completing = {
        .out = out, .prefix = argv[argc - 1], .before = "", .in = &in
    };
    if (command == NULL) {
        if (argc == 1)
            offer_commands(&completing, NULL);
        else if (argc == 2)
            offer_commands(&completing, argv[0]);
        return EXIT_DONE;
    }
    arena_init(&in.arena, COMPLETE_MEMORY);
    complete_of_command(&completing, argc - words, argv + words);
    if (words == 1 && argc == 2) /* its own operand, or the second word of another command */
        offer_commands(&completing, argv[0]);
    arena_fini(&in.arena);
    return fflush(out) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}
