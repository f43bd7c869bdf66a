/* test_intel_quote.c - the authority's quotes are accepted, and each defect of a quote, its
   chain and its revocation lists gives its reason. */
#include "sim/sim.h"

#include "sim/intel_case.h"

static const enum evidence_kind kinds[] = {
    EVIDENCE_SGX_V3, EVIDENCE_SGX_V4,    EVIDENCE_SGX_V5,
    EVIDENCE_TDX_V4, EVIDENCE_TDX_V5_10, EVIDENCE_TDX_V5_15,
};

static struct intel_case shared;

static int open_case(void **state)
{
    (void)state;
    intel_case_open(&shared);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    intel_case_close(&shared);
    return 0;
}

/* Applies a change to a good case of every kind and expects the same answer. */
static void run_on_all(const char *name, void (*change)(struct sim_spec *spec), enum reason reason,
                       enum check_id check)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        intel_case_reset(&shared, kinds[i]);
        change(&shared.spec);
        intel_case_run(&shared);
        intel_case_assert(&shared, name, reason == REASON_OK ? ALLOW : DENY, reason, check);
        assert_int_equal(shared.claims.verified, reason == REASON_OK);
    }
}

static void nothing(struct sim_spec *s)
{
    (void)s;
}

static void test_good_quotes(void **state)
{
    (void)state;
    run_on_all("good", nothing, REASON_OK, CHECK_COUNT);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        intel_case_reset(&shared, kinds[i]);
        intel_case_run(&shared);
        const struct claims *claims = &shared.claims;
        assert_int_equal(claims->kind, kinds[i]);
        assert_false(claims->hardware);
        assert_int_equal(claims->valid_until, NOW + 20 * DAY);
        assert_int_equal(claims->tcb.status, TCB_UP_TO_DATE);
        assert_int_equal(claims->tcb.date, NOW - 100 * DAY);
        assert_int_equal(claims->tcb.evaluation_number, 17);
        assert_int_equal(claims->tcb.advisory_count, 0);
        assert_memory_equal(claims->pck.fmspc, shared.spec.pck.fmspc, 6);
        assert_int_equal(claims->pck.pce_svn, 13);
        if (evidence_kind_is_sgx(kinds[i])) {
            assert_memory_equal(&claims->sgx, &shared.spec.sgx, sizeof claims->sgx);
            continue;
        }
        if (kinds[i] != EVIDENCE_TDX_V5_15)
            memset(shared.spec.tdx.tee_tcb_svn2, 0, 16);
        assert_memory_equal(&claims->tdx, &shared.spec.tdx, sizeof claims->tdx);
    }
}

static void harmless(struct sim_spec *s)
{
    s->quote_defects = SIM_QUOTE_HIGH_S | SIM_QUOTE_CHAIN_NUL;
}
static void no_auth_data(struct sim_spec *s)
{
    s->qe_auth_len = 0;
}
static void processor(struct sim_spec *s)
{
    s->processor_ca = true;
}
static void version_2(struct sim_spec *s)
{
    s->tcb_info.version = 2;
}

static void test_good_variants(void **state)
{
    (void)state;
    run_on_all("high s, NUL", harmless, REASON_OK, CHECK_COUNT);
    run_on_all("no authentication data", no_auth_data, REASON_OK, CHECK_COUNT);
    run_on_all("processor CA", processor, REASON_OK, CHECK_COUNT);
    assert_false(shared.claims.pck.platform_ca);
    assert_int_equal(shared.claims.pck.smt_enabled, FLAG_UNDEFINED);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        intel_case_reset(&shared, kinds[i]);
        version_2(&shared.spec);
        intel_case_run(&shared);
        bool sgx = evidence_kind_is_sgx(kinds[i]);
        intel_case_assert(&shared, "TCB info version 2", sgx ? ALLOW : DENY,
                          sgx ? REASON_OK : REASON_TCB_INFO_VERSION_UNSUPPORTED, CHECK_AT_20);
    }
}

