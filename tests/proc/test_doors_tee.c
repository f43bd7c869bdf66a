/* test_doors_tee.c - the door of ward-tee, kicked; how often it opens; and when the process begins
   anew.  The process itself is here, its main() under another name. */
#include "os/fd.h"
#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/tee/main.c"
#undef main

enum { REPORT_DATA_AT = 48 + 584 - 64 };

static struct tee *tee_of(struct hostile *hostile)
{
    return hostile->house.self;
}

static uint16_t reason_of(const struct frame *frame)
{
    assert_int_equal(frame->message, MSG_EVIDENCE_IS);
    assert_true(frame->body.len >= 10);
    return (uint16_t)(frame->body.at[0] | frame->body.at[1] << 8);
}

/* What tee answers to 64 bytes of this value. */
static uint16_t ask(struct hostile *hostile, uint64_t id, uint8_t value, struct frame *said)
{
    uint8_t bytes[64];
    memset(bytes, value, sizeof bytes);
    struct frame frame = { .message = MSG_EVIDENCE, .id = id, .body = SPAN(bytes) };
    assert_true(rc_ok(hostile_say(hostile, PEER_CORE, &frame)));
    assert_true(hostile_hear(hostile, PEER_CORE, said));
    assert_int_equal(said->id, id);
    return reason_of(said);
}

static void test_anything_is_said_by_core(void **state)
{
    struct hostile hostile;
    struct frame said;
    uint8_t wanted[64];
    (void)state;
    hostile_begin(&hostile, &tee_process, IN(PEER_CORE));
    hostile_run(&hostile, hostile_frames() / 4);
    hostile_descriptors(&hostile);
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    /* And still it gives evidence of what it was asked, to who has not asked too often. */
    tee_of(&hostile)->asked = (struct gcra){ 0 };
    assert_int_equal(ask(&hostile, 4711, 0xa5, &said), REASON_OK);
    memset(wanted, 0xa5, sizeof wanted);
    assert_memory_equal(said.body.at + 6 + REPORT_DATA_AT, wanted, sizeof wanted);
    hostile_end(&hostile);
}

static void test_other_sizes_close_the_channel(void **state)
{
    static const size_t sizes[] = { 0, 1, 63, 65, 128, FRAME_BODY_MAX };
    static uint8_t bytes[FRAME_BODY_MAX];
    struct hostile hostile;
    struct frame said;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct frame frame = { .message = MSG_EVIDENCE, .id = 1, .body = span_of(bytes, sizes[i]) };
        hostile_begin(&hostile, &tee_process, IN(PEER_CORE));
        assert_int_equal(rc_class_of(hostile_say(&hostile, PEER_CORE, &frame)), RC_PEER);
        assert_false(hostile_hear(&hostile, PEER_CORE, &said));
        hostile_end(&hostile);
    }
}

/* Ten thousand in a row: the burst, what the rate adds meanwhile, and no more. */
static void test_so_many_and_no_more(void **state)
{
    enum { ASKED = 10000 };
    struct hostile hostile;
    struct frame said;
    uint64_t made = 0, refused = 0;
    (void)state;
    hostile_begin(&hostile, &tee_process, IN(PEER_CORE));
    int64_t before = clock_monotonic_ms();
    for (uint64_t id = 1; id <= ASKED; id++) {
        uint16_t reason = ask(&hostile, id, (uint8_t)id, &said);
        assert_true(reason == REASON_OK || (reason == REASON_TEE_RATE && said.body.len == 10));
        made += reason == REASON_OK;
        refused += reason == REASON_TEE_RATE;
    }
    uint64_t seconds = (uint64_t)(clock_monotonic_ms() - before) / 1000 + 1;
    assert_true(made >= TEE_BURST && made <= TEE_BURST + seconds * TEE_PER_SECOND);
    assert_int_equal(made + refused, ASKED);
    hostile_end(&hostile);
}

