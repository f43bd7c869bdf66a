/* test_sdk_clients.c - clients of profile sdk-v1 in core, with every other process played here: how
   many there may be, who is judged when and again, and what a taken front or verify may say. */
#include "proc/sdk_bench.h"

static bool is_in_store(const uint8_t token[SHA256_LEN])
{
    struct store_session session;
    return rc_ok(store_session_find(NULL, &core->store.store, sessions_now(core), token, &session));
}

/* Front hears which key is good for nothing any more, and the store has no such session. */
static void is_over(uint16_t number, const uint8_t token[SHA256_LEN])
{
    assert_true(hears(PEER_FRONT, MSG_SDK_OVER));
    assert_int_equal(heard.body.at[0] | heard.body.at[1] << 8, number);
    assert_false(sdk_has_session(core, token));
    assert_false(is_in_store(token));
}

static void test_verdicts(void **state)
{
    static const struct {
        enum reason reason, why, want;
    } rows[] = {
        { REASON_OK, REASON_POLICY_REPORT_DATA, REASON_POLICY_REPORT_DATA },
        { REASON_OK, REASON_POLICY_DEBUG, REASON_POLICY_DEBUG },
        { REASON_EVIDENCE_CRASHED, REASON_OK, REASON_EVIDENCE_CRASHED },
        { REASON_EVIDENCE_DEADLINE, REASON_OK, REASON_EVIDENCE_DEADLINE },
        { REASON_OUT_OF_MEMORY, REASON_OK, REASON_OUT_OF_MEMORY },
    };
    (void)state;
    begin_clients();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        attest(10 + i, 1);
        verdict(is_asked(clock_monotonic_ms()), rows[i].reason, rows[i].why);
        assert_int_equal(refusal(10 + i), rows[i].want);
    }
    while (hear(PEER_AUDIT)) /* records of the refusals */
        ;
    attest(40, 1); /* what the log does not take is not given out */
    verdict(is_asked(clock_monotonic_ms()), REASON_OK, REASON_OK);
    logs(false);
    assert_int_equal(refusal(40), REASON_AUDIT_CANNOT_LOG);
    verdict(4711, REASON_OK, REASON_OK); /* nobody asked */
    verdict(0, REASON_OK, REASON_OK);
    assert_false(hears(PEER_FRONT, MSG_SDK_ATTESTED));
    /* A stranger is not told what is wrong with the house's policy; and whoever has read his
       evidence says nothing of the next one's. */
    attest(41, 1);
    verdict(is_asked(clock_monotonic_ms()), REASON_ATTEST_POLICY_INVALID, REASON_OK);
    assert_int_equal(refusal(41), REASON_HOUSE_UNAVAILABLE);
    assert_true(core->sdk.policy_is_bad);
    attest(42, 1);
    verdict(is_asked(clock_monotonic_ms()), rows[0].reason, rows[0].why);
    assert_int_equal(refusal(42), rows[0].want);
    assert_false(core->sdk.policy_is_bad);
    assert_int_equal(core->sdk.waiting, 0);
    end_clients();
}

/* It lives until the next one. */
static void what_verify_hears(struct api_attest_verify_request *out)
{
    static uint8_t scratch[65536];
    struct arena arena = arena_over(scratch, sizeof scratch);
    struct cursor in = cur_over(heard.body);
    struct values_error error;
    struct span request;
    assert_true(cur_skip(&in, 8) && get_bytes(&in, FRAME_BODY_MAX, &request));
    assert_true(protobuf_read(&api_attest_verify_request, request, &arena, out, &error));
}

