/* test_doors_keeper.c - the doors of ward-keeper, kicked.  The process itself is here, its main()
   under another name. */
#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/keeper/main.c"
#undef main

static void test_anything_is_said_to_keeper(void **state)
{
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &keeper_process, keeper_process.peers);
    hostile_run(&hostile, hostile_frames());
    hostile_descriptors(&hostile);
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    /* And still it answers who asks properly. */
    struct frame frame = { .message = MSG_TLS_CHAIN, .id = 4711 };
    assert_true(rc_ok(hostile_say(&hostile, PEER_FRONT, &frame)));
    assert_true(hostile_hear(&hostile, PEER_FRONT, &frame));
    assert_int_equal(frame.message, MSG_TLS_CHAIN_IS);
    assert_int_equal(frame.id, 4711);
    assert_true(frame.body.len > 4 && frame.body.at[0] > 0);
    hostile_end(&hostile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_to_keeper, "RL-34"),
    };
    return RUN_TESTS(tests);
}
