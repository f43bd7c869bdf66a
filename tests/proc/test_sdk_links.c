/* test_sdk_links.c - /sdk/ws of a challenge that was called, in core: what a front that was taken
   over may have made and shown in its name, which judge is asked, and that nothing is granted. */
#include "proc/links_bench.h"

enum { CALLED, OF_V2, IDLE, PEERS };

static const uint8_t nonce[SDK_NONCE] = { 0xaa, 0xbb };

/* Peers: one of the profile that is being called, one of version 2 that is, one that is not. */
static void begin_calls(void)
{
    static const uint8_t policy[] = "a policy\n";
    begin_core();
    struct settings *set = &hostile.house.settings;
    set->peer_count = PEERS;
    for (size_t i = 0; i < PEERS; i++) {
        struct core_peer *peer = &core->peers.rows[i];
        set->peers[i] = (struct peer_settings){ .url = "wss://a",
                                                .profile = i == OF_V2 ? PEER_V2 : PEER_SDK_V1 };
        peer->state = i == IDLE ? PEERING_WAITS : PEERING_DIALS;
        peer->due_ms = INT64_MAX;
        peer->policy = span_of(policy, sizeof policy - 1);
    }
}

static rc quote(uint64_t id, uint8_t peer)
{
    uint8_t body[1 + SDK_NONCE] = { peer };
    memcpy(body + 1, nonce, sizeof nonce);
    return say(PEER_FRONT, MSG_SDK_LINK_QUOTE, id, SPAN(body));
}

static rc show_of(uint64_t id, uint8_t peer, size_t size)
{
    static uint8_t bytes[LINK_EVIDENCE_BYTES + 128], evidence[LINK_PART_MAX + 1];
    struct sink body = sink_over(bytes, sizeof bytes);
    memset(evidence, 7, sizeof evidence);
    sink_u8(&body, peer);
    sink_put(&body, SPAN(nonce));
    sink_zero(&body, 32);
    put_bytes(&body, span_of(evidence, size));
    put_bytes(&body, span_text("[]"));
    return say(PEER_FRONT, MSG_SDK_LINK_JUDGE, id, sink_bytes(&body));
}

static void expect_of_nonce(struct span report_data)
{
    uint8_t want[SDK_REPORT_DATA] = { 0 };
    hash_sha256(SPAN(nonce), want);
    assert_int_equal(report_data.len, sizeof want);
    assert_memory_equal(report_data.at, want, sizeof want);
}

static void test_evidence_is_made_for_who_is_called(void **state)
{
    (void)state;
    begin_calls();
    assert_true(rc_ok(quote(1, CALLED)));
    assert_true(hears(PEER_TEE, MSG_EVIDENCE));
    expect_of_nonce(heard.body);
    for (unsigned peer = OF_V2; peer <= PEERS; peer++) {
        assert_int_equal(rc_class_of(quote(2, (uint8_t)(peer < PEERS ? peer : LINK_NOBODY))),
                         RC_PEER);
        hostile_replace(&hostile, PEER_FRONT);
        assert_false(hears(PEER_TEE, MSG_EVIDENCE));
    }
    end_core();
}

/* What is of one profile is not taken in the other, whoever asks for it. */
static void test_no_peer_is_met_in_another_profile(void **state)
{
    (void)state;
    begin_calls();
    for (unsigned peer = OF_V2; peer <= PEERS; peer++) {
        const uint8_t number = (uint8_t)(peer < PEERS ? peer : LINK_NOBODY);
        assert_int_equal(rc_class_of(show_of(3, number, LONG)), RC_PEER);
        hostile_replace(&hostile, PEER_FRONT);
    }
    uint8_t bytes[256];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, ATTESTED_INITIATOR);
    sink_u8(&body, CALLED);
    sink_zero(&body, ATTESTED_BOUND);
    sink_u8(&body, ATTESTED_KIND_TDX);
    sink_zero(&body, 32);
    put_bytes(&body, span_text("evidence"));
    put_bytes(&body, (struct span){ 0 });
    assert_int_equal(rc_class_of(say(PEER_FRONT, MSG_LINK_JUDGE, 4, sink_bytes(&body))), RC_PEER);
    hostile_replace(&hostile, PEER_FRONT);
    assert_int_equal(rc_class_of(show_of(5, CALLED, LINK_PART_MAX + 1)), RC_PEER);
    hostile_replace(&hostile, PEER_FRONT);
    assert_int_equal(rc_class_of(show_of(6, CALLED, 0)), RC_PEER);
    hostile_replace(&hostile, PEER_FRONT);
    assert_false(hears(PEER_VERIFY, MSG_SDK_EVIDENCE));
    end_core();
}

