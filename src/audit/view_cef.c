/* view_cef.c - a record as one line of the Common Event Format.  Values are escaped as its
   text says: backslash and equals sign in the extension, and a value holds no line end. */
#include "audit/text.h"
#include "audit/view_parts.h"

#include <string.h>

/* An unsafe character is the six characters \uXXXX, whose backslash is escaped in its turn. */
static const struct audit_plain value = { .escaped = "\\=", .doubled = "", .unsafe = "\\\\" };
static const struct audit_plain header = { .escaped = "\\|", .doubled = "", .unsafe = "\\\\" };

/* What is empty is left out: readers take the next key for its value. */
static void put(struct sink *out, const char *key, struct span text)
{
    if (text.len == 0)
        return;
    sink_u8(out, ' ');
    sink_text(out, key);
    sink_u8(out, '=');
    audit_text_plain(out, text, &value);
}

/* A custom field and what it means. */
static void put_custom(struct sink *out, const char *key, const char *label, struct span text)
{
    put(out, key, text);
    if (text.len > 0)
        sink_format(out, " %sLabel=%s", key, label);
}

/* "src" holds IPv4 addresses only, "c6a2" the others. */
static void put_address(struct sink *out, struct span address)
{
    if (address.len == 0 || memchr(address.at, ':', address.len) == NULL)
        put(out, "src", address);
    else
        put_custom(out, "c6a2", "Source IPv6 Address", address);
}

void audit_put_cef(struct sink *out, const struct audit_record *record, const char *version)
{
    static const unsigned severities[] = { 0, 1, 3, 5, 8 };
    uint8_t room[2 * AUDIT_TRACE_LEN];
    struct sink trace = sink_over(room, sizeof room);
    sink_text(out, "CEF:0|Ward|ward|");
    audit_text_plain(out, span_text(version), &header);
    sink_u8(out, '|');
    audit_text_plain(out, record->action, &header);
    sink_u8(out, '|');
    audit_text_plain(out, record->action, &header);
    sink_format(out, "|%u|rt=%lld", severities[audit_severity(record)], (long long)record->at);
    sink_format(out, " externalId=%llu", (unsigned long long)record->seq);
    put(out, "cat", span_text(audit_type_name(record->type)));
    put(out, "act", record->action);
    put(out, "outcome", span_text(audit_outcome_name(record->outcome)));
    put(out, "suser", record->actor_id);
    put_address(out, record->address);
    put_custom(out, "cs1", "actorType", span_text(audit_actor_name(record->actor_type)));
    put_custom(out, "cs2", "resource", record->resource);
    if (record->traced) {
        sink_hex(&trace, SPAN(record->trace));
        put_custom(out, "cs3", "traceId", sink_bytes(&trace));
    }
    put_custom(out, "cs4", "details", record->details_json);
    sink_u8(out, '\n');
}
