/* front.c - see world.h: the front, with the people behind it: the owner, strangers who want what
   is the owner's, and now and then a front that was taken over.  Each life of it numbers its
   requests from one, as the real one does, and each request can be told from all others by its
   answer. */
#include <stdio.h>
#include <string.h>

#include "codec/job_result.h"
#include "codec/miner_token.h"
#include "codec/protobuf.h"
#include "simulator/world.h"

enum { BATCH = 64, TAG_TEXT = 24, MANY = 1100 };

/* What must be in the log before it is answered; core has a list of its own. */
static bool is_logged_first(enum method method)
{
    return method == METHOD_CONFIG || method == METHOD_AUDIT_QUERY || method == METHOD_AUDIT_GET ||
           method == METHOD_AUDIT_VERIFY || method == METHOD_ATTEST_VERIFY ||
           method == METHOD_ATTEST_EVIDENCE || method == METHOD_KEYRING_ROTATE ||
           method == METHOD_ADMISSION_IMPOSE || method == METHOD_ADMISSION_LIFT ||
           method == METHOD_SESSION_GRANT || method == METHOD_SESSION_REVOKE ||
           method == METHOD_SESSION_END || method == METHOD_COLLATERAL_REFRESH ||
           method == METHOD_TOKEN_ISSUE || method == METHOD_RESULTS_SIGN;
}

/* What whoever asks so is told, whatever it asks for; REASON_OK: it depends. */
static enum reason refused_for(const struct asked *asked)
{
    enum route_permission permission = house_router.routes[asked->method].permission;
    bool is_owners = permission == ROUTE_OWNER || permission == ROUTE_OPERATOR;
    if (is_owners && asked->caller != CALLER_OWNER)
        return REASON_HOUSE_OWNER_ONLY;
    if (permission == ROUTE_SESSION && asked->caller != CALLER_SESSION)
        return REASON_SESSION_REQUIRED;
    return REASON_OK;
}

static struct span id_text(const struct asked *asked, char text[2 * SESSION_ID])
{
    struct sink out = sink_over(text, 2 * (size_t)SESSION_ID);
    session_id_write(&out, asked->session);
    return sink_bytes(&out);
}

static struct span text_of(uint64_t tag, char text[TAG_TEXT])
{
    snprintf(text, TAG_TEXT, "tag-%llu", (unsigned long long)tag);
    return span_text(text);
}

/* Few enough that what is lifted was often imposed. */
static struct span address_of(uint64_t tag, char text[TAG_TEXT])
{
    snprintf(text, TAG_TEXT, "192.0.2.%u", (unsigned)(tag % 8));
    return span_text(text);
}

static void trace_of(const struct world *world, uint64_t tag, uint8_t trace[CORE_TRACE])
{
    struct sink out = sink_over(trace, CORE_TRACE);
    sink_u64le(&out, tag);
    sink_u64le(&out, ~world->seed);
}

/* Big ones seldom: up to more than core keeps, and for evidence up to what may be. */
static struct span padding(struct world *world, size_t cap)
{
    static const uint8_t zeros[FRAME_BODY_MAX];
    size_t len = world_chance(world, 40) ? world_below(world, cap) : world_below(world, 40);
    return span_of(zeros, len);
}

