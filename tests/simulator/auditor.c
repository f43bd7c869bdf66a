/* auditor.c - see world.h: the audit process.  It writes in groups, says that a record is logged
   when it is durable and never before, loses with its life what was not, is slow, full or late,
   and answers questions in any order. */
#include <string.h>

#include "codec/protobuf.h"
#include "proc/audit_client.h"
#include "simulator/world.h"

enum { PAGE = 1 };

/* The last one that is left decides what the log looks like. */
static void cut(struct log *log, size_t count)
{
    log->tree = (struct merkle_tree){ 0 };
    for (size_t i = 0; i < count; i++) {
        if (!merkle_append(&log->tree, &log->records[i].leaf))
            return;
    }
    log->count = log->durable = count;
}

void auditor_begin(struct world *world)
{
    struct log *log = &world->log;
    cut(log, log->durable);
    log->answered = log->durable;
    log->writing = false;
}

void auditor_put_back(struct world *world, size_t records)
{
    struct log *log = &world->log;
    if (log->fork + 1 == RECORDS)
        return;
    cut(log, records < log->durable ? log->durable - records : 0);
    log->answered = log->durable;
    log->cuts[++log->fork] = log->durable;
    world_note(world, "log put back", log->durable, 0);
}

static void appended(struct world *world, uint64_t id, bool logged, uint64_t seq)
{
    uint8_t bytes[9];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, logged);
    if (logged)
        sink_u64le(&body, seq);
    struct frame frame = { .message = MSG_AUDIT_APPENDED, .id = id, .body = sink_bytes(&body) };
    world_say_frame(world, PEER_AUDIT, &frame);
}

/* What was durable once, whatever becomes of the log. */
static void remember(struct log *log, const struct record *record, uint64_t size)
{
    struct cursor trace = cur_over(SPAN(record->trace));
    bool access = record->event == AUDIT_EVENT_CONFIG_READ ||
                  record->event == AUDIT_EVENT_LOG_READ ||
                  record->event == AUDIT_EVENT_EVIDENCE_JUDGE ||
                  record->event == AUDIT_EVENT_EVIDENCE_MAKE ||
                  record->event == AUDIT_EVENT_KEYRING_CHANGE || record->event == AUDIT_EVENT_BAN ||
                  record->event == AUDIT_EVENT_BAN_LIFT ||
                  record->event == AUDIT_EVENT_SESSION_GRANT ||
                  record->event == AUDIT_EVENT_SESSION_END ||
                  record->event == AUDIT_EVENT_COLLATERAL_REFRESH ||
                  record->event == AUDIT_EVENT_TOKEN_ISSUE ||
                  record->event == AUDIT_EVENT_RESULT_SIGN;
    uint64_t tag = 0;
    if (access && cur_u64le(&trace, &tag) && tag <= ASKED)
        log->accesses[tag] = true;
    if (record->seen >= NEWS_DAWN && record->seen < NEWS_DAWN + NEWS)
        log->news[record->seen - NEWS_DAWN] = true;
    if (log->past_count < RECORDS)
        log->past[log->past_count++] = (struct past){ size, log->fork, record->root };
}

static const struct past *find(const struct log *log, const struct store_anchor *anchor)
{
    for (size_t i = log->past_count; i > 0; i--) {
        const struct past *past = &log->past[i - 1];
        if (past->size == (uint64_t)anchor->size &&
            span_equal(SPAN(past->root.at), SPAN(anchor->root)))
            return past;
    }
    return NULL;
}

bool auditor_extends(const struct world *world, const struct store_anchor *from,
                     const struct store_anchor *to)
{
    const struct log *log = &world->log;
    const struct past *new = find(log, to), *old = find(log, from);
    if (new == NULL || (old == NULL && from->size > 0) || from->size > to->size)
        return false;
    for (uint64_t fork = old == NULL ? new->fork : old->fork; fork < new->fork; fork++) {
        if (log->cuts[fork + 1] < old->size)
            return false;
    }
    return old == NULL || old->fork <= new->fork;
}

static void write_group(struct world *world);

static void is_durable(struct world *world, const struct event *event)
{
    struct log *log = &world->log;
    for (; log->durable < event->a; log->durable++)
        remember(log, &log->records[log->durable], log->durable + 1);
    log->writing = false;
    world_note(world, "durable", log->durable, 0);
    for (; log->answered < log->durable; log->answered++) {
        const struct record *record = &log->records[log->answered];
        if (record->link == world->beings[PEER_AUDIT].link)
            appended(world, record->id, true, log->answered);
    }
    write_group(world);
}

