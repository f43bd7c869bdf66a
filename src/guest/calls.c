/* calls.c - see inside.h: the list of system calls that the job may make. */
#include <errno.h>
#include <limits.h>

#include "base/number.h"
#include "guest/inside.h"
#include "os/call_filter.h"

bool guest_hold_to(const struct guest_call *calls, size_t count, int *asked)
{
    static struct sock_filter at[CALL_FILTER_ROOM(GUEST_CALLS_MAX)];
    struct call_filter filter;
    call_filter_begin(&filter, at, COUNT_OF(at));
    for (size_t i = 0; i < count; i++) {
        const struct call_rule rule = {
            .number = calls[i].number <= INT_MAX ? (int)calls[i].number : -1,
            .masked = calls[i].masked,
            .argument = calls[i].first.argument,
            .mask = calls[i].first.mask,
            .value = calls[i].first.value,
            .also = { calls[i].also.argument, calls[i].also.mask, calls[i].also.value },
        };
        call_filter_put(&filter, &rule,
                        calls[i].action == GUEST_UNSEEN ? SECCOMP_RET_ERRNO | ENOSYS
                                                        : (uint32_t)SECCOMP_RET_ALLOW);
    }
    *asked = call_filter_ask(&filter);
    return *asked >= 0 || call_filter_hold(&filter, SECCOMP_RET_ERRNO | EPERM);
}
