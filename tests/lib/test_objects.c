/* test_objects.c - policies and snapshots of collateral: what they refuse, what a refusal
   leaves behind, and how many of a thing they take. */
#include <stdlib.h>
#include <string.h>

#include "attest/collateral.h"
#include "base/number.h"
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

static struct ward_policy *const untouched = (struct ward_policy *)&stock;

static void policies_that_are_refused(void **state)
{
    static const struct {
        const char *name, *toml, *says;
    } rows[] = {
        { "unknown key", "[tcb]\nstatsu = ['UpToDate']\n", "p:2:1: " },
        { "wrong type", "hardware = 1\n", "p:1:" },
        { "no TOML", "[tcb\n", "p:1:" },
        { "out of bounds", "[nitro]\nmax_age = -1\n", "p:2:" },
        { "unknown status", "[tcb]\nstatus = ['Fine']\n", "p:2:" },
        { "short measurement", "[tdx]\nmrtd = '00'\n", "p:2:" },
        { "two mistakes", "a = 1\nb = 2\n", "\np:2:1: " },
        { "no certificate", "roots = 'x'\n", "p: " },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ward_error error = { 0 };
        struct ward_policy *policy = untouched;
        struct ward_bytes toml = { rows[i].toml, strlen(rows[i].toml), "p" };
        enum ward_outcome outcome = ward_policy_load(toml, &policy, &error);
        if (outcome != WARD_BAD_INPUT || policy != untouched || error.outcome != outcome ||
            strstr(error.message, rows[i].says) == NULL)
            fail_msg("%s: %d %s", rows[i].name, (int)outcome, error.message);
        assert_in_range(error.frame_count, 1, 100);
        assert_non_null(error.frames[0].function);
        assert_true(error.frames[0].line > 0);
        assert_int_equal(ward_policy_load(toml, &policy, NULL), WARD_BAD_INPUT);
        assert_ptr_equal(policy, untouched);
    }
}

/* A thousand mistakes do not overflow the message. */
static void many_mistakes_fit_the_message(void **state)
{
    static char toml[64 * 1024];
    struct ward_error error = { 0 };
    struct ward_policy *policy = untouched;
    struct sink out = sink_over(toml, sizeof toml);
    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        sink_format(&out, "a_key_that_nobody_knows_%u = 1\n", i);
    struct ward_bytes bytes = bytes_of(sink_bytes(&out));
    assert_int_equal(ward_policy_load(bytes, &policy, &error), WARD_BAD_INPUT);
    assert_true(memchr(error.message, 0, sizeof error.message) != NULL);
    assert_ptr_equal(policy, untouched);
}

static void statuses_that_are_refused(void **state)
{
    static const char *const names[] = { "Revoked", "", "uptodate", "UpToDate ", "OK", "None" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct ward_error error = { 0 };
        assert_int_equal(ward_policy_allow_tcb(stock.lenient, names[i], &error), WARD_BAD_INPUT);
        assert_non_null(strstr(error.message, names[i]));
    }
}

static void root_of(const char *seed, struct sink *out)
{
    struct sim_authority authority;
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME);
    assert_true(sim_authority_init(&authority, span_text(seed)));
    assert_true(sim_root(&authority, &spec, out));
    sim_authority_fini(&authority);
}

/* Fourteen beside the two that are pinned; a root that is known already is not counted. */
static void roots_are_counted(void **state)
{
    enum { MORE = 14 };
    struct ward_policy *policy = NULL;
    struct ward_error error = { 0 };
    (void)state;
    assert_int_equal(ward_policy_new(&policy, NULL), WARD_DONE);
    for (unsigned i = 0; i <= MORE; i++) {
        char seed[16], pem[4096];
        struct sink name = sink_over(seed, sizeof seed), out = sink_over(pem, sizeof pem);
        sink_format(&name, "root %u", i);
        sink_terminate(&name);
        root_of(seed, &out);
        struct ward_bytes root = { pem, out.len, "r.pem" };
        enum ward_outcome wanted = i < MORE ? WARD_DONE : WARD_BAD_INPUT;
        assert_int_equal(ward_policy_add_root(policy, root, &error), wanted);
        assert_int_equal(ward_policy_add_root(policy, root, &error), wanted);
    }
    assert_non_null(strstr(error.message, "r.pem"));
    ward_policy_free(&policy);
    assert_null(policy);
    ward_policy_free(&policy);
    ward_policy_free(NULL);
}

static void roots_that_are_refused(void **state)
{
    struct sink out = sink_over((uint8_t[4096]){ 0 }, 4096);
    struct ward_error error = { 0 };
    (void)state;
    root_of("cut", &out);
    for (size_t len = 0; len + 1 < out.len; len++)
        assert_int_equal(
            ward_policy_add_root(stock.lenient, (struct ward_bytes){ out.at, len, NULL }, &error),
            WARD_BAD_INPUT);
    assert_int_equal(
        ward_policy_add_root(stock.lenient, (struct ward_bytes){ NULL, 9, NULL }, NULL),
        WARD_BAD_INPUT);
    /* Nothing of it was kept. */
    struct ward_collateral *collateral = subject_collateral(&stock.list[0]);
    struct ward_request request = subject_request(&stock.list[0], collateral);
    request.policy = stock.lenient;
    assert_string_equal(judge_reason(&judge, &request), "PCK_ROOT_UNTRUSTED");
    ward_collateral_free(&collateral);
}

/* --- collateral ---------------------------------------------------------------------------- */

