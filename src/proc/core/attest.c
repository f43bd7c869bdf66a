/* attest.c - see core.h: evidence on its way to verify, and the verdict on its way back.  Core
   reads neither; of what verify says it reads the answer's own fields, for the log. */
#include <string.h>

#include "base/number.h"
#include "codec/protobuf.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

struct verdict *core_vacant_verdict(struct verdict *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!places[i].used)
            return &places[i];
    }
    return NULL;
}

struct pending *core_verdict_asked(struct core *core, const struct request *request,
                                   struct verdict *verdict, enum peer peer, uint64_t id)
{
    struct pending *pending = core_pending(core, peer, id, false);
    if (pending == NULL)
        return NULL;
    verdict->used = true;
    verdict->request = *request;
    verdict->request.body = (struct span){ 0 };
    pending->verdict = verdict;
    return pending;
}

void core_verdict_waits(struct pending *pending, uint64_t id)
{
    pending->id = id;
    pending->peer = PEER_AUDIT;
    pending->until_ms = clock_monotonic_ms() + CORE_LOG_MS;
}

void core_ask_verify(struct core *core, const struct request *request)
{
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    struct verdict *verdict = core_vacant_verdict(core->verdicts, CORE_VERDICTS);
    uint8_t *memory = arena_room(&scratch, FRAME_BODY_MAX);
    struct sink body = sink_over(memory, memory == NULL ? 0 : FRAME_BODY_MAX);
    sink_u64le(&body, (uint64_t)clock_now());
    put_bytes(&body, request->body);
    if (verdict == NULL || !sink_ok(&body)) {
        core_refuse(core, request, REASON_HOUSE_UNAVAILABLE);
        return;
    }
    struct frame question = { .message = MSG_JUDGE, .body = sink_bytes(&body) };
    core_ask(core, request, PEER_VERIFY, &question);
    core_verdict_asked(core, request, verdict, PEER_VERIFY, question.id);
}

/* What a child of verify wrote may be anything: an answer that is none says nothing. */
static bool read_verdict(struct core *core, struct span body,
                         struct api_attest_verify_response *out)
{
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    struct values_error error;
    return protobuf_read(&api_attest_verify_response, body, &scratch, out, &error);
}

/* The record is asked for; until it is durable the verdict waits in its place. */
static bool log_first(struct core *core, struct pending *pending,
                      const struct api_attest_verify_response *said)
{
    uint64_t id = 0;
    if (!core_log_verdict(core, &pending->verdict->request,
                          said->allowed ? AUDIT_SUCCESS : AUDIT_DENIED, said->reason,
                          said->hardware, &id))
        return false;
    core_verdict_waits(pending, id);
    return true;
}

/* Evidence that nobody could judge is worth a record, too; its answer does not wait for it. */
static void refuse(struct core *core, struct pending *pending, enum reason reason,
                   struct span detail)
{
    struct answer said = { .reason = reason, .detail = detail };
    uint64_t id = 0;
    if (reason == REASON_EVIDENCE_CRASHED || reason == REASON_EVIDENCE_DEADLINE)
        core->cannot_log = !core_log_verdict(core, &pending->verdict->request, AUDIT_FAILURE,
                                             span_text(reason_info(reason)->name), false, &id);
    if (reason == REASON_EVIDENCE_CRASHED)
        core_evidence_crashed(core, &pending->verdict->request);
    core_answer(core, pending->front_id, &said);
    core_settle(core, pending);
}

rc core_on_judged(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct api_attest_verify_response said = { 0 };
    uint16_t reason = 0;
    struct span detail, body, platform;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT &&
          get_bytes(&call->body, JUDGED_DETAIL_MAX, &detail) &&
          get_bytes(&call->body, FRAME_BODY_MAX, &body) &&
          get_bytes(&call->body, PLATFORM_LEN, &platform) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct pending *pending = core_pending(core, PEER_VERIFY, call->id, false);
    if (pending == NULL || pending->verdict == NULL)
        return RC_SUCCESS; /* too late: answered by the clock */
    if (reason != REASON_OK) {
        refuse(core, pending, (enum reason)reason, detail);
        return RC_SUCCESS;
    }
    collateral_platform(core, platform, false); /* the policy was whoever asks's */
    if (!read_verdict(core, body, &said)) {
        refuse(core, pending, REASON_EVIDENCE_CRASHED, (struct span){ 0 });
        return RC_SUCCESS;
    }
    memcpy(pending->verdict->answer, body.at, body.len);
    pending->verdict->len = body.len;
    if (log_first(core, pending, &said))
        return RC_SUCCESS;
    core_not_logged(core);
    refuse(core, pending, REASON_AUDIT_CANNOT_LOG, (struct span){ 0 });
    return RC_SUCCESS;
}

void core_verdict_logged(struct core *core, struct pending *pending, bool logged)
{
    struct verdict *verdict = pending->verdict;
    struct answer said = { .reason = logged ? REASON_OK : REASON_AUDIT_CANNOT_LOG };
    if (logged)
        said.body = span_of(verdict->answer, verdict->len);
    core_answer(core, pending->front_id, &said);
    core_settle(core, pending);
}
