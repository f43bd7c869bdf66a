/* pki_maker.c - see pki_maker.h and nitro_maker.h: keys, certificates, lists. */
#include "attest/pki_maker.h"

#include <string.h>

#include "codec/der_write.h"
#include "crypto/hash.h"
#include "test.h"

#define OID_COMMON_NAME       "2.5.4.3"
#define OID_EC_PUBLIC_KEY     "1.2.840.10045.2.1"
#define OID_P256              "1.2.840.10045.3.1.7"
#define OID_P384              "1.3.132.0.34"
#define OID_ECDSA_SHA256      "1.2.840.10045.4.3.2"
#define OID_ECDSA_SHA384      "1.2.840.10045.4.3.3"
#define OID_SKI               "2.5.29.14"
#define OID_KEY_USAGE         "2.5.29.15"
#define OID_BASIC_CONSTRAINTS "2.5.29.19"
#define OID_CRL_NUMBER        "2.5.29.20"
#define OID_DELTA_CRL         "2.5.29.27"
#define OID_ISSUING_POINT     "2.5.29.28"
#define OID_AKI               "2.5.29.35"

static struct ecdsa_secret *secret_of(const char *key, enum curve curve)
{
    struct ecdsa_secret *secret = ecdsa_secret_from_seed(curve, span_text("nitro maker"), key);
    assert_non_null(secret);
    return secret;
}

/* The same key and the same digest give the same signature, so it is made once: most documents
   of a test differ from the last one in a single certificate, or in none. */
struct signed_digest {
    const char *key; /* NULL: free */
    enum curve curve;
    uint8_t digest[HASH_LEN_MAX], raw[ECDSA_RAW_MAX];
};

struct known_point {
    const char *key;
    enum curve curve;
    uint8_t point[ECDSA_POINT_MAX];
};

static bool same_key(const char *known, const char *key)
{
    return known != NULL && strcmp(known, key) == 0;
}

void maker_point(const char *key, enum curve curve, uint8_t *point)
{
    static struct known_point memory[64];
    struct known_point *known = memory;
    while (known->key != NULL && !(same_key(known->key, key) && known->curve == curve))
        known++;
    assert_in_range(known - memory, 0, 62);
    if (known->key == NULL) {
        struct ecdsa_secret *secret = secret_of(key, curve);
        assert_true(ecdsa_secret_point(secret, known->point));
        ecdsa_secret_free(&secret);
        known->key = key;
        known->curve = curve;
    }
    memcpy(point, known->point, curve == CURVE_P256 ? P256_POINT : P384_POINT);
}

void maker_sign(const char *key, enum curve curve, const uint8_t *digest, uint8_t *raw)
{
    static struct signed_digest memory[256];
    struct signed_digest *known = &memory[digest[0]];
    size_t len = curve_coord_len(curve);
    if (!same_key(known->key, key) || known->curve != curve ||
        !bytes_equal(known->digest, digest, len)) {
        struct ecdsa_secret *secret = secret_of(key, curve);
        assert_true(ecdsa_sign(secret, digest, known->raw));
        ecdsa_secret_free(&secret);
        known->key = key;
        known->curve = curve;
        memcpy(known->digest, digest, len);
    }
    memcpy(raw, known->raw, 2 * len);
}

static void put_algorithm(struct sink *out, enum curve signer)
{
    size_t mark = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, signer == CURVE_P256 ? OID_ECDSA_SHA256 : OID_ECDSA_SHA384);
    der_end(out, mark);
}

static void put_name(struct sink *out, const char *common_name)
{
    size_t name = der_begin(out, DER_SEQUENCE);
    size_t set = der_begin(out, DER_SET);
    size_t pair = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, OID_COMMON_NAME);
    der_put(out, DER_UTF8_STRING, span_text(common_name));
    der_end(out, pair);
    der_end(out, set);
    der_end(out, name);
}

