/* test_sdk_evidence.c - what is shown in a handshake of profile sdk-v1, and what becomes of it:
   stale, shown again, sent back, of another application, of a development set-up, or none. */
#include "sdk_pair.h"

#include "base/number.h"

static struct sdk_pair pair;
static struct sdk_script script;

static void evidence_of_another_nonce(void **state)
{
    (void)state;
    static struct sdk_wire old;
    sdk_pair_make(&pair, 10);
    sdk_pair_shake(&pair, &script);
    old = script.response;
    sdk_pair_make(&pair, 11); /* another session: the nonce is new */
    sdk_speak(&pair.c);
    sdk_hear(&pair.c, span_of(old.at, old.len));
    assert_sdk_ended(&pair.c, REASON_CHANNEL_EVIDENCE_DENIED);
    assert_int_equal(pair.c.event.about, REASON_POLICY_REPORT_DATA);
    assert_sdk_rejects(&pair.c, "POLICY_REPORT_DATA");
}

/* A validator's evidence is good for one session: who saw it go by has nothing of it. */
static void a_begin_that_comes_again(void **state)
{
    (void)state;
    struct sdk_random random;
    sdk_pair_make(&pair, 12);
    sdk_pair_shake(&pair, &script);
    const struct sdk_setup setup = sdk_setup_of(SDK_SERVER, &pair, &random, 13);
    sdk_end_make(&pair.s, &setup);
    sdk_hear(&pair.s, span_of(script.begin.at, script.begin.len));
    assert_sdk_ended(&pair.s, REASON_CHANNEL_REPLAY);

    struct sdk_pair two = pair; /* two at once: only one of them is judged in time */
    two.heard = sdk_nonces_over(two.nonces, SDK_FAKE_HEARD);
    struct sdk_end ends[2];
    for (unsigned i = 0; i < 2; i++) {
        struct sdk_setup each = sdk_setup_of(SDK_SERVER, &two, &random, 13);
        each.heard = &two.heard;
        each.slots = ends[i].slots;
        sdk_end_make(&ends[i], &each);
        ends[i].hold = true;
        sdk_hear(&ends[i], span_of(script.begin.at, script.begin.len));
        assert_int_equal(ends[i].event.kind, SDK_JUDGE);
    }
    for (unsigned i = 0; i < 2; i++) {
        ends[i].hold = false;
        struct sink out = sdk_out(&ends[i]);
        sdk_answer(&ends[i], &out);
    }
    assert_int_equal(ends[0].sdk.state, SDK_WAITS_OK);
    assert_sdk_ended(&ends[1], REASON_CHANNEL_REPLAY);

    sdk_pair_make(&pair, 14); /* evidence that was refused is not remembered */
    pair.s.verdict = REASON_POLICY_DEBUG;
    sdk_speak(&pair.c);
    script.begin = pair.c.said;
    sdk_hear(&pair.s, sdk_said(&pair.c));
    assert_sdk_ended(&pair.s, REASON_CHANNEL_EVIDENCE_DENIED);
    const struct sdk_setup again = sdk_setup_of(SDK_SERVER, &pair, &random, 14);
    sdk_end_make(&pair.s, &again);
    sdk_hear(&pair.s, span_of(script.begin.at, script.begin.len));
    assert_int_equal(pair.s.sdk.state, SDK_WAITS_OK);
}

/* Both sides show evidence over the same report data: the client's own must not do for the
   server's, however its signature is written. */
static void the_own_quote_comes_back(void **state)
{
    (void)state;
    for (unsigned spoil = 0; spoil < 2; spoil++) {
        sdk_pair_make(&pair, 15);
        sdk_speak(&pair.c);
        struct sdk_evidence own = sdk_fake(&pair.c, pair.c.sdk.report_data);
        uint8_t copy[SDK_FAKE_LEN];
        memcpy(copy, own.quote.at, sizeof copy);
        copy[sizeof copy - 1] ^= (uint8_t)spoil;
        pair.s.hold = true;
        sdk_hear(&pair.s, sdk_said(&pair.c));
        const struct sdk_judgement found = sdk_fake_judge(&pair.s);
        struct sink out = sdk_out(&pair.s);
        pair.s.event = sdk_judge(&pair.s.sdk, &found, &out);
        own.quote.at = copy;
        pair.s.event = sdk_give(&pair.s.sdk, &own, &out);
        sdk_hear(&pair.c, sink_bytes(&out));
        assert_sdk_ended(&pair.c, REASON_SDK_REFLECTED);
    }
}

