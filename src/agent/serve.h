/* serve.h - the socket of a guest agent of dstack's kind: HTTP/1.1, several callers at once. */
#ifndef WARD_AGENT_SERVE_H
#define WARD_AGENT_SERVE_H

#include "base/arena.h"
#include "base/sink.h"

enum {
    AGENT_CALLERS_MAX = 16,    /* at once; others wait in the kernel's queue */
    AGENT_IN_MAX = 4 * 1024,   /* bytes read at once */
    AGENT_ASK_MS = 5 * 1000,   /* from the first byte of a request to the last of its answer */
    AGENT_IDLE_MS = 60 * 1000, /* between two requests of one caller */
    AGENT_WAITS = 2,
};

/* Answers one request (codec/guest_agent.h): appends JSON, and gives its HTTP status.  Nobody else
   is served meanwhile. */
typedef unsigned agent_answer_fn(void *arg, struct span path, struct span body, struct sink *out);

/* What it is served with; all of it stays the caller's. */
struct agent {
    agent_answer_fn *answer;
    void *arg;
    int listener;           /* non-blocking */
    int waits[AGENT_WAITS]; /* what it is to be left for when it is readable; -1: nothing */
};

enum agent_end {
    AGENT_FIRST, /* waits[0] is readable, */
    AGENT_SECOND,
    AGENT_FAILED, /* the listener broke */
};

struct agent_serving;

/* agent_open makes what it takes to serve; NULL: no memory. */
struct agent_serving *agent_open(struct arena *arena, const struct agent *agent);

/* agent_serve answers until one of these; it may be called again then. */
enum agent_end agent_serve(struct agent_serving *serving);

/* agent_close hangs up on all callers. */
void agent_close(struct agent_serving *serving);

#endif
