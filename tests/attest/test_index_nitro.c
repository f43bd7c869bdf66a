/* test_index_nitro.c - every Nitro document of the vectors' index, judged at each of its times:
   genuine ones say what the index says they say, malformed ones are refused for its reason. */
#include <stdio.h>
#include <string.h>

#include "attest/cases.h"
#include "attest/documents.h"
#include "codec/hex.h"
#include "test.h"
#include "vectors.h"

/* The reasons that a verdict names: "NITRO_CBOR_INVALID (duplicate key) or
   NITRO_SIGNATURE_INVALID".  "OK" is REASON_NONE, and what policy/ alone refuses is OK here. */
static bool verdict_names(const char *verdict, enum reason reason)
{
    const char *name = reason == REASON_NONE ? "OK" : reason_info(reason)->name;
    size_t len = strlen(name);
    for (const char *at = strstr(verdict, name); at != NULL; at = strstr(at + 1, name))
        if ((at == verdict || at[-1] == ' ') && strchr(" ;", at[len]) != NULL)
            return true;
    return false;
}

static void check_times(struct cases *cases, uint32_t node, struct document *document,
                        struct span bytes)
{
    const struct json *json = &cases->json;
    uint32_t list = json_member(json, node, "expected");
    unsigned times = 0;
    for (uint32_t e = json_first(json, list); e != JSON_NONE; e = json_next(json, e), times++) {
        int64_t now;
        const char *verdict = case_text(cases, e, "verdict");
        assert_non_null(verdict);
        assert_true(json_i64(json, json_member(json, e, "time"), &now));
        enum reason reason = document_judge(document, bytes, now);
        if (!verdict_names(verdict, reason))
            fail_msg("%s: %s, not %s", case_text(cases, node, "file"), reason_info(reason)->name,
                     verdict);
    }
    assert_true(times > 0);
}

/* The index cuts long values off: "aabb...". */
static void check_blob(const struct json *json, uint32_t node, const struct nitro_blob *blob)
{
    uint8_t expected[NITRO_BLOB_MAX];
    struct span text;
    bool is_text = json_string(json, node, &text);
    assert_int_equal(blob->present, is_text);
    if (!is_text)
        return;
    bool cut = text.len > 3 && text.at[text.len - 1] == '.';
    size_t len = (cut ? text.len - 3 : text.len) / 2;
    assert_true(len <= sizeof expected);
    assert_true(hex_decode(span_of(text.at, 2 * len), expected, len));
    assert_true(cut ? blob->len > len : blob->len == len);
    assert_span_equal(span_of(blob->bytes, len), span_of(expected, len));
}

/* Registers that the index lists are those claimed; it leaves out those that are zero. */
static void check_pcrs(const struct json *json, uint32_t pcrs, const struct nitro_claims *claims)
{
    for (unsigned i = 0; i < NITRO_PCR_COUNT; i++) {
        char name[4];
        uint8_t expected[48];
        snprintf(name, sizeof name, "%u", i);
        uint32_t node = json_member(json, pcrs, name);
        const struct nitro_pcr *pcr = &claims->pcrs[i];
        if (node == JSON_NONE) {
            assert_true(bytes_are_zero(pcr->bytes, sizeof pcr->bytes));
            continue;
        }
        assert_true(json_hex(json, node, expected, sizeof expected));
        assert_span_equal(span_of(pcr->bytes, pcr->len), SPAN(expected));
    }
}

static void check_claims(struct cases *cases, uint32_t node, const struct claims *claims)
{
    const struct json *json = &cases->json;
    const struct nitro_claims *nitro = &claims->nitro;
    uint32_t details = json_member(json, node, "details");
    uint64_t timestamp, count;
    unsigned present = 0;
    assert_true(claims->hardware);
    const char *module_id = case_text(cases, details, "module_id");
    assert_non_null(module_id);
    assert_span_equal(span_of(nitro->module_id, nitro->module_id_len), span_text(module_id));
    assert_true(json_u64(json, json_member(json, details, "timestamp_ms"), UINT64_MAX, &timestamp));
    assert_int_equal(nitro->timestamp_ms, timestamp);
    assert_true(json_u64(json, json_member(json, details, "pcr_count"), 32, &count));
    for (unsigned i = 0; i < NITRO_PCR_COUNT; i++)
        present += nitro->pcrs[i].len != 0;
    assert_int_equal(present, count);
    check_pcrs(json, json_member(json, details, "pcrs"), nitro);
    check_blob(json, json_member(json, details, "public_key"), &nitro->public_key);
    check_blob(json, json_member(json, details, "user_data"), &nitro->user_data);
    check_blob(json, json_member(json, details, "nonce"), &nitro->nonce);
}

/* valid_until is the earliest end of the chain, and leaf_not_before the leaf's beginning. */
static void check_window(struct cases *cases, uint32_t node, const struct claims *claims)
{
    const struct json *json = &cases->json;
    uint32_t details = json_member(json, node, "details");
    uint32_t window = json_first(json, json_member(json, details, "window"));
    uint32_t leaf = json_first(json, json_member(json, details, "leaf_window"));
    int64_t until, from;
    assert_true(json_time(json, json_next(json, window), &until));
    assert_true(json_time(json, leaf, &from));
    assert_int_equal(claims->valid_until, until);
    assert_int_equal(claims->nitro.leaf_not_before, from);
}

static void test_genuine_documents(void **state)
{
    (void)state;
    struct cases cases;
    struct document document;
    unsigned count = 0;
    cases_open(&cases);
    document_open(&document);
    for (uint32_t n = JSON_NONE; (n = cases_next(&cases, n, "nitro-doc")) != JSON_NONE; count++) {
        int64_t now;
        struct span bytes = case_file(&cases, n, "file");
        const struct json *json = &cases.json;
        uint32_t first = json_first(json, json_member(json, n, "expected"));
        check_times(&cases, n, &document, bytes);
        assert_true(json_i64(json, json_member(json, first, "time"), &now));
        assert_int_equal(document_judge(&document, bytes, now), REASON_NONE);
        check_claims(&cases, n, &document.claims);
        check_window(&cases, n, &document.claims);
        vectors_free(&bytes);
    }
    assert_int_equal(count, 10);
    document_close(&document);
    cases_close(&cases);
}

static void test_malformed_documents(void **state)
{
    (void)state;
    struct cases cases;
    struct document document;
    unsigned count = 0;
    cases_open(&cases);
    document_open(&document);
    for (uint32_t n = JSON_NONE; (n = cases_next(&cases, n, "nitro-malformed")) != JSON_NONE;
         count++) {
        struct span bytes = case_file(&cases, n, "file");
        check_times(&cases, n, &document, bytes);
        vectors_free(&bytes);
    }
    assert_int_equal(count, 30);
    document_close(&document);
    cases_close(&cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_genuine_documents, ""),
        TEST(test_malformed_documents, ""),
    };
    return RUN_TESTS(tests);
}
