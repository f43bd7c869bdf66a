/* test_config.c - each source counts as it should; every mistake is found at once, and where. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "proc/config.h"
#include "test.h"

struct loaded {
    bool good;
    struct config config;
    struct config_problems problems;
};

static struct loaded *load(const struct config_inputs *given, size_t memory)
{
    static struct loaded loaded;
    struct config_inputs inputs = *given;
    struct arena arena;
    memset(&loaded, 0xee, sizeof loaded);
    inputs.folder = inputs.folder != NULL ? inputs.folder : "/srv/here";
    inputs.file_folder = "/etc/ward";
    arena_init(&arena, memory);
    loaded.good = config_read(&inputs, &arena, &loaded.config, &loaded.problems);
    arena_fini(&arena);
    assert_int_equal(loaded.good, loaded.problems.count == 0);
    for (size_t i = 0; !loaded.good && i < sizeof loaded.config; i++)
        assert_int_equal(((const uint8_t *)&loaded.config)[i], 0xee);
    assert_true(!loaded.good || config_is_sound(&loaded.config));
    return &loaded;
}

static struct loaded *load_file(const char *text)
{
    return load(&(struct config_inputs){ .file = span_text(text) }, 1 << 20);
}

static struct loaded *load_variable(const char *entry)
{
    const char *environment[] = { "HOME=/root", entry, "PATH=/bin", NULL };
    return load(&(struct config_inputs){ .environment = environment }, 1 << 20);
}

static struct loaded *load_flags(const struct config_flag *flags, size_t count)
{
    return load(&(struct config_inputs){ .flags = flags, .flag_count = count }, 1 << 20);
}

static const struct settings defaults = {
    .state = "/srv/here/ward-state",
    .listen = "127.0.0.1:8443",
    .store = "sqlite",
    .backup_dir = "/srv/here/ward-backups",
    .seal_path = "/srv/here/ward-state.seal",
    .sdk_peer = "challenge",
    .seal = SEAL_BY_FILE,
    .connections = 4096,
    .connections_per_address = 64,
    .connects_per_second = 2,
    .connects_burst = 60,
    .requests_per_second = 100,
    .requests_burst = 200,
    .header_seconds = 10,
    .idle_seconds = 60,
    .audit_rotate_bytes = 64 << 20,
    .audit_keep_days = 7,
    .collateral_refresh = 86400,
    .jobs_patience = 300,
    .jobs_keep = 256,
    .jobs_keep_days = 30,
};

static void test_nothing_is_the_defaults(void **state)
{
    (void)state;
    struct loaded *l = load(&(struct config_inputs){ 0 }, 0);
    assert_true(l->good);
    assert_memory_equal(&l->config.settings, &defaults, sizeof defaults);
    for (size_t i = 0; i < CONFIG_KEYS_MAX; i++)
        assert_int_equal(l->config.origins[i].source, CONFIG_DEFAULT);
    assert_true(load_file("# nothing but talk\n[limit]\n")->good);
    assert_memory_equal(&l->config.settings, &defaults, sizeof defaults);
}

#define CA "tls.client_ca='c'"
/* Three values of each key, as text: of the file, the environment and the command line. */
static const struct {
    const char *key;
    const char *text[3];
    const char *shown[3]; /* as config_value_write says it; NULL: as the text */
    const char *also;     /* what the file must set when that is set; NULL: nothing */
} values[] = {
    { "state.folder", { "'/f'", "/e", "/g" }, { "\"/f\"", "\"/e\"", "\"/g\"" } },
    { "listen.tls",
      { "'[::]:1'", "[::]:2", "[::]:3" },
      { "\"[::]:1\"", "\"[::]:2\"", "\"[::]:3\"" } },
    { "store.url",
      { "'host=f'", "host=e", "host=g" },
      { "\"host=f\"", "\"host=e\"", "\"host=g\"" } },
    { "tls.certificate", { "'/f'", "/e", "/g" }, { "\"/f\"", "\"/e\"", "\"/g\"" }, "tls.key='k'" },
    { "tls.key", { "'/f'", "/e", "/g" }, { "\"/f\"", "\"/e\"", "\"/g\"" }, "tls.certificate='c'" },
    { "tls.client_ca", { "'/f'", "/e", "/g" }, { "\"/f\"", "\"/e\"", "\"/g\"" } },
    { "tls.client_crl", { "'/f'", "/e", "" }, { "\"/f\"", "\"/e\"", "\"\"" }, CA },
    { "tls.operators", { "['dns:f']", "dns:e", "" }, { "[\"dns:f\"]", "[\"dns:e\"]", "[]" }, CA },
    { "store.password_file", { "'f'", "e", "" }, { "\"/etc/ward/f\"", "\"/srv/here/e\"", "\"\"" } },
    { "seal.kind",
      { "'passphrase'", "file", "passphrase" },
      { "\"passphrase\"", "\"file\"", "\"passphrase\"" } },
    { "seal.path", { "'/f'", "/e", "/g" }, { "\"/f\"", "\"/e\"", "\"/g\"" } },
    { "backup.dir", { "'/f'", "/e", "/g" }, { "\"/f\"", "\"/e\"", "\"/g\"" } },
    { "limit.connections", { "11", "12", "13" }, { 0 } },
    { "limit.connections_per_address", { "21", "22", "23" }, { 0 } },
    { "limit.connects_per_second", { "24", "25", "26" }, { 0 } },
    { "limit.connects_burst", { "27", "28", "29" }, { 0 } },
    { "limit.requests_per_second", { "31", "32", "33" }, { 0 } },
    { "limit.requests_burst", { "41", "42", "43" }, { 0 } },
    { "limit.header_seconds", { "'5s'", "1m", "7" }, { "5", "60", "7" } },
    { "limit.idle_seconds", { "'1h'", "2h", "3h" }, { "3600", "7200", "10800" } },
    { "admit.never_ban", { "'::1'", "::2, ::3", "" }, { "\"::1\"", "\"::2, ::3\"", "\"\"" } },
    { "admit.proxies", { "'::1'", "::2, ::3", "" }, { "\"::1\"", "\"::2, ::3\"", "\"\"" } },
    { "audit.rotate_bytes", { "'1M'", "2M", "1G" }, { "1048576", "2097152", "1073741824" } },
    { "audit.keep_days", { "1", "2", "3" }, { 0 } },
    { "collateral.folder", { "'f'", "e", "" }, { "\"/etc/ward/f\"", "\"/srv/here/e\"", "\"\"" } },
    { "collateral.url", { "'https://f'", "", "" }, { "\"https://f\"", "\"\"", "\"\"" } },
    { "collateral.ca_file", { "'/f'", "/e", "" }, { "\"/f\"", "\"/e\"", "\"\"" } },
    { "collateral.root_file", { "'/f'", "/e", "" }, { "\"/f\"", "\"/e\"", "\"\"" } },
    { "collateral.inward", { "true", "true", "true" }, { 0 } },
    { "collateral.refresh", { "'2h'", "1d", "3600" }, { "7200", "86400", "3600" } },
    { "channel.policy", { "'/f'", "/e", "" }, { "\"/f\"", "\"/e\"", "\"\"" } },
    { "miners.file", { "'/f'", "/e", "" }, { "\"/f\"", "\"/e\"", "\"\"" } },
    { "sdk.policy", { "'/f'", "/e", "" }, { "\"/f\"", "\"/e\"", "\"\"" } },
    { "sdk.peer", { "'f'", "e", "g-1" }, { "\"f\"", "\"e\"", "\"g-1\"" } },
    { "sdk.strict", { "true", "true", "true" }, { 0 } },
    { "jobs.patience", { "61", "62", "63" }, { 0 } },
    { "jobs.vcpu", { "51", "52", "53" }, { 0 } },
    { "jobs.keep", { "61", "62", "63" }, { 0 } },
    { "jobs.keep_days", { "71", "72", "73" }, { 0 } },
};

