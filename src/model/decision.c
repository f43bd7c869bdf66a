/* decision.c - see decision.h. */
#include "model/decision.h"

struct decision decision_from_report(const struct report *report, const enum check_id *required,
                                     size_t count)
{
    enum check_id first = report_first_failure(report);
    if (first != CHECK_COUNT)
        return (struct decision){ DENY, (enum reason)report->checks[first].reason, first };
    if (count == 0)
        return (struct decision){ DENY, REASON_NONE, CHECK_COUNT };
    for (size_t i = 0; i < count; i++) {
        if (!report_passed(report, required[i]))
            return (struct decision){ DENY, REASON_NONE, required[i] };
    }
    return (struct decision){ ALLOW, REASON_OK, CHECK_COUNT };
}