/* One that is shown is nobody's: it is refused, and how is core's affair. */
static bool put_token(struct world *world, const struct asked *asked, struct sink *out)
{
    char text[TAG_TEXT];
    static const uint8_t hash[32];
    struct span tag = text_of(asked->tag, text);
    struct api_token_redeem_request redeem = { .token = tag,
                                               .challenge = tag,
                                               .route = tag,
                                               .method = span_text("GET"),
                                               .body_hash = SPAN(hash) };
    struct api_token_issue_request issue = {
        .type = span_text("miner"),
        .subject = span_text("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        .challenge = span_text(world_chance(world, 10) ? "no name" : "sums"),
        .job = tag,
    };
    return asked->method == METHOD_TOKEN_ISSUE
               ? protobuf_write(&api_token_issue_request, &issue, out)
               : protobuf_write(&api_token_redeem_request, &redeem, out);
}

/* One in a while has what no job leaves. */
static bool put_result(struct world *world, const struct asked *asked, struct sink *out)
{
    char text[TAG_TEXT];
    static const uint8_t hash[32];
    const struct api_result_output output = {
        .path = span_text(world_chance(world, 10) ? "../model.bin" : "model.bin"),
        .size = asked->tag,
        .sha256 = SPAN(hash),
    };
    const struct api_results_sign_request sign = { .job_id = text_of(asked->tag, text),
                                                   .spec_sha256 = SPAN(hash),
                                                   .reason = span_text("OK"),
                                                   .started = 1700000000,
                                                   .ended = 1700000001,
                                                   .outputs = { &output, 1 } };
    return protobuf_write(&api_results_sign_request, &sign, out);
}

static bool put_session_body(const struct asked *asked, struct sink *out)
{
    char text[TAG_TEXT], id[2 * SESSION_ID];
    struct api_session_revoke_request revoke = { id_text(asked, id) };
    struct api_session_grant_request grant = { .name = text_of(asked->tag, text),
                                               .public_key = signers_key() };
    return asked->method == METHOD_SESSION_GRANT
               ? protobuf_write(&api_session_grant_request, &grant, out)
               : protobuf_write(&api_session_revoke_request, &revoke, out);
}

static bool put_evidence(struct world *world, const struct asked *asked, struct sink *out)
{
    char text[TAG_TEXT];
    uint8_t report_data[64] = { 0 };
    struct sink borne = sink_over(report_data, sizeof report_data);
    struct api_attest_evidence_request make = { SPAN(report_data) };
    struct api_attest_verify_request judge = { .nonce = text_of(asked->tag, text),
                                               .evidence = padding(world, 100 << 10) };
    sink_u64le(&borne, asked->tag);
    return asked->method == METHOD_ATTEST_EVIDENCE
               ? protobuf_write(&api_attest_evidence_request, &make, out)
               : protobuf_write(&api_attest_verify_request, &judge, out);
}

/* Now and then what is more than is kept of it, and read only when it is in the log. */
static bool put_config_body(struct world *world, struct sink *out)
{
    if (world_chance(world, 20))
        sink_put(out, padding(world, CORE_BODY_BYTES + 2000));
    return sink_ok(out);
}

static bool put_ban_body(const struct asked *asked, struct sink *out)
{
    char peer[TAG_TEXT];
    struct api_admission_impose_request impose = { address_of(asked->tag, peer), 3600 };
    struct api_admission_lift_request lift = { impose.address };
    return asked->method == METHOD_ADMISSION_IMPOSE
               ? protobuf_write(&api_admission_impose_request, &impose, out)
               : protobuf_write(&api_admission_lift_request, &lift, out);
}

static bool put_body(struct world *world, const struct asked *asked, struct sink *out)
{
    char text[TAG_TEXT];
    struct span tag = text_of(asked->tag, text);
    struct api_ping_request ping = { tag };
    struct api_audit_query_request query = { .resource = tag };
    struct api_audit_get_request get = { asked->tag };
    struct api_audit_prove_request prove = { .seq = asked->tag };
    struct api_audit_verify_request verify = { .from = asked->tag };
    struct api_keyring_rotate_request rotate = { .role = span_text(
                                                     world_chance(world, 4) ? "?" : "tls") };
    switch ((int)asked->method) {
    case METHOD_ATTEST_EVIDENCE:
    case METHOD_ATTEST_VERIFY:
        return put_evidence(world, asked, out);
    case METHOD_SESSION_GRANT:
    case METHOD_SESSION_REVOKE:
        return put_session_body(asked, out);
    case METHOD_ADMISSION_IMPOSE:
    case METHOD_ADMISSION_LIFT:
        return put_ban_body(asked, out);
    case METHOD_PING:
        return protobuf_write(&api_ping_request, &ping, out);
    case METHOD_AUDIT_QUERY:
        return protobuf_write(&api_audit_query_request, &query, out);
    case METHOD_AUDIT_GET:
        return protobuf_write(&api_audit_get_request, &get, out);
    case METHOD_AUDIT_PROVE:
        return protobuf_write(&api_audit_prove_request, &prove, out);
    case METHOD_AUDIT_VERIFY:
        return protobuf_write(&api_audit_verify_request, &verify, out);
    case METHOD_KEYRING_ROTATE:
        return protobuf_write(&api_keyring_rotate_request, &rotate, out);
    case METHOD_TOKEN_REDEEM:
    case METHOD_TOKEN_ISSUE:
        return put_token(world, asked, out);
    case METHOD_RESULTS_SIGN:
        return put_result(world, asked, out);
    case METHOD_CONFIG:
        return put_config_body(world, out);
    default: /* those of nothing; and of jobs, for nobody is the runner in this world */
        break;
    }
    return true;
}

static enum caller caller_of(struct world *world, enum method method)
{
    bool signs = house_router.routes[method].permission == ROUTE_SESSION;
    if (signs ? !world_chance(world, 5) : world_chance(world, 20))
        return CALLER_SESSION;
    return world_chance(world, 5) ? CALLER_ANYONE : CALLER_OWNER;
}

static bool put_request(struct world *world, enum method method, struct sink *packet)
{
    static uint8_t bytes[2][FRAME_BODY_MAX];
    struct asking *asking = &world->asking;
    struct sink request = sink_over(bytes[0], sizeof bytes[0]);
    struct sink body = sink_over(bytes[1], sizeof bytes[1]);
    uint8_t trace[CORE_TRACE];
    if (asking->count == ASKED)
        return false;
    struct asked *asked = &asking->asked[asking->count];
    *asked = (struct asked){ .method = method,
                             .caller = caller_of(world, method),
                             .at = world->now_ms,
                             .stalled = world->stalled_ms,
                             .tag = ++asking->tags };
    signers_pick(world, asked->session);
    if (!put_body(world, asked, &request))
        return false;
    trace_of(world, asked->tag, trace);
    sink_u16le(&body, (uint16_t)method);
    sink_u8(&body, (uint8_t)asked->caller);
    sink_zero(&body, 10);
    sink_u16le(&body, 0xffff);
    sink_u32le(&body, (uint32_t)asked->tag);
    sink_put(&body, SPAN(trace));
    put_bytes(&body, sink_bytes(&request));
    if (asked->caller == CALLER_SESSION)
        signers_put(world, asked, &body);
    struct frame frame = { .message = MSG_REQUEST,
                           .id = asking->count - asking->first + 1,
                           .body = sink_bytes(&body) };
    frame_put(packet, &frame);
    if (!sink_ok(packet))
        return false;
    asking->count++;
    world_note(world, "asked", frame.id, method);
    return true;
}

static void put_refusal(struct world *world, struct sink *packet)
{
    uint8_t bytes[36] = { METHOD_CONFIG, [34] = REASON_HOUSE_OWNER_ONLY & 0xff,
                          REASON_HOUSE_OWNER_ONLY >> 8 };
    struct frame frame = { .message = MSG_REFUSED, .body = SPAN(bytes) };
    world_note(world, "refused by front", 0, 0);
    frame_put(packet, &frame);
}

static bool is_connected(const struct world *world)
{
    return world->beings[PEER_FRONT].link >= 0 && !world->stopping;
}

/* More at once than core has places for. */
static void ask_for_too_much(struct world *world)
{
    static uint8_t bytes[PACKET_BYTES_MAX];
    struct sink packet = sink_over(bytes, sizeof bytes);
    for (size_t i = 0; i < MANY; i++) {
        if (!put_request(world, METHOD_AUDIT_HEAD, &packet))
            break;
    }
    world_say(world, PEER_FRONT, sink_bytes(&packet), -1);
}

static void say_nonsense(struct world *world)
{
    static const uint8_t bytes[] = { 0, 1, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0 };
    world_note(world, "front says nonsense", 0, 0);
    world_say(world, PEER_FRONT, SPAN(bytes), -1);
}

static void ask_some(struct world *world)
{
    static uint8_t bytes[PACKET_BYTES_MAX];
    struct sink packet = sink_over(bytes, sizeof bytes);
    size_t count = 1 + (world_chance(world, 6) ? world_below(world, BATCH) : world_below(world, 3));
    bool refused = world_chance(world, 8);
    for (size_t i = 0; i < count; i++) {
        if (refused)
            put_refusal(world, &packet);
        else if (!put_request(world, (enum method)world_below(world, METHOD_COUNT), &packet))
            break;
    }
    if (packet.len > 0)
        world_say(world, PEER_FRONT, sink_bytes(&packet), -1);
}

static void asks(struct world *world, const struct event *event)
{
    int64_t ms = 1 + (int64_t)world_below(world, world_chance(world, 3) ? 2000 : 200);
    bool calm = world->calm;
    (void)event;
    if (world->now_ms > WELL_MS + 5000)
        return;
    if (is_connected(world) && !calm && world_chance(world, 400))
        ask_for_too_much(world);
    else if (is_connected(world) && !calm && world_chance(world, 200))
        say_nonsense(world);
    else if (is_connected(world))
        ask_some(world);
    world_later(world, PEER_FRONT, ms, asks, 0, (struct span){ 0 });
}

/* Those who wait are answered by front itself. */
void front_loses_core(struct world *world)
{
    world->asking.open = world->asking.count;
    world->asking.overflowed = false;
}

void front_begin(struct world *world)
{
    struct asking *asking = &world->asking;
    asking->first = asking->count;
    front_loses_core(world);
    world_later(world, PEER_FRONT, 1, asks, 0, (struct span){ 0 });
}

/* Answers. */

static bool is_tag(const struct asked *asked, struct span said)
{
    char text[TAG_TEXT];
    return span_equal(said, text_of(asked->tag, text));
}

/* The token is the one that was asked for. */
static bool is_for(const struct asked *asked, struct span text)
{
    uint8_t memory[MINER_ROOM];
    struct sink room = sink_over(memory, sizeof memory);
    struct miner_token token;
    return miner_token_read(text, &room, &token) == MINER_READ && is_tag(asked, token.claims.job);
}

static bool is_of_job(const struct asked *asked, struct span text)
{
    static struct job_result_room room;
    struct job_result_signed result;
    return job_result_read(text, &room, &result) == JOB_RESULT_READ &&
           is_tag(asked, result.result.job) && result.result.outputs[0].size == asked->tag;
}

static bool bears(struct span quote, uint64_t tag)
{
    struct cursor in = cur_over(quote);
    uint64_t borne = 0;
    return cur_skip(&in, QUOTE_REPORT_DATA) && cur_u64le(&in, &borne) && borne == tag;
}

union said {
    struct api_ping_response ping;
    struct api_audit_query_response query;
    struct api_audit_record record;
    struct api_audit_prove_response prove;
    struct api_audit_verify_response verify;
    struct api_attest_verify_response judge;
    struct api_attest_evidence_response made;
    struct api_ban ban;
    struct api_admission_lift_response lifted;
    struct api_token_issue_response issued;
    struct api_results_sign_response result;
    struct api_session session;
    struct api_session_grant_response granted;
    struct api_session_end_response over;
    uint64_t room[64];
};

/* Whether an answer is to this and to nothing else. */
static bool is_its(struct world *world, const struct asked *asked, struct span body)
{
    static uint8_t memory[256 << 10];
    char peer[TAG_TEXT], id[2 * SESSION_ID];
    struct arena scratch = arena_over(memory, sizeof memory);
    union said said;
    const struct schema_message *message = house_router.routes[asked->method].response;
    struct values_error error;
    if (message->size > sizeof said || !protobuf_read(message, body, &scratch, &said, &error))
        return false;
    switch ((int)asked->method) {
    case METHOD_PING:
        return is_tag(asked, said.ping.text);
    case METHOD_AUDIT_QUERY:
        return is_tag(asked, said.query.next_cursor);
    case METHOD_AUDIT_GET:
        return said.record.seq == asked->tag;
    case METHOD_AUDIT_PROVE:
        return said.prove.seq == asked->tag;
    case METHOD_AUDIT_VERIFY:
        return said.verify.checked == asked->tag;
    case METHOD_ATTEST_VERIFY:
        return is_tag(asked, said.judge.result);
    case METHOD_ATTEST_EVIDENCE:
        return bears(said.made.evidence, asked->tag);
    case METHOD_SESSION_GRANT:
        signers_granted(world, &said.granted);
        return true;
    case METHOD_SESSION_SHOW:
        return span_equal(said.session.id, id_text(asked, id));
    case METHOD_SESSION_REVOKE:
    case METHOD_SESSION_END:
        signers_over(world, asked->session);
        return span_equal(said.over.id, id_text(asked, id));
    case METHOD_ADMISSION_IMPOSE:
        return span_equal(said.ban.address, address_of(asked->tag, peer));
    case METHOD_ADMISSION_LIFT:
        return span_equal(said.lifted.address, address_of(asked->tag, peer));
    case METHOD_TOKEN_ISSUE:
        return is_for(asked, said.issued.token);
    case METHOD_RESULTS_SIGN:
        return is_of_job(asked, said.result.result);
    default: /* the same for whoever asks */
        break;
    }
    return true;
}

/* How long it may take: what is to be logged has its own time, before or after. */
static int64_t bound(const struct asked *asked, enum reason reason)
{
    int64_t own = house_router.routes[asked->method].deadline_ms;
    if (!is_logged_first(asked->method))
        return own;
    if (asked->method != METHOD_ATTEST_VERIFY && asked->method != METHOD_ATTEST_EVIDENCE &&
        asked->method != METHOD_TOKEN_ISSUE && asked->method != METHOD_RESULTS_SIGN &&
        reason == REASON_AUDIT_CANNOT_LOG)
        return CORE_SECOND_MS;
    return own + CORE_LOG_MS;
}

/* Nobody is the runner in this world, and so nobody answers. */
static bool asks_runner(enum method method)
{
    return method == METHOD_JOBS_TOP || method == METHOD_JOBS_LOGS || method == METHOD_JOBS_WHY;
}

static void judge_answer(struct world *world, const struct asked *asked, enum reason reason,
                         struct span body)
{
    unsigned long long tag = asked->tag;
    const char *name = house_router.routes[asked->method].grpc;
    int64_t took = world->now_ms - asked->at, stalled = world->stalled_ms - asked->stalled;
    if (asked->answered)
        world_wrong(world, "one answer", "%llu %s has two", tag, name);
    else if (refused_for(asked) != REASON_OK && reason != refused_for(asked))
        world_wrong(world, "strangers are refused", "%llu %s: %u", tag, name, reason);
    else if (reason == REASON_OK && !is_its(world, asked, body))
        world_wrong(world, "the answer to what was asked", "%llu %s", tag, name);
    else if (reason == REASON_OK && is_logged_first(asked->method) &&
             !world->log.accesses[asked->tag])
        world_wrong(world, "logged first", "%llu %s", tag, name);
    else if (asked->at > WELL_MS && !asks_runner(asked->method) &&
             (reason == REASON_AUDIT_CANNOT_LOG || reason == REASON_HOUSE_DEADLINE))
        world_wrong(world, "all is well again", "%llu %s: %u", tag, name, reason);
    else if (took > bound(asked, reason) + stalled)
        world_wrong(world, "in time", "%llu %s after %lld ms", tag, name, (long long)took);
}

void front_is_told(struct world *world, const struct frame *frame)
{
    struct asking *asking = &world->asking;
    struct cursor in = cur_over(frame->body);
    uint16_t reason = 0;
    struct span detail, body;
    if (frame->message != MSG_REPLY || !cur_u16le(&in, &reason) || reason >= REASON_COUNT ||
        !get_bytes(&in, FRAME_BODY_MAX, &detail) || !get_bytes(&in, FRAME_BODY_MAX, &body) ||
        !cur_end(&in)) {
        world_wrong(world, "questions are questions", "of front: %u", frame->message);
        return;
    }
    size_t at = asking->first + frame->id - 1;
    if (frame->id == 0 || at < asking->open || at >= asking->count) {
        world_wrong(world, "nobody hears another's answer", "id %llu",
                    (unsigned long long)frame->id);
        return;
    }
    struct asked *asked = &asking->asked[at];
    judge_answer(world, asked, (enum reason)reason, body);
    asked->answered = true;
}

void front_ends(struct world *world)
{
    const struct asking *asking = &world->asking;
    for (size_t i = asking->open; i < asking->count && !asking->overflowed; i++) {
        const struct asked *asked = &asking->asked[i];
        if (!asked->answered)
            world_wrong(world, "one answer", "%llu %s has none", (unsigned long long)asked->tag,
                        house_router.routes[asked->method].grpc);
    }
}
