/* test_runner_refused.c - what a job is refused on its way through ward-runner: each once, before
   the job's end, and no faster than it is logged; from a `ward run` that says anything.  The
   process itself is here, its main() under another name. */
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "job/refused.h"
#include "os/fd.h"
#include "os/open_fds.h"
#include "os/packet.h"
#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): what is tested of it is its own
#include "proc/runner/main.c"
#undef main

static const uint8_t id[JOB_ID] = { 0xab, 1, 2, 3 };

/* Core asks what there is. */
static void sync_core(struct hostile *hostile)
{
    struct frame said, sync = { .message = MSG_JOB_SYNC, .id = 1 };
    assert_true(rc_ok(hostile_say(hostile, PEER_CORE, &sync)));
    assert_true(hostile_hear(hostile, PEER_CORE, &said));
    assert_int_equal(said.message, MSG_JOB_SYNCED);
}

/* A job that runs, as this process does, and its `ward run`'s end of the socket. */
static int begin(struct hostile *hostile, struct runner_job **out)
{
    int ends[2];
    hostile_begin(hostile, &runner_process, IN(PEER_CORE) | IN(PEER_TEE));
    struct runner *runner = hostile->house.self;
    struct runner_job *job = &runner->jobs[3];
    assert_true(rc_ok(packet_pair(NULL, ends)));
    *job = (struct runner_job){ .used = true,
                                .pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0),
                                .told = -1,
                                .said = -1,
                                .log = -1,
                                .measure = -1,
                                .refused = ends[0],
                                .kill_ms = INT64_MAX };
    memcpy(job->id, id, sizeof id);
    *out = job;
    sync_core(hostile);
    return ends[1];
}

static void end(struct hostile *hostile, struct runner_job *job, int ours)
{
    fd_close(&job->pidfd);
    fd_close(&job->refused);
    fd_close(&ours);
    job->used = false;
    hostile_end(hostile);
}

static struct span row_of(uint8_t room[JOB_REFUSED_MAX], uint32_t count)
{
    struct sink out = sink_over(room, JOB_REFUSED_MAX);
    const struct job_refused row = { .rule = span_text("path"),
                                     .words = span_text("words"),
                                     .count = count };
    job_refused_write(&out, &row);
    return span_of(room, out.len);
}

static void say_rows(int ours, uint32_t count)
{
    uint8_t room[JOB_REFUSED_MAX];
    for (uint32_t i = 1; i <= count; i++)
        assert_true(rc_ok(packet_send(NULL, ours, row_of(room, i), NULL, 0)));
}

/* A turn of its loop: the timers, and that socket if it is looked at. */
static void turn(struct hostile *hostile, const struct runner_job *job)
{
    struct runner *runner = hostile->house.self;
    struct house_watch watches[8];
    (void)tick(runner, clock_monotonic_ms());
    const size_t count = watch(runner, watches, COUNT_OF(watches));
    for (size_t i = 0; i < count; i++) {
        if (watches[i].fd == job->refused)
            assert_true(rc_ok(ready(NULL, runner, &watches[i])));
    }
    if (channel_is_open(&hostile->house.channels[PEER_CORE]))
        assert_true(rc_ok(channel_flush(NULL, &hostile->house.channels[PEER_CORE])));
}

/* What core hears next: the count of a row; 0: nothing. */
static uint32_t heard(struct hostile *hostile)
{
    struct frame frame;
    struct job_refused row;
    if (!hostile_hear(hostile, PEER_CORE, &frame))
        return 0;
    assert_int_equal(frame.message, MSG_JOB_REFUSED);
    assert_memory_equal(frame.body.at, id, JOB_ID);
    assert_true(job_refused_read(span_of(frame.body.at + JOB_ID, frame.body.len - JOB_ID), &row));
    return row.count;
}

static bool heard_end(struct hostile *hostile)
{
    struct frame frame;
    return hostile_hear(hostile, PEER_CORE, &frame) && frame.message == MSG_JOB_ENDED;
}

