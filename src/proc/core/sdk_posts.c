/* sdk_posts.c - see sdk.h: what clients of profile sdk-v1 post once they have a session.  A
   heartbeat is heard and that is all.  A line of a log and a result become a record of the security
   log, and are answered when that is durable, with its number: so the answer promises what the log
   keeps. */
#include <string.h>

#include "base/number.h"
#include "channel/sdk_post.h"
#include "codec/json_write.h"
#include "model/address.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

_Static_assert((int)SDK_POST_BYTES >=
                   66 + SDK_POST_VALUES * (4 + SDK_VALUE_BYTES) + (int)CREDENTIAL_MAX,
               "a message has room for all of it");
_Static_assert((int)SDK_VALUE_BYTES >= (int)SDK_POST_METRICS_MAX, "and for the longest value");

/* One that came. */
struct post {
    struct request request; /* whose it is */
    struct sdk_post said;
};

static void answer(struct core *core, uint64_t id, enum reason reason, struct span text)
{
    uint8_t bytes[2 + 4 + SDK_ANSWER_BYTES];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    if (reason == REASON_OK)
        put_bytes(&body, text);
    (void)link_tell_front(core, MSG_SDK_POSTED, id, sink_bytes(&body));
}

static void refuse(struct core *core, uint64_t id, enum reason reason)
{
    answer(core, id, reason, (struct span){ 0 });
}

static void accept(struct core *core, uint64_t id)
{
    answer(core, id, REASON_OK, span_text("{\"accepted\":true}"));
}

/* Where in the log it is, and of which body. */
static void stored(struct core *core, const struct sdk_waiting *waiting, uint64_t seq)
{
    uint8_t bytes[SDK_ANSWER_BYTES], digits[24];
    struct sink text = sink_over(bytes, sizeof bytes), receipt = sink_over(digits, sizeof digits);
    struct json_writer writer = json_write_to(&text, 0);
    sink_format(&receipt, "%llu", (unsigned long long)seq);
    json_begin_object(&writer);
    json_put_key(&writer, "stored");
    json_put_bool(&writer, true);
    json_put_key(&writer, "receipt");
    json_put_span(&writer, sink_bytes(&receipt));
    json_put_key(&writer, "digest");
    json_put_hex(&writer, SPAN(waiting->digest));
    json_end_object(&writer);
    answer(core, waiting->front_id, REASON_OK, sink_bytes(&text));
}

/* --- its record ----------------------------------------------------------------------------- */

static bool log_post(struct core *core, const struct post *post, uint64_t *id)
{
    const struct store_session *session = &post->request.session;
    const struct sdk_post *said = &post->said;
    bool is_result = said->kind == SDK_POST_SUBMIT;
    uint8_t bytes[2][AUDIT_ADDRESS_MAX + 2 * SESSION_ID];
    struct sink text = sink_over(bytes[0], sizeof bytes[0]);
    struct sink name = sink_over(bytes[1], sizeof bytes[1]);
    struct address address;
    struct audit_record record = audit_record_of(
        is_result ? AUDIT_EVENT_RESULT_SUBMIT : AUDIT_EVENT_RESULT_LOGS, AUDIT_SUCCESS, 0);
    memcpy(address.bytes, post->request.address, sizeof address.bytes);
    address_write(&text, &address);
    session_id_write(&name, session->token);
    audit_set_actor(&record, AUDIT_SERVICE, span_of(session->name, session->name_len));
    audit_set_resource(&record, span_text(is_result ? "result" : "log"));
    audit_set_address(&record, sink_bytes(&text));
    audit_set_trace(&record, post->request.trace);
    audit_add_text(&record, "session", sink_bytes(&name));
    audit_add_bool(&record, "unbound", true);
    for (size_t i = 0; sdk_post_name(said->kind, i) != NULL; i++)
        audit_add_text(&record, sdk_post_name(said->kind, i), said->values[i]);
    audit_add_hash(&record, "digest", SPAN(said->digest));
    return core_append(core, &record, id);
}

/* --- what front asks ------------------------------------------------------------------------ */

static bool read_post(struct call *call, struct post *out, struct signed_request *credential)
{
    struct post post = { .request = { .id = call->id, .caller = CALLER_SESSION } };
    uint8_t kind = 0, opened = 0;
    if (!(cur_u8(&call->body, &kind) && kind < SDK_POST_KINDS &&
          cur_copy(&call->body, post.request.address, sizeof post.request.address) &&
          cur_copy(&call->body, post.request.trace, sizeof post.request.trace) &&
          cur_copy(&call->body, post.said.digest, sizeof post.said.digest)))
        return false;
    post.said.kind = (enum sdk_post_kind)kind;
    for (size_t i = 0; sdk_post_name(post.said.kind, i) != NULL; i++) {
        if (!get_bytes(&call->body, SDK_VALUE_BYTES, &post.said.values[i]))
            return false;
    }
    if (!(credential_get(&call->body, credential) && cur_u8(&call->body, &opened) && opened <= 1 &&
          cur_end(&call->body)))
        return false;
    post.request.sealed = opened != 0;
    post.request.method = (enum method)(METHOD_COUNT + SDK_METHOD_HEARTBEAT + kind);
    *out = post;
    return true;
}