static void test_chain_from_outside(void **state)
{
    (void)state;
    for (uint16_t type = 1; type <= 4; type++) {
        intel_case_reset(&shared, EVIDENCE_SGX_V3);
        shared.spec.cert_type = type;
        intel_case_run(&shared);
        intel_case_assert(&shared, "no chain", DENY, REASON_PCK_CERT_MISSING, CHECK_AT_6);
        shared.chain_outside = true;
        intel_case_run(&shared);
        intel_case_assert(&shared, "chain given", ALLOW, REASON_OK, CHECK_COUNT);
    }
    static const uint16_t strange[] = { 0, 6, 7, 0xffff };
    for (size_t i = 0; i < COUNT_OF(strange); i++) {
        intel_case_reset(&shared, EVIDENCE_TDX_V4);
        shared.spec.cert_type = strange[i];
        intel_case_run(&shared);
        intel_case_assert(&shared, "strange type", DENY, REASON_CERT_DATA_TYPE_UNSUPPORTED,
                          CHECK_AT_6);
    }
}

struct row {
    const char *name;
    void (*change)(struct sim_spec *spec);
    enum reason reason;
    enum check_id check;
};

static void run_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        run_on_all(rows[i].name, rows[i].change, rows[i].reason, rows[i].check);
}

static void version_6(struct sim_spec *s)
{
    s->version = 6;
}
static void key_type_3(struct sim_spec *s)
{
    s->att_key_type = 3;
}
static void tee_type(struct sim_spec *s)
{
    s->tee_type = 0x82;
}
static void vendor(struct sim_spec *s)
{
    s->vendor_id[0] ^= 1;
}
static void trailing(struct sim_spec *s)
{
    s->quote_defects = SIM_QUOTE_TRAILING;
}
static void chain_reversed(struct sim_spec *s)
{
    s->quote_defects = SIM_QUOTE_CHAIN_REVERSED;
}
static void chain_short(struct sim_spec *s)
{
    s->quote_defects = SIM_QUOTE_CHAIN_SHORT;
}
static void qe_signature(struct sim_spec *s)
{
    s->quote_defects = SIM_QUOTE_BAD_QE_SIGNATURE;
}
static void qe_binding(struct sim_spec *s)
{
    s->quote_defects = SIM_QUOTE_BAD_QE_BINDING;
}
static void qe_dirty(struct sim_spec *s)
{
    s->quote_defects = SIM_QUOTE_DIRTY_QE_DATA;
}
static void bad_key(struct sim_spec *s)
{
    s->quote_defects = SIM_QUOTE_BAD_KEY;
}
static void bad_signature(struct sim_spec *s)
{
    s->quote_defects = SIM_QUOTE_BAD_SIGNATURE;
}
static void strange_pck(struct sim_spec *s)
{
    s->leaf.defects = SIM_CERT_STRANGE_KEY;
}

static void test_defects_of_the_quote(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "version 6", version_6, REASON_QUOTE_VERSION_UNSUPPORTED, CHECK_AT_2 },
        { "key type", key_type_3, REASON_QUOTE_ATT_KEY_TYPE_UNSUPPORTED, CHECK_AT_2 },
        { "vendor", vendor, REASON_QUOTE_VENDOR_ID_UNKNOWN, CHECK_AT_2 },
        { "trailing bytes", trailing, REASON_QUOTE_TRAILING_BYTES, CHECK_AT_4 },
        { "chain reversed", chain_reversed, REASON_PCK_CHAIN_INVALID, CHECK_AT_7 },
        { "chain of two", chain_short, REASON_PCK_CHAIN_INVALID, CHECK_AT_7 },
        { "QE report's signature", qe_signature, REASON_QE_REPORT_SIGNATURE_INVALID, CHECK_AT_27 },
        { "PCK of another key", strange_pck, REASON_QE_REPORT_SIGNATURE_INVALID, CHECK_AT_27 },
        { "QE vouches for another", qe_binding, REASON_QE_REPORT_DATA_MISMATCH, CHECK_AT_28 },
        { "QE data not zero", qe_dirty, REASON_QE_REPORT_DATA_MISMATCH, CHECK_AT_28 },
        { "attestation key", bad_key, REASON_ATT_KEY_INVALID, CHECK_AT_29 },
        { "quote's signature", bad_signature, REASON_QUOTE_SIGNATURE_INVALID, CHECK_AT_30 },
    };
    run_rows(rows, COUNT_OF(rows));
    for (size_t i = 1; i < COUNT_OF(kinds); i++) {
        intel_case_reset(&shared, kinds[i]);
        tee_type(&shared.spec);
        intel_case_run(&shared);
        intel_case_assert(&shared, "tee type", DENY, REASON_QUOTE_TEE_TYPE_UNSUPPORTED, CHECK_AT_2);
        intel_case_reset(&shared, kinds[i]);
        shared.spec.quote_defects = SIM_QUOTE_OUTER_TYPE_5;
        intel_case_run(&shared);
        intel_case_assert(&shared, "outer type", DENY, REASON_CERT_DATA_TYPE_UNSUPPORTED,
                          CHECK_AT_5);
    }
}

