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
    hostile_descriptors(&hostile);
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
    hostile_descriptors(&hostile);
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

static rc report(struct hostile *hostile, uint8_t offence, const struct address *address)
{
    uint8_t bytes[1 + ADDRESS_LEN];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, offence);
    sink_put(&body, SPAN(address->bytes));
    struct frame frame = { .message = MSG_OFFENCE, .body = sink_bytes(&body) };
    return hostile_say(hostile, PEER_FRONT, &frame);
}

static struct address stranger(uint8_t last)
{
    return address_of_v4((const uint8_t[]){ 203, 0, 113, last });
}

static bool is_banned(const struct hostile *hostile, const struct address *address)
{
    const struct core *core = hostile->house.self;
    uint64_t now = (uint64_t)clock_monotonic_ms() * 1000;
    return ban_find(&core->bans.table.bans.view, address, now, NULL);
}

/* What a front may say of others, and what a front that lies cannot: ban for long, ban the
   owner's own machine or whoever is on the list, or use the operator's word. */
static void test_what_front_says_of_others(void **state)
{
    struct hostile hostile;
    struct address abuser = stranger(1), slow = stranger(2), listed = stranger(65),
                   here = address_of_v4((const uint8_t[]){ 127, 0, 0, 1 });
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT));
    const struct core *core = hostile.house.self;
    assert_true(rc_ok(report(&hostile, OFFENCE_GRACE_EXCEEDED, &slow)));
    assert_false(is_banned(&hostile, &slow));
    assert_int_equal(*core->bans.table.changes, 0);
    assert_true(rc_ok(report(&hostile, OFFENCE_GRACE_EXCEEDED, &slow)));
    assert_true(rc_ok(report(&hostile, OFFENCE_ABUSE, &abuser)));
    assert_true(is_banned(&hostile, &slow) && is_banned(&hostile, &abuser));
    assert_int_equal(*core->bans.table.changes, 2);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(rc_ok(report(&hostile, OFFENCE_ABUSE, &here)));
        assert_true(rc_ok(report(&hostile, OFFENCE_ABUSE, &listed)));
        assert_true(rc_ok(report(&hostile, OFFENCE_ABUSE, &abuser)));
    }
    assert_false(is_banned(&hostile, &here) || is_banned(&hostile, &listed));
    struct ban ban;
    uint64_t now = (uint64_t)clock_monotonic_ms() * 1000;
    assert_true(ban_find(&core->bans.table.bans.view, &abuser, now, &ban));
    assert_true(ban.until_us <= now + ban_rules_default().cap_us);
    /* These are not front's to say. */
    static const uint8_t others[] = { OFFENCE_NONE,    OFFENCE_CRASH, OFFENCE_AUTH_FAILED,
                                      OFFENCE_IMPOSED, OFFENCE_COUNT, 255 };
    for (size_t i = 0; i < sizeof others; i++) {
        struct address other = stranger((uint8_t)(100 + i));
        assert_int_equal(rc_class_of(report(&hostile, others[i], &other)), RC_PEER);
        assert_false(is_banned(&hostile, &other));
    }
    hostile_end(&hostile);
}

/* A verify that crashes on what one peer sent, and what core makes of it. */
static void send_evidence(struct hostile *hostile, uint64_t id, const struct address *from,
                          enum reason verdict)
{
    uint8_t bytes[64];
    struct frame frame;
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, METHOD_ATTEST_VERIFY);
    sink_u8(&body, CALLER_OWNER); /* nobody else may ask yet */
    sink_put(&body, SPAN(from->bytes));
    sink_zero(&body, 16 + 4);
    frame = (struct frame){ .message = MSG_REQUEST, .id = id, .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_say(hostile, PEER_FRONT, &frame)));
    assert_true(hostile_hear(hostile, PEER_VERIFY, &frame));
    body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)verdict);
    sink_zero(&body, 8);
    frame = (struct frame){ .message = MSG_JUDGED, .id = frame.id, .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_say(hostile, PEER_VERIFY, &frame)));
    struct frame judged = frame;
    assert_true(hostile_hear(hostile, PEER_FRONT, &frame));
    assert_int_equal(frame.id, id);
    /* What is said once more is said too late. */
    assert_true(rc_ok(hostile_say(hostile, PEER_VERIFY, &judged)));
    assert_false(hostile_hear(hostile, PEER_FRONT, &frame));
}

