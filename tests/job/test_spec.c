/* test_spec.c - a job's specification: what is read, every mistake, and the defaults. */
#include "test.h"
#include "vectors.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "job/spec.h"

#define DIGEST "sha256:000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
#define START  "image = '" DIGEST "'\ncommand = ['python', '/job/train.py']\n"

struct loaded {
    bool ok;
    struct job_spec spec;
    struct toml_problems problems;
    struct arena arena;
};

static uint8_t memory[4 << 20];

static struct loaded *load(const char *text)
{
    static struct loaded l;
    l = (struct loaded){ .arena = arena_over(memory, sizeof memory) };
    l.ok = job_spec_load(span_text(text), &l.arena, &l.spec, &l.problems);
    assert_int_equal(l.ok, l.problems.count == 0);
    return &l;
}

static struct loaded *load_good(const char *text)
{
    struct loaded *l = load(text);
    if (!l->ok)
        fail_msg("%s: %s", text, l->problems.list[0].text);
    return l;
}

static bool same_hosts(const struct job_hosts *a, const struct job_hosts *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = a->items[i].kind == b->items[i].kind &&
               span_equal(a->items[i].text, b->items[i].text);
    return same;
}

static bool same_ports(const struct job_ports *a, const struct job_ports *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = a->items[i].number == b->items[i].number && a->items[i].udp == b->items[i].udp;
    return same;
}

static bool same_texts(const struct span_list *a, const struct span_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = span_equal(a->items[i], b->items[i]);
    return same;
}

static void assert_same(const struct job_spec *a, const struct job_spec *b)
{
    assert_int_equal(a->resources.vcpu, b->resources.vcpu);
    assert_int_equal(a->resources.memory, b->resources.memory);
    assert_int_equal(a->resources.disk, b->resources.disk);
    assert_int_equal(a->resources.gpu, b->resources.gpu);
    assert_int_equal(a->monitoring, b->monitoring);
    assert_int_equal(a->guest_agent, b->guest_agent);
    assert_int_equal(a->network.allow_outbound, b->network.allow_outbound);
    assert_true(same_hosts(&a->resources.whitelist.hosts, &b->resources.whitelist.hosts));
    assert_true(same_ports(&a->resources.whitelist.ports, &b->resources.whitelist.ports));
    assert_true(same_hosts(&a->network.allowed.hosts, &b->network.allowed.hosts));
    assert_true(same_ports(&a->network.allowed.ports, &b->network.allowed.ports));
    assert_true(same_texts(&a->network.dns_servers, &b->network.dns_servers));
    assert_int_equal(a->files.read_only, b->files.read_only);
    assert_int_equal(a->files.tmpfs, b->files.tmpfs);
    assert_true(same_texts(&a->files.allowed, &b->files.allowed));
    assert_true(same_texts(&a->files.denied, &b->files.denied));
    assert_memory_equal(&a->limits, &b->limits, sizeof a->limits);
}

/* A specification that spells out every default is the default: the table's texts are true. */
static void test_written_defaults_are_the_defaults(void **state)
{
    (void)state;
    static char text[16384];
    struct sink out = sink_over(text, sizeof text);
    sink_text(&out, START);
    const char *section = "";
    for (size_t i = 0; i < job_spec_shape.field_count; i++) {
        const struct toml_field *field = &job_spec_shape.fields[i];
        if (field->fallback == NULL)
            continue;
        if (strcmp(section, field->section) != 0)
            sink_format(&out, "[%s]\n", section = field->section);
        sink_format(&out, "%s = %s\n", field->name, field->fallback);
    }
    sink_terminate(&out);
    struct job_spec usual = job_spec_default();
    assert_same(&load_good(text)->spec, &usual);
    assert_same(&load_good(START)->spec, &usual);
}

