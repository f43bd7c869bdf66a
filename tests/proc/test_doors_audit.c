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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_to_audit, ""),
    };
    return RUN_TESTS(tests);
}
