/* text.h - text of strangers, made safe to write and to show.

   What is no UTF-8 becomes U+FFFD.  Everything that moves a cursor, ends a line, hides or turns
   text around (C0, DEL, C1, U+2028, U+2029, bidi controls, zero-width and other invisible
   characters, tags) is written as \uXXXX, so a line may be shown on any terminal.  RFC 8785
   has some of these as they are: the form here is RFC 8785 with more escapes, still JSON, and
   just as much one form for one text. */
#ifndef WARD_AUDIT_TEXT_H
#define WARD_AUDIT_TEXT_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

/* The least cap there may be: the mark of a cut and one character. */
enum { AUDIT_CAP_LEAST = 64 };

/* audit_text_put appends the text as a JSON string.  Between the quotes stand at most `cap`
   bytes: longer text is cut between characters and ends in "[cut from N bytes]", N being its
   own length.  Reading that and writing it again gives the same bytes. */
void audit_text_put(struct sink *out, struct span text, size_t cap);

/* How text is written outside JSON. */
struct audit_plain {
    const char *escaped; /* ASCII characters that are written after a backslash */
    const char *doubled; /* ASCII characters that are written twice */
    const char *unsafe;  /* what stands before the uXXXX of an unsafe character */
};

/* audit_text_plain appends the text without quotes, unsafe characters escaped as above and
   others as `how` says. */
void audit_text_plain(struct sink *out, struct span text, const struct audit_plain *how);

#endif