static void test_the_public_systems_defaults(void **state)
{
    (void)state;
    const struct job_spec *spec = &load_good(START)->spec;
    assert_int_equal(spec->limits.memory, UINT64_C(16) << 30);
    assert_int_equal(spec->limits.cpu_cores, 4);
    assert_int_equal(spec->limits.gpu_memory_mb, 8192);
    assert_int_equal(spec->limits.execution_s, 3600);
    assert_int_equal(spec->limits.output, 1 << 30);
    assert_int_equal(spec->limits.disk, UINT64_C(50) << 30);
    assert_int_equal(spec->files.tmpfs, 1048576);
    assert_false(spec->files.read_only);
    assert_true(spec->network.allow_outbound);
    static const uint16_t ports[] = { 80, 443, 3000, 9080, 9081, 9082 };
    assert_int_equal(spec->network.allowed.ports.count, COUNT_OF(ports));
    for (size_t i = 0; i < COUNT_OF(ports); i++)
        assert_int_equal(spec->network.allowed.ports.items[i].number, ports[i]);
}

static const char whole[] = "name = 'train-1'\n"
                            "tenant = 'blue'\n" START "[env]\n"
                            "EPOCHS = '3'\n"
                            "_X = ''\n"
                            "[resources]\n"
                            "vcpu = 2\n"
                            "memory = '4G'\n"
                            "disk = 20\n"
                            "gpu = 1\n"
                            "[resources.network_whitelist]\n"
                            "hosts = ['API.openai.com', '*.huggingface.co', '192.0.2.7']\n"
                            "ports = [443, '53/udp']\n"
                            "[sandbox_config]\n"
                            "isolation_level = 'vm'\n"
                            "resource_monitoring = false\n"
                            "guest_agent = true\n"
                            "[sandbox_config.network_policy]\n"
                            "allow_outbound = false\n"
                            "allowed_hosts = []\n"
                            "[sandbox_config.filesystem_policy]\n"
                            "read_only = true\n"
                            "denied_paths = ['/etc/shadow']\n"
                            "tmpfs_size = '2M'\n"
                            "[limits]\n"
                            "max_execution_seconds = 60\n";

static void test_every_key(void **state)
{
    (void)state;
    const struct job_spec *spec = &load_good(whole)->spec;
    assert_true(span_equal_text(spec->name, "train-1"));
    assert_true(span_equal_text(spec->tenant, "blue"));
    assert_true(span_equal_text(spec->image, DIGEST));
    assert_int_equal(spec->command.count, 2);
    assert_int_equal(spec->environment.count, 2);
    assert_true(span_equal_text(spec->environment.items[0].name, "EPOCHS"));
    assert_true(span_equal_text(spec->environment.items[0].value, "3"));
    assert_int_equal(spec->resources.vcpu, 2);
    assert_int_equal(spec->resources.memory, UINT64_C(4) << 30);
    assert_int_equal(spec->resources.disk, UINT64_C(20) << 30);
    assert_int_equal(spec->resources.gpu, 1);
    const struct job_allowance *list = &spec->resources.whitelist;
    assert_int_equal(list->hosts.count, 3);
    assert_true(span_equal_text(list->hosts.items[0].text, "api.openai.com"));
    assert_int_equal(list->hosts.items[1].kind, JOB_HOST_WILDCARD);
    assert_int_equal(list->hosts.items[2].kind, JOB_HOST_ADDRESS);
    assert_true(list->ports.items[1].udp && list->ports.items[1].number == 53);
    assert_int_equal(spec->isolation, JOB_ISOLATION_VM);
    assert_false(spec->monitoring || spec->network.allow_outbound);
    assert_true(spec->guest_agent);
    assert_int_equal(spec->network.allowed.hosts.count, 0);
    assert_int_equal(spec->network.allowed.ports.count, 6);
    assert_true(spec->files.read_only);
    assert_int_equal(spec->files.tmpfs, 2 << 20);
    assert_int_equal(spec->limits.execution_s, 60);
}

struct wrong {
    const char *text;
    uint32_t line, column;
    const char *says;
};

