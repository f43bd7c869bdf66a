/* test_config_tenants.c - the tables [tenants.NAME] of ward.toml: shares as they are written and
   written back, every mistake with its place, and that a running house takes them over. */
#include "config_load.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"

static void test_shares(void **state)
{
    static const struct {
        const char *said;
        uint32_t share;
        const char *written;
    } rows[] = {
        { "0.5", 500000, "0.5" },
        { "1.0", 1000000, "1.0" },
        { "1", 1000000, "1.0" },
        { "0.000001", 1, "0.000001" },
        { "1e-6", 1, "0.000001" },
        { "0.333333333", 333333, "0.333333" },
        { "0.9999999", 1000000, "1.0" },
        { "0.1", 100000, "0.1" },
        { "0.0000007", 1, "0.000001" },
        { "0.29", 290000, "0.29" },
        { "0.123456", 123456, "0.123456" },
    };
    const struct config_table *table = config_table_find(span_text("tenants"));
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char file[80], text[32];
        struct sink out = sink_over(text, sizeof text);
        snprintf(file, sizeof file, "[tenants.blue]\nshare = %s\n", rows[i].said);
        assert_true(load_file(file));
        assert_int_equal(config.settings.tenant_count, 1);
        assert_string_equal(config.settings.tenants[0].name, "blue");
        assert_int_equal(config.settings.tenants[0].share, rows[i].share);
        config_value_write(&out, table->keys, config_row(table, &config.settings, 0));
        sink_terminate(&out);
        assert_string_equal(text, rows[i].written);
        const struct config_origin *origin = config_row_origin(&config, table, 0, table->keys);
        assert_int_equal(origin->source, CONFIG_FILE);
        assert_int_equal(origin->place.line, 2);
    }
    assert_true(load_file(""));
    assert_int_equal(config.settings.tenant_count, 0);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *file;
        uint32_t line, column;
        const char *text; /* a part of it */
        const char *nearest;
    } rows[] = {
        { "[tenant.a]\nshare = 0.5\n", 1, 2, "no section \"tenant\"", "tenants" },
        { "[tenants.a]\n", 1, 10, "tenants.a needs a share", "" },
        { "[tenants.a]\nshares = 0.5\n", 2, 1, "a tenant has no key \"shares\"", "share" },
        { "[tenants.a]\nshare = 0.0\n", 2, 9, "tenants.a.share must be a fraction", "" },
        { "[tenants.a]\nshare = 0\n", 2, 9, "must be a fraction above 0 and at most 1", "" },
        { "[tenants.a]\nshare = 0.0000004\n", 2, 9, "must be a fraction", "" },
        { "[tenants.a]\nshare = -0.5\n", 2, 9, "must be a fraction", "" },
        { "[tenants.a]\nshare = 1.0000001\n", 2, 9, "must be a fraction", "" },
        { "[tenants.a]\nshare = 2\n", 2, 9, "must be a fraction", "" },
        { "[tenants.a]\nshare = inf\n", 2, 9, "must be a fraction", "" },
        { "[tenants.a]\nshare = nan\n", 2, 9, "must be a fraction", "" },
        { "[tenants.a]\nshare = \"0.5\"\n", 2, 9, "must be a fraction", "" },
        { "[tenants.Blue]\nshare = 0.5\n", 1, 10, "\"Blue\" is no name of a tenant", "" },
        { "[tenants.a123456789b123456789c123456789d123456789e123456789f123456789abcd]\n", 1, 10,
          "at most 63 of a-z, 0-9 and inner hyphens", "" },
        { "[tenants]\na = 0.5\n", 2, 1, "tenants.a is a float and must be a table", "" },
        { "[tenants.a]\nshare = 0.7\n[tenants.b]\nshare = 0.4\n", 3, 10,
          "with tenants.b the shares are 1.100000 together and may be 1", "" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_false(load_file(rows[i].file));
        if (problems.count != 1 || problems.list[0].place.line != rows[i].line ||
            problems.list[0].place.column != rows[i].column ||
            strstr(problems.list[0].text, rows[i].text) == NULL ||
            strcmp(problems.list[0].nearest, rows[i].nearest) != 0)
            fail_msg("%zu: %zu problems, %u:%u %s, nearest \"%s\"", i, problems.count,
                     problems.list[0].place.line, problems.list[0].place.column,
                     problems.list[0].text, problems.list[0].nearest);
    }
}

static void test_how_many(void **state)
{
    char file[8192];
    (void)state;
    for (size_t count = SETTING_TENANTS_MAX; count <= SETTING_TENANTS_MAX + 1; count++) {
        struct sink out = sink_over(file, sizeof file);
        for (size_t i = 0; i < count; i++)
            sink_format(&out, "[tenants.t%zu]\nshare = 0.01\n", i);
        sink_terminate(&out);
        assert_int_equal(load_file(file), count == SETTING_TENANTS_MAX);
    }
    assert_int_equal(problems.count, 1);
    assert_non_null(strstr(problems.list[0].text, "more than 32 tenants"));
}

static void test_in_the_file_only(void **state)
{
    static const char *const environment[] = { "WARD_TENANTS_A_SHARE=0.5", NULL };
    static const struct config_flag flag = { "--set", "tenants.a.share=0.5" };
    (void)state;
    assert_false(load((struct config_inputs){ .environment = environment }));
    assert_string_equal(problems.list[0].text, "tenants are set in ward.toml only");
    assert_false(load((struct config_inputs){ .flags = &flag, .flag_count = 1 }));
    assert_string_equal(problems.list[0].text, "tenants are set in ward.toml only");
}

static void test_a_reload_takes_them(void **state)
{
    static const char *const others[] = {
        "",
        "[tenants.b]\nshare = 0.5\n",
        "[tenants.a]\nshare = 0.25\n",
        "[tenants.a]\nshare = 0.5\n[tenants.b]\nshare = 0.5\n",
    };
    const struct config_table *table = config_table_find(span_text("tenants"));
    static struct settings before;
    (void)state;
    assert_true(config_table_reloads(table));
    assert_true(load_file("[tenants.a]\nshare = 0.5\n"));
    before = config.settings;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        enum config_change changes[CONFIG_KEYS_MAX];
        struct settings running = before;
        assert_true(load_file(others[i]));
        assert_true(config_table_differs(table, &before, &config.settings));
        config_take_over(&running, &config.settings, changes);
        assert_false(config_table_differs(table, &config.settings, &running));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shares, ""),
        TEST(test_mistakes, ""),
        TEST(test_how_many, ""),
        TEST(test_in_the_file_only, ""),
        TEST(test_a_reload_takes_them, ""),
    };
    return RUN_TESTS(tests);
}
