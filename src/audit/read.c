/* read.c - see read.h.  Nothing here judges spelling or order: the comparison with the
   re-writing does. */
#include "audit/read.h"

#include <string.h>

#include "base/time.h"
#include "model/reason.h"

/* The members of the line as they come into a record. */
struct reading {
    const struct json *json;
    struct sink text;
};

/* Views a string in the reader's own memory. */
static bool take_string(struct reading *r, uint32_t node, struct span *out)
{
    size_t mark = r->text.len;
    if (json_string(r->json, node, out))
        return true;
    if (!json_string_copy(r->json, node, &r->text))
        return false;
    *out = span_of(r->text.at + mark, r->text.len - mark);
    return true;
}

static bool take_member(struct reading *r, const char *name, struct span *out)
{
    return take_string(r, json_member(r->json, 0, name), out);
}

/* A word of a list: 0 stands for what is none. */
static bool take_words(struct reading *r, struct audit_record *out)
{
    struct span type, actor, outcome;
    if (!(take_member(r, "event_type", &type) && take_member(r, "actor_type", &actor) &&
          take_member(r, "outcome", &outcome)))
        return false;
    out->type = audit_type_find(type);
    out->actor_type = audit_actor_find(actor);
    out->outcome = audit_outcome_find(outcome);
    return true;
}

/* 2026-11-28T00:00:00.000Z: whole seconds, and the three digits at their fixed place. */
static bool take_time(struct reading *r, int64_t *out)
{
    struct span text;
    int64_t seconds;
    int64_t thousandths = 0;
    if (!take_member(r, "timestamp", &text) || text.len != strlen("2026-11-28T00:00:00.000Z") ||
        !time_parse_rfc3339(text, &seconds) || seconds < 0)
        return false;
    for (size_t i = 20; i < 23; i++)
        thousandths = 10 * thousandths + (text.at[i] - '0');
    *out = seconds * 1000 + thousandths;
    return true;
}

static bool take_detail(struct reading *r, uint32_t node, struct audit_detail *out)
{
    bool yes = false;
    struct audit_detail detail = { .type = AUDIT_VALUE_NONE };
    if (!json_key(r->json, node, &detail.key))
        return false;
    if (take_string(r, node, &detail.text)) {
        detail.type = AUDIT_TEXT;
    } else if (json_i64(r->json, node, &detail.number)) {
        detail.type = AUDIT_NUMBER;
    } else if (json_bool(r->json, node, &yes)) {
        detail.type = AUDIT_BOOL;
        detail.number = yes;
    }
    *out = detail;
    return detail.type != AUDIT_VALUE_NONE;
}

static bool take_details(struct reading *r, struct audit_record *out)
{
    uint32_t details = json_member(r->json, 0, "details");
    if (json_type(r->json, details) != JSON_OBJECT)
        return false;
    for (uint32_t n = json_first(r->json, details); n != JSON_NONE; n = json_next(r->json, n)) {
        if (out->count == AUDIT_DETAILS_MAX || !take_detail(r, n, &out->details[out->count]))
            return false;
        out->count++;
    }
    out->details_json = json_raw(r->json, details);
    return true;
}

static bool take_optional(struct reading *r, struct audit_record *out)
{
    uint32_t address = json_member(r->json, 0, "ip_address");
    uint32_t trace = json_member(r->json, 0, "trace_id");
    if (json_type(r->json, address) != JSON_NULL &&
        (!take_string(r, address, &out->address) || out->address.len == 0))
        return false;
    if (json_type(r->json, trace) == JSON_NULL)
        return true;
    out->traced = json_hex(r->json, trace, out->trace, AUDIT_TRACE_LEN) &&
                  !bytes_are_zero(out->trace, AUDIT_TRACE_LEN);
    return out->traced;
}

static bool take_record(struct reading *r, struct audit_record *out)
{
    if (!(take_member(r, "action", &out->action) && take_member(r, "actor_id", &out->actor_id) &&
          take_member(r, "resource", &out->resource) && take_words(r, out) &&
          take_time(r, &out->at) && take_details(r, out) && take_optional(r, out)))
        return false;
    out->event = audit_event_find(out->action);
    return json_u64(r->json, json_member(r->json, 0, "seq"), (uint64_t)AUDIT_NUMBER_LIMIT,
                    &out->seq) &&
           json_hex(r->json, json_member(r->json, 0, "prev"), out->prev.at, sizeof out->prev.at);
}

rc audit_read(struct audit_reader *reader, struct span line, struct audit_record *out,
              struct trail *trail)
{
    static const struct json_limits limits = { .depth = 2, .nodes = AUDIT_NODES };
    struct json json;
    struct audit_record record = { .was_read = true };
    struct reading r = { &json, sink_over(reader->text, sizeof reader->text) };
    struct sink again = sink_over(reader->again, sizeof reader->again);
    if (line.len > AUDIT_LINE_MAX ||
        !json_parse_into(line, reader->nodes, AUDIT_NODES, &limits, &json, NULL) ||
        !take_record(&r, &record) || !rc_ok(audit_write(&record, &again, NULL)) ||
        !span_equal(sink_bytes(&again), line))
        return REFUSE(trail, REASON_AUDIT_LINE_INVALID);
    *out = record;
    return RC_SUCCESS;
}
