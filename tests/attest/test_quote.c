/* test_quote.c - the layout of quotes: every refusal of AT-1 to AT-6, and genuine ones. */
#include <string.h>

#include "attest/quote.h"
#include "base/cursor.h"
#include "base/number.h"
#include "base/sink.h"
#include "test.h"
#include "vectors.h"

enum { QUOTE_ROOM = 16384, CERT_TEXT = 40 };

/* A quote by its parts, each of which a row may spoil. */
struct parts {
    uint16_t version, key_type;
    uint32_t tee_type;
    uint8_t vendor_first;  /* first byte of the vendor id */
    uint16_t body_type;    /* version 5 only */
    int32_t body_size_off; /* added to the stated size */
    size_t body_len;
    int64_t length_off; /* added to the stated signature data length */
    uint16_t outer_type;
    int32_t outer_off;
    uint16_t auth_len;
    uint16_t cert_type;
    uint32_t cert_off;
    size_t cert_len;
    bool nul;
    size_t inner_extra, trailing;
};

static const struct parts sgx3 = { 3, 2, 0, 0x93, 0, 0, 384, 0, 6, 0, 32, 5, 0, 40, false, 0, 0 };
static const struct parts sgx4 = { 4, 2, 0, 0x93, 0, 0, 384, 0, 6, 0, 32, 5, 0, 40, false, 0, 0 };
static const struct parts tdx4 = {
    4, 2, 0x81, 0x93, 0, 0, 584, 0, 6, 0, 32, 5, 0, 40, 0, false, 0
};
static const struct parts sgx5 = { 5, 2, 0, 0x93, 1, 0, 384, 0, 6, 0, 32, 5, 0, 40, false, 0, 0 };
static const struct parts tdx5 = {
    5, 2, 0x81, 0x93, 2, 0, 584, 0, 6, 0, 32, 5, 0, 40, 0, false, 0
};
static const struct parts tdx6 = {
    5, 2, 0x81, 0x93, 3, 0, 648, 0, 6, 0, 32, 5, 0, 40, 0, false, 0
};

static void put_fill(struct sink *out, uint8_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sink_u8(out, value);
}

static void put_inner(struct sink *out, const struct parts *p)
{
    put_fill(out, 3, QUOTE_ENCLAVE_REPORT_LEN);
    put_fill(out, 4, QUOTE_SIGNATURE_LEN);
    sink_u16le(out, p->auth_len);
    put_fill(out, 5, 32);
    sink_u16le(out, p->cert_type);
    sink_u32le(out, (uint32_t)(p->cert_len + (p->nul ? 1 : 0)) + p->cert_off);
    put_fill(out, 'C', p->cert_len);
    if (p->nul)
        sink_u8(out, 0);
    put_fill(out, 6, p->inner_extra);
}

static struct span make(struct sink *out, const struct parts *p)
{
    static uint8_t room[QUOTE_ROOM];
    struct sink inner = sink_over(room, sizeof room);
    put_inner(&inner, p);
    sink_u16le(out, p->version);
    sink_u16le(out, p->key_type);
    sink_u32le(out, p->tee_type);
    sink_u32le(out, 0);
    sink_u8(out, p->vendor_first);
    static const uint8_t vendor[15] = { 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94,
                                        0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };
    sink_put(out, SPAN(vendor));
    sink_zero(out, 20);
    if (p->version == 5) {
        sink_u16le(out, p->body_type);
        sink_u32le(out, (uint32_t)((int64_t)p->body_len + p->body_size_off));
    }
    for (size_t i = 0; i < p->body_len; i++)
        sink_u8(out, (uint8_t)i);
    size_t wrapper = p->version >= 4 ? 6 : 0;
    sink_u32le(out, (uint32_t)((int64_t)(128 + wrapper + inner.len) + p->length_off));
    put_fill(out, 1, QUOTE_SIGNATURE_LEN);
    put_fill(out, 2, QUOTE_KEY_LEN);
    if (wrapper != 0) {
        sink_u16le(out, p->outer_type);
        sink_u32le(out, (uint32_t)((int64_t)inner.len + p->outer_off));
    }
    sink_put(out, sink_bytes(&inner));
    put_fill(out, 0xAA, p->trailing);
    assert_true(sink_ok(out) && sink_ok(&inner));
    return sink_bytes(out);
}

