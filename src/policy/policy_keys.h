/* policy_keys.h - the one table of what a policy file may say.  It drives the reader, its
   bounds and defaults, and docs/policy.md; a key that is not in it is an error. */
#ifndef WARD_POLICY_POLICY_KEYS_H
#define WARD_POLICY_POLICY_KEYS_H

#include <stddef.h>

#include "base/sink.h"
#include "policy/policy.h"

/* The TOML form of a key, and the type of the field that it fills. */
enum policy_form {
    FORM_BOOL = 1, /* bool */
    FORM_FLAG,     /* true or false -> enum policy_flag; left out: any */
    FORM_U16,      /* integer within least..most; also sets `has` when there is one */
    FORM_U32,
    FORM_I64,
    FORM_SIZE,
    FORM_TIME,   /* date and time with an offset -> int64_t, sets `has` */
    FORM_CHOICE, /* one of `words` -> an enum */
    FORM_SET32,  /* words -> bits in a uint32_t */
    FORM_SET64,  /* words -> bits in a uint64_t, with the bits of `always` */
    FORM_HEX,    /* hex of least..most bytes -> struct span, sets `has` */
    FORM_HEX64,  /* hex of 64 bytes -> uint8_t[64], sets `has` */
    FORM_TEXTS,  /* strings -> struct policy_list */
    FORM_HEXES,  /* hex strings -> struct policy_list, each of `most` bytes */
    FORM_PCRS,   /* hex strings of 32, 48 or 64 bytes -> struct policy_list */
};

struct policy_word {
    const char *name;
    uint64_t value; /* bits of a set, or the value of a choice */
};

struct policy_key {
    const char *section; /* "tcb"; "" at the top */
    const char *name;
    enum policy_form form;
    size_t field; /* offset in struct policy */
    size_t has;   /* offset of the bool that says it was given; 0 when there is none */
    int64_t least, most;
    const struct policy_word *words;
    size_t word_count;
    uint64_t always;
    const char *never;    /* a word that is known and may not be written; NULL for none */
    const char *fallback; /* the default as TOML; "" when leaving it out is the default */
    const char *summary;
};

/* policy_keys gives the table, grouped by section. */
const struct policy_key *policy_keys(size_t *count);

/* policy_write_reference appends docs/policy.md's reference part, as Markdown. */
void policy_write_reference(struct sink *out);

#endif
