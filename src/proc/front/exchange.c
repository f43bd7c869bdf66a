/* exchange.c - see front.h: a call from its head to its answer.  What a stranger wrote is read
   here, into a message by the table of routes, and goes to core as that and nothing else. */
#include <string.h>

#include "base/number.h"
#include "codec/protobuf.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/front/front.h"
#include "proc/messages.h"

static const struct span no_detail;

uint64_t exchange_id(const struct front *front, const struct exchange *exchange)
{
    return (uint64_t)exchange->generation << 32 | (uint64_t)(exchange - front->exchanges);
}

void exchange_forget_body(struct front *front, struct exchange *exchange)
{
    exchange->call.body = (struct sink){ 0 };
    if (exchange->wide == NULL)
        return;
    exchange->wide->next = front->free_wides;
    front->free_wides = exchange->wide;
    exchange->wide = NULL;
}

void exchange_give_back(struct front *front, struct exchange *exchange)
{
    if (exchange == NULL || exchange->way.connection == NULL)
        return;
    struct connection *connection = exchange->way.connection;
    if (exchange->remainder != NULL) {
        exchange->remainder->next = front->free_remainders;
        front->free_remainders = exchange->remainder;
    }
    exchange_forget_body(front, exchange);
    if (exchange->passage != NULL)
        passage_end(front, exchange);
    uint32_t generation = exchange->generation + 1;
    *exchange = (struct exchange){ .body = exchange->body,
                                   .generation = generation != 0 ? generation : 1,
                                   .next = front->free_exchanges };
    front->free_exchanges = exchange;
    if (connection->exchange == exchange) {
        connection->exchange = NULL;
    } else if (--connection->open == 0 && connection->phase == CONNECTION_H2 &&
               connection->pace.phase == PACE_NONE) {
        pace_begin(&connection->pace, PACE_IDLE, front_now_us());
    }
}

/* All are lent: the one whose body has been coming for longest gives way; with `wide` among those
   that have such a room. */
static void take_from_slowest(struct front *front, bool wide)
{
    struct exchange *slowest = NULL;
    uint64_t before = front_now_us() - (uint64_t)FRONT_YIELD_MS * 1000;
    for (unsigned i = 0; i < FRONT_EXCHANGES_MAX; i++) {
        struct exchange *other = &front->exchanges[i];
        bool slow = other->way.connection != NULL && !other->waiting && !other->ending &&
                    other->passage == NULL && other->pace.since_us <= before &&
                    (!wide || (other->wide != NULL && !other->way.connection->local));
        if (slow && (slowest == NULL || other->pace.since_us < slowest->pace.since_us))
            slowest = other;
    }
    if (slowest == NULL)
        return;
    struct connection *connection = slowest->way.connection;
    front->counts.slow++;
    exchange_refuse(front, slowest, REASON_HTTP_TIMEOUT, no_detail);
    front_wake(front, connection);
}

struct wides {
    unsigned strangers, of_one;
};

static struct wides count_wides(const struct front *front, const struct connection *connection)
{
    struct wides lent = { 0 };
    const struct address mine = address_peer(&connection->peer);
    for (unsigned i = 0; i < FRONT_EXCHANGES_MAX; i++) {
        const struct exchange *other = &front->exchanges[i];
        if (other->wide == NULL || other->way.connection->local)
            continue;
        const struct address theirs = address_peer(&other->way.connection->peer);
        lent.strangers++;
        lent.of_one += span_equal(SPAN(mine.bytes), SPAN(theirs.bytes));
    }
    return lent;
}

/* Whoever brings much is slow at no cost of his own: so he has a few of these rooms and not all,
   and some are the owner's. */
static bool may_have_wide(struct front *front, const struct connection *connection)
{
    if (connection->local)
        return front->free_wides != NULL;
    struct wides lent = count_wides(front, connection);
    if (lent.of_one >= FRONT_WIDES_OF_ONE)
        return false;
    if (lent.strangers >= FRONT_WIDES_STRANGERS) {
        take_from_slowest(front, true);
        lent = count_wides(front, connection);
    }
    return front->free_wides != NULL && lent.strangers < FRONT_WIDES_STRANGERS;
}

