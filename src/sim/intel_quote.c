/* intel_quote.c - quotes of every version and body type (Intel TDX DCAP Quoting Library API,
   SGX ECDSA QuoteLibReference), and the default platform.  See sim.h. */
#include <string.h>

#include "crypto/hash.h"
#include "sim/pki.h"

enum {
    DAY = 86400,
    YEAR = 365 * DAY,
    REPORT_LEN = 384,
    BODY_MAX = 648,
    CERT_DATA_MAX = 6 * 1024,
    TDX_SIGNED = 48 + 584, /* header and body of a version 4 quote */
    TDX_MRTD = 48 + 136,
    TDX_RTMR = 48 + 328,
    TDX_REPORT_DATA = TDX_SIGNED - 64,
    TDX_SIGNATURE = TDX_SIGNED + 4,
    OUTER_TYPE = 6,
};

/* --- defaults ------------------------------------------------------------------------- */

static const uint8_t intel_vendor_id[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                             0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };

static void fill(uint8_t *at, size_t len, const char *text)
{
    uint8_t digest[SHA384_LEN];
    hash_sha384(span_text(text), digest);
    for (size_t i = 0; i < len; i++)
        at[i] = digest[i % sizeof digest];
}

static void default_workload(struct sim_spec *spec)
{
    struct tdx_claims *tdx = &spec->tdx;
    struct sgx_claims *sgx = &spec->sgx;
    static const uint8_t tee_tcb_svn[16] = { 5, 1, 2 };
    memcpy(tdx->tee_tcb_svn, tee_tcb_svn, 16);
    memcpy(tdx->tee_tcb_svn2, tee_tcb_svn, 16);
    fill(tdx->mr_seam, 48, "TDX module");
    tdx->td_attributes[3] = 0x10; /* SEPT_VE_DISABLE */
    tdx->xfam[0] = 0xe7;
    tdx->xfam[2] = 0x06;
    fill(tdx->mrtd, 48, "mrtd");
    static const char *const rtmrs[] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3" };
    for (size_t i = 0; i < 4; i++)
        fill(tdx->rtmr[i], 48, rtmrs[i]);
    fill(tdx->report_data, 64, "report data");
    memcpy(sgx->cpu_svn, spec->pck.cpu_svn, 16);
    sgx->attributes[0] = 0x05; /* INIT, MODE64BIT */
    sgx->attributes[8] = 0xe7;
    fill(sgx->mr_enclave, 32, "enclave");
    fill(sgx->mr_signer, 32, "signer");
    sgx->isv_prod_id = 1;
    sgx->isv_svn = 2;
    fill(sgx->report_data, 64, "report data");
}

static void default_platform(struct sim_spec *spec)
{
    struct pck_claims *pck = &spec->pck;
    static const uint8_t fmspc[6] = { 0x50, 0x57, 0x41, 0x52, 0x44, 0x00 };
    memcpy(pck->fmspc, fmspc, sizeof fmspc);
    memset(pck->comp_svn, 3, 8);
    memset(pck->cpu_svn, 3, 8);
    pck->pce_svn = 13;
    pck->dynamic_platform = FLAG_TRUE;
    pck->cached_keys = FLAG_TRUE;
    pck->smt_enabled = FLAG_TRUE;
}

static struct sim_svn_levels default_svn_levels(uint16_t good, int64_t now)
{
    return (struct sim_svn_levels){
        .at = { { good, "UpToDate", now - 100 * DAY, NULL },
                { (uint16_t)(good - 2), "OutOfDate", now - 300 * DAY, "WARD-SA-00002" },
                { (uint16_t)(good - 3), "Revoked", now - 400 * DAY, "WARD-SA-00003" } },
        .count = 3,
    };
}

