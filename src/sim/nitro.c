/* nitro.c - attestation documents as the Nitro Secure Module makes them: a COSE_Sign1 over a
   CBOR map with its chain inside (AWS attestation_process.md, RFC 9052).  See sim.h. */
#include <string.h>

#include "codec/cbor_write.h"
#include "codec/pem.h"
#include "crypto/hash.h"
#include "sim/pki.h"

enum { DAY = 86400, YEAR = 365 * DAY, PAYLOAD_MAX = 12 * 1024, LEAF = SIM_NITRO_CERTS - 1 };

/* --- defaults ------------------------------------------------------------------------- */

static void set_blob(struct nitro_blob *blob, const char *text)
{
    blob->present = true;
    blob->len = strlen(text);
    memcpy(blob->bytes, text, blob->len);
}

struct sim_nitro_spec sim_nitro_default(int64_t now)
{
    struct sim_nitro_spec spec = { .crl = { .validity = { now - DAY, now + 30 * DAY } } };
    struct nitro_claims *claims = &spec.claims;
    static const char module[] = "i-0123456789abcdef0-enc0123456789abcdef";
    const struct window years = { now - YEAR, now + 20 * (int64_t)YEAR };
    spec.certs[0].validity = years;
    for (size_t i = 1; i < LEAF; i++)
        spec.certs[i].validity = (struct window){ now - DAY, now + 20 * DAY };
    spec.certs[LEAF].validity = (struct window){ now - 5, now + 3 * 3600 - 5 };
    claims->module_id_len = sizeof module - 1;
    memcpy(claims->module_id, module, sizeof module - 1);
    claims->timestamp_ms = (uint64_t)now * 1000;
    for (unsigned i = 0; i < 16; i++) {
        claims->pcrs[i].len = SHA384_LEN;
        uint8_t name[4] = { 'p', 'c', 'r', (uint8_t)i };
        if (i < 5)
            hash_sha384(SPAN(name), claims->pcrs[i].bytes);
    }
    set_blob(&claims->public_key, "a recipient key");
    set_blob(&claims->user_data, "user data");
    set_blob(&claims->nonce, "a nonce");
    return spec;
}

/* --- the chain ------------------------------------------------------------------------ */

static struct pki_subject subject_of(const struct sim_nitro_spec *spec, size_t index)
{
    static const struct {
        const char *name;
        enum sim_key key;
    } names[SIM_NITRO_CERTS] = {
        { "aws.nitro-enclaves", SIM_KEY_NITRO_ROOT },
        { "region.ward-sim.aws.nitro-enclaves", SIM_KEY_NITRO_REGION },
        { "zone.ward-sim.aws.nitro-enclaves", SIM_KEY_NITRO_ZONE },
        { "i-0123456789abcdef0.ward-sim.aws.nitro-enclaves", SIM_KEY_NITRO_INSTANCE },
        { "i-0123456789abcdef0-enc0123456789abcdef.ward-sim", SIM_KEY_NITRO_LEAF },
    };
    return (struct pki_subject){ names[index].name, names[index].key, &spec->certs[index] };
}

static void put_cert(const struct sim_authority *authority, const struct sim_nitro_spec *spec,
                     size_t index, struct sink *out)
{
    const struct pki_plan plan = { .subject = subject_of(spec, index),
                                   .issuer = subject_of(spec, index == 0 ? 0 : index - 1),
                                   .curve = CURVE_P384,
                                   .ca = index != LEAF,
                                   .path_len = index == 0 ? -1 : LEAF - 1 - (int)index };
    pki_cert(authority, &plan, out);
}

/* Appends certificate `index` as a CBOR byte string. */
static void put_cert_bytes(const struct sim_authority *authority, const struct sim_nitro_spec *spec,
                           size_t index, struct sink *out)
{
    uint8_t bytes[PKI_CERT_MAX];
    struct sink der = sink_over(bytes, sizeof bytes);
    put_cert(authority, spec, index, &der);
    cbor_put_bytes(out, sink_bytes(&der));
    out->full = out->full || !sink_ok(&der);
}

bool sim_nitro_root(const struct sim_authority *authority, const struct sim_nitro_spec *spec,
                    struct sink *out)
{
    uint8_t bytes[PKI_CERT_MAX];
    struct sink der = sink_over(bytes, sizeof bytes);
    put_cert(authority, spec, 0, &der);
    pem_write(out, "CERTIFICATE", sink_bytes(&der));
    return sink_ok(&der) && sink_ok(out);
}

