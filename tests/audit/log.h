/* log.h - records and whole logs for the tests of audit/. */
#ifndef WARD_TESTS_AUDIT_LOG_H
#define WARD_TESTS_AUDIT_LOG_H

#include <string.h>

#include "audit/chain.h"
#include "test.h"

#define LOG_NOON INT64_C(1795867200123) /* 2026-11-28T12:00:00.123Z */

/* A login that lacks nothing. */
static inline struct audit_record log_login(enum audit_outcome outcome)
{
    struct audit_record record = audit_record_of(AUDIT_EVENT_LOGIN, outcome, LOG_NOON);
    audit_set_actor(&record, AUDIT_USER, span_text("u-7"));
    audit_set_resource(&record, span_text("session"));
    audit_set_address(&record, span_text("192.0.2.1"));
    audit_add_text(&record, "method", span_text("password"));
    return record;
}

/* Any event with everything that it demands, the values from `text`. */
static inline struct audit_record log_event(enum audit_event event, struct span text)
{
    const struct audit_event_info *info = audit_event_info(event);
    struct audit_record record = audit_record_of(event, AUDIT_SUCCESS, LOG_NOON);
    audit_set_actor(&record, AUDIT_SYSTEM, text);
    audit_set_resource(&record, text);
    audit_set_address(&record, span_text("2001:db8::1"));
    for (size_t i = 0; i < AUDIT_DEMANDED && info->details[i].type != AUDIT_VALUE_NONE; i++) {
        const char *name = info->details[i].name;
        if (info->details[i].type == AUDIT_TEXT)
            audit_add_text(&record, name, text);
        if (info->details[i].type == AUDIT_NUMBER)
            audit_add_number(&record, name, 7);
        if (info->details[i].type == AUDIT_BOOL)
            audit_add_bool(&record, name, true);
        if (info->details[i].type == AUDIT_TIME)
            audit_add_time(&record, name, LOG_NOON);
        if (info->details[i].type == AUDIT_HASH)
            audit_add_hash(&record, name, span_text("0123456789abcdef"));
    }
    return record;
}

#endif
