/* requests.c - see core.h: from front's request to its answer. */
#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/audit_client.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

static void answer(struct core *core, uint64_t id, enum reason reason, struct span detail,
                   struct span body)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    uint8_t *memory = arena_room(&scratch, FRAME_BODY_MAX);
    struct sink out = sink_over(memory, memory == NULL ? 0 : FRAME_BODY_MAX);
    sink_u16le(&out, (uint16_t)reason);
    put_bytes(&out, detail);
    put_bytes(&out, body);
    struct frame frame = { .message = MSG_REPLY, .id = id, .body = sink_bytes(&out) };
    /* A front that does not read or is gone has nobody to answer any more. */
    rc sent = sink_ok(&out) ? house_put(NULL, core->house, PEER_FRONT, &frame) : RC_SUCCESS;
    (void)sent;
}

static void refuse(struct core *core, uint64_t front_id, enum reason reason)
{
    answer(core, front_id, reason, (struct span){ 0 }, (struct span){ 0 });
}

void core_answer(struct core *core, uint64_t front_id, const struct answer *said)
{
    answer(core, front_id, said->reason, said->detail, said->body);
}

void core_refuse(struct core *core, const struct request *request, enum reason reason)
{
    refuse(core, request->id, reason);
}

typedef enum reason local_fn(struct core *, const struct request *, struct arena *, struct sink *);

static local_fn *const local[METHOD_COUNT] = {
    [METHOD_PING] = core_ping,
    [METHOD_VERSION] = core_version,
    [METHOD_DOCTOR] = core_doctor,
    [METHOD_CONFIG] = core_config,
    [METHOD_ADMISSION_LIST] = core_admission_list,
    [METHOD_ADMISSION_IMPOSE] = core_admission_impose,
    [METHOD_ADMISSION_LIFT] = core_admission_lift,
    [METHOD_TOKEN_KEYS] = core_token_keys,
    [METHOD_SESSION_LIST] = core_session_list,
    [METHOD_SESSION_REVOKE] = core_session_over,
    [METHOD_SESSION_SHOW] = core_session_show,
    [METHOD_SESSION_END] = core_session_over,
    [METHOD_COLLATERAL_SHOW] = core_collateral_show,
    [METHOD_COLLATERAL_REFRESH] = core_collateral_refresh,
    [METHOD_PEERS_LIST] = core_peers_list,
    [METHOD_JOBS_SUBMIT] = core_jobs_submit,
    [METHOD_JOBS_LIST] = core_jobs_list,
    [METHOD_JOBS_GET] = core_jobs_get,
    [METHOD_JOBS_CANCEL] = core_jobs_cancel,
};

