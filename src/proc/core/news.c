/* news.c - see core.h: what the monitor saw goes into the log one after the other, each as
   often as it takes, and the monitor hears when it is there. */
#include <string.h>

#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

static rc take_children(struct trail *trail, struct core *core, struct cursor *body)
{
    uint8_t count = 0, refused = 0;
    if (!cur_u8(body, &refused) || refused > 1 || !cur_u8(body, &count))
        return FAIL(trail, RC_BUG, DOOR_E_BODY);
    for (unsigned i = 0; i < count; i++) {
        uint8_t peer = 0, ready = 0, own_user = 0, own_network = 0;
        uint32_t pid = 0, starts = 0, landlock = 0;
        if (!(cur_u8(body, &peer) && peer < PEER_COUNT && cur_u32le(body, &pid) &&
              cur_u32le(body, &starts) && cur_u8(body, &ready) && cur_u8(body, &own_user) &&
              cur_u8(body, &own_network) && cur_u32le(body, &landlock)))
            return FAIL(trail, RC_BUG, DOOR_E_BODY);
        struct jail_report jail = { own_user != 0, landlock, own_network != 0 };
        core->children[peer] = (struct core_child){ pid, starts, ready != 0, jail };
    }
    core->reload_refused = refused != 0;
    return cur_end(body) ? RC_SUCCESS : FAIL(trail, RC_BUG, DOOR_E_BODY);
}

static rc take_happening(struct trail *trail, struct core *core, struct cursor *body)
{
    struct core_news *news = &core->news;
    struct happening row = { 0 };
    uint8_t what = 0, peer = 0;
    uint64_t at = 0;
    struct span tenant;
    if (!(cur_u64le(body, &row.number) && cur_u8(body, &what) && what < HAPPENED_COUNT &&
          cur_u8(body, &peer) && peer < PEER_COUNT && cur_u32le(body, &row.pid) &&
          cur_u32le(body, &row.code) && cur_u64le(body, &at) && cur_u64le(body, &row.before) &&
          cur_u64le(body, &row.after) && get_bytes(body, sizeof row.tenant - 1, &tenant) &&
          cur_end(body)))
        return FAIL(trail, RC_BUG, DOOR_E_BODY);
    row.what = (enum happened)what;
    row.peer = (enum peer)peer;
    row.at = (int64_t)at;
    if (tenant.len > 0)
        memcpy(row.tenant, tenant.at, tenant.len);
    if (row.number <= news->last)
        return RC_SUCCESS;
    if (news->last == 0) /* what came before is in the log */
        news->logged = row.number - 1;
    news->rows[row.number % CORE_NEWS] = row;
    news->last = row.number;
    if (news->last - news->logged > CORE_NEWS) /* the oldest was overwritten */
        news->logged = news->last - CORE_NEWS;
    if (row.peer == PEER_FRONT && (row.what == HAPPENED_KILLED || row.what == HAPPENED_EXITED))
        core_front_died(core, &row);
    return RC_SUCCESS;
}

rc core_on_control(struct trail *trail, void *self, struct call *call)
{
    if (call->message == CONTROL_CHILDREN)
        return take_children(trail, self, &call->body);
    if (call->message == CONTROL_HAPPENED)
        return take_happening(trail, self, &call->body);
    return FAIL(trail, RC_BUG, DOOR_E_NONE);
}

int64_t news_step(struct core *core, int64_t now_ms)
{
    struct core_news *news = &core->news;
    uint64_t id = 0;
    if (news->id != 0 || news->logged == news->last)
        return INT64_MAX;
    if (now_ms < news->retry_ms)
        return news->retry_ms;
    news->asked = news->logged + 1;
    if (core_log_happening(core, &news->rows[news->asked % CORE_NEWS], &id)) {
        news->id = id;
        return INT64_MAX;
    }
    news->retry_ms = now_ms + CORE_RETRY_MS;
    return news->retry_ms;
}

static void tell_monitor(struct core *core)
{
    uint8_t bytes[8];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u64le(&body, core->news.logged);
    struct frame frame = { .message = CONTROL_LOGGED, .body = sink_bytes(&body) };
    /* A monitor that is not told tells the next core again: twice in the log is better than
       not at all. */
    rc told = channel_put(NULL, &core->house->control, &frame);
    (void)told;
}

bool news_appended(struct core *core, uint64_t id, bool logged)
{
    struct core_news *news = &core->news;
    if (news->id == 0 || news->id != id)
        return false;
    news->id = 0;
    if (!logged) {
        news->retry_ms = clock_monotonic_ms() + CORE_RETRY_MS;
        return true;
    }
    if (news->logged < news->asked)
        news->logged = news->asked;
    tell_monitor(core);
    return true;
}
