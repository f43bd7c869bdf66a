/* edges.c - see monitor.h: the channels between the processes.  A process that closed one, or found
   it closed, says so; while both of its ends live, both get a new one.  Nobody is ended for it, and
   whoever breaks every channel that it gets, gets the next ever later. */
#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/log.h"
#include "proc/monitor/monitor.h"

static struct edge *edge_of(struct monitor *monitor, enum peer one, enum peer other)
{
    return one < other ? &monitor->edges[one][other] : &monitor->edges[other][one];
}

static rc hand_over(struct trail *trail, struct monitor *monitor, enum peer to, enum peer of,
                    int fd)
{
    uint64_t number = edge_of(monitor, to, of)->number;
    uint8_t bytes[4];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u32le(&body, of);
    struct frame frame = { .message = CONTROL_PEER, .id = number, .body = sink_bytes(&body) };
    return channel_put_fds(trail, &monitor->children[to].control, &frame, &fd, 1);
}

/* A new pair: what was said over an earlier one, and not heard, is gone with it. */
static rc make(struct trail *trail, struct monitor *monitor, enum peer one, enum peer other)
{
    struct edge *edge = edge_of(monitor, one, other);
    int ends[2];
    TRY(trail, packet_pair(trail, ends));
    auto_fd int near = ends[0];
    auto_fd int far = ends[1];
    edge->number++;
    edge->made_ms = clock_monotonic_ms();
    edge->again_ms = 0;
    TRY(trail, hand_over(trail, monitor, one, other, near));
    rc told = hand_over(NULL, monitor, other, one, far);
    if (!rc_ok(told)) /* dying or stuck: connected when it starts again, or says that it was not */
        log_event("peer not told process=%s of=%s", peer_name(other), peer_name(one));
    return RC_SUCCESS;
}

rc edges_connect(struct trail *trail, struct monitor *monitor, const struct plan_row *row)
{
    for (unsigned other = 0; other < PEER_COUNT; other++) {
        if ((row->peers & IN(other)) != 0 && monitor->children[other].pid != 0)
            TRY(trail, make(trail, monitor, row->peer, (enum peer)other));
    }
    return RC_SUCCESS;
}

/* Each end says it, and one that is slow says it of a channel that has been replaced since. */
rc edge_lost(struct trail *trail, struct monitor *monitor, const struct plan_row *row,
             const struct frame *frame)
{
    struct cursor body = cur_over(frame->body);
    uint32_t other = 0;
    if (!cur_u32le(&body, &other) || !cur_end(&body) || other >= PEER_COUNT ||
        (row->peers & IN(other)) == 0)
        return FAIL(trail, RC_PEER, DOOR_E_BODY);
    struct edge *edge = edge_of(monitor, row->peer, (enum peer)other);
    int64_t now = clock_monotonic_ms();
    if (monitor->stopping || edge->again_ms != 0 || frame->id != edge->number)
        return RC_SUCCESS;
    edge->failures = now - edge->made_ms >= MONITOR_STEADY_MS ? 1 : edge->failures + 1;
    edge->again_ms = now + monitor_backoff_ms(edge->failures);
    return RC_SUCCESS;
}

/* Where one of the two does not live it is made when that one starts. */
static void make_again(struct monitor *monitor, enum peer one, enum peer other)
{
    struct edge *edge = edge_of(monitor, one, other);
    struct trail trail = { 0 };
    edge->again_ms = 0;
    if (monitor->children[one].pid == 0 || monitor->children[other].pid == 0 || monitor->stopping)
        return;
    log_event("channel made anew process=%s of=%s time=%u", peer_name(one), peer_name(other),
              edge->failures);
    rc made = make(&trail, monitor, one, other);
    if (rc_ok(made))
        return;
    log_failure("channel not made", made, &trail);
    edge->failures++;
    edge->again_ms = clock_monotonic_ms() + monitor_backoff_ms(edge->failures);
}

int64_t edges_step(struct monitor *monitor, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (unsigned one = 0; one < PEER_COUNT; one++) {
        for (unsigned other = one + 1; other < PEER_COUNT; other++) {
            struct edge *edge = &monitor->edges[one][other];
            if (edge->again_ms != 0 && edge->again_ms <= now_ms)
                make_again(monitor, (enum peer)one, (enum peer)other);
            if (edge->again_ms != 0 && edge->again_ms < next)
                next = edge->again_ms;
        }
    }
    return next;
}
