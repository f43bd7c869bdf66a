/* audit_client.c - see audit_client.h.  The body of MSG_AUDIT_APPEND:

       u16 event   u8 actor type   u8 outcome   16 trace id
       bytes actor id   bytes resource   bytes address
       u8 count, then for each detail: u8 type, bytes name, and by its type
           text, hash, address: bytes      number, bool, time: u64      secret: nothing */
#include "proc/audit_client.h"

#include "model/reason.h"
#include "proc/messages.h"

/* Text that no line shows whole does not travel whole: it is cut here, with the mark that the
   log would make. */
static void put_text(struct sink *body, struct span text, size_t cap)
{
    uint8_t room[48];
    struct sink mark = sink_over(room, sizeof room);
    size_t kept = cap;
    if (text.len <= cap) {
        put_bytes(body, text);
        return;
    }
    sink_format(&mark, "[cut from %zu bytes]", text.len);
    kept -= mark.len;
    while (kept > 0 && (text.at[kept] & 0xc0) == 0x80) /* not inside a character */
        kept--;
    sink_u32le(body, (uint32_t)(kept + mark.len));
    sink_put(body, span_of(text.at, kept));
    sink_put(body, sink_bytes(&mark));
}

static bool has_text(enum audit_value type)
{
    return type == AUDIT_TEXT || type == AUDIT_HASH || type == AUDIT_ADDRESS;
}

static void put_detail(struct sink *body, const struct audit_detail *detail)
{
    sink_u8(body, (uint8_t)detail->type);
    put_bytes(body, detail->key);
    if (has_text(detail->type))
        put_text(body, detail->text, AUDIT_DETAIL_MAX);
    else if (detail->type != AUDIT_SECRET)
        sink_u64le(body, (uint64_t)detail->number);
}

bool audit_client_put(struct sink *body, const struct audit_record *record)
{
    static const uint8_t untraced[AUDIT_TRACE_LEN];
    size_t mark = body->len;
    if (record->bad || record->count > AUDIT_DETAILS_MAX || record->address.len > AUDIT_ADDRESS_MAX)
        return false;
    sink_u16le(body, (uint16_t)record->event);
    sink_u8(body, (uint8_t)record->actor_type);
    sink_u8(body, (uint8_t)record->outcome);
    sink_put(body, record->traced ? SPAN(record->trace) : SPAN(untraced));
    put_text(body, record->actor_id, AUDIT_ACTOR_ID_MAX);
    put_text(body, record->resource, AUDIT_RESOURCE_MAX);
    put_bytes(body, record->address);
    sink_u8(body, (uint8_t)record->count);
    for (size_t i = 0; i < record->count; i++)
        put_detail(body, &record->details[i]);
    if (sink_ok(body))
        return true;
    sink_cut(body, mark);
    return false;
}

static bool get_detail(struct cursor *body, struct audit_detail *out)
{
    uint8_t type = 0;
    uint64_t number = 0;
    if (!cur_u8(body, &type) || type == AUDIT_VALUE_NONE || type > AUDIT_SECRET ||
        !get_bytes(body, AUDIT_DETAIL_NAME_MAX, &out->key))
        return false;
    out->type = (enum audit_value)type;
    if (has_text(out->type))
        return get_bytes(body, AUDIT_DETAIL_MAX, &out->text);
    if (out->type == AUDIT_SECRET)
        return true;
    if (!cur_u64le(body, &number))
        return false;
    out->number = (int64_t)number;
    return true;
}

bool audit_client_get(struct cursor *body, struct audit_record *out)
{
    uint16_t event = 0;
    uint8_t actor = 0, outcome = 0, count = 0;
    uint8_t trace[AUDIT_TRACE_LEN];
    struct span actor_id, resource, address;
    if (!(cur_u16le(body, &event) && cur_u8(body, &actor) && cur_u8(body, &outcome) &&
          cur_copy(body, trace, sizeof trace) && get_bytes(body, AUDIT_ACTOR_ID_MAX, &actor_id) &&
          get_bytes(body, AUDIT_RESOURCE_MAX, &resource) &&
          get_bytes(body, AUDIT_ADDRESS_MAX, &address) && cur_u8(body, &count)))
        return false;
    if (event == AUDIT_EVENT_NONE || event >= AUDIT_EVENT_COUNT || count > AUDIT_DETAILS_MAX)
        return false;
    struct audit_record record = audit_record_of((enum audit_event)event,
                                                 (enum audit_outcome)outcome, 0);
    audit_set_actor(&record, (enum audit_actor)actor, actor_id);
    audit_set_resource(&record, resource);
    audit_set_address(&record, address);
    audit_set_trace(&record, trace);
    for (; record.count < count; record.count++) {
        if (!get_detail(body, &record.details[record.count]))
            return false;
    }
    if (!cur_end(body))
        return false;
    *out = record;
    return true;
}

rc audit_client_append(struct trail *trail, struct channel *channel,
                       const struct audit_record *record, uint64_t *id)
{
    uint8_t bytes[AUDIT_CLIENT_BODY];
    struct sink body = sink_over(bytes, sizeof bytes);
    if (!audit_client_put(&body, record))
        return REFUSE(trail, REASON_AUDIT_RECORD_INVALID);
    struct frame frame = { .message = MSG_AUDIT_APPEND,
                           .id = channel_next_id(channel),
                           .body = sink_bytes(&body) };
    TRY(trail, channel_put(trail, channel, &frame));
    *id = frame.id;
    return RC_SUCCESS;
}

bool audit_client_appended(struct cursor *body, uint64_t *seq)
{
    uint8_t logged = 0;
    uint64_t number = 0;
    if (!cur_u8(body, &logged) || logged != 1 || !cur_u64le(body, &number) || !cur_end(body))
        return false;
    *seq = number;
    return true;
}

enum audit_refused audit_client_refused(struct cursor body)
{
    uint8_t logged = 0;
    uint8_t why = 0;
    bool said = cur_u8(&body, &logged) && logged == 0 && cur_u8(&body, &why) && cur_end(&body);
    return said && why <= AUDIT_REFUSED_DAMAGED ? (enum audit_refused)why : AUDIT_REFUSED;
}
