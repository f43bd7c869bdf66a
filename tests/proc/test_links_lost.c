/* test_links_lost.c - attested channels in core: nothing is lost on the way to another process, by
   its end, or to strangers. */
#include "proc/links_bench.h"

/* What changes while the question is at verify, or the record at the log, is not lost. */
static void test_a_change_on_the_way_is_not_lost(void **state)
{
    uint64_t link = 0;
    (void)state;
    begin_core();
    int64_t now = clock_monotonic_ms();
    assert_true(rc_ok(show(1, LONG)));
    uint64_t question = asked(now);
    links_look_again(core); /* asked, and not judged */
    judge(question, REASON_OK, true, REASON_OK);
    logs(true);
    assert_int_equal(answered(1, &link), REASON_OK);
    judge(asked(now), REASON_OK, false, REASON_POLICY_TCB_STATUS);
    assert_int_equal(ended(link), REASON_POLICY_TCB_STATUS);
    while (hear(PEER_AUDIT)) /* the record of its end */
        ;
    assert_true(rc_ok(show(2, LONG)));
    judge(asked(now), REASON_OK, true, REASON_OK);
    links_look_again(core); /* judged, and not logged */
    logs(true);
    assert_int_equal(answered(2, &link), REASON_OK);
    question = asked(now);
    links_look_again(core); /* one that is in: what was good is so by what held before */
    uint64_t before = judged_again();
    judge(question, REASON_OK, true, REASON_OK);
    assert_int_equal(judged_again(), before); /* it is not done with */
    question = asked(now);
    judge(question, REASON_OK, true, REASON_OK);
    assert_int_equal(judged_again(), before + 1);
    (void)links_step(core, now);
    assert_false(hears(PEER_VERIFY, MSG_LINK_EVIDENCE)); /* and once is enough */
    links_look_again(core);
    question = asked(now);
    links_look_again(core);
    judge(question, REASON_OK, false, REASON_POLICY_TCB_STATUS); /* a no is one */
    assert_int_equal(ended(link), REASON_POLICY_TCB_STATUS);
    end_core();
}

/* What front has no room for is told later, or was never so. */
static void test_a_front_that_does_not_read(void **state)
{
    (void)state;
    begin_core();
    int64_t now = clock_monotonic_ms();
    uint64_t link = let_in(1), other = let_in(2);
    links_look_again(core);
    hostile_choke(&hostile, PEER_FRONT);
    judge(asked(now), REASON_OK, false, REASON_POLICY_TCB_STATUS);
    judge(asked(now), REASON_OK, false, REASON_POLICY_TCB_STATUS);
    assert_int_equal(core->links.untold_count, 2);
    while (hear(PEER_AUDIT))
        ;
    assert_true(rc_ok(show(3, LONG)));
    judge(asked(now), REASON_OK, true, REASON_OK);
    logs(true); /* front would not hear of it */
    assert_int_equal(core->links.open, 0);
    assert_int_equal(links_step(core, now), now + LINKS_TELL_MS);
    while (hear(PEER_FRONT))
        assert_int_not_equal(heard.message, MSG_LINK_END);
    (void)links_step(core, now);
    assert_int_equal(ended(link), REASON_POLICY_TCB_STATUS);
    assert_int_equal(ended(other), REASON_POLICY_TCB_STATUS);
    assert_false(hears(PEER_FRONT, MSG_LINK_END));
    /* A front that falls has heard of all. */
    link = let_in(4);
    links_look_again(core);
    hostile_choke(&hostile, PEER_FRONT);
    judge(asked(now), REASON_OK, false, REASON_POLICY_TCB_STATUS);
    hostile_replace(&hostile, PEER_FRONT);
    packets[PEER_FRONT].left = (struct cursor){ 0 };
    (void)links_step(core, now);
    assert_false(hears(PEER_FRONT, MSG_LINK_END));
    end_core();
}

static void gives_up(uint64_t id)
{
    uint8_t bytes[10];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u64le(&body, 0);
    sink_u16le(&body, REASON_CHANNEL_TIMEOUT);
    assert_true(rc_ok(say(PEER_FRONT, MSG_LINK_OVER, id, sink_bytes(&body))));
}

/* Front says so when it ends a handshake: nobody is judged, or kept waiting, for nothing. */
static void test_a_handshake_that_front_ends(void **state)
{
    (void)state;
    begin_core();
    int64_t now = clock_monotonic_ms();
    uint64_t open = let_in(9);
    gives_up(9); /* that is over in front's eyes, too, but it has a number by now */
    assert_int_equal(core->links.open, 1);
    over(open);
    for (uint64_t id = 1; id <= LINKS_AT_ONCE + 1; id++)
        assert_true(rc_ok(show(id, LONG)));
    assert_int_equal(core->links.judged, LINKS_AT_ONCE);
    gives_up(LINKS_AT_ONCE + 1); /* waits */
    assert_int_equal(core->links.waiting, LINKS_AT_ONCE);
    for (uint64_t id = 1; id <= LINKS_AT_ONCE; id++) {
        uint64_t question = asked(now);
        gives_up(id); /* judged */
        judge(question, REASON_OK, true, REASON_OK);
    }
    assert_int_equal(core->links.waiting, 0);
    while (hear(PEER_AUDIT))
        ;
    assert_true(rc_ok(show(3, LONG)));
    judge(asked(now), REASON_OK, true, REASON_OK);
    assert_int_equal(core->links.waiting - core->links.judged, 1);
    gives_up(3); /* logged: the log hears of its end */
    logs(true);
    assert_true(hears(PEER_AUDIT, MSG_AUDIT_APPEND));
    assert_false(hears(PEER_FRONT, MSG_LINK_JUDGED));
    gives_up(4711);
    end_core();
}

