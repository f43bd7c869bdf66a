/* life.c - see world.h: one life of core, as house.c leads it, without the jail: what is behind
   the doors, the loop and the timers are core's own.  The process itself is here, its main()
   under another name. */
#include <stdio.h>

#include "proc/serve.h"
#include "simulator/world.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/core/main.c"
#undef main

struct core *life_core(const struct world *world)
{
    return world->house->self;
}

static bool make_channels(struct house *house)
{
    const struct process *process = house->process;
    if (!channel_init(&house->control, &house->arena, PEER_MONITOR, CHANNEL_MORE_TRUSTED))
        return false;
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        enum channel_trust trust = (process->trusts & IN(peer)) != 0 ? CHANNEL_MORE_TRUSTED
                                                                     : CHANNEL_LESS_TRUSTED;
        house->channels[peer].fd = -1;
        if ((process->peers & IN(peer)) != 0 &&
            !channel_init(&house->channels[peer], &house->arena, peer, trust))
            return false;
    }
    return true;
}

/* Channels to all that live, and then the monitor's news. */
static void connect_all(struct world *world, struct house *house)
{
    world->beings[PEER_MONITOR].link = -1;
    channel_attach(&house->control, world_link(world, PEER_MONITOR));
    for (unsigned peer = PEER_AUDIT; peer < PEER_COUNT; peer++) {
        if (peer != PEER_CORE && world->beings[peer].alive)
            channel_attach(&house->channels[peer], world_link(world, (enum peer)peer));
    }
}

static rc live(struct trail *trail, struct world *world, struct house *house)
{
    bool reached = false;
    arena_init(&house->arena, house->process->memory);
    house->self = arena_alloc(&house->arena, house->process->size);
    if (house->self == NULL || !make_channels(house))
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    connect_all(world, house);
    world->house = house;
    TRY(trail, house->process->before_jail(trail, house->self, house));
    TRY(trail, house->process->reach_out(trail, house->self, &reached));
    monitor_tells_all(world);
    return house_serve(trail, house);
}

/* What it had open goes with it; those at the other ends see that. */
static void bury(struct world *world, struct house *house)
{
    world->stopped = world->stopping;
    world->dead = true;
    if (house->self != NULL)
        store_close(&life_core(world)->store.store);
    world->house = NULL;
    world_listen(world, PEER_MONITOR);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        world_unlink(world, world->beings[peer].link);
        channel_close(&house->channels[peer]);
    }
    channel_close(&house->control);
    front_loses_core(world);
    arena_fini(&house->arena);
}

rc life_run(struct world *world)
{
    struct trail trail = { 0 };
    struct house house = { .process = &core_process,
                           .settings = {
                               .state = "/nowhere", .store = "sqlite", .lives = world->lives } };
    for (unsigned file = 0; file < FILE_COUNT; file++)
        house.files[file] = -1;
    if (world->disk.server)
        snprintf(house.settings.store, sizeof house.settings.store, "host=nowhere");
    world->dead = world->again = world->reloading = false;
    world->disk.failed = false;
    world->refusals = (struct refusals){ 0 };
    world->core_lives++;
    world_note(world, "core begins", world->core_lives, 0);
    rc ended = live(&trail, world, &house);
    bool killed = world->dead;
    bury(world, &house);
    if (rc_class_of(ended) == RC_BUG || (!killed && !rc_ok(ended)))
        world_wrong(world, "core ends only when it is told", "%s %#x in %s",
                    rc_class_name(rc_class_of(ended)), rc_number(ended),
                    trail.count > 0 ? trail.frames[0].function : "?");
    else if (!killed && !world->again && !world->stopping)
        world_wrong(world, "core ends only when it is told", "it was not");
    return killed ? FAIL(NULL, RC_WORLD, HOUSE_E_MONITOR) : ended;
}
