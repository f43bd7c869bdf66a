/* event.c - see event.h. */
#include "audit/event.h"

static const struct audit_event_info events[AUDIT_EVENT_COUNT] = {
    [AUDIT_EVENT_NONE] = { .action = "" },
#define EVENT(name, text, kind, address, ...)                                                      \
    [AUDIT_EVENT_##name] = { .action = (text),                                                     \
                             .type = AUDIT_##kind,                                                 \
                             .needs_address = (address),                                           \
                             .details = { __VA_ARGS__ } },
#include "audit/events.def"
#undef EVENT
};

static const char *const types[AUDIT_TYPE_COUNT] = {
    [AUDIT_TYPE_NONE] = "",
    [AUDIT_AUTHENTICATION] = "Authentication",
    [AUDIT_AUTHORIZATION] = "Authorization",
    [AUDIT_DATA_ACCESS] = "DataAccess",
    [AUDIT_CONFIGURATION] = "Configuration",
    [AUDIT_PAYMENT] = "Payment",
};

static const char *const actors[AUDIT_ACTOR_COUNT] = {
    [AUDIT_ACTOR_NONE] = "",     [AUDIT_USER] = "User",     [AUDIT_NODE] = "Node",
    [AUDIT_SERVICE] = "Service", [AUDIT_SYSTEM] = "System", [AUDIT_ANONYMOUS] = "Anonymous",
};

static const char *const outcomes[AUDIT_OUTCOME_COUNT] = {
    [AUDIT_OUTCOME_NONE] = "",
    [AUDIT_SUCCESS] = "Success",
    [AUDIT_FAILURE] = "Failure",
    [AUDIT_DENIED] = "Denied",
};

const struct audit_event_info *audit_event_info(enum audit_event event)
{
    return &events[event < AUDIT_EVENT_COUNT ? event : AUDIT_EVENT_NONE];
}

const char *audit_type_name(enum audit_type type)
{
    return type < AUDIT_TYPE_COUNT ? types[type] : "";
}

const char *audit_actor_name(enum audit_actor actor)
{
    return actor < AUDIT_ACTOR_COUNT ? actors[actor] : "";
}

const char *audit_outcome_name(enum audit_outcome outcome)
{
    return outcome < AUDIT_OUTCOME_COUNT ? outcomes[outcome] : "";
}

/* The place of a word in its list, 0 when it is not there. */
static unsigned find(const char *const *words, unsigned count, struct span word)
{
    for (unsigned i = 1; i < count; i++) {
        if (span_equal_text(word, words[i]))
            return i;
    }
    return 0;
}

enum audit_event audit_event_find(struct span action)
{
    for (unsigned i = 1; i < AUDIT_EVENT_COUNT; i++) {
        if (span_equal_text(action, events[i].action))
            return (enum audit_event)i;
    }
    return AUDIT_EVENT_NONE;
}

enum audit_type audit_type_find(struct span name)
{
    return (enum audit_type)find(types, AUDIT_TYPE_COUNT, name);
}

enum audit_actor audit_actor_find(struct span name)
{
    return (enum audit_actor)find(actors, AUDIT_ACTOR_COUNT, name);
}

enum audit_outcome audit_outcome_find(struct span name)
{
    return (enum audit_outcome)find(outcomes, AUDIT_OUTCOME_COUNT, name);
}