static void accepts_every_kind(void **state)
{
    (void)state;
    static const struct {
        const struct parts *parts;
        enum evidence_kind kind;
        size_t signed_len;
    } rows[] = {
        { &sgx3, EVIDENCE_SGX_V3, 48 + 384 },    { &sgx4, EVIDENCE_SGX_V4, 48 + 384 },
        { &tdx4, EVIDENCE_TDX_V4, 48 + 584 },    { &sgx5, EVIDENCE_SGX_V5, 54 + 384 },
        { &tdx5, EVIDENCE_TDX_V5_10, 54 + 584 }, { &tdx6, EVIDENCE_TDX_V5_15, 54 + 648 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t room[QUOTE_ROOM];
        struct sink out = sink_over(room, sizeof room);
        struct span bytes = make(&out, rows[i].parts);
        struct report report = { 0 };
        struct quote quote;
        assert_true(quote_parse(bytes, &report, &quote));
        assert_true(report_is_sound(&report));
        for (int id = CHECK_AT_1; id <= CHECK_AT_6; id++)
            assert_true(report_passed(&report, (enum check_id)id));
        assert_int_equal(quote.kind, rows[i].kind);
        assert_int_equal(quote.signed_bytes.len, rows[i].signed_len);
        assert_int_equal(quote.body.len, rows[i].parts->body_len);
        assert_int_equal(quote.signature.at[0], 1);
        assert_int_equal(quote.att_key.at[0], 2);
        assert_int_equal(quote.qe_report.at[0], 3);
        assert_int_equal(quote.qe_signature.at[0], 4);
        assert_int_equal(quote.qe_auth.len, 32);
        assert_int_equal(quote.cert_data.len, CERT_TEXT);
        assert_int_equal(quote.cert_data.at[0], 'C');
        assert_int_equal(quote.trailing.len, 0);
    }
}

struct refusal {
    const char *name;
    const struct parts *base;
    void (*spoil)(struct parts *p);
    enum check_id check;
    enum reason reason;
    const char *detail; /* how it begins; NULL: not looked at */
};

#define SPOIL(name, statement)                                                                     \
    static void name(struct parts *p)                                                              \
    {                                                                                              \
        statement;                                                                                 \
    }

SPOIL(version_2, p->version = 2)
SPOIL(version_6, p->version = 6)
SPOIL(version_0, p->version = 0)
SPOIL(key_type_3, p->key_type = 3)
SPOIL(tee_type_1, p->tee_type = 1)
SPOIL(tee_tdx, p->tee_type = 0x81)
SPOIL(tee_sgx, p->tee_type = 0)
SPOIL(vendor, p->vendor_first = 0x92)
SPOIL(body_type_0, p->body_type = 0)
SPOIL(body_type_4, (p->body_type = 4, p->body_len = 885))
SPOIL(body_type_2, p->body_type = 2)
SPOIL(body_bigger, p->body_size_off = 1)
SPOIL(body_smaller, p->body_size_off = -1)
SPOIL(length_more, p->length_off = 1)
SPOIL(length_wraps, p->length_off = 0xfffffffcll - 4300)
SPOIL(length_less, p->length_off = -1)
SPOIL(length_small, p->length_off = -600)
SPOIL(length_tiny, p->length_off = -640)
SPOIL(length_outer, p->length_off = -533)
SPOIL(outer_5, p->outer_type = 5)
SPOIL(outer_more, p->outer_off = 1)
SPOIL(outer_less, p->outer_off = -1)
SPOIL(auth_more, p->auth_len = 0xffff)
SPOIL(cert_more, p->cert_off = 1)
SPOIL(cert_max, p->cert_off = 0xffffffffu - 40)
SPOIL(inner_extra, p->inner_extra = 1)
SPOIL(cert_type_0, p->cert_type = 0)
SPOIL(cert_type_6, p->cert_type = 6)
SPOIL(cert_type_7, p->cert_type = 7)
SPOIL(cert_ppid_pem, p->cert_type = 1)
SPOIL(cert_ppid_2, p->cert_type = 2)
SPOIL(cert_ppid_3, p->cert_type = 3)
SPOIL(trailing_1, p->trailing = 1)

static const struct refusal refusals[] = {
    { "version 2", &sgx3, version_2, CHECK_AT_2, REASON_QUOTE_VERSION_UNSUPPORTED },
    { "version 6", &tdx4, version_6, CHECK_AT_2, REASON_QUOTE_VERSION_UNSUPPORTED },
    { "version 0", &tdx4, version_0, CHECK_AT_2, REASON_QUOTE_VERSION_UNSUPPORTED },
    { "P-384 key", &tdx4, key_type_3, CHECK_AT_2, REASON_QUOTE_ATT_KEY_TYPE_UNSUPPORTED },
    { "TEE type 1", &tdx4, tee_type_1, CHECK_AT_2, REASON_QUOTE_TEE_TYPE_UNSUPPORTED },
    { "TDX in version 3", &sgx3, tee_tdx, CHECK_AT_2, REASON_QUOTE_TEE_TYPE_UNSUPPORTED },
    { "other vendor", &tdx4, vendor, CHECK_AT_2, REASON_QUOTE_VENDOR_ID_UNKNOWN },
    { "body type 0", &tdx5, body_type_0, CHECK_AT_3, REASON_QUOTE_BODY_TYPE_UNSUPPORTED },
    { "body type 4", &tdx5, body_type_4, CHECK_AT_3, REASON_QUOTE_BODY_TYPE_UNSUPPORTED },
    { "type 3 said 2", &tdx6, body_type_2, CHECK_AT_3, REASON_QUOTE_FORMAT },
    { "body size +1", &tdx6, body_bigger, CHECK_AT_3, REASON_QUOTE_FORMAT },
    { "body size -1", &sgx5, body_smaller, CHECK_AT_3, REASON_QUOTE_FORMAT },
    { "TD report in SGX", &tdx5, tee_sgx, CHECK_AT_3, REASON_QUOTE_FORMAT },
    { "enclave report in TDX", &sgx5, tee_tdx, CHECK_AT_3, REASON_QUOTE_FORMAT },
    { "length +1", &tdx4, length_more, CHECK_AT_4, REASON_QUOTE_TRUNCATED },
    { "length near 2^32", &tdx4, length_wraps, CHECK_AT_4, REASON_QUOTE_TRUNCATED },
    { "length -1", &tdx4, length_less, CHECK_AT_5, REASON_QUOTE_FORMAT,
      "the outer certification data's size is not that of what is inside" },
    { "length -1 in version 3", &sgx3, length_less, CHECK_AT_5, REASON_QUOTE_FORMAT },
    { "length without inner part", &tdx4, length_small, CHECK_AT_5, REASON_QUOTE_FORMAT,
      "the signature data ends inside signature and key" },
    { "length within key", &sgx3, length_tiny, CHECK_AT_5, REASON_QUOTE_FORMAT,
      "the signature data ends inside signature and key" },
    { "length up to the outer type", &tdx4, length_outer, CHECK_AT_5, REASON_QUOTE_FORMAT,
      "the signature data ends before its certification data" },
    { "outer type 5", &tdx4, outer_5, CHECK_AT_5, REASON_CERT_DATA_TYPE_UNSUPPORTED },
    { "outer size +1", &tdx4, outer_more, CHECK_AT_5, REASON_QUOTE_FORMAT,
      "the outer certification data's size is not that of what is inside" },
    { "outer size -1", &tdx5, outer_less, CHECK_AT_5, REASON_QUOTE_FORMAT,
      "the outer certification data's size is not that of what is inside" },
    { "auth length 0xffff", &sgx3, auth_more, CHECK_AT_5, REASON_QUOTE_FORMAT,
      "the signature data ends inside the quoting enclave's part" },
    { "inner size +1", &sgx3, cert_more, CHECK_AT_5, REASON_QUOTE_FORMAT,
      "the signature data ends inside the quoting enclave's part" },
    { "inner size 2^32-1", &tdx4, cert_max, CHECK_AT_5, REASON_QUOTE_FORMAT },
    { "bytes after inner part", &tdx4, inner_extra, CHECK_AT_5, REASON_QUOTE_FORMAT,
      "1 bytes follow the certification data" },
    { "bytes after it, version 3", &sgx3, inner_extra, CHECK_AT_5, REASON_QUOTE_FORMAT },
    { "type 0", &sgx3, cert_type_0, CHECK_AT_6, REASON_CERT_DATA_TYPE_UNSUPPORTED },
    { "type 6 inside", &tdx4, cert_type_6, CHECK_AT_6, REASON_CERT_DATA_TYPE_UNSUPPORTED },
    { "type 7", &tdx5, cert_type_7, CHECK_AT_6, REASON_CERT_DATA_TYPE_UNSUPPORTED },
    { "PPID of 40 bytes", &sgx3, cert_ppid_pem, CHECK_AT_6, REASON_CERT_DATA_TYPE_UNSUPPORTED },
    { "RSA-2048 PPID too short", &sgx3, cert_ppid_2, CHECK_AT_6,
      REASON_CERT_DATA_TYPE_UNSUPPORTED },
    { "RSA-3072 PPID too short", &sgx3, cert_ppid_3, CHECK_AT_6,
      REASON_CERT_DATA_TYPE_UNSUPPORTED },
};

static void names_the_failing_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        const struct refusal *row = &refusals[i];
        struct parts parts = *row->base;
        row->spoil(&parts);
        uint8_t room[QUOTE_ROOM];
        struct sink out = sink_over(room, sizeof room);
        struct span bytes = make(&out, &parts);
        struct report report = { 0 };
        struct quote quote = { .version = 77 };
        bool parsed = quote_parse(bytes, &report, &quote);
        enum check_id first = report_first_failure(&report);
        if (parsed || first != row->check || report.checks[first].reason != row->reason)
            fail_msg("%s: parsed=%d first=%s reason=%u", row->name, parsed, check_info(first)->id,
                     first < CHECK_COUNT ? report.checks[first].reason : 0);
        const char *detail = report_text(&report, report.checks[first].detail);
        if (row->detail != NULL && strncmp(detail, row->detail, strlen(row->detail)) != 0)
            fail_msg("%s: %s", row->name, detail);
        assert_int_equal(quote.version, 77);
        assert_true(report_is_sound(&report));
    }
}

