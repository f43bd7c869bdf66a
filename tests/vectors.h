/* vectors.h - other people's test data, read where it lies: the folder in WARD_VECTORS, by
   default ../shared/vectors beside the project.  It is never copied into the project. */
#ifndef WARD_TESTS_VECTORS_H
#define WARD_TESTS_VECTORS_H

#include "base/span.h"

/* Skips the calling test when the folder is not there.  A folder that scripts/vectors filled
   lacks attest/index.json and the mutated files: then the functions below skip the test that
   asks for what is not there, where they would otherwise fail it. */
void vectors_required(void);

/* The whole path of a file of the folder.  The text lives until the next call. */
const char *vectors_path(const char *name);

/* Reads a file of the folder; fails the test when it cannot be read.  Give the bytes back
   with vectors_free. */
struct span vectors_read(const char *name);

/* The same for any path, relative to the project's root. */
const char *project_path(const char *path);
struct span project_read(const char *path);
void vectors_free(struct span *bytes);

/* Calls `each` for every regular file directly in a folder whose name ends so, sorted. */
void vectors_each(const char *folder, const char *ending, void (*each)(const char *name, void *arg),
                  void *arg);

/* assert_reference: what follows "prints everything below this line.\n" in that page is what was
   made; otherwise the page is stale, and the program of that name prints it anew. */
void assert_reference(const char *page, struct span made, const char *program);

#endif
