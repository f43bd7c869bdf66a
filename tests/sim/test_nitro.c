/* test_nitro.c - the authority's documents are accepted, and each defect gives its reason. */
#include "sim/sim.h"

#include <string.h>

#include "sim/nitro_case.h"

enum { NOW = NITRO_NOW };

static struct nitro_case shared;

static int open_case(void **state)
{
    (void)state;
    nitro_case_open(&shared);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    nitro_case_close(&shared);
    return 0;
}

static void assert_case(const char *name, enum verdict verdict, enum reason reason,
                        enum check_id check)
{
    struct decision got = shared.decision;
    if (got.verdict != verdict || got.reason != reason || (verdict == DENY && got.check != check))
        fail_msg("%s: %s %s at %s, wanted %s at %s", name, got.verdict == ALLOW ? "ALLOW" : "DENY",
                 reason_info(got.reason)->name, check_info(got.check)->id,
                 reason_info(reason)->name, check_info(check)->id);
}

static void test_good_documents(void **state)
{
    (void)state;
    static const unsigned harmless[] = { 0, SIM_NITRO_HIGH_S, SIM_NITRO_TAGGED,
                                         SIM_NITRO_INDEFINITE,
                                         SIM_NITRO_INDEFINITE | SIM_NITRO_TAGGED };
    for (size_t i = 0; i < COUNT_OF(harmless); i++) {
        nitro_case_reset(&shared);
        shared.spec.defects = harmless[i];
        shared.with_crls = (i & 1) != 0;
        nitro_case_run(&shared);
        assert_case("good", ALLOW, REASON_OK, CHECK_COUNT);
        assert_false(shared.claims.hardware);
        assert_int_equal(shared.claims.valid_until, NOW + 3 * 3600 - 5);
        assert_int_equal(shared.claims.nitro.leaf_not_before, NOW - 5);
        assert_int_equal(shared.claims.nitro.timestamp_ms, INT64_C(1000) * NOW);
        assert_memory_equal(shared.claims.nitro.pcrs, shared.spec.claims.pcrs,
                            sizeof shared.spec.claims.pcrs);
        assert_true(shared.claims.nitro.nonce.present);
    }
}

static void test_absent_fields(void **state)
{
    (void)state;
    for (unsigned as_nil = 0; as_nil < 2; as_nil++) {
        nitro_case_reset(&shared);
        shared.spec.claims.public_key.present = false;
        shared.spec.claims.user_data.present = false;
        shared.spec.claims.nonce.present = false;
        shared.spec.defects = as_nil != 0 ? SIM_NITRO_NIL_OPTIONALS : 0;
        nitro_case_run(&shared);
        assert_case("absent", ALLOW, REASON_OK, CHECK_COUNT);
        assert_false(shared.claims.nitro.nonce.present);
        assert_false(shared.claims.nitro.public_key.present);
    }
}

struct defect {
    const char *name;
    unsigned defects;
    enum reason reason;
    enum check_id check;
};

