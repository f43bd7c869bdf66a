/* toml_shape.h - reads a TOML text into a struct by a table: which keys there are, of what form,
   between which bounds, and which field each fills.  Every mistake of the text is found at
   once, with its place and, for an unknown key, the nearest known one.  The same table writes
   the reference for people.

   What a key fills views the arena, never the text.  A key that is left out leaves its field
   as it was: the caller begins with the defaults. */
#ifndef WARD_CODEC_TOML_SHAPE_H
#define WARD_CODEC_TOML_SHAPE_H

#include "base/arena.h"
#include "base/sink.h"
#include "codec/toml.h"

enum {
    TOML_PROBLEMS_MAX = 32, /* problems kept; more are counted */
    TOML_PROBLEM_TEXT_MAX = 200,
    TOML_NAME_MAX = 64,     /* bytes of a section and a key, with the point and a NUL */
    TOML_NAMES_MAX = 128,   /* names of one section */
    TOML_SECTIONS_MAX = 16, /* of a shape */
};

struct toml_problem {
    struct toml_place place;          /* {0} when it has none */
    char text[TOML_PROBLEM_TEXT_MAX]; /* NUL-terminated, printable ASCII */
};

struct toml_problems {
    size_t count; /* all that were found, also past those that are kept */
    struct toml_problem list[TOML_PROBLEMS_MAX];
};

/* toml_problem_add; what is not printable ASCII becomes a question mark. */
void toml_problem_add(struct toml_problems *problems, struct toml_place place, const char *format,
                      ...) PRINTF_LIKE(3, 4);

/* What TOML_FORM_FLAG fills in. */
enum toml_flag { TOML_FLAG_NONE = 0, TOML_FLAG_FALSE, TOML_FLAG_TRUE };

/* The TOML form of a key, and the type of the field that it fills. */
enum toml_form {
    TOML_FORM_BOOL = 1, /* bool */
    TOML_FORM_FLAG,     /* true or false -> enum toml_flag; left out: none */
    TOML_FORM_U16,      /* integer within least..most; also sets `has` when there is one */
    TOML_FORM_U32,
    TOML_FORM_I64,
    TOML_FORM_SIZE,
    TOML_FORM_TIME,   /* date and time with an offset -> int64_t, sets `has` */
    TOML_FORM_CHOICE, /* one of `words` -> an enum */
    TOML_FORM_SET32,  /* words -> bits in a uint32_t */
    TOML_FORM_SET64,  /* words -> bits in a uint64_t, with the bits of `always` */
    TOML_FORM_HEX,    /* hex of least..most bytes -> struct span, sets `has` */
    TOML_FORM_HEX64,  /* hex of 64 bytes -> uint8_t[64], sets `has` */
    TOML_FORM_TEXTS,  /* strings -> struct span_list */
    TOML_FORM_HEXES,  /* hex strings -> struct span_list, each of `most` bytes */
    TOML_FORM_HASHES, /* hex strings of 32, 48 or 64 bytes -> struct span_list */
    TOML_FORM_OWN,    /* `own` reads it; `own_says` is what it may be, in words */
};

struct toml_word {
    const char *name;
    uint64_t value; /* bits of a set, or the value of a choice */
};

struct toml_reading;

struct toml_field {
    const char *section; /* "tcb", "resources.network_whitelist"; "" at the top */
    const char *name;
    enum toml_form form;
    size_t field; /* offset in the struct */
    size_t has;   /* offset of the bool that says it was given; 0 when there is none */
    int64_t least, most;
    const struct toml_word *words;
    size_t word_count;
    uint64_t always;
    const char *never;    /* a word that is known and may not be written; NULL for none */
    const char *fallback; /* the default as TOML; NULL when leaving it out is the default */
    const char *summary;
    void (*own)(struct toml_reading *reading, const struct toml_field *field,
                const struct toml_value *value);
    const char *own_says;
    bool empty; /* a list may be empty: that says "none" */
};

struct toml_shape {
    const struct toml_field *fields; /* grouped by section */
    size_t field_count;
    const char *const *sections; /* without the top */
    size_t section_count;
    size_t text_max;       /* bytes of a text */
    size_t list_max;       /* items of a list */
    const char *never_why; /* after a word that may not be written: "which no policy can accept" */
};

/* One text being read: for the `own` of a field. */
struct toml_reading {
    const struct toml_shape *shape;
    void *object;
    struct arena *arena;
    struct toml_problems *problems;
};

/* toml_shape_read reads a whole text into the object; *root, for what no single key can tell, lives
   in the arena and views the text.  False, with at least one problem, when anything is wrong; the
   object is then half filled. */
MUST_USE
bool toml_shape_read(const struct toml_shape *shape, struct span text, void *object,
                     struct arena *arena, const struct toml_value **root,
                     struct toml_problems *problems);

/* The name by which problems call a field: "tdx.mrtd". */
struct toml_name {
    char text[TOML_NAME_MAX];
};
struct toml_name toml_field_name(const struct toml_field *field);

/* toml_field_at is where the field is in the object. */
void *toml_field_at(const struct toml_reading *reading, size_t offset);

/* toml_says_type adds "X is an integer and must be WANTED". */
void toml_says_type(struct toml_reading *reading, const struct toml_field *field,
                    const struct toml_value *value, const char *wanted);

/* toml_says_no_memory adds that there is no memory for what stands there. */
void toml_says_no_memory(struct toml_reading *reading, const struct toml_value *value);

/* toml_list_is_usable: an array that is not longer than lists may be, nor empty where that says
   nothing; otherwise a problem was added. */
bool toml_list_is_usable(struct toml_reading *reading, const struct toml_field *field,
                         const struct toml_value *value);

/* toml_array takes room for so many things of a size from the arena; NULL, with a problem added,
   when there is none. */
void *toml_array(struct toml_reading *reading, const struct toml_value *value, size_t count,
                 size_t size);

/* toml_shape_write_reference appends a table for each section, as Markdown. */
void toml_shape_write_reference(struct sink *out, const struct toml_shape *shape);

#endif
