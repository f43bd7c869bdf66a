/* verify_text.h - a result for people: refusals first, each with what would fix it. */
#ifndef WARD_CMD_VERIFY_TEXT_H
#define WARD_CMD_VERIFY_TEXT_H

#include <stdio.h>

#include "ward/verify.h"

/* verify_text_print writes the result as a short tree; colour only on a terminal and without
   NO_COLOR.  Text that came from outside is printed safely.  `now` is the time of judging. */
void verify_text_print(FILE *out, const struct ward_result *result, int64_t now);

/* verify_text_reasons lists the public vocabulary, as text or as a JSON array. */
void verify_text_reasons(FILE *out, bool json);

#endif
