/* records.c - see core.h: the records that core asks for, each filled by its kind. */
#include <string.h>

#include "base/number.h"
#include "codec/job_result.h"
#include "model/address.h"
#include "model/tee.h"
#include "os/clock.h"
#include "proc/audit_client.h"
#include "proc/config.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

bool core_append(struct core *core, const struct audit_record *record, uint64_t *id)
{
    return rc_ok(audit_client_append(NULL, &core->house->channels[PEER_AUDIT], record, id));
}

struct span core_method_name(enum method method)
{
    const struct route *route = house_route(method);
    return span_text(route->grpc[0] != 0 ? route->grpc : route->path);
}

/* What the owner reads of the house is an access to its data, and who wants another key is known
   before there is one; what everybody may have, and the check of the house that must answer when
   the log does not, is none. */
static const enum audit_event accesses[METHOD_COUNT] = {
    [METHOD_CONFIG] = AUDIT_EVENT_CONFIG_READ,
    [METHOD_AUDIT_QUERY] = AUDIT_EVENT_LOG_READ,
    [METHOD_AUDIT_GET] = AUDIT_EVENT_LOG_READ,
    [METHOD_AUDIT_VERIFY] = AUDIT_EVENT_LOG_READ,
    [METHOD_KEYRING_ROTATE] = AUDIT_EVENT_KEYRING_CHANGE,
    [METHOD_ADMISSION_IMPOSE] = AUDIT_EVENT_BAN,
    [METHOD_ADMISSION_LIFT] = AUDIT_EVENT_BAN_LIFT,
    [METHOD_SESSION_REVOKE] = AUDIT_EVENT_SESSION_END,
    [METHOD_SESSION_END] = AUDIT_EVENT_SESSION_END,
    [METHOD_COLLATERAL_REFRESH] = AUDIT_EVENT_COLLATERAL_REFRESH,
    [METHOD_JOBS_SUBMIT] = AUDIT_EVENT_JOB_SUBMIT,
    [METHOD_JOBS_CANCEL] = AUDIT_EVENT_JOB_CANCEL,
};

static struct span accessed(enum audit_event event)
{
    switch ((int)event) {
    case AUDIT_EVENT_CONFIG_READ:
        return span_text("settings");
    case AUDIT_EVENT_KEYRING_CHANGE:
        return span_text("keyring");
    case AUDIT_EVENT_COLLATERAL_REFRESH:
        return span_text("collateral");
    default:
        return span_text("log");
    }
}

bool core_must_log(enum method method)
{
    return accesses[method] != AUDIT_EVENT_NONE;
}

/* What the owner wants done to somebody: this record is durable before it is. */
static bool log_admission(struct core *core, const struct request *request, enum audit_event event,
                          uint64_t *id)
{
    uint8_t bytes[AUDIT_ADDRESS_MAX], uid[32];
    struct sink text = sink_over(bytes, sizeof bytes), owner = sink_over(uid, sizeof uid);
    struct audit_record record = audit_record_of(event, AUDIT_SUCCESS, 0);
    struct ban ban;
    if (core_admission_wants(core, request, &ban) != REASON_OK)
        return false; /* it was checked before */
    core_peer_write(&text, &ban.peer);
    sink_format(&owner, "uid:%u", core->house->settings.owner);
    audit_set_actor(&record, AUDIT_USER, sink_bytes(&owner));
    audit_set_resource(&record, sink_bytes(&text));
    audit_set_trace(&record, request->trace);
    audit_add_text(&record, "subject", sink_bytes(&text));
    if (event == AUDIT_EVENT_BAN) {
        audit_add_time(&record, "until", core_ban_ends(&ban));
        audit_add_text(&record, "reason", span_text(offence_name(ban.offence)));
    }
    return core_append(core, &record, id);
}

/* Who showed a certificate is the one whose name it has; without one nothing changes. */
static void set_operator(struct audit_record *record, const struct request *request,
                         struct sink *text)
{
    const struct operator_caller *who = &request->operator;
    struct address address;
    if (who->name_len == 0)
        return;
    memcpy(address.bytes, request->address, sizeof address.bytes);
    address_write(text, &address);
    audit_set_actor(record, AUDIT_USER, span_of(who->name, who->name_len));
    audit_set_address(record, sink_bytes(text));
    audit_add_hash(record, "certificate", SPAN(who->certificate));
}