static void put_key(struct sink *out, const struct cert_spec *spec)
{
    uint8_t point[ECDSA_POINT_MAX];
    size_t info = der_begin(out, DER_SEQUENCE);
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, OID_EC_PUBLIC_KEY);
    der_put_oid(out, spec->curve == CURVE_P256 ? OID_P256 : OID_P384);
    der_end(out, algorithm);
    maker_point(spec->key, spec->curve, point);
    if (spec->bad_point)
        point[20] ^= 1;
    der_put_bits(out, span_of(point, spec->curve == CURVE_P256 ? P256_POINT : P384_POINT));
    der_end(out, info);
}

/* Starts an extension; the caller writes its value and calls end_extension with both marks. */
static void begin_extension(struct sink *out, const char *oid, bool critical, size_t marks[2])
{
    marks[0] = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, oid);
    if (critical)
        der_put_bool(out, true);
    marks[1] = der_begin(out, DER_OCTET_STRING);
}

static void end_extension(struct sink *out, const size_t marks[2])
{
    der_end(out, marks[1]);
    der_end(out, marks[0]);
}

static void put_key_ids(struct sink *out, const char *ski, const char *aki)
{
    size_t marks[2];
    if (ski != NULL) {
        begin_extension(out, OID_SKI, false, marks);
        der_put(out, DER_OCTET_STRING, span_text(ski));
        end_extension(out, marks);
    }
    if (aki != NULL) {
        begin_extension(out, OID_AKI, false, marks);
        size_t ids = der_begin(out, DER_SEQUENCE);
        der_put(out, DER_IMPLICIT(0), span_text(aki));
        der_end(out, ids);
        end_extension(out, marks);
    }
}

static void put_extra(struct sink *out, const char *oid, bool critical)
{
    size_t marks[2];
    begin_extension(out, oid, critical, marks);
    der_put_null(out);
    end_extension(out, marks);
}

static void put_constraints(struct sink *out, const struct cert_spec *spec)
{
    size_t marks[2];
    begin_extension(out, OID_BASIC_CONSTRAINTS, spec->constraints_critical, marks);
    size_t value = der_begin(out, DER_SEQUENCE);
    if (spec->is_ca)
        der_put_bool(out, true);
    if (spec->is_ca && spec->path_len >= 0)
        der_put_small(out, (uint32_t)spec->path_len);
    der_end(out, value);
    end_extension(out, marks);
}

static void put_extensions(struct sink *out, const struct cert_spec *spec)
{
    size_t marks[2];
    size_t outer = der_begin(out, DER_EXPLICIT(3));
    size_t list = der_begin(out, DER_SEQUENCE);
    if (spec->has_basic_constraints)
        put_constraints(out, spec);
    if (spec->has_key_usage) {
        begin_extension(out, OID_KEY_USAGE, true, marks);
        der_put_named_bits(out, spec->key_usage);
        end_extension(out, marks);
    }
    put_key_ids(out, spec->ski, spec->aki);
    if (spec->extra_oid != NULL)
        put_extra(out, spec->extra_oid, spec->extra_critical);
    der_end(out, list);
    der_end(out, outer);
}

/* Wraps what was signed, its algorithm and its signature. */
static struct span seal(struct span tbs, const char *signer, enum curve curve, bool bad,
                        uint8_t *room)
{
    uint8_t digest[HASH_LEN_MAX], raw[ECDSA_RAW_MAX], signature[128];
    size_t len = curve == CURVE_P256 ? 64 : 96;
    struct sink out = sink_over(room, 4096);
    struct sink der = sink_over(signature, sizeof signature);
    if (curve == CURVE_P256)
        hash_sha256(tbs, digest);
    else
        hash_sha384(tbs, digest);
    maker_sign(signer, curve, digest, raw);
    if (bad)
        raw[len - 1] ^= 1;
    der_put_ecdsa_sig(&der, span_of(raw, len));
    size_t whole = der_begin(&out, DER_SEQUENCE);
    sink_put(&out, tbs);
    put_algorithm(&out, curve);
    der_put_bits(&out, sink_bytes(&der));
    der_end(&out, whole);
    assert_true(sink_ok(&der) && sink_ok(&out));
    return sink_bytes(&out);
}

