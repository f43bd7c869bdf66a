/* values.c - see values.h: what both encodings have in common. */
#include "codec/values.h"

#include "base/time.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/nearest.h"
#include "codec/utf8.h"

enum { NAMES = 64 };

const struct schema_field *values_field(const struct schema_message *message, struct span name)
{
    for (size_t i = 0; i < message->count; i++) {
        if (span_equal_text(name, message->fields[i].name))
            return &message->fields[i];
    }
    return NULL;
}

const struct schema_field *values_field_numbered(const struct schema_message *message,
                                                 uint32_t number)
{
    for (size_t i = 0; i < message->count; i++) {
        if (message->fields[i].number == number)
            return &message->fields[i];
    }
    return NULL;
}

void values_name_unknown(const struct schema_message *message, struct span name,
                         struct values_error *error)
{
    const char *names[NAMES];
    size_t count = message->count < NAMES ? message->count : NAMES;
    for (size_t i = 0; i < count; i++)
        names[i] = message->fields[i].name;
    *error = (struct values_error){
        .what = "there is no such field",
        .unknown = name,
        .nearest = text_nearest(name, names, count),
    };
}

static bool refuse(const struct schema_field *field, const char *what, struct values_error *error)
{
    *error = (struct values_error){ .field = field->name, .what = what };
    return false;
}

static bool check_text(const struct schema_field *field, struct span text,
                       struct values_error *error)
{
    if (text.len > field->limit)
        return refuse(field, "is longer than the limit", error);
    if (field->type == SCHEMA_STRING && !utf8_valid(text))
        return refuse(field, "is not UTF-8", error);
    for (size_t i = 0; field->type == SCHEMA_STRING && i < text.len; i++) {
        if (text.at[i] == 0)
            return refuse(field, "holds U+0000", error);
    }
    return true;
}

static bool check_list(const struct schema_field *field, const struct schema_list *list,
                       struct values_error *error)
{
    if (list->count > field->most)
        return refuse(field, "has more items than the limit", error);
    if (list->count == 0 && field->required)
        return refuse(field, "is required", error);
    for (size_t i = 0; i < list->count; i++) {
        const void *item = values_item(field, list, i);
        if (field->type == SCHEMA_MESSAGE ? !values_check(field->message, item, error)
                                          : !check_text(field, *(const struct span *)item, error))
            return false;
    }
    return true;
}

static bool check_number(const struct schema_field *field, uint64_t value,
                         struct values_error *error)
{
    if (field->limit != 0 && value > field->limit)
        return refuse(field, "is larger than the limit", error);
    return true;
}

/* Sets *empty when the value is the one that is not sent in protobuf. */
static bool check_one(const struct schema_field *field, const void *at, bool *empty,
                      struct values_error *error)
{
    switch (field->type) {
    case SCHEMA_STRING:
    case SCHEMA_BYTES:
        *empty = ((const struct span *)at)->len == 0;
        return check_text(field, *(const struct span *)at, error);
    case SCHEMA_UINT64:
        return check_number(field, *(const uint64_t *)at, error);
    case SCHEMA_UINT32:
        return check_number(field, *(const uint32_t *)at, error);
    case SCHEMA_ENUM:
        *empty = *(const uint32_t *)at == 0;
        return *(const uint32_t *)at < field->values->count ||
               refuse(field, "is none of its values", error);
    case SCHEMA_TIME:
        *empty = *(const int64_t *)at == 0;
        return (*(const int64_t *)at >= TIME_MIN && *(const int64_t *)at <= TIME_MAX) ||
               refuse(field, "is out of range", error);
    case SCHEMA_INT64:
    case SCHEMA_BOOL:
        return true;
    case SCHEMA_MESSAGE:
    case SCHEMA_NONE:
    default:
        return refuse(field, "is of no type", error);
    }
}

bool values_check(const struct schema_message *message, const void *values,
                  struct values_error *error)
{
    for (size_t i = 0; i < message->count; i++) {
        const struct schema_field *field = &message->fields[i];
        const void *at = values_in(field, values);
        bool empty = false;
        if (field->most > 0 ? !check_list(field, at, error) : !check_one(field, at, &empty, error))
            return false;
        if (empty && field->required)
            return refuse(field, "is required", error);
    }
    return true;
}

static bool read_digits(struct span text, uint64_t max, uint64_t *out)
{
    struct json_node node;
    struct json json;
    return text.len > 0 && text.at[0] >= '0' && text.at[0] <= '9' && text.at[text.len - 1] >= '0' &&
           text.at[text.len - 1] <= '9' && json_parse_into(text, &node, 1, NULL, &json, NULL) &&
           json_u64(&json, 0, max, out);
}

static bool read_signed(struct span text, int64_t *out)
{
    struct json_node node;
    struct json json;
    return text.len > 0 && text.at[text.len - 1] >= '0' && text.at[text.len - 1] <= '9' &&
           text.at[0] > ' ' && json_parse_into(text, &node, 1, NULL, &json, NULL) &&
           json_i64(&json, 0, out);
}

static bool read_enum(const struct schema_enum *values, struct span text, uint32_t *out)
{
    for (uint32_t i = 0; i < values->count; i++) {
        if (span_equal_text(text, values->values[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool read_bytes(const struct schema_field *field, struct span text, struct arena *arena,
                       struct span *out)
{
    if (text.len / 4 > field->limit / 3 + 1)
        return false;
    size_t cap = text.len / 4 * 3;
    void *room = arena_room(arena, cap);
    struct sink bytes = sink_over(room, cap);
    if (room == NULL || !base64_decode(text, &bytes))
        return false;
    *out = sink_bytes(&bytes);
    return true;
}

bool values_read_text(const struct schema_field *field, struct span text, struct arena *arena,
                      void *out, struct values_error *error)
{
    void *at = values_at(field, out);
    uint64_t wide;
    switch (field->type) {
    case SCHEMA_STRING:
        *(struct span *)at = text;
        return true;
    case SCHEMA_BYTES:
        return read_bytes(field, text, arena, at) ||
               refuse(field, "is not base64 within its limit", error);
    case SCHEMA_UINT64:
        return read_digits(text, UINT64_MAX, at) ||
               refuse(field, "is not a plain decimal number", error);
    case SCHEMA_UINT32:
        if (!read_digits(text, UINT32_MAX, &wide))
            return refuse(field, "is not a plain decimal number", error);
        *(uint32_t *)at = (uint32_t)wide;
        return true;
    case SCHEMA_INT64:
        return read_signed(text, at) || refuse(field, "is not a plain decimal number", error);
    case SCHEMA_BOOL:
        *(bool *)at = span_equal_text(text, "true");
        return *(bool *)at || span_equal_text(text, "false") ||
               refuse(field, "is not true or false", error);
    case SCHEMA_ENUM:
        return read_enum(field->values, text, at) || refuse(field, "is none of its values", error);
    case SCHEMA_TIME:
        if (text.len == 0) {
            *(int64_t *)at = 0;
            return true;
        }
        return time_parse_rfc3339(text, at) || refuse(field, "is not an RFC 3339 time", error);
    case SCHEMA_MESSAGE:
    case SCHEMA_NONE:
    default:
        return refuse(field, "cannot be a parameter", error);
    }
}
