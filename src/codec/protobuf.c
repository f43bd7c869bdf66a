/* protobuf.c - see protobuf.h. */
#include "codec/protobuf.h"

#include <string.h>

#include "base/time.h"

enum { VARINT_BYTES = 10, TIME_TEXT = 32 };

bool protobuf_take_varint(struct cursor *in, uint64_t *out)
{
    struct cursor at = *in;
    uint64_t value = 0;
    uint8_t byte;
    for (unsigned i = 0; i < VARINT_BYTES; i++) {
        if (!cur_u8(&at, &byte) || (i == VARINT_BYTES - 1 && byte > 1))
            return false;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) != 0)
            continue;
        if (byte == 0 && i > 0)
            return false; /* longer than it must be */
        *out = value;
        *in = at;
        return true;
    }
    return false;
}

static bool take_content(struct cursor *in, struct protobuf_field *field)
{
    uint64_t len;
    switch (field->wire) {
    case PROTOBUF_VARINT:
        return protobuf_take_varint(in, &field->value);
    case PROTOBUF_FIXED64:
        return cur_take(in, 8, &field->bytes);
    case PROTOBUF_BYTES:
        return protobuf_take_varint(in, &len) && len <= cur_left(in) &&
               cur_take(in, (size_t)len, &field->bytes);
    case PROTOBUF_FIXED32:
        return cur_take(in, 4, &field->bytes);
    default:
        return false; /* groups and what was never defined */
    }
}

