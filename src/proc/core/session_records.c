/* session_records.c - see core.h: what is logged of sessions.  One is named by its id; of its token
   there is nothing. */
#include "base/number.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

enum { ID_TEXT = 2 * SESSION_ID, OWNER_TEXT = 32 };

static struct span name_of(const struct store_session *session)
{
    return span_of(session->name, session->name_len);
}

/* Who did it: the owner, or whoever proved what it is. */
static void set_actor(struct core *core, struct audit_record *record, bool owner, struct span peer,
                      struct sink *text)
{
    sink_format(text, "uid:%u", core->house->settings.owner);
    audit_set_actor(record, owner ? AUDIT_USER : AUDIT_SERVICE, owner ? sink_bytes(text) : peer);
}

/* Who was refused has perhaps proved nothing. */
static bool is_known(const struct session_setup *setup)
{
    return setup->vouched || !bytes_are_zero(setup->identity, sizeof setup->identity);
}

static void set_address(struct audit_record *record, const uint8_t bytes[16], struct sink *text)
{
    struct address address = { { 0 } };
    struct cursor in = cur_over(span_of(bytes, sizeof address.bytes));
    if (bytes_are_zero(bytes, sizeof address.bytes) ||
        !cur_copy(&in, address.bytes, sizeof address.bytes))
        return;
    address_write(text, &address);
    audit_set_address(record, sink_bytes(text));
}

bool core_log_grant(struct core *core, const struct session_setup *setup,
                    const struct store_session *session, uint64_t *id)
{
    uint8_t bytes[3][AUDIT_ADDRESS_MAX];
    struct sink owner = sink_over(bytes[0], OWNER_TEXT), name = sink_over(bytes[1], ID_TEXT);
    struct sink address = sink_over(bytes[2], sizeof bytes[2]);
    struct audit_record record = audit_record_of(AUDIT_EVENT_SESSION_GRANT, AUDIT_SUCCESS, 0);
    session_id_write(&name, session->token);
    set_actor(core, &record, setup->vouched, setup->name, &owner);
    set_address(&record, setup->address, &address);
    audit_set_resource(&record, name_of(session));
    audit_set_trace(&record, setup->trace);
    audit_add_text(&record, "session", sink_bytes(&name));
    audit_add_text(&record, "profile", span_text(session_profile_name(session->profile)));
    audit_add_text(&record, "basis", span_text(session->vouched ? "the owner" : "evidence"));
    audit_add_time(&record, "expires_at", 1000 * session->expires);
    audit_add_hash(&record, "public_key", SPAN(session->key));
    audit_add_hash(&record, "identity", SPAN(session->identity));
    audit_add_bool(&record, "unbound", session_is_unbound(session));
    if (!setup->vouched)
        audit_add_bool(&record, "hardware", setup->hardware);
    return core_append(core, &record, id);
}

void core_log_grant_refused(struct core *core, const struct session_setup *setup,
                            enum reason reason)
{
    uint8_t bytes[2][AUDIT_ADDRESS_MAX];
    struct sink owner = sink_over(bytes[0], OWNER_TEXT);
    struct sink address = sink_over(bytes[1], sizeof bytes[1]);
    struct audit_record record = audit_record_of(AUDIT_EVENT_SESSION_REFUSE, AUDIT_DENIED, 0);
    if (is_known(setup))
        set_actor(core, &record, setup->vouched, setup->name, &owner);
    else
        audit_set_actor(&record, AUDIT_ANONYMOUS, span_text("anonymous"));
    set_address(&record, setup->address, &address);
    audit_set_resource(&record, setup->name);
    audit_set_trace(&record, setup->trace);
    audit_add_text(&record, "reason", span_text(reason_info(reason)->name));
    audit_add_text(&record, "profile", span_text(session_profile_name(setup->profile)));
    if (is_known(setup))
        audit_add_hash(&record, "identity", SPAN(setup->identity));
    /* Refused is refused, whether it is in the log or not. */
    (void)core_record_refusal(core, &record, &core->refusals, &core->sessions.unrecorded);
}

static void fill_end(struct audit_record *record, const struct store_session *session,
                     struct span why, struct sink *name)
{
    session_id_write(name, session->token);
    audit_set_resource(record, name_of(session));
    audit_add_text(record, "session", sink_bytes(name));
    audit_add_text(record, "reason", why);
}

bool core_log_ending(struct core *core, const struct request *request, uint64_t *id)
{
    uint8_t bytes[3][AUDIT_ADDRESS_MAX];
    struct sink owner = sink_over(bytes[0], OWNER_TEXT), name = sink_over(bytes[1], ID_TEXT);
    struct sink address = sink_over(bytes[2], sizeof bytes[2]);
    struct audit_record record = audit_record_of(AUDIT_EVENT_SESSION_END, AUDIT_SUCCESS, 0);
    struct store_session session;
    bool revoked = request->method == METHOD_SESSION_REVOKE;
    if (core_session_wants(core, request, &session) != REASON_OK)
        return false; /* it was checked before */
    set_actor(core, &record, revoked, name_of(&session), &owner);
    set_address(&record, request->address, &address);
    audit_set_trace(&record, request->trace);
    fill_end(&record, &session, span_text(revoked ? SESSION_END_REVOKED : SESSION_END_ASKED),
             &name);
    return core_append(core, &record, id);
}

void core_log_session_end(struct core *core, const struct store_session *session, struct span why)
{
    uint8_t bytes[ID_TEXT];
    struct sink name = sink_over(bytes, sizeof bytes);
    struct audit_record record = audit_record_of(AUDIT_EVENT_SESSION_END, AUDIT_SUCCESS, 0);
    uint64_t id = 0;
    audit_set_actor(&record, AUDIT_SYSTEM, span_text("core"));
    fill_end(&record, session, why, &name);
    /* It is over, whether that is in the log or not. */
    bool asked = core_append(core, &record, &id);
    (void)asked;
}
