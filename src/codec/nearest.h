/* nearest.h - "did you mean": which of the known names is meant by an unknown one.  For
   messages only; nothing is ever decided by it. */
#ifndef WARD_CODEC_NEAREST_H
#define WARD_CODEC_NEAREST_H

#include "base/span.h"

enum { NEAREST_NAME_MAX = 64 }; /* longer names are near to nothing */

/* text_nearest returns the candidate that is the fewest edits away (a letter more, less, other,
   or two neighbours swapped; case does not count), NULL when none is within a third (rounded up) of
   its length.  The first of equals wins. */
const char *text_nearest(struct span name, const char *const *candidates, size_t count);

/* text_distance is that number of edits; SIZE_MAX when one of the two is too long. */
size_t text_distance(struct span a, struct span b);

#endif
