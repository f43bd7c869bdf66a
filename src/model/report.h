/* report.h - what was checked, in what order, and how it went.

   The order of the checks is that of checks.def and is part of the public contract: the
   reason of a report is that of its first failing check, whatever order the work was done
   in.  A report holds no pointer into evidence: its texts are copied into its own pool. */
#ifndef WARD_MODEL_REPORT_H
#define WARD_MODEL_REPORT_H

#include "base/result.h"
#include "base/span.h"
#include "model/reason.h"

enum check_id {
#define CHECK(id, text, side, name) CHECK_##id,
#include "model/checks.def"
#undef CHECK
    CHECK_COUNT
};

enum side { SIDE_PEER = 0, SIDE_MINE, SIDE_HOST };

enum check_state { CHECK_SKIP = 0, CHECK_PASS, CHECK_FAIL };

struct check_info {
    const char *id;   /* "AT-7" */
    const char *name; /* a few words */
    enum side side;
};

enum { REPORT_TEXT_MAX = 8192 };

/* Offsets are into report.text; 0 is the empty text. */
struct check {
    uint8_t state;   /* enum check_state */
    uint8_t relaxed; /* failed, and the caller asked for this relaxation by name */
    uint16_t reason; /* enum reason; REASON_NONE unless failed or relaxed */
    uint16_t detail, expected, actual;
};

/* {0} is an empty report: everything skipped, nothing decided. */
struct report {
    struct check checks[CHECK_COUNT];
    size_t text_len;
    char text[REPORT_TEXT_MAX];
};

bool report_is_sound(const struct report *report);

/* check_info and side_name never return NULL. */
const struct check_info *check_info(enum check_id id);
const char *side_name(enum side side);

/* report_pass marks a check passed unless it has already failed or been relaxed. */
void report_pass(struct report *report, enum check_id id);

/* report_fail marks a check failed for a reason and is false, so that a check is written
   `if (bad) return report_fail(...)`.  The first failure of a check stays.  detail: printf
   text naming what exactly failed; it may be "".  A macro only so that compilers and
   analyzers see that it is false. */
#define report_fail(...) (report_add_failure(__VA_ARGS__), report_says_no())

void report_add_failure(struct report *report, enum check_id id, enum reason reason,
                        const char *detail, ...) PRINTF_LIKE(4, 5);
static inline bool report_says_no(void)
{
    return false;
}

/* report_relax turns a failed check into a relaxed pass; it keeps the reason on record.  No
   effect unless the check failed for exactly that reason. */
void report_relax(struct report *report, enum check_id id, enum reason reason);

/* report_skip says why a check that does not apply was not made. */
void report_skip(struct report *report, enum check_id id, const char *detail);

/* report_note adds a remark to a check that has not failed; it decides nothing. */
void report_note(struct report *report, enum check_id id, const char *detail);

/* What was wanted and what was there, for a check that has failed (no effect otherwise, and
   only the first pair given for a check is kept). */
void report_values_text(struct report *report, enum check_id id, struct span expected,
                        struct span actual);
void report_values_hex(struct report *report, enum check_id id, struct span expected,
                       struct span actual);
void report_values_number(struct report *report, enum check_id id, int64_t expected,
                          int64_t actual);
void report_values_time(struct report *report, enum check_id id, int64_t expected, int64_t actual);

/* report_text gives the text at an offset taken from a check; never NULL. */
const char *report_text(const struct report *report, uint16_t offset);

/* report_first_failure: CHECK_COUNT when no check has failed. */
enum check_id report_first_failure(const struct report *report);
bool report_failed(const struct report *report, enum check_id id);
bool report_passed(const struct report *report, enum check_id id);

#endif
