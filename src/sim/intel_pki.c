/* intel_pki.c - the PCK chain, the signing chain and the two CRLs of a simulated platform
   (SGX PCK Certificate and CRL Profile).  See sim.h. */
#include "codec/der_write.h"
#include "codec/pem.h"
#include "sim/pki.h"

#define SGX_EXTENSION "1.2.840.113741.1.13.1"

static struct pki_subject root_of(const struct sim_spec *spec)
{
    return (struct pki_subject){ "Intel SGX Root CA", SIM_KEY_ROOT, &spec->root };
}

static struct pki_subject ca_of(const struct sim_spec *spec)
{
    const char *name = spec->processor_ca ? "Intel SGX PCK Processor CA"
                                          : "Intel SGX PCK Platform CA";
    return (struct pki_subject){ name, SIM_KEY_CA, &spec->ca };
}

static struct pki_subject leaf_of(const struct sim_spec *spec)
{
    return (struct pki_subject){ "Intel SGX PCK Certificate", SIM_KEY_PCK, &spec->leaf };
}

static struct pki_subject signer_of(const struct sim_spec *spec)
{
    return (struct pki_subject){ "Intel SGX TCB Signing", SIM_KEY_SIGNER, &spec->signer };
}

/* --- the SGX extension --------------------------------------------------------------- */

/* A pair of an identifier below SGX_EXTENSION and a value; ended with der_end. */
static size_t begin_pair(struct sink *out, const char *below)
{
    char oid[64];
    struct sink text = sink_over(oid, sizeof oid);
    sink_format(&text, SGX_EXTENSION "%s", below);
    sink_terminate(&text);
    size_t mark = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, oid);
    return mark;
}

static void put_octets(struct sink *out, const char *below, struct span octets)
{
    size_t mark = begin_pair(out, below);
    der_put(out, DER_OCTET_STRING, octets);
    der_end(out, mark);
}

static void put_number(struct sink *out, const char *below, uint32_t value)
{
    size_t mark = begin_pair(out, below);
    der_put_small(out, value);
    der_end(out, mark);
}

static void put_flag(struct sink *out, const char *below, enum flag flag)
{
    if (flag == FLAG_UNDEFINED)
        return;
    size_t mark = begin_pair(out, below);
    der_put_bool(out, flag == FLAG_TRUE);
    der_end(out, mark);
}

static void put_tcb(struct sink *out, const struct sim_spec *spec)
{
    unsigned defects = spec->extension_defects;
    size_t pair = begin_pair(out, ".2");
    size_t list = der_begin(out, DER_SEQUENCE);
    for (unsigned i = 0; i < 16; i++) {
        char below[16];
        struct sink text = sink_over(below, sizeof below);
        bool big = i == 3 && (defects & SIM_EXT_COMPONENT_256) != 0;
        if (i == 15 && (defects & SIM_EXT_MISSING_COMPONENT) != 0)
            continue;
        sink_format(&text, ".2.%u", i + 1);
        sink_terminate(&text);
        put_number(out, below, big ? 256 : spec->pck.comp_svn[i]);
    }
    put_number(out, ".2.17", (defects & SIM_EXT_PCESVN_65536) != 0 ? 65536 : spec->pck.pce_svn);
    put_octets(out, ".2.18", SPAN(spec->pck.cpu_svn));
    der_end(out, list);
    der_end(out, pair);
}

static void put_configuration(struct sink *out, const struct pck_claims *pck)
{
    size_t pair = begin_pair(out, ".7");
    size_t list = der_begin(out, DER_SEQUENCE);
    put_flag(out, ".7.1", pck->dynamic_platform);
    put_flag(out, ".7.2", pck->cached_keys);
    put_flag(out, ".7.3", pck->smt_enabled);
    der_end(out, list);
    der_end(out, pair);
}

static void put_sgx_parts(struct sink *out, const struct sim_spec *spec)
{
    static const uint8_t ppid[16] = { 0x50, 0x50, 0x49, 0x44 };
    static const uint8_t instance[16] = { 0x49, 0x4e, 0x53, 0x54 };
    unsigned defects = spec->extension_defects;
    bool short_id = (defects & SIM_EXT_SHORT_PCE_ID) != 0;
    put_octets(out, ".1", SPAN(ppid));
    if ((defects & SIM_EXT_TWO_PPIDS) != 0)
        put_octets(out, ".1", SPAN(ppid));
    put_tcb(out, spec);
    put_octets(out, ".3", span_of(spec->pck.pce_id, short_id ? 1 : 2));
    if ((defects & SIM_EXT_NO_FMSPC) == 0)
        put_octets(out, ".4", SPAN(spec->pck.fmspc));
    size_t type = begin_pair(out, ".5");
    der_put(out, DER_ENUMERATED, span_of("\1", 1));
    der_end(out, type);
    if (!spec->processor_ca) {
        put_octets(out, ".6", SPAN(instance));
        put_configuration(out, &spec->pck);
    }
}