static void test_body_types(void **state)
{
    (void)state;
    static const struct {
        enum evidence_kind kind;
        uint16_t type;
        enum reason reason;
    } rows[] = {
        { EVIDENCE_TDX_V5_15, 2, REASON_QUOTE_FORMAT },
        { EVIDENCE_TDX_V5_10, 3, REASON_QUOTE_FORMAT },
        { EVIDENCE_TDX_V5_15, 4, REASON_QUOTE_BODY_TYPE_UNSUPPORTED },
        { EVIDENCE_TDX_V5_15, 0, REASON_QUOTE_BODY_TYPE_UNSUPPORTED },
        { EVIDENCE_SGX_V5, 9, REASON_QUOTE_BODY_TYPE_UNSUPPORTED },
        { EVIDENCE_SGX_V5, 2, REASON_QUOTE_FORMAT },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        intel_case_reset(&shared, rows[i].kind);
        shared.spec.body_type = rows[i].type;
        intel_case_run(&shared);
        intel_case_assert(&shared, "body type", DENY, rows[i].reason, CHECK_AT_3);
    }
}

/* One certificate of the chain is spoilt: 0 leaf, 1 intermediate, 2 root. */
static struct sim_cert *cert_of(struct sim_spec *spec, size_t at)
{
    return at == 0 ? &spec->leaf : at == 1 ? &spec->ca : &spec->root;
}

static void test_defects_of_the_chain(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned defect;
        size_t from, to;
        enum reason reason;
        enum check_id check;
    } rows[] = {
        { "issuer", SIM_CERT_WRONG_ISSUER, 0, 2, REASON_PCK_CHAIN_INVALID, CHECK_AT_7 },
        { "another root", SIM_CERT_STRANGE_KEY, 2, 2, REASON_PCK_ROOT_UNTRUSTED, CHECK_AT_8 },
        { "name", SIM_CERT_WRONG_NAME, 0, 2, REASON_PCK_CHAIN_INVALID, CHECK_AT_9 },
        { "version 1", SIM_CERT_VERSION_1, 0, 2, REASON_PCK_CHAIN_INVALID, CHECK_AT_9 },
        { "unknown critical", SIM_CERT_UNKNOWN_CRITICAL, 0, 2, REASON_PCK_CHAIN_INVALID,
          CHECK_AT_9 },
        { "CA flipped", SIM_CERT_FLIP_CA, 0, 2, REASON_PCK_CHAIN_INVALID, CHECK_AT_9 },
        { "no key usage", SIM_CERT_NO_KEY_USAGE, 0, 2, REASON_PCK_CHAIN_INVALID, CHECK_AT_9 },
        { "key usage", SIM_CERT_WRONG_KEY_USAGE, 0, 2, REASON_PCK_CHAIN_INVALID, CHECK_AT_9 },
        { "pathLen", SIM_CERT_SHORT_PATH, 2, 2, REASON_PCK_CHAIN_INVALID, CHECK_AT_9 },
        { "key id", SIM_CERT_WRONG_KEY_ID, 0, 1, REASON_PCK_CHAIN_INVALID, CHECK_AT_9 },
        { "hash", SIM_CERT_OTHER_HASH, 0, 2, REASON_PCK_CHAIN_INVALID, CHECK_AT_9 },
        { "no basic constraints", SIM_CERT_NO_BASIC_CONSTRAINTS, 1, 2, REASON_PCK_CHAIN_INVALID,
          CHECK_AT_9 },
        { "signature", SIM_CERT_BAD_SIGNATURE, 0, 1, REASON_PCK_SIGNATURE_INVALID, CHECK_AT_10 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t at = rows[i].from; at <= rows[i].to; at++) {
            intel_case_reset(&shared, at == 1 ? EVIDENCE_SGX_V3 : EVIDENCE_TDX_V4);
            cert_of(&shared.spec, at)->defects = rows[i].defect;
            intel_case_run(&shared);
            intel_case_assert(&shared, rows[i].name, DENY, rows[i].reason, rows[i].check);
        }
    }
}

