/* monitor.c - see world.h: the monitor, and whatever befalls the house.  It starts again what died,
   connects it anew, tells core what it saw until that is logged, and at the end has the house
   stop. */
#include <string.h>

#include "base/number.h"
#include "simulator/world.h"

enum {
    AGAIN_MS = 100,
    STOP_MS = 10000, /* after which the monitor would kill */
};

static void say(struct world *world, uint16_t message, struct span body, int fd)
{
    static uint8_t bytes[PACKET_BYTES_MAX];
    struct sink packet = sink_over(bytes, sizeof bytes);
    struct frame frame = { .message = message, .body = body };
    frame_put(&packet, &frame);
    world_note(world, "monitor", message, (uint64_t)fd);
    world_say(world, PEER_MONITOR, sink_bytes(&packet), fd);
}

static void tell(struct world *world, const struct happening *row)
{
    uint8_t bytes[48 + sizeof row->tenant];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u64le(&body, row->number);
    sink_u8(&body, (uint8_t)row->what);
    sink_u8(&body, (uint8_t)row->peer);
    sink_u32le(&body, row->pid);
    sink_u32le(&body, row->code);
    sink_u64le(&body, (uint64_t)row->at);
    sink_u64le(&body, row->before);
    sink_u64le(&body, row->after);
    put_bytes(&body, span_text(row->tenant));
    say(world, CONTROL_HAPPENED, sink_bytes(&body), -1);
}

static void happened(struct world *world, enum happened what, enum peer peer, uint32_t code)
{
    struct news_kept *news = &world->news;
    if (news->last + 1 == NEWS)
        return; /* this world remembers all of them */
    uint64_t number = ++news->last;
    news->rows[number] = (struct happening){ .number = number,
                                             .what = what,
                                             .peer = peer,
                                             .code = code,
                                             .pid = world->beings[peer].pid,
                                             .at = (int64_t)(NEWS_DAWN + number) };
    tell(world, &news->rows[number]);
}

static void tell_children(struct world *world)
{
    uint8_t bytes[2 + PEER_COUNT * 16];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, 0); /* no reload of this world is refused */
    sink_u8(&body, PEER_COUNT - 1);
    for (unsigned peer = PEER_AUDIT; peer < PEER_COUNT; peer++) {
        const struct being *being = &world->beings[peer];
        sink_u8(&body, (uint8_t)peer);
        sink_u32le(&body, being->pid);
        sink_u32le(&body, being->life);
        sink_u8(&body, being->alive);
        sink_u8(&body, 1);
        sink_u8(&body, 1);
        sink_u32le(&body, 1);
    }
    say(world, CONTROL_CHILDREN, sink_bytes(&body), -1);
}

/* As many as core keeps; what is older is gone, as the real one's is. */
void monitor_tells_all(struct world *world)
{
    struct news_kept *news = &world->news;
    uint64_t first = news->logged + 1;
    if (news->last >= CORE_NEWS && first <= news->last - CORE_NEWS)
        first = news->last - CORE_NEWS + 1;
    for (uint64_t number = first; number <= news->last; number++)
        tell(world, &news->rows[number]);
    tell_children(world);
}

/* What was never logged gave way to what came later. */
bool monitor_has_logged(const struct world *world, uint64_t number)
{
    return world->log.news[number] || number + CORE_NEWS <= world->news.last;
}

static void hear_logged(struct world *world, struct cursor *body)
{
    uint64_t number = 0;
    if (!cur_u64le(body, &number) || !cur_end(body) || number > world->news.last) {
        world_wrong(world, "questions are questions", "of the monitor");
        return;
    }
    if (number > world->news.logged)
        world->news.logged = number;
}

static void hear_reloaded(struct world *world, struct cursor *body)
{
    uint32_t number = 0;
    uint8_t taken = 0;
    uint16_t why = 0;
    if (!cur_u32le(body, &number) || !cur_u8(body, &taken) || !cur_u16le(body, &why) ||
        number != world->reloads)
        world_wrong(world, "one answer", "to a reload: %u", number);
    world->reloads++;
    world->reloading = false;
}

