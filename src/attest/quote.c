/* quote.c - reads a quote's layout (AT-1 to AT-6).  No trust, no allocation; no length of
   the input is used before it has been compared with what is there. */
#include "attest/quote.h"

#include "base/cursor.h"
#include "base/number.h"

enum {
    ATT_KEY_ECDSA_P256 = 2,
    TEE_SGX = 0x0,
    TEE_TDX = 0x81,
    PPID_TAIL_MIN = 18, /* CPUSVN (16) and PCESVN (2) follow a PPID of types 1 to 3 */
    PPID_TAIL_MAX = 20, /* and the PCE id (2), which some writers leave out */
};

/* 939a7233-f79c-4ca9-940a-0db3957f0607, in the order of the wire. */
static const uint8_t intel_vendor_id[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                             0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };

struct quote_header {
    uint16_t version;
    uint16_t att_key_type;
    uint32_t tee_type;
    uint8_t vendor_id[16];
};

/* What a version 5 body descriptor may say (Intel TDX DCAP API, sgx_quote5_t). */
struct body_kind {
    uint16_t type;
    uint32_t size;
    uint32_t tee_type;
    enum evidence_kind kind;
};

static const struct body_kind body_kinds[] = {
    { 1, QUOTE_ENCLAVE_REPORT_LEN, TEE_SGX, EVIDENCE_SGX_V5 },
    { 2, QUOTE_TD10_REPORT_LEN, TEE_TDX, EVIDENCE_TDX_V5_10 },
    { 3, QUOTE_TD15_REPORT_LEN, TEE_TDX, EVIDENCE_TDX_V5_15 },
};

static bool read_header(struct cursor *in, struct report *report, struct quote_header *out)
{
    struct quote_header h = { 0 };
    size_t there = cur_left(in);
    /* 8..11 are the QE and PCE SVN in version 3 and reserved later; 28..47 are user data. */
    if (!(cur_u16le(in, &h.version) && cur_u16le(in, &h.att_key_type) &&
          cur_u32le(in, &h.tee_type) && cur_skip(in, 4) &&
          cur_copy(in, h.vendor_id, sizeof h.vendor_id) && cur_skip(in, 20)))
        return report_fail(report, CHECK_AT_1, REASON_QUOTE_TRUNCATED,
                           "%zu bytes where the header alone has %d", there, QUOTE_HEADER_LEN);
    report_pass(report, CHECK_AT_1);
    *out = h;
    return true;
}

static bool check_header(const struct quote_header *h, struct report *report)
{
    if (h->version < 3 || h->version > 5)
        return report_fail(report, CHECK_AT_2, REASON_QUOTE_VERSION_UNSUPPORTED, "version %u",
                           h->version);
    if (h->att_key_type != ATT_KEY_ECDSA_P256)
        return report_fail(report, CHECK_AT_2, REASON_QUOTE_ATT_KEY_TYPE_UNSUPPORTED,
                           "attestation key type %u", h->att_key_type);
    if (h->tee_type != TEE_SGX && h->tee_type != TEE_TDX)
        return report_fail(report, CHECK_AT_2, REASON_QUOTE_TEE_TYPE_UNSUPPORTED, "TEE type 0x%x",
                           h->tee_type);
    if (h->version == 3 && h->tee_type != TEE_SGX)
        return report_fail(report, CHECK_AT_2, REASON_QUOTE_TEE_TYPE_UNSUPPORTED,
                           "TEE type 0x%x in a version 3 quote, which is SGX only", h->tee_type);
    if (!bytes_equal(h->vendor_id, intel_vendor_id, sizeof intel_vendor_id)) {
        report_fail(report, CHECK_AT_2, REASON_QUOTE_VENDOR_ID_UNKNOWN,
                    "not the vendor id of Intel's quoting enclaves");
        report_values_hex(report, CHECK_AT_2, SPAN(intel_vendor_id), SPAN(h->vendor_id));
        return false;
    }
    report_pass(report, CHECK_AT_2);
    return true;
}

/* Version 5 states type and size before the body. */
static bool read_body_descriptor(struct cursor *in, const struct quote_header *h,
                                 struct report *report, struct body_kind *out)
{
    uint16_t type;
    uint32_t size;
    if (!(cur_u16le(in, &type) && cur_u32le(in, &size)))
        return report_fail(report, CHECK_AT_3, REASON_QUOTE_TRUNCATED,
                           "%zu bytes where the body's type and size have 6", cur_left(in));
    const struct body_kind *known = NULL;
    for (size_t i = 0; i < COUNT_OF(body_kinds); i++)
        if (body_kinds[i].type == type)
            known = &body_kinds[i];
    if (known == NULL)
        return report_fail(report, CHECK_AT_3, REASON_QUOTE_BODY_TYPE_UNSUPPORTED, "body type %u",
                           type);
    if (known->size != size)
        return report_fail(report, CHECK_AT_3, REASON_QUOTE_FORMAT,
                           "body type %u has %u bytes, the quote says %u", type, known->size, size);
    if (known->tee_type != h->tee_type)
        return report_fail(report, CHECK_AT_3, REASON_QUOTE_FORMAT,
                           "body type %u in a quote of TEE type 0x%x", type, h->tee_type);
    *out = *known;
    return true;
}

