/* keys_and_verdicts.c - see world.h: the keeper, which core trusts, and verify, which may have been
   taken over by the evidence that it reads: it says what nobody asked, twice, late, or what is no
   message at all.  Tee may answer another question than the one that it was asked. */
#include <string.h>

#include "base/number.h"
#include "codec/job_result.h"
#include "codec/protobuf.h"
#include "model/key.h"
#include "simulator/world.h"

static void says(struct world *world, const struct event *event)
{
    struct frame frame = { .message = (uint16_t)(event->a >> 48),
                           .id = event->a & UINT64_C(0xffffffffffff),
                           .body = span_of(event->bytes, event->len) };
    if (world_hears_it(world, event))
        world_say_frame(world, event->peer, &frame);
}

static void later(struct world *world, enum peer peer, uint16_t message, uint64_t id,
                  struct span body)
{
    int64_t ms = 1 + (int64_t)world_below(world, 40);
    if (!world->calm && world_chance(world, 10))
        ms = (int64_t)world_below(world, 20000);
    if (world->calm || !world_chance(world, 40)) /* else it never answers */
        world_later(world, peer, ms, says, (uint64_t)message << 48 | id, body);
}

static void put_key(struct sink *body, enum key_role role)
{
    const uint8_t id[KEY_ID] = { 7, (uint8_t)role };
    static const uint8_t point[ED25519_PUBLIC] = { 8 };
    sink_u8(body, (uint8_t)role);
    sink_u8(body, KEY_STATE_ACTIVE);
    sink_u8(body, role == KEY_ROLE_TLS);
    sink_u64le(body, 1);
    sink_u64le(body, 0);
    put_bytes(body, SPAN(id));
    put_bytes(body, SPAN(point));
}

static bool is_token(struct span input)
{
    uint8_t memory[MINER_ROOM];
    struct sink room = sink_over(memory, sizeof memory);
    struct miner_claims claims;
    return miner_input_read(input, &room, &claims) == MINER_READ;
}

/* Its evidence is over the key that is to sign it. */
static bool is_result(struct span input)
{
    static struct job_result_room room;
    static const uint8_t point[ED25519_PUBLIC] = { 8 };
    uint8_t bound[JOB_RESULT_BINDING];
    struct job_result result;
    struct span borne;
    job_result_bind(JOB_RESULT_OF_NODE, point, bound);
    if (job_result_input_read(input, &room, &result) != JOB_RESULT_READ)
        return false;
    struct cursor quote = cur_over(result.node.evidence);
    return cur_skip(&quote, QUOTE_REPORT_DATA) && cur_take(&quote, sizeof bound, &borne) &&
           span_equal(borne, SPAN(bound));
}

/* Whoever asks for a signature asks for one of the forms that there are. */
static void sign(struct world *world, const struct frame *frame)
{
    static const uint8_t signature[MINER_TOKEN_SIGNATURE] = { 9 };
    uint8_t bytes[2 + sizeof signature];
    struct sink body = sink_over(bytes, sizeof bytes);
    bool refuses = world_chance(world, 5), token = frame->message == MSG_SIGN_MINER;
    if (token ? !is_token(frame->body) : !is_result(frame->body))
        world_wrong(world, "questions are questions", "of the keeper: what is no %s",
                    token ? "token" : "result");
    sink_u16le(&body, refuses ? REASON_GUARD_RATE : REASON_OK);
    if (!refuses)
        sink_put(&body, SPAN(signature));
    later(world, PEER_KEEPER, token ? MSG_MINER_SIGNED : MSG_RESULT_SIGNED, frame->id,
          sink_bytes(&body));
}

void keeper_hears(struct world *world, const struct frame *frame)
{
    static const uint8_t ids[2][KEY_ID] = { { 1 }, { 2 } };
    uint8_t bytes[1024];
    struct sink body = sink_over(bytes, sizeof bytes);
    if (frame->message == MSG_KEYRING_LIST) {
        size_t count = world_below(world, 4);
        sink_u64le(&body, frame->id);
        sink_u32le(&body, (uint32_t)count + 3);
        put_key(&body, KEY_ROLE_LOG);
        put_key(&body, KEY_ROLE_MINER);
        put_key(&body, KEY_ROLE_RESULT);
        for (size_t i = 0; i < count; i++)
            put_key(&body, KEY_ROLE_TLS);
        later(world, PEER_KEEPER, MSG_KEYRING_IS, frame->id, sink_bytes(&body));
    } else if (frame->message == MSG_KEY_ROTATE && frame->body.len == 9) {
        bool done = !world_chance(world, 4);
        sink_u16le(&body, done ? REASON_OK : REASON_KEYRING_NOT_WRITTEN);
        if (done) {
            sink_u64le(&body, frame->id);
            put_bytes(&body, SPAN(ids[0]));
            put_bytes(&body, SPAN(ids[1]));
        }
        later(world, PEER_KEEPER, MSG_KEY_ROTATED, frame->id, sink_bytes(&body));
    } else if (frame->message == MSG_SIGN_MINER || frame->message == MSG_SIGN_RESULT) {
        sign(world, frame);
    } else {
        world_wrong(world, "questions are questions", "of the keeper: %u", frame->message);
    }
}

