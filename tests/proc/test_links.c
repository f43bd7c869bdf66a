/* test_links.c - attested channels in core: what front may have made, what verify may say, and what
   comes of it. */
#include "proc/links_bench.h"

/* A front that was taken over says what it likes, and gets evidence over what it did not choose. */
static void test_a_taken_front_gets_evidence_for_channels_alone(void **state)
{
    (void)state;
    begin_core();
    for (uint8_t role = 0; role <= 3; role++) {
        uint8_t body[1 + ATTESTED_BOUND] = { role, 0xaa }, want[64];
        bool good = role == ATTESTED_INITIATOR || role == ATTESTED_RESPONDER;
        assert_int_equal(rc_ok(say(PEER_FRONT, MSG_LINK_QUOTE, 1 + role, SPAN(body))), good);
        if (!good) {
            hostile_replace(&hostile, PEER_FRONT);
            assert_false(hears(PEER_TEE, MSG_EVIDENCE));
            continue;
        }
        const struct span parts[] = { span_text("ward channel v2 report data"), span_of(&role, 1),
                                      span_of(&body[1], ATTESTED_BOUND) };
        hash_sha512_parts(parts, 3, want);
        assert_true(hears(PEER_TEE, MSG_EVIDENCE));
        assert_int_equal(heard.body.len, sizeof want);
        assert_memory_equal(heard.body.at, want, sizeof want);
        /* A tee that answers with evidence over something else has made nothing. */
        uint8_t answer[2 + 4 + 700 + 4] = { 0 };
        struct sink out = sink_over(answer, sizeof answer);
        sink_u16le(&out, REASON_OK);
        sink_u32le(&out, 700);
        sink_u8(&out, 4);
        sink_zero(&out, 699);
        sink_u32le(&out, 0);
        assert_true(rc_ok(say(PEER_TEE, MSG_EVIDENCE_IS, heard.id, sink_bytes(&out))));
        assert_true(hears(PEER_FRONT, MSG_LINK_QUOTED));
        assert_int_equal(heard.id, 1 + role);
        assert_int_equal(heard.body.at[0] | heard.body.at[1] << 8, REASON_HOUSE_UNAVAILABLE);
    }
    /* One that never answers: so many wait, and all are told in time. */
    uint8_t body[1 + ATTESTED_BOUND] = { ATTESTED_RESPONDER };
    for (unsigned i = 0; i <= LINKS_QUOTES; i++)
        assert_true(rc_ok(say(PEER_FRONT, MSG_LINK_QUOTE, 100 + i, SPAN(body))));
    assert_true(hears(PEER_FRONT, MSG_LINK_QUOTED));
    assert_int_equal(heard.body.at[0] | heard.body.at[1] << 8, REASON_TEE_RATE);
    (void)links_step(core, clock_monotonic_ms() + LINKS_QUOTE_MS + 1);
    for (unsigned i = 0; i < LINKS_QUOTES; i++) {
        assert_true(hears(PEER_FRONT, MSG_LINK_QUOTED));
        assert_int_equal(heard.body.at[0] | heard.body.at[1] << 8, REASON_HOUSE_DEADLINE);
    }
    end_core();
}

static void test_verdicts(void **state)
{
    static const struct {
        enum reason reason;
        bool allowed;
        enum reason why, want;
    } rows[] = {
        { REASON_OK, false, REASON_POLICY_REPORT_DATA, REASON_POLICY_REPORT_DATA },
        { REASON_OK, true, REASON_POLICY_REPORT_DATA, REASON_EVIDENCE_CRASHED },
        { REASON_OK, false, REASON_OK, REASON_EVIDENCE_CRASHED },
        { REASON_EVIDENCE_CRASHED, false, REASON_OK, REASON_EVIDENCE_CRASHED },
        { REASON_EVIDENCE_DEADLINE, false, REASON_OK, REASON_EVIDENCE_DEADLINE },
        { REASON_OUT_OF_MEMORY, false, REASON_OK, REASON_OUT_OF_MEMORY },
    };
    (void)state;
    begin_core();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t link = 0;
        assert_true(rc_ok(show(10 + i, LONG)));
        judge(asked(clock_monotonic_ms()), rows[i].reason, rows[i].allowed, rows[i].why);
        assert_int_equal(answered(10 + i, &link), rows[i].want);
    }
    /* What the log does not take is not opened. */
    uint64_t link = 0;
    while (hear(PEER_AUDIT)) /* records of the refusals */
        ;
    assert_true(rc_ok(show(40, LONG)));
    judge(asked(clock_monotonic_ms()), REASON_OK, true, REASON_OK);
    logs(false);
    assert_int_equal(answered(40, &link), REASON_AUDIT_CANNOT_LOG);
    /* More than a message may have is not front's to say. */
    assert_int_equal(rc_class_of(show(41, LINK_PART_MAX + 1)), RC_PEER);
    hostile_replace(&hostile, PEER_FRONT);
    end_core();
}