static bool is_wanted(uint8_t platform)
{
    for (size_t i = 0; i < COLLATERAL_PLACES; i++) {
        const struct core_piece *piece = &core->collateral.pieces[i];
        if (piece->used && piece->thing == PCS_TCB_INFO && piece->scope.fmspc[5] == platform)
            return true;
    }
    return false;
}

static void is_denied_on(uint8_t platform, enum reason why)
{
    uint64_t link = 0;
    assert_true(rc_ok(show(platform, LONG)));
    judge_on(platform, asked(clock_monotonic_ms()), REASON_OK, false, why);
    assert_int_equal(answered(platform, &link), why);
}

/* Genuine evidence of any machine can be had: it takes no place from those who are in. */
static void test_strangers_take_no_place_of_a_peers_collateral(void **state)
{
    (void)state;
    begin_core();
    memcpy(hostile.house.settings.provider_url, "http://[::1]", sizeof "http://[::1]");
    core->collateral.loaded = true;
    uint64_t link = let_in_on(1, 1), other = 0;
    is_denied_on(2, REASON_POLICY_TCB_STATUS); /* what it lacks is no collateral */
    assert_true(is_wanted(1) && !is_wanted(2));
    for (uint8_t platform = 10, last = 10 + 2 * COLLATERAL_PLATFORMS; platform < last; platform++) {
        is_denied_on(platform, REASON_COLLATERAL_MISSING);
        assert_true(is_wanted(platform)); /* in the place of another stranger's at most */
    }
    assert_true(is_wanted(1));
    other = let_in_on(3, 3);
    assert_true(is_wanted(1) && is_wanted(3));
    for (uint8_t platform = 40, last = 40 + COLLATERAL_PLATFORMS; platform < last; platform++)
        over(let_in_on(platform,
                       platform)); /* more than there are places for: the oldest gives way */
    assert_true(is_wanted(1));     /* which is being fetched */
    assert_false(is_wanted(3));
    is_denied_on(90, REASON_COLLATERAL_MISSING);
    assert_false(is_wanted(90));
    over(link);
    over(other);
    hostile.house.settings.provider_url[0] = 0;
    end_core();
}

static void tee_says(uint64_t id, uint8_t version)
{
    for (uint8_t i = 0, last = COLLATERAL_OWN; i < last; i++) {
        uint8_t bytes[16];
        struct sink body = sink_over(bytes, sizeof bytes);
        sink_u8(&body, i);
        put_bytes(&body, span_of(&version, 1));
        assert_true(rc_ok(say(PEER_TEE, MSG_COLLATERAL_OWN_IS, id, sink_bytes(&body))));
    }
}

/* The pieces that verify hears, all of this version, before any question. */
static void verify_hears_own(uint8_t version)
{
    for (unsigned i = 0; i < COLLATERAL_OWN; i++) {
        assert_true(hear(PEER_VERIFY));
        assert_int_equal(heard.message, MSG_COLLATERAL_HELD);
        assert_int_equal(heard.body.at[0], COLLATERAL_PLACES + i);
        assert_int_equal(heard.body.at[heard.body.len - 1], version);
    }
}

/* A verify that is started again has what is judged by before it is asked, and whatever tee says
   anew is judged by at once. */
