/* test_doors_front.c - the doors of ward-front, kicked.  The process itself is here, its main()
   under another name. */
#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/front/main.c"
#undef main

static struct tls_library *library; /* never freed: one for a process, as long as it lives */

static void test_anything_is_said_to_front(void **state)
{
    struct hostile hostile;
    (void)state;
    /* Keeper speaks only when it is asked: chain.c waits for it and takes nothing else. */
    hostile_begin(&hostile, &front_process, front_process.doors[0].peers);
    hostile_run(&hostile, hostile_frames());
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    /* Nobody had asked, so nobody was answered. */
    struct front *front = hostile.house.self;
    library = front->library;
    for (uint32_t i = 0; i < front->connection_count; i++)
        assert_int_equal(front->connections[i].phase, CONNECTION_FREE);
    h2_server_fini(&front->h2);
    hostile_end(&hostile);
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_anything_is_said_to_front, "") };
    return RUN_TESTS(tests);
}
