/* test_sim.c - channels between ends that show real evidence, of the test authority's making,
   and judge it with the real verifier: every kind against every kind, and what a relay, a forger
   and a debugged workload get. */
#define WIRE_MAX (16 * 1024)
#include "pair.h"

#include "base/number.h"
#include "lib/subject.h"

static struct bulk *bulk;
static struct stock stock;
static struct judge judge;
static struct ward_policy *policy; /* strict in all but that it trusts the authority's roots */

enum { KINDS = 3 };

/* One machine of each kind: what it is, and what the verifier needs to know of it. */
struct machine {
    enum attested_kind kind;
    enum ward_type type;
    struct sim_spec spec;        /* of a quote */
    struct sim_nitro_spec nitro; /* of a document */
    struct ward_collateral *collateral;
};
static struct machine machines[KINDS];

static struct attested_evidence quote(const struct machine *machine, const uint8_t *report_data)
{
    static uint8_t room[SIM_NITRO_MAX];
    struct sink out = sink_over(room, sizeof room);
    if (machine->kind == ATTESTED_KIND_NITRO) { /* it has no report data: user_data is ours */
        struct sim_nitro_spec spec = machine->nitro;
        spec.claims.user_data.present = true;
        spec.claims.user_data.len = ATTESTED_REPORT_DATA;
        memcpy(spec.claims.user_data.bytes, report_data, ATTESTED_REPORT_DATA);
        assert_true(sim_nitro_document(&stock.authority, &spec, &out));
    } else {
        struct sim_spec spec = machine->spec;
        memcpy(machine->kind == ATTESTED_KIND_TDX ? spec.tdx.report_data : spec.sgx.report_data,
               report_data, ATTESTED_REPORT_DATA);
        assert_true(sim_quote(&stock.authority, &spec, &out));
    }
    return (struct attested_evidence){ .kind = machine->kind, .evidence = sink_bytes(&out) };
}

static struct attested_evidence quote_tdx(const uint8_t *report_data)
{
    return quote(&machines[0], report_data);
}

static struct attested_evidence quote_sgx(const uint8_t *report_data)
{
    return quote(&machines[1], report_data);
}

static struct attested_evidence quote_nitro(const uint8_t *report_data)
{
    return quote(&machines[2], report_data);
}

static quote_fn *const quotes[KINDS] = { quote_tdx, quote_sgx, quote_nitro };

static struct decision verify(const struct attested_event *asked, bool bound,
                              const struct ward_policy *rules)
{
    const struct machine *machine = &machines[asked->evidence.kind - 1];
    struct ward_request request = { .evidence = bytes_of(asked->evidence.evidence),
                                    .type = machine->type,
                                    .time = SIM_SET_TIME,
                                    .collateral = machine->collateral,
                                    .policy = rules };
    if (asked->evidence.log.len > 0)
        request.event_log = bytes_of(asked->evidence.log);
    const struct span expected = span_of(asked->report_data, ATTESTED_REPORT_DATA);
    if (bound && machine->kind == ATTESTED_KIND_NITRO)
        request.user_data = bytes_of(expected);
    else if (bound)
        request.report_data = expected.at;
    enum reason reason = reason_find(span_text(judge_reason(&judge, &request)));
    return (struct decision){ ward_result_allowed(judge.result) ? ALLOW : DENY, reason,
                              CHECK_COUNT };
}

static struct decision verify_bound(const struct attested_event *asked)
{
    return verify(asked, true, policy);
}

/* The negative control. */
static struct decision verify_unbound(const struct attested_event *asked)
{
    return verify(asked, false, policy);
}

/* Nobody has named the authority's root. */
static struct decision verify_vendors(const struct attested_event *asked)
{
    return verify(asked, true, NULL);
}

static void make(struct pair *pair, unsigned i, unsigned r, judge_fn *how)
{
    static uint64_t seed = 300;
    pair_make(pair, bulk, seed++);
    pair->i.quote = quotes[i];
    pair->r.quote = quotes[r];
    pair->i.judge = pair->r.judge = how;
}

static void every_kind_with_every_kind(void **state)
{
    (void)state;
    static struct pair pair;
    static struct script script;
    for (unsigned i = 0; i < KINDS; i++) {
        for (unsigned r = 0; r < KINDS; r++) {
            make(&pair, i, r, verify_bound);
            pair_shake(&pair, &script);
            if (!attested_is_open(&pair.i.channel) || !attested_is_open(&pair.r.channel))
                fail_msg("kinds %u and %u: %s, %s", i, r, reason_info(pair.i.event.about)->name,
                         reason_info(pair.r.event.about)->name);
            end_hear(&pair.r, end_send(&pair.i, "hello"));
            assert_heard(&pair.r, "hello");
        }
    }
}

/* The initiator is shown genuine evidence of a session that it has no part in. */
static const struct end *relayed(unsigned kind, judge_fn *how)
{
    static struct pair pair;
    static struct script script;
    static struct end middle;
    static uint8_t shown[WIRE_MAX];
    make(&pair, 0, kind, verify_bound);
    pair_shake(&pair, &script); /* the honest responder's evidence, made elsewhere */
    struct attested_evidence evidence = quotes[kind](pair.r.channel.report_data[1]);
    memcpy(shown, evidence.evidence.at, evidence.evidence.len);
    evidence.evidence.at = shown;
    make(&pair, 0, kind, how);
    end_make(&middle, setup_of(ATTESTED_RESPONDER, bulk), 4242);
    middle.hold = true;
    end_start(&pair.i);
    end_hear(&middle, said_by(&pair.i));
    struct sink out = sink_over(middle.said.at, sizeof middle.said.at);
    middle.event = attested_give(&middle.channel, &evidence, &out);
    end_hear(&pair.i, sink_bytes(&out));
    return &pair.i;
}

