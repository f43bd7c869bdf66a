/* pki.c - X.509 certificates and CRLs (RFC 5280) of the test authority.  See pki.h. */
#include "sim/pki.h"

#include <string.h>

#include "codec/der_write.h"
#include "codec/x509.h"
#include "crypto/hash.h"

#define OID_COMMON_NAME       "2.5.4.3"
#define OID_ORGANISATION      "2.5.4.10"
#define OID_EC_KEY            "1.2.840.10045.2.1"
#define OID_P256              "1.2.840.10045.3.1.7"
#define OID_P384              "1.3.132.0.34"
#define OID_ECDSA_SHA256      "1.2.840.10045.4.3.2"
#define OID_ECDSA_SHA384      "1.2.840.10045.4.3.3"
#define OID_SUBJECT_KEY_ID    "2.5.29.14"
#define OID_KEY_USAGE         "2.5.29.15"
#define OID_BASIC_CONSTRAINTS "2.5.29.19"
#define OID_CRL_NUMBER        "2.5.29.20"
#define OID_DELTA_CRL         "2.5.29.27"
#define OID_ISSUING_POINT     "2.5.29.28"
#define OID_AUTHORITY_KEY_ID  "2.5.29.35"
#define OID_NOBODY_KNOWS      "1.3.6.1.4.1.55555.1"

enum { KEY_ID_LEN = 20 };

/* RFC 5280 4.1.2.2: positive; the second highest bit keeps it minimal. */
struct pki_serial pki_serial_of(const char *subject)
{
    struct pki_serial serial;
    uint8_t digest[SHA256_LEN];
    hash_sha256(span_text(subject), digest);
    memcpy(serial.bytes, digest, sizeof serial.bytes);
    serial.bytes[0] = (uint8_t)((serial.bytes[0] & 0x3f) | 0x40);
    return serial;
}

static void put_key_id(struct sink *out, uint8_t tag, struct span point)
{
    uint8_t digest[SHA256_LEN];
    hash_sha256(point, digest);
    der_put(out, tag, span_of(digest, KEY_ID_LEN));
}

static void put_name(struct sink *out, const char *common_name)
{
    static const struct {
        const char *oid;
        const char *value; /* NULL: the common name */
    } parts[] = { { OID_COMMON_NAME, NULL }, { OID_ORGANISATION, "Ward Test Authority" } };
    size_t name = der_begin(out, DER_SEQUENCE);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t set = der_begin(out, DER_SET);
        size_t pair = der_begin(out, DER_SEQUENCE);
        der_put_oid(out, parts[i].oid);
        der_put(out, DER_UTF8_STRING,
                span_text(parts[i].value == NULL ? common_name : parts[i].value));
        der_end(out, pair);
        der_end(out, set);
    }
    der_end(out, name);
}

static void put_algorithm(struct sink *out, bool sha384)
{
    size_t mark = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, sha384 ? OID_ECDSA_SHA384 : OID_ECDSA_SHA256);
    der_end(out, mark);
}

static void put_spki(struct sink *out, enum curve curve, struct span point)
{
    size_t spki = der_begin(out, DER_SEQUENCE);
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, OID_EC_KEY);
    der_put_oid(out, curve == CURVE_P384 ? OID_P384 : OID_P256);
    der_end(out, algorithm);
    der_put_bits(out, point);
    der_end(out, spki);
}

static void put_window(struct sink *out, struct window window)
{
    size_t mark = der_begin(out, DER_SEQUENCE);
    der_put_time(out, window.from);
    der_put_time(out, window.until);
    der_end(out, mark);
}

/* An extension is begun, its value written, and ended with both marks. */
struct extension_marks {
    size_t whole, value;
};

static struct extension_marks begin_extension(struct sink *out, const char *oid, bool critical)
{
    struct extension_marks marks;
    marks.whole = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, oid);
    if (critical)
        der_put_bool(out, true);
    marks.value = der_begin(out, DER_OCTET_STRING);
    return marks;
}

static void end_extension(struct sink *out, struct extension_marks marks)
{
    der_end(out, marks.value);
    der_end(out, marks.whole);
}

static void put_authority_key_id(struct sink *out, struct span point)
{
    struct extension_marks marks = begin_extension(out, OID_AUTHORITY_KEY_ID, false);
    size_t body = der_begin(out, DER_SEQUENCE);
    put_key_id(out, DER_IMPLICIT(0), point);
    der_end(out, body);
    end_extension(out, marks);
}

static void put_unknown_critical(struct sink *out)
{
    struct extension_marks marks = begin_extension(out, OID_NOBODY_KNOWS, true);
    der_put_null(out);
    end_extension(out, marks);
}

static void put_key_usage(struct sink *out, bool ca, unsigned defects)
{
    bool wrong = (defects & SIM_CERT_WRONG_KEY_USAGE) != 0;
    uint16_t usage = ca ? KEY_USAGE_CRL_SIGN | (wrong ? 0 : KEY_USAGE_CERT_SIGN)
                        : (wrong ? KEY_USAGE_CRL_SIGN : KEY_USAGE_DIGITAL_SIGNATURE);
    struct extension_marks marks = begin_extension(out, OID_KEY_USAGE, true);
    der_put_named_bits(out, usage);
    end_extension(out, marks);
}