/* The evidence comes back as the result: a verdict over another's would be seen. */
static bool judge(struct span question, struct arena *scratch, struct sink *out)
{
    struct cursor in = cur_over(question);
    struct api_attest_verify_request asked;
    struct values_error error;
    struct span request;
    uint64_t now = 0;
    if (!cur_u64le(&in, &now) || !get_bytes(&in, FRAME_BODY_MAX, &request) || !cur_end(&in) ||
        !protobuf_read(&api_attest_verify_request, request, scratch, &asked, &error))
        return false;
    struct api_attest_verify_response said = { .allowed = true,
                                               .reason = span_text("OK"),
                                               .result = asked.nonce };
    return protobuf_write(&api_attest_verify_response, &said, out);
}

static enum reason some_refusal(struct world *world)
{
    static const enum reason reasons[] = { REASON_EVIDENCE_CRASHED, REASON_EVIDENCE_DEADLINE,
                                           REASON_HTTP_BODY_INVALID };
    return reasons[world_below(world, COUNT_OF(reasons))];
}

static void misbehave(struct world *world, uint64_t id, struct span body)
{
    static const uint8_t noise[] = { 0xff, 0xff, 1, 2, 3 };
    switch (world_below(world, 4)) {
    case 0: /* an answer to what nobody asked */
        later(world, PEER_VERIFY, MSG_JUDGED, id + ASKED, body);
        break;
    case 1: /* the same twice */
        later(world, PEER_VERIFY, MSG_JUDGED, id, body);
        break;
    case 2: /* no answer at all, and its channel is closed for it */
        later(world, PEER_VERIFY, MSG_JUDGED, id, SPAN(noise));
        break;
    default:
        later(world, PEER_VERIFY, MSG_AUDIT_APPENDED, id, SPAN(noise));
    }
}

void verify_hears(struct world *world, const struct frame *frame)
{
    static uint8_t memory[64 << 10], bytes[2][32 << 10];
    struct arena scratch = arena_over(memory, sizeof memory);
    struct sink said = sink_over(bytes[0], sizeof bytes[0]);
    struct sink body = sink_over(bytes[1], sizeof bytes[1]);
    bool refuses = world_chance(world, 5);
    if (frame->message == MSG_COLLATERAL_HELD)
        return;
    if (frame->message != MSG_JUDGE || !judge(frame->body, &scratch, &said)) {
        world_wrong(world, "questions are questions", "of verify: %u", frame->message);
        return;
    }
    if (!refuses && world_chance(world, 12)) {
        static const uint8_t no_verdict[] = { 0xff };
        said = sink_over(bytes[0], sizeof bytes[0]);
        sink_put(&said, SPAN(no_verdict));
    }
    sink_u16le(&body, refuses ? (uint16_t)some_refusal(world) : REASON_OK);
    put_bytes(&body, (struct span){ 0 });
    put_bytes(&body, refuses ? (struct span){ 0 } : sink_bytes(&said));
    put_bytes(&body, (struct span){ 0 });
    later(world, PEER_VERIFY, MSG_JUDGED, frame->id, sink_bytes(&body));
    if (!world->calm && world_chance(world, 12))
        misbehave(world, frame->id, sink_bytes(&body));
}

void tee_hears(struct world *world, const struct frame *frame)
{
    uint8_t bytes[1024], quote[QUOTE_REPORT_DATA + 64] = { 4, 0, 2, 0, 0x81 };
    struct sink body = sink_over(bytes, sizeof bytes);
    bool refuses = world_chance(world, 6);
    for (uint8_t i = 0; frame->message == MSG_COLLATERAL_OWN && i < COLLATERAL_OWN; i++) {
        body = sink_over(bytes, sizeof bytes);
        sink_u8(&body, i);
        put_bytes(&body, SPAN(quote));
        later(world, PEER_TEE, MSG_COLLATERAL_OWN_IS, frame->id, sink_bytes(&body));
    }
    if (frame->message == MSG_COLLATERAL_OWN)
        return;
    if (frame->message != MSG_EVIDENCE || frame->body.len != 64) {
        world_wrong(world, "questions are questions", "of tee: %u", frame->message);
        return;
    }
    memcpy(&quote[QUOTE_REPORT_DATA], frame->body.at, frame->body.len);
    if (!world->calm && world_chance(world, 30))
        quote[QUOTE_REPORT_DATA]++;
    sink_u16le(&body, refuses ? REASON_HOUSE_UNAVAILABLE : REASON_OK);
    put_bytes(&body, refuses ? (struct span){ 0 } : SPAN(quote));
    put_bytes(&body, (struct span){ 0 });
    later(world, PEER_TEE, MSG_EVIDENCE_IS, frame->id, sink_bytes(&body));
}
