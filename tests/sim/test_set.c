/* test_set.c - the committed vectors/ are what the authority makes, and every case of their
   index comes out as it says. */
#include "sim/sim.h"

#include <ftw.h>
#include <string.h>

#include "attest/dcap.h"
#include "attest/eventlog.h"
#include "attest/nitro.h"
#include "base/number.h"
#include "codec/json.h"
#include "policy/decide.h"
#include "policy/policy_toml.h"

#include "test.h"
#include "vectors.h"

enum { FILE_MAX = 64, NAME_MAX_LEN = 64, BYTES_MAX = 300000 };

/* The set, kept in memory under its names. */
struct made {
    size_t count;
    struct {
        char name[NAME_MAX_LEN];
        struct span bytes;
    } files[FILE_MAX];
    struct sink room;
    struct arena scratch;
};

static uint8_t room[BYTES_MAX];
static struct made made;

static bool keep(void *arg, const char *name, struct span bytes)
{
    struct made *m = arg;
    size_t from = m->room.len;
    assert_in_range(m->count, 0, FILE_MAX - 1);
    assert_in_range(strlen(name), 1, NAME_MAX_LEN - 1);
    sink_put(&m->room, bytes);
    assert_true(sink_ok(&m->room));
    memcpy(m->files[m->count].name, name, strlen(name) + 1);
    m->files[m->count++].bytes = span_of(room + from, bytes.len);
    return true;
}

static int make_set(void **state)
{
    (void)state;
    made.room = sink_over(room, sizeof room);
    arena_init(&made.scratch, 1 << 20);
    assert_true(sim_write_set(&made.scratch, keep, &made));
    return 0;
}

static int drop_set(void **state)
{
    (void)state;
    arena_fini(&made.scratch);
    return 0;
}

static struct span file_of(const char *name)
{
    for (size_t i = 0; i < made.count; i++) {
        if (strcmp(made.files[i].name, name) == 0)
            return made.files[i].bytes;
    }
    fail_msg("the set has no %s", name);
    return (struct span){ 0 };
}

static void test_committed_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < made.count; i++) {
        char path[128];
        struct sink out = sink_over(path, sizeof path);
        sink_format(&out, "vectors/%s", made.files[i].name);
        sink_terminate(&out);
        struct span committed = project_read(path);
        if (!span_equal(committed, made.files[i].bytes))
            fail_msg("%s is not what `ward sim` makes: write the set anew", path);
        vectors_free(&committed);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(made.files[i].name, made.files[j].name);
    }
}

/* nftw has no argument for its function.  vectors/channel/ is held by channel/test_peer,
   vectors/request/ by token/test_signed_request, and vectors/result/ by token/test_job_result. */
static size_t files_seen;

static int count_file(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    if (type == FTW_F && strcmp(path + where->base, "README.md") != 0 &&
        strstr(path, "/vectors/channel/") == NULL && strstr(path, "/vectors/request/") == NULL &&
        strstr(path, "/vectors/result/") == NULL)
        files_seen++;
    return 0;
}

static void test_no_other_files(void **state)
{
    (void)state;
    files_seen = 0;
    assert_int_equal(nftw(project_path("vectors"), count_file, 8, FTW_PHYS), 0);
    assert_int_equal(files_seen, made.count);
}

/* --- the index -------------------------------------------------------------------------- */

/* One case, as the index has it. */
struct indexed {
    const struct json *json;
    uint32_t node;
    int64_t now;
    struct trust_root root;
};

/* The text of a member in *out; false when the case has none. */
static bool member(const struct indexed *c, const char *name, char out[NAME_MAX_LEN])
{
    struct span text;
    uint32_t node = json_member(c->json, c->node, name);
    if (node == JSON_NONE)
        return false;
    assert_true(json_string(c->json, node, &text));
    assert_in_range(text.len, 1, NAME_MAX_LEN - 1);
    memcpy(out, text.at, text.len);
    out[text.len] = 0;
    return true;
}

static void judge_quote(const struct indexed *c, struct span evidence, struct crypto *crypto,
                        struct report *report, struct claims *claims)
{
    struct collateral_item items[FILE_MAX];
    struct collateral_sources sources = { .items = items };
    struct trust_roots roots = { &c->root, 1 };
    char name[NAME_MAX_LEN];
    for (size_t i = 0; i < made.count; i++) {
        if (strncmp(made.files[i].name, "collateral/", 11) == 0)
            items[sources.count++] = (struct collateral_item){ made.files[i].bytes,
                                                               made.files[i].name };
    }
    if (member(c, "pck_crl", name))
        sources.pck_crl = (struct collateral_item){ file_of(name), name };
    struct collateral *collateral = collateral_new(&sources, &roots, crypto);
    assert_non_null(collateral);
    const struct dcap_input input = {
        .quote = evidence, .collateral = collateral, .roots = &roots, .now = c->now
    };
    dcap_verify(&input, crypto, report, claims);
    collateral_free(&collateral);
    if (member(c, "event_log", name)) {
        struct arena scratch;
        struct span log = file_of(name);
        arena_init(&scratch, EVENTLOG_SCRATCH(log.len));
        eventlog_verify(log, claims, NULL, &scratch, report, &claims->log);
        arena_fini(&scratch);
    }
}