static void test_dates_of_the_chain(void **state)
{
    (void)state;
    for (size_t at = 0; at < 3; at++) {
        for (int second = -1; second <= 1; second++) {
            intel_case_reset(&shared, EVIDENCE_TDX_V4);
            cert_of(&shared.spec, at)->validity.until = NOW + second;
            intel_case_run(&shared);
            intel_case_assert(&shared, "until", second < 0 ? DENY : ALLOW,
                              second < 0 ? REASON_PCK_EXPIRED : REASON_OK, CHECK_AT_11);
            assert_int_equal(shared.claims.tcb.status, TCB_UP_TO_DATE);
            intel_case_reset(&shared, EVIDENCE_TDX_V4);
            cert_of(&shared.spec, at)->validity.from = NOW + second;
            intel_case_run(&shared);
            /* The leaf's first day alone is excused while the collateral vouches for the time
               (ADR 0008). */
            bool refused = second > 0 && cert_of(&shared.spec, at) != &shared.spec.leaf;
            intel_case_assert(&shared, "from", refused ? DENY : ALLOW,
                              refused ? REASON_PCK_NOT_YET_VALID : REASON_OK, CHECK_AT_11);
        }
    }
}

/* Each piece of collateral that is from after the time, or is not there as signed, leaves the
   leaf's own first day to decide. */
static void test_a_leaf_from_after_the_time(void **state)
{
    (void)state;
    for (size_t piece = 0; piece < 5; piece++) {
        intel_case_reset(&shared, EVIDENCE_TDX_V4);
        shared.spec.leaf.validity.from = NOW + 1;
        int64_t *starts[] = { &shared.spec.root_crl.validity.from,
                              &shared.spec.pck_crl.validity.from,
                              &shared.spec.tcb_info.validity.from,
                              &shared.spec.qe_identity.validity.from };
        if (piece < 4)
            *starts[piece] = NOW + 1;
        else
            shared.spec.tcb_info.defects = SIM_JSON_BAD_SIGNATURE;
        intel_case_run(&shared);
        intel_case_assert(&shared, "early leaf", DENY, REASON_PCK_NOT_YET_VALID, CHECK_AT_11);
    }
    intel_case_reset(&shared, EVIDENCE_TDX_V4);
    shared.spec.leaf.validity.from = NOW + 1;
    intel_case_run(&shared);
    intel_case_assert(&shared, "early leaf, vouched for", ALLOW, REASON_OK, CHECK_AT_11);
    assert_true(shared.report.checks[CHECK_AT_11].detail != 0);
}

static void test_defects_of_the_extension(void **state)
{
    (void)state;
    for (unsigned bit = SIM_EXT_ABSENT; bit <= SIM_EXT_MISSING_COMPONENT; bit <<= 1) {
        intel_case_reset(&shared, EVIDENCE_TDX_V5_15);
        shared.spec.extension_defects = bit;
        intel_case_run(&shared);
        /* A certificate with one extension twice is no certificate. */
        bool form = bit == SIM_EXT_TWICE;
        intel_case_assert(&shared, "extension", DENY,
                          form ? REASON_PCK_CHAIN_INVALID : REASON_PCK_EXTENSION_INVALID,
                          form ? CHECK_AT_7 : CHECK_AT_12);
    }
}

struct crl_row {
    const char *name;
    unsigned defect;
    enum reason reason;
    enum check_id check;
};

