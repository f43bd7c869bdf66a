/* test_doors_runner.c - the doors of ward-runner, kicked; and what it makes of a `ward run` that
   says nothing, says too much, or does not end.  The process itself is here, its main() under
   another name; real jobs are the matter of test_jobs.py. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "os/fd.h"
#include "os/open_fds.h"
#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/runner/main.c"
#undef main

static const uint8_t id[JOB_ID] = { 0xab, 1, 2, 3 };

/* A runner that takes this program for `ward`. */
static struct runner *begin(struct hostile *hostile, const char *program)
{
    char path[SETTING_TEXT_MAX + 8];
    hostile_begin(hostile, &runner_process, IN(PEER_CORE) | IN(PEER_TEE));
    struct runner *runner = hostile->house.self;
    fd_close(&runner->ward);
    fd_close(&runner->folder);
    fd_close(&runner->null);
    snprintf(path, sizeof path, "%s/jobs", hostile->house.settings.state);
    (void)!mkdir(path, 0700);
    runner->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    runner->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    runner->ward = open(program, O_RDONLY | O_CLOEXEC);
    runner->reason = REASON_OK;
    runner->synced = true;
    assert_true(runner->folder >= 0 && runner->null >= 0 && runner->ward >= 0);
    hostile->house.own_count = 0; /* closed and opened by this test */
    return runner;
}

static void end(struct hostile *hostile)
{
    struct runner *runner = hostile->house.self;
    for (size_t i = 0; i < JOB_RUNS_MAX; i++)
        assert_false(runner->jobs[i].used && runner->jobs[i].pidfd >= 0);
    fd_close(&runner->ward);
    fd_close(&runner->folder);
    fd_close(&runner->null);
    hostile_end(hostile);
}

/* A script, so that what is started can be anything. */
static void write_program(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/ward-runner-test-%d", (int)getpid());
    (void)unlink(path);
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    assert_true(fd >= 0 && fd_write(fd, span_text(text)));
}

static void put_order(struct sink *body, const char *images, const char *argument)
{
    sink_put(body, SPAN(id));
    sink_u8(body, 0);
    put_bytes(body, span_text("image = \"x\"\n"));
    put_bytes(body, span_text(images));
    put_bytes(body, (struct span){ 0 });
    sink_u32le(body, 1);
    put_bytes(body, span_text(argument));
}

static enum reason start_it(struct hostile *hostile, const char *images)
{
    uint8_t bytes[512];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct frame said;
    put_order(&body, images, "--help");
    struct frame frame = { .message = MSG_JOB_START, .id = 7, .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_say(hostile, PEER_CORE, &frame)));
    assert_true(hostile_hear(hostile, PEER_CORE, &said));
    assert_int_equal(said.message, MSG_JOB_STARTED);
    assert_int_equal(said.id, 7);
    assert_int_equal(said.body.len, JOB_ID + 2);
    return (enum reason)(said.body.at[JOB_ID] | said.body.at[JOB_ID + 1] << 8);
}

/* Until the one job has ended, and what was said of it. */
static enum reason its_end(struct hostile *hostile)
{
    struct runner *runner = hostile->house.self;
    struct house_watch watches[8];
    struct frame said;
    while (!hostile_hear(hostile, PEER_CORE, &said)) {
        struct pollfd polled[8];
        size_t count = watch(runner, watches, COUNT_OF(watches));
        for (size_t i = 0; i < count; i++)
            polled[i] = (struct pollfd){ .fd = watches[i].fd, .events = POLLIN };
        assert_true(poll(polled, count, 60000) > 0);
        for (size_t i = 0; i < count; i++) {
            if (polled[i].revents != 0)
                assert_true(rc_ok(ready(NULL, runner, &watches[i])));
        }
        (void)tick(runner, clock_monotonic_ms());
        assert_true(rc_ok(channel_flush(NULL, &hostile->house.channels[PEER_CORE])));
    }
    assert_int_equal(said.message, MSG_JOB_ENDED);
    assert_memory_equal(said.body.at, id, JOB_ID);
    return (enum reason)(said.body.at[JOB_ID] | said.body.at[JOB_ID + 1] << 8);
}

