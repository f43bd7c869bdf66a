/* confirm.h - what a command that destroys has in common with every other one: it says what it
   is about to do (--plan), and does it only when somebody agreed - with --yes, or by typing a
   name at the terminal. */
#ifndef WARD_CMD_CONFIRM_H
#define WARD_CMD_CONFIRM_H

#include "cmd/command.h"

/* One step, in the order in which they are done. */
struct plan_step {
    const char *action;      /* "stop", "remove", "replace", "make" */
    const char *target;      /* what it is done to */
    const char *consequence; /* what that means to others; NULL for what goes without saying */
};

/* plan_print writes the steps to stdout: a line each, or with --json one object
   {"done":...,"steps":[...]}.  `done` tells what was done from what would be. */
MUST_USE
enum exit_code plan_print(struct invocation *in, const struct plan_step *steps, size_t count,
                          bool done);

/* What is agreed to. */
struct question {
    const char *loss;  /* a sentence without its full stop: what is gone for good */
    const char *named; /* what the name is of: "the state folder" */
    const char *name;  /* and the name that must be typed */
};

/* confirm asks at the terminal.  False: nobody was there to ask, --no-input forbids it, or the
   name was another one; it has said so, and what to do. */
MUST_USE
bool confirm(const struct invocation *in, const struct question *question);

#endif
