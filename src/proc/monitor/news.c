/* news.c - see monitor.h: what happened to the processes, kept until core says that it is in the
   security log.  A core that cannot be told is told when it is ready again. */
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "proc/log.h"
#include "proc/monitor/monitor.h"

/* Core hears of others only when it serves: before that it is told everything at once. */
static void tell(struct monitor *monitor, uint16_t message, const struct sink *body)
{
    struct child *core = &monitor->children[PEER_CORE];
    struct frame frame = { .message = message, .body = sink_bytes(body) };
    if (!core->ready)
        return;
    if (!rc_ok(channel_put(NULL, &core->control, &frame)))
        log_event("core not told message=%u", message);
}

static void tell_one(struct monitor *monitor, const struct news *news)
{
    uint8_t bytes[48 + sizeof news->tenant];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u64le(&body, news->number);
    sink_u8(&body, (uint8_t)news->what);
    sink_u8(&body, (uint8_t)news->peer);
    sink_u32le(&body, news->pid);
    sink_u32le(&body, news->code);
    sink_u64le(&body, (uint64_t)news->at);
    sink_u64le(&body, news->before);
    sink_u64le(&body, news->after);
    put_bytes(&body, span_text(news->tenant));
    tell(monitor, CONTROL_HAPPENED, &body);
}

static struct news *next_news(struct monitor *monitor, enum happened what, enum peer peer)
{
    uint64_t number = ++monitor->news_last;
    struct news *news = &monitor->news[number % MONITOR_NEWS];
    pid_t pid = peer == PEER_MONITOR ? getpid() : monitor->children[peer].pid;
    if (number > monitor->news_logged + MONITOR_NEWS)
        log_event("not in the security log: number=%llu", (unsigned long long)news->number);
    *news = (struct news){
        .number = number, .what = what, .peer = peer, .pid = (uint32_t)pid, .at = clock_now_ms()
    };
    return news;
}

void news_add(struct monitor *monitor, enum happened what, enum peer peer, uint32_t code)
{
    struct news *news = next_news(monitor, what, peer);
    news->code = code;
    tell_one(monitor, news);
}

void news_change(struct monitor *monitor, uint32_t key, uint64_t before, uint64_t after)
{
    struct news *news = next_news(monitor, HAPPENED_CHANGED, PEER_MONITOR);
    news->code = key;
    news->before = before;
    news->after = after;
    tell_one(monitor, news);
}

void news_share(struct monitor *monitor, const char *tenant, uint32_t before, uint32_t after)
{
    struct news *news = next_news(monitor, HAPPENED_SHARE, PEER_MONITOR);
    news->before = before;
    news->after = after;
    memcpy(news->tenant, tenant, strnlen(tenant, sizeof news->tenant - 1));
    tell_one(monitor, news);
}

void news_children(struct monitor *monitor)
{
    uint8_t bytes[2 + PEER_COUNT * 20];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, monitor->reload.last_refused);
    sink_u8(&body, (uint8_t)monitor_plan_count);
    for (size_t i = 0; i < monitor_plan_count; i++) {
        const struct child *child = &monitor->children[monitor_plan[i].peer];
        sink_u8(&body, (uint8_t)monitor_plan[i].peer);
        sink_u32le(&body, (uint32_t)child->pid);
        sink_u32le(&body, child->starts);
        sink_u8(&body, child->ready);
        sink_u8(&body, child->jail.own_user);
        sink_u8(&body, child->jail.own_network);
        sink_u32le(&body, child->jail.landlock);
    }
    tell(monitor, CONTROL_CHILDREN, &body);
}

void news_all(struct monitor *monitor)
{
    uint64_t first = monitor->news_logged + 1;
    if (monitor->news_last >= MONITOR_NEWS && first <= monitor->news_last - MONITOR_NEWS)
        first = monitor->news_last - MONITOR_NEWS + 1;
    for (uint64_t number = first; number <= monitor->news_last; number++)
        tell_one(monitor, &monitor->news[number % MONITOR_NEWS]);
    news_children(monitor);
}

rc news_logged(struct trail *trail, struct monitor *monitor, struct cursor *body)
{
    uint64_t number = 0;
    if (!cur_u64le(body, &number) || !cur_end(body) || number > monitor->news_last)
        return FAIL(trail, RC_PEER, DOOR_E_BODY);
    if (number > monitor->news_logged)
        monitor->news_logged = number;
    return RC_SUCCESS;
}