static void trailing_bytes_fail_but_are_read_past(void **state)
{
    (void)state;
    struct parts parts = tdx4;
    trailing_1(&parts);
    uint8_t room[QUOTE_ROOM];
    struct sink out = sink_over(room, sizeof room);
    struct span bytes = make(&out, &parts);
    struct report report = { 0 };
    struct quote quote;
    assert_true(quote_parse(bytes, &report, &quote));
    assert_int_equal(report_first_failure(&report), CHECK_AT_4);
    assert_int_equal(report.checks[CHECK_AT_4].reason, REASON_QUOTE_TRAILING_BYTES);
    assert_int_equal(quote.trailing.len, 1);
    assert_true(report_passed(&report, CHECK_AT_5));
    report_relax(&report, CHECK_AT_4, REASON_QUOTE_TRAILING_BYTES);
    assert_int_equal(report_first_failure(&report), CHECK_COUNT);
    assert_int_equal(report.checks[CHECK_AT_4].relaxed, 1);
}

static void every_prefix_is_truncated(void **state)
{
    (void)state;
    const struct parts *bases[] = { &sgx3, &sgx4, &tdx4, &sgx5, &tdx5, &tdx6 };
    for (size_t b = 0; b < COUNT_OF(bases); b++) {
        uint8_t room[QUOTE_ROOM];
        struct sink out = sink_over(room, sizeof room);
        struct span bytes = make(&out, bases[b]);
        for (size_t len = 0; len < bytes.len; len++) {
            struct report report = { 0 };
            struct quote quote;
            assert_false(quote_parse(span_of(bytes.at, len), &report, &quote));
            enum check_id first = report_first_failure(&report);
            size_t body = 48 + bases[b]->body_len + (bases[b]->version == 5 ? 6 : 0);
            assert_int_equal(first, len < 48 ? CHECK_AT_1 : len < body ? CHECK_AT_3 : CHECK_AT_4);
            assert_int_equal(report.checks[first].reason, REASON_QUOTE_TRUNCATED);
        }
    }
}

