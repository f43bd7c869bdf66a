/* keyring_ask.h - what the `ward keyring` commands share: asking the house over the owner's
   socket, and saying why it did not do what was asked. */
#ifndef WARD_CMD_KEYRING_ASK_H
#define WARD_CMD_KEYRING_ASK_H

#include "cmd/command.h"
#include "model/schema.h"
#include "net/owner.h"

/* keyring_ask: EXIT_DONE with the answer in *reply, its struct in *values.  Otherwise it has
   said why. */
enum exit_code keyring_ask(struct invocation *in, const struct owner_request *request,
                           const struct schema_message *message, void *values,
                           struct owner_reply *reply);

/* keyring_print_json writes the answer as the house gave it, and a line end. */
enum exit_code keyring_print_json(const struct owner_reply *reply);

#endif
