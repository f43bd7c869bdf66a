/* test_doors_tee.c - the door of ward-tee, kicked; how often it opens; and when the process begins
   anew.  The process itself is here, its main() under another name. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "os/fd.h"
#include "os/open_fds.h"
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

static void test_anything_is_said_by_core_and_runner(void **state)
{
    struct hostile hostile;
    struct frame said;
    uint8_t wanted[64];
    (void)state;
    hostile_begin(&hostile, &tee_process, IN(PEER_CORE) | IN(PEER_RUNNER));
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

/* ---- sandboxes ------------------------------------------------------------------------------- */

static const uint8_t job[JOB_ID] = { 7, 8, 9 };

/* A file that nobody has a name for. */
static int file_of(const char *text)
{
    int fd = memfd_create("measured", MFD_CLOEXEC);
    assert_true(fd >= 0 && fd_write(fd, span_text(text)));
    return fd;
}

static void put_launch_words(struct sink *body, const char *line)
{
    static const uint8_t arguments[SIM_LAUNCH_HASH] = { 4 };
    sink_put(body, SPAN(job));
    sink_put(body, SPAN(arguments));
    sink_u8(body, 0);
    put_bytes(body, span_text(line));
}

/* What tee says of these files; the ticket is copied. */
static enum reason measure(struct hostile *hostile, const int *fds, size_t count,
                           struct sink *ticket)
{
    uint8_t bytes[JOB_ID + LAUNCH_HEAD + LAUNCH_LINE_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    const bool machine = count == LAUNCH_MACHINE_FDS;
    struct frame said;
    uint16_t reason = 0;
    struct span given;
    put_launch_words(&body, machine ? "quiet" : "");
    const struct frame frame = { .message = machine ? MSG_MEASURE_MACHINE : MSG_MEASURE_CONTAINER,
                                 .id = 5,
                                 .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_hand_all(hostile, PEER_RUNNER, &frame, fds, count)));
    assert_true(hostile_hear(hostile, PEER_RUNNER, &said));
    assert_true(said.message == MSG_MEASURED && said.id == 5);
    struct cursor in = cur_over(said.body);
    assert_true(cur_u16le(&in, &reason) && get_bytes(&in, LAUNCH_TICKET_MAX, &given) &&
                cur_end(&in) && (given.len > 0) == (reason == REASON_OK));
    sink_put(ticket, given);
    return (enum reason)reason;
}

/* What it says to core of a ticket; of evidence the quote of the sandbox. */
static enum reason evidence_of(struct hostile *hostile, struct span ticket, const uint8_t *of,
                               struct span spec, struct span *quote)
{
    uint8_t bytes[EVIDENCE_BOTH_HEAD + LAUNCH_TICKET_MAX], report_data[64];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct frame said;
    uint16_t reason = 0;
    struct span own, log, its_log;
    for (uint8_t i = 1; i <= 2; i++) {
        memset(report_data, i, sizeof report_data);
        sink_put(&body, SPAN(report_data));
    }
    sink_put(&body, span_of(of, JOB_ID));
    sink_put(&body, spec);
    put_bytes(&body, ticket);
    const struct frame frame = { .message = MSG_EVIDENCE_BOTH, .id = 6, .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_say(hostile, PEER_CORE, &frame)));
    assert_true(hostile_hear(hostile, PEER_CORE, &said));
    assert_true(said.message == MSG_EVIDENCE_BOTH_ARE && said.id == 6);
    struct cursor in = cur_over(said.body);
    assert_true(cur_u16le(&in, &reason) && get_bytes(&in, EVIDENCE_QUOTE_MAX, &own) &&
                get_bytes(&in, EVIDENCE_LOG_MAX, &log) &&
                get_bytes(&in, EVIDENCE_QUOTE_MAX, quote) &&
                get_bytes(&in, SIM_LAUNCH_LOG_MAX, &its_log) && cur_end(&in));
    assert_true((own.len > 0) == (reason == REASON_OK) && own.len == quote->len);
    assert_true((its_log.len > 0) == (reason == REASON_OK));
    return (enum reason)reason;
}

