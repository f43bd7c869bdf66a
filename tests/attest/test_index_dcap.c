/* test_index_dcap.c - every case of the vectors' index that is about quotes and their
   collateral, judged with its own time, files and root. */
#include <stdio.h>
#include <string.h>

#include "attest/dcap_set.h"
#include "base/number.h"
#include "codec/json.h"

enum { INDEX_ROOM = 8 << 20, WANTED_MAX = 8 };

/* One of the codes that a case allows. */
struct wanted {
    enum reason reason;
    enum tcb_status status; /* the decision is on this status, nothing failed */
    const char *ending;     /* any reason that ends so */
};

struct index_file {
    struct arena arena;
    struct json json;
    struct span text;
};

static void index_open(struct index_file *index)
{
    arena_init(&index->arena, INDEX_ROOM);
    index->text = vectors_read("attest/index.json");
    struct json_error error;
    if (!json_parse(index->text, &index->arena, NULL, &index->json, &error))
        fail_msg("index.json: %s at %zu", error.what, error.offset);
}

static void index_close(struct index_file *index)
{
    arena_fini(&index->arena);
    vectors_free(&index->text);
}

static const char *text_of(const struct index_file *index, uint32_t object, const char *name,
                           const char *prefix, char *room, size_t cap)
{
    uint8_t text[512];
    struct sink out = sink_over(text, sizeof text);
    uint32_t node = json_member(&index->json, object, name);
    if (!json_string_copy(&index->json, node, &out))
        return NULL;
    int len = snprintf(room, cap, "%s%.*s", prefix, (int)out.len, (const char *)text);
    assert_in_range(len, 0, cap - 1);
    return room;
}

/* --- what a verdict's text allows ---------------------------------------------------- */

static bool one_wanted(struct span word, struct wanted *out)
{
    static const struct {
        const char *name;
        struct wanted wanted;
    } names[] = {
        { "OK", { REASON_OK, TCB_STATUS_NONE, NULL } },
        { "STATUS_OK", { REASON_OK, TCB_UP_TO_DATE, NULL } },
        { "STATUS_TCB_OUT_OF_DATE", { REASON_OK, TCB_OUT_OF_DATE, NULL } },
        { "STATUS_TCB_SW_HARDENING_NEEDED", { REASON_OK, TCB_SW_HARDENING_NEEDED, NULL } },
        { "STATUS_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED",
          { REASON_OK, TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, NULL } },
        { "STATUS_TCB_NOT_SUPPORTED", { REASON_TCB_NOT_SUPPORTED, TCB_STATUS_NONE, NULL } },
        { "STATUS_TDX_MODULE_MISMATCH", { REASON_TDX_MODULE_MISMATCH, TCB_STATUS_NONE, NULL } },
        { "COLLATERAL_EXPIRED", { REASON_NONE, TCB_STATUS_NONE, "_EXPIRED" } },
        { "COLLATERAL_NOT_YET_VALID", { REASON_NONE, TCB_STATUS_NONE, "_NOT_YET_VALID" } },
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (span_equal_text(word, names[i].name)) {
            *out = names[i].wanted;
            return true;
        }
    *out = (struct wanted){ reason_find(word), TCB_STATUS_NONE, NULL };
    return out->reason != REASON_NONE;
}

/* The codes outside brackets, up to a condition ("unless", "; ... with the real root"). */
static size_t read_verdict(const char *text, struct wanted *out)
{
    size_t count = 0, depth = 0;
    for (const char *at = text; *at != 0 && *at != ';' && count < WANTED_MAX;) {
        size_t len = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        depth += *at == '(';
        depth -= *at == ')' && depth > 0;
        if (strncmp(at, " unless ", 8) == 0)
            break;
        if (depth == 0 && len >= 2 && one_wanted(span_of(at, len), &out[count]))
            count++;
        at += len > 0 ? len : 1;
    }
    return count;
}

static bool ends_with(const char *text, const char *ending)
{
    size_t len = strlen(text), end = strlen(ending);
    return len >= end && strcmp(text + len - end, ending) == 0;
}

static bool allows(const struct wanted *wanted, enum reason reason, const struct claims *claims)
{
    if (wanted->ending != NULL)
        return ends_with(reason_info(reason)->name, wanted->ending);
    return reason == wanted->reason &&
           (wanted->status == TCB_STATUS_NONE || claims->tcb.status == wanted->status);
}

static bool matches(const struct wanted *wanted, size_t count, enum reason reason,
                    const struct claims *claims)
{
    bool all_refuse = count > 1;
    for (size_t i = 0; i < count; i++) {
        if (allows(&wanted[i], reason, claims))
            return true;
        all_refuse = all_refuse && wanted[i].reason != REASON_OK;
    }
    /* Where the index names several codes only the decision counts. */
    return all_refuse && reason != REASON_OK;
}

static void compare(const char *file, const char *verdict, enum reason reason,
                    const struct set *set)
{
    struct wanted wanted[WANTED_MAX];
    size_t count = read_verdict(verdict, wanted);
    if (count == 0)
        fail_msg("%s: no code in \"%s\"", file, verdict);
    if (matches(wanted, count, reason, &set->claims))
        return;
    enum check_id first = report_first_failure(&set->report);
    fail_msg("%s: wanted %s, got %s %s (%s)", file, verdict, reason_info(reason)->name,
             tcb_status_name(set->claims.tcb.status),
             first == CHECK_COUNT ? ""
                                  : report_text(&set->report, set->report.checks[first].detail));
}

/* --- cases --------------------------------------------------------------------------- */

/* Files of one expectation; `replaced` of them by another. */
static void open_set(const struct index_file *index, uint32_t collateral, const char *replaced,
                     const char *by, struct set *set)
{
    static const char *const names[] = {
        "tcb_info", "qe_identity",      "pck_crl",
        "root_crl", "tcb_signing_cert", "qe_identity_signing_cert"
    };
    char rooms[COUNT_OF(names)][512];
    const char *paths[COUNT_OF(names)];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        paths[i] = text_of(index, collateral, names[i], "attest/", rooms[i], sizeof rooms[i]);
        if (replaced != NULL && strcmp(replaced, names[i]) == 0)
            paths[i] = by;
    }
    struct set_files files = { paths[0], paths[1], paths[2], paths[3], paths[4], paths[5], NULL };
    set_open(set, &files);
    set_build(set);
}