static void test_evidence_that_crashes_is_charged(void **state)
{
    struct hostile hostile;
    struct address guilty = stranger(1), honest = stranger(2), nobody = { { 0 } };
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT) | IN(PEER_VERIFY) | IN(PEER_AUDIT));
    const struct core *core = hostile.house.self;
    send_evidence(&hostile, 1, &guilty, REASON_EVIDENCE_CRASHED);
    assert_false(is_banned(&hostile, &guilty)); /* once is nothing yet */
    send_evidence(&hostile, 2, &honest, REASON_EVIDENCE_DEADLINE);
    send_evidence(&hostile, 3, &honest, REASON_EVIDENCE_DEADLINE);
    for (uint64_t id = 4; id < 8; id++)
        send_evidence(&hostile, id, &nobody, REASON_EVIDENCE_CRASHED); /* the owner's own */
    send_evidence(&hostile, 8, &guilty, REASON_EVIDENCE_CRASHED);
    assert_true(is_banned(&hostile, &guilty));
    assert_false(is_banned(&hostile, &honest) || is_banned(&hostile, &nobody));
    assert_int_equal(ban_count(&core->bans.table.bans.view, (uint64_t)clock_monotonic_ms() * 1000),
                     1);
    hostile_end(&hostile);
}

/* The end of a front, as the monitor tells of it: once for each number, however often. */
static void front_ends(struct hostile *hostile, uint64_t number, uint32_t pid)
{
    struct happening happening = {
        .number = number, .what = HAPPENED_KILLED, .peer = PEER_FRONT, .pid = pid, .code = 11
    };
    core_front_died(hostile->house.self, &happening);
}

static void test_a_crash_is_judged_once(void **state)
{
    struct hostile hostile;
    struct serving_writer front;
    struct address guilty = stranger(1), bystander = stranger(2);
    (void)state;
    hostile_begin(&hostile, &core_process, IN(PEER_FRONT));
    struct core *core = hostile.house.self;
    const struct crash_log *crashes = core->bans.table.crashes;
    assert_true(serving_begin(&front, hostile.house.files[FILE_SERVING], 100));
    serving_note(&front, 0, &guilty);
    front_ends(&hostile, 7, 99); /* of which nothing is known */
    assert_int_equal(crashes->count, 0);
    for (unsigned i = 0; i < 5; i++)
        front_ends(&hostile, 8, 100);
    assert_int_equal(crashes->count, 1);
    assert_false(is_banned(&hostile, &guilty));
    /* In company, as often as it likes: nobody is guilty, both are suspects. */
    serving_note(&front, 1, &bystander);
    for (uint64_t number = 9; number < 20; number++)
        front_ends(&hostile, number, 100);
    uint64_t now = (uint64_t)clock_monotonic_ms() * 1000;
    assert_false(is_banned(&hostile, &guilty) || is_banned(&hostile, &bystander));
    assert_int_equal(ban_count(&core->bans.table.suspects.view, now), 2);
    /* A second time alone. */
    serving_clear(&front, 1);
    front_ends(&hostile, 20, 100);
    assert_true(is_banned(&hostile, &guilty));
    assert_false(is_banned(&hostile, &bystander));
    hostile_end(&hostile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_by_front, "RL-34"),
        TEST(test_anything_is_said_by_all, "RL-34"),
        TEST(test_so_many_wait_and_no_more, ""),
        TEST(test_what_front_says_of_others, ""),
        TEST(test_evidence_that_crashes_is_charged, "RL-34"),
        TEST(test_a_crash_is_judged_once, ""),
    };
    return RUN_TESTS(tests);
}
