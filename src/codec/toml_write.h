/* toml_write.h - the one TOML writer.  Bare keys where TOML allows them, else quoted ones;
   strings on one line with everything unprintable escaped; what is no UTF-8 becomes U+FFFD.
   What is written reads back as the same tree.  Never allocates. */
#ifndef WARD_CODEC_TOML_WRITE_H
#define WARD_CODEC_TOML_WRITE_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"
#include "codec/toml.h"

/* toml_write appends a whole tree (a table): its plain values first, then its tables under
   [headers], each in their order; comments and the form of strings and numbers are not kept.  False
   when the root is no table, it is nested deeper than TOML_DEPTH_MAX, or the sink is full. */
MUST_USE
bool toml_write(struct sink *out, const struct toml_value *root);

/* Pieces, for who writes a file by hand:  toml_put_key(out, "name"); sink_text(out, " = ");
   toml_put_string(out, value); sink_text(out, "\n"). */
void toml_put_key(struct sink *out, struct span key);
void toml_put_string(struct sink *out, struct span text);
void toml_put_integer(struct sink *out, int64_t value);
void toml_put_float(struct sink *out, double value);
void toml_put_bool(struct sink *out, bool value);
void toml_put_when(struct sink *out, enum toml_type type, struct toml_datetime when);

#endif
