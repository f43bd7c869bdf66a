/* test_request.c - what a request may hold: evidence as bytes, hex or base64 or inside an
   RA-TLS certificate, and expectations, none of which is ever passed over in silence. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "codec/base64.h"
#include "codec/der_write.h"
#include "codec/pem.h"
#include "crypto/hash.h"
#include "lib/subject.h"

static struct stock stock;
static struct judge judge;

static int open_all(void **state)
{
    (void)state;
    stock_open(&stock);
    stock_add_made(&stock);
    stock_add_made_document(&stock);
    judge = judge_open();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    judge_close(&judge);
    stock_close(&stock);
    return 0;
}

/* --- forms of evidence ----------------------------------------------------------------- */

static char text[64 * 1024];

static struct ward_bytes as_hex(struct span bytes, const char *before, const char *after)
{
    struct sink out = sink_over(text, sizeof text);
    sink_text(&out, before);
    sink_hex(&out, bytes);
    sink_text(&out, after);
    return bytes_of(sink_bytes(&out));
}

static struct ward_bytes as_base64(struct span bytes, size_t width)
{
    static char flat[32 * 1024];
    struct sink out = sink_over(flat, sizeof flat);
    struct sink wrapped = sink_over(text, sizeof text);
    base64_encode(&out, bytes);
    for (size_t i = 0; i < out.len; i += width) {
        sink_put(&wrapped, span_of(flat + i, out.len - i < width ? out.len - i : width));
        sink_text(&wrapped, "\n");
    }
    return bytes_of(sink_bytes(&wrapped));
}

static void evidence_comes_in_three_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < stock.count; i++) {
        struct span raw = stock.list[i].evidence;
        struct ward_collateral *collateral = subject_collateral(&stock.list[i]);
        struct ward_request request = subject_request(&stock.list[i], collateral);
        request.evidence = as_hex(raw, "", "");
        assert_string_equal(judge_reason(&judge, &request), "OK");
        request.evidence = as_hex(raw, " 0x", "\r\n");
        assert_string_equal(judge_reason(&judge, &request), "OK");
        request.evidence = as_base64(raw, 76);
        assert_string_equal(judge_reason(&judge, &request), "OK");
        request.evidence = as_base64(raw, SIZE_MAX / 2);
        assert_string_equal(judge_reason(&judge, &request), "OK");
        request.evidence = as_hex(raw, "", "0");
        assert_string_not_equal(judge_reason(&judge, &request), "OK");
        request.evidence = as_hex(raw, "", "g0");
        assert_string_not_equal(judge_reason(&judge, &request), "OK");
        request.evidence = as_hex(raw, "", "00");
        assert_string_not_equal(judge_reason(&judge, &request), "OK");
        ward_collateral_free(&collateral);
    }
}

static void evidence_that_is_none(void **state)
{
    static char large[4 * WARD_EVIDENCE_MAX];
    struct ward_request request = { .time = SIM_SET_TIME };
    (void)state;
    assert_string_equal(judge_reason(&judge, &request), "QUOTE_TRUNCATED");
    request.evidence = (struct ward_bytes){ NULL, 99, NULL };
    assert_string_equal(judge_reason(&judge, &request), "QUOTE_TRUNCATED");
    request.evidence = (struct ward_bytes){ "what is this?", 13, NULL };
    assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_UNRECOGNISED");
    request.evidence = (struct ward_bytes){ large, sizeof large, NULL };
    assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_TOO_LARGE");
    request.evidence.len = WARD_EVIDENCE_MAX + 1;
    assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_TOO_LARGE");
    request.evidence.len = WARD_EVIDENCE_MAX;
    assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_UNRECOGNISED");
    /* Text that stands for one byte too many. */
    memset(large, '0', sizeof large);
    request.evidence.len = 2 * (size_t)WARD_EVIDENCE_MAX + 2;
    assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_TOO_LARGE");
    request.evidence.len = 0;
    request.event_log = (struct ward_bytes){ large, WARD_EVENT_LOG_MAX + 1, NULL };
    assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_TOO_LARGE");
}

