/* test_job.c - results of jobs through the public face: with evidence of the test authority that
   binds the key, and each way in which key, evidence and result do not belong together. */
#include "ward/result.h"

#include <string.h>

#include "attest/sim_set.h"
#include "base/number.h"
#include "codec/job_result.h"
#include "crypto/ed25519.h"
#include "lib/subject.h"
#include "sim/launch.h"

static struct stock stock;
static struct judge judge;
static struct subject *bound, *unbound;
static struct ward_collateral *collateral;
static struct ed25519_secret secret;
#define JOB "01020000000000000000000000000000"
static uint8_t key[ED25519_PUBLIC], text[JOB_RESULT_MAX + 1], memory[JOB_RESULT_TEXT_MAX];
static const uint8_t spec_digest[32] = { 9 };

static struct subject *make(const char *name, const uint8_t report_data[64])
{
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME);
    memcpy(spec.tdx.report_data, report_data, 64);
    return stock_make(&stock, name, &spec);
}

/* Evidence of a sandbox, with the log that explains it. */
struct sandbox {
    struct subject *subject;
    uint8_t bytes[SIM_LAUNCH_LOG_MAX];
    struct span log;
};

enum { RIGHT, OTHER_JOB, OTHER_SPEC, OTHER_KEY, OF_NODE, NO_JOB, SANDBOXES };

static struct sandbox sandboxes[SANDBOXES];

static void make_sandboxes(void)
{
    static const char *const names[] = { "right",     "other-job", "other-spec",
                                         "other-key", "of-node",   "no-job" };
    for (int i = RIGHT; i < SANDBOXES; i++) {
        struct sim_launch launch = { .spec = { i == OTHER_SPEC ? 8 : 9 },
                                     .has_job = i != NO_JOB,
                                     .job = { 1, i == OTHER_JOB ? 3 : 2 } };
        struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME);
        struct sim_log_spec events;
        struct sink log = sink_over(sandboxes[i].bytes, SIM_LAUNCH_LOG_MAX);
        job_result_bind(i == OF_NODE ? JOB_RESULT_OF_NODE : JOB_RESULT_OF_SANDBOX, key,
                        spec.tdx.report_data);
        spec.tdx.report_data[63] ^= i == OTHER_KEY;
        sim_launch_measure(&launch, spec.tdx.mrtd, spec.tdx.rtmr);
        sim_launch_log(&launch, &events);
        assert_true(sim_log(&events, &log));
        sandboxes[i].log = sink_bytes(&log);
        sandboxes[i].subject = stock_make(&stock, names[i], &spec);
    }
}

/* What a sandbox must be: one, and that is to be said. */
static struct ward_policy *of_sandboxes;

static void make_policy(void)
{
    static uint8_t pem[4096];
    char toml[256];
    struct sim_launch launch = { .has_job = true };
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME);
    struct sink words = sink_over(toml, sizeof toml), root = sink_over(pem, sizeof pem);
    sim_launch_measure(&launch, spec.tdx.mrtd, spec.tdx.rtmr);
    sink_text(&words, "hardware = false\n[tdx]\nmrtd = \"");
    sink_hex(&words, SPAN(spec.tdx.mrtd));
    sink_text(&words, "\"\n");
    assert_true(sink_ok(&words) && sim_root(&stock.authority, &spec, &root));
    const struct ward_bytes text_of = { words.at, words.len, "sandboxes.toml" };
    const struct ward_bytes root_of = { root.at, root.len, "root.pem" };
    assert_int_equal(ward_policy_load(text_of, &of_sandboxes, NULL), WARD_DONE);
    assert_int_equal(ward_policy_add_root(of_sandboxes, root_of, NULL), WARD_DONE);
}

static int open_all(void **state)
{
    uint8_t seed[ED25519_SEED] = { 1 }, report_data[64];
    (void)state;
    stock_open(&stock);
    ed25519_secret_of_seed(seed, &secret);
    ed25519_secret_public(&secret, key);
    job_result_bind(JOB_RESULT_OF_NODE, key, report_data);
    bound = make("bound", report_data);
    report_data[31] = 1; /* not the tag */
    unbound = make("unbound", report_data);
    make_sandboxes();
    make_policy();
    collateral = subject_collateral(bound);
    judge = judge_open();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    ward_policy_free(&of_sandboxes);
    ward_collateral_free(&collateral);
    judge_close(&judge);
    stock_close(&stock);
    return 0;
}

