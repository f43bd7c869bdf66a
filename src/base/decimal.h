/* decimal.h - numbers as decimal text, in the one form that each has. */
#ifndef WARD_BASE_DECIMAL_H
#define WARD_BASE_DECIMAL_H

#include "base/result.h"
#include "base/span.h"

/* decimal_read reads the whole span: digits, no sign, no leading zero, and no more than `most`.  So
   the number that is written again is the text. */
MUST_USE
bool decimal_read(struct span text, uint64_t most, uint64_t *out);

#endif