static struct body_kind implied_body(const struct quote_header *h)
{
    if (h->version == 3)
        return (struct body_kind){ 0, QUOTE_ENCLAVE_REPORT_LEN, TEE_SGX, EVIDENCE_SGX_V3 };
    if (h->tee_type == TEE_SGX)
        return (struct body_kind){ 0, QUOTE_ENCLAVE_REPORT_LEN, TEE_SGX, EVIDENCE_SGX_V4 };
    return (struct body_kind){ 0, QUOTE_TD10_REPORT_LEN, TEE_TDX, EVIDENCE_TDX_V4 };
}

static bool read_body(struct cursor *in, const struct quote_header *h, struct report *report,
                      struct quote *quote)
{
    struct body_kind kind = implied_body(h);
    if (h->version == 5 && !read_body_descriptor(in, h, report, &kind))
        return false;
    if (!cur_take(in, kind.size, &quote->body))
        return report_fail(report, CHECK_AT_3, REASON_QUOTE_TRUNCATED,
                           "%zu bytes where the body has %u", cur_left(in), kind.size);
    report_pass(report, CHECK_AT_3);
    quote->kind = kind.kind;
    quote->version = h->version;
    quote->signed_bytes = cur_since(in, 0);
    return true;
}

/* The signature data must be filled exactly, and so must the wrapper that versions 4 and 5
   put around the quoting enclave's part. */
static bool read_signature_data(struct cursor *in, struct report *report, struct quote *quote)
{
    struct cursor part;
    uint16_t outer = CERT_DATA_QE_REPORT;
    if (!(cur_take(in, QUOTE_SIGNATURE_LEN, &quote->signature) &&
          cur_take(in, QUOTE_KEY_LEN, &quote->att_key)))
        return report_fail(report, CHECK_AT_5, REASON_QUOTE_FORMAT,
                           "the signature data ends inside signature and key");
    if (quote->version > 3 && !cur_u16le(in, &outer))
        return report_fail(report, CHECK_AT_5, REASON_QUOTE_FORMAT,
                           "the signature data ends before its certification data");
    if (outer != CERT_DATA_QE_REPORT)
        return report_fail(report, CHECK_AT_5, REASON_CERT_DATA_TYPE_UNSUPPORTED,
                           "outer certification data of type %u, wanted %d", outer,
                           CERT_DATA_QE_REPORT);
    if (quote->version == 3)
        part = cur_over(cur_rest(in));
    else if (!(cur_sub_u32le(in, &part) && cur_end(in)))
        return report_fail(report, CHECK_AT_5, REASON_QUOTE_FORMAT,
                           "the outer certification data's size is not that of what is inside");
    struct cursor auth, data;
    if (!(cur_take(&part, QUOTE_ENCLAVE_REPORT_LEN, &quote->qe_report) &&
          cur_take(&part, QUOTE_SIGNATURE_LEN, &quote->qe_signature) &&
          cur_sub_u16le(&part, &auth) && cur_u16le(&part, &quote->cert_type) &&
          cur_sub_u32le(&part, &data)))
        return report_fail(report, CHECK_AT_5, REASON_QUOTE_FORMAT,
                           "the signature data ends inside the quoting enclave's part");
    if (!cur_end(&part))
        return report_fail(report, CHECK_AT_5, REASON_QUOTE_FORMAT,
                           "%zu bytes follow the certification data", cur_left(&part));
    quote->qe_auth = cur_rest(&auth);
    quote->cert_data = cur_rest(&data);
    report_pass(report, CHECK_AT_5);
    return true;
}

/* The shortest PPID of types 1 to 3; 0 for other types. */
static size_t ppid_len(uint16_t type)
{
    switch (type) {
    case CERT_DATA_PPID_CLEAR:
        return 16;
    case CERT_DATA_PPID_RSA2048:
        return 256;
    case CERT_DATA_PPID_RSA3072:
        return 384;
    default:
        return 0;
    }
}