/* Of a container and of a machine: the registers are those of the files' contents. */
static void test_what_was_measured_comes_back(void **state)
{
    (void)state;
    for (size_t count = LAUNCH_CONTAINER_FDS; count <= LAUNCH_MACHINE_FDS; count += 2) {
        struct hostile hostile;
        uint8_t bytes[LAUNCH_TICKET_MAX], mrtd[48], rtmr[4][48];
        struct sink ticket = sink_over(bytes, sizeof bytes);
        struct span quote;
        struct sim_launch launch = { .machine = count == LAUNCH_MACHINE_FDS,
                                     .arguments = { 4 },
                                     .has_job = true,
                                     .command_line = span_text("quiet") };
        const int fds[] = { file_of("spec"), file_of("manifest"), file_of("kernel"),
                            file_of("initramfs") };
        hash_sha256(span_text("spec"), launch.spec);
        hash_sha256(span_text("manifest"), launch.image);
        hash_sha256(span_text("kernel"), launch.kernel);
        hash_sha256(span_text("initramfs"), launch.initramfs);
        memcpy(launch.job, job, sizeof job);
        sim_launch_measure(&launch, mrtd, rtmr);
        hostile_begin(&hostile, &tee_process, IN(PEER_CORE) | IN(PEER_RUNNER));
        assert_int_equal(measure(&hostile, fds, count, &ticket), REASON_OK);
        assert_int_equal(evidence_of(&hostile, sink_bytes(&ticket), job, SPAN(launch.spec), &quote),
                         REASON_OK);
        assert_memory_equal(quote.at + 48 + 136, mrtd, sizeof mrtd);
        assert_memory_equal(quote.at + 48 + 328, rtmr, sizeof rtmr);
        assert_int_equal(quote.at[REPORT_DATA_AT], 2);
        /* Its own evidence is none the less of itself. */
        assert_memory_not_equal(tee_of(&hostile)->quote + 48 + 136, mrtd, sizeof mrtd);
        hostile_end(&hostile);
        for (size_t i = 0; i < COUNT_OF(fds); i++)
            close(fds[i]);
    }
}

/* A ticket with a bit turned, of another job or specification, of another house: none. */
static void test_tickets_that_are_none(void **state)
{
    static const uint8_t other[JOB_ID] = { 7, 8 };
    uint8_t bytes[LAUNCH_TICKET_MAX], spec[SIM_LAUNCH_HASH];
    struct sink ticket = sink_over(bytes, sizeof bytes);
    struct hostile hostile;
    struct span quote;
    const int fds[] = { file_of("spec"), file_of("manifest") };
    (void)state;
    hash_sha256(span_text("spec"), spec);
    hostile_begin(&hostile, &tee_process, IN(PEER_CORE) | IN(PEER_RUNNER));
    assert_int_equal(measure(&hostile, fds, 2, &ticket), REASON_OK);
    for (size_t bit = 0; bit < 8 * ticket.len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(evidence_of(&hostile, sink_bytes(&ticket), job, SPAN(spec), &quote),
                         REASON_RESULT_TICKET);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < ticket.len; len++)
        assert_int_equal(evidence_of(&hostile, span_of(bytes, len), job, SPAN(spec), &quote),
                         REASON_RESULT_TICKET);
    assert_int_equal(evidence_of(&hostile, sink_bytes(&ticket), other, SPAN(spec), &quote),
                     REASON_RESULT_TICKET);
    spec[31] ^= 1;
    assert_int_equal(evidence_of(&hostile, sink_bytes(&ticket), job, SPAN(spec), &quote),
                     REASON_RESULT_TICKET);
    spec[31] ^= 1;
    assert_int_equal(evidence_of(&hostile, sink_bytes(&ticket), job, SPAN(spec), &quote),
                     REASON_OK);
    hostile_end(&hostile);
    hostile_begin(&hostile, &tee_process, IN(PEER_CORE)); /* with a seed of its own */
    assert_int_equal(evidence_of(&hostile, sink_bytes(&ticket), job, SPAN(spec), &quote),
                     REASON_RESULT_TICKET);
    hostile_end(&hostile);
    close(fds[0]);
    close(fds[1]);
}

