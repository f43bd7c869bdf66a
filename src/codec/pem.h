/* pem.h - the textual encoding of certificates and CRLs (RFC 7468, near to the strict form
   of its figure 3): lines ended by LF or CRLF, all but the last of one width (64 by the
   RFC; up to 76, which genuine quotes carry, never less), equal labels, no headers, no blank lines.
   Between blocks only white space may stand.

   A NUL that ends the text (Intel's certification data may carry one) is no part of it:
   the caller takes it off first. */
#ifndef WARD_CODEC_PEM_H
#define WARD_CODEC_PEM_H

#include "base/cursor.h"
#include "base/sink.h"

/* pem_next reads the next block: *label views the text between "BEGIN " and the dashes,
   the decoded body is appended to `der`.  White space before and after the block is
   passed, so that a whole file is read by
       do { if (!pem_next(&in, &label, &der)) refuse; } while (!cur_end(&in));
   False when no well-formed block follows or the body does not fit; then the cursor and
   the label are untouched and the sink holds what it held before. */
MUST_USE
bool pem_next(struct cursor *in, struct span *label, struct sink *der);

/* pem_like tells whether the bytes start, after white space, as a PEM block does: how a
   caller tells PEM from DER. */
bool pem_like(struct span bytes);

/* pem_write appends one block in the strict form, lines ended by LF. */
void pem_write(struct sink *out, const char *label, struct span der);

#endif
