/* sdk.c - see sdk.h. */
#include "proc/front/sdk.h"

#include <string.h>

#include "base/number.h"
#include "channel/sdk_post.h"
#include "crypto/ct.h"
#include "os/random.h"
#include "proc/front/front.h"

static bool is_served(const struct front *front)
{
    return front->house->settings.sdk_policy[0] != 0;
}

enum reason sdk_match(const struct front *front, const struct http_request *request,
                      struct http_call *call, uint64_t *limit, enum reason reason)
{
    const struct route *route = NULL;
    bool is_asked = is_served(front) && reason == REASON_HTTP_ROUTE_UNKNOWN;
    for (size_t i = 0; i < SDK_METHOD_COUNT && is_asked; i++)
        route = span_equal_text(request->path, sdk_routes[i].path) ? &sdk_routes[i] : route;
    if (route == NULL || call->match.is_grpc)
        return reason;
    call->match.allow = 1u << route->method;
    if (request->method != route->method)
        return REASON_HTTP_METHOD_NOT_ALLOWED;
    if (request->query.len > 0)
        return REASON_HTTP_PARAMETER_UNKNOWN;
    call->kind = CALL_OWN;
    call->match.route = route;
    call->deadline_ms = route->deadline_ms;
    *limit = route->body_limit;
    return REASON_OK;
}

/* The public validator has one word for all that is wrong with evidence. */
unsigned sdk_status(const struct route *route, enum reason reason)
{
    bool is_evidence = route->permission == ROUTE_ANYONE && problem_status(reason) == 403;
    return is_evidence ? 400 : 0;
}

/* --- what is asked ------------------------------------------------------------------------- */

static bool put(struct front *front, const struct exchange *exchange, uint16_t message,
                const struct sink *body)
{
    const struct frame frame = { .message = message,
                                 .id = exchange_id(front, exchange),
                                 .body = sink_bytes(body) };
    return sink_ok(body) && rc_ok(house_put(NULL, front->house, PEER_CORE, &frame));
}

static enum reason ask_challenge(struct front *front, const struct exchange *exchange)
{
    uint8_t bytes[16];
    struct sink body = sink_over(bytes, sizeof bytes);
    if (exchange->call.body.len > 0)
        return REASON_HTTP_BODY_INVALID;
    sink_put(&body, SPAN(exchange->way.connection->peer.bytes));
    return put(front, exchange, MSG_SDK_CHALLENGE, &body) ? REASON_OK : REASON_HOUSE_UNAVAILABLE;
}

/* The body is ours, and is decoded where it lies. */
static enum reason ask_attest(struct front *front, struct exchange *exchange)
{
    struct arena scratch = arena_over(front->scratch, FRONT_SCRATCH_MAX);
    struct sdk_attest attest;
    struct sink *sent = &exchange->call.body;
    enum { CAP = SDK_ATTEST_HEAD + LINK_EVIDENCE_BYTES };
    uint8_t *memory = arena_room(&scratch, CAP);
    struct sink body = sink_over(memory, memory == NULL ? 0 : CAP);
    enum reason reason = sdk_attest_read(sent->at, sent->len, &attest);
    if (reason == REASON_OK)
        reason = sdk_attest_key(&attest);
    if (reason != REASON_OK)
        return reason;
    if (attest.evidence.quote.len > LINK_PART_MAX || attest.evidence.log.len > LINK_PART_MAX)
        return REASON_CHANNEL_TOO_LARGE;
    memcpy(exchange->point, attest.point, sizeof exchange->point);
    sink_put(&body, SPAN(attest.request_key));
    sink_put(&body, SPAN(attest.point));
    sink_put(&body, SPAN(attest.nonce));
    sink_put(&body, SPAN(exchange->way.connection->peer.bytes));
    sink_put(&body, SPAN(exchange->call.trace.trace_id));
    put_bytes(&body, attest.evidence.quote);
    put_bytes(&body, attest.evidence.log);
    if (!put(front, exchange, MSG_SDK_ATTEST, &body))
        return REASON_HOUSE_UNAVAILABLE;
    exchange_forget_body(front, exchange); /* a judge may take its time, and others have evidence */
    return REASON_OK;
}