static void a_type_asked_for_refuses_all_others(void **state)
{
    static const struct {
        enum ward_type type;
        const char *prefix;
    } types[] = { { WARD_TYPE_TDX, "tdx" }, { WARD_TYPE_SGX, "sgx" }, { WARD_TYPE_NITRO, "nit" } };
    (void)state;
    for (size_t i = 0; i < stock.count; i++) {
        struct ward_collateral *collateral = subject_collateral(&stock.list[i]);
        struct ward_request request = subject_request(&stock.list[i], collateral);
        for (size_t k = 0; k < COUNT_OF(types); k++) {
            request.type = types[k].type;
            bool same = strncmp(stock.list[i].name, types[k].prefix, 3) == 0;
            bool allowed = strcmp(judge_reason(&judge, &request), "OK") == 0;
            assert_true(allowed == same);
        }
        ward_collateral_free(&collateral);
    }
}

/* --- expectations ------------------------------------------------------------------------ */

static void report_data_is_compared_whole(void **state)
{
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V5_15, SIM_SET_TIME);
    (void)state;
    for (size_t i = 0; i < 64; i++)
        spec.tdx.report_data[i] = (uint8_t)(i + 1);
    struct subject *subject = stock_make(&stock, "report data", &spec);
    struct ward_collateral *collateral = subject_collateral(subject);
    struct ward_request request = subject_request(subject, collateral);
    uint8_t expected[64];
    memcpy(expected, spec.tdx.report_data, 64);
    request.report_data = expected;
    assert_string_equal(judge_reason(&judge, &request), "OK");
    for (size_t bit = 0; bit < 512; bit++) {
        expected[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_string_equal(judge_reason(&judge, &request), "POLICY_REPORT_DATA");
        expected[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    request.nonce_seen = true;
    assert_string_equal(judge_reason(&judge, &request), "NONCE_REPLAY");
    ward_collateral_free(&collateral);
    stock.count--;
}

static void a_nonce_of_a_quote_is_followed_by_zeros(void **state)
{
    struct sim_spec spec = sim_spec_default(EVIDENCE_SGX_V3, SIM_SET_TIME);
    uint8_t nonce[65] = { 9, 8, 7, 6, 5 };
    (void)state;
    memset(spec.sgx.report_data, 0, 64);
    memcpy(spec.sgx.report_data, nonce, 5);
    struct subject *subject = stock_make(&stock, "nonce", &spec);
    struct ward_collateral *collateral = subject_collateral(subject);
    struct ward_request request = subject_request(subject, collateral);
    for (size_t len = 1; len <= 65; len++) {
        request.nonce = (struct ward_bytes){ nonce, len, NULL };
        bool fits = len >= 5 && len <= 64;
        assert_string_equal(judge_reason(&judge, &request), fits ? "OK" : "POLICY_REPORT_DATA");
    }
    ward_collateral_free(&collateral);
    stock.count--;
}

/* What the evidence cannot hold is a refusal, not an expectation that is forgotten. */
static void expectations_of_the_other_kind_refuse(void **state)
{
    static const uint8_t zeros[64];
    (void)state;
    for (size_t i = 0; i < stock.count; i++) {
        struct ward_collateral *collateral = subject_collateral(&stock.list[i]);
        struct ward_request request = subject_request(&stock.list[i], collateral);
        if (collateral != NULL)
            request.user_data = (struct ward_bytes){ "x", 1, NULL };
        else
            request.report_data = zeros;
        assert_string_not_equal(judge_reason(&judge, &request), "OK");
        request = subject_request(&stock.list[i], collateral);
        request.event_log = (struct ward_bytes){ "[]", 2, NULL };
        assert_string_not_equal(judge_reason(&judge, &request), "OK");
        ward_collateral_free(&collateral);
    }
}

/* --- RA-TLS -------------------------------------------------------------------------------- */

#define OID_DSTACK_QUOTE "1.3.6.1.4.1.62397.1.1"
#define OID_DSTACK_LOG   "1.3.6.1.4.1.62397.1.2"
#define OID_INTEL_QUOTE  "1.2.840.113741.1337.6"

static void put_spki(struct sink *out)
{
    struct span point = sim_point(&stock.authority, SIM_KEY_STRANGER);
    size_t whole = der_begin(out, DER_SEQUENCE);
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, "1.2.840.10045.2.1");
    der_put_oid(out, "1.2.840.10045.3.1.7");
    der_end(out, algorithm);
    der_put_bits(out, span_of(point.at, 65));
    der_end(out, whole);
}

static void put_algorithm(struct sink *out)
{
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, "1.2.840.10045.4.3.2");
    der_end(out, algorithm);
}

