/* test_nitro_crl.c - revocation of Nitro chains (AN-8): lists are optional, but one of the
   chain's issuers must be good, and what a good one lists is refused. */
#include <string.h>

#include "attest/documents.h"
#include "attest/nitro_maker.h"
#include "test.h"

enum { LISTS = 4 };

struct setup {
    struct document document;
    struct trust_root root;
    struct trust_roots roots;
    struct nitro_spec spec;
    struct span lists[LISTS];
    uint8_t rooms[LISTS][4096];
};

static uint8_t room[MAKER_ROOM];

static void open_setup(struct setup *setup)
{
    document_open(&setup->document);
    setup->root = maker_root();
    setup->roots = (struct trust_roots){ &setup->root, 1 };
    setup->document.input.roots = &setup->roots;
    setup->document.input.crls = setup->lists;
    maker_init(&setup->spec);
}

static void add(struct setup *setup, const struct crl_spec *spec)
{
    size_t i = setup->document.input.crl_count++;
    assert_in_range(i, 0, LISTS - 1);
    setup->lists[i] = maker_crl(spec, setup->rooms[i]);
}

static enum reason judge(struct setup *setup)
{
    return document_judge(&setup->document, maker_document(&setup->spec, room), MAKER_NOW);
}

static struct crl_spec list_of(const char *issuer)
{
    return (struct crl_spec){ .issuer = issuer,
                              .signer = issuer,
                              .aki = issuer,
                              .signer_curve = CURVE_P384,
                              .validity = { MAKER_NOW - 60, MAKER_NOW + 60 } };
}

static void test_none(void **state)
{
    (void)state;
    struct setup setup;
    open_setup(&setup);
    assert_int_equal(judge(&setup), REASON_NONE);
    assert_int_equal(setup.document.report.checks[CHECK_AN_8].state, CHECK_SKIP);
    /* A list of somebody else, and what is no list, say nothing. */
    struct crl_spec other = list_of("somebody else");
    other.revoked = 0x10;
    add(&setup, &other);
    setup.lists[setup.document.input.crl_count++] = span_text("no list");
    assert_int_equal(judge(&setup), REASON_NONE);
    assert_true(setup.document.claims.verified);
    assert_int_equal(setup.document.report.checks[CHECK_AN_8].state, CHECK_SKIP);
    document_close(&setup.document);
}

static const char *const issuers[] = { "zonal", "regional", "root" };

static void test_good_and_revoked(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct setup setup;
        open_setup(&setup);
        struct crl_spec list = list_of(issuers[i]);
        list.revoked = 0x77;
        add(&setup, &list);
        assert_int_equal(judge(&setup), REASON_NONE);
        assert_true(report_passed(&setup.document.report, CHECK_AN_8));
        assert_int_equal(setup.document.claims.valid_until, MAKER_NOW + 60);
        /* 0x10 is the leaf's serial, 0x11 and 0x12 the intermediates'. */
        setup.document.input.crl_count = 0;
        list.revoked = (uint8_t)(0x10 + i);
        add(&setup, &list);
        assert_int_equal(judge(&setup), REASON_NITRO_CERT_REVOKED);
        assert_int_equal(report_first_failure(&setup.document.report), CHECK_AN_8);
        /* The rest is judged all the same. */
        assert_true(report_passed(&setup.document.report, CHECK_AN_9));
        assert_false(setup.document.claims.verified);
        /* Somebody else's serial of that number is not this one's. */
        setup.document.input.crl_count = 0;
        list = list_of(issuers[(i + 1) % 3]);
        list.revoked = (uint8_t)(0x10 + i);
        add(&setup, &list);
        assert_int_equal(judge(&setup), REASON_NONE);
        document_close(&setup.document);
    }
}

struct row {
    const char *name;
    struct crl_spec list; /* issuer, signer, curve and window when empty: those of a good one */
    enum reason reason;
};

