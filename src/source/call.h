/* call.h - one request over a unix socket, and its answer, by a deadline: of an agent, or of a
   house that its owner asks. */
#ifndef WARD_SOURCE_CALL_H
#define WARD_SOURCE_CALL_H

#include "base/arena.h"
#include "base/span.h"
#include "http/message.h"
#include "source/source.h"

struct source_call {
    const char *socket; /* its path, */
    const char *name;   /* and what it is called in words */
    enum http_method method;
    const char *target;
    struct span body;        /* JSON; empty for none */
    size_t answer_max;       /* bytes of the body of an answer */
    int64_t until_ms;        /* by the monotonic clock */
    void (*tick)(void *arg); /* called every now and then while it waits; NULL: never */
    void *arg;
};

struct source_reply {
    unsigned status;
    struct span body; /* in the arena */
};

/* source_call: true when there is an answer, whatever its status; *out is untouched otherwise. */
MUST_USE
bool source_call(const struct source_call *call, struct arena *arena, struct source_reply *out,
                 struct source_problem *problem);

#endif
