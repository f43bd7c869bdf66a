/* known.h - programs of whom is remembered that they are new enough, so that they are not asked at
   each start.  What is remembered is which file it was, to its last change: of another file, or of
   that one changed, nothing is known. */
#ifndef WARD_SANDBOX_KNOWN_H
#define WARD_SANDBOX_KNOWN_H

#include "base/result.h"

#define KNOWN_FOLDER "/run" /* root's, and empty when the machine begins */

enum { KNOWN_LINE = 320 };

/* Which file has a name, in one line; empty: none that could be remembered. */
struct known_file {
    char line[KNOWN_LINE];
};

struct known_file known_describe(const char *path);

/* known_is_one tells whether two that were described are one file, which was not changed between.
 */
bool known_is_one(const struct known_file *file, const struct known_file *other);

/* known_find tells whether the file is remembered; known_keep remembers it, and nothing of the file
   that had the name before.  Where that cannot be, its program is asked again. */
MUST_USE
bool known_find(const char *path, const struct known_file *file);
void known_keep(const char *path, const struct known_file *file);

#endif
