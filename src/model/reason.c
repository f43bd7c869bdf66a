/* reason.c - see reason.h. */
#include "model/reason.h"

#include <stddef.h>

static const struct reason_info infos[REASON_COUNT] = {
    [REASON_NONE] = { "NONE", RC_BUG, "Nothing was decided.", "" },
#define REASON(name, class, cause, help) [REASON_##name] = { #name, class, cause, help },
#include "model/reasons.def"
#undef REASON
};

const struct reason_info *reason_info(enum reason reason)
{
    return &infos[(unsigned)reason < REASON_COUNT ? reason : REASON_NONE];
}

enum reason reason_find(struct span name)
{
    for (unsigned i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        if (span_equal_text(name, infos[i].name))
            return (enum reason)i;
    }
    return REASON_NONE;
}

enum reason reason_of_rc(rc failure, enum reason otherwise)
{
    uint32_t number = rc_number(failure);
    return number > REASON_NONE && number < REASON_COUNT ? (enum reason)number : otherwise;
}