/* The very bytes that were shown are judged again, when what judges them may say something else. */
static void test_who_is_in_is_judged_again(void **state)
{
    (void)state;
    begin_core();
    int64_t now = clock_monotonic_ms();
    uint64_t link = let_in(1), other = let_in(2);
    (void)links_step(core, now);
    assert_false(hears(PEER_VERIFY, MSG_LINK_EVIDENCE));
    assert_int_equal(judged_again(), 0); /* letting in is no such verdict */
    links_look_again(core);
    for (uint8_t id = 1; id <= 2; id++) {
        uint64_t question = asked(now);
        struct cursor in = cur_over(heard.body);
        struct span request;
        uint8_t scratch[65536];
        struct arena arena = arena_over(scratch, sizeof scratch);
        struct api_attest_verify_request shown;
        struct values_error error;
        assert_true(cur_skip(&in, 8) && get_bytes(&in, FRAME_BODY_MAX, &request));
        assert_true(protobuf_read(&api_attest_verify_request, request, &arena, &shown, &error));
        assert_int_equal(shown.evidence.len, LONG);
        for (size_t i = 0; i < LONG; i++)
            assert_int_equal(shown.evidence.at[i], id);
        assert_true(span_equal_text(shown.event_log, "log"));
        assert_true(span_equal_text(shown.policy, "hardware = false\n"));
        judge(question, REASON_OK, id == 1, id == 1 ? REASON_OK : REASON_POLICY_TCB_STATUS);
    }
    assert_int_equal(ended(other), REASON_POLICY_TCB_STATUS);
    assert_false(hears(PEER_FRONT, MSG_LINK_END)); /* the first one stays */
    assert_int_equal(judged_again(), 2);
    /* What it was judged with ends in a second: a look finds that. */
    while (clock_now() <= core->links.rows[0].valid_until)
        (void)poll(NULL, 0, 100);
    now = clock_monotonic_ms() + LINKS_LOOK_MS + 1;
    judge(asked(now), REASON_OK, false, REASON_TCB_INFO_EXPIRED);
    assert_int_equal(ended(link), REASON_TCB_INFO_EXPIRED);
    assert_int_equal(judged_again(), 3);
    over(link); /* front has not heard of it yet: nothing comes of it */
    end_core();
}

/* A judge that is not there is no verdict, and no licence for ever. */
static void test_without_a_judge(void **state)
{
    uint64_t link = 0;
    (void)state;
    begin_core();
    int64_t now = clock_monotonic_ms();
    link = let_in(1);
    links_look_again(core);
    judge(asked(now), REASON_HOUSE_UNAVAILABLE, false, REASON_OK);
    (void)links_step(core, now);
    assert_false(hears(PEER_VERIFY, MSG_LINK_EVIDENCE)); /* not at once */
    judge(asked(clock_monotonic_ms() + LINKS_AGAIN_MS), REASON_OK, true, REASON_OK);
    links_look_again(core);
    judge(asked(clock_monotonic_ms()), REASON_HOUSE_UNAVAILABLE, false, REASON_OK);
    assert_int_not_equal(core->links.rows[0].doubt_ms, 0);
    core->links.rows[0].doubt_ms -= LINKS_DOUBT_MS; /* as if that had been so for a minute */
    judge(asked(clock_monotonic_ms() + LINKS_AGAIN_MS), REASON_HOUSE_UNAVAILABLE, false, REASON_OK);
    assert_int_equal(ended(link), REASON_HOUSE_UNAVAILABLE);
    /* One that is not in yet is told at its deadline; a verify that falls is asked again. */
    assert_true(rc_ok(show(2, 1)));
    (void)asked(clock_monotonic_ms());
    links_peer(core, PEER_VERIFY, false);
    judge(asked(clock_monotonic_ms()), REASON_HOUSE_UNAVAILABLE, false, REASON_OK);
    (void)links_step(core, clock_monotonic_ms() + LINKS_FIRST_MS + 1);
    assert_int_equal(answered(2, &link), REASON_HOUSE_DEADLINE);
    end_core();
}

