/* record.c - see record.h. */
#include "audit/record.h"

#include <string.h>

#include "audit/text.h"
#include "base/time.h"
#include "codec/json_write.h"
#include "model/reason.h"

enum { FIXED_PARTS = 1024, DETAIL_FRAME = 8 };

#define DETAIL_ROOM ((size_t)AUDIT_DETAIL_NAME_MAX + AUDIT_DETAIL_MAX + DETAIL_FRAME)
#define FIELDS_ROOM ((size_t)AUDIT_ACTOR_ID_MAX + AUDIT_RESOURCE_MAX + AUDIT_ACTION_MAX)
_Static_assert(AUDIT_DETAILS_MAX *DETAIL_ROOM + FIELDS_ROOM + FIXED_PARTS <= AUDIT_LINE_MAX,
               "the longest record fits into a line");
_Static_assert((size_t)AUDIT_CAP_LEAST <= (size_t)AUDIT_ACTOR_ID_MAX,
               "the mark of a cut fits into every field");

static const char redacted[] = "[redacted]";

struct audit_record audit_record_of(enum audit_event event, enum audit_outcome outcome, int64_t at)
{
    const struct audit_event_info *info = audit_event_info(event);
    return (struct audit_record){ .event = event,
                                  .type = info->type,
                                  .action = span_text(info->action),
                                  .outcome = outcome,
                                  .at = at };
}

void audit_set_actor(struct audit_record *record, enum audit_actor type, struct span id)
{
    record->actor_type = type;
    record->actor_id = id;
}

void audit_set_resource(struct audit_record *record, struct span resource)
{
    record->resource = resource;
}

void audit_set_address(struct audit_record *record, struct span address)
{
    record->address = address;
}

void audit_set_trace(struct audit_record *record, const uint8_t trace[AUDIT_TRACE_LEN])
{
    memcpy(record->trace, trace, AUDIT_TRACE_LEN);
    record->traced = !bytes_are_zero(trace, AUDIT_TRACE_LEN);
}

static void add(struct audit_record *record, struct audit_detail detail)
{
    if (record->count == AUDIT_DETAILS_MAX) {
        record->bad = true;
        return;
    }
    record->details[record->count++] = detail;
}

void audit_add_text(struct audit_record *record, const char *name, struct span text)
{
    add(record, (struct audit_detail){ .key = span_text(name), .type = AUDIT_TEXT, .text = text });
}

void audit_add_number(struct audit_record *record, const char *name, int64_t number)
{
    add(record,
        (struct audit_detail){ .key = span_text(name), .type = AUDIT_NUMBER, .number = number });
}

void audit_add_bool(struct audit_record *record, const char *name, bool yes)
{
    add(record, (struct audit_detail){ .key = span_text(name), .type = AUDIT_BOOL, .number = yes });
}

void audit_add_time(struct audit_record *record, const char *name, int64_t at)
{
    add(record, (struct audit_detail){ .key = span_text(name), .type = AUDIT_TIME, .number = at });
}

void audit_add_hash(struct audit_record *record, const char *name, struct span bytes)
{
    add(record, (struct audit_detail){ .key = span_text(name), .type = AUDIT_HASH, .text = bytes });
}

void audit_add_address(struct audit_record *record, const char *name, struct span address)
{
    add(record,
        (struct audit_detail){ .key = span_text(name), .type = AUDIT_ADDRESS, .text = address });
}

void audit_add_secret(struct audit_record *record, const char *name)
{
    add(record, (struct audit_detail){ .key = span_text(name), .type = AUDIT_SECRET });
}

bool audit_time_put(struct sink *out, int64_t at)
{
    struct civil c;
    if (at < 0 || !time_to_civil(at / 1000, &c))
        return false;
    sink_format(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year, c.month, c.day, c.hour,
                c.minute, c.second, (int)(at % 1000));
    return true;
}

static bool all_of(struct span text, const char *set)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == 0 || strchr(set, text.at[i]) == NULL)
            return false;
    }
    return text.len > 0;
}

