/* test_vmm_request.c - what a VMM is asked, to the byte, and what is never asked of one. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include "job/vmm_request.h"

#define DIGEST "sha256:000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
#define START  "image = '" DIGEST "'\ncommand = ['/bin/job', '--all']\n"
#define FILES  "[sandbox_config.filesystem_policy]\ndenied_paths = []\n"

enum { ROOM = VMM_COMPOSE_MAX };

struct made {
    struct job_spec spec;
    struct vmm_job job;
    struct vmm_size size;
    enum reason reason;
    char what[256];
};

static uint8_t memory[4 << 20];
static struct arena arena;

/* A job of that text, judged. */
static struct made *make(const char *toml)
{
    static struct made made;
    static struct toml_problems problems;
    arena = arena_over(memory, sizeof memory);
    problems = (struct toml_problems){ 0 };
    if (!job_spec_load(span_text(toml), &arena, &made.spec, &problems))
        fail_msg("%s: %s", toml, problems.list[0].text);
    made.job = (struct vmm_job){ .spec = &made.spec,
                                 .name = span_text("ward-00ff"),
                                 .image = span_text("dstack-0.5.3"),
                                 .repository = span_text("registry.example:5000/jobs/one") };
    return &made;
}

static enum reason judge(struct made *made)
{
    struct sink what = sink_over(made->what, sizeof made->what);
    made->size = (struct vmm_size){ 0 };
    made->reason = vmm_admits(&made->job, &made->size, &what);
    sink_terminate(&what);
    assert_true((made->reason == REASON_OK) == (what.len == 0));
    return made->reason;
}

static struct span compose(const struct made *made)
{
    static uint8_t bytes[ROOM], room[ROOM];
    struct sink out = sink_over(bytes, sizeof bytes);
    if (!vmm_write_compose(&out, &made->job, room, sizeof room))
        return (struct span){ 0 };
    return sink_bytes(&out);
}

/* The compose file inside it, as a guest reads it. */
static struct span inner(const struct made *made)
{
    static uint8_t text[ROOM];
    struct json json;
    struct sink out = sink_over(text, sizeof text);
    assert_true(json_parse(compose(made), &arena, NULL, &json, NULL));
    assert_true(json_string_copy(&json, json_member(&json, 0, "docker_compose_file"), &out));
    return sink_bytes(&out);
}

static const char app_compose[] =
    "{\"manifest_version\":2,\"name\":\"ward-00ff\",\"runner\":\"docker-compose\","
    "\"docker_compose_file\":\"{\\\"services\\\":{\\\"job\\\":{\\\"image\\\":"
    "\\\"registry.example:5000/jobs/one@" DIGEST "\\\","
    "\\\"entrypoint\\\":[\\\"/bin/job\\\",\\\"--all\\\"],\\\"environment\\\":{},"
    "\\\"user\\\":\\\"65532:65532\\\",\\\"cap_drop\\\":[\\\"ALL\\\"],"
    "\\\"security_opt\\\":[\\\"no-new-privileges:true\\\"],\\\"pids_limit\\\":256,"
    "\\\"restart\\\":\\\"no\\\",\\\"read_only\\\":false,\\\"volumes\\\":["
    "{\\\"type\\\":\\\"tmpfs\\\",\\\"target\\\":\\\"/tmp\\\",\\\"tmpfs\\\":{\\\"size\\\":1048576}},"
    "{\\\"type\\\":\\\"tmpfs\\\",\\\"target\\\":\\\"/var/tmp\\\",\\\"tmpfs\\\":{\\\"size\\\":"
    "1048576}}],\\\"network_mode\\\":\\\"none\\\"}}}\","
    "\"docker_config\":{},\"kms_enabled\":false,\"gateway_enabled\":false,\"public_logs\":false,"
    "\"public_sysinfo\":false,\"public_tcbinfo\":true,\"local_key_provider_enabled\":false,"
    "\"key_provider_id\":\"\",\"allowed_envs\":[],\"no_instance_id\":false,\"secure_time\":true}";