static void test_so_many_and_no_more(void **state)
{
    uint64_t link = 0;
    (void)state;
    begin_core();
    for (uint64_t id = 1; id <= LINKS_WAITING_MAX; id++)
        assert_true(rc_ok(show(id, LINK_PART_MAX)));
    assert_true(rc_ok(show(4711, 1)));
    assert_int_equal(answered(4711, &link), REASON_LINK_FULL);
    (void)links_step(core, clock_monotonic_ms());
    for (unsigned i = 0; i < LINKS_AT_ONCE; i++)
        assert_true(hears(PEER_VERIFY, MSG_LINK_EVIDENCE));
    assert_false(hears(PEER_VERIFY, MSG_LINK_EVIDENCE)); /* others want to be judged, too */
    /* All of a front's channels go with it. */
    links_peer(core, PEER_FRONT, false);
    end_core();

    begin_core(); /* without a policy nobody waits */
    hostile.house.settings.channel_policy[0] = 0;
    assert_true(rc_ok(show(1, 1)));
    assert_int_equal(answered(1, &link), REASON_LINK_NO_POLICY);
    hostile.house.settings.channel_policy[0] = '/';
    core->links.policy.text = (struct span){ 0 };
    core->links.policy.is_bad = true; /* one that is none */
    assert_true(rc_ok(show(2, 1)));
    (void)links_step(core, clock_monotonic_ms());
    assert_int_equal(answered(2, &link), REASON_ATTEST_POLICY_INVALID);
    end_core();
}

/* Verify stands still, and strangers take all that they can get: whom the house has called has a
   place all the same, one and no more, and is judged first. */
static void test_strangers_take_no_place_of_a_called_peer(void **state)
{
    uint64_t link = 0;
    (void)state;
    begin_core();
    call_peers();
    for (uint64_t id = 1; id <= LINKS_WAITING_MAX; id++)
        assert_true(rc_ok(show(id, LINK_PART_MAX)));
    for (unsigned peer = 0; peer < LINKS_CALLED_MAX; peer++)
        assert_true(rc_ok(show_called((uint8_t)peer, 100 + peer, LINK_PART_MAX)));
    assert_false(hears(PEER_FRONT, MSG_LINK_JUDGED));
    assert_true(rc_ok(show(4711, 1)));
    assert_int_equal(answered(4711, &link), REASON_LINK_FULL);
    assert_true(rc_ok(show_called(0, 200, LONG))); /* its connection is another one */
    assert_int_equal(core->links.waiting, LINKS_WAITING_MAX + LINKS_CALLED_MAX);
    /* What is at verify is judged to its end. */
    for (uint64_t id = 1; id <= LINKS_AT_ONCE; id++) {
        judge(asked(clock_monotonic_ms()), REASON_OK, false, REASON_POLICY_TCB_STATUS);
        assert_int_equal(answered(id, &link), REASON_POLICY_TCB_STATUS);
    }
    for (unsigned i = 0; i < LINKS_CALLED_MAX; i++) {
        while (hear(PEER_AUDIT)) /* records of others */
            ;
        judge(asked(clock_monotonic_ms()), REASON_OK, true, REASON_OK);
        logs(true);
        assert_true(hears(PEER_FRONT, MSG_LINK_JUDGED));
        assert_true(heard.id > 100 && heard.id <= 200);
    }
    assert_int_equal(core->links.called_waiting, 0);
    assert_int_equal(core->links.waiting, LINKS_WAITING_MAX - LINKS_AT_ONCE);
    links_peer(core, PEER_FRONT, false);
    end_core();
}