static struct exchange *borrow(struct front *front, const struct way *way,
                               const struct http_call *call, uint64_t limit)
{
    bool is_wide = call->kind != CALL_REFLECTION && limit > FRONT_BODY_MAX;
    if (is_wide && !may_have_wide(front, way->connection))
        return NULL;
    if (front->free_exchanges == NULL)
        take_from_slowest(front, false);
    struct exchange *exchange = front->free_exchanges;
    if (exchange == NULL)
        return NULL;
    if (is_wide) {
        exchange->wide = front->free_wides;
        front->free_wides = exchange->wide->next;
    }
    front->free_exchanges = exchange->next;
    exchange->next = NULL;
    exchange->way = *way;
    exchange->call = *call;
    exchange->until_ms = INT64_MAX;
    /* The call's own deadline runs from its head on; that of the house from its end. */
    if (call->match.is_grpc)
        exchange->until_ms = clock_monotonic_ms() + call->deadline_ms;
    pace_begin(&exchange->pace, PACE_BODY, front_now_us());
    struct connection *connection = way->connection;
    if (way->stream == NULL) {
        connection->exchange = exchange;
    } else {
        h2_set_user(way->stream, exchange);
        if (connection->open++ == 0 && connection->pace.phase == PACE_IDLE)
            pace_begin(&connection->pace, PACE_NONE, 0);
    }
    return exchange;
}

void exchange_refuse(struct front *front, struct exchange *exchange, enum reason reason,
                     struct span detail)
{
    struct problem problem = { .reason = reason, .detail = detail };
    struct way way = exchange->way;
    if (exchange->call.kind == CALL_OWN)
        problem.status = sdk_status(exchange->call.match.route, reason);
    if (reason == REASON_HOUSE_UNAVAILABLE || reason == REASON_CHALLENGE_BUSY)
        problem.retry_after = 1;
    if (reason == REASON_HOUSE_UNAVAILABLE || reason == REASON_CHALLENGE_BUSY ||
        reason == REASON_AUDIT_CANNOT_LOG || reason == REASON_HOUSE_ANSWERS_FULL)
        front->counts.unavailable++;
    if (exchange->begun) { /* what was said cannot be taken back */
        answer_spoil(front, exchange, reason);
        return;
    }
    answer_refusal(front, &way, &exchange->call, &problem);
    exchange_give_back(front, exchange);
}

/* The caller's trace goes on, where there is one that can be read.  Bytes for new ones are drawn
   for many at once: a name is no secret, and a call of the kernel is a tenth of what a refusal
   costs. */
static void complete_trace(struct front *front, struct trace *trace)
{
    struct trace_names *names = &front->names;
    if (!bytes_are_zero(trace->trace_id, sizeof trace->trace_id))
        return;
    if (names->left == 0) {
        random_bytes((uint8_t *)names->name, sizeof names->name);
        names->left = COUNT_OF(names->name);
    }
    names->left--;
    memcpy(trace->trace_id, names->name[names->left].trace_id, sizeof trace->trace_id);
    memcpy(trace->parent_id, names->name[names->left].parent_id, sizeof trace->parent_id);
}

void exchange_trace(struct front *front, const struct http_request *request, struct http_call *call)
{
    call_trace(call, request);
    complete_trace(front, &call->trace);
}

void exchange_name(struct front *front, const struct way *way, struct http_call *call)
{
    uint64_t limit = 0;
    /* A head that was read says in which form it is answered, and under which trace. */
    if (way->request->path.len > 0)
        (void)call_begin(call, &house_router, way->request, &limit);
    if (forward_is_public(way->request->path))
        call->kind = CALL_PASSED_ON;
    complete_trace(front, &call->trace);
}

void exchange_refuse_request(struct front *front, const struct way *way, enum reason reason)
{
    struct problem problem = { .reason = reason };
    struct http_call call = { 0 };
    exchange_name(front, way, &call);
    answer_refusal(front, way, &call, &problem);
}

/* Who signs for a session asks as that and as nothing else, over whichever socket. */
static enum reason identify(struct front *front, const struct way *way, const struct route *route,
                            bool *signs)
{
    struct signed_request credential;
    enum reason reason = signature_read(way->request, signs, &credential);
    if (reason != REASON_OK)
        return reason;
    if (route->permission == ROUTE_OWNER && (*signs || !way->connection->owner))
        return REASON_HOUSE_OWNER_ONLY;
    if (route->permission == ROUTE_OPERATOR && !way->connection->owner &&
        operator_of(front, way->connection) == NULL)
        return REASON_HOUSE_OWNER_ONLY;
    if (route->permission == ROUTE_OPERATOR && *signs)
        return REASON_HOUSE_OWNER_ONLY;
    if (route->permission == ROUTE_SESSION && !*signs)
        return REASON_SESSION_REQUIRED;
    return REASON_OK;
}

