/* test_peerings.c - the peers that core has called, from one state to the next: what dial and front
   say in their time, too late, twice, of another, and not at all.  The process itself is here, its
   main() under another name. */
#include <string.h>

#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/core/main.c"
#undef main

static struct hostile hostile;
static struct core *core;

/* A core with two peers. */
static void start(void)
{
    hostile_begin(&hostile, &core_process, IN(PEER_DIAL) | IN(PEER_FRONT));
    core = hostile.house.self;
    struct settings *settings = &hostile.house.settings;
    settings->peer_count = 2;
    settings->peers[0] = (struct peer_settings){ .name = "a", .url = "wss://a.example" };
    settings->peers[1] = (struct peer_settings){ .name = "b", .url = "wss://b.example" };
    assert_true(core_peers_open(core));
}

static const struct core_peer *at(size_t peer)
{
    return &core->peers.rows[peer];
}

/* Both are called at once; the id of the first question. */
static uint64_t first_question(void)
{
    struct frame frame;
    (void)tick(core, clock_monotonic_ms());
    assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[PEER_DIAL])));
    assert_true(hostile_hear(&hostile, PEER_DIAL, &frame));
    assert_int_equal(frame.message, MSG_DIAL);
    assert_int_equal(frame.body.at[0], 0);
    assert_true(frame.id != 0);
    return frame.id;
}

static rc dialed(uint64_t id, enum reason reason, const char *detail)
{
    uint8_t bytes[512];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, span_text(detail));
    struct frame frame = { .message = MSG_DIALED, .id = id, .body = sink_bytes(&body) };
    return hostile_say(&hostile, PEER_DIAL, &frame);
}

static rc outward(uint64_t id, uint8_t peer, bool open, enum reason reason)
{
    uint8_t bytes[64];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, peer);
    sink_u8(&body, open);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, span_text(""));
    struct frame frame = { .message = MSG_OUTWARD, .id = id, .body = sink_bytes(&body) };
    return hostile_say(&hostile, PEER_FRONT, &frame);
}

static void test_the_way(void **state)
{
    (void)state;
    start();
    uint64_t id = first_question();
    assert_int_equal(at(0)->state, PEERING_DIALS);
    assert_int_equal(at(1)->state, PEERING_DIALS);
    assert_true(rc_ok(dialed(id, REASON_OK, "")));
    assert_int_equal(at(0)->state, PEERING_GREETS);
    assert_true(rc_ok(outward(id, 0, true, REASON_OK)));
    assert_int_equal(at(0)->state, PEERING_OPEN);
    assert_int_equal(at(0)->opened, 1);
    assert_true(rc_ok(outward(id, 0, true, REASON_OK))); /* said twice */
    assert_int_equal(at(0)->opened, 1);
    assert_true(rc_ok(outward(id, 0, false, REASON_PEER_ENDED)));
    assert_int_equal(at(0)->state, PEERING_WAITS);
    assert_int_equal(at(0)->reason, REASON_PEER_ENDED);
    assert_true(at(0)->due_ms > clock_monotonic_ms());
    hostile_end(&hostile);
}

/* Front may be quicker than dial, and what comes after the end is nothing. */
static void test_in_another_order(void **state)
{
    (void)state;
    start();
    uint64_t id = first_question();
    assert_true(rc_ok(outward(id, 0, true, REASON_OK)));
    assert_int_equal(at(0)->state, PEERING_OPEN);
    assert_true(rc_ok(dialed(id, REASON_OK, "")));
    assert_int_equal(at(0)->state, PEERING_OPEN);
    assert_true(rc_ok(outward(id, 0, false, REASON_PEER_TLS)));
    assert_int_equal(at(0)->state, PEERING_WAITS);
    assert_true(rc_ok(dialed(id, REASON_OK, "")));
    assert_true(rc_ok(outward(id, 0, true, REASON_OK)));
    assert_int_equal(at(0)->state, PEERING_WAITS);
    assert_int_equal(at(0)->reason, REASON_PEER_TLS);
    assert_int_equal(at(0)->failures, 1);
    hostile_end(&hostile);
}

static void test_of_another(void **state)
{
    (void)state;
    start();
    uint64_t id = first_question();
    assert_true(rc_ok(dialed(id + 99, REASON_PEER_NAME, "")));
    assert_true(rc_ok(dialed(0, REASON_PEER_NAME, "")));
    assert_true(rc_ok(outward(id, 1, true, REASON_OK)));
    assert_true(rc_ok(outward(id, 2, true, REASON_OK)));
    assert_true(rc_ok(outward(0, 2, true, REASON_OK)));
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(at(i)->state, PEERING_DIALS);
    assert_int_equal(at(2)->opened, 0);
    hostile_end(&hostile);
}