static void a_relay_of_genuine_evidence(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const struct end *victim = relayed(kind, verify_bound);
        assert_ended(victim, REASON_CHANNEL_EVIDENCE_DENIED);
        assert_int_equal(victim->event.about, machines[kind].kind == ATTESTED_KIND_NITRO
                                                  ? REASON_POLICY_USER_DATA
                                                  : REASON_POLICY_REPORT_DATA);
        victim = relayed(kind, verify_unbound); /* and has shown its own evidence in turn */
        assert_int_equal(victim->channel.state, ATTESTED_WAITS_DONE);
    }
}

/* The report data written into genuine evidence afterwards: its signature says so. */
static struct attested_evidence forged(const uint8_t *report_data)
{
    static uint8_t elsewhere[ATTESTED_REPORT_DATA] = { 9 };
    struct attested_evidence evidence = quote_tdx(elsewhere);
    static uint8_t room[WIRE_MAX];
    memcpy(room, evidence.evidence.at, evidence.evidence.len);
    memcpy(room + 568, report_data, ATTESTED_REPORT_DATA); /* in a version 4 quote of a TD */
    evidence.evidence.at = room;
    return evidence;
}

static struct attested_evidence debugged(const uint8_t *report_data)
{
    struct machine machine = machines[1];
    machine.spec.sgx.attributes[0] |= 2; /* DEBUG */
    return quote(&machine, report_data);
}

/* What an initiator that judges so finds wrong with a responder that shows this. */
static enum reason shown_by_responder(quote_fn *shown, judge_fn *how)
{
    static struct pair pair;
    make(&pair, 0, 0, how);
    pair.r.quote = shown;
    end_start(&pair.i);
    end_hear(&pair.r, said_by(&pair.i));
    end_hear(&pair.i, said_by(&pair.r));
    if (pair.i.channel.state == ATTESTED_WAITS_DONE)
        return REASON_OK;
    assert_ended(&pair.i, REASON_CHANNEL_EVIDENCE_DENIED);
    return pair.i.event.about;
}

static void forged_debugged_or_of_nobody(void **state)
{
    (void)state;
    assert_int_equal(shown_by_responder(quote_sgx, verify_bound), REASON_OK);
    assert_int_equal(shown_by_responder(forged, verify_bound), REASON_QUOTE_SIGNATURE_INVALID);
    assert_int_equal(shown_by_responder(debugged, verify_bound), REASON_POLICY_DEBUG);
    assert_int_equal(shown_by_responder(quote_sgx, verify_vendors), REASON_PCK_ROOT_UNTRUSTED);
    assert_int_equal(shown_by_responder(quote_nitro, verify_vendors), REASON_NITRO_ROOT_UNTRUSTED);
}

/* The channel carries what the verifier reads, and no more. */
static void limits_are_the_verifiers(void **state)
{
    (void)state;
    assert_int_equal(ATTESTED_EVIDENCE_MAX, WARD_EVIDENCE_MAX);
    assert_int_equal(ATTESTED_LOG_MAX, WARD_EVENT_LOG_MAX);
}

static void trust_roots(void)
{
    static uint8_t pem[4096];
    static const char text[] = "hardware = false\n";
    struct sink out = sink_over(pem, sizeof pem);
    assert_int_equal(ward_policy_load(bytes_of(span_text(text)), &policy, NULL), WARD_DONE);
    assert_true(sim_root(&stock.authority, &machines[0].spec, &out));
    assert_int_equal(ward_policy_add_root(policy, bytes_of(sink_bytes(&out)), NULL), WARD_DONE);
    out = sink_over(pem, sizeof pem);
    assert_true(sim_nitro_root(&stock.authority, &machines[2].nitro, &out));
    assert_int_equal(ward_policy_add_root(policy, bytes_of(sink_bytes(&out)), NULL), WARD_DONE);
}

static int begin(void **state)
{
    (void)state;
    static const enum evidence_kind kinds[] = { EVIDENCE_TDX_V4, EVIDENCE_SGX_V4 };
    bulk = bulk_new();
    stock_open(&stock);
    judge = judge_open();
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        machines[k] = (struct machine){ .kind = k == 0 ? ATTESTED_KIND_TDX : ATTESTED_KIND_SGX,
                                        .type = k == 0 ? WARD_TYPE_TDX : WARD_TYPE_SGX,
                                        .spec = sim_spec_default(kinds[k], SIM_SET_TIME) };
        machines[k].collateral = subject_collateral(
            stock_make(&stock, "machine", &machines[k].spec));
    }
    machines[2] = (struct machine){ .kind = ATTESTED_KIND_NITRO,
                                    .type = WARD_TYPE_NITRO,
                                    .nitro = sim_nitro_default(SIM_SET_TIME) };
    trust_roots();
    return bulk == NULL ? -1 : 0;
}

static int finish(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++)
        ward_collateral_free(&machines[k].collateral);
    ward_policy_free(&policy);
    judge_close(&judge);
    stock_close(&stock);
    bulk_free(&bulk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_with_every_kind, ""),
        TEST(a_relay_of_genuine_evidence, "RL-15"),
        TEST(forged_debugged_or_of_nobody, ""),
        TEST(limits_are_the_verifiers, ""),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
