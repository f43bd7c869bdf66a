/* cbor_write.h - the one CBOR writer: shortest heads into a sink.  The caller counts: a map of
   n pairs is cbor_put_map(out, n) and then 2n items.  The order of keys is the caller's. */
#ifndef WARD_CODEC_CBOR_WRITE_H
#define WARD_CODEC_CBOR_WRITE_H

#include "base/sink.h"
#include "base/span.h"

void cbor_put_u64(struct sink *out, uint64_t value);
void cbor_put_int(struct sink *out, int64_t value);
void cbor_put_bytes(struct sink *out, struct span bytes);
void cbor_put_text(struct sink *out, const char *text);
void cbor_put_text_span(struct sink *out, struct span text);
void cbor_put_array(struct sink *out, uint64_t count);
void cbor_put_map(struct sink *out, uint64_t pairs);
void cbor_put_tag(struct sink *out, uint64_t tag);
void cbor_put_bool(struct sink *out, bool value);
void cbor_put_nil(struct sink *out);

/* A map of indefinite length: its pairs, then cbor_put_break. */
void cbor_put_map_indefinite(struct sink *out);
void cbor_put_break(struct sink *out);

#endif
