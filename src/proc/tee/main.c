/* main.c - ward-tee: see tee.h. */
#include <string.h>
#include <sys/stat.h>

#include "base/number.h"
#include "codec/job_result.h"
#include "crypto/start.h"
#include "os/clock.h"
#include "proc/control.h"
#include "proc/log.h"
#include "proc/tee/tee.h"
#include "proc/tee_syscalls.h"

enum { SECOND_US = 1000000 };

int64_t tee_period(int64_t now)
{
    int64_t into = now % TEE_PERIOD_S;
    return now - (into < 0 ? into + TEE_PERIOD_S : into);
}

/* Everything that the platform says of itself follows from the seed and the period.  Its
   certificates never end: a clock that was wrong at the first start does no harm later. */
static struct sim_spec spec_of(int64_t period)
{
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, period);
    const struct window ever = { TEE_CERTIFIED_FROM, TIME_MAX };
    const struct window issue = { period - TEE_SKEW_S, period + TEE_VALID_S };
    spec.root.validity = spec.ca.validity = spec.leaf.validity = spec.signer.validity = ever;
    spec.root_crl.validity = spec.pck_crl.validity = issue;
    spec.tcb_info.validity = spec.qe_identity.validity = issue;
    memset(spec.tdx.report_data, 0, sizeof spec.tdx.report_data);
    return spec;
}

/* Collateral that cannot be written is written later: the one that is there is good for
   longer than this takes to be tried again. */
static rc make_platform(struct trail *trail, struct tee *tee)
{
    struct trail of_collateral = { 0 };
    int64_t period = tee_period(clock_now());
    struct sink quote = sink_over(tee->quote, sizeof tee->quote);
    tee->spec = spec_of(period);
    TRY(trail, tee_measure(trail, tee));
    TRY(trail, tee_open_authority(trail, tee));
    TRY(trail, tee_publish_root(trail, tee));
    rc published = tee_publish_collateral(&of_collateral, tee);
    if (!rc_ok(published))
        log_failure("collateral not published", published, &of_collateral);
    tee->issued = rc_ok(published) ? period : INT64_MIN;
    if (!sim_quote(&tee->authority, &tee->spec, &quote))
        return FAIL(trail, RC_BUG, HOUSE_E_MEMORY);
    tee->quote_len = quote.len;
    return RC_SUCCESS;
}

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct tee *tee = self;
    tee->house = house;
    tee->folder = house->files[FILE_TEE];
    tee->look_ms = clock_monotonic_ms() + TEE_LOOK_MS;
    house->files[FILE_TEE] = -1;
    if (!gcra_rate_of(TEE_PER_SECOND, SECOND_US, TEE_BURST, &tee->rate) ||
        !gcra_rate_of(TEE_MEASURE_PER_SECOND, SECOND_US, TEE_MEASURE_BURST, &tee->measure_rate) ||
        !gcra_rate_of(TEE_SANDBOX_PER_SECOND, SECOND_US, TEE_SANDBOX_BURST, &tee->sandbox_rate))
        return FAIL(trail, RC_BUG, HOUSE_E_MEMORY);
    if (!sodium_start() || !ecdsa_guard_heap())
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    umask(022); /* what is published is for everybody */
    rc made = make_platform(trail, tee);
    tee_forget(tee);
    enum reason why = reason_of_rc(made, REASON_NONE);
    if (why != REASON_NONE)
        log_event("evidence cannot be made: %s", reason_info(why)->name);
    return made;
}

static rc tell(struct trail *trail, struct call *call, struct sink *body)
{
    struct frame frame = { .message = MSG_EVIDENCE_IS, .id = call->id, .body = sink_bytes(body) };
    return channel_put(trail, call->from, &frame);
}

static rc refuse(struct trail *trail, struct call *call, enum reason reason)
{
    uint8_t bytes[16];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, (struct span){ 0 });
    put_bytes(&body, (struct span){ 0 });
    return tell(trail, call, &body);
}

struct quoting {
    uint8_t *quote;
    size_t len;
    const uint8_t *report_data;
};

static rc sign(struct span scalar, void *arg)
{
    const struct quoting *what = arg;
    return sim_quote_renew(what->quote, what->len, what->report_data, scalar)
               ? RC_SUCCESS
               : rc_make(RC_WORLD, HOUSE_E_MEMORY);
}

static bool may_quote(struct tee *tee, uint32_t quotes)
{
    uint64_t now_us = (uint64_t)clock_monotonic_ms() * 1000;
    return gcra_take(&tee->asked, &tee->rate, quotes, now_us).allowed;
}

