/* owner.h - asks a house that runs on this machine, over its owner's socket.  Who asks is
   known there by the kernel: no token, no password. */
#ifndef WARD_CMD_OWNER_H
#define WARD_CMD_OWNER_H

#include "base/arena.h"
#include "base/result.h"
#include "base/span.h"
#include "net/tick.h"

enum {
    OWNER_REPLY_MAX = 16 << 20, /* bytes of one answer */
    OWNER_MESSAGE_MAX = 256,
};

struct owner_request {
    const char *state;    /* the state folder */
    const char *method;   /* "GET" */
    const char *target;   /* "/v1/system/version?..." */
    struct span body;     /* JSON; empty for none */
    long timeout_ms;      /* for the whole exchange */
    struct net_tick tick; /* while it waits */
};

struct owner_reply {
    long status;      /* of HTTP */
    struct span body; /* in the arena */
};

/* owner_ask: true when there is an answer, whatever its status.  Otherwise the house is not
   there or did not answer in time, and `message` says why in one line. */
MUST_USE
bool owner_ask(const struct owner_request *request, struct arena *arena, struct owner_reply *out,
               char message[OWNER_MESSAGE_MAX]);

#endif
