/* der_write.h - writes DER into a sink, for the test authority.

   A value that holds others is written between der_begin and der_end, which may nest; the
   length is put in place, in its shortest form, at der_end.  As with every sink nothing
   fails on the way: ask sink_ok at the end. */
#ifndef WARD_CODEC_DER_WRITE_H
#define WARD_CODEC_DER_WRITE_H

#include "base/sink.h"
#include "codec/der.h"

/* der_put appends one value with this content. */
void der_put(struct sink *out, uint8_t tag, struct span content);

/* der_begin starts a value and returns the mark that der_end needs.  Ends come in the
   opposite order of begins. */
MUST_USE
size_t der_begin(struct sink *out, uint8_t tag);
void der_end(struct sink *out, size_t mark);

/* der_put_unsigned writes a big-endian magnitude as an INTEGER: leading zeros are dropped,
   a zero octet is put in front where the sign needs it, an empty span is 0. */
void der_put_unsigned(struct sink *out, struct span magnitude);
void der_put_small(struct sink *out, uint32_t value);
void der_put_bool(struct sink *out, bool value);
void der_put_null(struct sink *out);

/* der_put_oid writes an OBJECT IDENTIFIER from dotted text ("1.2.840.10045.4.3.2"); text
   that is no identifier marks the sink full. */
void der_put_oid(struct sink *out, const char *dotted);

/* der_put_time writes UTCTime for 1950 to 2049, else GeneralizedTime (RFC 5280 4.1.2.5).
   A time that has no such form marks the sink full. */
void der_put_time(struct sink *out, int64_t at);

/* der_put_bits writes a BIT STRING of whole octets, der_put_named_bits one with named bits
   (bit n of `bits` is named bit n). */
void der_put_bits(struct sink *out, struct span octets);
void der_put_named_bits(struct sink *out, uint16_t bits);

/* der_put_ecdsa_sig writes r || s (two halves of equal length) as an Ecdsa-Sig-Value. */
void der_put_ecdsa_sig(struct sink *out, struct span raw);

#endif
