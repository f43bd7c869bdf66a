/* verify.h - is this the log that was written?  Fed line by line from the first to the last,
   with any mixture of rotated files before it, in the memory of one line.

   What it is held against: the chain inside the lines, the leaf hashes that were kept beside
   the log, and signed heads.  Lines alone show every damage but a rewriting of all that
   follows; kept hashes name the exact record; a head that is believed makes both of them
   unforgeable up to its size. */
#ifndef WARD_AUDIT_VERIFY_H
#define WARD_AUDIT_VERIFY_H

#include "audit/chain.h"
#include "audit/read.h"
#include "merkle/proof.h"
#include "model/reason.h"

/* What the log is held against.  {0}: its own chain only. */
struct audit_against {
    const struct merkle_source *kept; /* leaf hashes, or NULL; only `leaves` is used */
    uint64_t kept_count;              /* how many there are */
    const struct merkle_head *heads;  /* believed, in the order of their sizes */
    size_t head_count;
    /* Records under a head whose hash is the kept one are not read: their bytes are those
       that were signed, and that is all that is asked.  Several times faster. */
    bool bytes_only;
};

/* The first thing that is wrong.  REASON_OK as long as nothing is. */
struct audit_finding {
    enum reason reason;
    uint64_t first; /* the first bad record by seq; what is missing has the seq it would have */
    uint64_t last;  /* where the damage cannot be told from one record, it is in first..last */
};

struct audit_verifier {
    struct audit_against against;
    struct audit_reader *reader;
    struct audit_chain chain; /* of the lines so far; a whole log is continued from it */
    struct audit_finding finding;
    size_t heads_met;
    uint64_t agreed; /* the size of the last head that fits */
    bool skipping;   /* no line was given yet */
    size_t batch_count;
    uint64_t batch_first;
    struct merkle_hash batch[MERKLE_BATCH];
};

/* audit_verify_begin starts with the empty log.  The reader and what `against` points to must
   live as long.  Heads out of order, or two of one size with different roots, are the finding
   already. */
void audit_verify_begin(struct audit_verifier *verifier, struct audit_reader *reader,
                        const struct audit_against *against);

/* audit_verify_skip stands for records whose lines are not there any more: their kept hashes
   are taken.  Only before the first line. */
MUST_USE
rc audit_verify_skip(struct audit_verifier *verifier, uint64_t count, struct trail *trail);

/* audit_verify_line takes the next line without its newline.  *record, which may be NULL, is
   written when the line was read (never in bytes_only).  The first failure stays: every later
   call returns it too. */
MUST_USE
rc audit_verify_line(struct audit_verifier *verifier, struct span line, struct audit_record *record,
                     struct trail *trail);

/* audit_verify_torn says that the log ends inside a line: bytes without a newline. */
MUST_USE
rc audit_verify_torn(struct audit_verifier *verifier, struct trail *trail);

/* audit_verify_end: the log ends here.  AUDIT_TRUNCATED when a head or the kept hashes have
   more records. */
MUST_USE
rc audit_verify_end(struct audit_verifier *verifier, struct trail *trail);

#endif