static void certification_data(void **state)
{
    (void)state;
    static const struct {
        uint16_t type;
        size_t len;
        bool accepted;
    } rows[] = {
        { 1, 33, false },  { 1, 34, true },   { 1, 36, true },   { 1, 37, false },
        { 2, 273, false }, { 2, 274, true },  { 2, 276, true },  { 2, 277, false },
        { 3, 401, false }, { 3, 404, true },  { 3, 405, false }, { 4, 500, true },
        { 5, 0, true },    { 6, 500, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct parts parts = sgx3;
        parts.cert_type = rows[i].type;
        parts.cert_len = rows[i].len;
        uint8_t room[QUOTE_ROOM];
        struct sink out = sink_over(room, sizeof room);
        struct report report = { 0 };
        struct quote quote;
        assert_int_equal(quote_parse(make(&out, &parts), &report, &quote), rows[i].accepted);
        assert_int_equal(report_failed(&report, CHECK_AT_6), !rows[i].accepted);
        /* The chain of types 1 to 4 is the caller's: the line stays open. */
        assert_int_equal(report_passed(&report, CHECK_AT_6), rows[i].type == 5);
    }
}

static void one_closing_nul_is_cut(void **state)
{
    (void)state;
    struct parts parts = tdx4;
    parts.nul = true;
    uint8_t room[QUOTE_ROOM];
    struct sink out = sink_over(room, sizeof room);
    struct report report = { 0 };
    struct quote quote;
    assert_true(quote_parse(make(&out, &parts), &report, &quote));
    assert_int_equal(quote.cert_data.len, CERT_TEXT);
}

static void bodies_are_copied_by_offset(void **state)
{
    (void)state;
    uint8_t body[QUOTE_TD15_REPORT_LEN];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 7 + i / 256);
    struct tdx_claims t;
    assert_true(quote_body_tdx(span_of(body, 584), &t));
    static const struct {
        size_t field, len, at;
    } tdx[] = {
        { offsetof(struct tdx_claims, tee_tcb_svn), 16, 0 },
        { offsetof(struct tdx_claims, mr_seam), 48, 16 },
        { offsetof(struct tdx_claims, mr_signer_seam), 48, 64 },
        { offsetof(struct tdx_claims, seam_attributes), 8, 112 },
        { offsetof(struct tdx_claims, td_attributes), 8, 120 },
        { offsetof(struct tdx_claims, xfam), 8, 128 },
        { offsetof(struct tdx_claims, mrtd), 48, 136 },
        { offsetof(struct tdx_claims, mr_config_id), 48, 184 },
        { offsetof(struct tdx_claims, mr_owner), 48, 232 },
        { offsetof(struct tdx_claims, mr_owner_config), 48, 280 },
        { offsetof(struct tdx_claims, rtmr), 192, 328 },
        { offsetof(struct tdx_claims, report_data), 64, 520 },
    };
    for (size_t i = 0; i < COUNT_OF(tdx); i++)
        assert_memory_equal((const uint8_t *)&t + tdx[i].field, body + tdx[i].at, tdx[i].len);
    assert_true(bytes_are_zero(t.tee_tcb_svn2, 16) && bytes_are_zero(t.mr_service_td, 48));
    assert_true(quote_body_tdx(span_of(body, 648), &t));
    assert_memory_equal(t.tee_tcb_svn2, body + 584, 16);
    assert_memory_equal(t.mr_service_td, body + 600, 48);
    static const size_t wrong[] = { 0, 583, 585, 600, 647 };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(quote_body_tdx(span_of(body, wrong[i]), &t));

    struct sgx_claims s;
    assert_true(quote_body_sgx(span_of(body, 384), &s));
    static const struct {
        size_t field, len, at;
    } sgx[] = {
        { offsetof(struct sgx_claims, cpu_svn), 16, 0 },
        { offsetof(struct sgx_claims, isv_ext_prod_id), 16, 32 },
        { offsetof(struct sgx_claims, attributes), 16, 48 },
        { offsetof(struct sgx_claims, mr_enclave), 32, 64 },
        { offsetof(struct sgx_claims, mr_signer), 32, 128 },
        { offsetof(struct sgx_claims, config_id), 64, 192 },
        { offsetof(struct sgx_claims, isv_family_id), 16, 304 },
        { offsetof(struct sgx_claims, report_data), 64, 320 },
    };
    for (size_t i = 0; i < COUNT_OF(sgx); i++)
        assert_memory_equal((const uint8_t *)&s + sgx[i].field, body + sgx[i].at, sgx[i].len);
    assert_int_equal(s.misc_select,
                     body[16] | body[17] << 8 | body[18] << 16 | (int64_t)body[19] << 24);
    assert_int_equal(s.isv_prod_id, body[256] | body[257] << 8);
    assert_int_equal(s.isv_svn, body[258] | body[259] << 8);
    assert_int_equal(s.config_svn, body[260] | body[261] << 8);
    assert_false(quote_body_sgx(span_of(body, 383), &s));
    assert_false(quote_body_sgx(span_of(body, 385), &s));
}