/* Letters that an address can have; what it says is the business of whoever gives it. */
static bool is_address(struct span text)
{
    return text.len <= AUDIT_ADDRESS_MAX && all_of(text, "0123456789abcdef.:");
}

static bool is_action(struct span text)
{
    return text.len <= AUDIT_ACTION_MAX && all_of(text, "abcdefghijklmnopqrstuvwxyz0123456789._");
}

static bool is_detail_name(struct span text)
{
    return text.len <= AUDIT_DETAIL_NAME_MAX &&
           all_of(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

static bool is_number(int64_t number)
{
    return number >= -AUDIT_NUMBER_LIMIT && number <= AUDIT_NUMBER_LIMIT;
}

static bool detail_is_legal(const struct audit_detail *detail)
{
    if (!is_detail_name(detail->key))
        return false;
    switch (detail->type) {
    case AUDIT_TEXT:
    case AUDIT_SECRET:
        return true;
    case AUDIT_NUMBER:
        return is_number(detail->number);
    case AUDIT_BOOL:
        return detail->number == 0 || detail->number == 1;
    case AUDIT_TIME:
        return detail->number >= 0 && detail->number / 1000 <= TIME_MAX;
    case AUDIT_HASH:
        return detail->text.len <= AUDIT_HASH_MAX;
    case AUDIT_ADDRESS:
        return is_address(detail->text);
    case AUDIT_VALUE_NONE:
        break;
    }
    return false;
}

/* A line has strings, numbers and truths only: what was read satisfies a demand in that
   measure. */
static bool satisfies(const struct audit_record *record, const struct audit_detail *detail,
                      enum audit_value wanted)
{
    if (detail->type == wanted || detail->type == AUDIT_SECRET)
        return true;
    if (!record->was_read || detail->type != AUDIT_TEXT)
        return false;
    return (wanted != AUDIT_NUMBER && wanted != AUDIT_BOOL) ||
           span_equal_text(detail->text, redacted);
}

static bool has_demanded(const struct audit_record *record, const struct audit_demand *demand)
{
    for (size_t i = 0; i < record->count; i++) {
        if (span_equal_text(record->details[i].key, demand->name))
            return satisfies(record, &record->details[i], demand->type);
    }
    return false;
}

static bool has_all_demanded(const struct audit_record *record)
{
    const struct audit_event_info *info = audit_event_info(record->event);
    if (record->event == AUDIT_EVENT_NONE)
        return record->was_read; /* of a newer version: it cannot be judged */
    if (record->type != info->type || !span_equal_text(record->action, info->action) ||
        (info->needs_address && record->address.len == 0))
        return false;
    for (size_t i = 0; i < AUDIT_DEMANDED && info->details[i].type != AUDIT_VALUE_NONE; i++) {
        if (!has_demanded(record, &info->details[i]))
            return false;
    }
    return true;
}

static bool is_legal(const struct audit_record *record)
{
    if (record->bad || record->count > AUDIT_DETAILS_MAX ||
        record->seq > (uint64_t)AUDIT_NUMBER_LIMIT || !is_action(record->action) ||
        (record->address.len > 0 && !is_address(record->address)))
        return false;
    for (size_t i = 0; i < record->count; i++) {
        if (!detail_is_legal(&record->details[i]))
            return false;
    }
    return audit_type_name(record->type)[0] != '\0' &&
           audit_actor_name(record->actor_type)[0] != '\0' &&
           audit_outcome_name(record->outcome)[0] != '\0' && has_all_demanded(record);
}

/* As RFC 8785 sorts names, which are ASCII here. */
static bool comes_before(struct span a, struct span b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        if (a.at[i] != b.at[i])
            return a.at[i] < b.at[i];
    }
    return a.len < b.len;
}

/* Writes to `order` the details' places in the order of their names.  False when two have one
   name. */
static bool sort_details(const struct audit_record *record, uint8_t order[AUDIT_DETAILS_MAX])
{
    for (size_t i = 0; i < record->count; i++) {
        size_t at = i;
        struct span key = record->details[i].key;
        for (; at > 0 && comes_before(key, record->details[order[at - 1]].key); at--)
            order[at] = order[at - 1];
        order[at] = (uint8_t)i;
        if (at > 0 && span_equal(record->details[order[at - 1]].key, key))
            return false;
    }
    return true;
}

/* What is made safe by text.h is a JSON value as it stands. */
static void put_text(struct json_writer *json, struct span text, size_t cap)
{
    uint8_t room[AUDIT_DETAIL_MAX + 2];
    struct sink sink = sink_over(room, sizeof room);
    audit_text_put(&sink, text, cap);
    json_put_raw(json, sink_ok(&sink) ? sink_bytes(&sink) : span_of(NULL, 0));
}

static void put_time(struct json_writer *json, int64_t at)
{
    uint8_t room[32];
    struct sink sink = sink_over(room, sizeof room);
    if (audit_time_put(&sink, at))
        json_put_span(json, sink_bytes(&sink));
    else
        json_put_raw(json, span_of(NULL, 0)); /* no value: the line is refused */
}

static void put_detail(struct json_writer *json, const struct audit_detail *detail)
{
    json_put_key_span(json, detail->key);
    switch (detail->type) {
    case AUDIT_TEXT:
        put_text(json, detail->text, AUDIT_DETAIL_MAX);
        return;
    case AUDIT_NUMBER:
        json_put_i64(json, detail->number);
        return;
    case AUDIT_BOOL:
        json_put_bool(json, detail->number != 0);
        return;
    case AUDIT_TIME:
        put_time(json, detail->number);
        return;
    case AUDIT_HASH:
        json_put_hex(json, detail->text);
        return;
    case AUDIT_ADDRESS:
        json_put_span(json, detail->text);
        return;
    case AUDIT_VALUE_NONE:
    case AUDIT_SECRET:
        break;
    }
    json_put_text(json, redacted);
}

static void put_or_null(struct json_writer *json, const char *name, bool there, struct span hex,
                        struct span text)
{
    json_put_key(json, name);
    if (!there)
        json_put_null(json);
    else if (hex.len > 0)
        json_put_hex(json, hex);
    else
        json_put_span(json, text);
}

/* Members in the order of their names. */
static void put_record(struct json_writer *json, const struct audit_record *record,
                       const uint8_t order[AUDIT_DETAILS_MAX])
{
    const struct span none = { NULL, 0 };
    json_begin_object(json);
    json_put_key(json, "action");
    json_put_span(json, record->action);
    json_put_key(json, "actor_id");
    put_text(json, record->actor_id, AUDIT_ACTOR_ID_MAX);
    json_put_key(json, "actor_type");
    json_put_text(json, audit_actor_name(record->actor_type));
    json_put_key(json, "details");
    json_begin_object(json);
    for (size_t i = 0; i < record->count; i++)
        put_detail(json, &record->details[order[i]]);
    json_end_object(json);
    json_put_key(json, "event_type");
    json_put_text(json, audit_type_name(record->type));
    put_or_null(json, "ip_address", record->address.len > 0, none, record->address);
    json_put_key(json, "outcome");
    json_put_text(json, audit_outcome_name(record->outcome));
    json_put_key(json, "prev");
    json_put_hex(json, SPAN(record->prev.at));
    json_put_key(json, "resource");
    put_text(json, record->resource, AUDIT_RESOURCE_MAX);
    json_put_key(json, "seq");
    json_put_u64(json, record->seq);
    json_put_key(json, "timestamp");
    put_time(json, record->at);
    put_or_null(json, "trace_id", record->traced, SPAN(record->trace), none);
    json_end_object(json);
}

rc audit_write(const struct audit_record *record, struct sink *out, struct trail *trail)
{
    uint8_t order[AUDIT_DETAILS_MAX];
    size_t mark = out->len;
    if (!is_legal(record) || !sort_details(record, order))
        return REFUSE(trail, REASON_AUDIT_RECORD_INVALID);
    struct json_writer json = json_write_to(out, 0);
    put_record(&json, record, order);
    if (!json_write_ok(&json) || out->len - mark > AUDIT_LINE_MAX) {
        sink_cut(out, mark);
        return REFUSE(trail, REASON_AUDIT_RECORD_INVALID);
    }
    return RC_SUCCESS;
}