static bool check_certification_data(struct report *report, struct quote *quote)
{
    size_t ppid = ppid_len(quote->cert_type), len = quote->cert_data.len;
    if (quote->cert_type < CERT_DATA_PPID_CLEAR || quote->cert_type > CERT_DATA_PCK_CHAIN)
        return report_fail(report, CHECK_AT_6, REASON_CERT_DATA_TYPE_UNSUPPORTED,
                           "certification data of type %u", quote->cert_type);
    if (ppid > 0 && (len < ppid + PPID_TAIL_MIN || len > ppid + PPID_TAIL_MAX))
        return report_fail(report, CHECK_AT_6, REASON_CERT_DATA_TYPE_UNSUPPORTED,
                           "certification data of type %u (a PPID) with %zu bytes",
                           quote->cert_type, len);
    if (quote->cert_type != CERT_DATA_PCK_CHAIN)
        return true; /* the caller's chain decides */
    /* "may end in NUL": Intel's library counts the terminator of its C string. */
    if (len > 0 && quote->cert_data.at[len - 1] == 0)
        quote->cert_data.len--;
    report_pass(report, CHECK_AT_6);
    return true;
}

bool quote_parse(struct span bytes, struct report *report, struct quote *out)
{
    struct cursor in = cur_over(bytes), signature_data;
    struct quote_header header = { 0 };
    struct quote quote = { 0 };
    if (!(read_header(&in, report, &header) && check_header(&header, report) &&
          read_body(&in, &header, report, &quote)))
        return false;
    if (!cur_sub_u32le(&in, &signature_data))
        return report_fail(report, CHECK_AT_4, REASON_QUOTE_TRUNCATED,
                           "%zu bytes follow the body, fewer than the signature data's length says",
                           cur_left(&in));
    quote.trailing = cur_rest(&in);
    if (!read_signature_data(&signature_data, report, &quote) ||
        !check_certification_data(report, &quote))
        return false;
    /* Only now: with a wrong length the bytes behind it would be the quote's own. */
    if (quote.trailing.len != 0)
        report_fail(report, CHECK_AT_4, REASON_QUOTE_TRAILING_BYTES,
                    "%zu bytes follow the end of the quote", quote.trailing.len);
    report_pass(report, CHECK_AT_4);
    *out = quote;
    return true;
}

bool quote_body_sgx(struct span body, struct sgx_claims *out)
{
    struct sgx_claims s = { 0 };
    struct cursor in = cur_over(body);
    if (!(cur_copy(&in, s.cpu_svn, sizeof s.cpu_svn) && cur_u32le(&in, &s.misc_select) &&
          cur_skip(&in, 12) && cur_copy(&in, s.isv_ext_prod_id, sizeof s.isv_ext_prod_id) &&
          cur_copy(&in, s.attributes, sizeof s.attributes) &&
          cur_copy(&in, s.mr_enclave, sizeof s.mr_enclave) && cur_skip(&in, 32) &&
          cur_copy(&in, s.mr_signer, sizeof s.mr_signer) && cur_skip(&in, 32) &&
          cur_copy(&in, s.config_id, sizeof s.config_id) && cur_u16le(&in, &s.isv_prod_id) &&
          cur_u16le(&in, &s.isv_svn) && cur_u16le(&in, &s.config_svn) && cur_skip(&in, 42) &&
          cur_copy(&in, s.isv_family_id, sizeof s.isv_family_id) &&
          cur_copy(&in, s.report_data, sizeof s.report_data) && cur_end(&in)))
        return false;
    *out = s;
    return true;
}

static bool read_td15_tail(struct cursor *in, struct tdx_claims *t)
{
    return cur_end(in) || (cur_copy(in, t->tee_tcb_svn2, sizeof t->tee_tcb_svn2) &&
                           cur_copy(in, t->mr_service_td, sizeof t->mr_service_td) && cur_end(in));
}

bool quote_body_tdx(struct span body, struct tdx_claims *out)
{
    struct tdx_claims t = { 0 };
    struct cursor in = cur_over(body);
    if (!(cur_copy(&in, t.tee_tcb_svn, sizeof t.tee_tcb_svn) &&
          cur_copy(&in, t.mr_seam, sizeof t.mr_seam) &&
          cur_copy(&in, t.mr_signer_seam, sizeof t.mr_signer_seam) &&
          cur_copy(&in, t.seam_attributes, sizeof t.seam_attributes) &&
          cur_copy(&in, t.td_attributes, sizeof t.td_attributes) &&
          cur_copy(&in, t.xfam, sizeof t.xfam) && cur_copy(&in, t.mrtd, sizeof t.mrtd) &&
          cur_copy(&in, t.mr_config_id, sizeof t.mr_config_id) &&
          cur_copy(&in, t.mr_owner, sizeof t.mr_owner) &&
          cur_copy(&in, t.mr_owner_config, sizeof t.mr_owner_config) &&
          cur_copy(&in, t.rtmr, sizeof t.rtmr) &&
          cur_copy(&in, t.report_data, sizeof t.report_data) && read_td15_tail(&in, &t)))
        return false;
    *out = t;
    return true;
}
