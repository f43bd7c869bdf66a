/* measure.c - see runner.h: between a job's `ward run`, which says what the sandbox begins with,
   and tee, which measures that; and then between the job's guest agent and tee, which vouches for
   what it measured.  The job that it is of, and its ticket, are the runner's to say; the rest are
   bytes and descriptors that go through. */
#include <string.h>

#include "agent/agent.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/packet.h"
#include "proc/runner/runner.h"

_Static_assert((int)AGENT_EVIDENCE_MAX == (int)EVIDENCE_QUOTE_MAX &&
                   (int)AGENT_EVIDENCE_MAX == (int)EVIDENCE_LOG_MAX,
               "what tee answers goes through");

static void say(struct runner_job *job, struct span said)
{
    if (job->measure >= 0 && !rc_ok(packet_send(NULL, job->measure, said, NULL, 0)))
        fd_close(&job->measure); /* nobody is there, or he does not read */
}

/* ---- what it begins with --------------------------------------------------------------------- */

static void refuse_launch(struct runner_job *job, enum reason reason)
{
    uint8_t bytes[8];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, (struct span){ 0 });
    job->measuring = 0;
    say(job, sink_bytes(&body));
}

static bool ask_launch(struct runner *runner, struct runner_job *job, struct span said,
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

static bool is_launch(size_t len, const struct packet_fds *fds)
{
    if (fds->count == LAUNCH_CONTAINER_FDS)
        return len == LAUNCH_HEAD;
    return fds->count == LAUNCH_MACHINE_FDS && len > LAUNCH_HEAD &&
           len <= LAUNCH_HEAD + LAUNCH_LINE_MAX;
}

/* Kept here, so that whoever asks for evidence later need not be believed of what. */
static void keep_ticket(struct runner_job *job, struct span said)
{
    struct cursor in = cur_over(said);
    uint16_t reason = 0;
    struct span ticket;
    if (!cur_u16le(&in, &reason) || reason != REASON_OK ||
        !get_bytes(&in, LAUNCH_TICKET_MAX, &ticket) || ticket.len == 0)
        return;
    memcpy(job->ticket, ticket.at, ticket.len);
    job->ticket_len = ticket.len;
}

/* ---- evidence of it -------------------------------------------------------------------------- */

static void reply(struct runner_job *job, uint32_t number, struct span said)
{
    uint8_t bytes[AGENT_REPLY_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u32le(&body, number);
    sink_put(&body, said);
    if (sink_ok(&body))
        say(job, sink_bytes(&body));
}

static void refuse_quote(struct runner_job *job, uint32_t number, enum reason reason)
{
    uint8_t bytes[10];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, (struct span){ 0 });
    put_bytes(&body, (struct span){ 0 });
    reply(job, number, sink_bytes(&body));
}

static bool ask_quote(struct runner *runner, struct runner_job *job, struct span report_data)
{
    struct channel *tee = &runner->house->channels[PEER_TEE];
    uint8_t bytes[EVIDENCE_SANDBOX_HEAD + LAUNCH_TICKET_MAX];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_put(&body, SPAN(job->id));
    sink_put(&body, report_data);
    put_bytes(&body, span_of(job->ticket, job->ticket_len));
    const struct frame frame = { .message = MSG_EVIDENCE_SANDBOX,
                                 .id = channel_next_id(tee),
                                 .body = sink_bytes(&body) };
    if (!rc_ok(channel_put(NULL, tee, &frame)))
        return false;
    job->measuring = frame.id;
    return true;
}

/* One at a time, and not too many: an agent that the job has taken over asks no faster. */
static void take_question(struct runner *runner, struct runner_job *job, struct span said)
{
    struct cursor in = cur_over(said);
    const uint64_t now_us = (uint64_t)clock_monotonic_ms() * 1000;
    uint32_t number = 0;
    if (!cur_u32le(&in, &number))
        return; /* its length was looked at */
    if (job->measuring != 0 || !gcra_take(&job->asked, &runner->quote_rate, 1, now_us).allowed) {
        job->quiet_ms = clock_monotonic_ms() + RUNNER_QUIET_MS;
        refuse_quote(job, number, REASON_TEE_RATE);
        return;
    }
    job->number = number;
    if (!ask_quote(runner, job, cur_rest(&in)))
        refuse_quote(job, number, REASON_HOUSE_UNAVAILABLE);
}

/* ---- both ------------------------------------------------------------------------------------ */

/* One that asks in another way, or says anew what its sandbox began with, is no process of ours. */
void runner_measure(struct runner *runner, struct runner_job *job)
{
    uint8_t bytes[LAUNCH_HEAD + LAUNCH_LINE_MAX];
    struct packet_fds fds = { .count = 0 };
    size_t len = 0;
    rc got = packet_receive(NULL, job->measure, bytes, sizeof bytes, &len, &fds);
    if (!rc_ok(got) && rc_number(got) == PACKET_E_BLOCK)
        return;
    const struct span said = span_of(bytes, len);
    const bool measured = job->ticket_len > 0;
    if (rc_ok(got) && measured && len == AGENT_QUESTION && fds.count == 0)
        take_question(runner, job, said);
    else if (!rc_ok(got) || measured || !is_launch(len, &fds) || job->measuring != 0)
        fd_close(&job->measure);
    else if (!ask_launch(runner, job, said, &fds))
        refuse_launch(job, REASON_HOUSE_UNAVAILABLE);
    packet_fds_close(&fds);
}

static struct runner_job *who_asked(struct runner *runner, uint64_t question)
{
    for (size_t i = 0; question != 0 && i < JOB_RUNS_MAX; i++) {
        if (runner->jobs[i].used && runner->jobs[i].measuring == question)
            return &runner->jobs[i];
    }
    return NULL;
}

void runner_measured(struct runner *runner, uint64_t question, struct span said)
{
    struct runner_job *job = who_asked(runner, question);
    if (job == NULL || job->ticket_len > 0)
        return;
    job->measuring = 0;
    keep_ticket(job, said);
    say(job, said);
}

void runner_quoted(struct runner *runner, uint64_t question, struct span said)
{
    struct runner_job *job = who_asked(runner, question);
    if (job == NULL || job->ticket_len == 0)
        return;
    job->measuring = 0;
    reply(job, job->number, said);
}

void runner_unmeasured(struct runner *runner)
{
    for (size_t i = 0; i < JOB_RUNS_MAX; i++) {
        struct runner_job *job = &runner->jobs[i];
        if (!job->used || job->measuring == 0)
            continue;
        if (job->ticket_len == 0) {
            refuse_launch(job, REASON_HOUSE_UNAVAILABLE);
            continue;
        }
        job->measuring = 0;
        refuse_quote(job, job->number, REASON_HOUSE_UNAVAILABLE);
    }
}
