/* certificate.c - see certificate.h. */
#include "guard/certificate.h"

#include <string.h>

#include "codec/der_write.h"
#include "codec/x509.h"
#include "crypto/ecdsa.h"
#include "crypto/hash.h"

#define OID_COMMON_NAME       "2.5.4.3"
#define OID_UNIT              "2.5.4.11"
#define OID_EC_KEY            "1.2.840.10045.2.1"
#define OID_P256              "1.2.840.10045.3.1.7"
#define OID_ECDSA_SHA256      "1.2.840.10045.4.3.2"
#define OID_SUBJECT_KEY_ID    "2.5.29.14"
#define OID_KEY_USAGE         "2.5.29.15"
#define OID_SUBJECT_NAMES     "2.5.29.17"
#define OID_BASIC_CONSTRAINTS "2.5.29.19"
#define OID_AUTHORITY_KEY_ID  "2.5.29.35"
#define OID_EXTENDED_USAGE    "2.5.29.37"
#define OID_SERVER            "1.3.6.1.5.5.7.3.1"
#define OID_CLIENT            "1.3.6.1.5.5.7.3.2"

enum { KEY_ID_LEN = 20, RAW = 64, NAME_DNS = 2, NAME_ADDRESS = 7 };

/* ---- what is good ----------------------------------------------------------------------- */

/* Printable ASCII: what a person sees is what it is. */
static bool text_is_good(struct span text, size_t max)
{
    bool ok = text.len > 0 && text.len <= max;
    for (size_t i = 0; ok && i < text.len; i++)
        ok = text.at[i] >= 0x20 && text.at[i] <= 0x7e;
    return ok;
}

static bool letter_is_good(uint8_t letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' ||
           letter == '.' || letter == '*';
}

/* Lower case letters, digits, hyphens and dots; a star only as the whole first label. */
static bool dns_name_is_good(struct span name)
{
    bool ok = name.len > 0 && name.len <= CERTIFICATE_NAME_MAX && name.at[0] != '.' &&
              name.at[name.len - 1] != '.';
    for (size_t i = 0; ok && i < name.len; i++) {
        ok = letter_is_good(name.at[i]);
        if (name.at[i] == '*')
            ok = i == 0 && name.len > 2 && name.at[1] == '.';
        if (name.at[i] == '.')
            ok = ok && name.at[i + 1] != '.';
    }
    return ok;
}

static bool names_are_good(const struct certificate *c)
{
    bool ok = c->name_count <= CERTIFICATE_NAMES_MAX;
    for (size_t i = 0; ok && i < c->name_count; i++) {
        const struct certificate_name *name = &c->names[i];
        ok = name->address ? name->value.len == 4 || name->value.len == 16
                           : dns_name_is_good(name->value);
    }
    return ok;
}

static bool role_is_good(const struct certificate *c)
{
    bool own = span_equal(c->point, c->issuer_point);
    if (c->ca)
        return own && span_equal(c->issuer, c->subject) && !c->server && !c->client &&
               c->name_count == 0 && c->unit.len == 0;
    return !own && (c->server || c->client) && (!c->server || c->name_count > 0) &&
           c->validity.until - c->validity.from <= CERTIFICATE_LIFE_S;
}

bool certificate_is_good(const struct certificate *c)
{
    return c->serial.len == CERTIFICATE_SERIAL && c->serial.at[0] >= 0x40 &&
           c->serial.at[0] <= 0x7f && text_is_good(c->issuer, CERTIFICATE_CN_MAX) &&
           text_is_good(c->subject, CERTIFICATE_CN_MAX) &&
           (c->unit.len == 0 || text_is_good(c->unit, CERTIFICATE_CN_MAX)) &&
           c->point.len == P256_POINT && c->issuer_point.len == P256_POINT &&
           c->point.at[0] == 0x04 && c->issuer_point.at[0] == 0x04 && c->validity.from >= 0 &&
           c->validity.from < c->validity.until && names_are_good(c) && role_is_good(c);
}

/* ---- writing ---------------------------------------------------------------------------- */

static void put_algorithm(struct sink *out)
{
    size_t mark = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, OID_ECDSA_SHA256);
    der_end(out, mark);
}

static void put_part(struct sink *out, const char *oid, struct span text)
{
    size_t set = der_begin(out, DER_SET);
    size_t pair = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, oid);
    der_put(out, DER_UTF8_STRING, text);
    der_end(out, pair);
    der_end(out, set);
}

static void put_name(struct sink *out, struct span unit, struct span common_name)
{
    size_t name = der_begin(out, DER_SEQUENCE);
    if (unit.len > 0)
        put_part(out, OID_UNIT, unit);
    put_part(out, OID_COMMON_NAME, common_name);
    der_end(out, name);
}

