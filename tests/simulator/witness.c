/* witness.c - see world.h: what must hold of core whatever befalls it, looked at from outside
   where it speaks, and inside where it waits. */
#include "proc/audit_client.h"
#include "simulator/world.h"

/* Refusals that a record stands for; 0 when it is another's. */
static uint64_t refusals_of(const struct frame *frame)
{
    struct cursor in = cur_over(frame->body);
    struct audit_record record;
    uint64_t count = 1;
    if (frame->message != MSG_AUDIT_APPEND || !audit_client_get(&in, &record) ||
        record.event != AUDIT_EVENT_ACCESS_REFUSE)
        return 0;
    for (size_t i = 0; i < record.count; i++) {
        if (span_equal_text(record.details[i].key, "unrecorded"))
            count += (uint64_t)record.details[i].number;
    }
    return count;
}

static void watch_mark(struct world *world, const struct frame *frame)
{
    struct cursor in = cur_over(frame->body);
    struct audit_record record;
    if (frame->message != MSG_AUDIT_APPEND || !audit_client_get(&in, &record) ||
        record.event != AUDIT_EVENT_STORE_MARK || record.count == 0)
        return;
    long long mark = record.details[0].number, kept = world->disk.now.generation;
    if (mark > kept)
        world_wrong(world, "a mark is of what is kept", "%lld of %lld", mark, kept);
    /* One that the life before asked for may become durable after this one has looked. */
    if (mark < world->log.said)
        world_wrong(world, "marks only grow", "%lld", mark);
    world->log.said = mark;
}

static void watch_news(struct world *world, const struct frame *frame)
{
    struct cursor in = cur_over(frame->body);
    uint64_t number = 0;
    if (frame->message != CONTROL_LOGGED || !cur_u64le(&in, &number) || number >= NEWS)
        return;
    for (uint64_t each = world->news.logged + 1; each <= number; each++) {
        if (!monitor_has_logged(world, each))
            world_wrong(world, "the monitor's news are logged", "%llu is not",
                        (unsigned long long)each);
    }
}

void witness_said(struct world *world, enum peer peer, const struct frame *frame)
{
    if (peer == PEER_FRONT)
        front_is_told(world, frame);
    if (peer == PEER_MONITOR)
        watch_news(world, frame);
    if (peer != PEER_AUDIT)
        return;
    watch_mark(world, frame);
    world->refusals.recorded += refusals_of(frame);
}

void witness_reads(struct world *world, enum peer peer, struct span packet)
{
    struct cursor in = cur_over(packet);
    struct frame frame;
    while (peer == PEER_FRONT && frame_get(&in, &frame)) {
        struct cursor body = cur_over(frame.body);
        uint16_t method = 0;
        uint8_t caller = 0;
        if (!cur_u16le(&body, &method) || method >= METHOD_COUNT || !cur_u8(&body, &caller))
            continue;
        enum route_permission permission = house_router.routes[method].permission;
        bool is_owners = permission == ROUTE_OWNER || permission == ROUTE_OPERATOR;
        bool refused = (is_owners && caller != CALLER_OWNER) ||
                       (permission == ROUTE_SESSION && caller != CALLER_SESSION);
        world->refusals.told += frame.message == MSG_REFUSED || refused;
    }
}

static uint64_t refusals_queued(const struct world *world)
{
    struct cursor in = cur_over(sink_bytes(&world->house->channels[PEER_AUDIT].queue));
    struct frame frame;
    uint64_t count = 0;
    while (frame_get(&in, &frame))
        count += refusals_of(&frame);
    return count;
}

/* What is thrown away with a channel was put there to be recorded all the same. */
void witness_closes(struct world *world, enum peer peer)
{
    if (peer == PEER_AUDIT && world->house != NULL && !world->dead)
        world->refusals.recorded += refusals_queued(world);
}

/* What stands in core. */

static void watch_refusals(struct world *world, const struct core *core)
{
    if (channel_has_unread(&world->house->channels[PEER_FRONT]))
        return;
    uint64_t told = world->refusals.told,
             have = world->refusals.recorded + core->refusals.unrecorded;
    if (told != have + refusals_queued(world))
        world_wrong(world, "refusals are recorded or counted", "%llu of %llu",
                    (unsigned long long)have, (unsigned long long)told);
}

/* The request is one that front still waits for, if this is front as core knows it. */
static bool is_waited_for(const struct world *world, uint64_t id)
{
    const struct asking *asking = &world->asking;
    size_t at = asking->first + id - 1;
    if (world->house->channels[PEER_FRONT].fd != world->beings[PEER_FRONT].link)
        return true;
    return world->beings[PEER_FRONT].link >= 0 && at >= asking->open && at < asking->count &&
           !asking->asked[at].answered;
}

static void watch_pending(struct world *world, const struct pending *pending, int timeout)
{
    int64_t left = pending->until_ms - world->now_ms;
    if (left <= 0 || timeout < 0 || timeout > left)
        world_wrong(world, "in time", "a place is given up in %lld ms, core sleeps for %d",
                    (long long)left, timeout);
    if (!channel_is_open(&world->house->channels[pending->peer]))
        world_wrong(world, "places are given back", "one waits for %s, which is gone",
                    peer_name(pending->peer));
    if (!is_waited_for(world, pending->front_id))
        world_wrong(world, "nobody hears another's answer", "a place is kept for %llu",
                    (unsigned long long)pending->front_id);
}

