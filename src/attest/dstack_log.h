/* dstack_log.h - the JSON log of dstack: an array of {imr, event_type, digest, event,
   event_payload} with an optional "version" (2, absent is 1).  Boot events (imr 0..2) replay by
   their digest alone.  Run-time events (type 0x08000001, imr 3) replay by a digest that is
   computed again from name and payload; a "lite" log leaves that digest empty.  Other members
   are not looked at. */
#ifndef WARD_ATTEST_DSTACK_LOG_H
#define WARD_ATTEST_DSTACK_LOG_H

#include "attest/eventlog.h"

enum {
    DSTACK_RUNTIME_EVENT = 0x08000001,
    DSTACK_BOOT_NAMES_MAX = 64, /* run-time events before "system-ready" */
};

/* dstack_log_verify judges AE-8..AE-11; the contract is that of eventlog_verify.  Values are
   those of the run-time events before "system-ready", each name once: "app-id" becomes app_id.
   Events without a payload are marks and give none. */
void dstack_log_verify(struct span log, const struct claims *quote, struct arena *scratch,
                       struct report *report, struct log_claims *out);

#endif