bool core_log_access(struct core *core, const struct request *request, uint64_t *id)
{
    uint8_t bytes[32];
    struct sink owner = sink_over(bytes, sizeof bytes);
    enum audit_event event = accesses[request->method];
    if (event == AUDIT_EVENT_BAN || event == AUDIT_EVENT_BAN_LIFT)
        return log_admission(core, request, event, id);
    if (event == AUDIT_EVENT_SESSION_END)
        return core_log_ending(core, request, id);
    if (event == AUDIT_EVENT_JOB_SUBMIT || event == AUDIT_EVENT_JOB_CANCEL)
        return core_log_job_wish(core, request, id);
    uint8_t peer[AUDIT_ADDRESS_MAX];
    struct sink address = sink_over(peer, sizeof peer);
    struct audit_record record = audit_record_of(event, AUDIT_SUCCESS, 0);
    sink_format(&owner, "uid:%u", core->house->settings.owner);
    audit_set_actor(&record, AUDIT_USER, sink_bytes(&owner));
    audit_set_resource(&record, accessed(event));
    audit_set_trace(&record, request->trace);
    audit_add_text(&record, "method", core_method_name(request->method));
    set_operator(&record, request, &address);
    return core_append(core, &record, id);
}

bool core_log_verdict(struct core *core, const struct request *request, enum audit_outcome outcome,
                      struct span reason, bool hardware, uint64_t *id)
{
    uint8_t bytes[32];
    struct sink owner = sink_over(bytes, sizeof bytes);
    struct audit_record record = audit_record_of(AUDIT_EVENT_EVIDENCE_JUDGE, outcome, 0);
    sink_format(&owner, "uid:%u", core->house->settings.owner);
    audit_set_actor(&record, AUDIT_USER, sink_bytes(&owner));
    audit_set_resource(&record, span_text("evidence"));
    audit_set_trace(&record, request->trace);
    audit_add_text(&record, "reason", reason);
    audit_add_bool(&record, "hardware", hardware);
    return core_append(core, &record, id);
}

bool core_log_evidence(struct core *core, const struct request *request,
                       const uint8_t report_data[64], uint64_t *id)
{
    uint8_t bytes[32];
    struct sink owner = sink_over(bytes, sizeof bytes);
    struct audit_record record = audit_record_of(AUDIT_EVENT_EVIDENCE_MAKE, AUDIT_SUCCESS, 0);
    sink_format(&owner, "uid:%u", core->house->settings.owner);
    audit_set_actor(&record, AUDIT_USER, sink_bytes(&owner));
    audit_set_resource(&record, span_text(TEE_MARK));
    audit_set_trace(&record, request->trace);
    audit_add_bool(&record, "hardware", TEE_IS_HARDWARE);
    audit_add_hash(&record, "report_data", span_of(report_data, 64));
    return core_append(core, &record, id);
}

/* The token itself is nowhere but with whoever asked for it. */
bool core_log_token(struct core *core, const struct request *request,
                    const struct miner_claims *claims, uint64_t *id)
{
    uint8_t bytes[32], memory[MINER_SCOPES_MAX * (MINER_WORD_MAX + 1)];
    struct sink owner = sink_over(bytes, sizeof bytes), scopes = sink_over(memory, sizeof memory);
    struct audit_record record = audit_record_of(AUDIT_EVENT_TOKEN_ISSUE, AUDIT_SUCCESS, 0);
    for (size_t i = 0; i < claims->scope_count; i++) {
        sink_text(&scopes, i == 0 ? "" : " ");
        sink_put(&scopes, claims->scopes[i]);
    }
    sink_format(&owner, "uid:%u", core->house->settings.owner);
    audit_set_actor(&record, AUDIT_USER, sink_bytes(&owner));
    audit_set_resource(&record, claims->audience);
    audit_set_trace(&record, request->trace);
    audit_add_text(&record, "token_type", span_text("miner"));
    audit_add_text(&record, "subject", claims->subject);
    audit_add_time(&record, "expires_at", 1000 * claims->expires);
    audit_add_text(&record, "jti", claims->use);
    audit_add_text(&record, "challenge", claims->audience);
    audit_add_number(&record, "uid", claims->uid);
    if (claims->job.len > 0)
        audit_add_text(&record, "job", claims->job);
    audit_add_text(&record, "scope", sink_bytes(&scopes));
    audit_add_text(&record, "key_id", claims->key_id);
    return core_append(core, &record, id);
}

