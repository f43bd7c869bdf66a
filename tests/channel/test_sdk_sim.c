/* test_sdk_sim.c - profile sdk-v1 with real evidence: quotes and event logs of the test authority,
   judged by libward. What no quote may be is refused with a reason of its own, and a compose hash
   counts only when the log it stands in was replayed. */
#include "sdk_pair.h"

#include "base/number.h"
#include "channel/sdk_bootstrap.h"
#include "codec/json_write.h"
#include "lib/subject.h"

static struct stock stock;
static struct judge judge;
static struct ward_policy *policy; /* strict in all but that it trusts the authority's root */
static struct sdk_pair pair;

enum { COMPOSE = 32 };

/* What the challenge shows: a machine, its log, and what was done to them. */
struct shown {
    struct sim_spec spec;
    struct sim_log_spec log;
    const char *from, *to; /* in the text of the log; NULL: as it was made */
    size_t cut;            /* bytes off the end of the quote */
    bool over_text;        /* report data over the nonce as text, which is the bootstrap's */
    bool policy_of_vendor; /* nobody has named the authority's root */
};

static uint8_t quote[SIM_QUOTE_MAX], text[SIM_LOG_MAX];

static struct shown healthy(void)
{
    struct shown shown = { .spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME),
                           .log = sim_log_default(LOG_DSTACK_V1) };
    sim_log_registers(&shown.log, shown.spec.tdx.rtmr);
    return shown;
}

/* Replaces one text of the log by another of the same length. */
static void edit(struct sink *log, const char *from, const char *to)
{
    assert_int_equal(strlen(from), strlen(to));
    uint8_t *at = memmem(log->at, log->len, from, strlen(from));
    assert_non_null(at);
    for (size_t i = 0; to[i] != '\0'; i++)
        at[i] = (uint8_t)to[i];
}

static struct sdk_evidence make(struct shown *shown, const uint8_t *report_data)
{
    struct sink out = sink_over(quote, sizeof quote), log = sink_over(text, sizeof text);
    memcpy(shown->spec.tdx.report_data, report_data, SDK_REPORT_DATA);
    if (shown->over_text) {
        uint8_t hex[2 * SDK_NONCE];
        struct sink digits = sink_over(hex, sizeof hex);
        sink_hex(&digits, SPAN(pair.c.sdk.nonce));
        hash_sha256(SPAN(hex), shown->spec.tdx.report_data);
    }
    assert_true(sim_quote(&stock.authority, &shown->spec, &out) && sim_log(&shown->log, &log));
    if (shown->from != NULL)
        edit(&log, shown->from, shown->to);
    return (struct sdk_evidence){ .quote = span_of(quote, out.len - shown->cut),
                                  .log = sink_bytes(&log) };
}

static struct sdk_judgement verify(const struct shown *shown, const struct sdk_event *asked)
{
    struct subject *subject = stock_make(&stock, "machine", &shown->spec);
    struct ward_collateral *collateral = subject_collateral(subject);
    const struct ward_request request = {
        .evidence = bytes_of(asked->evidence.quote),
        .type = WARD_TYPE_TDX,
        .time = SIM_SET_TIME,
        .collateral = collateral,
        .policy = shown->policy_of_vendor ? NULL : policy,
        .event_log = bytes_of(asked->evidence.log),
        .report_data = asked->report_data,
    };
    struct ward_bytes hash = { 0 };
    const enum reason reason = reason_find(span_text(judge_reason(&judge, &request)));
    if (!ward_result_claim(judge.result, "compose_hash", &hash))
        hash = (struct ward_bytes){ 0 };
    static uint8_t kept[LOG_BYTES_LEN];
    if (hash.len > 0)
        memcpy(kept, hash.data, hash.len);
    ward_collateral_free(&collateral);
    stock.count--;
    return (struct sdk_judgement){
        .decision = { ward_result_allowed(judge.result) ? ALLOW : DENY, reason, CHECK_COUNT },
        .compose_hash = span_of(kept, hash.len),
        .now_ms = 1000,
    };
}