static const struct wrong wrongs[] = {
    { START "[resource]\n", 3, 2, "unknown key \"resource\"; did you mean resources" },
    { START "[resources]\nmemroy = '1G'\n", 4, 1, "in [resources]; did you mean memory" },
    { START "memory = '1G'\n", 3, 1, "it is resources.memory" },
    { START "[sandbox_config.network_polic]\n", 3, 17,
      "in [sandbox_config]; did you mean network_policy" },
    { START "[sandbox_config.network_policy.deep]\n", 3, 32, "unknown key \"deep\"" },
    { START "resources = 4\n", 3, 13, "resources is an integer and must be a table" },
    { START "sandbox_config.network_policy = 4\n", 3, 33,
      "sandbox_config.network_policy is an integer" },
    { START "[resources]\nmemory = '4T'\n", 4, 10, "is no amount" },
    { START "[resources]\nmemory = -1\n", 4, 10, "is no amount" },
    { START "[resources]\nmemory = 0\n", 4, 10,
      "is 0 bytes and must be between 1048576 and 9223372036854775807" },
    { START "[resources]\nmemory = 8796093022208\n", 4, 10,
      "is 9223372036854775808 bytes and must be between 1048576 and 9223372036854775807" },
    { START "[resources]\nmemory = 9223372036854775807\n", 4, 10, "is no amount" },
    { START "[resources]\nmemory = true\n", 4, 10, "must be a number or a string" },
    { START "[resources]\nvcpu = 0\n", 4, 8, "between 1 and 1024" },
    { START "[resources]\nvcpu = 5\n", 4, 1, "more than limits.max_cpu_cores" },
    { START "[resources]\nmemory = '17G'\n", 4, 1, "more than limits.max_memory_bytes" },
    { START "[resources]\ndisk = '51G'\n", 4, 1, "more than limits.max_disk_bytes" },
    { START "[resources.network_whitelist]\nhosts = ['a.example']\n", 3, 12,
      "has hosts and no ports" },
    { START "[resources.network_whitelist]\nports = [443]\n", 3, 12, "has ports and no hosts" },
    { START "[resources.network_whitelist]\nhosts = ['https://a.example']\nports = [443]\n", 4, 10,
      "is no name of a host" },
    { START "[resources.network_whitelist]\nhosts = [5]\nports = [443]\n", 4, 10,
      "must be a string" },
    { START "[resources.network_whitelist]\nhosts = ['a.example']\nports = [0]\n", 5, 10,
      "0 is not between 1 and 65535" },
    { START "[resources.network_whitelist]\nhosts = ['a.example']\nports = ['http']\n", 5, 10,
      "is no port" },
    { START "[resources.network_whitelist]\nhosts = 'a.example'\nports = [443]\n", 4, 9,
      "must be a list" },
    { START "[sandbox_config]\nisolation_level = 'none'\n", 4, 19, "does not know \"none\"" },
    { START "[sandbox_config]\nisolation_level = 'container '\n", 4, 19,
      "did you mean \"container\"" },
    { START "[sandbox_config.network_policy]\ndns_servers = ['dns.example']\n", 4, 16,
      "is no address" },
    { START "[sandbox_config.filesystem_policy]\ndenied_paths = ['etc']\n", 4, 17,
      "no absolute path" },
    { START "[sandbox_config.filesystem_policy]\ndenied_paths = [\"/a\\tb\"]\n", 4, 17,
      "no absolute path" },
    { START "[sandbox_config.filesystem_policy]\ndenied_paths = [\"/a/\\u007f\"]\n", 4, 17,
      "control characters" },
    { START "[sandbox_config.filesystem_policy]\ndenied_paths = ['/a/../b']\n", 4, 17,
      "no absolute path" },
    { START "[sandbox_config.filesystem_policy]\ndenied_paths = ['/a//b']\n", 4, 17,
      "no absolute path" },
    { START "[sandbox_config.filesystem_policy]\ndenied_paths = ['/a/']\n", 4, 17,
      "no absolute path" },
    { START "[sandbox_config.filesystem_policy]\ndenied_paths = ['/']\n", 4, 17,
      "no absolute path" },
    { START "[env]\n'1A' = 'x'\n", 4, 8, "is no name of a variable" },
    { START "[env]\nA = 5\n", 4, 5, "must be a string" },
    { START "[env]\nA = \"\\u0000\"\n", 4, 5, "has a NUL" },
    { "env = 5\n" START, 1, 7, "must be a table" },
    { "command = ['a']\n", 0, 0, "image is missing" },
    { "image = 'python:3.10-slim'\ncommand = ['a']\n", 1, 9, "is no digest" },
    { "image = '" DIGEST "0'\ncommand = ['a']\n", 1, 9, "is no digest" },
    { "image = '" DIGEST "'\n", 0, 0, "command is missing" },
    { "image = '" DIGEST "'\ncommand = ['']\n", 2, 11, "names no program" },
    { "image = '" DIGEST "'\ncommand = ['/usr/bin/python3']\n", 2, 1,
      "lies beneath /usr/bin, which sandbox_config.filesystem_policy.denied_paths hides" },
    { "image = '" DIGEST "'\ncommand = ['//usr/bin/python3']\n", 2, 12, "no absolute path" },
    { "image = '" DIGEST "'\ncommand = ['/./etc/x']\n", 2, 12, "no absolute path" },
    { "image = '" DIGEST "'\ncommand = ['/usr/lib/../bin/x']\n", 2, 12, "no absolute path" },
    { "image = 'sha256:ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789'\n"
      "command = ['a']\n",
      1, 9, "is no digest" },
    { START "[sandbox_config.filesystem_policy]\nallowed_paths = ['/data', '/etc/x']\n", 4, 1,
      "/etc/x lies beneath /etc, which" },
    { START "[sandbox_config.filesystem_policy]\ndenied_paths = ['/a', '/output']\n", 4, 1,
      "/output lies beneath /output, which" },
    { START "[sandbox_config.network_policy]\nallowed_hosts = ['a.example']\n"
            "allowed_ports = []\n",
      4, 1, "has allowed_hosts and no allowed_ports" },
    { START "[sandbox_config.network_policy]\nallowed_hosts = []\nallowed_ports = [443]\n", 5, 1,
      "has allowed_ports and no allowed_hosts" },
    { "name = 'Train'\n" START, 1, 8, "is no name of small letters" },
    { "tenant = '-a'\n" START, 1, 10, "is no name of small letters" },
    { START "[limits]\nmax_execution_seconds = 0\n", 4, 25, "between 1 and" },
    { START "[limits]\nmax_output_bytes = '0'\n", 4, 20,
      "is 0 bytes and must be between 1 and 9223372036854775807" },
    { START "[limits]\nmax_output_bytes = '9223372036854775808'\n", 4, 20,
      "is 9223372036854775808 bytes and must be between 1 and 9223372036854775807" },
    { START "x", 4, 0, "" },
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
        struct loaded *l = load(wrongs[i].text);
        const struct toml_problem *p = &l->problems.list[0];
        bool placed = wrongs[i].says[0] == 0 ||
                      (p->place.line == wrongs[i].line && p->place.column == wrongs[i].column);
        if (l->ok || l->problems.count != 1 || strstr(p->text, wrongs[i].says) == NULL || !placed)
            fail_msg("%s: %zu problems, %u:%u %s", wrongs[i].text, l->problems.count, p->place.line,
                     p->place.column, p->text);
    }
}

