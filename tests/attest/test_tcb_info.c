/* test_tcb_info.c - the schema of TCB info: genuine files, and every way to leave it. */
#include <stdio.h>
#include <string.h>

#include "attest/tcb_info.h"
#include "base/number.h"
#include "test.h"
#include "vectors.h"

enum { ROOM = 2 << 20 };

static bool read_file(struct span text, struct tcb_info *out, struct file_problem *problem)
{
    static uint8_t room[ROOM];
    struct arena arena = arena_over(room, sizeof room);
    struct signed_file file;
    return signed_file_open(text, &arena, &file, problem) &&
           tcb_info_parse(&file, &arena, out, problem);
}

#define C1  "{\"svn\":1},"
#define C15 C1 C1 C1 C1 C1 C1 C1 C1 C1 C1 C1 C1 C1 C1 C1
#define C16 "[" C15 "{\"svn\":255,\"category\":\"BIOS\"}]"
#define Z48                                                                                        \
    "\"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
    "000000\""
#define MODULE                                                                                     \
    "\"mrsigner\":" Z48                                                                            \
    ",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\""
#define SIG16     "0011223344556677"
#define SIGNATURE ",\"signature\":\"" SIG16 SIG16 SIG16 SIG16 SIG16 SIG16 SIG16 SIG16 "\"}"

/* A small whole file; rows replace one text in it. */
static const char tdx_file[] =
    "{\"tcbInfo\":{\"id\":\"TDX\",\"version\":3,\"issueDate\":\"2025-06-19T10:16:03Z\","
    "\"nextUpdate\":\"2025-07-19T10:16:03Z\",\"fmspc\":\"B0c06F000000\",\"pceId\":\"0001\","
    "\"tcbType\":0,\"tcbEvaluationDataNumber\":17,\"tdxModule\":{" MODULE "},"
    "\"tdxModuleIdentities\":[{\"id\":\"TDX_03\"," MODULE ",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":3},"
    "\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]},"
    "{\"id\":\"tdx_0a\"," MODULE ",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":4},"
    "\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"OutOfDate\"}]}],"
    "\"tcbLevels\":[{\"tcb\":{\"sgxtcbcomponents\":" C16 ",\"pcesvn\":13,\"tdxtcbcomponents\":" C16
    "},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\","
    "\"advisoryIDs\":[\"INTEL-SA-00001\",\"INTEL-SA-00002\"]}]}" SIGNATURE;

static struct span replace(const char *from, const char *to, char *room, size_t cap)
{
    const char *at = strstr(tdx_file, from);
    if (at == NULL)
        fail_msg("no %s in the file", from);
    int len = snprintf(room, cap, "%.*s%s%s", (int)(at - tdx_file), tdx_file, to,
                       at + strlen(from));
    assert_in_range(len, 1, cap - 1);
    return span_of(room, (size_t)len);
}

static void the_small_file_is_read(void **state)
{
    (void)state;
    struct tcb_info info;
    struct file_problem problem = { 0 };
    assert_true(read_file(span_of(tdx_file, sizeof tdx_file - 1), &info, &problem));
    assert_true(info.tdx && info.version == 3 && info.has_modules);
    assert_int_equal(info.validity.from, 1750328163);
    assert_int_equal(info.validity.until, 1752920163);
    static const uint8_t fmspc[] = { 0xb0, 0xc0, 0x6f, 0, 0, 0 }, pce_id[] = { 0, 1 };
    assert_memory_equal(info.fmspc, fmspc, 6);
    assert_memory_equal(info.pce_id, pce_id, 2);
    assert_int_equal(info.evaluation_number, 17);
    assert_int_equal(info.module_count, 2);
    assert_int_equal(info.modules[0].version, 3);
    assert_int_equal(info.modules[1].version, 10);
    assert_int_equal(info.modules[1].levels[0].isv_svn, 4);
    assert_int_equal(info.modules[1].levels[0].verdict.status, TCB_OUT_OF_DATE);
    assert_int_equal(info.modules[0].attributes_mask[7], 0xff);
    assert_int_equal(info.level_count, 1);
    assert_int_equal(info.levels[0].sgx[0], 1);
    assert_int_equal(info.levels[0].sgx[15], 255);
    assert_int_equal(info.levels[0].tdx[15], 255);
    assert_int_equal(info.levels[0].pce_svn, 13);
    assert_int_equal(info.levels[0].verdict.status, TCB_UP_TO_DATE);
    assert_int_equal(info.levels[0].verdict.date, 1710288000);
    assert_int_equal(info.levels[0].verdict.advisory_count, 2);
    assert_true(span_equal_text(info.levels[0].verdict.advisories[1], "INTEL-SA-00002"));
}

struct row {
    const char *from, *to;
    const char *name; /* what the problem is about; NULL: any */
};

