/* decision.h - the answer.  Its zero value refuses. */
#ifndef WARD_MODEL_DECISION_H
#define WARD_MODEL_DECISION_H

#include "model/report.h"

enum verdict { DENY = 0, ALLOW = 1 };

struct decision {
    enum verdict verdict;
    enum reason reason;  /* REASON_OK exactly when the verdict is ALLOW */
    enum check_id check; /* the deciding check; CHECK_COUNT when there is none */
};

/* decision_from_report allows only when no check has failed and every check of `required`
   (ids, count) has passed: a check that nobody made is a refusal (REASON_NONE), never a
   silent yes. */
struct decision decision_from_report(const struct report *report, const enum check_id *required,
                                     size_t count);

#endif
