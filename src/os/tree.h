/* tree.h - removing a folder with all that is in it. */
#ifndef WARD_OS_TREE_H
#define WARD_OS_TREE_H

#include "base/result.h"

enum {
    TREE_DEPTH_MAX = 16, /* folders inside one another */
};

enum tree_error {
    TREE_E_DEEP = 0x1901, /* RC_PEER: deeper than that; what was met before is gone */
};

/* tree_remove removes the folder and everything below it without following a link and without
   leaving its file system.  One that is not there is a success. */
MUST_USE
rc tree_remove(struct trail *trail, const char *path);

/* tree_remove_around removes all that is in a folder except the entry of that name, as
   tree_remove does. */
MUST_USE
rc tree_remove_around(struct trail *trail, const char *path, const char *kept);

#endif
