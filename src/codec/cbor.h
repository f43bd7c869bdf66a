/* cbor.h - the one CBOR reader, RFC 8949, strict: a pull reader that walks a cursor and keeps
   nothing.  Heads are in their shortest form (section 4.2.1); strings have definite lengths;
   arrays have too; a map may be of indefinite length where its reader allows it (4 of 25 real
   Nitro documents are).  Every reader moves only when it succeeds and leaves its out-parameter
   untouched when it fails. */
#ifndef WARD_CODEC_CBOR_H
#define WARD_CODEC_CBOR_H

#include "base/cursor.h"
#include "base/result.h"
#include "base/span.h"

enum {
    CBOR_DEPTH_MAX = 16, /* nested containers that cbor_skip walks over */
    CBOR_KEYS_MAX = 64,  /* keys of one map that cbor_keys_unique compares */
};

enum cbor_major {
    CBOR_UNSIGNED = 0,
    CBOR_NEGATIVE = 1,
    CBOR_BYTES = 2,
    CBOR_TEXT = 3,
    CBOR_ARRAY = 4,
    CBOR_MAP = 5,
    CBOR_TAG = 6,
    CBOR_SIMPLE = 7,
};

/* The head of an item: its type and the number that comes with it (a value, a length, a
   count, a tag).  For CBOR_SIMPLE `value` is the simple value or the bits of a float, and
   `extra` how many bytes follow the first one: 0 or 1 simple, 2, 4 or 8 float. */
struct cbor_head {
    uint8_t major;
    uint8_t extra;
    uint64_t value;
    bool indefinite; /* arrays and maps only; value is 0 then */
};

/* cbor_head reads one head.  Refused: forms longer than needed, reserved forms, strings of
   indefinite length, and the break code. */
MUST_USE
bool cbor_head(struct cursor *in, struct cbor_head *out);

/* One item of one type each. */
MUST_USE
bool cbor_u64(struct cursor *in, uint64_t *out);
MUST_USE
bool cbor_int(struct cursor *in, int64_t *out);
MUST_USE
bool cbor_bytes(struct cursor *in, struct span *out);
MUST_USE
bool cbor_text(struct cursor *in, struct span *out); /* valid UTF-8 */
MUST_USE
bool cbor_bool(struct cursor *in, bool *out);
MUST_USE
bool cbor_nil(struct cursor *in);

/* cbor_is_nil looks at the next item without moving. */
bool cbor_is_nil(const struct cursor *in);

/* cbor_tag moves over exactly this tag; the tagged item follows. */
MUST_USE
bool cbor_tag(struct cursor *in, uint64_t tag);

/* cbor_array opens an array of definite length: `count` items follow.  A count that cannot fit
   into what is left of the input is refused. */
MUST_USE
bool cbor_array(struct cursor *in, size_t *count);

/* An open map.  {0} is an empty one. */
struct cbor_map {
    size_t left; /* pairs still to come, of a definite map */
    size_t read; /* pairs handed out so far */
    bool indefinite;
};

/* cbor_map_open opens a map; cbor_map_next says whether a pair follows (then the caller reads
   one key and one value from the cursor) and moves over the break of an indefinite map. */
MUST_USE
bool cbor_map_open(struct cursor *in, bool allow_indefinite, struct cbor_map *out);
MUST_USE
bool cbor_map_next(struct cursor *in, struct cbor_map *map, bool *more);

/* cbor_skip walks over one whole item, containers of indefinite length included, at most
   depth_left containers deep (and CBOR_DEPTH_MAX).  A tag is refused: whoever expects one
   reads it.  No recursion; the time is linear in the bytes walked over. */
MUST_USE
bool cbor_skip(struct cursor *in, unsigned depth_left);

/* cbor_keys_unique reads the map that starts at the cursor, which does not move, and tells
   whether its keys all differ, there are at most CBOR_KEYS_MAX of them and every item is well
   formed within depth_left.  Forms are shortest, so equal keys are equal bytes. */
MUST_USE
bool cbor_keys_unique(const struct cursor *at_map, unsigned depth_left);

#endif