bool sim_nitro_crl(const struct sim_authority *authority, const struct sim_nitro_spec *spec,
                   size_t issuer, struct sink *out)
{
    if (issuer >= LEAF)
        return false;
    const struct pki_subject below = subject_of(spec, issuer + 1);
    struct pki_serial serial = pki_serial_of(below.name), other = pki_serial_of("somebody else");
    struct pki_crl_plan plan = { .issuer = subject_of(spec, issuer),
                                 .curve = CURVE_P384,
                                 .crl = &spec->crl,
                                 .serials = { SPAN(other.bytes) } };
    if (below.cert->revoked)
        plan.serials[1] = SPAN(serial.bytes);
    pki_crl(authority, &plan, out);
    return sink_ok(out);
}

/* --- the document --------------------------------------------------------------------- */

static void put_optional(struct sink *out, const char *name, const struct nitro_blob *blob,
                         bool as_nil)
{
    if (!blob->present && !as_nil)
        return;
    cbor_put_text(out, name);
    if (blob->present)
        cbor_put_bytes(out, span_of(blob->bytes, blob->len));
    else
        cbor_put_nil(out);
}

static void put_pcrs(struct sink *out, const struct sim_nitro_spec *spec)
{
    bool too_high = (spec->defects & SIM_NITRO_PCR_32) != 0;
    uint64_t count = too_high ? 1 : 0;
    for (unsigned i = 0; i < NITRO_PCR_COUNT; i++)
        count += spec->claims.pcrs[i].len != 0 ? 1 : 0;
    cbor_put_text(out, "pcrs");
    cbor_put_map(out, count);
    for (unsigned i = 0; i < NITRO_PCR_COUNT; i++) {
        if (spec->claims.pcrs[i].len == 0)
            continue;
        cbor_put_u64(out, i);
        cbor_put_bytes(out, span_of(spec->claims.pcrs[i].bytes, spec->claims.pcrs[i].len));
    }
    if (too_high) {
        static const uint8_t zero[SHA384_LEN];
        cbor_put_u64(out, NITRO_PCR_COUNT);
        cbor_put_bytes(out, SPAN(zero));
    }
}

static void put_bundle(const struct sim_authority *authority, const struct sim_nitro_spec *spec,
                       struct sink *out)
{
    bool empty = (spec->defects & SIM_NITRO_EMPTY_BUNDLE) != 0;
    cbor_put_text(out, "cabundle");
    cbor_put_array(out, empty ? 0 : LEAF);
    for (size_t i = 0; !empty && i < LEAF; i++)
        put_cert_bytes(authority, spec, i, out);
}

static void put_module_id(struct sink *out, const struct sim_nitro_spec *spec)
{
    cbor_put_text(out, "module_id");
    cbor_put_text_span(out, span_of(spec->claims.module_id, spec->claims.module_id_len));
}

static uint64_t count_fields(const struct sim_nitro_spec *spec)
{
    const struct nitro_claims *claims = &spec->claims;
    bool as_nil = (spec->defects & SIM_NITRO_NIL_OPTIONALS) != 0;
    uint64_t count = 6;
    count += as_nil || claims->public_key.present ? 1 : 0;
    count += as_nil || claims->user_data.present ? 1 : 0;
    count += as_nil || claims->nonce.present ? 1 : 0;
    count += (spec->defects & SIM_NITRO_DUPLICATE_KEY) != 0 ? 1 : 0;
    count -= (spec->defects & SIM_NITRO_NO_MODULE_ID) != 0 ? 1 : 0;
    count -= (spec->defects & SIM_NITRO_NO_TIMESTAMP) != 0 ? 1 : 0;
    return count;
}