static void put_sgx_extension(struct sink *out, const struct sim_spec *spec)
{
    size_t whole = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, SGX_EXTENSION);
    size_t value = der_begin(out, DER_OCTET_STRING);
    size_t list = der_begin(out, DER_SEQUENCE);
    put_sgx_parts(out, spec);
    der_end(out, list);
    der_end(out, value);
    der_end(out, whole);
}

/* --- chains --------------------------------------------------------------------------- */

static void put_pem(const struct sim_authority *authority, const struct pki_plan *plan,
                    struct sink *out)
{
    uint8_t bytes[PKI_CERT_MAX];
    struct sink der = sink_over(bytes, sizeof bytes);
    pki_cert(authority, plan, &der);
    pem_write(out, "CERTIFICATE", sink_bytes(&der));
    out->full = out->full || !sink_ok(&der);
}

static void put_leaf(const struct sim_authority *authority, const struct sim_spec *spec,
                     struct sink *out)
{
    uint8_t bytes[2048];
    struct sink extension = sink_over(bytes, sizeof bytes);
    if ((spec->extension_defects & SIM_EXT_ABSENT) == 0)
        put_sgx_extension(&extension, spec);
    if ((spec->extension_defects & SIM_EXT_TWICE) != 0)
        put_sgx_extension(&extension, spec);
    const struct pki_plan plan = { .subject = leaf_of(spec),
                                   .issuer = ca_of(spec),
                                   .curve = CURVE_P256,
                                   .extension = sink_bytes(&extension) };
    put_pem(authority, &plan, out);
    out->full = out->full || !sink_ok(&extension);
}

static void put_ca(const struct sim_authority *authority, const struct sim_spec *spec,
                   struct sink *out)
{
    const struct pki_plan plan = {
        .subject = ca_of(spec), .issuer = root_of(spec), .curve = CURVE_P256, .ca = true
    };
    put_pem(authority, &plan, out);
}

bool sim_root(const struct sim_authority *authority, const struct sim_spec *spec, struct sink *out)
{
    const struct pki_plan plan = { .subject = root_of(spec),
                                   .issuer = root_of(spec),
                                   .curve = CURVE_P256,
                                   .ca = true,
                                   .path_len = 1 };
    put_pem(authority, &plan, out);
    return sink_ok(out);
}

bool sim_pck_chain(const struct sim_authority *authority, const struct sim_spec *spec,
                   struct sink *out)
{
    bool reversed = (spec->quote_defects & SIM_QUOTE_CHAIN_REVERSED) != 0;
    if (reversed && !sim_root(authority, spec, out))
        return false;
    if (!reversed)
        put_leaf(authority, spec, out);
    if ((spec->quote_defects & SIM_QUOTE_CHAIN_SHORT) == 0)
        put_ca(authority, spec, out);
    if (reversed) {
        put_leaf(authority, spec, out);
        return sink_ok(out);
    }
    return sim_root(authority, spec, out);
}

bool sim_signing_chain(const struct sim_authority *authority, const struct sim_spec *spec,
                       struct sink *out)
{
    const struct pki_plan plan = { .subject = signer_of(spec),
                                   .issuer = root_of(spec),
                                   .curve = CURVE_P256 };
    put_pem(authority, &plan, out);
    return sim_root(authority, spec, out);
}

/* --- revocation ----------------------------------------------------------------------- */

/* The serial when the certificate is revoked, else nothing.  `serial` is the caller's. */
static struct span serial_if_revoked(const struct pki_subject *subject, struct pki_serial *serial)
{
    *serial = pki_serial_of(subject->name);
    return subject->cert->revoked ? SPAN(serial->bytes) : (struct span){ 0 };
}

bool sim_root_crl(const struct sim_authority *authority, const struct sim_spec *spec,
                  struct sink *out)
{
    struct pki_serial ca_serial, signer_serial;
    const struct pki_subject ca = ca_of(spec), signer = signer_of(spec);
    const struct pki_crl_plan plan = { .issuer = root_of(spec),
                                       .curve = CURVE_P256,
                                       .crl = &spec->root_crl,
                                       .serials = { serial_if_revoked(&ca, &ca_serial),
                                                    serial_if_revoked(&signer, &signer_serial) } };
    pki_crl(authority, &plan, out);
    return sink_ok(out);
}

/* The PCK CRL always lists somebody, as a genuine one does. */
bool sim_pck_crl(const struct sim_authority *authority, const struct sim_spec *spec,
                 struct sink *out)
{
    struct pki_serial leaf_serial, other = pki_serial_of("somebody else's platform");
    const struct pki_subject leaf = leaf_of(spec);
    const struct pki_crl_plan plan = { .issuer = ca_of(spec),
                                       .curve = CURVE_P256,
                                       .crl = &spec->pck_crl,
                                       .serials = { SPAN(other.bytes),
                                                    serial_if_revoked(&leaf, &leaf_serial) } };
    pki_crl(authority, &plan, out);
    return sink_ok(out);
}
