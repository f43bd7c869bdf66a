/* test_doors_verify.c - the door of ward-verify, kicked.  The process itself is here, its main()
   under another name. */
#include <signal.h>
#include <sys/wait.h>

#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/verify/main.c"
#undef main

/* Children that nobody listens to end by themselves; here they are not waited for so long. */
static rc end_children(struct trail *trail, void *self)
{
    struct verify *verify = self;
    (void)trail;
    for (size_t i = 0; i < VERIFY_CHILDREN; i++) {
        struct verify_child *child = &verify->children[i];
        if (child->pid == 0)
            continue;
        kill(child->pid, SIGKILL);
        (void)verify_child_end(child);
    }
    return RC_SUCCESS;
}

static void test_anything_is_said_by_core(void **state)
{
    struct hostile hostile;
    uint8_t bytes[32];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct frame frame = { .message = MSG_JUDGE, .id = 4711 };
    struct process process = verify_process;
    (void)state;
    process.settle = end_children;
    hostile_begin(&hostile, &process, IN(PEER_CORE));
    hostile_run(&hostile, hostile_frames() / 8); /* each that is taken is a process */
    hostile_descriptors(&hostile);
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    /* And still it takes what is asked properly. */
    sink_zero(&body, 8 + 4);
    frame.body = sink_bytes(&body);
    assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &frame)));
    hostile_end(&hostile);
}

/* One more than are judged at once is told so; a new core hears nothing of the old one's. */
static void test_so_many_at_once_and_no_more(void **state)
{
    struct hostile hostile;
    uint8_t bytes[32] = { 0 };
    struct frame frame = { .message = MSG_JUDGE, .body = span_of(bytes, 12) };
    struct frame said;
    (void)state;
    hostile_begin(&hostile, &verify_process, IN(PEER_CORE));
    struct verify *verify = hostile.house.self;
    for (frame.id = 1; frame.id <= VERIFY_CHILDREN; frame.id++) {
        assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &frame)));
        assert_false(hostile_hear(&hostile, PEER_CORE, &said));
    }
    assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &frame)));
    assert_true(hostile_hear(&hostile, PEER_CORE, &said));
    assert_int_equal(said.id, VERIFY_CHILDREN + 1);
    assert_int_equal(said.body.at[0] | said.body.at[1] << 8, REASON_HOUSE_UNAVAILABLE);
    peer_changed(verify, PEER_CORE, true);
    for (size_t i = 0; i < VERIFY_CHILDREN; i++)
        assert_int_equal(verify->children[i].id, 0);
    assert_true(rc_ok(end_children(NULL, hostile.house.self)));
    hostile_end(&hostile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_by_core, ""),
        TEST(test_so_many_at_once_and_no_more, ""),
    };
    return RUN_TESTS(tests);
}