static void put_basic_constraints(struct sink *out, const struct pki_plan *plan)
{
    unsigned defects = plan->subject.cert->defects;
    bool ca = plan->ca != ((defects & SIM_CERT_FLIP_CA) != 0);
    int path_len = (defects & SIM_CERT_SHORT_PATH) != 0 ? 0 : plan->path_len;
    struct extension_marks marks = begin_extension(out, OID_BASIC_CONSTRAINTS, true);
    size_t body = der_begin(out, DER_SEQUENCE);
    if (ca)
        der_put_bool(out, true);
    if (ca && path_len >= 0)
        der_put_small(out, (uint32_t)path_len);
    der_end(out, body);
    end_extension(out, marks);
}

static enum sim_key stranger_of(enum curve curve)
{
    return curve == CURVE_P384 ? SIM_KEY_NITRO_STRANGER : SIM_KEY_STRANGER;
}

/* The key of a certificate's subject, and the name that it goes by. */
static enum sim_key key_of(const struct pki_subject *subject, enum curve curve)
{
    bool strange = (subject->cert->defects & SIM_CERT_STRANGE_KEY) != 0;
    return strange ? stranger_of(curve) : subject->key;
}

static const char *name_of(const struct pki_subject *subject)
{
    return (subject->cert->defects & SIM_CERT_WRONG_NAME) != 0 ? "Somebody" : subject->name;
}

static void put_extensions(const struct sim_authority *authority, const struct pki_plan *plan,
                           struct sink *out)
{
    unsigned defects = plan->subject.cert->defects;
    bool wrong_id = (defects & SIM_CERT_WRONG_KEY_ID) != 0;
    enum sim_key above = key_of(&plan->issuer, plan->curve);
    size_t outer = der_begin(out, DER_EXPLICIT(3));
    size_t all = der_begin(out, DER_SEQUENCE);
    put_authority_key_id(out, sim_point(authority, wrong_id ? SIM_KEY_ATTESTATION : above));
    struct extension_marks marks = begin_extension(out, OID_SUBJECT_KEY_ID, false);
    put_key_id(out, DER_OCTET_STRING, sim_point(authority, key_of(&plan->subject, plan->curve)));
    end_extension(out, marks);
    if ((defects & SIM_CERT_NO_KEY_USAGE) == 0)
        put_key_usage(out, plan->ca, defects);
    if ((defects & SIM_CERT_NO_BASIC_CONSTRAINTS) == 0)
        put_basic_constraints(out, plan);
    if ((defects & SIM_CERT_UNKNOWN_CRITICAL) != 0)
        put_unknown_critical(out);
    sink_put(out, plan->extension);
    der_end(out, all);
    der_end(out, outer);
}

static void put_tbs(const struct sim_authority *authority, const struct pki_plan *plan, bool sha384,
                    struct sink *out)
{
    unsigned defects = plan->subject.cert->defects;
    struct pki_serial serial = pki_serial_of(plan->subject.name);
    size_t tbs = der_begin(out, DER_SEQUENCE);
    if ((defects & SIM_CERT_VERSION_1) == 0) {
        size_t version = der_begin(out, DER_EXPLICIT(0));
        der_put_small(out, 2);
        der_end(out, version);
    }
    der_put_unsigned(out, SPAN(serial.bytes));
    put_algorithm(out, sha384);
    put_name(out, (defects & SIM_CERT_WRONG_ISSUER) != 0 ? "Nobody" : name_of(&plan->issuer));
    put_window(out, plan->subject.cert->validity);
    put_name(out, name_of(&plan->subject));
    put_spki(out, plan->curve, sim_point(authority, key_of(&plan->subject, plan->curve)));
    if ((defects & SIM_CERT_VERSION_1) == 0)
        put_extensions(authority, plan, out);
    der_end(out, tbs);
}

bool pki_sign(const struct ecdsa_secret *secret, struct span bytes, uint8_t *raw)
{
    uint8_t digest[SHA384_LEN];
    if (ecdsa_secret_curve(secret) == CURVE_P384)
        hash_sha384(bytes, digest);
    else
        hash_sha256(bytes, digest);
    return ecdsa_sign(secret, digest, raw);
}

/* n of P-256 and P-384 (FIPS 186-5, SP 800-186). */
static const uint8_t order_256[] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                     0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
static const uint8_t order_384[] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
};

void pki_other_s(enum curve curve, uint8_t *raw)
{
    size_t len = curve_coord_len(curve);
    const uint8_t *order = curve == CURVE_P384 ? order_384 : order_256;
    uint8_t *s = raw + len;
    int borrow = 0;
    for (size_t i = len; i-- > 0;) {
        int digit = order[i] - s[i] - borrow;
        borrow = digit < 0 ? 1 : 0;
        s[i] = (uint8_t)(digit + 256 * borrow);
    }
}