static size_t run_case(const struct index_file *index, uint32_t node)
{
    char file[512], quote[512], verdict[512], replaced[64];
    const struct json *json = &index->json;
    size_t done = 0;
    text_of(index, node, "file", "attest/", file, sizeof file);
    const char *evidence = text_of(index, node, "with_quote", "attest/", quote, sizeof quote);
    const char *what = text_of(index, node, "replaces", "", replaced, sizeof replaced);
    uint32_t list = json_member(json, node, "expected");
    struct span bytes = vectors_read(evidence == NULL ? file : evidence);
    for (uint32_t e = json_first(json, list); e != JSON_NONE; e = json_next(json, e)) {
        uint32_t collateral = json_member(json, e, "collateral");
        int64_t now;
        struct set set;
        if (collateral == JSON_NONE || !json_i64(json, json_member(json, e, "time"), &now))
            continue;
        assert_non_null(text_of(index, e, "verdict", "", verdict, sizeof verdict));
        open_set(index, collateral, what, file, &set);
        compare(file, verdict, set_judge(&set, bytes, now), &set);
        set_close(&set);
        done++;
    }
    vectors_free(&bytes);
    return done;
}

static void run_kind(const char *kind, size_t at_least)
{
    struct index_file index;
    size_t done = 0;
    vectors_required();
    index_open(&index);
    uint32_t cases = json_member(&index.json, 0, "cases");
    for (uint32_t n = json_first(&index.json, cases); n != JSON_NONE; n = json_next(&index.json, n))
        if (json_equal_text(&index.json, json_member(&index.json, n, "kind"), kind))
            done += run_case(&index, n);
    index_close(&index);
    if (done < at_least)
        fail_msg("%zu cases of %s, wanted at least %zu", done, kind, at_least);
}

static void quotes(void **state)
{
    (void)state;
    run_kind("quote", 40);
}

static void malformed_quotes(void **state)
{
    (void)state;
    run_kind("quote-malformed", 119);
}

static void malformed_collateral(void **state)
{
    (void)state;
    run_kind("collateral-malformed", 18);
}

/* --- without collateral of an overlapping window ------------------------------------- */

