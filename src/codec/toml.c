/* toml.c - reads the tree that toml_parse made, and finds keys in it. */
#include "codec/toml.h"

#include "base/time.h"
#include "codec/key_hash.h"
#include "codec/toml_tree.h"

struct toml_value **toml_find_slot(struct toml_value *table, uint64_t hash)
{
    struct toml_value **slot = &table->as.items.search;
    for (uint64_t bits = hash; *slot != NULL && (*slot)->hash != hash; bits >>= 1)
        slot = &(*slot)->child[bits & 1];
    return slot;
}

static bool is_of(const struct toml_value *value, enum toml_type type)
{
    return value != NULL && value->type == type;
}

static bool is_container(const struct toml_value *value)
{
    return is_of(value, TOML_TABLE) || is_of(value, TOML_ARRAY);
}

enum toml_type toml_type_of(const struct toml_value *value)
{
    return value == NULL ? (enum toml_type)0 : value->type;
}

const char *toml_type_name(enum toml_type type)
{
    switch (type) {
    case TOML_TABLE:
        return "a table";
    case TOML_ARRAY:
        return "an array";
    case TOML_STRING:
        return "a string";
    case TOML_INTEGER:
        return "an integer";
    case TOML_FLOAT:
        return "a float";
    case TOML_BOOL:
        return "a boolean";
    case TOML_DATETIME:
        return "a date and time with an offset";
    case TOML_DATETIME_LOCAL:
        return "a date and time without an offset";
    case TOML_DATE_LOCAL:
        return "a date";
    case TOML_TIME_LOCAL:
        return "a time of day";
    }
    return "nothing";
}

const struct toml_value *toml_table_get_span(const struct toml_value *table, struct span key)
{
    if (!is_of(table, TOML_TABLE))
        return NULL;
    uint64_t hash = key_hash(key);
    const struct toml_value *at = table->as.items.search;
    for (uint64_t bits = hash; at != NULL && at->hash != hash; bits >>= 1)
        at = at->child[bits & 1];
    return at != NULL && span_equal(at->key, key) ? at : NULL;
}

const struct toml_value *toml_table_get(const struct toml_value *table, const char *key)
{
    return toml_table_get_span(table, span_text(key));
}

const struct toml_value *toml_first(const struct toml_value *container)
{
    return is_container(container) ? container->as.items.first : NULL;
}

const struct toml_value *toml_next(const struct toml_value *value)
{
    return value == NULL ? NULL : value->next;
}

size_t toml_length(const struct toml_value *container)
{
    return is_container(container) ? container->as.items.count : 0;
}

struct span toml_key(const struct toml_value *value)
{
    return value == NULL ? (struct span){ 0 } : value->key;
}

struct toml_place toml_position(const struct toml_value *value)
{
    return value == NULL ? (struct toml_place){ 0 } : value->place;
}

struct toml_place toml_key_position(const struct toml_value *value)
{
    if (value == NULL || value->key_place.line == 0)
        return toml_position(value);
    return value->key_place;
}

bool toml_string(const struct toml_value *value, struct span *out)
{
    if (!is_of(value, TOML_STRING))
        return false;
    *out = value->as.string;
    return true;
}

bool toml_integer(const struct toml_value *value, int64_t *out)
{
    if (!is_of(value, TOML_INTEGER))
        return false;
    *out = value->as.integer;
    return true;
}

bool toml_float(const struct toml_value *value, double *out)
{
    if (!is_of(value, TOML_FLOAT))
        return false;
    *out = value->as.number;
    return true;
}

bool toml_bool(const struct toml_value *value, bool *out)
{
    if (!is_of(value, TOML_BOOL))
        return false;
    *out = value->as.boolean;
    return true;
}

bool toml_when(const struct toml_value *value, struct toml_datetime *out)
{
    if (!is_of(value, TOML_DATETIME) && !is_of(value, TOML_DATETIME_LOCAL) &&
        !is_of(value, TOML_DATE_LOCAL) && !is_of(value, TOML_TIME_LOCAL))
        return false;
    *out = value->as.when;
    return true;
}

bool toml_time(const struct toml_value *value, int64_t *out)
{
    if (!is_of(value, TOML_DATETIME))
        return false;
    struct toml_datetime when = value->as.when;
    bool leap = when.second == 60;
    struct civil civil = { when.year, when.month,  when.day,
                           when.hour, when.minute, leap ? 59 : when.second };
    int64_t at;
    if (!time_from_civil(civil, &at))
        return false;
    *out = at + (leap ? 1 : 0) - INT64_C(60) * when.offset_minutes;
    return true;
}
