/* serve.h - the loop of a process in its jail; for house.c only. */
#ifndef WARD_PROC_SERVE_H
#define WARD_PROC_SERVE_H

#include "proc/house.h"

/* house_serve returns when the monitor said STOP and nothing is under way, or with what went
   wrong: RC_BUG is for a crash, anything else for an end that the monitor sees. */
MUST_USE
rc house_serve(struct trail *trail, struct house *house);

/* house_take_file takes a file over in place of the one before. */
MUST_USE
rc house_take_file(struct trail *trail, struct house *house, struct cursor *body);

/* house_take_peer attaches a new channel to a peer. */
MUST_USE
rc house_take_peer(struct trail *trail, struct house *house, const struct frame *frame);

#endif