static void put_validity(struct sink *out, struct window validity)
{
    size_t mark = der_begin(out, DER_SEQUENCE);
    der_put_time(out, validity.from);
    der_put_time(out, validity.until);
    der_end(out, mark);
}

static void put_key(struct sink *out, struct span point)
{
    size_t key = der_begin(out, DER_SEQUENCE);
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, OID_EC_KEY);
    der_put_oid(out, OID_P256);
    der_end(out, algorithm);
    der_put_bits(out, point);
    der_end(out, key);
}

/* An extension is open while its value is written; two marks close it. */
struct extension {
    size_t outer, value;
};

static struct extension begin_extension(struct sink *out, const char *oid, bool critical)
{
    struct extension mark;
    mark.outer = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, oid);
    if (critical)
        der_put_bool(out, true);
    mark.value = der_begin(out, DER_OCTET_STRING);
    return mark;
}

static void end_extension(struct sink *out, struct extension mark)
{
    der_end(out, mark.value);
    der_end(out, mark.outer);
}

/* RFC 5280 4.2.1.2, method 1 with a hash of today, cut to its length. */
static void put_key_id(struct sink *out, uint8_t tag, struct span point)
{
    uint8_t digest[SHA256_LEN];
    hash_sha256(point, digest);
    der_put(out, tag, span_of(digest, KEY_ID_LEN));
}

static void put_constraints(struct sink *out, bool ca)
{
    struct extension mark = begin_extension(out, OID_BASIC_CONSTRAINTS, true);
    size_t body = der_begin(out, DER_SEQUENCE);
    if (ca) {
        der_put_bool(out, true);
        der_put_small(out, 0);
    }
    der_end(out, body);
    end_extension(out, mark);
    mark = begin_extension(out, OID_KEY_USAGE, true);
    der_put_named_bits(out,
                       ca ? KEY_USAGE_CERT_SIGN | KEY_USAGE_CRL_SIGN : KEY_USAGE_DIGITAL_SIGNATURE);
    end_extension(out, mark);
}

static void put_purposes(struct sink *out, bool server, bool client)
{
    size_t body = der_begin(out, DER_SEQUENCE);
    if (server)
        der_put_oid(out, OID_SERVER);
    if (client)
        der_put_oid(out, OID_CLIENT);
    der_end(out, body);
}

static void put_key_ids(struct sink *out, const struct certificate *c)
{
    struct extension mark = begin_extension(out, OID_SUBJECT_KEY_ID, false);
    put_key_id(out, DER_OCTET_STRING, c->point);
    end_extension(out, mark);
    mark = begin_extension(out, OID_AUTHORITY_KEY_ID, false);
    size_t body = der_begin(out, DER_SEQUENCE);
    put_key_id(out, DER_IMPLICIT(0), c->issuer_point);
    der_end(out, body);
    end_extension(out, mark);
}

static void put_names(struct sink *out, const struct certificate *c)
{
    struct extension mark = begin_extension(out, OID_SUBJECT_NAMES, false);
    size_t body = der_begin(out, DER_SEQUENCE);
    for (size_t i = 0; i < c->name_count; i++)
        der_put(out, c->names[i].address ? DER_IMPLICIT(NAME_ADDRESS) : DER_IMPLICIT(NAME_DNS),
                c->names[i].value);
    der_end(out, body);
    end_extension(out, mark);
}

static void put_extensions(struct sink *out, const struct certificate *c)
{
    size_t outer = der_begin(out, DER_EXPLICIT(3));
    size_t list = der_begin(out, DER_SEQUENCE);
    put_constraints(out, c->ca);
    if (!c->ca) {
        struct extension mark = begin_extension(out, OID_EXTENDED_USAGE, false);
        put_purposes(out, c->server, c->client);
        end_extension(out, mark);
    }
    put_key_ids(out, c);
    if (c->name_count > 0)
        put_names(out, c);
    der_end(out, list);
    der_end(out, outer);
}

void certificate_write(struct sink *out, const struct certificate *c)
{
    if (!certificate_is_good(c)) {
        out->full = true;
        return;
    }
    size_t tbs = der_begin(out, DER_SEQUENCE);
    size_t version = der_begin(out, DER_EXPLICIT(0));
    der_put_small(out, 2); /* v3 */
    der_end(out, version);
    der_put_unsigned(out, c->serial);
    put_algorithm(out);
    put_name(out, (struct span){ 0 }, c->issuer);
    put_validity(out, c->validity);
    put_name(out, c->unit, c->subject);
    put_key(out, c->point);
    put_extensions(out, c);
    der_end(out, tbs);
}