static void sweep_prefixes(const char *name, void *arg)
{
    size_t *count = arg;
    struct span bytes = vectors_read(name);
    struct report whole = { 0 };
    struct quote quote;
    assert_true(quote_parse(bytes, &whole, &quote));
    size_t end = bytes.len - quote.trailing.len;
    for (size_t len = 0; len < end; len++) {
        struct report report = { 0 };
        struct quote none;
        assert_false(quote_parse(span_of(bytes.at, len), &report, &none));
        assert_true(report_first_failure(&report) < CHECK_COUNT);
    }
    vectors_free(&bytes);
    ++*count;
}

static void genuine_quotes_are_read_and_their_prefixes_refused(void **state)
{
    (void)state;
    vectors_required();
    size_t count = 0;
    vectors_each("attest/tdx", ".quote.bin", sweep_prefixes, &count);
    vectors_each("attest/sgx", ".quote.bin", sweep_prefixes, &count);
    assert_true(count >= 28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(accepts_every_kind, ""),
        TEST(names_the_failing_line, "AT-2 AT-3 AT-4 AT-5 AT-6"),
        TEST(trailing_bytes_fail_but_are_read_past, "AT-4"),
        TEST(every_prefix_is_truncated, "AT-1 AT-3 AT-4"),
        TEST(certification_data, ""),
        TEST(one_closing_nul_is_cut, ""),
        TEST(bodies_are_copied_by_offset, ""),
        TEST(genuine_quotes_are_read_and_their_prefixes_refused, ""),
    };
    return RUN_TESTS(tests);
}