static void settle(struct hostile *hostile)
{
    struct frame frame = { .message = MSG_JOB_SETTLED, .body = SPAN(id) };
    assert_true(rc_ok(hostile_say(hostile, PEER_CORE, &frame)));
    assert_null(runner_find(hostile->house.self, id));
}

static off_t log_size(struct hostile *hostile)
{
    char path[SETTING_TEXT_MAX + 64];
    char hex[RUNNER_HEX];
    struct stat is;
    runner_hex(id, hex);
    snprintf(path, sizeof path, "%s/jobs/%s/log", hostile->house.settings.state, hex);
    assert_int_equal(stat(path, &is), 0);
    return is.st_size;
}

static void test_anything_is_said_by_core(void **state)
{
    struct hostile hostile;
    struct frame said, frame = { .message = MSG_JOB_SYNC, .id = 4711 };
    (void)state;
    begin(&hostile, "/bin/true");
    /* Orders that are whole would begin something: of those the other tests are. */
    ((struct runner *)hostile.house.self)->reason = REASON_JOB_NOT_ROOT;
    hostile_run(&hostile, hostile_frames() / 4);
    hostile_descriptors(&hostile);
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    while (hostile_hear(&hostile, PEER_CORE, &said))
        continue;
    assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &frame)));
    assert_true(hostile_hear(&hostile, PEER_CORE, &said));
    assert_int_equal(said.message, MSG_JOB_SYNCED);
    assert_int_equal(said.id, 4711);
    assert_int_equal(said.body.at[0] | said.body.at[1] << 8, REASON_JOB_NOT_ROOT);
    end(&hostile);
}

/* A program that ends without its line found fault with something before there was a job; one that
   was killed lost it. */
static void test_what_says_nothing(void **state)
{
    struct hostile hostile;
    char path[64];
    (void)state;
    write_program(path, "#!/bin/sh\nexit 0\n");
    /* A script has no name where it is run from a descriptor that is closed by then: its end is
       that of a program that could not be run. */
    begin(&hostile, path);
    assert_int_equal(start_it(&hostile, "/images"), REASON_OK);
    assert_int_equal(its_end(&hostile), REASON_JOB_START);
    settle(&hostile);
    end(&hostile);
    begin(&hostile, "/bin/sleep"); /* which does not understand its words */
    assert_int_equal(start_it(&hostile, "/images"), REASON_OK);
    assert_int_equal(its_end(&hostile), REASON_JOB_START);
    assert_true(log_size(&hostile) > 0);
    /* Begun is begun: not twice, as long as it is not settled. */
    assert_int_equal(start_it(&hostile, "/images"), REASON_HOUSE_UNAVAILABLE);
    settle(&hostile);
    end(&hostile);
    (void)unlink(path);
}

/* What is no path here is none that is handed on, and leaves no folder. */
static void test_orders_that_are_none(void **state)
{
    struct hostile hostile;
    (void)state;
    struct runner *runner = begin(&hostile, "/bin/true");
    assert_int_equal(start_it(&hostile, "images"), REASON_JOB_FOLDER);
    assert_int_equal(start_it(&hostile, ""), REASON_JOB_FOLDER);
    assert_int_equal(faccessat(runner->folder, "ab010203000000000000000000000000", F_OK, 0), -1);
    hostile.house.stopping = true;
    assert_int_equal(start_it(&hostile, "/images"), REASON_HOUSE_UNAVAILABLE);
    end(&hostile);
}

