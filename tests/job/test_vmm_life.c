/* test_vmm_life.c - the life of a machine at a VMM: every pair of state and word, the order of its
   end, and what time brings. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "job/vmm_life.h"

enum { HOUR_MS = 3600 * 1000 };

/* What each state does with each word, written again: '.' is not in the table, '=' stays, '~' stays
   and waits longer, letters lead elsewhere. */
static const char *const pairs[VMM_STATES] = {
    /*                 D  D' S  F  W  R  E  F' A  W' I  L  T  W"
       DONE DENIED SILENT FOREIGN WAITS RUNS ENDED FAULTY ABSENT WELL ILL LATE TIME WISH */
    [VMM_CREATING] = "BFFF.........G", [VMM_FINDING] = "S~~~....G..L.=",
    [VMM_BOOTING] = ".~~S=PSSS..S.S",  [VMM_PROBING] = ".~~S==SSSA=SSS",
    [VMM_ACTIVE] = ".~~S==SSS=P.SS",   [VMM_STOPPING] = "HH~H.......L.=",
    [VMM_SHUTTING] = "RR~R.......L.=", [VMM_REMOVING] = "VV~V.......L.=",
    [VMM_LEAVING] = ".~~~=SRSG..L.=",  [VMM_GONE] = "..............",
    [VMM_LEFT] = "..............",
};
static const char letters[VMM_STATES] = {
    [VMM_FINDING] = 'F',  [VMM_BOOTING] = 'B',  [VMM_PROBING] = 'P',  [VMM_ACTIVE] = 'A',
    [VMM_STOPPING] = 'S', [VMM_SHUTTING] = 'H', [VMM_REMOVING] = 'R', [VMM_LEAVING] = 'V',
    [VMM_GONE] = 'G',     [VMM_LEFT] = 'L',
};

static void hear(struct vmm_life *life, enum vmm_heard heard, int64_t now)
{
    if (!vmm_life_hear(life, heard, now))
        fail_msg("state %d does not know word %d", life->state, heard);
    assert_true(vmm_life_is_sound(life));
}

/* A life that has come so far, at 0. */
static struct vmm_life life_in(enum vmm_state state)
{
    struct vmm_life life = vmm_life_of_job(true, HOUR_MS, 0);
    if (state == VMM_CREATING)
        return life;
    if (state == VMM_FINDING || state == VMM_LEFT) {
        hear(&life, VMM_SILENT, 0);
        if (state == VMM_LEFT)
            hear(&life, VMM_LATE, 0);
        return life;
    }
    static const enum vmm_heard way[] = { VMM_DONE, VMM_RUNS, VMM_WELL, VMM_ENDED,
                                          VMM_DONE, VMM_DONE, VMM_DONE, VMM_ABSENT };
    for (size_t i = 0; i < COUNT_OF(way) && life.state != state; i++)
        hear(&life, way[i], 0);
    assert_int_equal(life.state, state);
    return life;
}

static bool is_same(const struct vmm_life *a, const struct vmm_life *b)
{
    return a->state == b->state && a->reason == b->reason && a->probes == b->probes &&
           a->second == b->second && a->failures == b->failures && a->time_ms == b->time_ms &&
           a->due_ms == b->due_ms && a->next_ms == b->next_ms && a->late_ms == b->late_ms;
}

static void test_all_pairs(void **unused)
{
    (void)unused;
    for (int state = 0; state < VMM_STATES; state++) {
        assert_int_equal(strlen(pairs[state]), VMM_HEARDS);
        for (int heard = 0; heard < VMM_HEARDS; heard++) {
            struct vmm_life life = life_in((enum vmm_state)state);
            const struct vmm_life before = life;
            const char wanted = pairs[state][heard];
            const bool known = vmm_life_hear(&life, (enum vmm_heard)heard, 1000);
            const bool stays = wanted == '.' || wanted == '=' || wanted == '~';
            if (known != (wanted != '.') || (stays && life.state != before.state) ||
                (!stays && letters[life.state] != wanted) || !vmm_life_is_sound(&life) ||
                (wanted == '.' && !is_same(&life, &before)) ||
                life.failures != (wanted == '~' ? 1 : 0))
                fail_msg("state %d, word %d: state %d, %u failures", state, heard, life.state,
                         life.failures);
        }
    }
}