static void test_defects_of_the_document(void **state)
{
    (void)state;
    static const struct defect rows[] = {
        { "trailing byte", SIM_NITRO_TRAILING, REASON_NITRO_CBOR_INVALID, CHECK_AN_1 },
        { "key twice", SIM_NITRO_DUPLICATE_KEY, REASON_NITRO_CBOR_INVALID, CHECK_AN_1 },
        { "ES256", SIM_NITRO_WRONG_ALG, REASON_NITRO_ALG_UNSUPPORTED, CHECK_AN_2 },
        { "crit", SIM_NITRO_CRIT, REASON_NITRO_COSE_HEADER, CHECK_AN_2 },
        { "unprotected", SIM_NITRO_UNPROTECTED, REASON_NITRO_COSE_HEADER, CHECK_AN_2 },
        { "nil payload", SIM_NITRO_NIL_PAYLOAD, REASON_NITRO_SIGNATURE_FORMAT, CHECK_AN_3 },
        { "95 bytes", SIM_NITRO_SHORT_SIGNATURE, REASON_NITRO_SIGNATURE_FORMAT, CHECK_AN_3 },
        { "no module_id", SIM_NITRO_NO_MODULE_ID, REASON_NITRO_FIELD_MISSING, CHECK_AN_4 },
        { "no timestamp", SIM_NITRO_NO_TIMESTAMP, REASON_NITRO_FIELD_MISSING, CHECK_AN_4 },
        { "SHA256", SIM_NITRO_WRONG_DIGEST, REASON_NITRO_FIELD_INVALID, CHECK_AN_4 },
        { "PCR32", SIM_NITRO_PCR_32, REASON_NITRO_FIELD_INVALID, CHECK_AN_4 },
        { "no bundle", SIM_NITRO_EMPTY_BUNDLE, REASON_NITRO_FIELD_INVALID, CHECK_AN_4 },
        { "signature", SIM_NITRO_BAD_SIGNATURE, REASON_NITRO_SIGNATURE_INVALID, CHECK_AN_9 },
        { "other signature spoilt", SIM_NITRO_BAD_SIGNATURE | SIM_NITRO_HIGH_S,
          REASON_NITRO_SIGNATURE_INVALID, CHECK_AN_9 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        nitro_case_reset(&shared);
        shared.spec.defects = rows[i].defects;
        nitro_case_run(&shared);
        assert_case(rows[i].name, DENY, rows[i].reason, rows[i].check);
        assert_false(shared.claims.verified);
    }
}

/* One certificate of the chain, 0 the root .. 4 the leaf, is spoilt. */
static void test_defects_of_the_chain(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned defect;
        size_t from, to; /* certificates for which it is one */
        enum reason reason;
        enum check_id check;
    } rows[] = {
        { "another root", SIM_CERT_STRANGE_KEY, 0, 0, REASON_NITRO_ROOT_UNTRUSTED, CHECK_AN_5 },
        { "signature", SIM_CERT_BAD_SIGNATURE, 1, 4, REASON_NITRO_CHAIN_SIGNATURE_INVALID,
          CHECK_AN_6 },
        { "issuer", SIM_CERT_WRONG_ISSUER, 0, 4, REASON_NITRO_CHAIN_INVALID, CHECK_AN_6 },
        { "version 1", SIM_CERT_VERSION_1, 0, 4, REASON_NITRO_CHAIN_INVALID, CHECK_AN_6 },
        { "unknown critical", SIM_CERT_UNKNOWN_CRITICAL, 0, 4, REASON_NITRO_CHAIN_INVALID,
          CHECK_AN_6 },
        { "CA flipped", SIM_CERT_FLIP_CA, 0, 4, REASON_NITRO_CHAIN_INVALID, CHECK_AN_6 },
        { "no key usage", SIM_CERT_NO_KEY_USAGE, 0, 4, REASON_NITRO_CHAIN_INVALID, CHECK_AN_6 },
        { "key usage", SIM_CERT_WRONG_KEY_USAGE, 0, 4, REASON_NITRO_CHAIN_INVALID, CHECK_AN_6 },
        { "pathLen", SIM_CERT_SHORT_PATH, 0, 2, REASON_NITRO_CHAIN_INVALID, CHECK_AN_6 },
        { "key id", SIM_CERT_WRONG_KEY_ID, 1, 4, REASON_NITRO_CHAIN_INVALID, CHECK_AN_6 },
        { "hash", SIM_CERT_OTHER_HASH, 0, 4, REASON_NITRO_CHAIN_INVALID, CHECK_AN_6 },
        { "no basic constraints", SIM_CERT_NO_BASIC_CONSTRAINTS, 0, 3, REASON_NITRO_CHAIN_INVALID,
          CHECK_AN_6 },
        { "leaf of another", SIM_CERT_STRANGE_KEY, 4, 4, REASON_NITRO_SIGNATURE_INVALID,
          CHECK_AN_9 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t at = rows[i].from; at <= rows[i].to; at++) {
            nitro_case_reset(&shared);
            shared.spec.certs[at].defects = rows[i].defect;
            nitro_case_run(&shared);
            assert_case(rows[i].name, DENY, rows[i].reason, rows[i].check);
        }
    }
}

/* Every bound of every certificate, a second before, at and after: closed intervals. */
static void test_dates_of_the_chain(void **state)
{
    (void)state;
    for (size_t at = 0; at < SIM_NITRO_CERTS; at++) {
        for (int second = -1; second <= 1; second++) {
            nitro_case_reset(&shared);
            shared.spec.certs[at].validity.until = NOW + second;
            nitro_case_run(&shared);
            assert_case("until", second < 0 ? DENY : ALLOW,
                        second < 0 ? REASON_NITRO_CERT_EXPIRED : REASON_OK,
                        second < 0 ? CHECK_AN_7 : CHECK_COUNT);
            nitro_case_reset(&shared);
            shared.spec.certs[at].validity.from = NOW + second;
            nitro_case_run(&shared);
            if (second > 0)
                assert_case("from", DENY, REASON_NITRO_CERT_NOT_YET_VALID, CHECK_AN_7);
            else
                assert_case("from", ALLOW, REASON_OK, CHECK_COUNT);
        }
    }
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
        nitro_case_reset(&shared);
        shared.now = times[i];
        nitro_case_run(&shared);
        bool early = times[i] < NOW;
        assert_case("time", DENY,
                    early ? REASON_NITRO_CERT_NOT_YET_VALID : REASON_NITRO_CERT_EXPIRED,
                    CHECK_AN_7);
    }
    /* The leaf is still valid, the document is not fresh. */
    nitro_case_reset(&shared);
    shared.now = NOW + 300;
    nitro_case_run(&shared);
    assert_case("300 s", ALLOW, REASON_OK, CHECK_COUNT);
    shared.now = NOW + 301;
    nitro_case_run(&shared);
    assert_case("301 s", DENY, REASON_NITRO_STALE, CHECK_AN_10);
}