/* Past as much as is kept the rest is read, for the job is not to wait, and dropped. */
static void test_a_log_to_its_limit(void **state)
{
    static uint8_t piece[1 << 20];
    struct runner_job job = { .used = true };
    char path[] = "/tmp/ward-runner-log-XXXXXX";
    struct stat is;
    (void)state;
    job.log = mkstemp(path);
    assert_true(job.log >= 0 && unlink(path) == 0);
    for (size_t i = 0; i < RUNNER_LOG_MAX / sizeof piece; i++)
        runner_keep(&job, SPAN(piece));
    assert_false(job.cut);
    assert_int_equal(fstat(job.log, &is), 0);
    assert_int_equal(is.st_size, RUNNER_LOG_MAX);
    runner_keep(&job, span_of(piece, 1));
    assert_true(job.cut);
    assert_int_equal(fstat(job.log, &is), 0);
    off_t marked = is.st_size;
    assert_true(marked > RUNNER_LOG_MAX && marked < RUNNER_LOG_MAX + 128);
    runner_keep(&job, SPAN(piece));
    assert_int_equal(fstat(job.log, &is), 0);
    assert_int_equal(is.st_size, marked);
    fd_close(&job.log);
    /* A disk that is full cuts it as well, and nothing else happens. */
    job = (struct runner_job){ .used = true, .log = open("/dev/full", O_WRONLY | O_CLOEXEC) };
    runner_keep(&job, span_of(piece, 10));
    assert_true(job.cut);
    fd_close(&job.log);
}

/* ---- what a sandbox begins with -------------------------------------------------------------- */

/* A job that is there, and the end of its `ward run`. */
static int with_job(struct runner *runner, struct runner_job **out)
{
    int ends[2];
    struct runner_job *job = &runner->jobs[3];
    assert_true(rc_ok(packet_pair(NULL, ends)));
    *job = (struct runner_job){ .used = true,
                                .pidfd = -1,
                                .told = -1,
                                .said = -1,
                                .log = -1,
                                .measure = ends[0],
                                .refused = -1 };
    memcpy(job->id, id, sizeof id);
    *out = job;
    return ends[1];
}

static void say_launch(int ours, size_t len, size_t count)
{
    static const uint8_t bytes[LAUNCH_HEAD + LAUNCH_LINE_MAX + 1] = { 9 };
    int fds[PACKET_FDS_MAX];
    for (size_t i = 0; i < count; i++)
        fds[i] = STDERR_FILENO;
    assert_true(rc_ok(packet_send(NULL, ours, span_of(bytes, len), fds, count)));
}

/* What the job's `ward run` is told. */
static enum reason told(int ours)
{
    uint8_t bytes[LAUNCH_TICKET_MAX + 8];
    struct packet_fds fds = { 0 };
    size_t len = 0;
    assert_true(rc_ok(packet_receive(NULL, ours, bytes, sizeof bytes, &len, &fds)) && len >= 6);
    return (enum reason)(bytes[0] | bytes[1] << 8);
}

/* To tee with the job's id before it, and back to this job alone. */
static void test_what_is_measured_goes_through(void **state)
{
    static const struct {
        size_t len, fds;
        uint16_t message;
    } rows[] = { { LAUNCH_HEAD, LAUNCH_CONTAINER_FDS, MSG_MEASURE_CONTAINER },
                 { LAUNCH_HEAD + 1, LAUNCH_MACHINE_FDS, MSG_MEASURE_MACHINE },
                 { LAUNCH_HEAD + LAUNCH_LINE_MAX, LAUNCH_MACHINE_FDS, MSG_MEASURE_MACHINE } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hostile hostile;
        struct runner_job *job = NULL;
        struct frame asked;
        const uint8_t ticket[] = { REASON_OK & 0xff, REASON_OK >> 8, 1, 0, 0, 0, 'x' };
        struct runner *runner = begin(&hostile, "/bin/true");
        const int ours = with_job(runner, &job);
        size_t before = open_fds();
        say_launch(ours, rows[i].len, rows[i].fds);
        runner_measure(runner, job);
        assert_int_equal(open_fds(), before);
        assert_true(hostile_hear(&hostile, PEER_TEE, &asked));
        assert_int_equal(asked.message, rows[i].message);
        assert_int_equal(asked.body.len, JOB_ID + rows[i].len);
        assert_memory_equal(asked.body.at, id, JOB_ID);
        struct frame answer = { .message = MSG_MEASURED, .id = asked.id + 1, .body = SPAN(ticket) };
        assert_true(rc_ok(hostile_say(&hostile, PEER_TEE, &answer))); /* to another question */
        assert_true(job->measuring != 0);
        answer.id = asked.id;
        assert_true(rc_ok(hostile_say(&hostile, PEER_TEE, &answer)));
        assert_int_equal(told(ours), REASON_OK);
        assert_int_equal(job->measuring, 0);
        job->used = false;
        fd_close(&job->measure);
        close(ours);
        end(&hostile);
    }
}

