/* record.c - see record.h.

   The frame of a line never changes, so it is written as it stands here instead of through
   codec/json_write.h, which costs three times the hash of the line.  That the result is JSON,
   and this JSON only, is what every reading of a line proves. */
#include "audit/record.h"

#include <string.h>

#include "audit/text.h"
#include "base/time.h"
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

static void put_number(struct sink *out, int64_t number)
{
    if (number < 0)
        sink_u8(out, '-');
    sink_decimal(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 1);
}

static void set_digits(uint8_t *at, size_t count, int number)
{
    for (; count > 0; number /= 10)
        at[--count] = (uint8_t)('0' + number % 10);
}

bool audit_time_put(struct sink *out, int64_t at)
{
    static const char form[] = "yyyy-mm-ddThh:mm:ss.000Z";
    struct civil c;
    if (at < 0 || !time_to_civil(at / 1000, &c))
        return false;
    uint8_t *text = sink_room(out, sizeof form - 1);
    if (text == NULL)
        return true; /* the sink knows that it is full */
    memcpy(text, form, sizeof form - 1);
    set_digits(&text[0], 4, c.year);
    set_digits(&text[5], 2, c.month);
    set_digits(&text[8], 2, c.day);
    set_digits(&text[11], 2, c.hour);
    set_digits(&text[14], 2, c.minute);
    set_digits(&text[17], 2, c.second);
    set_digits(&text[20], 3, (int)(at % 1000));
    return true;
}

static bool is_name_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Letters that an address can have; what it says is the business of whoever gives it. */
static bool is_address(struct span text)
{
    bool legal = text.len > 0 && text.len <= AUDIT_ADDRESS_MAX;
    for (size_t i = 0; i < text.len && legal; i++) {
        uint8_t c = text.at[i];
        legal = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '.' || c == ':';
    }
    return legal;
}

static bool is_action(struct span text)
{
    bool legal = text.len > 0 && text.len <= AUDIT_ACTION_MAX;
    for (size_t i = 0; i < text.len && legal; i++)
        legal = is_name_letter(text.at[i]) || text.at[i] == '.';
    return legal;
}

static bool is_detail_name(struct span text)
{
    bool legal = text.len > 0 && text.len <= AUDIT_DETAIL_NAME_MAX;
    for (size_t i = 0; i < text.len && legal; i++)
        legal = is_name_letter(text.at[i]);
    return legal;
}

static bool is_time(int64_t at)
{
    return at >= 0 && at / 1000 <= TIME_MAX;
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
        return is_time(detail->number);
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
    if (record->bad || record->count > AUDIT_DETAILS_MAX || !is_time(record->at) ||
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

#define PUT(out, literal) sink_put((out), span_of((literal), sizeof(literal) - 1))

/* Between quotes: what needs no escape because it was judged, or made here. */
static void put_word(struct sink *out, struct span word)
{
    sink_u8(out, '"');
    sink_put(out, word);
    sink_u8(out, '"');
}

static void put_detail(struct sink *out, const struct audit_detail *detail)
{
    sink_u8(out, '"');
    sink_put(out, detail->key);
    PUT(out, "\":");
    switch (detail->type) {
    case AUDIT_TEXT:
        audit_text_put(out, detail->text, AUDIT_DETAIL_MAX);
        return;
    case AUDIT_NUMBER:
        put_number(out, detail->number);
        return;
    case AUDIT_BOOL:
        sink_text(out, detail->number != 0 ? "true" : "false");
        return;
    case AUDIT_TIME:
        sink_u8(out, '"');
        (void)!audit_time_put(out, detail->number); /* it was judged before */
        sink_u8(out, '"');
        return;
    case AUDIT_HASH:
        sink_u8(out, '"');
        sink_hex(out, detail->text);
        sink_u8(out, '"');
        return;
    case AUDIT_ADDRESS:
        put_word(out, detail->text);
        return;
    case AUDIT_VALUE_NONE:
    case AUDIT_SECRET:
        break;
    }
    put_word(out, span_text(redacted));
}

/* Members in the order of their names; each piece of the frame ends where a value begins. */
static void put_first_half(struct sink *out, const struct audit_record *record,
                           const uint8_t order[AUDIT_DETAILS_MAX])
{
    PUT(out, "{\"action\":\"");
    sink_put(out, record->action);
    PUT(out, "\",\"actor_id\":");
    audit_text_put(out, record->actor_id, AUDIT_ACTOR_ID_MAX);
    PUT(out, ",\"actor_type\":\"");
    sink_text(out, audit_actor_name(record->actor_type));
    PUT(out, "\",\"details\":{");
    for (size_t i = 0; i < record->count; i++) {
        if (i > 0)
            sink_u8(out, ',');
        put_detail(out, &record->details[order[i]]);
    }
    PUT(out, "},\"event_type\":\"");
    sink_text(out, audit_type_name(record->type));
}

static void put_second_half(struct sink *out, const struct audit_record *record)
{
    PUT(out, "\",\"ip_address\":");
    if (record->address.len > 0)
        put_word(out, record->address);
    else
        PUT(out, "null");
    PUT(out, ",\"outcome\":\"");
    sink_text(out, audit_outcome_name(record->outcome));
    PUT(out, "\",\"prev\":\"");
    sink_hex(out, SPAN(record->prev.at));
    PUT(out, "\",\"resource\":");
    audit_text_put(out, record->resource, AUDIT_RESOURCE_MAX);
    PUT(out, ",\"seq\":");
    sink_decimal(out, record->seq, 1);
    PUT(out, ",\"timestamp\":\"");
    (void)!audit_time_put(out, record->at); /* it was judged before */
    PUT(out, "\",\"trace_id\":");
    if (!record->traced) {
        PUT(out, "null}");
        return;
    }
    sink_u8(out, '"');
    sink_hex(out, SPAN(record->trace));
    PUT(out, "\"}");
}

rc audit_write(const struct audit_record *record, struct sink *out, struct trail *trail)
{
    uint8_t order[AUDIT_DETAILS_MAX];
    size_t mark = out->len;
    if (!is_legal(record) || !sort_details(record, order))
        return REFUSE(trail, REASON_AUDIT_RECORD_INVALID);
    put_first_half(out, record, order);
    put_second_half(out, record);
    if (!sink_ok(out) || out->len - mark > AUDIT_LINE_MAX) {
        sink_cut(out, mark);
        return REFUSE(trail, REASON_AUDIT_RECORD_INVALID);
    }
    return RC_SUCCESS;
}
