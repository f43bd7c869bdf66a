/* view_ocsf.c - a record as an event of the Open Cybersecurity Schema Framework 1.3.0.

   Classes are chosen by what happened to what: somebody proved who he is (Authentication), a
   thing that is managed was made, changed or taken away (Entity Management), a process
   lived or died (Application Lifecycle), anything else was asked of the service (API
   Activity).  What has no attribute there stands under `unmapped`. */
#include "audit/text.h"
#include "audit/view_parts.h"
#include "codec/json_write.h"

enum class {
    AUTHENTICATION = 3002,
    ENTITY_MANAGEMENT = 3004,
    LIFECYCLE = 6002,
    API_ACTIVITY = 6003,
};

struct mapping {
    enum class class;
    unsigned activity;
    const char *name; /* of the activity */
};

static const struct mapping mappings[AUDIT_EVENT_COUNT] = {
    [AUDIT_EVENT_NONE] = { API_ACTIVITY, 0, "Unknown" },
    [AUDIT_EVENT_LOGIN] = { AUTHENTICATION, 1, "Logon" },
    [AUDIT_EVENT_TOKEN_ISSUE] = { AUTHENTICATION, 99, "Token Issue" },
    [AUDIT_EVENT_JOB_SUBMIT] = { API_ACTIVITY, 1, "Create" },
    [AUDIT_EVENT_NODE_REGISTER] = { ENTITY_MANAGEMENT, 1, "Create" },
    [AUDIT_EVENT_PAYMENT] = { API_ACTIVITY, 1, "Create" },
    [AUDIT_EVENT_CONFIG_CHANGE] = { ENTITY_MANAGEMENT, 3, "Update" },
    [AUDIT_EVENT_PROCESS_START] = { LIFECYCLE, 3, "Start" },
    [AUDIT_EVENT_PROCESS_STOP] = { LIFECYCLE, 4, "Stop" },
    [AUDIT_EVENT_PROCESS_CRASH] = { LIFECYCLE, 4, "Stop" },
    [AUDIT_EVENT_KEY_CREATE] = { ENTITY_MANAGEMENT, 1, "Create" },
    [AUDIT_EVENT_KEY_ROTATE] = { ENTITY_MANAGEMENT, 3, "Update" },
    [AUDIT_EVENT_KEY_RETIRE] = { ENTITY_MANAGEMENT, 4, "Delete" },
    [AUDIT_EVENT_KEY_USE] = { API_ACTIVITY, 2, "Read" },
    [AUDIT_EVENT_KEYRING_OPEN] = { API_ACTIVITY, 2, "Read" },
    [AUDIT_EVENT_HEAD_SIGN] = { API_ACTIVITY, 1, "Create" },
    [AUDIT_EVENT_LOG_REPAIR] = { ENTITY_MANAGEMENT, 3, "Update" },
    [AUDIT_EVENT_BAN] = { ENTITY_MANAGEMENT, 1, "Create" },
    [AUDIT_EVENT_BAN_LIFT] = { ENTITY_MANAGEMENT, 4, "Delete" },
    [AUDIT_EVENT_POLICY_REFUSE] = { API_ACTIVITY, 99, "Refuse" },
    [AUDIT_EVENT_HOUSE_START] = { LIFECYCLE, 3, "Start" },
    [AUDIT_EVENT_HOUSE_STOP] = { LIFECYCLE, 4, "Stop" },
    [AUDIT_EVENT_CONFIG_RELOAD] = { LIFECYCLE, 99, "Reload" },
    [AUDIT_EVENT_ACCESS_REFUSE] = { API_ACTIVITY, 99, "Refuse" },
    [AUDIT_EVENT_CONFIG_READ] = { API_ACTIVITY, 2, "Read" },
    [AUDIT_EVENT_EVIDENCE_JUDGE] = { API_ACTIVITY, 99, "Judge" },
    [AUDIT_EVENT_EVIDENCE_MAKE] = { API_ACTIVITY, 1, "Create" },
    [AUDIT_EVENT_JOB_START] = { API_ACTIVITY, 99, "Start" },
    [AUDIT_EVENT_JOB_END] = { API_ACTIVITY, 99, "End" },
    [AUDIT_EVENT_JOB_REFUSE] = { API_ACTIVITY, 99, "Refuse" },
    [AUDIT_EVENT_JOB_CANCEL] = { API_ACTIVITY, 4, "Delete" },
    [AUDIT_EVENT_RESULT_SIGN] = { API_ACTIVITY, 99, "Sign" },
    [AUDIT_EVENT_LOG_READ] = { API_ACTIVITY, 2, "Read" },
    [AUDIT_EVENT_PEER_OPEN] = { ENTITY_MANAGEMENT, 3, "Update" },
    [AUDIT_EVENT_PEER_END] = { ENTITY_MANAGEMENT, 3, "Update" },
    [AUDIT_EVENT_PEER_REFUSE] = { ENTITY_MANAGEMENT, 3, "Update" },
    [AUDIT_EVENT_COLLATERAL_KEEP] = { ENTITY_MANAGEMENT, 3, "Update" },
    [AUDIT_EVENT_COLLATERAL_REFUSE] = { ENTITY_MANAGEMENT, 3, "Update" },
    [AUDIT_EVENT_STORE_MARK] = { ENTITY_MANAGEMENT, 3, "Update" },
    [AUDIT_EVENT_SESSION_GRANT] = { AUTHENTICATION, 1, "Logon" },
    [AUDIT_EVENT_SESSION_REFUSE] = { AUTHENTICATION, 1, "Logon" },
    [AUDIT_EVENT_SESSION_END] = { AUTHENTICATION, 2, "Logoff" },
    [AUDIT_EVENT_COLLATERAL_REFRESH] = { API_ACTIVITY, 3, "Update" },
    [AUDIT_EVENT_KEYRING_CHANGE] = { API_ACTIVITY, 3, "Update" },
    [AUDIT_EVENT_TOKEN_REFUSE] = { AUTHENTICATION, 99, "Token Refuse" },
    [AUDIT_EVENT_CHANNEL_OPEN] = { AUTHENTICATION, 1, "Logon" },
    [AUDIT_EVENT_CHANNEL_REFUSE] = { AUTHENTICATION, 1, "Logon" },
    [AUDIT_EVENT_CHANNEL_END] = { AUTHENTICATION, 2, "Logoff" },
    [AUDIT_EVENT_CHANNEL_NOTE] = { API_ACTIVITY, 1, "Create" },
    [AUDIT_EVENT_CHANNEL_POLICY] = { ENTITY_MANAGEMENT, 3, "Update" },
    [AUDIT_EVENT_RESULT_LOGS] = { API_ACTIVITY, 1, "Create" },
    [AUDIT_EVENT_RESULT_SUBMIT] = { API_ACTIVITY, 1, "Create" },
    [AUDIT_EVENT_MINERS_LIST] = { ENTITY_MANAGEMENT, 3, "Update" },
};

