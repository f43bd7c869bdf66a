/* query.c - see query.h. */
#include "audit/query.h"

#include <string.h>

static bool begins_with(struct span text, struct span part)
{
    return text.len >= part.len && span_equal(span_of(text.at, part.len), part);
}

static bool contains(struct span text, struct span part)
{
    return part.len == 0 ||
           (text.len >= part.len && memmem(text.at, text.len, part.at, part.len) != NULL);
}

static bool action_matches(struct span wanted, struct span action)
{
    if (wanted.len > 0 && wanted.at[wanted.len - 1] == '.')
        return begins_with(action, wanted);
    return wanted.len == 0 || span_equal(action, wanted);
}

static bool text_matches(struct span wanted, const struct audit_record *record)
{
    if (contains(record->actor_id, wanted) || contains(record->resource, wanted) ||
        contains(record->action, wanted) || contains(record->address, wanted))
        return true;
    for (size_t i = 0; i < record->count; i++) {
        if (record->details[i].type == AUDIT_TEXT && contains(record->details[i].text, wanted))
            return true;
    }
    return false;
}

static bool words_match(const struct audit_query *q, const struct audit_record *r)
{
    return (q->type == AUDIT_TYPE_NONE || q->type == r->type) &&
           (q->actor_type == AUDIT_ACTOR_NONE || q->actor_type == r->actor_type) &&
           (q->outcome == AUDIT_OUTCOME_NONE || q->outcome == r->outcome) &&
           action_matches(q->action, r->action);
}

static bool place_matches(const struct audit_query *q, const struct audit_record *r)
{
    return r->seq >= q->from && (q->to == 0 || r->seq < q->to) && r->at >= q->since &&
           (q->until == 0 || r->at < q->until);
}

bool audit_query_matches(const struct audit_query *query, const struct audit_record *record)
{
    return place_matches(query, record) && words_match(query, record) &&
           (query->actor_id.len == 0 || span_equal(query->actor_id, record->actor_id)) &&
           (query->address.len == 0 || span_equal(query->address, record->address)) &&
           begins_with(record->resource, query->resource) &&
           (!query->traced ||
            (record->traced && bytes_equal(query->trace, record->trace, sizeof query->trace))) &&
           text_matches(query->text, record);
}

bool audit_query_is_past(const struct audit_query *query, uint64_t seq)
{
    return query->to != 0 && seq >= query->to;
}