/* The least and the most of an amount; one byte more or less is in the table above. */
static void test_amounts_at_their_bounds(void **state)
{
    (void)state;
    assert_int_equal(load_good(START "[limits]\nmax_output_bytes = 1\n")->spec.limits.output, 1);
    assert_int_equal(
        load_good(START "[limits]\nmax_output_bytes = 9223372036854775807\n")->spec.limits.output,
        INT64_MAX);
    assert_int_equal(load_good(START "[resources]\nmemory = 1\n")->spec.resources.memory, JOB_MIB);
}

static void test_all_problems_at_once(void **state)
{
    (void)state;
    struct loaded *l = load("image = 'latest'\n"
                            "colour = 1\n"
                            "[resources]\n"
                            "vcpu = 'two'\n"
                            "memory = '4T'\n"
                            "[resources.network_whitelist]\n"
                            "hosts = ['a b', '*']\n"
                            "ports = [0, 70000]\n");
    static const uint32_t lines[] = { 1, 2, 4, 5, 7, 7, 8, 8 };
    assert_int_equal(l->problems.count, COUNT_OF(lines));
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        assert_int_equal(l->problems.list[i].place.line, lines[i]);
}

static void test_denied_paths(void **state)
{
    (void)state;
    const struct job_spec *spec = &load_good(START)->spec;
    static const struct {
        const char *path;
        bool denied;
    } rows[] = { { "/etc", true },
                 { "/etc/passwd", true },
                 { "/etcetera", false },
                 { "/usr/bin", true },
                 { "/usr/bin/env", true },
                 { "/usr/binary", false },
                 { "/usr", false },
                 { "/usr/local/bin/python", false },
                 { "/", false } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if ((job_spec_denies(spec, span_text(rows[i].path)) != NULL) != rows[i].denied)
            fail_msg("%s", rows[i].path);
    }
}

