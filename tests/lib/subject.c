/* subject.c - see subject.h. */
#include "lib/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "vectors.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { INSTRUMENTED = 1 };
#else
enum { INSTRUMENTED = 0 };
#endif

bool run_is_full(void)
{
    return getenv("WARD_FULL") != NULL && !INSTRUMENTED;
}

size_t run_slowness(void)
{
    return INSTRUMENTED ? 16 : 1;
}

struct ward_bytes bytes_of(struct span span)
{
    return (struct ward_bytes){ span.at, span.len, NULL };
}

/* Everything that a policy can let pass of evidence that is genuine. */
static const char lenient_text[] =
    "[tcb]\n"
    "status = ['UpToDate', 'SWHardeningNeeded', 'ConfigurationNeeded', 'OutOfDate',\n"
    "  'ConfigurationAndSWHardeningNeeded', 'OutOfDateConfigurationNeeded',\n"
    "  'TDRelaunchAdvised', 'TDRelaunchAdvisedConfigurationNeeded']\n"
    "[tdx]\n"
    "allow_debug = true\n"
    "require_sept_ve_disable = false\n"
    "[sgx]\n"
    "allow_debug = true\n"
    "[nitro]\n"
    "allow_debug = true\n";

static struct ward_policy *lenient_policy(void)
{
    struct ward_error error = { 0 };
    struct ward_policy *policy = NULL;
    if (ward_policy_load(bytes_of(span_text(lenient_text)), &policy, &error) != WARD_DONE)
        fail_msg("%s", error.message);
    return policy;
}

void stock_open(struct stock *stock)
{
    static uint8_t pem[4096];
    *stock = (struct stock){ .lenient = lenient_policy(), .made = lenient_policy() };
    arena_init(&stock->memory, 256 << 20);
    assert_true(sim_authority_init(&stock->authority, span_text("tests")));
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME);
    struct sim_nitro_spec nitro = sim_nitro_default(SIM_SET_TIME);
    struct sink out = sink_over(pem, sizeof pem);
    assert_true(sim_root(&stock->authority, &spec, &out));
    assert_int_equal(ward_policy_add_root(stock->made, bytes_of(sink_bytes(&out)), NULL),
                     WARD_DONE);
    out = sink_over(pem, sizeof pem);
    assert_true(sim_nitro_root(&stock->authority, &nitro, &out));
    assert_int_equal(ward_policy_add_root(stock->made, bytes_of(sink_bytes(&out)), NULL),
                     WARD_DONE);
}

void stock_close(struct stock *stock)
{
    ward_policy_free(&stock->lenient);
    ward_policy_free(&stock->made);
    sim_authority_fini(&stock->authority);
    if (stock->cases.bytes.at != NULL)
        cases_close(&stock->cases);
    arena_fini(&stock->memory);
}

struct span stock_read(struct stock *stock, const char *path)
{
    struct span kept;
    char whole[1024];
    int len = snprintf(whole, sizeof whole, "attest/%s", path);
    assert_in_range(len, 1, sizeof whole - 1);
    struct span bytes = vectors_read(whole);
    assert_true(arena_copy(&stock->memory, bytes, &kept));
    vectors_free(&bytes);
    return kept;
}

static struct subject *add(struct stock *stock, const char *name)
{
    assert_true(stock->count < SUBJECT_MAX);
    struct subject *subject = &stock->list[stock->count++];
    subject->name = name;
    return subject;
}

struct subject *stock_find(struct stock *stock, const char *part)
{
    for (size_t i = 0; i < stock->count; i++) {
        if (strstr(stock->list[i].name, part) != NULL)
            return &stock->list[i];
    }
    fail_msg("no subject %s", part);
    return NULL;
}

/* --- genuine ---------------------------------------------------------------------------- */

static void open_index(struct stock *stock)
{
    if (stock->cases.bytes.at == NULL)
        cases_open(&stock->cases);
}

static const char *const file_keys[SUBJECT_FILES] = {
    "tcb_info", "qe_identity", "pck_crl", "root_crl", "tcb_signing_cert", "qe_identity_signing_cert"
};

/* "STATUS_..." but for the one status that no policy can allow. */
static bool is_allowed_verdict(const char *verdict)
{
    return verdict != NULL && strncmp(verdict, "STATUS_", 7) == 0 &&
           strncmp(verdict, "STATUS_TCB_NOT_SUPPORTED", 24) != 0;
}

static void add_quote(struct stock *stock, uint32_t node, uint32_t expected)
{
    struct cases *cases = &stock->cases;
    uint32_t set = json_member(&cases->json, expected, "collateral");
    if (json_type(&cases->json, set) != JSON_OBJECT ||
        !is_allowed_verdict(case_text(cases, expected, "verdict")))
        return;
    const char *file = case_text(cases, node, "file");
    struct subject *subject = add(stock, file);
    subject->evidence = stock_read(stock, file);
    subject->policy = stock->lenient;
    assert_true(
        json_i64(&cases->json, json_member(&cases->json, expected, "time"), &subject->time));
    for (size_t i = 0; i < SUBJECT_FILES; i++) {
        subject->paths[i] = case_text(cases, set, file_keys[i]);
        if (subject->paths[i] != NULL)
            subject->files[i] = stock_read(stock, subject->paths[i]);
    }
}

void stock_add_quotes(struct stock *stock)
{
    open_index(stock);
    const struct json *json = &stock->cases.json;
    for (uint32_t n = cases_next(&stock->cases, JSON_NONE, "quote"); n != JSON_NONE;
         n = cases_next(&stock->cases, n, "quote")) {
        uint32_t list = json_member(json, n, "expected");
        for (uint32_t e = json_first(json, list); e != JSON_NONE; e = json_next(json, e))
            add_quote(stock, n, e);
    }
}

