/* json_string.h - the inside of a JSON string, for json_parse.c and json.c only. */
#ifndef WARD_CODEC_JSON_STRING_H
#define WARD_CODEC_JSON_STRING_H

#include "base/cursor.h"

/* The top bit of json_node.len and json_node.key: the string has an escape. */
#define JSON_ESCAPED (UINT32_C(1) << 31)

/* json_escape reads one escape whose backslash was just read, a surrogate pair as one.  False
   for an unknown escape and for a surrogate that has no partner; the cursor may have moved. */
MUST_USE
bool json_escape(struct cursor *in, uint32_t *code_point);

/* json_piece reads the next byte of the inside of a string, or a whole escape as up to 4 bytes
   of UTF-8.  Returns how many bytes it gave, 0 at the end (and at what is no string). */
size_t json_piece(struct cursor *in, uint8_t out[4]);

/* json_name views the inside of the string whose opening quote stands at `quote`; the text was
   parsed before, so its end is there. */
struct span json_inside(struct span text, size_t quote);

#endif
