/* h2_abuse.h - what a peer of HTTP/2 may do how often.  Counts frames itself, from the bytes,
   before any library has looked at them: a flood is seen before it costs anything.  Time is an
   argument; nothing allocates. */
#ifndef WARD_HTTP_H2_ABUSE_H
#define WARD_HTTP_H2_ABUSE_H

#include "base/result.h"
#include "base/span.h"
#include "http/h2_recent.h"

enum h2_habit {
    H2_RESET,        /* RST_STREAM of the peer: rapid reset (CVE-2023-44487) */
    H2_SERVER_RESET, /* RST_STREAM that the peer made us send (CVE-2025-8671) */
    H2_SETTINGS,
    H2_PING,
    H2_WINDOW,     /* WINDOW_UPDATE, less what our DATA called for */
    H2_EMPTY_DATA, /* DATA that brings nothing and ends nothing */
    H2_PRIORITY,
    H2_CONTINUATION,
    H2_EXPANSION, /* headers that are far larger than what was sent */
    H2_UNKNOWN,   /* frames of no known type */
    H2_HABITS
};

/* So many at once, and so many a second in the long run. */
struct h2_allowance {
    uint32_t burst;
    uint32_t per_second;
};

extern const struct h2_allowance h2_allowances[H2_HABITS];

/* CONTINUATION frames of one header block. */
enum { H2_CONTINUATIONS_MAX = 7 };

struct h2_watch {
    uint64_t last_ms;
    uint32_t level[H2_HABITS]; /* thousandths */
    uint32_t skip;             /* bytes of the current frame still to come */
    uint8_t preface_left;
    uint8_t have; /* bytes of the next frame's head */
    uint8_t continuations;
    uint8_t head[9];
    enum h2_habit broken; /* which one was too often */
    struct h2_recent recent;
    enum h2_standing standing; /* of the last frame */
};

void h2_watch_init(struct h2_watch *watch, uint64_t now_ms);

/* h2_watch_bytes looks at bytes of the connection as they come.  False from the frame on that was
   one too many, or not in good standing. */
MUST_USE
bool h2_watch_bytes(struct h2_watch *watch, uint64_t now_ms, struct span bytes);

/* h2_watch_count counts what only others can see. */
MUST_USE
bool h2_watch_count(struct h2_watch *watch, uint64_t now_ms, enum h2_habit habit);

/* h2_watch_credit takes back what the peer was asked for: our DATA calls for WINDOW_UPDATE. */
void h2_watch_credit(struct h2_watch *watch, enum h2_habit habit, uint32_t count);

/* h2_habit_name never returns NULL; for logs. */
const char *h2_habit_name(enum h2_habit habit);

#endif
