/* test_policy_toml.c - every key is read and bounded, every mistake is found with its place,
   and docs/policy.md is the table. */
#include "policy/policy_toml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_keys.h"
#include "policy/setup.h"
#include "vectors.h"

struct loaded {
    bool ok;
    struct policy policy;
    struct toml_problems errors;
    struct arena arena;
};

static struct loaded *load_span(struct span text)
{
    static struct loaded loaded;
    arena_fini(&loaded.arena);
    loaded = (struct loaded){ 0 };
    arena_init(&loaded.arena, 1 << 24);
    loaded.ok = policy_load(text, &loaded.arena, &loaded.policy, &loaded.errors);
    assert_int_equal(loaded.ok, loaded.errors.count == 0);
    assert_int_equal(loaded.ok, policy_is_sound(&loaded.policy));
    return &loaded;
}

static struct loaded *load(const char *text)
{
    return load_span(span_text(text));
}

static void assert_list(const struct span_list *list, size_t count, struct span first)
{
    assert_int_equal(list->count, count);
    assert_span_equal(list->items[0], first);
}

static void test_empty_is_the_default(void **state)
{
    (void)state;
    struct loaded *l = load("");
    assert_true(l->ok);
    struct policy usual = policy_default();
    assert_memory_equal(&l->policy, &usual, sizeof usual);
}

/* A file that spells out every default is the default: the table's texts are true. */
static void test_written_defaults_are_the_defaults(void **state)
{
    (void)state;
    static char text[16384];
    struct sink out = sink_over(text, sizeof text);
    size_t count = policy_shape.field_count;
    const struct toml_field *keys = policy_shape.fields;
    const char *section = "";
    for (size_t i = 0; i < count; i++) {
        if (keys[i].fallback == NULL)
            continue;
        if (strcmp(section, keys[i].section) != 0)
            sink_format(&out, "[%s]\n", section = keys[i].section);
        sink_format(&out, "%s = %s\n", keys[i].name, keys[i].fallback);
    }
    assert_true(sink_ok(&out));
    struct loaded *l = load_span(sink_bytes(&out));
    assert_true(l->ok);
    struct policy usual = policy_default();
    assert_memory_equal(&l->policy, &usual, sizeof usual);
}

#define HEX_16 "000102030405060708090a0b0c0d0e0f"
#define HEX_20 HEX_16 "10111213"
#define HEX_32 HEX_16 HEX_16
#define HEX_48 HEX_32 HEX_16
#define HEX_64 HEX_32 HEX_32

static const char every_key[] = "types = ['tdx-v4', \"nitro\"]\n"
                                "hardware = false\n"
                                "roots = ['PEM']\n"
                                "root_files = 'a.pem'\n"
                                "report_data = '" HEX_64 "'\n"
                                "nonce = 'aB'\n"
                                "[tcb]\n"
                                "status = ['OutOfDate', 'SWHardeningNeeded']\n"
                                "advisories_allowed = ['A', 'B']\n"
                                "advisories_denied = ['C']\n"
                                "min_date = 2024-03-13T00:00:00Z\n"
                                "min_evaluation_number = 4294967295\n"
                                "min_qe_evaluation_number = 16\n"
                                "max_collateral_age = 604800\n"
                                "dynamic_platform = true\n"
                                "cached_keys = false\n"
                                "[tdx]\n"
                                "allow_debug = true\n"
                                "require_sept_ve_disable = false\n"
                                "attributes_allowed = ['PKS', 'PERFMON']\n"
                                "xfam_allowed = ['AVX']\n"
                                "[sgx]\n"
                                "allow_debug = true\n"
                                "init_and_mode64 = 'always'\n"
                                "attributes_allowed = ['PROVISIONKEY']\n"
                                "xfrm_allowed = ['AMX']\n"
                                "isv_prod_id = 0\n"
                                "min_isv_svn = 65535\n"
                                "min_config_svn = 2\n"
                                "[nitro]\n"
                                "allow_debug = true\n"
                                "max_age = 10\n"
                                "skew = 0\n"
                                "user_data_max = 512\n"
                                "module_id = ['i-1', 'i-2']\n"
                                "require_public_key = true\n"
                                "[log]\n"
                                "required = true\n"
                                "rtmr3 = 'ignore'\n";

