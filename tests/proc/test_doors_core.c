/* test_doors_core.c - the doors of ward-core, kicked.  The process itself is here, its main() under
   another name. */
#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/core/main.c"
#undef main

static void test_anything_is_said_by_front(void **state)
{
    struct hostile hostile;
    uint8_t bytes[64];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct frame frame = { .message = MSG_REQUEST, .id = 4711 };
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT));
    hostile_run(&hostile, hostile_frames());
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    /* And still it answers who asks properly. */
    sink_u16le(&body, METHOD_VERSION);
    sink_zero(&body, 1 + 16 + 16 + 4);
    frame.body = sink_bytes(&body);
    assert_true(rc_ok(hostile_say(&hostile, PEER_FRONT, &frame)));
    assert_true(hostile_hear(&hostile, PEER_FRONT, &frame));
    assert_int_equal(frame.message, MSG_REPLY);
    assert_int_equal(frame.id, 4711);
    assert_int_equal(frame.body.at[0], REASON_OK);
    assert_true(may_stop(hostile.house.self)); /* nothing of it is still under way */
    hostile_end(&hostile);
}

static void test_anything_is_said_by_all(void **state)
{
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &core_process, core_process.peers);
    hostile_run(&hostile, hostile_frames() / 4);
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    hostile_end(&hostile);
}

static rc ask(struct hostile *hostile, uint64_t id)
{
    uint8_t bytes[64];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, METHOD_AUDIT_HEAD);
    sink_zero(&body, 1 + 16 + 16 + 4);
    struct frame frame = { .message = MSG_REQUEST, .id = id, .body = sink_bytes(&body) };
    return hostile_say(hostile, PEER_FRONT, &frame);
}

/* An audit process that never answers: who finds no place any more is told so at once. */
static void test_so_many_wait_and_no_more(void **state)
{
    struct hostile hostile;
    struct frame frame;
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT) | IN(PEER_AUDIT));
    for (uint64_t id = 1; id <= CORE_PENDING_MAX; id++) {
        assert_true(rc_ok(ask(&hostile, id)));
        assert_true(hostile_hear(&hostile, PEER_AUDIT, &frame));
        assert_int_equal(frame.message, MSG_AUDIT_ASK);
        assert_false(hostile_hear(&hostile, PEER_FRONT, &frame));
    }
    assert_true(rc_ok(ask(&hostile, 4711)));
    assert_false(hostile_hear(&hostile, PEER_AUDIT, &frame));
    assert_true(hostile_hear(&hostile, PEER_FRONT, &frame));
    assert_int_equal(frame.id, 4711);
    assert_int_equal(frame.body.at[0] | frame.body.at[1] << 8, REASON_HOUSE_UNAVAILABLE);
    hostile_end(&hostile);
}

/* A front that is started again counts its requests from one, as the one before did: what that
   one had asked for is nobody's answer. */
static void test_next_front_hears_no_answer_of_the_last(void **state)
{
    static const uint8_t nothing[10];
    struct hostile hostile;
    struct frame frame;
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT) | IN(PEER_AUDIT));
    assert_true(rc_ok(ask(&hostile, 1)));
    assert_true(hostile_hear(&hostile, PEER_AUDIT, &frame));
    struct frame late = { .message = MSG_AUDIT_ANSWER, .id = frame.id, .body = SPAN(nothing) };
    hostile_replace(&hostile, PEER_FRONT);
    assert_true(may_stop(hostile.house.self));
    assert_true(rc_ok(hostile_say(&hostile, PEER_AUDIT, &late)));
    assert_false(hostile_hear(&hostile, PEER_FRONT, &frame));
    /* Nor does what it asks itself wait behind that. */
    assert_true(rc_ok(ask(&hostile, 1)));
    assert_true(hostile_hear(&hostile, PEER_AUDIT, &frame));
    late.id = frame.id;
    assert_true(rc_ok(hostile_say(&hostile, PEER_AUDIT, &late)));
    assert_true(hostile_hear(&hostile, PEER_FRONT, &frame));
    assert_int_equal(frame.id, 1);
    hostile_end(&hostile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_by_front, ""),
        TEST(test_anything_is_said_by_all, ""),
        TEST(test_so_many_wait_and_no_more, ""),
        TEST(test_next_front_hears_no_answer_of_the_last, ""),
    };
    return RUN_TESTS(tests);
}