/* What it says to a job's guest agent, by way of the runner. */
static enum reason quote_for(struct hostile *hostile, struct span ticket, const uint8_t *of,
                             const uint8_t report_data[64], struct span *quote)
{
    uint8_t bytes[EVIDENCE_SANDBOX_HEAD + LAUNCH_TICKET_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct frame said;
    uint16_t reason = 0;
    struct span log;
    sink_put(&body, span_of(of, JOB_ID));
    sink_put(&body, span_of(report_data, 64));
    put_bytes(&body, ticket);
    const struct frame frame = { .message = MSG_EVIDENCE_SANDBOX,
                                 .id = 8,
                                 .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_say(hostile, PEER_RUNNER, &frame)));
    assert_true(hostile_hear(hostile, PEER_RUNNER, &said));
    assert_true(said.message == MSG_EVIDENCE_SANDBOX_IS && said.id == 8);
    struct cursor in = cur_over(said.body);
    assert_true(cur_u16le(&in, &reason) && get_bytes(&in, EVIDENCE_QUOTE_MAX, quote) &&
                get_bytes(&in, SIM_LAUNCH_LOG_MAX, &log) && cur_end(&in));
    assert_true((quote->len > 0) == (reason == REASON_OK) && (log.len > 0) == (quote->len > 0));
    return (enum reason)reason;
}

/* Of its own sandbox, with the bytes that it wants; of another job's, or with the tags of results,
   none. */
static void test_a_job_asks_for_evidence(void **state)
{
    static const uint8_t other[JOB_ID] = { 7, 8 };
    uint8_t bytes[LAUNCH_TICKET_MAX], report_data[64], key[JOB_RESULT_KEY] = { 1 };
    uint8_t mrtd[48], rtmr[4][48];
    struct sink ticket = sink_over(bytes, sizeof bytes);
    struct hostile hostile;
    struct span quote;
    struct sim_launch launch = { .arguments = { 4 }, .has_job = true };
    const int fds[] = { file_of("spec"), file_of("manifest") };
    (void)state;
    hash_sha256(span_text("spec"), launch.spec);
    hash_sha256(span_text("manifest"), launch.image);
    memcpy(launch.job, job, sizeof job);
    sim_launch_measure(&launch, mrtd, rtmr);
    memset(report_data, 9, sizeof report_data);
    hostile_begin(&hostile, &tee_process, IN(PEER_CORE) | IN(PEER_RUNNER));
    assert_int_equal(measure(&hostile, fds, 2, &ticket), REASON_OK);
    assert_int_equal(quote_for(&hostile, sink_bytes(&ticket), job, report_data, &quote), REASON_OK);
    assert_memory_equal(quote.at + 48 + 136, mrtd, sizeof mrtd);
    assert_memory_equal(quote.at + 48 + 328, rtmr, sizeof rtmr);
    assert_memory_equal(quote.at + REPORT_DATA_AT, report_data, sizeof report_data);
    assert_int_equal(quote_for(&hostile, sink_bytes(&ticket), other, report_data, &quote),
                     REASON_RESULT_TICKET);
    bytes[20] ^= 1;
    assert_int_equal(quote_for(&hostile, sink_bytes(&ticket), job, report_data, &quote),
                     REASON_RESULT_TICKET);
    bytes[20] ^= 1;
    for (int of = JOB_RESULT_OF_NODE; of <= JOB_RESULT_OF_SANDBOX; of++) {
        job_result_bind((enum job_result_of)of, key, report_data);
        assert_int_equal(quote_for(&hostile, sink_bytes(&ticket), job, report_data, &quote),
                         REASON_HTTP_BODY_INVALID);
    }
    hostile_end(&hostile);
    close(fds[0]);
    close(fds[1]);
}

/* Jobs that go on asking are refused, and core's evidence is made all the same. */
static void test_so_many_for_jobs_and_no_more(void **state)
{
    uint8_t bytes[LAUNCH_TICKET_MAX], report_data[64] = { 0 };
    struct sink ticket = sink_over(bytes, sizeof bytes);
    struct hostile hostile;
    struct frame said;
    struct span quote;
    const int fds[] = { file_of("spec"), file_of("manifest") };
    uint64_t made = 0;
    (void)state;
    hostile_begin(&hostile, &tee_process, IN(PEER_CORE) | IN(PEER_RUNNER));
    assert_int_equal(measure(&hostile, fds, 2, &ticket), REASON_OK);
    const int64_t before = clock_monotonic_ms();
    for (unsigned i = 0; i < 4 * TEE_SANDBOX_BURST; i++) {
        const enum reason reason = quote_for(&hostile, sink_bytes(&ticket), job, report_data,
                                             &quote);
        assert_true(reason == REASON_OK || reason == REASON_TEE_RATE);
        made += reason == REASON_OK;
    }
    const uint64_t seconds = (uint64_t)(clock_monotonic_ms() - before) / 1000 + 1;
    assert_true(made >= TEE_SANDBOX_BURST &&
                made <= TEE_SANDBOX_BURST + seconds * TEE_SANDBOX_PER_SECOND);
    assert_int_equal(ask(&hostile, 1, 1, &said), REASON_OK);
    hostile_end(&hostile);
    close(fds[0]);
    close(fds[1]);
}