enum reason exchange_admit(struct front *front, const struct way *way, uint32_t cost,
                           uint32_t *retry_after)
{
    const struct connection *connection = way->connection;
    if (connection->local)
        return REASON_OK;
    struct admission admission = admit_request(&front->admit, &connection->peer, cost,
                                               front_now_us());
    if (admission.admitted)
        return REASON_OK;
    front->counts.rate_limited += admission.reason == REASON_ADMIT_RATE_LIMITED;
    front->counts.banned += admission.reason == REASON_ADMIT_BANNED;
    *retry_after = (uint32_t)((admission.retry_us + 999999) / 1000000);
    return admission.reason;
}

/* Whatever is asked for costs what its row says; what there is not costs one. */
static enum reason judge(struct front *front, const struct way *way, const struct http_call *call,
                         struct problem *problem, bool *signs)
{
    const struct route *route = call->match.route;
    enum reason admitted = exchange_admit(front, way, route != NULL ? route->cost : 1,
                                          &problem->retry_after);
    enum reason reason = admitted != REASON_OK ? admitted : problem->reason;
    /* The standard services ask nobody who it is, and core never hears of them; nor does what gives
       a session to whoever has none. */
    if (reason != REASON_OK || route == NULL || (call->kind != CALL_ROUTE && !sdk_asks_who(call)))
        return reason;
    reason = identify(front, way, route, signs);
    if (reason != REASON_OK)
        refusal_tell(front, way->connection, call, reason);
    return reason;
}

/* The body may come. */
static void admit(struct front *front, struct exchange *exchange, uint64_t limit)
{
    struct connection *connection = exchange->way.connection;
    exchange->call.body = exchange->wide != NULL ? sink_over(exchange->wide->body, FRONT_WIDE_MAX)
                                                 : sink_over(exchange->body, FRONT_BODY_MAX);
    if (exchange->way.stream != NULL) {
        h2_admit(exchange->way.stream, limit);
        if (exchange->call.kind != CALL_REFLECTION)
            return;
        struct call_answer answer;
        pace_begin(&exchange->pace, PACE_NONE, 0); /* whoever asks may think about it */
        call_answer(&exchange->call, 0, true, &answer);
        answer.response.fields = answer.fields;
        answer.response.now = clock_now();
        if (h2_write_head(exchange->way.stream, &answer.response))
            exchange->begun = true;
        else
            exchange_refuse(front, exchange, REASON_SERVER_FAILED, no_detail);
        return;
    }
    http1_admit(&connection->http, &connection->work->room, limit);
    if (http1_wants_continue(&connection->http)) {
        http1_write_continue(&connection->http, &connection->work->out);
        connection->phase = CONNECTION_ANSWERING; /* of the 100; the request goes on after it */
    }
}

struct exchange *exchange_begin(struct front *front, const struct way *way,
                                const struct http_call *call, uint64_t limit,
                                struct problem *problem)
{
    struct exchange *exchange = borrow(front, way, call, limit);
    if (exchange != NULL) {
        admit(front, exchange, limit);
        return exchange;
    }
    problem->reason = REASON_HOUSE_UNAVAILABLE;
    problem->retry_after = 1;
    front->counts.unavailable++;
    return NULL;
}

void exchange_head(struct front *front, const struct way *way)
{
    struct problem problem = { 0 };
    struct http_call call;
    uint64_t limit = 0;
    front->counts.requests++;
    way->connection->asked = true;
    if (local_answer(front, way) || link_asked(front, way) || forward_asked(front, way))
        return;
    bool signs = false;
    problem.reason = call_begin(&call, &house_router, way->request, &limit);
    problem.reason = sdk_match(front, way->request, &call, &limit, problem.reason);
    complete_trace(front, &call.trace);
    problem.reason = judge(front, way, &call, &problem, &signs);
    if (signs && sdk_may_be_sealed(front, &call))
        limit = sdk_sealed_max(limit);
    struct exchange *exchange = problem.reason == REASON_OK
                                    ? exchange_begin(front, way, &call, limit, &problem)
                                    : NULL;
    if (exchange != NULL)
        exchange->signs = signs;
    else
        answer_refusal(front, way, &call, &problem);
}

static enum reason reflect(struct front *front, struct exchange *exchange, struct span bytes)
{
    struct cursor in = cur_over(bytes);
    while (!cur_end(&in) && exchange->way.connection != NULL && !exchange->ending) {
        struct sink out = sink_over(front->answer, FRONT_ANSWER_MAX);
        enum reason reason = call_reflect(&exchange->call, &house_router, &in, &out);
        if (reason != REASON_OK)
            return reason;
        if (out.len > 0)
            answer_add(front, exchange, sink_bytes(&out));
    }
    return REASON_OK;
}

