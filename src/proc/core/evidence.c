/* evidence.c - see core.h: the house's own evidence.  Core hands on 64 bytes and nothing else, and
   takes nothing that does not bear them: a tee that answers another question is no tee. */
#include <string.h>

#include "base/number.h"
#include "codec/job_result.h"
#include "codec/protobuf.h"
#include "model/tee.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

enum { TDX_VERSION = 4, TDX_TEE = 0x81, TDX_HEAD = 8, TDX_REPORT_DATA = 48 + 584 - 64 };

static bool read_request(struct core *core, const struct request *request, struct span *report_data)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    struct api_attest_evidence_request asked;
    struct values_error error;
    if (!protobuf_read(&api_attest_evidence_request, request->body, &scratch, &asked, &error) ||
        asked.report_data.len != 64)
        return false;
    *report_data = asked.report_data;
    return true;
}

/* What begins with a tag of a key of results is bound by core alone, and to the keeper's: else
   the owner could have a key of his own bound, and sign what he likes outside of the house and its
   log. */
void core_ask_tee(struct core *core, const struct request *request)
{
    static const char reserved[] = "report_data begins with a tag of a key of results";
    struct verdict *place = core_vacant_verdict(core->evidences, CORE_EVIDENCES);
    struct span report_data;
    if (!read_request(core, request, &report_data)) {
        core_refuse(core, request, REASON_HTTP_BODY_INVALID);
        return;
    }
    if (job_result_reserved(report_data)) {
        core_answer(core, request->id,
                    &(struct answer){ REASON_HTTP_BODY_INVALID, span_text(reserved), { 0 } });
        return;
    }
    if (place == NULL) {
        core_refuse(core, request, REASON_HOUSE_UNAVAILABLE);
        return;
    }
    memcpy(place->report_data, report_data.at, sizeof place->report_data);
    struct frame question = { .message = MSG_EVIDENCE, .body = SPAN(place->report_data) };
    core_ask(core, request, PEER_TEE, &question);
    core_verdict_asked(core, request, place, PEER_TEE, question.id);
}

bool core_evidence_bears(struct span quote, const uint8_t report_data[64])
{
    struct cursor in = cur_over(quote);
    uint16_t version = 0, key_type = 0;
    uint32_t tee_type = 0;
    struct span borne;
    return cur_u16le(&in, &version) && version == TDX_VERSION && cur_u16le(&in, &key_type) &&
           cur_u32le(&in, &tee_type) && tee_type == TDX_TEE &&
           cur_skip(&in, TDX_REPORT_DATA - TDX_HEAD) && cur_take(&in, 64, &borne) &&
           bytes_equal(borne.at, report_data, 64);
}

/* What the evidence comes from is not tee's to say. */
static bool write_answer(struct verdict *place, struct span quote, struct span log)
{
    struct api_attest_evidence_response made = {
        .evidence = quote, .kind = span_text("tdx"), .hardware = TEE_IS_HARDWARE, .event_log = log
    };
    struct sink out = sink_over(place->answer, CORE_EVIDENCE_BYTES);
    if (!protobuf_write(&api_attest_evidence_response, &made, &out))
        return false;
    place->len = out.len;
    return true;
}

static void refuse(struct core *core, struct pending *pending, enum reason reason)
{
    core_answer(core, pending->front_id, &(struct answer){ .reason = reason });
    core_settle(core, pending);
}

/* Who waits for it, or NULL: it is too late, and he was answered by the clock, or he is told now
   why there is none. */
static struct pending *who_waits(struct core *core, const struct call *call, enum reason reason)
{
    struct pending *pending = core_pending(core, PEER_TEE, call->id, false);
    if (pending == NULL || pending->verdict == NULL)
        return NULL;
    if (reason == REASON_OK)
        return pending;
    refuse(core, pending, reason);
    return NULL;
}

rc core_on_evidence(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint16_t reason = 0;
    uint64_t id = 0;
    struct span quote, log;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT &&
          get_bytes(&call->body, EVIDENCE_QUOTE_MAX, &quote) &&
          get_bytes(&call->body, EVIDENCE_LOG_MAX, &log) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    const struct span made[2] = { quote, log };
    if (links_quoted(core, call, (enum reason)reason, made))
        return RC_SUCCESS;
    struct pending *pending = who_waits(core, call, (enum reason)reason);
    if (pending == NULL)
        return RC_SUCCESS;
    struct verdict *place = pending->verdict;
    if (place->request.method == METHOD_RESULTS_SIGN) {
        const struct core_attested of = { .node = { quote, log } };
        return core_result_attested(core, pending, &of) ? RC_SUCCESS
                                                        : door_fault(trail, call, DOOR_E_BODY);
    }
    if (!core_evidence_bears(quote, place->report_data) || !write_answer(place, quote, log))
        return door_fault(trail, call, DOOR_E_BODY); /* who waits is told that nobody answers */
    if (core_log_evidence(core, &place->request, place->report_data, &id)) {
        core_verdict_waits(pending, id);
        return RC_SUCCESS;
    }
    core_not_logged(core);
    refuse(core, pending, REASON_AUDIT_CANNOT_LOG);
    return RC_SUCCESS;
}

rc core_on_evidence_both(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct core_attested of;
    uint16_t reason = 0;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT &&
          get_bytes(&call->body, EVIDENCE_QUOTE_MAX, &of.node[0]) &&
          get_bytes(&call->body, EVIDENCE_LOG_MAX, &of.node[1]) &&
          get_bytes(&call->body, EVIDENCE_QUOTE_MAX, &of.sandbox[0]) &&
          get_bytes(&call->body, JOB_RESULT_LOG_MAX, &of.sandbox[1]) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct pending *pending = who_waits(core, call, (enum reason)reason);
    if (pending == NULL)
        return RC_SUCCESS;
    return pending->verdict->request.method == METHOD_RESULTS_SIGN && of.sandbox[0].len > 0 &&
                   core_result_attested(core, pending, &of)
               ? RC_SUCCESS
               : door_fault(trail, call, DOOR_E_BODY);
}
