/* audit_follow.h - whose heads they are: the key that the reader knows, followed through every
   hand-over that the log holds while its lines are read. */
#ifndef WARD_CMD_AUDIT_FOLLOW_H
#define WARD_CMD_AUDIT_FOLLOW_H

#include <stdio.h>

#include "audit/read.h"
#include "audit/succession.h"
#include "audit/verify.h"
#include "cmd/audit_log.h"

struct audit_follower {
    struct audit_key key;
    struct audit_succession keys;
    struct audit_reader *reader;
    struct merkle_source kept; /* .leaves NULL: hashes are put into the spool as they come */
    FILE *spool;
    struct audit_finding finding; /* of a hand-over */
};

/* audit_follow_begin: a key that is good for any origin takes that of the heads.  `kept`, which
   may be NULL, has the hash of every line that will be read.  False when a file for them cannot
   be had; that was said. */
MUST_USE
bool audit_follow_begin(struct audit_follower *follower, const struct audit_key *key,
                        const struct audit_heads *heads, const struct merkle_source *kept);
void audit_follow_end(struct audit_follower *follower);

/* audit_follow_line takes a line that the verifier has found to be sound, and its leaf hash.
   False when something is wrong with a hand-over (in the finding), or a hash could not be
   kept. */
MUST_USE
bool audit_follow_line(struct audit_follower *follower, struct span line, uint64_t seq,
                       const struct merkle_hash *leaf);

/* audit_follow_kept takes the hand-overs of records before `first`, whose files were removed: they
   are kept beside the heads, and each counts where the tree has it.  Before the first line; not
   without kept hashes. */
MUST_USE
bool audit_follow_kept(struct audit_follower *follower, const struct audit_heads *heads,
                       uint64_t first);

/* audit_follow_heads: after the last line.  Every head must be signed by the key that reigned
   then; heads before the first of the key that is known only have to be of this log, as that one
   covers them.  `wanted`, which may be empty, is the head that the reader asked for himself. */
enum reason audit_follow_heads(struct audit_follower *follower, const struct audit_heads *heads,
                               struct span wanted);

#endif
