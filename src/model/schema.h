/* schema.h - a table language for messages: one description from which a message is read and
   written as JSON and as protobuf, documented, and described to others.  Data only.

   A message is a plain struct; a field says where in it its value lies:
       string, bytes  struct span          uint64  uint64_t         time  int64_t, seconds; 0: not
   set enum, uint32   uint32_t             int64   int64_t          bool  bool repeated string,
   bytes or message   struct schema_list In JSON, bytes are base64, 64-bit numbers decimal strings
   and enums names (the ProtoJSON mapping), a time is an RFC 3339 string; every field is written. In
   protobuf a time is that same string. */
#ifndef WARD_MODEL_SCHEMA_H
#define WARD_MODEL_SCHEMA_H

#include <stddef.h>

#include "base/span.h"

enum schema_type {
    SCHEMA_NONE = 0,
    SCHEMA_STRING,
    SCHEMA_BYTES,
    SCHEMA_UINT64,
    SCHEMA_INT64,
    SCHEMA_UINT32,
    SCHEMA_BOOL,
    SCHEMA_ENUM,
    SCHEMA_TIME,
    SCHEMA_MESSAGE, /* repeated only */
};

/* Value 0 is "not said". */
struct schema_enum {
    const char *name;
    const char *doc;
    const char *const *values;
    size_t count;
};

struct schema_message;

struct schema_field {
    const char *name;
    const char *doc; /* one sentence */
    uint32_t number; /* of protobuf, 1 to 63 */
    enum schema_type type;
    size_t offset;
    uint64_t limit; /* string and bytes: most bytes; numbers: the largest, 0 for no limit */
    size_t most;    /* of a repeated field: items; 0: not repeated */
    bool required;  /* string, bytes, time, enum, repeated: may not be empty */
    const struct schema_message *message;
    const struct schema_enum *values;
    const char *header; /* of a request: a header, or gRPC metadata, that may carry it; of an
                           answer (uint64): the header in which REST says it, too.  Lower case;
                           NULL: none */
};

struct schema_message {
    const char *name;
    const char *doc;
    const struct schema_field *fields;
    size_t count;
    size_t size; /* of the struct */
};

/* A repeated field: `items` is an array of struct span or of the message's struct. */
struct schema_list {
    const void *items;
    size_t count;
};

#endif