/* What could make another platform is gone before the first message. */
static void test_the_seed_is_forgotten(void **state)
{
    struct hostile hostile;
    (void)state;
    hostile_begin(&hostile, &tee_process, IN(PEER_CORE));
    const struct tee *tee = tee_of(&hostile);
    assert_null(tee->seed);
    for (unsigned key = 0; key < SIM_KEY_COUNT; key++)
        assert_null(tee->authority.keys[key]);
    assert_int_equal(tee->folder, -1);
    for (unsigned program = 0; program < PROGRAM_COUNT; program++)
        assert_int_equal(hostile.house.programs[program], -1);
    hostile_end(&hostile);
}

/* Another period by the clock, later or earlier: it asks to begin anew, once, and ends.  In the
   same period it never does. */
static void test_another_period_begins_anew(void **state)
{
    static const int64_t periods[] = { -1, 0, 1 };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(periods); i++) {
        struct hostile hostile;
        int ends[2];
        struct frame frame;
        hostile_begin(&hostile, &tee_process, IN(PEER_CORE));
        struct tee *tee = tee_of(&hostile);
        assert_true(rc_ok(packet_pair(NULL, ends)));
        channel_attach(&hostile.house.control, ends[0]);
        hostile.far[PEER_MONITOR] = ends[1];
        tee->issued += periods[i] * TEE_PERIOD_S;
        (void)tick(tee, clock_monotonic_ms());
        assert_false(hostile.house.stopping); /* it was not time to look */
        assert_true(reload(tee, &hostile.house.settings));
        (void)tick(tee, clock_monotonic_ms());
        assert_int_equal(hostile.house.stopping, periods[i] != 0);
        assert_true(rc_ok(channel_flush(NULL, &hostile.house.control)));
        assert_int_equal(hostile_hear(&hostile, PEER_MONITOR, &frame), periods[i] != 0);
        if (periods[i] != 0)
            assert_int_equal(frame.message, CONTROL_AGAIN);
        channel_close(&hostile.house.control);
        hostile_end(&hostile);
    }
}

static void test_periods(void **state)
{
    static const struct {
        int64_t now, period;
    } rows[] = {
        { 0, 0 },
        { TEE_PERIOD_S - 1, 0 },
        { TEE_PERIOD_S, TEE_PERIOD_S },
        { -1, -TEE_PERIOD_S },
        { INT64_C(1795867200), INT64_C(1795392000) },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(tee_period(rows[i].now), rows[i].period);
}

/* Whatever the clock says, there is a quote and collateral of that time. */
static void test_any_clock(void **state)
{
    typedef bool writer(const struct sim_authority *, const struct sim_spec *, struct sink *);
    static writer *const writers[] = { sim_quote,   sim_root,     sim_signing_chain, sim_root_crl,
                                       sim_pck_crl, sim_tcb_info, sim_qe_identity };
    static const int64_t clocks[] = { 0, 1, INT64_C(1700000000), INT64_C(4102444800),
                                      INT64_C(253000000000) };
    static uint8_t bytes[SIM_COLLATERAL_MAX];
    struct sim_authority authority;
    (void)state;
    assert_true(sim_authority_init_intel(&authority, span_text("any clock")));
    for (size_t i = 0; i < COUNT_OF(clocks); i++) {
        struct sim_spec spec = spec_of(tee_period(clocks[i]));
        assert_true(spec.tcb_info.validity.until - clocks[i] >= 20 * 86400);
        assert_true(spec.tcb_info.validity.from <= clocks[i] - 86400);
        for (size_t j = 0; j < COUNT_OF(writers); j++) {
            struct sink out = sink_over(bytes, sizeof bytes);
            assert_true(writers[j](&authority, &spec, &out));
        }
    }
    sim_authority_fini(&authority);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_by_core, ""),
        TEST(test_other_sizes_close_the_channel, ""),
        TEST(test_so_many_and_no_more, ""),
        TEST(test_the_seed_is_forgotten, ""),
        TEST(test_another_period_begins_anew, ""),
        TEST(test_periods, ""),
        TEST(test_any_clock, ""),
    };
    return RUN_TESTS(tests);
}
