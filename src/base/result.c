/* result.c - see result.h. */
#include "base/result.h"

#include <stddef.h>

const char *rc_class_name(enum rc_class class)
{
    switch (class) {
    case RC_OK:
        return "ok";
    case RC_PEER:
        return "peer";
    case RC_DENIED:
        return "denied";
    case RC_BUSY:
        return "busy";
    case RC_WORLD:
        return "world";
    case RC_BUG:
        return "bug";
    }
    return "unknown";
}

void trail_add(struct trail *trail, rc r, const char *function, int line)
{
    if (trail == NULL || r.code == 0)
        return;
    if (trail->count < TRAIL_FRAMES)
        trail->frames[trail->count] = (struct trail_frame){ function, line, r };
    if (trail->count < UINT32_MAX)
        trail->count++;
}