/* What takes a usual allowance away is no mistake. */
static void test_usual_things_taken_away(void **state)
{
    (void)state;
    static const char *const texts[] = {
        START "[sandbox_config.filesystem_policy]\ndenied_paths = ['/tmp']\n",
        START "[sandbox_config.filesystem_policy]\ndenied_paths = ['/output/sub']\n",
        START "[sandbox_config.filesystem_policy]\nallowed_paths = ['/etcetera']\n",
        START "[sandbox_config.network_policy]\nallowed_ports = []\n",
        START "[sandbox_config.network_policy]\nallowed_hosts = []\nallowed_ports = []\n",
        "image = '" DIGEST "'\ncommand = ['./x']\n",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        load_good(texts[i]);
}

/* What is too long to be said is cut, not left out. */
static void test_a_long_problem_is_cut(void **state)
{
    (void)state;
    char text[1024], path[200];
    memset(path, 'p', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = 0;
    snprintf(text, sizeof text,
             "image = '" DIGEST "'\ncommand = ['%s']\n"
             "[sandbox_config.filesystem_policy]\ndenied_paths = ['%s']\n",
             path, path);
    const struct loaded *l = load(text);
    assert_int_equal(l->problems.count, 1);
    const char *said = l->problems.list[0].text;
    assert_int_equal(strlen(said), TOML_PROBLEM_TEXT_MAX - 1);
    assert_memory_equal(said, "/pppp", 5);
    assert_string_equal(said + strlen(said) - 3, "...");
}

static void test_limits(void **state)
{
    (void)state;
    static char text[JOB_SPEC_MAX + 2];
    for (size_t extra = 0; extra < 2; extra++) {
        memset(text, '\n', sizeof text);
        memcpy(text, START, sizeof START - 1);
        text[JOB_SPEC_MAX + extra] = 0;
        assert_int_equal(load(text)->ok, extra == 0);
    }
    for (size_t extra = 0; extra < 2; extra++) {
        struct sink out = sink_over(text, sizeof text);
        sink_text(&out, START "[env]\n");
        for (size_t i = 0; i < JOB_ENV_MAX + extra; i++)
            sink_format(&out, "V%zu = ''\n", i);
        sink_terminate(&out);
        assert_int_equal(load(text)->ok, extra == 0);
    }
    for (size_t extra = 0; extra < 2; extra++) {
        struct sink out = sink_over(text, sizeof text);
        sink_text(&out, "image = '" DIGEST "'\ncommand = ['a'");
        for (size_t i = 1; i < JOB_LIST_MAX + extra; i++)
            sink_text(&out, ", ''");
        sink_text(&out, "]\n");
        sink_terminate(&out);
        assert_int_equal(load(text)->ok, extra == 0);
    }
    for (size_t extra = 0; extra < 2; extra++) {
        struct sink out = sink_over(text, sizeof text);
        sink_text(&out, START "[env]\nA = '");
        for (size_t i = 0; i < JOB_TEXT_MAX + extra; i++)
            sink_text(&out, "x");
        sink_text(&out, "'\n");
        sink_terminate(&out);
        assert_int_equal(load(text)->ok, extra == 0);
    }
}

/* The longest name of a job, and one letter more; the longest time. */
static void test_more_limits(void **state)
{
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        char text[512];
        snprintf(text, sizeof text, "name = '%.*s'\n" START, JOB_NAME_MAX + extra,
                 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz012");
        assert_int_equal(load(text)->ok, extra == 0);
        snprintf(text, sizeof text, START "[limits]\nmax_execution_seconds = %d\n",
                 JOB_TIME_MAX_S + extra);
        assert_int_equal(load(text)->ok, extra == 0);
    }
}

/* The n-th byte of memory missing is a problem, never half a specification. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    size_t refused = 0;
    static uint8_t room[16384];
    for (size_t len = 0; len < sizeof room; len += 8) {
        struct arena arena = arena_over(room, len);
        struct job_spec spec = { 0 };
        static struct toml_problems problems;
        if (job_spec_load(span_text(whole), &arena, &spec, &problems)) {
            assert_int_equal(spec.environment.count, 2);
            continue;
        }
        refused++;
        assert_true(problems.count > 0);
        assert_int_equal(spec.image.len, 0);
    }
    assert_in_range(refused, 1, sizeof room / 8 - 1);
}

static void test_it_outlives_its_text(void **state)
{
    (void)state;
    static char text[sizeof whole];
    static struct toml_problems problems;
    struct arena arena = arena_over(memory, sizeof memory);
    struct job_spec spec;
    memcpy(text, whole, sizeof whole);
    assert_true(job_spec_load(span_text(text), &arena, &spec, &problems));
    memset(text, 'x', sizeof text);
    assert_true(span_equal_text(spec.name, "train-1"));
    assert_true(span_equal_text(spec.environment.items[0].name, "EPOCHS"));
    assert_true(span_equal_text(spec.resources.whitelist.hosts.items[1].text, "huggingface.co"));
    assert_true(span_equal_text(spec.files.denied.items[0], "/etc/shadow"));
}

static void test_documentation_is_the_table(void **state)
{
    (void)state;
    static char made[65536];
    struct sink out = sink_over(made, sizeof made);
    toml_shape_write_reference(&out, &job_spec_shape);
    assert_true(sink_ok(&out));
    assert_reference("docs/spec.md", sink_bytes(&out), "build/tests/job/key_reference spec");
}

/* The examples that are shown are right. */
static void test_the_documented_example_loads(void **state)
{
    (void)state;
    static char text[4096];
    struct span file = project_read("docs/spec.md");
    const uint8_t *from = memmem(file.at, file.len, "```toml\n", 8);
    assert_non_null(from);
    from += 8;
    const uint8_t *until = memmem(from, file.len - (size_t)(from - file.at), "```", 3);
    assert_non_null(until);
    snprintf(text, sizeof text, "%.*s", (int)(until - from), (const char *)from);
    vectors_free(&file);
    const struct job_spec *spec = &load_good(text)->spec;
    assert_int_equal(spec->resources.whitelist.hosts.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_written_defaults_are_the_defaults, ""),
        TEST(test_the_public_systems_defaults, ""),
        TEST(test_every_key, ""),
        TEST(test_wrong, ""),
        TEST(test_amounts_at_their_bounds, ""),
        TEST(test_all_problems_at_once, ""),
        TEST(test_denied_paths, ""),
        TEST(test_usual_things_taken_away, ""),
        TEST(test_a_long_problem_is_cut, ""),
        TEST(test_limits, ""),
        TEST(test_more_limits, ""),
        TEST(test_memory_runs_out, ""),
        TEST(test_it_outlives_its_text, ""),
        TEST(test_documentation_is_the_table, ""),
        TEST(test_the_documented_example_loads, ""),
    };
    return RUN_TESTS(tests);
}