/* The digest is that of these bytes, taken with another program. */
static void test_the_compose_file(void **unused)
{
    (void)unused;
    static const char digest[] = "3404d5da2147c33926905823609a54c832ed1922b8bc774ecccce154dda6d8e9";
    uint8_t is[SHA256_LEN];
    char hex[2 * SHA256_LEN + 1];
    struct made *made = make(START FILES);
    assert_int_equal(judge(made), REASON_OK);
    assert_span_equal(compose(made), span_text(app_compose));
    hash_sha256(compose(made), is);
    struct sink out = sink_over(hex, sizeof hex);
    sink_hex(&out, SPAN(is));
    sink_terminate(&out);
    assert_string_equal(hex, digest);
}

/* Every member of 2.3, of its kind; the compose file is the very text that was hashed. */
static void test_the_question_for_a_machine(void **unused)
{
    (void)unused;
    static uint8_t bytes[VMM_REQUEST_ROOM], copy[ROOM];
    static const char rest[] =
        "\"vcpu\":2,\"memory\":1536,\"disk_size\":1,\"ports\":[{\"protocol\":\"tcp\","
        "\"host_port\":20000,\"vm_port\":10000,\"host_address\":\"127.0.0.1\"}],"
        "\"encrypted_env\":\"\",\"app_id\":\"000102030405060708090a0b0c0d0e0f10111213\","
        "\"user_config\":\"\",\"hugepages\":false,\"pin_numa\":false,\"stopped\":false,"
        "\"gpus\":{\"gpus\":[],\"attach_mode\":\"listed\"},\"kms_urls\":[],\"gateway_urls\":[]}";
    uint8_t digest[VMM_DIGEST];
    struct sink out = sink_over(bytes, sizeof bytes);
    struct json json;
    for (size_t i = 0; i < sizeof digest; i++)
        digest[i] = (uint8_t)i;
    struct made *made = make(START
                             "[resources]\nvcpu = 2\nmemory = '1536M'\ndisk = '512m'\n" FILES);
    made->job.host_port = 20000;
    made->job.vm_port = 10000;
    made->job.restricted = true;
    assert_int_equal(judge(made), REASON_OK);
    const struct span text = compose(made);
    assert_true(vmm_write_create(&out, &made->job, &made->size, text, digest));
    const struct span body = sink_bytes(&out);
    static const char head[] = "{\"name\":\"ward-00ff\",\"image\":\"dstack-0.5.3\","
                               "\"compose_file\":\"";
    assert_span_equal(span_of(body.at, strlen(head)), span_text(head));
    assert_span_equal(span_of(body.at + body.len - strlen(rest), strlen(rest)), span_text(rest));
    assert_true(json_parse(body, &arena, NULL, &json, NULL));
    struct sink again = sink_over(copy, sizeof copy);
    assert_true(json_string_copy(&json, json_member(&json, 0, "compose_file"), &again));
    assert_span_equal(sink_bytes(&again), text);
}

static void test_small_questions(void **unused)
{
    (void)unused;
    uint8_t bytes[256];
    struct sink out = sink_over(bytes, sizeof bytes);
    assert_true(vmm_write_id(&out, span_text("a-1")));
    assert_span_equal(sink_bytes(&out), span_text("{\"id\":\"a-1\"}"));
    out = sink_over(bytes, sizeof bytes);
    assert_true(vmm_write_status(&out));
    assert_span_equal(sink_bytes(&out), span_text("{\"ids\":[],\"brief\":true,\"keyword\":\"\","
                                                  "\"page\":0,\"page_size\":0}"));
    out = sink_over(bytes, 10);
    assert_false(vmm_write_id(&out, span_text("a-1")));
}

