/* audit_client.h - how a process has something logged: a record as it is filled by
   audit/record.h, types and all, so that what is a secret is a secret at the other end too
   and never travels.

       struct audit_record record = audit_record_of(AUDIT_EVENT_KEY_CREATE, AUDIT_SUCCESS, 0);
       audit_set_actor(&record, AUDIT_SYSTEM, span_text("keeper"));
       audit_set_resource(&record, key_id);
       audit_add_text(&record, "key_id", key_id);
       audit_add_text(&record, "kind", kind);
       TRY(trail, audit_client_append(trail, channel, &record, &id));
       ... later, a MSG_AUDIT_APPENDED with that id ...
       if (!audit_client_appended(&call->body, &seq))   refuse what was to be logged

   The time of a record is the audit process's own. */
#ifndef WARD_PROC_AUDIT_CLIENT_H
#define WARD_PROC_AUDIT_CLIENT_H

#include "audit/record.h"
#include "ipc/channel.h"

/* Bytes of a record on its way, at most: texts are cut to what a line takes of them. */
enum {
    AUDIT_CLIENT_BODY = 24 + 3 * 4 + AUDIT_ACTOR_ID_MAX + AUDIT_RESOURCE_MAX + AUDIT_ADDRESS_MAX +
                        AUDIT_DETAILS_MAX * (AUDIT_DETAIL_NAME_MAX + AUDIT_DETAIL_MAX + 12)
};

/* audit_client_append queues the record as a question with a new id on the channel to the audit
   process.  AUDIT_RECORD_INVALID (RC_BUG) for a record that cannot be one; RC_BUSY or RC_WORLD
   when the process is stuck or gone: what must be logged is then refused. */
MUST_USE
rc audit_client_append(struct trail *trail, struct channel *channel,
                       const struct audit_record *record, uint64_t *id);

/* audit_client_appended reads the body of MSG_AUDIT_APPENDED: true, with the record's number,
   when the record is durable.  Everything else means that it was not logged. */
MUST_USE
bool audit_client_appended(struct cursor *body, uint64_t *seq);

/* Why it was not logged, as far as the audit process says. */
enum audit_refused {
    AUDIT_REFUSED = 0,    /* this record, or for now */
    AUDIT_REFUSED_DISK,   /* the disk does not take it: it resumes by itself */
    AUDIT_REFUSED_GONE,   /* a file of the log was moved, removed or replaced */
    AUDIT_REFUSED_DAMAGED /* what lies there is not what was written */
};

/* audit_client_refused reads the same body, for what was not appended. */
MUST_USE
enum audit_refused audit_client_refused(struct cursor body);

/* audit_client_put and audit_client_get are the two ends of a body.  What was read views the
   body.  False when it is not a record's, or does not fit. */
MUST_USE
bool audit_client_put(struct sink *body, const struct audit_record *record);
MUST_USE
bool audit_client_get(struct cursor *body, struct audit_record *out);

#endif