static void test_every_key(void **state)
{
    (void)state;
    struct loaded *l = load(every_key);
    assert_true(l->ok);
    const struct policy *p = &l->policy;
    assert_int_equal(p->kinds, (1u << EVIDENCE_TDX_V4) | (1u << EVIDENCE_NITRO));
    assert_false(p->hardware_required);
    assert_list(&p->roots, 1, span_text("PEM"));
    assert_list(&p->root_files, 1, span_text("a.pem"));
    assert_true(p->has_report_data && p->report_data[63] == 0x0f);
    assert_true(p->has_nonce && p->nonce.len == 1 && p->nonce.at[0] == 0xab);
    assert_int_equal(p->tcb.allowed,
                     TCB_STATUS_BIT(TCB_OUT_OF_DATE) | TCB_STATUS_BIT(TCB_SW_HARDENING_NEEDED));
    assert_list(&p->tcb.advisories_allowed, 2, span_text("A"));
    assert_list(&p->tcb.advisories_denied, 1, span_text("C"));
    assert_true(p->tcb.has_min_date && p->tcb.min_date == 1710288000);
    assert_int_equal(p->tcb.min_evaluation_number, UINT32_MAX);
    assert_int_equal(p->tcb.min_qe_evaluation_number, 16);
    assert_int_equal(p->tcb.max_collateral_age, 604800);
    assert_int_equal(p->tcb.dynamic_platform, POLICY_FLAG_TRUE);
    assert_int_equal(p->tcb.cached_keys, POLICY_FLAG_FALSE);
    assert_int_equal(p->tcb.smt_enabled, POLICY_FLAG_ANY);
    assert_true(p->tdx.allow_debug && !p->tdx.require_sept_ve_disable);
    assert_int_equal(p->tdx.attributes_allowed, TD_SEPT_VE_DISABLE | TD_PKS | TD_PERFMON);
    assert_int_equal(p->tdx.xfam_allowed, 7);
    assert_true(p->sgx.allow_debug && p->sgx.init_and_mode64 == DEMAND_ALWAYS);
    assert_int_equal(p->sgx.attributes_allowed, SGX_PROVISION);
    assert_int_equal(p->sgx.xfrm_allowed, 0x60003);
    assert_true(p->sgx.has_isv_prod_id && p->sgx.isv_prod_id == 0);
    assert_int_equal(p->sgx.min_isv_svn, 65535);
    assert_int_equal(p->sgx.min_config_svn, 2);
    assert_true(p->nitro.allow_debug && p->nitro.require_public_key);
    assert_int_equal(p->nitro.max_age, 10);
    assert_int_equal(p->nitro.skew, 0);
    assert_int_equal(p->nitro.user_data_max, 512);
    assert_list(&p->nitro.module_ids, 2, span_text("i-1"));
    assert_true(p->log.required && p->log.rtmr3 == POLICY_RTMR3_IGNORE);
}

static void test_every_measurement(void **state)
{
    (void)state;
    size_t count = policy_shape.field_count;
    const struct toml_field *keys = policy_shape.fields;
    size_t lists = 0;
    for (size_t i = 0; i < count; i++) {
        char text[512];
        static const char digits[] = HEX_64;
        size_t len = keys[i].form == TOML_FORM_HASHES ? 48 : (size_t)keys[i].most;
        if (keys[i].field < offsetof(struct policy, lists) ||
            keys[i].field >= offsetof(struct policy, has_report_data))
            continue;
        size_t id = (keys[i].field - offsetof(struct policy, lists)) / sizeof(struct span_list);
        assert_string_equal(policy_list_info((enum policy_list_id)id)->name, keys[i].name);
        /* isv_prod_id, because a signer alone is refused. */
        snprintf(text, sizeof text, "sgx.isv_prod_id = 1\n%s.%s = '%.*s'\n", keys[i].section,
                 keys[i].name, keys[i].form == TOML_FORM_TEXTS ? 4 : (int)(2 * len), digits);
        struct loaded *l = load(text);
        assert_true(l->ok);
        assert_int_equal(l->policy.lists[id].count, 1);
        assert_int_equal(l->policy.lists[id].items[0].len,
                         keys[i].form == TOML_FORM_TEXTS ? 4 : len);
        lists++;
    }
    assert_int_equal(lists, LIST_COUNT);
}

struct wrong {
    const char *text;
    uint32_t line, column;
    const char *says; /* a part of the error */
};

