/* test_config_keys.c - the table of keys is sound, finds what is meant by a wrong name, and is
   what docs/config.md says. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "proc/config.h"
#include "vectors.h"

static struct span section_of(const struct config_key *key)
{
    return span_of(key->name, strcspn(key->name, "."));
}

static void test_the_table_is_sound(void **state)
{
    (void)state;
    size_t count;
    const struct config_key *keys = config_keys(&count);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(keys[i].name);
        assert_true(section_of(&keys[i]).len > 0 && section_of(&keys[i]).len < len - 1);
        assert_int_equal(strspn(keys[i].name, "abcdefghijklmnopqrstuvwxyz_."), len);
        assert_true((keys[i].fallback == NULL) != (keys[i].derived == NULL));
        assert_true(keys[i].least <= keys[i].most);
        assert_true(keys[i].form == CONFIG_SIZE || keys[i].most <= UINT32_MAX);
        assert_true(keys[i].summary[strlen(keys[i].summary) - 1] != '.');
        assert_ptr_equal(config_key_find(span_text(keys[i].name)), &keys[i]);
        assert_int_equal(config_key_index(&keys[i]), i);
        assert_string_equal(config_key_nearest(span_text(keys[i].name)), keys[i].name);
        for (size_t k = i + 1; k < count; k++) {
            assert_true(keys[k].field != keys[i].field);
            assert_true(keys[k].flag == NULL || keys[i].flag == NULL ||
                        strcmp(keys[k].flag, keys[i].flag) != 0);
            /* Grouped: what is of one section stands together. */
            if (span_equal(section_of(&keys[i]), section_of(&keys[k])))
                assert_true(span_equal(section_of(&keys[i]), section_of(&keys[k - 1])));
        }
    }
    assert_null(config_key_find(span_text("limit")));
    assert_null(config_key_find(span_text("limit.")));
    assert_null(config_key_find(span_text("")));
}

static void test_variables_differ(void **state)
{
    (void)state;
    size_t count;
    static char names[CONFIG_KEYS_MAX][CONFIG_VARIABLE_MAX];
    const struct config_key *keys = config_keys(&count);
    for (size_t i = 0; i < count; i++) {
        struct sink out = sink_over(names[i], sizeof names[i]);
        config_key_variable(&out, &keys[i]);
        assert_true(sink_ok(&out) && out.len < sizeof names[i]);
        sink_terminate(&out);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(names[i], names[k]);
    }
    assert_string_equal(names[config_key_index(config_key_find(span_text("listen.tls")))],
                        "WARD_LISTEN_TLS");
}

static const struct {
    const char *name;
    const char *nearest;
} near_names[] = {
    { "limit.conections", "limit.connections" },
    { "limits.connections", "limit.connections" },
    { "connections", "limit.connections" },
    { "conections", "limit.connections" },
    { "http.connections_per_address", "limit.connections_per_address" },
    { "limit.burst", NULL },
    { "networking.tls", "listen.tls" },
    { "networking.tlx", "listen.tls" },
    { "networking.tls.listen", NULL },
    { "tls", "listen.tls" },
    { "url", "store.url" },
    { "seal.knd", "seal.kind" },
    { "Listen.TLS", "listen.tls" },
    { "store_url", "store.url" },
    { "tls.listen", NULL },
    { "", NULL },
    { ".", NULL },
    { "colour", NULL },
};

static void test_near_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(near_names); i++) {
        const char *near = config_key_nearest(span_text(near_names[i].name));
        if (near_names[i].nearest == NULL)
            assert_null(near);
        else
            assert_string_equal(near, near_names[i].nearest);
    }
}

static void test_the_document_is_the_table(void **state)
{
    (void)state;
    static char made[65536];
    struct sink out = sink_over(made, sizeof made);
    config_write_reference(&out);
    assert_true(sink_ok(&out));
    struct span file = project_read("docs/config.md");
    static const char mark[] = "prints everything below this line.\n";
    const uint8_t *at = memmem(file.at, file.len, mark, sizeof mark - 1);
    assert_non_null(at);
    struct span tail = span_of(at + sizeof mark - 1,
                               file.len - (size_t)(at - file.at) - (sizeof mark - 1));
    if (!span_equal(tail, sink_bytes(&out)))
        fail_msg("docs/config.md is stale: put the output of build/tests/proc/config_reference "
                 "below its last marked line");
    vectors_free(&file);
}

static void test_the_documented_example_is_read(void **state)
{
    (void)state;
    struct span file = project_read("docs/config.md");
    const uint8_t *from = memmem(file.at, file.len, "```toml\n", 8);
    assert_non_null(from);
    from += 8;
    const uint8_t *until = memmem(from, file.len - (size_t)(from - file.at), "```", 3);
    assert_non_null(until);
    const struct config_inputs inputs = { .file = span_of(from, (size_t)(until - from)),
                                          .file_folder = "/etc/ward",
                                          .folder = "/root" };
    static struct config_problems problems;
    struct config config = { 0 };
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_true(config_read(&inputs, &arena, &config, &problems));
    arena_fini(&arena);
    assert_int_equal(config.settings.connections, 10000);
    assert_string_equal(config.settings.state, "/var/lib/ward");
    vectors_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_table_is_sound, ""),
        TEST(test_variables_differ, ""),
        TEST(test_near_names, ""),
        TEST(test_the_document_is_the_table, ""),
        TEST(test_the_documented_example_is_read, ""),
    };
    return RUN_TESTS(tests);
}