/* The judge that insists on code, with the peer's own policy, over the nonce. */
static uint64_t asked_sdk(void)
{
    struct span request;
    uint8_t scratch[65536];
    struct arena arena = arena_over(scratch, sizeof scratch);
    struct api_attest_verify_request shown;
    struct values_error error;
    (void)links_step(core, clock_monotonic_ms());
    assert_true(hears(PEER_VERIFY, MSG_SDK_EVIDENCE));
    struct cursor in = cur_over(heard.body);
    assert_true(cur_skip(&in, 8) && get_bytes(&in, FRAME_BODY_MAX, &request));
    assert_true(protobuf_read(&api_attest_verify_request, request, &arena, &shown, &error));
    assert_true(span_equal_text(shown.policy, "a policy\n"));
    assert_true(span_equal_text(shown.type, "tdx"));
    assert_int_equal(shown.evidence.len, LONG);
    expect_of_nonce(shown.report_data);
    return heard.id;
}

static void judge_sdk(uint16_t message, uint64_t id, enum reason why)
{
    uint8_t bytes[128];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, REASON_OK);
    put_bytes(&body, (struct span){ 0 });
    sink_u32le(&body, LINK_VERDICT);
    sink_u8(&body, why == REASON_OK);
    sink_u16le(&body, (uint16_t)why);
    sink_u8(&body, 0);
    sink_u64le(&body, (uint64_t)clock_now() + 1000);
    sink_zero(&body, 32);
    put_bytes(&body, (struct span){ 0 });
    assert_true(rc_ok(say(PEER_VERIFY, message, id, sink_bytes(&body))));
}

static uint64_t let_in_sdk(uint64_t id)
{
    uint64_t link = 0;
    assert_true(rc_ok(show_of(id, CALLED, LONG)));
    const uint64_t question = asked_sdk();
    judge_sdk(MSG_LINK_EVIDENCE_IS, question, REASON_OK); /* of the judge that was not asked */
    assert_false(hears(PEER_AUDIT, MSG_AUDIT_APPEND));
    judge_sdk(MSG_SDK_EVIDENCE_IS, question, REASON_OK);
    assert_false(hears(PEER_FRONT, MSG_LINK_JUDGED)); /* not before it is in the log */
    logs(true);
    assert_int_equal(answered(id, &link), REASON_OK);
    return link;
}

static void test_it_is_judged_and_judged_again(void **state)
{
    (void)state;
    begin_calls();
    uint64_t link = let_in_sdk(10), none = 0;
    links_look_again(core);
    judge_sdk(MSG_SDK_EVIDENCE_IS, asked_sdk(), REASON_OK);
    assert_false(hears(PEER_FRONT, MSG_LINK_END));
    links_look_again(core);
    judge_sdk(MSG_SDK_EVIDENCE_IS, asked_sdk(), REASON_POLICY_TCB_STATUS);
    assert_int_equal(ended(link), REASON_POLICY_TCB_STATUS);
    assert_int_equal(judged_again(), 2);
    /* And no is no. */
    assert_true(rc_ok(show_of(11, CALLED, LONG)));
    judge_sdk(MSG_SDK_EVIDENCE_IS, asked_sdk(), REASON_ATTEST_POLICY_INVALID);
    assert_int_equal(answered(11, &none), REASON_ATTEST_POLICY_INVALID);
    end_core();
}

/* Neither front nor whoever has it gets a session by such a link. */
static void test_nothing_is_granted(void **state)
{
    (void)state;
    begin_calls();
    uint64_t link = let_in_sdk(20);
    uint8_t bytes[40] = { 0 };
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u64le(&body, link);
    sink_zero(&body, LINK_KEY);
    assert_int_equal(rc_class_of(say(PEER_FRONT, MSG_LINK_SESSION, 21, sink_bytes(&body))),
                     RC_PEER);
    hostile_replace(&hostile, PEER_FRONT);
    assert_false(hears(PEER_FRONT, MSG_LINK_SESSION_IS));
    end_core();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_evidence_is_made_for_who_is_called, ""),
        TEST(test_no_peer_is_met_in_another_profile, ""),
        TEST(test_it_is_judged_and_judged_again, ""),
        TEST(test_nothing_is_granted, ""),
    };
    return RUN_TESTS(tests);
}