/* The owner has said what is in it, and the house only how it was said. */
bool core_log_result(struct core *core, const struct verdict *place,
                     const struct job_result *result, const uint8_t digest[SHA256_LEN],
                     uint64_t *id)
{
    uint8_t bytes[32];
    struct sink owner = sink_over(bytes, sizeof bytes);
    struct audit_record record = audit_record_of(AUDIT_EVENT_RESULT_SIGN, AUDIT_SUCCESS, 0);
    sink_format(&owner, "uid:%u", core->house->settings.owner);
    audit_set_actor(&record, AUDIT_USER, sink_bytes(&owner));
    audit_set_resource(&record, result->job);
    audit_set_trace(&record, place->request.trace);
    audit_add_text(&record, "job", result->job);
    audit_add_hash(&record, "spec", SPAN(result->spec));
    audit_add_hash(&record, "digest", span_of(digest, SHA256_LEN));
    audit_add_text(&record, "reason", result->reason);
    audit_add_number(&record, "code", result->code);
    audit_add_number(&record, "signal", result->signal);
    audit_add_number(&record, "outputs", (int64_t)result->output_count);
    audit_add_text(&record, "key_id", result->key_id);
    audit_add_bool(&record, "sandbox_measured", result->sandbox.evidence.len > 0);
    audit_add_bool(&record, "hardware", TEE_IS_HARDWARE);
    audit_add_hash(&record, "report_data", SPAN(place->report_data));
    return core_append(core, &record, id);
}

bool refusals_may_record(struct core_refusals *refusals, uint32_t most)
{
    int64_t now = clock_monotonic_ms();
    if (refusals->second_ms == 0 || now - refusals->second_ms >= CORE_SECOND_MS) {
        refusals->second_ms = now;
        refusals->recorded = 0;
    }
    if (refusals->recorded >= most)
        return false;
    refusals->recorded++;
    return true;
}

bool core_record_refusal(struct core *core, struct audit_record *record,
                         struct core_refusals *refusals, uint64_t *unrecorded)
{
    uint64_t id = 0;
    if (*unrecorded > 0)
        audit_add_number(record, "unrecorded", (int64_t)*unrecorded);
    bool recorded = refusals_may_record(refusals, CORE_REFUSALS) && core_append(core, record, &id);
    *unrecorded = recorded ? 0 : *unrecorded + 1;
    return recorded;
}

/* Nothing of the token is believed, and so nothing of it is written down. */
void core_log_token_refused(struct core *core, const struct request *request, enum reason reason,
                            struct span challenge)
{
    struct core_refusals *refusals = &core->tokens.refusals;
    struct audit_record record = audit_record_of(AUDIT_EVENT_TOKEN_REFUSE, AUDIT_DENIED, 0);
    uint8_t bytes[AUDIT_ADDRESS_MAX];
    struct sink text = sink_over(bytes, sizeof bytes);
    struct address address;
    if (request->caller == CALLER_MINER) {
        memcpy(address.bytes, request->address, sizeof address.bytes);
        address_write(&text, &address);
        audit_set_actor(&record, AUDIT_ANONYMOUS, span_text("anonymous"));
        audit_set_address(&record, sink_bytes(&text));
    } else {
        sink_format(&text, "uid:%u", core->house->settings.owner);
        audit_set_actor(&record, AUDIT_USER, sink_bytes(&text));
    }
    audit_set_resource(&record, challenge);
    audit_set_trace(&record, request->trace);
    audit_add_text(&record, "token_type", span_text("miner"));
    audit_add_text(&record, "reason", span_text(reason_info(reason)->name));
    (void)core_record_refusal(core, &record, refusals, &refusals->unrecorded);
}