static void write_group(struct world *world)
{
    struct log *log = &world->log;
    int64_t ms = 1 + (int64_t)world_below(world, 8);
    if (log->writing || log->durable == log->count)
        return;
    if (world->now_ms < log->slow_ms)
        ms = (int64_t)world_below(world, 3000);
    log->writing = true;
    world_later(world, PEER_AUDIT, ms, is_durable, log->count, (struct span){ 0 });
}

static int64_t number_of(const struct audit_record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++) {
        if (span_equal_text(record->details[i].key, name))
            return record->details[i].number;
    }
    return 0;
}

static void append(struct world *world, const struct frame *frame)
{
    struct log *log = &world->log;
    struct cursor in = cur_over(frame->body);
    struct audit_record record;
    if (!audit_client_get(&in, &record)) {
        world_wrong(world, "records are records", "message %u", frame->message);
        return;
    }
    if (world->now_ms < log->full_ms || log->count == RECORDS) {
        appended(world, frame->id, false, 0);
        return;
    }
    struct record *row = &log->records[log->count];
    *row = (struct record){ .event = record.event,
                            .id = frame->id,
                            .link = world->beings[PEER_AUDIT].link,
                            .generation = record.event == AUDIT_EVENT_STORE_MARK
                                              ? number_of(&record, "generation")
                                              : 0,
                            .seen = number_of(&record, "happened_at") };
    memcpy(row->trace, record.trace, sizeof row->trace);
    uint64_t leaf[] = { log->count, log->fork, frame->id };
    merkle_leaf(span_of(leaf, sizeof leaf), &row->leaf);
    if (!merkle_append(&log->tree, &row->leaf))
        return;
    merkle_root(&log->tree, &row->root);
    log->count++;
    write_group(world);
}

int64_t auditor_mark(const struct world *world)
{
    int64_t highest = 0;
    for (size_t i = 0; i < world->log.durable; i++) {
        if (world->log.records[i].generation > highest)
            highest = world->log.records[i].generation;
    }
    return highest;
}

/* Questions. */

static bool read_leaves(void *arg, uint64_t first, size_t count, struct merkle_hash *out)
{
    const struct log *log = arg;
    for (size_t i = 0; i < count; i++)
        out[i] = log->records[first + i].leaf;
    return true;
}

static bool head(struct world *world, struct sink *out)
{
    const struct log *log = &world->log;
    struct merkle_hash root;
    struct merkle_tree none = { 0 };
    if (log->durable > 0)
        root = log->records[log->durable - 1].root;
    else
        merkle_root(&none, &root);
    struct api_audit_head_response said = { .size = log->durable, .root_hash = SPAN(root.at) };
    return protobuf_write(&api_audit_head_response, &said, out);
}

static enum reason prove(struct world *world, struct span request, struct arena *scratch,
                         struct sink *out)
{
    struct log *log = &world->log;
    struct merkle_source source = { .leaves = read_leaves, .arg = log };
    struct api_audit_prove_request asked;
    struct values_error error;
    struct merkle_proof proof = { 0 };
    struct span hashes[MERKLE_PROOF_MAX];
    if (!protobuf_read(&api_audit_prove_request, request, scratch, &asked, &error))
        return REASON_HTTP_BODY_INVALID;
    uint64_t size = asked.size == 0 ? log->durable : asked.size;
    struct api_audit_prove_response said = { .size = size,
                                             .seq = asked.seq,
                                             .old_size = asked.old_size };
    if (size > log->durable)
        return REASON_AUDIT_PROOF_RANGE;
    /* Of a stranger's question only the numbers come back. */
    if (asked.old_size > 0 &&
        !rc_ok(merkle_prove_consistency(&source, asked.old_size, size, &proof, NULL)))
        return REASON_AUDIT_PROOF_RANGE;
    for (size_t i = 0; i < proof.count; i++)
        hashes[i] = SPAN(proof.at[i].at);
    said.hashes.items = hashes;
    said.hashes.count = proof.count;
    return protobuf_write(&api_audit_prove_response, &said, out) ? REASON_OK
                                                                 : REASON_HOUSE_ANSWER_TOO_LARGE;
}