static struct span sign_both(const struct subject *subject, const char *type,
                             const struct job_evidence *sandbox)
{
    const struct job_output outputs[] = { { span_text("a"), 7, { 1 } },
                                          { span_text("b/c"), 0, { 2 } } };
    uint8_t signature[ED25519_SIGNATURE];
    const struct job_result result = { .key_id = span_text("00112233445566778899aabbccddeeff"),
                                       .job = span_text(JOB),
                                       .spec = { 9 },
                                       .code = 3,
                                       .reason = span_text("OK"),
                                       .cpu_us = 1500,
                                       .memory_peak = 4096,
                                       .started = SIM_SET_TIME,
                                       .ended = SIM_SET_TIME + 1,
                                       .node = { .type = span_text(type),
                                                 .evidence = subject->evidence },
                                       .sandbox = *sandbox,
                                       .output_count = 2,
                                       .outputs = outputs };
    struct sink out = sink_over(text, sizeof text);
    job_result_write_input(&out, &result, memory);
    ed25519_sign(&secret, sink_bytes(&out), signature);
    job_result_end(&out, signature);
    assert_true(sink_ok(&out) && job_result_is_good(&result));
    return sink_bytes(&out);
}

static struct span sign(const struct subject *subject, const char *type)
{
    static const struct job_evidence none;
    return sign_both(subject, type, &none);
}

static struct ward_job_request request_of(struct span result)
{
    return (struct ward_job_request){ .result = bytes_of(result),
                                      .time = SIM_SET_TIME,
                                      .collateral = collateral,
                                      .policy = bound->policy,
                                      .spec_sha256 = spec_digest };
}

static struct ward_job *const untouched = (struct ward_job *)&stock;

static void assert_refused(const struct ward_job_request *request, enum ward_outcome outcome,
                           const char *reason, const char *about)
{
    struct ward_job *job = untouched;
    struct ward_error error = { 0 };
    assert_int_equal(ward_job_verify(judge.verifier, request, judge.result, &job, &error), outcome);
    assert_ptr_equal(job, untouched);
    assert_int_equal(error.outcome, outcome);
    assert_string_equal(error.reason, reason);
    if (about == NULL)
        assert_null(error.about);
    else
        assert_string_equal(error.about, about);
    /* Without anybody who wants to know. */
    assert_int_equal(ward_job_verify(judge.verifier, request, NULL, &job, NULL), outcome);
    assert_ptr_equal(job, untouched);
}

static void a_good_one(void **state)
{
    (void)state;
    struct ward_job_request request = request_of(sign(bound, "tdx"));
    struct ward_job *job = NULL;
    struct ward_job_output output;
    struct ward_error error = { 0 };
    assert_int_equal(ward_job_verify(judge.verifier, &request, judge.result, &job, &error),
                     WARD_DONE);
    assert_true(ward_result_allowed(judge.result));
    const struct ward_job_claims *claims = ward_job_claims(job);
    memset(text, 0, sizeof text); /* nothing of the request is kept */
    assert_string_equal(claims->job_id, JOB);
    assert_false(claims->sandbox_measured || claims->sandbox_judged);
    assert_string_equal(claims->reason, "OK");
    assert_true(claims->code == 3 && claims->signal == 0);
    assert_true(claims->cpu_us == 1500 && claims->memory_peak == 4096);
    assert_true(claims->started == SIM_SET_TIME && claims->ended == SIM_SET_TIME + 1);
    assert_memory_equal(claims->spec_sha256, spec_digest, 32);
    assert_memory_equal(claims->public_key, key, 32);
    assert_true(claims->evidence_judged && !claims->hardware);
    assert_int_equal(claims->output_count, 2);
    assert_true(ward_job_output(job, 1, &output));
    assert_string_equal(output.path, "b/c");
    assert_true(output.size == 0 && output.sha256[0] == 2);
    assert_false(ward_job_output(job, 2, &output));
    assert_true(memcmp(claims->json.data, "{\"ended\":", 9) == 0);
    ward_job_free(&job);
    assert_null(job);
    ward_job_free(&job);
    ward_job_free(NULL);
}

