/* crash.c - see crash.h. */
#include "admit/crash.h"

bool crash_log_is_sound(const struct crash_log *log)
{
    for (size_t i = 0; i < CRASHES_MAX; i++) {
        const struct crash *crash = &log->crashes[i];
        if ((crash->peers > 0) != (i < log->count))
            return false;
        for (size_t j = 0; j < crash->peers && j < CRASH_PEERS_MAX; j++) {
            struct address peer = address_peer(&crash->named[j]);
            if (!address_equal(&peer, &crash->named[j]))
                return false;
        }
    }
    return true;
}

static bool names(const struct crash *crash, const struct address *peer)
{
    for (size_t i = 0; i < crash->peers && i < CRASH_PEERS_MAX; i++) {
        if (address_equal(&crash->named[i], peer))
            return true;
    }
    return false;
}

void crash_note(struct crash_log *log, const struct address *in_flight, size_t count,
                uint64_t now_us)
{
    struct crash crash = { .at_us = now_us };
    for (size_t i = 0; i < count; i++) {
        struct address peer = address_peer(&in_flight[i]);
        if (names(&crash, &peer))
            continue;
        if (crash.peers < CRASH_PEERS_MAX)
            crash.named[crash.peers] = peer;
        /* Past the room nobody can be told from those before; it was a crowd anyway. */
        crash.peers += crash.peers <= CRASH_PEERS_MAX ? 1 : 0;
    }
    if (crash.peers == 0)
        return;
    log->crashes[log->count % CRASHES_MAX] = crash;
    log->count++;
}

enum crash_verdict crash_judge(const struct crash_log *log, const struct address *address,
                               uint64_t now_us)
{
    struct address peer = address_peer(address);
    unsigned there = 0, alone = 0;
    for (size_t i = 0; i < CRASHES_MAX && i < log->count; i++) {
        const struct crash *crash = &log->crashes[i];
        bool recent = now_us <= crash->at_us || now_us - crash->at_us < CRASH_MEMORY_US;
        if (!recent || !names(crash, &peer))
            continue;
        there++;
        alone += crash->peers == 1 ? 1 : 0;
    }
    if (alone >= CRASHES_ALONE)
        return CRASH_GUILTY;
    return there > 0 ? CRASH_SUSPECT : CRASH_CLEAR;
}