/* One of a kind in a second for a session, and so many for all: whoever posts fills no disk. */
static bool is_due(struct core_sdk *sdk, struct sdk_client *client, enum sdk_post_kind kind)
{
    const int64_t now = clock_monotonic_ms();
    int64_t *last = &client->posted_ms[kind == SDK_POST_SUBMIT];
    if (sdk->posts_ms == 0 || now - sdk->posts_ms >= CORE_SECOND_MS) {
        sdk->posts_ms = now;
        sdk->posts_logged = 0;
    }
    if ((*last != 0 && now - *last < SDK_POST_MS) || sdk->posts_logged >= SDK_POSTS_SECOND)
        return false;
    sdk->posts_logged++;
    *last = now;
    return true;
}

static struct sdk_waiting *vacancy(struct core_sdk *sdk)
{
    for (size_t i = 0; i < SDK_POSTS_MAX; i++) {
        if (sdk->waits[i].id == 0)
            return &sdk->waits[i];
    }
    return NULL;
}

static enum reason keep(struct core *core, const struct post *post, struct sdk_client *client)
{
    struct sdk_waiting *waiting = vacancy(&core->sdk);
    uint64_t id = 0;
    if (waiting == NULL)
        return REASON_HOUSE_UNAVAILABLE;
    if (!is_due(&core->sdk, client, post->said.kind))
        return REASON_ADMIT_RATE_LIMITED;
    if (!log_post(core, post, &id)) {
        core_not_logged(core);
        return REASON_AUDIT_CANNOT_LOG;
    }
    *waiting = (struct sdk_waiting){ .id = id,
                                     .front_id = post->request.id,
                                     .until_ms = clock_monotonic_ms() + CORE_LOG_MS };
    memcpy(waiting->digest, post->said.digest, sizeof waiting->digest);
    return REASON_OK;
}

rc core_on_sdk_post(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct signed_request credential;
    struct sdk_client *client = NULL;
    struct post post;
    if (!read_post(call, &post, &credential))
        return door_fault(trail, call, DOOR_E_BODY);
    struct request *request = &post.request;
    bool is_served = core->house->settings.sdk_policy[0] != 0;
    enum reason reason = REASON_HTTP_ROUTE_UNKNOWN;
    if (is_served)
        reason = sessions_judge(core, &credential, request->sealed, &request->session);
    if (reason == REASON_OK)
        client = sdk_client_of(core, request->session.token);
    if (reason == REASON_OK && client == NULL)
        reason = REASON_SDK_SESSION;
    if (reason != REASON_OK && is_served)
        core_log_refusal(core, request, reason);
    else if (reason == REASON_OK && post.said.kind != SDK_POST_HEARTBEAT)
        reason = keep(core, &post, client);
    else if (reason == REASON_OK)
        accept(core, request->id);
    if (reason != REASON_OK)
        refuse(core, request->id, reason);
    return RC_SUCCESS;
}

/* --- what becomes of it ---------------------------------------------------------------------- */

bool sdk_posted(struct core *core, uint64_t id, bool logged, uint64_t seq)
{
    for (size_t i = 0; id != 0 && i < SDK_POSTS_MAX; i++) {
        struct sdk_waiting *waiting = &core->sdk.waits[i];
        if (waiting->id != id)
            continue;
        core->not_logged_ms = logged ? 0 : clock_monotonic_ms();
        if (logged)
            stored(core, waiting, seq);
        else
            refuse(core, waiting->front_id, REASON_AUDIT_CANNOT_LOG);
        *waiting = (struct sdk_waiting){ 0 };
        return true;
    }
    return false;
}

/* Nobody knows whether it is in the log. */
static void give_up(struct core *core, struct sdk_waiting *waiting)
{
    core_not_logged(core);
    refuse(core, waiting->front_id, REASON_AUDIT_CANNOT_LOG);
    *waiting = (struct sdk_waiting){ 0 };
}

int64_t sdk_posts_step(struct core *core, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < SDK_POSTS_MAX; i++) {
        struct sdk_waiting *waiting = &core->sdk.waits[i];
        if (waiting->id == 0)
            continue;
        if (waiting->until_ms <= now_ms)
            give_up(core, waiting);
        else if (waiting->until_ms < next)
            next = waiting->until_ms;
    }
    return next;
}

void sdk_posts_peer(struct core *core, enum peer peer)
{
    for (size_t i = 0; i < SDK_POSTS_MAX; i++) {
        struct sdk_waiting *waiting = &core->sdk.waits[i];
        if (waiting->id != 0 && peer == PEER_AUDIT)
            give_up(core, waiting);
        if (peer == PEER_FRONT) /* the next one counts its questions from one, too */
            *waiting = (struct sdk_waiting){ 0 };
    }
}
