/* ask.c - see parts.h: questions about the log.  They wait in a row; one is worked on at a
   time, a slice of it between two groups of appends. */
#include <string.h>

#include "codec/protobuf.h"
#include "model/api.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/audit/parts.h"
#include "proc/messages.h"
#include "proc/routes.h"

enum { ASK_MEMORY = 256 << 10 };

void ask_answer(struct auditor *auditor, uint64_t id, enum reason reason, const char *detail,
                struct span answer)
{
    struct span text = span_text(detail);
    struct sink body = sink_over(auditor->reply, FRAME_BODY_MAX);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, text);
    put_bytes(&body, answer);
    struct frame frame = { .message = MSG_AUDIT_ANSWER, .id = id, .body = sink_bytes(&body) };
    /* A core that does not read its answers has given up on them. */
    rc put = house_put(NULL, auditor->house, PEER_CORE, &frame);
    (void)put;
}

rc ask_take(struct trail *trail, void *self, struct call *call)
{
    struct auditor *auditor = self;
    struct span request;
    uint16_t method = 0;
    if (!cur_u16le(&call->body, &method) || method >= METHOD_COUNT ||
        !get_bytes(&call->body, ASK_BYTES, &request) || !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    if (auditor->ask_count == ASKS) {
        ask_answer(auditor, call->id, REASON_HOUSE_DEADLINE, "too many questions wait for the log",
                   span_of(NULL, 0));
        return RC_SUCCESS;
    }
    struct ask *ask = &auditor->asks[(auditor->ask_first + auditor->ask_count++) % ASKS];
    ask->id = call->id;
    ask->method = method;
    ask->len = request.len;
    if (request.len > 0)
        memcpy(ask->request, request.at, request.len);
    return RC_SUCCESS;
}

bool ask_read(struct auditor *auditor, const struct schema_message *message, struct span request,
              void *out)
{
    struct values_error error = { 0 };
    char detail[256];
    if (protobuf_read(message, request, &auditor->asking, out, &error))
        return true;
    struct sink text = sink_over(detail, sizeof detail);
    sink_format(&text, "%s %s", error.field != NULL ? error.field : "the request",
                error.what != NULL ? error.what : "cannot be read");
    sink_terminate(&text);
    ask_answer(auditor, auditor->work.id, REASON_HTTP_BODY_INVALID, detail, span_of(NULL, 0));
    return false;
}

void ask_write(struct auditor *auditor, const struct schema_message *message, const void *values)
{
    struct sink answer = sink_over(auditor->page, PAGE_BYTES);
    if (protobuf_write(message, values, &answer))
        ask_answer(auditor, auditor->work.id, REASON_OK, "", sink_bytes(&answer));
    else
        ask_answer(auditor, auditor->work.id, REASON_HOUSE_ANSWER_TOO_LARGE, "", span_of(NULL, 0));
}

bool ask_record(struct auditor *auditor, struct span line, struct sink *out)
{
    struct audit_record record;
    struct merkle_hash leaf;
    uint8_t time[32];
    struct sink at = sink_over(time, sizeof time);
    if (!rc_ok(audit_read(&auditor->reader, line, &record, NULL)) ||
        !audit_time_put(&at, record.at))
        return false;
    merkle_leaf(line, &leaf);
    struct api_audit_record row = { .seq = record.seq,
                                    .timestamp = sink_bytes(&at),
                                    .event_type = span_text(audit_type_name(record.type)),
                                    .actor_id = record.actor_id,
                                    .actor_type = span_text(audit_actor_name(record.actor_type)),
                                    .resource = record.resource,
                                    .action = record.action,
                                    .outcome = span_text(audit_outcome_name(record.outcome)),
                                    .ip_address = record.address,
                                    .details = record.details_json,
                                    .line = line,
                                    .leaf_hash = SPAN(leaf.at) };
    return protobuf_write(&api_audit_record, &row, out);
}

static void answer_get(struct auditor *auditor, struct span request)
{
    struct api_audit_get_request get;
    struct lines_walk walk = { .room = auditor->scratch };
    struct sink answer = sink_over(auditor->page, PAGE_BYTES);
    const struct lines *lines = &auditor->lines;
    struct span line;
    if (!ask_read(auditor, &api_audit_get_request, request, &get))
        return;
    if (get.seq < lines->first || get.seq - lines->first >= lines->file.records) {
        ask_answer(auditor, auditor->work.id, REASON_AUDIT_RECORD_UNKNOWN, "", span_of(NULL, 0));
    } else if (!lines_walk_from(lines, &walk, get.seq) || !lines_next(&walk, &line)) {
        ask_answer(auditor, auditor->work.id, REASON_AUDIT_TRUNCATED, "", span_of(NULL, 0));
    } else if (!ask_record(auditor, line, &answer)) {
        ask_answer(auditor, auditor->work.id, REASON_AUDIT_LINE_INVALID, "", span_of(NULL, 0));
    } else {
        ask_answer(auditor, auditor->work.id, REASON_OK, "", sink_bytes(&answer));
    }
}

static void answer_head(struct auditor *auditor, struct span request)
{
    struct api_empty nothing;
    const struct heads *heads = &auditor->heads;
    struct merkle_hash root = heads->head.root;
    if (!ask_read(auditor, &api_empty, request, &nothing))
        return;
    if (heads->head.size == 0)
        merkle_root(&(struct merkle_tree){ 0 }, &root);
    struct api_audit_head_response head = { .size = heads->head.size,
                                            .root_hash = SPAN(root.at),
                                            .time = heads->signed_at / 1000,
                                            .checkpoint = span_of(heads->note, heads->note_len) };
    ask_write(auditor, &api_audit_head_response, &head);
}

static rc make_proof(struct auditor *auditor, const struct api_audit_prove_request *ask,
                     uint64_t size, struct merkle_proof *out)
{
    struct merkle_source source = leaves_source(&auditor->leaves);
    if (size > auditor->leaves.taken || size > auditor->chain.tree.size)
        return rc_make(RC_PEER, REASON_AUDIT_PROOF_RANGE);
    if (ask->old_size != 0)
        return merkle_prove_consistency(&source, ask->old_size, size, out, NULL);
    return merkle_prove_inclusion(&source, ask->seq, size, out, NULL);
}

static void answer_prove(struct auditor *auditor, struct span request)
{
    struct api_audit_prove_request ask;
    struct merkle_proof proof;
    struct span hashes[MERKLE_PROOF_MAX];
    struct merkle_hash leaf;
    const struct heads *heads = &auditor->heads;
    if (!ask_read(auditor, &api_audit_prove_request, request, &ask))
        return;
    uint64_t size = ask.size != 0 ? ask.size : heads->head.size;
    rc proven = make_proof(auditor, &ask, size, &proof);
    bool inclusion = ask.old_size == 0;
    if (rc_ok(proven) && inclusion && !leaves_read(&auditor->leaves, ask.seq, 1, &leaf))
        proven = rc_make(RC_WORLD, REASON_AUDIT_LEAVES_UNREADABLE);
    if (!rc_ok(proven)) {
        ask_answer(auditor, auditor->work.id, reason_of_rc(proven, REASON_AUDIT_LEAVES_UNREADABLE),
                   "", span_of(NULL, 0));
        return;
    }
    for (size_t i = 0; i < proof.count; i++)
        hashes[i] = SPAN(proof.at[i].at);
    struct api_audit_prove_response answer = {
        .size = size,
        .seq = inclusion ? ask.seq : 0,
        .old_size = ask.old_size,
        .leaf_hash = inclusion ? SPAN(leaf.at) : span_of(NULL, 0),
        .hashes = { hashes, proof.count },
        .checkpoint = size == heads->head.size ? span_of(heads->note, heads->note_len)
                                               : span_of(NULL, 0),
    };
    ask_write(auditor, &api_audit_prove_response, &answer);
}

static void begin(struct auditor *auditor, const struct ask *ask)
{
    struct work *work = &auditor->work;
    struct span request = span_of(ask->request, ask->len);
    work->id = ask->id;
    work->method = ask->method;
    work->begun_ms = clock_monotonic_ms();
    arena_init(&auditor->asking, ASK_MEMORY);
    switch (ask->method) {
    case METHOD_AUDIT_QUERY:
        query_begin(auditor, request);
        break;
    case METHOD_AUDIT_GET:
        answer_get(auditor, request);
        break;
    case METHOD_AUDIT_HEAD:
        answer_head(auditor, request);
        break;
    case METHOD_AUDIT_PROVE:
        answer_prove(auditor, request);
        break;
    case METHOD_AUDIT_VERIFY:
        check_begin(auditor, request);
        break;
    default:
        ask_answer(auditor, ask->id, REASON_HTTP_ROUTE_UNKNOWN, "", span_of(NULL, 0));
    }
    if (!work->busy)
        ask_end(auditor);
}

void ask_end(struct auditor *auditor)
{
    auditor->work.busy = false;
    fd_close(&auditor->work.fd);
    arena_fini(&auditor->asking);
}

void ask_forget_all(struct auditor *auditor)
{
    auditor->ask_count = 0;
    if (auditor->work.busy)
        ask_end(auditor);
}

bool ask_step(struct auditor *auditor)
{
    struct work *work = &auditor->work;
    /* Answers are long: the next one is made when the last one has left. */
    if (channel_has_queued(&auditor->house->channels[PEER_CORE]))
        return false;
    if (!work->busy && auditor->ask_count > 0) {
        struct ask *ask = &auditor->asks[auditor->ask_first];
        begin(auditor, ask);
        auditor->ask_first = (auditor->ask_first + 1) % ASKS;
        auditor->ask_count--;
    } else if (work->busy) {
        bool more = work->method == METHOD_AUDIT_QUERY ? query_step(auditor) : check_step(auditor);
        if (!more)
            ask_end(auditor);
    }
    return work->busy || auditor->ask_count > 0;
}
