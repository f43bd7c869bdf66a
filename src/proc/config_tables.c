/* config_tables.c - the tables [peers.NAME] and [tenants.NAME]: what there is, and how they are
   read. See config.h. */
#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "codec/nearest.h"
#include "proc/config_reader.h"
#include "proc/peer_text.h"

static const struct config_table *const tables[CONFIG_TABLES] = { &config_peers, &config_tenants };

_Static_assert(offsetof(struct peer_settings, name) == 0 &&
                   offsetof(struct tenant_settings, name) == 0,
               "a row begins with its name");

const struct config_table *config_table_at(size_t number)
{
    return tables[number];
}

const struct config_table *config_table_find(struct span section)
{
    for (size_t i = 0; i < CONFIG_TABLES; i++) {
        if (span_equal_text(section, tables[i]->section))
            return tables[i];
    }
    return NULL;
}

/* --- rows ------------------------------------------------------------------------------------ */

static uint32_t count_of(const struct config_table *table, const struct settings *settings)
{
    uint32_t count = 0;
    memcpy(&count, (const uint8_t *)settings + table->count, sizeof count);
    return count;
}

const void *config_row(const struct config_table *table, const struct settings *settings,
                       size_t index)
{
    if (index >= count_of(table, settings) || index >= table->most)
        return NULL;
    return (const uint8_t *)settings + table->rows + index * table->row_size;
}

const char *config_row_name(const void *row)
{
    return row;
}

const void *config_row_find(const struct config_table *table, const struct settings *settings,
                            struct span name)
{
    const void *row;
    for (size_t i = 0; (row = config_row(table, settings, i)) != NULL; i++) {
        if (span_equal_text(name, config_row_name(row)))
            return row;
    }
    return NULL;
}

const struct config_origin *config_row_origin(const struct config *config,
                                              const struct config_table *table, size_t row,
                                              const struct config_key *key)
{
    const void *origins = (const uint8_t *)config + table->origins;
    return (const struct config_origin *)origins + row * table->key_count +
           (size_t)(key - table->keys);
}

/* --- their keys ------------------------------------------------------------------------------ */

static const char *last_part(const struct config_key *key)
{
    return strrchr(key->name, '.') + 1;
}

static const struct config_key *key_of(const struct config_table *table, struct span part)
{
    for (size_t i = 0; i < table->key_count; i++) {
        if (span_equal_text(part, last_part(&table->keys[i])))
            return &table->keys[i];
    }
    return NULL;
}

static struct span take_part(struct cursor *in)
{
    uint8_t c;
    size_t mark = cur_offset(in);
    while (cur_peek(in, &c) && c != '.' && cur_skip(in, 1))
        continue;
    return cur_since(in, mark);
}

const struct config_key *config_row_key_find(struct span name, const struct config_table **table,
                                             struct span *row)
{
    struct cursor in = cur_over(name);
    *table = config_table_find(take_part(&in));
    if (*table == NULL || !cur_skip(&in, 1))
        return NULL;
    *row = take_part(&in);
    bool named = setting_name_is_usable(*row, (*table)->name_room) || span_equal_text(*row, "NAME");
    return named && cur_skip(&in, 1) ? key_of(*table, cur_rest(&in)) : NULL;
}

void config_row_key_write(struct sink *out, const struct config_table *table,
                          const struct config_key *key, const char *row)
{
    sink_format(out, "%s.%s.%s", table->section, row, last_part(key));
}

/* --- all of them ----------------------------------------------------------------------------- */

bool config_table_reloads(const struct config_table *table)
{
    bool all = true;
    for (size_t i = 0; i < table->key_count; i++)
        all = all && table->keys[i].reloads;
    return all;
}

static bool row_is_same(const struct config_table *table, const void *a, const void *b)
{
    bool same = strcmp(config_row_name(a), config_row_name(b)) == 0;
    for (size_t i = 0; same && i < table->key_count; i++)
        same = config_field_is_same(&table->keys[i], a, b);
    return same;
}

bool config_table_differs(const struct config_table *table, const struct settings *before,
                          const struct settings *after)
{
    uint32_t count = count_of(table, before);
    bool same = count == count_of(table, after);
    for (uint32_t i = 0; same && i < count; i++)
        same = row_is_same(table, config_row(table, before, i), config_row(table, after, i));
    return !same;
}

void config_table_take(const struct config_table *table, struct settings *to,
                       const struct settings *from)
{
    memcpy((uint8_t *)to + table->rows, (const uint8_t *)from + table->rows,
           table->most * table->row_size);
    memcpy((uint8_t *)to + table->count, (const uint8_t *)from + table->count, sizeof(uint32_t));
}

