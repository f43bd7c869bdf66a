/* config_explain.c - `ward config explain`: all about one key. */
#include <stdio.h>

#include "base/number.h"
#include "cmd/config_print.h"
#include "cmd/settings_load.h"

enum { OPT_JSON = SETTINGS_OPTION_COUNT };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

static const char *taken_over(const struct config_key *key)
{
    return key->reloads ? "reload" : "start";
}

static void write_places(struct sink *out, const struct config_shown *shown)
{
    const struct config_key *key = shown->key;
    if (shown->of_row) {
        sink_text(out, "set in    ward.toml only\n");
        return;
    }
    sink_format(out, "variable  %s\n", config_words_of(key, config_key_variable).text);
    if (key->flag != NULL)
        sink_format(out, "option    %s VALUE\n", key->flag);
    else
        sink_format(out, "option    --set %s=VALUE\n", key->name);
}

static void write_text(struct sink *out, const struct settings_loaded *loaded,
                       const struct config_shown *shown)
{
    const struct config_key *key = shown->key;
    sink_format(out, "%s: %s.\n\nvalue     ", shown->name, key->summary);
    config_value_write(out, key, shown->fields);
    sink_text(out, "\nfrom      ");
    config_print_origin(out, loaded, shown);
    sink_format(out, "\ndefault   %s\n", config_words_of(key, config_key_default).text);
    sink_format(out, "may be    %s\n", config_words_of(key, config_key_bounds).text);
    write_places(out, shown);
    sink_format(out, "changes   are taken over at the next %s\n", taken_over(key));
}

static void write_json(struct sink *out, const struct settings_loaded *loaded,
                       const struct config_shown *shown)
{
    const struct config_key *key = shown->key;
    const char *option = key->flag != NULL ? key->flag : "--set";
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    config_json_setting(&json, loaded, shown);
    config_json_text(&json, "default", config_words_of(key, config_key_default).text);
    config_json_text(&json, "bounds", config_words_of(key, config_key_bounds).text);
    config_json_text(&json, "variable",
                     shown->of_row ? NULL : config_words_of(key, config_key_variable).text);
    config_json_text(&json, "option", shown->of_row ? NULL : option);
    config_json_text(&json, "taken_over_at", taken_over(key));
    config_json_text(&json, "summary", key->summary);
    json_end_object(&json);
    sink_text(out, "\n");
}

static enum exit_code run(struct invocation *invocation)
{
    const struct config_table *table = NULL;
    struct settings_loaded loaded;
    struct config_shown shown;
    struct span name = span_text(invocation->operands[0]), row;
    struct sink out;
    if (config_key_find(name) == NULL && config_row_key_find(name, &table, &row) == NULL) {
        const char *near = config_key_nearest(name);
        say(near != NULL ? "there is no key \"%s\"; did you mean %s?"
                         : "there is no key \"%s\"; `ward config show` lists them",
            invocation->operands[0], near);
        return EXIT_NOT_FOUND;
    }
    enum exit_code code = settings_load(invocation, &loaded);
    if (code != EXIT_DONE)
        return code;
    if (!config_shown_find(&loaded, name, &shown)) {
        say("no %s of that name is set: \"%s\"; with NAME for a name it is said of any",
            table == NULL ? "key" : table->one, invocation->operands[0]);
        return EXIT_NOT_FOUND;
    }
    if (!config_print_begin(invocation, &out))
        return EXIT_INTERNAL;
    if (option_given(invocation, OPT_JSON))
        write_json(&out, &loaded, &shown);
    else
        write_text(&out, &loaded, &shown);
    return config_print_end(&out) ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_config_explain = {
    .name = "config explain",
    .operands = "KEY",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "say all about one key",
    .description =
        "Prints what a key of ward.toml(5) is for, its value and the line, variable or option\n"
        "that sets it, its default and bounds, and when a change is taken over.",
    .example = "ward config explain limit.connections",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "config.json#/$defs/explain",
    .run = run,
};