static rc on_evidence(struct trail *trail, void *self, struct call *call)
{
    struct tee *tee = self;
    uint8_t report_data[64];
    struct sink body = sink_over(tee->answer, sizeof tee->answer);
    struct quoting what = { tee->quote, tee->quote_len, report_data };
    if (!cur_copy(&call->body, report_data, sizeof report_data) || !cur_end(&call->body) ||
        call->id == 0)
        return door_fault(trail, call, DOOR_E_BODY);
    if (!may_quote(tee, 1))
        return refuse(trail, call, REASON_TEE_RATE);
    if (!rc_ok(secret_lend(tee->quoting, sign, &what)))
        return refuse(trail, call, REASON_HOUSE_UNAVAILABLE);
    sink_u16le(&body, REASON_OK);
    put_bytes(&body, span_of(tee->quote, tee->quote_len));
    put_bytes(&body, span_of(tee->log, tee->log_len));
    return tell(trail, call, &body);
}

struct both {
    uint8_t report_data[2][64]; /* of the house, of the sandbox */
    struct span log;            /* of the sandbox */
};

static enum reason quote_both(struct tee *tee, struct cursor *in, struct both *out)
{
    uint8_t job[JOB_ID];
    struct span spec, ticket;
    struct sim_launch launch;
    struct sink log = sink_over(tee->sandbox_log, sizeof tee->sandbox_log);
    struct quoting of_house = { tee->quote, tee->quote_len, out->report_data[0] };
    struct quoting of_sandbox = { tee->sandbox_quote, tee->quote_len, out->report_data[1] };
    if (!cur_copy(in, job, sizeof job) || !cur_take(in, sizeof launch.spec, &spec) ||
        !get_bytes(in, LAUNCH_TICKET_MAX, &ticket) || !cur_end(in))
        return REASON_NONE;
    enum reason reason = tee_open_ticket(tee, ticket, job, &launch);
    if (reason != REASON_OK)
        return reason;
    if (!span_equal(SPAN(launch.spec), spec))
        return REASON_RESULT_TICKET;
    if (!may_quote(tee, 2))
        return REASON_TEE_RATE;
    if (!tee_remeasure(tee, &launch, &log) || !rc_ok(secret_lend(tee->quoting, sign, &of_house)) ||
        !rc_ok(secret_lend(tee->quoting, sign, &of_sandbox)))
        return REASON_HOUSE_UNAVAILABLE;
    out->log = sink_bytes(&log);
    return REASON_OK;
}

/* In one answer, so that a result has both or none. */
static rc on_evidence_both(struct trail *trail, void *self, struct call *call)
{
    struct tee *tee = self;
    struct both both = { .log = { 0 } };
    struct sink body = sink_over(tee->answer, sizeof tee->answer);
    if (call->id == 0 || !cur_copy(&call->body, both.report_data[0], sizeof both.report_data[0]) ||
        !cur_copy(&call->body, both.report_data[1], sizeof both.report_data[1]))
        return door_fault(trail, call, DOOR_E_BODY);
    enum reason reason = quote_both(tee, &call->body, &both);
    if (reason == REASON_NONE)
        return door_fault(trail, call, DOOR_E_BODY);
    const bool made = reason == REASON_OK;
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, span_of(tee->quote, made ? tee->quote_len : 0));
    put_bytes(&body, span_of(tee->log, made ? tee->log_len : 0));
    put_bytes(&body, span_of(tee->sandbox_quote, made ? tee->quote_len : 0));
    put_bytes(&body, both.log);
    struct frame frame = { .message = MSG_EVIDENCE_BOTH_ARE,
                           .id = call->id,
                           .body = sink_bytes(&body) };
    return channel_put(trail, call->from, &frame);
}

/* What a result's evidence binds is core's to ask for: with it a job could have its own word pass
   for the node's. */
static enum reason quote_sandbox(struct tee *tee, struct cursor *in, struct span *log)
{
    uint8_t job[JOB_ID], report_data[64];
    struct span ticket;
    struct sim_launch launch;
    struct sink text = sink_over(tee->sandbox_log, sizeof tee->sandbox_log);
    struct quoting what = { tee->sandbox_quote, tee->quote_len, report_data };
    uint64_t now_us = (uint64_t)clock_monotonic_ms() * 1000;
    if (!cur_copy(in, job, sizeof job) || !cur_copy(in, report_data, sizeof report_data) ||
        !get_bytes(in, LAUNCH_TICKET_MAX, &ticket) || !cur_end(in))
        return REASON_NONE;
    if (job_result_reserved(SPAN(report_data)))
        return REASON_HTTP_BODY_INVALID;
    enum reason reason = tee_open_ticket(tee, ticket, job, &launch);
    if (reason != REASON_OK)
        return reason;
    if (!gcra_take(&tee->sandboxes, &tee->sandbox_rate, 1, now_us).allowed)
        return REASON_TEE_RATE;
    if (!tee_remeasure(tee, &launch, &text) || !rc_ok(secret_lend(tee->quoting, sign, &what)))
        return REASON_HOUSE_UNAVAILABLE;
    *log = sink_bytes(&text);
    return REASON_OK;
}