/* Its channel is the one to core: in the life before, core was told of nobody else. */
static void connect(struct world *world, enum peer peer)
{
    uint8_t bytes[4];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u32le(&body, peer);
    if (world->beings[PEER_MONITOR].link < 0)
        return; /* there is no core: it is connected when it begins */
    int fd = world_link(world, peer);
    say(world, CONTROL_PEER, sink_bytes(&body), fd);
}

/* Both live and have no channel to each other: both get one.  A front that core closed has lost
   what it asked for. */
static void reconnects(struct world *world, const struct event *event)
{
    enum peer peer = (enum peer)event->a;
    if (!world->beings[peer].alive || world->beings[peer].link >= 0 || world->stopping)
        return;
    world_note(world, "channel made anew", peer, 0);
    if (peer == PEER_FRONT)
        front_loses_core(world);
    connect(world, peer);
}

static void hear_lost(struct world *world, const struct frame *frame)
{
    struct cursor body = cur_over(frame->body);
    uint32_t peer = 0;
    if (!cur_u32le(&body, &peer) || !cur_end(&body) || peer >= PEER_COUNT || peer == PEER_CORE)
        world_wrong(world, "questions are questions", "of the monitor: a channel lost");
    else
        world_later(world, (enum peer)peer, AGAIN_MS, reconnects, peer, (struct span){ 0 });
}

void monitor_hears(struct world *world, const struct frame *frame)
{
    struct cursor body = cur_over(frame->body);
    if (frame->message == CONTROL_LOGGED)
        hear_logged(world, &body);
    else if (frame->message == CONTROL_RELOADED)
        hear_reloaded(world, &body);
    else if (frame->message == CONTROL_LOST)
        hear_lost(world, frame);
    else if (frame->message == CONTROL_AGAIN)
        world->again = true;
    else
        world_wrong(world, "questions are questions", "of the monitor: %u", frame->message);
}

static void begin(struct world *world, enum peer peer)
{
    struct being *being = &world->beings[peer];
    being->alive = true;
    being->pid = 1000 + being->life;
    connect(world, peer);
    if (peer == PEER_AUDIT)
        auditor_begin(world);
    if (peer == PEER_FRONT)
        front_begin(world);
    if (being->life > 1)
        happened(world, HAPPENED_RESTART, peer, being->life);
    tell_children(world);
}

static void begins(struct world *world, const struct event *event)
{
    begin(world, (enum peer)event->a);
}

void monitor_kill(struct world *world, enum peer peer)
{
    struct being *being = &world->beings[peer];
    int64_t ms = AGAIN_MS << (being->deaths < 3 ? being->deaths : 3);
    if (!being->alive || world->stopping)
        return;
    world_note(world, "killed", peer, being->life);
    world_unlink(world, being->link);
    being->alive = false;
    being->frozen_ms = 0;
    being->life++;
    being->deaths++;
    if (peer == PEER_AUDIT && world_chance(world, 2))
        auditor_put_back(world, 1 + world_below(world, 12));
    happened(world, HAPPENED_KILLED, peer, 9);
    tell_children(world);
    world_later(world, peer, ms, begins, peer, (struct span){ 0 });
}

/* What befalls the house while there are faults. */

static enum peer some_peer(struct world *world)
{
    static const enum peer peers[] = { PEER_AUDIT, PEER_KEEPER, PEER_VERIFY, PEER_FRONT, PEER_TEE };
    return peers[world_below(world, COUNT_OF(peers))];
}

static void freeze(struct world *world)
{
    enum peer peer = some_peer(world);
    int64_t ms = 50 + (int64_t)world_below(world, world_chance(world, 3) ? 8000 : 800);
    world->beings[peer].frozen_ms = world->now_ms + ms;
    world_note(world, "frozen", peer, (uint64_t)ms);
}

