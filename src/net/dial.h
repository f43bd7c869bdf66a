/* dial.h - a TCP connection to a host, by a deadline that bounds all of it: the name's
   resolution and every address that is tried.

   Addresses are not asked one after another: one that is silent has a head start and no more
   (RFC 8305, "Happy Eyeballs": section 5). */
#ifndef WARD_NET_DIAL_H
#define WARD_NET_DIAL_H

#include <poll.h>

#include "net/resolve.h"

/* DIAL_HEAD_START_MS: how long an address is waited for before the next is tried beside it.
   DIAL_MESSAGE: bytes of a message, its NUL counted. */
enum { DIAL_HEAD_START_MS = 250, DIAL_MESSAGE = 160 };

/* Attempts under way at the addresses of one name, for who waits for several such names at once. */
struct race {
    struct addresses addresses;
    struct pollfd at[ADDRESSES_MAX]; /* wait for these of `begun`; an fd of -1 is none */
    size_t begun;
    size_t most; /* that are tried beside one another */
    int64_t deadline_ms;
    /* private */
    size_t running;
    int64_t next_ms; /* when the next address has its turn */
    int failure;     /* errno of the last that failed */
    bool late;
    int winner;
};

/* race_begin takes at least one address; nothing is connected before the first step.  race_step
   looks at what poll has said of `at`; true when the race is over: race_take_winner then moves out
   a connected, non-blocking descriptor, or gives -1, and race_fault is the errno that says why.
   race_due: when the next step is due, whatever poll says.  race_end gives up. */
void race_begin(struct race *race, const struct addresses *addresses, int64_t deadline_ms);
MUST_USE
bool race_step(struct race *race, int64_t now_ms);
int race_take_winner(struct race *race);
int race_fault(const struct race *race);
int64_t race_due(const struct race *race);
void race_end(struct race *race);

/* dial gives a connected, non-blocking descriptor in *out.  Otherwise `message` says in one line
   why not, and *out is untouched. */
MUST_USE bool dial(const struct resolve_request *request, int *out, char message[DIAL_MESSAGE]);

#endif
