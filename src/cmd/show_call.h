/* show_call.h - a call that a command makes, shown instead of what it answers: as a curl command
   (--show-curl), as the permission that it needs (--show-needs), or both.  What a call to the house
   needs is read from the table that the house itself asks (proc/routes.h). */
#ifndef WARD_CMD_SHOW_CALL_H
#define WARD_CMD_SHOW_CALL_H

#include "cmd/command.h"
#include "cmd/owner.h"

/* shows_calls: whoever calls prints nothing of an answer. */
bool shows_calls(const struct invocation *in);

void show_call_of_house(const struct invocation *in, const struct owner_request *request);

/* One GET of a URL of somebody else's.  What is NULL is left out. */
struct call_get {
    const char *url, *proxy, *ca_file;
    long timeout_ms;
};
void show_call_of_get(const struct invocation *in, const struct call_get *get);

#endif