static const struct wrong wrongs[] = {
    { "tdx.mrdt = 'x'", 1, 5, "unknown key \"mrdt\" in [tdx]; did you mean mrtd" },
    { "mrtd = 'x'", 1, 1, "it is tdx.mrtd" },
    { "[tdc]\n", 1, 2, "did you mean tdx" },
    { "quite_something_else = 1", 1, 1, "unknown key" },
    { "tdx = 5", 1, 7, "tdx is an integer and must be a table" },
    { "[[tdx]]\n", 1, 3, "must be a table" },
    { "hardware = 'yes'", 1, 12, "must be true or false" },
    { "tcb.smt_enabled = 'any'", 1, 19, "must be true or false" },
    { "tcb.status = 'UpToDate'", 1, 14, "must be a list" },
    { "tcb.status = []", 1, 14, "empty list" },
    { "tcb.status = ['UpToDat']", 1, 15, "did you mean \"UpToDate\"" },
    { "tcb.status = ['Revoked']", 1, 15,
      "tcb.status names \"Revoked\", which no policy can accept" },
    { "[tcb]\nstatus = [\n 'UpToDate',\n  'Revoked',\n]", 4, 3, "which no policy can accept" },
    { "tcb.status = ['revoked']", 1, 15, "does not know \"revoked\"" },
    { "tcb.status = 'Revoked'", 1, 14, "must be a list" },
    { "tcb.status = ['uptodate']", 1, 15, "did you mean \"UpToDate\"" },
    { "tcb.status = ['UpToDate', 3]", 1, 27, "must be a string" },
    { "tcb.min_date = '2024-03-13'", 1, 16, "date and time" },
    { "tcb.min_date = 2024-03-13", 1, 16, "date and time" },
    { "tcb.min_evaluation_number = -1", 1, 29, "between 0 and 4294967295" },
    { "tcb.min_evaluation_number = 4294967296", 1, 29, "between 0 and 4294967295" },
    { "tcb.max_collateral_age = 268435457", 1, 26, "between" },
    { "tcb.min_evaluation_number = 1.0", 1, 29, "must be an integer" },
    { "sgx.isv_prod_id = 65536", 1, 19, "between 0 and 65535" },
    { "nitro.user_data_max = 1025", 1, 23, "between 1 and 1024" },
    { "nitro.user_data_max = 0", 1, 23, "between 1 and 1024" },
    { "nitro.max_age = -300", 1, 17, "between" },
    { "tdx.mrtd = ''", 1, 12, "hex digits" },
    { "tdx.mrtd = '00'", 1, 12, "2 hex digits" },
    { "tdx.mrtd = '" HEX_48 "0'", 1, 12, "97 hex digits" },
    { "tdx.mrtd = '" HEX_32 "0x0102030405060708090a0b0c0d0e0f'", 1, 12, "no hex digit" },
    { "tdx.mrtd = []", 1, 12, "empty list" },
    { "tdx.mrtd = ['" HEX_48 "', 7]", 1, 113, "must be a string" },
    { "nitro.pcr0 = '" HEX_20 "'", 1, 14, "40 hex digits" },
    { "nitro.pcr32 = '" HEX_48 "'", 1, 7, "did you mean pcr" },
    { "nonce = ''", 1, 9, "0 hex digits" },
    { "report_data = '" HEX_48 "'", 1, 15, "96 hex digits" },
    { "roots = ['']", 1, 10, "empty string" },
    { "tdx.attributes_allowed = ['DEBUG']", 1, 27, "does not know \"DEBUG\"" },
    { "sgx.mr_signer = '" HEX_32 "'", 1, 5, "add sgx.isv_prod_id" },
    { "log.rtmr3 = 'value'", 1, 5, "needs the values in tdx.rtmr3" },
    { "log.rtmr3 = 'no'", 1, 13, "does not know" },
    { "hardware = true\nhardware = true\n", 2, 1, "" },
    { "hardware = ", 1, 12, "" },
    { "\xff", 1, 1, "" },
    { "\"\\u0001\" = 1", 1, 1, "unknown key \"?\"" },
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
        struct loaded *l = load(wrongs[i].text);
        const struct toml_problem *e = &l->errors.list[0];
        if (l->ok || l->errors.count != 1 || strstr(e->text, wrongs[i].says) == NULL ||
            e->place.line != wrongs[i].line || e->place.column != wrongs[i].column)
            fail_msg("%s: %zu errors, %u:%u %s", wrongs[i].text, l->errors.count, e->place.line,
                     e->place.column, e->text);
    }
}