/* Stop, 3 s, shut down, 2 s, remove, and not gone before it is told so. */
static void check_end(struct vmm_life *life, int64_t now)
{
    assert_int_equal(vmm_life_act(life), VMM_ACT_STOP);
    assert_true(vmm_life_is_due(life, now));
    hear(life, VMM_DONE, now);
    assert_int_equal(vmm_life_act(life), VMM_ACT_SHUT_DOWN);
    assert_false(vmm_life_is_due(life, now + VMM_STOPPED_MS - 1));
    assert_true(vmm_life_is_due(life, now += VMM_STOPPED_MS));
    hear(life, VMM_DENIED, now);
    assert_int_equal(vmm_life_act(life), VMM_ACT_REMOVE);
    assert_false(vmm_life_is_due(life, now + VMM_SHUT_MS - 1));
    assert_true(vmm_life_is_due(life, now += VMM_SHUT_MS));
    hear(life, VMM_DONE, now);
    assert_int_equal(vmm_life_act(life), VMM_ACT_LOOK);
    hear(life, VMM_WAITS, now);
    assert_false(vmm_life_is_over(life));
    hear(life, VMM_ABSENT, now);
    assert_int_equal(life->state, VMM_GONE);
    assert_int_equal(vmm_life_act(life), VMM_ACT_NONE);
    assert_false(vmm_life_is_due(life, INT64_MAX));
}

static void test_every_end_has_the_same_steps(void **unused)
{
    (void)unused;
    static const struct {
        enum vmm_state from;
        enum vmm_heard heard;
        enum reason reason;
    } rows[] = {
        { VMM_ACTIVE, VMM_ENDED, REASON_OK },
        { VMM_ACTIVE, VMM_TIME, REASON_JOB_TIME },
        { VMM_ACTIVE, VMM_WISH, REASON_JOB_CANCELLED },
        { VMM_ACTIVE, VMM_ABSENT, REASON_JOB_MACHINE },
        { VMM_ACTIVE, VMM_FOREIGN, REASON_JOB_VMM },
        { VMM_PROBING, VMM_LATE, REASON_JOB_MACHINE },
        { VMM_PROBING, VMM_WISH, REASON_JOB_CANCELLED },
        { VMM_BOOTING, VMM_FAULTY, REASON_JOB_MACHINE },
        { VMM_BOOTING, VMM_LATE, REASON_JOB_MACHINE },
        { VMM_BOOTING, VMM_WISH, REASON_JOB_CANCELLED },
        { VMM_FINDING, VMM_DONE, REASON_JOB_VMM },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct vmm_life life = life_in(rows[i].from);
        hear(&life, rows[i].heard, 100);
        assert_int_equal(life.reason, rows[i].reason);
        check_end(&life, 100);
        assert_int_equal(life.reason, rows[i].reason);
    }
    struct vmm_life orphan = vmm_life_of_orphan(5);
    assert_true(vmm_life_is_sound(&orphan));
    check_end(&orphan, 5);
}

/* 500 ms apart, for 120 s, and then its end. */
static void test_a_job_that_is_never_well(void **unused)
{
    (void)unused;
    struct vmm_life life = life_in(VMM_PROBING);
    int64_t now = 0;
    unsigned probes = 0;
    while (life.state == VMM_PROBING) {
        vmm_life_tick(&life, now);
        if (life.state == VMM_PROBING && vmm_life_is_due(&life, now)) {
            const bool probe = vmm_life_act(&life) == VMM_ACT_PROBE;
            assert_true(!probe || now == (int64_t)probes * VMM_PROBE_EVERY_MS);
            probes += probe ? 1 : 0;
            hear(&life, probe ? VMM_ILL : VMM_RUNS, now);
        }
        now = vmm_life_wakes(&life);
    }
    assert_int_equal(probes, 240);
    assert_int_equal(life.reason, REASON_JOB_MACHINE);
    check_end(&life, 120000);
}

/* A machine of which nothing can be asked is watched itself. */
static void test_without_a_probe(void **unused)
{
    (void)unused;
    struct vmm_life life = vmm_life_of_job(false, HOUR_MS, 0);
    hear(&life, VMM_DONE, 0);
    hear(&life, VMM_RUNS, 7);
    assert_int_equal(life.state, VMM_ACTIVE);
    for (int64_t now = 10; now < 30; now++) {
        assert_int_equal(vmm_life_act(&life), VMM_ACT_LOOK);
        hear(&life, VMM_RUNS, now);
        assert_int_equal(life.next_ms, now + VMM_WATCH_EVERY_MS);
    }
    vmm_life_tick(&life, 7 + HOUR_MS - 1);
    assert_int_equal(life.state, VMM_ACTIVE);
    vmm_life_tick(&life, 7 + HOUR_MS);
    assert_int_equal(life.reason, REASON_JOB_TIME);
}