static void answer(struct hostile *hostile, uint8_t logged)
{
    uint8_t bytes[JOB_ID + 1];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_put(&body, SPAN(id));
    sink_u8(&body, logged);
    const struct frame frame = { .message = MSG_JOB_REFUSED_IS, .body = sink_bytes(&body) };
    assert_true(rc_ok(hostile_say(hostile, PEER_CORE, &frame)));
}

static void test_one_after_the_other(void **state)
{
    struct hostile hostile;
    struct runner_job *job = NULL;
    (void)state;
    const int ours = begin(&hostile, &job);
    say_rows(ours, 3);
    for (uint32_t count = 1; count <= 3; count++) {
        turn(&hostile, job);
        assert_int_equal(heard(&hostile), count);
        turn(&hostile, job);
        assert_int_equal(heard(&hostile), 0); /* until that one is logged */
        answer(&hostile, 1);
    }
    turn(&hostile, job);
    assert_int_equal(heard(&hostile), 0);
    end(&hostile, job, ours);
}

static void test_what_is_not_logged_is_said_again(void **state)
{
    struct hostile hostile;
    struct runner_job *job = NULL;
    (void)state;
    const int ours = begin(&hostile, &job);
    say_rows(ours, 1);
    turn(&hostile, job);
    assert_int_equal(heard(&hostile), 1);
    for (int i = 0; i < 3; i++) {
        answer(&hostile, 0);
        turn(&hostile, job);
        assert_int_equal(heard(&hostile), 0); /* not at once */
        const int64_t now_ms = clock_monotonic_ms();
        assert_true(tick(hostile.house.self, now_ms) <= now_ms + RUNNER_AGAIN_MS);
        job->refused_ms = now_ms;
        turn(&hostile, job);
        assert_int_equal(heard(&hostile), 1);
    }
    answer(&hostile, 1);
    answer(&hostile, 1); /* to nothing */
    turn(&hostile, job);
    assert_int_equal(heard(&hostile), 0);
    end(&hostile, job, ours);
}

static void has_ended(struct runner_job *job)
{
    fd_close(&job->pidfd);
    job->ended_ms = clock_monotonic_ms();
}

static void test_all_of_it_before_its_end(void **state)
{
    struct hostile hostile;
    struct runner_job *job = NULL;
    (void)state;
    const int ours = begin(&hostile, &job);
    say_rows(ours, 20);
    has_ended(job);
    for (uint32_t count = 1; count <= 20; count++) {
        turn(&hostile, job);
        assert_int_equal(heard(&hostile), count);
        answer(&hostile, 1);
    }
    turn(&hostile, job);
    assert_true(heard_end(&hostile));
    turn(&hostile, job);
    assert_false(heard_end(&hostile)); /* once */
    sync_core(&hostile);
    turn(&hostile, job);
    assert_true(heard_end(&hostile)); /* for each core */
    end(&hostile, job, ours);
}

/* A log that takes nothing keeps a job's end back for a while, and not for ever. */
static void test_an_end_waits_so_long(void **state)
{
    struct hostile hostile;
    struct runner_job *job = NULL;
    (void)state;
    const int ours = begin(&hostile, &job);
    say_rows(ours, 2);
    has_ended(job);
    turn(&hostile, job);
    assert_int_equal(heard(&hostile), 1);
    turn(&hostile, job);
    assert_false(heard_end(&hostile));
    const int64_t now_ms = clock_monotonic_ms();
    assert_true(tick(hostile.house.self, now_ms) <= now_ms + RUNNER_REST_MS);
    job->ended_ms = now_ms - RUNNER_REST_MS;
    turn(&hostile, job);
    assert_true(heard_end(&hostile));
    end(&hostile, job, ours);
}

/* What core was asked, and may not have done, the next one is asked; and is told of an end only
   when it knows the jobs. */
