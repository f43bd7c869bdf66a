/* succession.h - which key of a log may have signed which of its heads, for a reader who knows
   one of them.

   A key that is rotated signs one more note: the last head that it signed, with the line
   `ward-log-key BASE64`, which names its heir.  The note stands as the detail `handover` in a
   record key.rotate (docs/adr/0016).  Fed with the records of a sound log in their order, this
   follows the notes from the key that is known to the one that signs now.

   A note that stands before anything that the known key has to do with is of its ancestors, and
   is not judged; it is told from a forged one by the note that names the known key.  Ed25519 is
   a function that the caller gives. */
#ifndef WARD_AUDIT_SUCCESSION_H
#define WARD_AUDIT_SUCCESSION_H

#include "audit/record.h"
#include "merkle/checkpoint_judge.h"
#include "model/reason.h"

enum { AUDIT_REIGNS = 64 }; /* a keyring has no more keys, and forgets none of a log */

struct audit_reign {
    uint8_t public_key[CHECKPOINT_KEY_LEN];
    uint64_t from; /* the size of the last head of the key before */
};

struct audit_succession {
    const struct checkpoint_verifier *verifier;
    size_t origin_len; /* 0: any, until a note of the key that is known says one */
    uint8_t origin[CHECKPOINT_NAME_MAX];
    size_t count;
    struct audit_reign reigns[AUDIT_REIGNS];
    bool begun;          /* a note that has to do with the known key was met */
    enum reason waiting; /* what a note that may be an ancestor's is otherwise, or REASON_OK */
    uint64_t waiting_seq;
};

/* audit_succession_begin: the key that is known.  Its name is the log's origin, or empty when
   only the key is known.  The verifier must live as long. */
void audit_succession_begin(struct audit_succession *succession, const struct checkpoint_key *known,
                            const struct checkpoint_verifier *verifier);

/* audit_succession_may_be: the line may hold a note; others need not be read. */
bool audit_succession_may_be(struct span line);

/* audit_succession_is: the record says that the log's key was rotated. */
bool audit_succession_is(const struct audit_record *record);

/* audit_succession_take looks at a record that was read from a line; `leaves` has the hashes of
   all records before it.  AUDIT_HANDOVER_INVALID: the note is none, is not signed by the key
   that reigned, or is of another tree.  AUDIT_HANDOVER_MISSING: the log's key was rotated
   without one.  RC_WORLD: a hash cannot be read. */
MUST_USE
rc audit_succession_take(struct audit_succession *succession, const struct audit_record *record,
                         const struct merkle_source *leaves, struct trail *trail);

/* audit_succession_end: there are no more records.  Fails as audit_succession_take for a note
   that was no ancestor's; *seq is its record then. */
MUST_USE
rc audit_succession_end(const struct audit_succession *succession, uint64_t *seq,
                        struct trail *trail);

/* Who has signed a head, as far as this log's keys are known. */
enum audit_signer {
    AUDIT_SIGNER_NONE = 0, /* nobody who is known */
    AUDIT_SIGNER_PAST,     /* a key that had been handed on, or had no part in it yet */
    AUDIT_SIGNER_REIGNING,
};

enum audit_signer audit_succession_signer(const struct audit_succession *succession,
                                          const struct checkpoint *head);

#endif