static void test_defects_of_the_crls(void **state)
{
    (void)state;
    static const struct crl_row rows[] = {
        { "issuer", SIM_CRL_WRONG_ISSUER, REASON_CRL_ISSUER_MISMATCH, CHECK_AT_13 },
        { "signature", SIM_CRL_BAD_SIGNATURE, REASON_CRL_SIGNATURE_INVALID, CHECK_AT_14 },
        { "no CRL number", SIM_CRL_NO_NUMBER, REASON_CRL_FORMAT, CHECK_AT_14 },
        { "unknown critical", SIM_CRL_UNKNOWN_CRITICAL, REASON_CRL_FORMAT, CHECK_AT_14 },
        { "delta", SIM_CRL_DELTA, REASON_CRL_FORMAT, CHECK_AT_14 },
        { "indirect", SIM_CRL_INDIRECT, REASON_CRL_FORMAT, CHECK_AT_14 },
        { "version 1", SIM_CRL_VERSION_1, REASON_CRL_FORMAT, CHECK_AT_14 },
        { "no nextUpdate", SIM_CRL_NO_NEXT_UPDATE, REASON_CRL_EXPIRED, CHECK_AT_15 },
        { "padded serial", SIM_CRL_PADDED_SERIAL, REASON_CRL_FORMAT, CHECK_AT_13 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (unsigned root = 0; root < 2; root++) {
            intel_case_reset(&shared, root != 0 ? EVIDENCE_SGX_V3 : EVIDENCE_TDX_V4);
            struct sim_crl *crl = root != 0 ? &shared.spec.root_crl : &shared.spec.pck_crl;
            crl->defects = rows[i].defect;
            shared.spec.ca.revoked = false;
            shared.spec.signer.revoked = root != 0 && rows[i].defect == SIM_CRL_PADDED_SERIAL;
            intel_case_run(&shared);
            intel_case_assert(&shared, rows[i].name, DENY, rows[i].reason, rows[i].check);
        }
    }
}

static void test_dates_of_the_crls(void **state)
{
    (void)state;
    for (unsigned root = 0; root < 2; root++) {
        for (int second = -1; second <= 1; second++) {
            intel_case_reset(&shared, EVIDENCE_TDX_V4);
            struct sim_crl *crl = root != 0 ? &shared.spec.root_crl : &shared.spec.pck_crl;
            crl->validity.until = NOW + second;
            intel_case_run(&shared);
            intel_case_assert(&shared, "nextUpdate", second < 0 ? DENY : ALLOW,
                              second < 0 ? REASON_CRL_EXPIRED : REASON_OK, CHECK_AT_15);
            intel_case_reset(&shared, EVIDENCE_TDX_V4);
            crl->validity.from = NOW + second;
            intel_case_run(&shared);
            intel_case_assert(&shared, "thisUpdate", second > 0 ? DENY : ALLOW,
                              second > 0 ? REASON_CRL_NOT_YET_VALID : REASON_OK, CHECK_AT_15);
        }
    }
}

static void revoke_ca(struct sim_spec *s)
{
    s->ca.revoked = true;
}
static void revoke_signer(struct sim_spec *s)
{
    s->signer.revoked = true;
}
static void revoke_leaf(struct sim_spec *s)
{
    s->leaf.revoked = true;
}

static void test_revocation(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "intermediate revoked", revoke_ca, REASON_INTERMEDIATE_REVOKED, CHECK_AT_16 },
        { "signer revoked", revoke_signer, REASON_TCB_SIGNER_REVOKED, CHECK_AT_16 },
        { "PCK revoked", revoke_leaf, REASON_PCK_REVOKED, CHECK_AT_16 },
    };
    run_rows(rows, COUNT_OF(rows));
}

static void test_times_of_judging(void **state)
{
    (void)state;
    static const int64_t times[] = { 0,
                                     -1,
                                     INT64_MIN,
                                     INT64_MAX,
                                     INT64_C(1) << 31,
                                     (INT64_C(1) << 31) - 1,
                                     (INT64_C(1) << 32) + 1,
                                     TIME_MAX,
                                     TIME_MIN };
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        intel_case_reset(&shared, EVIDENCE_TDX_V5_15);
        shared.now = times[i];
        intel_case_run(&shared);
        intel_case_assert(&shared, "time", DENY,
                          times[i] < NOW ? REASON_PCK_NOT_YET_VALID : REASON_PCK_EXPIRED,
                          CHECK_AT_11);
    }
}

