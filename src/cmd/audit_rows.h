/* audit_rows.h - records of the security log as commands ask for them and print them: from the
   house that runs, or from the files when none does. */
#ifndef WARD_CMD_AUDIT_ROWS_H
#define WARD_CMD_AUDIT_ROWS_H

#include "audit/query.h"
#include "audit/read.h"
#include "cmd/audit_log.h"
#include "cmd/settings_load.h"
#include "model/reason.h"

/* After SETTINGS_OPTIONS in a command's table. */
enum audit_filter_option {
    AUDIT_FILTER_ACTION = SETTINGS_OPTION_COUNT,
    AUDIT_FILTER_ACTOR,
    AUDIT_FILTER_TYPE,
    AUDIT_FILTER_OUTCOME,
    AUDIT_FILTER_RESOURCE,
    AUDIT_FILTER_SINCE,
    AUDIT_FILTER_UNTIL,
    AUDIT_FILTER_END,
};

#define AUDIT_FILTER_OPTIONS                                                                       \
    [AUDIT_FILTER_ACTION] = { "--action", "ACTION", NULL,                                          \
                              "only this action; ending in a dot, all that begin so" },            \
    [AUDIT_FILTER_ACTOR] = { "--actor", "ID", NULL, "only what this actor did" },                  \
    [AUDIT_FILTER_TYPE] = { "--type", "TYPE",                                                      \
                            "Authentication Authorization DataAccess Configuration Payment",       \
                            "only events of this type" },                                          \
    [AUDIT_FILTER_OUTCOME] = { "--outcome", "OUTCOME", "Success Failure Denied",                   \
                               "only what ended so" },                                             \
    [AUDIT_FILTER_RESOURCE] = { "--resource", "TEXT", NULL,                                        \
                                "only what was done to resources that begin so" },                 \
    [AUDIT_FILTER_SINCE] = { "--since", "TIME", NULL, "nothing before (RFC 3339, or seconds)" },   \
    [AUDIT_FILTER_UNTIL] = { "--until", "TIME", NULL, "nothing after" }

/* What the records are printed by, one after the other. */
struct audit_rows {
    struct invocation *in;
    struct audit_reader *reader;
    struct audit_query query;
    bool json;
    uint64_t left; /* records that may still be printed */
    uint64_t next; /* seq after the last one that was looked at */
    char state[SETTING_TEXT_MAX];
    char folder[SETTING_TEXT_MAX + 8];
    bool lived_in; /* a house runs there */
};

/* audit_rows_begin reads settings and filters.  On failure it has said why. */
MUST_USE
enum exit_code audit_rows_begin(struct invocation *in, struct audit_rows *out);

/* audit_rows_print prints one record when it is asked for. */
MUST_USE
enum exit_code audit_rows_print(struct audit_rows *rows, struct span line);

/* audit_rows_of_house prints all that the house has from rows->next on, up to rows->left.
   With `from_first`, records that were put away are passed over. */
MUST_USE
enum exit_code audit_rows_of_house(struct audit_rows *rows, bool from_first);

/* audit_house_ask asks the running house.  EXIT_DONE with the body of the answer; otherwise
   it has said what the house said, unless that is REASON_AUDIT_RECORD_UNKNOWN. */
MUST_USE
enum exit_code audit_house_ask(const struct audit_rows *rows, const char *target,
                               struct arena *arena, struct span *body, enum reason *reason);

/* audit_rows_of_files prints all that the files have from rows->next on. */
MUST_USE
enum exit_code audit_rows_of_files(struct audit_rows *rows);

#endif