/* Of a tee that is gone or was never there it hears at once. */
static void test_a_tee_that_is_gone(void **state)
{
    struct hostile hostile;
    struct runner_job *job = NULL;
    (void)state;
    struct runner *runner = begin(&hostile, "/bin/true");
    const int ours = with_job(runner, &job);
    say_launch(ours, LAUNCH_HEAD, LAUNCH_CONTAINER_FDS);
    runner_measure(runner, job);
    hostile_replace(&hostile, PEER_TEE);
    assert_int_equal(told(ours), REASON_HOUSE_UNAVAILABLE);
    channel_close(&hostile.house.channels[PEER_TEE]);
    say_launch(ours, LAUNCH_HEAD, LAUNCH_CONTAINER_FDS);
    runner_measure(runner, job);
    assert_int_equal(told(ours), REASON_HOUSE_UNAVAILABLE);
    job->used = false;
    fd_close(&job->measure);
    close(ours);
    end(&hostile);
}

/* Whoever says it otherwise, or twice at once, is heard no more; what came with it is closed. */
static void test_what_is_no_launch(void **state)
{
    static const size_t rows[][2] = {
        { LAUNCH_HEAD, 0 },
        { LAUNCH_HEAD, 1 },
        { LAUNCH_HEAD, 3 },
        { LAUNCH_HEAD, LAUNCH_MACHINE_FDS },
        { LAUNCH_HEAD + 1, 2 },
        { LAUNCH_HEAD - 1, 2 },
        { 1, 2 },
        { LAUNCH_HEAD + LAUNCH_LINE_MAX + 1, LAUNCH_MACHINE_FDS },
    };
    (void)state;
    for (size_t i = 0; i <= COUNT_OF(rows); i++) {
        struct hostile hostile;
        struct runner_job *job = NULL;
        struct frame asked;
        struct runner *runner = begin(&hostile, "/bin/true");
        const int ours = with_job(runner, &job);
        size_t before = open_fds();
        if (i < COUNT_OF(rows)) {
            say_launch(ours, rows[i][0], rows[i][1]);
        } else {
            say_launch(ours, LAUNCH_HEAD, 2);
            runner_measure(runner, job);
            assert_true(hostile_hear(&hostile, PEER_TEE, &asked));
            say_launch(ours, LAUNCH_HEAD, 2);
        }
        runner_measure(runner, job);
        assert_int_equal(job->measure, -1);
        assert_int_equal(open_fds(), before - 1);
        assert_false(hostile_hear(&hostile, PEER_TEE, &asked));
        job->used = false;
        close(ours);
        end(&hostile);
    }
}

/* ---- evidence for a job ---------------------------------------------------------------------- */

static const uint8_t ticket[] = "a ticket";

static int with_measured_job(struct runner *runner, struct runner_job **out)
{
    const int ours = with_job(runner, out);
    memcpy((*out)->ticket, ticket, sizeof ticket);
    (*out)->ticket_len = sizeof ticket;
    return ours;
}

static void ask_evidence(int ours, uint32_t number)
{
    uint8_t bytes[AGENT_QUESTION];
    struct sink said = sink_over(bytes, sizeof bytes);
    sink_u32le(&said, number);
    while (said.len < sizeof bytes)
        sink_u8(&said, 6);
    assert_true(rc_ok(packet_send(NULL, ours, sink_bytes(&said), NULL, 0)));
}

/* What the runner has to say of it goes out, as at the end of each turn of its loop. */
static void take_question_of(struct hostile *hostile, struct runner_job *job)
{
    runner_measure(hostile->house.self, job);
    assert_true(rc_ok(channel_flush(NULL, &hostile->house.channels[PEER_TEE])));
}