/* Nor are all rows, blocks and quotes theirs. */
static void test_strangers_leave_memory_for_called_peers(void **state)
{
    struct core_links *links = NULL;
    uint64_t link = 0;
    (void)state;
    begin_core();
    call_peers();
    links = &core->links;
    links->open += LINKS_MAX - LINKS_CALLED_MAX; /* as if so many were */
    assert_true(rc_ok(show(1, 1)));
    assert_int_equal(answered(1, &link), REASON_LINK_FULL);
    assert_true(rc_ok(show_called(1, 2, 1)));
    links->open -= LINKS_MAX - LINKS_CALLED_MAX;
    links->blocks.taken += LINKS_BLOCKS - LINKS_CALLED_BLOCKS - 1;
    assert_true(rc_ok(show(3, LINK_PART_MAX)));
    assert_int_equal(answered(3, &link), REASON_LINK_FULL);
    assert_true(rc_ok(show_called(2, 4, LINK_PART_MAX)));
    links->blocks.taken -= LINKS_BLOCKS - LINKS_CALLED_BLOCKS - 1;
    assert_int_equal(links->waiting, 2);
    assert_false(hears(PEER_FRONT, MSG_LINK_JUDGED));
    /* Tee stands still. */
    uint8_t body[1 + ATTESTED_BOUND] = { ATTESTED_RESPONDER };
    for (unsigned i = 0; i <= LINKS_QUOTES; i++)
        assert_true(rc_ok(say(PEER_FRONT, MSG_LINK_QUOTE, 100 + i, SPAN(body))));
    assert_true(hears(PEER_FRONT, MSG_LINK_QUOTED));
    body[0] = ATTESTED_INITIATOR;
    for (unsigned i = 0; i < LINKS_CALLED_MAX; i++)
        assert_true(rc_ok(say(PEER_FRONT, MSG_LINK_QUOTE, 200 + i, SPAN(body))));
    assert_false(hears(PEER_FRONT, MSG_LINK_QUOTED));
    for (unsigned i = 0; i < LINKS_QUOTES + LINKS_CALLED_MAX; i++)
        assert_true(hears(PEER_TEE, MSG_EVIDENCE));
    links_peer(core, PEER_FRONT, false);
    end_core();
}

/* One that its reader dies of is none, and is not tried for ever. */
static void test_a_policy_that_crashes_its_judge(void **state)
{
    static const enum reason reasons[] = { REASON_EVIDENCE_CRASHED, REASON_EVIDENCE_DEADLINE,
                                           REASON_ATTEST_POLICY_INVALID };
    (void)state;
    begin_core();
    struct link_policy *policy = &core->links.policy;
    struct span before = policy->text;
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        policy->offered = span_of(policy->rooms[1], 1);
        policy->is_bad = false;
        policy->again_ms = 0;
        while (hear(PEER_AUDIT))
            ;
        policy->rooms[1][0] = 'x';
        judge(asked(clock_monotonic_ms()), REASON_HOUSE_UNAVAILABLE, false, REASON_OK);
        assert_true(policy->offered.len == 1 && !policy->is_bad); /* nobody has read it */
        policy->again_ms = 0;
        judge(asked(clock_monotonic_ms()), reasons[i], false, REASON_OK);
        assert_true(policy->is_bad && policy->offered.len == 0);
        assert_ptr_equal(policy->text.at, before.at);
        assert_true(hears(PEER_AUDIT, MSG_AUDIT_APPEND));
    }
    policy->rooms[1][0] = 0; /* no text: not even asked about */
    policy->offered = span_of(policy->rooms[1], 1);
    policy->is_bad = false;
    policy->again_ms = 0;
    (void)links_step(core, clock_monotonic_ms());
    assert_true(policy->is_bad && hears(PEER_AUDIT, MSG_AUDIT_APPEND));
    assert_false(hears(PEER_VERIFY, MSG_LINK_EVIDENCE));
    end_core();
}

/* Refusals that are too many for a record each are counted in one, also when no more come. */
static void test_all_refusals_are_in_the_log(void **state)
{
    enum { COUNT = 200 };
    unsigned records = 0;
    (void)state;
    begin_core();
    hostile.house.settings.channel_policy[0] = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        assert_true(rc_ok(show(1, 1)));
        while (hears(PEER_AUDIT, MSG_AUDIT_APPEND))
            records++;
    }
    assert_true(records > 0 && records < COUNT);
    assert_int_equal(records + core->links.unrecorded, COUNT);
    (void)poll(NULL, 0, CORE_SECOND_MS + 100);
    (void)links_step(core, clock_monotonic_ms());
    assert_true(hears(PEER_AUDIT, MSG_AUDIT_APPEND));
    assert_int_equal(core->links.unrecorded, 0);
    (void)links_step(core, clock_monotonic_ms() + CORE_SECOND_MS);
    assert_false(hears(PEER_AUDIT, MSG_AUDIT_APPEND));
    end_core();
}

