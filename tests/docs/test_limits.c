/* test_limits.c - limits of docs/limits.md that belong to no single test of their room: each is
   tried at its value and one past it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/eventlog.h"
#include "attest/rtmr.h"
#include "attest/tcb_info.h"
#include "base/arena.h"
#include "base/sink.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "policy/policy_toml.h"
#include "sim/sim.h"
#include "test.h"
#include "ward/verify.h"

/* --- libward ---------------------------------------------------------------------------- */

static const char *reason_of(const struct ward_request *request)
{
    struct ward_verifier *verifier = NULL;
    struct ward_result *result = NULL;
    static char reason[64];
    assert_int_equal(ward_verifier_new(&verifier, NULL), WARD_DONE);
    assert_int_equal(ward_result_new(&result, NULL), WARD_DONE);
    ward_verify(verifier, request, result);
    assert_false(ward_result_allowed(result));
    snprintf(reason, sizeof reason, "%s", ward_result_reason(result));
    ward_result_free(&result);
    ward_verifier_free(&verifier);
    return reason;
}

static void test_evidence(void **state)
{
    (void)state;
    static uint8_t bytes[WARD_EVIDENCE_MAX + 1];
    memset(bytes, 0xff, sizeof bytes);
    struct ward_request request = { .evidence = { bytes, WARD_EVIDENCE_MAX, NULL } };
    assert_string_equal(reason_of(&request), "EVIDENCE_UNRECOGNISED");
    request.evidence.len++;
    assert_string_equal(reason_of(&request), "EVIDENCE_TOO_LARGE");
}

static void test_evidence_as_text(void **state)
{
    (void)state;
    static char text[3 * WARD_EVIDENCE_MAX + 1];
    memset(text, 'f', sizeof text);
    struct ward_request request = { .evidence = { text, 2 * WARD_EVIDENCE_MAX, NULL } };
    assert_string_equal(reason_of(&request), "EVIDENCE_UNRECOGNISED");
    request.evidence.len += 2;
    assert_string_equal(reason_of(&request), "EVIDENCE_TOO_LARGE");
    memset(text, ' ', WARD_EVIDENCE_MAX);
    request.evidence.len = 3 * WARD_EVIDENCE_MAX;
    assert_string_equal(reason_of(&request), "EVIDENCE_UNRECOGNISED");
    request.evidence.len++;
    assert_string_equal(reason_of(&request), "EVIDENCE_TOO_LARGE");
}

static void test_event_log(void **state)
{
    (void)state;
    static char log[WARD_EVENT_LOG_MAX + 1];
    memset(log, ' ', sizeof log);
    struct ward_request request = { .evidence = { "x", 1, NULL },
                                    .event_log = { log, WARD_EVENT_LOG_MAX, NULL } };
    assert_string_equal(reason_of(&request), "EVIDENCE_UNRECOGNISED");
    request.event_log.len++;
    assert_string_equal(reason_of(&request), "EVIDENCE_TOO_LARGE");
}

static enum ward_outcome snapshot_of(const struct ward_bytes *pool, size_t count)
{
    struct ward_collateral_files files = { .pool = pool, .pool_count = count };
    struct ward_collateral *collateral = NULL;
    enum ward_outcome outcome = ward_collateral_new(&files, NULL, &collateral, NULL);
    ward_collateral_free(&collateral);
    return outcome;
}

static void test_collateral(void **state)
{
    (void)state;
    enum { ITEMS = 4096, BYTES = 4 << 20 };
    static struct ward_bytes pool[ITEMS + 1];
    for (size_t i = 0; i < ITEMS + 1; i++)
        pool[i] = (struct ward_bytes){ "x", 1, NULL };
    assert_int_equal(snapshot_of(pool, ITEMS), WARD_DONE);
    assert_int_equal(snapshot_of(pool, ITEMS + 1), WARD_BAD_INPUT);
    static uint8_t big[BYTES + 1];
    pool[0] = (struct ward_bytes){ big, BYTES, NULL };
    assert_int_equal(snapshot_of(pool, 1), WARD_DONE);
    pool[0].len++;
    assert_int_equal(snapshot_of(pool, 1), WARD_BAD_INPUT);
}

/* The two pinned roots count. */
static void test_policy_roots(void **state)
{
    (void)state;
    enum { ROOTS = 16, PINNED = 2 };
    struct ward_policy *policy = NULL;
    assert_int_equal(ward_policy_new(&policy, NULL), WARD_DONE);
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, 1767225600);
    for (int i = PINNED; i <= ROOTS; i++) {
        char seed[16];
        uint8_t room[4096];
        struct sink pem = sink_over(room, sizeof room);
        struct sim_authority authority;
        snprintf(seed, sizeof seed, "root %d", i);
        assert_true(sim_authority_init(&authority, span_text(seed)));
        assert_true(sim_root(&authority, &spec, &pem));
        struct ward_bytes root = { room, sink_bytes(&pem).len, NULL };
        assert_int_equal(ward_policy_add_root(policy, root, NULL),
                         i < ROOTS ? WARD_DONE : WARD_BAD_INPUT);
        sim_authority_fini(&authority);
    }
    ward_policy_free(&policy);
}