static void test_what_no_vmm_holds(void **unused)
{
    (void)unused;
    static const struct {
        const char *toml;
        enum reason reason;
        const char *says;
    } rows[] = {
        { START, REASON_JOB_VMM_POLICY, "denied_paths" },
        { START "[sandbox_config]\nisolation_level = 'tee'\n" FILES, REASON_JOB_ISOLATION, "tee" },
        { START "[resources]\ngpu = 1\n" FILES, REASON_JOB_NO_GPU, "gpu" },
        { START "[sandbox_config]\nguest_agent = true\n" FILES, REASON_JOB_NO_GUEST_AGENT,
          "guest_agent" },
        { START FILES "[sandbox_config.network_policy]\nallowed_hosts = ['a.example']\n",
          REASON_JOB_VMM_POLICY, "fence" },
        { START FILES
          "[sandbox_config.network_policy]\nallowed_hosts = ['localhost', '10.0.2.2']\n",
          REASON_JOB_VMM_POLICY, "fence" },
        { START FILES "[resources.network_whitelist]\nhosts = ['a.example']\nports = [443]\n",
          REASON_JOB_VMM_POLICY, "fence" },
        { START FILES "[sandbox_config.network_policy]\nallow_outbound = false\n"
                      "allowed_hosts = ['a.example']\n",
          REASON_OK, "" },
        { START FILES "[resources]\nmemory = '1536K'\n[limits]\nmax_memory_bytes = 1572864\n"
                      "max_disk_bytes = '1G'\n",
          REASON_JOB_VMM_POLICY, "MiB" },
        { START FILES "[resources]\nmemory = '2M'\n[limits]\nmax_memory_bytes = '2M'\n"
                      "max_disk_bytes = '1G'\n",
          REASON_OK, "" },
        { START FILES "[resources]\ndisk = '512M'\n[limits]\nmax_disk_bytes = 1073741823\n",
          REASON_JOB_VMM_POLICY, "GiB" },
        { START FILES "[resources]\nmemory = 4294967296\n[limits]\n"
                      "max_memory_bytes = 4611686018427387904\n",
          REASON_JOB_VMM_POLICY, "MiB" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct made *made = make(rows[i].toml);
        if (judge(made) != rows[i].reason || strstr(made->what, rows[i].says) == NULL)
            fail_msg("%s: %s, %s", rows[i].toml, reason_info(made->reason)->name, made->what);
    }
}

/* A specification that was made in another way than by its reader is held to its limits too. */
static void test_more_than_a_limit(void **unused)
{
    (void)unused;
    struct made *made = make(START FILES);
    made->spec.resources.vcpu = made->spec.limits.cpu_cores + 1;
    assert_int_equal(judge(made), REASON_JOB_VMM_POLICY);
    made = make(START FILES);
    made->spec.resources.memory = made->spec.limits.memory + 1;
    assert_int_equal(judge(made), REASON_JOB_VMM_POLICY);
    made = make(START FILES);
    made->spec.resources.disk = UINT64_MAX;
    made->spec.limits.disk = UINT64_MAX;
    assert_int_equal(judge(made), REASON_JOB_VMM_POLICY);
}

static void test_ports(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t host, vm;
        bool restricted;
        enum reason reason;
    } rows[] = {
        { 0, 0, false, REASON_OK },
        { 0, 0, true, REASON_OK },
        { 1024, 1, true, REASON_OK },
        { 65535, 65535, true, REASON_OK },
        { 20000, 10000, false, REASON_JOB_VMM_POLICY },
        { 1023, 10000, true, REASON_JOB_VMM_POLICY },
        { 65536, 10000, true, REASON_JOB_VMM_POLICY },
        { 20000, 65536, true, REASON_JOB_VMM_POLICY },
        { 20000, 0, true, REASON_JOB_VMM_POLICY },
        { 0, 10000, true, REASON_JOB_VMM_POLICY },
        { UINT32_MAX, UINT32_MAX, true, REASON_JOB_VMM_POLICY },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct made *made = make(START FILES);
        made->job.host_port = rows[i].host;
        made->job.vm_port = rows[i].vm;
        made->job.restricted = rows[i].restricted;
        if (judge(made) != rows[i].reason)
            fail_msg("%u:%u: %s", rows[i].host, rows[i].vm, reason_info(made->reason)->name);
    }
}

/* What would be a tag, an option, or another word of the file. */
static void test_names(void **unused)
{
    (void)unused;
    static const char *const images[] = { "", "a/b", "..\\", "a b", "a\"", "a\n", "é" };
    static const char *const repositories[] = { "", "a@sha256:00", "a b", "$HOME/x", "a\"", "a\n" };
    static char longest[VMM_REPOSITORY_MAX + 2];
    memset(longest, 'a', sizeof longest - 1);
    for (size_t i = 0; i < COUNT_OF(images); i++) {
        struct made *made = make(START FILES);
        made->job.image = span_text(images[i]);
        assert_int_equal(judge(made), REASON_JOB_VMM_POLICY);
    }
    for (size_t i = 0; i < COUNT_OF(repositories); i++) {
        struct made *made = make(START FILES);
        made->job.repository = span_text(repositories[i]);
        assert_int_equal(judge(made), REASON_JOB_VMM_POLICY);
    }
    struct made *made = make(START FILES);
    made->job.repository = span_of(longest, VMM_REPOSITORY_MAX + 1);
    assert_int_equal(judge(made), REASON_JOB_VMM_POLICY);
    made->job.repository = span_of(longest, VMM_REPOSITORY_MAX);
    assert_int_equal(judge(made), REASON_OK);
    made->job.image = span_of(longest, VMM_IMAGE_NAME_MAX + 1);
    assert_int_equal(judge(made), REASON_JOB_VMM_POLICY);
}

