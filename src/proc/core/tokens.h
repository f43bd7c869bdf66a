/* tokens.h - miners' tokens: how one is issued, used up for a request, and what becomes of that
   request.  Part of core.h. */
#ifndef WARD_PROC_CORE_TOKENS_H
#define WARD_PROC_CORE_TOKENS_H

#include "base/arena.h"
#include "ipc/door.h"
#include "model/reason.h"
#include "token/miner_list.h"

struct core;
struct pending;
struct request;

/* tokens.c: one is given out when the record of it is durable. */
void core_issue_token(struct core *core, const struct request *request);
enum reason core_token_keys(struct core *core, const struct request *request, struct arena *scratch,
                            struct sink *answer);
MUST_USE
rc core_on_miner_signed(struct trail *trail, void *core, struct call *call);

/* tokens_step asks the keeper for the keys when they are not known; says when to be called again.
   tokens_changed: they may be others now.  tokens_keyring takes the answer to that question; false
   when it is none. */
int64_t tokens_step(struct core *core, int64_t now_ms);
void tokens_changed(struct core *core);
MUST_USE
bool tokens_keyring(struct core *core, struct call *call);

/* redeem.c: a token is used up, and the house vouches for the request. */
void core_redeem_token(struct core *core, const struct request *request);
void core_redeemed(struct core *core, struct pending *pending, struct span signature);

/* miners.c: core_miners_read reads the list of miners that was handed over, if one was; false: it
   is none, and the one in force stays.  core_miners_tell has that logged.  core_miners_let_in gives
   the list, NULL where the owner has set none; HOUSE_UNAVAILABLE: one is set, and none was read. */
MUST_USE
bool core_miners_open(struct core *core);
MUST_USE
bool core_miners_read(struct core *core);
void core_miners_tell(struct core *core);
MUST_USE
enum reason core_miners_let_in(const struct core *core, const struct miner_list **out);

/* passages.c: requests that are passed on.  core_pass_on has dial connect front with a challenge,
   for the request of this id; REASON_OK, or why not.  core_on_passed_on is the door for how it
   went. */
enum reason core_pass_on(struct core *core, struct span challenge, uint64_t front_id);
MUST_USE
rc core_on_passed_on(struct trail *trail, void *core, struct call *call);

/* passages_are_well: the last request to each came back with an answer; else the reason of one of
   those whose did not. */
enum reason passages_are_well(const struct core *core);

#endif