static void put_name(struct sink *out)
{
    size_t name = der_begin(out, DER_SEQUENCE), set = der_begin(out, DER_SET);
    size_t pair = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, "2.5.4.3");
    der_put(out, DER_UTF8_STRING, span_text("peer"));
    der_end(out, pair);
    der_end(out, set);
    der_end(out, name);
}

static void put_extension(struct sink *out, const char *oid, struct span value, bool wrapped)
{
    size_t extension = der_begin(out, DER_SEQUENCE);
    der_put_oid(out, oid);
    size_t octets = der_begin(out, DER_OCTET_STRING);
    if (wrapped)
        der_put(out, DER_OCTET_STRING, value);
    else
        sink_put(out, value);
    der_end(out, octets);
    der_end(out, extension);
}

/* A certificate of the stranger's key with evidence inside.  Its own signature is of no
   consequence: what binds the key is the report data. */
static struct span make_certificate(const char *oid, struct span quote, struct span log,
                                    bool wrapped)
{
    static uint8_t room[96 * 1024];
    static const uint8_t ones[64] = { [31] = 1, [63] = 1 };
    struct sink out = sink_over(room, sizeof room);
    size_t whole = der_begin(&out, DER_SEQUENCE), tbs = der_begin(&out, DER_SEQUENCE);
    size_t version = der_begin(&out, DER_EXPLICIT(0));
    der_put_small(&out, 2);
    der_end(&out, version);
    der_put_small(&out, 7);
    put_algorithm(&out);
    put_name(&out);
    size_t validity = der_begin(&out, DER_SEQUENCE);
    der_put_time(&out, SIM_SET_TIME - 60);
    der_put_time(&out, SIM_SET_TIME + 60);
    der_end(&out, validity);
    put_name(&out);
    put_spki(&out);
    size_t explicit = der_begin(&out, DER_EXPLICIT(3)), list = der_begin(&out, DER_SEQUENCE);
    put_extension(&out, oid, quote, wrapped);
    if (log.len > 0)
        put_extension(&out, OID_DSTACK_LOG, log, true);
    der_end(&out, list);
    der_end(&out, explicit);
    der_end(&out, tbs);
    put_algorithm(&out);
    uint8_t signature[80];
    struct sink inner = sink_over(signature, sizeof signature);
    der_put_ecdsa_sig(&inner, SPAN(ones));
    der_put_bits(&out, sink_bytes(&inner));
    der_end(&out, whole);
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

/* The report data by which a quote vouches for the stranger's key. */
static void bind(bool dstack, uint8_t report_data[64])
{
    uint8_t room[256];
    struct sink spki = sink_over(room, sizeof room);
    put_spki(&spki);
    memset(report_data, 0, 64);
    if (dstack) {
        const struct span parts[] = { span_text("ratls-cert:"), sink_bytes(&spki) };
        hash_sha512_parts(parts, 2, report_data);
    } else {
        hash_sha256(sink_bytes(&spki), report_data);
    }
}

static void certificates_are_bound_to_their_key(void **state)
{
    (void)state;
    for (unsigned dstack = 0; dstack < 2; dstack++) {
        struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME);
        bind(dstack == 1, spec.tdx.report_data);
        struct subject *subject = stock_make(&stock, "bound", &spec);
        struct ward_collateral *collateral = subject_collateral(subject);
        struct ward_request request = subject_request(subject, collateral);
        const char *oid = dstack == 1 ? OID_DSTACK_QUOTE : OID_INTEL_QUOTE;
        struct span der = make_certificate(oid, subject->evidence, (struct span){ 0 }, dstack == 1);
        request.evidence = (struct ward_bytes){ 0 };
        request.certificate = bytes_of(der);
        assert_string_equal(judge_reason(&judge, &request), "OK");
        /* Each expectation of the caller's own holds beside the binding. */
        request.report_data = spec.tdx.report_data;
        assert_string_equal(judge_reason(&judge, &request), "OK");
        uint8_t other[64] = { 1 };
        request.report_data = other;
        assert_string_equal(judge_reason(&judge, &request), "POLICY_REPORT_DATA");
        request.report_data = NULL;
        struct sink pem = sink_over(text, sizeof text);
        pem_write(&pem, "CERTIFICATE", der);
        request.certificate = bytes_of(sink_bytes(&pem));
        assert_string_equal(judge_reason(&judge, &request), "OK");
        /* The same evidence of the other convention binds another value. */
        der = make_certificate(dstack == 1 ? OID_INTEL_QUOTE : OID_DSTACK_QUOTE, subject->evidence,
                               (struct span){ 0 }, dstack == 0);
        request.certificate = bytes_of(der);
        assert_string_equal(judge_reason(&judge, &request), "POLICY_REPORT_DATA");
        /* Genuine evidence that somebody else was given. */
        der = make_certificate(oid, stock_find(&stock, "tdx-v4")->evidence, (struct span){ 0 },
                               dstack == 1);
        request.certificate = bytes_of(der);
        assert_string_equal(judge_reason(&judge, &request), "POLICY_REPORT_DATA");
        ward_collateral_free(&collateral);
        stock.count--;
    }
}

