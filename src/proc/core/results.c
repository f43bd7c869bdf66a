/* results.c - see results.h.  The owner says what there is to be said of a job; the form of it, the
   evidence and the key are the house's.  Core believes the owner in what it cannot know, and says
   in its record that it was the owner who said it. */
#include "proc/core/results.h"

#include <string.h>

#include "base/number.h"
#include "codec/hex.h"
#include "codec/job_result.h"
#include "codec/protobuf.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

_Static_assert((int)JOB_RESULT_EVIDENCE_MAX == (int)EVIDENCE_QUOTE_MAX, "a quote of tee's");
_Static_assert((int)JOB_RESULT_EVIDENCE_MAX == (int)EVIDENCE_LOG_MAX, "and its log");
_Static_assert((int)JOB_RESULT_MAX + 256 <= (int)FRAME_BODY_MAX, "one as an answer");

bool core_results_open(struct core *core)
{
    for (size_t i = 0; i < CORE_RESULTS; i++) {
        core->results[i].answer = arena_room(&core->house->arena, FRAME_BODY_MAX);
        if (core->results[i].answer == NULL)
            return false;
    }
    return true;
}

static void refuse(struct core *core, const struct request *request, enum reason reason,
                   const char *detail)
{
    struct answer said = { .reason = reason };
    if (detail != NULL)
        said.detail = span_text(detail);
    core_answer(core, request->id, &said);
}

static void give_up(struct core *core, struct pending *pending, enum reason reason)
{
    refuse(core, &pending->verdict->request, reason, NULL);
    core_settle(core, pending);
}

/* ---- what the owner says ------------------------------------------------------------------ */

/* What the bytes say, with the names that a result has for it, and evidence that is still to come.
   False where a hash is none, or there is no memory. */
static bool read_facts(struct span body, struct arena *scratch, struct job_result *out,
                       struct span *ticket)
{
    struct api_results_sign_request asked;
    struct values_error error;
    if (!protobuf_read(&api_results_sign_request, body, scratch, &asked, &error) ||
        asked.spec_sha256.len != JOB_RESULT_DIGEST)
        return false;
    const struct api_result_output *said = asked.outputs.items;
    struct job_output *outputs = arena_array(scratch, asked.outputs.count, sizeof *outputs);
    for (size_t i = 0; outputs != NULL && i < asked.outputs.count; i++) {
        if (said[i].sha256.len != JOB_RESULT_DIGEST)
            return false;
        outputs[i].path = said[i].path;
        outputs[i].size = said[i].size;
        memcpy(outputs[i].sha256, said[i].sha256.at, JOB_RESULT_DIGEST);
    }
    *out = (struct job_result){ .job = asked.job_id,
                                .code = asked.code,
                                .signal = asked.signal,
                                .reason = asked.reason,
                                .cpu_us = asked.cpu_us,
                                .memory_peak = asked.memory_peak,
                                .started = asked.started,
                                .ended = asked.ended,
                                .node.type = span_text("tdx"),
                                .output_count = asked.outputs.count,
                                .outputs = outputs };
    memcpy(out->spec, asked.spec_sha256.at, JOB_RESULT_DIGEST);
    *ticket = asked.launch;
    return outputs != NULL;
}

static bool is_reason(struct span name)
{
    for (unsigned reason = REASON_OK; reason < REASON_COUNT; reason++) {
        if (span_equal_text(name, reason_info((enum reason)reason)->name))
            return true;
    }
    return false;
}

/* Which of it no result can say; NULL: none. */
static const char *wrong_of(const struct job_result *facts)
{
    struct job_result whole = *facts;
    whole.key_id = span_text("00000000000000000000000000000000");
    whole.node.evidence = span_text("to come");
    if (!is_reason(facts->reason))
        return "reason is no reason that Ward gives";
    if (facts->code != 0 && facts->signal != 0)
        return "code and signal: a job ends with one of them";
    if (facts->started > facts->ended)
        return "ended is before started";
    if (!span_equal_text(facts->reason, "OK") && facts->output_count > 0)
        return "outputs: of a job that did not end by itself nothing is taken over";
    for (size_t i = 0; i < facts->output_count; i++) {
        if (!job_result_path_is_good(facts->outputs[i].path))
            return "outputs: a path leads elsewhere, or is no plain text";
    }
    return job_result_is_good(&whole)
               ? NULL
               : "job_id is no id, or outputs are not sorted, twice there, or too many";
}