/* --- readers ---------------------------------------------------------------------------- */

/* Text of the largest size allowed, nearly all white space.  One byte more is refused in the
   tests of the readers, without being read. */
static void test_largest_texts(void **state)
{
    (void)state;
    assert_int_equal(JSON_TEXT_MAX, TOML_TEXT_MAX);
    size_t len = JSON_TEXT_MAX;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, ' ', len);
    text[0] = '1';
    struct json_node nodes[1];
    struct json json;
    assert_true(json_parse_into(span_of(text, len), nodes, 1, NULL, &json, NULL));
    text[0] = ' ';
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct toml_value *root = NULL;
    assert_true(toml_parse(span_of(text, len), &arena, NULL, &root, NULL));
    arena_fini(&arena);
    free(text);
}

/* The root and the array are two of the values. */
static bool toml_of(size_t values)
{
    size_t cap = 2 * values + 16;
    char *text = malloc(cap);
    assert_non_null(text);
    struct sink out = sink_over(text, cap);
    sink_text(&out, "a=[");
    for (size_t i = 2; i < values; i++)
        sink_text(&out, "1,");
    sink_text(&out, "]");
    assert_true(sink_ok(&out));
    struct arena arena;
    arena_init(&arena, (size_t)1 << 30);
    const struct toml_value *root = NULL;
    bool read = toml_parse(sink_bytes(&out), &arena, NULL, &root, NULL);
    arena_fini(&arena);
    free(text);
    return read;
}

static void test_toml_values(void **state)
{
    (void)state;
    assert_true(toml_of(TOML_VALUES_MAX));
    assert_false(toml_of(TOML_VALUES_MAX + 1));
}

static bool toml_float_of(size_t digits)
{
    char text[1024] = "a=0.";
    memset(text + 4, '7', digits);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct toml_value *root = NULL;
    bool read = toml_parse(span_of(text, 4 + digits), &arena, NULL, &root, NULL);
    arena_fini(&arena);
    return read;
}

/* A buffer of 512 bytes holds the zero before the point, the digits, "e-505" and a NUL. */
enum { FLOAT_DIGITS = 512 - sizeof "0e-505" };

static void test_float_digits(void **state)
{
    (void)state;
    size_t most = 0;
    for (size_t digits = 1; digits <= 1000; digits++) {
        if (toml_float_of(digits)) {
            assert_int_equal(digits, most + 1);
            most = digits;
        }
    }
    assert_int_equal(most, FLOAT_DIGITS);
}

/* --- signed files ------------------------------------------------------------------------ */

enum { FILE_ROOM = 1 << 20 };

static void repeat(struct sink *out, const char *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sink_format(out, "%s%s", i == 0 ? "" : ",", item);
}

#define Z16     "0000000000000000"
#define Z96     Z16 Z16 Z16 Z16 Z16 Z16
#define DATE    "\"2024-03-13T00:00:00Z\""
#define VERDICT "\"tcbDate\":" DATE ",\"tcbStatus\":\"UpToDate\""
#define MODULE                                                                                     \
    "\"mrsigner\":\"" Z96 "\",\"attributes\":\"" Z16 "\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\""
#define SVN_LEVEL "{\"tcb\":{\"isvsvn\":3}," VERDICT "}"

struct counts {
    size_t levels, advisories, modules, svn_levels, others;
};

static const struct counts few = { 1, 1, 1, 1, 1 };

static void put_level(struct sink *out, size_t advisories)
{
    sink_text(out, "{\"tcb\":{\"sgxtcbcomponents\":[");
    repeat(out, "{\"svn\":1}", 16);
    sink_text(out, "],\"pcesvn\":13,\"tdxtcbcomponents\":[");
    repeat(out, "{\"svn\":1}", 16);
    sink_text(out, "]}," VERDICT ",\"advisoryIDs\":[");
    repeat(out, "\"INTEL-SA-00001\"", advisories);
    sink_text(out, "]}");
}

