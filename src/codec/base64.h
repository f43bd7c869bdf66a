/* base64.h - base64 text to bytes and back (RFC 4648).

   Decoding has one answer for one text: padding must be there and in place, and the bits
   of the last character that carry no data must be zero.  On failure the sink holds what
   it held before (it is marked full when the bytes would not fit).

   Both go from front to back and read before they write, so one memory may do for both: a sink
   whose next byte is the text's first, and bytes that stand at the very end of the room that
   their text takes. */
#ifndef WARD_CODEC_BASE64_H
#define WARD_CODEC_BASE64_H

#include "base/sink.h"

/* base64_decode reads the whole text in the standard alphabet, with padding and with
   nothing between the characters.  Empty text is the empty string of bytes. */
MUST_USE
bool base64_decode(struct span text, struct sink *out);

/* base64_decode_loose is base64_decode of the text without its spaces, tabs, CR and LF. */
MUST_USE
bool base64_decode_loose(struct span text, struct sink *out);

/* base64url_decode reads the URL alphabet without padding (RFC 7515 2). */
MUST_USE
bool base64url_decode(struct span text, struct sink *out);

/* base64_encode appends the standard form, on one line, with padding; base64url_encode the
   URL alphabet without padding. */
void base64_encode(struct sink *out, struct span bytes);
void base64url_encode(struct sink *out, struct span bytes);

#endif