static void which_key(void **state)
{
    (void)state;
    struct ward_job_request request = request_of(sign(bound, "tdx"));
    struct ward_job *job = NULL;
    uint8_t other[32];
    request.public_key = key;
    assert_int_equal(ward_job_verify(judge.verifier, &request, NULL, &job, NULL), WARD_DONE);
    ward_job_free(&job);
    memcpy(other, key, sizeof other);
    other[0] ^= 1;
    request.public_key = other;
    assert_refused(&request, WARD_REFUSED, "RESULT_KEY_FOREIGN", NULL);
    request.key_is_enough = true;
    assert_refused(&request, WARD_REFUSED, "RESULT_SIGNATURE", NULL);
    request.public_key = key;
    request.policy = NULL;
    request.collateral = NULL;
    assert_int_equal(ward_job_verify(judge.verifier, &request, judge.result, &job, NULL),
                     WARD_DONE);
    assert_false(ward_job_claims(job)->evidence_judged);
    assert_false(ward_result_allowed(judge.result)); /* it was judged by nobody */
    ward_job_free(&job);
    request.public_key = NULL; /* a key that is not there is no key that is enough */
    assert_int_equal(ward_job_verify(judge.verifier, &request, NULL, &job, NULL), WARD_BAD_INPUT);
    assert_null(job);
}

static void which_evidence(void **state)
{
    (void)state;
    struct ward_job_request request = request_of(sign(unbound, "tdx"));
    assert_refused(&request, WARD_REFUSED, "RESULT_KEY_NOT_BOUND", NULL);
    request = request_of(sign(bound, "tdx"));
    request.policy = NULL;
    assert_refused(&request, WARD_REFUSED, "RESULT_EVIDENCE", "PCK_ROOT_UNTRUSTED");
    request.policy = bound->policy;
    request.collateral = NULL;
    assert_refused(&request, WARD_REFUSED, "RESULT_EVIDENCE", "COLLATERAL_MISSING");
    request = request_of(sign(bound, "nitro")); /* judged as what it says, which nobody can yet */
    assert_refused(&request, WARD_REFUSED, "RESULT_EVIDENCE", NULL);
    assert_false(ward_result_allowed(judge.result));
}

static void which_specification(void **state)
{
    (void)state;
    static const uint8_t other[32] = { 8 };
    struct ward_job *job = NULL;
    struct ward_job_request request = request_of(sign(bound, "tdx"));
    request.spec_sha256 = other;
    assert_refused(&request, WARD_REFUSED, "RESULT_SPEC", NULL);
    request.spec_sha256 = NULL;
    assert_int_equal(ward_job_verify(judge.verifier, &request, NULL, &job, NULL), WARD_DONE);
    ward_job_free(&job);
}

/* With evidence of this sandbox, and the log of that one. */
static struct ward_job_request with_sandbox(int of, int log, const char *type)
{
    const struct job_evidence sandbox = { span_text(type), sandboxes[of].subject->evidence,
                                          sandboxes[log].log };
    struct ward_job_request request = request_of(sign_both(bound, "tdx", &sandbox));
    request.sandbox_policy = of_sandboxes;
    return request;
}

static void a_sandbox(void **state)
{
    struct ward_job_request request = with_sandbox(RIGHT, RIGHT, "tdx");
    struct ward_result *judged = NULL;
    struct ward_bytes folder;
    struct ward_job *job = NULL;
    (void)state;
    assert_int_equal(ward_result_new(&judged, NULL), WARD_DONE);
    request.sandbox = judged;
    assert_int_equal(ward_job_verify(judge.verifier, &request, judge.result, &job, NULL),
                     WARD_DONE);
    assert_true(ward_job_claims(job)->sandbox_measured && ward_job_claims(job)->sandbox_judged);
    assert_true(ward_result_allowed(judged) && ward_result_claim(judged, "job_folder", &folder));
    assert_true(folder.len == 4 && memcmp(folder.data, "none", 4) == 0);
    ward_job_free(&job);
    request.sandbox_policy = NULL; /* nobody wants to know */
    assert_int_equal(ward_job_verify(judge.verifier, &request, NULL, &job, NULL), WARD_DONE);
    assert_true(ward_job_claims(job)->sandbox_measured && !ward_job_claims(job)->sandbox_judged);
    assert_false(ward_result_allowed(judged)); /* and what it was is gone */
    ward_job_free(&job);
    ward_result_free(&judged);
}