static void answer_local(struct core *core, const struct request *request)
{
    /* The lower half of the scratch is for `answer`. */
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    enum { BODY_MAX = FRAME_BODY_MAX - 64 };
    uint8_t *memory = arena_room(&scratch, BODY_MAX);
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

void core_settle(struct core *core, struct pending *pending)
{
    if (pending->kept != NULL)
        pending->kept->used = false;
    if (pending->verdict != NULL)
        pending->verdict->used = false;
    *pending = (struct pending){ 0 };
    core->pending_count--;
}

struct pending *core_ask(struct core *core, const struct request *request, enum peer peer,
                         struct frame *question)
{
    struct pending *pending = vacancy(core);
    struct channel *channel = &core->house->channels[peer];
    question->id = channel_next_id(channel);
    if (pending == NULL || !rc_ok(channel_put(NULL, channel, question))) {
        core_refuse(core, request, REASON_HOUSE_UNAVAILABLE);
        return NULL;
    }
    uint32_t deadline = house_router.routes[request->method].deadline_ms;
    *pending = (struct pending){ .id = question->id,
                                 .peer = peer,
                                 .front_id = request->id,
                                 .until_ms = clock_monotonic_ms() + deadline };
    core->pending_count++;
    return pending;
}

struct pending *core_pending(struct core *core, enum peer peer, uint64_t id, bool kept)
{
    for (size_t i = 0; i < COUNT_OF(core->pending); i++) {
        struct pending *pending = &core->pending[i];
        if (pending->id == id && id != 0 && pending->peer == peer &&
            (pending->kept != NULL) == kept)
            return pending;
    }
    return NULL;
}

/* One that came too late was answered by the clock. */
void core_answered(struct core *core, const struct call *call, enum peer peer,
                   const struct answer *said)
{
    struct pending *pending = core_pending(core, peer, call->id, false);
    if (pending == NULL)
        return;
    answer(core, pending->front_id, said->reason, said->detail, said->body);
    core_settle(core, pending);
}

/* The audit process knows its log; who may ask for what was decided here. */
static void ask_audit(struct core *core, const struct request *request)
{
    uint8_t bytes[CORE_BODY_BYTES + 8];
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
    [METHOD_KEYRING_ROTATE] = core_ask_keeper, [METHOD_ATTEST_VERIFY] = core_ask_verify,
    [METHOD_ATTEST_EVIDENCE] = core_ask_tee,   [METHOD_SESSION_GRANT] = core_ask_session,
    [METHOD_TOKEN_ISSUE] = core_issue_token,   [METHOD_TOKEN_REDEEM] = core_redeem_token,
    [METHOD_RESULTS_SIGN] = core_sign_result,  [METHOD_JOBS_LOGS] = core_ask_job_logs,
    [METHOD_JOBS_TOP] = core_ask_job_top,      [METHOD_JOBS_WHY] = core_ask_job_why,
};

static void carry_out(struct core *core, const struct request *request)
{
    if (local[request->method] != NULL)
        answer_local(core, request);
    else
        forward[request->method](core, request);
}

static struct kept *keep(struct core *core, const struct request *request)
{
    for (size_t i = 0; i < CORE_KEPT_MAX && request->body.len <= CORE_BODY_BYTES; i++) {
        struct kept *kept = &core->kept[i];
        if (kept->used)
            continue;
        kept->used = true;
        kept->request = *request;
        kept->request.body = span_of(kept->body, request->body.len);
        if (request->body.len > 0)
            memcpy(kept->body, request->body.at, request->body.len);
        return kept;
    }
    return NULL;
}

/* What cannot be done anyway leaves no record of having been. */
static enum reason may_be_done(struct core *core, const struct request *request,
                               struct sink *detail)
{
    struct ban ban;
    struct store_session session;
    bool admission = request->method == METHOD_ADMISSION_IMPOSE ||
                     request->method == METHOD_ADMISSION_LIFT;
    if (request->method == METHOD_SESSION_REVOKE)
        return core_session_wants(core, request, &session);
    if (request->method == METHOD_JOBS_SUBMIT || request->method == METHOD_JOBS_CANCEL)
        return core_job_may(core, request, detail);
    if (request->method == METHOD_COLLATERAL_REFRESH)
        return collateral_may_refresh(core);
    return admission ? core_admission_wants(core, request, &ban) : REASON_OK;
}

void core_not_logged(struct core *core)
{
    core->cannot_log = true;
    core->not_logged_ms = clock_monotonic_ms();
}

/* A slow disk takes each record, but too late for whoever waited: that it was taken says nothing
   of the next one. */
bool core_can_log(const struct core *core)
{
    bool doubtful = core->not_logged_ms != 0 &&
                    clock_monotonic_ms() - core->not_logged_ms < CORE_DOUBT_MS;
    return !core->cannot_log && !doubtful;
}

/* First the record, then the answer: what cannot be logged is not done. */
static void log_first(struct core *core, struct request *request)
{
    uint8_t words[CORE_JOB_DETAIL];
    struct sink detail = sink_over(words, sizeof words);
    enum reason reason = may_be_done(core, request, &detail);
    if (reason != REASON_OK) {
        answer(core, request->id, reason, sink_bytes(&detail), (struct span){ 0 });
        return;
    }
    if (request->method == METHOD_JOBS_SUBMIT)
        random_bytes(request->job, sizeof request->job);
    struct pending *pending = vacancy(core);
    struct kept *kept = pending != NULL ? keep(core, request) : NULL;
    uint64_t id = 0;
    if (kept == NULL) {
        refuse(core, request->id, REASON_HOUSE_UNAVAILABLE);
        return;
    }
    if (!core_log_access(core, request, &id)) {
        kept->used = false;
        core_not_logged(core);
        refuse(core, request->id, REASON_AUDIT_CANNOT_LOG);
        return;
    }
    *pending = (struct pending){ .id = id,
                                 .peer = PEER_AUDIT,
                                 .front_id = request->id,
                                 .until_ms = clock_monotonic_ms() + CORE_LOG_MS,
                                 .kept = kept };
    core->pending_count++;
}

bool core_operator_get(struct cursor *in, struct operator_caller *out)
{
    struct operator_caller who = { 0 };
    struct span name;
    if (!cur_copy(in, who.certificate, sizeof who.certificate) ||
        !get_bytes(in, OPERATOR_NAME_MAX, &name) || name.len == 0)
        return false;
    memcpy(who.name, name.at, name.len);
    who.name_len = name.len;
    *out = who;
    return true;
}

static bool read_request(struct call *call, struct request *out, struct signed_request *credential)
{
    struct request request = { .id = call->id };
    uint16_t method = 0;
    uint8_t caller = 0, sealed = 0;
    if (!(cur_u16le(&call->body, &method) && method < METHOD_COUNT &&
          cur_u8(&call->body, &caller) && caller <= CALLER_MINER &&
          (caller != CALLER_MINER || (method == METHOD_TOKEN_REDEEM && call->id != 0)) &&
          cur_copy(&call->body, request.address, sizeof request.address) &&
          cur_copy(&call->body, request.trace, sizeof request.trace) &&
          get_bytes(&call->body, FRAME_BODY_MAX, &request.body) &&
          (caller != CALLER_OPERATOR || core_operator_get(&call->body, &request.operator)) &&
          (caller != CALLER_SESSION || (credential_get(&call->body, credential) &&
                                        cur_u8(&call->body, &sealed) && sealed <= 1)) &&
          cur_end(&call->body)))
        return false;
    request.sealed = sealed != 0;
    request.method = (enum method)method;
    request.caller = (enum caller)caller;
    *out = request;
    return true;
}

/* One who is listed now: a reload may have come to core first. */
static bool is_operator(const struct core *core, const struct request *request)
{
    const char *listed = core->house->settings.operators;
    const struct operator_caller *who = &request->operator;
    struct operators operators;
    return request->caller == CALLER_OPERATOR && operators_read(span_text(listed), &operators) &&
           operators_have(&operators, span_of(who->name, who->name_len));
}

/* Front has said no to these already; a front that does not is taken over. */
static enum reason may_ask(const struct core *core, const struct request *request)
{
    enum route_permission permission = house_router.routes[request->method].permission;
    /* Of what is the owner's a miner gets what his token says, and that in an answer alone. */
    if (permission == ROUTE_OWNER && request->caller != CALLER_OWNER &&
        request->caller != CALLER_MINER)
        return REASON_HOUSE_OWNER_ONLY;
    if (permission == ROUTE_OPERATOR && request->caller != CALLER_OWNER &&
        !is_operator(core, request))
        return REASON_HOUSE_OWNER_ONLY;
    if (permission == ROUTE_SESSION && request->caller != CALLER_SESSION)
        return REASON_SESSION_REQUIRED;
    return REASON_OK;
}

rc core_on_request(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct request request;
    struct signed_request credential;
    if (!read_request(call, &request, &credential))
        return door_fault(trail, call, DOOR_E_BODY);
    enum reason reason = may_ask(core, &request);
    if (reason == REASON_OK && request.caller == CALLER_SESSION)
        reason = sessions_judge(core, &credential, request.sealed, &request.session);
    if (reason != REASON_OK) {
        core_log_refusal(core, &request, reason);
        refuse(core, request.id, reason);
    } else if (core_must_log(request.method)) {
        log_first(core, &request);
    } else {
        carry_out(core, &request);
    }
    return RC_SUCCESS;
}

rc core_on_appended(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint64_t seq = 0;
    (void)trail;
    struct cursor body = call->body;
    bool logged = audit_client_appended(&body, &seq);
    core->cannot_log = !logged;
    core->why = logged ? AUDIT_REFUSED : audit_client_refused(call->body);
    if (mark_appended(core, call->id, logged, seq))
        return RC_SUCCESS;
    if (news_appended(core, call->id, logged) || collateral_appended(core, call->id, logged) ||
        sessions_appended(core, call->id, logged) || links_appended(core, call->id, logged) ||
        sdk_posted(core, call->id, logged, seq) || jobs_appended(core, call->id, logged))
        return RC_SUCCESS;
    struct pending *verdict = core_pending(core, PEER_AUDIT, call->id, false);
    struct pending *pending = core_pending(core, PEER_AUDIT, call->id, true);
    if (pending == NULL && (verdict == NULL || verdict->verdict == NULL))
        return RC_SUCCESS; /* a refusal's, or too late */
    core->not_logged_ms = logged ? 0 : clock_monotonic_ms();
    if (pending == NULL) {
        core_verdict_logged(core, verdict, logged);
        return RC_SUCCESS;
    }
    /* Its place is free for the question that follows; its body lives until the end of this. */
    struct kept *kept = pending->kept;
    pending->kept = NULL;
    core_settle(core, pending);
    if (logged)
        carry_out(core, &kept->request);
    else
        refuse(core, kept->request.id, REASON_AUDIT_CANNOT_LOG);
    kept->used = false;
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
    if (anchor_answered(core, call->id, (enum reason)reason, body))
        return RC_SUCCESS;
    struct answer said = { (enum reason)reason, detail, body };
    core_answered(core, call, PEER_AUDIT, &said);
    return RC_SUCCESS;
}

/* What was not answered in time: of what was to be logged nobody knows whether it was. */
static void give_up(struct core *core, struct pending *pending, enum reason reason)
{
    bool logs = pending->kept != NULL || (pending->verdict != NULL && pending->peer == PEER_AUDIT);
    if (logs)
        core_not_logged(core);
    refuse(core, pending->front_id, logs ? REASON_AUDIT_CANNOT_LOG : reason);
    core_settle(core, pending);
}

void core_peer_gone(struct core *core, enum peer peer)
{
    for (size_t i = 0; i < COUNT_OF(core->pending); i++) {
        struct pending *pending = &core->pending[i];
        if (pending->id == 0)
            continue;
        /* The next front counts its requests from one as well: what this one asked for would be
           the answer to somebody else. */
        if (peer == PEER_FRONT)
            core_settle(core, pending);
        else if (pending->peer == peer)
            give_up(core, pending, REASON_HOUSE_UNAVAILABLE);
    }
    sessions_peer_gone(core, peer);
    if (peer == PEER_KEEPER)
        repeats_lost(&core->repeats);
    if (peer != PEER_AUDIT)
        return;
    news_appended(core, core->news.id, false);
    core->store.id = core->store.marking = 0;
}

int64_t core_expire(struct core *core, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; core->pending_count > 0 && i < COUNT_OF(core->pending); i++) {
        struct pending *pending = &core->pending[i];
        if (pending->id == 0)
            continue;
        if (pending->until_ms <= now_ms) {
            give_up(core, pending, REASON_HOUSE_DEADLINE);
        } else if (pending->until_ms < next) {
            next = pending->until_ms;
        }
    }
    return next;
}