/* What its guest agent is told of that question. */
static enum reason answered(int ours, uint32_t number)
{
    uint8_t bytes[AGENT_REPLY_MAX];
    struct packet_fds fds = { 0 };
    size_t len = 0;
    uint32_t of = 0;
    uint16_t reason = 0;
    struct span quote, log;
    assert_true(rc_ok(packet_receive(NULL, ours, bytes, sizeof bytes, &len, &fds)));
    struct cursor in = cur_over(span_of(bytes, len));
    assert_true(cur_u32le(&in, &of) && cur_u16le(&in, &reason) &&
                get_bytes(&in, AGENT_EVIDENCE_MAX, &quote) &&
                get_bytes(&in, AGENT_EVIDENCE_MAX, &log) && cur_end(&in));
    assert_int_equal(of, number);
    assert_true((quote.len > 0) == (reason == REASON_OK));
    return (enum reason)reason;
}

static void answer_quote(struct hostile *hostile, uint64_t of)
{
    uint8_t bytes[32];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, REASON_OK);
    put_bytes(&body, span_text("quote"));
    put_bytes(&body, span_text("log"));
    const struct frame frame = { .message = MSG_EVIDENCE_SANDBOX_IS,
                                 .id = of,
                                 .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_say(hostile, PEER_TEE, &frame)));
}

/* With the job's id and ticket, whoever asks; an answer to another question is none. */
static void test_evidence_goes_through(void **state)
{
    struct hostile hostile;
    struct runner_job *job = NULL;
    struct frame asked;
    (void)state;
    struct runner *runner = begin(&hostile, "/bin/true");
    const int ours = with_measured_job(runner, &job);
    ask_evidence(ours, 77);
    take_question_of(&hostile, job);
    assert_true(hostile_hear(&hostile, PEER_TEE, &asked));
    assert_int_equal(asked.message, MSG_EVIDENCE_SANDBOX);
    assert_int_equal(asked.body.len, EVIDENCE_SANDBOX_HEAD + sizeof ticket);
    assert_memory_equal(asked.body.at, id, JOB_ID);
    assert_int_equal(asked.body.at[JOB_ID], 6);
    assert_memory_equal(asked.body.at + EVIDENCE_SANDBOX_HEAD, ticket, sizeof ticket);
    const uint64_t question = asked.id;
    ask_evidence(ours, 78); /* while the other waits */
    take_question_of(&hostile, job);
    assert_int_equal(answered(ours, 78), REASON_TEE_RATE);
    assert_false(hostile_hear(&hostile, PEER_TEE, &asked));
    answer_quote(&hostile, question + 1);
    assert_true(job->measuring != 0);
    answer_quote(&hostile, question);
    assert_int_equal(answered(ours, 77), REASON_OK);
    ask_evidence(ours, 79);
    take_question_of(&hostile, job);
    hostile_replace(&hostile, PEER_TEE);
    assert_int_equal(answered(ours, 79), REASON_HOUSE_UNAVAILABLE);
    job->used = false;
    fd_close(&job->measure);
    close(ours);
    end(&hostile);
}

/* Once it is measured nobody says anew what it began with; nor before, what it wants to be told. */
static void test_what_is_no_question(void **state)
{
    static const struct {
        size_t len, fds;
    } rows[] = { { LAUNCH_HEAD, LAUNCH_CONTAINER_FDS },
                 { LAUNCH_HEAD + 1, LAUNCH_MACHINE_FDS },
                 { AGENT_QUESTION, 1 },
                 { AGENT_QUESTION - 1, 0 },
                 { AGENT_QUESTION + 1, 0 },
                 { 1, 0 } };
    (void)state;
    for (size_t i = 0; i <= COUNT_OF(rows); i++) {
        struct hostile hostile;
        struct runner_job *job = NULL;
        struct frame asked;
        struct runner *runner = begin(&hostile, "/bin/true");
        const bool before = i == COUNT_OF(rows);
        const int ours = before ? with_job(runner, &job) : with_measured_job(runner, &job);
        if (before)
            ask_evidence(ours, 1);
        else
            say_launch(ours, rows[i].len, rows[i].fds);
        runner_measure(runner, job);
        assert_int_equal(job->measure, -1);
        assert_false(hostile_hear(&hostile, PEER_TEE, &asked));
        job->used = false;
        close(ours);
        end(&hostile);
    }
}