/* What is no file with something in it, or too much, is not measured; and nothing stays open. */
static void test_what_cannot_be_measured(void **state)
{
    uint8_t bytes[LAUNCH_TICKET_MAX];
    struct hostile hostile;
    int ends[2];
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const int good = file_of("good"), huge = file_of("");
    const int bad[] = { ends[0],
                        ends[1],
                        open("/", O_RDONLY | O_CLOEXEC),
                        open("/dev/zero", O_RDONLY | O_CLOEXEC),
                        open("/proc/self/exe", O_PATH | O_CLOEXEC),
                        file_of(""),
                        huge };
    assert_int_equal(ftruncate(huge, TEE_PROGRAM_MAX + 1), 0);
    hostile_begin(&hostile, &tee_process, IN(PEER_CORE) | IN(PEER_RUNNER));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        for (size_t place = 0; place < LAUNCH_MACHINE_FDS; place++) {
            int fds[] = { good, good, good, good };
            struct sink ticket = sink_over(bytes, sizeof bytes);
            fds[place] = bad[i];
            size_t before = open_fds();
            assert_int_equal(measure(&hostile, fds, COUNT_OF(fds), &ticket), REASON_JOB_UNMEASURED);
            assert_int_equal(open_fds(), before);
        }
    }
    assert_int_equal(ftruncate(huge, TEE_PROGRAM_MAX), 0);
    struct sink ticket = sink_over(bytes, sizeof bytes);
    const int fds[] = { good, huge };
    assert_int_equal(measure(&hostile, fds, 2, &ticket), REASON_OK);
    hostile_end(&hostile);
    for (size_t i = 2; i < COUNT_OF(bad); i++)
        close(bad[i]);
    close(ends[0]);
    close(ends[1]);
    close(good);
}

/* A runner that goes on asking is refused, and core's evidence is made all the same. */
static void test_so_many_launches_and_no_more(void **state)
{
    uint8_t bytes[LAUNCH_TICKET_MAX];
    struct hostile hostile;
    struct frame said;
    const int fds[] = { file_of("spec"), file_of("manifest") };
    uint64_t made = 0, refused = 0;
    (void)state;
    hostile_begin(&hostile, &tee_process, IN(PEER_CORE) | IN(PEER_RUNNER));
    const int64_t before = clock_monotonic_ms();
    for (unsigned i = 0; i < 4 * TEE_MEASURE_BURST; i++) {
        struct sink ticket = sink_over(bytes, sizeof bytes);
        const enum reason reason = measure(&hostile, fds, 2, &ticket);
        made += reason == REASON_OK;
        refused += reason == REASON_TEE_RATE;
    }
    const uint64_t seconds = (uint64_t)(clock_monotonic_ms() - before) / 1000 + 1;
    assert_int_equal(made + refused, 4 * TEE_MEASURE_BURST);
    assert_true(made >= TEE_MEASURE_BURST &&
                made <= TEE_MEASURE_BURST + seconds * TEE_MEASURE_PER_SECOND);
    assert_int_equal(ask(&hostile, 1, 1, &said), REASON_OK);
    hostile_end(&hostile);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_by_core_and_runner, ""),
        TEST(test_other_sizes_close_the_channel, ""),
        TEST(test_so_many_and_no_more, ""),
        TEST(test_the_seed_is_forgotten, ""),
        TEST(test_another_period_begins_anew, ""),
        TEST(test_periods, ""),
        TEST(test_any_clock, ""),
        TEST(test_what_was_measured_comes_back, ""),
        TEST(test_tickets_that_are_none, ""),
        TEST(test_a_job_asks_for_evidence, ""),
        TEST(test_so_many_for_jobs_and_no_more, ""),
        TEST(test_what_cannot_be_measured, ""),
        TEST(test_so_many_launches_and_no_more, ""),
    };
    return RUN_TESTS(tests);
}
