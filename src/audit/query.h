/* query.h - which records are asked for.  A predicate over one record that was read; paging is
   a matter of seq, so the order is stable and a cursor is the number of a record. */
#ifndef WARD_AUDIT_QUERY_H
#define WARD_AUDIT_QUERY_H

#include "audit/record.h"

/* {0} asks for everything.  Fields that are set must all hold. */
struct audit_query {
    enum audit_type type;
    enum audit_actor actor_type;
    enum audit_outcome outcome;
    struct span action;   /* the whole action, or its beginning when it ends in '.' */
    struct span actor_id; /* whole */
    struct span resource; /* its beginning */
    struct span address;  /* whole */
    struct span text;     /* bytes that one of the record's texts contains */
    bool traced;
    uint8_t trace[AUDIT_TRACE_LEN];
    int64_t since; /* milliseconds since 1970, inclusive; 0: from the beginning */
    int64_t until; /* exclusive; 0: to the end */
    uint64_t from; /* seq, inclusive: what the cursor of the page before said */
    uint64_t to;   /* seq, exclusive; 0: to the end */
};

/* audit_query_matches needs a record that audit_read gave. */
bool audit_query_matches(const struct audit_query *query, const struct audit_record *record);

/* audit_query_is_past: neither this record nor a later one can match. */
bool audit_query_is_past(const struct audit_query *query, uint64_t seq);

#endif