static bool is_watched(struct runner *runner, int fd)
{
    struct house_watch watches[8];
    const size_t count = watch(runner, watches, COUNT_OF(watches));
    for (size_t i = 0; i < count; i++) {
        if (watches[i].fd == fd)
            return true;
    }
    return false;
}

/* One that goes on asking is refused by the runner: the others' share of tee is left to them. */
static void test_so_much_evidence_and_no_more(void **state)
{
    struct hostile hostile;
    struct runner_job *job = NULL;
    struct frame asked;
    uint64_t made = 0;
    (void)state;
    struct runner *runner = begin(&hostile, "/bin/true");
    const int ours = with_measured_job(runner, &job);
    const int64_t before = clock_monotonic_ms();
    for (uint32_t i = 0; i < 4 * RUNNER_QUOTES_BURST; i++) {
        ask_evidence(ours, i);
        take_question_of(&hostile, job);
        if (hostile_hear(&hostile, PEER_TEE, &asked)) {
            answer_quote(&hostile, asked.id);
            assert_int_equal(answered(ours, i), REASON_OK);
            made++;
        } else {
            assert_int_equal(answered(ours, i), REASON_TEE_RATE);
            assert_false(is_watched(runner, job->measure)); /* for a moment */
        }
    }
    const int64_t now_ms = clock_monotonic_ms();
    assert_true(tick(runner, now_ms) <= now_ms + RUNNER_QUIET_MS);
    assert_int_equal(poll(NULL, 0, RUNNER_QUIET_MS + 1), 0);
    assert_true(is_watched(runner, job->measure));
    const uint64_t seconds = (uint64_t)(clock_monotonic_ms() - before) / 1000 + 1;
    assert_true(made >= RUNNER_QUOTES_BURST && made <= RUNNER_QUOTES_BURST + seconds);
    job->used = false;
    fd_close(&job->measure);
    close(ours);
    end(&hostile);
}

static void test_lines(void **state)
{
    static const struct {
        const char *line;
        enum reason reason; /* NONE: it is no line */
    } rows[] = {
        { "OK 0 0 12 34 56 78\n", REASON_OK },
        { "JOB_MEMORY 0 9 9223372036854775807 0 0 0\n", REASON_JOB_MEMORY },
        { "OK 255 64 0 0 0 0\n", REASON_OK },
        { "", REASON_NONE },
        { "OK 0 0 12 34 56 78", REASON_NONE },
        { "OK 0 0 12 34 56 78\nx", REASON_NONE },
        { "OK 0 0 12 34 56\n", REASON_NONE },
        { "OK 0 0 12 34 56 78 9\n", REASON_NONE },
        { "OK 256 0 12 34 56 78\n", REASON_NONE },
        { "OK 0 65 12 34 56 78\n", REASON_NONE },
        { "OK 0 0 9223372036854775808 34 56 78\n", REASON_NONE },
        { "OK -1 0 12 34 56 78\n", REASON_NONE },
        { "OK 00 0 12 34 56 78\n", REASON_NONE },
        { "OK  0 0 12 34 56 78\n", REASON_NONE },
        { "NO_SUCH_REASON 0 0 12 34 56 78\n", REASON_NONE },
        { " 0 0 12 34 56 78\n", REASON_NONE },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct runner_fate fate = { .reason = REASON_NONE };
        bool read = runner_fate_read(span_text(rows[i].line), &fate);
        if (read != (rows[i].reason != REASON_NONE) || fate.reason != rows[i].reason)
            fail_msg("row %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_by_core, ""),
        TEST(test_what_says_nothing, ""),
        TEST(test_orders_that_are_none, ""),
        TEST(test_a_log_to_its_limit, ""),
        TEST(test_lines, ""),
        TEST(test_what_is_measured_goes_through, ""),
        TEST(test_a_tee_that_is_gone, ""),
        TEST(test_what_is_no_launch, ""),
        TEST(test_evidence_goes_through, ""),
        TEST(test_what_is_no_question, ""),
        TEST(test_so_much_evidence_and_no_more, ""),
    };
    return RUN_TESTS(tests);
}
