/* test_collateral.c - snapshots: what is recognised, how it is described, limits, memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/collateral_parts.h"
#include "attest/dcap_set.h"
#include "attest/sim_set.h"
#include "crypto/ecdsa.h"

#define DAY 86400

/* --- memory that runs out -------------------------------------------------------------- */

/* Every allocation of this program comes through here (-Wl,--wrap=malloc). */
void *__real_malloc(size_t len);
void *__wrap_malloc(size_t len);

static size_t fail_after = SIZE_MAX; /* allocations that still succeed */
static size_t heap_calls;

void *__wrap_malloc(size_t len)
{
    heap_calls++;
    if (fail_after == 0) {
        errno = ENOMEM;
        return NULL;
    }
    fail_after -= fail_after != SIZE_MAX;
    return __real_malloc(len);
}

static void no_memory_is_no_snapshot(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    sim_set_make(set, &spec);
    struct collateral_sources sources = sim_set_named(set);
    struct collateral_item heap[] = { sources.tcb_info, sources.qe_identity };
    sources.items = heap;
    sources.count = COUNT_OF(heap);
    size_t allowed = 0;
    for (bool made = false; !made; allowed++) {
        fail_after = allowed;
        struct collateral *c = collateral_new(&sources, &set->roots, NULL);
        fail_after = SIZE_MAX;
        made = c != NULL;
        collateral_free(&c);
        assert_null(c);
        assert_true(allowed < 1000);
    }
    assert_true(allowed > 2);
    sim_set_free(set);
}

/* Judging takes nothing from the heap, whatever it is given. */
static void judging_allocates_nothing(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V5_15, SIM_NOW);
    static struct dcap_cache cache;
    sim_set_run(set, &spec, SIM_NOW);
    cache_remember(&cache, CACHE_ALL);
    for (size_t round = 0; round < 4; round++) {
        set->cache = round % 2 == 0 ? NULL : &cache;
        set->files[SIM_FILE_QUOTE].len -= round == 3 ? 1 : 0;
        heap_calls = 0;
        sim_set_judge(set, SIM_NOW + (round == 2 ? 90 * DAY : 0));
        assert_int_equal(heap_calls, 0);
    }
    set->cache = NULL;
    sim_set_free(set);
}

/* --- how many signatures are verified --------------------------------------------------- */

bool __real_ecdsa_verify(struct crypto *crypto, enum curve curve, struct span point,
                         const uint8_t *digest, struct span raw);
bool __wrap_ecdsa_verify(struct crypto *crypto, enum curve curve, struct span point,
                         const uint8_t *digest, struct span raw);

static size_t verifications;

bool __wrap_ecdsa_verify(struct crypto *crypto, enum curve curve, struct span point,
                         const uint8_t *digest, struct span raw)
{
    verifications++;
    return __real_ecdsa_verify(crypto, curve, point, digest, raw);
}

static void count_verifications(const struct genuine *g)
{
    static const struct {
        unsigned remembers;
        size_t wanted;
    } rows[] = { { 0, 5 }, { CACHE_CA, 3 }, { CACHE_CA | CACHE_PCK, 2 }, { CACHE_ALL, 1 } };
    static struct dcap_cache cache;
    struct set set;
    struct span quote = vectors_read(g->quote);
    set_open(&set, &g->files);
    verifications = 0;
    set_build(&set);
    assert_int_equal(set_judge(&set, quote, g->now), REASON_OK);
    assert_int_equal(verifications, 9);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct dcap_input input = { .quote = quote,
                                    .collateral = set.collateral,
                                    .roots = &set.roots,
                                    .now = g->now,
                                    .cache = &cache };
        cache_remember(&cache, rows[i].remembers);
        dcap_verify(&input, set.crypto, &set.report, &set.claims);
        verifications = 0;
        dcap_verify(&input, set.crypto, &set.report, &set.claims);
        assert_true(set.claims.verified);
        assert_int_equal(verifications, rows[i].wanted);
    }
    vectors_free(&quote);
    set_close(&set);
}