/* The nonce is core's: what front says of it is not believed, and it is in what verify asks. */
static void test_the_nonce(void **state)
{
    uint8_t nonce[SDK_NONCE], want[SDK_REPORT_DATA], key[ED25519_PUBLIC];
    struct api_attest_verify_request shown;
    (void)state;
    begin_clients();
    memset(nonce, 1, sizeof nonce);
    assert_true(rc_ok(attest_with(1, 1, nonce, 10)));
    assert_int_equal(refusal(1), REASON_SDK_NONCE_UNKNOWN);
    challenge(1, nonce);
    assert_true(rc_ok(attest_with(2, 9, nonce, 10))); /* of whatever address */
    uint64_t question = is_asked(clock_monotonic_ms());
    what_verify_hears(&shown);
    sdk_challenge_report_data(nonce, want);
    assert_span_equal(shown.report_data, SPAN(want));
    assert_true(span_equal_text(shown.policy, "[log]\n") && span_equal_text(shown.type, "tdx") &&
                span_equal_text(shown.event_log, "log") && shown.evidence.len == 10);
    assert_true(rc_ok(attest_with(3, 1, nonce, 10)));
    assert_int_equal(refusal(3), REASON_SDK_NONCE_UNKNOWN);
    verdict(question, REASON_OK, REASON_POLICY_DEBUG);
    assert_int_equal(refusal(2), REASON_POLICY_DEBUG);

    challenge(1, nonce); /* where keys must be bound, evidence is judged by what binds these */
    hostile.house.settings.sdk_strict = true;
    assert_true(rc_ok(attest_with(3, 1, nonce, 10)));
    question = is_asked(clock_monotonic_ms());
    what_verify_hears(&shown);
    key_of(3, key);
    const struct sdk_keys keys = { key, point };
    sdk_challenge_strict(nonce, &keys, want);
    assert_span_equal(shown.report_data, SPAN(want));
    verdict(question, REASON_OK, REASON_POLICY_REPORT_DATA);
    assert_int_equal(refusal(3), REASON_POLICY_REPORT_DATA);
    hostile.house.settings.sdk_strict = false;

    challenge(1, nonce); /* as old as it may be */
    core->sessions.began_s += SDK_NONCE_S;
    assert_true(rc_ok(attest_with(4, 1, nonce, 10)));
    assert_int_equal(refusal(4), REASON_SDK_NONCE_EXPIRED);
    challenge(1, nonce);
    core->sessions.began_s += SDK_NONCE_S - 2;
    assert_true(rc_ok(attest_with(5, 1, nonce, 10)));
    assert_int_equal(core->sdk.waiting, 1);
    /* More than a message may have is not front's to say. */
    assert_int_equal(rc_class_of(attest_with(6, 1, nonce, LINK_PART_MAX + 1)), RC_PEER);
    hostile_replace(&hostile, PEER_FRONT);
    end_clients();

    begin_clients(); /* where nobody is named nothing is given out, whatever front asks */
    hostile.house.settings.sdk_policy[0] = 0;
    uint8_t address[16] = { 0 };
    assert_true(rc_ok(say(PEER_FRONT, MSG_SDK_CHALLENGE, 1, SPAN(address))));
    assert_true(hears(PEER_FRONT, MSG_SDK_CHALLENGED));
    assert_int_equal(heard.body.at[0] | heard.body.at[1] << 8, REASON_HTTP_ROUTE_UNKNOWN);
    assert_true(rc_ok(attest_with(2, 1, nonce, 10)));
    assert_int_equal(refusal(2), REASON_HTTP_ROUTE_UNKNOWN);
    end_clients();
}