static rc on_evidence_sandbox(struct trail *trail, void *self, struct call *call)
{
    struct tee *tee = self;
    struct span log = { 0 };
    struct sink body = sink_over(tee->answer, sizeof tee->answer);
    enum reason reason = call->id == 0 ? REASON_NONE : quote_sandbox(tee, &call->body, &log);
    if (reason == REASON_NONE)
        return door_fault(trail, call, DOOR_E_BODY);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, span_of(tee->sandbox_quote, reason == REASON_OK ? tee->quote_len : 0));
    put_bytes(&body, log);
    struct frame frame = { .message = MSG_EVIDENCE_SANDBOX_IS,
                           .id = call->id,
                           .body = sink_bytes(&body) };
    return channel_put(trail, call->from, &frame);
}

static rc on_collateral(struct trail *trail, void *self, struct call *call)
{
    struct tee *tee = self;
    uint8_t bytes[SIM_COLLATERAL_MAX + 8];
    if (call->id == 0)
        return door_fault(trail, call, DOOR_E_BODY);
    for (size_t i = 0; i < COLLATERAL_OWN; i++) {
        struct sink body = sink_over(bytes, sizeof bytes);
        sink_u8(&body, (uint8_t)i);
        put_bytes(&body, tee->collateral[i]);
        struct frame frame = { .message = MSG_COLLATERAL_OWN_IS,
                               .id = call->id,
                               .body = sink_bytes(&body) };
        TRY(trail, channel_put(trail, call->from, &frame));
    }
    return RC_SUCCESS;
}

/* In the jail nothing can be issued: the process begins anew.  A clock that was set, forwards
   or back, is a new period, too. */
static int64_t tick(void *self, int64_t now_ms)
{
    struct tee *tee = self;
    struct frame again = { .message = CONTROL_AGAIN };
    if (tee->house->stopping)
        return INT64_MAX;
    if (now_ms < tee->look_ms)
        return tee->look_ms;
    tee->look_ms = now_ms + TEE_LOOK_MS;
    if (tee_period(clock_now()) == tee->issued ||
        !rc_ok(channel_put(NULL, &tee->house->control, &again)))
        return tee->look_ms;
    tee->house->stopping = true;
    return now_ms; /* that it may end is asked before the next wait */
}

/* Whoever asks for a reload may have set the clock. */
static bool reload(void *self, const struct settings *next)
{
    struct tee *tee = self;
    (void)next;
    tee->look_ms = 0;
    return true;
}

static const struct door doors[] = {
    { MSG_EVIDENCE, IN(PEER_CORE), ~0u, 64, 64, 0, on_evidence },
    { MSG_EVIDENCE_BOTH, IN(PEER_CORE), ~0u, EVIDENCE_BOTH_HEAD,
      EVIDENCE_BOTH_HEAD + LAUNCH_TICKET_MAX, 0, on_evidence_both },
    { MSG_MEASURE_CONTAINER, IN(PEER_RUNNER), ~0u, JOB_ID + LAUNCH_HEAD, JOB_ID + LAUNCH_HEAD,
      LAUNCH_CONTAINER_FDS, tee_on_measure },
    { MSG_MEASURE_MACHINE, IN(PEER_RUNNER), ~0u, JOB_ID + LAUNCH_HEAD,
      JOB_ID + LAUNCH_HEAD + LAUNCH_LINE_MAX, LAUNCH_MACHINE_FDS, tee_on_measure },
    { MSG_EVIDENCE_SANDBOX, IN(PEER_RUNNER), ~0u, EVIDENCE_SANDBOX_HEAD,
      EVIDENCE_SANDBOX_HEAD + LAUNCH_TICKET_MAX, 0, on_evidence_sandbox },
    { MSG_COLLATERAL_OWN, IN(PEER_CORE), ~0u, 0, 0, 0, on_collateral },
};

static const struct process tee_process = {
    .peer = PEER_TEE,
    .peers = IN(PEER_CORE) | IN(PEER_RUNNER),
    .fds = 32,
    .measures = true,
    .own_network = true,
    .size = sizeof(struct tee),
    .rules = tee_rules,
    .rule_count = COUNT_OF(tee_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
    .reload = reload,
    .tick = tick,
};

int main(void)
{
    return house_main(&tee_process);
}