static void no_signature_is_verified_twice(void **state)
{
    (void)state;
    vectors_required();
    count_verifications(&genuine_sgx3);
    count_verifications(&genuine_tdx4);
    count_verifications(&genuine_tdx5);
}

/* --- and of a root that a policy names --------------------------------------------------- */

/* The files as a heap, judged under one root. */
static size_t count_under(struct sim_set *set, const struct trust_root *root)
{
    const struct collateral_sources named = sim_set_named(set);
    const struct collateral_item heap[] = {
        named.tcb_info, named.qe_identity,      named.pck_crl,
        named.root_crl, named.tcb_signing_cert, { set->files[SIM_FILE_CHAIN], "chain" },
    };
    const struct collateral_sources sources = { .items = heap, .count = COUNT_OF(heap) };
    set->root = *root;
    verifications = 0;
    sim_set_build(set, &sources);
    assert_int_equal(sim_set_judge(set, SIM_NOW), CHECK_COUNT);
    return verifications;
}

/* A certificate that was named needs its own signature as little as a pinned one: nine, as of
   genuine evidence.  Of any other with that key every byte must be vouched for: ten. */
static void a_named_root_is_not_verified_with_itself(void **state)
{
    (void)state;
    static const enum evidence_kind kinds[] = { EVIDENCE_SGX_V3,    EVIDENCE_SGX_V4,
                                                EVIDENCE_SGX_V5,    EVIDENCE_TDX_V4,
                                                EVIDENCE_TDX_V5_10, EVIDENCE_TDX_V5_15 };
    struct sim_set *set = sim_set_new();
    const struct trust_root by_key = set->root;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        static uint8_t room[SIM_COLLATERAL_MAX];
        struct sim_spec spec = sim_spec_default(kinds[i], SIM_NOW);
        struct sink pem = sink_over(room, sizeof room);
        struct trust_root named, other;
        assert_true(sim_root(&set->authority, &spec, &pem));
        assert_true(trust_root_read(sink_bytes(&pem), &named));
        spec.root.validity.until--;
        pem = sink_over(room, sizeof room);
        assert_true(sim_root(&set->authority, &spec, &pem));
        assert_true(trust_root_read(sink_bytes(&pem), &other));
        assert_memory_equal(named.point, other.point, sizeof named.point);
        spec.root.validity.until++;
        sim_set_make(set, &spec);
        assert_int_equal(count_under(set, &named), 9);
        assert_int_equal(count_under(set, &by_key), 10);
        assert_int_equal(count_under(set, &other), 10);
    }
    sim_set_free(set);
}

/* The bytes that were named, and no others. */
static void a_spoilt_root_is_not_the_one_that_was_named(void **state)
{
    (void)state;
    static uint8_t room[SIM_COLLATERAL_MAX];
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    struct sink pem = sink_over(room, sizeof room);
    assert_true(sim_root(&set->authority, &spec, &pem));
    assert_true(trust_root_read(sink_bytes(&pem), &set->root));
    sim_set_run(set, &spec, SIM_NOW);
    sim_set_expect(set, "as named", CHECK_COUNT, REASON_OK);
    spec.root.defects = SIM_CERT_BAD_SIGNATURE;
    sim_set_run(set, &spec, SIM_NOW);
    sim_set_expect(set, "spoilt", CHECK_AT_10, REASON_PCK_SIGNATURE_INVALID);
    sim_set_free(set);
}

/* --- descriptions ---------------------------------------------------------------------- */

struct wanted {
    enum collateral_kind kind;
    const char *subject;
    bool trusted;
    const char *problem;
    int64_t until;
};