bool config_table_is_sound(const struct config_table *table, const struct settings *settings)
{
    uint32_t count = count_of(table, settings);
    bool sound = count <= table->most;
    for (uint32_t i = 0; sound && i < count; i++) {
        const void *row = config_row(table, settings, i);
        const char *name = config_row_name(row);
        sound = setting_name_is_usable(span_of(name, strnlen(name, table->name_room)),
                                       table->name_room);
        for (size_t k = 0; sound && k < table->key_count; k++)
            sound = config_key_is_sound(&table->keys[k], row);
    }
    return sound;
}

/* --- reading --------------------------------------------------------------------------------- */

/* One row, its values where they belong or, of a row too many, into nothing. */
struct row_reader {
    struct reader *r;
    const struct config_table *table;
    void *row;
    struct config_origin *origins;
    bool bad; /* a value is none: nothing is said of them together */
};

static void read_key(struct row_reader *in, const struct toml_value *value)
{
    const struct config_table *table = in->table;
    struct place place = { CONFIG_FILE, toml_key_position(value), NULL, NULL };
    struct span name = toml_key(value);
    const struct config_key *key = key_of(table, name);
    struct config_why why;
    if (key == NULL) { /* it may have been the one that is missing */
        in->bad = true;
        const char *parts[CONFIG_PEER_KEYS];
        for (size_t i = 0; i < table->key_count; i++)
            parts[i] = last_part(&table->keys[i]);
        reader_problem(in->r, &place, text_nearest(name, parts, table->key_count),
                       "a %s has no key \"%.*s\"", table->one, reader_quoted(name),
                       (const char *)name.at);
        return;
    }
    place.at = toml_position(value);
    if (config_value_toml(key, value, in->r->inputs->file_folder, in->row, &why)) {
        in->origins[key - table->keys] = (struct config_origin){ CONFIG_FILE, place.at, NULL };
        return;
    }
    in->bad = true;
    reader_problem(in->r, &place, why.nearest, "%s.%s.%s %s", table->section,
                   config_row_name(in->row), last_part(key), why.text);
}

/* Where there is none it is read all the same, for its own mistakes. */
static void find_room(struct row_reader *in, const struct place *place)
{
    const struct config_table *table = in->table;
    struct config *config = &in->r->config;
    uint32_t count = count_of(table, &config->settings);
    if (count == table->most) {
        reader_problem(in->r, place, NULL, "there are more than %zu %s", table->most,
                       table->section);
        return;
    }
    in->row = (uint8_t *)&config->settings + table->rows + count * table->row_size;
    void *origins = (uint8_t *)config + table->origins;
    in->origins = (struct config_origin *)origins + count * table->key_count;
    count++;
    memcpy((uint8_t *)&config->settings + table->count, &count, sizeof count);
}

static void read_row(struct reader *r, const struct config_table *table,
                     const struct toml_value *value)
{
    union {
        struct peer_settings peer;
        struct tenant_settings tenant;
    } nowhere = { 0 };
    struct config_origin no_origins[CONFIG_PEER_KEYS];
    struct row_reader in = { r, table, &nowhere, no_origins, false };
    const struct place place = { CONFIG_FILE, toml_key_position(value), NULL, NULL };
    struct span name = toml_key(value);
    if (!setting_name_is_usable(name, table->name_room)) {
        reader_problem(r, &place, NULL,
                       "\"%.*s\" is no name of a %s: at most %zu of a-z, 0-9 and inner hyphens",
                       reader_quoted(name), (const char *)name.at, table->one,
                       table->name_room - 1);
        return;
    }
    if (toml_type_of(value) != TOML_TABLE) {
        reader_problem(r, &place, NULL, "%s.%.*s is %s and must be a table of keys", table->section,
                       (int)name.len, (const char *)name.at, toml_type_name(toml_type_of(value)));
        return;
    }
    find_room(&in, &place);
    memcpy(in.row, name.at, name.len);
    for (const struct toml_value *v = toml_first(value); v != NULL; v = toml_next(v))
        read_key(&in, v);
    if (!in.bad)
        table->judge(r, &place, in.row);
}

void reader_table(struct reader *r, const struct config_table *table,
                  const struct toml_value *section)
{
    for (const struct toml_value *v = toml_first(section); v != NULL; v = toml_next(v))
        read_row(r, table, v);
}
