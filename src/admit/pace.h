/* pace.h - how slow a peer may be.  A connection (or an HTTP/2 stream) is in one phase at a
   time, and each phase has an instant by which something must have happened; a timer is set
   to that instant and asks again.  Reads no clock: microseconds of one that does not go back.

   handshake, head: a fixed time from the first byte to the last.  A byte now and then buys
       nothing (slowloris).
   body, reply: a time of grace and a lowest rate since, and never longer than `stall`
       without a byte, so that what was sent fast at first is no credit for a long silence.
   idle: between requests. */
#ifndef WARD_ADMIT_PACE_H
#define WARD_ADMIT_PACE_H

#include "model/reason.h"

enum pace_phase {
    PACE_NONE = 0, /* nothing is waited for: the server's turn */
    PACE_HANDSHAKE,
    PACE_IDLE,
    PACE_HEAD,
    PACE_BODY,
    PACE_REPLY,
};

/* All above 0. */
struct pace_limits {
    uint64_t handshake_us;
    uint64_t idle_us;
    uint64_t head_us;
    uint64_t grace_us;
    uint64_t stall_us;
    uint32_t bytes_per_s;
};

/* 10 s handshake, 75 s idle, 10 s head; grace 5 s, stall 20 s, 500 bytes a second. */
struct pace_limits pace_limits_default(void);
bool pace_limits_are_sound(const struct pace_limits *limits);

/* {0} waits for nothing. */
struct pace {
    enum pace_phase phase;
    uint64_t since_us; /* when the phase began */
    uint64_t last_us;  /* the last byte, or the beginning */
    uint64_t bytes;    /* of the body or the reply */
};

bool pace_is_sound(const struct pace *pace);

/* pace_begin enters a phase.  A phase that is entered again begins anew: the caller does so
   for a new request, not for another piece of one. */
void pace_begin(struct pace *pace, enum pace_phase phase, uint64_t now_us);

/* pace_moved counts bytes that the peer sent (body) or took (reply); 0 bytes are none. */
void pace_moved(struct pace *pace, uint64_t bytes, uint64_t now_us);

/* pace_excuse moves the phase forward by a time in which the server did not read or had nothing
   to write: that is not the peer's delay. */
void pace_excuse(struct pace *pace, uint64_t waited_us);

/* pace_deadline is when to ask again; UINT64_MAX when nothing is waited for. */
uint64_t pace_deadline(const struct pace_limits *limits, const struct pace *pace);

/* pace_judge gives the reason to cut the peer, or REASON_NONE: now is before the deadline. */
enum reason pace_judge(const struct pace_limits *limits, const struct pace *pace, uint64_t now_us);

#endif