static void reload(struct world *world)
{
    static uint8_t bytes[4 + sizeof(struct settings)];
    struct sink body = sink_over(bytes, sizeof bytes);
    if (world->house == NULL || world->reloading)
        return;
    world->reloading = true;
    sink_u32le(&body, (uint32_t)world->reloads);
    sink_put(&body, span_of(&world->house->settings, sizeof world->house->settings));
    say(world, CONTROL_RELOAD, sink_bytes(&body), -1);
}

static void befall(struct world *world)
{
    int64_t until = world->now_ms + (int64_t)world_below(world, 4000);
    switch (world_below(world, 12)) {
    case 0:
    case 1:
        monitor_kill(world, some_peer(world));
        break;
    case 2:
    case 3:
        freeze(world);
        break;
    case 4:
        world->log.full_ms = until;
        break;
    case 5:
        world->log.slow_ms = until;
        break;
    case 6:
    case 7:
        world_note(world, "disk shakes", disk_shake(world), 0);
        break;
    case 8:
        world->disk.down_ms = until;
        break;
    case 9:
        world->jump_ms += (int64_t)world_below(world, 7200000) - 3600000;
        break;
    case 10:
        reload(world);
        break;
    default:
        world->kill_in = 1 + (unsigned)world_below(world, 60);
    }
}

static void befalls(struct world *world, const struct event *event)
{
    (void)event;
    if (world->calm)
        return;
    befall(world);
    world_later(world, PEER_MONITOR, (int64_t)world_below(world, 3000), befalls, 0,
                (struct span){ 0 });
}

/* From here on nothing befalls it: whoever was frozen or dead is back soon. */
static void calms(struct world *world, const struct event *event)
{
    (void)event;
    world_note(world, "calm", 0, 0);
    world->calm = true;
    world->kill_in = 0;
    world->disk.faults = 0;
    world->disk.down_ms = 0;
    world->log.full_ms = world->log.slow_ms = 0;
    for (unsigned peer = 0; peer < PEER_COUNT; peer++)
        world->beings[peer].frozen_ms = 0;
}

void monitor_stop(struct world *world)
{
    world->stop_ms = world->now_ms;
    happened(world, HAPPENED_HOUSE_STOP, PEER_MONITOR, 15);
    world->stopping = true;
    world_unlink(world, world->beings[PEER_FRONT].link);
    say(world, CONTROL_STOP, (struct span){ 0 }, -1);
}

static void ends(struct world *world, const struct event *event)
{
    (void)event;
    world_wrong(world, "core stops", "not within %d ms", STOP_MS);
}

static void rests(struct world *world, const struct event *event)
{
    (void)event;
    witness_rests(world);
    monitor_stop(world);
    world_later(world, PEER_MONITOR, STOP_MS, ends, 0, (struct span){ 0 });
}

void monitor_begin(struct world *world)
{
    world->beings[PEER_MONITOR] = (struct being){ .alive = true, .life = 1, .link = -1 };
    for (unsigned peer = PEER_AUDIT; peer < PEER_COUNT; peer++)
        world->beings[peer] = (struct being){ .life = 1, .link = -1 };
    happened(world, HAPPENED_HOUSE_START, PEER_MONITOR, 0);
    for (unsigned peer = PEER_AUDIT; peer < PEER_COUNT; peer++) {
        if (peer != PEER_CORE)
            begin(world, (enum peer)peer);
    }
    world_later(world, PEER_MONITOR, (int64_t)world_below(world, 4000), befalls, 0,
                (struct span){ 0 });
    world_later(world, PEER_MONITOR, BUSY_MS, calms, 0, (struct span){ 0 });
    world_later(world, PEER_MONITOR, BUSY_MS + CALM_MS, rests, 0, (struct span){ 0 });
}
