/* chain.h - what makes records a log: each has the number of its place and the hash of the
   line before it, and all of them are the leaves of one Merkle tree.

   The leaf hash of merkle/tree.h over the line without its newline is both: `prev` of the
   next record, and what the tree holds.  The first record has seq 0 and a prev of zeros. */
#ifndef WARD_AUDIT_CHAIN_H
#define WARD_AUDIT_CHAIN_H

#include "audit/record.h"
#include "merkle/proof.h"

/* {0} is the empty log.  About 2 KiB: a copy taken before a group of records is the way back
   when the group could not be made durable. */
struct audit_chain {
    struct merkle_hash last; /* the leaf hash of the last record; zeros before the first */
    struct merkle_tree tree; /* its size is the number of records */
};

/* audit_chain_seal gives the record its place, appends its line and a newline to `out` and
   writes its leaf hash.  On failure (that of audit_write) chain, sink and *leaf are as they
   were; the record's seq and prev may have been set. */
MUST_USE
rc audit_chain_seal(struct audit_chain *chain, struct audit_record *record, struct sink *out,
                    struct merkle_hash *leaf, struct trail *trail);

/* audit_chain_take adds a record by its leaf hash alone, as when a log is opened again from
   its kept hashes.  False when no log can be that long. */
MUST_USE
bool audit_chain_take(struct audit_chain *chain, const struct merkle_hash *leaf);

/* audit_chain_head is what the keeper is asked to sign. */
void audit_chain_head(const struct audit_chain *chain, struct merkle_head *out);

#endif
