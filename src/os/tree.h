/* tree.h - removing a folder with all that is in it. */
#ifndef WARD_OS_TREE_H
#define WARD_OS_TREE_H

#include "base/result.h"

enum {
    TREE_DEPTH_MAX = 80, /* folders that are gone down at once; what is deeper is moved up first */
};

/* tree_remove removes the folder and everything below it without following a link and without
   leaving its file system, however deep it is.  One that is not there is a success. */
MUST_USE
rc tree_remove(struct trail *trail, const char *path);

/* tree_remove_at is the same for a name in an open folder. */
MUST_USE
rc tree_remove_at(struct trail *trail, int above, const char *name);

/* tree_empty removes all that is in an open folder in the same way; the folder stays, and open. */
MUST_USE
rc tree_empty(struct trail *trail, int folder);

/* tree_remove_around removes all that is in a folder except the entry of that name, as
   tree_remove does. */
MUST_USE
rc tree_remove_around(struct trail *trail, const char *path, const char *kept);

#endif
