/* pkix.c - see pkix.h. */
#include "codec/pkix.h"

#include "codec/utf8.h"

static const uint8_t ecdsa_sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t ecdsa_sha384[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };
static const uint8_t common_name_oid[] = { 0x55, 0x04, 0x03 };

/* The n of 2.5.29.n (id-ce, RFC 5280 A.2), or 0. */
static unsigned standard_number(struct span oid)
{
    if (oid.len == 3 && oid.at[0] == 0x55 && oid.at[1] == 0x1d)
        return oid.at[2];
    return 0;
}

bool pkix_extension_read(struct cursor *in, struct pkix_extension *out)
{
    struct cursor ahead = *in;
    struct cursor body;
    struct pkix_extension read = { .critical = false };
    if (!der_open(&ahead, DER_SEQUENCE, &body) || !der_oid(&body, &read.oid))
        return false;
    /* critical BOOLEAN DEFAULT FALSE: X.690 11.5 leaves a default value out, so the only
       one that may be written is TRUE. */
    if (der_next_is(&body, DER_BOOLEAN) && !(der_bool(&body, &read.critical) && read.critical))
        return false;
    if (!(der_take(&body, DER_OCTET_STRING, &read.value) && cur_end(&body)))
        return false;
    read.standard = standard_number(read.oid);
    *in = ahead;
    *out = read;
    return true;
}

bool pkix_extension_next(struct cursor *in, struct pkix_seen *seen, struct pkix_extension *out)
{
    struct pkix_extension read;
    if (seen->count == X509_EXTENSIONS_MAX || !pkix_extension_read(in, &read))
        return false;
    /* RFC 5280 4.2: "A certificate MUST NOT include more than one instance of a particular
       extension." */
    for (size_t i = 0; i < seen->count; i++)
        if (span_equal(seen->oids[i], read.oid))
            return false;
    seen->oids[seen->count++] = read.oid;
    *out = read;
    return true;
}

bool pkix_algorithm(struct cursor *in, struct span *whole, enum x509_algorithm *algorithm)
{
    struct cursor ahead = *in;
    struct der sequence;
    struct der parameters;
    struct span oid;
    enum x509_algorithm named = X509_ALG_OTHER;
    if (!der_read(&ahead, &sequence) || sequence.tag != DER_SEQUENCE)
        return false;
    struct cursor body = cur_over(sequence.value);
    if (!der_oid(&body, &oid))
        return false;
    bool bare = cur_end(&body);
    if (!bare && !(der_any(&body, &parameters) && cur_end(&body)))
        return false;
    if (span_equal(oid, SPAN(ecdsa_sha256)))
        named = X509_ECDSA_SHA256;
    else if (span_equal(oid, SPAN(ecdsa_sha384)))
        named = X509_ECDSA_SHA384;
    /* RFC 5758 3.2: "the encoding MUST omit the parameters field". */
    if (named != X509_ALG_OTHER && !bare)
        return false;
    *in = ahead;
    *whole = sequence.whole;
    *algorithm = named;
    return true;
}

/* The coordinate length that goes with an algorithm. */
static size_t coordinate_len(enum x509_algorithm algorithm)
{
    return algorithm == X509_ECDSA_SHA256 ? 32 : 48;
}

bool pkix_signature(struct cursor *in, enum x509_algorithm *algorithm,
                    uint8_t signature[X509_SIGNATURE_MAX])
{
    enum { COORD_LARGEST = 66 }; /* P-521 */
    uint8_t large[2 * COORD_LARGEST];
    struct cursor ahead = *in;
    struct span octets;
    if (!der_bits(&ahead, &octets))
        return false;
    if (*algorithm != X509_ALG_OTHER &&
        !der_ecdsa_sig(octets, coordinate_len(*algorithm), signature)) {
        if (!der_ecdsa_sig(octets, COORD_LARGEST, large))
            return false;
        *algorithm = X509_ALG_OTHER;
    }
    *in = ahead;
    return true;
}

bool pkix_signature_is_sound(enum x509_algorithm algorithm,
                             const uint8_t signature[X509_SIGNATURE_MAX])
{
    size_t used = algorithm == X509_ALG_OTHER ? 0 : 2 * coordinate_len(algorithm);
    return bytes_are_zero(&signature[used], X509_SIGNATURE_MAX - used);
}

bool pkix_inside(struct span part, struct span whole)
{
    return part.len == 0 || span_inside(part, whole);
}

/* Characters of 2 (BMPString) or 4 (UniversalString) octets each: no halves of surrogate pairs,
   nothing past U+10FFFF. */
static bool wide_is_good(struct span text, size_t width)
{
    for (size_t at = 0; at < text.len; at += width) {
        uint32_t c = 0;
        if (text.len - at < width)
            return false;
        for (size_t i = 0; i < width; i++)
            c = c << 8 | text.at[at + i];
        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return false;
    }
    return true;
}

/* Values of names are strings of characters (RFC 5280 4.1.2.4 and appendix A).  What is marked as
 * UTF-8 or as wide characters must be that. */
