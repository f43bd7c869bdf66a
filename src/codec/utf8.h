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

/* utf8_code_point reads one sequence whose length utf8_sequence gave. */
uint32_t utf8_code_point(struct span sequence);

/* utf8_is_plain: it is UTF-8, and has no control character of ASCII: neither lines of its own nor
   what a terminal heeds first of all. */
bool utf8_is_plain(struct span text);

/* utf8_is_control tells whether a code point does something to what is shown instead of being
   shown: the C0 and C1 controls, line and paragraph separators, and all that turns writing
   round, joins, hides or tags (Unicode's Cc, Cf, Zl and Zp of version 15, and the selectors
   U+FE00 to U+FE0F and U+E0100 to U+E01EF).  Legal in UTF-8 and in JSON; not fit for a
   terminal, nor for a text that two people must read alike. */
bool utf8_is_control(uint32_t code_point);

/* utf8_put appends one code point.  What is no Unicode scalar value (a surrogate, or past
   U+10FFFF) is written as U+FFFD. */
void utf8_put(struct sink *out, uint32_t code_point);

#endif
