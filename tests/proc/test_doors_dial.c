/* test_doors_dial.c - the door of ward-dial, kicked.  The process itself is here, its main() under
   another name; where it goes is the matter of test_dial.py. */
#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/dial/main.c"
#undef main

enum { PEERS = IN(PEER_CORE) | IN(PEER_FRONT) };

static void end(struct hostile *hostile)
{
    struct dial *dial = hostile->house.self;
    resolver_close(&dial->resolver);
    hostile_end(hostile);
}

/* One wake-up in which nobody says anything. */
static void turn(struct hostile *hostile)
{
    struct house *house = &hostile->house;
    struct house_watch watches[RESOLVER_WATCHES + DIAL_ATTEMPTS_MAX * DIAL_BESIDE];
    size_t count = watch(house->self, watches, COUNT_OF(watches));
    for (size_t i = 0; i < count; i++)
        assert_true(rc_ok(ready(NULL, house->self, &watches[i])));
    (void)tick(house->self, clock_monotonic_ms());
    assert_true(rc_ok(channel_flush(NULL, &house->channels[PEER_CORE])));
    assert_true(rc_ok(channel_flush(NULL, &house->channels[PEER_FRONT])));
}

static void turn_until_heard(struct hostile *hostile, enum peer peer, struct frame *said)
{
    while (!hostile_hear(hostile, peer, said))
        turn(hostile);
}

/* Front has no door here; what it says closes its channel, and core is still heard. */
static void test_anything_is_said_by_both(void **state)
{
    struct hostile hostile;
    uint8_t bytes[5] = { 0, 100 };
    struct frame said, frame = { .message = MSG_DIAL, .id = 4711, .body = SPAN(bytes) };
    (void)state;
    hostile_begin(&hostile, &dial_process, PEERS);
    hostile.looks = true;
    hostile_run(&hostile, hostile_frames() / 8);
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    hostile_replace(&hostile, PEER_CORE); /* nothing is under way */
    while (hostile_hear(&hostile, PEER_CORE, &said))
        continue;
    /* Nobody listens there, and it says so. */
    assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &frame)));
    turn_until_heard(&hostile, PEER_CORE, &said);
    assert_int_equal(said.message, MSG_DIALED);
    assert_int_equal(said.id, 4711);
    assert_int_equal(said.body.at[0] | said.body.at[1] << 8, REASON_PEER_UNREACHABLE);
    end(&hostile);
}

/* For a request it is front that hears, of each, and of one too many. */
static void test_requests_to_their_limit(void **state)
{
    struct hostile hostile;
    uint8_t bytes[5] = { 0, 0x20, 0x4e };
    struct frame said, frame = { .message = MSG_DIAL_PASSAGE, .body = SPAN(bytes) };
    (void)state;
    hostile_begin(&hostile, &dial_process, PEERS);
    struct dial *dial = hostile.house.self;
    for (frame.id = 1; frame.id <= PASSAGES_OF_ONE_MAX + 1; frame.id++)
        assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &frame)));
    assert_null(call_vacancy(dial, 0));
    assert_non_null(call_vacancy(dial, 1)); /* others have theirs */
    turn_until_heard(&hostile, PEER_FRONT, &said);
    assert_int_equal(said.message, MSG_PASSAGE_REFUSED);
    assert_int_equal(said.id, PASSAGES_OF_ONE_MAX + 1);
    assert_int_equal(said.body.at[0], 0);
    assert_int_equal(said.body.at[1] | said.body.at[2] << 8, REASON_HOUSE_UNAVAILABLE);
    /* Many are told in one packet: the first of them stands for all. */
    turn_until_heard(&hostile, PEER_FRONT, &said);
    assert_int_equal(said.body.at[1] | said.body.at[2] << 8, REASON_PEER_UNREACHABLE);
    for (unsigned left = 1; left > 0; turn(&hostile)) {
        left = 0;
        for (size_t i = 0; i < DIAL_ATTEMPTS_MAX; i++)
            left += dial->attempts[i].state != ATTEMPT_NONE;
    }
    while (hostile_hear(&hostile, PEER_FRONT, &said))
        assert_int_equal(said.message, MSG_PASSAGE_REFUSED);
    assert_non_null(call_vacancy(dial, 0));
    assert_false(hostile_hear(&hostile, PEER_CORE, &said));
    /* Another front did not ask for what is under way, and hears nothing of it. */
    frame.id = 1;
    assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &frame)));
    hostile_replace(&hostile, PEER_FRONT);
    for (unsigned i = 0; i < 8; i++)
        turn(&hostile);
    assert_false(hostile_hear(&hostile, PEER_FRONT, &said));
    end(&hostile);
}

static void test_descriptors_that_nobody_asked_for(void **state)
{
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &dial_process, PEERS);
    hostile_descriptors(&hostile);
    end(&hostile);
}

/* Core can say which peer and how long, and nothing else. */
static void test_questions_that_are_none(void **state)
{
    static const struct {
        uint8_t bytes[6];
        size_t len;
        uint64_t id;
    } rows[] = {
        { { 1, 100 }, 5, 1 }, /* one that is not set */
        { { SETTING_PEERS_MAX, 100 }, 5, 1 },
        { { 255, 100 }, 5, 1 },
        { { 0, 0 }, 5, 1 }, /* no time at all */
        { { 0, (DIAL_MS_MAX + 1) & 0xff, (DIAL_MS_MAX + 1) >> 8 }, 5, 1 },
        { { 0, 0xff, 0xff, 0xff, 0xff }, 5, 1 },
        { { 0, 100 }, 4, 1 },
        { { 0, 100 }, 6, 1 },
        { { 0, 100 }, 5, 0 },
    };
    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
        struct hostile hostile;
        struct frame frame = { .message = i % 2 == 0 ? MSG_DIAL : MSG_DIAL_PASSAGE,
                               .id = rows[i / 2].id,
                               .body = span_of(rows[i / 2].bytes, rows[i / 2].len) };
        hostile_begin(&hostile, &dial_process, PEERS);
        if (rc_class_of(hostile_say(&hostile, PEER_CORE, &frame)) != RC_PEER)
            fail_msg("row %zu, message %#x", i / 2, (unsigned)frame.message);
        end(&hostile);
    }
}

/* Of a peer that is not called, or has no public routes, core has no business to ask. */
static void test_what_a_peer_has_not(void **state)
{
    uint8_t bytes[5] = { 0, 100 };
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct hostile hostile;
        struct frame frame = { .message = i == 0 ? MSG_DIAL : MSG_DIAL_PASSAGE,
                               .id = 1,
                               .body = SPAN(bytes) };
        hostile_begin(&hostile, &dial_process, PEERS);
        struct dial *dial = hostile.house.self;
        (i == 0 ? dial->channels : dial->publics)[0].is_set = false;
        assert_int_equal(rc_class_of(hostile_say(&hostile, PEER_CORE, &frame)), RC_PEER);
        end(&hostile);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_by_both, ""), TEST(test_descriptors_that_nobody_asked_for, ""),
        TEST(test_questions_that_are_none, ""),  TEST(test_requests_to_their_limit, ""),
        TEST(test_what_a_peer_has_not, ""),
    };
    return RUN_TESTS(tests);
}