static void test_revocation(void **state)
{
    (void)state;
    for (size_t at = 1; at < SIM_NITRO_CERTS; at++) {
        nitro_case_reset(&shared);
        shared.spec.certs[at].revoked = true;
        nitro_case_run(&shared);
        assert_case("no CRL given", ALLOW, REASON_OK, CHECK_COUNT);
        shared.with_crls = true;
        nitro_case_run(&shared);
        assert_case("revoked", DENY, REASON_NITRO_CERT_REVOKED, CHECK_AN_8);
    }
}

static void test_policy_on_documents(void **state)
{
    (void)state;
    nitro_case_reset(&shared);
    shared.policy.hardware_required = true;
    nitro_case_run(&shared);
    assert_case("simulated", DENY, REASON_POLICY_HARDWARE, CHECK_AN_11);
    nitro_case_reset(&shared);
    for (unsigned i = 0; i < 3; i++)
        memset(shared.spec.claims.pcrs[i].bytes, 0, 48);
    nitro_case_run(&shared);
    assert_case("debug", DENY, REASON_NITRO_DEBUG, CHECK_AN_11);
    nitro_case_reset(&shared);
    shared.expectation.has_nonce = true;
    shared.expectation.nonce = span_text("a nonce");
    nitro_case_run(&shared);
    assert_case("nonce", ALLOW, REASON_OK, CHECK_COUNT);
    shared.expectation.nonce = span_text("another");
    nitro_case_run(&shared);
    assert_case("another nonce", DENY, REASON_NONCE_MISMATCH, CHECK_AN_11);
    nitro_case_reset(&shared);
    shared.policy.nitro.require_public_key = true;
    shared.spec.claims.public_key.present = false;
    nitro_case_run(&shared);
    assert_case("no key", DENY, REASON_POLICY_PUBLIC_KEY, CHECK_AN_12);
}

/* Sample of RL-1 on our own document: a cut or a flipped bit is never allowed, except for what
   is outside every signature. */
static void test_cuts_and_flips(void **state)
{
    (void)state;
    static uint8_t bytes[SIM_NITRO_MAX];
    nitro_case_reset(&shared);
    nitro_case_run(&shared);
    size_t len = shared.document_len;
    memcpy(bytes, shared.document, len);
    for (size_t cut = 0; cut < len; cut += cut < 64 ? 1 : 197) {
        nitro_case_judge(&shared, span_of(bytes, cut));
        assert_int_equal(shared.decision.verdict, DENY);
        assert_int_not_equal(shared.decision.reason, REASON_NONE);
    }
    struct test_random random = { 7 };
    for (unsigned i = 0; i < 150; i++) {
        size_t bit = test_random_below(&random, len * 8);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        nitro_case_judge(&shared, span_of(bytes, len));
        assert_int_equal(shared.decision.verdict, DENY);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    static uint8_t first[SIM_NITRO_MAX];
    struct sim_authority again = { 0 }, other = { 0 };
    nitro_case_reset(&shared);
    nitro_case_run(&shared);
    memcpy(first, shared.document, shared.document_len);
    assert_true(sim_authority_init(&again, span_text("tests")));
    struct sink out = sink_over(shared.document, sizeof shared.document);
    assert_true(sim_nitro_document(&again, &shared.spec, &out));
    assert_span_equal(sink_bytes(&out), span_of(first, shared.document_len));
    assert_true(sim_authority_init(&other, span_text("another seed")));
    out = sink_over(shared.document, sizeof shared.document);
    assert_true(sim_nitro_document(&other, &shared.spec, &out));
    nitro_case_judge(&shared, sink_bytes(&out));
    assert_case("another seed", DENY, REASON_NITRO_ROOT_UNTRUSTED, CHECK_AN_5);
    sim_authority_fini(&again);
    sim_authority_fini(&other);
}

static void test_full_sinks(void **state)
{
    (void)state;
    nitro_case_reset(&shared);
    nitro_case_run(&shared);
    for (size_t room = 0; room < shared.document_len; room += 511) {
        static uint8_t bytes[SIM_NITRO_MAX];
        struct sink out = sink_over(bytes, room);
        assert_false(sim_nitro_document(&shared.authority, &shared.spec, &out));
        out = sink_over(bytes, room < 300 ? room : 300);
        assert_false(sim_nitro_root(&shared.authority, &shared.spec, &out));
    }
    struct sink out = sink_over(shared.document, sizeof shared.document);
    assert_false(sim_nitro_crl(&shared.authority, &shared.spec, 4, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good_documents, ""),
        TEST(test_absent_fields, ""),
        TEST(test_defects_of_the_document, "AN-1 AN-2 AN-3 AN-4 AN-9"),
        TEST(test_defects_of_the_chain, "AN-5 AN-6"),
        TEST(test_dates_of_the_chain, "AN-7"),
        TEST(test_times_of_judging, "AN-7 AN-10"),
        TEST(test_revocation, "AN-8"),
        TEST(test_policy_on_documents, "AN-11 AN-12"),
        TEST(test_cuts_and_flips, ""),
        TEST(test_the_same_seed_gives_the_same_bytes, ""),
        TEST(test_full_sinks, ""),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}
