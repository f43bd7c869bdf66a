/* config_show.c - `ward config show`: what is set, and who says so. */
#include <stdio.h>

#include "base/number.h"
#include "cmd/config_print.h"
#include "cmd/settings_load.h"

enum { OPT_JSON = SETTINGS_OPTION_COUNT };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* Text is TOML: it can be kept as a file. */
static void write_text(struct sink *out, const struct settings_loaded *loaded)
{
    struct config_shown shown;
    for (size_t i = 0; config_shown_at(loaded, i, &shown); i++) {
        sink_format(out, "%s = ", shown.name);
        config_value_write(out, shown.key, shown.fields);
        sink_text(out, "  # ");
        config_print_origin(out, loaded, &shown);
        sink_text(out, "\n");
    }
}

static void write_json(struct sink *out, const struct settings_loaded *loaded)
{
    struct config_shown shown;
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    config_json_text(&json, "file", loaded->file);
    json_put_key(&json, "settings");
    json_begin_array(&json);
    for (size_t i = 0; config_shown_at(loaded, i, &shown); i++) {
        json_begin_object(&json);
        config_json_setting(&json, loaded, &shown);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    sink_text(out, "\n");
}

static enum exit_code run(struct invocation *invocation)
{
    struct settings_loaded loaded;
    enum exit_code code = settings_load(invocation, &loaded);
    struct sink out;
    if (code != EXIT_DONE)
        return code;
    if (!config_print_begin(invocation, &out))
        return EXIT_INTERNAL;
    if (option_given(invocation, OPT_JSON))
        write_json(&out, &loaded);
    else
        write_text(&out, &loaded);
    return config_print_end(&out) ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_config_show = {
    .name = "config show",
    .operands = "",
    .summary = "print what is set, and where each value is from",
    .description =
        "Prints every key of ward.toml(5) with the value that the house would use and where\n"
        "it is from: an option, a variable of the environment, a line of the file, or the\n"
        "default; the first of these that says something wins.  The text is TOML itself.",
    .example = "ward config show --listen 127.0.0.1:9443",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "config.json#/$defs/show",
    .run = run,
};