void exchange_body(struct front *front, struct exchange *exchange, struct span bytes)
{
    pace_moved(&exchange->pace, bytes.len, front_now_us());
    enum reason reason = exchange->call.kind == CALL_REFLECTION ? reflect(front, exchange, bytes)
                                                                : call_body(&exchange->call, bytes);
    if (reason != REASON_OK)
        exchange_refuse(front, exchange, reason, no_detail);
}

/* *who asks as an operator; one whose certificate is good no more is nobody, and core says no. */
static uint8_t caller_of(struct front *front, const struct exchange *exchange,
                         const struct operator** who)
{
    struct connection *connection = exchange->way.connection;
    bool may_be = exchange->call.match.route->permission == ROUTE_OPERATOR && !connection->owner;
    *who = may_be ? operator_of(front, connection) : NULL;
    if (exchange->call.kind == CALL_PASSED_ON)
        return CALLER_MINER;
    if (exchange->signs)
        return CALLER_SESSION;
    if (*who != NULL)
        return CALLER_OPERATOR;
    return connection->owner ? CALLER_OWNER : CALLER_ANYONE;
}

static bool put_request(struct front *front, const struct exchange *exchange, const void *values)
{
    struct arena scratch = arena_over(front->scratch, FRONT_SCRATCH_MAX);
    const struct connection *connection = exchange->way.connection;
    const struct route *route = exchange->call.match.route;
    const struct operator* who;
    const uint8_t caller = caller_of(front, exchange, &who);
    size_t cap = route->body_limit + HTTP_TARGET_MAX;
    size_t whole = cap + 64 + SHA256_LEN + OPERATOR_NAME_MAX +
                   (exchange->signs ? CREDENTIAL_MAX + 1 : 0);
    uint8_t *encoded = arena_alloc(&scratch, cap), *body = arena_alloc(&scratch, whole);
    if (encoded == NULL || body == NULL)
        return false;
    struct sink bytes = sink_over(encoded, cap), out = sink_over(body, whole);
    if (!protobuf_write(route->request, values, &bytes))
        return false;
    sink_u16le(&out, (uint16_t)house_method(route));
    sink_u8(&out, caller);
    sink_put(&out, SPAN(connection->peer.bytes));
    sink_put(&out, SPAN(exchange->call.trace.trace_id));
    put_bytes(&out, sink_bytes(&bytes));
    if (exchange->signs && !signature_put(exchange, &out))
        return false;
    operator_put(connection, who, &out);
    if (exchange->signs)
        sink_u8(&out, exchange->call.match.opened);
    front->counts.signed_requests += exchange->signs;
    struct frame frame = { .message = MSG_REQUEST,
                           .id = exchange_id(front, exchange),
                           .body = sink_bytes(&out) };
    return sink_ok(&out) && rc_ok(house_put(NULL, front->house, PEER_CORE, &frame));
}

/* Core has it. */
static void wait_for_core(struct exchange *exchange)
{
    exchange->waiting = true;
    if (exchange->until_ms == INT64_MAX)
        exchange->until_ms = clock_monotonic_ms() + exchange->call.deadline_ms;
    if (exchange->way.stream == NULL) {
        pace_begin(&exchange->way.connection->pace, PACE_NONE, 0);
        exchange->way.connection->phase = CONNECTION_WAITING;
    }
}

void exchange_ask(struct front *front, struct exchange *exchange, const void *values)
{
    if (put_request(front, exchange, values))
        wait_for_core(exchange);
    else
        exchange_refuse(front, exchange, REASON_HOUSE_UNAVAILABLE, no_detail);
}

/* What was sealed for a session is opened, and what was signed is what was sent. */
static enum reason open_body(struct front *front, struct exchange *exchange, struct arena *scratch)
{
    if (!exchange->signs)
        return REASON_OK;
    signature_hash(&exchange->call, exchange->sent);
    enum reason reason = sdk_open(front, exchange, scratch);
    if (reason == REASON_CHANNEL_TAMPERED)
        refusal_tell(front, exchange->way.connection, &exchange->call, reason);
    return reason;
}

/* The request is whole: read it, hand it on. */
static void ask_core(struct front *front, struct exchange *exchange)
{
    /* The second half of the scratch: put_request has the first. */
    struct arena scratch = arena_over((uint8_t *)front->scratch + FRONT_SCRATCH_MAX,
                                      FRONT_SCRATCH_MAX);
    void *values = NULL;
    const bool is_own = exchange->call.kind == CALL_OWN;
    enum reason reason = open_body(front, exchange, &scratch);
    if (reason == REASON_OK && is_own)
        reason = sdk_ask(front, exchange);
    if (reason == REASON_OK && !is_own)
        reason = call_end(&exchange->call, exchange->way.request, &scratch, &values);
    if (reason != REASON_OK)
        exchange_refuse(front, exchange, reason, no_detail);
    else if (is_own)
        wait_for_core(exchange);
    else
        exchange_ask(front, exchange, values);
}