void core_log_refusal(struct core *core, const struct request *request, enum reason reason)
{
    uint8_t bytes[2][AUDIT_ADDRESS_MAX];
    struct sink text = sink_over(bytes[0], sizeof bytes[0]);
    struct sink again = sink_over(bytes[1], sizeof bytes[1]);
    struct address address;
    struct audit_record record = audit_record_of(AUDIT_EVENT_ACCESS_REFUSE, AUDIT_DENIED, 0);
    memcpy(address.bytes, request->address, sizeof address.bytes);
    address_write(&text, &address);
    audit_set_actor(&record, AUDIT_ANONYMOUS, span_text("anonymous"));
    audit_set_resource(&record, core_method_name(request->method));
    audit_set_address(&record, sink_bytes(&text));
    audit_set_trace(&record, request->trace);
    audit_add_text(&record, "method", core_method_name(request->method));
    audit_add_text(&record, "reason", span_text(reason_info(reason)->name));
    set_operator(&record, request, &again);
    (void)core_record_refusal(core, &record, &core->refusals, &core->refusals.unrecorded);
    core->refused = *request;
    core->refused.body = (struct span){ 0 };
    core->refused_for = reason;
}

int64_t core_log_unrecorded(struct core *core, int64_t now_ms)
{
    struct core_refusals *refusals = &core->refusals;
    int64_t due = refusals->second_ms + CORE_SECOND_MS;
    if (refusals->unrecorded == 0)
        return INT64_MAX;
    if (now_ms < due)
        return due;
    struct request last = core->refused;
    refusals->unrecorded--; /* the record itself stands for this one */
    core_log_refusal(core, &last, core->refused_for);
    return refusals->unrecorded == 0 ? INT64_MAX : refusals->second_ms + CORE_SECOND_MS;
}

/* What front may have refused: it reads the headers of a signed request, and judges none; and it
   has the key of a sealed body. */
static bool is_fronts(uint16_t reason)
{
    return reason == REASON_HOUSE_OWNER_ONLY || reason == REASON_SESSION_REQUIRED ||
           reason == REASON_MINER_TOKEN_MISSING || reason == REASON_MINER_TOKEN_MALFORMED ||
           reason == REASON_CHANNEL_TAMPERED ||
           (reason >= REASON_SIGNED_HEADERS && reason <= REASON_SIGNED_TEXT);
}

