/* requests.c - see core.h: from front's request to its answer. */
#include "base/number.h"
#include "os/clock.h"
#include "proc/core/core.h"

static void answer(struct core *core, uint64_t id, enum reason reason, struct span detail,
                   struct span body)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    uint8_t *memory = arena_alloc(&scratch, FRAME_BODY_MAX);
    struct sink out = sink_over(memory, memory == NULL ? 0 : FRAME_BODY_MAX);
    sink_u16le(&out, (uint16_t)reason);
    put_bytes(&out, detail);
    put_bytes(&out, body);
    struct frame frame = { .message = MSG_REPLY, .id = id, .body = sink_bytes(&out) };
    /* A front that does not read or is gone has nobody to answer any more. */
    rc sent = sink_ok(&out) ? house_put(NULL, core->house, PEER_FRONT, &frame) : RC_SUCCESS;
    (void)sent;
}

typedef enum reason local_fn(struct core *, const struct request *, struct arena *, struct sink *);

static local_fn *const local[METHOD_COUNT] = {
    [METHOD_PING] = core_ping,
    [METHOD_VERSION] = core_version,
    [METHOD_DOCTOR] = core_doctor,
    [METHOD_CONFIG] = core_config,
};

static void answer_local(struct core *core, const struct request *request)
{
    /* The lower half of the scratch is for `answer`. */
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    enum { BODY_MAX = FRAME_BODY_MAX - 64 };
    uint8_t *memory = arena_alloc(&scratch, BODY_MAX);
    struct sink body = sink_over(memory, memory == NULL ? 0 : BODY_MAX);
    enum reason reason = local[request->method](core, request, &scratch, &body);
    if (reason == REASON_OK && !sink_ok(&body))
        reason = REASON_HOUSE_ANSWER_TOO_LARGE;
    answer(core, request->id, reason, (struct span){ 0 },
           reason == REASON_OK ? sink_bytes(&body) : (struct span){ 0 });
}

static struct pending *vacancy(struct core *core)
{
    for (size_t i = 0; i < COUNT_OF(core->pending); i++) {
        if (core->pending[i].id == 0)
            return &core->pending[i];
    }
    return NULL;
}

static void settle(struct core *core, struct pending *pending)
{
    *pending = (struct pending){ 0 };
    core->pending_count--;
}

void core_refuse(struct core *core, const struct request *request, enum reason reason)
{
    answer(core, request->id, reason, (struct span){ 0 }, (struct span){ 0 });
}

void core_ask(struct core *core, const struct request *request, enum peer peer,
              struct frame *question)
{
    struct pending *pending = vacancy(core);
    struct channel *channel = &core->house->channels[peer];
    question->id = channel_next_id(channel);
    if (pending == NULL || !rc_ok(channel_put(NULL, channel, question))) {
        core_refuse(core, request, REASON_HOUSE_UNAVAILABLE);
        return;
    }
    uint32_t deadline = house_router.routes[request->method].deadline_ms;
    *pending = (struct pending){ question->id, peer, request->id, clock_monotonic_ms() + deadline };
    core->pending_count++;
}

/* One that came too late was answered by the clock. */
void core_answered(struct core *core, const struct call *call, enum peer peer,
                   const struct answer *said)
{
    for (size_t i = 0; i < COUNT_OF(core->pending); i++) {
        struct pending *pending = &core->pending[i];
        if (pending->id != call->id || pending->peer != peer || pending->id == 0)
            continue;
        answer(core, pending->front_id, said->reason, said->detail, said->body);
        settle(core, pending);
        return;
    }
}

/* The audit process knows its log; who may ask for what was decided here. */
static void ask_audit(struct core *core, const struct request *request)
{
    uint8_t bytes[4096 + 16384];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)request->method);
    put_bytes(&body, request->body);
    if (!sink_ok(&body)) {
        core_refuse(core, request, REASON_HOUSE_UNAVAILABLE);
        return;
    }
    struct frame frame = { .message = MSG_AUDIT_ASK, .body = sink_bytes(&body) };
    core_ask(core, request, PEER_AUDIT, &frame);
}

/* Who answers what core does not know itself. */
static void (*const forward[METHOD_COUNT])(struct core *, const struct request *) = {
    [METHOD_AUDIT_QUERY] = ask_audit,          [METHOD_AUDIT_GET] = ask_audit,
    [METHOD_AUDIT_HEAD] = ask_audit,           [METHOD_AUDIT_PROVE] = ask_audit,
    [METHOD_AUDIT_VERIFY] = ask_audit,         [METHOD_KEYRING_LIST] = core_ask_keeper,
    [METHOD_KEYRING_ROTATE] = core_ask_keeper,
};

static bool read_request(struct call *call, struct request *out)
{
    struct request request = { .id = call->id };
    uint16_t method = 0;
    uint8_t caller = 0;
    if (!(cur_u16le(&call->body, &method) && method < METHOD_COUNT &&
          cur_u8(&call->body, &caller) && caller <= CALLER_OWNER &&
          cur_copy(&call->body, request.address, sizeof request.address) &&
          cur_copy(&call->body, request.trace, sizeof request.trace) &&
          get_bytes(&call->body, FRAME_BODY_MAX, &request.body) && cur_end(&call->body)))
        return false;
    request.method = (enum method)method;
    request.caller = (enum caller)caller;
    *out = request;
    return true;
}

rc core_on_request(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct request request;
    if (!read_request(call, &request))
        return door_fault(trail, call, DOOR_E_BODY);
    /* Front has said no to these already; a front that does not is taken over. */
    if (house_router.routes[request.method].permission == ROUTE_OWNER &&
        request.caller != CALLER_OWNER)
        answer(core, request.id, REASON_HOUSE_OWNER_ONLY, (struct span){ 0 }, (struct span){ 0 });
    else if (local[request.method] != NULL)
        answer_local(core, &request);
    else
        forward[request.method](core, &request);
    return RC_SUCCESS;
}

rc core_on_audit_answer(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint16_t reason = 0;
    struct span detail, body;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT &&
          get_bytes(&call->body, FRAME_BODY_MAX, &detail) &&
          get_bytes(&call->body, FRAME_BODY_MAX, &body) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct answer said = { (enum reason)reason, detail, body };
    core_answered(core, call, PEER_AUDIT, &said);
    return RC_SUCCESS;
}

void core_peer_gone(struct core *core, enum peer peer)
{
    for (size_t i = 0; i < COUNT_OF(core->pending); i++) {
        struct pending *pending = &core->pending[i];
        if (pending->id == 0 || pending->peer != peer)
            continue;
        answer(core, pending->front_id, REASON_HOUSE_UNAVAILABLE, (struct span){ 0 },
               (struct span){ 0 });
        settle(core, pending);
    }
}

int64_t core_expire(struct core *core, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; core->pending_count > 0 && i < COUNT_OF(core->pending); i++) {
        struct pending *pending = &core->pending[i];
        if (pending->id == 0)
            continue;
        if (pending->until_ms <= now_ms) {
            answer(core, pending->front_id, REASON_HOUSE_DEADLINE, (struct span){ 0 },
                   (struct span){ 0 });
            settle(core, pending);
        } else if (pending->until_ms < next) {
            next = pending->until_ms;
        }
    }
    return next;
}