static void assert_shown(const struct config *config, const struct config_key *key,
                         const char *shown)
{
    char text[64];
    struct sink out = sink_over(text, sizeof text);
    config_value_write(&out, key, &config->settings);
    sink_terminate(&out);
    assert_string_equal(text, shown);
}

/* One key, set by the sources whose bits are there. */
static void check_precedence(size_t row, unsigned sources)
{
    const struct config_key *key = config_key_find(span_text(values[row].key));
    char file[128], variable[128], set[64];
    struct sink out = sink_over(variable, sizeof variable);
    assert_non_null(key);
    config_key_variable(&out, key);
    sink_format(&out, "=%s", values[row].text[1]);
    sink_terminate(&out);
    const char *also = values[row].also == NULL || sources == 0 ? "" : values[row].also;
    snprintf(file, sizeof file, "\n%s = %s\n%s", key->name, values[row].text[0], also);
    snprintf(set, sizeof set, "%s=%s", key->name, values[row].text[2]);
    const char *environment[] = { (sources & 2) != 0 ? variable : "A=b", NULL };
    struct config_flag flag = { "--set", set };
    if (key->flag != NULL)
        flag = (struct config_flag){ key->flag, values[row].text[2] };
    struct loaded *l = load(&(struct config_inputs){ .file = span_text(sources & 1 ? file : also),
                                                     .environment = environment,
                                                     .flags = &flag,
                                                     .flag_count = sources >> 2 },
                            1 << 20);
    assert_true(l->good);
    unsigned winner = (sources & 4) != 0 ? 3 : (sources & 2) != 0 ? 2 : sources & 1;
    const struct config_origin *origin = &l->config.origins[config_key_index(key)];
    assert_int_equal(origin->source, winner);
    assert_int_equal(origin->place.line, winner == 1 ? 2 : 0);
    assert_int_equal(origin->place.column, winner == 1 ? strlen(key->name) + 4 : 0);
    assert_true(winner == 3 ? strcmp(origin->option, flag.option) == 0 : origin->option == NULL);
    if (winner > 0)
        assert_shown(&l->config, key,
                     values[row].shown[winner - 1] != NULL ? values[row].shown[winner - 1]
                                                           : values[row].text[winner - 1]);
    else
        assert_memory_equal(&l->config.settings, &defaults, sizeof defaults);
}