/* Evidence of the house alone, or with a ticket of the sandbox, too.  Whether the ticket is one,
   and of this job, tee knows. */
static void ask_tee(struct core *core, const struct request *request, struct verdict *place,
                    const struct job_result *facts, struct span ticket)
{
    uint8_t bytes[EVIDENCE_BOTH_HEAD + LAUNCH_TICKET_MAX], job[JOB_ID], bound[JOB_RESULT_BINDING];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct frame question = { .message = MSG_EVIDENCE, .body = SPAN(place->report_data) };
    if (ticket.len > 0) {
        if (facts->job.len != sizeof job * 2 || !hex_decode(facts->job, job, sizeof job)) {
            core_refuse(core, request, REASON_RESULT_TICKET);
            return;
        }
        job_result_bind(JOB_RESULT_OF_SANDBOX, core->tokens.result_key, bound);
        sink_put(&body, SPAN(place->report_data));
        sink_put(&body, SPAN(bound));
        sink_put(&body, SPAN(job));
        sink_put(&body, SPAN(facts->spec));
        put_bytes(&body, ticket);
        question = (struct frame){ .message = MSG_EVIDENCE_BOTH, .body = sink_bytes(&body) };
    }
    core_ask(core, request, PEER_TEE, &question);
    core_verdict_asked(core, request, place, PEER_TEE, question.id);
}

void core_sign_result(struct core *core, const struct request *request)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    const struct core_tokens *keys = &core->tokens;
    struct verdict *place = core_vacant_verdict(core->results, CORE_RESULTS);
    struct job_result facts;
    struct span ticket;
    if (!read_facts(request->body, &scratch, &facts, &ticket)) {
        refuse(core, request, REASON_HTTP_BODY_INVALID, "a hash is not 32 bytes");
        return;
    }
    const char *wrong = wrong_of(&facts);
    if (wrong != NULL) {
        refuse(core, request, REASON_HTTP_BODY_INVALID, wrong);
        return;
    }
    if (place == NULL || !keys->known || !keys->has_result || request->body.len > FRAME_BODY_MAX) {
        bool none = keys->known && !keys->has_result;
        core_refuse(core, request, none ? REASON_KEYRING_NO_SUCH_KEY : REASON_HOUSE_UNAVAILABLE);
        return;
    }
    job_result_bind(JOB_RESULT_OF_NODE, keys->result_key, place->report_data);
    memcpy(place->answer, request->body.at, request->body.len);
    place->len = request->body.len;
    ask_tee(core, request, place, &facts, ticket);
}

/* ---- with the evidence -------------------------------------------------------------------- */

/* Takes the place of what the owner said; made where both have room. */
static bool write_input(struct core *core, struct verdict *place, const struct core_attested *of)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    uint8_t key_id[JOB_RESULT_KEY_ID];
    struct sink hex = sink_over(key_id, sizeof key_id);
    struct job_result result;
    struct span ticket;
    uint8_t *text = arena_room(&scratch, JOB_RESULT_INPUT_MAX);
    uint8_t *memory = arena_room(&scratch, JOB_RESULT_TEXT_MAX);
    if (text == NULL || memory == NULL ||
        !read_facts(span_of(place->answer, place->len), &scratch, &result, &ticket))
        return false;
    sink_hex(&hex, SPAN(core->tokens.result_id));
    result.key_id = sink_bytes(&hex);
    result.node.evidence = of->node[0];
    result.node.event_log = of->node[1];
    if (of->sandbox[0].len > 0)
        result.sandbox = (struct job_evidence){ result.node.type, of->sandbox[0], of->sandbox[1] };
    struct sink input = sink_over(text, JOB_RESULT_INPUT_MAX);
    job_result_write_input(&input, &result, memory);
    if (!sink_ok(&input))
        return false;
    memcpy(place->answer, text, input.len);
    place->len = input.len;
    return true;
}

