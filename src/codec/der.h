/* der.h - the distinguished encoding rules of ASN.1 (X.690), read strictly.

   One value at a time over a cursor: no tree, no recursion, no allocation.  Accepted are
   definite lengths in their shortest form, tag numbers below 31, and the primitive or
   constructed form that DER prescribes for a universal type.  A reader moves the cursor
   past the value when it succeeds; when it fails, cursor and out-parameters are untouched.
   Spans view the input. */
#ifndef WARD_CODEC_DER_H
#define WARD_CODEC_DER_H

#include "base/cursor.h"
#include "base/sink.h"

/* The identifier octet as it stands in the encoding. */
enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTF8_STRING = 0x0c,
    DER_NUMERIC_STRING = 0x12,
    DER_PRINTABLE_STRING = 0x13,
    DER_TELETEX_STRING = 0x14,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_UNIVERSAL_STRING = 0x1c,
    DER_BMP_STRING = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};

/* Context-specific tags: DER_IMPLICIT(n) primitive, DER_EXPLICIT(n) constructed. */
#define DER_IMPLICIT(n) ((uint8_t)(0x80u | (n)))
#define DER_EXPLICIT(n) ((uint8_t)(0xa0u | (n)))

struct der {
    uint8_t tag;
    struct span value; /* the content octets */
    struct span whole; /* tag, length and content */
};

/* der_read reads one value of any tag. */
MUST_USE
bool der_read(struct cursor *in, struct der *out);

/* der_any is der_read of the parameters of an algorithm, which nobody interprets.  Their type
   must be one that parameters have (BOOLEAN, INTEGER, ENUMERATED, BIT STRING, OCTET STRING, NULL,
   OBJECT IDENTIFIER, SEQUENCE), and the content well formed; that of a SEQUENCE is not read. */
MUST_USE
bool der_any(struct cursor *in, struct der *out);

/* der_next_is tells whether the next value starts with this tag. */
bool der_next_is(const struct cursor *in, uint8_t tag);

/* der_take reads one value of this tag: its content.  der_take_whole: the whole encoding.
   der_open: a cursor over its content, which the caller must read to its end. */
MUST_USE
bool der_take(struct cursor *in, uint8_t tag, struct span *value);
MUST_USE
bool der_take_whole(struct cursor *in, uint8_t tag, struct span *whole);
MUST_USE
bool der_open(struct cursor *in, uint8_t tag, struct cursor *body);

/* der_optional is der_take of a value that may be absent: *present says, and *value is
   untouched when it is.  False only when it is present and malformed. */
MUST_USE
bool der_optional(struct cursor *in, uint8_t tag, bool *present, struct span *value);

/* der_integer reads any INTEGER in its shortest form: the two's complement octets. */
MUST_USE
bool der_integer(struct cursor *in, struct span *octets);

/* der_integer_as is der_integer of one with an implicit tag. */
MUST_USE
bool der_integer_as(struct cursor *in, uint8_t tag, struct span *octets);

/* der_unsigned reads an INTEGER >= 0: its magnitude, big-endian without a leading zero
   (zero itself is the one octet 00). */
MUST_USE
bool der_unsigned(struct cursor *in, struct span *magnitude);

/* der_small reads an INTEGER from 0 to 2^32 - 1. */
MUST_USE
bool der_small(struct cursor *in, uint32_t *out);

/* der_enumerated reads an ENUMERATED from 0 to 2^32 - 1. */
MUST_USE
bool der_enumerated(struct cursor *in, uint32_t *out);

/* der_bool reads a BOOLEAN: 00 or FF. */
MUST_USE
bool der_bool(struct cursor *in, bool *out);

/* der_oid reads an OBJECT IDENTIFIER: its content octets, every arc in its shortest form
   and below 2^63. */
MUST_USE
bool der_oid(struct cursor *in, struct span *oid);

/* der_oid_write appends the dotted text of content octets that der_oid gave, or "?". */
void der_oid_write(struct sink *out, struct span oid);

/* der_time reads a Time of RFC 5280 4.1.2.5: UTCTime YYMMDDHHMMSSZ for 1950 to 2049,
   GeneralizedTime YYYYMMDDHHMMSSZ from 2050 on, with seconds and in UTC. */
MUST_USE
bool der_time(struct cursor *in, int64_t *out);

/* der_bits reads a BIT STRING of whole octets (no unused bits). */
MUST_USE
bool der_bits(struct cursor *in, struct span *octets);

/* der_bits_are_good tells whether the content octets of a BIT STRING, also of one with an
   implicit tag, are well formed: 0 to 7 unused bits, all zero, none in an empty string. */
bool der_bits_are_good(struct span octets);

/* der_named_bits reads a BIT STRING with a list of named bits, of at most 16: bit n of the
   result is named bit n.  Trailing zero bits are refused, as DER does (X.690 11.2.2). */
MUST_USE
bool der_named_bits(struct cursor *in, uint16_t *bits);

/* der_ecdsa_sig converts the whole of `der`, an Ecdsa-Sig-Value (RFC 3279 2.2.3), to r || s
   of coord_len octets each, left-padded with zeros, at `raw`.  Refuses a coordinate that
   is negative, not minimal, or longer than coord_len; r or s of zero is left to the one
   who verifies.  `raw` is untouched on failure. */
MUST_USE
bool der_ecdsa_sig(struct span der, size_t coord_len, uint8_t *raw);

#endif
