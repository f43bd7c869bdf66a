/* config_print.c - see config_print.h. */
#include "cmd/config_print.h"

#include <stdio.h>
#include <string.h>

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

static void name_of_row(struct config_shown *shown, const struct config_table *table,
                        const char *row)
{
    struct sink name = sink_over(shown->name, sizeof shown->name);
    config_row_key_write(&name, table, shown->key, row);
    sink_terminate(&name);
    shown->of_row = true;
}

static struct config_shown of_house(const struct settings_loaded *loaded,
                                    const struct config_key *key)
{
    struct config_shown shown = { .key = key,
                                  .fields = &loaded->config.settings,
                                  .origin = &loaded->config.origins[config_key_index(key)] };
    struct sink name = sink_over(shown.name, sizeof shown.name);
    sink_text(&name, key->name);
    sink_terminate(&name);
    return shown;
}

static struct config_shown of_row(const struct settings_loaded *loaded,
                                  const struct config_table *table, const void *row,
                                  const struct config_key *key)
{
    size_t index = 0;
    while (config_row(table, &loaded->config.settings, index) != row)
        index++;
    struct config_shown shown = { .key = key,
                                  .fields = row,
                                  .origin = config_row_origin(&loaded->config, table, index, key) };
    name_of_row(&shown, table, config_row_name(row));
    return shown;
}

bool config_shown_at(const struct settings_loaded *loaded, size_t index, struct config_shown *out)
{
    size_t count;
    const struct config_key *keys = config_keys(&count);
    if (index < count) {
        *out = of_house(loaded, &keys[index]);
        return true;
    }
    index -= count;
    for (size_t i = 0; i < CONFIG_TABLES; i++) {
        const struct config_table *table = config_table_at(i);
        const void *row;
        for (size_t at = 0; (row = config_row(table, &loaded->config.settings, at)) != NULL; at++) {
            if (index < table->key_count) {
                *out = of_row(loaded, table, row, &table->keys[index]);
                return true;
            }
            index -= table->key_count;
        }
    }
    return false;
}

bool config_shown_find(const struct settings_loaded *loaded, struct span name,
                       struct config_shown *out)
{
    static const struct peer_settings nothing; /* the larger of the rows */
    static const struct config_origin nowhere;
    const struct config_table *table;
    struct span named;
    const struct config_key *key = config_key_find(name);
    if (key != NULL) {
        *out = of_house(loaded, key);
        return true;
    }
    key = config_row_key_find(name, &table, &named);
    if (key == NULL)
        return false;
    const void *row = config_row_find(table, &loaded->config.settings, named);
    if (row == NULL && !span_equal_text(named, "NAME"))
        return false;
    if (row != NULL) {
        *out = of_row(loaded, table, row, key);
        return true;
    }
    *out = (struct config_shown){ .key = key, .fields = &nothing, .origin = &nowhere };
    name_of_row(out, table, "NAME");
    return true;
}

void config_print_origin(struct sink *out, const struct settings_loaded *loaded,
                         const struct config_shown *shown)
{
    char text[PATH_MAX + 64];
    struct sink origin = sink_over(text, sizeof text);
    settings_origin(&origin, loaded->file, shown->key, shown->origin);
    /* A file may have any name, one that talks to the terminal or ends the comment too. */
    for (size_t i = 0; i < origin.len; i++) {
        bool is_safe = origin.at[i] >= ' ' && origin.at[i] <= '~';
        sink_u8(out, is_safe ? origin.at[i] : '?');
    }
}

struct config_words config_words_of(const struct config_key *key,
                                    void (*write)(struct sink *, const struct config_key *))
{
    struct config_words words = { "" };
    struct sink out = sink_over(words.text, sizeof words.text);
    write(&out, key);
    sink_terminate(&out);
    return words;
}

void config_json_text(struct json_writer *json, const char *name, const char *text)
{
    json_put_key(json, name);
    if (text == NULL)
        json_put_null(json);
    else
        json_put_text(json, text);
}

/* An array as one: no string in it has a comma. */
static void put_array(struct json_writer *json, const char *text)
{
    json_begin_array(json);
    for (size_t len; *text != 0; text += len + strspn(text + len, ", ")) {
        len = strcspn(text, ",");
        json_put_span(json, span_of(text, len));
    }
    json_end_array(json);
}

/* As a text, for no number of JSON is exact. */
static void put_share(struct json_writer *json, const struct config_key *key, const void *fields)
{
    char text[32];
    struct sink share = sink_over(text, sizeof text);
    config_value_write(&share, key, fields);
    json_put_span(json, sink_bytes(&share));
}

static void put_value(struct json_writer *json, const struct config_key *key, const void *fields)
{
    const void *field = config_field(key, fields);
    json_put_key(json, "value");
    switch (key->form) {
    case CONFIG_U32:
    case CONFIG_SIZE:
    case CONFIG_SECONDS:
        json_put_u64(json, config_number(key, fields));
        break;
    case CONFIG_BOOL:
        json_put_bool(json, *(const bool *)field);
        break;
    case CONFIG_SHARE:
        put_share(json, key, fields);
        break;
    case CONFIG_CHOICE:
        json_put_text(json, key->words[config_number(key, fields)]);
        break;
    case CONFIG_PINS:
    case CONFIG_OPERATORS:
        put_array(json, field);
        break;
    case CONFIG_TEXT:
    case CONFIG_ADDRESS:
    case CONFIG_PATH:
    case CONFIG_STORE:
    case CONFIG_URL:
    case CONFIG_NETWORKS:
    case CONFIG_PEER_URL:
    case CONFIG_PEER_PUBLIC:
        json_put_text(json, field);
        break;
    }
}

void config_json_setting(struct json_writer *json, const struct settings_loaded *loaded,
                         const struct config_shown *shown)
{
    const struct config_origin *origin = shown->origin;
    char text[PATH_MAX + 64];
    struct sink where = sink_over(text, sizeof text);
    settings_origin(&where, loaded->file, shown->key, origin);
    config_json_text(json, "key", shown->name);
    put_value(json, shown->key, shown->fields);
    config_json_text(json, "source", config_source_name(origin->source));
    json_put_key(json, "origin");
    json_put_span(json, sink_bytes(&where));
    json_put_key(json, "line");
    json_put_u64(json, origin->place.line);
    json_put_key(json, "column");
    json_put_u64(json, origin->place.column);
}