static void test_precedence(void **state)
{
    (void)state;
    size_t count;
    config_keys(&count);
    assert_int_equal(count, COUNT_OF(values));
    for (size_t i = 0; i < 8 * COUNT_OF(values); i++)
        check_precedence(i / 8, (unsigned)(i % 8));
}

/* What is set reads back as the same: `ward config show` can be kept as a file. */
static void test_written_settings_read_back(void **state)
{
    (void)state;
    char text[4096], sets[COUNT_OF(values)][64];
    struct config_flag flags[COUNT_OF(values)];
    size_t count;
    const struct config_key *keys = config_keys(&count);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        snprintf(sets[i], sizeof sets[i], "%s=%s", values[i].key, values[i].text[2]);
        flags[i] = (struct config_flag){ "--set", sets[i] };
    }
    struct loaded *l = load_flags(flags, COUNT_OF(flags));
    assert_true(l->good);
    struct settings first = l->config.settings;
    struct sink out = sink_over(text, sizeof text);
    for (size_t i = 0; i < count; i++) {
        sink_format(&out, "%s = ", keys[i].name);
        config_value_write(&out, &keys[i], &first);
        sink_text(&out, "\n");
    }
    sink_terminate(&out);
    l = load_file(text);
    assert_true(l->good);
    assert_memory_equal(&l->config.settings, &first, sizeof first);
}

/* A written default is the default. */
static void test_written_defaults_are_the_defaults(void **state)
{
    (void)state;
    size_t count;
    const struct config_key *keys = config_keys(&count);
    for (size_t i = 0; i < count; i++) {
        char set[64];
        if (keys[i].fallback == NULL)
            continue;
        snprintf(set, sizeof set, "%s=%s", keys[i].name, keys[i].fallback);
        struct loaded *l = load_flags(&(struct config_flag){ "--set", set }, 1);
        assert_true(l->good);
        assert_memory_equal(&l->config.settings, &defaults, sizeof defaults);
        assert_int_equal(l->config.origins[i].source, CONFIG_FLAG);
    }
}

