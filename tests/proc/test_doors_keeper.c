/* test_doors_keeper.c - the doors of ward-keeper, kicked.  The process itself is here, its main()
   under another name. */
#include <string.h>

#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/keeper/main.c"
#undef main

enum { WINDOW = 16 }; /* bytes of a secret in a row that are a leak */

static size_t packets, packets_with_public; /* that were overheard */

static bool has(struct span packet, struct span needle)
{
    return needle.len > 0 && memmem(packet.at, packet.len, needle.at, needle.len) != NULL;
}

/* What was overheard, and the index of what must not be in it. */
struct search {
    struct span packet;
    const struct keyring *ring;
};

static rc look_for(struct span plain, void *arg)
{
    const struct search *search = arg;
    for (size_t i = 0; i < search->ring->count; i++) {
        const struct keyring_key *key = &search->ring->keys[i];
        struct span part = keyring_private(plain, search->ring, i);
        for (size_t at = 0; at + WINDOW <= part.len; at++)
            assert_false(has(search->packet, span_of(part.at + at, WINDOW)));
        packets_with_public += has(search->packet,
                                   span_of(key->public_part, key_public_len(key->kind)));
    }
    return RC_SUCCESS;
}

/* While the keys are lent: those of this moment, for some are replaced. */
static void look_for_keys(struct hostile *hostile, struct span packet)
{
    struct keeper *keeper = hostile->house.self;
    struct search search = { packet, &keeper->ring };
    packets++;
    assert_true(rc_ok(secret_lend(keeper->plain, look_for, &search)));
}

/* Rule 2, as far as there are keys: whatever is said to whichever door, no answer has a part of
   one in it. */
static void test_anything_is_said_to_keeper(void **state)
{
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &keeper_process, keeper_process.peers);
    hostile.overhear = look_for_keys;
    hostile_run(&hostile, hostile_frames());
    assert_true(packets > 100 && packets_with_public > 50); /* what is no secret is seen */
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
