/* test_vmm_reply.c - what VMMs answer, and what strangers in their place do. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "job/vmm_reply.h"

#define MACHINE                                                                                    \
    "\"id\":\"a-1\",\"name\":\"ward-00\",\"status\":\"running\",\"uptime\":\"1s\",\"app_id\":"     \
    "\"00ff\",\"boot_progress\":\"done\",\"boot_error\":\"\""

static uint8_t memory[4 << 20];
static struct arena arena;

static struct arena *fresh(void)
{
    arena = arena_over(memory, sizeof memory);
    return &arena;
}

static void test_ids(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "\"a\"",
        "{}",
        "{\"id\":null}",
        "{\"id\":7}",
        "{\"id\":\"\"}",
        "{\"id\":\"a/b\"}",
        "{\"id\":\"../a\"}",
        "{\"id\":\"a b\"}",
        "{\"id\":\"a\\u002fb\"}",
        "{\"id\":\"a\\u0000\"}",
        "{\"id\":\"a?json\"}",
        "{\"id\":\"\xc3\xa9\"}",
        "{\"id\":[\"a\"]}",
        "{\"id\":\"a\",\"id\":\"b\"}",
        "{\"id\":\"a\"} ",
        "{\"id\":\"a\"",
    };
    struct span id = span_text("untouched");
    const char *why = NULL;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const bool blank = bad[i][0] != 0 && bad[i][strlen(bad[i]) - 1] == ' ';
        if (vmm_read_id(span_text(bad[i]), fresh(), &id, &why) != blank)
            fail_msg("%s", bad[i]);
        if (!blank)
            assert_non_null(why);
    }
    char text[VMM_ID_MAX + 16];
    snprintf(text, sizeof text, "{\"id\":\"%0*d\"}", VMM_ID_MAX, 1);
    assert_true(vmm_read_id(span_text(text), fresh(), &id, &why));
    assert_int_equal(id.len, VMM_ID_MAX);
    snprintf(text, sizeof text, "{\"id\":\"%0*d\"}", VMM_ID_MAX + 1, 1);
    assert_false(vmm_read_id(span_text(text), fresh(), &id, &why));
    assert_int_equal(id.len, VMM_ID_MAX);
}

static void test_a_machine(void **unused)
{
    (void)unused;
    struct vmm_machine machine;
    const char *why;
    bool found = false;
    assert_true(vmm_read_info(
        span_text("{\"found\":true,\"info\":{" MACHINE ",\"instance_id\":null,\"more\":[1,{}]}}"),
        fresh(), span_text("a-1"), &found, &machine, &why));
    assert_true(found);
    assert_int_equal(machine.status, VMM_STATUS_RUNS);
    assert_true(span_equal_text(machine.name, "ward-00"));
    assert_true(span_equal_text(machine.app_id, "00ff"));
    assert_true(span_equal_text(machine.progress, "done"));
    assert_int_equal(machine.fault.len, 0);
    assert_true(vmm_read_info(span_text("{\"found\":false,\"info\":null}"), fresh(),
                              span_text("a-1"), &found, &machine, &why));
    assert_false(found);
}

static void test_no_machine(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "{\"found\":\"true\",\"info\":{" MACHINE "}}",
        "{\"found\":1,\"info\":{" MACHINE "}}",
        "{\"info\":{" MACHINE "}}",
        "{\"found\":true}",
        "{\"found\":true,\"info\":null}",
        "{\"found\":true,\"info\":[]}",
        "{\"found\":true,\"info\":{\"id\":\"a-1\",\"name\":\"n\"}}",
        "{\"found\":true,\"info\":{\"id\":\"a-1\",\"status\":\"running\"}}",
        "{\"found\":true,\"info\":{\"id\":\"a-1\",\"name\":null,\"status\":\"running\"}}",
        "{\"found\":true,\"info\":{\"id\":\"a-1\",\"name\":\"n\",\"status\":true}}",
        "{\"found\":true,\"info\":{\"id\":\"a-2\",\"name\":\"n\",\"status\":\"running\"}}",
        "{\"found\":true,\"info\":{\"id\":\"a-1\",\"name\":\"n\",\"status\":\"running\","
        "\"boot_error\":{}}}",
        "{\"found\":true,\"info\":{\"id\":\"a-1\",\"name\":\"n\",\"status\":\"running\","
        "\"app_id\":9}}",
    };
    struct vmm_machine machine = { .status = VMM_STATUS_ENDED };
    bool found = false;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const char *why = NULL;
        if (vmm_read_info(span_text(bad[i]), fresh(), span_text("a-1"), &found, &machine, &why) ||
            why == NULL || found || machine.status != VMM_STATUS_ENDED)
            fail_msg("%s", bad[i]);
    }
}

static void test_words_of_status(void **unused)
{
    (void)unused;
    static const struct {
        const char *word;
        enum vmm_status status;
    } rows[] = {
        { "running", VMM_STATUS_RUNS },   { "stopped", VMM_STATUS_ENDED },
        { "exited", VMM_STATUS_ENDED },   { "stopping", VMM_STATUS_OTHER },
        { "removing", VMM_STATUS_OTHER }, { "Running", VMM_STATUS_OTHER },
        { "", VMM_STATUS_OTHER },         { "running ", VMM_STATUS_OTHER },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[200];
        struct vmm_machine machine;
        const char *why;
        bool found;
        snprintf(text, sizeof text,
                 "{\"found\":true,\"info\":{\"id\":\"a\",\"name\":\"\",\"status\":\"%s\"}}",
                 rows[i].word);
        assert_true(
            vmm_read_info(span_text(text), fresh(), span_text("a"), &found, &machine, &why));
        assert_int_equal(machine.status, rows[i].status);
    }
}

static void test_what_a_machine_says_is_bounded(void **unused)
{
    (void)unused;
    char text[VMM_WORDS_MAX + 200];
    struct vmm_machine machine;
    const char *why;
    bool found;
    for (int more = 0; more < 2; more++) {
        snprintf(text, sizeof text,
                 "{\"found\":true,\"info\":{\"id\":\"a\",\"name\":\"\",\"status\":\"\","
                 "\"boot_error\":\"%0*d\"}}",
                 VMM_WORDS_MAX - 2 + more, 1);
        assert_int_equal(
            vmm_read_info(span_text(text), fresh(), span_text("a"), &found, &machine, &why),
            more == 0);
    }
}

static void test_all_machines(void **unused)
{
    (void)unused;
    struct vmm_machines all;
    const char *why = NULL;
    assert_true(vmm_read_status(span_text("{\"vms\":[{" MACHINE "},{\"id\":\"b\",\"name\":\"x\","
                                          "\"status\":\"exited\"}],\"total\":2}"),
                                fresh(), &all, &why));
    assert_int_equal(all.count, 2);
    assert_true(span_equal_text(all.items[1].id, "b"));
    assert_int_equal(all.items[1].status, VMM_STATUS_ENDED);
    assert_true(vmm_read_status(span_text("{\"vms\":[]}"), fresh(), &all, &why));
    assert_int_equal(all.count, 0);
    static const char *const bad[] = {
        "{}", "{\"vms\":null}", "{\"vms\":{}}", "{\"vms\":[null]}", ("{\"vms\":[{" MACHINE "},7]}"),
        "[]",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (vmm_read_status(span_text(bad[i]), fresh(), &all, &why))
            fail_msg("%s", bad[i]);
    }
}

static void test_too_many_machines(void **unused)
{
    (void)unused;
    static char text[400 << 10];
    static uint8_t room[VMM_ARENA];
    for (size_t count = VMM_MACHINES_MAX; count <= VMM_MACHINES_MAX + 1; count++) {
        struct sink out = sink_over(text, sizeof text);
        struct arena large = arena_over(room, sizeof room);
        struct vmm_machines all;
        const char *why;
        sink_text(&out, "{\"vms\":[");
        for (size_t i = 0; i < count; i++)
            sink_format(&out, "%s{\"id\":\"a%zu\",\"name\":\"\",\"status\":\"running\"}",
                        i == 0 ? "" : ",", i);
        sink_text(&out, "]}");
        assert_true(sink_ok(&out));
        assert_int_equal(vmm_read_status(sink_bytes(&out), &large, &all, &why),
                         count == VMM_MACHINES_MAX);
    }
}

static void test_what_there_is(void **unused)
{
    (void)unused;
    struct vmm_capacity is;
    const char *why;
    assert_true(vmm_read_capacity(
        span_text("{\"kms\":null,\"resources\":{\"max_cvm_number\":1000,\"max_allocable_vcpu\":20,"
                  "\"max_allocable_memory_in_mb\":100000}}"),
        fresh(), &is, &why));
    assert_int_equal(is.machines, 1000);
    assert_int_equal(is.vcpu, 20);
    assert_int_equal(is.memory_mib, 100000);
    static const char *const bad[] = {
        "{}",
        "{\"resources\":null}",
        "{\"resources\":{\"max_cvm_number\":1,\"max_allocable_vcpu\":1}}",
        "{\"resources\":{\"max_cvm_number\":-1,\"max_allocable_vcpu\":1,"
        "\"max_allocable_memory_in_mb\":1}}",
        "{\"resources\":{\"max_cvm_number\":1,\"max_allocable_vcpu\":\"1\","
        "\"max_allocable_memory_in_mb\":1}}",
        "{\"resources\":{\"max_cvm_number\":1,\"max_allocable_vcpu\":1.5,"
        "\"max_allocable_memory_in_mb\":1}}",
        "{\"resources\":{\"max_cvm_number\":1,\"max_allocable_vcpu\":1,"
        "\"max_allocable_memory_in_mb\":4294967296}}",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (vmm_read_capacity(span_text(bad[i]), fresh(), &is, &why) || is.vcpu != 20)
            fail_msg("%s", bad[i]);
    }
}

static void test_what_a_refusal_says(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "{\"error\":\"Port mapping is disabled\"}", "Port mapping is disabled" },
        { "{\"error\":7}", "" },
        { "<html>", "" },
        { "", "" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t room[64];
        struct sink out = sink_over(room, sizeof room);
        vmm_error_write(&out, span_text(rows[i].text), fresh());
        assert_span_equal(sink_bytes(&out), span_text(rows[i].words));
    }
}

static void test_an_answer_that_is_too_long(void **unused)
{
    (void)unused;
    static char text[VMM_REPLY_MAX + 1];
    static uint8_t room[VMM_ARENA];
    static const char head[] = "{\"id\":\"a\"";
    memset(text, ' ', sizeof text);
    memcpy(text, head, sizeof head - 1);
    for (size_t len = VMM_REPLY_MAX; len <= VMM_REPLY_MAX + 1; len++) {
        struct arena large = arena_over(room, sizeof room);
        struct span id;
        const char *why;
        text[len - 1] = '}';
        assert_int_equal(vmm_read_id(span_of(text, len), &large, &id, &why), len == VMM_REPLY_MAX);
        text[len - 1] = ' ';
    }
}

static void test_too_many_values(void **unused)
{
    (void)unused;
    static char text[VMM_REPLY_MAX];
    static uint8_t room[VMM_ARENA];
    for (size_t more = 0; more < 2; more++) {
        struct sink out = sink_over(text, sizeof text);
        struct arena large = arena_over(room, sizeof room);
        struct span id;
        const char *why;
        sink_text(&out, "{\"id\":\"a\",\"more\":[0");
        for (size_t values = 4; values < VMM_NODES_MAX + more; values++)
            sink_text(&out, ",0");
        sink_text(&out, "]}");
        assert_true(sink_ok(&out));
        assert_int_equal(vmm_read_id(sink_bytes(&out), &large, &id, &why), more == 0);
    }
}

/* No beginning of an answer is one. */
static void test_every_prefix(void **unused)
{
    (void)unused;
    static const char text[] = "{\"found\":true,\"info\":{" MACHINE "}}";
    struct vmm_machine machine;
    const char *why;
    bool found;
    for (size_t len = 0; len + 1 < sizeof text; len++)
        assert_false(
            vmm_read_info(span_of(text, len), fresh(), span_text("a-1"), &found, &machine, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ids, "PC-38"),
        TEST(test_a_machine, ""),
        TEST(test_no_machine, ""),
        TEST(test_words_of_status, ""),
        TEST(test_what_a_machine_says_is_bounded, ""),
        TEST(test_all_machines, ""),
        TEST(test_too_many_machines, ""),
        TEST(test_what_there_is, "DS-54"),
        TEST(test_what_a_refusal_says, "PC-38"),
        TEST(test_an_answer_that_is_too_long, ""),
        TEST(test_too_many_values, ""),
        TEST(test_every_prefix, ""),
    };
    return RUN_TESTS(tests);
}