static void compose_hashes(void **state)
{
    (void)state;
    uint8_t wanted[SDK_COMPOSE_HASH], other[SDK_COMPOSE_HASH];
    memset(wanted, 0xaa, sizeof wanted);
    memset(other, 0xbb, sizeof other);
    const struct {
        struct span found;
        const char *words; /* NULL: it is open */
    } rows[] = {
        { SPAN(wanted), NULL },
        { SPAN(other), "SDK_COMPOSE_HASH: expected "
                       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, got "
                       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" },
        { span_of(wanted, 31),
          "SDK_COMPOSE_HASH: expected "
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, got "
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
        { { 0 },
          "SDK_COMPOSE_HASH: expected "
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, got none" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sdk_random random;
        sdk_pair_make(&pair, 16);
        struct sdk_setup setup = sdk_setup_of(SDK_CLIENT, &pair, &random, 16);
        setup.compose_hash = wanted;
        sdk_end_make(&pair.c, &setup);
        pair.c.hash = rows[i].found;
        sdk_speak(&pair.c);
        sdk_hear(&pair.s, sdk_said(&pair.c));
        sdk_hear(&pair.c, sdk_said(&pair.s));
        if (rows[i].words == NULL) {
            assert_true(sdk_is_open(&pair.c.sdk));
            continue;
        }
        assert_sdk_ended(&pair.c, REASON_CHANNEL_EVIDENCE_DENIED);
        assert_int_equal(pair.c.event.about, REASON_SDK_COMPOSE_HASH);
        assert_sdk_rejects(&pair.c, rows[i].words);
        sdk_hear(&pair.s, sdk_said(&pair.c));
        assert_sdk_ended(&pair.s, REASON_CHANNEL_REFUSED_BY_PEER);
    }
}

/* What a development set-up of the SDK writes, and what is no log at all. */
static const struct {
    const char *log;
    enum reason reason;
} log_rows[] = {
    { "{\"dev_mode\":true,\"environment_mode\":\"dev\",\"compose-hash\":\"dev-mode-mock\"}",
      REASON_SDK_DEV_PEER },
    { " \t\r\n{\"environment_mode\":\"prod\"}", REASON_SDK_DEV_PEER },
    { "{}", REASON_SDK_DEV_PEER },
    { "", REASON_CHANNEL_EVIDENCE_REQUIRED },
    { " ", REASON_CHANNEL_EVIDENCE_REQUIRED },
    { "null", REASON_CHANNEL_EVIDENCE_REQUIRED },
    { "\"[]\"", REASON_CHANNEL_EVIDENCE_REQUIRED },
    { "\n [", REASON_OK }, /* an array; whether it is one to its end the replay says */
};

static void logs_of_development_and_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(log_rows); i++) {
        for (unsigned who = 0; who < 2; who++) {
            sdk_pair_make(&pair, 17);
            (who == 0 ? &pair.c : &pair.s)->log = log_rows[i].log;
            sdk_pair_shake(&pair, &script);
            const struct sdk_end *judge = who == 0 ? &pair.s : &pair.c;
            if (log_rows[i].reason == REASON_OK) {
                assert_true(sdk_is_open(&judge->sdk));
                continue;
            }
            assert_int_equal(judge->sdk.state, SDK_IS_OVER);
            const struct sdk_wire *said = who == 0 ? &script.response : &script.ok;
            char words[128];
            (void)snprintf(words, sizeof words,
                           "{\"type\":\"attestation_reject\",\"reason\":\"%s\"}",
                           reason_info(log_rows[i].reason)->name);
            assert_span_equal(span_of(said->at, said->len), span_text(words));
        }
    }
}

/* The peer's evidence decides, and nothing else does. */
static void denied_and_undecided(void **state)
{
    (void)state;
    static const struct decision rows[] = {
        { DENY, REASON_POLICY_DEBUG, CHECK_COUNT },
        { DENY, REASON_OK, CHECK_COUNT },
        { ALLOW, REASON_NONE, CHECK_COUNT },
        { 0 },
    };
    for (unsigned in = SDK_JUDGES_RESPONSE; in <= SDK_JUDGES_BEGIN;
         in += SDK_JUDGES_BEGIN - SDK_JUDGES_RESPONSE) {
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            struct sdk_end *end = sdk_end_in(&pair, in, 18);
            struct sink out = sdk_out(end);
            const struct sdk_judgement found = { .decision = rows[i], .now_ms = end->now_ms };
            end->event = sdk_judge(&end->sdk, &found, &out);
            end->said.len = out.len;
            assert_sdk_ended(end, REASON_CHANNEL_EVIDENCE_DENIED);
            assert_int_equal(end->event.about, i == 0 ? REASON_POLICY_DEBUG : REASON_NONE);
            assert_sdk_rejects(end, i == 0 ? "POLICY_DEBUG" : "CHANNEL_EVIDENCE_DENIED");
        }
    }
}

