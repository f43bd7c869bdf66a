/* tell.c - what was refused, to whoever runs the job, and what was let through, to whoever learns
   of it.  New kinds at once, numbers from time to time: whatever a job does it costs a bounded
   number of records. */
#include <poll.h>

#include "fence/inside.h"
#include "os/clock.h"

/* Two pipes may be full, and whoever reads one of them may have ended. */
enum { REST_TURN_MS = 5 };

static void tell_row(struct fence *fence, size_t row)
{
    if (refusal_send(fence->given->refusals, &fence->refusals.at[row]))
        fence->told[row] = fence->refusals.at[row].count;
}

void refuse(struct fence *fence, const struct reach_refusal *what)
{
    const struct refusal refusal = refusal_make(what);
    const struct refusal *row = refusals_add(&fence->refusals, &refusal);
    if (row != NULL && row->count == 1)
        tell_row(fence, (size_t)(row - fence->refusals.at));
}

void refuse_at(struct fence *fence, const struct address *to, struct job_port port)
{
    const struct reach_name *name = reach_by_address(fence->reach, to);
    char text[ADDRESS_TEXT_ROOM];
    struct sink out = sink_over(text, sizeof text);
    address_write(&out, to);
    const struct reach_refusal refusal = { .rule = name == NULL ? REACH_ADDRESS : REACH_PORT,
                                           .name = name == NULL ? sink_bytes(&out) : name->name,
                                           .port = port };
    refuse(fence, &refusal);
}

void refusals_tell(struct fence *fence)
{
    for (size_t i = 0; i < fence->refusals.count; i++) {
        if (fence->told[i] != fence->refusals.at[i].count)
            tell_row(fence, i);
    }
    if (fence->told_more == fence->refusals.more)
        return;
    const struct refusal more = { .rule = REACH_RULES, .count = fence->refusals.more };
    if (refusal_send(fence->given->refusals, &more))
        fence->told_more = more.count;
}

void used(struct fence *fence, const struct reach_name *name, struct job_port port)
{
    if (fence->given->uses < 0)
        return;
    (void)learn_uses_add(&fence->uses, name, port);
    uses_tell(fence);
}

/* In their order: where the pipe is full the rest waits for the next turn. */
void uses_tell(struct fence *fence)
{
    const int fd = fence->given->uses;
    while (fd >= 0 && fence->uses_told < fence->uses.count &&
           use_send(fd, &fence->uses.at[fence->uses_told]))
        fence->uses_told++;
}

/* Whether nothing is left to be told. */
static bool tell_rest(struct fence *fence)
{
    refusals_tell(fence);
    uses_tell(fence);
    for (size_t i = 0; i < fence->refusals.count; i++) {
        if (fence->told[i] != fence->refusals.at[i].count)
            return false;
    }
    if (fence->told_more != fence->refusals.more || fence->uses_told < fence->uses.count)
        return false;
    return fence->given->uses < 0 || fence->uses.more || use_send_all(fence->given->uses);
}

void fence_tell_rest(struct fence *fence)
{
    const int64_t until_ms = clock_monotonic_ms() + FENCE_REST_MS;
    while (!tell_rest(fence) && clock_monotonic_ms() < until_ms)
        poll(NULL, 0, REST_TURN_MS);
}