/* A validator that hears this response: REASON_OK when it goes on, else why not. */
static enum reason heard_by_validator(struct shown *shown, const uint8_t *compose)
{
    static uint8_t room[SDK_FRAME_MAX];
    struct sdk_random random;
    sdk_pair_make(&pair, 50);
    struct sdk_setup setup = sdk_setup_of(SDK_CLIENT, &pair, &random, 50);
    setup.gives_evidence = false;
    setup.compose_hash = compose;
    sdk_end_make(&pair.c, &setup);
    sdk_speak(&pair.c);
    const struct sdk_evidence evidence = make(shown, pair.c.sdk.report_data);
    struct sink frame = sink_over(room, sizeof room), out = sdk_out(&pair.c);
    sdk_write_response(&pair.s.sdk, &evidence, &frame);
    pair.c.event = sdk_take(&pair.c.sdk, (struct sdk_frame){ room, frame.len, 1000 }, &out);
    if (pair.c.event.kind == SDK_JUDGE) {
        const struct sdk_judgement found = verify(shown, &pair.c.event);
        pair.c.event = sdk_judge(&pair.c.sdk, &found, &out);
    }
    assert_int_equal(sdk_is_open(&pair.c.sdk), pair.c.event.kind == SDK_OPEN);
    pair.c.said.len = out.len;
    return pair.c.event.kind == SDK_OPEN       ? REASON_OK
           : pair.c.event.about != REASON_NONE ? pair.c.event.about
                                               : pair.c.event.reason;
}

static void assert_refused(struct shown shown, enum reason reason)
{
    const enum reason was = heard_by_validator(&shown, NULL);
    if (was != reason)
        fail_msg("%s instead of %s", reason_info(was)->name, reason_info(reason)->name);
}

static void what_no_quote_may_be(void **state)
{
    (void)state;
    struct shown shown = healthy();
    assert_refused(shown, REASON_OK);
    shown.spec.tdx.td_attributes[0] |= 1; /* a debug TD */
    assert_refused(shown, REASON_POLICY_DEBUG);
    shown = healthy();
    shown.spec.tee_type = 0x55;
    assert_refused(shown, REASON_QUOTE_TEE_TYPE_UNSUPPORTED);
    shown = healthy(); /* a good one, of an enclave */
    shown.spec = sim_spec_default(EVIDENCE_SGX_V4, SIM_SET_TIME);
    assert_refused(shown, REASON_QUOTE_TEE_TYPE_UNSUPPORTED);
    shown = healthy();
    shown.spec.version = 9;
    assert_refused(shown, REASON_QUOTE_VERSION_UNSUPPORTED);
    shown = healthy();
    shown.cut = 100;
    assert_refused(shown, REASON_QUOTE_TRUNCATED);
    shown = healthy();
    shown.spec.quote_defects = SIM_QUOTE_TRAILING;
    assert_refused(shown, REASON_QUOTE_TRAILING_BYTES);
    shown = healthy();
    shown.spec.quote_defects = SIM_QUOTE_BAD_SIGNATURE;
    assert_refused(shown, REASON_QUOTE_SIGNATURE_INVALID);
    shown = healthy();
    shown.spec.tcb_info.levels[0].status = "OutOfDate";
    assert_refused(shown, REASON_POLICY_TCB_STATUS); /* and the report says which */
    assert_string_equal(ward_result_tcb_status(judge.result), "OutOfDate");
    shown.spec.tcb_info.levels[0].status = "Revoked";
    assert_refused(shown, REASON_POLICY_TCB_STATUS);
    assert_string_equal(ward_result_tcb_status(judge.result), "Revoked");
    shown = healthy();
    shown.policy_of_vendor = true;
    assert_refused(shown, REASON_PCK_ROOT_UNTRUSTED);
}

/* SHA-256 of the nonce's bytes here; of its 64 characters only over HTTP. */
static void report_data_of_the_other_convention(void **state)
{
    (void)state;
    struct shown shown = healthy();
    shown.over_text = true;
    assert_refused(shown, REASON_POLICY_REPORT_DATA);
}

static const uint8_t bytes[SDK_NONCE] = { 9 }; /* of /attest: the nonce, and both keys */