/* Sample of RL-1 on our own quotes: no bit is outside every check. */
static void test_cuts_and_flips(void **state)
{
    (void)state;
    static uint8_t bytes[SIM_QUOTE_MAX];
    struct test_random random = { 11 };
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        intel_case_reset(&shared, kinds[k]);
        struct collateral *collateral = intel_case_collateral(&shared);
        intel_case_run(&shared);
        size_t len = shared.quote_len;
        memcpy(bytes, shared.quote, len);
        for (size_t cut = 0; cut < len; cut += cut < 64 ? 1 : 211) {
            intel_case_judge(&shared, collateral, span_of(bytes, cut));
            assert_int_equal(shared.decision.verdict, DENY);
            assert_int_not_equal(shared.decision.reason, REASON_NONE);
        }
        for (unsigned i = 0; i < 400; i++) {
            size_t bit = test_random_below(&random, len * 8);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            intel_case_judge(&shared, collateral, span_of(bytes, len));
            if (shared.decision.verdict == ALLOW)
                fail_msg("%s: bit %zu of byte %zu", evidence_kind_name(kinds[k]), bit % 8, bit / 8);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        collateral_free(&collateral);
    }
}

/* The quoting key alone makes the same bytes as the whole authority; no shorter quote, and no
   scalar that is none. */
static void test_renewed_quotes(void **state)
{
    uint8_t scalar[P256_COORD], zeros[P256_COORD] = { 0 };
    uint8_t quote[SIM_QUOTE_MAX], wanted[SIM_QUOTE_MAX];
    (void)state;
    intel_case_reset(&shared, EVIDENCE_TDX_V4);
    size_t len = intel_make(&shared, sim_quote, quote, sizeof quote).len;
    assert_true(sim_quoting_scalar(span_text("tests"), scalar));
    struct sim_authority intel;
    assert_true(sim_authority_init_intel(&intel, span_text("tests")));
    struct sink again = sink_over(wanted, sizeof wanted);
    assert_true(sim_quote(&intel, &shared.spec, &again));
    assert_true(span_equal(sink_bytes(&again), span_of(quote, len)));
    assert_null(intel.keys[SIM_KEY_NITRO_ROOT]);
    sim_authority_fini(&intel);
    for (unsigned round = 0; round < 4; round++) {
        memset(shared.spec.tdx.report_data, (int)(50 * round), 64);
        struct span whole = intel_make(&shared, sim_quote, wanted, sizeof wanted);
        assert_true(sim_quote_renew(quote, len, shared.spec.tdx.report_data, SPAN(scalar)));
        assert_true(span_equal(span_of(quote, len), whole));
    }
    assert_false(sim_quote_renew(quote, 699, shared.spec.tdx.report_data, SPAN(scalar)));
    assert_false(sim_quote_renew(quote, len, shared.spec.tdx.report_data, SPAN(zeros)));
    assert_false(sim_quote_renew(quote, len, shared.spec.tdx.report_data, span_of(scalar, 31)));
}

static void test_full_sinks(void **state)
{
    (void)state;
    static uint8_t bytes[SIM_COLLATERAL_MAX];
    static intel_writer *const writers[] = { sim_quote,    sim_pck_chain,  sim_signing_chain,
                                             sim_root,     sim_root_crl,   sim_pck_crl,
                                             sim_tcb_info, sim_qe_identity };
    intel_case_reset(&shared, EVIDENCE_TDX_V5_15);
    for (size_t i = 0; i < COUNT_OF(writers); i++) {
        struct span whole = intel_make(&shared, writers[i], bytes, sizeof bytes);
        for (size_t room = 0; room < whole.len; room += whole.len / 7) {
            struct sink out = sink_over(bytes, room);
            assert_false(writers[i](&shared.authority, &shared.spec, &out));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good_quotes, "AT-36"),
        TEST(test_good_variants, "AT-20"),
        TEST(test_chain_from_outside, "AT-6"),
        TEST(test_defects_of_the_quote, "AT-2 AT-4 AT-5 AT-7 AT-27 AT-28 AT-29 AT-30"),
        TEST(test_body_types, "AT-3"),
        TEST(test_defects_of_the_chain, "AT-7 AT-8 AT-9 AT-10"),
        TEST(test_dates_of_the_chain, "AT-11"),
        TEST(test_a_leaf_from_after_the_time, "AT-11"),
        TEST(test_defects_of_the_extension, "AT-12"),
        TEST(test_defects_of_the_crls, "AT-13 AT-14 AT-15"),
        TEST(test_dates_of_the_crls, "AT-15"),
        TEST(test_revocation, "AT-16"),
        TEST(test_times_of_judging, ""),
        TEST(test_cuts_and_flips, ""),
        TEST(test_renewed_quotes, ""),
        TEST(test_full_sinks, ""),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}