static void items_are_listed(void **state)
{
    struct subject *subject = stock_find(&stock, "tdx-v4");
    struct ward_collateral *collateral = subject_collateral(subject);
    struct ward_collateral_item item;
    size_t count = ward_collateral_count(collateral), seen[4] = { 0 };
    int64_t first = INT64_MAX;
    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_true(ward_collateral_item(collateral, i, &item));
        /* The chain of the PCK certificate comes with the quote. */
        assert_true(item.problem[0] == 0 || (strcmp(item.kind, "crl") == 0 && !item.genuine));
        seen[0] += strcmp(item.kind, "tcb-info") == 0;
        seen[1] += strcmp(item.kind, "qe-identity") == 0;
        seen[2] += strcmp(item.kind, "crl") == 0;
        seen[3] += strcmp(item.kind, "certificate") == 0;
        assert_true(item.valid_from < SIM_SET_TIME && item.valid_until > SIM_SET_TIME);
        if (item.genuine && item.valid_until < first)
            first = item.valid_until;
    }
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], 1);
    assert_int_equal(seen[2], 2);
    assert_in_range(seen[3], 1, 2);
    assert_false(ward_collateral_item(collateral, count, &item));
    assert_false(ward_collateral_item(collateral, SIZE_MAX, &item));
    assert_int_equal(ward_collateral_expires(collateral), first);
    ward_collateral_free(&collateral);
    assert_null(collateral);
    ward_collateral_free(&collateral);
    ward_collateral_free(NULL);
}

/* The same files in a pool, in any order, among junk: the same answer.  The snapshot keeps
   copies, so the caller's bytes may go. */
static void a_pool_is_recognised_by_content(void **state)
{
    (void)state;
    for (size_t s = 0; s + 1 < stock.count; s++) {
        uint8_t *copies[5];
        struct ward_bytes pool[7] = { { "junk", 4, "junk" }, { NULL, 0, NULL } };
        struct ward_collateral *collateral = NULL;
        for (size_t i = 0; i < 5; i++) {
            struct span file = stock.list[s].files[i];
            copies[i] = malloc(file.len);
            assert_non_null(copies[i]);
            memcpy(copies[i], file.at, file.len);
            pool[2 + (i + s) % 5] = (struct ward_bytes){ copies[i], file.len, NULL };
        }
        struct ward_collateral_files files = { .pool = pool, .pool_count = COUNT_OF(pool) };
        assert_int_equal(ward_collateral_new(&files, stock.made, &collateral, NULL), WARD_DONE);
        for (size_t i = 0; i < 5; i++) {
            memset(copies[i], 0xee, stock.list[s].files[i].len);
            free(copies[i]);
        }
        struct ward_request request = subject_request(&stock.list[s], collateral);
        assert_string_equal(judge_reason(&judge, &request), "OK");
        ward_collateral_free(&collateral);
    }
}

static void collateral_is_bounded(void **state)
{
    static struct ward_bytes pool[COLLATERAL_ITEMS_MAX + 1];
    static uint8_t large[COLLATERAL_ITEM_MAX + 1];
    struct ward_collateral *const none = (struct ward_collateral *)&stock, *collateral = none;
    struct ward_error error = { 0 };
    struct ward_collateral_files files = { .pool = pool, .pool_count = COUNT_OF(pool) };
    (void)state;
    assert_int_equal(ward_collateral_new(&files, NULL, &collateral, &error), WARD_BAD_INPUT);
    assert_ptr_equal(collateral, none);
    pool[0] = (struct ward_bytes){ large, sizeof large, "large.json" };
    files.pool_count = 1;
    assert_int_equal(ward_collateral_new(&files, NULL, &collateral, &error), WARD_BAD_INPUT);
    assert_non_null(strstr(error.message, "large.json"));
    assert_ptr_equal(collateral, none);
    files = (struct ward_collateral_files){ .tcb_info = { large, sizeof large, "large.json" } };
    assert_int_equal(ward_collateral_new(&files, NULL, &collateral, &error), WARD_BAD_INPUT);
    assert_ptr_equal(collateral, none);
    files = (struct ward_collateral_files){ 0 };
    assert_int_equal(ward_collateral_new(&files, NULL, &collateral, &error), WARD_DONE);
    assert_int_equal(ward_collateral_count(collateral), 0);
    assert_int_equal(ward_collateral_expires(collateral), INT64_MAX);
    struct ward_request request = subject_request(&stock.list[0], collateral);
    assert_string_not_equal(judge_reason(&judge, &request), "OK");
    ward_collateral_free(&collateral);
}

/* A root that only the snapshot's policy names is not trusted by another policy's verdict. */
static void roots_of_the_snapshot_are_not_roots_of_the_request(void **state)
{
    struct ward_collateral *collateral = subject_collateral(&stock.list[3]);
    struct ward_request request = subject_request(&stock.list[3], collateral);
    (void)state;
    request.policy = stock.lenient;
    assert_string_equal(judge_reason(&judge, &request), "PCK_ROOT_UNTRUSTED");
    ward_collateral_free(&collateral);
    struct ward_collateral_files files = subject_files(&stock.list[3]);
    assert_int_equal(ward_collateral_new(&files, stock.lenient, &collateral, NULL), WARD_DONE);
    request = subject_request(&stock.list[3], collateral);
    assert_string_not_equal(judge_reason(&judge, &request), "OK");
    ward_collateral_free(&collateral);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(policies_that_are_refused, ""),
        TEST(many_mistakes_fit_the_message, ""),
        TEST(statuses_that_are_refused, ""),
        TEST(roots_are_counted, ""),
        TEST(roots_that_are_refused, ""),
        TEST(items_are_listed, ""),
        TEST(a_pool_is_recognised_by_content, ""),
        TEST(collateral_is_bounded, ""),
        TEST(roots_of_the_snapshot_are_not_roots_of_the_request, ""),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
