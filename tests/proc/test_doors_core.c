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

/* Once it was fetched at 1,000,000: a day later, in the last quarter of its life at the latest, and
   never at once; chance only brings it nearer. */
static void test_when_a_piece_is_due(void **state)
{
    enum { AT = 1000000, DAY = 86400 };
    static const struct {
        int64_t issued, expires, refresh, due;
    } rows[] = {
        { AT, AT + 30 * DAY, DAY, AT + DAY },
        { AT - 29 * DAY, AT + DAY, DAY, AT + 600 },
        { AT - 10 * DAY, AT + 30 * DAY, 30 * DAY, AT + 20 * DAY },
        { AT - DAY, AT + 1, DAY, AT + 600 },
        { AT, AT + 2, DAY, AT + 600 },
    };
    static const uint32_t chances[] = { 0, 1, 4711, UINT32_MAX };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct core_piece piece = { .fetched = AT,
                                    .issued = rows[i].issued,
                                    .expires = rows[i].expires };
        assert_int_equal(collateral_due(&piece, rows[i].refresh, 0), rows[i].due);
        for (size_t j = 0; j < COUNT_OF(chances); j++) {
            int64_t due = collateral_due(&piece, rows[i].refresh, chances[j]);
            assert_true(due >= AT + 600 && due <= rows[i].due);
            assert_true(due == AT + 600 || due - AT >= (rows[i].due - AT) / 8 * 7);
        }
    }
    for (uint32_t failures = 1; failures < 40; failures++) {
        int64_t wait = failures < 8 ? 30 << (failures - 1) : 3840;
        assert_int_equal(collateral_again(failures, AT, 0), AT + wait);
        for (size_t j = 0; j < COUNT_OF(chances); j++) {
            int64_t again = collateral_again(failures, AT, chances[j]);
            assert_true(again >= AT + wait && again < AT + wait + wait / 4 + 1);
        }
    }
}

/* However many platforms are seen: so many are kept, the newest, and what all of them need. */
static void test_so_many_platforms_and_no_more(void **state)
{
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &core_process, 0);
    struct core *core = hostile.house.self;
    for (uint8_t i = 1; i <= 100; i++) {
        const struct pcs_platform platform = { i % 2 == 0, i % 3 == 0, { i } };
        size_t infos = 0, others = 0;
        collateral_want(core, &platform, 1000);
        collateral_want(core, &platform, 1000); /* seen again it is the same one */
        for (size_t j = 0; j < COLLATERAL_PLACES; j++) {
            const struct core_piece *piece = &core->collateral.pieces[j];
            bool info = piece->used && piece->thing == PCS_TCB_INFO;
            infos += info;
            others += piece->used && !info;
            assert_true(!info || piece->scope.fmspc[0] + COLLATERAL_PLATFORMS > i);
            assert_true(piece->chain != NULL && piece->body != NULL);
        }
        assert_int_equal(infos, i < COLLATERAL_PLATFORMS ? i : COLLATERAL_PLATFORMS);
        assert_true(others <= COLLATERAL_PLACES - COLLATERAL_PLATFORMS);
    }
    hostile_end(&hostile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_by_front, ""),     TEST(test_anything_is_said_by_all, ""),
        TEST(test_so_many_wait_and_no_more, ""),      TEST(test_when_a_piece_is_due, ""),
        TEST(test_so_many_platforms_and_no_more, ""),
    };
    return RUN_TESTS(tests);
}