static const struct {
    const char *name;
    const char *file;
    uint32_t line, column;
    const char *text; /* a part of it */
    const char *nearest;
} bad_files[] = {
    { "no TOML", "[limit\n", 1, 7, "no TOML", "" },
    { "a key twice", "[seal]\nkind='file'\nkind='file'\n", 3, 1, "no TOML", "" },
    { "a section twice", "[seal]\n[limit]\n[seal]\n", 3, 2, "no TOML", "" },
    { "not UTF-8", "[seal]\n# \xff\n", 2, 3, "no TOML", "" },
    { "unknown section", "[limits]\n", 1, 2, "no section \"limits\"", "limit" },
    { "unknown section, nothing near", "\n [colour]\nx = 1\n", 2, 3, "no section", "" },
    { "unknown key", "[limit]\nconections = 5\n", 2, 1, "no key \"limit.conections\"",
      "limit.connections" },
    { "unknown key, nothing near", "limit.colour = 5\n", 1, 7, "no key \"limit.colour\"", "" },
    { "key without a section", "connections = 5\n", 1, 1, "no key \"connections\"",
      "limit.connections" },
    { "key of another section", "[audit]\nidle_seconds = 5\n", 2, 1,
      "no key \"audit.idle_seconds\"", "limit.idle_seconds" },
    { "capitals", "[limit]\nConnections = 5\n", 2, 1, "no key", "limit.connections" },
    { "quoted whole key", "'limit.connections' = 5\n", 1, 1, "no key \"limit.connections\"",
      "limit.connections" },
    { "empty key", "[limit]\n'' = 5\n", 2, 1, "no key \"limit.\"", "" },
    { "control characters in a key", "[limit]\n\"\\u001b[2J\" = 5\n", 2, 1, "no key \"limit.?[2J\"",
      "" },
    { "section is a number", "limit = 5\n", 1, 1, "limit is an integer and must be a section", "" },
    { "section is a list", "[[limit]]\n", 1, 3, "limit is an array and must be a section", "" },
    { "key is a section", "[limit.connections]\nx = 1\n", 1, 8, "limit.connections is a table",
      "" },
    { "too small", "[limit]\nconnections = 0\n", 2, 15,
      "limit.connections is 0 and must be between", "" },
    { "too large", "limit = { connections = 1000001 }\n", 1, 25, "must be between 1 and 1000000",
      "" },
    { "wrong type", "[listen]\ntls = 8443\n", 2, 7, "is an integer and must be a string", "" },
    { "no unit", "[audit]\nrotate_bytes = '1T'\n", 2, 16, "number of bytes", "" },
    { "unknown word", "[seal]\nkind = 'pasphrase'\n", 2, 8, "seal.kind must be one of",
      "passphrase" },
    { "no address", "[listen]\ntls = 'localhost:443'\n", 2, 7, "names are not looked up", "" },
    { "password", "[store]\nurl = 'host=a password=hunter2'\n", 2, 7, "passfile", "" },
    { "unknown store", "[store]\nurl = 'squlite'\n", 2, 7, "must be \"sqlite\"", "sqlite" },
    { "seal in the state", "[state]\nfolder = '/s'\n[seal]\npath = '/s/seal'\n", 4, 8,
      "must lie outside state.folder", "" },
    { "seal is the state", "state.folder = '/s'\nseal.path = '/s/'\n", 2, 13, "must lie outside",
      "" },
    { "state is bad, the seal not judged",
      "state.folder = ''\nseal.path = '/srv/here/ward-state/x'\n", 1, 16, "must not be empty", "" },
    { "seal kind is bad, its path not judged",
      "seal.kind = 'fil'\nseal.path = '/srv/here/ward-state/x'\n", 1, 13, "must be one of",
      "file" },
    { "credential without a path", "seal.kind = 'credential'\n", 1, 13, "seal.path must name", "" },
    { "unfilled", "limit.connects_burst = 500001\nlimit.connects_per_second = 1\n", 1, 24,
      "must be at most 500000, which limit.connects_per_second of 1 gives in 500000 seconds", "" },
    { "bad rate, burst not judged",
      "limit.requests_burst = 1000000\nlimit.requests_per_second = 0\n", 2, 29, "must be between 1",
      "" },
};