static const char *const severities[] = { "Unknown", "Informational", "Low", "Medium", "High" };

/* Text of strangers, safe as in the line itself. */
static void put_text(struct json_writer *json, const char *key, struct span text)
{
    uint8_t room[AUDIT_DETAIL_MAX + 2];
    struct sink sink = sink_over(room, sizeof room);
    audit_text_put(&sink, text, AUDIT_DETAIL_MAX);
    json_put_key(json, key);
    json_put_raw(json, sink_bytes(&sink));
}

static void begin(struct json_writer *json, const char *key)
{
    json_put_key(json, key);
    json_begin_object(json);
}

/* "product": vendor_name and one of name and uid are required.  An entity has an `actor` by the
   host profile only, and an event says which profiles it is of. */
static void put_metadata(struct json_writer *json, const struct audit_record *record,
                         enum class class, const char *version)
{
    uint8_t room[40];
    struct sink time = sink_over(room, sizeof room);
    begin(json, "metadata");
    json_put_member(json, "version", "1.3.0");
    if (class == ENTITY_MANAGEMENT) {
        json_put_key(json, "profiles");
        json_begin_array(json);
        json_put_text(json, "host");
        json_end_array(json);
    }
    begin(json, "product");
    json_put_member(json, "name", "Ward");
    json_put_member(json, "vendor_name", "Ward");
    put_text(json, "version", span_text(version));
    json_end_object(json);
    json_put_member(json, "log_name", "security");
    json_put_member_u64(json, "sequence", record->seq);
    if (audit_time_put(&time, record->at))
        put_text(json, "original_time", sink_bytes(&time));
    put_text(json, "event_code", record->action);
    if (record->traced) {
        json_put_key(json, "correlation_uid");
        json_put_hex(json, SPAN(record->trace));
    }
    json_end_object(json);
}

