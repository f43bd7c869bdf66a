/* house_ask.h - the one way in which commands ask a house that runs: over its owner's socket, with
   the call shown as a curl command when that is wanted, and a refusal said the same everywhere. */
#ifndef WARD_CMD_HOUSE_ASK_H
#define WARD_CMD_HOUSE_ASK_H

#include <stdio.h>

#include "cmd/command.h"
#include "cmd/owner.h"
#include "cmd/progress.h"
#include "model/reason.h"
#include "model/schema.h"

/* house_send sends one request and gives the answer, whatever its status; EXIT_DONE then.
   Otherwise it has said why there is none.

   With --show-curl or --show-needs the call is shown on stdout first.  One that changes
   something (no GET) is not made then: EXIT_DONE, and *reply is an empty 200.  The others are
   made, since what is called next may depend on them; whoever calls prints nothing of the
   answer. */
MUST_USE
enum exit_code house_send(struct invocation *in, const struct owner_request *request,
                          struct arena *arena, struct owner_reply *reply);

/* Of an answer with a status other than 200: its reason, REASON_NONE when it names none that this
   version knows; the exit code; and saying it. */
enum reason house_reason(const struct owner_reply *reply, struct arena *arena);
enum exit_code house_exit_code(long status, enum reason reason);
void house_say_refusal(const struct invocation *in, long status, enum reason reason);

/* house_ask does both: EXIT_DONE with the answer in *reply, its struct in *values; where
   calls are shown *values is not to be looked at.  Otherwise it has said why. */
MUST_USE
enum exit_code house_ask(struct invocation *in, const struct owner_request *request,
                         const struct schema_message *message, void *values,
                         struct owner_reply *reply);

/* house_print_json writes the answer as the house gave it, and a line end. */
MUST_USE
enum exit_code house_print_json(const struct owner_reply *reply);

#endif