static void test_all_errors_at_once(void **state)
{
    (void)state;
    struct loaded *l = load("types = ['tdx']\n"
                            "color = 'red'\n"
                            "[tdx]\n"
                            "mrtd = ['1', '2']\n"
                            "allow_debug = 0\n"
                            "[nitro]\n"
                            "pcr0 = 4\n");
    assert_false(l->ok);
    assert_int_equal(l->errors.count, 6);
    static const uint32_t lines[] = { 1, 2, 4, 4, 5, 7 };
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        assert_int_equal(l->errors.list[i].place.line, lines[i]);
}

static void test_more_errors_than_are_kept(void **state)
{
    (void)state;
    static char text[4096];
    struct sink out = sink_over(text, sizeof text);
    for (unsigned i = 0; i < 100; i++)
        sink_format(&out, "wrong_%u = 1\n", i);
    struct loaded *l = load_span(sink_bytes(&out));
    assert_int_equal(l->errors.count, 100);
    assert_int_equal(l->errors.list[TOML_PROBLEMS_MAX - 1].place.line, TOML_PROBLEMS_MAX);
}

static void test_limits(void **state)
{
    (void)state;
    static char text[POLICY_TEXT_MAX + 1];
    memset(text, '\n', sizeof text);
    assert_true(load_span(span_of(text, POLICY_TEXT_MAX))->ok);
    assert_false(load_span(span_of(text, POLICY_TEXT_MAX + 1))->ok);
    for (unsigned extra = 0; extra < 2; extra++) {
        struct sink out = sink_over(text, sizeof text);
        sink_text(&out, "roots = [");
        for (unsigned i = 0; i < POLICY_LIST_MAX + extra; i++)
            sink_text(&out, "'x',");
        sink_text(&out, "]");
        assert_int_equal(load_span(sink_bytes(&out))->ok, extra == 0);
    }
}

/* The n-th byte of memory missing is an error, never a half-made policy. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    struct span text = span_text("roots = ['a', 'b']\nnonce = '00'\n[tdx]\nmrtd = ['" HEX_48
                                 "']\n[tcb]\nadvisories_denied = ['x']\n");
    unsigned refused = 0;
    for (size_t room = 0; room < 8192; room += 16) {
        static uint8_t memory[8192];
        struct arena arena = arena_over(memory, room);
        struct policy policy = { 0 };
        static struct toml_problems errors;
        if (policy_load(text, &arena, &policy, &errors))
            continue;
        refused++;
        assert_true(errors.count > 0);
        assert_false(policy.ready);
    }
    assert_in_range(refused, 1, 500);
}

static void test_the_policy_outlives_its_text(void **state)
{
    (void)state;
    char text[] = "root_files = ['here']\n[nitro]\nmodule_id = 'i-9'\n";
    struct loaded *l = load(text);
    memset(text, 'x', sizeof text - 1);
    assert_list(&l->policy.root_files, 1, span_text("here"));
    assert_list(&l->policy.nitro.module_ids, 1, span_text("i-9"));
}

static void test_documentation_is_the_table(void **state)
{
    (void)state;
    static char made[65536];
    struct sink out = sink_over(made, sizeof made);
    toml_shape_write_reference(&out, &policy_shape);
    sink_terminate(&out);
    assert_true(sink_ok(&out));
    assert_reference("docs/policy.md", sink_bytes(&out), "build/tests/job/key_reference policy");
}

static void test_the_documented_example_loads(void **state)
{
    (void)state;
    struct span file = project_read("docs/policy.md");
    const uint8_t *from = memmem(file.at, file.len, "```toml\n", 8);
    assert_non_null(from);
    from += 8;
    const uint8_t *until = memmem(from, file.len - (size_t)(from - file.at), "```", 3);
    assert_non_null(until);
    struct loaded *l = load_span(span_of(from, (size_t)(until - from)));
    assert_true(l->ok);
    assert_int_equal(l->policy.lists[LIST_RTMR1].count, 2);
    vectors_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty_is_the_default, ""),
        TEST(test_written_defaults_are_the_defaults, ""),
        TEST(test_every_key, ""),
        TEST(test_every_measurement, ""),
        TEST(test_wrong, ""),
        TEST(test_all_errors_at_once, ""),
        TEST(test_more_errors_than_are_kept, ""),
        TEST(test_limits, ""),
        TEST(test_memory_runs_out, ""),
        TEST(test_the_policy_outlives_its_text, ""),
        TEST(test_documentation_is_the_table, ""),
        TEST(test_the_documented_example_loads, ""),
    };
    return RUN_TESTS(tests);
}
