/* forward.c - see passage.h: the miner's side of a request that is passed on. */
#include "crypto/hash.h"
#include "model/api.h"
#include "os/clock.h"
#include "proc/front/front.h"

/* As whoever asks core of it: a row of the table, though not by its path. */
static const struct route *redeem(void)
{
    return &house_router.routes[METHOD_TOKEN_REDEEM];
}

static bool find(const struct front *front, struct span challenge, uint8_t *out)
{
    const struct settings *settings = &front->house->settings;
    const struct peer_settings *peer = peer_find(settings, challenge);
    if (peer == NULL || peer->public[0] == 0)
        return false;
    *out = (uint8_t)(peer - settings->peers);
    return true;
}

/* Before anything of a body is taken.  Core hears of one without a token, as of any that lacks the
   identity that it needs. */
static enum reason judge(struct front *front, const struct way *way, const struct http_call *call)
{
    struct forward_ask ask;
    uint8_t peer;
    enum reason reason = forward_read(way->request, &ask);
    if (reason == REASON_OK)
        return find(front, ask.challenge, &peer) ? REASON_OK : REASON_CHALLENGE_UNKNOWN;
    if (reason == REASON_MINER_TOKEN_MISSING || reason == REASON_MINER_TOKEN_MALFORMED)
        refusal_tell(front, way->connection, call, reason);
    return reason;
}

/* What is asked of a challenge with GET has no body: it would be one that two readers may take for
   another request. */
static uint64_t limit_of(const struct http_request *request)
{
    return request->method == HTTP_METHOD_POST ? FRONT_BODY_MAX : 0;
}

bool forward_asked(struct front *front, const struct way *way)
{
    struct problem problem = { 0 };
    struct http_call call = {
        .kind = CALL_PASSED_ON,
        .deadline_ms = PASSAGE_MS,
        .match = { .route = redeem(), .allow = 1u << HTTP_METHOD_GET | 1u << HTTP_METHOD_POST }
    };
    if (!forward_is_public(way->request->path))
        return false;
    exchange_trace(front, way->request, &call);
    problem.reason = exchange_admit(front, way, call.match.route->cost, &problem.retry_after);
    if (problem.reason == REASON_OK)
        problem.reason = judge(front, way, &call);
    if (problem.reason == REASON_OK &&
        exchange_begin(front, way, &call, limit_of(way->request), &problem) != NULL)
        return true;
    answer_refusal(front, way, &call, &problem);
    return true;
}

/* The head was judged, and is as it was. */
void forward_whole(struct front *front, struct exchange *exchange)
{
    uint8_t hash[SHA256_LEN], peer = 0;
    struct forward_ask ask;
    enum reason reason = forward_read(exchange->way.request, &ask);
    if (reason == REASON_OK && !find(front, ask.challenge, &peer))
        reason = REASON_CHALLENGE_UNKNOWN;
    /* A suspect is served alone, and a challenge would be company. */
    if (reason == REASON_OK &&
        (exchange->way.connection == front->alone || !passage_begin(front, exchange, peer)))
        reason = REASON_CHALLENGE_BUSY;
    if (reason != REASON_OK) {
        exchange_refuse(front, exchange, reason, (struct span){ 0 });
        return;
    }
    hash_sha256(sink_bytes(&exchange->call.body), hash);
    const struct api_token_redeem_request asked = { .token = ask.token,
                                                    .challenge = ask.challenge,
                                                    .route = ask.route,
                                                    .method = ask.method,
                                                    .query = ask.query,
                                                    .body_hash = SPAN(hash) };
    exchange_ask(front, exchange, &asked);
}

/* RFC 6750 3: whose credentials are a token's is told so. */
static struct http_field challenge_field(void)
{
    return (struct http_field){ span_text("www-authenticate"), span_text("Bearer") };
}

void forward_refuse(const struct http_call *call, struct problem *problem, struct sink *room,
                    struct sink *body, struct call_answer *out)
{
    struct http_field made[PROBLEM_FIELDS];
    problem->allow = call->match.allow;
    size_t more = problem_fields(problem, room, made);
    *out = (struct call_answer){ .response = { .status = problem_status(problem->reason) } };
    size_t count = call_common_fields("application/json", out->fields);
    for (size_t i = 1; i < more; i++) /* the first is the content type */
        out->fields[count++] = span_equal_text(made[i].name, "www-authenticate") ? challenge_field()
                                                                                 : made[i];
    out->response.field_count = count;
    /* A body that does not fit is left out; the status says enough. */
    if (!forward_write_error(problem->reason, body))
        sink_cut(body, 0);
    out->response.length = body->len;
}