/* Nothing at all, and one byte too many. */
static void evidence_that_cannot_be_shown(void **state)
{
    (void)state;
    static uint8_t large[SDK_LOG_MAX + 1], room[SDK_FRAME_MAX];
    memset(large, '[', sizeof large);
    const struct sdk_evidence rows[] = {
        { .log = span_text("[]") },
        { .quote = span_of(large, SDK_QUOTE_MAX + 1), .log = span_text("[]") },
        { .quote = span_of(large, 1000), .log = span_of(large, SDK_LOG_MAX + 1) },
        { .quote = span_of(large, SDK_QUOTE_MAX), .log = span_of(large, SDK_LOG_MAX) },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (unsigned in = 0; in < 2; in++) {
            struct sdk_end *end = sdk_end_in(&pair,
                                             in == 0 ? SDK_QUOTES_BEGIN : SDK_QUOTES_RESPONSE, 19);
            struct sink out = sink_over(room, sizeof room);
            end->event = sdk_give(&end->sdk, &rows[i], &out);
            if (i == 3) {
                assert_int_equal(end->event.kind, SDK_NOTHING);
                continue;
            }
            assert_sdk_ended(end, REASON_CHANNEL_EVIDENCE_UNAVAILABLE);
            assert_int_equal(out.len > 0, in == 1); /* who never spoke says nothing */
        }
    }
    struct sdk_end *end = sdk_end_in(&pair, SDK_QUOTES_RESPONSE, 19); /* no room */
    struct sink small = sink_over(room, 1000);
    const struct sdk_evidence shown = sdk_fake(end, end->sdk.report_data);
    end->event = sdk_give(&end->sdk, &shown, &small);
    assert_sdk_ended(end, REASON_CHANNEL_EVIDENCE_UNAVAILABLE);
    assert_int_equal(small.len, 0);
}

/* What nothing here can prevent, and why a session of this profile is unbound: who stands between
   two passes their evidence on with keys of its own, and reads and writes in both sessions. Version
   2 refuses the same (test_attacker.c). */
static void a_relay_owns_both_sessions(void **state)
{
    (void)state;
    static struct sdk_pair
        middle; /* its server talks to the validator, its client to the challenge */
    struct sdk_random random;
    sdk_pair_make(&pair, 21);
    sdk_pair_make(&middle, 22);
    struct sdk_setup setup = sdk_setup_of(SDK_CLIENT, &middle, &random, 22);
    setup.nonce = pair.c.sdk.nonce; /* the validator's */
    sdk_end_make(&middle.c, &setup);
    sdk_speak(&pair.c);
    middle.s.hold = true;
    sdk_hear(&middle.s, sdk_said(&pair.c));
    const struct sdk_judgement yes = sdk_fake_judge(&middle.s);
    struct sink out = sdk_out(&middle.s);
    middle.s.event = sdk_judge(&middle.s.sdk, &yes, &out);

    middle.c.who = SDK_CLIENT; /* shows the validator's quote to the challenge */
    sdk_speak(&middle.c);
    sdk_hear(&pair.s, sdk_said(&middle.c));
    middle.c.hold = true;
    sdk_hear(&middle.c, sdk_said(&pair.s));
    const struct sdk_evidence genuine = middle.c.event.evidence;
    middle.s.event = sdk_give(&middle.s.sdk, &genuine, &out); /* and the other way round */
    sdk_hear(&pair.c, sink_bytes(&out));
    sdk_hear(&middle.s, sdk_said(&pair.c));
    middle.c.hold = false;
    out = sdk_out(&middle.c);
    sdk_answer(&middle.c, &out);
    sdk_hear(&pair.s, sdk_said(&middle.c));
    assert_true(sdk_is_open(&pair.c.sdk) && sdk_is_open(&pair.s.sdk));

    sdk_hear(&middle.s, sdk_record_of(&pair.c, "a secret"));
    assert_sdk_heard(&middle.s, "a secret");
    sdk_hear(&pair.s, sdk_record_of(&middle.c, "a lie"));
    assert_sdk_heard(&pair.s, "a lie");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(evidence_of_another_nonce, ""), TEST(a_begin_that_comes_again, ""),
        TEST(the_own_quote_comes_back, ""),  TEST(a_relay_owns_both_sessions, ""),
        TEST(compose_hashes, "PC-31"),       TEST(logs_of_development_and_none, "PC-32"),
        TEST(denied_and_undecided, ""),      TEST(evidence_that_cannot_be_shown, ""),
    };
    return RUN_TESTS(tests);
}