static void test_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_files); i++) {
        struct loaded *l = load_file(bad_files[i].file);
        const struct config_problem *problem = &l->problems.list[0];
        if (l->problems.count != 1 || problem->source != CONFIG_FILE ||
            problem->place.line != bad_files[i].line ||
            problem->place.column != bad_files[i].column ||
            strstr(problem->text, bad_files[i].text) == NULL ||
            strcmp(problem->nearest, bad_files[i].nearest) != 0)
            fail_msg("%s: %zu problems, %u:%u: %s (%s)", bad_files[i].name, l->problems.count,
                     problem->place.line, problem->place.column, problem->text, problem->nearest);
        assert_null(strstr(problem->text, "hunter2"));
    }
}

static const struct {
    const char *entry;
    const char *text; /* a part of the problem; NULL: there is none */
    const char *where;
    const char *nearest;
} variables[] = {
    { "WARD_LIMIT_CONNECTIONS=5", NULL },
    { "WARD_CONFIG=/etc/ward.toml", NULL },
    { "WARD_VECTORS=/x", NULL },
    { "WARD_BUILD=/x", NULL },
    { "WARDEN_LIMIT_CONNECTIONS=x", NULL },
    { "ward_limit_connections=x", NULL },
    { "WARD_=x", NULL },
    { "WARD_LIMIT_CONNECTIONS", NULL }, /* no variable at all */
    { "=x", NULL },
    { "", NULL },
    { "WARD_LIMIT_CONNECTIONS=", "limit.connections must be a whole number",
      "WARD_LIMIT_CONNECTIONS", "" },
    { "WARD_LIMIT_CONNECTIONS=0", "must be between", "WARD_LIMIT_CONNECTIONS", "" },
    { "WARD_SEAL_KIND=fil", "must be one of", "WARD_SEAL_KIND", "file" },
    { "WARD_SEAL_KIND=credential", "seal.path must name", "WARD_SEAL_KIND", "" },
    { "WARD_SEAL_PATH=ward-state/seal", "must lie outside", "WARD_SEAL_PATH", "" },
    { "WARD_STORE_URL=password=hunter2", "passfile", "WARD_STORE_URL", "" },
    { "WARD_LIMIT_CONECTIONS=5", "no key has this variable", "WARD_LIMIT_CONECTIONS",
      "WARD_LIMIT_CONNECTIONS" },
    { "WARD_LISTN_TLS=x", "no key has this variable", "WARD_LISTN_TLS", "WARD_LISTEN_TLS" },
    { "WARD_LIMIT_COLOUR=5", "no key has this variable", "WARD_LIMIT_COLOUR", "" },
    { "WARD_SEAL_=5", "no key has this variable", "WARD_SEAL_", "" },
    { "WARD_LIMIT_\x1b[2J=5", "no key has this variable", "WARD_LIMIT_?[2J", "" },
    { "WARD_STATE_23456789012345678901234567890123456789012345678901234567890123456789012345=x",
      "no key has this variable",
      "WARD_STATE_23456789012345678901234567890123456789012345678901234567890123456789", "" },
};