static void put_file(struct sink *out, const struct counts *n)
{
    sink_text(out, "{\"tcbInfo\":{\"id\":\"TDX\",\"version\":3,\"issueDate\":" DATE
                   ",\"nextUpdate\":\"2025-07-19T10:16:03Z\",\"fmspc\":\"b0c06f000000\","
                   "\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":17,"
                   "\"tdxModule\":{" MODULE "},\"tdxModuleIdentities\":[");
    for (size_t i = 0; i < n->modules; i++) {
        sink_format(out, "%s{\"id\":\"TDX_%02x\"," MODULE ",\"tcbLevels\":[", i == 0 ? "" : ",",
                    (unsigned)i);
        repeat(out, SVN_LEVEL, n->svn_levels);
        sink_text(out, "]}");
    }
    sink_text(out, "],\"tcbLevels\":[");
    for (size_t i = 0; i < n->levels; i++) {
        sink_text(out, i == 0 ? "" : ",");
        put_level(out, n->advisories);
    }
    sink_text(out, "],\"others\":[");
    repeat(out, "12345678", n->others);
    sink_text(out, "]},\"signature\":\"" Z96 Z16 Z16 "\"}");
    assert_true(sink_ok(out));
}

/* Whether TCB info with so many of each is read; *nodes counts its values. */
static bool read_counts(const struct counts *n, size_t *nodes)
{
    static char text[FILE_ROOM];
    struct sink out = sink_over(text, sizeof text);
    put_file(&out, n);
    struct arena arena;
    arena_init(&arena, (size_t)64 << 20);
    struct signed_file file = { 0 };
    struct tcb_info info;
    struct file_problem problem = { 0 };
    bool read = signed_file_open(sink_bytes(&out), &arena, &file, &problem) &&
                tcb_info_parse(&file, &arena, &info, &problem);
    *nodes = file.json.count;
    arena_fini(&arena);
    return read;
}

static void check_count(size_t *count, const struct counts *all, size_t most)
{
    size_t nodes;
    *count = most;
    assert_true(read_counts(all, &nodes));
    *count = most + 1;
    assert_false(read_counts(all, &nodes));
}

static void test_tcb_info_lists(void **state)
{
    (void)state;
    struct counts n = few;
    check_count(&n.levels, &n, TCB_LEVELS_MAX);
    n = few;
    check_count(&n.advisories, &n, LEVEL_ADVISORIES_MAX);
    n = few;
    check_count(&n.modules, &n, TDX_MODULES_MAX);
    n = few;
    check_count(&n.svn_levels, &n, SVN_LEVELS_MAX);
}

static void test_signed_file_values(void **state)
{
    (void)state;
    struct counts n = few;
    size_t nodes;
    assert_true(read_counts(&n, &nodes));
    n.others += SIGNED_FILE_NODES - nodes;
    assert_true(read_counts(&n, &nodes));
    assert_int_equal(nodes, SIGNED_FILE_NODES);
    n.others++;
    assert_false(read_counts(&n, &nodes));
}

/* --- values of a log, and a policy's nonce ------------------------------------------------ */

static void test_log_values(void **state)
{
    (void)state;
    static const uint8_t bytes[LOG_BYTES_LEN + 1];
    char name[LOG_NAME_LEN + 1];
    memset(name, 'n', sizeof name);
    struct log_claims log = { 0 };
    rtmr_add_value(&log, span_of(name, LOG_NAME_LEN), span_of(bytes, 1));
    rtmr_add_value(&log, span_text("n"), span_of(bytes, LOG_BYTES_LEN + 1));
    assert_int_equal(log.value_count, 0);
    rtmr_add_value(&log, span_of(name, LOG_NAME_LEN - 1), span_of(bytes, LOG_BYTES_LEN));
    assert_int_equal(log.value_count, 1);
    for (int i = 1; i <= LOG_VALUE_MAX; i++)
        rtmr_add_value(&log, span_text("n"), span_of(bytes, 1));
    assert_int_equal(log.value_count, LOG_VALUE_MAX);
}

static bool policy_with_nonce(size_t len)
{
    static char text[2 * POLICY_NONCE_MAX + 64];
    struct sink out = sink_over(text, sizeof text);
    sink_text(&out, "nonce = \"");
    for (size_t i = 0; i < len; i++)
        sink_text(&out, "5a");
    sink_text(&out, "\"\n");
    assert_true(sink_ok(&out));
    struct ward_policy *policy = NULL;
    struct span toml = sink_bytes(&out);
    bool loaded = ward_policy_load((struct ward_bytes){ toml.at, toml.len, NULL }, &policy, NULL) ==
                  WARD_DONE;
    ward_policy_free(&policy);
    return loaded;
}

static void test_policy_nonce(void **state)
{
    (void)state;
    assert_true(policy_with_nonce(POLICY_NONCE_MAX));
    assert_false(policy_with_nonce(POLICY_NONCE_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_evidence, ""),       TEST(test_evidence_as_text, ""),
        TEST(test_event_log, ""),      TEST(test_collateral, ""),
        TEST(test_policy_roots, ""),   TEST(test_largest_texts, ""),
        TEST(test_toml_values, ""),    TEST(test_float_digits, ""),
        TEST(test_tcb_info_lists, ""), TEST(test_signed_file_values, ""),
        TEST(test_log_values, ""),     TEST(test_policy_nonce, ""),
    };
    return RUN_TESTS(tests);
}
