/* refused.c - see runner.h. */
#include "job/refused.h"

#include <poll.h>
#include <string.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/packet.h"
#include "proc/log.h"
#include "proc/runner/runner.h"

bool runner_refused_waits(const struct runner *runner, const struct runner_job *job, int64_t now_ms)
{
    return runner->synced && job->refused >= 0 && job->row_len == 0 && job->refused_ms <= now_ms;
}

/* What is no row is passed over.  After as many as one job has nothing more is heard: each kind is
   said once. */
static void keep(struct runner_job *job, struct span said)
{
    struct job_refused row;
    if (job->rows == JOB_REFUSED_KINDS_MAX) {
        fd_close(&job->refused);
        return;
    }
    job->rows++;
    if (!job_refused_read(said, &row)) {
        log_event("what job %s was refused is not said as it should be, and not logged", job->hex);
        return;
    }
    memcpy(job->row, said.at, said.len);
    job->row_len = said.len;
}

/* False: nothing is there. */
static bool receive(struct runner_job *job, int64_t now_ms)
{
    uint8_t bytes[JOB_REFUSED_MAX];
    struct packet_fds fds = { .count = 0 };
    size_t len = 0;
    rc got = packet_receive(NULL, job->refused, bytes, sizeof bytes, &len, &fds);
    packet_fds_close(&fds);
    if (rc_ok(got))
        keep(job, span_of(bytes, len));
    else if (rc_number(got) == PACKET_E_CUT)
        keep(job, span_of(bytes, 0));
    else if (rc_number(got) == PACKET_E_CLOSED)
        fd_close(&job->refused);
    else if (rc_number(got) != PACKET_E_BLOCK)
        job->refused_ms = now_ms + RUNNER_AGAIN_MS;
    return job->row_len > 0;
}

void runner_refused(struct runner *runner, struct runner_job *job, int64_t now_ms)
{
    uint8_t bytes[JOB_ID + JOB_REFUSED_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    if (!runner->synced || job->row_asked || job->refused_ms > now_ms ||
        (job->row_len == 0 && (job->refused < 0 || !receive(job, now_ms))))
        return;
    sink_put(&body, SPAN(job->id));
    sink_put(&body, span_of(job->row, job->row_len));
    const struct frame frame = { .message = MSG_JOB_REFUSED, .body = sink_bytes(&body) };
    job->row_asked = rc_ok(house_put(NULL, runner->house, PEER_CORE, &frame));
    if (!job->row_asked)
        job->refused_ms = now_ms + RUNNER_AGAIN_MS;
}

bool runner_refused_all(const struct runner_job *job)
{
    struct pollfd more = { .fd = job->refused, .events = POLLIN };
    return job->row_len == 0 && (job->refused < 0 || poll(&more, 1, 0) == 0);
}

void runner_refused_is(struct runner_job *job, bool logged, int64_t now_ms)
{
    if (!job->row_asked)
        return;
    job->row_asked = false;
    if (logged)
        job->row_len = 0;
    else
        job->refused_ms = now_ms + RUNNER_AGAIN_MS;
}

void runner_refused_again(struct runner *runner)
{
    for (size_t i = 0; i < JOB_RUNS_MAX; i++)
        runner->jobs[i].row_asked = false;
}