static void a_log_inside_a_certificate_is_judged(void **state)
{
    static uint8_t room[SIM_LOG_MAX];
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME);
    struct sim_log_spec log = sim_log_default(LOG_DSTACK_V1);
    struct sink out = sink_over(room, sizeof room);
    struct ward_bytes claim;
    (void)state;
    bind(true, spec.tdx.report_data);
    sim_log_registers(&log, spec.tdx.rtmr);
    assert_true(sim_log(&log, &out));
    struct subject *subject = stock_make(&stock, "with log", &spec);
    struct ward_collateral *collateral = subject_collateral(subject);
    struct ward_request request = subject_request(subject, collateral);
    struct span der = make_certificate(OID_DSTACK_QUOTE, subject->evidence, sink_bytes(&out), true);
    request.evidence = (struct ward_bytes){ 0 };
    request.certificate = bytes_of(der);
    assert_string_equal(judge_reason(&judge, &request), "OK");
    assert_true(ward_result_claim(judge.result, "app_id", &claim));
    /* A log of the caller's own takes the place of that inside. */
    request.event_log = (struct ward_bytes){ "[]", 2, NULL };
    assert_string_equal(judge_reason(&judge, &request), "RTMR_MISMATCH");
    ward_collateral_free(&collateral);
    stock.count--;
}

static void certificates_that_are_none(void **state)
{
    struct span quote = stock_find(&stock, "tdx-v4")->evidence;
    struct ward_request request = { .time = SIM_SET_TIME, .policy = stock.made };
    struct span der = make_certificate("1.2.3.4", quote, (struct span){ 0 }, true);
    (void)state;
    static uint8_t copy[96 * 1024];
    request.certificate = bytes_of(der);
    assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_UNRECOGNISED");
    request.certificate = (struct ward_bytes){ "garbage", 7, NULL };
    assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_UNRECOGNISED");
    request.certificate = (struct ward_bytes){ NULL, 7, NULL };
    assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_UNRECOGNISED");
    der = make_certificate(OID_DSTACK_QUOTE, quote, (struct span){ 0 }, false);
    request.certificate = bytes_of(der);
    assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_UNRECOGNISED");
    der = make_certificate(OID_DSTACK_QUOTE, quote, (struct span){ 0 }, true);
    for (size_t len = 1; len < der.len; len++) {
        memcpy(copy, der.at, len);
        request.certificate = (struct ward_bytes){ copy, len, NULL };
        assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_UNRECOGNISED");
    }
    request.certificate = (struct ward_bytes){ copy, WARD_EVIDENCE_MAX + 1, NULL };
    assert_string_equal(judge_reason(&judge, &request), "EVIDENCE_TOO_LARGE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(evidence_comes_in_three_forms, ""),
        TEST(evidence_that_is_none, ""),
        TEST(a_type_asked_for_refuses_all_others, ""),
        TEST(report_data_is_compared_whole, ""),
        TEST(a_nonce_of_a_quote_is_followed_by_zeros, ""),
        TEST(expectations_of_the_other_kind_refuse, ""),
        TEST(certificates_are_bound_to_their_key, ""),
        TEST(a_log_inside_a_certificate_is_judged, ""),
        TEST(certificates_that_are_none, ""),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