/* Words that mean something to a compose file, to YAML or to a shell are words. */
static void test_words_stay_words(void **unused)
{
    (void)unused;
    static const char toml[] =
        "image = '" DIGEST "'\ncommand = ['/bin/sh', '${PATH}', '$$', \"a\\\"b\\\\c\\n- d: e\"]\n"
        "[env]\nA = '$HOME'\nB = \"\\u200e\"\n[sandbox_config.filesystem_policy]\n"
        "denied_paths = []\nallowed_paths = ['/a:b,ro', '/$x']\nread_only = true\n";
    static const char *const pieces[] = {
        "\"entrypoint\":[\"/bin/sh\",\"$${PATH}\",\"$$$$\",\"a\\\"b\\\\c\\n- d: e\",\"$$1\"]",
        "\"environment\":{\"A\":\"$$HOME\",\"B\":\"\\u200e\"}",
        "\"target\":\"/a:b,ro\",",
        "\"target\":\"/$$x\",",
        "\"read_only\":true,",
        "\"network_mode\":\"none\"",
    };
    struct made *made = make(toml);
    struct span argument = span_text("$1");
    made->job.arguments = (struct span_list){ &argument, 1 };
    assert_int_equal(judge(made), REASON_OK);
    const struct span text = inner(made);
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        if (memmem(text.at, text.len, pieces[i], strlen(pieces[i])) == NULL)
            fail_msg("%.*s has no %s", (int)text.len, (const char *)text.at, pieces[i]);
    }
    made->job.vm_port = 10000;
    made->job.host_port = 20000;
    const struct span with_port = inner(made);
    assert_non_null(memmem(with_port.at, with_port.len, "\"ports\":[\"10000:10000\"]", 23));
    assert_null(memmem(with_port.at, with_port.len, "network_mode", 12));
}

/* U+E0001, which JSON writes in two halves, and bytes that are no text. */
static void test_words_that_would_not(void **unused)
{
    (void)unused;
    static const char *const bad[] = { "\xf3\xa0\x80\x81", "\xff", "a\xc0\x80" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct made *made = make(START FILES);
        struct span argument = span_text(bad[i]);
        made->job.arguments = (struct span_list){ &argument, 1 };
        assert_int_equal(compose(made).len, 0);
    }
    struct made *made = make(START FILES);
    struct span emoji = span_text("\xf0\x9f\x98\x80");
    made->job.arguments = (struct span_list){ &emoji, 1 };
    assert_true(compose(made).len > 0);
}

static void test_a_job_of_too_many_words(void **unused)
{
    (void)unused;
    static uint8_t dollars[JOB_TEXT_MAX];
    struct span words[64];
    memset(dollars, '$', sizeof dollars);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        words[i] = SPAN(dollars);
    struct made *made = make(START FILES);
    made->job.arguments = (struct span_list){ words, 16 };
    assert_true(compose(made).len > 16 * 2 * sizeof dollars);
    made->job.arguments = (struct span_list){ words, COUNT_OF(words) };
    assert_int_equal(compose(made).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_compose_file, ""),
        TEST(test_the_question_for_a_machine, "PC-38 PC-41"),
        TEST(test_small_questions, ""),
        TEST(test_what_no_vmm_holds, "DS-54"),
        TEST(test_more_than_a_limit, "DS-54"),
        TEST(test_ports, "DS-54"),
        TEST(test_names, ""),
        TEST(test_words_stay_words, ""),
        TEST(test_words_that_would_not, ""),
        TEST(test_a_job_of_too_many_words, ""),
    };
    return RUN_TESTS(tests);
}