static void answer_success(struct front *front, struct exchange *exchange, struct span body)
{
    struct call_answer answer;
    call_answer(&exchange->call, body.len, false, &answer);
    answer_write(front, &exchange->way, &answer, body, exchange);
}

static void answer_health(struct front *front, struct exchange *exchange)
{
    struct sink out = sink_over(front->answer, FRONT_ANSWER_MAX);
    enum reason reason = call_health(&exchange->call, &house_router, front_is_serving(front), &out);
    if (reason == REASON_OK)
        answer_success(front, exchange, sink_bytes(&out));
    else
        exchange_refuse(front, exchange, reason, no_detail);
}

void exchange_done(struct front *front, struct exchange *exchange)
{
    switch (exchange->call.kind) {
    case CALL_ROUTE:
    case CALL_OWN:
        ask_core(front, exchange);
        break;
    case CALL_HEALTH:
        answer_health(front, exchange);
        break;
    case CALL_REFLECTION:
        answer_end(front, exchange);
        break;
    case CALL_PASSED_ON:
        forward_whole(front, exchange);
        break;
    }
}

static void reply(struct front *front, struct exchange *exchange, struct span encoded)
{
    const struct schema_message *message = exchange->call.match.route->response;
    struct arena scratch = arena_over(front->scratch, FRONT_SCRATCH_MAX);
    struct sink out = sink_over(front->answer, FRONT_ANSWER_MAX);
    struct values_error error;
    void *values = arena_alloc(&scratch, message->size);
    if (values != NULL && protobuf_read(message, encoded, &scratch, values, &error) &&
        call_write(&exchange->call, values, &out)) {
        call_tag(&exchange->call, values);
        answer_success(front, exchange, sink_bytes(&out));
    } else {
        exchange_refuse(front, exchange, REASON_HOUSE_ANSWER_TOO_LARGE, no_detail);
    }
}

struct exchange *exchange_find(struct front *front, uint64_t id)
{
    uint32_t index = (uint32_t)id;
    struct exchange *exchange = index < FRONT_EXCHANGES_MAX ? &front->exchanges[index] : NULL;
    return exchange != NULL && exchange_id(front, exchange) == id ? exchange : NULL;
}

struct exchange *exchange_waiting(struct front *front, uint64_t id)
{
    struct exchange *exchange = exchange_find(front, id);
    return exchange != NULL && exchange->waiting ? exchange : NULL;
}

void exchange_answer(struct front *front, struct exchange *exchange, enum reason reason,
                     struct span body)
{
    struct connection *connection = exchange->way.connection;
    exchange->waiting = false;
    if (reason == REASON_OK)
        answer_success(front, exchange, body);
    else
        exchange_refuse(front, exchange, reason, no_detail);
    front_wake(front, connection);
}

rc exchange_reply(struct trail *trail, void *self, struct call *call)
{
    struct front *front = self;
    uint16_t reason = 0;
    struct span detail, encoded;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT &&
          get_bytes(&call->body, PROBLEM_DETAIL, &detail) &&
          get_bytes(&call->body, FRAME_BODY_MAX, &encoded) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct exchange *exchange = exchange_waiting(front, call->id);
    if (exchange == NULL || exchange->call.kind == CALL_OWN)
        return RC_SUCCESS; /* whoever asked is gone, or was answered by the clock */
    struct connection *connection = exchange->way.connection;
    exchange->waiting = false;
    if (reason == REASON_OK && exchange->passage != NULL)
        passage_vouched(front, exchange, encoded);
    else if (reason == REASON_OK)
        reply(front, exchange, encoded);
    else
        exchange_refuse(front, exchange, (enum reason)reason, detail);
    front_wake(front, connection);
    return RC_SUCCESS;
}

void exchange_core_gone(struct front *front)
{
    for (unsigned i = 0; i < FRONT_EXCHANGES_MAX; i++) {
        struct exchange *exchange = &front->exchanges[i];
        struct connection *connection = exchange->way.connection;
        if (!exchange->waiting)
            continue;
        exchange_refuse(front, exchange, REASON_HOUSE_UNAVAILABLE, no_detail);
        front_wake(front, connection);
    }
}
