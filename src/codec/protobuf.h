/* protobuf.h - the one reader and writer of the protobuf wire format, driven by the same tables as
   JSON (model/schema.h).

   Stricter than proto3 asks where two readers could differ: an unknown field, a second value of
   a single field, a varint longer than it must be, a bool of 2 and bytes that are no UTF-8
   are refused.  Groups are refused.  How deep messages nest is the table's business. */
#ifndef WARD_CODEC_PROTOBUF_H
#define WARD_CODEC_PROTOBUF_H

#include "base/cursor.h"
#include "codec/values.h"

/* protobuf_read reads a message from the whole span into the struct at `out`, which is cleared
   first.  Strings view the bytes; lists live in the arena. */
MUST_USE
bool protobuf_read(const struct schema_message *message, struct span bytes, struct arena *arena,
                   void *out, struct values_error *error);

/* protobuf_write appends the message in order of the table, without fields of value zero.
   False when values_check refuses it or it does not fit; the sink is as before then,
   and full in the second case. */
MUST_USE
bool protobuf_write(const struct schema_message *message, const void *values, struct sink *out);

/* The pieces, for messages that have no table (descriptors). */
enum protobuf_wire {
    PROTOBUF_VARINT = 0,
    PROTOBUF_FIXED64 = 1,
    PROTOBUF_BYTES = 2,
    PROTOBUF_FIXED32 = 5
};

MUST_USE
bool protobuf_take_varint(struct cursor *in, uint64_t *out);

/* protobuf_take_field takes one field: its number (1 to 2^29-1), wire type and content. */
struct protobuf_field {
    uint32_t number;
    enum protobuf_wire wire;
    uint64_t value;    /* of a varint */
    struct span bytes; /* of all others */
};
MUST_USE
bool protobuf_take_field(struct cursor *in, struct protobuf_field *out);

void protobuf_put_varint(struct sink *out, uint64_t value);
void protobuf_put_number(struct sink *out, uint32_t field, uint64_t value);
void protobuf_put_bytes(struct sink *out, uint32_t field, struct span bytes);
void protobuf_put_text(struct sink *out, uint32_t field, const char *text);

/* protobuf_begin starts a message within a message; protobuf_end, with what it returned, puts its
   length where it belongs. */
size_t protobuf_begin(struct sink *out, uint32_t field);
void protobuf_end(struct sink *out, size_t begun);

#endif