static void default_tcb_info(struct sim_spec *spec, struct window validity, int64_t now)
{
    struct sim_tcb_info *info = &spec->tcb_info;
    info->version = 3;
    info->validity = validity;
    info->evaluation_number = 17;
    memcpy(info->fmspc, spec->pck.fmspc, sizeof info->fmspc);
    info->level_count = 3;
    info->levels[0] = (struct sim_level){ .pce_svn = 13,
                                          .status = "UpToDate",
                                          .date = now - 90 * DAY };
    info->levels[1] = (struct sim_level){ .pce_svn = 12,
                                          .status = "SWHardeningNeeded",
                                          .date = now - 200 * DAY,
                                          .advisory = "WARD-SA-00001" };
    info->levels[2] = (struct sim_level){
        .pce_svn = 5, .status = "OutOfDate", .date = now - 500 * DAY, .advisory = "WARD-SA-00000"
    };
    for (size_t i = 0; i < info->level_count; i++) {
        memset(info->levels[i].sgx, 3 - (int)i, 8);
        info->levels[i].tdx[0] = (uint8_t)(5 - i);
        info->levels[i].tdx[2] = (uint8_t)(2 - i);
    }
    memset(info->module_attributes_mask, 0xff, 8);
    info->module_count = 1;
    info->modules[0] = (struct sim_module){ .id = "TDX_01", .levels = default_svn_levels(5, now) };
    memset(info->modules[0].attributes_mask, 0xff, 8);
}

static void default_quoting_enclave(struct sim_spec *spec, struct window validity, int64_t now)
{
    struct sim_qe_identity *identity = &spec->qe_identity;
    identity->version = 2;
    identity->validity = validity;
    identity->evaluation_number = 17;
    fill(identity->mr_signer, 32, "quoting enclaves' signer");
    identity->misc_select_mask = UINT32_MAX;
    identity->attributes[0] = 0x11; /* INIT, PROVISIONKEY */
    memset(identity->attributes_mask, 0xff, 8);
    identity->attributes_mask[0] = 0xfb; /* MODE64BIT is free */
    identity->isv_prod_id = evidence_kind_is_tdx(spec->kind) ? 2 : 1;
    identity->levels = default_svn_levels(8, now);
    spec->qe_auth_len = 32;
    memcpy(spec->qe.cpu_svn, spec->pck.cpu_svn, 16);
    spec->qe.attributes[0] = 0x15;
    spec->qe.attributes[8] = 0xe7;
    fill(spec->qe.mr_enclave, 32, "quoting enclave");
    memcpy(spec->qe.mr_signer, identity->mr_signer, 32);
    spec->qe.isv_prod_id = identity->isv_prod_id;
    spec->qe.isv_svn = 8;
}

struct sim_spec sim_spec_default(enum evidence_kind kind, int64_t now)
{
    const struct window update = { now - 10 * DAY, now + 20 * DAY };
    const struct window years = { now - YEAR, now + 5 * (int64_t)YEAR };
    bool tdx = evidence_kind_is_tdx(kind);
    struct sim_spec spec = { .kind = kind,
                             .att_key_type = 2,
                             .tee_type = tdx ? 0x81 : 0,
                             .cert_type = 5,
                             .root = { .validity = { now - 2 * (int64_t)YEAR,
                                                     now + 20 * (int64_t)YEAR } },
                             .ca = { .validity = years },
                             .leaf = { .validity = years },
                             .signer = { .validity = years },
                             .root_crl = { .validity = { now - 30 * DAY, now + 330 * DAY } },
                             .pck_crl = { .validity = update } };
    spec.version = kind == EVIDENCE_SGX_V3                              ? 3
                   : kind == EVIDENCE_SGX_V4 || kind == EVIDENCE_TDX_V4 ? 4
                                                                        : 5;
    spec.body_type = kind == EVIDENCE_TDX_V5_15 ? 3 : kind == EVIDENCE_TDX_V5_10 ? 2 : 1;
    memcpy(spec.vendor_id, intel_vendor_id, sizeof intel_vendor_id);
    default_platform(&spec);
    default_workload(&spec);
    default_tcb_info(&spec, update, now);
    default_quoting_enclave(&spec, update, now);
    return spec;
}

/* --- layout --------------------------------------------------------------------------- */

static void put_enclave_report(struct sink *out, const struct sgx_claims *sgx)
{
    sink_put(out, SPAN(sgx->cpu_svn));
    sink_u32le(out, sgx->misc_select);
    sink_zero(out, 12);
    sink_put(out, SPAN(sgx->isv_ext_prod_id));
    sink_put(out, SPAN(sgx->attributes));
    sink_put(out, SPAN(sgx->mr_enclave));
    sink_zero(out, 32);
    sink_put(out, SPAN(sgx->mr_signer));
    sink_zero(out, 32);
    sink_put(out, SPAN(sgx->config_id));
    sink_u16le(out, sgx->isv_prod_id);
    sink_u16le(out, sgx->isv_svn);
    sink_u16le(out, sgx->config_svn);
    sink_zero(out, 42);
    sink_put(out, SPAN(sgx->isv_family_id));
    sink_put(out, SPAN(sgx->report_data));
}