static void test_variables(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        struct loaded *l = load_variable(variables[i].entry);
        const struct config_problem *problem = &l->problems.list[0];
        if (l->problems.count != (variables[i].text != NULL))
            fail_msg("%s: %zu problems", variables[i].entry, l->problems.count);
        if (variables[i].text == NULL)
            continue;
        assert_int_equal(problem->source, CONFIG_ENVIRONMENT);
        assert_non_null(strstr(problem->text, variables[i].text));
        assert_string_equal(problem->nearest, variables[i].nearest);
        assert_int_equal(strncmp(problem->where, variables[i].where, CONFIG_VARIABLE_MAX - 1), 0);
        assert_null(strstr(problem->text, "hunter2"));
    }
    assert_int_equal(load_variable("WARD_LIMIT_CONNECTIONS=5")->config.settings.connections, 5);
}

static const struct {
    const char *option, *value;
    const char *text; /* a part of the problem */
    const char *nearest;
} bad_flags[] = {
    { "--set", "", "must be KEY=VALUE", "" },
    { "--set", "limit.connections", "must be KEY=VALUE", "" },
    { "--set", "hunter2", "must be KEY=VALUE", "" },
    { "--set", "=5", "no key \"\"", "" },
    { "--set", "limit.conections=5", "no key \"limit.conections\"", "limit.connections" },
    { "--set", "limit.connections = 5", "no key \"limit.connections \"", "limit.connections" },
    { "--set", "pasword=hunter2", "no key \"pasword\"", "" },
    { "--set", "limit.connections=", "must be a whole number", "" },
    { "--set", "store.url=host=a password=hunter2", "passfile", "" },
    { "--set", "seal.kind=credential", "seal.path must name", "" },
    { "--listen", "8443", "listen.tls must be an address", "" },
    { "--state", "/", "state.folder must not be the root", "" },
};

static void test_bad_flags(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_flags); i++) {
        struct config_flag flag = { bad_flags[i].option, bad_flags[i].value };
        struct loaded *l = load_flags(&flag, 1);
        const struct config_problem *problem = &l->problems.list[0];
        assert_int_equal(l->problems.count, 1);
        assert_int_equal(problem->source, CONFIG_FLAG);
        assert_string_equal(problem->where, bad_flags[i].option);
        if (strstr(problem->text, bad_flags[i].text) == NULL)
            fail_msg("row %zu: %s", i, problem->text);
        assert_string_equal(problem->nearest, bad_flags[i].nearest);
        assert_null(strstr(problem->text, "hunter2"));
    }
}

static void test_a_key_is_set_once_on_the_command_line(void **state)
{
    (void)state;
    const struct config_flag flags[] = { { "--listen", "127.0.0.1:1" },
                                         { "--set", "listen.tls=127.0.0.1:1" },
                                         { "--set", "audit.keep_days=1" },
                                         { "--set", "audit.keep_days=1" } };
    struct loaded *l = load_flags(flags, COUNT_OF(flags));
    assert_int_equal(l->problems.count, 2);
    assert_string_equal(l->problems.list[0].text, "listen.tls is set twice on the command line");
    assert_string_equal(l->problems.list[1].text,
                        "audit.keep_days is set twice on the command line");
    assert_int_equal(load_flags(flags, 1)->problems.count, 0);
}

static void test_every_source_and_mistake_at_once(void **state)
{
    (void)state;
    const char *environment[] = { "WARD_LIMIT_COLOUR=1", "WARD_AUDIT_KEEP_DAYS=x",
                                  "WARD_LISTEN_TLS=127.0.0.1:1", NULL };
    const struct config_flag flags[] = { { "--set", "a" }, { "--state", "" } };
    struct loaded *l = load(
        &(struct config_inputs){ .file = span_text("[limits]\nconnections = 0\nx = 1\n"
                                                   "[listen]\ntls = 1\n[seal]\nkind = 1\n"),
                                 .environment = environment,
                                 .flags = flags,
                                 .flag_count = COUNT_OF(flags) },
        1 << 20);
    static const char *const starts[] = {
        "there is no section",  "limit.connections is 0", "there is no key \"limit.x\"",
        "listen.tls is",        "seal.kind is",           "no key has",
        "audit.keep_days must", "must be KEY=VALUE",      "state.folder must not"
    };
    assert_int_equal(l->problems.count, COUNT_OF(starts));
    for (size_t i = 0; i < COUNT_OF(starts); i++)
        assert_int_equal(strncmp(l->problems.list[i].text, starts[i], strlen(starts[i])), 0);
}