/* The marks of the store, a few at a time; of any other question its resource comes back. */
static enum reason query(struct world *world, struct span request, struct arena *scratch,
                         struct sink *out)
{
    struct log *log = &world->log;
    struct api_audit_query_request asked;
    struct api_audit_record found[PAGE];
    struct values_error error;
    uint8_t text[PAGE][48], at[24];
    uint64_t from = 0;
    if (!protobuf_read(&api_audit_query_request, request, scratch, &asked, &error))
        return REASON_HTTP_BODY_INVALID;
    struct api_audit_query_response said = { .records = { found, 0 },
                                             .next_cursor = asked.resource };
    struct cursor in = cur_over(asked.cursor);
    if (span_equal_text(asked.action, "store.mark")) {
        for (uint8_t digit = 0; cur_u8(&in, &digit);)
            from = 10 * from + digit - '0';
        if (from > log->durable) /* a rotation came between */
            return REASON_HTTP_BODY_INVALID;
        for (; from < log->durable && said.records.count < PAGE; from++) {
            if (log->records[from].event != AUDIT_EVENT_STORE_MARK)
                continue;
            struct sink details = sink_over(text[said.records.count], sizeof text[0]);
            sink_format(&details, "{\"generation\":%lld}",
                        (long long)log->records[from].generation);
            found[said.records.count++] = (struct api_audit_record){
                .seq = from, .details = sink_bytes(&details)
            };
        }
        struct sink next = sink_over(at, sizeof at);
        if (from < log->durable) {
            sink_decimal(&next, from, 1);
        } else {
            log->said = auditor_mark(world);
            if (world->house == NULL || !life_core(world)->store.judged)
                log->shown = log->said; /* later ones are of what was judged */
        }
        said.next_cursor = sink_bytes(&next);
    }
    return protobuf_write(&api_audit_query_response, &said, out) ? REASON_OK
                                                                 : REASON_HOUSE_ANSWER_TOO_LARGE;
}

static enum reason answer(struct world *world, enum method method, struct span request,
                          struct sink *out)
{
    static uint8_t memory[64 << 10];
    struct arena scratch = arena_over(memory, sizeof memory);
    struct api_audit_get_request get;
    struct api_audit_verify_request verify;
    struct values_error error;
    if (method == METHOD_AUDIT_HEAD)
        return head(world, out) ? REASON_OK : REASON_HOUSE_ANSWER_TOO_LARGE;
    if (method == METHOD_AUDIT_PROVE)
        return prove(world, request, &scratch, out);
    if (method == METHOD_AUDIT_QUERY)
        return query(world, request, &scratch, out);
    if (method == METHOD_AUDIT_GET &&
        protobuf_read(&api_audit_get_request, request, &scratch, &get, &error)) {
        struct api_audit_record record = { .seq = get.seq };
        return protobuf_write(&api_audit_record, &record, out) ? REASON_OK
                                                               : REASON_HOUSE_ANSWER_TOO_LARGE;
    }
    if (method == METHOD_AUDIT_VERIFY &&
        protobuf_read(&api_audit_verify_request, request, &scratch, &verify, &error)) {
        struct api_audit_verify_response said = { .sound = true, .checked = verify.from };
        return protobuf_write(&api_audit_verify_response, &said, out)
                   ? REASON_OK
                   : REASON_HOUSE_ANSWER_TOO_LARGE;
    }
    return REASON_HTTP_BODY_INVALID;
}

/* The log as it is when the answer is made, which is some time after the question came. */
static void answers(struct world *world, const struct event *event)
{
    static uint8_t bytes[2][64 << 10];
    struct cursor in = cur_over(span_of(event->bytes, event->len));
    struct sink said = sink_over(bytes[0], sizeof bytes[0]);
    struct sink body = sink_over(bytes[1], sizeof bytes[1]);
    uint16_t method = 0;
    struct span request;
    if (!world_hears_it(world, event))
        return;
    if (!cur_u16le(&in, &method) || !get_bytes(&in, FRAME_BODY_MAX, &request) || !cur_end(&in)) {
        world_wrong(world, "questions are questions", "of the audit process");
        return;
    }
    enum reason reason = answer(world, (enum method)method, request, &said);
    if (!world->calm && world_chance(world, 30))
        reason = REASON_HOUSE_DEADLINE;
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, (struct span){ 0 });
    put_bytes(&body, reason == REASON_OK ? sink_bytes(&said) : (struct span){ 0 });
    struct frame frame = { .message = MSG_AUDIT_ANSWER, .id = event->a, .body = sink_bytes(&body) };
    world_say_frame(world, PEER_AUDIT, &frame);
}

void auditor_hears(struct world *world, const struct frame *frame)
{
    int64_t ms = 1 + (int64_t)world_below(world, 30);
    if (!world->calm && world_chance(world, 12))
        ms = (int64_t)world_below(world, 9000);
    if (frame->message == MSG_AUDIT_APPEND)
        append(world, frame);
    else if (frame->message != MSG_AUDIT_ASK)
        world_wrong(world, "questions are questions", "message %u", frame->message);
    else if (world->calm || !world_chance(world, 40)) /* else it never answers */
        world_later(world, PEER_AUDIT, ms, answers, frame->id, frame->body);
}