/* What a validator makes of an /attest whose evidence is over this. */
static enum reason heard_at_attest(struct span over)
{
    static uint8_t room[SDK_FRAME_MAX];
    uint8_t report_data[SDK_REPORT_DATA] = { 0 };
    struct shown shown = healthy();
    struct sdk_attest attest;
    hash_sha256(over, report_data);
    const struct sdk_evidence made = make(&shown, report_data);
    struct sink body = sink_over(room, sizeof room);
    struct json_writer json = json_write_to(&body, 0);
    json_begin_object(&json);
    json_put_key(&json, "ephemeral_public_key");
    json_put_base64(&json, SPAN(bytes));
    json_put_key(&json, "sdk_x25519_pub");
    json_put_base64(&json, SPAN(bytes));
    json_put_key(&json, "attestation");
    json_begin_object(&json);
    json_put_key(&json, "attestation_type");
    json_put_text(&json, "Tdx");
    json_put_key(&json, "nonce");
    json_put_hex(&json, SPAN(bytes));
    json_put_key(&json, "quote");
    json_put_base64(&json, made.quote);
    json_put_key(&json, "event_log");
    json_put_span(&json, made.log);
    json_end_object(&json);
    json_end_object(&json);
    assert_true(json_write_ok(&json));
    assert_int_equal(sdk_attest_read(room, body.len, &attest), REASON_OK);
    const struct sdk_event asked = { .evidence = attest.evidence,
                                     .report_data = attest.report_data };
    return verify(&shown, &asked).decision.reason;
}

static void report_data_at_attest(void **state)
{
    (void)state;
    uint8_t ascii[2 * SDK_NONCE];
    struct sink hex = sink_over(ascii, sizeof ascii);
    sink_hex(&hex, SPAN(bytes));
    assert_int_equal(heard_at_attest(SPAN(ascii)), REASON_OK);
    assert_int_equal(heard_at_attest(SPAN(bytes)), REASON_POLICY_REPORT_DATA);
}

static void a_compose_hash_counts_when_it_was_replayed(void **state)
{
    (void)state;
    uint8_t wanted[COMPOSE] = { 0xc0, 0x3e, 0x05, 0xe0 }; /* that of sim_log_default */
    struct shown shown = healthy();
    assert_int_equal(heard_by_validator(&shown, wanted), REASON_OK);

    shown = healthy(); /* the text says so, the quote does not */
    shown.from = "c03e05e0";
    shown.to = "c03e05e1";
    wanted[3] = 0xe1;
    assert_int_equal(heard_by_validator(&shown, wanted), REASON_EVENTLOG_DIGEST_MISMATCH);
    shown = healthy(); /* the quote says so, of another boot */
    shown.spec.tdx.rtmr[3][0] ^= 1;
    wanted[3] = 0xe0;
    assert_int_equal(heard_by_validator(&shown, wanted), REASON_RTMR_MISMATCH);
    shown = healthy(); /* genuine, and another application */
    wanted[0] = 0xc1;
    assert_int_equal(heard_by_validator(&shown, wanted), REASON_SDK_COMPOSE_HASH);
    assert_sdk_rejects(&pair.c,
                       "SDK_COMPOSE_HASH: expected "
                       "c13e05e000000000000000000000000000000000000000000000000000000000, got "
                       "c03e05e000000000000000000000000000000000000000000000000000000000");
    shown = healthy(); /* a boot that has none */
    for (size_t i = 0; i < shown.log.count; i++)
        if (shown.log.events[i].name != NULL &&
            strcmp(shown.log.events[i].name, "compose-hash") == 0)
            shown.log.events[i].name = "compose-hasH";
    sim_log_registers(&shown.log, shown.spec.tdx.rtmr);
    assert_int_equal(heard_by_validator(&shown, wanted), REASON_SDK_COMPOSE_HASH);
    assert_sdk_rejects(
        &pair.c, "SDK_COMPOSE_HASH: expected "
                 "c13e05e000000000000000000000000000000000000000000000000000000000, got none");
}

static int begin(void **state)
{
    (void)state;
    static uint8_t pem[4096];
    static const char rules[] = "hardware = false\n";
    struct sink out = sink_over(pem, sizeof pem);
    const struct shown any = healthy();
    stock_open(&stock);
    judge = judge_open();
    assert_int_equal(ward_policy_load(bytes_of(span_text(rules)), &policy, NULL), WARD_DONE);
    assert_true(sim_root(&stock.authority, &any.spec, &out));
    assert_int_equal(ward_policy_add_root(policy, bytes_of(sink_bytes(&out)), NULL), WARD_DONE);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    ward_policy_free(&policy);
    judge_close(&judge);
    stock_close(&stock);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_no_quote_may_be, "PC-29"),
        TEST(report_data_of_the_other_convention, "PC-3"),
        TEST(report_data_at_attest, "PC-3"),
        TEST(a_compose_hash_counts_when_it_was_replayed, "PC-30 PC-31"),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
