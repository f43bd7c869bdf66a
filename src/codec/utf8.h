/* utf8.h - is it UTF-8, and how is a code point written in it.  RFC 3629: no overlong form,
   no surrogate, nothing past U+10FFFF.  Never repairs anything. */
#ifndef WARD_CODEC_UTF8_H
#define WARD_CODEC_UTF8_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

/* utf8_valid tells whether the whole span is well-formed UTF-8 (the empty span is). */
bool utf8_valid(struct span text);

/* utf8_sequence returns the length, 1 to 4, of the well-formed sequence that starts at byte
   `at` of the text, or 0 when none does (also at or past the end). */
size_t utf8_sequence(struct span text, size_t at);

/* utf8_put appends one code point.  What is no Unicode scalar value (a surrogate, or past
   U+10FFFF) is written as U+FFFD. */
void utf8_put(struct sink *out, uint32_t code_point);

#endif