void certificate_finish(struct sink *out, struct span tbs, struct span signature)
{
    if (signature.len != RAW) {
        out->full = true;
        return;
    }
    size_t whole = der_begin(out, DER_SEQUENCE);
    sink_put(out, tbs);
    put_algorithm(out);
    uint8_t room[RAW + 16];
    struct sink value = sink_over(room, sizeof room);
    der_put_ecdsa_sig(&value, signature);
    der_put_bits(out, sink_bytes(&value));
    der_end(out, whole);
}

/* ---- recognising ------------------------------------------------------------------------ */

static bool read_names(const struct x509_cert *parsed, struct certificate *c)
{
    static const uint8_t oid[] = { 0x55, 0x1d, 0x11 };
    struct span value;
    struct cursor list;
    struct der name;
    if (!x509_extension(parsed, SPAN(oid), &value))
        return true; /* a client's may have none */
    struct cursor in = cur_over(value);
    if (!der_open(&in, DER_SEQUENCE, &list))
        return false;
    while (c->name_count < CERTIFICATE_NAMES_MAX && der_read(&list, &name)) {
        c->names[c->name_count++] = (struct certificate_name){
            name.tag == DER_IMPLICIT(NAME_ADDRESS), name.value
        };
    }
    return cur_end(&list);
}

/* The first of two parts; whether it is a unit is found by writing it again. */
static bool read_unit(struct span subject, struct span *unit)
{
    struct cursor in = cur_over(subject), name, set, pair;
    struct der oid, text;
    if (!(der_open(&in, DER_SEQUENCE, &name) && der_open(&name, DER_SET, &set)))
        return false;
    if (cur_end(&name))
        return true;
    if (!(der_open(&set, DER_SEQUENCE, &pair) && der_read(&pair, &oid) && der_read(&pair, &text)))
        return false;
    *unit = text.value;
    return true;
}

/* Three forms only, so they are written and compared. */
static bool read_purposes(const struct x509_cert *parsed, struct certificate *c)
{
    static const uint8_t oid[] = { 0x55, 0x1d, 0x25 };
    struct span value;
    if (!x509_extension(parsed, SPAN(oid), &value))
        return false;
    for (unsigned purpose = 1; purpose <= 3; purpose++) {
        uint8_t room[64];
        struct sink form = sink_over(room, sizeof room);
        c->server = (purpose & 1) != 0;
        c->client = (purpose & 2) != 0;
        put_purposes(&form, c->server, c->client);
        if (span_equal(sink_bytes(&form), value))
            return true;
    }
    return false;
}

/* The reader reads whole certificates: it is given one with a signature that nobody checks. */
static bool read_parts(struct span tbs, uint8_t room[CERTIFICATE_MAX], struct x509_cert *out)
{
    uint8_t any[RAW];
    struct sink whole = sink_over(room, CERTIFICATE_MAX);
    memset(any, 1, sizeof any);
    certificate_finish(&whole, tbs, SPAN(any));
    return sink_ok(&whole) && x509_parse(sink_bytes(&whole), out) && span_equal(out->tbs, tbs);
}

/* A span of the copy, as a span of the bytes that were copied. */
static struct span in_place(struct span part, struct span copy, struct span tbs)
{
    if (part.len == 0)
        return (struct span){ 0 };
    return span_of(tbs.at + (part.at - copy.at), part.len);
}

bool certificate_recognise(struct span tbs, struct span issuer_point, struct certificate *out)
{
    uint8_t room[CERTIFICATE_MAX], again[CERTIFICATE_MAX];
    struct x509_cert parsed;
    struct span issuer;
    struct certificate c = { .issuer_point = issuer_point };
    if (!read_parts(tbs, room, &parsed) || !x509_name_common_name(parsed.issuer, &issuer) ||
        !read_unit(parsed.subject, &c.unit) || !read_names(&parsed, &c) ||
        !read_purposes(&parsed, &c))
        return false;
    c.serial = in_place(parsed.serial, parsed.tbs, tbs);
    c.issuer = in_place(issuer, parsed.tbs, tbs);
    c.subject = in_place(parsed.common_name, parsed.tbs, tbs);
    c.unit = in_place(c.unit, parsed.tbs, tbs);
    c.validity = parsed.validity;
    c.point = in_place(parsed.point, parsed.tbs, tbs);
    for (size_t i = 0; i < c.name_count; i++)
        c.names[i].value = in_place(c.names[i].value, parsed.tbs, tbs);

    struct sink written = sink_over(again, sizeof again);
    certificate_write(&written, &c);
    if (!sink_ok(&written) || !span_equal(sink_bytes(&written), tbs))
        return false;
    *out = c;
    return true;
}