/* Whoever says what is none is shut out; a detail is cut to what can be shown. */
static void test_what_is_none(void **state)
{
    char longest[DIALED_DETAIL_MAX + 2];
    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    start();
    uint64_t id = first_question();
    assert_int_equal(rc_class_of(dialed(id, REASON_PEER_NAME, longest)), RC_PEER);
    assert_int_equal(rc_class_of(dialed(id, REASON_NONE, "")), RC_PEER);
    assert_int_equal(rc_class_of(dialed(id, (enum reason)REASON_COUNT, "")), RC_PEER);
    assert_int_equal(rc_class_of(outward(id, SETTING_PEERS_MAX, true, REASON_OK)), RC_PEER);
    assert_int_equal(rc_class_of(outward(id, 0, true, REASON_NONE)), RC_PEER);
    assert_int_equal(at(0)->state, PEERING_DIALS);
    assert_true(rc_ok(dialed(id, REASON_PEER_NAME, "a\x1b[2Jb\xff")));
    assert_int_equal(at(0)->detail_len, 7);
    assert_memory_equal(at(0)->detail, "a?[2Jb?", 7);
    hostile_end(&hostile);
}

static void test_nobody_answers(void **state)
{
    (void)state;
    start();
    (void)first_question();
    (void)peers_step(core, at(0)->due_ms);
    assert_int_equal(at(0)->state, PEERING_WAITS);
    assert_int_equal(at(0)->reason, REASON_PEER_SLOW);
    hostile_end(&hostile);
}

/* Who is gone takes with it what it was asked for, and no more. */
static void test_who_is_gone(void **state)
{
    static const struct {
        enum peer gone;
        enum peering before, after;
    } rows[] = {
        { PEER_DIAL, PEERING_DIALS, PEERING_WAITS },
        { PEER_DIAL, PEERING_GREETS, PEERING_GREETS },
        { PEER_DIAL, PEERING_OPEN, PEERING_OPEN },
        { PEER_FRONT, PEERING_DIALS, PEERING_WAITS },
        { PEER_FRONT, PEERING_GREETS, PEERING_WAITS },
        { PEER_FRONT, PEERING_OPEN, PEERING_WAITS },
        { PEER_TEE, PEERING_DIALS, PEERING_DIALS },
        { PEER_TEE, PEERING_OPEN, PEERING_OPEN },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        start();
        uint64_t id = first_question();
        if (rows[i].before != PEERING_DIALS)
            assert_true(rc_ok(dialed(id, REASON_OK, "")));
        if (rows[i].before == PEERING_OPEN)
            assert_true(rc_ok(outward(id, 0, true, REASON_OK)));
        assert_int_equal(at(0)->state, rows[i].before);
        peer_changed(core, rows[i].gone, false);
        if (at(0)->state != rows[i].after)
            fail_msg("row %zu: %s", i, peering_name(at(0)->state));
        hostile_end(&hostile);
    }
}

/* No dial at all: they are tried later, and later still. */
static void test_without_dial(void **state)
{
    (void)state;
    start();
    channel_close(&hostile.house.channels[PEER_DIAL]);
    for (uint32_t failures = 1; failures < 8; failures++) {
        (void)peers_step(core, at(0)->due_ms);
        assert_int_equal(at(0)->state, PEERING_WAITS);
        assert_int_equal(at(0)->failures, failures);
        assert_int_equal(at(0)->reason, REASON_HOUSE_UNAVAILABLE);
    }
    hostile_end(&hostile);
}

static void test_how_long_it_waits(void **state)
{
    static const int64_t seconds[] = { 1, 1, 2, 4, 8, 16, 30, 30 };
    (void)state;
    for (uint32_t i = 0; i < COUNT_OF(seconds); i++)
        assert_int_equal(peer_again_ms(i), seconds[i] * 1000);
    assert_int_equal(peer_again_ms(UINT32_MAX), 30000);
}

/* One that opens and ends at once is no success. */
static void test_what_resets_it(void **state)
{
    (void)state;
    for (int steady = 0; steady < 2; steady++) {
        start();
        core->peers.rows[0].failures = 4;
        uint64_t id = first_question();
        assert_true(rc_ok(outward(id, 0, true, REASON_OK)));
        if (steady)
            core->peers.rows[0].since_ms -= PEERS_STEADY_MS;
        assert_true(rc_ok(outward(id, 0, false, REASON_PEER_ENDED)));
        assert_int_equal(at(0)->failures, steady ? 1 : 5);
        hostile_end(&hostile);
    }
}

static rc passed_on(uint8_t peer, unsigned reason, const char *detail)
{
    uint8_t bytes[64];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, peer);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, span_text(detail));
    struct frame frame = { .message = MSG_PASSED_ON, .body = sink_bytes(&body) };
    return hostile_say(&hostile, PEER_FRONT, &frame);
}

static void start_with_challenge(void)
{
    start();
    hostile.house.settings.peers[0] = (struct peer_settings){ .name = "a",
                                                              .url = "wss://a.example",
                                                              .public = "https://a.example" };
}