/* What was sealed is open by now, in the other half of the scratch. */
static enum reason ask_post(struct front *front, const struct exchange *exchange,
                            enum sdk_post_kind kind)
{
    struct arena scratch = arena_over(front->scratch, FRONT_SCRATCH_MAX);
    struct sdk_post post;
    uint8_t *memory = arena_room(&scratch, SDK_POST_BYTES);
    struct sink body = sink_over(memory, memory == NULL ? 0 : SDK_POST_BYTES);
    enum reason reason = sdk_post_read(kind, sink_bytes(&exchange->call.body), &scratch, &post);
    if (reason != REASON_OK)
        return reason;
    sink_u8(&body, (uint8_t)kind);
    sink_put(&body, SPAN(exchange->way.connection->peer.bytes));
    sink_put(&body, SPAN(exchange->call.trace.trace_id));
    sink_put(&body, SPAN(post.digest));
    for (size_t i = 0; sdk_post_name(kind, i) != NULL; i++)
        put_bytes(&body, post.values[i]);
    if (!signature_put(exchange, &body))
        return REASON_HOUSE_UNAVAILABLE;
    sink_u8(&body, exchange->call.match.opened);
    front->counts.signed_requests++;
    return put(front, exchange, MSG_SDK_POST, &body) ? REASON_OK : REASON_HOUSE_UNAVAILABLE;
}

enum reason sdk_ask(struct front *front, struct exchange *exchange)
{
    switch ((enum sdk_method)(exchange->call.match.route - sdk_routes)) {
    case SDK_METHOD_CHALLENGE:
        return ask_challenge(front, exchange);
    case SDK_METHOD_ATTEST:
        return ask_attest(front, exchange);
    case SDK_METHOD_HEARTBEAT:
        return ask_post(front, exchange, SDK_POST_HEARTBEAT);
    case SDK_METHOD_LOGS:
        return ask_post(front, exchange, SDK_POST_LOGS);
    case SDK_METHOD_SUBMIT:
        return ask_post(front, exchange, SDK_POST_SUBMIT);
    case SDK_METHOD_COUNT:
        break;
    }
    return REASON_SERVER_FAILED;
}

/* --- what core says ------------------------------------------------------------------------ */

/* The call that waits for this answer, which is that of such a row. */
static struct exchange *asked_by(struct front *front, uint64_t id, enum sdk_method method)
{
    struct exchange *exchange = exchange_waiting(front, id);
    return exchange != NULL && exchange->call.match.route == &sdk_routes[method] ? exchange : NULL;
}

/* The first of the rows that is this call's. */
static rc answered(struct trail *trail, struct front *front, struct call *call,
                   enum sdk_method first, enum sdk_method last)
{
    uint16_t reason = 0;
    struct span answer = { 0 };
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT && reason != REASON_NONE &&
          (reason != REASON_OK || get_bytes(&call->body, SDK_ANSWER_BYTES, &answer)) &&
          cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    for (enum sdk_method method = first; method <= last; method++) {
        struct exchange *exchange = asked_by(front, call->id, method);
        if (exchange == NULL)
            continue;
        exchange_answer(front, exchange, (enum reason)reason, answer);
        break;
    }
    return RC_SUCCESS; /* or whoever asked is gone, or was answered by the clock */
}

rc sdk_on_challenged(struct trail *trail, void *front, struct call *call)
{
    return answered(trail, front, call, SDK_METHOD_CHALLENGE, SDK_METHOD_CHALLENGE);
}

rc sdk_on_posted(struct trail *trail, void *front, struct call *call)
{
    return answered(trail, front, call, SDK_METHOD_HEARTBEAT, SDK_METHOD_SUBMIT);
}