/* Of all addresses so many nonces: the oldest gives way, and of one address its own. */
static void test_a_flood_of_nonces(void **state)
{
    uint8_t first[SDK_NONCE], own[SDK_NONCE], nonce[SDK_NONCE];
    (void)state;
    begin_clients();
    challenge(200, first);
    for (unsigned i = 0; i < 2 * SDK_NONCES_MAX; i++) /* one address */
        challenge(201, nonce);
    challenge(200, own);
    assert_true(sdk_nonces_has(&core->sdk.nonces, own));
    assert_true(sdk_nonces_has(&core->sdk.nonces, nonce));
    for (unsigned i = 0; i < SDK_NONCES_MAX; i++) { /* so many that they fill the table */
        uint8_t address[16] = { 0x20, 1, (uint8_t)(i >> 8), (uint8_t)i };
        assert_true(rc_ok(say(PEER_FRONT, MSG_SDK_CHALLENGE, 1, SPAN(address))));
        while (hear(PEER_FRONT))
            ;
    }
    assert_false(sdk_nonces_has(&core->sdk.nonces, own));
    assert_false(sdk_nonces_has(&core->sdk.nonces, first));
    assert_true(sdk_nonces_is_sound(&core->sdk.nonces));
    end_clients();
}

static void test_so_many_and_no_more(void **state)
{
    (void)state;
    begin_clients();
    for (uint64_t id = 0; id < SDK_WAITING_MAX; id++)
        attest(id + 1, (uint8_t)(id / SDK_ADDRESS_SHARE));
    attest(4711, 100);
    assert_int_equal(refusal(4711), REASON_SDK_FULL);
    (void)sdk_step(core, clock_monotonic_ms());
    for (unsigned i = 0; i < SDK_AT_ONCE; i++)
        assert_true(hears(PEER_VERIFY, MSG_SDK_EVIDENCE));
    assert_false(hears(PEER_VERIFY, MSG_SDK_EVIDENCE)); /* others want to be judged, too */
    sdk_peer(core, PEER_FRONT);
    for (uint64_t id = 0; id < SDK_ADDRESS_SHARE; id++)
        attest(id + 1, 1);
    attest(4711, 1);
    assert_int_equal(refusal(4711), REASON_SDK_FULL);
    attest(4712, 2);
    assert_false(hears(PEER_FRONT, MSG_SDK_ATTESTED));
    /* Whoever is not judged in time is told so, and makes room. */
    (void)sdk_step(core, clock_monotonic_ms() + SDK_FIRST_MS + 1);
    for (uint64_t id = 0; id < SDK_ADDRESS_SHARE + 1; id++) {
        assert_true(hears(PEER_FRONT, MSG_SDK_ATTESTED));
        assert_int_equal(heard.body.at[0] | heard.body.at[1] << 8, REASON_HOUSE_DEADLINE);
    }
    assert_int_equal(core->sdk.waiting, 0);
    end_clients();
}

/* All places are taken: nobody who is in makes room for a stranger. */
static void test_every_place_is_taken(void **state)
{
    uint8_t token[SHA256_LEN];
    (void)state;
    begin_clients();
    for (unsigned i = 0; i < SDK_SESSIONS_MAX; i++)
        (void)is_let_in(1 + i, (uint8_t)(i / SDK_ADDRESS_SHARE), token);
    attest(4711, 250);
    assert_int_equal(refusal(4711), REASON_SDK_FULL);
    assert_int_equal(core->sdk.open, SDK_SESSIONS_MAX);
    /* They end by their time. */
    core->sessions.began_s += SESSION_SECONDS + 1;
    (void)sdk_step(core, clock_monotonic_ms() + SDK_LOOK_MS + 1);
    assert_int_equal(core->sdk.open, 0);
    for (unsigned i = 0; i < SDK_SESSIONS_MAX; i++)
        assert_true(hears(PEER_FRONT, MSG_SDK_OVER));
    (void)is_let_in(4712, 250, token);
    end_clients();
}