static void which_sandbox(void **state)
{
    static const int foreign[] = { OTHER_JOB, OTHER_SPEC, OTHER_KEY, OF_NODE, NO_JOB };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        struct ward_job_request request = with_sandbox(foreign[i], foreign[i], "tdx");
        assert_refused(&request, WARD_REFUSED, "RESULT_SANDBOX_NOT_BOUND", NULL);
    }
    struct ward_job_request request = with_sandbox(OTHER_JOB, RIGHT, "tdx");
    assert_refused(&request, WARD_REFUSED, "RESULT_SANDBOX", "RTMR_MISMATCH");
    request = with_sandbox(RIGHT, RIGHT, "nitro");
    assert_refused(&request, WARD_REFUSED, "RESULT_SANDBOX", NULL);
    request = with_sandbox(RIGHT, RIGHT, "tdx");
    request.sandbox_policy = bound->policy; /* of which no sandbox is one: it names none */
    assert_refused(&request, WARD_REFUSED, "RESULT_SANDBOX", "POLICY_MEASUREMENT");
    struct ward_policy *strict = NULL;
    assert_int_equal(ward_policy_new(&strict, NULL), WARD_DONE);
    request.sandbox_policy = strict; /* which does not trust the test authority */
    assert_refused(&request, WARD_REFUSED, "RESULT_SANDBOX", "PCK_ROOT_UNTRUSTED");
    ward_policy_free(&strict);
    request = request_of(sign(bound, "tdx"));
    request.sandbox_policy = of_sandboxes;
    assert_refused(&request, WARD_REFUSED, "RESULT_NO_SANDBOX", NULL);
}

/* Evidence without its log says nothing of the job. */
static void without_a_log(void **state)
{
    const struct job_evidence sandbox = { span_text("tdx"),
                                          sandboxes[RIGHT].subject->evidence,
                                          { 0 } };
    struct ward_job_request request = request_of(sign_both(bound, "tdx", &sandbox));
    (void)state;
    request.sandbox_policy = of_sandboxes;
    assert_refused(&request, WARD_REFUSED, "RESULT_SANDBOX_NOT_BOUND", NULL);
}

/* Every 61st bit, for each evidence is judged; that of the text alone tries all. */
static void flipped_bits(void **state)
{
    (void)state;
    struct span result = sign(bound, "tdx");
    struct ward_job_request request = request_of(result);
    for (size_t bit = 0; bit < 8 * result.len; bit += 61 * run_slowness()) {
        struct ward_job *job = untouched;
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(ward_job_verify(judge.verifier, &request, NULL, &job, NULL),
                             WARD_DONE);
        assert_ptr_equal(job, untouched);
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void longer_than_any(void **state)
{
    (void)state;
    memset(text, 'A', sizeof text);
    for (size_t len = WARD_JOB_RESULT_MAX; len <= WARD_JOB_RESULT_MAX + 1; len++) {
        struct ward_job_request request = request_of(span_of(text, len));
        assert_refused(&request, WARD_BAD_INPUT, "RESULT_MALFORMED", NULL);
    }
    struct ward_job_request request = request_of((struct span){ 0 });
    assert_refused(&request, WARD_BAD_INPUT, "RESULT_MALFORMED", NULL);
    request.result.len = 7; /* a length without an address */
    assert_refused(&request, WARD_BAD_INPUT, "RESULT_MALFORMED", NULL);
}

static void of_another_kind(void **state)
{
    (void)state;
    static const char token[] =
        "eyJhbGciOiJFZERTQSIsImtpZCI6IjAwIiwidHlwIjoiTWluZXJUb2tlbiJ9.e30."
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAA";
    struct ward_job_request request = request_of(span_text(token));
    assert_refused(&request, WARD_REFUSED, "RESULT_TYPE", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_one, ""),          TEST(which_key, ""),    TEST(which_evidence, ""),
        TEST(which_specification, ""), TEST(flipped_bits, ""), TEST(longer_than_any, ""),
        TEST(of_another_kind, ""),     TEST(a_sandbox, ""),    TEST(which_sandbox, ""),
        TEST(without_a_log, ""),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