/* Wraps what was to be signed, the algorithm and the signature into one SEQUENCE. */
static void put_signed(const struct ecdsa_secret *signer, struct span tbs, bool sha384, bool spoil,
                       struct sink *out)
{
    uint8_t raw[ECDSA_RAW_MAX] = { 0 };
    uint8_t body[2 * ECDSA_RAW_MAX];
    size_t coord = curve_coord_len(ecdsa_secret_curve(signer));
    if (!pki_sign(signer, tbs, raw)) {
        out->full = true;
        return;
    }
    if (spoil)
        raw[coord - 1] ^= 1;
    struct sink signature = sink_over(body, sizeof body);
    der_put_ecdsa_sig(&signature, span_of(raw, 2 * coord));
    size_t whole = der_begin(out, DER_SEQUENCE);
    sink_put(out, tbs);
    put_algorithm(out, sha384);
    der_put_bits(out, sink_bytes(&signature));
    der_end(out, whole);
}

void pki_cert(const struct sim_authority *authority, const struct pki_plan *plan, struct sink *out)
{
    uint8_t bytes[PKI_CERT_MAX];
    unsigned defects = plan->subject.cert->defects;
    bool sha384 = (plan->curve == CURVE_P384) != ((defects & SIM_CERT_OTHER_HASH) != 0);
    struct sink tbs = sink_over(bytes, sizeof bytes);
    put_tbs(authority, plan, sha384, &tbs);
    put_signed(authority->keys[key_of(&plan->issuer, plan->curve)], sink_bytes(&tbs), sha384,
               (defects & SIM_CERT_BAD_SIGNATURE) != 0, out);
    out->full = out->full || !sink_ok(&tbs);
}

static void put_revoked(const struct pki_crl_plan *plan, struct sink *out)
{
    bool padded = (plan->crl->defects & SIM_CRL_PADDED_SERIAL) != 0;
    size_t all = der_begin(out, DER_SEQUENCE);
    for (size_t i = 0; i < 2; i++) {
        if (plan->serials[i].len == 0)
            continue;
        size_t entry = der_begin(out, DER_SEQUENCE);
        size_t number = der_begin(out, DER_INTEGER);
        if (padded)
            sink_u8(out, 0);
        sink_put(out, plan->serials[i]);
        der_end(out, number);
        der_put_time(out, plan->crl->validity.from);
        der_end(out, entry);
    }
    der_end(out, all);
}

static void put_crl_extensions(const struct sim_authority *authority,
                               const struct pki_crl_plan *plan, struct sink *out)
{
    unsigned defects = plan->crl->defects;
    struct extension_marks marks;
    size_t outer = der_begin(out, DER_EXPLICIT(0));
    size_t all = der_begin(out, DER_SEQUENCE);
    put_authority_key_id(out, sim_point(authority, key_of(&plan->issuer, plan->curve)));
    if ((defects & SIM_CRL_NO_NUMBER) == 0) {
        marks = begin_extension(out, OID_CRL_NUMBER, false);
        der_put_small(out, 1);
        end_extension(out, marks);
    }
    if ((defects & SIM_CRL_DELTA) != 0) {
        marks = begin_extension(out, OID_DELTA_CRL, true);
        der_put_small(out, 1);
        end_extension(out, marks);
    }
    if ((defects & SIM_CRL_INDIRECT) != 0) {
        marks = begin_extension(out, OID_ISSUING_POINT, true);
        size_t body = der_begin(out, DER_SEQUENCE);
        der_put(out, DER_IMPLICIT(4), span_of("\xff", 1));
        der_end(out, body);
        end_extension(out, marks);
    }
    if ((defects & SIM_CRL_UNKNOWN_CRITICAL) != 0)
        put_unknown_critical(out);
    der_end(out, all);
    der_end(out, outer);
}

void pki_crl(const struct sim_authority *authority, const struct pki_crl_plan *plan,
             struct sink *out)
{
    uint8_t bytes[PKI_CRL_MAX];
    unsigned defects = plan->crl->defects;
    bool sha384 = plan->curve == CURVE_P384;
    bool version_1 = (defects & SIM_CRL_VERSION_1) != 0;
    struct sink tbs = sink_over(bytes, sizeof bytes);
    size_t whole = der_begin(&tbs, DER_SEQUENCE);
    if (!version_1)
        der_put_small(&tbs, 1);
    put_algorithm(&tbs, sha384);
    put_name(&tbs, (defects & SIM_CRL_WRONG_ISSUER) != 0 ? "Nobody" : name_of(&plan->issuer));
    der_put_time(&tbs, plan->crl->validity.from);
    if ((defects & SIM_CRL_NO_NEXT_UPDATE) == 0)
        der_put_time(&tbs, plan->crl->validity.until);
    /* RFC 5280 5.1.2.6: "MUST be absent" when nothing is revoked. */
    if (plan->serials[0].len + plan->serials[1].len != 0)
        put_revoked(plan, &tbs);
    if (!version_1)
        put_crl_extensions(authority, plan, &tbs);
    der_end(&tbs, whole);
    put_signed(authority->keys[key_of(&plan->issuer, plan->curve)], sink_bytes(&tbs), sha384,
               (defects & SIM_CRL_BAD_SIGNATURE) != 0, out);
    out->full = out->full || !sink_ok(&tbs);
}