static void pieces_are_described(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    sim_set_make(set, &spec);
    const struct collateral_item heap[] = {
        { set->files[SIM_FILE_SIGNER], "signer" },
        { set->files[SIM_FILE_ROOT_CRL], "root_crl" },
        { set->files[SIM_FILE_PCK_CRL], "pck_crl" },
        { span_text("rubbish"), "rubbish" },
        { span_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "asn" },
        { span_text("-----BEGIN CERTIFICATE-----\n"), "pem" },
        { set->files[SIM_FILE_TCB_INFO], "tcb_info" },
        { set->files[SIM_FILE_QE_IDENTITY], "qe_identity" },
        { span_text(" {\"tcbInfo\":{}}"), "json" },
    };
    static const char no_kind[] = "neither JSON of TCB info or QE identity, CRL nor certificate";
    const struct wanted wanted[] = {
        { COLLATERAL_CERTIFICATE, "Intel SGX TCB Signing", true, NULL, spec.signer.validity.until },
        { COLLATERAL_CERTIFICATE, "Intel SGX Root CA", true, NULL, spec.root.validity.until },
        { COLLATERAL_CRL, "Intel SGX Root CA", true, NULL, spec.root_crl.validity.until },
        { COLLATERAL_CRL, "Intel SGX PCK Platform CA", false,
          "its issuer's certificate is not among these files", spec.pck_crl.validity.until },
        { COLLATERAL_UNKNOWN, "", false, no_kind, 0 },
        { COLLATERAL_UNKNOWN, "", false, no_kind, 0 },
        { COLLATERAL_UNKNOWN, "", false, "not well-formed PEM", 0 },
        { COLLATERAL_TCB_INFO, "TDX", true, NULL, spec.tcb_info.validity.until },
        { COLLATERAL_QE_IDENTITY, "TD_QE", true, NULL, spec.qe_identity.validity.until },
        { COLLATERAL_UNKNOWN, "", false, "missing, or not 128 hex digits", 0 },
    };
    const struct collateral_sources sources = { .items = heap, .count = COUNT_OF(heap) };
    sim_set_build(set, &sources);
    assert_int_equal(collateral_count(set->collateral), COUNT_OF(wanted));
    struct collateral_entry e;
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        assert_true(collateral_entry(set->collateral, i, &e));
        bool same_problem = wanted[i].problem == NULL
                                ? e.problem == NULL
                                : e.problem != NULL && strcmp(e.problem, wanted[i].problem) == 0;
        if (e.kind != wanted[i].kind || e.trusted != wanted[i].trusted || !same_problem ||
            e.validity.until != wanted[i].until)
            fail_msg("piece %zu (%s): %s, %s", i, e.name, collateral_kind_name(e.kind),
                     e.problem == NULL ? "fine" : e.problem);
        assert_true(span_equal_text(e.subject, wanted[i].subject));
        assert_int_equal(e.has_fmspc, e.kind == COLLATERAL_TCB_INFO);
    }
    assert_false(collateral_entry(set->collateral, COUNT_OF(wanted), &e));
    assert_true(collateral_entry(set->collateral, 7, &e));
    assert_memory_equal(e.fmspc, spec.tcb_info.fmspc, 6);
    assert_int_equal(e.evaluation_number, spec.tcb_info.evaluation_number);
    assert_string_equal(e.name, "tcb_info");
    sim_set_free(set);
}

/* The problem of the piece with a name. */
static const char *problem_of(const struct sim_set *set, const char *name)
{
    struct collateral_entry e;
    for (size_t i = 0; collateral_entry(set->collateral, i, &e); i++)
        if (strcmp(e.name, name) == 0) {
            assert_false(e.trusted);
            return e.problem;
        }
    fail_msg("no piece is called %s", name);
    return NULL;
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    spec.tcb_info.defects = SIM_JSON_BAD_SIGNATURE;
    spec.qe_identity.version = 3;
    spec.root_crl.defects = SIM_CRL_BAD_SIGNATURE;
    sim_set_make(set, &spec);
    const struct collateral_item heap[] = {
        { set->files[SIM_FILE_TCB_INFO], "info" },
        { set->files[SIM_FILE_QE_IDENTITY], "identity" },
        { set->files[SIM_FILE_ROOT_CRL], "crl" },
        { set->files[SIM_FILE_SIGNER], "signer" },
    };
    struct collateral_sources sources = { .items = heap, .count = COUNT_OF(heap) };
    sim_set_build(set, &sources);
    assert_string_equal(problem_of(set, "crl"), "its signature is not good");
    assert_string_equal(problem_of(set, "info"), "its signature is not good");
    assert_string_equal(problem_of(set, "identity"), "its version is not one that is known here");
    sources.count--; /* without the signer */
    sim_set_build(set, &sources);
    assert_string_equal(problem_of(set, "info"),
                        "there is no trusted signing certificate to verify it with");
    sim_set_free(set);
}

