/* jail_filter.c - see jail.h: the lists of system calls that a process is held to. */
#include <sys/syscall.h>

#include "base/number.h"
#include "os/call_filter.h"
#include "os/jail.h"

static rc hold(struct trail *trail, struct call_filter *filter, uint32_t others)
{
    if (call_filter_hold(filter, others))
        return RC_SUCCESS;
    if (!filter->fits)
        return FAIL(trail, RC_BUG, JAIL_E_RULE);
    return FAIL(trail, RC_WORLD, JAIL_E_FILTER);
}

rc jail_filter(struct trail *trail, const struct call_rule *rules, size_t count)
{
    struct sock_filter at[CALL_FILTER_ROOM(JAIL_RULES_MAX)];
    struct call_filter filter;
    if (count > JAIL_RULES_MAX)
        return FAIL(trail, RC_BUG, JAIL_E_RULE);
    /* A call by the numbers of x32 has a bit that no listed number has. */
    call_filter_begin(&filter, at, COUNT_OF(at));
    for (size_t i = 0; i < count; i++)
        call_filter_put(&filter, &rules[i], SECCOMP_RET_ALLOW);
    return hold(trail, &filter, SECCOMP_RET_KILL_PROCESS);
}

/* io_uring makes and connects sockets by none of the calls for it. */
rc jail_offline(struct trail *trail)
{
    static const int calls[] = { SYS_socket,   SYS_connect,       SYS_bind,   SYS_listen,
                                 SYS_accept,   SYS_accept4,       SYS_sendto, SYS_sendmsg,
                                 SYS_sendmmsg, SYS_io_uring_setup };
    struct sock_filter at[CALL_FILTER_ROOM(COUNT_OF(calls))];
    struct call_filter filter;
    call_filter_begin(&filter, at, COUNT_OF(at));
    call_filter_x32(&filter);
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        call_filter_put(&filter, &(struct call_rule){ .number = calls[i] },
                        SECCOMP_RET_KILL_PROCESS);
    return hold(trail, &filter, SECCOMP_RET_ALLOW);
}