static bool string_is_good(const struct der *value)
{
    switch (value->tag) {
    case DER_UTF8_STRING:
        return utf8_valid(value->value);
    case DER_BMP_STRING:
        return wide_is_good(value->value, 2);
    case DER_UNIVERSAL_STRING:
        return wide_is_good(value->value, 4);
    case DER_NUMERIC_STRING:
    case DER_PRINTABLE_STRING:
    case DER_TELETEX_STRING:
    case DER_IA5_STRING:
        return true;
    default:
        return false;
    }
}

/* String types whose octets read as ASCII where they are ASCII. */
static bool string_is_text(uint8_t tag)
{
    return tag == DER_UTF8_STRING || tag == DER_PRINTABLE_STRING || tag == DER_IA5_STRING ||
           tag == DER_TELETEX_STRING;
}

struct name_scan {
    size_t common_names;
    struct span common_name; /* the last one met that is text */
};

/* RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue */
static bool scan_relative_name(struct cursor *in, struct name_scan *scan)
{
    struct cursor set;
    struct cursor pair;
    struct span oid;
    struct der value;
    if (!der_open(in, DER_SET, &set) || cur_end(&set))
        return false;
    while (!cur_end(&set)) {
        if (!(der_open(&set, DER_SEQUENCE, &pair) && der_oid(&pair, &oid) &&
              der_read(&pair, &value) && cur_end(&pair) && string_is_good(&value)))
            return false;
        if (!span_equal(oid, SPAN(common_name_oid)))
            continue;
        scan->common_names++;
        if (string_is_text(value.tag))
            scan->common_name = value.value;
    }
    return true;
}

bool pkix_name(struct cursor *in, struct span *whole, struct span *common_name)
{
    struct cursor ahead = *in;
    struct der name;
    struct name_scan scan = { 0 };
    if (!der_read(&ahead, &name) || name.tag != DER_SEQUENCE)
        return false;
    struct cursor body = cur_over(name.value);
    while (!cur_end(&body))
        if (!scan_relative_name(&body, &scan))
            return false;
    *in = ahead;
    *whole = name.whole;
    *common_name = scan.common_names == 1 ? scan.common_name : (struct span){ 0 };
    return true;
}

bool pkix_issuer(struct cursor *in, struct span *whole)
{
    struct cursor ahead = *in;
    struct span name;
    struct span common_name;
    /* RFC 5280 4.1.2.4: the issuer "MUST contain a non-empty distinguished name". */
    if (!pkix_name(&ahead, &name, &common_name) || name.len <= 2)
        return false;
    *in = ahead;
    *whole = name;
    return true;
}

bool pkix_serial(struct cursor *in, struct span *serial)
{
    struct cursor ahead = *in;
    struct cursor again = *in;
    struct span octets;
    struct span magnitude;
    /* RFC 5280 4.1.2.2: "The serial number MUST be a positive integer", and not "longer
       than 20 octets". */
    if (!(der_integer(&ahead, &octets) && der_unsigned(&again, &magnitude)) ||
        magnitude.len > X509_SERIAL_MAX || bytes_are_zero(magnitude.at, magnitude.len))
        return false;
    *in = ahead;
    *serial = octets;
    return true;
}

/* GeneralName ::= CHOICE of [0] to [8] (RFC 5280 4.2.1.6): their forms, and the one Name. */
static bool general_name_is_good(struct cursor *in)
{
    struct der name;
    struct span whole;
    struct span common_name;
    if (!der_read(in, &name))
        return false;
    struct cursor inside = cur_over(name.value);
    switch (name.tag) {
    case DER_EXPLICIT(4):
        return pkix_name(&inside, &whole, &common_name) && cur_end(&inside);
    case DER_EXPLICIT(0):
    case DER_IMPLICIT(1):
    case DER_IMPLICIT(2):
    case DER_EXPLICIT(3):
    case DER_EXPLICIT(5):
    case DER_IMPLICIT(6):
    case DER_IMPLICIT(7):
    case DER_IMPLICIT(8):
        return true;
    default:
        return false;
    }
}

/* GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName */
static bool general_names_are_good(struct span names)
{
    struct cursor in = cur_over(names);
    do {
        if (!general_name_is_good(&in))
            return false;
    } while (!cur_end(&in));
    return true;
}

bool pkix_authority_key_id(struct span value, struct span *key_id)
{
    struct cursor in = cur_over(value);
    struct cursor body;
    struct span id = { 0 };
    struct span issuer;
    struct span serial;
    bool has_id;
    bool has_issuer;
    if (!(der_open(&in, DER_SEQUENCE, &body) && cur_end(&in) &&
          der_optional(&body, DER_IMPLICIT(0), &has_id, &id) &&
          der_optional(&body, DER_EXPLICIT(1), &has_issuer, &issuer)))
        return false;
    bool has_serial = der_next_is(&body, DER_IMPLICIT(2));
    if ((has_issuer && !general_names_are_good(issuer)) ||
        (has_serial && !der_integer_as(&body, DER_IMPLICIT(2), &serial)) || !cur_end(&body))
        return false;
    /* RFC 5280 4.2.1.1: issuer and serial number "MUST both be present or both be absent". */
    if (has_issuer != has_serial || (has_id && id.len == 0))
        return false;
    *key_id = id;
    return true;
}
