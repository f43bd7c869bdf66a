/* event.h - the words of the security log: kinds of events, actors, outcomes.  Spellings are
   public and stable. */
#ifndef WARD_AUDIT_EVENT_H
#define WARD_AUDIT_EVENT_H

#include "base/result.h"
#include "base/span.h"

/* The five types of the CyxWiz seed.  The zero value is none and is never written. */
enum audit_type {
    AUDIT_TYPE_NONE = 0,
    AUDIT_AUTHENTICATION,
    AUDIT_AUTHORIZATION,
    AUDIT_DATA_ACCESS,
    AUDIT_CONFIGURATION,
    AUDIT_PAYMENT,
    AUDIT_TYPE_COUNT
};

enum audit_actor {
    AUDIT_ACTOR_NONE = 0,
    AUDIT_USER,      /* a person's account */
    AUDIT_NODE,      /* a machine that works */
    AUDIT_SERVICE,   /* another program that calls */
    AUDIT_SYSTEM,    /* a process of Ward itself */
    AUDIT_ANONYMOUS, /* nobody that is known */
    AUDIT_ACTOR_COUNT
};

enum audit_outcome {
    AUDIT_OUTCOME_NONE = 0,
    AUDIT_SUCCESS,
    AUDIT_FAILURE, /* tried, and it did not work */
    AUDIT_DENIED,  /* refused by a rule */
    AUDIT_OUTCOME_COUNT
};

/* What a detail holds.  A secret is written as "[redacted]": its value is never given. */
enum audit_value {
    AUDIT_VALUE_NONE = 0,
    AUDIT_TEXT,
    AUDIT_NUMBER,
    AUDIT_BOOL,
    AUDIT_TIME,
    AUDIT_HASH, /* bytes, written in hex: hashes and ids */
    AUDIT_ADDRESS,
    AUDIT_SECRET,
};

enum audit_event {
    AUDIT_EVENT_NONE = 0, /* also an event that this version does not know */
#define EVENT(name, action, type, address, ...) AUDIT_EVENT_##name,
#include "audit/events.def"
#undef EVENT
    AUDIT_EVENT_COUNT
};

enum { AUDIT_DEMANDED = 4 };

struct audit_demand {
    enum audit_value type; /* AUDIT_VALUE_NONE ends the list */
    const char *name;
};

struct audit_event_info {
    const char *action;
    enum audit_type type;
    bool needs_address;
    struct audit_demand details[AUDIT_DEMANDED];
};

/* audit_event_info never returns NULL; what is no event has the action "". */
const struct audit_event_info *audit_event_info(enum audit_event event);

/* The words, "" for what has none; and the values, the zero value for a word that is none. */
const char *audit_type_name(enum audit_type type);
const char *audit_actor_name(enum audit_actor actor);
const char *audit_outcome_name(enum audit_outcome outcome);
enum audit_event audit_event_find(struct span action);
enum audit_type audit_type_find(struct span name);
enum audit_actor audit_actor_find(struct span name);
enum audit_outcome audit_outcome_find(struct span name);

#endif
