/* tick.h - what is called every now and then while something of net/ waits for a peer: for
   whoever shows that it still does. */
#ifndef WARD_NET_TICK_H
#define WARD_NET_TICK_H

#include <stddef.h>

struct net_tick {
    void (*call)(void *arg); /* NULL: never */
    void *arg;
};

static inline void net_tick(const struct net_tick *tick)
{
    if (tick->call != NULL)
        tick->call(tick->arg);
}

#endif