/* A value that a stronger source replaces must be good all the same. */
static void test_a_replaced_value_is_judged_too(void **state)
{
    (void)state;
    const char *environment[] = { "WARD_LIMIT_CONNECTIONS=6", NULL };
    struct loaded *l = load(&(struct config_inputs){ .file = span_text("limit.connections = 0\n"),
                                                     .environment = environment },
                            1 << 20);
    assert_int_equal(l->problems.count, 1);
    assert_int_equal(l->problems.list[0].source, CONFIG_FILE);
}

static void test_problems_past_the_kept_are_counted(void **state)
{
    (void)state;
    static char text[4096];
    for (size_t count = CONFIG_PROBLEMS_MAX; count <= CONFIG_PROBLEMS_MAX + 1; count++) {
        struct sink out = sink_over(text, sizeof text);
        for (size_t i = 0; i < count; i++)
            sink_format(&out, "key%zu = 1\n", i);
        sink_terminate(&out);
        struct loaded *l = load_file(text);
        assert_int_equal(l->problems.count, count);
        assert_int_equal(l->problems.list[CONFIG_PROBLEMS_MAX - 1].place.line, CONFIG_PROBLEMS_MAX);
    }
}

static void test_the_seal_stands_beside_the_state(void **state)
{
    (void)state;
    struct loaded *l = load_file("state.folder = '/var/lib/ward'\n");
    assert_string_equal(l->config.settings.seal_path, "/var/lib/ward.seal");
    l = load_file("[state]\nfolder = 'deep/er'\n");
    assert_string_equal(l->config.settings.seal_path, "/etc/ward/deep/er.seal");
    l = load_file("state.folder = '/s'\nseal.path = '/sx'\n");
    assert_string_equal(l->config.settings.seal_path, "/sx");
    l = load_file("seal = { kind = 'credential', path = '/run/credentials/ward/seal' }\n");
    assert_string_equal(l->config.settings.seal_path, "/run/credentials/ward/seal");
    assert_int_equal(l->config.settings.seal, SEAL_BY_CREDENTIAL);
    /* No file there: nothing to lie outside. */
    assert_true(load_file("state.folder='/s'\nseal.kind='passphrase'\nseal.path='/s/x'\n")->good);
}

static void test_the_seal_needs_room_beside_the_state(void **state)
{
    (void)state;
    for (size_t len = SETTING_TEXT_MAX - 6; len < SETTING_TEXT_MAX; len++) {
        char folder[SETTING_TEXT_MAX + 1];
        memset(folder, 'x', sizeof folder);
        folder[0] = '/';
        folder[len] = 0;
        struct loaded *l = load_flags(&(struct config_flag){ "--state", folder }, 1);
        assert_int_equal(l->good, len + strlen(".seal") < SETTING_TEXT_MAX);
        if (!l->good)
            assert_string_equal(l->problems.list[0].text,
                                "state.folder is too long for the seal's path beside it");
    }
}

static const char whole[] = "[state]\nfolder = '/s'\n[listen]\ntls = '[::1]:8443'\n[store]\n"
                            "url = 'host=db dbname=ward'\n[seal]\nkind = 'file'\npath = '/k'\n"
                            "[limit]\nconnections = 1000\nidle_seconds = '2m'\n[audit]\n"
                            "rotate_bytes = '256M'\nkeep_days = 30\n";

static void test_truncation(void **state)
{
    (void)state;
    assert_true(load_file(whole)->good);
    for (size_t len = 0; len < sizeof whole; len++) {
        struct loaded *l = load(&(struct config_inputs){ .file = span_of(whole, len) }, 1 << 20);
        for (size_t i = 0; i < l->problems.count; i++)
            assert_true(l->problems.list[i].text[0] != 0);
    }
}

