/* json.h - the one JSON reader.  Strict RFC 8259 in one pass without recursion: valid UTF-8,
   no byte order mark, no lone surrogate, nothing after the value, no two members of an object
   with the same name (compared after unescaping).  Numbers are checked and kept as they are
   written: nothing here is ever a double.  Copies nothing: every value is a view of the text.

   A parsed text is a row of nodes in document order.  A node is named by its number in that
   row; the root is 0.  JSON_NONE is the node that is not there, and every reader below
   accepts it (and a node of another type) and says no, so lookups can be chained and judged
   once at the end. */
#ifndef WARD_CODEC_JSON_H
#define WARD_CODEC_JSON_H

#include "base/arena.h"
#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

enum {
    JSON_DEPTH_MAX = 64,      /* nested containers, whatever the caller's limit says */
    JSON_MEMBERS_MAX = 1024,  /* of an object and of those around it */
    JSON_TEXT_MAX = 64 << 20, /* bytes of text */
};

#define JSON_NONE UINT32_MAX

enum json_type {
    JSON_MISSING = 0, /* the type of JSON_NONE */
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

/* Where a value stands in the text; private to json.c, public only for its size. */
struct json_node {
    uint32_t at;   /* offset of the first byte of the value */
    uint32_t len;  /* its bytes; the top bit says that a string has an escape */
    uint32_t key;  /* offset of its name's quote, JSON_NONE in an array; top bit as above */
    uint32_t next; /* the next node of the same container */
};

struct json {
    struct span text;
    const struct json_node *nodes;
    size_t count;
};

/* How much is read before it is refused.  A zero field means: the most that is possible. */
struct json_limits {
    unsigned depth; /* containers inside one another; a lone number has depth 0 */
    size_t nodes;   /* values in all */
};

/* Why a text was refused. */
struct json_error {
    size_t offset;    /* of the first byte that cannot be */
    const char *what; /* static text, lower case, no full stop */
};

/* json_parse reads the whole text.  The nodes are taken from the arena as values
   are met, 16 bytes a value and up to three times that with what growing leaves behind, and
   live as long as it; the text must live as long as
   *out is used.  limits and error may be NULL.  On failure *out is untouched and *error says
   where and why; an arena that is used up is one of the reasons. */
MUST_USE
bool json_parse(struct span text, struct arena *arena, const struct json_limits *limits,
                struct json *out, struct json_error *error);

/* json_parse_into is json_parse with the caller's memory for at most `capacity` nodes. */
MUST_USE
bool json_parse_into(struct span text, struct json_node *nodes, size_t capacity,
                     const struct json_limits *limits, struct json *out, struct json_error *error);

/* json_values_at_most: no valid text of these bytes has more values, so that many nodes are
   enough for json_parse_into.  For texts of few long values it is near to the number. */
size_t json_values_at_most(struct span text);

enum json_type json_type(const struct json *json, uint32_t node);

/* json_member finds a member by name, JSON_NONE when there is none or when the node is no
   object.  `name` is plain text: "\u0061" in the document is the name "a". */
uint32_t json_member(const struct json *json, uint32_t object, const char *name);

/* json_first and json_next walk the values of an array or an object in document order:
       for (uint32_t n = json_first(j, list); n != JSON_NONE; n = json_next(j, n)) */
uint32_t json_first(const struct json *json, uint32_t container);
uint32_t json_next(const struct json *json, uint32_t node);

/* json_length counts the values of a container by walking them; 0 for anything else. */
size_t json_length(const struct json *json, uint32_t node);

/* json_key views the name of a member as it is written, without its quotes and with its
   escapes.  False for what is no member. */
MUST_USE
bool json_key(const struct json *json, uint32_t node, struct span *raw);

/* json_key_is compares the name of a member, unescaped, with plain text. */
bool json_key_is(const struct json *json, uint32_t node, const char *name);

/* json_key_copy appends the unescaped name. */
MUST_USE
bool json_key_copy(const struct json *json, uint32_t node, struct sink *out);

/* json_raw views the exact bytes of a value as received, quotes and inner white space
   included: what a signature over it covers.  Empty for JSON_NONE. */
struct span json_raw(const struct json *json, uint32_t node);

/* json_string views a string that has no escapes, without its quotes. */
MUST_USE
bool json_string(const struct json *json, uint32_t node, struct span *plain);

/* json_string_copy appends any string unescaped; it may hold U+0000.  False when it is no
   string or did not fit (the sink is full then).  One with escapes may be put where it stands:
   it is shorter. */
MUST_USE
bool json_string_copy(const struct json *json, uint32_t node, struct sink *out);

/* json_equal_text tells whether the node is a string equal, unescaped, to plain text. */
bool json_equal_text(const struct json *json, uint32_t node, const char *text);

/* Integers: digits only, as in 0, 7, -12.  A fraction, an exponent, a leading zero and -0 are
   refused even where the value would be whole. */
MUST_USE
bool json_u64(const struct json *json, uint32_t node, uint64_t max, uint64_t *out);
MUST_USE
bool json_i64(const struct json *json, uint32_t node, int64_t *out);

MUST_USE
bool json_bool(const struct json *json, uint32_t node, bool *out);

/* json_hex reads a string of exactly 2 * len hex digits of either case. */
MUST_USE
bool json_hex(const struct json *json, uint32_t node, void *out, size_t len);

/* json_time reads an RFC 3339 date and time as whole seconds. */
MUST_USE
bool json_time(const struct json *json, uint32_t node, int64_t *out);

#endif