static void put_user(struct json_writer *json, const struct audit_record *record)
{
    static const unsigned ids[AUDIT_ACTOR_COUNT] = { [AUDIT_USER] = 1,
                                                     [AUDIT_NODE] = 99,
                                                     [AUDIT_SERVICE] = 4,
                                                     [AUDIT_SYSTEM] = 3,
                                                     [AUDIT_ANONYMOUS] = 0 };
    begin(json, "user");
    put_text(json, "uid", record->actor_id);
    json_put_member(json, "type", audit_actor_name(record->actor_type));
    json_put_member_u64(json, "type_id", ids[record->actor_type]);
    json_end_object(json);
}

/* "at least one of ip, uid, name, hostname, svc_name": without an address it was this machine. */
static void put_source(struct json_writer *json, const struct audit_record *record)
{
    begin(json, "src_endpoint");
    if (record->address.len > 0)
        put_text(json, "ip", record->address);
    else
        json_put_member(json, "svc_name", "ward");
    json_end_object(json);
}

static void put_actor(struct json_writer *json, const struct audit_record *record)
{
    begin(json, "actor");
    put_user(json, record);
    json_end_object(json);
}

/* What the class demands besides what every event has. */
static void put_class(struct json_writer *json, const struct audit_record *record, enum class class)
{
    switch (class) {
    case AUTHENTICATION:
        put_user(json, record);
        put_source(json, record);
        begin(json, "service");
        json_put_member(json, "name", "ward");
        json_end_object(json);
        return;
    case ENTITY_MANAGEMENT:
        put_actor(json, record);
        put_source(json, record);
        begin(json, "entity");
        put_text(json, "uid", record->resource);
        put_text(json, "type", record->action);
        json_end_object(json);
        return;
    case LIFECYCLE:
        begin(json, "app");
        put_text(json, "name", record->resource);
        json_put_member(json, "vendor_name", "Ward");
        json_end_object(json);
        return;
    case API_ACTIVITY:
        break;
    }
    put_actor(json, record);
    put_source(json, record);
    begin(json, "api");
    put_text(json, "operation", record->action);
    json_end_object(json);
    json_put_key(json, "resources");
    json_begin_array(json);
    json_begin_object(json);
    put_text(json, "uid", record->resource);
    json_end_object(json);
    json_end_array(json);
}

static void put_classification(struct json_writer *json, const struct audit_record *record,
                               const struct mapping *mapping)
{
    unsigned severity = audit_severity(record);
    bool success = record->outcome == AUDIT_SUCCESS;
    unsigned class = (unsigned)mapping->class;
    json_put_member_u64(json, "activity_id", mapping->activity);
    json_put_member(json, "activity_name", mapping->name);
    json_put_member_u64(json, "category_uid", class / 1000);
    json_put_member_u64(json, "class_uid", class);
    json_put_member_u64(json, "type_uid", (uint64_t) class * 100 + mapping->activity);
    json_put_member_u64(json, "time", (uint64_t)record->at);
    json_put_member_u64(json, "severity_id", severity);
    json_put_member(json, "severity", severities[severity]);
    json_put_member_u64(json, "status_id", success ? 1 : 2);
    json_put_member(json, "status", success ? "Success" : "Failure");
    json_put_member(json, "status_detail", audit_outcome_name(record->outcome));
}

void audit_put_ocsf(struct sink *out, const struct audit_record *record, const char *version)
{
    const struct mapping *mapping = &mappings[record->event];
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    put_classification(&json, record, mapping);
    put_metadata(&json, record, mapping->class, version);
    put_class(&json, record, mapping->class);
    begin(&json, "unmapped");
    json_put_member(&json, "event_type", audit_type_name(record->type));
    json_put_key(&json, "details");
    json_put_raw(&json, record->details_json);
    json_put_key(&json, "prev");
    json_put_hex(&json, SPAN(record->prev.at));
    json_end_object(&json);
    json_end_object(&json);
    if (!json_write_ok(&json))
        out->full = true;
    sink_u8(out, '\n');
}