static void test_a_core_that_is_gone(void **state)
{
    struct hostile hostile;
    struct runner_job *job = NULL;
    (void)state;
    const int ours = begin(&hostile, &job);
    say_rows(ours, 1);
    turn(&hostile, job);
    assert_int_equal(heard(&hostile), 1);
    has_ended(job);
    channel_close(&hostile.house.channels[PEER_CORE]);
    peer_changed(hostile.house.self, PEER_CORE, false);
    turn(&hostile, job);
    hostile_replace(&hostile, PEER_CORE);
    turn(&hostile, job);
    assert_false(heard_end(&hostile));
    sync_core(&hostile);
    turn(&hostile, job);
    assert_int_equal(heard(&hostile), 1);
    answer(&hostile, 1);
    turn(&hostile, job);
    assert_true(heard_end(&hostile));
    end(&hostile, job, ours);
}

/* A queue that is full takes neither: both are said when it has room. */
static void test_a_core_that_does_not_read(void **state)
{
    struct hostile hostile;
    struct runner_job *job = NULL;
    struct frame frame;
    bool told = false;
    (void)state;
    const int ours = begin(&hostile, &job);
    hostile_choke(&hostile, PEER_CORE);
    has_ended(job);
    (void)tick(hostile.house.self, clock_monotonic_ms());
    assert_false(job->end_told);
    for (int i = 0; i < 100000 && !told; i++) {
        turn(&hostile, job);
        while (hostile_hear(&hostile, PEER_CORE, &frame))
            told |= frame.message == MSG_JOB_ENDED;
    }
    assert_true(told);
    end(&hostile, job, ours);
}

/* What is something else is passed over, and what came with it closed. */
static void test_what_is_no_row(void **state)
{
    static const uint8_t zeros[JOB_REFUSED_MAX + 1];
    uint8_t room[JOB_REFUSED_MAX];
    const struct span good = row_of(room, 1);
    const struct span rows[] = { span_of(zeros, 1), span_of(zeros, JOB_REFUSED_MIN),
                                 span_of(zeros, sizeof zeros), span_of(good.at, good.len - 1) };
    struct hostile hostile;
    struct runner_job *job = NULL;
    const int fds[] = { STDERR_FILENO };
    (void)state;
    int ours = begin(&hostile, &job);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const size_t before = open_fds();
        assert_true(rc_ok(packet_send(NULL, ours, rows[i], fds, 1)));
        turn(&hostile, job);
        assert_int_equal(heard(&hostile), 0);
        assert_int_equal(open_fds(), before);
    }
    say_rows(ours, 1);
    turn(&hostile, job);
    assert_int_equal(heard(&hostile), 1);
    answer(&hostile, 1);
    fd_close(&ours);
    turn(&hostile, job);
    assert_int_equal(job->refused, -1);
    end(&hostile, job, ours);
}

/* One that says more kinds than there can be is heard no more. */
static void test_so_many_of_one_job(void **state)
{
    struct hostile hostile;
    struct runner_job *job = NULL;
    (void)state;
    const int ours = begin(&hostile, &job);
    for (uint32_t i = 1; i <= JOB_REFUSED_KINDS_MAX; i++) {
        say_rows(ours, 1);
        turn(&hostile, job);
        assert_int_equal(heard(&hostile), 1);
        answer(&hostile, 1);
    }
    say_rows(ours, 1);
    turn(&hostile, job);
    assert_int_equal(heard(&hostile), 0);
    assert_int_equal(job->refused, -1);
    end(&hostile, job, ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_after_the_other, ""),      TEST(test_what_is_not_logged_is_said_again, ""),
        TEST(test_all_of_it_before_its_end, ""), TEST(test_an_end_waits_so_long, ""),
        TEST(test_a_core_that_is_gone, ""),      TEST(test_a_core_that_does_not_read, ""),
        TEST(test_what_is_no_row, ""),           TEST(test_so_many_of_one_job, ""),
    };
    return RUN_TESTS(tests);
}