static const struct row rows[] = {
    { "good", { 0 }, REASON_NONE },
    { "by a stranger", { .signer = "stranger" }, REASON_CRL_SIGNATURE_INVALID },
    { "one bit", { .bad_signature = true }, REASON_CRL_SIGNATURE_INVALID },
    { "on P-256", { .signer_curve = CURVE_P256 }, REASON_CRL_SIGNATURE_INVALID },
    { "key identifier", { .aki = "other" }, REASON_CRL_ISSUER_MISMATCH },
    { "version 1", { .version_1 = true }, REASON_CRL_FORMAT },
    { "no next update", { .no_next_update = true }, REASON_CRL_FORMAT },
    { "delta", { .delta = true }, REASON_CRL_FORMAT },
    { "indirect", { .indirect = true }, REASON_CRL_FORMAT },
    { "critical extension", { .extra_critical = true }, REASON_CRL_FORMAT },
    { "of user certificates, for a CA", { .only_user = true }, REASON_CRL_FORMAT },
    { "from now", { .validity = { MAKER_NOW, MAKER_NOW + 1 } }, REASON_NONE },
    { "until now", { .validity = { MAKER_NOW - 1, MAKER_NOW } }, REASON_NONE },
    { "expired", { .validity = { MAKER_NOW - 60, MAKER_NOW - 1 } }, REASON_CRL_EXPIRED },
    { "from tomorrow",
      { .validity = { MAKER_NOW + 1, MAKER_NOW + 60 } },
      REASON_CRL_NOT_YET_VALID },
    { "expired, and lists it",
      { .validity = { MAKER_NOW - 60, MAKER_NOW - 1 }, .revoked = 0x11 },
      REASON_NITRO_CERT_REVOKED },
    { "by a stranger, and lists it",
      { .signer = "stranger", .revoked = 0x11 },
      REASON_CRL_SIGNATURE_INVALID },
};

static struct crl_spec filled(const struct row *row)
{
    struct crl_spec list = row->list;
    struct crl_spec plain = list_of("regional");
    list.issuer = plain.issuer;
    list.signer = list.signer != NULL ? list.signer : plain.signer;
    list.aki = list.aki != NULL ? list.aki : plain.aki;
    list.signer_curve = list.signer_curve != CURVE_NONE ? list.signer_curve : CURVE_P384;
    if (list.validity.from == 0)
        list.validity = plain.validity;
    return list;
}

static void check_list(const struct row *row, struct nitro_cache *cache)
{
    struct setup setup;
    open_setup(&setup);
    setup.document.input.cache = cache;
    struct crl_spec list = filled(row);
    add(&setup, &list);
    for (int again = 0; again < 2; again++) {
        enum reason reason = judge(&setup);
        if (reason != row->reason)
            fail_msg("%s: %s", row->name, reason_info(reason)->name);
    }
    /* A good list beside it is enough, unless the certificate is revoked. */
    struct crl_spec good = list_of("regional");
    add(&setup, &good);
    bool revoked = row->reason == REASON_NITRO_CERT_REVOKED;
    assert_int_equal(judge(&setup), revoked ? row->reason : REASON_NONE);
    document_close(&setup.document);
}

static void test_lists(void **state)
{
    (void)state;
    static struct nitro_cache cache;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nitro_cache_remember(&cache, NITRO_CACHE_CA);
        check_list(&rows[i], NULL);
        check_list(&rows[i], &cache);
    }
}

/* A list of user certificates is fine for the leaf. */
static void test_scope(void **state)
{
    (void)state;
    struct setup setup;
    open_setup(&setup);
    struct crl_spec list = list_of("zonal");
    list.only_user = true;
    add(&setup, &list);
    assert_int_equal(judge(&setup), REASON_NONE);
    setup.document.input.crl_count = 0;
    list.revoked = 0x10;
    add(&setup, &list);
    assert_int_equal(judge(&setup), REASON_NITRO_CERT_REVOKED);
    document_close(&setup.document);
}

static void test_issuer_without_crl_sign(void **state)
{
    (void)state;
    struct setup setup;
    open_setup(&setup);
    setup.spec.certs[2].key_usage = KEY_USAGE_CERT_SIGN;
    assert_int_equal(judge(&setup), REASON_NONE);
    struct crl_spec list = list_of("regional");
    add(&setup, &list);
    assert_int_equal(judge(&setup), REASON_CRL_ISSUER_MISMATCH);
    document_close(&setup.document);
}

/* The first failing line decides: a date comes before a revocation. */
static void test_order(void **state)
{
    (void)state;
    struct setup setup;
    open_setup(&setup);
    struct crl_spec list = list_of("zonal");
    list.revoked = 0x10;
    add(&setup, &list);
    setup.spec.certs[0].validity.until = MAKER_NOW - 1;
    assert_int_equal(judge(&setup), REASON_NITRO_CERT_EXPIRED);
    assert_true(report_failed(&setup.document.report, CHECK_AN_8));
    document_close(&setup.document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_none, "AN-8"),
        TEST(test_good_and_revoked, "AN-8"),
        TEST(test_lists, "AN-8"),
        TEST(test_scope, "AN-8"),
        TEST(test_issuer_without_crl_sign, "AN-8"),
        TEST(test_order, "AN-8"),
    };
    return RUN_TESTS(tests);
}