/* What front says of challenges is kept, and of others is none. */
static void test_how_a_request_fared(void **state)
{
    static const struct {
        uint8_t peer;
        unsigned reason;
    } bad[] = { { 1, REASON_PEER_SLOW },
                { 2, REASON_PEER_SLOW },
                { SETTING_PEERS_MAX, REASON_PEER_SLOW },
                { 0, REASON_NONE },
                { 0, REASON_COUNT } };
    (void)state;
    start_with_challenge();
    assert_int_equal(passages_are_well(core), REASON_OK);
    assert_true(rc_ok(passed_on(0, REASON_PEER_SLOW, "to answer\x1b[2J")));
    assert_int_equal(passages_are_well(core), REASON_PEER_SLOW);
    assert_memory_equal(at(0)->public.detail, "to answer?[2J", at(0)->public.detail_len);
    assert_int_equal(at(0)->failures, 0); /* it is of the requests alone */
    assert_true(rc_ok(passed_on(0, REASON_OK, "")));
    assert_int_equal(passages_are_well(core), REASON_OK);
    hostile_end(&hostile);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        start_with_challenge();
        assert_int_equal(rc_class_of(passed_on(bad[i].peer, bad[i].reason, "")), RC_PEER);
        hostile_end(&hostile);
    }
}

/* How many records core asked for since. */
static uint32_t records(void)
{
    struct frame said;
    uint32_t count = 0;
    assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[PEER_AUDIT])));
    while (hostile_hear(&hostile, PEER_AUDIT, &said))
        count += said.message == MSG_AUDIT_APPEND;
    return count;
}

/* One that comes and goes has so many records in a second; the failure that stays has its own
   as soon as there is a place, and says how many have none. */
static void test_a_failure_past_the_limit(void **state)
{
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_DIAL) | IN(PEER_FRONT) | IN(PEER_AUDIT));
    core = hostile.house.self;
    struct settings *settings = &hostile.house.settings;
    settings->peer_count = 1;
    settings->peers[0] = (struct peer_settings){ .name = "a", .public = "https://a.example" };
    assert_true(core_peers_open(core));
    for (unsigned i = 0; i < CORE_REFUSALS; i++) {
        assert_true(rc_ok(passed_on(0, REASON_PEER_SLOW, "")));
        assert_true(rc_ok(passed_on(0, REASON_PEER_SLOW, "")));
        assert_true(rc_ok(passed_on(0, REASON_OK, "")));
        assert_int_equal(records(), 1);
    }
    const int64_t hour_ms = 3600000; /* a second that does not end before it is to */
    core->passed_on = (struct core_refusals){ clock_monotonic_ms() + hour_ms, CORE_REFUSALS, 0 };
    assert_true(rc_ok(passed_on(0, REASON_PEER_TLS, "")));
    assert_int_equal(records(), 0);
    assert_int_equal(core->passed_on.unrecorded, 1);
    assert_int_equal(passages_are_well(core), REASON_PEER_TLS);
    core->passed_on.second_ms = 0;
    assert_true(rc_ok(passed_on(0, REASON_PEER_TLS, "")));
    assert_int_equal(records(), 1);
    assert_int_equal(core->passed_on.unrecorded, 0);
    assert_true(rc_ok(passed_on(0, REASON_PEER_TLS, "")));
    assert_int_equal(records(), 0);
    hostile_end(&hostile);
}

static rc ask_as_miner(uint64_t id, enum method method)
{
    uint8_t bytes[64];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)method);
    sink_u8(&body, CALLER_MINER);
    sink_zero(&body, 16 + 16 + 4);
    struct frame frame = { .message = MSG_REQUEST, .id = id, .body = sink_bytes(&body) };
    return hostile_say(&hostile, PEER_FRONT, &frame);
}

/* In a miner's name front may have a token redeemed, and nothing else that is the owner's. */
static void test_what_a_miner_may_ask(void **state)
{
    struct frame said;
    (void)state;
    for (unsigned method = 0; method < METHOD_COUNT; method++) {
        if (method == METHOD_TOKEN_REDEEM)
            continue;
        start_with_challenge();
        assert_int_equal(rc_class_of(ask_as_miner(7, (enum method)method)), RC_PEER);
        hostile_end(&hostile);
    }
    start_with_challenge();
    assert_int_equal(rc_class_of(ask_as_miner(0, METHOD_TOKEN_REDEEM)), RC_PEER);
    hostile_end(&hostile);
    start_with_challenge();
    assert_true(rc_ok(ask_as_miner(7, METHOD_TOKEN_REDEEM)));
    assert_true(hostile_hear(&hostile, PEER_FRONT, &said));
    assert_int_equal(said.message, MSG_REPLY);
    assert_int_not_equal(said.body.at[0] | said.body.at[1] << 8, REASON_OK);
    hostile_end(&hostile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_way, ""),
        TEST(test_in_another_order, ""),
        TEST(test_of_another, ""),
        TEST(test_what_is_none, ""),
        TEST(test_nobody_answers, ""),
        TEST(test_who_is_gone, ""),
        TEST(test_without_dial, ""),
        TEST(test_how_long_it_waits, ""),
        TEST(test_what_resets_it, ""),
        TEST(test_how_a_request_fared, ""),
        TEST(test_a_failure_past_the_limit, ""),
        TEST(test_what_a_miner_may_ask, ""),
    };
    return RUN_TESTS(tests);
}