static struct decision judge_case(const struct indexed *c, struct crypto *crypto,
                                  const struct policy *policy)
{
    static struct report report;
    static struct claims claims;
    static const struct expectation nothing;
    struct trust_roots roots = { &c->root, 1 };
    char name[NAME_MAX_LEN], type[NAME_MAX_LEN];
    assert_true(member(c, "file", name) && member(c, "type", type));
    struct span evidence = file_of(name);
    report = (struct report){ 0 };
    claims = (struct claims){ 0 };
    if (strcmp(type, "nitro") == 0) {
        const struct nitro_input input = { .document = evidence, .roots = &roots, .now = c->now };
        nitro_verify(&input, crypto, &report, &claims);
    } else {
        judge_quote(c, evidence, crypto, &report, &claims);
    }
    assert_string_equal(evidence_kind_name(claims.kind), type);
    return policy_decide(policy, &claims, &nothing, c->now, &report);
}

static void load_policy(struct arena *arena, struct policy *policy)
{
    struct toml_problems errors;
    assert_true(policy_load(file_of("policy.toml"), arena, policy, &errors));
    assert_int_equal(policy->root_files.count, 2);
    assert_false(policy->hardware_required);
}

static void test_index(void **state)
{
    (void)state;
    struct json json;
    struct policy policy;
    struct arena arena;
    struct crypto *crypto = crypto_new();
    unsigned allowed = 0, denied = 0;
    arena_init(&arena, 1 << 20);
    load_policy(&arena, &policy);
    assert_true(json_parse(file_of("index.json"), &arena, NULL, &json, NULL));
    uint32_t cases = json_member(&json, 0, "cases");
    for (uint32_t n = json_first(&json, cases); n != JSON_NONE; n = json_next(&json, n)) {
        struct indexed c = { .json = &json, .node = n };
        char root[NAME_MAX_LEN], reason[NAME_MAX_LEN], name[NAME_MAX_LEN];
        assert_true(member(&c, "root", root) && member(&c, "reason", reason) &&
                    member(&c, "file", name));
        assert_true(json_time(&json, json_member(&json, n, "time"), &c.now));
        assert_true(trust_root_read(file_of(root), &c.root));
        struct decision d = judge_case(&c, crypto, &policy);
        if (strcmp(reason_info(d.reason)->name, reason) != 0)
            fail_msg("%s: %s, the index says %s", name, reason_info(d.reason)->name, reason);
        assert_int_equal(d.verdict, d.reason == REASON_OK ? ALLOW : DENY);
        allowed += d.verdict == ALLOW ? 1 : 0;
        denied += d.verdict == DENY ? 1 : 0;
    }
    assert_in_range(allowed, 10, 100);
    assert_in_range(denied, 10, 100);
    crypto_free(&crypto);
    arena_fini(&arena);
}

/* With the vendors' roots alone nothing of the set is believed. */
static void test_vendors_roots_refuse(void **state)
{
    (void)state;
    static struct report report;
    static struct claims claims;
    const struct trust_root vendors[] = { intel_sgx_root, aws_nitro_root };
    const struct trust_roots roots = { vendors, 2 };
    struct crypto *crypto = crypto_new();
    const struct nitro_input document = { .document = file_of("nitro/document.cose.bin"),
                                          .roots = &roots,
                                          .now = SIM_SET_TIME };
    nitro_verify(&document, crypto, &report, &claims);
    assert_int_equal(report.checks[CHECK_AN_5].reason, REASON_NITRO_ROOT_UNTRUSTED);
    const struct dcap_input quote = { .quote = file_of("quote/tdx-v4.quote.bin"),
                                      .roots = &roots,
                                      .now = SIM_SET_TIME };
    dcap_verify(&quote, crypto, &report, &claims);
    assert_int_equal(report.checks[CHECK_AT_8].reason, REASON_PCK_ROOT_UNTRUSTED);
    assert_false(claims.verified);
    crypto_free(&crypto);
}

static bool refuse_third(void *arg, const char *name, struct span bytes)
{
    unsigned *calls = arg;
    (void)name;
    (void)bytes;
    return ++*calls < 3;
}

static void test_a_writer_that_fails(void **state)
{
    (void)state;
    unsigned calls = 0;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_false(sim_write_set(&arena, refuse_third, &calls));
    assert_int_equal(calls, 3);
    arena_fini(&arena);
    arena_init(&arena, 1000);
    assert_false(sim_write_set(&arena, refuse_third, &calls));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_committed_files, ""),
        TEST(test_no_other_files, ""),
        TEST(test_index, ""),
        TEST(test_vendors_roots_refuse, ""),
        TEST(test_a_writer_that_fails, ""),
    };
    return cmocka_run_group_tests(tests, make_set, drop_set);
}