/* What judges it has changed: who is found to be no good any more goes, the others stay. */
static void test_who_is_in_is_judged_again(void **state)
{
    uint8_t tokens[2][SHA256_LEN], nonce[SDK_NONCE];
    (void)state;
    begin_clients();
    uint16_t first = is_let_in(1, 1, tokens[0]);
    (void)is_let_in(2, 1, tokens[1]);
    challenge(1, nonce);
    links_look_again(core);
    assert_true(rc_ok(attest_with(3, 1, nonce, LONG))); /* who waits goes before them */
    verdict(is_asked(clock_monotonic_ms()), REASON_OK, REASON_POLICY_DEBUG);
    assert_int_equal(refusal(3), REASON_POLICY_DEBUG);
    verdict(is_asked(clock_monotonic_ms()), REASON_OK, REASON_POLICY_TCB_STATUS);
    is_over(first, tokens[0]);
    uint64_t question = is_asked(clock_monotonic_ms());
    links_look_again(core); /* changed meanwhile: once more */
    verdict(question, REASON_OK, REASON_OK);
    verdict(is_asked(clock_monotonic_ms()), REASON_OK, REASON_OK);
    (void)sdk_step(core, clock_monotonic_ms());
    assert_false(hears(PEER_VERIFY, MSG_SDK_EVIDENCE));
    assert_true(sdk_has_session(core, tokens[1]));
    /* What it was judged with ends. */
    core->sdk.clients[1].valid_until = clock_now() - 1;
    uint64_t last = is_asked(clock_monotonic_ms() + SDK_LOOK_MS + 1);
    verdict(last, REASON_OK, REASON_TCB_INFO_EXPIRED);
    is_over(1, tokens[1]);
    end_clients();
}

/* A judge that is not there is no verdict, and no licence for ever. */
static void test_without_a_judge(void **state)
{
    uint8_t token[SHA256_LEN];
    (void)state;
    begin_clients();
    uint16_t number = is_let_in(1, 1, token);
    links_look_again(core);
    (void)is_asked(clock_monotonic_ms());
    sdk_peer(core, PEER_VERIFY); /* it falls: asked again */
    verdict(is_asked(clock_monotonic_ms()), REASON_HOUSE_UNAVAILABLE, REASON_OK);
    (void)sdk_step(core, clock_monotonic_ms());
    assert_false(hears(PEER_VERIFY, MSG_SDK_EVIDENCE)); /* not at once */
    assert_true(sdk_has_session(core, token));
    core->sdk.clients[number].doubt_ms -= SDK_DOUBT_MS; /* as if that had been so for a minute */
    verdict(is_asked(clock_monotonic_ms() + SDK_AGAIN_MS), REASON_HOUSE_UNAVAILABLE, REASON_OK);
    is_over(number, token);
    end_clients();
}

/* Its session is over, by whatever; a front that falls takes all with it. */
static void test_ends(void **state)
{
    uint8_t token[SHA256_LEN], other[SHA256_LEN];
    (void)state;
    begin_clients();
    uint16_t number = is_let_in(1, 1, token);
    assert_true(core_session_end(core, token, span_text(SESSION_END_REVOKED)));
    is_over(number, token);
    number = is_let_in(2, 1, token);
    uint16_t second = is_let_in(3, 1, other);
    assert_int_not_equal(number, second);
    sdk_peer(core, PEER_FRONT);
    assert_false(is_in_store(token));
    assert_false(is_in_store(other));
    /* One that was asked for and is in the log when nobody is there any more. */
    while (hear(PEER_AUDIT))
        ;
    attest(4, 1);
    verdict(is_asked(clock_monotonic_ms()), REASON_OK, REASON_OK);
    sessions_peer_gone(core, PEER_FRONT);
    sdk_peer(core, PEER_FRONT);
    logs(true);
    assert_false(hears(PEER_FRONT, MSG_SDK_ATTESTED));
    end_clients();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_verdicts, ""),
        TEST(test_the_nonce, "PC-20"),
        TEST(test_a_flood_of_nonces, "PC-20"),
        TEST(test_so_many_and_no_more, ""),
        TEST(test_every_place_is_taken, ""),
        TEST(test_who_is_in_is_judged_again, ""),
        TEST(test_without_a_judge, ""),
        TEST(test_ends, ""),
    };
    return RUN_TESTS(tests);
}
