/* test_log.c - the authority's logs replay to the registers that it says, and nothing that is
   changed, dropped or moved does. */
#include "sim/sim.h"

#include <string.h>

#include "attest/eventlog.h"
#include "base/number.h"

#include "sim/intel_case.h"

#include "test.h"

static const enum log_format formats[] = { LOG_CCEL, LOG_DSTACK_V1, LOG_DSTACK_V2 };

struct judged {
    struct report report;
    struct log_claims log;
};

/* Judges a log against registers; attest/ takes them from a verified quote. */
static struct judged *judge(const struct sim_log_spec *spec, uint8_t rtmr[4][48])
{
    static struct judged judged;
    static struct claims quote;
    static uint8_t text[SIM_LOG_MAX];
    struct sink out = sink_over(text, sizeof text);
    struct arena scratch;
    assert_true(sim_log(spec, &out));
    quote = (struct claims){ .kind = EVIDENCE_TDX_V4, .verified = true };
    memcpy(quote.tdx.rtmr, rtmr, sizeof quote.tdx.rtmr);
    judged = (struct judged){ 0 };
    arena_init(&scratch, EVENTLOG_SCRATCH(out.len));
    eventlog_verify(sink_bytes(&out), &quote, NULL, &scratch, &judged.report, &judged.log);
    arena_fini(&scratch);
    return &judged;
}

static enum reason reason_of(const struct judged *judged)
{
    enum check_id first = report_first_failure(&judged->report);
    return first == CHECK_COUNT ? REASON_OK : (enum reason)judged->report.checks[first].reason;
}

static void test_good_logs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        for (unsigned lite = 0; lite < 2; lite++) {
            uint8_t rtmr[4][48];
            struct sim_log_spec spec = sim_log_default(formats[i]);
            spec.lite = lite != 0;
            sim_log_registers(&spec, rtmr);
            struct judged *j = judge(&spec, rtmr);
            assert_int_equal(reason_of(j), REASON_OK);
            assert_int_equal(j->log.format, formats[i]);
            assert_memory_equal(j->log.replayed, rtmr, sizeof rtmr);
            for (unsigned r = 0; r < 4; r++)
                assert_true(j->log.match[r]);
            assert_true(
                report_passed(&j->report, formats[i] == LOG_CCEL ? CHECK_AE_6 : CHECK_AE_11));
        }
    }
}

static void test_values(void **state)
{
    (void)state;
    static const char *const names[] = { "app_id", "compose_hash", "instance_id", "os_image_hash",
                                         "key_provider" };
    uint8_t rtmr[4][48];
    struct sim_log_spec spec = sim_log_default(LOG_DSTACK_V1);
    sim_log_registers(&spec, rtmr);
    struct judged *j = judge(&spec, rtmr);
    assert_int_equal(j->log.value_count, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(j->log.values[i].name, names[i]);
    assert_int_equal(j->log.values[0].len, 20);
    assert_int_equal(j->log.values[0].bytes[0], 0xa9);
}

/* RL-11 on our own logs: every adjacent swap and every drop, against the old registers. */
static void test_swap_and_drop(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        uint8_t rtmr[4][48], now[4][48];
        const struct sim_log_spec good = sim_log_default(formats[i]);
        sim_log_registers(&good, rtmr);
        for (size_t at = 0; at < good.count; at++) {
            struct sim_log_spec spec = good;
            memmove(&spec.events[at], &spec.events[at + 1],
                    (spec.count - at - 1) * sizeof spec.events[0]);
            spec.count--;
            assert_int_equal(reason_of(judge(&spec, rtmr)), REASON_RTMR_MISMATCH);
            if (at + 1 == good.count)
                continue;
            spec = good;
            spec.events[at] = good.events[at + 1];
            spec.events[at + 1] = good.events[at];
            sim_log_registers(&spec, now);
            bool same = bytes_equal(now, rtmr, sizeof rtmr); /* other registers, or equal data */
            assert_int_equal(same, good.events[at].rtmr != good.events[at + 1].rtmr);
            if (!same)
                assert_int_equal(reason_of(judge(&spec, rtmr)), REASON_RTMR_MISMATCH);
        }
    }
}

/* See case_files.h: the log with a quote of its registers. */
static void keep(const struct sim_log_spec *spec, uint8_t rtmr[4][48], enum reason reason)
{
    static struct intel_case c;
    static uint8_t text[SIM_LOG_MAX];
    struct sink out = sink_over(text, sizeof text);
    assert_true(sim_log(spec, &out));
    intel_case_open(&c);
    memcpy(c.spec.tdx.rtmr, rtmr, sizeof c.spec.tdx.rtmr);
    c.quote_len = intel_make(&c, sim_quote, c.quote, sizeof c.quote).len;
    intel_case_keep(&c, reason, sink_bytes(&out));
    intel_case_close(&c);
}

static void test_wrong_logs(void **state)
{
    (void)state;
    uint8_t rtmr[4][48];
    struct sim_log_spec spec = sim_log_default(LOG_DSTACK_V1);
    spec.events[spec.count++] = (struct sim_event){ 3, 0x08000001, "app-id", span_text("x") };
    sim_log_registers(&spec, rtmr);
    assert_int_equal(reason_of(judge(&spec, rtmr)), REASON_EVENTLOG_DUPLICATE);
    keep(&spec, rtmr, REASON_EVENTLOG_DUPLICATE);
    spec = sim_log_default(LOG_DSTACK_V2);
    spec.events[8].rtmr = 2;
    sim_log_registers(&spec, rtmr);
    assert_int_equal(reason_of(judge(&spec, rtmr)), REASON_EVENTLOG_INDEX_INVALID);
    spec = sim_log_default(LOG_CCEL);
    spec.events[2].rtmr = 7;
    sim_log_registers(&spec, rtmr);
    assert_int_equal(reason_of(judge(&spec, rtmr)), REASON_EVENTLOG_INDEX_INVALID);
}

static void test_no_log(void **state)
{
    (void)state;
    uint8_t text[64];
    struct sink out = sink_over(text, sizeof text);
    struct sim_log_spec spec = { .format = LOG_NONE };
    assert_false(sim_log(&spec, &out));
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        spec = sim_log_default(formats[i]);
        out = sink_over(text, sizeof text);
        assert_false(sim_log(&spec, &out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good_logs, ""),  TEST(test_values, ""), TEST(test_swap_and_drop, ""),
        TEST(test_wrong_logs, ""), TEST(test_no_log, ""),
    };
    return RUN_TESTS(tests);
}
