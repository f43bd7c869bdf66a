/* sim_agent_serve.h - a simulated guest agent's socket: HTTP/1.1, several callers at once. */
#ifndef WARD_CMD_SIM_AGENT_SERVE_H
#define WARD_CMD_SIM_AGENT_SERVE_H

#include "base/arena.h"
#include "sim/guest.h"

enum {
    AGENT_CALLERS_MAX = 16,    /* at once; others wait in the kernel's queue */
    AGENT_IN_MAX = 4 * 1024,   /* bytes read at once */
    AGENT_ASK_MS = 5 * 1000,   /* from the first byte of a request to the last of its answer */
    AGENT_IDLE_MS = 60 * 1000, /* between two requests of one caller */
};

/* What it is served with; all of it stays the caller's. */
struct sim_agent {
    struct sim_guest *guest;
    int listener; /* non-blocking */
    int signals;  /* a signalfd: it is to end, or the command is */
    int command;  /* the pidfd of the command that it runs for; -1: for nobody */
};

enum sim_agent_end {
    SIM_AGENT_SIGNAL,  /* a signal came; with a command it is passed on, and the agent stays */
    SIM_AGENT_COMMAND, /* the command has ended */
    SIM_AGENT_FAILED,  /* no memory, or the listener broke */
};

/* sim_agent_serve answers until one of these. */
enum sim_agent_end sim_agent_serve(struct arena *arena, const struct sim_agent *agent);

#endif
