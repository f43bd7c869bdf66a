/* values.h - the struct of a message (model/schema.h) read from JSON or from one text, checked,
   and written as JSON.  codec/protobuf.h does the same for the other encoding: what one of them
   takes the other takes too, and what one refuses the other refuses. */
#ifndef WARD_CODEC_VALUES_H
#define WARD_CODEC_VALUES_H

#include "base/arena.h"
#include "codec/json_write.h"
#include "model/schema.h"

/* Where a message was refused, and why. */
struct values_error {
    const char *field;   /* of the table; NULL: the message itself */
    const char *what;    /* static text, lower case, no full stop */
    struct span unknown; /* a name that the message does not have, as it was sent */
    const char *nearest; /* the name that it may be meant for, or NULL */
};

/* values_read_json reads a message from the whole text into the struct at `out`, which is cleared
   first.  Strings and lists live in the arena or in the text.  Every name must be in the table,
   every limit kept, and null is no value.  False: *error says why (it is never NULL then). */
MUST_USE
bool values_read_json(const struct schema_message *message, struct span text, struct arena *arena,
                      void *out, struct values_error *error);

/* values_read_text sets one field, not a repeated one, from the text of a parameter, as JSON would
   write it without quotes.  The text must live as long as the struct. */
MUST_USE
bool values_read_text(const struct schema_field *field, struct span text, struct arena *arena,
                      void *out, struct values_error *error);

/* values_check judges a whole struct: limits, UTF-8, enums, and what is required. */
MUST_USE
bool values_check(const struct schema_message *message, const void *values,
                  struct values_error *error);

/* values_write_json writes the message as one JSON value.  False, with nothing of use written, when
   values_check would refuse it: a server does not say what it would not take. */
MUST_USE
bool values_write_json(const struct schema_message *message, const void *values,
                       struct json_writer *writer);

/* values_field finds a field by name or number; NULL when there is none. */
const struct schema_field *values_field(const struct schema_message *message, struct span name);
const struct schema_field *values_field_numbered(const struct schema_message *message,
                                                 uint32_t number);

/* values_name_unknown fills the error for a name that is not in the table. */
void values_name_unknown(const struct schema_message *message, struct span name,
                         struct values_error *error);

/* Where a value lies. */
static inline void *values_at(const struct schema_field *field, void *values)
{
    return (uint8_t *)values + field->offset;
}

static inline const void *values_in(const struct schema_field *field, const void *values)
{
    return (const uint8_t *)values + field->offset;
}

/* The size of one item of a repeated field, and the item. */
static inline size_t values_item_size(const struct schema_field *field)
{
    return field->type == SCHEMA_MESSAGE ? field->message->size : sizeof(struct span);
}

static inline const void *values_item(const struct schema_field *field,
                                      const struct schema_list *list, size_t i)
{
    return (const uint8_t *)list->items + i * values_item_size(field);
}

#endif