/* What waits for the log may be in it after all: its end is, too. */
static void test_a_record_that_is_late(void **state)
{
    uint64_t link = 0;
    (void)state;
    begin_core();
    assert_true(rc_ok(show(1, 1)));
    judge(asked(clock_monotonic_ms()), REASON_OK, true, REASON_OK);
    assert_true(hears(PEER_AUDIT, MSG_AUDIT_APPEND));
    assert_false(hears(PEER_AUDIT, MSG_AUDIT_APPEND));
    (void)links_step(core, clock_monotonic_ms() + CORE_LOG_MS + 1);
    assert_int_equal(answered(1, &link), REASON_AUDIT_CANNOT_LOG);
    assert_true(hears(PEER_AUDIT, MSG_AUDIT_APPEND)); /* of its end */
    assert_true(hears(PEER_AUDIT, MSG_AUDIT_APPEND)); /* and of the refusal */
    end_core();
}

/* Evidence of all sizes around a block's, kept and given back in any order. */
static void test_blocks(void **state)
{
    static uint8_t bytes[4 * LINKS_BLOCK], again[4 * LINKS_BLOCK];
    struct link_blocks blocks = { 0 };
    struct arena arena;
    uint32_t kept[64] = { 0 };
    size_t sizes[64][2] = { 0 };
    struct test_random random = { 5 };
    (void)state;
    arena_init(&arena, 8 << 20);
    assert_true(link_blocks_open(&blocks, &arena));
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)test_random_next(&random);
    for (unsigned turn = 0; turn < 20000; turn++) {
        size_t at = test_random_below(&random, COUNT_OF(kept));
        if (kept[at] != 0) {
            struct sink out = sink_over(again, sizeof again);
            size_t len = sizes[at][0] + sizes[at][1];
            link_blocks_get(&blocks, kept[at], len, &out);
            assert_int_equal(out.len, len);
            assert_memory_equal(again, bytes, sizes[at][0]);
            assert_memory_equal(again + sizes[at][0], bytes, sizes[at][1]);
            link_blocks_drop(&blocks, kept[at]);
            kept[at] = 0;
            continue;
        }
        sizes[at][0] = 1 + test_random_below(&random, 2 * LINKS_BLOCK);
        sizes[at][1] = test_random_below(&random, 2) * test_random_below(&random, LINKS_BLOCK + 2);
        const struct span parts[2] = { span_of(bytes, sizes[at][0]), span_of(bytes, sizes[at][1]) };
        assert_true(link_blocks_put(&blocks, parts, 0, &kept[at]));
        assert_true(blocks.used <= 3 * COUNT_OF(kept) + 3); /* what is free is used first */
    }
    for (size_t i = 0; i < COUNT_OF(kept); i++)
        link_blocks_drop(&blocks, kept[i]);
    assert_int_equal(blocks.taken, 0);
    /* No more than there are. */
    uint32_t first = 0;
    const struct span parts[2] = { span_of(bytes, sizeof bytes) };
    blocks.taken = LINKS_BLOCKS - 3;
    assert_false(link_blocks_put(&blocks, parts, 0, &first));
    blocks.taken = LINKS_BLOCKS - 5;
    assert_false(link_blocks_put(&blocks, parts, 2, &first)); /* others have a claim to them */
    assert_int_equal(first, 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_taken_front_gets_evidence_for_channels_alone, ""),
        TEST(test_verdicts, ""),
        TEST(test_who_is_in_is_judged_again, ""),
        TEST(test_without_a_judge, ""),
        TEST(test_so_many_and_no_more, ""),
        TEST(test_strangers_take_no_place_of_a_called_peer, ""),
        TEST(test_strangers_leave_memory_for_called_peers, ""),
        TEST(test_a_policy_that_crashes_its_judge, ""),
        TEST(test_all_refusals_are_in_the_log, ""),
        TEST(test_a_record_that_is_late, ""),
        TEST(test_blocks, ""),
    };
    return RUN_TESTS(tests);
}