static const struct row refused[] = {
    { "\"version\":3", "\"version\":3.0", "version" },
    { "\"version\":3", "\"version\":\"3\"", "version" },
    { "\"version\":3", "\"version\":1", "version" },
    { "\"version\":3", "\"version\":4", "version" },
    { "\"version\":3,", "", "version" },
    { "\"id\":\"TDX\",", "", "id" },
    { "\"id\":\"TDX\"", "\"id\":\"tdx\"", "id" },
    { "\"id\":\"TDX\"", "\"id\":7", "id" },
    { "2025-06-19T10:16:03Z", "2025-06-31T10:16:03Z", "issueDate" },
    { "\"issueDate\"", "\"issuedate\"", "issueDate" },
    { "2025-07-19T10:16:03Z", "tomorrow", "nextUpdate" },
    { "B0c06F000000", "B0c06F00000", "fmspc" },
    { "B0c06F000000", "B0c06F0000001", "fmspc" },
    { "B0c06F000000", "B0c06F00000g", "fmspc" },
    { "\"pceId\":\"0001\"", "\"pceId\":1", "pceId" },
    { "\"tcbType\":0,", "", "tcbType" },
    { "\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":-1",
      "tcbEvaluationDataNumber" },
    { "\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":4294967296",
      "tcbEvaluationDataNumber" },
    { "\"tdxModule\":{", "\"tdxmodule\":{", "mrsigner" },
    { "\"mrsigner\":" Z48, "\"mrsigner\":\"00\"", "mrsigner" },
    { "\"attributes\":\"0000000000000000\",", "", "attributes" },
    { "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"", "\"attributesMask\":null", "attributesMask" },
    { "\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":{\"a\":0},\"x\":[",
      "tdxModuleIdentities" },
    { "TDX_03", "TDX_0", "id" },
    { "TDX_03", "TDX_0g", "id" },
    { "TDX_03", "SGX_03", "id" },
    { "TDX_03", "TDX_003", "id" },
    { "TDX_03", "TDX_0A", "tdxModuleIdentities" },
    { "{\"isvsvn\":3}", "{\"isvsvn\":65536}", "isvsvn" },
    { "{\"isvsvn\":3}", "{}", "isvsvn" },
    { "{\"isvsvn\":3}", "3", "isvsvn" },
    { "{\"svn\":1},", "", "sgxtcbcomponents" },
    { "{\"svn\":1},", "{\"svn\":1},{\"svn\":1},", "sgxtcbcomponents" },
    { "{\"svn\":1},", "{\"svn\":65536},", "svn" },
    { "{\"svn\":1},", "{\"svn\":-1},", "svn" },
    { "{\"svn\":1},", "{\"svn\":1e0},", "svn" },
    { "{\"svn\":1},", "{},", "svn" },
    { "{\"svn\":1},", "1,", "svn" },
    { "\"pcesvn\":13", "\"pcesvn\":65536", "pcesvn" },
    { "\"pcesvn\":13,", "", "pcesvn" },
    { "\"tdxtcbcomponents\"", "\"x\"", "tdxtcbcomponents" },
    { "\"tcb\":{\"sgx", "\"tcbs\":{\"sgx", "tcb" },
    { "\"tcbStatus\":\"UpToDate\",\"adv", "\"adv", "tcbStatus" },
    { "\"tcbStatus\":\"UpToDate\",\"adv", "\"tcbStatus\":1,\"adv", "tcbStatus" },
    { "\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\",\"adv",
      "\"tcbStatus\":\"UpToDate\",\"adv", "tcbDate" },
    { "[\"INTEL-SA-00001\",", "[1,", "advisoryIDs" },
    { "[\"INTEL-SA-00001\",", "[\"\",", "advisoryIDs" },
    { "[\"INTEL-SA-00001\",", "[\"INTEL-SA-0000111111111111111111111111\",", "advisoryIDs" },
    { "[\"INTEL-SA-00001\",\"INTEL-SA-00002\"]", "{}", "advisoryIDs" },
    /* the envelope */
    { "{\"tcbInfo\":", "{\"tcbinfo\":", NULL },
    { "{\"tcbInfo\":", "{\"tcbInfo\":7,\"x\":", NULL },
    { "{\"tcbInfo\":", "{\"tcbInfo\":1,\"tcbInfo\":", NULL },
    { "\"id\":\"TDX\",", "\"id\":\"TDX\",\"id\":\"TDX\",", NULL },
    { "\"id\":\"TDX\",", "\"id\":\"TDX\",\"\\u0069d\":\"TDX\",", NULL },
    { "\"signature\":\"00", "\"signature\":\"0", "signature" },
    { "\"signature\":\"00", "\"signature\":\"0g", "signature" },
    { "\"signature\":\"00", "\"signature\":\"0000", "signature" },
    { "\"signature\"", "\"x\":0,\"signature\"", NULL },
    { "\"signature\"", "\"sig\"", "signature" },
};

static void every_departure_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        char room[8192];
        struct span text = replace(refused[i].from, refused[i].to, room, sizeof room);
        struct tcb_info info = { .version = 77 };
        struct file_problem problem = { 0 };
        if (read_file(text, &info, &problem))
            fail_msg("accepted: %s -> %s", refused[i].from, refused[i].to);
        assert_non_null(problem.what);
        assert_int_equal(info.version, 77);
        if (refused[i].name != NULL &&
            (problem.name == NULL || strcmp(problem.name, refused[i].name) != 0))
            fail_msg("%s -> %s: about %s", refused[i].from, refused[i].to,
                     problem.name ? problem.name : "nothing");
    }
}