rc core_on_refused(struct trail *trail, void *core, struct call *call)
{
    struct request request = { 0 };
    uint16_t method = 0, reason = 0;
    if (!(cur_u16le(&call->body, &method) && method < METHOD_COUNT + SDK_METHOD_COUNT &&
          cur_copy(&call->body, request.address, sizeof request.address) &&
          cur_copy(&call->body, request.trace, sizeof request.trace) &&
          cur_u16le(&call->body, &reason) && is_fronts(reason) &&
          (cur_end(&call->body) || core_operator_get(&call->body, &request.operator)) &&
          cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    request.method = (enum method)method;
    core_log_refusal(core, &request, (enum reason)reason);
    return RC_SUCCESS;
}

static enum audit_event event_of(enum happened what)
{
    switch (what) {
    case HAPPENED_HOUSE_START:
        return AUDIT_EVENT_HOUSE_START;
    case HAPPENED_HOUSE_STOP:
        return AUDIT_EVENT_HOUSE_STOP;
    case HAPPENED_RESTART:
        return AUDIT_EVENT_PROCESS_START;
    case HAPPENED_CHANGED:
    case HAPPENED_SHARE:
        return AUDIT_EVENT_CONFIG_CHANGE;
    case HAPPENED_RELOADED:
    case HAPPENED_RELOAD_REFUSED:
        return AUDIT_EVENT_CONFIG_RELOAD;
    case HAPPENED_KILLED:
    case HAPPENED_EXITED:
    case HAPPENED_COUNT:
        break;
    }
    return AUDIT_EVENT_PROCESS_CRASH;
}

/* The monitor's own word: a key that is none has no name. */
static void add_change(struct audit_record *record, const struct happening *happening)
{
    size_t count = 0;
    const struct config_key *keys = config_keys(&count);
    uint8_t bytes[2][24];
    struct sink before = sink_over(bytes[0], sizeof bytes[0]);
    struct sink after = sink_over(bytes[1], sizeof bytes[1]);
    sink_format(&before, "%llu", (unsigned long long)happening->before);
    sink_format(&after, "%llu", (unsigned long long)happening->after);
    audit_add_text(record, "field",
                   span_text(happening->code < count ? keys[happening->code].name : "unknown"));
    audit_add_text(record, "old", sink_bytes(&before));
    audit_add_text(record, "new", sink_bytes(&after));
}

static void write_share(struct sink *out, uint64_t millionths)
{
    const struct tenant_settings tenant = { .share = (uint32_t)millionths };
    if (millionths == 0)
        sink_text(out, "none");
    else
        config_value_write(out, &config_table_find(span_text("tenants"))->keys[0], &tenant);
}

static void add_share(struct audit_record *record, const struct happening *happening)
{
    uint8_t bytes[3][sizeof happening->tenant + 16];
    struct sink field = sink_over(bytes[0], sizeof bytes[0]);
    struct sink before = sink_over(bytes[1], sizeof bytes[1]);
    struct sink after = sink_over(bytes[2], sizeof bytes[2]);
    sink_format(&field, "tenants.%s.share", happening->tenant);
    write_share(&before, happening->before);
    write_share(&after, happening->after);
    audit_add_text(record, "field", sink_bytes(&field));
    audit_add_text(record, "old", sink_bytes(&before));
    audit_add_text(record, "new", sink_bytes(&after));
}

static void add_code(struct audit_record *record, const struct happening *happening,
                     struct sink *cause)
{
    switch (happening->what) {
    case HAPPENED_HOUSE_START:
        audit_add_text(record, "version", span_text(WARD_VERSION));
        audit_add_number(record, "uid", happening->code);
        return;
    case HAPPENED_RESTART:
        audit_add_number(record, "start", happening->code);
        return;
    case HAPPENED_RELOADED:
        audit_add_text(record, "result", span_text("taken over"));
        audit_add_number(record, "changed", happening->code);
        return;
    case HAPPENED_RELOAD_REFUSED:
        audit_add_text(record, "result", span_text("the old one stays"));
        audit_add_number(record, "problems", happening->code);
        return;
    case HAPPENED_SHARE:   /* add_share */
    case HAPPENED_CHANGED: /* add_change */
    case HAPPENED_HOUSE_STOP:
    case HAPPENED_KILLED:
    case HAPPENED_EXITED:
    case HAPPENED_COUNT:
        break;
    }
    sink_format(cause, "%s %u", happening->what == HAPPENED_EXITED ? "exit" : "signal",
                happening->code);
    audit_add_text(record, "cause", sink_bytes(cause));
}

bool core_log_collateral(struct core *core, const struct core_piece *piece, enum reason reason,
                         struct span detail, uint64_t *id)
{
    bool kept = reason == REASON_OK;
    char text[96];
    struct sink whose = sink_over(text, sizeof text);
    struct audit_record record = audit_record_of(kept ? AUDIT_EVENT_COLLATERAL_KEEP
                                                      : AUDIT_EVENT_COLLATERAL_REFUSE,
                                                 kept ? AUDIT_SUCCESS : AUDIT_FAILURE, 0);
    pcs_detail(piece->thing, &piece->scope, &whose);
    audit_set_actor(&record, AUDIT_SYSTEM, span_text("core"));
    audit_set_resource(&record, sink_bytes(&whose));
    audit_add_text(&record, "kind", span_text(pcs_label(piece->thing)));
    if (kept)
        audit_add_time(&record, "issued", 1000 * piece->issued);
    else
        audit_add_text(&record, "reason", span_text(reason_info(reason)->name));
    if (detail.len > 0)
        audit_add_text(&record, "detail", detail);
    return core_append(core, &record, id);
}

bool core_log_mark(struct core *core, int64_t generation, uint64_t *id)
{
    struct audit_record record = audit_record_of(AUDIT_EVENT_STORE_MARK, AUDIT_SUCCESS, 0);
    audit_set_actor(&record, AUDIT_SYSTEM, span_text("core"));
    audit_set_resource(&record, span_text("store"));
    audit_add_number(&record, "generation", generation);
    return core_append(core, &record, id);
}

void core_peer_write(struct sink *out, const struct address *peer)
{
    struct network network = { address_peer(peer), ADDRESS_PEER_BITS };
    if (address_is_v4(peer))
        address_write(out, peer);
    else
        network_write(out, &network);
}

int64_t core_ban_ends(const struct ban *ban)
{
    int64_t left_ms = (int64_t)(ban->until_us / 1000) - clock_monotonic_ms();
    return ban->until_us == UINT64_MAX ? 0 : clock_now_ms() + (left_ms > 0 ? left_ms : 0);
}

bool core_log_ban(struct core *core, const struct ban *ban, uint64_t unrecorded)
{
    uint8_t bytes[AUDIT_ADDRESS_MAX];
    struct sink text = sink_over(bytes, sizeof bytes);
    struct audit_record record = audit_record_of(AUDIT_EVENT_BAN, AUDIT_SUCCESS, 0);
    uint64_t id = 0;
    core_peer_write(&text, &ban->peer);
    audit_set_actor(&record, AUDIT_SYSTEM, span_text("core"));
    audit_set_resource(&record, sink_bytes(&text));
    audit_add_text(&record, "subject", sink_bytes(&text));
    audit_add_time(&record, "until", core_ban_ends(ban));
    audit_add_text(&record, "reason", span_text(offence_name(ban->offence)));
    if (unrecorded > 0)
        audit_add_number(&record, "unrecorded", (int64_t)unrecorded);
    return core_append(core, &record, &id);
}

/* The record's own time is that of the log; what it tells of may be older. */
bool core_log_happening(struct core *core, const struct happening *happening, uint64_t *id)
{
    uint8_t bytes[32];
    struct sink cause = sink_over(bytes, sizeof bytes);
    bool house = happening->peer == PEER_MONITOR;
    bool bad = event_of(happening->what) == AUDIT_EVENT_PROCESS_CRASH ||
               happening->what == HAPPENED_RELOAD_REFUSED;
    struct span name = span_text(house ? "house" : peer_name(happening->peer));
    struct audit_record record = audit_record_of(event_of(happening->what),
                                                 bad ? AUDIT_FAILURE : AUDIT_SUCCESS, 0);
    audit_set_actor(&record, AUDIT_SYSTEM, span_text("monitor"));
    audit_set_resource(&record, name);
    if (!house)
        audit_add_text(&record, "process", name);
    audit_add_number(&record, "pid", happening->pid);
    audit_add_time(&record, "happened_at", happening->at);
    if (happening->what == HAPPENED_CHANGED)
        add_change(&record, happening);
    else if (happening->what == HAPPENED_SHARE)
        add_share(&record, happening);
    else
        add_code(&record, happening, &cause);
    return core_append(core, &record, id);
}

static struct audit_record record_of_peer(const struct peer_settings *peer, enum audit_event event,
                                          struct span reason)
{
    bool open = event == AUDIT_EVENT_PEER_OPEN;
    struct audit_record record = audit_record_of(event, open ? AUDIT_SUCCESS : AUDIT_FAILURE, 0);
    audit_set_actor(&record, AUDIT_SYSTEM, span_text("core"));
    audit_set_resource(&record, span_text(peer->name));
    audit_add_text(&record, "peer", span_text(peer->name));
    if (!open)
        audit_add_text(&record, "reason", reason);
    return record;
}

bool core_log_passed_on(struct core *core, const struct peer_settings *peer, enum reason reason)
{
    struct audit_record record = record_of_peer(peer, AUDIT_EVENT_PEER_REFUSE,
                                                span_text(reason_info(reason)->name));
    return core_record_refusal(core, &record, &core->passed_on, &core->passed_on.unrecorded);
}

void core_log_peer(struct core *core, const struct peer_settings *peer, enum audit_event event,
                   struct span reason)
{
    struct audit_record record = record_of_peer(peer, event, reason);
    uint64_t id = 0;
    bool logged = core_append(core, &record, &id);
    (void)
        logged; /* how it is says `Peers.List`, and that the log takes nothing the house's checks */
}

void core_log_miners(struct core *core)
{
    const struct core_miners *miners = &core->miners;
    struct audit_record record = audit_record_of(
        AUDIT_EVENT_MINERS_LIST, miners->refused ? AUDIT_FAILURE : AUDIT_SUCCESS, 0);
    uint64_t id = 0;
    audit_set_actor(&record, AUDIT_SYSTEM, span_text("core"));
    audit_set_resource(&record, span_text("miners.file"));
    audit_add_number(&record, "miners", (int64_t)miners->list.count);
    audit_add_hash(&record, "digest", SPAN(miners->digest));
    if (!core_append(core, &record, &id))
        core->cannot_log = true;
}