static void test_the_job_is_asked_after_its_machine(void **unused)
{
    (void)unused;
    struct vmm_life life = life_in(VMM_ACTIVE);
    assert_int_equal(vmm_life_act(&life), VMM_ACT_LOOK);
    hear(&life, VMM_RUNS, 1000);
    assert_int_equal(vmm_life_act(&life), VMM_ACT_PROBE);
    assert_true(vmm_life_is_due(&life, 1000));
    hear(&life, VMM_WELL, 1000);
    assert_int_equal(vmm_life_act(&life), VMM_ACT_LOOK);
    assert_int_equal(life.next_ms, 1000 + VMM_WATCH_EVERY_MS);
}

/* From 1 to 30 s, and from 1 again after an answer. */
static void test_a_vmm_that_is_away(void **unused)
{
    (void)unused;
    static const int64_t waits[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
    struct vmm_life life = life_in(VMM_ACTIVE);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT_OF(waits); i++) {
            hear(&life, i % 2 == 0 ? VMM_SILENT : VMM_DENIED, 50);
            assert_int_equal(life.next_ms, 50 + waits[i]);
        }
        hear(&life, VMM_RUNS, 60);
        assert_int_equal(life.failures, 0);
    }
    for (int i = 0; i < 1000; i++)
        hear(&life, VMM_SILENT, 50);
    assert_int_equal(life.next_ms, 50 + VMM_AGAIN_MOST_MS);
}

/* One limit for all the steps of an end, however they lead round; and then it is said. */
static void test_a_machine_that_does_not_go(void **unused)
{
    (void)unused;
    struct vmm_life life = life_in(VMM_ACTIVE);
    int64_t now = 1000;
    unsigned stops = 0;
    hear(&life, VMM_WISH, now);
    while (!vmm_life_is_over(&life)) {
        vmm_life_tick(&life, now);
        if (vmm_life_is_due(&life, now)) {
            stops += vmm_life_act(&life) == VMM_ACT_STOP ? 1 : 0;
            hear(&life, vmm_life_act(&life) == VMM_ACT_LOOK ? VMM_RUNS : VMM_DONE, now);
        }
        now = vmm_life_is_over(&life) ? now : vmm_life_wakes(&life);
    }
    assert_int_equal(now, 1000 + VMM_END_MS);
    assert_int_equal(stops, 36);
    assert_int_equal(life.state, VMM_LEFT);
    assert_int_equal(life.reason, REASON_JOB_CANCELLED);
}

/* Many wishes neither hurry an end nor put it off. */
static void test_wishes_while_it_ends(void **unused)
{
    (void)unused;
    struct vmm_life life = life_in(VMM_SHUTTING);
    const struct vmm_life before = life;
    for (int64_t now = 0; now < 100; now++)
        hear(&life, VMM_WISH, now);
    assert_memory_equal(&life, &before, sizeof life);
}

static void test_whoever_may_have_been_given_one(void **unused)
{
    (void)unused;
    struct vmm_life life = life_in(VMM_FINDING);
    assert_int_equal(vmm_life_act(&life), VMM_ACT_FIND);
    hear(&life, VMM_SILENT, 0);
    vmm_life_tick(&life, VMM_END_MS - 1);
    assert_int_equal(life.state, VMM_FINDING);
    vmm_life_tick(&life, VMM_END_MS);
    assert_int_equal(life.state, VMM_LEFT);
    life = life_in(VMM_FINDING);
    hear(&life, VMM_ABSENT, 0);
    assert_int_equal(life.state, VMM_GONE);
    assert_int_equal(life.reason, REASON_JOB_VMM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_pairs, ""),
        TEST(test_every_end_has_the_same_steps, "PC-50"),
        TEST(test_a_job_that_is_never_well, "PC-50"),
        TEST(test_without_a_probe, ""),
        TEST(test_the_job_is_asked_after_its_machine, ""),
        TEST(test_a_vmm_that_is_away, "PC-50"),
        TEST(test_a_machine_that_does_not_go, "PC-47"),
        TEST(test_wishes_while_it_ends, ""),
        TEST(test_whoever_may_have_been_given_one, "PC-47"),
    };
    return RUN_TESTS(tests);
}