/* A PCK CRL whose issuer is among the files is verified with it. */
static void issuers_among_the_files_are_used(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    struct collateral_entry e;
    sim_set_make(set, &spec);
    const struct collateral_item heap[] = { { set->files[SIM_FILE_PCK_CRL], "crl" },
                                            { set->files[SIM_FILE_CHAIN], "chain" } };
    struct collateral_sources sources = { .items = heap, .count = 2 };
    sim_set_build(set, &sources);
    assert_true(collateral_entry(set->collateral, 0, &e));
    assert_true(e.kind == COLLATERAL_CRL && e.trusted && e.problem == NULL);
    /* Of another authority: not. */
    static const uint8_t nothing[65];
    memcpy(set->root.point, nothing, 65);
    set->root.point[0] = 4;
    sim_set_build(set, &sources);
    assert_true(collateral_entry(set->collateral, 0, &e));
    assert_false(e.trusted);
    assert_true(collateral_entry(set->collateral, 1, &e));
    assert_true(e.kind == COLLATERAL_CERTIFICATE && !e.trusted);
    sim_set_free(set);
}

/* --- when it runs out ------------------------------------------------------------------ */

static void the_newest_of_each_kind_counts(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    static uint8_t old[SIM_COLLATERAL_MAX];
    struct collateral_sources sources = { 0 };
    sim_set_build(set, &sources);
    assert_int_equal(collateral_expires(set->collateral), TIME_MAX);

    spec.tcb_info.validity = (struct window){ SIM_NOW - 60 * DAY, SIM_NOW - 30 * DAY };
    sim_set_make(set, &spec);
    struct span info = set->files[SIM_FILE_TCB_INFO];
    memcpy(old, info.at, info.len);
    struct collateral_item heap[] = {
        { span_of(old, info.len), "old" },
        { set->files[SIM_FILE_SIGNER], "signer" },
        { set->files[SIM_FILE_QE_IDENTITY], "identity" },
        { { NULL, 0 }, "new" },
    };
    sources = (struct collateral_sources){ .items = heap, .count = COUNT_OF(heap) };
    sim_set_build(set, &sources);
    assert_int_equal(collateral_expires(set->collateral), SIM_NOW - 30 * DAY);
    spec.tcb_info.validity = (struct window){ SIM_NOW - 1, SIM_NOW + 10 * DAY };
    sim_set_make(set, &spec);
    heap[3].bytes = set->files[SIM_FILE_TCB_INFO];
    sim_set_build(set, &sources);
    assert_int_equal(collateral_expires(set->collateral), SIM_NOW + 10 * DAY);
    /* Of another platform: a thing of its own. */
    spec.tcb_info.fmspc[0] ^= 1;
    sim_set_make(set, &spec);
    heap[3].bytes = set->files[SIM_FILE_TCB_INFO];
    sim_set_build(set, &sources);
    assert_int_equal(collateral_expires(set->collateral), SIM_NOW - 30 * DAY);
    sim_set_free(set);
}

/* --- limits ---------------------------------------------------------------------------- */