static void watch_places(struct world *world, const struct core *core, int timeout)
{
    size_t used = 0, kept = 0, verdicts = 0, kept_held = 0, verdicts_held = 0;
    for (size_t i = 0; i < CORE_PENDING_MAX; i++) {
        const struct pending *pending = &core->pending[i];
        if (pending->id == 0)
            continue;
        used++;
        kept_held += pending->kept != NULL && pending->kept->used;
        verdicts_held += pending->verdict != NULL && pending->verdict->used;
        watch_pending(world, pending, timeout);
    }
    for (size_t i = 0; i < CORE_KEPT_MAX; i++)
        kept += core->kept[i].used;
    for (size_t i = 0; i < CORE_VERDICTS; i++)
        verdicts += core->verdicts[i].used;
    for (size_t i = 0; i < CORE_EVIDENCES; i++)
        verdicts += core->evidences[i].used;
    for (size_t i = 0; i < CORE_TOKENS; i++)
        verdicts += core->issued[i].used;
    for (size_t i = 0; i < CORE_RESULTS; i++)
        verdicts += core->results[i].used;
    if (used != core->pending_count || kept != kept_held || verdicts != verdicts_held)
        world_wrong(world, "places are given back",
                    "%zu of %u wait, %zu of %zu requests kept, %zu of %zu verdicts", used,
                    core->pending_count, kept_held, kept, verdicts_held, verdicts);
}

static void watch_store(struct world *world, const struct core_store *store)
{
    long long have = world->disk.opened, known = world->log.shown;
    if (store->judged && store->reason == REASON_OK && have < known)
        world_wrong(world, "an older store is not used", "%lld, and the log knows %lld", have,
                    known);
}

static void watch_channels(struct world *world)
{
    bool sound = channel_is_sound(&world->house->control);
    for (unsigned peer = PEER_AUDIT; peer < PEER_COUNT; peer++)
        sound = sound && channel_is_sound(&world->house->channels[peer]);
    if (!sound)
        world_wrong(world, "channels are sound", "one is not");
}

void witness_waits(struct world *world, int timeout)
{
    enum { SELDOM = 16 };
    const struct core *core = life_core(world);
    world->steps++;
    if (world->dead)
        return;
    watch_channels(world);
    watch_refusals(world, core);
    watch_store(world, &core->store);
    if (core->pending_count > 0 || world->steps % SELDOM == 0)
        watch_places(world, core, timeout);
}

void witness_commits(struct world *world, const struct image *before, const struct image *after)
{
    bool moved = before->anchor.size != after->anchor.size ||
                 !span_equal(SPAN(before->anchor.root), SPAN(after->anchor.root));
    if (!moved)
        return;
    if (!life_core(world)->store.judged)
        world_wrong(world, "an older store is not used", "it was not judged");
    if (!auditor_extends(world, &before->anchor, &after->anchor))
        world_wrong(world, "the anchor follows one log", "from %lld to %lld",
                    (long long)before->anchor.size, (long long)after->anchor.size);
}

/* When all is well again. */

static bool store_is_well(const struct world *world)
{
    const struct core_store *store = &life_core(world)->store;
    switch ((int)store->reason) {
    case REASON_OK:
        return store->judged && (uint64_t)store->anchor.size + 2 >= world->log.durable;
    case REASON_STORE_ROLLED_BACK:
        return world->disk.old;
    case REASON_STORE_LOG_ROLLED_BACK:
        return world->log.fork > 0;
    default: /* a file that failed is opened again by the next life */
        return world->disk.failed && !world->disk.server;
    }
}

void witness_rests(struct world *world)
{
    const struct core *core = world->house != NULL ? life_core(world) : NULL;
    if (core == NULL) {
        world_wrong(world, "all is well again", "there is no core");
        return;
    }
    front_ends(world);
    watch_places(world, core, 0);
    if (core->pending_count > 0 || core->refusals.unrecorded > 0 || !sessions_are_quiet(core))
        world_wrong(world, "places are given back", "%u wait at the end", core->pending_count);
    if (core->news.logged != core->news.last || world->news.logged != world->news.last)
        world_wrong(world, "the monitor's news are logged", "%llu of %llu",
                    (unsigned long long)world->news.logged, (unsigned long long)world->news.last);
    if (core->cannot_log || !store_is_well(world))
        world_wrong(world, "all is well again", "%s, judged %d, asked %u, anchor %lld of %zu",
                    reason_info(core->store.reason)->name, core->store.judged, core->store.asked,
                    (long long)core->store.anchor.size, world->log.durable);
}

void witness_ends(struct world *world)
{
    int64_t took = world->now_ms - world->stop_ms;
    if (!world->log.news[world->news.last])
        world_wrong(world, "the end is logged", "it is not");
    if (took > CORE_STOP_MS)
        world_wrong(world, "core stops", "after %lld ms", (long long)took);
}
