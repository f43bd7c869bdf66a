/* hex.h - hexadecimal text to bytes.  Digits in either case, no separators, no white space.
   Writing is sink_hex of base/sink.h. */
#ifndef WARD_CODEC_HEX_H
#define WARD_CODEC_HEX_H

#include "base/sink.h"

/* hex_decode reads exactly 2 * len digits into len bytes at `out`.  False, with `out`
   untouched, when the text has another length or holds anything but digits. */
MUST_USE
bool hex_decode(struct span text, void *out, size_t len);

/* hex_decode_sink appends the bytes of the whole text, which may begin where the sink goes on.  On
   failure the sink holds what it held before (it is marked full when the bytes would not fit). */
MUST_USE
bool hex_decode_sink(struct span text, struct sink *out);

#endif