/* The key may be another one by now than the evidence binds: then whoever asks asks again. */
bool core_result_attested(struct core *core, struct pending *pending,
                          const struct core_attested *of)
{
    struct verdict *place = pending->verdict;
    struct channel *keeper = &core->house->channels[PEER_KEEPER];
    uint8_t bound[JOB_RESULT_BINDING], of_sandbox[JOB_RESULT_BINDING];
    job_result_bind(JOB_RESULT_OF_NODE, core->tokens.result_key, bound);
    job_result_bind(JOB_RESULT_OF_SANDBOX, core->tokens.result_key, of_sandbox);
    if (!core_evidence_bears(of->node[0], place->report_data))
        return false;
    if (!core->tokens.known || !bytes_equal(bound, place->report_data, sizeof bound)) {
        give_up(core, pending, REASON_HOUSE_UNAVAILABLE);
        return true;
    }
    if (of->sandbox[0].len > 0 && !core_evidence_bears(of->sandbox[0], of_sandbox))
        return false;
    if (!write_input(core, place, of)) {
        give_up(core, pending, REASON_SERVER_FAILED);
        return true;
    }
    struct frame question = { .message = MSG_SIGN_RESULT,
                              .id = channel_next_id(keeper),
                              .body = span_of(place->answer, place->len) };
    if (!rc_ok(channel_put(NULL, keeper, &question))) {
        give_up(core, pending, REASON_HOUSE_UNAVAILABLE);
        return true;
    }
    pending->id = question.id;
    pending->peer = PEER_KEEPER;
    return true;
}

/* ---- with the signature ------------------------------------------------------------------- */

static bool write_answer(struct core *core, struct verdict *place,
                         const uint8_t signature[JOB_RESULT_SIGNATURE], uint64_t *id)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    struct job_result_room *room = arena_room(&scratch, sizeof *room);
    uint8_t *answer = arena_room(&scratch, FRAME_BODY_MAX);
    struct sink whole = { place->answer, FRAME_BODY_MAX, place->len, false };
    struct job_result_signed result;
    uint8_t digest[SHA256_LEN];
    job_result_end(&whole, signature);
    if (room == NULL || answer == NULL || !sink_ok(&whole) ||
        job_result_read(sink_bytes(&whole), room, &result) != JOB_RESULT_READ)
        return false;
    const struct api_results_sign_response said = { .result = sink_bytes(&whole),
                                                    .key_id = result.result.key_id };
    struct sink out = sink_over(answer, FRAME_BODY_MAX - 64);
    if (!protobuf_write(&api_results_sign_response, &said, &out))
        return false;
    hash_sha256(sink_bytes(&whole), digest);
    if (!core_log_result(core, place, &result.result, digest, id))
        return false;
    memcpy(place->answer, answer, out.len);
    place->len = out.len;
    return true;
}

rc core_on_result_signed(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint8_t signature[JOB_RESULT_SIGNATURE] = { 0 };
    uint16_t reason = 0;
    uint64_t id = 0;
    if (!cur_u16le(&call->body, &reason) || reason >= REASON_COUNT ||
        (reason == REASON_OK && !cur_copy(&call->body, signature, sizeof signature)) ||
        !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    struct pending *pending = core_pending(core, PEER_KEEPER, call->id, false);
    if (pending == NULL || pending->verdict == NULL)
        return RC_SUCCESS; /* too late: answered by the clock */
    if (reason == REASON_OK && write_answer(core, pending->verdict, signature, &id)) {
        core_verdict_waits(pending, id);
        return RC_SUCCESS;
    }
    if (reason == REASON_OK) {
        core_not_logged(core);
        reason = REASON_AUDIT_CANNOT_LOG;
    }
    if (reason == REASON_GUARD_KEY_NOT_BOUND) /* it signs with another one by now */
        tokens_changed(core);
    give_up(core, pending, (enum reason)reason);
    return RC_SUCCESS;
}
