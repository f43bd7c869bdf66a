/* reason.h - the one vocabulary of reasons.  Names are public and stable. */
#ifndef WARD_MODEL_REASON_H
#define WARD_MODEL_REASON_H

#include "base/result.h"
#include "base/span.h"

/* REASON_NONE is "nothing was decided": it is never the reason of an ALLOW. */
enum reason {
    REASON_NONE = 0,
#define REASON(name, class, cause, help) REASON_##name,
#include "model/reasons.def"
#undef REASON
    REASON_COUNT
};

struct reason_info {
    const char *name;
    enum rc_class class;
    const char *cause; /* one sentence */
    const char *help;  /* what to do next; "" when nothing */
};

/* reason_info never returns NULL; a number that is no reason gives that of REASON_NONE. */
const struct reason_info *reason_info(enum reason reason);

/* reason_find looks a name up; REASON_NONE when there is none. */
enum reason reason_find(struct span name);

/* reason_of_rc is the reason that a failure carries as its number, or `otherwise` where it carries
   another number. */
enum reason reason_of_rc(rc failure, enum reason otherwise);

/* REFUSE is FAIL with the reason's own class. */
#define REFUSE(trail, reason)                                                                      \
    rc_note((trail), rc_make(reason_info(reason)->class, (uint32_t)(reason)), __func__, __LINE__)

#endif