static void test_a_verify_that_knows_nothing(void **state)
{
    uint64_t link = 0;
    (void)state;
    begin_core();
    links_peer(core, PEER_TEE, true);
    assert_true(hears(PEER_TEE, MSG_COLLATERAL_OWN));
    assert_true(rc_ok(show(1, LONG)));
    assert_false(hear(PEER_VERIFY)); /* not asked before tee has said what there is */
    tee_says(heard.id, 1);
    verify_hears_own(1);
    judge(asked(clock_monotonic_ms()), REASON_OK, true, REASON_OK);
    logs(true);
    assert_int_equal(answered(1, &link), REASON_OK);
    hostile_replace(&hostile, PEER_VERIFY);
    packets[PEER_VERIFY].left = (struct cursor){ 0 };
    links_look_again(core);
    (void)links_step(core, clock_monotonic_ms());
    verify_hears_own(1);
    judge(asked(clock_monotonic_ms()), REASON_OK, true, REASON_OK);
    while (hears(PEER_TEE, MSG_COLLATERAL_OWN))
        ;
    tee_says(heard.id, 1);
    assert_false(hear(PEER_VERIFY)); /* nothing new */
    hostile_replace(&hostile, PEER_TEE);
    packets[PEER_TEE].left = (struct cursor){ 0 };
    assert_true(hears(PEER_TEE, MSG_COLLATERAL_OWN));
    uint64_t id = heard.id;
    tee_says(id, 2);
    verify_hears_own(2);
    judge(asked(clock_monotonic_ms()), REASON_OK, false, REASON_TCB_INFO_EXPIRED);
    assert_int_equal(ended(link), REASON_TCB_INFO_EXPIRED);
    tee_says(id, 3); /* that was not asked for */
    assert_false(hear(PEER_VERIFY));
    /* Nobody waits and nobody is in: the next one hears of it all the same. */
    for (unsigned turn = 0; turn < 2; turn++) {
        hostile_replace(&hostile, PEER_VERIFY);
        packets[PEER_VERIFY].left = (struct cursor){ 0 };
        while (hears(PEER_TEE, MSG_COLLATERAL_OWN))
            id = heard.id;
        if (turn == 0)
            tee_says(id, 2);
        else
            (void)links_step(core, clock_monotonic_ms());
        verify_hears_own(2);
    }
    /* A tee that says nothing holds up nobody for long. */
    links_peer(core, PEER_VERIFY, true);
    core->links.own[COLLATERAL_OWN - 1].len = 0;
    assert_true(rc_ok(show(2, LONG)));
    assert_false(hears(PEER_VERIFY, MSG_LINK_EVIDENCE));
    (void)asked(clock_monotonic_ms() + LINKS_OWN_MS);
    gives_up(2);
    end_core();
}

/* Nor is a verify asked that has not heard yet of what the house holds, or of a store that is not
   read yet: what it lacks would be no fault of the peer's.  But not for ever. */
static void test_what_is_held_is_heard_before(void **state)
{
    uint64_t link = 0;
    (void)state;
    begin_core();
    hostile_replace(&hostile, PEER_VERIFY);
    packets[PEER_VERIFY].left = (struct cursor){ 0 };
    core->links.own_told = true;
    core->store.reason = REASON_OK; /* and is not judged */
    int64_t now = clock_monotonic_ms();
    assert_true(rc_ok(show(1, LONG)));
    (void)links_step(core, now);
    assert_false(hears(PEER_VERIFY, MSG_LINK_EVIDENCE));
    core->collateral.loaded = true;
    core->collateral.told = false; /* there was no room */
    (void)links_step(core, now);
    assert_false(hears(PEER_VERIFY, MSG_LINK_EVIDENCE));
    core->collateral.told = true;
    judge(asked(now), REASON_OK, false, REASON_POLICY_TCB_STATUS);
    assert_int_equal(answered(1, &link), REASON_POLICY_TCB_STATUS);
    core->collateral.loaded = false; /* a store that says nothing */
    assert_true(rc_ok(show(2, LONG)));
    (void)links_step(core, now);
    assert_false(hears(PEER_VERIFY, MSG_LINK_EVIDENCE));
    (void)asked(core->collateral.held_ms);
    gives_up(2);
    core->store.reason = REASON_NONE;
    end_core();
}

/* Who is in is judged again although there are always strangers that wait. */
static void test_strangers_starve_nobody(void **state)
{
    uint64_t link = 0, none = 0, questions[2] = { 0 };
    (void)state;
    begin_core();
    link = let_in(1);
    for (uint64_t id = 2; id <= 5; id++)
        assert_true(rc_ok(show(id, LONG)));
    for (size_t i = 0; i < LINKS_AT_ONCE; i++)
        questions[i] = asked(clock_monotonic_ms());
    links_look_again(core);
    judge(questions[0], REASON_OK, false, REASON_POLICY_TCB_STATUS);
    assert_int_equal(answered(2, &none), REASON_POLICY_TCB_STATUS);
    questions[0] = asked(clock_monotonic_ms()); /* strangers first, */
    assert_int_not_equal(core->links.rows[0].due_since_ms, 0);
    core->links.rows[0].due_since_ms -= LINKS_DOUBT_MS; /* as if that had been a minute ago, */
    judge(questions[1], REASON_OK, false, REASON_POLICY_TCB_STATUS);
    assert_int_equal(answered(3, &none), REASON_POLICY_TCB_STATUS);
    questions[1] = asked(clock_monotonic_ms()); /* and not for ever */
    judge(questions[0], REASON_OK, false, REASON_POLICY_TCB_STATUS);
    assert_int_equal(answered(4, &none), REASON_POLICY_TCB_STATUS);
    judge(questions[1], REASON_OK, false, REASON_POLICY_TCB_STATUS);
    assert_int_equal(ended(link), REASON_POLICY_TCB_STATUS);
    gives_up(5);
    end_core();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_change_on_the_way_is_not_lost, ""),
        TEST(test_a_front_that_does_not_read, ""),
        TEST(test_a_handshake_that_front_ends, ""),
        TEST(test_strangers_take_no_place_of_a_peers_collateral, ""),
        TEST(test_a_verify_that_knows_nothing, ""),
        TEST(test_what_is_held_is_heard_before, ""),
        TEST(test_strangers_starve_nobody, ""),
    };
    return RUN_TESTS(tests);
}
