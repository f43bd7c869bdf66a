/* cases.h - the index of the attestation vectors, walked by kind.  The folder is other
   people's data: cases_open skips the calling test when it is not there. */
#ifndef WARD_TESTS_ATTEST_CASES_H
#define WARD_TESTS_ATTEST_CASES_H

#include "base/arena.h"
#include "base/span.h"
#include "codec/json.h"

struct cases {
    struct span bytes;
    struct arena arena;
    struct json json;
    uint32_t list;
};

void cases_open(struct cases *cases);
void cases_close(struct cases *cases);

/* cases_next gives the next case of a kind after `node` (JSON_NONE to begin), or JSON_NONE. */
uint32_t cases_next(const struct cases *cases, uint32_t node, const char *kind);

/* cases_find gives the case of a file name, as the index writes it; fails the test if none. */
uint32_t cases_find(const struct cases *cases, const char *file);

/* A text member, as a C string in the arena; NULL when there is none. */
const char *case_text(struct cases *cases, uint32_t node, const char *name);

/* The file that a member names, read; give it back with vectors_free. */
struct span case_file(struct cases *cases, uint32_t node, const char *name);

#endif
