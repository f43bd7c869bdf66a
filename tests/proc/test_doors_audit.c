/* test_doors_audit.c - the doors of ward-audit, kicked.  The process itself is here, its main()
   under another name. */
#include "proc/hostile.h"
#include "proc/routes.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/audit/main.c"
#undef main

static void test_anything_is_said_to_audit(void **state)
{
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &audit_process, audit_process.peers);
    hostile_run(&hostile, hostile_frames());
    hostile_descriptors(&hostile);
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    /* And still it answers who asks properly. */
    uint8_t bytes[6] = { METHOD_AUDIT_HEAD };
    struct frame frame = { .message = MSG_AUDIT_ASK, .id = 4711, .body = SPAN(bytes) };
    assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &frame)));
    while (hostile_hear(&hostile, PEER_CORE, &frame) && frame.id != 4711)
        continue;
    assert_int_equal(frame.message, MSG_AUDIT_ANSWER);
    assert_int_equal(frame.id, 4711);
    hostile_end(&hostile);
}

/* Both ends of a core that is started again: its first questions have the numbers that those of
   the one before had, so what that one asked is answered to nobody. */
static void test_next_core_hears_no_answer_of_the_last(void **state)
{
    struct hostile hostile;
    uint8_t bytes[6] = { METHOD_AUDIT_HEAD };
    struct frame one = { .message = MSG_AUDIT_ASK, .id = 1, .body = SPAN(bytes) };
    struct frame other = { .message = MSG_AUDIT_ASK, .id = 2, .body = SPAN(bytes) };
    struct frame long_one = { .message = MSG_AUDIT_ANSWER, .id = 4711 }, heard;
    (void)state;
    hostile_begin(&hostile, &audit_process, audit_process.peers);
    for (int replaced = 0; replaced < 2; replaced++) {
        /* A question waits until the answer before it has left. */
        assert_true(rc_ok(channel_put(NULL, &hostile.house.channels[PEER_CORE], &long_one)));
        assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &one)));
        assert_true(hostile_hear(&hostile, PEER_CORE, &heard));
        assert_int_equal(heard.id, long_one.id);
        if (replaced)
            hostile_replace(&hostile, PEER_CORE);
        assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &other)));
        assert_true(hostile_hear(&hostile, PEER_CORE, &heard));
        assert_int_equal(heard.id, replaced ? other.id : one.id);
        assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &other)));
        assert_true(hostile_hear(&hostile, PEER_CORE, &heard));
        assert_int_equal(heard.id, other.id);
    }
    hostile_end(&hostile);
}

/* While a new file is waited for, records wait.  They are written, but the next core is not told
   that a record of its own is durable because another's of that number is. */
static void test_next_core_is_not_told_of_records_of_the_last(void **state)
{
    struct hostile hostile;
    uint8_t bytes[AUDIT_CLIENT_BODY];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct audit_record record = audit_record_of(AUDIT_EVENT_CONFIG_READ, AUDIT_SUCCESS, 0);
    struct frame heard;
    (void)state;
    audit_set_actor(&record, AUDIT_USER, span_text("uid:0"));
    audit_set_resource(&record, span_text("settings"));
    audit_add_text(&record, "method", span_text("/ward.v1.System/Config"));
    assert_true(audit_client_put(&body, &record));
    struct frame append = { .message = MSG_AUDIT_APPEND, .id = 1, .body = sink_bytes(&body) };
    hostile_begin(&hostile, &audit_process, audit_process.peers);
    struct auditor *auditor = hostile.house.self;
    for (int replaced = 0; replaced < 2; replaced++) {
        uint64_t before = auditor->chain.tree.size;
        auditor->closed.asked = true;
        assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &append)));
        assert_false(hostile_hear(&hostile, PEER_CORE, &heard));
        if (replaced)
            hostile_replace(&hostile, PEER_CORE);
        auditor->closed.asked = false;
        group_commit(auditor);
        assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[PEER_CORE])));
        assert_int_equal(auditor->chain.tree.size, before + 1);
        assert_int_equal(hostile_hear(&hostile, PEER_CORE, &heard), !replaced);
    }
    hostile_end(&hostile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_to_audit, ""),
        TEST(test_next_core_hears_no_answer_of_the_last, ""),
        TEST(test_next_core_is_not_told_of_records_of_the_last, ""),
    };
    return RUN_TESTS(tests);
}
