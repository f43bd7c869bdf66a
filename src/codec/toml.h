/* toml.h - the one TOML reader, version 1.0.0: text to a tree in an arena.  Strict: valid
   UTF-8, no key twice, no table opened twice, nothing guessed.  Bounded: depth, values and
   bytes have limits, and the arena has a ceiling.  Every key and every value knows its line
   and column, so that whoever judges the tree can point at the place.  Never writes to the
   text; strings without escapes are views of it. */
#ifndef WARD_CODEC_TOML_H
#define WARD_CODEC_TOML_H

#include "base/arena.h"
#include "base/result.h"
#include "base/span.h"

enum {
    TOML_DEPTH_MAX = 32,       /* tables and arrays inside one another, the root included */
    TOML_VALUES_MAX = 1 << 20, /* values in all */
    TOML_TEXT_MAX = 64 << 20,  /* bytes of text */
};

enum toml_type {
    TOML_TABLE = 1,
    TOML_ARRAY,
    TOML_STRING,
    TOML_INTEGER,
    TOML_FLOAT,
    TOML_BOOL,
    TOML_DATETIME,       /* with an offset */
    TOML_DATETIME_LOCAL, /* without */
    TOML_DATE_LOCAL,
    TOML_TIME_LOCAL,
};

/* Lines and columns count from 1; a column counts code points.  {0}: nowhere. */
struct toml_place {
    uint32_t line;
    uint32_t column;
};

/* A date, a time or both.  Fields that the type does not have are 0. */
struct toml_datetime {
    int year, month, day;
    int hour, minute, second; /* second 60 is allowed as RFC 3339 does */
    uint32_t nanosecond;      /* further digits are cut off */
    int offset_minutes;       /* east of UTC; TOML_DATETIME only */
};

/* A value of the tree; opaque.  The readers below accept NULL, and a value of another type,
   and say no. */
struct toml_value;

/* How much is read before it is refused.  A zero field means: the most that is possible. */
struct toml_limits {
    unsigned depth;
    size_t values;
};

struct toml_error {
    struct toml_place place;
    const char *what; /* static text, lower case, no full stop */
};

/* toml_parse reads the whole text into a tree whose root is a table.  The tree lives in the
   arena and views the text: it lives as long as both.  limits and error may be NULL.  On
   failure *root is untouched, *error says where and why; a used-up arena is one reason. */
MUST_USE
bool toml_parse(struct span text, struct arena *arena, const struct toml_limits *limits,
                const struct toml_value **root, struct toml_error *error);

/* toml_type_of NULL is 0, which is no type.  toml_type_name is for messages ("an integer"). */
enum toml_type toml_type_of(const struct toml_value *value);
const char *toml_type_name(enum toml_type type);

/* toml_table_get finds a key of a table; NULL when there is none. */
const struct toml_value *toml_table_get(const struct toml_value *table, const char *key);
const struct toml_value *toml_table_get_span(const struct toml_value *table, struct span key);

/* toml_first and toml_next walk the values of a table or an array in document order.
   toml_length counts them. */
const struct toml_value *toml_first(const struct toml_value *container);
const struct toml_value *toml_next(const struct toml_value *value);
size_t toml_length(const struct toml_value *container);

/* toml_key views the unescaped key under which a value stands in its table; empty for the
   root and in arrays (an empty key looks the same, and TOML allows one: ask the table). */
struct span toml_key(const struct toml_value *value);

/* Where the value stands, and where its key does (the value's own place when it has none). */
struct toml_place toml_position(const struct toml_value *value);
struct toml_place toml_key_position(const struct toml_value *value);

MUST_USE
bool toml_string(const struct toml_value *value, struct span *out);
MUST_USE
bool toml_integer(const struct toml_value *value, int64_t *out);
MUST_USE
bool toml_float(const struct toml_value *value, double *out);
MUST_USE
bool toml_bool(const struct toml_value *value, bool *out);

/* toml_when reads a value of any of the four date and time types; its type says which. */
MUST_USE
bool toml_when(const struct toml_value *value, struct toml_datetime *out);

/* toml_time reads a TOML_DATETIME as seconds since 1970; the fraction is cut off.  Second 60
   is the first second of the next minute. */
MUST_USE
bool toml_time(const struct toml_value *value, int64_t *out);

#endif
