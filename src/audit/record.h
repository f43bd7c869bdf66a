/* record.h - one record of the security log and its one line.

   A record is filled by calls that know the type of each value, and written once.  Its line
   is JSON in the form of RFC 8785 (members sorted, nothing between them) with the further
   escapes of text.h, so one record has one line:

     {"action":"login","actor_id":"u-7","actor_type":"User","details":{"method":"password"},
      "event_type":"Authentication","ip_address":"192.0.2.1","outcome":"Success",
      "prev":"<64 hex digits>","resource":"session","seq":0,
      "timestamp":"2026-11-28T00:00:00.000Z","trace_id":null}

   Redaction is by type: what is a secret is given as such, and its value never gets here. */
#ifndef WARD_AUDIT_RECORD_H
#define WARD_AUDIT_RECORD_H

#include "audit/event.h"
#include "base/sink.h"
#include "merkle/tree.h"

enum {
    AUDIT_LINE_MAX = 64 * 1024, /* bytes of a line without its newline: no record has more */
    AUDIT_DETAILS_MAX = 24,     /* details of one record */
    AUDIT_DETAIL_NAME_MAX = 48, /* bytes of a detail's name */
    AUDIT_ACTION_MAX = 64,      /* bytes of an action */
    AUDIT_ACTOR_ID_MAX = 256,   /* bytes of these between their quotes; more is cut */
    AUDIT_RESOURCE_MAX = 1024,
    AUDIT_DETAIL_MAX = 2048,
    AUDIT_HASH_MAX = 64,    /* bytes of a hash or an id */
    AUDIT_ADDRESS_MAX = 45, /* bytes of an address as text */
    AUDIT_TRACE_LEN = 16,
};

/* The largest number in a line: what a JSON reader with doubles still has exactly. */
#define AUDIT_NUMBER_LIMIT INT64_C(9007199254740991)

struct audit_detail {
    struct span key;
    enum audit_value type;
    struct span text;
    int64_t number; /* a time is in milliseconds since 1970, a bool 0 or 1 */
};

/* Views of the caller's memory until it is written. */
struct audit_record {
    enum audit_event event;
    enum audit_type type;
    enum audit_actor actor_type;
    enum audit_outcome outcome;
    uint64_t seq;            /* set by the chain */
    struct merkle_hash prev; /* set by the chain */
    int64_t at;              /* milliseconds since 1970 */
    struct span action;
    struct span actor_id;
    struct span resource;
    struct span address; /* empty: null */
    uint8_t trace[AUDIT_TRACE_LEN];
    bool traced;
    struct span details_json; /* of a record that was read: the details as they stand */
    bool was_read;            /* types of details are those of JSON */
    bool bad;                 /* a call could not be: the record will not be written */
    size_t count;
    struct audit_detail details[AUDIT_DETAILS_MAX];
};

/* audit_record_of starts a record; text that is given later is cut and made safe when it is
   written, so nothing that a stranger sends keeps an event out of the log. */
struct audit_record audit_record_of(enum audit_event event, enum audit_outcome outcome, int64_t at);
void audit_set_actor(struct audit_record *record, enum audit_actor type, struct span id);
void audit_set_resource(struct audit_record *record, struct span resource);

/* The address as admit/ writes it, without port; empty for none. */
void audit_set_address(struct audit_record *record, struct span address);

/* The trace id of W3C traceparent; all zeros is none. */
void audit_set_trace(struct audit_record *record, const uint8_t trace[AUDIT_TRACE_LEN]);

/* Details in any order; `name` is static, of a-z, 0-9 and _. */
void audit_add_text(struct audit_record *record, const char *name, struct span text);
void audit_add_number(struct audit_record *record, const char *name, int64_t number);
void audit_add_bool(struct audit_record *record, const char *name, bool yes);
void audit_add_time(struct audit_record *record, const char *name, int64_t at);
void audit_add_hash(struct audit_record *record, const char *name, struct span bytes);
void audit_add_address(struct audit_record *record, const char *name, struct span address);
void audit_add_secret(struct audit_record *record, const char *name);

/* audit_write appends the line without a newline.  AUDIT_RECORD_INVALID, with the sink as it
   was, when the record lacks something that its event demands, was filled wrongly, or does
   not fit; these are mistakes of the program, and none can be made by a stranger's bytes. */
MUST_USE
rc audit_write(const struct audit_record *record, struct sink *out, struct trail *trail);

/* audit_time_put appends a time in milliseconds as 2026-11-28T00:00:00.000Z, or false. */
MUST_USE
bool audit_time_put(struct sink *out, int64_t at);

#endif
