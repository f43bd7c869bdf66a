/* help_json.c - the command table as one JSON object: for tests that go over every command, and
   for whoever builds something on `ward`. */
#include <string.h>

#include "cmd/config_print.h"
#include "cmd/help.h"

/* Words with spaces between, as a list; an empty one where there are none. */
static void put_words(struct json_writer *json, const char *name, const char *words)
{
    json_put_key(json, name);
    json_begin_array(json);
    for (const char *at = words != NULL ? words : ""; *at != 0;) {
        size_t len = strcspn(at, " ");
        json_put_span(json, span_of(at, len));
        at += len;
        at += strspn(at, " ");
    }
    json_end_array(json);
}

static void put_bool(struct json_writer *json, const char *name, bool value)
{
    json_put_key(json, name);
    json_put_bool(json, value);
}

static void put_option(struct json_writer *json, const struct option_spec *option)
{
    json_begin_object(json);
    config_json_text(json, "name", option->name);
    config_json_text(json, "letter", option->letter);
    config_json_text(json, "argument", option->argument);
    put_words(json, "values", option->values);
    put_bool(json, "repeats", option->repeats);
    config_json_text(json, "help", option->help);
    json_end_object(json);
}

static void put_command(struct json_writer *json, const struct command *command)
{
    json_begin_object(json);
    config_json_text(json, "name", command->name);
    config_json_text(json, "operands", command->operands);
    put_words(json, "operand_values", command->operand_values);
    config_json_text(json, "summary", command->summary);
    config_json_text(json, "example", command->example);
    config_json_text(json, "schema", command->schema);
    config_json_text(json, "destroys", command->destroys);
    put_bool(json, "asks", command->asks);
    json_put_key(json, "options");
    json_begin_array(json);
    for (size_t i = 0; i < command->option_count; i++)
        put_option(json, &command->options[i]);
    json_end_array(json);
    json_end_object(json);
}

static void put_exits(struct json_writer *json)
{
    json_put_key(json, "exit_codes");
    json_begin_array(json);
    for (size_t i = 0; i < exit_row_count; i++) {
        json_begin_object(json);
        json_put_key(json, "code");
        json_put_u64(json, (uint64_t)exit_rows[i].code);
        config_json_text(json, "name", exit_rows[i].name);
        config_json_text(json, "meaning", exit_rows[i].meaning);
        json_end_object(json);
    }
    json_end_array(json);
}

enum exit_code help_json(struct invocation *in)
{
    struct sink out;
    if (!config_print_begin(in, &out))
        return EXIT_INTERNAL;
    struct json_writer json = json_write_to(&out, 0);
    json_begin_object(&json);
    json_put_key(&json, "commands");
    json_begin_array(&json);
    for (size_t i = 0; i < commands_count; i++)
        put_command(&json, commands[i]);
    json_end_array(&json);
    json_put_key(&json, "common_options");
    json_begin_array(&json);
    for (size_t i = 0; i < COMMON_COUNT; i++)
        put_option(&json, &common_options[i]);
    json_end_array(&json);
    put_exits(&json);
    json_end_object(&json);
    sink_text(&out, "\n");
    return config_print_end(&out) ? EXIT_DONE : EXIT_INTERNAL;
}
