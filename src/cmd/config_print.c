/* config_print.c - see config_print.h. */
#include "cmd/config_print.h"

#include <stdio.h>

enum { PRINTED_BYTES = 1 << 20 };

bool config_print_begin(struct invocation *invocation, struct sink *out)
{
    void *room = arena_alloc(&invocation->arena, PRINTED_BYTES);
    if (room == NULL) {
        say("%s: out of memory", invocation->command->name);
        return false;
    }
    *out = sink_over(room, PRINTED_BYTES);
    return true;
}

bool config_print_end(const struct sink *out)
{
    if (!sink_ok(out)) {
        say("there is more to print than fits");
        return false;
    }
    fwrite(out->at, 1, out->len, stdout);
    return true;
}

void config_print_origin(struct sink *out, const struct settings_loaded *loaded, size_t index)
{
    size_t count;
    const struct config_key *keys = config_keys(&count);
    char text[PATH_MAX + 64];
    struct sink origin = sink_over(text, sizeof text);
    settings_origin(&origin, loaded->file, &keys[index], &loaded->config.origins[index]);
    /* A file may have any name, one that talks to the terminal or ends the comment too. */
    for (size_t i = 0; i < origin.len; i++) {
        bool is_safe = origin.at[i] >= ' ' && origin.at[i] <= '~';
        sink_u8(out, is_safe ? origin.at[i] : '?');
    }
}

void config_json_text(struct json_writer *json, const char *name, const char *text)
{
    json_put_key(json, name);
    if (text == NULL)
        json_put_null(json);
    else
        json_put_text(json, text);
}

static void put_value(struct json_writer *json, const struct config_key *key,
                      const struct settings *settings)
{
    const void *field = config_field(key, settings);
    json_put_key(json, "value");
    switch (key->form) {
    case CONFIG_U32:
    case CONFIG_SIZE:
    case CONFIG_SECONDS:
        json_put_u64(json, config_number(key, settings));
        break;
    case CONFIG_BOOL:
        json_put_bool(json, *(const bool *)field);
        break;
    case CONFIG_CHOICE:
        json_put_text(json, key->words[config_number(key, settings)]);
        break;
    case CONFIG_TEXT:
    case CONFIG_ADDRESS:
    case CONFIG_PATH:
    case CONFIG_STORE:
    case CONFIG_NETWORKS:
        json_put_text(json, field);
        break;
    }
}

void config_json_setting(struct json_writer *json, const struct settings_loaded *loaded,
                         const struct config_key *key)
{
    const struct config_origin *origin = &loaded->config.origins[config_key_index(key)];
    char text[PATH_MAX + 64];
    struct sink where = sink_over(text, sizeof text);
    settings_origin(&where, loaded->file, key, origin);
    config_json_text(json, "key", key->name);
    put_value(json, key, &loaded->config.settings);
    config_json_text(json, "source", config_source_name(origin->source));
    json_put_key(json, "origin");
    json_put_span(json, sink_bytes(&where));
    json_put_key(json, "line");
    json_put_u64(json, origin->place.line);
    json_put_key(json, "column");
    json_put_u64(json, origin->place.column);
}