/* The answer is written first: only what a client can make its key from is kept. */
static enum reason begin(struct front *front, const struct exchange *exchange, uint16_t number,
                         struct span token, struct sink *out)
{
    struct sdk_place *place = &front->sdk.places[number];
    struct sdk_attest attest = { 0 };
    uint8_t secret[X25519_LEN], salt[SDK_NONCE];
    memcpy(attest.point, exchange->point, sizeof attest.point);
    random_bytes(secret, sizeof secret);
    random_bytes(salt, sizeof salt);
    const struct sdk_grant grant = { .secret = secret, .salt = salt, .token = token };
    ct_wipe(place, sizeof *place);
    enum reason reason = sdk_attest_answer(&attest, &grant, place->key, out);
    place->used = reason == REASON_OK;
    signed_token_hash(token, place->token);
    ct_wipe(secret, sizeof secret);
    return reason;
}

rc sdk_on_attested(struct trail *trail, void *self, struct call *call)
{
    struct front *front = self;
    uint16_t reason = 0, place = 0;
    struct span token = { 0 };
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT && reason != REASON_NONE &&
          (reason != REASON_OK || (cur_u16le(&call->body, &place) && place < SDK_SESSIONS_MAX &&
                                   get_bytes(&call->body, LINK_TOKEN, &token) && token.len > 0)) &&
          cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct exchange *exchange = asked_by(front, call->id, SDK_METHOD_ATTEST);
    struct sink out = sink_over(front->answer, FRONT_ANSWER_MAX);
    if (exchange == NULL)
        return RC_SUCCESS; /* nobody has heard of the session: it ends by its time */
    enum reason outcome = (enum reason)reason;
    if (outcome == REASON_OK)
        outcome = begin(front, exchange, place, token, &out);
    exchange_answer(front, exchange, outcome, sink_bytes(&out));
    return RC_SUCCESS;
}

rc sdk_on_over(struct trail *trail, void *self, struct call *call)
{
    struct front *front = self;
    uint16_t place = 0;
    if (!(cur_u16le(&call->body, &place) && place < SDK_SESSIONS_MAX && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    ct_wipe(&front->sdk.places[place], sizeof front->sdk.places[place]);
    return RC_SUCCESS;
}

void sdk_core_gone(struct front *front)
{
    ct_wipe(&front->sdk, sizeof front->sdk);
}

/* --- sealed bodies -------------------------------------------------------------------------- */

static const struct sdk_place *find(const struct front *front, struct span token)
{
    uint8_t digest[SHA256_LEN];
    signed_token_hash(token, digest);
    for (size_t i = 0; i < SDK_SESSIONS_MAX; i++) {
        const struct sdk_place *place = &front->sdk.places[i];
        if (place->used && bytes_equal(place->token, digest, sizeof digest))
            return place;
    }
    return NULL;
}

bool sdk_asks_who(const struct http_call *call)
{
    return call->kind == CALL_OWN && call->match.route->permission == ROUTE_SESSION;
}

bool sdk_may_be_sealed(const struct front *front, const struct http_call *call)
{
    return is_served(front) && !call->match.is_grpc &&
           (sdk_asks_who(call) ||
            (call->kind == CALL_ROUTE && route_takes_body(call->match.route)));
}

enum reason sdk_open(struct front *front, struct exchange *exchange, struct arena *arena)
{
    struct http_call *call = &exchange->call;
    const struct http_request *request = exchange->way.request;
    const struct span sent = sink_bytes(&call->body);
    struct span token;
    const struct sdk_place *place = NULL;
    if (http_field_find(request->fields, request->field_count, "x-session-token", &token))
        place = find(front, token);
    if (place == NULL || call->match.is_grpc || sent.len == 0)
        return REASON_OK;
    uint8_t *memory = arena_room(arena, sent.len);
    if (memory == NULL)
        return REASON_OUT_OF_MEMORY;
    struct sink plain = sink_over(memory, sent.len);
    enum reason reason = sdk_body_open(place->key, true, sent, &plain);
    if (reason == REASON_SDK_PLAINTEXT)
        return REASON_OK;
    if (reason != REASON_OK)
        return reason;
    call->body = plain;
    call->match.opened = true;
    return REASON_OK;
}
