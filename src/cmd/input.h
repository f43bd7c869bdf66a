/* input.h - what several commands read from the command line: files, times, hex. */
#ifndef WARD_CMD_INPUT_H
#define WARD_CMD_INPUT_H

#include "base/arena.h"
#include "base/span.h"
#include "ward/base.h"

/* input_file reads a file ("-" is standard input) of at most max bytes into the arena, NUL
   after it not counted.  On failure it has said on stderr which file, why and what to do. */
MUST_USE bool input_file(struct arena *arena, const char *path, size_t max, struct ward_bytes *out);

/* input_number reads a whole decimal number between min and max; says nothing. */
MUST_USE bool input_number(const char *text, int64_t min, int64_t max, int64_t *out);

/* input_time reads RFC 3339 or whole seconds since 1970 UTC; says what is wrong. */
MUST_USE bool input_time(const char *text, int64_t *out);

/* input_hex reads hex digits into the arena, at most max bytes; says what is wrong. */
MUST_USE bool input_hex(struct arena *arena, const char *what, const char *text, size_t max,
                        struct ward_bytes *out);

/* input_folder reads every file of a folder, sorted by name, at most COLLATERAL_FILES_MAX of
   them.  A symbolic link is said and left out.  What is listed is read as it is named: a folder
   that changes meanwhile is listed again. */
MUST_USE bool input_folder(struct arena *arena, const char *path, struct ward_bytes **files,
                           size_t *count);

enum { COLLATERAL_FILE_MAX = 1024 * 1024, COLLATERAL_FILES_MAX = 512, POLICY_MAX = 256 * 1024 };

#endif