static void put_payload(const struct sim_authority *authority, const struct sim_nitro_spec *spec,
                        struct sink *out)
{
    const struct nitro_claims *claims = &spec->claims;
    bool as_nil = (spec->defects & SIM_NITRO_NIL_OPTIONALS) != 0;
    bool indefinite = (spec->defects & SIM_NITRO_INDEFINITE) != 0;
    if (indefinite)
        cbor_put_map_indefinite(out);
    else
        cbor_put_map(out, count_fields(spec));
    if ((spec->defects & SIM_NITRO_NO_MODULE_ID) == 0)
        put_module_id(out, spec);
    if ((spec->defects & SIM_NITRO_DUPLICATE_KEY) != 0)
        put_module_id(out, spec);
    cbor_put_text(out, "digest");
    cbor_put_text(out, (spec->defects & SIM_NITRO_WRONG_DIGEST) != 0 ? "SHA256" : "SHA384");
    if ((spec->defects & SIM_NITRO_NO_TIMESTAMP) == 0) {
        cbor_put_text(out, "timestamp");
        cbor_put_u64(out, claims->timestamp_ms);
    }
    put_pcrs(out, spec);
    cbor_put_text(out, "certificate");
    put_cert_bytes(authority, spec, LEAF, out);
    put_bundle(authority, spec, out);
    put_optional(out, "public_key", &claims->public_key, as_nil);
    put_optional(out, "user_data", &claims->user_data, as_nil);
    put_optional(out, "nonce", &claims->nonce, as_nil);
    if (indefinite)
        cbor_put_break(out);
}

/* RFC 9052 3.1: alg (1) is ES384 (-35) or ES256 (-7); crit is 2. */
static void put_protected(const struct sim_nitro_spec *spec, struct sink *out)
{
    bool crit = (spec->defects & SIM_NITRO_CRIT) != 0;
    cbor_put_map(out, crit ? 2 : 1);
    cbor_put_u64(out, 1);
    cbor_put_int(out, (spec->defects & SIM_NITRO_WRONG_ALG) != 0 ? -7 : -35);
    if (!crit)
        return;
    cbor_put_u64(out, 2);
    cbor_put_array(out, 1);
    cbor_put_u64(out, 1);
}

/* RFC 9052 4.4: Sig_structure = ["Signature1", protected, external_aad, payload]. */
static bool sign_document(const struct sim_authority *authority, const struct sim_nitro_spec *spec,
                          struct span header, struct span payload, uint8_t raw[ECDSA_RAW_MAX])
{
    uint8_t bytes[PAYLOAD_MAX + 64];
    struct sink to_sign = sink_over(bytes, sizeof bytes);
    cbor_put_array(&to_sign, 4);
    cbor_put_text(&to_sign, "Signature1");
    cbor_put_bytes(&to_sign, header);
    cbor_put_bytes(&to_sign, (struct span){ 0 });
    cbor_put_bytes(&to_sign, payload);
    if (!sink_ok(&to_sign) ||
        !pki_sign(authority->keys[SIM_KEY_NITRO_LEAF], sink_bytes(&to_sign), raw))
        return false;
    if ((spec->defects & SIM_NITRO_HIGH_S) != 0)
        pki_other_s(CURVE_P384, raw);
    if ((spec->defects & SIM_NITRO_BAD_SIGNATURE) != 0)
        raw[ECDSA_RAW_MAX - 1] ^= 1;
    return true;
}

bool sim_nitro_document(const struct sim_authority *authority, const struct sim_nitro_spec *spec,
                        struct sink *out)
{
    uint8_t payload_bytes[PAYLOAD_MAX], header_bytes[16], raw[ECDSA_RAW_MAX] = { 0 };
    unsigned defects = spec->defects;
    struct sink payload = sink_over(payload_bytes, sizeof payload_bytes);
    struct sink header = sink_over(header_bytes, sizeof header_bytes);
    put_payload(authority, spec, &payload);
    put_protected(spec, &header);
    if (!sink_ok(&payload) || !sink_ok(&header) ||
        !sign_document(authority, spec, sink_bytes(&header), sink_bytes(&payload), raw))
        return false;
    if ((defects & SIM_NITRO_TAGGED) != 0)
        cbor_put_tag(out, 18);
    cbor_put_array(out, 4);
    cbor_put_bytes(out, sink_bytes(&header));
    cbor_put_map(out, (defects & SIM_NITRO_UNPROTECTED) != 0 ? 1 : 0);
    if ((defects & SIM_NITRO_UNPROTECTED) != 0) {
        cbor_put_u64(out, 4);
        cbor_put_bytes(out, span_text("kid"));
    }
    if ((defects & SIM_NITRO_NIL_PAYLOAD) != 0)
        cbor_put_nil(out);
    else
        cbor_put_bytes(out, sink_bytes(&payload));
    cbor_put_bytes(out, span_of(raw, (defects & SIM_NITRO_SHORT_SIGNATURE) != 0 ? 95 : 96));
    if ((defects & SIM_NITRO_TRAILING) != 0)
        sink_u8(out, 0);
    return sink_ok(out);
}