struct span maker_certificate(const struct cert_spec *spec, uint8_t *room)
{
    uint8_t tbs_room[2048];
    struct sink tbs = sink_over(tbs_room, sizeof tbs_room);
    size_t body = der_begin(&tbs, DER_SEQUENCE);
    if (!spec->version_1) {
        size_t version = der_begin(&tbs, DER_EXPLICIT(0));
        der_put_small(&tbs, 2);
        der_end(&tbs, version);
    }
    der_put_small(&tbs, spec->serial);
    put_algorithm(&tbs, spec->signer_curve);
    put_name(&tbs, spec->issuer);
    size_t validity = der_begin(&tbs, DER_SEQUENCE);
    der_put_time(&tbs, spec->validity.from);
    der_put_time(&tbs, spec->validity.until);
    der_end(&tbs, validity);
    put_name(&tbs, spec->name);
    put_key(&tbs, spec);
    if (!spec->version_1)
        put_extensions(&tbs, spec);
    der_end(&tbs, body);
    assert_true(sink_ok(&tbs));
    struct span whole = seal(sink_bytes(&tbs), spec->signer, spec->signer_curve,
                             spec->bad_signature, room);
    return spec->cut ? span_of(whole.at, whole.len - 1) : whole;
}

static void put_issuing_point(struct sink *out, const struct crl_spec *spec)
{
    static const uint8_t yes[1] = { 0xff };
    size_t marks[2];
    begin_extension(out, OID_ISSUING_POINT, true, marks);
    size_t point = der_begin(out, DER_SEQUENCE);
    if (spec->only_user)
        der_put(out, DER_IMPLICIT(1), SPAN(yes));
    if (spec->indirect)
        der_put(out, DER_IMPLICIT(4), SPAN(yes));
    der_end(out, point);
    end_extension(out, marks);
}

static void put_crl_extensions(struct sink *out, const struct crl_spec *spec)
{
    size_t marks[2];
    size_t outer = der_begin(out, DER_EXPLICIT(0));
    size_t list = der_begin(out, DER_SEQUENCE);
    begin_extension(out, OID_CRL_NUMBER, false, marks);
    der_put_small(out, 7);
    end_extension(out, marks);
    put_key_ids(out, NULL, spec->aki);
    if (spec->delta) {
        begin_extension(out, OID_DELTA_CRL, true, marks);
        der_put_small(out, 6);
        end_extension(out, marks);
    }
    if (spec->only_user || spec->indirect)
        put_issuing_point(out, spec);
    if (spec->extra_critical)
        put_extra(out, "1.2.3.4", true);
    der_end(out, list);
    der_end(out, outer);
}

struct span maker_crl(const struct crl_spec *spec, uint8_t *room)
{
    uint8_t tbs_room[2048];
    struct sink tbs = sink_over(tbs_room, sizeof tbs_room);
    size_t body = der_begin(&tbs, DER_SEQUENCE);
    if (!spec->version_1)
        der_put_small(&tbs, 1);
    put_algorithm(&tbs, spec->signer_curve);
    put_name(&tbs, spec->issuer);
    der_put_time(&tbs, spec->validity.from);
    if (!spec->no_next_update)
        der_put_time(&tbs, spec->validity.until);
    if (spec->revoked != 0) {
        size_t list = der_begin(&tbs, DER_SEQUENCE);
        size_t entry = der_begin(&tbs, DER_SEQUENCE);
        der_put_small(&tbs, spec->revoked);
        der_put_time(&tbs, spec->validity.from);
        der_end(&tbs, entry);
        der_end(&tbs, list);
    }
    if (!spec->version_1)
        put_crl_extensions(&tbs, spec);
    der_end(&tbs, body);
    assert_true(sink_ok(&tbs));
    return seal(sink_bytes(&tbs), spec->signer, spec->signer_curve, spec->bad_signature, room);
}
