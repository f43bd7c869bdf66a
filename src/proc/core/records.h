/* records.h - what core has logged, and how it asks for a record. */
#ifndef WARD_PROC_CORE_RECORDS_H
#define WARD_PROC_CORE_RECORDS_H

#include "proc/core/core.h"

/* core_not_logged: whoever asked for a record is refused, for nobody says that it is durable.
   core_can_log: nobody was lately. */
void core_not_logged(struct core *core);
bool core_can_log(const struct core *core);

/* core_must_log: the owner's call of this method is answered only when it is in the log. */
bool core_must_log(enum method method);

/* core_log_access asks for the record of such a call; *id is the question's. */
MUST_USE
bool core_log_access(struct core *core, const struct request *request, uint64_t *id);

/* core_log_verdict asks for the record of a verdict over evidence. */
MUST_USE
bool core_log_verdict(struct core *core, const struct request *request, enum audit_outcome outcome,
                      struct span reason, bool hardware, uint64_t *id);

/* core_log_evidence asks for the record of evidence that the house made of itself. */
MUST_USE
bool core_log_evidence(struct core *core, const struct request *request,
                       const uint8_t report_data[64], uint64_t *id);

/* core_log_token asks for the record of a token that was signed. */
MUST_USE
bool core_log_token(struct core *core, const struct request *request,
                    const struct miner_claims *claims, uint64_t *id);

/* core_log_result asks for the record of a result that was signed, with the evidence that is in it;
   digest: SHA-256 of the whole. */
struct job_result;
MUST_USE
bool core_log_result(struct core *core, const struct verdict *place,
                     const struct job_result *result, const uint8_t digest[SHA256_LEN],
                     uint64_t *id);

/* core_log_token_refused: a token was shown for this challenge that is not good.  The answer does
   not wait. */
void core_log_token_refused(struct core *core, const struct request *request, enum reason reason,
                            struct span challenge);

/* core_log_miners: the list that was read last is in force, or is none. */
void core_log_miners(struct core *core);

/* core_log_refusal: somebody asked for what is the owner's, or a session's, or signed what does
   not hold.  The answer does not wait. */
void core_log_refusal(struct core *core, const struct request *request, enum reason reason);

/* refusals_may_record: there may be one more record in this second, which it then is. */
bool refusals_may_record(struct core_refusals *refusals, uint32_t most);

/* core_record_refusal asks for the record of a refusal, with the number of those that have none;
   one too many, and one that the log does not take, is one of them from then on.  False: it is. */
bool core_record_refusal(struct core *core, struct audit_record *record,
                         struct core_refusals *refusals, uint64_t *unrecorded);

/* core_append asks for a record; *id is the question's. */
MUST_USE
bool core_append(struct core *core, const struct audit_record *record, uint64_t *id);

/* core_method_name: as gRPC has it; of profile sdk-v1 the path. */
struct span core_method_name(enum method method);

/* session_records.c: what is logged of sessions.  A grant's and an ending's record is durable
   before it is answered; *id is the question's.  That there was no session, or that one is over,
   waits for nothing. */
MUST_USE
bool core_log_grant(struct core *core, const struct session_setup *setup,
                    const struct store_session *session, uint64_t *id);
MUST_USE
bool core_log_ending(struct core *core, const struct request *request, uint64_t *id);
void core_log_grant_refused(struct core *core, const struct session_setup *setup,
                            enum reason reason);
void core_log_session_end(struct core *core, const struct store_session *session, struct span why);

/* core_log_unrecorded records the last of those that were only counted, with their number,
   when their second is over; says when that is. */
int64_t core_log_unrecorded(struct core *core, int64_t now_ms);
MUST_USE
rc core_on_refused(struct trail *trail, void *core, struct call *call);

/* core_log_collateral asks for the record that a piece is kept, or was refused for a reason. */
MUST_USE
bool core_log_collateral(struct core *core, const struct core_piece *piece, enum reason reason,
                         struct span detail, uint64_t *id);

/* core_log_peer has it logged that a peer's connection is open, over, or could not be; a reason
   goes with the latter two.  Nobody waits for it. */
void core_log_peer(struct core *core, const struct peer_settings *peer, enum audit_event event,
                   struct span reason);

/* core_log_passed_on has it logged why a challenge had no answer; false: there is no place for it
   in this second, or no log, and it was counted. */
MUST_USE
bool core_log_passed_on(struct core *core, const struct peer_settings *peer, enum reason reason);

/* core_log_mark asks for the record that the store is of this generation. */
MUST_USE
bool core_log_mark(struct core *core, int64_t generation, uint64_t *id);

/* core_log_happening asks for the record of something that the monitor saw. */
MUST_USE
bool core_log_happening(struct core *core, const struct happening *happening, uint64_t *id);

#endif