/* The first verdict of a document is that at its own time: allowed, but for debug. */
void stock_add_documents(struct stock *stock)
{
    open_index(stock);
    const struct json *json = &stock->cases.json;
    for (uint32_t n = cases_next(&stock->cases, JSON_NONE, "nitro-doc"); n != JSON_NONE;
         n = cases_next(&stock->cases, n, "nitro-doc")) {
        uint32_t expected = json_first(json, json_member(json, n, "expected"));
        const char *file = case_text(&stock->cases, n, "file");
        struct subject *subject = add(stock, file);
        subject->evidence = stock_read(stock, file);
        subject->policy = stock->lenient;
        assert_true(json_i64(json, json_member(json, expected, "time"), &subject->time));
    }
}

/* --- made --------------------------------------------------------------------------------- */

static struct span keep(struct stock *stock, const struct sink *out)
{
    struct span kept;
    assert_true(sink_ok(out));
    assert_true(arena_copy(&stock->memory, sink_bytes(out), &kept));
    return kept;
}

struct subject *stock_make(struct stock *stock, const char *name, const struct sim_spec *spec)
{
    static uint8_t room[SIM_COLLATERAL_MAX];
    static bool (*const writers[])(const struct sim_authority *, const struct sim_spec *,
                                   struct sink *) = { sim_tcb_info, sim_qe_identity, sim_pck_crl,
                                                      sim_root_crl, sim_signing_chain };
    struct subject *subject = add(stock, name);
    struct sink out = sink_over(room, sizeof room);
    assert_true(sim_quote(&stock->authority, spec, &out));
    subject->evidence = keep(stock, &out);
    subject->policy = stock->made;
    subject->time = SIM_SET_TIME;
    for (size_t i = 0; i < COUNT_OF(writers); i++) {
        out = sink_over(room, sizeof room);
        assert_true(writers[i](&stock->authority, spec, &out));
        subject->files[i] = keep(stock, &out);
    }
    return subject;
}

void stock_add_made(struct stock *stock)
{
    static const enum evidence_kind kinds[] = { EVIDENCE_SGX_V3,    EVIDENCE_SGX_V4,
                                                EVIDENCE_SGX_V5,    EVIDENCE_TDX_V4,
                                                EVIDENCE_TDX_V5_10, EVIDENCE_TDX_V5_15 };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct sim_spec spec = sim_spec_default(kinds[i], SIM_SET_TIME);
        stock_make(stock, evidence_kind_name(kinds[i]), &spec);
    }
}

struct subject *stock_make_document(struct stock *stock, const char *name,
                                    const struct sim_nitro_spec *spec)
{
    static uint8_t room[SIM_NITRO_MAX];
    struct subject *subject = add(stock, name);
    struct sink out = sink_over(room, sizeof room);
    assert_true(sim_nitro_document(&stock->authority, spec, &out));
    subject->evidence = keep(stock, &out);
    subject->policy = stock->made;
    subject->time = SIM_SET_TIME;
    return subject;
}

void stock_add_made_document(struct stock *stock)
{
    struct sim_nitro_spec spec = sim_nitro_default(SIM_SET_TIME);
    stock_make_document(stock, "nitro", &spec);
}

/* --- judging -------------------------------------------------------------------------------- */

struct ward_collateral_files subject_files(const struct subject *subject)
{
    return (struct ward_collateral_files){
        .tcb_info = bytes_of(subject->files[FILE_TCB_INFO]),
        .qe_identity = bytes_of(subject->files[FILE_QE_IDENTITY]),
        .pck_crl = bytes_of(subject->files[FILE_PCK_CRL]),
        .root_crl = bytes_of(subject->files[FILE_ROOT_CRL]),
        .tcb_signing_cert = bytes_of(subject->files[FILE_TCB_SIGNER]),
        .qe_identity_signing_cert = bytes_of(subject->files[FILE_QE_SIGNER]),
    };
}

struct ward_collateral *subject_collateral(const struct subject *subject)
{
    struct ward_collateral *collateral = NULL;
    struct ward_collateral_files files = subject_files(subject);
    if (subject->files[FILE_TCB_INFO].len == 0)
        return NULL;
    assert_int_equal(ward_collateral_new(&files, subject->policy, &collateral, NULL), WARD_DONE);
    return collateral;
}

struct judge judge_open(void)
{
    struct judge judge = { 0 };
    assert_int_equal(ward_verifier_new(&judge.verifier, NULL), WARD_DONE);
    assert_int_equal(ward_result_new(&judge.result, NULL), WARD_DONE);
    return judge;
}

void judge_close(struct judge *judge)
{
    ward_verifier_free(&judge->verifier);
    ward_result_free(&judge->result);
}

struct ward_request subject_request(const struct subject *subject,
                                    const struct ward_collateral *collateral)
{
    return (struct ward_request){ .evidence = bytes_of(subject->evidence),
                                  .event_log = bytes_of(subject->log),
                                  .time = subject->time,
                                  .collateral = collateral,
                                  .policy = subject->policy };
}

const char *judge_reason(struct judge *judge, const struct ward_request *request)
{
    ward_verify(judge->verifier, request, judge->result);
    const char *reason = ward_result_reason(judge->result);
    assert_true(ward_result_allowed(judge->result) == (strcmp(reason, "OK") == 0));
    return reason;
}
