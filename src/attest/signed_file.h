/* signed_file.h - the envelope of Intel's signed JSON: {"tcbInfo": {...}, "signature": "hex"}
   and the same with "enclaveIdentity".  The signature covers the exact bytes of the value as
   they were received; nothing here verifies it. */
#ifndef WARD_ATTEST_SIGNED_FILE_H
#define WARD_ATTEST_SIGNED_FILE_H

#include "base/arena.h"
#include "codec/json.h"

enum {
    SIGNED_FILE_MAX = 1 << 20, /* bytes of a file */
    SIGNED_FILE_DEPTH = 16,
    SIGNED_FILE_NODES = 1 << 16, /* values of a file, and no more than one in four bytes */
    SIGNED_FILE_NODES_MIN = 64,  /* but for these */
    SIGNED_FILE_SIGNATURE_LEN = 64,
};

/* What is wrong with a file: {0} is nothing. */
struct file_problem {
    const char *what; /* static text */
    const char *name; /* the member that it is about, or NULL */
    size_t offset;    /* of the JSON reader, when has_offset */
    bool has_offset;
};

struct signed_file {
    struct json json;
    const char *member;       /* "tcbInfo" or "enclaveIdentity" */
    uint32_t value;           /* the signed object */
    struct span signed_bytes; /* its exact bytes */
    uint8_t signature[SIGNED_FILE_SIGNATURE_LEN];
};

/* signed_file_open reads a file of either kind.  Strict: the signed object, the signature and
   nothing else.  The nodes are taken from the arena; everything borrows from `text`.  On
   failure *out is untouched and *problem says why. */
MUST_USE
bool signed_file_open(struct span text, struct arena *arena, struct signed_file *out,
                      struct file_problem *problem);

/* file_problem_set keeps the first problem and returns false. */
bool file_problem_set(struct file_problem *problem, const char *what, const char *name);

#endif