bool protobuf_take_field(struct cursor *in, struct protobuf_field *out)
{
    struct cursor at = *in;
    struct protobuf_field field = { 0 };
    uint64_t tag;
    if (!protobuf_take_varint(&at, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
        return false;
    field.number = (uint32_t)(tag >> 3);
    field.wire = (enum protobuf_wire)(tag & 7);
    if (!take_content(&at, &field))
        return false;
    *out = field;
    *in = at;
    return true;
}

static bool refuse(const char *field, const char *what, struct values_error *error)
{
    *error = (struct values_error){ .field = field, .what = what };
    return false;
}

static bool is_varint(enum schema_type type)
{
    return type == SCHEMA_UINT64 || type == SCHEMA_INT64 || type == SCHEMA_UINT32 ||
           type == SCHEMA_BOOL || type == SCHEMA_ENUM;
}

static bool store_number(const struct schema_field *field, uint64_t value, void *at)
{
    if (field->type == SCHEMA_UINT64)
        *(uint64_t *)at = value;
    else if (field->type == SCHEMA_INT64)
        *(int64_t *)at = (int64_t)value;
    else if (field->type == SCHEMA_BOOL && value <= 1)
        *(bool *)at = value == 1;
    else if (field->type != SCHEMA_BOOL && value <= UINT32_MAX)
        *(uint32_t *)at = (uint32_t)value;
    else
        return false;
    return true;
}

static bool store_one(const struct schema_field *field, const struct protobuf_field *from,
                      struct arena *arena, void *out, struct values_error *error)
{
    void *at = values_at(field, out);
    if ((from->wire == PROTOBUF_VARINT) != is_varint(field->type) ||
        (from->wire != PROTOBUF_VARINT && from->wire != PROTOBUF_BYTES))
        return refuse(field->name, "is of another type", error);
    if (from->wire == PROTOBUF_VARINT)
        return store_number(field, from->value, at) ||
               refuse(field->name, "is out of range", error);
    if (field->type == SCHEMA_TIME)
        return values_read_text(field, from->bytes, arena, out, error);
    *(struct span *)at = from->bytes;
    return true;
}

/* How many fields of that number follow. */
static size_t count_of(struct cursor in, uint32_t number)
{
    struct protobuf_field field;
    size_t count = 0;
    while (!cur_end(&in) && protobuf_take_field(&in, &field))
        count += field.number == number;
    return count;
}

static bool read_message(const struct schema_message *message, struct cursor *in,
                         struct arena *arena, void *out, struct values_error *error);

/* One more item of a list; the first one makes room for all that follow in `rest`. */
static bool store_item(const struct schema_field *field, const struct protobuf_field *from,
                       const struct cursor *rest, struct arena *arena, void *out,
                       struct values_error *error)
{
    struct schema_list *list = values_at(field, out);
    if (from->wire != PROTOBUF_BYTES)
        return refuse(field->name, "is of another type", error);
    if (list->items == NULL) {
        size_t count = 1 + count_of(*rest, field->number);
        if (count > field->most)
            return refuse(field->name, "has more items than the limit", error);
        list->items = arena_array(arena, count, values_item_size(field));
    }
    if (list->items == NULL)
        return refuse(field->name, "does not fit into memory", error);
    void *item = (uint8_t *)(uintptr_t)list->items + list->count++ * values_item_size(field);
    if (field->type != SCHEMA_MESSAGE) {
        *(struct span *)item = from->bytes;
        return true;
    }
    struct cursor inner = cur_over(from->bytes);
    return read_message(field->message, &inner, arena, item, error);
}

static bool read_message(const struct schema_message *message, struct cursor *in,
                         struct arena *arena, void *out, struct values_error *error)
{
    uint64_t seen = 0;
    struct protobuf_field from;
    while (!cur_end(in)) {
        if (!protobuf_take_field(in, &from))
            return refuse(NULL, "the message is not protobuf", error);
        const struct schema_field *field = values_field_numbered(message, from.number);
        if (field == NULL)
            return refuse(NULL, "the message has an unknown field", error);
        if (field->most > 0) {
            if (!store_item(field, &from, in, arena, out, error))
                return false;
            continue;
        }
        if ((seen >> field->number & 1) != 0)
            return refuse(field->name, "is there twice", error);
        seen |= UINT64_C(1) << field->number;
        if (!store_one(field, &from, arena, out, error))
            return false;
    }
    return true;
}

bool protobuf_read(const struct schema_message *message, struct span bytes, struct arena *arena,
                   void *out, struct values_error *error)
{
    struct cursor in = cur_over(bytes);
    memset(out, 0, message->size);
    return read_message(message, &in, arena, out, error) && values_check(message, out, error);
}

void protobuf_put_varint(struct sink *out, uint64_t value)
{
    while (value > 0x7f) {
        sink_u8(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    sink_u8(out, (uint8_t)value);
}

void protobuf_put_number(struct sink *out, uint32_t field, uint64_t value)
{
    protobuf_put_varint(out, (uint64_t)field << 3 | PROTOBUF_VARINT);
    protobuf_put_varint(out, value);
}

void protobuf_put_bytes(struct sink *out, uint32_t field, struct span bytes)
{
    protobuf_put_varint(out, (uint64_t)field << 3 | PROTOBUF_BYTES);
    protobuf_put_varint(out, bytes.len);
    sink_put(out, bytes);
}

void protobuf_put_text(struct sink *out, uint32_t field, const char *text)
{
    protobuf_put_bytes(out, field, span_text(text));
}

size_t protobuf_begin(struct sink *out, uint32_t field)
{
    protobuf_put_varint(out, (uint64_t)field << 3 | PROTOBUF_BYTES);
    return out->len;
}

void protobuf_end(struct sink *out, size_t begun)
{
    uint8_t text[VARINT_BYTES];
    struct sink length = sink_over(text, sizeof text);
    if (!sink_ok(out))
        return;
    size_t len = out->len - begun;
    protobuf_put_varint(&length, len);
    if (sink_room(out, length.len) == NULL)
        return;
    memmove(&out->at[begun + length.len], &out->at[begun], len);
    memcpy(&out->at[begun], text, length.len);
}

static void put_time(struct sink *out, uint32_t field, int64_t at)
{
    uint8_t text[TIME_TEXT];
    struct sink time = sink_over(text, sizeof text);
    time_write(&time, at);
    protobuf_put_bytes(out, field, sink_bytes(&time));
}

static uint64_t number_of(const struct schema_field *field, const void *at)
{
    if (field->type == SCHEMA_UINT64)
        return *(const uint64_t *)at;
    if (field->type == SCHEMA_INT64)
        return (uint64_t) * (const int64_t *)at;
    return field->type == SCHEMA_BOOL ? *(const bool *)at : *(const uint32_t *)at;
}

static void write_one(const struct schema_field *field, const void *at, struct sink *out)
{
    if (field->type == SCHEMA_TIME) {
        if (*(const int64_t *)at != 0)
            put_time(out, field->number, *(const int64_t *)at);
    } else if (is_varint(field->type)) {
        if (number_of(field, at) != 0)
            protobuf_put_number(out, field->number, number_of(field, at));
    } else if (((const struct span *)at)->len > 0) {
        protobuf_put_bytes(out, field->number, *(const struct span *)at);
    }
}

static void write_message(const struct schema_message *message, const void *values,
                          struct sink *out);

static void write_list(const struct schema_field *field, const struct schema_list *list,
                       struct sink *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const void *item = values_item(field, list, i);
        if (field->type == SCHEMA_MESSAGE) {
            size_t begun = protobuf_begin(out, field->number);
            write_message(field->message, item, out);
            protobuf_end(out, begun);
        } else {
            protobuf_put_bytes(out, field->number, *(const struct span *)item);
        }
    }
}

static void write_message(const struct schema_message *message, const void *values,
                          struct sink *out)
{
    for (size_t i = 0; i < message->count; i++) {
        const struct schema_field *field = &message->fields[i];
        if (field->most > 0)
            write_list(field, values_in(field, values), out);
        else
            write_one(field, values_in(field, values), out);
    }
}

bool protobuf_write(const struct schema_message *message, const void *values, struct sink *out)
{
    struct values_error error;
    size_t before = out->len;
    if (!values_check(message, values, &error))
        return false;
    write_message(message, values, out);
    if (!sink_ok(out))
        sink_cut(out, before);
    return sink_ok(out);
}