static void limits_are_kept(void **state)
{
    (void)state;
    static struct collateral_item many[COLLATERAL_ITEMS_MAX + 1];
    static uint8_t large[COLLATERAL_ITEM_MAX + 1];
    struct sim_set *set = sim_set_new();
    struct collateral_sources sources = { .items = many, .count = COLLATERAL_ITEMS_MAX };
    struct collateral *c = collateral_new(&sources, &set->roots, set->crypto);
    assert_non_null(c);
    collateral_free(&c);
    sources.count++;
    assert_null(collateral_new(&sources, &set->roots, set->crypto));
    sources = (struct collateral_sources){ .root_crl = { span_of(large, COLLATERAL_ITEM_MAX),
                                                         "large" } };
    c = collateral_new(&sources, &set->roots, set->crypto);
    assert_non_null(c);
    collateral_free(&c);
    sources.root_crl.bytes.len++;
    assert_null(collateral_new(&sources, &set->roots, set->crypto));
    many[7].bytes = span_of(large, COLLATERAL_ITEM_MAX + 1);
    sources = (struct collateral_sources){ .items = many, .count = 8 };
    assert_null(collateral_new(&sources, &set->roots, set->crypto));
    sim_set_free(set);
}

/* The snapshot keeps nothing of what it was made from. */
static void everything_is_copied(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_SGX_V3, SIM_NOW);
    sim_set_make(set, &spec);
    struct collateral_sources sources = sim_set_named(set);
    char name[] = "a name of its own";
    sources.tcb_info.name = name;
    sim_set_build(set, &sources);
    for (int file = SIM_FILE_TCB_INFO; file < SIM_FILE_COUNT; file++)
        memset(set->rooms[file], 0xEE, SIM_COLLATERAL_MAX);
    memset(name, 'x', sizeof name - 1);
    const struct trust_root root = set->root;
    const struct trust_roots roots = { &root, 1 };
    memset(&set->root, 0xEE, sizeof set->root);
    set->roots = roots;
    sim_set_judge(set, SIM_NOW);
    sim_set_expect(set, "after the sources are gone", CHECK_COUNT, REASON_OK);
    struct collateral_entry e;
    bool found = false;
    for (size_t i = 0; collateral_entry(set->collateral, i, &e); i++)
        found = found || strcmp(e.name, "a name of its own") == 0;
    assert_true(found);
    sim_set_free(set);
}

/* The same pieces make the same epoch, others another: caches flush by it. */
static void an_epoch_is_what_is_inside(void **state)
{
    (void)state;
    struct sim_set *set = sim_set_new();
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_NOW);
    uint8_t first[CACHE_KEY_LEN];
    sim_set_run(set, &spec, SIM_NOW);
    memcpy(first, set->collateral->epoch, sizeof first);
    sim_set_run(set, &spec, SIM_NOW);
    assert_memory_equal(set->collateral->epoch, first, sizeof first);
    for (int file = SIM_FILE_TCB_INFO; file <= SIM_FILE_SIGNER; file++) {
        struct sim_spec other = spec;
        other.tcb_info.evaluation_number++;
        other.qe_identity.evaluation_number++;
        other.pck_crl.validity.until++;
        other.root_crl.validity.until++;
        other.signer.validity.until++;
        sim_set_make(set, &spec);
        sim_set_file(set, &other, (enum sim_file)file);
        struct collateral_sources sources = sim_set_named(set);
        sim_set_build(set, &sources);
        assert_memory_not_equal(set->collateral->epoch, first, sizeof first);
    }
    sim_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_memory_is_no_snapshot, ""),
        TEST(judging_allocates_nothing, ""),
        TEST(no_signature_is_verified_twice, ""),
        TEST(a_named_root_is_not_verified_with_itself, ""),
        TEST(a_spoilt_root_is_not_the_one_that_was_named, ""),
        TEST(pieces_are_described, ""),
        TEST(what_is_wrong_is_said, ""),
        TEST(issuers_among_the_files_are_used, ""),
        TEST(the_newest_of_each_kind_counts, ""),
        TEST(limits_are_kept, ""),
        TEST(everything_is_copied, ""),
        TEST(an_epoch_is_what_is_inside, ""),
    };
    return RUN_TESTS(tests);
}
