/* measure.c - see runner.h: between a job's `ward run`, which says what the sandbox begins with,
   and tee, which measures that.  The job that it is of is the runner's to say; the rest are bytes
   and descriptors that go through. */
#include <string.h>

#include "os/fd.h"
#include "os/packet.h"
#include "proc/runner/runner.h"

static void answer(struct runner_job *job, struct span said)
{
    job->measuring = 0;
    if (job->measure >= 0 && !rc_ok(packet_send(NULL, job->measure, said, NULL, 0)))
        fd_close(&job->measure); /* nobody is there, or he does not read */
}

static void refuse(struct runner_job *job, enum reason reason)
{
    uint8_t bytes[8];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, (struct span){ 0 });
    answer(job, sink_bytes(&body));
}

static bool ask(struct runner *runner, struct runner_job *job, struct span said,
                const struct packet_fds *fds)
{
    struct channel *tee = &runner->house->channels[PEER_TEE];
    uint8_t bytes[JOB_ID + LAUNCH_HEAD + LAUNCH_LINE_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_put(&body, SPAN(job->id));
    sink_put(&body, said);
    const struct frame frame = { .message = fds->count == LAUNCH_MACHINE_FDS
                                                ? MSG_MEASURE_MACHINE
                                                : MSG_MEASURE_CONTAINER,
                                 .id = channel_next_id(tee),
                                 .body = sink_bytes(&body) };
    job->measuring = frame.id;
    return rc_ok(channel_put_fds(NULL, tee, &frame, fds->fds, fds->count));
}

static bool is_whole(size_t len, const struct packet_fds *fds)
{
    if (fds->count == LAUNCH_CONTAINER_FDS)
        return len == LAUNCH_HEAD;
    return fds->count == LAUNCH_MACHINE_FDS && len > LAUNCH_HEAD &&
           len <= LAUNCH_HEAD + LAUNCH_LINE_MAX;
}

/* One that asks in another way, or while it waits, is no `ward run` of ours. */
void runner_measure(struct runner *runner, struct runner_job *job)
{
    uint8_t bytes[LAUNCH_HEAD + LAUNCH_LINE_MAX];
    struct packet_fds fds = { .count = 0 };
    size_t len = 0;
    rc got = packet_receive(NULL, job->measure, bytes, sizeof bytes, &len, &fds);
    if (!rc_ok(got) && rc_number(got) == PACKET_E_BLOCK)
        return;
    if (!rc_ok(got) || !is_whole(len, &fds) || job->measuring != 0)
        fd_close(&job->measure);
    else if (!ask(runner, job, span_of(bytes, len), &fds))
        refuse(job, REASON_HOUSE_UNAVAILABLE);
    packet_fds_close(&fds);
}

void runner_measured(struct runner *runner, uint64_t question, struct span said)
{
    for (size_t i = 0; i < JOB_RUNS_MAX; i++) {
        struct runner_job *job = &runner->jobs[i];
        if (job->used && job->measuring == question)
            answer(job, said);
    }
}

void runner_unmeasured(struct runner *runner)
{
    for (size_t i = 0; i < JOB_RUNS_MAX; i++) {
        struct runner_job *job = &runner->jobs[i];
        if (job->used && job->measuring != 0)
            refuse(job, REASON_HOUSE_UNAVAILABLE);
    }
}