/* Changed anywhere, a file is refused or read into what is within its bounds (load looks). */
static void test_damage(void **state)
{
    (void)state;
    struct test_random random = { 20261128 };
    for (size_t round = 0; round < 20000; round++) {
        char text[sizeof whole];
        memcpy(text, whole, sizeof whole);
        for (size_t k = test_random_below(&random, 4); k < 4; k++)
            text[test_random_below(&random, sizeof whole - 1)] = (char)test_random_below(&random,
                                                                                         256);
        load(&(struct config_inputs){ .file = span_of(text, sizeof whole - 1) }, 1 << 20);
    }
}

static void test_no_memory_is_a_problem(void **state)
{
    size_t refused = 0;
    (void)state;
    for (size_t memory = 0; memory < 16384; memory += 64)
        refused += !load(&(struct config_inputs){ .file = span_text(whole) }, memory)->good;
    assert_true(refused > 0);
}

/* A running house takes over what the table says; the rest needs a start, and it is told. */
static void test_taking_over(void **state)
{
    (void)state;
    size_t count = 0;
    const struct config_key *keys = config_keys(&count);
    enum config_change changes[CONFIG_KEYS_MAX];
    struct settings running = load_file("")->config.settings, before = running;
    struct settings next =
        load_file(
            "[state]\nfolder = '/b'\n[listen]\ntls = '[::1]:2'\n[store]\nurl = 'host=a'\npassword"
            "_file = '/d'\n[backup]\ndir = '/e'\n[collateral]\nfolder = '/f'\nurl = 'https://g'\n"
            "ca_file = '/h'\nroot_file = '/i'\ninward = true\nrefresh = '1h'\n[seal]\nkind = 'pas"
            "sphrase'\npath = '/c'\n[admit]\nnever_ban = '::1'\nproxies = '::2'\n[limit]\nconnect"
            "ions = 1\nconnections_per_address = 1\nconnects_per_second = 1\nconnects_burst = 1\n"
            "requests_per_second = 1\nrequests_burst = 1\nheader_seconds = 1\nidle_seconds = 1\n["
            "audit]\nrotate_bytes = '1M'\nkeep_days = 1\n[channel]\npolicy = '/j'\n[tls]\ncertifi"
            "cate = '/k'\nkey = '/l'\nclient_ca = '/p'\nclient_crl = '/q'\noperators = ['dns:r']"
            "\n[sdk]\npolicy = '/m'\npeer = 'n'\nstrict = true\n[miners]\nfile = '/o'\n"
            "[jobs]\nvcpu = 1\npatience = 1\nkeep = 1\nkeep_days = 1\n")
            ->config.settings;
    config_take_over(&running, &before, changes);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(changes[i], CONFIG_SAME);
    config_take_over(&running, &next, changes);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(changes[i], keys[i].reloads ? CONFIG_TAKEN : CONFIG_NEEDS_START);
        const struct settings *want = keys[i].reloads ? &next : &before;
        assert_int_equal(config_number(&keys[i], &running), config_number(&keys[i], want));
    }
    assert_string_equal(running.listen, before.listen);
    assert_true(running.seal == before.seal && running.connections == 4096);
    assert_true(running.audit_rotate_bytes == 1 << 20 && running.idle_seconds == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_is_the_defaults, ""),
        TEST(test_precedence, ""),
        TEST(test_written_settings_read_back, ""),
        TEST(test_written_defaults_are_the_defaults, ""),
        TEST(test_bad_files, ""),
        TEST(test_variables, ""),
        TEST(test_bad_flags, ""),
        TEST(test_a_key_is_set_once_on_the_command_line, ""),
        TEST(test_every_source_and_mistake_at_once, ""),
        TEST(test_a_replaced_value_is_judged_too, ""),
        TEST(test_problems_past_the_kept_are_counted, ""),
        TEST(test_the_seal_stands_beside_the_state, ""),
        TEST(test_the_seal_needs_room_beside_the_state, ""),
        TEST(test_truncation, ""),
        TEST(test_damage, ""),
        TEST(test_no_memory_is_a_problem, ""),
        TEST(test_taking_over, ""),
    };
    return RUN_TESTS(tests);
}
