/* toml_tree.h - the inside of the TOML reader, for the toml*.c files only: a value of the tree,
   the reader's state, and what the files lend each other. */
#ifndef WARD_CODEC_TOML_TREE_H
#define WARD_CODEC_TOML_TREE_H

#include "codec/toml.h"

/* How a table or an array came to be, which decides who may add to it. */
enum toml_origin {
    TOML_IMPLICIT = 0, /* [a.b] made a: a header may still define it, once */
    TOML_HEADER,       /* [a]: complete but for tables below it */
    TOML_DOTTED,       /* a.b = 1 made a: only dotted keys add to it, and tables below it */
    TOML_INLINE,       /* {...} and [...]: nobody adds */
    TOML_LIST,         /* [[a]] made the array a: [[a]] adds to it */
};

struct toml_items {
    struct toml_value *first, *last;
    struct toml_value *search; /* the root of the table's search tree */
    size_t count;
    enum toml_origin origin;
};

/* A value.  The values of a table form a list in document order and a digital search tree:
   at depth d, bit d of the key's hash says left or right.  So a search takes at most 64 steps
   whatever the keys are, and one hash is one place. */
struct toml_value {
    enum toml_type type;
    struct toml_place place;
    struct toml_place key_place;
    struct span key;
    uint64_t hash;
    struct toml_value *child[2];
    struct toml_value *next;
    union {
        struct toml_items items;
        struct span string;
        int64_t integer;
        double number;
        bool boolean;
        struct toml_datetime when;
    } as;
};

struct toml_reader {
    struct span text;
    size_t at;
    size_t start; /* of the first line: after a byte order mark */
    struct arena *arena;
    size_t values_left;
    unsigned depth_max;
    struct toml_value *table; /* where `key = value` lines go */
    unsigned table_depth;
    struct toml_place place; /* of the byte at `placed`; it only moves forward */
    size_t placed;
    size_t refused_at;
    const char *refused; /* why; NULL while all is well */
};

/* toml_refuse notes why and where (the first call counts) and is false. */
bool toml_refuse(struct toml_reader *r, size_t offset, const char *what);

/* The byte `ahead` bytes after the next one; 0, which TOML has nowhere, past the end. */
uint8_t toml_peek(const struct toml_reader *r, size_t ahead);

/* toml_find_slot returns where a key with this hash hangs in a table, or would. */
struct toml_value **toml_find_slot(struct toml_value *table, uint64_t hash);

/* toml_read_string reads any of the four kinds of string at the reader; a key must be of one
   of the two on one line. */
MUST_USE
bool toml_read_string(struct toml_reader *r, bool key, struct span *out);

/* toml_read_number reads a number or a date or a time into the value. */
MUST_USE
bool toml_read_number(struct toml_reader *r, struct toml_value *value);

/* toml_is_control: a byte that may stand neither in a comment nor in a string. */
bool toml_is_control(uint8_t byte);

/* toml_newline returns the length of the line end at the reader: 0, 1 or 2. */
size_t toml_newline(const struct toml_reader *r);

#endif
