/* link_records.c - see links.h: what is logged of channels. */
#include <string.h>

#include "base/number.h"
#include "crypto/hash.h"
#include "model/address.h"
#include "os/clock.h"
#include "proc/audit_client.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

/* What every record of a link has; its texts live in `room`. */
struct room {
    uint8_t address[AUDIT_ADDRESS_MAX];
    uint8_t actor[64];
};

static struct audit_record record_of(const struct core_link *link, enum audit_event event,
                                     enum audit_outcome outcome, struct room *room)
{
    static const uint8_t nowhere[sizeof link->address];
    struct audit_record record = audit_record_of(event, outcome, 0);
    struct sink text = sink_over(room->address, sizeof room->address);
    struct sink actor = sink_over(room->actor, sizeof room->actor);
    struct address address;
    memcpy(address.bytes, link->address, sizeof address.bytes);
    bool known = event != AUDIT_EVENT_CHANNEL_REFUSE;
    if (!bytes_equal(link->address, nowhere, sizeof nowhere))
        address_write(&text, &address);
    sink_hex(&actor, span_of(link->identity, 16));
    audit_set_actor(&record, known ? AUDIT_NODE : AUDIT_ANONYMOUS,
                    known ? sink_bytes(&actor) : span_text("anonymous"));
    audit_set_resource(&record, span_text("channel"));
    audit_set_address(&record, sink_bytes(&text));
    audit_set_trace(&record, link->trace);
    return record;
}

bool core_log_link_open(struct core *core, const struct core_link *link, uint64_t *id)
{
    struct room room;
    struct audit_record record = record_of(link, AUDIT_EVENT_CHANNEL_OPEN, AUDIT_SUCCESS, &room);
    audit_add_hash(&record, "identity", SPAN(link->identity));
    audit_add_bool(&record, "hardware", link->hardware);
    audit_add_text(&record, "profile", span_text(link->sdk ? "sdk-v1" : "v2"));
    audit_add_bool(&record, "unbound", link->sdk);
    audit_add_time(&record, "valid_until", 1000 * link->valid_until);
    return core_append(core, &record, id);
}

/* So many in a second, as with all that strangers are refused. */
void core_log_link_refuse(struct core *core, const struct core_link *link, enum reason reason)
{
    struct core_links *links = &core->links;
    struct room room;
    struct audit_record record = record_of(link, AUDIT_EVENT_CHANNEL_REFUSE, AUDIT_DENIED, &room);
    audit_add_text(&record, "reason", span_text(reason_info(reason)->name));
    if (!core_record_refusal(core, &record, &core->refusals, &links->unrecorded) &&
        links->unrecorded == 1)
        links->refusals_ms = clock_monotonic_ms();
    links->refused = *link;
    links->refused_for = reason;
}

/* When nobody is refused any more, the last record stands for those that have none. */
void core_log_links_unrecorded(struct core *core, int64_t now_ms, int64_t *next)
{
    struct core_links *links = &core->links;
    if (links->unrecorded > 0 && now_ms >= links->refusals_ms + CORE_SECOND_MS) {
        struct core_link last = links->refused;
        links->unrecorded--; /* the record itself is of this one */
        links->refusals_ms = now_ms;
        core_log_link_refuse(core, &last, links->refused_for);
    }
    if (links->unrecorded > 0 && links->refusals_ms + CORE_SECOND_MS < *next)
        *next = links->refusals_ms + CORE_SECOND_MS;
}

void core_log_link_end(struct core *core, const struct core_link *link, enum reason reason)
{
    struct room room;
    bool good = reason == REASON_OK;
    struct audit_record record = record_of(link, AUDIT_EVENT_CHANNEL_END,
                                           good ? AUDIT_SUCCESS : AUDIT_FAILURE, &room);
    uint64_t id = 0;
    audit_add_text(&record, "reason", span_text(reason_info(reason)->name));
    if (!core_append(core, &record, &id))
        core->cannot_log = true;
}

void core_log_links_end(struct core *core, uint32_t count, enum reason reason)
{
    struct audit_record record = audit_record_of(AUDIT_EVENT_CHANNEL_END, AUDIT_FAILURE, 0);
    uint64_t id = 0;
    audit_set_actor(&record, AUDIT_SYSTEM, span_text("core"));
    audit_set_resource(&record, span_text("channel"));
    audit_add_text(&record, "reason", span_text(reason_info(reason)->name));
    audit_add_number(&record, "channels", count);
    if (!core_append(core, &record, &id))
        core->cannot_log = true;
}

void core_log_link_note(struct core *core, const struct core_link *link, struct span text)
{
    struct room room;
    struct audit_record record = record_of(link, AUDIT_EVENT_CHANNEL_NOTE, AUDIT_SUCCESS, &room);
    uint64_t id = 0;
    audit_add_text(&record, "text", text);
    if (!core_append(core, &record, &id))
        core->cannot_log = true;
}

void core_log_link_policy(struct core *core, struct span text, enum reason reason)
{
    bool good = reason == REASON_OK;
    struct audit_record record = audit_record_of(AUDIT_EVENT_CHANNEL_POLICY,
                                                 good ? AUDIT_SUCCESS : AUDIT_FAILURE, 0);
    uint8_t digest[SHA256_LEN];
    uint64_t id = 0;
    hash_sha256_parts(&text, 1, digest);
    audit_set_actor(&record, AUDIT_SYSTEM, span_text("core"));
    audit_set_resource(&record, span_text("channel.policy"));
    audit_add_text(&record, "reason", span_text(reason_info(reason)->name));
    audit_add_hash(&record, "digest", SPAN(digest));
    if (!core_append(core, &record, &id))
        core->cannot_log = true;
}