static void what_is_not_needed_may_differ(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "\"tcbType\":0", "\"new\":{\"a\":[1,2.5e3,null]},\"tcbType\":0", NULL },
        { ",\"advisoryIDs\":[\"INTEL-SA-00001\",\"INTEL-SA-00002\"]", "", NULL },
        { "\"UpToDate\",\"adv", "\"SomethingNew\",\"adv", NULL },
        { "\"tcbType\":0", "\"tcbType\":1", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char room[8192];
        struct tcb_info info;
        struct file_problem problem = { 0 };
        if (!read_file(replace(rows[i].from, rows[i].to, room, sizeof room), &info, &problem))
            fail_msg("%s: %s", rows[i].to, problem.what);
        if (i == 2)
            assert_int_equal(info.levels[0].verdict.status, TCB_STATUS_NONE);
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof tdx_file - 1; len++) {
        struct tcb_info info;
        struct file_problem problem = { 0 };
        assert_false(read_file(span_of(tdx_file, len), &info, &problem));
        assert_non_null(problem.what);
    }
}

static void limits_are_kept(void **state)
{
    (void)state;
    static char big[SIGNED_FILE_MAX + 2];
    struct tcb_info info;
    struct file_problem problem = { 0 };
    memset(big, ' ', sizeof big);
    memcpy(big, tdx_file, sizeof tdx_file - 1);
    assert_true(read_file(span_of(big, SIGNED_FILE_MAX), &info, &problem));
    assert_false(read_file(span_of(big, SIGNED_FILE_MAX + 1), &info, &problem));
    assert_string_equal(problem.what, "the file is too large");
    /* Depth: the file itself opens 7 containers; `new` may open the rest. */
    for (int depth = SIGNED_FILE_DEPTH - 3; depth <= SIGNED_FILE_DEPTH; depth++) {
        char room[8192], nest[128] = "\"new\":";
        size_t n = strlen(nest);
        memset(nest + n, '[', (size_t)depth);
        memset(nest + n + depth, ']', (size_t)depth);
        memcpy(nest + n + 2 * depth, ",\"tcbType\":0", sizeof ",\"tcbType\":0");
        struct file_problem deep = { 0 };
        assert_int_equal(read_file(replace("\"tcbType\":0", nest, room, sizeof room), &info, &deep),
                         depth + 2 <= SIGNED_FILE_DEPTH);
    }
}

static void an_arena_that_is_used_up_is_a_problem(void **state)
{
    (void)state;
    static uint8_t room[ROOM];
    struct tcb_info info;
    size_t enough = 0;
    for (size_t len = 0; enough == 0; len += 64) {
        struct arena arena = arena_over(room, len);
        struct file_problem problem = { 0 };
        struct signed_file file;
        if (signed_file_open(span_of(tdx_file, sizeof tdx_file - 1), &arena, &file, &problem) &&
            tcb_info_parse(&file, &arena, &info, &problem))
            enough = len;
        else
            assert_string_equal(problem.what, "out of memory");
        assert_true(len < sizeof room);
    }
    assert_true(enough > 0);
}

static void read_genuine(const char *name, void *arg)
{
    size_t *count = arg;
    if (strstr(name, "tcbinfo_") == NULL)
        return;
    struct span text = vectors_read(name);
    struct tcb_info info;
    struct file_problem problem = { 0 };
    if (!read_file(text, &info, &problem))
        fail_msg("%s: %s %s", name, problem.what, problem.name ? problem.name : "");
    assert_int_equal(info.tdx, strstr(name, "tcbinfo_tdx") != NULL);
    assert_int_equal(info.version, strstr(name, "_v2_") != NULL ? 2 : 3);
    assert_true(info.level_count > 0 && info.validity.from < info.validity.until);
    for (size_t i = 0; i < info.level_count; i++)
        assert_int_not_equal(info.levels[i].verdict.status, TCB_STATUS_NONE);
    vectors_free(&text);
    ++*count;
}

static void genuine_files_are_read(void **state)
{
    (void)state;
    vectors_required();
    size_t count = 0;
    vectors_each("attest/tdx/collateral", ".json", read_genuine, &count);
    vectors_each("attest/sgx/collateral", ".json", read_genuine, &count);
    assert_true(count >= 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_small_file_is_read, ""),
        TEST(every_departure_is_refused, ""),
        TEST(what_is_not_needed_may_differ, ""),
        TEST(every_prefix_is_refused, ""),
        TEST(limits_are_kept, ""),
        TEST(an_arena_that_is_used_up_is_a_problem, ""),
        TEST(genuine_files_are_read, ""),
    };
    return RUN_TESTS(tests);
}
