/* values_json.c - see values.h: messages as JSON. */
#include "base/time.h"
#include "codec/json.h"
#include "codec/values.h"

/* Messages are flat: a list in a list is the deepest that a table has. */
static const struct json_limits message_limits = { .depth = 8, .nodes = 8192 };

struct reading {
    const struct json *json;
    struct arena *arena;
    struct values_error *error;
};

static bool refuse(const struct reading *r, const char *field, const char *what)
{
    *r->error = (struct values_error){ .field = field, .what = what };
    return false;
}

/* The text of a string, in place or unescaped in the arena. */
static bool read_string(const struct reading *r, uint32_t node, struct span *out)
{
    if (json_string(r->json, node, out))
        return true;
    if (json_type(r->json, node) != JSON_STRING)
        return false;
    size_t cap = json_raw(r->json, node).len;
    void *room = arena_room(r->arena, cap);
    struct sink text = sink_over(room, cap);
    if (room == NULL || !json_string_copy(r->json, node, &text))
        return false;
    *out = sink_bytes(&text);
    return true;
}

static bool read_object(const struct reading *r, uint32_t node,
                        const struct schema_message *message, void *out);

static bool read_one(const struct reading *r, uint32_t node, const struct schema_field *field,
                     void *out)
{
    struct span text;
    enum json_type type = json_type(r->json, node);
    bool number = field->type == SCHEMA_UINT64 || field->type == SCHEMA_INT64 ||
                  field->type == SCHEMA_UINT32;
    if (field->type == SCHEMA_BOOL) {
        return json_bool(r->json, node, values_at(field, out)) ||
               refuse(r, field->name, "is not true or false");
    }
    if (number && type == JSON_NUMBER)
        text = json_raw(r->json, node);
    else if (!read_string(r, node, &text))
        return refuse(r, field->name, "is of another type");
    return values_read_text(field, text, r->arena, out, r->error);
}

static bool read_item(const struct reading *r, uint32_t node, const struct schema_field *field,
                      void *item)
{
    if (field->type == SCHEMA_MESSAGE)
        return read_object(r, node, field->message, item);
    struct schema_field one = *field;
    one.most = 0;
    one.offset = 0;
    return read_one(r, node, &one, item);
}

static bool read_list(const struct reading *r, uint32_t node, const struct schema_field *field,
                      struct schema_list *out)
{
    size_t count = json_length(r->json, node);
    if (json_type(r->json, node) != JSON_ARRAY)
        return refuse(r, field->name, "is not a list");
    if (count > field->most)
        return refuse(r, field->name, "has more items than the limit");
    void *items = arena_array(r->arena, count, values_item_size(field));
    if (items == NULL)
        return refuse(r, field->name, "does not fit into memory");
    size_t i = 0;
    for (uint32_t n = json_first(r->json, node); n != JSON_NONE; n = json_next(r->json, n)) {
        if (!read_item(r, n, field, (uint8_t *)items + i++ * values_item_size(field)))
            return false;
    }
    *out = (struct schema_list){ items, count };
    return true;
}

static const struct schema_field *field_of(const struct reading *r, uint32_t node,
                                           const struct schema_message *message)
{
    for (size_t i = 0; i < message->count; i++) {
        if (json_key_is(r->json, node, message->fields[i].name))
            return &message->fields[i];
    }
    return NULL;
}

static bool read_object(const struct reading *r, uint32_t node,
                        const struct schema_message *message, void *out)
{
    if (json_type(r->json, node) != JSON_OBJECT)
        return refuse(r, NULL, "the message is not an object");
    for (uint32_t n = json_first(r->json, node); n != JSON_NONE; n = json_next(r->json, n)) {
        const struct schema_field *field = field_of(r, n, message);
        if (field == NULL) {
            struct span name = { 0 };
            (void)!json_key(r->json, n, &name);
            values_name_unknown(message, name, r->error);
            return false;
        }
        if (field->most > 0 ? !read_list(r, n, field, values_at(field, out))
                            : !read_one(r, n, field, out))
            return false;
    }
    return true;
}

bool values_read_json(const struct schema_message *message, struct span text, struct arena *arena,
                      void *out, struct values_error *error)
{
    struct json json;
    struct json_error where;
    *error = (struct values_error){ .what = "the message is not JSON" };
    if (!json_parse(text, arena, &message_limits, &json, &where)) {
        error->what = where.what;
        return false;
    }
    struct reading r = { &json, arena, error };
    for (size_t i = 0; i < message->size; i++)
        ((uint8_t *)out)[i] = 0;
    return read_object(&r, 0, message, out) && values_check(message, out, error);
}

static void write_digits(struct json_writer *writer, const char *sign, uint64_t value)
{
    uint8_t text[24];
    struct sink out = sink_over(text, sizeof text);
    sink_format(&out, "%s%llu", sign, (unsigned long long)value);
    json_put_span(writer, sink_bytes(&out));
}

static void write_time(struct json_writer *writer, int64_t at)
{
    if (at == 0)
        json_put_text(writer, "");
    else
        json_put_time(writer, at);
}

static void write_one(const struct schema_field *field, const void *at, struct json_writer *writer)
{
    int64_t number;
    switch (field->type) {
    case SCHEMA_STRING:
        json_put_span(writer, *(const struct span *)at);
        return;
    case SCHEMA_BYTES:
        json_put_base64(writer, *(const struct span *)at);
        return;
    case SCHEMA_UINT64:
        write_digits(writer, "", *(const uint64_t *)at);
        return;
    case SCHEMA_INT64:
        number = *(const int64_t *)at;
        write_digits(writer, number < 0 ? "-" : "",
                     number < 0 ? -(uint64_t)number : (uint64_t)number);
        return;
    case SCHEMA_UINT32:
        json_put_u64(writer, *(const uint32_t *)at);
        return;
    case SCHEMA_BOOL:
        json_put_bool(writer, *(const bool *)at);
        return;
    case SCHEMA_ENUM:
        json_put_text(writer, field->values->values[*(const uint32_t *)at]);
        return;
    case SCHEMA_TIME:
        write_time(writer, *(const int64_t *)at);
        return;
    case SCHEMA_MESSAGE:
    case SCHEMA_NONE:
    default:
        return;
    }
}

static void write_object(const struct schema_message *message, const void *values,
                         struct json_writer *writer);

static void write_list(const struct schema_field *field, const struct schema_list *list,
                       struct json_writer *writer)
{
    json_begin_array(writer);
    for (size_t i = 0; i < list->count; i++) {
        const void *item = values_item(field, list, i);
        if (field->type == SCHEMA_MESSAGE)
            write_object(field->message, item, writer);
        else
            write_one(field, item, writer);
    }
    json_end_array(writer);
}

static void write_object(const struct schema_message *message, const void *values,
                         struct json_writer *writer)
{
    json_begin_object(writer);
    for (size_t i = 0; i < message->count; i++) {
        const struct schema_field *field = &message->fields[i];
        json_put_key(writer, field->name);
        if (field->most > 0)
            write_list(field, values_in(field, values), writer);
        else
            write_one(field, values_in(field, values), writer);
    }
    json_end_object(writer);
}

bool values_write_json(const struct schema_message *message, const void *values,
                       struct json_writer *writer)
{
    struct values_error error;
    if (!values_check(message, values, &error))
        return false;
    write_object(message, values, writer);
    return sink_ok(writer->out);
}