static void put_td_report(struct sink *out, const struct tdx_claims *tdx, bool v15)
{
    sink_put(out, SPAN(tdx->tee_tcb_svn));
    sink_put(out, SPAN(tdx->mr_seam));
    sink_put(out, SPAN(tdx->mr_signer_seam));
    sink_put(out, SPAN(tdx->seam_attributes));
    sink_put(out, SPAN(tdx->td_attributes));
    sink_put(out, SPAN(tdx->xfam));
    sink_put(out, SPAN(tdx->mrtd));
    sink_put(out, SPAN(tdx->mr_config_id));
    sink_put(out, SPAN(tdx->mr_owner));
    sink_put(out, SPAN(tdx->mr_owner_config));
    for (size_t i = 0; i < 4; i++)
        sink_put(out, SPAN(tdx->rtmr[i]));
    sink_put(out, SPAN(tdx->report_data));
    if (!v15)
        return;
    sink_put(out, SPAN(tdx->tee_tcb_svn2));
    sink_put(out, SPAN(tdx->mr_service_td));
}

static void put_body(struct sink *out, const struct sim_spec *spec)
{
    uint8_t bytes[BODY_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    if (evidence_kind_is_tdx(spec->kind))
        put_td_report(&body, &spec->tdx, spec->kind == EVIDENCE_TDX_V5_15);
    else
        put_enclave_report(&body, &spec->sgx);
    if (spec->version == 5) {
        sink_u16le(out, spec->body_type);
        sink_u32le(out, (uint32_t)body.len);
    }
    sink_put(out, sink_bytes(&body));
}

static void put_header(struct sink *out, const struct sim_spec *spec)
{
    static const uint8_t user_data[20] = { 'w', 'a', 'r', 'd' };
    sink_u16le(out, spec->version);
    sink_u16le(out, spec->att_key_type);
    sink_u32le(out, spec->tee_type);
    sink_u16le(out, spec->version == 3 ? spec->qe.isv_svn : 0);
    sink_u16le(out, spec->version == 3 ? spec->pck.pce_svn : 0);
    sink_put(out, SPAN(spec->vendor_id));
    sink_put(out, SPAN(user_data));
}

/* --- what vouches for it -------------------------------------------------------------- */

/* Types 1 to 3 carry the PPID, in clear or under RSA. */
static size_t ppid_len(uint16_t cert_type)
{
    return cert_type == 2 ? 256 : cert_type == 3 ? 384 : 16;
}

static void put_cert_data(const struct sim_authority *authority, const struct sim_spec *spec,
                          struct sink *out)
{
    uint8_t bytes[CERT_DATA_MAX];
    struct sink data = sink_over(bytes, sizeof bytes);
    if (spec->cert_type == 5) {
        out->full = !sim_pck_chain(authority, spec, &data) || out->full;
        if ((spec->quote_defects & SIM_QUOTE_CHAIN_NUL) != 0)
            sink_u8(&data, 0);
    } else {
        sink_zero(&data, ppid_len(spec->cert_type) + 20); /* PPID, CPUSVN, PCESVN, PCE id */
    }
    sink_u16le(out, spec->cert_type);
    sink_u32le(out, (uint32_t)data.len);
    sink_put(out, sink_bytes(&data));
}

/* The QE report, its signature by the PCK key, the authentication data, the certificates. */
static void put_qe_data(const struct sim_authority *authority, const struct sim_spec *spec,
                        struct span att_key, struct sink *out)
{
    static const uint8_t auth[32] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                      11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                      22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
    uint8_t report[REPORT_LEN], raw[ECDSA_RAW_MAX];
    struct sgx_claims qe = spec->qe;
    const struct span bound[] = { att_key, span_of(auth, spec->qe_auth_len) };
    memset(qe.report_data, 0, sizeof qe.report_data);
    hash_sha256_parts(bound, 2, qe.report_data);
    if ((spec->quote_defects & SIM_QUOTE_BAD_QE_BINDING) != 0)
        qe.report_data[31] ^= 1;
    if ((spec->quote_defects & SIM_QUOTE_DIRTY_QE_DATA) != 0)
        qe.report_data[63] = 1;
    struct sink bytes = sink_over(report, sizeof report);
    put_enclave_report(&bytes, &qe);
    if (!pki_sign(authority->keys[SIM_KEY_PCK], sink_bytes(&bytes), raw))
        out->full = true;
    if ((spec->quote_defects & SIM_QUOTE_BAD_QE_SIGNATURE) != 0)
        raw[63] ^= 1;
    sink_put(out, sink_bytes(&bytes));
    sink_put(out, span_of(raw, 2 * P256_COORD));
    sink_u16le(out, (uint16_t)spec->qe_auth_len);
    sink_put(out, bound[1]);
    put_cert_data(authority, spec, out);
}

static void put_quote_signature(const struct sim_authority *authority, const struct sim_spec *spec,
                                struct span signed_bytes, struct sink *out)
{
    uint8_t raw[ECDSA_RAW_MAX];
    if (!pki_sign(authority->keys[SIM_KEY_ATTESTATION], signed_bytes, raw))
        out->full = true;
    if ((spec->quote_defects & SIM_QUOTE_HIGH_S) != 0)
        pki_other_s(CURVE_P256, raw);
    if ((spec->quote_defects & SIM_QUOTE_BAD_SIGNATURE) != 0)
        raw[63] ^= 1;
    sink_put(out, span_of(raw, 2 * P256_COORD));
}

bool sim_quote(const struct sim_authority *authority, const struct sim_spec *spec, struct sink *out)
{
    uint8_t key[2 * P256_COORD], bytes[SIM_QUOTE_MAX], inner_bytes[SIM_QUOTE_MAX];
    struct sink whole = sink_over(bytes, sizeof bytes);
    struct sink inner = sink_over(inner_bytes, sizeof inner_bytes);
    memcpy(key, authority->points[SIM_KEY_ATTESTATION] + 1, sizeof key);
    if ((spec->quote_defects & SIM_QUOTE_BAD_KEY) != 0)
        memset(key, 0, sizeof key);
    put_header(&whole, spec);
    put_body(&whole, spec);
    struct span signed_bytes = sink_bytes(&whole);
    put_qe_data(authority, spec, SPAN(key), &inner);
    bool wrapped = spec->version != 3;
    size_t len = sizeof key + 64 + (wrapped ? 6 : 0) + inner.len;
    sink_u32le(&whole, (uint32_t)len);
    put_quote_signature(authority, spec, signed_bytes, &whole);
    sink_put(&whole, SPAN(key));
    if (wrapped) {
        bool wrong = (spec->quote_defects & SIM_QUOTE_OUTER_TYPE_5) != 0;
        sink_u16le(&whole, wrong ? 5 : OUTER_TYPE);
        sink_u32le(&whole, (uint32_t)inner.len);
    }
    sink_put(&whole, sink_bytes(&inner));
    if ((spec->quote_defects & SIM_QUOTE_TRAILING) != 0)
        sink_zero(&whole, 39);
    sink_put(out, sink_bytes(&whole));
    return sink_ok(&whole) && sink_ok(&inner) && sink_ok(out);
}

bool sim_quote_renew(uint8_t *quote, size_t len, const uint8_t report_data[64], struct span scalar)
{
    uint8_t digest[SHA256_LEN];
    if (len < TDX_SIGNATURE + 2 * P256_COORD)
        return false;
    memcpy(quote + TDX_REPORT_DATA, report_data, 64);
    hash_sha256(span_of(quote, TDX_SIGNED), digest);
    return ecdsa_sign_once(CURVE_P256, scalar, digest, quote + TDX_SIGNATURE);
}

bool sim_quote_remeasure(uint8_t *quote, size_t len, const uint8_t mrtd[48],
                         const uint8_t rtmr[4][48])
{
    if (len < TDX_SIGNED)
        return false;
    memcpy(quote + TDX_MRTD, mrtd, 48);
    memcpy(quote + TDX_RTMR, rtmr, 4 * 48);
    return true;
}
