/* run.c - see world.h: from a seed to what came of it. */
#include <stdio.h>

#include "simulator/world.h"

enum { AGAIN_MS = 100 };

const char *run_seed(struct world *world, uint64_t seed, bool tracing)
{
    world_begin(world, seed, tracing);
    disk_begin(world);
    signers_begin(world);
    monitor_begin(world);
    while (world->wrong == NULL && !world->stopped) {
        rc ended = life_run(world);
        if (world->stopped || world->wrong != NULL)
            break;
        world->lives = rc_ok(ended) ? world->lives + 1 : 0;
        if (!rc_ok(ended) && !world->calm && world_chance(world, 6))
            disk_put_back(world, 1 + world_below(world, IMAGES));
        world_pass(world, world->now_ms + (rc_ok(ended) ? 0 : AGAIN_MS));
    }
    if (world->wrong == NULL)
        witness_ends(world);
    world_note(world, "end", world->log.durable, world->asking.count);
    disk_end(&world->disk);
    world_end(world);
    return world->wrong;
}
