/* ward/log.h - is this record in that log?  For somebody who has a published head of a Ward
   security log, the log's public key, and what `ward audit prove` or the API gave.

       struct ward_log_trust trust = { .key = "ward.local/5d41...+a1b2c3d4+AV..." };
       struct ward_log_head head;
       uint8_t leaf[WARD_LOG_HASH];
       ward_log_leaf(record, leaf);
       if (ward_log_check_head(note, &trust, &head, &error) == WARD_DONE &&
           ward_log_check_inclusion(&head, seq, leaf, &proof, &error) == WARD_DONE) ...

   Hashes and proofs are those of RFC 9162 over SHA-256, a head is a C2SP checkpoint signed with
   Ed25519.  Nothing here allocates, reads a clock or keeps state: all functions may be called by
   any number of threads.  Whatever is refused is WARD_BAD_INPUT, and the error's message begins
   with a stable code ("AUDIT_PROOF_INVALID: ..."). */
#ifndef WARD_LOG_H
#define WARD_LOG_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WARD_LOG_HASH = 32,
    WARD_LOG_HEAD_BYTES = 64 * 1024, /* a longer note is refused */
    WARD_LOG_PROOF_HASHES = 64,      /* and a longer proof */
    WARD_LOG_WITNESSES = 16,         /* and more witnesses than these */
};

/* ward_log_leaf writes the leaf hash of a record: its line as it stands in the log, without the
   newline. */
WARD_API void ward_log_leaf(struct ward_bytes record, uint8_t leaf[WARD_LOG_HASH]);

/* Whose word is believed.  Zero it, then set what applies; all of it is borrowed.  Keys are texts
   of the form NAME+ID+BASE64 (c2sp.org/signed-note). */
struct ward_log_trust {
    const char *key;              /* of the log, whose name is its origin */
    const char *const *witnesses; /* cosignature/v1 keys, or NULL */
    size_t witness_count;
    size_t witnesses_needed; /* how many of them must have signed; each key counts once */
    int64_t oldest, newest;  /* when they may have signed, seconds since 1970 UTC; newest 0: at
                                any time */
};

/* The beginning of a log: how many records, and the root of the tree of their hashes. */
struct ward_log_head {
    uint64_t size;
    uint8_t root[WARD_LOG_HASH];
};

/* ward_log_check_head reads a signed head and judges its signatures.  AUDIT_HEAD_INVALID,
   AUDIT_HEAD_SIGNATURE or AUDIT_WITNESS_QUORUM; a key that is none is AUDIT_HEAD_SIGNATURE. */
WARD_API WARD_MUST_USE enum ward_outcome ward_log_check_head(struct ward_bytes note,
                                                             const struct ward_log_trust *trust,
                                                             struct ward_log_head *out,
                                                             struct ward_error *error);

/* A proof: `count` hashes of 32 bytes, one behind the other.  `hashes` may be NULL when there
   are none. */
struct ward_log_proof {
    const uint8_t *hashes;
    size_t count;
};

/* ward_log_check_inclusion: the record with this number and leaf hash is under the head (RFC
   9162 2.1.3).  AUDIT_PROOF_INVALID otherwise. */
WARD_API WARD_MUST_USE enum ward_outcome ward_log_check_inclusion(
    const struct ward_log_head *head, uint64_t seq, const uint8_t leaf[WARD_LOG_HASH],
    const struct ward_log_proof *proof, struct ward_error *error);

/* ward_log_check_consistency: the older head's records are the first of the newer one's (RFC 9162
   2.1.4).  AUDIT_PROOF_INVALID otherwise; AUDIT_FORK when both are of one size and differ: keep
   the two signed notes then, they are the proof that the log has told two stories. */
WARD_API WARD_MUST_USE enum ward_outcome ward_log_check_consistency(
    const struct ward_log_head *older, const struct ward_log_head *newer,
    const struct ward_log_proof *proof, struct ward_error *error);

#ifdef __cplusplus
}
#endif
#endif