static void quotes_without_collateral(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum reason reason;
        bool signatures; /* are good up to Intel's root */
    } rows[] = {
        /* Its root certificate's key is damaged: the chain does not end in Intel's. */
        { "sgx/openenclave_sgx-cert-rsa-bad_f4f274", REASON_PCK_ROOT_UNTRUSTED, false },
        { "sgx/openenclave_sgx-quote_ad7302", REASON_COLLATERAL_MISSING, true },
        { "tdx/oasis-core_quote-v4-tdx-ecdsa-p256_46ca3f", REASON_COLLATERAL_MISSING, true },
        { "tdx/oasis-core_quote-v4-tdx-ecdsa-p256-trailing_9606fc", REASON_COLLATERAL_MISSING,
          true },
        { "tdx/dcap-qvl_tdx-quote_f1c850_padded", REASON_QUOTE_TRAILING_BYTES, true },
        { "tdx/trustee_td-quote_a187b0_padded", REASON_QUOTE_TRAILING_BYTES, true },
        { "tdx/gotdxguest_cos-113-tdx-quote_00b252_padded", REASON_QUOTE_TRAILING_BYTES, true },
        { "tdx/flashbots_dcap-tdx-1766059550570652607_d0ee49_padded", REASON_QUOTE_TRAILING_BYTES,
          true },
        { "tdx/oasis-core_quote-v4-tdx-ecdsa-p256-trailing_9606fc_padded",
          REASON_QUOTE_TRAILING_BYTES, true },
        { "tdx/intel-qvl-synthetic_quote_aa2caf", REASON_PCK_CHAIN_INVALID, false },
        { "sgx/intel-qvl-synthetic_quote_8cc428", REASON_PCK_CERT_MISSING, false },
        { "sgx/oasis-core_quote-v3-ecdsa-p256-eppid_72a05b", REASON_PCK_CERT_MISSING, false },
    };
    vectors_required();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char path[256];
        struct set set;
        struct set_files none = { 0 };
        (void)snprintf(path, sizeof path, "attest/%s.quote.bin", rows[i].file);
        struct span bytes = vectors_read(path);
        set_open(&set, &none);
        set_build(&set);
        enum reason reason = set_judge(&set, bytes, 1760000000);
        if (reason != rows[i].reason)
            fail_msg("%s: %s", path, reason_info(reason)->name);
        assert_int_equal(report_passed(&set.report, CHECK_AT_30), rows[i].signatures);
        assert_int_equal(set.claims.hardware, rows[i].signatures);
        vectors_free(&bytes);
        set_close(&set);
    }
}

/* --- synthetic sets ------------------------------------------------------------------ */

static struct span joined(const char *first, const char *second, uint8_t *room, size_t cap)
{
    struct sink out = sink_over(room, cap);
    struct span a = vectors_read(first), b = vectors_read(second);
    sink_put(&out, a);
    sink_u8(&out, '\n');
    sink_put(&out, b);
    vectors_free(&a);
    vectors_free(&b);
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static void run_synthetic(const char *folder, const char *verdict, enum tcb_status status)
{
    char paths[7][256];
    static const char *const names[] = { "tcbInfo.json",    "qeIdentity.json",  "quote.dat",
                                         "rootCaCrl.der",   "tcbSignChain.pem", "pckCert.pem",
                                         "pckSignChain.pem" };
    uint8_t chain[16384];
    char crl[256], root_path[256];
    struct set set;
    struct trust_root root;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    (void)snprintf(crl, sizeof crl, "%s/intermediateCaCrl.der", folder);
    (void)snprintf(root_path, sizeof root_path, "%s/trustedRootCaCert.pem", folder);
    struct set_files files = { paths[0], paths[1], crl, paths[3], paths[4], NULL, NULL };
    struct span quote = vectors_read(paths[2]), pem = vectors_read(root_path);
    set_open(&set, &files);
    assert_true(trust_root_read(pem, &root));
    assert_false(root.vendor);
    set.sources.pck_chain.name = "chain";
    set.sources.pck_chain.bytes = joined(paths[5], paths[6], chain, sizeof chain);

    set_build(&set);
    assert_int_equal(set_judge(&set, quote, 1704067200), REASON_PCK_ROOT_UNTRUSTED);
    assert_int_equal(set.claims.tcb.status, TCB_STATUS_NONE);
    assert_false(set.claims.hardware);

    set.roots = (struct trust_roots){ &root, 1 };
    set_build(&set);
    compare(paths[2], verdict, set_judge(&set, quote, 1704067200), &set);
    assert_int_equal(set.claims.tcb.status, status);
    assert_false(set.claims.hardware);
    set.sources.pck_chain.bytes = (struct span){ 0 };
    vectors_free(&quote);
    vectors_free(&pem);
    set_close(&set);
}

static void synthetic_sets(void **state)
{
    (void)state;
    vectors_required();
    run_synthetic("attest/sgx/intel_qvl_synthetic_set", "STATUS_OK", TCB_UP_TO_DATE);
    run_synthetic("attest/tdx/intel_qvl_synthetic_set", "STATUS_TDX_MODULE_MISMATCH",
                  TCB_STATUS_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(quotes, ""),
        TEST(malformed_quotes, ""),
        TEST(malformed_collateral, ""),
        TEST(quotes_without_collateral, ""),
        TEST(synthetic_sets, ""),
    };
    return RUN_TESTS(tests);
}
